"""Max and average pooling of volumes: first within each plane, then over planes.

Both are pools of images: of all planes, and of images as high as the volume is deep and as wide as a plane has cells.
A mean of means is the mean, since all planes of a window have the same number of cells inside; and of equal cells the
first one wins, since the first plane does, and in it the first cell.
"""

from math import prod

from fastconv.ops import geometry
from fastconv.ops.op import Needs, Op, Site
from fastconv.ops.pool import AveragePool2D, MaxPool2D


class _Pool3D(Op):
    pool = None
    reads = ""

    def __init__(self, pool_size, strides=None, padding="valid"):
        size = tuple(pool_size)
        super().__init__(pool_size=size, strides=size if strides is None else tuple(strides), padding=padding)
        deep, *plane = self.pool_size
        step, *steps = self.strides
        self.stages = (self.pool(plane, steps, padding), self.pool((deep, 1), (step, 1), padding))

    def output_shape(self, x):
        axes = zip(x[1:4], self.pool_size, self.strides, strict=True)
        return (x[0], *(geometry.output_size(n, k, s, 1, self.padding) for n, k, s in axes), x[4])

    def flops(self, x):
        return prod(self.output_shape(x)) * prod(self.pool_size)

    def _sites(self, site):
        """Return (op, its site) of the planes and of the depth, or of one of them where the other does nothing."""
        n, depth, *plane, channels = site.x_shape
        _, out_depth, *out_plane, _ = site.y_shape
        cells, out_cells = prod(plane), prod(out_plane)
        if self.pool_size == (depth, *plane) and out_depth * out_cells == 1 and not self._is_padded(site):
            stages = [(self.pool((depth, cells), (1, 1)), (n, depth, cells, channels), (n, 1, 1, channels))]
        else:
            within, over = self.stages
            stages = [
                (within, (n * depth, *plane, channels), (n * depth, *out_plane, channels)),
                (over, (n, depth, out_cells, channels), (n, out_depth, out_cells, channels)),
            ]
            stages = [stage for stage in stages if stage[0].pool_size != (1, 1) or stage[1] != stage[2]] or stages[:1]
        return [(op, self._inner(site, number, x, y)) for number, (op, x, y) in enumerate(stages)]

    def _is_padded(self, site):
        axes = zip(site.x_shape[1:4], self.pool_size, self.strides, strict=True)
        return any(geometry.pad_amounts(n, k, s, 1, self.padding) != (0, 0) for n, k, s in axes)

    def _inner(self, site, number, x, y):
        """Return the site of a stage; what it saves has the stage's number behind its name."""
        inner = Site(**{**site.__dict__, "x_shape": x, "y_shape": y})
        inner.which = getattr(site, f"which_{number}", None)
        return inner

    def needs(self, site):
        sites, saved = self._sites(site), {}
        for number, (op, inner) in enumerate(sites):
            saved |= {f"{name}_{number}": need for name, need in op.needs(inner).saved.items()}
        middle = (sites[0][1].y_shape, None)
        forward = {"middle": middle} if len(sites) > 1 else {}
        backward = {"dmiddle": middle} if forward and site.training and site.wants_dx else {}
        return Needs(saved=saved, forward=forward, backward=backward)

    def forward(self, site):
        (first, a), *rest = self._sites(site)
        a.y = site.middle if rest else site.y
        calls = first.forward(a)
        for second, b in rest:
            b.x = site.middle
            calls += second.forward(b)
        return calls

    def backward(self, site):
        if site.dx is None:
            return []
        (first, a), *rest = self._sites(site)
        calls = []
        for second, b in rest:
            a.dy = b.dx = site.dmiddle
            calls += second.backward(b)
        return calls + first.backward(a)


class MaxPool3D(_Pool3D):
    """The maximum of each window; the first of equal cells wins, NaN wins over numbers."""

    name = "max_pool3d"
    pool = MaxPool2D


class AveragePool3D(_Pool3D):
    """The mean of each window's real cells: padding does not count."""

    name = "average_pool3d"
    pool = AveragePool2D
