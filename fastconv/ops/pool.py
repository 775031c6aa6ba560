"""Max and average pooling."""

from math import prod

import numpy as np

from fastconv.ops import geometry
from fastconv.ops.op import Needs, Op


class _Pool2D(Op):
    def __init__(self, pool_size, strides=None, padding="valid"):
        size = tuple(pool_size)
        super().__init__(pool_size=size, strides=size if strides is None else tuple(strides), padding=padding)

    def _paddings(self):
        return (self.padding, self.padding) if isinstance(self.padding, str) else self.padding

    def output_shape(self, x):
        axes = zip(x[1:3], self.pool_size, self.strides, self._paddings(), strict=True)
        return (x[0], *(geometry.output_size(n, k, s, 1, p) for n, k, s, p in axes), x[3])

    def flops(self, x):
        return prod(self.output_shape(x)) * prod(self.pool_size)

    def _sizes(self, site):
        _, height, width, channels = site.x_shape
        axes = zip((height, width), self.pool_size, self.strides, self._paddings(), strict=True)
        top, left = (geometry.pad_amounts(n, k, s, 1, p)[0] for n, k, s, p in axes)
        return (height, width, channels, *site.y_shape[1:3], *self.pool_size, *self.strides, top, left)


class MaxPool2D(_Pool2D):
    """The maximum of each window; the first of equal cells wins, NaN wins over numbers."""

    name = "max_pool2d"
    reads = ""

    def needs(self, site):
        return Needs(saved={"which": (site.y_shape, np.intc)} if site.training else {})

    def forward(self, site):
        which = site.which.reshape(-1) if site.training else None
        sizes, images = self._sizes(site), site.x_shape[0]
        return [
            site.k.max_pool2d_forward(
                site.x.reshape(-1), site.y.reshape(-1), which, sizes, images, threads=site.threads
            )
        ]

    def backward(self, site):
        if site.dx is None:
            return []
        dy, which, dx = site.dy.reshape(-1), site.which.reshape(-1), site.dx.reshape(-1)
        return [site.k.max_pool2d_backward(dy, which, dx, self._sizes(site), site.x_shape[0], threads=site.threads)]


class AveragePool2D(_Pool2D):
    """The mean of each window's real cells: padding does not count."""

    name = "average_pool2d"
    reads = ""

    def forward(self, site):
        x, y = site.x.reshape(-1), site.y.reshape(-1)
        return [site.k.average_pool2d_forward(x, y, self._sizes(site), site.x_shape[0], threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        dy, dx = site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.average_pool2d_backward(dy, dx, self._sizes(site), site.x_shape[0], threads=site.threads)]
