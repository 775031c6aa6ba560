"""Floor 5: models.

``sequential`` is the chain of layers, ``functional`` a graph of them (``graph``: its calls as a list), ``model`` what
every model has, ``subclassed`` what those have that define ``call``, ``structure`` how inputs and outputs are held
together; ``summary`` prints the table. What trains a model lies in storeys, each inheriting the one before it:
``compiling`` (compile; ``compiled_losses`` and ``compiled_metrics`` by output), ``data`` (from what a user passes to
batches, with the readers of ``feeding``), ``stepping`` (one batch), ``training`` (fit, evaluate, predict).
"""

from fastconv.layers.input import Input
from fastconv.models.functional import Functional
from fastconv.models.model import Model
from fastconv.models.sequential import Sequential
from fastconv.saving import load_model, save_model
from fastconv.saving.architecture import clone_model, model_from_json

__all__ = [
    "Functional",
    "Input",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
