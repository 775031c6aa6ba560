"""The models of well-known Keras programs, small and on made-up data: they build, train and get better.

Each is written as such programs are, with functions of the package under the name `keras`.
"""

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers, ops

RNG = np.random.default_rng(4)
SPARSE = "sparse_categorical_crossentropy"


def segmentation():
    """Return a network that finds each pixel's class, of blocks with a way around them, and its data."""
    inputs = keras.Input(shape=(16, 16, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = before = layers.Activation("relu")(layers.BatchNormalization()(x))
    for filters in (8, 12):
        x = layers.SeparableConv2D(filters, 3, padding="same")(layers.Activation("relu")(x))
        x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization()(x))
        x = before = layers.add([x, layers.Conv2D(filters, 1, strides=2, padding="same")(before)])
    for filters in (12, 8, 4):
        x = layers.Conv2DTranspose(filters, 3, padding="same")(layers.Activation("relu")(x))
        x = layers.UpSampling2D(2)(layers.BatchNormalization()(x))
        x = before = layers.add([x, layers.Conv2D(filters, 1, padding="same")(layers.UpSampling2D(2)(before))])
    model = keras.Model(inputs, layers.Conv2D(3, 3, activation="softmax", padding="same")(x))
    images = RNG.random((8, 16, 16, 3))
    return model, SPARSE, images, images.argmax(-1)


def super_resolution():
    """Return a network that makes pictures three times as large, with a layer of its own, and its data."""

    class DepthToSpace(layers.Layer):
        def call(self, x):
            _, h, w, c = ops.shape(x)
            x = ops.transpose(ops.reshape(x, (-1, h, w, 3, 3, c // 9)), (0, 1, 3, 2, 4, 5))
            return ops.reshape(x, (-1, h * 3, w * 3, c // 9))

    inputs = keras.Input((5, 5, 1))
    x = layers.Conv2D(8, 5, activation="relu", kernel_initializer="orthogonal", padding="same")(inputs)
    model = keras.Model(inputs, DepthToSpace()(layers.Conv2D(9, 3, padding="same")(x)))
    small = RNG.random((8, 5, 5, 1))
    return model, "mean_squared_error", small, small.repeat(3, 1).repeat(3, 2)


def siamese():
    """Return a network that tells whether two pictures are alike, with one way for both, and its data."""

    def distance(vectors):
        a, b = vectors
        return ops.sqrt(ops.maximum(ops.sum(ops.square(a - b), axis=1, keepdims=True), keras.config.epsilon()))

    def contrastive(y_true, y_pred):
        return ops.mean((1 - y_true) * ops.square(y_pred) + y_true * ops.square(ops.maximum(1 - y_pred, 0)))

    way = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="tanh"), layers.AveragePooling2D(2)])
    way.add(layers.Flatten())
    way.add(layers.Dense(6, activation="tanh"))
    a, b = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    merged = layers.Lambda(distance, output_shape=(1,))([way(a), way(b)])
    model = keras.Model([a, b], layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(merged)))
    first, unlike = RNG.random((16, 8, 8, 1)), np.arange(16) % 2
    second = np.where(unlike[:, None, None, None], 1 - first, first)
    return model, contrastive, [first, second], unlike.astype("float32")


def conv_mixer():
    """Return a network of patches, depthwise convolutions and gelus, and its data."""

    def activate(x):
        return layers.BatchNormalization()(layers.Activation("gelu")(x))

    inputs = keras.Input((8, 8, 3))
    x = activate(layers.Conv2D(8, kernel_size=2, strides=2)(layers.Rescaling(scale=1 / 255)(inputs)))
    x = layers.Add()([activate(layers.DepthwiseConv2D(kernel_size=3, padding="same")(x)), x])
    x = layers.GlobalAvgPool2D()(activate(layers.Conv2D(8, kernel_size=1)(x)))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    labels = np.arange(16) % 2
    return model, SPARSE, 100 * RNG.random((16, 8, 8, 3)) + 100 * labels[:, None, None, None], labels


def time_series():
    """Return a network that tells series apart, and its data."""
    inputs = x = layers.Input((20, 1))
    for _ in range(3):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(filters=8, kernel_size=3, padding="same")(x)))
    outputs = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    labels = np.arange(16) % 2
    return keras.Model(inputs, outputs), SPARSE, RNG.random((16, 20, 1)) + labels[:, None, None], labels


@pytest.mark.parametrize("program", [segmentation, super_resolution, siamese, conv_mixer, time_series])
def test_it_trains(program):
    keras.utils.set_random_seed(7)
    model, loss, x, y = program()
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    losses = model.fit(x, y, batch_size=8, epochs=12, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < 0.9 * losses[0]
    assert len(model.predict(x, verbose=0)) == len(y)
