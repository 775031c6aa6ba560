"""Max and average pooling."""

from math import prod

import numpy as np

from fastconv.ops import geometry
from fastconv.ops.op import Needs, Op, Site

LARGEST_WINDOW = 254  # cells that a byte can number, 255 says none


class _Pool2D(Op):
    def __init__(self, pool_size, strides=None, padding="valid"):
        size = tuple(pool_size)
        super().__init__(pool_size=size, strides=size if strides is None else tuple(strides), padding=padding)

    def _paddings(self):
        return (self.padding, self.padding) if isinstance(self.padding, str) else self.padding

    def _axes(self, x):
        return zip(x[1:3], self.pool_size, self.strides, self._paddings(), strict=True)

    def output_shape(self, x):
        return (x[0], *(geometry.output_size(n, k, s, 1, p) for n, k, s, p in self._axes(x)), x[3])

    def flops(self, x):
        return prod(self.output_shape(x)) * prod(self.pool_size)

    def _before(self, x):
        """Return the cells of padding above and to the left."""
        return tuple(geometry.pad_amounts(n, k, s, 1, p)[0] for n, k, s, p in self._axes(x))

    def _is_global(self, x):
        """Tell whether there is one window, and it is the image."""
        one = self.pool_size == x[1:3] and self.output_shape(x)[1:3] == (1, 1)
        return one and self._before(x) == (0, 0)

    def _sizes(self, site):
        x, y = site.x_shape, site.y_shape
        return (*x[1:], *y[1:3], *self.pool_size, *self.strides, *self._before(x))

    def _call(self, site, kernel, *arrays):
        arrays = (None if a is None else a.reshape(-1) for a in arrays)
        return [getattr(site.k, kernel)(*arrays, self._sizes(site), site.x_shape[0], threads=site.threads)]

    def _call_global(self, site, kernel, *arrays):
        n, height, width, channels = site.x_shape
        arrays = (None if a is None else a.reshape(-1) for a in arrays)
        return [getattr(site.k, kernel)(*arrays, (n, height * width, channels), threads=site.threads)]


class MaxPool2D(_Pool2D):
    """The maximum of each window; the first of equal cells wins, NaN wins over numbers.

    A winner's place in its window is saved in a byte, or in an int where windows are too large for that.
    """

    name = "max_pool2d"
    reads = ""

    def _in_bytes(self, site):
        return prod(self.pool_size) <= LARGEST_WINDOW and not self._is_global(site.x_shape)

    def needs(self, site):
        dtype = np.uint8 if self._in_bytes(site) else np.intc
        return Needs(saved={"which": (site.y_shape, dtype)} if site.training else {})

    def forward(self, site):
        arrays = (site.x, site.y, site.which if site.training else None)
        if self._is_global(site.x_shape):
            return self._call_global(site, "global_max_forward", *arrays)
        return self._call(site, "max_pool2d_forward", *arrays)

    def backward(self, site):
        if site.dx is None:
            return []
        kernel = "max_pool2d_backward" if self._in_bytes(site) else "max_pool2d_scatter"
        return self._call(site, kernel, site.dy, site.which, site.dx)


class AveragePool2D(_Pool2D):
    """The mean of each window's real cells: padding does not count."""

    name = "average_pool2d"
    reads = ""

    def forward(self, site):
        if self._is_global(site.x_shape):
            return self._call_global(site, "global_average_forward", site.x, site.y)
        return self._call(site, "average_pool2d_forward", site.x, site.y)

    def backward(self, site):
        if site.dx is None:
            return []
        if self._is_global(site.x_shape):
            return self._call_global(site, "global_average_backward", site.dy, site.dx)
        return self._call(site, "average_pool2d_backward", site.dy, site.dx)


class _Pool1D(Op):
    """A pool of sequences x (n, length, c): one of images one cell wide."""

    pool = None
    reads = ""

    def __init__(self, pool_size, strides=None, padding="valid"):
        size = tuple(pool_size)
        super().__init__(pool_size=size, strides=size if strides is None else tuple(strides), padding=padding)
        self.of_images = self.pool((*size, 1), (*self.strides, 1), padding)

    def output_shape(self, x):
        n, length, _, channels = self.of_images.output_shape(_as_image(x))
        return n, length, channels

    def flops(self, x):
        return self.of_images.flops(_as_image(x))

    def _seen(self, site):
        shapes = {name: _as_image(getattr(site, name)) for name in ("x_shape", "y_shape")}
        return Site(**{**site.__dict__, **shapes})

    def needs(self, site):
        return self.of_images.needs(self._seen(site))

    def forward(self, site):
        return self.of_images.forward(self._seen(site))

    def backward(self, site):
        return self.of_images.backward(self._seen(site))


def _as_image(shape):
    """Return the shape (n, length, c) of sequences as that of images one cell wide."""
    return (*shape[:-1], 1, shape[-1])


class MaxPool1D(_Pool1D):
    """The maximum of each window of sequences; see `MaxPool2D`."""

    name = "max_pool1d"
    pool = MaxPool2D


class AveragePool1D(_Pool1D):
    """The mean of each window's real cells; see `AveragePool2D`."""

    name = "average_pool1d"
    pool = AveragePool2D
