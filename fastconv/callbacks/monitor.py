"""What the callbacks share that watch one metric: its value, and whether it got better."""

import math
import numbers

from fastconv.callbacks.callback import Callback
from fastconv.names import suggestion
from fastconv.runtime import caller

_MODES = ("auto", "min", "max")


class MonitorCallback(Callback):
    """Base class of callbacks that watch a metric.

    Parameters
    ----------
    monitor : str
        The name of the metric in the logs.
    mode : {"auto", "min", "max"}
        Whether less or more is better; ``"auto"`` knows it from the metric.
    min_delta : float
        By how much it must change to count.

    Raises
    ------
    ValueError
        If the mode is unknown.

    Examples
    --------
    >>> watch = MonitorCallback("loss")
    >>> watch.improves(0.5, 1.0), watch.improves(float("nan"), None)
    (True, False)
    """

    def __init__(self, monitor="val_loss", mode="auto", min_delta=0):
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f"{type(self).__name__}: mode={mode!r} is not one of {_MODES}.")
        self._require_text("monitor", monitor)
        self._require_numbers(min_delta=min_delta)
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)

    def _require_text(self, argument, value):
        if not isinstance(value, str):
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not the name of a metric.")

    def _require_numbers(self, **arguments):
        """Raise ValueError for the first argument that is no real number."""
        for argument, value in arguments.items():
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not a number.")

    def value(self, logs):
        """Return the metric, or warn and return ``None`` if it is not in the logs.

        Parameters
        ----------
        logs : dict or None
            The metrics of an epoch.

        Returns
        -------
        float or None
            The value.

        Raises
        ------
        ValueError
            If nobody knows whether less or more is better.

        Examples
        --------
        >>> MonitorCallback("loss").value({"loss": 0.5})
        0.5
        """
        logs = logs or {}
        self._upwards()  # what nobody knows the direction of is wrong from the first epoch on
        if self.monitor in logs:
            return logs[self.monitor]
        caller.warn(
            f"{type(self).__name__}: its metric {self.monitor!r} is not available. Available metrics are "
            f"{', '.join(logs) or 'none'}.{suggestion(self.monitor, logs)}"
        )
        return None

    def improves(self, value, best):
        """Tell whether a value is better than the best so far.

        Parameters
        ----------
        value : float
            The value; nan is never better.
        best : float or None
            The best so far, if there is any.

        Returns
        -------
        bool
            Whether it is better by more than `min_delta`.

        Raises
        ------
        ValueError
            If nobody knows whether less or more is better.

        Examples
        --------
        >>> MonitorCallback("accuracy", mode="max", min_delta=0.1).improves(0.55, 0.5)
        False
        """
        if math.isnan(value):
            return False
        if best is None:
            return True
        return value - self.min_delta > best if self._upwards() else value + self.min_delta < best

    def _upwards(self):
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return False
        known = {m.name: m._direction for m in _metrics_of(self.model) if getattr(m, "_direction", None) is not None}
        if name in known:
            return known[name] == "up"
        raise ValueError(
            f"{type(self).__name__}: whether {self.monitor!r} should rise or fall is not known. "
            f"Give mode='max' or mode='min'.{suggestion(name, [*known, 'loss'])}"
        )


def _metrics_of(holder):
    """Return all metrics of a model, those in containers too."""
    found = []
    for metric in getattr(holder, "metrics", None) or ():
        found += _metrics_of(metric) if getattr(metric, "metrics", None) else [metric]
    return found
