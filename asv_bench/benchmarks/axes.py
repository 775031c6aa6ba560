"""Convolutions of sequences and volumes, and transposed ones: forward, and all gradients."""

import numpy as np

from fastconv.ops import primitives

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
    """One layer with the padding "same" and without a bias."""

    params = list(LAYERS)
    param_names = ("layer",)

    def setup(self, layer):
        """Make the arrays and the way back; a version that has no such layer is no failure."""
        name, x, w, strides = LAYERS[layer]
        if not hasattr(primitives, name):
            raise NotImplementedError
        rng = np.random.default_rng(0)
        self.x, self.w = (rng.standard_normal(shape, dtype=np.float32) for shape in (x, w))
        self.op = getattr(primitives, name)(strides, "same")
        y, self.backprop = self.op(self.x, self.w, None)
        self.dy = rng.standard_normal(y.shape, dtype=np.float32)

    def time_forward(self, layer):
        self.op(self.x, self.w, None)

    def time_backward(self, layer):
        """All gradients."""
        self.backprop(self.dy)
