"""Pools whose windows are chosen so that a given number of them comes out, along any number of axes."""

from functools import lru_cache
from math import prod

import numpy as np

from fastconv.ops.op import Needs, Op
from fastconv.ops.pool import LARGEST_WINDOW, AveragePool2D, MaxPool2D
from fastconv.ops.pool3d import AveragePool3D, MaxPool3D


@lru_cache(maxsize=256)
def windows(cells, count):
    """Return `count` windows over some cells, and the windows over each cell, as rows of (first, end).

    Window i begins at floor(i * cells / count) and ends at ceil((i + 1) * cells / count), so that together they reach
    every cell; where count does not divide the cells some overlap.
    """
    i = np.arange(count, dtype=np.intp)
    window = np.stack([i * cells // count, -(-(i + 1) * cells // count)], axis=1)
    k = np.arange(cells)
    first = np.searchsorted(window[:, 1], k, side="right")
    over = np.stack([first, np.searchsorted(window[:, 0], k, side="right")], axis=1)
    return window, np.ascontiguousarray(over, np.intp)


class _AdaptivePool(Op):
    """Pools x (n, axes ..., c) to (n, *output_size, c): one axis after the other, the last one first."""

    reads = ""
    saves = False
    plain = {}  # number of axes -> the pool with windows of one size

    def __init__(self, output_size):
        super().__init__(output_size=tuple(output_size))

    def output_shape(self, x):
        return (x[0], *self.output_size, x[-1])

    def flops(self, x):
        return prod(x)

    def simpler(self, x):
        """Return the pool with windows of one size that does the same to inputs of shape x; None if there is none."""
        sizes = x[1:-1]
        op_class = self.plain.get(len(sizes))
        if op_class is None or any(n % m for n, m in zip(sizes, self.output_size, strict=True)):
            return None
        return op_class(tuple(n // m for n, m in zip(sizes, self.output_size, strict=True)))

    def _passes(self, site):
        """Return (axis, shape before, shape behind) of each pass."""
        shape, passes = tuple(site.x_shape), []
        for axis in reversed(range(1, len(shape) - 1)):
            after = (*shape[:axis], self.output_size[axis - 1], *shape[axis + 1 :])
            if after != shape or (axis == 1 and not passes):
                passes.append((axis, shape, after))
            shape = after
        return passes

    def needs(self, site):
        passes = self._passes(site)
        between = {f"pooled_{i}": (after, None) for i, (_, _, after) in enumerate(passes[:-1])}
        back = {f"d{name}": need for name, need in between.items()} if site.training and site.wants_dx else {}
        which = {}
        if self.saves and site.training:
            which = {f"which_{i}": (p[2], _places(p)) for i, p in enumerate(passes)}
        return Needs(saved=which, forward=between, backward=back)

    def _chain(self, site, first, last, name):
        """Return the arrays before and behind every pass."""
        count = len(self._passes(site))
        return [first, *(getattr(site, f"{name}_{i}") for i in range(count - 1)), last]

    def forward(self, site):
        arrays, calls = self._chain(site, site.x, site.y, "pooled"), []
        for i, (axis, before, after) in enumerate(self._passes(site)):
            window, _ = windows(before[axis], after[axis])
            which = (getattr(site, f"which_{i}").reshape(-1) if site.training else None,) if self.saves else ()
            flat = (arrays[i].reshape(-1), arrays[i + 1].reshape(-1), *which)
            calls.append(self._kernel(site, "forward")(*flat, _sizes(axis, before), window, threads=site.threads))
        return calls

    def backward(self, site):
        if site.dx is None:
            return []
        arrays, calls = self._chain(site, site.dx, site.dy, "dpooled"), []
        for i, (axis, before, after) in reversed(list(enumerate(self._passes(site)))):
            lists = windows(before[axis], after[axis])
            which = (getattr(site, f"which_{i}").reshape(-1),) if self.saves else ()
            flat = (arrays[i + 1].reshape(-1), *which, arrays[i].reshape(-1))
            in_ints = self.saves and which[0].dtype != np.uint8
            kernel, lists = ("scatter", lists[:1]) if in_ints else ("backward", lists)
            calls.append(self._kernel(site, kernel)(*flat, _sizes(axis, before), *lists, threads=site.threads))
        return calls

    def _kernel(self, site, which):
        return getattr(site.k, f"axis_{'max' if self.saves else 'mean'}_{which}")


def _sizes(axis, shape):
    """Return (outer, cells, inner) of an array that is pooled along an axis."""
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def _places(step):
    """Return the type of a winner's place in the windows of a pass."""
    axis, before, after = step
    window, _ = windows(before[axis], after[axis])
    return np.uint8 if (window[:, 1] - window[:, 0]).max() <= LARGEST_WINDOW else np.intc


class AdaptiveMaxPool(_AdaptivePool):
    """The maximum of each of as many windows as are asked for; of equal cells the first one wins."""

    name = "adaptive_max_pool"
    saves = True
    plain = {2: MaxPool2D, 3: MaxPool3D}


class AdaptiveAveragePool(_AdaptivePool):
    """The mean of each of as many windows as are asked for."""

    name = "adaptive_average_pool"
    plain = {2: AveragePool2D, 3: AveragePool3D}
