"""Ops that are weighted sums along one axis: repeating, upsampling, resizing."""

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


def bilinear(size, out):
    """Return the matrix that weighs, by their middles, the two of `size` places around each of `out` places."""
    matrix = np.zeros((out, size))
    at = (np.arange(out) + 0.5) * (size / out) - 0.5
    low = np.floor(at).astype(int)
    share = at - low
    np.add.at(matrix, (np.arange(out), np.clip(low, 0, size - 1)), 1 - share)
    np.add.at(matrix, (np.arange(out), np.clip(low + 1, 0, size - 1)), share)
    return matrix


INTERPOLATIONS = {"nearest": nearest, "bilinear": bilinear}
