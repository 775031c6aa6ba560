"""Batch normalization in training: forward, and all gradients."""

import numpy as np

from fastconv.ops.primitives import BatchNorm

from . import baseline

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
        """Make the arrays and the ways back."""
        shape, rng = NORM[layer], np.random.default_rng(0)
        self.x, self.dy = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        self.gamma, self.beta, *self.statistics = np.ones((4, shape[-1]), np.float32)
        _, self.backprop = BatchNorm()(self.x, self.gamma, self.beta, *self.statistics)
        _, self.z, self.inverse = baseline.batch_norm_forward(self.x, self.gamma, self.beta)

    def time_forward(self, layer, library):
        if library == "fastconv":
            BatchNorm()(self.x, self.gamma, self.beta, *self.statistics)
        else:
            baseline.batch_norm_forward(self.x, self.gamma, self.beta)

    def time_backward(self, layer, library):
        """All gradients."""
        if library == "fastconv":
            self.backprop(self.dy)
        else:
            baseline.batch_norm_backward(self.z, self.inverse, self.gamma, self.dy)
