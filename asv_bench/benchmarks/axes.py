"""Convolutions of sequences and volumes, transposed and grouped ones: forward, and all gradients; NumPy beside them."""

import numpy as np

from fastconv.ops import primitives

from . import baseline

# op, inputs (n, sizes ..., channels), filters, strides; parameters do not depend on the version measured: only ever add
LAYERS = {
    "transposed2d.k4s2": ("ConvTranspose2D", (16, 16, 16, 64), (4, 4, 32, 64), (2, 2)),
    "transposed2d.k3s2": ("ConvTranspose2D", (16, 14, 14, 128), (3, 3, 64, 128), (2, 2)),
    "transposed2d.to3": ("ConvTranspose2D", (16, 32, 32, 32), (4, 4, 3, 32), (2, 2)),
    "transposed3d.k2s2": ("ConvTranspose3D", (4, 6, 12, 12, 32), (2, 2, 2, 16, 32), (2, 2, 2)),
    "conv1d.k3": ("Conv1D", (32, 512, 64), (3, 64, 64), (1,)),
    "conv1d.k9s4": ("Conv1D", (16, 4000, 1), (9, 1, 32), (4,)),
    "conv3d.k3": ("Conv3D", (4, 12, 24, 24, 16), (3, 3, 3, 16, 32), (1, 1, 1)),
    "conv3d.k3s2": ("Conv3D", (8, 8, 16, 16, 32), (3, 3, 3, 32, 64), (2, 2, 2)),
    "depthwise1d.k5": ("DepthwiseConv1D", (32, 512, 64), (5, 64, 1), (1,)),
    "conv2d.groups32": ("Conv2D", (16, 28, 28, 128), (3, 3, 4, 128), (1, 1)),
    "conv3d.groups4": ("Conv3D", (4, 8, 16, 16, 32), (3, 3, 3, 8, 32), (1, 1, 1)),
    "conv3d.groups32": ("Conv3D", (4, 8, 14, 14, 64), (3, 3, 3, 2, 64), (1, 1, 1)),
    "depthwise3d.k3": ("DepthwiseConv3D", (4, 8, 16, 16, 32), (3, 3, 3, 32, 1), (1, 1, 1)),
}


class Axes:
    """One layer with the padding "same" and without a bias, by the library that computes it."""

    params = (list(LAYERS), ["fastconv", "numpy"])
    param_names = ("layer", "library")

    def setup(self, layer, library):
        """Make the arrays and the calls; a version that has no such layer is no failure."""
        name, x, w, strides = LAYERS[layer]
        rng = np.random.default_rng(0)
        x, w = (rng.standard_normal(shape, dtype=np.float32) for shape in (x, w))
        if library == "numpy":
            self.forward, backward = NUMPY[name](x, w, strides)
            y = self.forward()
        elif hasattr(primitives, name):
            op = make_op(name, x, w, strides)
            self.forward = lambda: op(x, w, None)
            y, backward = self.forward()
        else:
            raise NotImplementedError
        dy = rng.standard_normal(y.shape, dtype=np.float32)
        self.backward = lambda: backward(dy)

    def time_forward(self, layer, library):
        self.forward()

    def time_backward(self, layer, library):
        """All gradients."""
        self.backward()


