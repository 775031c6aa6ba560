"""Awkward shapes, each tiny, that every convolution, pool and product must survive; arrays to fill them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ConvCase:
    """One convolution: images (N, H, W, C), number of filters, kernel (KH, KW) and the settings."""

    name: str
    images: tuple
    filters: int
    kernel: tuple
    strides: tuple = (1, 1)
    padding: object = "valid"
    dilation: tuple = (1, 1)
    groups: int = 1

    def __str__(self):
        return self.name

    @property
    def filters_shape(self):
        """Shape of the filters, HWIO."""
        return (*self.kernel, self.images[3] // self.groups, self.filters)

    @property
    def settings(self):
        """Keyword arguments of a convolution."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }


@dataclass(frozen=True)
class PoolCase:
    """One pool: images (N, H, W, C), window and the settings."""

    name: str
    images: tuple
    pool_size: tuple
    strides: tuple | None = None
    padding: object = "valid"

    def __str__(self):
        return self.name

    @property
    def settings(self):
        """Keyword arguments of a pool."""
        return {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}


@dataclass(frozen=True)
class DenseCase:
    """One matrix product: samples, inputs, units."""

    samples: int
    inputs: int
    units: int

    def __str__(self):
        return f"{self.samples}x{self.inputs}-to-{self.units}"


@dataclass(frozen=True)
class FusedPoolCase:
    """A convolution whose ReLU is max-pooled."""

    conv: ConvCase
    pool_size: tuple
    pool_strides: tuple | None = None
    pool_padding: object = "valid"

    def __str__(self):
        return self.conv.name

    @property
    def pool_settings(self):
        """Keyword arguments of the pool."""
        return {"pool_size": self.pool_size, "strides": self.pool_strides, "padding": self.pool_padding}

    @property
    def settings(self):
        """Keyword arguments of the whole."""
        pool = {
            "pool_size": self.pool_size,
            "pool_strides": self.pool_strides,
            "pool_padding": self.pool_padding,
        }
        return self.conv.settings | pool


#: Pairs (input channels, output channels) around the widths of vectors and of register tiles.
TAILS = [
    (1, 3),
    (3, 1),
    (3, 7),
    (7, 8),
    (8, 9),
    (9, 15),
    (15, 16),
    (16, 17),
    (17, 31),
    (31, 33),
    (33, 32),
    (5, 64),
]
TAILS += [(64, 5), (65, 12), (12, 65)]

