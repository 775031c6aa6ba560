"""Pooling: the largest or the mean cell of each window; padding never counts as a cell."""

import numpy as np

from fastconv.ops.reference.windows import Windows


def _windows(where, x_shape, pool_size, strides, padding):
    """Return the windows of a pool, which lie side by side unless told otherwise."""
    return Windows(where, x_shape, pool_size, pool_size if strides is None else strides, padding)


def max_pool2d(x, *, pool_size, strides=None, padding="valid"):
    """Return the largest cell of every window, and where in its window it lies.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    pool_size : pair of ints
    strides : pair of ints, optional
        `pool_size` by default.
    padding : {"valid", "same"} or ((top, bottom), (left, right)), default "valid"

    Returns
    -------
    y : ndarray, shape (N, OH, OW, C)
        A NaN counts as the largest. A window wholly in the padding (a wide explicit one) gives ``-inf``.
    which : ndarray of int, same shape
        Index ``row * width + column`` in the full window of the first largest cell; -1 where there is none.

    Raises
    ------
    ValueError
        If a setting is malformed or the window fits nowhere.

    Examples
    --------
    >>> y, which = max_pool2d(-np.arange(1.0, 6).reshape(1, 1, 5, 1), pool_size=(1, 2), padding="same")
    >>> y.ravel().tolist(), which.ravel().tolist()
    ([-1.0, -3.0, -5.0], [0, 0, 0])
    """
    windows = _windows("max_pool2d", x.shape, pool_size, strides, padding)
    padded = windows.pad(x)
    inside = windows.pad(np.ones(x.shape, bool), False)
    y = np.full((x.shape[0], *windows.output_shape, x.shape[3]), -np.inf, x.dtype)
    which = np.full(y.shape, -1)
    for row, column, cells in windows.taps():
        cell = padded[cells]
        # A first cell wins over "none yet" whatever its value, so that padding cannot tie with -inf.
        wins = inside[cells] & ((which < 0) | (cell > y) | (np.isnan(cell) & ~np.isnan(y)))
        y[wins] = cell[wins]
        which[wins] = row * windows.size[1] + column
    return y, which


def max_pool2d_backward(dy, which, x_shape, *, pool_size, strides=None, padding="valid"):
    """Return the gradient of `max_pool2d`: each window hands its error to the cell that won.

    Parameters
    ----------
    dy : ndarray, shape (N, OH, OW, C)
    which : ndarray of int, same shape
        Second result of `max_pool2d`.
    x_shape : tuple of four ints
    pool_size, strides, padding
        As given to `max_pool2d`.

    Returns
    -------
    dx : ndarray of shape `x_shape`

    Raises
    ------
    ValueError
        If a setting is malformed or the window fits nowhere.

    Examples
    --------
    >>> x = np.array([1.0, 3, 2]).reshape(1, 1, 3, 1)
    >>> y, which = max_pool2d(x, pool_size=(1, 2), strides=(1, 1))
    >>> dx = max_pool2d_backward(np.ones_like(y), which, x.shape, pool_size=(1, 2), strides=(1, 1))
    >>> dx.ravel().tolist()
    [0.0, 2.0, 0.0]
    """
    windows = _windows("max_pool2d_backward", x_shape, pool_size, strides, padding)
    dpadded = windows.pad(np.zeros(x_shape, dy.dtype))
    for row, column, cells in windows.taps():
        dpadded[cells] += np.where(which == row * windows.size[1] + column, dy, 0)
    return windows.crop(dpadded)


def _cell_counts(windows, dtype):
    """Return for every window the number of its cells inside the image, at least 1; shape (1, OH, OW, 1)."""
    one = windows.pad(np.ones((1, *windows.x_shape[1:3], 1), dtype))
    return np.maximum(sum(one[cells] for _, _, cells in windows.taps()), 1)


