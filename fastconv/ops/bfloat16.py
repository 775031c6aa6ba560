"""Ops whose products are of bfloat16: inputs, weights and gradients rounded to it, sums in float32.

bfloat16 is the upper half of a float32: the same range with 8 bits of precision. Nothing is stored in it. Values stay
float32 between ops, and are rounded on their way into a product, so that whatever is no product computes as ever.

Where the processor multiplies pairs of bfloat16, convolutions and dense layers have loops of their own
(``kernels/bfloat16.pxi``, ``kernels/bfloat16_winograd.pxi``), in each direction the fastest: `WAYS`. Everywhere else
operands are rounded, and multiplied by the kernels of float32: a product of two bfloat16 is exact in float32, so that
the same numbers are added up, but for tiles, whose transformed operands are what is rounded there.
"""

from typing import NamedTuple

from fastconv import kernels
from fastconv.ops import bfloat16_pairs, bfloat16_rounded, bfloat16_scattered, bfloat16_tiles
from fastconv.ops import primitives as P
from fastconv.ops.bfloat16_pairs import is_pooled
from fastconv.ops.bfloat16_rounded import Rounded, round_call, rounded_filters
from fastconv.ops.conv import wants_filters
from fastconv.ops.op import Needs
from fastconv.runtime import caller

EMULATED = (
    "mixed_bfloat16: the kernels in use ({variant}) have no products of bfloat16, which take AVX512_BF16. Numbers are "
    "rounded to bfloat16 and multiplied in float32: the results are those of the policy, and float32 itself is faster."
)
WAYS = {
    "pairs": bfloat16_pairs,
    "rounded": bfloat16_rounded,
    "scattered": bfloat16_scattered,
    "tiles": bfloat16_tiles,
}
_warned = set()


class Ways(NamedTuple):
    """How an op goes in each direction: one of the `WAYS`."""

    forward: str
    filters: str
    input: str


class Narrow(Rounded):
    """A convolution or dense op with products of bfloat16, each direction by the way that is fastest there.

    Gradients that visit the winners of a pool have so few products that twice their rate is no more: they stay with
    float32's kernels, and rounded numbers.
    """

    def _ways(self, site, c):
        """Return the `Ways`, None if the processor has no products of bfloat16, or there are no kernels of them."""
        op = self.op
        if not kernels.multiplies_pairs(site.k) or (is_pooled(op) and not op.rectified):  # these pools have a relu
            return None
        filters, spread = op._visits(site, c) if is_pooled(op) else (None, None)
        scattered = op._is_scattered(site, c)
        turned = op._input_by_tiles(c) and bfloat16_tiles.are_pairs(site, c.out_channels)
        return Ways(
            forward=_first(tiles=op._by_tiles(c) and bfloat16_tiles.are_pairs(site, c.channels)),
            filters=_first(rounded=filters, tiles=bfloat16_tiles.pays_for_filters(op, c)),
            input=_first(rounded=spread, scattered=scattered, tiles=turned),
        )

    def _sizes(self, site):
        c = self.op.sizes(site.x_shape, site.param_shapes[0])
        return c, self._ways(site, c)

    # -- buffers ------------------------------------------------------------------------------------------
    def needs(self, site):
        c, ways = self._sizes(site)
        if ways is None:
            return super().needs(site)
        prepared, forward = WAYS[ways.forward].forward_needs(self.op, site, c)
        backward = {}
        if site.training:
            backward |= WAYS[ways.filters].filters_needs(self.op, site, c)
        if site.training and site.wants_dx:
            backward |= WAYS[ways.input].input_needs(self.op, site, c)
            prepared |= rounded_filters(site) if ways.input == "rounded" else {}
        return Needs(prepared, self.op.needs(site).saved, forward, backward)

    # -- calls --------------------------------------------------------------------------------------------
    def prepare(self, site):
        c, ways = self._sizes(site)
        if ways is None:
            return super().prepare(site)
        rounded = [round_call(site, site.params[0], site.rounded_w)] if hasattr(site, "rounded_w") else []
        return rounded + WAYS[ways.forward].prepare(self.op, site, c)

    def forward(self, site):
        c, ways = self._sizes(site)
        return super().forward(site) if ways is None else WAYS[ways.forward].forward(self.op, site, c)

    def backward(self, site):
        c, ways = self._sizes(site)
        if ways is None:
            return super().backward(site)
        calls, dy = [], site.dy.reshape(-1)
        if self.op.relu:
            calls.append(site.k.relu_backward_from_output(site.y.reshape(-1), dy, dy, threads=site.threads))
        if "rounded" in (ways.filters, ways.input):
            calls.append(round_call(site, site.dy, site.dy))
        if wants_filters(site):
            calls += WAYS[ways.filters].filters(self.op, site, c)
        if site.dx is not None:
            calls += WAYS[ways.input].input(self.op, site, c)
        return calls


def _first(**ways):
    """Return the name of the first way that may be gone; pairs always may."""
    return next((name for name, may in ways.items() if may), "pairs")


# What an op becomes where bfloat16 is asked for; others stay as they are.
NARROW = {
    P.Conv1D: Narrow,
    P.Conv1DReluMaxPool1D: Narrow,
    P.Conv2D: Narrow,
    P.Conv2DReluMaxPool2D: Narrow,
    P.Conv3D: Rounded,
    P.ConvTranspose1D: Rounded,
    P.ConvTranspose2D: Rounded,
    P.ConvTranspose3D: Rounded,
    P.Dense: Narrow,
    P.DepthwiseConv1D: Rounded,
    P.DepthwiseConv2D: Rounded,
    P.DepthwiseConv3D: Rounded,
}


def narrowed(op):
    """Return the op with products of bfloat16, or as it is where it has none; warn once if they are emulated."""
    kind = NARROW.get(type(op))
    if kind is None:
        return op
    variant = kernels.variant()
    if variant not in _warned and not kernels.multiplies_pairs(kernels.for_dtype("float32")):
        _warned.add(variant)
        caller.warn(EMULATED.format(variant=variant), RuntimeWarning)
    return kind(op)