def make_op(name, x, w, strides):
    """Return the op of a row; a convolution has as many groups as the channels of its filters leave."""
    groups = {"groups": x.shape[-1] // w.shape[-2]} if name in GROUPED and w.shape[-2] < x.shape[-1] else {}
    return getattr(primitives, name)(strides, "same", **groups)


# ---- the same in NumPy: the forward pass, and a function of its gradient that returns those of inputs and filters
def convolution(x, w, strides):
    """Return the calls of a convolution, in groups one after the other."""
    groups = x.shape[-1] // w.shape[-2]
    if groups > 1:
        return _in_groups(np.split(x, groups, -1), np.split(w, groups, -1), strides)
    return lambda: baseline.same_forward(x, w, strides), lambda dy: (
        baseline.same_backward_input(x.shape, w, dy, strides),
        baseline.same_backward_filters(x, w.shape, dy, strides),
    )


def _in_groups(xs, ws, strides):
    calls = [convolution(x, w, strides) for x, w in zip(xs, ws, strict=True)]

    def backward(dy):
        parts = [back(d) for (_, back), d in zip(calls, np.split(dy, len(calls), -1), strict=True)]
        return tuple(np.concatenate(gradients, -1) for gradients in zip(*parts, strict=True))

    return lambda: np.concatenate([forward() for forward, _ in calls], -1), backward


def transposed(x, w, strides):
    """Return the calls of a transposed convolution: those of a convolution, each in the other's place."""
    shape = (len(x), *(n * stride for n, stride in zip(x.shape[1:-1], strides, strict=True)), w.shape[-2])
    return lambda: baseline.same_backward_input(shape, w, x, strides), lambda dy: (
        baseline.same_forward(dy, w, strides),
        baseline.same_backward_filters(dy, w.shape, x, strides),
    )


def depthwise(x, w, strides):
    """Return the calls of a depthwise convolution of sequences by one filter a channel: pictures one pixel high."""
    ((before, behind),) = baseline.ends(x.shape, w.shape, strides)
    picture, filters = np.pad(x, ((0, 0), (before, behind), (0, 0)))[:, np.newaxis], w[np.newaxis]

    def backward(dy):
        arrays = picture, filters, dy[:, np.newaxis], 1, 0
        dx, dw = baseline.depthwise_backward_input(*arrays), baseline.depthwise_backward_filters(*arrays)
        return dx[:, 0, before : before + x.shape[1]], dw[0]

    return lambda: baseline.depthwise_forward(picture, filters, 1, 0)[:, 0], backward


def channelwise(x, w, strides):
    """Return the calls of a depthwise convolution of any number of axes: one group a channel."""
    forward, backward = convolution(x, w.reshape(*w.shape[:-2], 1, -1), strides)

    def back(dy):
        dx, dw = backward(dy)
        return dx, dw.reshape(w.shape)

    return forward, back


GROUPED = ("Conv1D", "Conv2D", "Conv3D")
NUMPY = {
    "Conv1D": convolution,
    "Conv2D": convolution,
    "Conv3D": convolution,
    "ConvTranspose2D": transposed,
    "ConvTranspose3D": transposed,
    "DepthwiseConv1D": depthwise,
    "DepthwiseConv3D": channelwise,
}

# name -> volumes, window, strides; only ever add
POOLS = {
    "pool3d.2": ((4, 16, 32, 32, 32), (2, 2, 2), (2, 2, 2)),
    "pool3d.3s2": ((2, 16, 28, 28, 64), (3, 3, 3), (2, 2, 2)),
    "pool3d.1x2x2": ((4, 8, 28, 28, 64), (1, 2, 2), (1, 2, 2)),
}


class Pool3D:
    """A pool of volumes, without padding, by the library that computes it."""

    params = (["MaxPool3D", "AveragePool3D"], list(POOLS), ["fastconv", "numpy"])
    param_names = ("pool", "layer", "library")

    def setup(self, name, layer, library):
        """Make the arrays and the calls; a version that has no such pool is no failure."""
        shape, size, strides = POOLS[layer]
        x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        if library == "numpy":
            self.forward = lambda: pooled(name, x, size, strides)
        elif hasattr(primitives, name):
            op = getattr(primitives, name)(size, strides)
            self.forward = lambda: op(x)
        else:
            raise NotImplementedError

    def time_forward(self, name, layer, library):
        self.forward()


class Pool3DGradient:
    """The gradient of a pool of volumes."""

    params = (["MaxPool3D", "AveragePool3D"], list(POOLS))
    param_names = ("pool", "layer")

    def setup(self, name, layer):
        """Make the arrays and the way back; a version that has no such pool is no failure."""
        if not hasattr(primitives, name):
            raise NotImplementedError
        shape, size, strides = POOLS[layer]
        x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        y, self.backprop = getattr(primitives, name)(size, strides)(x)
        self.dy = np.ones_like(y)

    def time_backward(self, name, layer):
        self.backprop(self.dy)


def pooled(name, x, size, strides):
    """Return the maxima or the means of windows."""
    views = [view for _, view in baseline.cells(x, size, strides)]
    return np.maximum.reduce(views) if name == "MaxPool3D" else sum(views) * np.float32(1 / len(views))
