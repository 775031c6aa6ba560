"""Max, average and global pooling: forward and backward."""

import numpy as np

from fastconv import ops

from . import baseline
from .workloads import POOL


class MaxPool:
    """One layer, by the library that computes it."""

    params = (list(POOL), ["fastconv", "numpy"])
    param_names = ("workload", "library")
    op = staticmethod(ops.max_pool)
    numpy_forward = staticmethod(baseline.max_pool_forward)
    numpy_backward = staticmethod(baseline.max_pool_backward)

    def setup(self, workload, library):
        """Make the arrays, and a gradient for the result."""
        layer = POOL[workload]
        self.x, self.size, self.stride = layer.arrays(), layer.size, layer.stride
        self.y, self.backprop = ops.vjp(self.op, self.x, self.size, self.stride)
        self.dy = np.random.default_rng(1).standard_normal(self.y.shape, dtype=np.float32)

    def time_forward(self, workload, library):
        if library == "fastconv":
            self.op(self.x, self.size, self.stride)
        else:
            self.numpy_forward(self.x, self.size, self.stride)

    def time_backward(self, workload, library):
        if library == "fastconv":
            self.backprop(self.dy)
        else:
            self.numpy_backward(self.x, self.y, self.dy, self.size, self.stride)


class AveragePool(MaxPool):
    """The same layers with the mean of each window."""

    op = staticmethod(ops.average_pool)
    numpy_forward = staticmethod(baseline.average_pool_forward)
    numpy_backward = staticmethod(baseline.average_pool_backward)
