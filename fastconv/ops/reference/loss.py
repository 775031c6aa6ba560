"""Losses before any reduction, and the gradients of their weighted sum."""

import numpy as np

from fastconv.ops.reference.activation import sigmoid, softplus
from fastconv.ops.reference.softmax import log_softmax, softmax


def _weighted(losses, weights):
    """Return the losses times their weights, or the losses themselves."""
    return losses if weights is None else losses * weights


def _one_hot(where, labels, classes, dtype):
    """Return the labels as rows of one 1 and zeros."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or (labels.size and not 0 <= labels.min() <= labels.max() < classes):
        raise ValueError(
            f"{where}: labels of type {labels.dtype}, from {labels.min(initial=0)} to "
            f"{labels.max(initial=0)}; expected integers from 0 to {classes - 1}, one less than the classes."
        )
    return np.eye(classes, dtype=dtype)[labels]


def softmax_cross_entropy(logits, targets, weights=None):
    """Return ``-sum(targets * log(softmax(logits)))`` over the last axis.

    Parameters
    ----------
    logits : ndarray, shape (..., K)
    targets : ndarray, shape (..., K)
        Usually probabilities; rows need not add up to 1.
    weights : ndarray broadcastable to shape (...), optional
        Multiply the losses.

    Returns
    -------
    losses : ndarray, shape (...)
    probabilities : ndarray, shape (..., K)
        ``softmax(logits)``.

    Examples
    --------
    >>> losses, probabilities = softmax_cross_entropy(np.array([[0.0, 0.0]]), np.array([[0.5, 0.5]]))
    >>> losses.round(4).tolist(), probabilities.tolist()
    ([0.6931], [[0.5, 0.5]])
    """
    return _weighted(-(targets * log_softmax(logits)).sum(axis=-1), weights), softmax(logits)


def softmax_cross_entropy_backward(probabilities, targets, weights=None):
    """Return the gradient of the sum of `softmax_cross_entropy` with respect to the logits.

    Parameters
    ----------
    probabilities : ndarray, shape (..., K)
        Second result of `softmax_cross_entropy`.
    targets : ndarray, shape (..., K)
    weights : ndarray broadcastable to shape (...), optional

    Returns
    -------
    dlogits : ndarray, shape (..., K)

    Examples
    --------
    >>> probabilities, targets, weights = np.array([[0.25, 0.75]]), np.array([[0.0, 1.0]]), np.array([2.0])
    >>> softmax_cross_entropy_backward(probabilities, targets, weights).tolist()
    [[0.5, -0.5]]
    """
    dlogits = probabilities * targets.sum(axis=-1, keepdims=True) - targets
    return dlogits if weights is None else dlogits * np.asarray(weights)[..., None]


def sparse_softmax_cross_entropy(logits, labels, weights=None):
    """Return ``-log(softmax(logits))`` at every sample's label.

    Parameters
    ----------
    logits : ndarray, shape (..., K)
    labels : ndarray of int, shape (...)
    weights : ndarray broadcastable to shape (...), optional
        Multiply the losses.

    Returns
    -------
    losses : ndarray, shape (...)
    probabilities : ndarray, shape (..., K)
        ``softmax(logits)``.

    Raises
    ------
    ValueError
        If a label is no integer from 0 to K - 1.

    Examples
    --------
    >>> losses, _ = sparse_softmax_cross_entropy(np.array([[0.0, 100.0]]), np.array([0]))
    >>> losses.tolist()
    [100.0]
    """
    targets = _one_hot("sparse_softmax_cross_entropy", labels, logits.shape[-1], logits.dtype)
    picked = np.take_along_axis(log_softmax(logits), targets.argmax(axis=-1)[..., None], axis=-1)
    return _weighted(-picked[..., 0], weights), softmax(logits)


def sparse_softmax_cross_entropy_backward(probabilities, labels, weights=None):
    """Return the gradient of the sum of `sparse_softmax_cross_entropy` with respect to the logits.

    Parameters
    ----------
    probabilities : ndarray, shape (..., K)
        Second result of `sparse_softmax_cross_entropy`.
    labels : ndarray of int, shape (...)
    weights : ndarray broadcastable to shape (...), optional

    Returns
    -------
    dlogits : ndarray, shape (..., K)

    Raises
    ------
    ValueError
        If a label is no integer from 0 to K - 1.

    Examples
    --------
    >>> sparse_softmax_cross_entropy_backward(np.array([[0.25, 0.75]]), np.array([1])).tolist()
    [[0.25, -0.25]]
    """
    where = "sparse_softmax_cross_entropy_backward"
    targets = _one_hot(where, labels, probabilities.shape[-1], probabilities.dtype)
    return softmax_cross_entropy_backward(probabilities, targets, weights)


def binary_cross_entropy(probabilities, targets, weights=None, *, epsilon=1e-7):
    """Return ``-(t * log(p) + (1 - t) * log(1 - p))`` cell by cell, p clipped to [epsilon, 1 - epsilon].

    Parameters
    ----------
    probabilities, targets : ndarray
        Of one shape.
    weights : ndarray broadcastable to that shape, optional
        Multiply the losses.
    epsilon : float, default 1e-7

    Returns
    -------
    losses : ndarray, of the same shape

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.5, 0.75]), np.array([0.0, 1.0])).round(4).tolist()
    [0.6931, 0.2877]
    """
    p = np.clip(probabilities, epsilon, 1 - epsilon)
    return _weighted(-(targets * np.log(p) + (1 - targets) * np.log(1 - p)), weights)


def binary_cross_entropy_backward(probabilities, targets, weights=None, *, epsilon=1e-7):
    """Return the gradient of the sum of `binary_cross_entropy` with respect to the probabilities.

    Parameters
    ----------
    probabilities, targets : ndarray
    weights : ndarray, optional
    epsilon : float, default 1e-7
        Where the probability is clipped, the gradient is 0.

    Returns
    -------
    dprobabilities : ndarray

    Examples
    --------
    >>> binary_cross_entropy_backward(np.array([0.5, 0.75, 1.0]), np.array([0.0, 1.0, 0.0])).round(4).tolist()
    [2.0, -1.3333, 0.0]
    """
    p = np.clip(probabilities, epsilon, 1 - epsilon)
    return _weighted(np.where(p == probabilities, (p - targets) / (p * (1 - p)), 0), weights)


def binary_cross_entropy_from_logits(logits, targets, weights=None):
    """Return the binary cross entropy of ``sigmoid(logits)`` cell by cell, straight from the logits.

    Parameters
    ----------
    logits, targets : ndarray
        Of one shape.
    weights : ndarray broadcastable to that shape, optional
        Multiply the losses.

    Returns
    -------
    losses : ndarray, of the same shape

    Examples
    --------
    >>> binary_cross_entropy_from_logits(np.array([0.0, -100.0]), np.array([0.0, 1.0])).round(4).tolist()
    [0.6931, 100.0]
    """
    return _weighted(softplus(logits) - targets * logits, weights)


def binary_cross_entropy_from_logits_backward(logits, targets, weights=None):
    """Return the gradient of the sum of `binary_cross_entropy_from_logits` with respect to the logits.

    Parameters
    ----------
    logits, targets : ndarray
    weights : ndarray, optional

    Returns
    -------
    dlogits : ndarray

    Examples
    --------
    >>> binary_cross_entropy_from_logits_backward(np.array([0.0, 0.0]), np.array([0.0, 1.0])).tolist()
    [0.5, -0.5]
    """
    return _weighted(sigmoid(logits) - targets, weights)


def squared_error(predictions, targets, weights=None):
    """Return ``(predictions - targets)**2`` cell by cell.

    Parameters
    ----------
    predictions, targets : ndarray
        Of one shape.
    weights : ndarray broadcastable to that shape, optional
        Multiply the losses.

    Returns
    -------
    losses : ndarray, of the same shape

    Examples
    --------
    >>> squared_error(np.array([1.0, 3.0]), np.array([0.0, 1.0])).tolist()
    [1.0, 4.0]
    """
    return _weighted((predictions - targets) ** 2, weights)


def squared_error_backward(predictions, targets, weights=None):
    """Return the gradient of the sum of `squared_error` with respect to the predictions.

    Parameters
    ----------
    predictions, targets : ndarray
    weights : ndarray, optional

    Returns
    -------
    dpredictions : ndarray

    Examples
    --------
    >>> squared_error_backward(np.array([1.0, 3.0]), np.array([0.0, 1.0])).tolist()
    [2.0, 4.0]
    """
    return _weighted(2 * (predictions - targets), weights)