CONV_CASES = [
    # ---- smallest of everything
    ConvCase("one-pixel", (1, 1, 1, 1), 1, (1, 1)),
    ConvCase("one-pixel-many-channels", (1, 1, 1, 33), 17, (1, 1)),
    ConvCase("one-pixel-batch", (5, 1, 1, 3), 4, (1, 1)),
    ConvCase("one-pixel-3x3-same", (1, 1, 1, 128), 16, (3, 3), padding="same"),
    ConvCase("one-pixel-7x7-pad-6", (1, 1, 1, 2), 3, (7, 7), padding=((6, 6), (6, 6))),
    ConvCase("one-row", (2, 1, 9, 3), 8, (1, 3)),
    ConvCase("one-column", (2, 9, 1, 3), 8, (3, 1)),
    ConvCase("empty-batch", (0, 6, 5, 3), 4, (3, 3)),
    ConvCase("empty-batch-same-strided", (0, 6, 5, 8), 9, (3, 2), (2, 2), "same"),
    # ---- kernel against image
    ConvCase("kernel-is-image", (2, 5, 4, 3), 7, (5, 4)),
    ConvCase("kernel-is-image-strided", (2, 3, 3, 8), 8, (3, 3), (2, 2)),
    ConvCase("kernel-higher-than-image", (2, 3, 5, 3), 4, (5, 3), padding="same"),
    ConvCase("kernel-larger-than-image", (1, 3, 3, 4), 5, (7, 7), padding="same"),
    ConvCase("kernel-1x1", (2, 5, 6, 7), 9, (1, 1)),
    ConvCase("kernel-1x1-strided", (1, 8, 8, 17), 17, (1, 1), (2, 2)),
    ConvCase("kernel-1x1-same-strided", (2, 7, 8, 3), 4, (1, 1), (3, 2), "same"),
    ConvCase("kernel-2x2", (2, 6, 7, 4), 6, (2, 2)),
    ConvCase("kernel-5x5", (1, 9, 8, 3), 8, (5, 5)),
    ConvCase("kernel-3x2", (2, 7, 5, 6), 4, (3, 2)),
    ConvCase("kernel-1x5", (2, 4, 9, 3), 5, (1, 5)),
    ConvCase("kernel-5x1", (2, 9, 4, 3), 5, (5, 1)),
    ConvCase("kernel-8x8-stride-4", (1, 20, 24, 4), 16, (8, 8), (4, 4)),
    # ---- strides
    ConvCase("stride-2", (2, 9, 9, 3), 8, (3, 3), (2, 2)),
    ConvCase("stride-2-leftover", (2, 8, 10, 3), 8, (3, 3), (2, 2)),
    ConvCase("stride-1x2", (2, 6, 9, 5), 4, (3, 3), (1, 2)),
    ConvCase("stride-3x1", (2, 10, 5, 5), 4, (3, 3), (3, 1)),
    ConvCase("stride-over-kernel", (2, 9, 8, 3), 5, (2, 2), (3, 3)),
    ConvCase("stride-over-image", (2, 4, 5, 3), 5, (2, 2), (7, 9)),
    ConvCase("stride-over-kernel-same", (2, 7, 8, 3), 5, (1, 2), (3, 4), "same"),
    # ---- same padding
    ConvCase("same", (2, 5, 5, 17), 16, (3, 3), padding="same"),
    ConvCase("same-even-kernel", (2, 5, 6, 3), 4, (2, 4), padding="same"),
    ConvCase("same-strided-even-image", (2, 6, 8, 3), 4, (3, 3), (2, 2), "same"),
    ConvCase("same-strided-odd-image", (2, 7, 9, 3), 4, (3, 3), (2, 2), "same"),
    ConvCase("same-strided-mixed", (2, 6, 7, 8), 8, (4, 3), (3, 2), "same"),
    ConvCase("same-5x5", (1, 6, 6, 16), 16, (5, 5), padding="same"),
    # ---- explicit padding
    ConvCase("pad-1", (1, 5, 5, 17), 17, (3, 3), padding=((1, 1), (1, 1))),
    ConvCase("pad-over-kernel", (1, 5, 5, 16), 17, (3, 3), padding=((3, 3), (3, 3))),
    ConvCase("pad-over-kernel-strided", (1, 8, 8, 17), 17, (3, 3), (2, 2), ((3, 3), (3, 3))),
    ConvCase("pad-far-over-kernel", (1, 4, 4, 3), 4, (2, 2), padding=((7, 6), (5, 7))),
    ConvCase("pad-1x1-kernel", (1, 5, 4, 3), 4, (1, 1), padding=((1, 1), (3, 3))),
    ConvCase("pad-one-sided", (2, 6, 6, 3), 4, (3, 3), padding=((1, 0), (0, 1))),
    ConvCase("pad-four-ways", (1, 5, 6, 3), 4, (3, 3), (2, 1), ((0, 2), (1, 3))),
    # ---- dilation
    ConvCase("dilation-2", (2, 9, 8, 3), 5, (3, 3), dilation=(2, 2)),
    ConvCase("dilation-2-same", (2, 6, 7, 8), 8, (3, 3), padding="same", dilation=(2, 2)),
    ConvCase("dilation-1x3", (2, 5, 11, 3), 5, (2, 3), dilation=(1, 3)),
    ConvCase("dilation-3x2-same", (1, 7, 6, 3), 4, (3, 2), padding="same", dilation=(3, 2)),
    ConvCase("dilation-spans-image", (1, 7, 7, 3), 4, (3, 3), dilation=(3, 3)),
    ConvCase("dilation-and-stride", (1, 12, 11, 3), 4, (3, 3), (2, 3), dilation=(2, 2)),
    # ---- groups
    ConvCase("groups-2", (2, 7, 5, 12), 8, (3, 2), groups=2),
    ConvCase("groups-3-tails", (2, 5, 5, 9), 15, (3, 3), padding="same", groups=3),
    ConvCase("groups-2-wide", (1, 4, 4, 34), 38, (3, 3), groups=2),
    ConvCase("groups-4-strided", (2, 7, 8, 8), 4, (3, 3), (2, 2), "same", groups=4),
    ConvCase("groups-2-dilated", (1, 8, 9, 6), 10, (3, 2), dilation=(2, 3), groups=2),
    ConvCase("groups-1x1", (2, 4, 5, 16), 24, (1, 1), groups=4),
    ConvCase("depthwise", (2, 6, 5, 8), 8, (3, 3), padding="same", groups=8),
    ConvCase("depthwise-tail", (1, 5, 6, 17), 17, (3, 3), groups=17),
    ConvCase("depthwise-multiplier-2", (1, 6, 5, 9), 18, (3, 3), groups=9),
    ConvCase("depthwise-multiplier-2-strided", (2, 7, 8, 5), 10, (2, 3), (2, 2), "same", groups=5),
    ConvCase("depthwise-one-channel", (2, 6, 5, 1), 2, (3, 3)),
    # ---- channel tails, with rows of a length that tiles do not divide
    *(ConvCase(f"tail-{c}-{o}", (2, 5, 7, c), o, (3, 3)) for c, o in TAILS),
    # ---- larger than one tile or chunk
    ConvCase("long-row", (1, 3, 67, 2), 3, (3, 3)),
    ConvCase("many-images", (19, 4, 4, 2), 3, (3, 3)),
    ConvCase("deep", (1, 3, 4, 130), 5, (3, 3), padding="same"),
]


