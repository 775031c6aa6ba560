"""Ops whose products are of bfloat16: inputs, weights and gradients rounded to it, sums in float32.

bfloat16 is the upper half of a float32: the same range with 8 bits of precision. Nothing is stored in it. Values stay
float32 between ops, and are rounded on their way into a product, so that whatever is no product computes as ever.

Where the processor multiplies pairs of bfloat16, convolutions and dense layers have loops of their own
(``kernels/bfloat16.pxi``). Everywhere else operands are rounded, and multiplied by the kernels of float32: the same
numbers are added up, since a product of two bfloat16 is exact in float32.
"""

import warnings
from typing import NamedTuple

import numpy as np

from fastconv import kernels
from fastconv.ops import primitives as P
from fastconv.ops import windows
from fastconv.ops.conv import as_matrix, packed_shape, sum_partials, wants_filters
from fastconv.ops.op import Needs, Op, Site

EMULATED = (
    "mixed_bfloat16: the kernels in use ({variant}) have no products of bfloat16, which take AVX512_BF16. Numbers are "
    "rounded to bfloat16 and multiplied in float32: the results are those of the policy, and float32 itself is faster."
)
_warned = set()


class Rounded(Op):
    """Another op, given inputs, weights and gradients that are rounded to bfloat16 first."""

    def __init__(self, op):
        super().__init__(**op.settings)
        self.op, self.name = op, f"{op.name}_bfloat16"
        self.reads = op.reads

    def output_shape(self, x, *params):
        return self.op.output_shape(x, *params)

    def flops(self, x, *params):
        return self.op.flops(x, *params)

    def needs(self, site):
        needs, x = self.op.needs(site), {"rounded_x": (site.x_shape, None)}
        return Needs(
            prepared={**_rounded_filters(site), **needs.prepared},
            saved={**needs.saved, **x} if site.training else needs.saved,
            forward=needs.forward if site.training else {**needs.forward, **x},
            backward=needs.backward,
        )

    def prepare(self, site):
        return [_round(site, site.params[0], site.rounded_w), *self.op.prepare(_rounded(site))]

    def forward(self, site):
        return [_round(site, site.x, site.rounded_x), *self.op.forward(_rounded(site))]

    def backward(self, site):
        return [_round(site, site.dy, site.dy), *self.op.backward(_rounded(site))]


class Directions(NamedTuple):
    """Which ways go by pairs of bfloat16, and not with rounded numbers; the filters' gradient does, where these may."""

    forward: bool
    input: bool


