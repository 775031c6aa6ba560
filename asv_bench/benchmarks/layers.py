"""Layers: forward, and each gradient by itself."""

from fastconv import kernels

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


class Variant:
    """A layer of each kind by the kernels' variants, those that this machine can run, on one thread and on two."""

    params = (
        ["conv/resnet50.c4_1x1", "conv/resnet50.c3_3x3s2", "conv/cifar.conv64", "depthwise/mobilenet.dw14"],
        ["forward", "data", "filters"],
        ["baseline", "avx2", "avx512"],
        [1, 2],
    )
    param_names = ("layer", "direction", "variant", "threads")

    def setup(self, layer, direction, variant, threads):
        """Make the arrays and bind the variant's kernels to them."""
        if variant not in kernels.runnable():
            raise NotImplementedError
        with kernels.use(variant):
            self.call = fastconv_call(*layer.split("/"), direction, threads)

    def time_layer(self, layer, direction, variant, threads):
        self.call()


def fastconv_call(kind, layer, direction, threads=None):
    """Return fastconv's call for a layer; a version that has no such layer is no failure."""
    makers = side(threads).makers
    if kind not in makers:
        raise NotImplementedError
    return makers[kind](layer, direction)
