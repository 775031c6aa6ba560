"""Resizing of single pictures in NumPy, as ``tf.image.resize`` does it without antialiasing: half-pixel centres.

Each axis is a sum over few taps: for every output cell the places of the inputs and their weights. A filter is a
function of the distance and a radius, the same for enlarging and shrinking.
"""

import math

import numpy as np


def _triangle(d):
    return np.maximum(1 - d, 0)


def _cubic(b, c):
    """Return the cubic filter of Mitchell and Netravali for two parameters."""

    def weigh(d):
        near = ((12 - 9 * b - 6 * c) * d**3 + (-18 + 12 * b + 6 * c) * d**2 + 6 - 2 * b) / 6
        far = ((-b - 6 * c) * d**3 + (6 * b + 30 * c) * d**2 + (-12 * b - 48 * c) * d + 8 * b + 24 * c) / 6
        return np.where(d < 1, near, np.where(d < 2, far, 0))

    return weigh


def _lanczos(radius):
    return lambda d: np.where(d < radius, np.sinc(d) * np.sinc(d / radius), 0)


def _gaussian(d):
    return np.where(d < 1.5, np.exp(-2 * d**2), 0)


FILTERS = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic(0, 0.5), 2),
    "mitchellcubic": (_cubic(1 / 3, 1 / 3), 2),
    "lanczos3": (_lanczos(3), 3),
    "lanczos5": (_lanczos(5), 5),
    "gaussian": (_gaussian, 1.5),
}
INTERPOLATIONS = (
    "bilinear",
    "nearest",
    "bicubic",
    "area",
    "lanczos3",
    "lanczos5",
    "gaussian",
    "mitchellcubic",
)


def taps(before, after, interpolation):
    """Return for each of `after` cells the places of inputs and their weights, both of shape (after, taps)."""
    step = before / after
    if interpolation == "nearest":
        places = np.floor((np.arange(after) + 0.5) * step).astype(int)[:, None]
        return np.minimum(places, before - 1), np.ones((after, 1))
    if interpolation == "area":
        start = np.arange(after)[:, None] * step
        places = np.floor(start).astype(int) + np.arange(math.ceil(step) + 1)
        weights = np.minimum(places + 1, start + step) - np.maximum(places, start)
        weights = np.where(places < before, np.maximum(weights, 0), 0)
    else:
        weigh, radius = FILTERS[interpolation]
        centre = (np.arange(after)[:, None] + 0.5) * step - 0.5
        places = np.floor(centre - radius).astype(int) + 1 + np.arange(2 * math.ceil(radius))
        weights = np.where((places >= 0) & (places < before), weigh(np.abs(places - centre)), 0)
    return np.clip(places, 0, before - 1), weights / weights.sum(1, keepdims=True)


def _along(x, axis, after, interpolation):
    """Resize one axis: a sum over taps, without a matrix product, whose threads would be in the way of ours."""
    if x.shape[axis] == after and interpolation in ("nearest", "bilinear", "bicubic", "area"):
        return x
    places, weights = taps(x.shape[axis], after, interpolation)
    shape = [1] * x.ndim
    shape[axis] = after
    total = 0
    for place, weight in zip(places.T, weights.T.astype(x.dtype), strict=True):
        total = total + np.take(x, place, axis) * weight.reshape(shape)
    return total


def resize(image, size, interpolation, crop=False, pad=False):
    """Return a picture (height, width, channels) of another size.

    Parameters
    ----------
    image : ndarray
        Floats.
    size : tuple of int
        (height, width).
    interpolation : str
        One of `INTERPOLATIONS`.
    crop, pad : bool
        Keep the proportions: cut the picture around its middle to the shape of `size`, or put zeros around it.

    Examples
    --------
    >>> resize(np.array([[[0.0], [1.0]]]), (1, 4), "bilinear")[0, :, 0]
    array([0.  , 0.25, 0.75, 1.  ])
    """
    height, width = image.shape[:2]
    if crop:
        tall = max(min(height, int(float(width * size[0]) / size[1])), 1)
        wide = max(min(width, int(float(height * size[1]) / size[0])), 1)
        top, left = int((height - tall) / 2), int((width - wide) / 2)
        image = image[top : top + tall, left : left + wide]
    inner = size
    if pad:
        ratio = max(width / size[1], height / size[0])
        inner = max(math.floor(height / ratio), 1), max(math.floor(width / ratio), 1)
    image = _along(_along(image, 0, inner[0], interpolation), 1, inner[1], interpolation)
    if tuple(inner) == tuple(size):
        return image
    whole = np.zeros((*size, image.shape[2]), image.dtype)
    top, left = (math.floor(max((size[i] - inner[i]) / 2, 0)) for i in (0, 1))
    whole[top : top + inner[0], left : left + inner[1]] = image
    return whole
