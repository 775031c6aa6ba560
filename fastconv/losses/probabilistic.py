"""Losses of counts and of distributions: Poisson and Kullback-Leibler."""

import numpy as np

from fastconv.losses.shapes import aligned
from fastconv.losses.wrapper import NamedLoss, mean_backward, way_back_of
from fastconv.ops.reference import cell_loss
from fastconv.runtime import settings


def poisson(y_true, y_pred):
    """Return the mean of ``y_pred - y_true * log(y_pred + epsilon)`` over the last axis.

    Parameters
    ----------
    y_true, y_pred : array_like
        Counts and predicted rates, of one shape.

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
    >>> poisson([[3.0, 0.0]], [[1.0, 2.0]]).round(4)
    array([1.5], dtype=float32)
    """
    y_true, y_pred = aligned("poisson", y_true, y_pred)
    return np.mean(cell_loss.poisson(y_pred, y_true, settings.epsilon()), axis=-1)


@way_back_of(poisson)
def _poisson_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("poisson", y_true, y_pred)
    return mean_backward(dvalues, cell_loss.poisson_backward(y_pred, y_true, settings.epsilon()))


def kl_divergence(y_true, y_pred):
    """Return the sum of ``y_true * log(y_true / y_pred)`` over the last axis.

    Parameters
    ----------
    y_true, y_pred : array_like
        Probabilities, of one shape; they are kept within epsilon (1e-7) and 1.

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
    >>> kl_divergence([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
    array([0.6931], dtype=float32)
    """
    y_true, y_pred = aligned("kl_divergence", y_true, y_pred)
    return np.sum(cell_loss.relative_entropy(y_pred, y_true, settings.epsilon()), axis=-1)


@way_back_of(kl_divergence)
def _kl_divergence_backward(dvalues, y_true, y_pred):
    y_true, y_pred = aligned("kl_divergence", y_true, y_pred)
    return dvalues[..., None] * cell_loss.relative_entropy_backward(y_pred, y_true, settings.epsilon())


class Poisson(NamedLoss):
    """The loss of counts whose rates are predicted.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(Poisson()([[3.0], [0.0]], [[1.0], [2.0]]).round(4))
    1.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(poisson, reduction, name, dtype)


class KLDivergence(NamedLoss):
    """The divergence of predicted distributions from the true ones.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]]).round(4))
    0.6931
    """

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, reduction, name, dtype)
