"""Ops on the layers of well-known networks: forward, and each gradient by itself."""

import numpy as np

from fastconv.ops import primitives

from . import baseline
from .bench import side, workloads


class Conv:
    """A convolution layer, by the library that computes it."""

    params = (list(workloads.CONV), ["forward", "data", "filters"], ["fastconv", "numpy"])
    param_names = ("layer", "direction", "library")
    kind, numpy = "conv", staticmethod(baseline.conv)

    def setup(self, layer, direction, library):
        """Make the arrays."""
        if library == "numpy":
            self.call = self.numpy(layer, direction)
        else:
            self.call = fastconv_call(self.kind, layer, direction)

    def time_layer(self, layer, direction, library):
        self.call()


class Depthwise(Conv):
    """A depthwise convolution layer, by the library that computes it."""

    params = (list(workloads.DEPTHWISE), ["forward", "data", "filters"], ["fastconv", "numpy"])
    kind, numpy = "depthwise", staticmethod(baseline.depthwise)


class MaxPool(Conv):
    """A max-pooling layer, by the library that computes it; "both" is the forward pass of training and the gradient."""

    params = (list(workloads.POOL), ["forward", "both"], ["fastconv", "numpy"])
    kind, numpy = "pool", staticmethod(baseline.max_pool)


class AveragePool(MaxPool):
    """The same layers with the mean of each window."""

    kind, numpy = "average", staticmethod(baseline.average_pool)


def fastconv_call(kind, layer, direction, threads=None):
    """Return fastconv's call for a layer; a version that has no such layer is no failure."""
    makers = side(threads).makers
    if kind not in makers:
        raise NotImplementedError
    return makers[kind](layer, direction)


# images (n, height, width, channels); parameters of benchmarks must not depend on the version measured: only ever add
NORM = {
    "tutorial.conv1": (32, 28, 28, 64),
    "resnet20.s2": (64, 16, 16, 64),
    "resnet50.c2": (8, 56, 56, 256),
    "resnet50.c5": (16, 7, 7, 2048),
    "mobilenet.24": (32, 14, 14, 24),
}


class BatchNormalization:
    """One layer, by the library that computes it."""

    params = (list(NORM), ["fastconv", "numpy"])
    param_names = ("layer", "library")

    def setup(self, layer, library):
        """Make the arrays and the ways back; a version that has no such layer is no failure."""
        if not hasattr(primitives, "BatchNorm"):
            raise NotImplementedError
        shape, rng = NORM[layer], np.random.default_rng(0)
        self.x, self.dy = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        self.gamma, self.beta, *self.statistics = np.ones((4, shape[-1]), np.float32)
        _, self.backprop = primitives.BatchNorm()(self.x, self.gamma, self.beta, *self.statistics)
        _, self.z, self.inverse = baseline.batch_norm_forward(self.x, self.gamma, self.beta)

    def time_forward(self, layer, library):
        if library == "fastconv":
            primitives.BatchNorm()(self.x, self.gamma, self.beta, *self.statistics)
        else:
            baseline.batch_norm_forward(self.x, self.gamma, self.beta)

    def time_backward(self, layer, library):
        """All gradients."""
        if library == "fastconv":
            self.backprop(self.dy)
        else:
            baseline.batch_norm_backward(self.z, self.inverse, self.gamma, self.dy)
