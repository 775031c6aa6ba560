"""Activations of whole rows beside softmax: gates, and projections onto the simplex."""

import numpy as np

from fastconv.ops.reference.activation import sigmoid


def glu(x):
    """Return the first half of the last axis times the sigmoid of the second.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> glu(np.array([3.0, 0.0])).tolist()
    [1.5]
    """
    a, b = np.split(x, 2, axis=-1)
    return a * sigmoid(b)


def glu_backward(x, dy):
    """Return the gradient of `glu`.

    Parameters
    ----------
    x : ndarray
        What `glu` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> glu_backward(np.array([4.0, 0.0]), np.array([1.0])).tolist()
    [0.5, 1.0]
    """
    a, b = np.split(x, 2, axis=-1)
    s = sigmoid(b)
    return np.concatenate([dy * s, dy * a * s * (1 - s)], axis=-1)


def sparsemax(x):
    """Return the probabilities nearest to each row, by sorting (Martins and Astudillo 2016).

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> sparsemax(np.array([1.0, 0.5, -2.0])).tolist()
    [0.75, 0.25, 0.0]
    """
    descending = -np.sort(-x, axis=-1)
    sums = np.cumsum(descending, axis=-1) - 1
    ranks = np.arange(1, x.shape[-1] + 1)
    count = (descending * ranks > sums).sum(axis=-1, keepdims=True)
    return np.maximum(x - np.take_along_axis(sums, count - 1, axis=-1) / count, 0)


def sparsemax_backward(y, dy):
    """Return the gradient of `sparsemax`, from its result.

    Parameters
    ----------
    y : ndarray
        What `sparsemax` returned.
    dy : ndarray
        Gradient of the loss with respect to it.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> sparsemax_backward(np.array([0.75, 0.25, 0.0]), np.array([1.0, 3.0, 5.0])).tolist()
    [-1.0, 1.0, 0.0]
    """
    support = y > 0
    mean = (dy * support).sum(axis=-1, keepdims=True) / support.sum(axis=-1, keepdims=True)
    return np.where(support, dy - mean, 0)
