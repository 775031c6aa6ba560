"""Save the model, or its weights, every now and then."""

import os

import numpy as np

from fastconv.callbacks.monitor import MonitorCallback
from fastconv.runtime import caller
from fastconv.saving import atomic
from fastconv.saving.model_files import path_of


class EveryFewBatches:
    """Counts batches: says when it is time.

    Parameters
    ----------
    owner : str
        Who asks, for messages.
    save_freq : "epoch" or int
        After each epoch (then it never says so), or after so many batches.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> counter = EveryFewBatches("ModelCheckpoint", 2)
    >>> [counter.is_due() for _ in range(4)]
    [False, True, False, True]
    """

    def __init__(self, owner, save_freq):
        whole = isinstance(save_freq, (int, np.integer)) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq != "epoch" and not whole:
            raise ValueError(f"{owner}: save_freq={save_freq!r} is not 'epoch' or a number of batches above 0.")
        self.save_freq, self.seen = save_freq, 0

    @property
    def by_epoch(self):
        """Whether it is time after each epoch."""
        return self.save_freq == "epoch"

    def is_next(self):
        """Tell whether the next batch is the one after which it is time."""
        return not self.by_epoch and self.seen + 1 >= self.save_freq

    def is_due(self):
        """Count a batch; tell whether it is time."""
        due = self.is_next()
        self.seen = 0 if due else self.seen + 1
        return due


class ModelCheckpoint(MonitorCallback):
    """Saves the model or its weights after epochs or batches, each file whole or not at all.

    Parameters
    ----------
    filepath : str or PathLike
        The file; may hold the epoch and metrics: ``"{epoch:02d}-{val_loss:.2f}.keras"``. It ends in ``.keras``, or with
        `save_weights_only` in ``.weights.h5``.
    monitor : str
        The name of a metric in the logs, for `save_best_only`.
    verbose : int
        Whether saving is announced.
    save_best_only : bool
        Save only when the metric is better than at every time before.
    save_weights_only : bool
        Save the weights and the optimizer's state only.
    mode : {"auto", "min", "max"}
        Whether less or more is better.
    save_freq : "epoch" or int
        After each epoch, or after so many batches.
    initial_value_threshold : float, optional
        What has to be beaten first.

    Raises
    ------
    ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import tempfile
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 4)), np.ones((8, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saver = ModelCheckpoint(f"{folder}/{{epoch}}.keras")
    ...     _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[saver])
    ...     sorted(os.listdir(folder))
    ['1.keras', '2.keras']
    """

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode)
        self.filepath = path_of("ModelCheckpoint", filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._counter = EveryFewBatches("ModelCheckpoint", save_freq)
        self._epoch = 0
        ending = ".weights.h5" if save_weights_only else ".keras"
        if not self.filepath.endswith(ending):
            raise ValueError(
                f"ModelCheckpoint: filepath={self.filepath!r} does not end in {ending!r}, as it has to with "
                f"save_weights_only={save_weights_only}."
            )

    def wants_logs(self):
        """Tell whether the metrics of the next batch will be looked at.

        Examples
        --------
        >>> ModelCheckpoint("m.keras").wants_logs()
        False
        """
        return self._counter.is_next()

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch; see `Callback`.

        Examples
        --------
        >>> ModelCheckpoint("m.keras").on_epoch_begin(0)
        """
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Save, if it is time; see `Callback`.

        Examples
        --------
        >>> ModelCheckpoint("m.keras").on_train_batch_end(0)
        """
        if self._counter.is_due():
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        """Save, if it is time; see `Callback`.

        Examples
        --------
        >>> ModelCheckpoint("m.keras", save_freq=10).on_epoch_end(0)
        """
        if self._counter.by_epoch:
            self._save(epoch, None, logs or {})

    def _save(self, epoch, batch, logs):
        path = self._path(epoch, batch, logs)
        if not self._is_wanted(epoch, logs, path):
            return
        with atomic.in_folder("ModelCheckpoint", os.path.dirname(path)):
            (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        self._tell(epoch, f"finished saving model to {path}")

    def _path(self, epoch, batch, logs):
        values = {**({} if batch is None else {"batch": batch + 1}), **logs, "epoch": epoch + 1}
        try:
            return self.filepath.format(**values)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath={self.filepath!r} names {error}; there are {sorted(values)}."
            ) from None

    def _is_wanted(self, epoch, logs, path):
        """Tell whether to save: always, or if the metric is better than before."""
        if not self.save_best_only:
            self._tell(epoch, f"saving model to {path}")
            return True
        self._upwards()  # raises if nobody knows whether less or more is better
        value = logs.get(self.monitor)
        if value is None or np.ndim(value):
            found = "is not available" if value is None else f"is no single number: {value}"
            caller.warn(f"ModelCheckpoint: Can save best model only with {self.monitor} available; it {found}. Saved.")
            return True
        before = "None" if self.best is None else f"{self.best:.5f}"
        if not self.improves(value, self.best):
            self._tell(epoch, f"{self.monitor} did not improve from {before}")
            return False
        self._tell(epoch, f"{self.monitor} improved from {before} to {value:.5f}, saving model to {path}")
        self.best = value
        return True

    def _tell(self, epoch, text):
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: {text}")
