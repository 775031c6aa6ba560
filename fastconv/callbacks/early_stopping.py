"""Stop when a metric does not get better."""

import numbers

from fastconv.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stops training when a metric has not become better for some epochs.

    Parameters
    ----------
    monitor : str
        The name of the metric in the logs.
    min_delta : float
        By how much it must change to count.
    patience : int
        How many epochs without progress are allowed.
    verbose : int
        Whether stopping is announced.
    mode : {"auto", "min", "max"}
        Whether less or more is better.
    baseline : float, optional
        What has to be beaten as well for progress to count.
    restore_best_weights : bool
        Whether the model gets the weights of its best epoch at the end, stopped or not.
    start_from_epoch : int
        How many epochs to wait first.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> class Model:
    ...     stop_training = False
    >>> model, callback = Model(), EarlyStopping(patience=1)
    >>> callback.set_model(model)
    >>> callback.on_train_begin()
    >>> for epoch, loss in enumerate([1.0, 0.9, 0.95]):
    ...     callback.on_epoch_end(epoch, {"val_loss": loss})
    >>> model.stop_training, callback.stopped_epoch, callback.best_epoch
    (True, 2, 1)
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta)
        if isinstance(patience, bool) or not isinstance(patience, numbers.Real):
            raise ValueError(f"EarlyStopping: patience={patience!r} is not a number of epochs.")
        self._require_numbers(start_from_epoch=start_from_epoch, baseline=0 if baseline is None else baseline)
        if patience < 0:
            raise ValueError(f"EarlyStopping: patience={patience!r} is negative.")
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_weights = None
        self.best_epoch = 0

    def on_train_begin(self, logs=None):
        """Forget what was before; see `Callback`.

        Examples
        --------
        >>> EarlyStopping().on_train_begin()
        """
        self._reset()

    def on_epoch_end(self, epoch, logs=None):
        """Look at the metric, and stop training if it is time; see `Callback`.

        Examples
        --------
        >>> EarlyStopping().on_epoch_end(0, {"val_loss": 0.5})
        """
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)  # something to go back to if nothing is ever better
        self.wait += 1
        if self.improves(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._remember(epoch)
            if self.baseline is None or self.improves(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def get_monitor_value(self, logs):
        """Return what is looked at in the logs; None, with a warning, if it is not there.

        Examples
        --------
        >>> EarlyStopping().get_monitor_value({"val_loss": 0.5})
        0.5
        """
        return self.value(logs)

    def _remember(self, epoch):
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch

    def on_train_end(self, logs=None):
        """Announce the stop, and restore the best weights; see `Callback`.

        Examples
        --------
        >>> EarlyStopping().on_train_end()
        """
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
