"""Kernels: what the machine can do at most, and each variant of the kernels on one thread and on two."""

from fastconv import kernels

from .bench import side, workloads
from .ops import fastconv_call

VARIANTS = ["scalar", "baseline", "avx2", "avx512"]


class Machine:
    """Multiply-adds in registers, and a copy of memory: speeds of layers are parts of these."""

    params = (VARIANTS, [1, 2])
    param_names = ("variant", "threads")

    def setup(self, variant, threads):
        """Bind the variant's kernels."""
        if variant not in kernels.runnable():
            raise NotImplementedError
        with kernels.use(variant):
            self.peak, self.copy = side(threads).peak(variant, threads), side(threads).copy(threads)

    def time_multiply_adds(self, variant, threads):
        self.peak()

    def time_copy(self, variant, threads):
        self.copy()


Machine.time_multiply_adds.pretty_name = f"{workloads.PEAK_FLOPS:,} multiplications and additions in registers"
Machine.time_copy.pretty_name = f"copy of {workloads.COPIED:,} values"


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
