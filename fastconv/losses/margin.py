"""Losses with a margin, for labels of -1 and 1 and for one-hot labels."""

import numpy as np

from fastconv.losses.shapes import aligned
from fastconv.losses.wrapper import NamedLoss, mean_backward, way_back_of
from fastconv.ops.reference import cell_loss, row_loss


def _signs(name, y_true, y_pred):
    """Return labels and predictions of one shape; labels that are all 0 or 1 become -1 and 1."""
    y_true, y_pred = aligned(name, y_true, y_pred)
    return (2 * y_true - 1 if np.isin(y_true, (0, 1)).all() else y_true), y_pred


def hinge(y_true, y_pred):
    """Return the mean over the last axis of how far ``y_true * y_pred`` stays below 1.

    Parameters
    ----------
    y_true : array_like
        Labels -1 and 1, or 0 and 1.
    y_pred : array_like
        Predictions in the same shape.

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
    >>> hinge([[-1, 1]], [[0.5, 0.5]])
    array([1.], dtype=float32)
    """
    y_true, y_pred = _signs("hinge", y_true, y_pred)
    return np.mean(cell_loss.hinge(y_pred, y_true), axis=-1)


@way_back_of(hinge)
def _hinge_backward(dvalues, y_true, y_pred):
    y_true, y_pred = _signs("hinge", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.hinge_backward(y_pred, y_true))


def squared_hinge(y_true, y_pred):
    """Return the mean over the last axis of the square of how far ``y_true * y_pred`` stays below 1.

    Parameters
    ----------
    y_true : array_like
        Labels -1 and 1, or 0 and 1.
    y_pred : array_like
        Predictions in the same shape.

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
    >>> squared_hinge([[-1, 1]], [[0.5, 0.5]])
    array([1.25], dtype=float32)
    """
    y_true, y_pred = _signs("squared_hinge", y_true, y_pred)
    return np.mean(cell_loss.squared_hinge(y_pred, y_true), axis=-1)


@way_back_of(squared_hinge)
def _squared_hinge_backward(dvalues, y_true, y_pred):
    y_true, y_pred = _signs("squared_hinge", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.squared_hinge_backward(y_pred, y_true))


def categorical_hinge(y_true, y_pred):
    """Return by how much the best wrong class comes within 1 of the right one.

    Parameters
    ----------
    y_true : array_like
        One-hot labels; the classes are the last axis.
    y_pred : array_like
        Predictions in the same shape.

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
    >>> categorical_hinge([[1, 0]], [[0.5, 0.75]])
    array([1.25], dtype=float32)
    """
    y_true, y_pred = aligned("categorical_hinge", y_true, y_pred)
    return row_loss.categorical_hinge(y_pred, y_true)


@way_back_of(categorical_hinge)
def _categorical_hinge_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("categorical_hinge", y_true, y_pred)
    return row_loss.categorical_hinge_backward(dvalues, y_pred, y_true)


class Hinge(NamedLoss):
    """How far label times prediction stays below 1.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(Hinge()([[0], [1]], [[0.5], [0.5]]))
    1.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(NamedLoss):
    """The square of how far label times prediction stays below 1.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(SquaredHinge()([[0], [1]], [[0.5], [0.5]]))
    1.25
    """

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(NamedLoss):
    """By how much the best wrong class comes within 1 of the right one.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(CategoricalHinge()([[1, 0]], [[0.5, 0.75]]))
    1.25
    """

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, reduction, name, dtype)
