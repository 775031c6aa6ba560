"""Losses of numbers: squared, absolute, relative and logarithmic errors, and those between square and line."""

import numpy as np

from fastconv.losses.shapes import aligned, check_number
from fastconv.losses.wrapper import NamedLoss, mean_backward, way_back_of
from fastconv.ops.reference import cell_loss, squared_error_backward
from fastconv.runtime import settings


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


@way_back_of(mean_squared_error)
def _mean_squared_error_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("mean_squared_error", y_true, y_pred)
    return mean_backward(dvalues, squared_error_backward(y_pred, y_true))


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


@way_back_of(mean_absolute_error)
def _mean_absolute_error_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("mean_absolute_error", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.absolute_error_backward(y_pred, y_true))


def mean_absolute_percentage_error(y_true, y_pred):
    """Return the mean of the errors in hundredths of the labels, over the last axis.

    Parameters
    ----------
    y_true, y_pred : array_like
        The labels and the predictions, of one shape; a label smaller than epsilon (1e-7) counts as epsilon.

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
    >>> mean_absolute_percentage_error([[2.0, 1.0]], [[1.0, 1.0]])
    array([25.], dtype=float32)
    """
    y_true, y_pred = aligned("mean_absolute_percentage_error", y_true, y_pred)
    return np.mean(cell_loss.absolute_percentage_error(y_pred, y_true, settings.epsilon()), axis=-1)


@way_back_of(mean_absolute_percentage_error)
def _mean_absolute_percentage_error_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("mean_absolute_percentage_error", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.absolute_percentage_error_backward(y_pred, y_true, settings.epsilon()))


def mean_squared_logarithmic_error(y_true, y_pred):
    """Return the mean of ``(log(1 + y_true) - log(1 + y_pred))**2`` over the last axis.

    Parameters
    ----------
    y_true, y_pred : array_like
        The labels and the predictions, of one shape; what is below epsilon (1e-7) counts as epsilon.

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
    >>> mean_squared_logarithmic_error([[0.0, 1.0]], [[1.0, 1.0]]).round(4)
    array([0.2402], dtype=float32)
    """
    y_true, y_pred = aligned("mean_squared_logarithmic_error", y_true, y_pred)
    return np.mean(cell_loss.squared_logarithmic_error(y_pred, y_true, settings.epsilon()), axis=-1)


@way_back_of(mean_squared_logarithmic_error)
def _mean_squared_logarithmic_error_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("mean_squared_logarithmic_error", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.squared_logarithmic_error_backward(y_pred, y_true, settings.epsilon()))


def huber(y_true, y_pred, delta=1.0):
    """Return the mean over the last axis of half the squared errors, or of straight lines where they are large.

    Parameters
    ----------
    y_true, y_pred : array_like
        The labels and the predictions, of one shape.
    delta : float
        The error from which on the loss grows in a straight line.

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
    >>> huber([[0.0, 0.0]], [[0.5, 3.0]])
    array([1.3125], dtype=float32)
    """
    y_true, y_pred = aligned("huber", y_true, y_pred)
    return np.mean(cell_loss.huber(y_pred, y_true, delta), axis=-1)


@way_back_of(huber)
def _huber_backward(dvalues, y_true, y_pred, delta=1.0):
    y_true, y_pred = aligned("huber", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.huber_backward(y_pred, y_true, delta))


def log_cosh(y_true, y_pred):
    """Return the mean of the logarithms of the errors' hyperbolic cosines, over the last axis.

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
    >>> log_cosh([[0.0, 0.0]], [[0.0, 2.0]]).round(4)
    array([0.6625], dtype=float32)
    """
    y_true, y_pred = aligned("log_cosh", y_true, y_pred)
    return np.mean(cell_loss.log_cosh(y_pred, y_true), axis=-1)


@way_back_of(log_cosh)
def _log_cosh_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("log_cosh", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.log_cosh_backward(y_pred, y_true))


class MeanSquaredError(NamedLoss):
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
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(NamedLoss):
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
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(NamedLoss):
    """The mean of the errors in hundredths of the labels.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]]))
    25.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(NamedLoss):
    """The mean of the squared errors of the logarithms.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(MeanSquaredLogarithmicError()([[0.0], [1.0]], [[1.0], [1.0]]).round(4))
    0.2402
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(NamedLoss):
    """Half the squared error where it is small, a straight line where it is large.

    Parameters
    ----------
    delta : float
        The error from which on the loss grows in a straight line.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(Huber()([[0.0], [0.0]], [[0.5], [3.0]]))
    1.3125
    """

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        check_number("Huber", "delta", delta, least=0)
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(NamedLoss):
    """The logarithm of the error's hyperbolic cosine.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(LogCosh()([[0.0], [0.0]], [[0.0], [2.0]]).round(4))
    0.6625
    """

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(log_cosh, reduction, name, dtype)
