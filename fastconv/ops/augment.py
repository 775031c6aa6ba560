"""Ops that change each image by numbers of its own: warps, flips, windows, contrast and brightness.

``sample(seed, x_shape)`` returns those numbers, so the way back meets the same ones. It runs on the calling thread.
"""

from functools import partial
from math import inf

import numpy as np

from fastconv.ops.op import Needs, Op
from fastconv.runtime import seeds


class _Sampled(Op):
    """An op on images (N, H, W, C) with a buffer `numbers` that is filled anew before each forward pass."""

    reads = ""
    random = True

    def __init__(self, sample, draw=seeds.next_seed, **settings):
        super().__init__(**settings)
        self.sample, self.draw = sample, draw

    def numbers(self, x_shape):
        """Return shape and dtype of the buffer."""
        raise NotImplementedError

    def needs(self, site):
        return Needs(saved={"numbers": self.numbers(site.x_shape)})

    def _fill(self, site):
        site.numbers[...] = self.sample(int(site.seed[0]), site.x_shape)

    def forward(self, site):
        return [partial(self._fill, site), *self.calls(site)]


class Warp(_Sampled):
    """Each image through an affine map (a ... f): pixel (i, j) comes from row d j + e i + f and column a j + b i + c.

    Parameters
    ----------
    sample, draw : callable
    interpolation : {"bilinear", "nearest"}
    fill_mode : {"constant", "nearest", "wrap", "reflect", "mirror"}
    fill_value : float
        What is outside of an image in the first mode.
    """

    name = "warp"

    def __init__(self, sample, interpolation, fill_mode, fill_value=0.0, draw=seeds.next_seed):
        super().__init__(sample, draw, interpolation=interpolation, fill_mode=fill_mode, fill_value=fill_value)

    def numbers(self, x_shape):
        return (x_shape[0], 6), None

    def flops(self, x):
        return 8 * int(np.prod(x))

    def _how(self, site):
        return site.numbers, self.fill_mode, self.fill_value, self.interpolation == "nearest"

    def calls(self, site):
        """Return the kernel calls of forward."""
        return [site.k.warp_forward(site.x, site.y, *self._how(site), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        return [site.k.warp_backward(site.dy, site.dx, *self._how(site), threads=site.threads)]


class Flip(_Sampled):
    """Some of the images, those whose number is not 0, turned round: their columns, their rows, or both."""

    name = "flip"

    def __init__(self, sample, columns, rows, draw=seeds.next_seed):
        super().__init__(sample, draw, columns=columns, rows=rows)

    def numbers(self, x_shape):
        return x_shape[:1], np.uint8

    def flops(self, x):
        return 0

    def _turned(self, site, x, y):
        return [site.k.flip(x, y, site.numbers, self.columns, self.rows, threads=site.threads)]

    def calls(self, site):
        """Return the kernel calls of forward."""
        return self._turned(site, site.x, site.y)

    def backward(self, site):
        return [] if site.dx is None else self._turned(site, site.dy, site.dx)


class Window(_Sampled):
    """The same window of all images; its numbers are the row and the column where it begins."""

    name = "window"

    def __init__(self, sample, size, draw=seeds.next_seed):
        super().__init__(sample, draw, size=tuple(size))

    def output_shape(self, x):
        return (x[0], *self.size, x[3])

    def numbers(self, x_shape):
        return (2,), np.intp

    def flops(self, x):
        return 0

    def calls(self, site):
        """Return the kernel calls of forward."""
        return [site.k.window(site.x, site.y, site.numbers, threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        return [site.k.window_backward(site.dy, site.dx, site.numbers, threads=site.threads)]


class _Adjust(_Sampled):
    """One number an image, and values cut to low ... high."""

    reads = "x"

    def __init__(self, sample, low=-inf, high=inf, draw=seeds.next_seed):
        super().__init__(sample, draw, low=low, high=high)

    def numbers(self, x_shape):
        return x_shape[:1], None


def _pixels(array):
    """Return images as (N, pixels, channels)."""
    return array.reshape(array.shape[0], array.shape[1] * array.shape[2], array.shape[3])


class Brightness(_Adjust):
    """x + the number of the image."""

    name = "brightness"

    def calls(self, site):
        """Return the kernel calls of forward."""
        x, y = map(_pixels, (site.x, site.y))
        return [site.k.adjust(x, y, None, site.numbers, self.low, self.high, threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        x, dy, dx = map(_pixels, (site.x, site.dy, site.dx))
        return [site.k.adjust_gate(x, dy, dx, None, site.numbers, self.low, self.high, threads=site.threads)]


class Contrast(_Adjust):
    """(x - mean) * the number of the image + mean, with the mean of each channel of it."""

    name = "contrast"

    def needs(self, site):
        n, _, _, channels = site.x_shape
        pattern, totals = ((n, site.k.VECTOR * channels), None), ((n, channels), np.float64)
        return Needs(
            saved={"numbers": self.numbers(site.x_shape), "means": pattern},
            forward={"totals": totals},
            backward={"dmeans": pattern, "dtotals": totals},
        )

    def flops(self, x):
        return 4 * int(np.prod(x))

    def calls(self, site):
        """Return the kernel calls of forward."""
        x, y = map(_pixels, (site.x, site.y))
        return [
            site.k.channel_means(x, site.means, site.totals, threads=site.threads),
            site.k.adjust(x, y, site.means, site.numbers, self.low, self.high, threads=site.threads),
        ]

    def backward(self, site):
        if site.dx is None:
            return []
        x, dy, dx = map(_pixels, (site.x, site.dy, site.dx))
        return [
            site.k.adjust_gate(x, dy, dx, site.means, site.numbers, self.low, self.high, threads=site.threads),
            site.k.channel_means(dx, site.dmeans, site.dtotals, threads=site.threads),
            site.k.adjust(dx, dx, site.dmeans, site.numbers, threads=site.threads),
        ]
