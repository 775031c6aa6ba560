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


class Call:
    """One layer, by the library that computes it."""

    params = (list(LAYERS), ["fastconv", "numpy"])
    param_names = ("layer", "library")

    def setup(self, name, library):
        """Make the layer and its input."""
        make, shape, numpy = LAYERS[name]
        x, layer = workloads.random(*shape), make()
        layer(x)
        weights = layer.get_weights()
        self.call = (lambda: layer(x)) if library == "fastconv" else (lambda: numpy(x, *weights))

    def time_call(self, name, library):
        self.call()
