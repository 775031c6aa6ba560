"""Small steps around the network's heart: padding, rescaling, dropout with a given mask."""

import numpy as np


def zero_pad2d(x, padding):
    """Return the images with zeros around them.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    padding : ((top, bottom), (left, right))

    Returns
    -------
    y : ndarray, shape (N, top + H + bottom, left + W + right, C)

    Examples
    --------
    >>> zero_pad2d(np.ones((1, 1, 2, 1)), ((0, 0), (1, 2))).ravel().tolist()
    [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    return np.pad(x, ((0, 0), *padding, (0, 0)))


def zero_pad2d_backward(dy, padding):
    """Return the gradient of `zero_pad2d`: the errors of the cells that were not padding.

    Parameters
    ----------
    dy : ndarray, shape (N, top + H + bottom, left + W + right, C)
    padding : ((top, bottom), (left, right))

    Returns
    -------
    dx : ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> zero_pad2d_backward(np.arange(5.0).reshape(1, 1, 5, 1), ((0, 0), (1, 2))).ravel().tolist()
    [1.0, 2.0]
    """
    (top, bottom), (left, right) = padding
    _, height, width, _ = dy.shape
    return dy[:, top : height - bottom, left : width - right].copy()


def rescale(x, scale, offset=0.0):
    """Return ``x * scale + offset``.

    Parameters
    ----------
    x : ndarray
    scale, offset : float

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> rescale(np.array([0.0, 255.0]), 1 / 127.5, -1).tolist()
    [-1.0, 1.0]
    """
    return x * scale + offset


def rescale_backward(dy, scale):
    """Return the gradient of `rescale`.

    Parameters
    ----------
    dy : ndarray
    scale : float

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> rescale_backward(np.array([1.0, 2.0]), 0.5).tolist()
    [0.5, 1.0]
    """
    return dy * scale


def dropout(x, mask, rate):
    """Return `x` where `mask` is true, scaled up by ``1 / (1 - rate)``, and 0 elsewhere.

    Parameters
    ----------
    x : ndarray
    mask : ndarray of bool, broadcastable to the shape of `x`
        True where a value is kept.
    rate : float in [0, 1)
        The fraction that is dropped on average.

    Returns
    -------
    y : ndarray

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1).

    Examples
    --------
    >>> dropout(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), 0.5).tolist()
    [2.0, 0.0, 6.0]
    """
    if not 0 <= rate < 1:
        raise ValueError(f"dropout: rate={rate!r} is not supported; expected a number in [0, 1).")
    return np.where(mask, x / (1 - rate), 0)


def dropout_backward(dy, mask, rate):
    """Return the gradient of `dropout`: the same mask and scale on the errors.

    Parameters
    ----------
    dy : ndarray
    mask : ndarray of bool
    rate : float in [0, 1)

    Returns
    -------
    dx : ndarray

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1).

    Examples
    --------
    >>> dropout_backward(np.array([1.0, 1.0]), np.array([True, False]), 0.75).tolist()
    [4.0, 0.0]
    """
    return dropout(dy, mask, rate)