class Pairs(Rounded):
    """A convolution or dense op by pairs of bfloat16, in the directions in which they go together.

    Forward takes pairs of channels, and the data gradient pairs of output channels; the filters' gradient pairs of
    pixels. Odd numbers of channels stay with rounded numbers, and so do data gradients that are scattered, or that
    visit the winners of a pool: with as many of them as are alive in training, these have no more to do.
    """

    def _sizes(self, site):
        return self.op.sizes(site.x_shape, site.param_shapes[0])

    def _directions(self, site):
        """Return the `Directions`, None if none goes by pairs."""
        if not kernels.multiplies_pairs(site.k):
            return None
        op, c = self.op, self._sizes(site)
        elsewhere = op._is_scattered(site, c) or (self._is_pooled and op._visits(site, c)[1] is not None)
        return Directions(op._lists(c).run % 2 == 0, c.out_channels // c.groups % 2 == 0 and not elsewhere)

    @property
    def _is_pooled(self):
        return isinstance(self.op, P.Conv2DReluMaxPool2D)

    # -- buffers ------------------------------------------------------------------------------------------
    def needs(self, site):
        way = self._directions(site)
        if way is None:
            return super().needs(site)
        needs, c = self.op.needs(site), self._sizes(site)
        prepared, forward = {**needs.prepared, **_rounded_filters(site)}, needs.forward
        if way.forward:
            prepared = {"pairs": _pairs_shape(site, c)}
            lists = self.op._lists(c)
            forward = {"narrow": _words(site, -(-_band_values(lists) // 2)), **self._cells(site, lists, "cells")}
        else:
            forward = {**forward, "rounded_x": (site.x_shape, None)}
        backward = self._filters_needs(site, c) if site.training else {}
        if site.training and site.wants_dx:
            prepared |= {} if way.input else _rounded_filters(site)
            backward |= self._input_needs(site, c) if way.input else self.op._input_needs(site, c)
        return Needs(prepared, needs.saved, forward, backward)

    def _cells(self, site, lists, name):
        """Return the need of a block of outputs or gradients in front of a pool, if there is one."""
        return {name: ((site.threads, max(16, lists.pixels * site.k.BLOCK)), None)} if self._is_pooled else {}

    def _filters_needs(self, site, c):
        lists, lanes = self.op._lists(c), -(-(c.out_channels // c.groups) // site.k.VECTOR) * site.k.VECTOR
        values = _band_values(lists)
        words = values + -(-values // 2) + len(pixel_pairs(lists.pixel).first) * site.k.BLOCK
        return {
            "partial": ((self.op._chunks(site, c) * c.groups * (c.filter_rows + 1) * lanes,), None),
            "narrow_filters": _words(site, words),
            **self._cells(site, lists, "scratch_filters"),
        }

    def _input_needs(self, site, c):
        phases = windows.backward_input(c) if self._is_pooled else self.op._phases(c)
        packed = {f"pairs_{i}": _pairs_shape(site, c.transposed(len(taps))) for i, (_, taps) in enumerate(phases)}
        most = max(_band_values(lists) for lists, _ in phases)
        dense = {"dconv": ((c.images, c.out_height, c.out_width, c.out_channels), None)} if self._is_pooled else {}
        return {"narrow_input": _words(site, -(-most // 2)), **packed, **dense}

    # -- calls --------------------------------------------------------------------------------------------
    def prepare(self, site):
        way = self._directions(site)
        if way is None:
            return super().prepare(site)
        c, calls, w = self._sizes(site), [], site.params[0]
        if hasattr(site, "rounded_w"):
            calls.append(_round(site, w, site.rounded_w))
        if not way.forward:
            return calls + self.op.prepare(_rounded(site))
        columns = c.out_channels // c.groups
        return [*calls, site.k.pack_pairs(as_matrix(w), site.pairs, c.groups, columns, threads=site.threads)]

    def forward(self, site):
        way = self._directions(site)
        if way is None or not way.forward:
            return super().forward(site)
        c, k = self._sizes(site), site.k
        lists = self.op._lists(c)
        arrays = (site.x.reshape(-1), site.pairs, site.params[1], site.y.reshape(-1))
        if not self._is_pooled:
            settings = (lists, c.groups, c.out_channels, self.op.relu)
            return [k.bfloat16_forward(*arrays, site.narrow, None, *settings, threads=site.threads)]
        lists = lists._replace(out=np.arange(lists.pixels, dtype=np.intp) * k.BLOCK)
        arrays += (site.which.reshape(-1) if site.training else None, site.narrow, site.cells, lists)
        return [k.bfloat16_relu_max_pool_forward(*arrays, c.groups, c.out_channels, threads=site.threads)]

    def backward(self, site):
        way = self._directions(site)
        if way is None:
            return super().backward(site)
        c, calls = self._sizes(site), []
        if self.op.relu:
            dy = site.dy.reshape(-1)
            calls.append(site.k.relu_backward_from_output(site.y.reshape(-1), dy, dy, threads=site.threads))
        calls += self._filters_backward(site, c) if wants_filters(site) else []
        if site.dx is None:
            return calls
        if not way.input:
            return [*calls, _round(site, site.dy, site.dy), *self.op.input_backward(_rounded(site), c)]
        return calls + self._input_backward(site, c)

    def _filters_backward(self, site, c):
        lists, chunks = self.op._lists(c), self.op._chunks(site, c)
        pairs = (*pixel_pairs(lists.pixel), _band_values(lists))
        which, cells = (site.which.reshape(-1), site.scratch_filters) if self._is_pooled else (None, None)
        arrays = (site.x.reshape(-1), site.dy.reshape(-1), which, site.partial, site.narrow_filters, cells)
        call = site.k.bfloat16_backward_filters(
            *arrays, lists, pairs, c.groups, c.out_channels, chunks, threads=site.threads
        )
        return [call, *sum_partials(site, c, chunks, c.groups)]

    def _input_backward(self, site, c):
        calls, dy, w, k = [], site.dy, as_matrix(site.params[0]), site.k
        if self._is_pooled:
            calls, dy = [self.op.expand(site, c)], site.dconv
        for i, (lists, taps) in enumerate(self.op._phases(c)):
            pairs = getattr(site, f"pairs_{i}")
            arrays = (dy.reshape(-1), pairs, None, site.dx.reshape(-1), site.narrow_input, None)
            calls.append(k.pack_pairs(w, pairs, c.groups, c.channels // c.groups, taps, threads=site.threads))
            calls.append(k.bfloat16_forward(*arrays, lists, c.groups, c.channels, threads=site.threads))
        return calls


# What an op becomes where bfloat16 is asked for; others stay as they are.
NARROW = {
    P.Conv1D: Pairs,
    P.Conv2D: Pairs,
    P.Conv2DReluMaxPool2D: Pairs,
    P.Conv3D: Rounded,
    P.ConvTranspose1D: Rounded,
    P.ConvTranspose2D: Rounded,
    P.ConvTranspose3D: Rounded,
    P.Dense: Pairs,
    P.DepthwiseConv1D: Rounded,
    P.DepthwiseConv2D: Rounded,
}


def narrowed(op):
    """Return the op with products of bfloat16, or as it is where it has none; warn once if they are emulated."""
    kind = NARROW.get(type(op))
    if kind is None:
        return op
    variant = kernels.variant()
    if variant not in _warned and not kernels.multiplies_pairs(kernels.for_dtype("float32")):
        _warned.add(variant)
        warnings.warn(EMULATED.format(variant=variant), RuntimeWarning, stacklevel=2)
    return kind(op)


class PixelPairs(NamedTuple):
    """Which pixels of a block are summed up two by two.

    Attributes
    ----------
    pixel, first, size : ndarray of intp
        Of each pair, the place of its first pixel in the band, the pixel's number, and how many there are: 1 or 2.
    partner : int
        How far behind the first pixel the second lies.
    """

    pixel: np.ndarray
    first: np.ndarray
    size: np.ndarray
    partner: int


def pixel_pairs(pixel):
    """Return the `PixelPairs` of a list of pixels: neighbours that lie as far apart as the first two.

    Examples
    --------
    >>> pairs = pixel_pairs(np.array([0, 4, 8, 40, 44, 48]))
    >>> pairs.pixel.tolist(), pairs.size.tolist(), pairs.partner
    ([0, 8, 40, 48], [2, 1, 2, 1], 4)
    """
    partner = int(pixel[1] - pixel[0]) if len(pixel) > 1 else 0
    goes_on = np.zeros(len(pixel) + 1, bool)  # whether a pixel is in a row with the one before
    goes_on[1:-1] = np.diff(pixel) == partner
    number = np.arange(len(pixel))
    begin = np.maximum.accumulate(np.where(goes_on[:-1], 0, number)) if len(pixel) else number
    first = np.flatnonzero((number - begin) % 2 == 0).astype(np.intp)
    return PixelPairs(pixel[first], first, 1 + goes_on[first + 1].astype(np.intp), partner)


def _round(site, x, y):
    return site.k.round_bfloat16(x.reshape(-1), y.reshape(-1), threads=site.threads)


def _rounded(site):
    """Return a site whose input and filters are the rounded ones."""
    given = {"x": getattr(site, "rounded_x", None), "params": (site.rounded_w, *site.params[1:])}
    return Site(**{**site.__dict__, **given})


def _rounded_filters(site):
    return {"rounded_w": (site.param_shapes[0], None)}


def _pairs_shape(site, c):
    return (packed_shape(site, c)[0] // 2,), np.uint32


def _words(site, count):
    """Return the need of scratch memory of `count` words, a row a thread."""
    return (site.threads, max(16, -(-count // 16) * 16)), np.uint32


def _band_values(lists):
    """Return how many values a block's input rows have, with the padding around them."""
    _, width, channels, rows, cols, *_, padded = lists.band
    return rows * (cols if padded else width) * channels
