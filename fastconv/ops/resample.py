"""Ops that are weighted sums along one axis: resizing; and cells repeated along all axes: upsampling."""

from functools import partial
from math import prod

import numpy as np

from fastconv.ops.op import Needs, Op


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
        before, behind = prod(source.shape[: self.axis]), prod(source.shape[self.axis + 1 :])
        arrays = (a.reshape(before, a.shape[self.axis], behind) for a in (source, target))
        return [site.k.along_axis(*arrays, *_sums(matrix, site.dtype), threads=site.threads)]

    def forward(self, site):
        return self._calls(site, site.x, site.y, self.matrix)

    def backward(self, site):
        return [] if site.dx is None else self._calls(site, site.dy, site.dx, self.matrix.T)


class ResampleImages(Op):
    """`Resample` along the rows and then the columns of images x (n, h, w, c), row by row."""

    name = "resample_images"
    reads = ""

    def __init__(self, rows, columns):
        super().__init__(rows=rows, columns=columns)

    def __repr__(self):
        ways = (f"{len(m.T)} to {len(m)}" for m in (self.rows, self.columns))
        return f"resample_images({', '.join(ways)})"

    def output_shape(self, x):
        return (x[0], len(self.rows), len(self.columns), x[3])

    def flops(self, x):
        rows, columns = map(np.count_nonzero, (self.rows, self.columns))
        return 2 * x[3] * (rows * x[2] + columns * len(self.rows))

    def needs(self, site):
        widest = max(site.x_shape[2], site.y_shape[2]) * site.x_shape[3]
        line = ((site.threads, max(16, -(-widest // 16) * 16)), None)
        return Needs(forward={"line": line}, backward={"line_back": line} if site.training else {})

    def _call(self, site, source, target, line, rows, columns):
        sums = (_sums(rows, site.dtype), _sums(columns, site.dtype))
        return [site.k.along_two_axes(source, target, line, *sums, threads=site.threads)]

    def forward(self, site):
        return self._call(site, site.x, site.y, site.line, self.rows, self.columns)

    def backward(self, site):
        if site.dx is None:
            return []
        return self._call(site, site.dy, site.dx, site.line_back, self.rows.T, self.columns.T)


def _sums(matrix, dtype):
    """Return where each row's weights begin, the places that they weigh, and the weights."""
    out, places = np.nonzero(matrix)
    first = np.searchsorted(out, np.arange(len(matrix) + 1)).astype(np.intp)
    return first, places.astype(np.intp), np.ascontiguousarray(matrix[out, places], dtype)


def along_axes(matrices):
    """Return the ops that resample along some axes: a list of (axis, matrix).

    Examples
    --------
    >>> along_axes([(1, np.eye(3)), (2, np.eye(4))])
    [resample_images(3 to 3, 4 to 4)]
    """
    if [axis for axis, _ in matrices] == [1, 2]:
        return [ResampleImages(*(matrix for _, matrix in matrices))]
    return [Resample(axis, matrix) for axis, matrix in matrices]


class Repeat(Op):
    """Every cell of x (n, ..., c) becomes a box of its copies: `times` for each of one to three axes between."""

    name = "repeat"
    reads = ""

    def __init__(self, times):
        super().__init__(times=tuple(times))

    def output_shape(self, x):
        return (x[0], *(n * times for n, times in zip(x[1:-1], self.times, strict=True)), x[-1])

    def flops(self, x):
        return 0

    def _call(self, site, kernel, source, target):
        ones = (1,) * (3 - len(self.times))
        n, *cells, channels = site.x_shape
        sizes, times = (n, *ones, *cells, channels), (*ones, *self.times)
        return [kernel(source.reshape(-1), target.reshape(-1), sizes, times, threads=site.threads)]

    def forward(self, site):
        return self._call(site, site.k.repeat_forward, site.x, site.y)

    def backward(self, site):
        return [] if site.dx is None else self._call(site, site.k.repeat_backward, site.dy, site.dx)


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
