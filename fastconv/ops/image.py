"""keras.ops.image on NumPy arrays: one image (H, W, C) or a batch of them, in either data format."""

import numpy as np

from fastconv import absent
from fastconv.names import spell_all
from fastconv.ops import primitives as P
from fastconv.ops.arrays import as_floats, numeric
from fastconv.ops.resample import INTERPOLATIONS, along_axes, around, middle, resizing
from fastconv.runtime.settings import standardize_data_format

__all__ = ["affine_transform", "crop_images", "pad_images", "resize", "rgb_to_grayscale"]

__getattr__ = absent.of(__name__)

FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
GRAY = (0.2989, 0.587, 0.114)  # what red, green and blue weigh


class _Batch:
    """Images as a batch with channels last, and the way back to what was given: one or several, their format, type."""

    def __init__(self, name, images, data_format):
        self.owner = f"ops.image.{name}"
        self.value, self.given = images, numeric(self.owner, "images", images)
        if self.given.ndim not in (3, 4):
            raise ValueError(f"{self.owner}: images has shape {self.given.shape}; expected 3 axes (one image) or 4.")
        self.first = standardize_data_format(data_format, self.owner) == "channels_first"
        x = self.given if self.given.ndim == 4 else self.given[None]
        self.x = np.moveaxis(x, 1, -1) if self.first else x
        self.sizes = self.x.shape[1:3]

    def floats(self):
        """Return the images as floats that kernels take."""
        return np.ascontiguousarray(as_floats(self.x, self.value))

    def like_given(self, y):
        """Return results as the images were given; whole numbers are rounded and cut to their type."""
        kind = self.given.dtype
        if kind.kind in "iu" and y.dtype != kind:
            limits = np.iinfo(kind)
            y = np.clip(np.rint(y), limits.min, limits.max)
        y = np.moveaxis(y, -1, 1) if self.first else y
        return np.ascontiguousarray(y if self.given.ndim == 4 else y[0], kind if kind.kind in "iu" else None)

    def whole(self, argument, value, least=0):
        """Return a whole number of at least `least`, or None."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{self.owner}: {argument}={value!r} is not an integer of at least {least}.")
        return int(value)

    def choice(self, argument, value, known):
        """Return a value that is one of those known."""
        if value not in known:
            raise ValueError(f"{self.owner}: {argument}={value!r} is not one of {tuple(known)}.")
        return value


def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Bring images to another size.

    Parameters
    ----------
    images : array_like, shape (batch, height, width, channels)
        Or one image without the batch; or channels before the sizes, with ``data_format="channels_first"``.
    size : pair of int
        Height and width.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
    antialias, crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        See `fastconv.layers.Resizing`.
    fill_mode : {"constant"}
    fill_value : float
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        Of the images' type if that is integer (rounded), else float32, or float64 for float64 images.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> resize(np.array([0.0, 1.0]).reshape(1, 2, 1), (1, 4)).ravel()
    array([0.  , 0.25, 0.75, 1.  ])
    """
    batch = _Batch("resize", images, data_format)
    if not np.iterable(size) or len(size) != 2:
        raise ValueError(f"{batch.owner}: size={size!r} is not a pair of integers.")
    target = tuple(batch.whole("size", n, 1) for n in size)
    batch.choice("interpolation", interpolation, INTERPOLATIONS)
    batch.choice("fill_mode", fill_mode, ("constant",))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{batch.owner}: only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
    y = batch.floats()
    if crop_to_aspect_ratio:
        (top, left), (height, width) = middle(batch.sizes, target)
        y = y[:, top : top + height, left : left + width]
    elif pad_to_aspect_ratio:
        y = np.pad(y, ((0, 0), *((n, n) for n in around(batch.sizes, target)), (0, 0)), constant_values=fill_value)
    axes = enumerate(zip(y.shape[1:3], target, strict=True), 1)
    for op in along_axes([(axis, resizing(interpolation, n, out, antialias)) for axis, (n, out) in axes if n != out]):
        y, _ = op(y)
    return batch.like_given(y)


def affine_transform(images, transform, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format=None):
    """Send images through affine maps.

    Parameters
    ----------
    images : array_like, shape (batch, height, width, channels)
        See `resize`.
    transform : array_like, shape (batch, 8) or (8,)
        a0, a1, a2, b0, b1, b2, 0, 0: pixel (x, y) comes from ``(a0 x + a1 y + a2, b0 x + b1 y + b2)``.
    interpolation : {"bilinear", "nearest"}
    fill_mode : {"constant", "nearest", "wrap", "mirror", "reflect"}
        What lies beyond the edge.
    fill_value : float
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        As of `resize`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the shapes do not fit.
    NotImplementedError
        For projective maps, whose last two numbers are not 0.

    Examples
    --------
    >>> image = np.array([1, 2, 3, 4]).reshape(1, 4, 1)
    >>> affine_transform(image, [1, 0, -1, 0, 1, 0, 0, 0]).ravel()
    array([0, 1, 2, 3])
    """
    batch = _Batch("affine_transform", images, data_format)
    batch.choice("interpolation", interpolation, ("bilinear", "nearest"))
    batch.choice("fill_mode", fill_mode, FILL_MODES)
    x, maps = batch.floats(), np.atleast_2d(numeric(batch.owner, "transform", transform))
    if maps.shape not in ((len(x), 8), (1, 8)):
        raise ValueError(f"{batch.owner}: transform has shape {np.shape(transform)}; expected ({len(x)}, 8) or (8,).")
    if np.any(maps[:, 6:]):
        raise NotImplementedError(f"{batch.owner}: the last two numbers of transform have to be 0: no projections.")
    maps = np.broadcast_to(maps[:, :6], (len(x), 6))
    y, _ = P.Warp(lambda seed, shape: maps, interpolation, fill_mode, float(fill_value))(x)
    return batch.like_given(y)


