"""Every layer once or more: how it is made, what it makes of an input, and the definition of that."""

from dataclasses import dataclass, field

import numpy as np

from fastconv import layers as L
from fastconv.ops import reference as R

HWC = (7, 6, 4)


@dataclass(frozen=True)
class LayerCase:
    """One layer with settings, the shapes of an input and its output without the batch, and what it computes."""

    cls: type
    settings: dict
    inputs: tuple
    outputs: tuple
    define: object  # (x, *weights) -> y
    params: int = 0
    exact: bool = True  # whether whole numbers make whole numbers
    name: str = field(default="")

    def __str__(self):
        settings = "-".join(f"{key}={value}" for key, value in self.settings.items()).replace(" ", "")
        return f"{self.cls.__name__}-{settings}".rstrip("-")

    def make(self, **more):
        """Return a new layer."""
        return self.cls(**self.settings, **more)

    @property
    def takes_images(self):
        """Whether the layer knows both data formats."""
        return "data_format" in self.make().get_config()


def _conv(x, w, b=None, **settings):
    return R.conv2d(x, w, b, **settings)


def _global(x, reduce, keepdims=False):
    return reduce(x, axis=(1, 2), keepdims=keepdims)


def _flat(x):
    return x.reshape(len(x), -1)


CONVOLUTIONS = [
    LayerCase(L.Conv2D, {"filters": 5, "kernel_size": 3}, HWC, (5, 4, 5), _conv, 185),
    LayerCase(L.Conv2D, {"filters": 5, "kernel_size": (2, 3), "use_bias": False}, HWC, (6, 4, 5), _conv, 120),
    LayerCase(
        L.Conv2D,
        {"filters": 3, "kernel_size": 3, "strides": (2, 1), "padding": "same"},
        HWC,
        (4, 6, 3),
        lambda x, w, b: _conv(x, w, b, strides=(2, 1), padding="same"),
        111,
    ),
    LayerCase(
        L.Conv2D,
        {"filters": 6, "kernel_size": 2, "dilation_rate": (2, 3), "groups": 2, "activation": "relu"},
        HWC,
        (5, 3, 6),
        lambda x, w, b: R.relu(_conv(x, w, b, dilation=(2, 3), groups=2)),
        54,
    ),
    LayerCase(
        L.Conv2D,
        {"filters": 4, "kernel_size": 3, "groups": 4, "padding": "SAME", "activation": "tanh"},
        HWC,
        (7, 6, 4),
        lambda x, w, b: np.tanh(_conv(x, w, b, padding="same", groups=4)),
        40,
        exact=False,
    ),
    LayerCase(
        L.Conv2D,
        {"filters": 8, "kernel_size": 3, "groups": 4, "strides": 2, "activation": "relu"},
        HWC,
        (3, 2, 8),
        lambda x, w, b: R.relu(_conv(x, w, b, strides=(2, 2), groups=4)),
        80,
    ),
    LayerCase(L.DepthwiseConv2D, {"kernel_size": 3}, HWC, (5, 4, 4), R.depthwise_conv2d, 40),
    LayerCase(
        L.DepthwiseConv2D,
        {"kernel_size": (2, 3), "strides": (2, 1), "padding": "same", "use_bias": False, "activation": "relu"},
        HWC,
        (4, 6, 4),
        lambda x, w: R.relu(R.depthwise_conv2d(x, w, strides=(2, 1), padding="same")),
        24,
    ),
    LayerCase(
        L.DepthwiseConv2D,
        {"kernel_size": 3, "depth_multiplier": 2, "dilation_rate": (2, 1), "activation": "tanh"},
        HWC,
        (3, 4, 8),
        lambda x, w, b: np.tanh(R.depthwise_conv2d(x, w, b, dilation=(2, 1))),
        80,
        exact=False,
    ),
    LayerCase(L.SeparableConv2D, {"filters": 5, "kernel_size": 3}, HWC, (5, 4, 5), R.separable_conv2d, 61),
    LayerCase(
        L.SeparableConv2D,
        {
            "filters": 3,
            "kernel_size": (3, 2),
            "strides": 2,
            "padding": "same",
            "depth_multiplier": 2,
            "use_bias": False,
            "activation": "relu",
        },
        HWC,
        (4, 3, 3),
        lambda x, d, p: R.relu(R.separable_conv2d(x, d, p, strides=(2, 2), padding="same")),
        72,
    ),
]

