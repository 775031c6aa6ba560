"""Ops that are weighted sums along one axis: repeating, upsampling, resizing."""

from functools import partial
from math import prod

import numpy as np

from fastconv.ops.op import Op


class Resample(Op):
    """Every place along `axis` becomes a weighted sum of places: ``matrix @ x``, the matrix (out, in) mostly zeros."""

    name = "resample"
    reads = ""

    def __init__(self, axis, matrix):
        super().__init__(axis=axis, matrix=matrix)

    def __repr__(self):
        return f"resample(axis={self.axis}, {self.matrix.shape[1]} to {self.matrix.shape[0]})"

    def output_shape(self, x):
        return (*x[: self.axis], self.matrix.shape[0], *x[self.axis + 1 :])

    def flops(self, x):
        return 2 * np.count_nonzero(self.matrix) * prod(x[1 : self.axis]) * prod(x[self.axis + 1 :])

    def _calls(self, site, source, target, matrix):
        out, places = np.nonzero(matrix)
        first = np.searchsorted(out, np.arange(len(matrix) + 1)).astype(np.intp)
        weights = np.ascontiguousarray(matrix[out, places], site.dtype)
        before, behind = prod(source.shape[: self.axis]), prod(source.shape[self.axis + 1 :])
        arrays = (a.reshape(before, a.shape[self.axis], behind) for a in (source, target))
        return [site.k.along_axis(*arrays, first, places.astype(np.intp), weights, threads=site.threads)]

    def forward(self, site):
        return self._calls(site, site.x, site.y, self.matrix)

    def backward(self, site):
        return [] if site.dx is None else self._calls(site, site.dy, site.dx, self.matrix.T)


def repeating(size, times):
    """Return the matrix that writes each of `size` places `times` times."""
    return np.repeat(np.eye(size), times, axis=0)


def nearest(size, out):
    """Return the matrix that takes for each of `out` places, by their middles, the nearest of `size`."""
    matrix = np.zeros((out, size))
    places = np.minimum(((np.arange(out) + 0.5) * (size / out)).astype(int), size - 1)
    matrix[np.arange(out), places] = 1
    return matrix


def _triangle(x):
    return np.maximum(0, 1 - x)


def _cubic(x):
    """Keys 1981, with the slope -1/2."""
    near, far = ((1.5 * x - 2.5) * x) * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0.0, np.where(x >= 1, far, near))


def _lanczos(radius, x):
    return np.where(x > radius, 0.0, np.sinc(x) * np.sinc(x / radius))


_KERNELS = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": partial(_lanczos, 3.0),
    "lanczos5": partial(_lanczos, 5.0),
}
INTERPOLATIONS = ("nearest", *_KERNELS)


def resizing(interpolation, size, out, antialias=False):
    """Return the matrix (out, size) that makes `out` places of `size`, each a weighted mean by the distance of middles.

    With `antialias` the kernel is as wide as an output place, where that is more than an input place; the nearest
    place has no kernel.
    """
    if interpolation == "nearest":
        return nearest(size, out)
    at = (np.arange(out)[:, None] + 0.5) * (size / out) - 0.5
    width = max(size / out, 1.0) if antialias else 1.0
    weights = _KERNELS[interpolation](np.abs(at - np.arange(size)) / width)
    return weights / weights.sum(1, keepdims=True)


def middle(sizes, target):
    """Return (start, size) of the largest window in the middle of an image that has the target's proportions."""
    (height, width), (rows, columns) = sizes, target
    window = (
        max(min(height, int(float(width * rows) / columns)), 1),
        max(min(width, int(float(height * columns) / rows)), 1),
    )
    return tuple((n - size) // 2 for n, size in zip(sizes, window, strict=True)), window


def around(sizes, target):
    """Return how many rows above and below, and columns left and right, bring an image to the target's proportions."""
    (height, width), (rows, columns) = sizes, target
    whole = max(height, int(float(width * rows) / columns)), max(width, int(float(height * columns) / rows))
    return tuple((size - n) // 2 for n, size in zip(sizes, whole, strict=True))
