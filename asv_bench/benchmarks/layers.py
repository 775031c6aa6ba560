"""Layers called on arrays, as a user calls them: one op, with memory of its own at each call."""

import numpy as np

import fastconv

from . import baseline
from .bench import workloads

L = fastconv.layers
# name -> (the layer, its input, the same in NumPy with the layer's weights)
LAYERS = {
    "Conv2D, tutorial.conv2": (
        lambda: L.Conv2D(64, 3, activation="relu"),
        workloads.CONV["tutorial.conv2"].x,
        lambda x, w, b: np.maximum(baseline.conv_forward(x, w) + b, 0),
    ),
    "DepthwiseConv2D, mobilenet.dw14": (
        lambda: L.DepthwiseConv2D(3, padding="same", use_bias=False),
        workloads.DEPTHWISE["mobilenet.dw14"].x,
        lambda x, w: baseline.depthwise_forward(x, w.reshape(3, 3, -1, 1), 1, 1),
    ),
    "MaxPooling2D, vgg.pool1": (
        lambda: L.MaxPooling2D(2),
        workloads.POOL["vgg.pool1"].x,
        lambda x: baseline.max_pool_forward(x, 2, 2),
    ),
    "BatchNormalization, resnet50.c2_3x3": (
        lambda: L.BatchNormalization(),
        workloads.CONV["resnet50.c2_3x3"].x,
        lambda x, gamma, beta, mean, variance: (x - mean) * (gamma / np.sqrt(variance + 1e-3)).astype(x.dtype) + beta,
    ),
    "Dense, tutorial": (
        lambda: L.Dense(128, activation="relu"),
        (128, 1600),
        lambda x, w, b: np.maximum(x @ w + b, 0),
    ),
}


SIZES = {1: (512,), 2: (28, 28), 3: (8, 16, 16)}  # of sequences, images and volumes
BATCHES = {1: 32, 2: 16, 3: 4}


def conv_layers(axes):
    """Return the rows of the convolutions of so many axes."""
    size, n, name = SIZES[axes], BATCHES[axes], f"{axes}D"
    kernel, one, two = (3,) * axes, (1,) * axes, (2,) * axes
    x = (n, *size, 32)
    rows = {
        f"Conv{name}": (
            lambda: getattr(L, f"Conv{name}")(64, 3, padding="same"),
            x,
            lambda x, w, b: baseline.convolve(x, w, b, one),
        ),
        f"Conv{name}, one channel": (
            lambda: getattr(L, f"Conv{name}")(32, 3, padding="same"),
            (*x[:-1], 1),
            lambda x, w, b: baseline.convolve(x, w, b, one),
        ),
        f"Conv{name}Transpose": (
            lambda: getattr(L, f"Conv{name}Transpose")(32, 4, strides=2, padding="same"),
            x,
            lambda x, w, b: baseline.spread(x, w, b, two),
        ),
    }
    if axes == 3:
        return rows
    return rows | {
        f"DepthwiseConv{name}": (
            lambda: getattr(L, f"DepthwiseConv{name}")(3, padding="same", use_bias=False),
            x,
            lambda x, w: baseline.channelwise(x, w, one),
        ),
        f"SeparableConv{name}": (
            lambda: getattr(L, f"SeparableConv{name}")(64, kernel, padding="same"),
            x,
            lambda x, depthwise, pointwise, b: baseline.separable(x, depthwise, pointwise, b, one),
        ),
    }


def pool_layers(axes):
    """Return the rows of the pools of so many axes."""
    size, name, over = SIZES[axes], f"{axes}D", tuple(range(1, axes + 1))
    x, two, few = (BATCHES[axes], *size, 64), (2,) * axes, (3,) * axes
    rows = {}
    for kind, windows, whole in (("Max", baseline.max_of, np.max), ("Average", baseline.mean_of, np.mean)):
        rows |= {
            f"{kind}Pooling{name}": (
                lambda kind=kind: getattr(L, f"{kind}Pooling{name}")(2),
                x,
                lambda x, windows=windows: windows(x, two),
            ),
            f"Global{kind}Pooling{name}": (
                lambda kind=kind: getattr(L, f"Global{kind}Pooling{name}")(),
                x,
                lambda x, whole=whole: whole(x, over),
            ),
            f"Adaptive{kind}Pooling{name}": (
                lambda kind=kind: getattr(L, f"Adaptive{kind}Pooling{name}")(few if axes > 1 else 3),
                x,
                lambda x, whole=whole: baseline.adaptive(x, few, whole),
            ),
        }
    return rows


for _axes in SIZES:
    LAYERS |= conv_layers(_axes) | pool_layers(_axes)


class Call:
    """One layer, by the library that computes it."""

    params = (list(LAYERS), ["fastconv", "numpy"])
    param_names = ("layer", "library")

    def setup(self, name, library):
        """Make the layer and its input; a version that has no such layer is no failure."""
        if not hasattr(L, name.split(",")[0]):
            raise NotImplementedError
        make, shape, numpy = LAYERS[name]
        x, layer = workloads.random(*shape), make()
        layer(x)
        weights = layer.get_weights()
        self.call = (lambda: layer(x)) if library == "fastconv" else (lambda: numpy(x, *weights))

    def time_call(self, name, library):
        self.call()
