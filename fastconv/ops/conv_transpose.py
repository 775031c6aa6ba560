"""Transposed convolutions: a convolution in the mirror.

What a convolution's data gradient does with the gradient of its output, a transposed one does with its input. Its own
data gradient is then that convolution's forward pass, and its filter gradient is the same as that convolution's, with
input and gradient in each other's place. So there is no loop here, but a site whose arrays have changed places.
"""

from functools import lru_cache
from math import inf, prod

from fastconv.ops import geometry
from fastconv.ops.conv import Conv1D, Conv2D, check_bias, set_relu, wants_filters
from fastconv.ops.conv3d import Conv3D
from fastconv.ops.op import Needs, Op, Site

BIAS_CHUNK = 1 << 14  # values of a chunk of the bias gradient's sum, at least


class ConvTranspose2D(Op):
    """Spread filters w (kh, kw, o, c) over images: each pixel of x (n, h, w, c) times a filter, added up.

    Then add b (o,) unless None, then relu. `output_padding` (an amount an axis, or None) chooses among the sizes whose
    convolution has the size of x; see `geometry.transposed_size`.
    """

    name = "conv2d_transpose"
    mirror = Conv2D

    def __init__(self, strides=(1, 1), padding="valid", output_padding=None, dilation=(1, 1), relu=False):
        extra = None if output_padding is None else tuple(output_padding)
        settings = {"strides": tuple(strides), "padding": padding, "output_padding": extra}
        super().__init__(**settings, dilation=tuple(dilation), relu=relu)
        set_relu(self, relu)

    # -- sizes --------------------------------------------------------------------------------------------
    def _axes(self, kernel):
        extra = self.output_padding or (None,) * len(kernel)
        return list(zip(kernel, self.strides, self.dilation, (self.padding,) * len(kernel), extra, strict=True))

    def output_shape(self, x, w, b=None):
        kernel = w[:-2]
        if len(x) != len(w) or len(kernel) != len(self.strides) or x[-1] != w[-1]:
            raise ValueError(f"{self!r}: filters of shape {w} do not fit inputs of shape {x}.")
        check_bias(self, (w[-2],), b)
        sizes = zip(x[1:-1], self._axes(kernel), strict=True)
        return (x[0], *(geometry.transposed_size(n, *axis) for n, axis in sizes), w[-2])

    def flops(self, x, w, b=None):
        return 2 * prod(x) * prod(w[:-1])

    def _conv(self, w):
        """Return the convolution of which this is the data gradient."""
        pads = tuple(geometry.transposed_crop(*axis) for axis in self._axes(w[:-2]))
        return _mirrored(self.mirror, self.strides, pads, self.dilation)

    def _seen(self, site):
        """Return (the convolution, its sizes, its site): x is the gradient of its output, y that of its input."""
        w = site.param_shapes[0]
        conv = self._conv(w)
        names = {"x": "dy", "dy": "x", "y": "dx", "dx": "y"}
        arrays = {name: getattr(site, other) for name, other in names.items() if hasattr(site, other)}
        shapes = {"x_shape": site.y_shape, "y_shape": site.x_shape, "param_shapes": (w, None), "wants_dx": True}
        params = {key: (getattr(site, key)[0], None) for key in ("params", "dparams") if hasattr(site, key)}
        mirror = Site(**{**site.__dict__, **arrays, **shapes, **params})
        return conv, conv.sizes(site.y_shape, w), mirror

    def _chunks(self, site):
        """Return into how many chunks of rows the bias gradient's sum is cut: by shape alone."""
        return max(1, min(64, prod(site.y_shape) // BIAS_CHUNK))

    # -- buffers ------------------------------------------------------------------------------------------
    def needs(self, site):
        conv, c, mirror = self._seen(site)
        turned = conv._input_needs(mirror, c)
        scratch = {"scratch_input": turned.pop("scratch_input"), "bias_line": ((c.channels * site.k.VECTOR,), None)}
        backward, straight = {}, Needs()
        if site.training:
            sums = {"bias_partial": ((self._chunks(site) * c.channels * site.k.VECTOR,), None)}
            backward = {**conv._filters_needs(mirror, c), **sums}
        if site.training and site.wants_dx:
            straight = conv.needs(mirror)
        return Needs(
            prepared={**turned, **straight.prepared}, forward=scratch, backward={**backward, **straight.forward}
        )

    # -- calls --------------------------------------------------------------------------------------------
    def prepare(self, site):
        conv, c, mirror = self._seen(site)
        calls = conv.turn_filters(mirror, c)
        return calls + (conv.prepare(mirror) if site.training and site.wants_dx else [])

    def forward(self, site):
        conv, c, mirror = self._seen(site)
        b, y = site.params[1], site.y.reshape(-1)
        if not conv._is_scattered(site, c):
            return conv.input_from(mirror, c, site.x, b, self.relu)
        calls = conv.input_from(mirror, c, site.x)
        if b is not None:
            calls.append(site.k.add_bias(b, y, site.bias_line, relu=self.relu, threads=site.threads))
        elif self.relu:
            calls.append(site.k.relu_forward(y, y, 0, 0, inf, threads=site.threads))
        return calls

    def backward(self, site):
        conv, c, mirror = self._seen(site)
        calls, dy, db = [], site.dy.reshape(-1), site.dparams[1]
        if self.relu:
            calls.append(site.k.relu_backward_from_output(site.y.reshape(-1), dy, dy, threads=site.threads))
        calls += conv._filters_backward(mirror, c, None) if wants_filters(mirror) else []
        if db is not None:
            calls.append(site.k.bias_backward(dy, site.bias_partial, db, self._chunks(site), threads=site.threads))
        return calls + (conv.forward(mirror) if site.dx is not None else [])


class ConvTranspose1D(ConvTranspose2D):
    """Spread filters w (k, o, c) over sequences x (n, length, c); see `ConvTranspose2D`."""

    name = "conv1d_transpose"
    mirror = Conv1D

    def __init__(self, strides=(1,), padding="valid", output_padding=None, dilation=(1,), relu=False):
        super().__init__(strides, padding, output_padding, dilation, relu)


class ConvTranspose3D(ConvTranspose2D):
    """Spread filters w (kd, kh, kw, o, c) over volumes x (n, d, h, w, c); see `ConvTranspose2D`."""

    name = "conv3d_transpose"
    mirror = Conv3D

    def __init__(self, strides=(1, 1, 1), padding="valid", output_padding=None, dilation=(1, 1, 1), relu=False):
        super().__init__(strides, padding, output_padding, dilation, relu)


@lru_cache(maxsize=256)
def _mirrored(op_class, strides, padding, dilation):
    return op_class(strides, padding, dilation)