POOLS = [
    LayerCase(L.MaxPooling2D, {}, HWC, (3, 3, 4), lambda x: R.max_pool2d(x, pool_size=(2, 2))[0]),
    LayerCase(
        L.MaxPooling2D,
        {"pool_size": 3, "strides": (1, 2), "padding": "same"},
        HWC,
        (7, 3, 4),
        lambda x: R.max_pool2d(x, pool_size=(3, 3), strides=(1, 2), padding="same")[0],
    ),
    LayerCase(L.AveragePooling2D, {"pool_size": 2}, HWC, (3, 3, 4), lambda x: R.average_pool2d(x, pool_size=(2, 2))),
    LayerCase(
        L.AveragePooling2D,
        {"pool_size": (3, 2), "strides": 2, "padding": "same"},
        HWC,
        (4, 3, 4),
        lambda x: R.average_pool2d(x, pool_size=(3, 2), strides=(2, 2), padding="same"),
        exact=False,
    ),
    LayerCase(L.GlobalMaxPooling2D, {}, HWC, (4,), lambda x: _global(x, np.max)),
    LayerCase(L.GlobalMaxPooling2D, {"keepdims": True}, HWC, (1, 1, 4), lambda x: _global(x, np.max, True)),
    LayerCase(L.GlobalAveragePooling2D, {}, HWC, (4,), lambda x: _global(x, np.mean), exact=False),
    LayerCase(
        L.GlobalAveragePooling2D, {"keepdims": True}, HWC, (1, 1, 4), lambda x: _global(x, np.mean, True), exact=False
    ),
]

WC = (7, 4)


def _flat_image(pool, **settings):
    """Return a pool of sequences, by way of images one cell wide."""
    return lambda x: pool(x[:, :, None], **settings)[:, :, 0]


def _max(x, **settings):
    return R.max_pool2d(x, **settings)[0]


POOLS += [
    LayerCase(L.MaxPooling1D, {}, WC, (3, 4), _flat_image(_max, pool_size=(2, 1))),
    LayerCase(
        L.MaxPooling1D,
        {"pool_size": 3, "strides": 2, "padding": "same"},
        WC,
        (4, 4),
        _flat_image(_max, pool_size=(3, 1), strides=(2, 1), padding="same"),
    ),
    LayerCase(L.AveragePooling1D, {"pool_size": 2}, WC, (3, 4), _flat_image(R.average_pool2d, pool_size=(2, 1))),
    LayerCase(L.GlobalMaxPooling1D, {}, WC, (4,), lambda x: x.max(1)),
    LayerCase(L.GlobalAveragePooling1D, {"keepdims": True}, WC, (1, 4), lambda x: x.mean(1)[:, None], exact=False),
]

MOVERS = [
    LayerCase(L.Flatten, {}, HWC, (168,), _flat),
    LayerCase(L.Reshape, {"target_shape": (6, -1, 2)}, HWC, (6, 14, 2), lambda x: x.reshape(len(x), 6, 14, 2)),
    LayerCase(L.Reshape, {"target_shape": 168}, HWC, (168,), _flat),
    LayerCase(L.ZeroPadding2D, {}, HWC, (9, 8, 4), lambda x: R.zero_pad2d(x, ((1, 1), (1, 1)))),
    LayerCase(L.ZeroPadding2D, {"padding": (2, 0)}, HWC, (11, 6, 4), lambda x: R.zero_pad2d(x, ((2, 2), (0, 0)))),
    LayerCase(
        L.ZeroPadding2D,
        {"padding": ((1, 0), (2, 3))},
        HWC,
        (8, 11, 4),
        lambda x: R.zero_pad2d(x, ((1, 0), (2, 3))),
    ),
]

VALUES = [
    LayerCase(L.Activation, {"activation": "relu"}, (5, 3), (5, 3), R.relu),
    LayerCase(L.Activation, {"activation": "linear"}, (5, 3), (5, 3), lambda x: x),
    LayerCase(L.Activation, {"activation": "elu"}, (17,), (17,), R.elu, exact=False),
    LayerCase(L.ReLU, {}, HWC, HWC, R.relu),
    LayerCase(
        L.ReLU,
        {"max_value": 2, "negative_slope": 0.5, "threshold": 1},
        HWC,
        HWC,
        lambda x: R.relu(x, max_value=2.0, negative_slope=0.5, threshold=1.0),
    ),
    LayerCase(L.Softmax, {}, (3, 9), (3, 9), R.softmax, exact=False),
    LayerCase(L.Rescaling, {"scale": 0.5, "offset": -1}, HWC, HWC, lambda x: R.rescale(x, 0.5, -1)),
    LayerCase(
        L.Rescaling,
        {"scale": [1, 2, 3, 4], "offset": [0.5, 0, -1, 1]},
        HWC,
        HWC,
        lambda x: x * np.array([1, 2, 3, 4], x.dtype) + np.array([0.5, 0, -1, 1], x.dtype),
    ),
    LayerCase(L.Dropout, {"rate": 0.4, "seed": 3}, HWC, HWC, lambda x: x),
    LayerCase(L.Dense, {"units": 9}, (13,), (9,), R.dense, 126),
    LayerCase(L.Dense, {"units": 9, "use_bias": False}, (13,), (9,), R.dense, 117),
    LayerCase(L.Dense, {"units": 4, "activation": "relu"}, (3, 5, 6), (3, 5, 4), lambda x, w, b: R.relu(x @ w + b), 28),
]

LAYERS = CONVOLUTIONS + POOLS + MOVERS + VALUES
