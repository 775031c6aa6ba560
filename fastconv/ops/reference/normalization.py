"""Normalization: over channels with statistics of the batch, of groups or given ones; over rows."""

import numpy as np


def moments(x, axes):
    """Return the mean and the variance (divided by the count) over some axes, which stay with length 1.

    Parameters
    ----------
    x : ndarray
    axes : tuple of int

    Returns
    -------
    mean, variance : ndarray

    Examples
    --------
    >>> mean, variance = moments(np.array([[0.0], [2.0]]), (0,))
    >>> mean.item(), variance.item()
    (1.0, 1.0)
    """
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


def moments_backward(x, axes, dmean, dvariance):
    """Return the gradient of `moments`.

    Parameters
    ----------
    x : ndarray
    axes : tuple of int
    dmean, dvariance : ndarray
        With axes of length 1.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> moments_backward(np.array([[0.0], [2.0]]), (0,), np.zeros((1, 1)), np.ones((1, 1))).ravel().tolist()
    [-1.0, 1.0]
    """
    mean, _ = moments(x, axes)
    return (dmean + 2 * dvariance * (x - mean)) / (x.size // mean.size)


def normalize(x, mean, variance, gamma=None, beta=None, epsilon=1e-3):
    """Return ``(x - mean) / sqrt(variance + epsilon) * gamma + beta``.

    Parameters
    ----------
    x, mean, variance : ndarray
        That fit each other.
    gamma, beta : ndarray, optional
    epsilon : float

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> normalize(np.array([1.0, 5.0]), 3.0, 4.0, epsilon=0.0).tolist()
    [-1.0, 1.0]
    """
    y = (x - mean) / np.sqrt(variance + epsilon)
    return y * (1 if gamma is None else gamma) + (0 if beta is None else beta)


def normalize_backward(x, mean, variance, gamma, dy, epsilon=1e-3):
    """Return the gradients of `normalize` over channels, the last axis, with respect to all arrays.

    Parameters
    ----------
    x, dy : ndarray, shape (..., C)
    mean, variance, gamma : ndarray, shape (C,)
        `gamma` may be None.
    epsilon : float

    Returns
    -------
    dx, dgamma, dbeta, dmean, dvariance : ndarray

    Examples
    --------
    >>> dx, *_ = normalize_backward(np.ones((1, 1)), np.zeros(1), np.full(1, 4.0), None, np.ones((1, 1)), 0.0)
    >>> dx.item()
    0.5
    """
    others = tuple(range(x.ndim - 1))
    inverse = 1 / np.sqrt(variance + epsilon)
    scale = inverse if gamma is None else inverse * gamma
    dgamma, dbeta = (dy * (x - mean) * inverse).sum(axis=others), dy.sum(axis=others)
    return dy * scale, dgamma, dbeta, -scale * dbeta, -scale * inverse / 2 * dgamma


def normalize_over(x, axes, gamma=None, beta=None, epsilon=1e-3):
    """Return `x` normalized by its own mean and variance over some axes, times gamma, plus beta.

    Batch normalization is over all axes but the last, layer normalization over the last ones.

    Parameters
    ----------
    x : ndarray
    axes : tuple of int
    gamma, beta : ndarray, optional
        That fit `x`.
    epsilon : float

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> normalize_over(np.array([[1.0], [5.0]]), (0,), epsilon=0.0).ravel().tolist()
    [-1.0, 1.0]
    """
    return normalize(x, *moments(x, axes), gamma, beta, epsilon)


def normalize_over_backward(x, axes, gamma, dy, epsilon=1e-3):
    """Return the gradients of `normalize_over`, those of gamma and beta for every place of x.

    Parameters
    ----------
    x, dy : ndarray
    axes : tuple of int
    gamma : ndarray or None
    epsilon : float

    Returns
    -------
    dx, dgamma, dbeta : ndarray, the shape of x
        Sum the last two over the axes that gamma and beta do not have.

    Examples
    --------
    >>> dx, _, dbeta = normalize_over_backward(np.array([[1.0], [5.0]]), (0,), None, np.ones((2, 1)))
    >>> dx.ravel().tolist(), dbeta.ravel().tolist()
    ([0.0, 0.0], [1.0, 1.0])
    """
    mean, variance = moments(x, axes)
    inverse = 1 / np.sqrt(variance + epsilon)
    z = (x - mean) * inverse
    h = dy if gamma is None else dy * gamma
    dx = inverse * (h - h.mean(axis=axes, keepdims=True) - z * (h * z).mean(axis=axes, keepdims=True))
    return dx, dy * z, dy


def group_normalize(x, groups, gamma=None, beta=None, epsilon=1e-3):
    """Return `x` with every sample's groups of channels normalized by their mean and variance.

    Parameters
    ----------
    x : ndarray, shape (N, ..., C)
    groups : int
    gamma, beta : ndarray, shape (C,), optional
    epsilon : float

    Returns
    -------
    y : ndarray, shape (N, ..., C)

    Examples
    --------
    >>> group_normalize(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, epsilon=0.0).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    grouped, axes, gamma, beta = _grouped(x, groups, gamma, beta)
    return normalize_over(grouped, axes, gamma, beta, epsilon).reshape(x.shape)


def group_normalize_backward(x, groups, gamma, dy, epsilon=1e-3):
    """Return the gradients of `group_normalize`.

    Parameters
    ----------
    x, dy : ndarray, shape (N, ..., C)
    groups : int
    gamma : ndarray, shape (C,), or None
    epsilon : float

    Returns
    -------
    dx, dgamma, dbeta : ndarray

    Examples
    --------
    >>> group_normalize_backward(np.array([[1.0, 3.0]]), 1, None, np.ones((1, 2)))[2].tolist()
    [1.0, 1.0]
    """
    grouped, axes, gamma, _ = _grouped(x, groups, gamma, None)
    dx, dgamma, dbeta = normalize_over_backward(grouped, axes, gamma, dy.reshape(grouped.shape), epsilon)
    return dx.reshape(x.shape), *(d.reshape(-1, x.shape[-1]).sum(axis=0) for d in (dgamma, dbeta))


def _grouped(x, groups, *vectors):
    """Return x as (N, ..., groups, channels of a group), the axes of a group, and the vectors likewise."""
    shape = (groups, x.shape[-1] // groups)
    axes = (*range(1, x.ndim - 1), x.ndim)
    return x.reshape(*x.shape[:-1], *shape), axes, *(None if v is None else v.reshape(shape) for v in vectors)


def unit_normalize(x, axes, epsilon=1e-12):
    """Return `x` divided by its length over some axes, or by `epsilon` where that is larger.

    Parameters
    ----------
    x : ndarray
    axes : tuple of int
    epsilon : float

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> unit_normalize(np.array([3.0, 4.0]), (0,)).tolist()
    [0.6, 0.8]
    """
    return x / np.maximum(np.sqrt((x * x).sum(axis=axes, keepdims=True)), epsilon)


def unit_normalize_backward(x, axes, dy, epsilon=1e-12):
    """Return the gradient of `unit_normalize`.

    Parameters
    ----------
    x, dy : ndarray
    axes : tuple of int
    epsilon : float

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> unit_normalize_backward(np.array([3.0, 4.0]), (0,), np.array([3.0, 4.0])).round(9).tolist()
    [0.0, 0.0]
    """
    length = np.maximum(np.sqrt((x * x).sum(axis=axes, keepdims=True)), epsilon)
    y = x / length
    return (dy - y * (dy * y).sum(axis=axes, keepdims=True)) / length
