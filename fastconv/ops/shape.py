"""Ops that move values without changing them."""

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


class ZeroPad2D(Op):
    """Surround images (n, h, w, c) by zeros: padding ((top, bottom), (left, right))."""

    name = "zero_pad2d"
    reads = ""

    def __init__(self, padding):
        super().__init__(padding=tuple(map(tuple, padding)))

    def output_shape(self, x):
        (top, bottom), (left, right) = self.padding
        return x[0], x[1] + top + bottom, x[2] + left + right, x[3]

    def flops(self, x):
        return 0

    def _boxes(self, site):
        n, h, w, c = site.x_shape
        wide = site.y_shape[2] * c
        inner = (h * w * c, w * c, 0)
        outer = (site.y_shape[1] * wide, wide, self.padding[0][0] * wide + self.padding[1][0] * c)
        return (n, h, w * c), inner, outer

    def forward(self, site):
        box, inner, outer = self._boxes(site)
        x, y = site.x.reshape(-1), site.y.reshape(-1)
        return [site.k.copy_box(x, y, (*box, *inner, *outer), True, threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        box, inner, outer = self._boxes(site)
        dy, dx = site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.copy_box(dy, dx, (*box, *outer, *inner), False, threads=site.threads)]
