"""conv3d: the contraction of conv2d over several planes at once."""

from fastconv.ops import volumes
from fastconv.ops.conv import Conv2D, check_bias


class Conv3D(Conv2D):
    """Slide filters w (kd, kh, kw, c / groups, o) over volumes x (n, d, h, w, c), add b (o,) unless None, then relu.

    With filters one plane deep it is `Conv2D` over all planes as images.
    """

    name = "conv3d"

    def __init__(self, strides=(1, 1, 1), padding="valid", dilation=(1, 1, 1), groups=1, relu=False):
        super().__init__(strides, padding, dilation, groups, relu)

    def sizes(self, x, w):
        if not (len(x) == len(w) == 5 and x[4] == w[3] * self.groups and w[4] % self.groups == 0):
            raise ValueError(f"{self!r}: filters of shape {w} do not fit volumes of shape {x}.")
        return volumes.volume_sizes(x, w, self.strides, self.padding, self.dilation, self.groups)

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        check_bias(self, w, b)
        plane, depth = (c.plane, c.out_depth) if _is_deep(c) else (c, x[1])
        return x[0], depth, plane.out_height, plane.out_width, plane.out_channels

    def _lists(self, c):
        return volumes.forward(c) if _is_deep(c) else super()._lists(c)

    def _phases(self, c):
        return volumes.backward_input(c) if _is_deep(c) else super()._phases(c)

    def _kernel(self, site, c, which):
        return getattr(site.k, f"conv3d_{which}") if _is_deep(c) else super()._kernel(site, c, which)

    def _at_once(self, site, c):
        return not _is_deep(c) and super()._at_once(site, c)

    def _scattered(self, site, c):
        return volumes.scattered(c, site.k.BLOCK) if _is_deep(c) else super()._scattered(site, c)


def _is_deep(c):
    """Tell whether a window reads several planes."""
    return isinstance(c, volumes.Volume)
