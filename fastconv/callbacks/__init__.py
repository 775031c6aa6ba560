"""What happens beside training: stopping, learning rates, logs and the progress bar.

Map: ``callback`` (the hooks), ``callback_list`` (many as one), ``monitor`` (what watching needs), and one
file for each kind.
"""

from fastconv.callbacks.backup_and_restore import BackupAndRestore
from fastconv.callbacks.callback import Callback
from fastconv.callbacks.callback_list import CallbackList
from fastconv.callbacks.csv_logger import CSVLogger
from fastconv.callbacks.early_stopping import EarlyStopping
from fastconv.callbacks.history import History
from fastconv.callbacks.lambda_callback import LambdaCallback
from fastconv.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from fastconv.callbacks.model_checkpoint import ModelCheckpoint
from fastconv.callbacks.progbar_logger import ProgbarLogger
from fastconv.callbacks.refused import OrbaxCheckpoint, RemoteMonitor, TensorBoard  # noqa: F401
from fastconv.callbacks.swap_ema_weights import SwapEMAWeights
from fastconv.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
]