def _margins(batch, what, edges, targets, sign):
    """Return ((top, bottom), (left, right)) from the two of three numbers that are given along each axis."""
    margins = []
    for (low, high), target, size in zip(edges, targets, batch.sizes, strict=True):
        (first, low), (last, high), (name, target) = ((key, batch.whole(key, v)) for key, v in (low, high, target))
        if sum(v is None for v in (low, high, target)) != 1:
            raise ValueError(f"{batch.owner}: expected exactly two of {first}, {last} and {name}.")
        left = None if target is None else sign * (target - size)
        low = left - high if low is None else low
        high = left - low if high is None else high
        if low < 0 or high < 0 or size + sign * (low + high) < 0:
            raise ValueError(f"{batch.owner}: {what} of {low} and {high} does not fit into a size of {size}.")
        margins.append((low, high))
    return margins


def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Cut margins off images.

    Parameters
    ----------
    images : array_like, shape (batch, height, width, channels)
        See `resize`.
    top_cropping, left_cropping, bottom_cropping, right_cropping, target_height, target_width : int, optional
        Exactly two of top, bottom and height, and of left, right and width.
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        Of the images' type.

    Raises
    ------
    ValueError
        If the numbers do not fit.

    Examples
    --------
    >>> crop_images(np.arange(4).reshape(1, 4, 1), 0, 1, 0, target_width=2).ravel()
    array([1, 2])
    """
    batch = _Batch("crop_images", images, data_format)
    edges = (
        (("top_cropping", top_cropping), ("bottom_cropping", bottom_cropping)),
        (("left_cropping", left_cropping), ("right_cropping", right_cropping)),
    )
    targets = ("target_height", target_height), ("target_width", target_width)
    (top, bottom), (left, right) = _margins(batch, "cropping", edges, targets, -1)
    height, width = batch.sizes
    return batch.like_given(batch.x[:, top : height - bottom, left : width - right])


def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Surround images by zeros.

    Parameters
    ----------
    images : array_like, shape (batch, height, width, channels)
        See `resize`.
    top_padding, left_padding, bottom_padding, right_padding, target_height, target_width : int, optional
        Exactly two of top, bottom and height, and of left, right and width.
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        Of the images' type.

    Raises
    ------
    ValueError
        If the numbers do not fit.

    Examples
    --------
    >>> pad_images(np.ones((1, 2, 1), int), 0, 1, 0, target_width=5).ravel()
    array([0, 1, 1, 0, 0])
    """
    batch = _Batch("pad_images", images, data_format)
    edges = (
        (("top_padding", top_padding), ("bottom_padding", bottom_padding)),
        (("left_padding", left_padding), ("right_padding", right_padding)),
    )
    targets = ("target_height", target_height), ("target_width", target_width)
    return batch.like_given(np.pad(batch.x, ((0, 0), *_margins(batch, "padding", edges, targets, 1), (0, 0))))


def rgb_to_grayscale(images, data_format=None):
    """Return how bright images are: 0.2989 red + 0.587 green + 0.114 blue.

    Parameters
    ----------
    images : array_like, shape (batch, height, width, 3)
        See `resize`. With one channel they are returned as they are.
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray, shape (batch, height, width, 1)
        Of the images' type; whole numbers are rounded down, as in Keras.

    Raises
    ------
    ValueError
        If there are neither one nor three channels.

    Examples
    --------
    >>> rgb_to_grayscale([[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]]).round(3).ravel()
    array([0.299, 0.886], dtype=float32)
    """
    batch = _Batch("rgb_to_grayscale", images, data_format)
    if batch.x.shape[-1] not in (1, 3):
        raise ValueError(f"{batch.owner}: images has shape {batch.given.shape}; expected 3 channels, or 1.")
    if batch.x.shape[-1] == 1:
        return batch.given.copy()
    x = batch.floats()
    y = x @ np.asarray(GRAY, x.dtype)[:, None]
    return batch.like_given(y.astype(batch.given.dtype) if batch.given.dtype.kind in "iu" else y)


spell_all(globals(), __all__)
