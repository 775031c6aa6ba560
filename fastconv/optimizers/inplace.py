"""What any optimizer may do with weights and gradients, in place: clipping, decay, averages, accumulation.

Arrays come in lists that run in parallel: one entry per variable.
"""

import math

import numpy as np


def square_sum(array, scratch):
    """Return the sum of the squares, in float64.

    Parameters
    ----------
    array : ndarray
        The values.
    scratch : ndarray
        Space of the same shape.

    Returns
    -------
    float
        The sum.

    Examples
    --------
    >>> square_sum(np.array([3.0, 4.0]), np.empty(2))
    25.0
    """
    return float(np.sum(np.multiply(array, array, out=scratch), dtype=np.float64))


def clip_by_norms(grads, limit, out, scratch):
    """Shorten each gradient whose norm is above the limit.

    Parameters
    ----------
    grads : list of ndarray
        The gradients.
    limit : float
        The largest norm.
    out : list of ndarray
        Where the results go; may be the gradients.
    scratch : list of ndarray
        Space of the same shapes.

    Examples
    --------
    >>> g = [np.array([3.0, 4.0])]
    >>> clip_by_norms(g, 1.0, g, [np.empty(2)])
    >>> g[0].round(6).tolist()
    [0.6, 0.8]
    """
    for grad, target, space in zip(grads, out, scratch, strict=True):
        norm = math.sqrt(square_sum(grad, space))
        np.multiply(grad, limit / norm if norm > limit else 1.0, out=target)


def clip_by_global_norm(grads, limit, out, scratch):
    """Shorten all gradients alike if their common norm is above the limit.

    Parameters
    ----------
    grads : list of ndarray
        The gradients.
    limit : float
        The largest norm.
    out : list of ndarray
        Where the results go; may be the gradients.
    scratch : list of ndarray
        Space of the same shapes.

    Examples
    --------
    >>> g = [np.array([3.0]), np.array([4.0])]
    >>> clip_by_global_norm(g, 1.0, g, [np.empty(1), np.empty(1)])
    >>> [round(x.item(), 6) for x in g]
    [0.6, 0.8]
    """
    norm = math.sqrt(sum(square_sum(grad, space) for grad, space in zip(grads, scratch, strict=True)))
    for grad, target in zip(grads, out, strict=True):
        np.multiply(grad, limit / norm if norm > limit else 1.0, out=target)


def clip_by_values(grads, limit, out, scratch):
    """Bring every value into [-limit, limit].

    Parameters
    ----------
    grads : list of ndarray
        The gradients.
    limit : float
        The largest absolute value.
    out : list of ndarray
        Where the results go; may be the gradients.
    scratch : list of ndarray
        Space of the same shapes.

    Examples
    --------
    >>> g = [np.array([-3.0, 0.5])]
    >>> clip_by_values(g, 1.0, g, [np.empty(2)])
    >>> g[0].tolist()
    [-1.0, 0.5]
    """
    for grad, target in zip(grads, out, strict=True):
        np.clip(grad, -limit, limit, out=target)


def decay(params, amount):
    """Shrink weights: each by `amount` times itself.

    Parameters
    ----------
    params : list of ndarray
        The weights.
    amount : float
        Weight decay times learning rate.

    Examples
    --------
    >>> p = [np.array([2.0])]
    >>> decay(p, 0.25)
    >>> p[0].tolist()
    [1.5]
    """
    for param in params:
        np.multiply(param, 1.0 - amount, out=param)


def add(targets, values):
    """Add one list to another.

    Parameters
    ----------
    targets : list of ndarray
        What is added to.
    values : list of ndarray
        What is added.

    Examples
    --------
    >>> a = [np.array([1.0])]
    >>> add(a, [np.array([2.0])])
    >>> a[0].tolist()
    [3.0]
    """
    for target, value in zip(targets, values, strict=True):
        np.add(target, value, out=target)


def average(averages, params, momentum, scratch):
    """Move running averages towards the weights.

    Parameters
    ----------
    averages, params : list of ndarray
        The averages and the weights.
    momentum : float
        How much of the old average stays.
    scratch : list of ndarray
        Space of the same shapes.

    Examples
    --------
    >>> a = [np.array([1.0])]
    >>> average(a, [np.array([3.0])], 0.75, [np.empty(1)])
    >>> a[0].tolist()
    [1.5]
    """
    for mean, param, space in zip(averages, params, scratch, strict=True):
        np.multiply(mean, momentum, out=mean)
        np.add(mean, np.multiply(param, 1.0 - momentum, out=space), out=mean)
