"""Softmax and its logarithm."""

import numpy as np


def softmax(x, axis=-1):
    """Return ``exp(x)`` divided by its sum along an axis.

    Parameters
    ----------
    x : ndarray
    axis : int, default -1

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> softmax(np.array([1000.0, 1000.0, 0.0])).tolist()
    [0.5, 0.5, 0.0]
    """
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def softmax_backward(y, dy, axis=-1):
    """Return the gradient of `softmax`, from its result.

    Parameters
    ----------
    y : ndarray
        What `softmax` returned.
    dy : ndarray
        Gradient of the loss with respect to it.
    axis : int, default -1

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> softmax_backward(np.array([0.5, 0.5]), np.array([1.0, 0.0])).tolist()
    [0.25, -0.25]
    """
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


def log_softmax(x, axis=-1):
    """Return the logarithm of `softmax`, without going through it.

    Parameters
    ----------
    x : ndarray
    axis : int, default -1

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> log_softmax(np.array([0.0, 1000.0])).tolist()
    [-1000.0, 0.0]
    """
    below = x - x.max(axis=axis, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=axis, keepdims=True))


def log_softmax_backward(y, dy, axis=-1):
    """Return the gradient of `log_softmax`, from its result.

    Parameters
    ----------
    y : ndarray
        What `log_softmax` returned.
    dy : ndarray
        Gradient of the loss with respect to it.
    axis : int, default -1

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> log_softmax_backward(np.log(np.array([0.5, 0.5])), np.array([1.0, 0.0])).tolist()
    [0.5, -0.5]
    """
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)