def _depthwise(name, images, multiplier=1, kernel=(3, 3), **settings):
    """Return a ConvCase with a group for every channel."""
    return ConvCase(name, images, images[3] * multiplier, kernel, groups=images[3], **settings)


#: Each channel a group of its own: widths around a tile of 8 pixels, channels around vectors and blocks of 256.
DEPTHWISE_CASES = [
    *(_depthwise(f"width-{w}", (2, 4, w, 17), padding="same") for w in (*range(1, 11), 15, 16, 17, 23)),
    *(_depthwise(f"width-{w}-valid", (1, 5, w, 19)) for w in (3, 8, 10, 11, 19)),
    *(_depthwise(f"channels-{c}", (1, 5, 6, c), padding="same") for c in (1, 3, 4, 5, 8, 15, 16, 31, 32, 33, 255, 256)),
    *(_depthwise(f"channels-{c}-strided", (1, 6, 7, c), strides=(2, 2), padding="same") for c in (2, 9, 24, 257, 300)),
    *(_depthwise(f"multiplier-{m}", (2, 6, 5, 7), m, padding="same") for m in (2, 3, 4, 16)),
    _depthwise("multiplier-of-one-channel", (2, 6, 5, 1), 33),
    _depthwise("multiplier-strided", (2, 7, 8, 5), 2, (2, 3), strides=(2, 2), padding="same"),
    _depthwise("multiplier-empty-batch", (0, 7, 8, 5), 2),
    _depthwise("empty-batch", (0, 6, 5, 3)),
    _depthwise("one-pixel", (1, 1, 1, 1), 1, (1, 1)),
    _depthwise("one-pixel-3x3-same", (3, 1, 1, 18), padding="same"),
    _depthwise("one-pixel-7x7-pad-6", (1, 1, 1, 2), 1, (7, 7), padding=((6, 6), (6, 6))),
    _depthwise("kernel-is-image", (2, 5, 4, 9), 1, (5, 4)),
    _depthwise("kernel-over-image", (1, 3, 3, 4), 1, (7, 7), padding="same"),
    _depthwise("kernel-1x1", (2, 5, 6, 7), 1, (1, 1)),
    _depthwise("kernel-1x3", (2, 5, 13, 7), 1, (1, 3), padding="same"),
    _depthwise("kernel-3x1", (2, 9, 6, 7), 1, (3, 1), padding="same"),
    _depthwise("kernel-5x5", (2, 9, 11, 20), 1, (5, 5), padding="same"),
    _depthwise("kernel-5x5-strided", (2, 9, 12, 20), 1, (5, 5), strides=(2, 2), padding="same"),
    _depthwise("kernel-5x3", (2, 9, 11, 20), 1, (5, 3), padding="same"),
    _depthwise("kernel-2x4-even", (2, 6, 7, 9), 1, (2, 4), padding="same"),
    _depthwise("stride-2-odd", (2, 9, 21, 18), strides=(2, 2), padding="same"),
    _depthwise("stride-2-pad-1", (2, 8, 20, 18), strides=(2, 2), padding=((1, 1), (1, 1))),
    _depthwise("stride-2x1", (2, 9, 12, 5), strides=(2, 1), padding="same"),
    _depthwise("stride-1x3", (2, 7, 13, 5), strides=(1, 3), padding="same"),
    _depthwise("stride-over-kernel", (2, 9, 8, 3), 1, (2, 2), strides=(3, 3)),
    _depthwise("stride-over-image", (2, 4, 5, 3), 1, (2, 2), strides=(7, 9)),
    _depthwise("stride-over-kernel-same", (2, 7, 8, 3), 1, (1, 2), strides=(3, 4), padding="same"),
    _depthwise("pad-over-kernel", (1, 5, 6, 5), padding=((3, 4), (5, 3))),
    _depthwise("pad-one-sided", (2, 6, 9, 5), padding=((1, 0), (0, 1))),
    _depthwise("pad-four-ways", (1, 5, 6, 3), strides=(2, 1), padding=((0, 2), (1, 3))),
    _depthwise("dilation-2", (2, 9, 12, 5), dilation=(2, 2), padding="same"),
    _depthwise("dilation-1x2", (2, 5, 12, 5), dilation=(1, 2)),
    _depthwise("dilation-3x1", (2, 9, 12, 5), dilation=(3, 1), padding="same"),
    _depthwise("dilation-and-stride", (1, 12, 11, 3), strides=(2, 3), dilation=(3, 2), padding="same"),
    _depthwise("many-rows", (3, 40, 5, 6), padding="same"),
    _depthwise("long-row", (1, 3, 200, 40), padding="same"),
]

