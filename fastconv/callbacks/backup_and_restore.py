"""Training that was killed goes on where it was, with the same bits."""

import os
from contextlib import suppress

import numpy as np

from fastconv.callbacks.callback import Callback
from fastconv.callbacks.model_checkpoint import EveryFewBatches
from fastconv.runtime import seeds
from fastconv.saving import atomic, h5, state, text
from fastconv.saving.errors import InvalidFileError, reading, shown
from fastconv.saving.model_files import path_of

_STATE = "training_state/vars"  # beside the weights, in the same file: both are of one moment
_METRICS = "training_metrics/vars"


class BackupAndRestore(Callback):
    """Saves how far training is; the next ``fit`` of the same program goes on from there.

    What is saved is one file, written whole or not at all: weights, the optimizer's state, the epoch and batch, the
    metrics of the epoch, and where the random numbers of shuffling, dropout and the like are. A training that is
    killed and begun again ends with the same bits as one that ran through.

    Parameters
    ----------
    backup_dir : str or PathLike
        A folder for this training alone.
    save_freq : "epoch" or int
        After each epoch, or after so many batches.
    double_checkpoint : bool
        Keep the file before the last one too, and take that if the last one cannot be read.
    delete_checkpoint : bool
        Whether the files are removed when training is done.

    Raises
    ------
    ValueError
        If an argument is none of these.

    Notes
    -----
    Put it behind callbacks that change the model or the learning rate, but in front of `SwapEMAWeights`. What other
    callbacks remember is not saved, nor what an iterator of batches does: it goes on from wherever it is.

    Examples
    --------
    >>> import tempfile
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 4)), np.ones((8, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep = BackupAndRestore(folder, delete_checkpoint=False)
    ...     _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[keep])
    ...     log = model.fit(x, y, epochs=3, verbose=0, callbacks=[keep])
    >>> log.epoch
    [2]
    """

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError(f"BackupAndRestore: backup_dir={backup_dir!r} is empty; expected the name of a folder.")
        self.backup_dir = path_of("BackupAndRestore", backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._path = os.path.join(self.backup_dir, "latest.weights.h5")
        self._before = f"{self._path}.bkp"
        self._counter = EveryFewBatches("BackupAndRestore", save_freq)
        self._epoch, self._before_pass = 0, None

    def wants_logs(self):
        """Tell that the metrics of a batch are not looked at.

        Examples
        --------
        >>> BackupAndRestore("backup").wants_logs()
        False
        """
        return False

    # -- restoring

    def on_train_begin(self, logs=None):
        """Go back to where training was, if there is a file; see `Callback`.

        Raises
        ------
        ValueError
            If the model is not built, or the file does not fit it.
        """
        if not self.model.built:
            raise ValueError(
                f"BackupAndRestore: model {self.model.name!r} is not built, so nothing can be restored; add an Input, "
                "or call build(input_shape) before fit."
            )
        for name in os.listdir(self.backup_dir) if os.path.isdir(self.backup_dir) else ():
            if name.startswith(".") and name.endswith(atomic.SUFFIX):
                os.unlink(os.path.join(self.backup_dir, name))  # what a killed process has left
        if not os.path.exists(self._path) and not os.path.exists(self._before):
            return
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_weights)
        try:
            self._load(self._path)
        except (OSError, ValueError):
            if not os.path.exists(self._before):
                raise
            self._load(self._before)

    def _load(self, path):
        owner = f"BackupAndRestore: {shown(path)}"
        with h5.opened(owner, path) as survey:
            stored = survey.below(_STATE).get("0")
            if stored is None:
                raise InvalidFileError(f"{owner} holds weights, but not how far training was.")
            described = text.parse(owner, survey.read(stored).astype(np.uint8).tobytes())
            metrics = survey.below(_METRICS)
            metrics = [survey.read(metrics[str(i)]) for i in range(len(metrics))]
            with reading(owner):
                place = _Place(self.model, described, metrics)
            state.restore(owner, self.model, survey)
        self.model._begin_at = place.epoch
        place.note_rates()
        if place.batch or place.done_of_pass:
            self._before_pass, self.model._resuming = place.before_pass, place
        else:
            place.go_on()

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch, and the random numbers where a pass over the data begins with it; see `Callback`.

        Examples
        --------
        >>> BackupAndRestore("backup").on_epoch_begin(0)
        """
        self._epoch = epoch
        if self.model is not None and self.model._resuming is None and not self.model._done_of_pass:
            self._before_pass = seeds.state()

    # -- saving

    def on_train_batch_end(self, batch, logs=None):
        """Save, if it is time; see `Callback`.

        Examples
        --------
        >>> BackupAndRestore("backup").on_train_batch_end(0)
        """
        if self._counter.is_due():
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        """Save, if it is time; see `Callback`.

        Examples
        --------
        >>> BackupAndRestore("backup", save_freq=10).on_epoch_end(0)
        """
        if self._counter.by_epoch:
            self._save(epoch + 1, 0)

    def _save(self, epoch, batch):
        import json

        described = {
            "epoch": epoch,
            "batch": batch,
            "done_of_pass": self.model._done_of_pass,
            "random": seeds.state(),
            "before_pass": self._before_pass,
            "generators": {key: g.bit_generator.state for key, g in _generators(self.model).items()},
        }
        metrics = _metric_variables(self.model)
        groups = [
            *state.groups(self.model),
            (_STATE, None, {"0": np.frombuffer(json.dumps(described).encode(), np.uint8)}),
            (_METRICS, None, {str(i): variable.numpy() for i, variable in enumerate(metrics)}),
        ]
        image = h5.packed(groups)
        with atomic.in_folder("BackupAndRestore", self.backup_dir):
            keep = self._before if self.double_checkpoint else None
            atomic.write_bytes("BackupAndRestore", self._path, image, keep)

    def on_train_end(self, logs=None):
        """Remove the files, if they are not to be kept; see `Callback`.

        Examples
        --------
        >>> BackupAndRestore("backup").on_train_end()
        """
        if self.delete_checkpoint:
            for path in (self._path, self._before):
                with suppress(FileNotFoundError):
                    os.unlink(path)
            with suppress(OSError):  # there is something else in it
                os.rmdir(self.backup_dir)


class _Place:
    """Where a training was: `fit` goes back to where the pass over the data began, over what is done, and on.

    Parameters
    ----------
    model : Model
        The model.
    described : dict
        What the file says of the place.
    metrics : list of ndarray
        What the metrics had counted of the epoch.
    """

    def __init__(self, model, described, metrics):
        self.model, self.metrics, self.rates = model, metrics, []
        self.epoch, self.batch, self.done_of_pass = (int(described[key]) for key in ("epoch", "batch", "done_of_pass"))
        self.random, self.before_pass = described["random"], described["before_pass"]
        self.generators = [(g, described["generators"][key]) for key, g in _generators(model).items()]
        for one in (self.random, self.before_pass, *(one for _, one in self.generators)):
            np.random.default_rng(0).bit_generator.state = one  # raises if it is none

    def note_rates(self):
        """Note the learning rate of the file: callbacks will begin the epoch for a second time."""
        if self.batch:
            self.rates = [(v, v.numpy()) for v in self.model.optimizer.variables if v.name == "learning_rate"]

    def go_back(self):
        """Put the random numbers where they were when the pass began: the order of its batches hangs on them."""
        seeds.set_state(self.before_pass)

    def go_on(self):
        """Put random numbers, metrics and the learning rate where they were."""
        seeds.set_state(self.random)
        for generator, described in self.generators:
            generator.bit_generator.state = described
        for variable, value in self.rates:
            variable.assign(value)
        variables = _metric_variables(self.model)
        if self.batch and [v.shape for v in variables] == [value.shape for value in self.metrics]:
            for variable, value in zip(variables, self.metrics, strict=True):
                variable.assign(value)


def _generators(model):
    """Return the random generators that layers have of their own, by place and attribute."""
    return {
        f"{path}.{name}": value
        for path, thing in state.places(model)
        for name, value in sorted(vars(thing).items())
        if isinstance(value, np.random.Generator)
    }


def _metric_variables(model):
    return [variable for metric in model.metrics for variable in metric.variables]
