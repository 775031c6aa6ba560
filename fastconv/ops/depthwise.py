"""Depthwise convolutions in one, two and three dimensions: every channel has filters of its own."""

import numpy as np

from fastconv.ops import taps, volumes, windows
from fastconv.ops.conv import check_bias, sequence_padding, set_relu, sum_partials, wants_filters
from fastconv.ops.op import Needs, Op

CHUNK_PIXELS = 256  # of a chunk of the filter gradient's sum, at least


class DepthwiseConv2D(Op):
    """Slide over each channel of images x (n, h, w, c) its m filters w (kh, kw, c, m), add b (c * m,), then relu.

    The filters may also have the shape that `Conv2D` with as many groups as channels knows, (kh, kw, 1, c * m): their
    memory is the same.
    """

    name = "depthwise_conv2d"

    def __init__(self, strides=(1, 1), padding="valid", dilation=(1, 1), relu=False):
        super().__init__(strides=tuple(strides), padding=padding, dilation=tuple(dilation), relu=relu)
        set_relu(self, relu)

    # -- sizes and lists ----------------------------------------------------------------------------------
    def sizes(self, x, w):
        """Return the `windows.Conv` over as many channels as come out; raise ValueError if the shapes do not fit."""
        fits = len(x) == len(w) == 4 and w[2] in (1, x[3]) and w[2] * w[3] % x[3] == 0
        if not fits:
            raise ValueError(f"{self!r}: filters of shape {w} do not fit images of shape {x}.")
        out = w[2] * w[3]
        return windows.conv_sizes((*x[:3], out), (*w[:2], 1, out), self.strides, self.padding, self.dilation, out)

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        check_bias(self, (c.out_channels,), b)
        return c.images, c.out_height, c.out_width, c.out_channels

    def flops(self, x, w, b=None):
        return self.sizes(x, w).flops

    def _chunks(self, site, c):
        """Return into how many chunks of bands a filter gradient's sum is cut: by shape alone."""
        blocks, lists = -(-c.channels // site.k.DEPTHWISE_BLOCK), _lists(site, c)
        bands = len(lists.filters.band) - 1
        return max(1, min(-(-64 // blocks), c.pixels // CHUNK_PIXELS, lists.sizes[0] * bands))

    # -- buffers ------------------------------------------------------------------------------------------
    def needs(self, site):
        c = self.sizes(site.x_shape, site.param_shapes[0])
        lanes = -(-c.channels // site.k.VECTOR) * site.k.VECTOR
        packed = (c.filter_rows * lanes,)
        repeated = {"repeated": ((*site.x_shape[:-1], c.channels), None)} if _multiplies(site, c) else {}
        backward = {}
        if site.training:
            backward = {
                "partial": ((self._chunks(site, c) * (c.filter_rows + 1) * lanes,), None),
                "scratch_filters": ((site.threads, (c.filter_rows + 1) * site.k.DEPTHWISE_BLOCK), None),
            }
        if site.training and site.wants_dx:
            backward["turned"] = (packed, None)
            backward |= {f"d{name}": need for name, need in repeated.items()}
        return Needs(
            prepared={"packed": (packed, None)},
            saved=repeated if site.training else {},
            forward={} if site.training else repeated,
            backward=backward,
        )

    # -- calls --------------------------------------------------------------------------------------------
    def prepare(self, site):
        c = self.sizes(site.x_shape, site.params[0].shape)
        return [self._pack(site, c, site.packed, _lists(site, c))]

    def _pack(self, site, c, packed, lists):
        return site.k.pack_depthwise(site.params[0].reshape(-1, c.channels), packed, lists.order, threads=site.threads)

    def forward(self, site):
        c = self.sizes(site.x_shape, site.params[0].shape)
        calls, x = [], site.x
        if _multiplies(site, c):
            x = site.repeated
            calls.append(_pick(site, site.x, x, np.arange(c.channels) // (c.channels // site.x_shape[-1]), 1))
        arrays = (x.reshape(-1), site.packed, site.params[1], site.y.reshape(-1))
        settings = (_lists(site, c), c.channels)
        return [*calls, site.k.depthwise_conv2d(*arrays, *settings, relu=self.relu, threads=site.threads)]

    def backward(self, site):
        c = self.sizes(site.x_shape, site.params[0].shape)
        calls = []
        if self.relu:
            dy = site.dy.reshape(-1)
            calls.append(site.k.relu_backward_from_output(site.y.reshape(-1), dy, dy, threads=site.threads))
        calls += self._filters_backward(site, c) if wants_filters(site) else []
        return calls + (self._input_backward(site, c) if site.dx is not None else [])

    def _filters_backward(self, site, c):
        chunks, x = self._chunks(site, c), site.repeated if _multiplies(site, c) else site.x
        arrays = (x.reshape(-1), site.dy.reshape(-1), site.partial, site.scratch_filters)
        settings = (_lists(site, c), c.channels, chunks)
        call = site.k.depthwise_conv2d_backward_filters(*arrays, *settings, threads=site.threads)
        return [call, *sum_partials(site, c, chunks, 1)]

    def _input_backward(self, site, c):
        lists, multiplied = taps.backward(c, site.k.DEPTHWISE_BAND), _multiplies(site, c)
        dx = site.drepeated if multiplied else site.dx
        arrays = (site.dy.reshape(-1), site.turned, None, dx.reshape(-1))
        calls = [
            self._pack(site, c, site.turned, lists),
            site.k.depthwise_conv2d(*arrays, lists, c.channels, threads=site.threads),
        ]
        if multiplied:
            times = c.channels // site.x_shape[-1]
            calls.append(_pick(site, dx, site.dx, np.arange(site.x_shape[-1]) * times, times))
        return calls


class DepthwiseConv1D(DepthwiseConv2D):
    """Slide over each channel of sequences x (n, length, c) its m filters w (k, c, m); see `DepthwiseConv2D`.

    It is a convolution of images one cell high. Padding may also be "causal", as for `Conv1D`.
    """

    name = "depthwise_conv1d"

    def __init__(self, strides=(1,), padding="valid", dilation=(1,), relu=False):
        super().__init__(strides, padding, dilation, relu)

    def sizes(self, x, w):
        if not (len(x) == len(w) == 3 and w[1] in (1, x[2]) and w[1] * w[2] % x[2] == 0):
            raise ValueError(f"{self!r}: filters of shape {w} do not fit sequences of shape {x}.")
        out, (stride,), (dilation,) = w[1] * w[2], self.strides, self.dilation
        padding = ((0, 0), sequence_padding(self.padding, w[0], dilation))
        image, filters = (x[0], 1, x[1], out), (1, w[0], 1, out)
        return windows.conv_sizes(image, filters, (1, stride), padding, (1, dilation), out)

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        check_bias(self, (c.out_channels,), b)
        return c.images, c.out_width, c.out_channels


class DepthwiseConv3D(DepthwiseConv2D):
    """Slide over each channel of volumes x (n, d, h, w, c) its m filters w (kd, kh, kw, c, m); see `DepthwiseConv2D`.

    It is a convolution of images with the rows of all planes, one plane behind the other.
    """

    name = "depthwise_conv3d"

    def __init__(self, strides=(1, 1, 1), padding="valid", dilation=(1, 1, 1), relu=False):
        super().__init__(strides, padding, dilation, relu)

    def sizes(self, x, w):
        if not (len(x) == len(w) == 5 and w[3] in (1, x[4]) and w[3] * w[4] % x[4] == 0):
            raise ValueError(f"{self!r}: filters of shape {w} do not fit volumes of shape {x}.")
        out = w[3] * w[4]
        return volumes.volume_sizes((*x[:4], out), (*w[:3], 1, out), self.strides, self.padding, self.dilation, out)

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        check_bias(self, (c.out_channels,), b)
        plane, depth = (c.plane, c.out_depth) if isinstance(c, volumes.Volume) else (c, x[1])
        return x[0], depth, plane.out_height, plane.out_width, plane.out_channels


def _lists(site, c):
    """Return the lists of forward, which the filters' gradient follows, too."""
    return taps.forward(c, site.k.DEPTHWISE_BAND)


def _multiplies(site, c):
    """Tell whether there is more than one filter a channel."""
    return c.channels != site.x_shape[-1]


def _pick(site, x, y, index, count):
    """Return the call that makes each of y's channels of `count` channels of x, from `index` on."""
    whole = np.zeros(-(-len(index) // site.k.VECTOR) * site.k.VECTOR, np.intc)
    whole[: len(index)] = index
    x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    return site.k.pick_channels(x, y, whole, count, threads=site.threads)
