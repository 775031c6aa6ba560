"""Kernels: what the machine can do at most, and each variant of the kernels on one thread and on two."""

import numpy as np

from fastconv import kernels

from .bench import side, workloads
from .ops import fastconv_call

VARIANTS = ["scalar", "baseline", "avx2", "avx512"]


class MultiplyAdds:
    """What the machine can do in registers: speeds of layers are parts of it."""

    params = (VARIANTS, [1, 2])
    param_names = ("variant", "threads")

    def setup(self, variant, threads):
        """Bind the variant's kernels."""
        if variant not in kernels.runnable():
            raise NotImplementedError
        self.call = side(threads).peak(variant, threads)

    def time_multiply_adds(self, variant, threads):
        self.call()


class Copy:
    """A copy of memory that caches do not hold, by the library that makes it; NumPy's uses one thread."""

    params = (["fastconv", "numpy"], [1, 2])
    param_names = ("library", "threads")

    def setup(self, library, threads):
        """Make the arrays."""
        if library == "fastconv":
            self.call = side(threads).copy(threads)
        elif threads == 1:
            x = workloads.random(workloads.COPIED)
            y = np.ones_like(x)
            self.call = lambda: np.copyto(y, x)
        else:
            raise NotImplementedError

    def time_copy(self, library, threads):
        self.call()


class Variant:
    """A layer of each kind by the kernels' variants, those that this machine can run, on one thread and on two."""

    params = (
        ["conv/resnet50.c4_1x1", "conv/resnet50.c3_3x3s2", "conv/cifar.conv64", "depthwise/mobilenet.dw14"],
        ["forward", "data", "filters"],
        VARIANTS[1:],
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
