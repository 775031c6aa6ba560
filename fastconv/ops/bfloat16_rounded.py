"""The way of rounded numbers: float32's own kernels, given operands that are what bfloat16 can hold.

For whatever has no products of pairs, and for gradients that have few products anyway. Functions of a way take the op,
its site and its sizes; `fastconv.ops.bfloat16` has the others.
"""

from fastconv.ops.op import Needs, Op, Site


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
            prepared={**rounded_filters(site), **needs.prepared},
            saved={**needs.saved, **x} if site.training else needs.saved,
            forward=needs.forward if site.training else {**needs.forward, **x},
            backward=needs.backward,
        )

    def prepare(self, site):
        return [round_call(site, site.params[0], site.rounded_w), *self.op.prepare(on_rounded(site))]

    def forward(self, site):
        return [round_call(site, site.x, site.rounded_x), *self.op.forward(on_rounded(site))]

    def backward(self, site):
        return [round_call(site, site.dy, site.dy), *self.op.backward(on_rounded(site))]


def round_call(site, x, y):
    """Return the call that rounds x to y, which may be x."""
    return site.k.round_bfloat16(x.reshape(-1), y.reshape(-1), threads=site.threads)


def on_rounded(site):
    """Return a site whose input and filters are the rounded ones."""
    given = {"x": getattr(site, "rounded_x", site.x), "params": (site.rounded_w, *site.params[1:])}
    return Site(**{**site.__dict__, **given})


def rounded_filters(site):
    """Return the need of rounded filters."""
    return {"rounded_w": (site.param_shapes[0], None)}


# -- the gradients of an op whose dy is rounded, and whose filters are if it has a dx ------------------------
def filters_needs(op, site, c):
    """Return the buffers of the filters' gradient: an image more, the rounded one."""
    needs, (image, _) = op._filters_needs(site, c), op._visits(site, c)
    (threads, size), dtype = needs["scratch_filters"]
    return {**needs, "scratch_filters": ((threads, size + -(-band_values(image) // 16) * 16), dtype)}


def filters(op, site, c):
    """Return the calls of the filters' gradient, by visits to the winners of a pool: they round what they read."""
    image, _ = op._visits(site, c)
    return op._visit_filters(site, c, image, narrow=True)


def input_needs(op, site, c):
    """Return the buffers of the data gradient."""
    return op._input_needs(site, c)


def input(op, site, c):
    """Return the calls of the data gradient."""
    return op.input_backward(on_rounded(site), c)


def band_values(lists):
    """Return how many values a block's input rows have, with the padding around them."""
    _, width, channels, rows, cols, *_, padded = lists.band
    return rows * (cols if padded else width) * channels