POOL_CASES = [
    PoolCase("one-pixel", (1, 1, 1, 1), (1, 1)),
    PoolCase("one-pixel-3x3-same", (2, 1, 1, 9), (3, 3), (1, 1), "same"),
    PoolCase("one-pixel-3x3-pad-1", (2, 1, 1, 64), (3, 3), (1, 1), ((1, 1), (1, 1))),
    PoolCase("empty-batch", (0, 6, 5, 3), (2, 2)),
    PoolCase("empty-batch-same", (0, 5, 5, 8), (3, 2), (2, 2), "same"),
    PoolCase("2x2", (2, 6, 8, 3), (2, 2)),
    PoolCase("2x2-leftover", (2, 11, 11, 8), (2, 2)),
    PoolCase("2x2-same-odd", (2, 7, 5, 3), (2, 2), None, "same"),
    PoolCase("2x2-overlapping", (4, 6, 7, 16), (2, 2), (1, 1)),
    PoolCase("2x2-overlapping-same", (4, 6, 6, 17), (2, 2), (1, 1), "same"),
    PoolCase("3x3", (2, 9, 7, 4), (3, 3)),
    PoolCase("3x3-overlapping", (2, 9, 9, 5), (3, 3), (2, 2)),
    PoolCase("3x3-overlapping-same", (1, 8, 7, 8), (3, 3), (2, 2), "same"),
    PoolCase("3x3-stride-1-same", (1, 3, 3, 8), (3, 3), (1, 1), "same"),
    PoolCase("3x4-stride-1-same-wide", (1, 3, 40, 8), (3, 4), (1, 1), "same"),  # full rows between cut ones
    PoolCase("3x2", (2, 8, 7, 6), (3, 2)),
    PoolCase("2x1", (2, 7, 5, 6), (2, 1)),
    PoolCase("1x2", (2, 5, 7, 6), (1, 2)),
    PoolCase("1x1-strided", (2, 5, 7, 6), (1, 1), (2, 3)),
    PoolCase("3x4-stride-2", (1, 12, 13, 23), (3, 4), (2, 2), ((1, 1), (1, 1))),
    PoolCase("3x3-stride-1x2", (1, 3, 20, 9), (3, 3), (1, 2), ((0, 0), (2, 2))),
    PoolCase("3x3-stride-2x1", (1, 21, 9, 9), (3, 3), (2, 1), ((1, 1), (0, 0))),
    PoolCase("6x6-pad-2", (1, 16, 16, 1), (6, 6), (6, 6), ((2, 2), (2, 2))),
    PoolCase("pad-one-sided", (2, 5, 6, 3), (3, 3), (2, 2), ((0, 1), (2, 0))),
    PoolCase("stride-over-window", (2, 9, 8, 3), (2, 2), (3, 4)),
    PoolCase("stride-over-window-same", (2, 9, 8, 3), (2, 1), (4, 3), "same"),
    PoolCase("stride-over-image", (2, 4, 3, 3), (2, 2), (9, 9)),
    PoolCase("window-is-image", (2, 5, 4, 7), (5, 4)),
    PoolCase("window-is-image-same", (2, 5, 4, 7), (5, 4), (1, 1), "same"),
    PoolCase("window-over-image-same", (2, 2, 3, 7), (5, 4), (1, 2), "same"),
    PoolCase("large-window", (1, 17, 18, 2), (17, 17), (1, 1)),
    PoolCase("large-window-same", (1, 17, 18, 33), (16, 16), (3, 5), "same"),
    PoolCase("3x3-tail-33", (2, 7, 9, 33), (3, 3)),
    PoolCase("3x3-overlapping-tail-33", (2, 7, 9, 33), (3, 3), (2, 2)),
    PoolCase("3x3-overlapping-same-tail-35", (1, 8, 6, 35), (3, 3), (2, 1), "same"),
    PoolCase("stride-over-window-tail-17", (2, 9, 8, 17), (2, 3), (3, 4), "same"),
    PoolCase("3x3-pairs", (3, 8, 9, 16), (3, 3), (2, 2)),
    PoolCase("3x3-pairs-same-tail-35", (2, 8, 6, 35), (3, 3), (2, 2), "same"),
    PoolCase("3x3-pairs-one-window", (2, 3, 4, 16), (3, 3), (2, 2)),
    PoolCase("3x3-pairs-one-sided", (2, 5, 6, 17), (3, 3), (2, 2), ((0, 1), (2, 0))),
    PoolCase("3x3-pairs-pad-2", (1, 1, 2, 16), (3, 3), (2, 2), ((2, 2), (2, 2))),
    PoolCase("5x4-overlapping", (2, 11, 9, 19), (5, 4), (2, 1), ((2, 1), (1, 2))),
    PoolCase("leftover-of-a-wide-stride", (2, 11, 10, 16), (2, 2), (5, 4)),
    *(PoolCase(f"window-is-image-tail-{c}", (2, 9, 8, c), (9, 8)) for c in (1, 16, 33, 64, 65, 147)),
    PoolCase("window-is-large-image", (1, 17, 19, 70), (17, 19)),
    *(PoolCase(f"tail-{c}", (2, 5, 4, c), (2, 2)) for c in (1, 7, 9, 15, 16, 31, 33, 65, 130)),
]

