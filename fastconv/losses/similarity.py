"""Losses of vectors: the angle between them, and circle loss, which compares all of a batch with one another."""

import numpy as np

from fastconv.losses.labels import whole_numbers
from fastconv.losses.reduction import as_floats
from fastconv.losses.shapes import aligned, axes_of, check_number
from fastconv.losses.wrapper import NamedLoss, way_back_of
from fastconv.ops.reference import row_loss
from fastconv.runtime import settings


def _vectors(y_true, y_pred, axis):
    y_true, y_pred = aligned("cosine_similarity", y_true, y_pred)
    return y_true, y_pred, axes_of("cosine_similarity", y_pred, axis)


def cosine_similarity(y_true, y_pred, axis=-1):
    """Return minus the cosine of the angle between labels and predictions: -1 where they point the same way.

    Parameters
    ----------
    y_true, y_pred : array_like
        Vectors, of one shape.
    axis : int, tuple of int or None
        The axis along which the vectors lie; several that make up one vector; None: all.

    Returns
    -------
    ndarray
        One value per pair of vectors.

    Raises
    ------
    ValueError
        If the shapes differ or there is no such axis.

    Examples
    --------
    >>> cosine_similarity([[0.0, 2.0]], [[3.0, 4.0]])
    array([-0.8], dtype=float32)
    """
    y_true, y_pred, axis = _vectors(y_true, y_pred, axis)
    return -row_loss.cosine_similarity(y_pred, y_true, axis, settings.epsilon())


@way_back_of(cosine_similarity)
def _cosine_similarity_backward(dvalues, y_true, y_pred, axis=-1):
    y_true, y_pred, axis = _vectors(y_true, y_pred, axis)
    return row_loss.cosine_similarity_backward(-dvalues, y_pred, y_true, axis, settings.epsilon())


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """Return the circle loss of embeddings: near ones of one class and far ones of others cost nothing.

    Parameters
    ----------
    y_true : array_like of int, shape (batch,)
        Class numbers.
    y_pred : array_like, shape (batch, size)
        Embeddings, of length 1.
    ref_labels, ref_embeddings : array_like, optional
        What to compare with, instead of the batch itself.
    remove_diagonal : bool
        Whether an embedding is not compared with the one at its own place.
    gamma : float
        How sharply the hardest pairs stand out.
    margin : float
        How far apart classes have to be.

    Returns
    -------
    ndarray, shape (batch,)
        One value per embedding; 0 where there is no pair of one class or none of two.

    Raises
    ------
    ValueError
        If the shapes do not fit or a label is not a whole number.

    Examples
    --------
    >>> circle([0, 0, 1], [[1, 0], [1, 0], [0, 1]], gamma=1).round(4)
    array([0.5459, 0.5459, 0.    ], dtype=float32)
    """
    labels, y_pred = _embeddings("y", y_true, y_pred)
    if ref_labels is None and ref_embeddings is None:
        return row_loss.circle(y_pred, labels, None, None, gamma, margin, remove_diagonal)
    others = y_pred if ref_embeddings is None else as_floats(ref_embeddings, y_pred.dtype)
    other_labels, others = _embeddings("ref", labels if ref_labels is None else ref_labels, others)
    return row_loss.circle(y_pred, labels, others, other_labels, gamma, margin, remove_diagonal)


@way_back_of(circle)
def _circle_backward(dvalues, y_true, y_pred, remove_diagonal=True, gamma=80, margin=0.4):
    labels, y_pred = _embeddings("y", y_true, y_pred)
    return row_loss.circle_backward(dvalues, y_pred, labels, gamma, margin, remove_diagonal)


def _embeddings(what, labels, embeddings):
    """Return labels (n,) and embeddings (n, size), or say what does not fit."""
    embeddings, labels = as_floats(embeddings), np.asarray(labels)
    if embeddings.ndim != 2 or labels.shape not in ((len(embeddings),), (len(embeddings), 1)):
        raise ValueError(
            f"circle: labels of shape {labels.shape} and embeddings of shape {embeddings.shape} ({what}); expected "
            "(batch,) and (batch, size)."
        )
    return whole_numbers("circle", labels.reshape(-1)), embeddings


class CosineSimilarity(NamedLoss):
    """Minus the cosine of the angle between labels and predictions.

    Parameters
    ----------
    axis : int
        The axis along which the vectors lie.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(CosineSimilarity()([[0.0, 2.0]], [[3.0, 4.0]]))
    -0.8
    """

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


class Circle(NamedLoss):
    """The circle loss of embeddings of length 1; those without any loss are no part of a mean.

    Parameters
    ----------
    gamma, margin, remove_diagonal
        See `circle`.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(Circle(gamma=1)([0, 0, 1], [[1, 0], [1, 0], [0, 1]]).round(4))
    0.5459
    """

    takes_labels = True
    any_label = True  # there are not as many classes as there are numbers in an embedding

    def __init__(
        self,
        gamma=80.0,
        margin=0.4,
        remove_diagonal=True,
        reduction="sum_over_batch_size",
        name="circle",
        dtype=None,
    ):
        check_number("Circle", "gamma", gamma)
        check_number("Circle", "margin", margin)
        settings = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
        super().__init__(circle, reduction, name, dtype, **settings)

    def valid(self, y_true, y_pred, values):
        """Return where there is a loss at all; see `Loss`.

        Examples
        --------
        >>> Circle().valid(None, None, np.array([0.5, 0.0]))
        array([ True, False])
        """
        return values > 0
