"""Sums and means of whatever comes in; sums are kept in float64, so that long epochs lose nothing."""

import numpy as np

from fastconv.losses.wrapper import is_loss
from fastconv.metrics.base import Metric


def _check(name, weights, values):
    if weights.ndim > values.ndim or any(w not in (1, v) for w, v in zip(weights.shape, values.shape, strict=False)):
        raise ValueError(
            f"{name}: sample_weight of shape {weights.shape} does not fit values of shape {values.shape}; "
            "its axes must be their first axes."
        )


def _numbers(values, sample_weight):
    """Return values and weights as float64 arrays; a last axis of length 1 of the weights may be too much."""
    values = np.asarray(values, np.float64)
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return values, weights


class Sum(Metric):
    """The sum of all values.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> metric = Sum()
    >>> metric.update_state([1, 2])
    >>> metric.update_state([3, 4], sample_weight=[1, 0])
    >>> print(metric.result())
    6.0
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", "float64", name="total")

    def update_state(self, values, sample_weight=None):
        """Add values.

        Parameters
        ----------
        values : array_like
            The values.
        sample_weight : array_like, optional
            Weights whose axes are the first axes of the values.

        Raises
        ------
        ValueError
            If the weights do not fit.

        Examples
        --------
        >>> Sum().update_state(3.0)
        """
        if sample_weight is not None:
            values, weights = _numbers(values, sample_weight)
            _check(self.name, weights, values)
            values = values * weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
        total = self.total.array
        total[()] += np.sum(values, dtype=np.float64)

    def result(self):
        """Return the sum so far.

        Returns
        -------
        floating
            The sum.

        Examples
        --------
        >>> print(Sum().result())
        0.0
        """
        return self._float(self.total.array)


class Mean(Metric):
    """The weighted mean of all values; 0 before there are any.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> metric = Mean()
    >>> metric.update_state([1, 3])
    >>> metric.update_state([5], sample_weight=[2])
    >>> print(metric.result())
    3.5
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", "float64", name="total")
        self.count = self.add_variable((), "zeros", "float64", name="count")

    def update_state(self, values, sample_weight=None):
        """Take in values.

        Parameters
        ----------
        values : array_like
            Numbers, or truth values that count as 0 and 1.
        sample_weight : array_like, optional
            Weights whose axes are the first axes of the values; the values are averaged over the others.

        Raises
        ------
        ValueError
            If the weights do not fit.

        Examples
        --------
        >>> Mean().update_state([[1, 2], [3, 4]], sample_weight=[1, 3])
        """
        total, count = self.total.array, self.count.array
        if sample_weight is None:
            values = np.asarray(values)
            total[()] += np.count_nonzero(values) if values.dtype == bool else values.sum(dtype=np.float64)
            count[()] += values.size
            return
        values, weights = _numbers(values, sample_weight)
        _check(self.name, weights, values)
        if weights.ndim < values.ndim:
            values = values.mean(axis=tuple(range(weights.ndim, values.ndim)))
        total[()] += np.sum(values * weights)
        count[()] += np.sum(np.broadcast_to(weights, values.shape))

    def add(self, value, weight):
        """Take in one number that counts `weight` times, for loops that have no time to lose.

        Examples
        --------
        >>> metric = Mean()
        >>> metric.add(2.0, 3)
        >>> print(metric.result())
        2.0
        """
        self.total.array[()] += value * weight
        self.count.array[()] += weight

    def clear(self):
        """Forget what `add` has taken in, for the same loops.

        Examples
        --------
        >>> metric = Mean()
        >>> metric.add(2.0, 3)
        >>> metric.clear()
        >>> print(metric.result())
        0.0
        """
        self.total.array.fill(0)
        self.count.array.fill(0)

    def result(self):
        """Return the mean so far.

        Returns
        -------
        floating
            The mean.

        Examples
        --------
        >>> print(Mean().result())
        0.0
        """
        return self._float(self._ratio())

    def _ratio(self):
        count = float(self.count.array)
        return float(self.total.array) / count if count else 0.0


class MeanMetricWrapper(Mean):
    """The mean of what a function of labels and predictions returns.

    Parameters
    ----------
    fn : callable
        Returns one value per sample for ``fn(y_true, y_pred, **kwargs)``.
    name, dtype
        See `Metric`.
    **kwargs
        More arguments of the function.

    Examples
    --------
    >>> def distance(y_true, y_pred):
    ...     return np.abs(y_true - y_pred)
    >>> metric = MeanMetricWrapper(distance, name="distance")
    >>> print(metric(np.array([1.0, 2.0]), np.array([3.0, 5.0])))
    2.5
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name or "mean_metric_wrapper", dtype)
        if not callable(fn):
            raise TypeError(f"{type(self).__name__}: fn={fn!r} is not a function of y_true and y_pred.")
        self._fn = fn
        self._fn_kwargs = kwargs
        if is_loss(fn):
            self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch.

        Parameters
        ----------
        y_true, y_pred : array_like
            The labels and the predictions.
        sample_weight : array_like, optional
            See `Mean`.

        Raises
        ------
        ValueError
            If shapes do not fit.

        Examples
        --------
        >>> from fastconv.metrics import MeanSquaredError
        >>> MeanSquaredError().update_state([[1.0]], [[2.0]])
        """
        super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> from fastconv.metrics import categorical_accuracy
        >>> MeanMetricWrapper(categorical_accuracy).get_config()["fn"]["config"]
        'categorical_accuracy'
        """
        config = super().get_config()
        if type(self) is MeanMetricWrapper:
            from fastconv import metrics  # the table of names is made of this file's classes

            return {**config, "fn": metrics.serialize(self._fn), **self._fn_kwargs}
        return config

    @classmethod
    def from_config(cls, config):
        """Make the metric; see `Metric`.

        Examples
        --------
        >>> from fastconv.metrics import categorical_accuracy
        >>> MeanMetricWrapper.from_config({"fn": categorical_accuracy, "name": "right"}).name
        'right'
        """
        if isinstance(config.get("fn"), dict):
            from fastconv import metrics

            config = {**config, "fn": metrics.deserialize(config["fn"])}
        return cls(**config)
