"""Models and data for the tests of files."""

import numpy as np

import fastconv as keras
from fastconv import layers as L


def small():
    """Return a network with weights of several kinds."""
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            L.Conv2D(3, 3, activation="relu", name="conv"),
            L.BatchNormalization(name="norm"),
            L.PReLU(name="slopes"),
            L.Flatten(name="flat"),
            L.Dense(3, activation="softmax", name="head"),
        ],
        name="small",
    )


def graph():
    """Return a network of branches, with a layer and a model at two places."""
    inputs = keras.Input((4, 4, 2), name="in")
    conv = L.Conv2D(2, 3, padding="same", name="conv")
    block = keras.Sequential([keras.Input((4, 4, 2)), L.DepthwiseConv2D(3, padding="same"), L.ReLU()], name="block")
    x = L.Add(name="add")([conv(conv(inputs)), inputs])
    x = L.Concatenate(name="both")([block(x), block(inputs)])
    return keras.Model(inputs, L.Dense(2, name="head")(L.Flatten(name="flat")(x)), name="graph")


def data(n=12):
    """Return inputs and labels for `small`."""
    rng = np.random.default_rng(5)
    return rng.random((n, 6, 6, 2), dtype="float32"), rng.integers(0, 3, n)
