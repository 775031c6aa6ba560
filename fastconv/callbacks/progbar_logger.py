"""The progress bar as a callback."""

from fastconv.callbacks.callback import Callback
from fastconv.callbacks.progbar import Progbar


class ProgbarLogger(Callback):
    """Prints a progress bar and metrics; what ``verbose`` of ``fit``, ``evaluate`` and ``predict`` asks for.

    Parameters
    ----------
    progbar : callable, optional
        What makes the bar: called with the number of steps (or ``None``) and ``verbose``, ``unit_name`` and
        ``stateless_metrics``; it has ``update(current, values, finalize=...)``, ``target`` and, if drawing
        can be skipped, ``due()``. By default `ProgbarLogger.factory`.

    Examples
    --------
    >>> class Dots:
    ...     def __init__(self, target, **settings):
    ...         self.target = target
    ...     def update(self, current, values, finalize):
    ...         print("done" if finalize else ".", dict(values))
    >>> logger = ProgbarLogger(Dots)
    >>> logger.set_params({"verbose": 1, "epochs": 1, "steps": 1})
    >>> logger.on_epoch_begin(0)
    >>> logger.on_train_batch_end(0, {"loss": 0.5})
    . {'loss': 0.5}
    >>> logger.on_epoch_end(0, {"loss": 0.5})
    done {'loss': 0.5}
    """

    factory = Progbar

    def __init__(self, progbar=None):
        super().__init__()
        self.progbar = None
        self.target = None
        self.seen = 0
        self.verbose = 1
        self.epochs = 1
        self._make = progbar or type(self).factory
        self._in_fit = False

    def set_params(self, params):
        """Learn how much there will be; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger().set_params({"verbose": "auto", "epochs": 1, "steps": None})
        """
        verbose = params.get("verbose", 1)
        self.params = params
        self.verbose = 1 if verbose == "auto" else verbose
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs=None):
        """Note that evaluations are validations from now on, which are silent; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger().on_train_begin()
        """
        self._in_fit = True

    def on_train_end(self, logs=None):
        """Note that evaluations are not silent any more; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger().on_train_end()
        """
        self._in_fit = False

    def on_epoch_begin(self, epoch, logs=None):
        """Begin a bar; see `Callback`.

        Examples
        --------
        >>> logger = ProgbarLogger(lambda target, **settings: None)
        >>> logger.set_params({"verbose": 2, "epochs": 3, "steps": 10})
        >>> logger.on_epoch_begin(0)
        Epoch 1/3
        """
        self._begin()
        if self.verbose and self.epochs > 1:
            print(f"Epoch {epoch + 1}/{self.epochs}")

    def on_test_begin(self, logs=None):
        """Begin a bar, outside of ``fit``; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger(lambda target, **settings: None).on_test_begin()
        """
        if not self._in_fit:
            self._begin()

    def on_predict_begin(self, logs=None):
        """Begin a bar; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger(lambda target, **settings: None).on_predict_begin()
        """
        self._begin()

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar; see `Callback`.

        Examples
        --------
        >>> logger = ProgbarLogger()
        >>> logger.verbose = 2
        >>> logger.on_train_batch_end(4)
        >>> logger.seen
        5
        """
        self._move(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        """Move the bar, outside of ``fit``; see `Callback`.

        Examples
        --------
        >>> logger = ProgbarLogger()
        >>> logger.on_train_begin()
        >>> logger.on_test_batch_end(4)
        >>> logger.seen
        0
        """
        if not self._in_fit:
            self._move(batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        """Move the bar, without the predictions; see `Callback`.

        Examples
        --------
        >>> logger = ProgbarLogger()
        >>> logger.verbose = 2
        >>> logger.on_predict_batch_end(0, {"outputs": [1.0]})
        """
        self._move(batch, None)

    def on_epoch_end(self, epoch, logs=None):
        """End the bar with the metrics of the epoch; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger().on_epoch_end(0)
        """
        self._end(logs)

    def on_test_end(self, logs=None):
        """End the bar, outside of ``fit``; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger().on_test_end()
        """
        if not self._in_fit:
            self._end(logs)

    def on_predict_end(self, logs=None):
        """End the bar; see `Callback`.

        Examples
        --------
        >>> ProgbarLogger().on_predict_end()
        """
        self._end(None)

    def wants_logs(self):
        """Tell whether the metrics of a batch would be shown now.

        Returns
        -------
        bool
            Never unless ``verbose`` is 1, and only as often as the bar is drawn.

        Examples
        --------
        >>> ProgbarLogger().wants_logs()
        False
        """
        if self.verbose != 1 or self.progbar is None:
            return False
        due = getattr(self.progbar, "due", None)
        return due is None or due()

    def _begin(self):
        self.seen, self.progbar = 0, None
        if not self.verbose:
            return
        # Metrics come as means over the epoch so far, so the bar has nothing to average.
        self.progbar = self._make(self.target, verbose=self.verbose, unit_name="step", stateless_metrics=())

    def _move(self, batch, logs):
        self.seen = batch + 1
        if self.verbose == 1 and self.progbar is not None:
            self.progbar.update(self.seen, list((logs or {}).items()), finalize=False)

    def _end(self, logs):
        if self.progbar is None:
            return
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.target, list((logs or {}).items()), finalize=True)
