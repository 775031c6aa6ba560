"""Callbacks that change the learning rate between epochs, and add it to the logs."""

import math
import numbers

import numpy as np

from fastconv.callbacks.callback import Callback
from fastconv.callbacks.monitor import MonitorCallback
from fastconv.names import suggestion


def _optimizer(callback):
    optimizer = getattr(callback.model, "optimizer", None)
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(f"{type(callback).__name__}: the model has no optimizer with a learning_rate.")
    return optimizer


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch.

    Parameters
    ----------
    schedule : callable
        Called with the epoch and, if it takes two arguments, the learning rate; returns the new one.
    verbose : int
        Whether it is announced.

    Raises
    ------
    ValueError
        If the schedule is no function, or does not return a number.

    Examples
    --------
    >>> from fastconv.optimizers import SGD
    >>> class Model:
    ...     optimizer = SGD(1.0)
    >>> callback = LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> callback.set_model(Model())
    >>> callback.on_epoch_begin(0)
    >>> float(Model.optimizer.learning_rate)
    0.5
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        if not callable(schedule):
            raise ValueError(f"LearningRateScheduler: schedule={schedule!r} is not a function.")
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch, logs=None):
        """Set the learning rate; see `Callback`.

        Raises
        ------
        ValueError
            If the schedule does not return a number.

        Examples
        --------
        >>> LearningRateScheduler(lambda epoch: 0.1).on_epoch_begin(0)
        Traceback (most recent call last):
        ...
        ValueError: LearningRateScheduler: the model has no optimizer with a learning_rate.
        """
        optimizer = _optimizer(self)
        rate = float(optimizer.learning_rate)
        rate = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, bool) or not isinstance(rate, (numbers.Real, np.generic)) or not math.isfinite(rate):
            raise ValueError(f"LearningRateScheduler: the schedule returned {rate!r}; expected a number.")
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch, logs=None):
        """Add the learning rate to the logs; see `Callback`.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> class Model:
        ...     optimizer = SGD(0.5)
        >>> callback, logs = LearningRateScheduler(lambda epoch: 0.1), {}
        >>> callback.set_model(Model())
        >>> callback.on_epoch_end(0, logs)
        >>> logs
        {'learning_rate': 0.5}
        """
        if logs is not None:
            logs["learning_rate"] = float(_optimizer(self).learning_rate)


def _takes_two(function):
    try:
        from inspect import signature  # it takes a while to import

        signature(function).bind(0, 0.1)
    except TypeError:
        return False
    except ValueError:  # a builtin that does not tell
        return True
    return True


class ReduceLROnPlateau(MonitorCallback):
    """Makes the learning rate smaller when a metric has not become better for some epochs.

    Parameters
    ----------
    monitor : str
        The name of the metric in the logs.
    factor : float
        By what the learning rate is multiplied, less than 1.
    patience : int
        How many epochs without progress are allowed.
    verbose : int
        Whether it is announced.
    mode : {"auto", "min", "max"}
        Whether less or more is better.
    min_delta : float
        By how much it must change to count.
    cooldown : int
        How many epochs to wait after a change.
    min_lr : float
        The least learning rate.
    **kwargs
        None are known; they are refused by name.

    Raises
    ------
    ValueError
        If an argument is out of range or unknown.

    Examples
    --------
    >>> from fastconv.optimizers import SGD
    >>> class Model:
    ...     optimizer = SGD(1.0)
    >>> callback = ReduceLROnPlateau(factor=0.5, patience=1)
    >>> callback.set_model(Model())
    >>> for epoch in range(2):
    ...     callback.on_epoch_end(epoch, {"val_loss": 1.0})
    >>> float(Model.optimizer.learning_rate)
    0.5
    """

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
        **kwargs,
    ):
        super().__init__(monitor, mode, min_delta)
        if kwargs:
            known = ("monitor", "factor", "patience", "verbose", "mode", "min_delta", "cooldown", "min_lr")
            hint = suggestion(next(iter(kwargs)), known)
            raise ValueError(f"ReduceLROnPlateau: argument(s) not recognized: {kwargs}.{hint}")
        self._require_numbers(factor=factor, patience=patience, cooldown=cooldown, min_lr=min_lr)
        if not 0 <= factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor={factor!r} is not at least 0 and less than 1.")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self):
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs=None):
        """Forget what was before; see `Callback`.

        Examples
        --------
        >>> ReduceLROnPlateau().on_train_begin()
        """
        self._reset()

    def on_epoch_end(self, epoch, logs=None):
        """Look at the metric, and change the learning rate if it is time; see `Callback`.

        Examples
        --------
        >>> ReduceLROnPlateau().on_epoch_end(0, {"val_loss": 1.0})
        Traceback (most recent call last):
        ...
        ValueError: ReduceLROnPlateau: the model has no optimizer with a learning_rate.
        """
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(_optimizer(self).learning_rate)
        value = self.value(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def in_cooldown(self):
        """Tell whether the learning rate was lowered a short time ago, so that nothing is counted yet.

        Examples
        --------
        >>> ReduceLROnPlateau().in_cooldown()
        False
        """
        return self.cooldown_counter > 0

    def _reduce(self, epoch):
        optimizer = _optimizer(self)
        old = float(optimizer.learning_rate)
        if old <= np.float32(self.min_lr):
            return
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0
