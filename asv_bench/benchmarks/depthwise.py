"""Depthwise convolutions: forward, and the gradients of images and filters."""

import numpy as np

from fastconv import ops

from . import baseline
from .workloads import DEPTHWISE


class Depthwise:
    """One layer, by the library that computes it."""

    params = (list(DEPTHWISE), ["fastconv", "numpy"])
    param_names = ("workload", "library")

    def setup(self, workload, library):
        """Make the arrays, and a gradient for the result."""
        layer = DEPTHWISE[workload]
        self.x, self.w = layer.arrays()
        self.stride, self.padding = layer.stride, layer.padding
        y, self.backprop = ops.vjp(ops.depthwise_conv, self.x, self.w, self.stride, self.padding)
        self.dy = np.random.default_rng(1).standard_normal(y.shape, dtype=np.float32)

    def time_forward(self, workload, library):
        if library == "fastconv":
            ops.depthwise_conv(self.x, self.w, self.stride, self.padding)
        else:
            baseline.depthwise_forward(self.x, self.w, self.stride, self.padding)

    def time_backward(self, workload, library):
        """Both gradients."""
        if library == "fastconv":
            self.backprop(self.dy)
        else:
            baseline.depthwise_backward_input(self.x, self.w, self.dy, self.stride, self.padding)
            baseline.depthwise_backward_filters(self.x, self.w, self.dy, self.stride, self.padding)
