"""What ``fit`` returns: the metrics of every epoch."""

from fastconv.callbacks.callback import Callback


class History(Callback):
    """The metrics of every epoch.

    Attributes
    ----------
    history : dict
        Names of metrics to lists with one value for each epoch.
    epoch : list of int
        The numbers of the epochs.

    Examples
    --------
    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.on_epoch_end(1, {"loss": 0.25})
    >>> history.history, history.epoch
    ({'loss': [0.5, 0.25]}, [0, 1])
    """

    def __init__(self):
        super().__init__()
        self.history = {}
        self.epoch = []

    def on_train_begin(self, logs=None):
        """Begin to count epochs; see `Callback`.

        Examples
        --------
        >>> History().on_train_begin()
        """
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        """Note the metrics of an epoch; see `Callback`.

        Examples
        --------
        >>> History().on_epoch_end(0, {"loss": 0.5})
        """
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self
