"""Max pooling: forward and backward."""

import numpy as np

from fastconv import ops

from . import baseline
from .workloads import POOL


class MaxPool:
    """One layer, by the library that computes it."""

    params = (list(POOL), ["fastconv", "numpy"])
    param_names = ("workload", "library")

    def setup(self, workload, library):
        """Make the arrays, and a gradient for the result."""
        layer = POOL[workload]
        self.x, self.size, self.stride = layer.arrays(), layer.size, layer.stride
        self.y, self.backprop = ops.vjp(ops.max_pool, self.x, self.size, self.stride)
        self.dy = np.random.default_rng(1).standard_normal(self.y.shape, dtype=np.float32)

    def time_forward(self, workload, library):
        if library == "fastconv":
            ops.max_pool(self.x, self.size, self.stride)
        else:
            baseline.pool_forward(self.x, self.size, self.stride)

    def time_backward(self, workload, library):
        if library == "fastconv":
            self.backprop(self.dy)
        else:
            baseline.pool_backward(self.x, self.y, self.dy, self.size, self.stride)
