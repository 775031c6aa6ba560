"""Convolutions of sequences and volumes, and transposed ones: forward, and all gradients; NumPy beside them."""

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
            op = getattr(primitives, name)(strides, "same")
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


# ---- the same in NumPy: the forward pass, and a function of its gradient that returns those of inputs and filters
def convolution(x, w, strides):
    """Return the calls of a convolution."""
    return lambda: baseline.same_forward(x, w, strides), lambda dy: (
        baseline.same_backward_input(x.shape, w, dy, strides),
        baseline.same_backward_filters(x, w.shape, dy, strides),
    )


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


NUMPY = {
    "Conv1D": convolution,
    "Conv3D": convolution,
    "ConvTranspose2D": transposed,
    "ConvTranspose3D": transposed,
    "DepthwiseConv1D": depthwise,
}
