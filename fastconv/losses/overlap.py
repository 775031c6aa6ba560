"""Losses of segmentation: how much of the true and the predicted regions overlap."""

from fastconv.losses.shapes import aligned, axes_of, check_number
from fastconv.losses.wrapper import NamedLoss, way_back_of
from fastconv.ops.reference import row_loss
from fastconv.runtime import settings


def _regions(name, y_true, y_pred, axis):
    """Return labels and predictions of one shape, and the axes as None or a tuple."""
    y_true, y_pred = aligned(name, y_true, y_pred)
    return y_true, y_pred, None if axis is None else axes_of(name, y_pred, axis)


def dice(y_true, y_pred, axis=None):
    """Return 1 minus the Dice coefficient: 0 where predictions and labels are the same.

    Parameters
    ----------
    y_true, y_pred : array_like
        Regions as numbers between 0 and 1, of one shape.
    axis : int or tuple of int, optional
        The axes that make up one region; by default all, the batch's too.

    Returns
    -------
    ndarray
        One value per region.

    Raises
    ------
    ValueError
        If the shapes differ or there is no such axis.

    Examples
    --------
    >>> print(dice([0.0, 1.0, 1.0], [1.0, 1.0, 0.0]).round(4))
    0.5
    """
    y_true, y_pred, axis = _regions("dice", y_true, y_pred, axis)
    return row_loss.dice(y_pred, y_true, axis, settings.epsilon())


@way_back_of(dice)
def _dice_backward(dvalues, y_true, y_pred, axis=None):
    y_true, y_pred, axis = _regions("dice", y_true, y_pred, axis)
    return row_loss.dice_backward(dvalues, y_pred, y_true, axis, settings.epsilon())


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """Return 1 minus the Tversky index: a Dice loss that weighs the two kinds of mistakes.

    Parameters
    ----------
    y_true, y_pred : array_like
        Regions as numbers between 0 and 1, of one shape.
    alpha : float
        The weight of what is missed.
    beta : float
        The weight of what is too much.
    axis : int or tuple of int, optional
        The axes that make up one region; by default all, the batch's too.

    Returns
    -------
    ndarray
        One value per region.

    Raises
    ------
    ValueError
        If the shapes differ or there is no such axis.

    Examples
    --------
    >>> print(tversky([0.0, 1.0, 1.0], [1.0, 1.0, 0.0], alpha=2.0, beta=1.0).round(4))
    0.75
    """
    y_true, y_pred, axis = _regions("tversky", y_true, y_pred, axis)
    return row_loss.tversky(y_pred, y_true, alpha, beta, axis, settings.epsilon())


@way_back_of(tversky)
def _tversky_backward(dvalues, y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    y_true, y_pred, axis = _regions("tversky", y_true, y_pred, axis)
    return row_loss.tversky_backward(dvalues, y_pred, y_true, alpha, beta, axis, settings.epsilon())


class Dice(NamedLoss):
    """1 minus the Dice coefficient.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.
    axis : int or tuple of int, optional
        The axes that make up one region; by default all, the batch's too.

    Examples
    --------
    >>> print(Dice()([[0.0, 1.0, 1.0]], [[1.0, 1.0, 0.0]]).round(4))
    0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(NamedLoss):
    """1 minus the Tversky index.

    Parameters
    ----------
    alpha, beta
        See `tversky`.
    reduction, name, dtype
        See `Loss`.
    axis : int or tuple of int, optional
        The axes that make up one region; by default all, the batch's too.

    Examples
    --------
    >>> print(Tversky(alpha=2.0, beta=1.0)([[0.0, 1.0, 1.0]], [[1.0, 1.0, 0.0]]).round(4))
    0.75
    """

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None, dtype=None):
        check_number("Tversky", "alpha", alpha)
        check_number("Tversky", "beta", beta)
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