DENSE_CASES = [
    DenseCase(0, 5, 3),
    DenseCase(1, 1, 1),
    DenseCase(1, 1, 65),
    DenseCase(1, 131, 1),
    DenseCase(1, 100, 10),
    DenseCase(2, 33, 17),
    DenseCase(3, 7, 5),
    DenseCase(4, 8, 16),
    DenseCase(5, 64, 10),
    DenseCase(7, 16, 33),
    DenseCase(16, 9, 32),
    DenseCase(17, 31, 65),
    DenseCase(33, 15, 31),
    DenseCase(70, 3, 2),
]


def _fused(name, images, filters, kernel, pool_size, pool_strides=None, pool_padding="valid", **settings):
    """Return a FusedPoolCase written in one row."""
    return FusedPoolCase(ConvCase(name, images, filters, kernel, **settings), pool_size, pool_strides, pool_padding)


FUSED_POOL_CASES = [
    *(_fused(f"2x2-inputs-{c}", (2, 8, 10, c), 8, (3, 3), (2, 2)) for c in (1, 2, 3, 4, 5, 8, 17, 33)),
    *(_fused(f"2x2-filters-{o}", (2, 8, 6, 3), o, (3, 3), (2, 2)) for o in (1, 7, 9, 16, 31, 33, 64, 65)),
    _fused("2x2-one-window", (1, 4, 4, 1), 8, (3, 3), (2, 2)),
    _fused("2x2-leftover", (2, 13, 13, 16), 16, (3, 3), (2, 2)),
    _fused("2x2-leftover-columns", (2, 6, 7, 3), 9, (3, 3), (2, 2)),
    _fused("2x2-same", (2, 7, 9, 3), 8, (3, 3), (2, 2), padding="same"),
    _fused("2x2-pool-same", (2, 7, 9, 3), 8, (3, 3), (2, 2), None, "same"),
    _fused("2x2-pad-over-kernel", (1, 4, 5, 2), 8, (3, 3), (2, 2), padding=((3, 4), (4, 3))),
    _fused("2x2-stride-2", (2, 12, 13, 3), 8, (3, 3), (2, 2), strides=(2, 2)),
    _fused("2x2-dilation-2", (1, 10, 11, 3), 8, (3, 3), (2, 2), dilation=(2, 2)),
    _fused("2x2-groups", (2, 7, 8, 6), 10, (3, 3), (2, 2), groups=2),
    _fused("2x2-groups-of-pairs", (2, 7, 8, 8), 12, (3, 3), (2, 2), groups=2),
    _fused("2x2-depthwise", (2, 8, 8, 9), 9, (3, 3), (2, 2), groups=9),
    _fused("2x2-1x1-kernel", (2, 6, 6, 9), 7, (1, 1), (2, 2)),
    _fused("2x2-5x5-kernel", (1, 12, 12, 1), 6, (5, 5), (2, 2)),
    _fused("2x2-overlapping", (2, 7, 8, 3), 8, (3, 3), (2, 2), (1, 1)),
    _fused("2x2-stride-3", (2, 12, 13, 3), 8, (3, 3), (2, 2), (3, 3)),
    _fused("3x3", (2, 11, 12, 4), 8, (3, 3), (3, 3)),
    _fused("3x3-leftover", (2, 13, 12, 20), 12, (3, 3), (3, 3)),
    _fused("3x3-overlapping", (2, 9, 11, 3), 8, (3, 3), (3, 3), (2, 2)),
    _fused("2x1", (2, 8, 7, 3), 8, (3, 3), (2, 1)),
    _fused("1x2", (2, 7, 8, 3), 8, (3, 3), (1, 2)),
    _fused("2x3-stride-3x4", (2, 12, 15, 4), 8, (3, 3), (2, 3), (3, 4)),
    _fused("window-is-image", (2, 6, 5, 3), 8, (3, 3), (4, 3)),
    _fused("window-over-one-byte", (1, 19, 20, 1), 4, (2, 2), (17, 17), (1, 1)),
    _fused("empty-batch", (0, 8, 8, 3), 8, (3, 3), (2, 2)),
]


def integers(rng, shape, dtype=np.float32, limit=4):
    """Return whole numbers from -limit to limit: sums of their products are exact, in any order."""
    return rng.integers(-limit, limit, size=shape, endpoint=True).astype(dtype)


def distinct(rng, shape, dtype=np.float64):
    """Return numbers from -2 to 2 in random order, no two of them equal or nearly so."""
    size = int(np.prod(shape))
    return (rng.permutation(size).reshape(shape) * (4 / max(size - 1, 1)) - 2).astype(dtype)


def assert_within_rounding(actual, exact, magnitude, factor=32):
    """Assert that a sum of products is as near to the exact one as rounding allows.

    `exact` is the float64 result and `magnitude` the same sum over absolute values; `factor` says how many
    roundings of that size may add up.
    """
    assert actual.shape == exact.shape
    bound = factor * np.finfo(actual.dtype).eps * magnitude
    excess = np.abs(actual - exact) - bound
    assert not (excess > 0).any() and not np.isnan(excess).any(), (
        f"{(excess > 0).sum()} of {excess.size} sums are beyond rounding, the worst by {excess.max():.3g}"
    )
