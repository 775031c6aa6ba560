"""Ops that move values without changing them."""

from functools import partial
from math import prod

from fastconv.ops.op import Op


class Reshape(Op):
    """The same values under another shape; `shape` is without the batch and holds no -1."""

    name = "reshape"
    reads = ""
    alias = True

    def __init__(self, shape):
        super().__init__(shape=tuple(shape))

    def output_shape(self, x):
        return (x[0], *self.shape)

    def flops(self, x):
        return 0

    def forward(self, site):
        return []

    def backward(self, site):
        return []


class SwapAxes(Op):
    """Move channels last ("last") or first ("first") of images of any number of axes."""

    name = "swap_axes"
    reads = ""

    def __init__(self, to):
        super().__init__(to=to)

    def output_shape(self, x):
        return (x[0], *x[2:], x[1]) if self.to == "last" else (x[0], x[-1], *x[1:-1])

    def flops(self, x):
        return 0

    def _matrix(self, shape):
        if self.to == "last":
            return shape[0], shape[1], prod(shape[2:])
        return shape[0], prod(shape[1:-1]), shape[-1]

    def forward(self, site):
        n, a, b = self._matrix(site.x_shape)
        return [site.k.swap_axes(site.x.reshape(n, a, b), site.y.reshape(n, b, a), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        n, a, b = self._matrix(site.x_shape)
        return [site.k.swap_axes(site.dy.reshape(n, b, a), site.dx.reshape(n, a, b), threads=site.threads)]


class _Move(Op):
    """A box of cells goes from x to y; a subclass says where it lies in both, as two views of arrays like them."""

    reads = ""
    clears = True  # whether the cells around the box become 0

    def flops(self, x):
        return 0

    def views(self, x, y):
        """Return views of arrays with the shapes of x and y: the box in either, with the same axes, batch first."""
        raise NotImplementedError

    def _copy(self, site, source, target, views):
        box, *places = _merged(*views)
        (x_strides, x_start), (y_strides, y_start) = places
        clear = self.clears and prod(box) < target.size
        arrays = source.reshape(-1), target.reshape(-1)
        return [
            site.k.copy_box(*arrays, box, x_strides, y_strides, x_start, y_start, clear, threads=site.threads),
        ]

    def forward(self, site):
        return self._copy(site, site.x, site.y, _located(site.x, site.y, self.views(site.x, site.y)))

    def backward(self, site):
        if site.dx is None:
            return []
        to, of = _located(site.dx, site.dy, self.views(site.dx, site.dy))
        return self._copy(site, site.dy, site.dx, (of, to))


def _located(x, y, views):
    """Return (shape, strides, start) of each view within its array, counted in values."""
    found = []
    for whole, view in zip((x, y), views, strict=True):
        start = 0
        if view.size:
            start = (view.__array_interface__["data"][0] - whole.__array_interface__["data"][0]) // whole.itemsize
        found.append((view.shape, [s // whole.itemsize for s in view.strides], start))
    return found


def _merged(x, y):
    """Return the box, and (strides, start) in x and in y, with as few axes behind the batch as describe it."""
    (shape, xs, x_start), (_, ys, y_start) = x, y
    box, steps = [shape[0]], [(xs[0], ys[0])]
    for size, *step in zip(shape[1:], xs[1:], ys[1:], strict=True):
        if size == 1:
            continue
        if len(box) > 1 and steps[-1] == tuple(s * size for s in step):
            box[-1], steps[-1] = box[-1] * size, tuple(step)
        else:
            box.append(size)
            steps.append(tuple(step))
    if len(box) == 1:
        box.append(1)
        steps.append((1, 1))
    xs, ys = zip(*steps, strict=True)
    return box, (xs, x_start), (ys, y_start)


class Permute(_Move):
    """The axes in another order; `order` counts from 1, the batch stays."""

    name = "permute"

    def __init__(self, order):
        super().__init__(order=tuple(order))

    def output_shape(self, x):
        return (x[0], *(x[axis] for axis in self.order))

    def views(self, x, y):
        return x.transpose(0, *self.order), y


class Crop(_Move):
    """Cut cells off: `amounts` (before, after) for each axis behind the batch, the rest kept whole."""

    name = "crop"

    def __init__(self, amounts):
        super().__init__(amounts=tuple(map(tuple, amounts)))

    def output_shape(self, x):
        cut = (n - before - after for n, (before, after) in zip(x[1:], self.amounts, strict=False))
        return (x[0], *cut, *x[1 + len(self.amounts) :])

    def views(self, x, y):
        return x[_within(self.amounts, x.shape)], y


class ZeroPad(_Move):
    """Surround cells by zeros, or by a `value`: `amounts` (before, after) for each axis behind the batch."""

    name = "zero_pad"

    def __init__(self, amounts, value=0.0):
        super().__init__(amounts=tuple(map(tuple, amounts)), value=value)

    def forward(self, site):
        around = [partial(site.y.fill, self.value)] if self.value else []
        return around + super().forward(site)

    @property
    def clears(self):
        return not self.value

    def output_shape(self, x):
        grown = (before + n + after for n, (before, after) in zip(x[1:], self.amounts, strict=False))
        return (x[0], *grown, *x[1 + len(self.amounts) :])

    def views(self, x, y):
        return x, y[_within(self.amounts, y.shape)]


def _within(amounts, shape):
    """Return the index of what is left of an array between `amounts`."""
    return (slice(None), *(slice(b, n - a) for (b, a), n in zip(amounts, shape[1:], strict=False)))
