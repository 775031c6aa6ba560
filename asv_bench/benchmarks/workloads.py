"""What is measured: layers of well-known networks, by name.

Parameters of benchmarks must not depend on the version that is measured, so these tables only grow.
"""

from typing import NamedTuple

import numpy as np


class Conv(NamedTuple):
    """A convolution layer: images (n, height, width, channels) and square filters."""

    n: int
    height: int
    width: int
    channels: int
    filters: int
    kernel: int
    stride: int
    padding: str

    def arrays(self):
        """Return inputs and filters whose every page has been touched."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.n, self.height, self.width, self.channels), dtype=np.float32)
        w = rng.standard_normal((self.kernel, self.kernel, self.channels, self.filters), dtype=np.float32)
        return x, w


class Depthwise(NamedTuple):
    """A convolution of every channel with one square filter of its own."""

    n: int
    height: int
    width: int
    channels: int
    kernel: int
    stride: int
    padding: str

    def arrays(self):
        """Return inputs and filters whose every page has been touched."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.n, self.height, self.width, self.channels), dtype=np.float32)
        w = rng.standard_normal((self.kernel, self.kernel, self.channels, 1), dtype=np.float32)
        return x, w


class Pool(NamedTuple):
    """A pooling layer with square windows."""

    n: int
    height: int
    width: int
    channels: int
    size: int
    stride: int

    def arrays(self):
        """Return inputs whose every page has been touched."""
        shape = (self.n, self.height, self.width, self.channels)
        return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


CONV = {
    "tutorial.conv1": Conv(64, 28, 28, 1, 64, 3, 1, "valid"),
    "tutorial.conv2": Conv(64, 13, 13, 64, 64, 3, 1, "valid"),
    "vgg16.conv1_2": Conv(2, 224, 224, 64, 64, 3, 1, "same"),
    "vgg16.conv3_2": Conv(4, 56, 56, 256, 256, 3, 1, "same"),
    "vgg16.conv5_1": Conv(8, 14, 14, 512, 512, 3, 1, "same"),
    "resnet50.stem": Conv(4, 224, 224, 3, 64, 7, 2, "same"),
    "resnet50.c2_1x1a": Conv(8, 56, 56, 64, 256, 1, 1, "valid"),
    "resnet50.c2_3x3": Conv(8, 56, 56, 64, 64, 3, 1, "same"),
    "resnet50.c3_3x3s2": Conv(8, 56, 56, 128, 128, 3, 2, "same"),
    "resnet50.c4_1x1": Conv(8, 14, 14, 1024, 256, 1, 1, "valid"),
    "resnet50.c4_3x3": Conv(8, 14, 14, 256, 256, 3, 1, "same"),
    "resnet50.c5_3x3": Conv(8, 7, 7, 512, 512, 3, 1, "same"),
    "resnet50.c5_1x1s2": Conv(8, 14, 14, 1024, 2048, 1, 2, "valid"),
    "cifar.conv32": Conv(64, 32, 32, 3, 32, 3, 1, "same"),
    "cifar.conv64": Conv(64, 16, 16, 32, 64, 3, 1, "same"),
    "odd.channels": Conv(8, 31, 29, 17, 39, 5, 2, "same"),
}

DEPTHWISE = {
    "mobilenet.dw112": Depthwise(4, 112, 112, 64, 3, 2, "same"),
    "mobilenet.dw56": Depthwise(4, 56, 56, 128, 3, 1, "same"),
    "mobilenet.dw14": Depthwise(16, 14, 14, 512, 3, 1, "same"),
    "mobilenet.dw7": Depthwise(16, 7, 7, 1024, 3, 1, "same"),
    "mobilenetv3.dw28": Depthwise(16, 28, 28, 72, 5, 2, "same"),
    "odd.depthwise": Depthwise(8, 31, 29, 39, 3, 1, "valid"),
}

POOL = {
    "tutorial.pool1": Pool(64, 26, 26, 64, 2, 2),
    "tutorial.pool2": Pool(64, 11, 11, 64, 2, 2),
    "resnet50.pool": Pool(8, 112, 112, 64, 3, 2),
    "vgg.pool1": Pool(4, 224, 224, 64, 2, 2),
    "resnet50.global": Pool(8, 7, 7, 2048, 7, 7),
}
