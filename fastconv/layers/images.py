"""What the layers on images share, and those that give images another size."""

import numpy as np

from fastconv.layers.layer import Layer, choice, number
from fastconv.ops import primitives as P
from fastconv.ops.functions import numeric
from fastconv.ops.resample import INTERPOLATIONS, along_axes, around, middle, resizing
from fastconv.runtime import settings


class ImageLayer(Layer):
    """A layer on images (N, H, W, C) in either data format, called alone also on one image (H, W, C).

    A subclass says ``image_size(height, width)``, the size that comes out, and ``image_ops(trace, height, width)``, the
    ops on channels-last images.
    """

    acts_by_default = False  # whether the layer trains, called alone on an array

    def __init__(self, data_format=None, bounding_box_format=None, factor=None, **kwargs):
        if factor is not None:
            raise ValueError(f"Layer {type(self).__name__} does not take a `factor` argument; got factor={factor!r}.")
        super().__init__(**kwargs)
        self.refuse(bounding_box_format=bounding_box_format)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")

    @property
    def _first(self):
        return self.data_format == "channels_first"

    def owner(self):
        """Return who complains in error messages."""
        return f"Layer {self.name!r} ({type(self).__name__})"

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def __call__(self, x, training=None):
        """Run the layer on images, or on one; see `Layer.__call__`."""
        if isinstance(x, dict):
            raise NotImplementedError(
                f"{self.owner()}: a dict of images and labels or boxes is not supported; pass the images."
            )
        if training is None and not isinstance(x, (np.ndarray, list, tuple)):
            return super().__call__(x)
        training = self.acts_by_default if training is None else training
        x = numeric(self.owner(), "the input", x) if isinstance(x, (list, tuple)) else x
        if getattr(x, "ndim", 4) == 3:
            return super().__call__(x[None], training=training)[0]
        return super().__call__(x, training=training)

    def _sizes(self, shape):
        return tuple(shape[-2:] if self._first else shape[-3:-1])

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`. Three sizes are those of one image."""
        if len(input_shape) == 3 and None not in input_shape:
            return self.compute_output_shape((1, *input_shape))[1:]
        self.check_rank(input_shape, 4)
        size = self.image_size(*self._sizes(input_shape))
        return (*input_shape[:2], *size) if self._first else (input_shape[0], *size, input_shape[3])

    def image_size(self, height, width):
        """Return the size that comes out."""
        return height, width

    def image_ops(self, trace, height, width):
        """Return the ops for images of a size."""
        raise NotImplementedError

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        ops = self.image_ops(trace, *self._sizes(trace.shape(x)))
        if ops and self._first:
            ops = [P.SwapAxes("last"), *ops, P.SwapAxes("first")]
        for op in ops:
            x = trace.add(op, x)
        return x

    def size(self, argument, value):
        """Return a size above 0, which Keras takes as whatever number equals an integer."""
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{self.owner()}: {argument}={value!r} is not an integer above 0.")
        return int(value)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "data_format": self.data_format}


def resize_ops(sizes, target, interpolation="bilinear", antialias=False):
    """Return the ops that bring images of a size to another one."""
    axes = enumerate(zip(sizes, target, strict=True), 1)
    return along_axes([(axis, resizing(interpolation, n, out, antialias)) for axis, (n, out) in axes if n != out])


def crop_ops(sizes, start, window):
    """Return the ops that cut a window out of images, none for a whole image."""
    amounts = [(at, n - at - size) for n, at, size in zip(sizes, start, window, strict=True)]
    return [P.Crop(amounts)] if any(map(any, amounts)) else []


def resize_middle_ops(sizes, target, **settings):
    """Return the ops that resize the largest window in the middle of images that has the target's proportions."""
    start, window = middle(sizes, target)
    return [*crop_ops(sizes, start, window), *resize_ops(window, target, **settings)]


class Resizing(ImageLayer):
    """Images of another size.

    Parameters
    ----------
    height, width : int
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
    crop_to_aspect_ratio : bool
        Resize the largest window in the middle that has the target's proportions, so that nothing is distorted.
    pad_to_aspect_ratio : bool
        Surround images to the target's proportions before they are resized.
    fill_mode : {"constant"}
    fill_value : float
        What is padded with.
    antialias : bool
        Whether an output pixel that covers several input pixels is a mean of all of them.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or images are to be both cropped and padded.

    Examples
    --------
    >>> from fastconv.layers import Resizing
    >>> Resizing(1, 4)(np.array([0.0, 1.0]).reshape(1, 1, 2, 1)).ravel()
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """

    def __init__(
        self,
        height,
        width,
        interpolation="bilinear",
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=False,
        fill_mode="constant",
        fill_value=0.0,
        antialias=False,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = self.size("height", height), self.size("width", width)
        self.interpolation = choice(self.owner(), "interpolation", interpolation, INTERPOLATIONS)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(f"{self.owner()}: only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
        self.fill_mode = choice(self.owner(), "fill_mode", fill_mode, ("constant",))
        self.fill_value = number(self.owner(), "fill_value", fill_value, minimum=-np.inf)
        self.antialias = bool(antialias)

    def image_size(self, height, width):
        """Return the size that comes out."""
        return self.height, self.width

    def image_ops(self, trace, height, width):
        """Return the ops; see `ImageLayer`."""
        sizes, target = (height, width), (self.height, self.width)
        how = {"interpolation": self.interpolation, "antialias": self.antialias}
        if self.crop_to_aspect_ratio:
            return resize_middle_ops(sizes, target, **how)
        if not self.pad_to_aspect_ratio:
            return resize_ops(sizes, target, **how)
        amounts = [(n, n) for n in around(sizes, target)]
        padded = [n + sum(amount) for n, amount in zip(sizes, amounts, strict=True)]
        pad = [P.ZeroPad(amounts, self.fill_value)] if padded != list(sizes) else []
        return [*pad, *resize_ops(padded, target, **how)]

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        names = ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio")
        names += ("fill_mode", "fill_value", "antialias")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class CenterCrop(ImageLayer):
    """The middle of images; of smaller ones the largest window of the same proportions, resized.

    Parameters
    ----------
    height, width : int
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import CenterCrop
    >>> CenterCrop(1, 2)(np.arange(12.0).reshape(1, 3, 4, 1)).ravel()
    array([5., 6.], dtype=float32)
    """

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = self.size("height", height), self.size("width", width)

    def image_size(self, height, width):
        """Return the size that comes out."""
        return self.height, self.width

    def image_ops(self, trace, height, width):
        """Return the ops; see `ImageLayer`."""
        sizes, target = (height, width), (self.height, self.width)
        if height < self.height or width < self.width:
            return resize_middle_ops(sizes, target)
        return crop_ops(sizes, [(n - size) // 2 for n, size in zip(sizes, target, strict=True)], target)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "height": self.height, "width": self.width}
