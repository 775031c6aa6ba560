"""Losses of numbers: mean squared and mean absolute error."""

import numpy as np

from fastconv.losses.base import Loss
from fastconv.losses.shapes import aligned


def mean_squared_error(y_true, y_pred):
    """Return the mean of the squared errors over the last axis.

    Parameters
    ----------
    y_true, y_pred : array_like
        The labels and the predictions, of one shape.

    Returns
    -------
    ndarray
        One value per sample.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> mean_squared_error([[0.0, 1.0]], [[2.0, 1.0]])
    array([2.], dtype=float32)
    """
    y_true, y_pred = aligned("mean_squared_error", y_true, y_pred)
    error = y_pred - y_true
    return np.mean(np.multiply(error, error, out=error), axis=-1)


def mean_absolute_error(y_true, y_pred):
    """Return the mean of the absolute errors over the last axis.

    Parameters
    ----------
    y_true, y_pred : array_like
        The labels and the predictions, of one shape.

    Returns
    -------
    ndarray
        One value per sample.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> mean_absolute_error([[0.0, 1.0]], [[2.0, 1.0]])
    array([1.], dtype=float32)
    """
    y_true, y_pred = aligned("mean_absolute_error", y_true, y_pred)
    error = y_pred - y_true
    return np.mean(np.abs(error, out=error), axis=-1)


class MeanSquaredError(Loss):
    """The mean of the squared errors.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]]))
    5.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(name, reduction, dtype)

    def call(self, y_true, y_pred):
        """Return one value per sample; see `Loss`.

        Examples
        --------
        >>> MeanSquaredError().call([[0.0, 0.0]], [[1.0, 2.0]])
        array([2.5], dtype=float32)
        """
        return mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(Loss):
    """The mean of the absolute errors.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [3.0]]))
    2.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(name, reduction, dtype)

    def call(self, y_true, y_pred):
        """Return one value per sample; see `Loss`.

        Examples
        --------
        >>> MeanAbsoluteError().call([[0.0, 0.0]], [[1.0, 2.0]])
        array([1.5], dtype=float32)
        """
        return mean_absolute_error(y_true, y_pred)
