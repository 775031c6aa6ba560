"""What is measured: layers of well-known networks, by name, and the tutorial's network on batches.

The benchmarks in ``asv_bench`` read these tables too, whatever version they measure: names stay, the tables only grow.
"""

from math import prod
from typing import NamedTuple

import numpy as np


class Conv(NamedTuple):
    """A convolution layer: images (n, height, width, channels), square filters, the same padding on every side."""

    n: int
    height: int
    width: int
    channels: int
    filters: int
    kernel: int
    stride: int
    padding: int

    @property
    def x(self):
        """The shape of the images."""
        return self.n, self.height, self.width, self.channels

    @property
    def w(self):
        """The shape of the filters: height, width, channels in, channels out."""
        return self.kernel, self.kernel, self.channels, self.filters

    @property
    def y(self):
        """The shape of the result."""
        return _slide(self, self.padding, self.filters)

    @property
    def flops(self):
        """Multiplications and additions of the definition; a gradient has as many."""
        return 2 * prod(self.y) * prod(self.w[:3])


class Depthwise(NamedTuple):
    """A depthwise convolution layer: a square filter for each channel."""

    n: int
    height: int
    width: int
    channels: int
    kernel: int
    stride: int
    padding: int

    x = Conv.x

    @property
    def w(self):
        """The shape of the filters: height, width, channels, filters a channel."""
        return self.kernel, self.kernel, self.channels, 1

    @property
    def y(self):
        """The shape of the result."""
        return _slide(self, self.padding, self.channels)

    @property
    def flops(self):
        """Multiplications and additions of the definition; a gradient has as many."""
        return 2 * prod(self.y) * self.kernel**2


class Pool(NamedTuple):
    """A pooling layer with square windows and no padding."""

    n: int
    height: int
    width: int
    channels: int
    kernel: int
    stride: int

    x = Conv.x

    @property
    def y(self):
        """The shape of the result."""
        return _slide(self, 0, self.channels)

    @property
    def bytes(self):
        """The size of the images in float32."""
        return 4 * prod(self.x)


def _slide(layer, padding, channels):
    height, width = ((size + 2 * padding - layer.kernel) // layer.stride + 1 for size in layer.x[1:3])
    return layer.n, height, width, channels


CONV = {
    "tutorial.conv1": Conv(64, 28, 28, 1, 64, 3, 1, 0),
    "tutorial.conv2": Conv(64, 13, 13, 64, 64, 3, 1, 0),
    "vgg16.conv1_2": Conv(2, 224, 224, 64, 64, 3, 1, 1),
    "vgg16.conv3_2": Conv(4, 56, 56, 256, 256, 3, 1, 1),
    "vgg16.conv5_1": Conv(8, 14, 14, 512, 512, 3, 1, 1),
    "resnet50.stem": Conv(4, 224, 224, 3, 64, 7, 2, 3),
    "resnet50.c2_1x1a": Conv(8, 56, 56, 64, 256, 1, 1, 0),
    "resnet50.c2_3x3": Conv(8, 56, 56, 64, 64, 3, 1, 1),
    "resnet50.c3_3x3s2": Conv(8, 56, 56, 128, 128, 3, 2, 1),
    "resnet50.c4_1x1": Conv(8, 14, 14, 1024, 256, 1, 1, 0),
    "resnet50.c4_3x3": Conv(8, 14, 14, 256, 256, 3, 1, 1),
    "resnet50.c5_3x3": Conv(8, 7, 7, 512, 512, 3, 1, 1),
    "resnet50.c5_1x1s2": Conv(8, 14, 14, 1024, 2048, 1, 2, 0),
    "cifar.conv32": Conv(64, 32, 32, 3, 32, 3, 1, 1),
    "cifar.conv64": Conv(64, 16, 16, 32, 64, 3, 1, 1),
    "odd.channels": Conv(8, 31, 29, 17, 39, 5, 2, 2),
}

DEPTHWISE = {
    "mobilenet.dw112": Depthwise(4, 112, 112, 64, 3, 2, 1),
    "mobilenet.dw56": Depthwise(4, 56, 56, 128, 3, 1, 1),
    "mobilenet.dw14": Depthwise(16, 14, 14, 512, 3, 1, 1),
    "mobilenet.dw7": Depthwise(16, 7, 7, 1024, 3, 1, 1),
    "mobilenetv3.dw28": Depthwise(16, 28, 28, 72, 5, 2, 2),
    "odd.depthwise": Depthwise(8, 31, 29, 39, 3, 1, 0),
}

POOL = {
    "tutorial.pool1": Pool(64, 26, 26, 64, 2, 2),
    "tutorial.pool2": Pool(64, 11, 11, 64, 2, 2),
    "resnet50.pool": Pool(8, 112, 112, 64, 3, 2),
    "vgg.pool1": Pool(4, 224, 224, 64, 2, 2),
    "resnet50.global": Pool(8, 7, 7, 2048, 7, 7),
}

TRAINING_BATCHES = (32, 128, 512)
INFERENCE_BATCHES = (1, 32, 256)
EPOCH = 2048  # images that `fit` sees in one call
PEAK_FLOPS = 400_000_000  # multiplications and additions in registers: a millisecond or some
COPIED = 1 << 25  # float32 values: more than caches hold


def random(*shape):
    """Return numbers from -0.5 to 0.5, float32, whose every page of memory has been touched."""
    numbers = np.random.default_rng(0).random(shape, dtype=np.float32)
    numbers -= 0.5
    return numbers


def batch(n):
    """Return `n` pictures of 28 by 28 pixels, with values from 0 to 1, and their labels from 0 to 9."""
    rng = np.random.default_rng(0)
    return rng.random((n, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, n)
