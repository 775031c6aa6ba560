"""A convolution and the sum behind it, as at the end of a residual block: one step."""

from fastconv.ops.conv import Conv2D
from fastconv.ops.merge import copy_flat, is_same
from fastconv.ops.op import Site


class Conv2DAdd(Conv2D):
    """A convolution of x by w with bias b (or None), plus an array of the shape of the result, then relu if asked.

    Parameters: w, b, the array. Its values are where the sums begin, so it is read once, and nothing is written twice.
    """

    name = "conv2d_add"
    late = (2,)

    def __init__(self, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False):
        super().__init__(strides, padding, dilation, groups, relu)
        self.rereads = False

    def output_shape(self, x, w, b, other):
        """Return the shape of the result; raise ValueError unless that is the shape of what is added."""
        y = super().output_shape(x, w, b)
        if tuple(other) != tuple(y):
            raise ValueError(f"{self!r}: an array of shape {other} cannot be added to results of shape {y}.")
        return y

    def flops(self, x, w, b, other):
        return super().flops(x, w, b)

    def passes(self, site):
        return [3]

    def _by_diagonals(self, site, c):
        return False  # these kernels add nothing

    def forward(self, site):
        return super().forward(_of_conv(site))

    def _behind(self, site):
        return {**super()._behind(site), "added": site.other.reshape(-1)}

    def backward(self, site):
        calls, dother = super().backward(_of_conv(site)), site.dparams[2]
        if dother is not None and not is_same(dother, site.dy):
            calls.append(copy_flat(site, site.dy, dother))
        return calls


def _of_conv(site):
    """Return a site as that of a convolution, and `other`, what is added."""
    first = {name: getattr(site, name)[:2] for name in ("params", "param_shapes", "dparams") if hasattr(site, name)}
    return Site(**{**site.__dict__, **first, "other": site.params[2]})