def average_pool2d(x, *, pool_size, strides=None, padding="valid"):
    """Return the mean of every window's cells; the padding counts neither in the sum nor in the divisor.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    pool_size : pair of ints
    strides : pair of ints, optional
        `pool_size` by default.
    padding : {"valid", "same"} or ((top, bottom), (left, right)), default "valid"

    Returns
    -------
    y : ndarray, shape (N, OH, OW, C)
        A window wholly in the padding (a wide explicit one) gives 0.

    Raises
    ------
    ValueError
        If a setting is malformed or the window fits nowhere.

    Examples
    --------
    >>> x = np.arange(1.0, 6).reshape(1, 1, 5, 1)
    >>> average_pool2d(x, pool_size=(1, 2), padding="same").ravel().tolist()
    [1.5, 3.5, 5.0]
    """
    windows = _windows("average_pool2d", x.shape, pool_size, strides, padding)
    padded = windows.pad(x)
    return sum(padded[cells] for _, _, cells in windows.taps()) / _cell_counts(windows, x.dtype)


def average_pool2d_backward(dy, x_shape, *, pool_size, strides=None, padding="valid"):
    """Return the gradient of `average_pool2d`: each window shares its error equally among its cells.

    Parameters
    ----------
    dy : ndarray, shape (N, OH, OW, C)
    x_shape : tuple of four ints
    pool_size, strides, padding
        As given to `average_pool2d`.

    Returns
    -------
    dx : ndarray of shape `x_shape`

    Raises
    ------
    ValueError
        If a setting is malformed or the window fits nowhere.

    Examples
    --------
    >>> dy = np.ones((1, 1, 3, 1))
    >>> average_pool2d_backward(dy, (1, 1, 5, 1), pool_size=(1, 2), padding="same").ravel().tolist()
    [0.5, 0.5, 0.5, 0.5, 1.0]
    """
    windows = _windows("average_pool2d_backward", x_shape, pool_size, strides, padding)
    share = dy / _cell_counts(windows, dy.dtype)
    dpadded = windows.pad(np.zeros(x_shape, dy.dtype))
    for _, _, cells in windows.taps():
        dpadded[cells] += share
    return windows.crop(dpadded)


def global_average_pool2d(x):
    """Return the mean of every channel over the whole image.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)

    Returns
    -------
    y : ndarray, shape (N, C)

    Examples
    --------
    >>> global_average_pool2d(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[3.0, 4.0]]
    """
    return x.mean(axis=(1, 2))


def global_average_pool2d_backward(dy, x_shape):
    """Return the gradient of `global_average_pool2d`.

    Parameters
    ----------
    dy : ndarray, shape (N, C)
    x_shape : tuple of four ints

    Returns
    -------
    dx : ndarray of shape `x_shape`

    Examples
    --------
    >>> global_average_pool2d_backward(np.array([[8.0]]), (1, 2, 2, 1)).ravel().tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    return np.zeros(x_shape, dy.dtype) + (dy / (x_shape[1] * x_shape[2]))[:, None, None, :]


def global_max_pool2d(x):
    """Return the largest cell of every channel over the whole image, and where it lies.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)

    Returns
    -------
    y : ndarray, shape (N, C)
    which : ndarray of int, shape (N, C)
        Index ``row * W + column`` of the first largest cell (a NaN counts as the largest).

    Examples
    --------
    >>> y, which = global_max_pool2d(np.array([1.0, 3, 3, 2]).reshape(1, 2, 2, 1))
    >>> y.tolist(), which.tolist()
    ([[3.0]], [[1]])
    """
    y, which = max_pool2d(x, pool_size=x.shape[1:3])
    return y[:, 0, 0], which[:, 0, 0]


def global_max_pool2d_backward(dy, which, x_shape):
    """Return the gradient of `global_max_pool2d`: the whole error goes to the first largest cell.

    Parameters
    ----------
    dy : ndarray, shape (N, C)
    which : ndarray of int, shape (N, C)
        Second result of `global_max_pool2d`.
    x_shape : tuple of four ints

    Returns
    -------
    dx : ndarray of shape `x_shape`

    Examples
    --------
    >>> global_max_pool2d_backward(np.array([[5.0]]), np.array([[1]]), (1, 2, 2, 1)).ravel().tolist()
    [0.0, 5.0, 0.0, 0.0]
    """
    dy, which = dy[:, None, None], which[:, None, None]
    return max_pool2d_backward(dy, which, x_shape, pool_size=x_shape[1:3])
