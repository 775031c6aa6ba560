"""How predictions and labels go together along an axis."""

import numpy as np

from fastconv.losses.shapes import aligned, axes_of
from fastconv.metrics.reduction import MeanMetricWrapper
from fastconv.names import spelled
from fastconv.runtime import settings


@spelled
def pearson_correlation(y_true, y_pred, axis=-1):
    """Return Pearson's correlation of labels and predictions along an axis.

    Parameters
    ----------
    y_true, y_pred : array_like
        The labels and the predictions, of one shape.
    axis : int, tuple of int or None
        The axis, or several; None: all.

    Returns
    -------
    ndarray
        One value for each row along the axis, nan where labels or predictions are all the same.

    Raises
    ------
    ValueError
        If the shapes differ or there is no such axis.

    Examples
    --------
    >>> pearson_correlation([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]]).round(4)
    array([1.], dtype=float32)
    """
    y_true, y_pred = aligned("pearson_correlation", y_true, y_pred)
    axis = axes_of("pearson_correlation", y_pred, axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        units = [(a - a.mean(axis, keepdims=True)) / a.std(axis, keepdims=True) for a in (y_true, y_pred)]
    return np.mean(units[0] * units[1], axis=axis)


@spelled
def concordance_correlation(y_true, y_pred, axis=-1):
    """Return the concordance of labels and predictions along an axis: a correlation that also sees shifts and scales.

    Parameters
    ----------
    y_true, y_pred : array_like
        The labels and the predictions, of one shape.
    axis : int, tuple of int or None
        The axis, or several; None: all.

    Returns
    -------
    ndarray
        One value for each row along the axis.

    Raises
    ------
    ValueError
        If the shapes differ or there is no such axis.

    Examples
    --------
    >>> concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]).round(4)
    array([1.], dtype=float32)
    """
    y_true, y_pred = aligned("concordance_correlation", y_true, y_pred)
    axis = axes_of("concordance_correlation", y_pred, axis)
    add = {"axis": axis, "keepdims": True}
    shift = y_true.mean(**add) - y_pred.mean(**add)
    together = (y_true - y_pred.mean(**add)) * (y_pred - y_pred.mean(**add))
    apart = y_true.var(**add) + y_pred.var(**add) + shift * shift
    return np.mean(2 * together / (apart + y_pred.dtype.type(settings.epsilon())), axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of Pearson's correlations along an axis.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    axis : int, tuple of int or None
        The axis, or several; None: all.

    Examples
    --------
    >>> print(PearsonCorrelation()([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]]).round(4))
    1.0
    """

    _direction = "up"

    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)
        self.axis = axis

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> PearsonCorrelation(axis=0).get_config()["axis"]
        0
        """
        return {**super().get_config(), "axis": self.axis}


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of the concordances along an axis.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    axis : int, tuple of int or None
        The axis, or several; None: all.

    Examples
    --------
    >>> print(ConcordanceCorrelation()([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]).round(4))
    1.0
    """

    _direction = "up"

    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)
        self.axis = axis

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> ConcordanceCorrelation(axis=0).get_config()["axis"]
        0
        """
        return {**super().get_config(), "axis": self.axis}
