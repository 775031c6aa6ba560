"""Networks as rows, so that every library builds the same one: ResNet-20 and a small MobileNetV2.

A library has a table of its own, from the kind of a row to what makes it; `build` goes through the rows with it.
"""

from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """A layer: what it is, the numbers of the rows it reads (-1: the images), and its settings.

    ===========  ==============================================  =======================
    kind         what it is                                      settings
    ===========  ==============================================  =======================
    conv         a convolution without bias, padded to the size  filters, kernel, stride
    depthwise    the same for each channel by itself             kernel, stride
    norm         batch normalization
    relu, relu6
    sum          of two rows
    mean         over all pixels
    dense        with a bias                                     units
    ===========  ==============================================  =======================
    """

    kind: str
    reads: tuple
    settings: tuple
    channels: tuple  # in, out


class Net(NamedTuple):
    """A network: the size of its images, height, width, channels, and its rows; the last one makes the logits."""

    image: tuple
    rows: list


class _Rows:
    """Rows one behind the other; methods return the number of the row that they have added."""

    def __init__(self, channels):
        self.rows, self.channels = [], {-1: channels}

    def add(self, kind, x, *settings, channels=None, other=()):
        """Add a row that reads row `x` and the `other` ones, and makes so many channels (None: as many as x)."""
        out = self.channels[x] if channels is None else channels
        self.rows.append(Row(kind, (x, *other), settings, (self.channels[x], out)))
        self.channels[len(self.rows) - 1] = out
        return len(self.rows) - 1

    def conv(self, x, filters, kernel, stride=1, behind=None):
        """Add a convolution, its normalization, and an activation `behind` it."""
        x = self.add("norm", self.add("conv", x, filters, kernel, stride, channels=filters))
        return x if behind is None else self.add(behind, x)

    def head(self, x, classes=10):
        """Add what makes logits of pictures."""
        self.add("dense", self.add("mean", x), classes, channels=classes)
        return self.rows


def resnet20():
    """ResNet-20 for pictures of 32x32 pixels (He et al. 2015), with 1x1 convolutions where a shortcut shrinks."""
    net = _Rows(3)
    x = net.conv(-1, 16, 3, behind="relu")
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for stride in (first, 1, 1):
            shortcut = net.conv(x, filters, 1, stride) if stride > 1 else x
            x = net.conv(net.conv(x, filters, 3, stride, "relu"), filters, 3)
            x = net.add("relu", net.add("sum", x, other=(shortcut,)))
    return Net((32, 32, 3), net.head(x))


# expansion, filters at full width, blocks, the first one's stride (Sandler et al. 2018)
MOBILENET = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet(size=96, table=MOBILENET):
    """MobileNetV2 of half the width, for pictures of 96x96 pixels; or of other ones, and of other blocks."""
    net = _Rows(3)
    x = net.conv(-1, 16, 3, 2, "relu6")
    for expansion, filters, blocks, first in table:
        filters = max(8, (filters // 2 + 4) // 8 * 8)
        for stride in (first, *[1] * (blocks - 1)):
            shortcut, channels = x, net.channels[x]
            x = x if expansion == 1 else net.conv(x, expansion * channels, 1, behind="relu6")
            x = net.add("relu6", net.add("norm", net.add("depthwise", x, 3, stride)))
            x = net.conv(x, filters, 1)
            x = net.add("sum", x, other=(shortcut,)) if stride == 1 and channels == filters else x
    return Net((size, size, 3), net.head(net.conv(x, 1280, 1, behind="relu6")))


NETS = {"resnet20": resnet20(), "mobilenet": mobilenet()}
NET_TRAINING, NET_INFERENCE = (128,), (1, 128)  # batches


def build(net, images, make):
    """Return what the last row makes of `images`, by a library's table from kinds to functions.

    Each is called with the arrays that the row reads, and the row.
    """
    made = {-1: images}
    for i, row in enumerate(net.rows):
        made[i] = make[row.kind](*(made[at] for at in row.reads), row)
    return made[len(net.rows) - 1]


def net_batch(name, n):
    """Return `n` pictures for a network, float32 from -1 to 1, and their labels from 0 to 9."""
    rng = np.random.default_rng(0)
    x = rng.random((n, *NETS[name].image), dtype=np.float32)
    return x * np.float32(2) - np.float32(1), rng.integers(0, 10, n)
