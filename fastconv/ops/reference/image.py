"""Affine warps of images, contrast and brightness."""

import itertools

import numpy as np

#: How places beyond the edge are mapped into an axis of `n` places.
FILL_MODES = {
    "constant": lambda at, n: np.clip(at, 0, n - 1),
    "nearest": lambda at, n: np.clip(at, 0, n - 1),
    "wrap": lambda at, n: at % n,
    "reflect": lambda at, n: np.where(at % (2 * n) < n, at % (2 * n), 2 * n - 1 - at % (2 * n)),
    "mirror": lambda at, n: np.abs((at + n - 1) % max(1, 2 * n - 2) - (n - 1)),
}


def _taps(image, matrix, interpolation, fill_mode):
    """Yield, for the neighbours of each pixel's origin: rows, columns, shares, and whether they lie in the image."""
    height, width, _ = image
    a, b, c, d, e, f = matrix[:6]
    i, j = np.mgrid[:height, :width]
    ends = []
    for at, n in ((d * j + e * i + f, height), (a * j + b * i + c, width)):
        low = np.floor(at)
        pair = [(low, low + 1 - at), (low + 1, at - low)]
        if interpolation == "nearest":
            pair = [(np.rint(at), np.ones_like(at))]
        ends.append([(FILL_MODES[fill_mode](k.astype(int), n), share, (k >= 0) & (k < n)) for k, share in pair])
    for (row, y, y_in), (column, x, x_in) in itertools.product(*ends):
        yield row, column, (y * x)[..., None], (y_in & x_in)[..., None] | (fill_mode != "constant")


def warp(x, maps, interpolation="bilinear", fill_mode="constant", fill_value=0.0):
    """Return images whose pixel (i, j) comes from row ``d j + e i + f`` and column ``a j + b i + c``.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    maps : ndarray, shape (N, 6)
        a, b, c, d, e, f of each image.
    interpolation : {"bilinear", "nearest"}
    fill_mode : {"constant", "nearest", "wrap", "reflect", "mirror"}
    fill_value : float

    Returns
    -------
    y : ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> warp(np.arange(1.0, 5.0).reshape(1, 1, 4, 1), np.array([[1, 0, 0.5, 0, 1, 0]])).ravel().tolist()
    [1.5, 2.5, 3.5, 2.0]
    """
    y = np.zeros_like(x)
    for image, matrix, out in zip(x, maps.astype(x.dtype), y, strict=True):
        for row, column, share, inside in _taps(image.shape, matrix, interpolation, fill_mode):
            out += share * np.where(inside, image[row, column], np.asarray(fill_value, x.dtype))
    return y


def warp_backward(dy, maps, interpolation="bilinear", fill_mode="constant"):
    """Return the gradient of `warp`: each pixel's error goes where the pixel came from.

    Parameters
    ----------
    dy : ndarray, shape (N, H, W, C)
    maps, interpolation, fill_mode
        See `warp`.

    Returns
    -------
    dx : ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> warp_backward(np.ones((1, 1, 4, 1)), np.array([[1, 0, 0.5, 0, 1, 0]])).ravel().tolist()
    [0.5, 1.0, 1.0, 1.0]
    """
    dx = np.zeros_like(dy)
    for error, matrix, out in zip(dy, maps.astype(dy.dtype), dx, strict=True):
        for row, column, share, inside in _taps(error.shape, matrix, interpolation, fill_mode):
            np.add.at(out, (row, column), share * inside * error)
    return dx


def contrast(x, factors, low=-np.inf, high=np.inf):
    """Return images whose distances from the mean of each channel are multiplied, and cut to low ... high.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    factors : ndarray, shape (N,)
    low, high : float

    Returns
    -------
    y : ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> contrast(np.array([1.0, 3.0]).reshape(1, 1, 2, 1), np.array([2.0])).ravel().tolist()
    [0.0, 4.0]
    """
    mean = x.mean((1, 2), keepdims=True)
    return np.clip((x - mean) * factors.reshape(-1, 1, 1, 1).astype(x.dtype) + mean, low, high)


def contrast_backward(x, dy, factors, low=-np.inf, high=np.inf):
    """Return the gradient of `contrast`.

    Parameters
    ----------
    x, dy : ndarray, shape (N, H, W, C)
    factors, low, high
        See `contrast`.

    Returns
    -------
    dx : ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> x = np.array([1.0, 3.0]).reshape(1, 1, 2, 1)
    >>> contrast_backward(x, np.array([1.0, 0.0]).reshape(x.shape), np.array([2.0])).ravel().tolist()
    [1.5, -0.5]
    """
    plain, factors = contrast(x, factors), factors.reshape(-1, 1, 1, 1)
    dy = np.where((low <= plain) & (plain <= high), dy, 0)
    return factors * dy + (1 - factors) * dy.mean((1, 2), keepdims=True)
