"""Ten networks that follow Keras's losses over twenty training steps, from the same weights, to 1e-4.

What a network needs of the layers is looked up by name, so a network of layers that are not there yet is skipped and
joins with them.
"""

import os

import numpy as np
import pytest

import fastconv

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

from tests.parity.test_training import STEPS, Net, batches, check_free_steps, class_weight, one_hot, sample_weight

SPARSE = "sparse_categorical_crossentropy"


def rows(x):
    """Return pictures as sequences of their rows."""
    return np.ascontiguousarray(x[..., 0])


def volumes(x):
    """Return pictures as volumes: four places of each, one behind the other."""
    x = x[..., 0]
    return np.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)[..., None]


def schedule(module):
    """Return an optimizer whose rate falls by a schedule."""
    rate = module.optimizers.schedules.CosineDecay(3e-3, 15, warmup_target=5e-3, warmup_steps=4)
    return module.optimizers.Adam(rate)


def staircase(module):
    """Return an optimizer whose rate falls by steps."""
    rate = module.optimizers.schedules.ExponentialDecay(0.02, 5, 0.7, staircase=True)
    return module.optimizers.SGD(rate, momentum=0.8)


NETS = [
    (
        Net(
            "vgg-like-batch-norm-dropout",
            lambda L: [
                L.Conv2D(8, 3, padding="same", use_bias=False),
                L.BatchNormalization(),
                L.ReLU(),
                L.Conv2D(8, 3, padding="same", activation="relu"),
                L.MaxPooling2D(2),
                L.Dropout(0.0),
                L.Flatten(),
                L.Dense(16, activation="relu"),
                L.Dense(10, activation="softmax"),
            ],
            SPARSE,
            weights=class_weight,
        ),
        lambda module: module.optimizers.SGD(0.01, momentum=0.9),
        (),
    ),
    (
        Net(
            "strides-same-regularizers",
            lambda L: [
                L.Conv2D(8, 3, strides=2, padding="same", activation="elu", kernel_regularizer="l1"),
                L.Conv2D(12, 3, strides=2, padding="same", activation="tanh", kernel_regularizer="l2"),
                L.GlobalAveragePooling2D(),
                L.Dense(
                    10,
                    activation="softmax",
                    kernel_regularizer="l1l2",
                    activity_regularizer="l2",
                    bias_regularizer="l2",
                ),
            ],
            SPARSE,
        ),
        schedule,
        (),
    ),
    (
        Net(
            "mobilenet-like-depthwise",
            lambda L: [
                L.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
                L.BatchNormalization(),
                L.ReLU(6.0),
                L.DepthwiseConv2D(3, padding="same", use_bias=False),
                L.BatchNormalization(),
                L.ReLU(6.0),
                L.Conv2D(16, 1),
                L.GlobalAveragePooling2D(),
                L.Dense(10, activation="softmax"),
            ],
            "categorical_crossentropy",
            target=one_hot,
        ),
        staircase,
        ("DepthwiseConv2D",),
    ),
    (
        Net(
            "xception-like-separable",
            lambda L: [
                L.SeparableConv2D(8, 3, padding="same", activation="silu", depth_multiplier=2),
                L.AveragePooling2D(2),
                L.SeparableConv2D(12, 3, strides=2, activation="gelu"),
                L.Flatten(),
                L.Dense(10),
            ],
            lambda module: module.losses.SparseCategoricalCrossentropy(from_logits=True),
            weights=sample_weight,
        ),
        lambda module: module.optimizers.RMSprop(1e-3, momentum=0.5),
        ("SeparableConv2D",),
    ),
    (
        Net(
            "pools-in-one-dimension",
            lambda L: [
                L.Dense(12, activation="relu"),
                L.MaxPooling1D(2),
                L.Dense(12, activation="tanh"),
                L.AveragePooling1D(2, strides=1, padding="valid"),
                L.GlobalMaxPooling1D(),
                L.Dense(10, activation="softmax"),
            ],
            SPARSE,
            inputs=rows,
        ),
        lambda module: module.optimizers.AdamW(1e-3),
        ("MaxPooling1D",),
    ),
    (
        Net(
            "regression-with-huber",
            lambda L: [
                L.Conv2D(6, 5, dilation_rate=2, activation="leaky_relu", kernel_constraint="max_norm"),
                L.LayerNormalization(),
                L.Flatten(),
                L.Dense(2, kernel_regularizer="l1"),
            ],
            "huber",
            ("mae",),
            target=lambda x, y: np.stack([x.mean((1, 2, 3)), x.std((1, 2, 3))], 1),
        ),
        lambda module: module.optimizers.Nadam(1e-3, clipnorm=1.0),
        (),
    ),
    (
        Net(
            "convolutions-in-one-dimension",
            lambda L: [
                L.Conv1D(12, 3, padding="same", activation="relu"),
                L.MaxPooling1D(2),
                L.Conv1D(16, 3, strides=2, activation="relu"),
                L.GlobalAveragePooling1D(),
                L.Dense(10, activation="softmax"),
            ],
            SPARSE,
            inputs=rows,
        ),
        lambda module: module.optimizers.Adam(1e-3),
        ("Conv1D",),
    ),
    (
        Net(
            "convolutions-in-three-dimensions",
            lambda L: [
                L.Conv3D(6, 2, padding="same", activation="relu"),
                L.MaxPooling3D(2),
                L.Conv3D(8, 2, activation="tanh"),
                L.Flatten(),
                L.Dense(10, activation="softmax"),
            ],
            SPARSE,
            inputs=volumes,
        ),
        lambda module: module.optimizers.SGD(0.05, nesterov=True, momentum=0.5),
        ("Conv3D", "MaxPooling3D"),
    ),
    (
        Net(
            "autoencoder-transposed",
            lambda L: [
                L.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
                L.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu"),
                L.Conv2D(1, 3, padding="same", activation="sigmoid"),
            ],
            "binary_crossentropy",
            (),
            target=lambda x, y: x,
        ),
        lambda module: module.optimizers.Adam(2e-3),
        ("Conv2DTranspose",),
    ),
    (
        Net(
            "up-and-down",
            lambda L: [
                L.Conv2D(6, 3, padding="same", activation="softplus"),
                L.MaxPooling2D(2),
                L.GroupNormalization(3),
                L.UpSampling2D(2),
                L.Cropping2D(1),
                L.ZeroPadding2D(1),
                L.Conv2D(1, 3, padding="same", activation="sigmoid", bias_regularizer="l2"),
            ],
            "mse",
            ("mae",),
            target=lambda x, y: 1 - x,
        ),
        lambda module: module.optimizers.Adagrad(0.01),
        (),
    ),
    (
        Net(
            "depthwise-in-one-dimension",
            lambda L: [
                L.DepthwiseConv1D(3, padding="same", depth_multiplier=2),
                L.SeparableConv1D(12, 3, activation="relu"),
                L.GlobalMaxPooling1D(),
                L.Dense(10, activation="softmax"),
            ],
            SPARSE,
            inputs=rows,
        ),
        lambda module: module.optimizers.Lion(1e-4),
        ("DepthwiseConv1D", "SeparableConv1D"),
    ),
    (
        Net(
            "lenet-5",
            lambda L: [
                L.Conv2D(6, 5, padding="same", activation="tanh"),
                L.AveragePooling2D(2),
                L.Conv2D(16, 3, activation="relu"),
                L.AveragePooling2D(2),
                L.Flatten(),
                L.Dense(24, activation="sigmoid"),
                L.Dense(10, activation="softmax"),
            ],
            SPARSE,
        ),
        lambda module: module.optimizers.SGD(0.05, momentum=0.9),
        (),
    ),
    (
        Net(
            "alexnet-like-overlapping-pools",
            lambda L: [
                L.Conv2D(16, 3, padding="same", activation="relu"),
                L.MaxPooling2D(3, 2, padding="same"),
                L.Conv2D(24, 3, padding="same", use_bias=False),
                L.BatchNormalization(),
                L.ReLU(),
                L.MaxPooling2D(3, 2, padding="same"),
                L.Conv2D(16, 3, padding="same", activation="elu"),
                L.MaxPooling2D(2),
                L.Flatten(),
                L.Dense(10, activation="softmax"),
            ],
            SPARSE,
        ),
        lambda module: module.optimizers.SGD(0.01, momentum=0.9),
        (),
    ),
]


@pytest.mark.parametrize(("net", "optimizer", "needs"), NETS, ids=[str(net) for net, *_ in NETS])
def test_twenty_steps(net, optimizer, needs):
    missing = [name for name in needs if getattr(fastconv.layers, name, None) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    x, y, more = net.data()
    how = {"loss": net.loss, "metrics": list(net.metrics), "optimizer": optimizer}
    losses = check_free_steps(net.make, batches(x, y, 8, **more), **how)
    assert len(losses) == STEPS and len(set(losses)) == STEPS


def test_ten_networks_are_there():
    """Without those that wait for layers there are at least seven; with them eleven."""
    there = [net for net, _, needs in NETS if all(hasattr(fastconv.layers, name) for name in needs)]
    assert len(there) >= 7 and len(NETS) >= 10
