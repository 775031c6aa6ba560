"""Every layer once or more: how it is made, what it makes of an input, and the definition of that."""

from dataclasses import dataclass, field

import numpy as np

from fastconv import layers as L
from fastconv.ops import reference as R
from fastconv.ops.resample import resizing

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


def _prelu(x, alpha):
    return np.where(x > 0, x, alpha * x)


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

WC = (7, 4)
VOLUME = (4, 5, 6, 2)


def _nd(define, axes, **settings):
    """Return a definition with the settings that are not given: ones."""
    settings = {"strides": (1,) * axes, "dilation": (1,) * axes, **settings}
    return lambda x, w, b=None: define(x, w, b, **settings)


def _depthwise_1d(x, w, b=None, **settings):
    grouped = w.reshape(len(w), 1, -1)
    return _nd(R.convolve, 1, groups=x.shape[-1], **settings)(x, grouped, b)


CONVOLUTIONS += [
    LayerCase(L.Conv1D, {"filters": 5, "kernel_size": 3}, WC, (5, 5), _nd(R.convolve, 1), 65),
    LayerCase(
        L.Conv1D,
        {"filters": 6, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "groups": 2, "activation": "relu"},
        WC,
        (7, 6),
        lambda x, w, b: R.relu(_nd(R.convolve, 1, padding="causal", dilation=(2,), groups=2)(x, w, b)),
        42,
    ),
    LayerCase(
        L.Conv1D,
        {"filters": 8, "kernel_size": 2, "strides": 2, "padding": "same", "groups": 4, "use_bias": False},
        WC,
        (4, 8),
        _nd(R.convolve, 1, strides=(2,), padding="same", groups=4),
        16,
    ),
    LayerCase(
        L.Conv3D,
        {"filters": 3, "kernel_size": (2, 3, 2), "activation": "relu"},
        VOLUME,
        (3, 3, 5, 3),
        lambda x, w, b: R.relu(_nd(R.convolve, 3)(x, w, b)),
        75,
    ),
    LayerCase(
        L.Conv3D,
        {"filters": 4, "kernel_size": 3, "strides": (2, 1, 2), "padding": "same", "groups": 2, "use_bias": False},
        VOLUME,
        (2, 5, 3, 4),
        _nd(R.convolve, 3, strides=(2, 1, 2), padding="same", groups=2),
        108,
    ),
    LayerCase(
        L.Conv1DTranspose,
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1, "activation": "relu"},
        WC,
        (14, 3),
        lambda x, w, b: R.relu(
            _nd(R.convolve_transpose, 1, strides=(2,), padding="same", output_padding=(1,))(x, w, b)
        ),
        39,
    ),
    LayerCase(
        L.Conv2DTranspose,
        {"filters": 3, "kernel_size": (3, 2), "strides": (2, 3)},
        HWC,
        (15, 18, 3),
        _nd(R.convolve_transpose, 2, strides=(2, 3)),
        75,
    ),
    LayerCase(
        L.Conv2DTranspose,
        {"filters": 40, "kernel_size": 3, "padding": "same", "dilation_rate": 2, "use_bias": False},
        HWC,
        (7, 6, 40),
        _nd(R.convolve_transpose, 2, padding="same", dilation=(2, 2)),
        1440,
    ),
    LayerCase(
        L.Conv3DTranspose,
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        VOLUME,
        (8, 10, 12, 3),
        _nd(R.convolve_transpose, 3, strides=(2, 2, 2), padding="same"),
        165,
    ),
    LayerCase(
        L.DepthwiseConv1D,
        {"kernel_size": 3, "depth_multiplier": 2, "padding": "same", "activation": "relu"},
        WC,
        (7, 8),
        lambda x, w, b: R.relu(_depthwise_1d(x, w, b, padding="same")),
        32,
    ),
    LayerCase(
        L.SeparableConv1D,
        {"filters": 5, "kernel_size": 3, "strides": 2},
        WC,
        (3, 5),
        lambda x, d, p, b: _depthwise_1d(x, d, strides=(2,)) @ p[0] + b,
        37,
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


def _windowed(largest, size, **settings):
    return lambda x: R.pool(x, R.axes.pool_windows(x.shape[1:-1], size, **settings), largest)


def _adaptive(largest, *size):
    return lambda x: R.pool(x, R.axes.adaptive_windows(x.shape[1:-1], size), largest)


POOLS += [
    LayerCase(L.MaxPooling3D, {}, VOLUME, (2, 2, 3, 2), _windowed(True, (2, 2, 2))),
    LayerCase(
        L.MaxPooling3D,
        {"pool_size": (3, 2, 2), "strides": (1, 2, 3), "padding": "same"},
        VOLUME,
        (4, 3, 2, 2),
        _windowed(True, (3, 2, 2), strides=(1, 2, 3), padding="same"),
    ),
    LayerCase(L.AveragePooling3D, {"pool_size": 2}, VOLUME, (2, 2, 3, 2), _windowed(False, (2, 2, 2))),
    LayerCase(L.GlobalMaxPooling3D, {}, VOLUME, (2,), lambda x: x.max((1, 2, 3))),
    LayerCase(
        L.GlobalAveragePooling3D,
        {"keepdims": True},
        VOLUME,
        (1, 1, 1, 2),
        lambda x: x.mean((1, 2, 3), keepdims=True),
        exact=False,
    ),
    LayerCase(L.AdaptiveMaxPooling1D, {"output_size": 3}, WC, (3, 4), _adaptive(True, 3)),
    LayerCase(L.AdaptiveMaxPooling2D, {"output_size": (7, 4)}, HWC, (7, 4, 4), _adaptive(True, 7, 4)),
    LayerCase(L.AdaptiveMaxPooling3D, {"output_size": 2}, VOLUME, (2, 2, 2, 2), _adaptive(True, 2, 2, 2)),
    LayerCase(L.AdaptiveAveragePooling1D, {"output_size": (7,)}, WC, (7, 4), _adaptive(False, 7)),
    LayerCase(L.AdaptiveAveragePooling2D, {"output_size": 3}, HWC, (3, 3, 4), _adaptive(False, 3, 3), exact=False),
    LayerCase(
        L.AdaptiveAveragePooling3D,
        {"output_size": (3, 2, 5)},
        VOLUME,
        (3, 2, 5, 2),
        _adaptive(False, 3, 2, 5),
        exact=False,
    ),
]


def _pad(x, *amounts):
    return np.pad(x, ((0, 0), *amounts, (0, 0)))


def _up(x, *times):
    for axis, n in enumerate(times, 1):
        x = np.repeat(x, n, axis)
    return x


def _bilinear_pairs(x):
    """Twice as many columns, by hand: quarters between neighbours, the outermost as they are."""
    left, right = (np.take(x, np.clip(np.arange(x.shape[2]) + d, 0, x.shape[2] - 1), 2) for d in (-1, 1))
    return np.stack([0.25 * left + 0.75 * x, 0.75 * x + 0.25 * right], 3).reshape(*x.shape[:2], -1, x.shape[3])


DHWC = (3, 4, 5, 2)
SPATIAL = [
    LayerCase(L.Cropping1D, {}, (5, 3), (3, 3), lambda x: x[:, 1:-1]),
    LayerCase(L.Cropping1D, {"cropping": (0, 3)}, (5, 3), (2, 3), lambda x: x[:, :2]),
    LayerCase(L.Cropping2D, {}, HWC, HWC, lambda x: x),
    LayerCase(L.Cropping2D, {"cropping": 2}, HWC, (3, 2, 4), lambda x: x[:, 2:5, 2:4]),
    LayerCase(L.Cropping2D, {"cropping": ((1, 0), (2, 3))}, HWC, (6, 1, 4), lambda x: x[:, 1:, 2:3]),
    LayerCase(L.Cropping3D, {}, DHWC, (1, 2, 3, 2), lambda x: x[:, 1:-1, 1:-1, 1:-1]),
    LayerCase(L.Cropping3D, {"cropping": (0, (1, 2), 2)}, DHWC, (3, 1, 1, 2), lambda x: x[:, :, 1:2, 2:3]),
    LayerCase(L.ZeroPadding1D, {}, (5, 3), (7, 3), lambda x: _pad(x, (1, 1))),
    LayerCase(L.ZeroPadding1D, {"padding": (0, 2)}, (5, 3), (7, 3), lambda x: _pad(x, (0, 2))),
    LayerCase(L.ZeroPadding3D, {}, DHWC, (5, 6, 7, 2), lambda x: _pad(x, *[(1, 1)] * 3)),
    LayerCase(
        L.ZeroPadding3D, {"padding": (0, (1, 2), 3)}, DHWC, (3, 7, 11, 2), lambda x: _pad(x, (0, 0), (1, 2), (3, 3))
    ),
    LayerCase(L.UpSampling1D, {"size": 3}, (5, 3), (15, 3), lambda x: _up(x, 3)),
    LayerCase(L.UpSampling2D, {}, HWC, (14, 12, 4), lambda x: _up(x, 2, 2)),
    LayerCase(L.UpSampling2D, {"size": (1, 3)}, HWC, (7, 18, 4), lambda x: _up(x, 1, 3)),
    LayerCase(L.UpSampling2D, {"size": (1, 2), "interpolation": "bilinear"}, HWC, (7, 12, 4), _bilinear_pairs),
    LayerCase(L.UpSampling3D, {}, DHWC, (6, 8, 10, 2), lambda x: _up(x, 2, 2, 2)),
    LayerCase(L.UpSampling3D, {"size": (1, 2, 3)}, DHWC, (3, 8, 15, 2), lambda x: _up(x, 1, 2, 3)),
    LayerCase(L.Permute, {"dims": (3, 1, 2)}, HWC, (4, 7, 6), lambda x: x.transpose(0, 3, 1, 2)),
    LayerCase(L.Permute, {"dims": (4, 2, 3, 1)}, DHWC, (2, 4, 5, 3), lambda x: x.transpose(0, 4, 2, 3, 1)),
    LayerCase(L.Permute, {"dims": (1,)}, (5,), (5,), lambda x: x),
    LayerCase(L.RepeatVector, {"n": 3}, (5,), (3, 5), lambda x: np.stack([x] * 3, 1)),
    LayerCase(L.Identity, {}, HWC, HWC, lambda x: x),
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
    LayerCase(L.Activation, {"activation": "glu"}, (3, 8), (3, 4), R.glu, exact=False),
    LayerCase(L.LeakyReLU, {}, (17,), (17,), lambda x: R.leaky_relu(x, negative_slope=0.3), exact=False),
    LayerCase(L.LeakyReLU, {"negative_slope": 0.5}, HWC, HWC, lambda x: R.leaky_relu(x, negative_slope=0.5)),
    LayerCase(L.ELU, {"alpha": 0.5}, (17,), (17,), lambda x: R.elu(x, alpha=0.5), exact=False),
    LayerCase(L.PReLU, {}, HWC, HWC, _prelu, 168),
    LayerCase(L.PReLU, {"shared_axes": [1, 2]}, HWC, HWC, _prelu, 4),
    LayerCase(L.PReLU, {"shared_axes": 3}, HWC, HWC, _prelu, 42),
    LayerCase(L.Softmax, {}, (3, 9), (3, 9), R.softmax, exact=False),
    LayerCase(L.Softmax, {"axis": 1}, HWC, HWC, lambda x: R.softmax(x, 1), exact=False),
    LayerCase(L.Softmax, {"axis": [1, -1]}, HWC, HWC, lambda x: R.softmax(x, (1, 3)), exact=False),
    LayerCase(L.Softmax, {"axis": (2, 3)}, HWC, HWC, lambda x: R.softmax(x, (2, 3)), exact=False),
    LayerCase(L.Rescaling, {"scale": 0.5, "offset": -1}, HWC, HWC, lambda x: R.rescale(x, 0.5, -1)),
    LayerCase(
        L.Rescaling,
        {"scale": [1, 2, 3, 4], "offset": [0.5, 0, -1, 1]},
        HWC,
        HWC,
        lambda x: x * np.array([1, 2, 3, 4], x.dtype) + np.array([0.5, 0, -1, 1], x.dtype),
    ),
    LayerCase(L.ActivityRegularization, {"l1": 0.5, "l2": 0.25}, HWC, HWC, lambda x: x),
    LayerCase(L.AlphaDropout, {"rate": 0.4, "seed": 3}, HWC, HWC, lambda x: x),
    LayerCase(L.GaussianDropout, {"rate": 0.4}, HWC, HWC, lambda x: x),
    LayerCase(L.GaussianNoise, {"stddev": 0.4, "seed": 1}, (17,), (17,), lambda x: x),
    LayerCase(L.Dropout, {"rate": 0.4, "noise_shape": (None, 1, 1, 4)}, HWC, HWC, lambda x: x),
    LayerCase(L.SpatialDropout2D, {"rate": 0.4}, HWC, HWC, lambda x: x),
    LayerCase(L.SpatialDropout3D, {"rate": 0.4}, DHWC, DHWC, lambda x: x),
    LayerCase(L.SpatialDropout1D, {"rate": 0.4, "seed": 2}, (5, 3), (5, 3), lambda x: x),
    LayerCase(L.Dropout, {"rate": 0.4, "seed": 3}, HWC, HWC, lambda x: x),
    LayerCase(L.Dense, {"units": 9}, (13,), (9,), R.dense, 126),
    LayerCase(L.Dense, {"units": 9, "use_bias": False}, (13,), (9,), R.dense, 117),
    LayerCase(L.Dense, {"units": 4, "activation": "relu"}, (3, 5, 6), (3, 5, 4), lambda x, w, b: R.relu(x @ w + b), 28),
]


def _given(x, *weights, axis=-1, scale=True, center=True, epsilon=1e-3):
    """Return x normalized by the last two weights, the statistics."""
    weights = list(weights)
    gamma = weights.pop(0) if scale else None
    beta = weights.pop(0) if center else None
    turned = np.moveaxis(x, axis, -1)
    return np.moveaxis(R.normalize(turned, *weights, gamma, beta, epsilon), -1, axis)


def _groups(x, gamma, beta, groups=2, axis=-1):
    return np.moveaxis(R.group_normalize(np.moveaxis(x, axis, -1), groups, gamma, beta), -1, axis)


NORMALIZATIONS = [
    LayerCase(L.BatchNormalization, {}, HWC, HWC, _given, 16, exact=False),
    LayerCase(L.BatchNormalization, {"axis": 1}, HWC, HWC, lambda *a: _given(*a, axis=1), 28, exact=False),
    LayerCase(L.BatchNormalization, {"axis": -2}, HWC, HWC, lambda *a: _given(*a, axis=-2), 24, exact=False),
    LayerCase(
        L.BatchNormalization,
        {"scale": False, "epsilon": 0.5, "momentum": 0.5},
        (17,),
        (17,),
        lambda *a: _given(*a, scale=False, epsilon=0.5),
        51,
        exact=False,
    ),
    LayerCase(
        L.BatchNormalization, {"center": False}, (5, 3), (5, 3), lambda *a: _given(*a, center=False), 9, exact=False
    ),
    LayerCase(L.GroupNormalization, {"groups": 2}, HWC, HWC, _groups, 8, exact=False),
    LayerCase(
        L.GroupNormalization,
        {"groups": -1, "axis": 2},
        HWC,
        HWC,
        lambda x, g, b: _groups(x, g, b, groups=6, axis=2),
        12,
        exact=False,
    ),
    LayerCase(L.LayerNormalization, {}, HWC, HWC, lambda x, g, b: R.normalize_over(x, (3,), g, b), 8, exact=False),
    LayerCase(
        L.LayerNormalization,
        {"axis": [2, 3], "scale": False},
        HWC,
        HWC,
        lambda x, b: R.normalize_over(x, (2, 3), None, b),
        24,
        exact=False,
    ),
    LayerCase(
        L.LayerNormalization,
        {"axis": 1, "center": False, "epsilon": 0.1},
        HWC,
        HWC,
        lambda x, g: R.normalize_over(x, (1,), g.reshape(7, 1, 1), None, 0.1),
        7,
        exact=False,
    ),
    LayerCase(L.UnitNormalization, {}, (5, 3), (5, 3), lambda x: R.unit_normalize(x, (2,)), exact=False),
    LayerCase(L.UnitNormalization, {"axis": [1, 2]}, HWC, HWC, lambda x: R.unit_normalize(x, (1, 2)), exact=False),
]


def _resized(x, height, width, interpolation="bilinear", antialias=False):
    rows, columns = (resizing(interpolation, *n, antialias) for n in ((x.shape[1], height), (x.shape[2], width)))
    return np.einsum("nhwc,ih,jw->nijc", x, rows, columns, optimize=True).astype(x.dtype)


IMAGES = [
    LayerCase(L.Normalization, {"mean": 2.0, "variance": 4.0}, HWC, HWC, lambda x: (x - 2) / 2),
    LayerCase(
        L.Normalization,
        {"axis": [1, -1], "mean": [1, 2, 3, 4], "variance": [1, 4, 9, 16], "invert": True},
        HWC,
        HWC,
        lambda x: x * np.arange(1, 5, dtype=x.dtype) + np.arange(1, 5, dtype=x.dtype),
    ),
    LayerCase(L.Resizing, {"height": 7, "width": 6}, HWC, HWC, lambda x: x),
    *(
        LayerCase(
            L.Resizing,
            {"height": 5, "width": 9, "interpolation": way, "antialias": smooth},
            HWC,
            (5, 9, 4),
            lambda x, way=way, smooth=smooth: _resized(x, 5, 9, way, smooth),
            exact=False,
        )
        for way, smooth in (
            ("bilinear", False),
            ("nearest", False),
            ("bicubic", False),
            ("lanczos3", True),
            ("bilinear", True),
        )
    ),
    LayerCase(
        L.Resizing,
        {"height": 2, "width": 4, "crop_to_aspect_ratio": True},
        HWC,
        (2, 4, 4),
        lambda x: _resized(x[:, 2:5], 2, 4),
        exact=False,
    ),
    LayerCase(
        L.Resizing,
        {"height": 7, "width": 14, "pad_to_aspect_ratio": True, "fill_value": 2.0},
        HWC,
        (7, 14, 4),
        lambda x: np.pad(x, ((0, 0), (0, 0), (4, 4), (0, 0)), constant_values=2),
    ),
    LayerCase(L.CenterCrop, {"height": 4, "width": 3}, HWC, (4, 3, 4), lambda x: x[:, 1:5, 1:4]),
    LayerCase(
        L.CenterCrop,
        {"height": 8, "width": 4},
        HWC,
        (8, 4, 4),
        lambda x: _resized(x[:, :, 1:4], 8, 4),
        exact=False,
    ),
    LayerCase(L.RandomCrop, {"height": 7, "width": 6}, HWC, HWC, lambda x: x),
    LayerCase(L.RandomCrop, {"height": 2, "width": 2}, HWC, (2, 2, 4), lambda x: _resized(x[:, :6], 2, 2), exact=False),
    LayerCase(L.RandomFlip, {}, HWC, HWC, lambda x: x),
    LayerCase(L.RandomTranslation, {"height_factor": 0.3, "width_factor": (-0.1, 0.2)}, HWC, HWC, lambda x: x),
    LayerCase(L.RandomRotation, {"factor": 0.3, "seed": 4}, HWC, HWC, lambda x: x),
    LayerCase(L.RandomZoom, {"height_factor": 0.3}, HWC, HWC, lambda x: x),
    LayerCase(L.RandomContrast, {"factor": 0.3}, HWC, HWC, lambda x: x),
    LayerCase(L.RandomBrightness, {"factor": 0.3}, HWC, HWC, lambda x: x),
]

LAYERS = CONVOLUTIONS + POOLS + SPATIAL + MOVERS + VALUES + NORMALIZATIONS + IMAGES
#: Those that take several inputs have tests of their own.
MERGING = (L.Add, L.Average, L.Concatenate, L.Maximum, L.Minimum, L.Multiply, L.Subtract)
