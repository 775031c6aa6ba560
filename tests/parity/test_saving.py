"""Files go to Keras and come from it: weights equal to the bit, outputs and one more step of training to 1e-5."""

import os

import numpy as np
import pytest

import fastconv
from tests.layers.catalogue import LAYERS

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

# Five networks, for travelling whole; test_a_layer_alone sends every layer of the catalogue.


def conv(k):
    return k.Input((12, 12, 3)), [
        k.layers.Rescaling(0.5, offset=0.1),
        k.layers.ZeroPadding2D(1),
        k.layers.Conv2D(
            6, 3, use_bias=False, kernel_regularizer="l2", kernel_constraint="max_norm", kernel_initializer="he_normal"
        ),
        k.layers.BatchNormalization(),
        k.layers.ReLU(max_value=6),
        k.layers.MaxPooling2D(2),
        k.layers.Conv2D(4, 2, padding="same", groups=2, use_bias=False),
        k.layers.GroupNormalization(2),
        k.layers.LeakyReLU(negative_slope=0.1),
        k.layers.SpatialDropout2D(0.0),
        k.layers.GlobalAveragePooling2D(),
        k.layers.Dense(3, activation="softmax", name="head"),
    ]


def mobile(k):
    return k.Input((10, 10, 4)), [
        k.layers.Cropping2D(((1, 0), (0, 1))),
        k.layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
        k.layers.LayerNormalization(),
        k.layers.PReLU(shared_axes=[1, 2]),
        k.layers.SeparableConv2D(6, 3, padding="same", activation="relu"),
        k.layers.UpSampling2D(2, interpolation="bilinear"),
        k.layers.AveragePooling2D(2),
        k.layers.UnitNormalization(),
        k.layers.ActivityRegularization(l2=1e-3),
        k.layers.GaussianNoise(0.0),
        k.layers.Flatten(),
        k.layers.Dropout(0.0, seed=3),
        k.layers.Dense(3),
        k.layers.Softmax(),
    ]


def sequence(k):
    return k.Input((12, 4)), [
        k.layers.ZeroPadding1D(2),
        k.layers.Cropping1D(1),
        k.layers.Dense(8, activation="gelu"),
        k.layers.MaxPooling1D(2),
        k.layers.UpSampling1D(2),
        k.layers.AveragePooling1D(2),
        k.layers.SpatialDropout1D(0.0),
        k.layers.ELU(),
        k.layers.Permute((2, 1)),
        k.layers.Reshape((4, -1)),
        k.layers.GlobalMaxPooling1D(),
        k.layers.RepeatVector(3),
        k.layers.GlobalAveragePooling1D(),
        k.layers.Dense(3, activation="softmax"),
    ]


def volume(k):
    return k.Input((4, 4, 4, 2)), [
        k.layers.ZeroPadding3D(1),
        k.layers.Cropping3D(1),
        k.layers.UpSampling3D(2),
        k.layers.SpatialDropout3D(0.0),
        k.layers.Reshape((16, 16, 4)),
        k.layers.Conv2D(5, 3, strides=2, activation="selu", kernel_initializer="lecun_normal"),
        k.layers.AlphaDropout(0.0),
        k.layers.GlobalMaxPooling2D(),
        k.layers.Dense(3, activation="softmax"),
    ]


def plain(k):
    return k.Input((9, 9, 2)), [
        k.layers.Conv2D(4, 3, dilation_rate=2, bias_initializer="ones", activation="silu"),
        k.layers.Identity(),
        k.layers.GaussianDropout(0.0),
        k.layers.Activation("tanh"),
        k.layers.BatchNormalization(scale=False, momentum=0.8, trainable=False),
        k.layers.Flatten(),
        k.layers.Dense(6, kernel_regularizer=k.regularizers.L1L2(1e-3, 1e-3), kernel_constraint="non_neg"),
        k.layers.Dense(3, activation="softmax"),
    ]


NETWORKS = {function.__name__: function for function in (conv, mobile, sequence, volume, plain)}
OPTIMIZERS = [
    ("Adam", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("AdamW", {"weight_decay": 0.01}),
    ("Nadam", {}),
    ("Adadelta", {"learning_rate": 0.1}),
    ("Adagrad", {}),
    ("Adamax", {}),
    ("Lion", {"learning_rate": 1e-4}),
    ("Ftrl", {}),
    ("Adam", {"amsgrad": True, "use_ema": True, "clipnorm": 0.5}),
]


# A convolution before a normalization has no bias: its gradient would be nothing but rounding, which Adam makes large.


def made(k, name):
    first, layers = NETWORKS[name](k)
    return k.Sequential([first, *layers], name=name)


def compiled(k, name, optimizer=("Adam", {})):
    k.utils.set_random_seed(1)
    model = made(k, name)
    cls, settings = optimizer
    model.compile(getattr(k.optimizers, cls)(**settings), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data(model):
    rng = np.random.default_rng(1)
    return rng.random((8, *model.input_shape[1:]), dtype="float32"), rng.integers(0, 3, 8)


def step(model, x, y):
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-5)


def travel(sender, receiver, name, optimizer, path):
    """Train a step, send the model, and train a step on both sides."""
    model = compiled(sender, name, optimizer)
    x, y = data(model)
    step(model, x, y)
    model.save(path)
    again = receiver.models.load_model(path)
    ours, theirs = model.get_weights(), again.get_weights()
    assert len(ours) == len(theirs)
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(ours, theirs, strict=True))
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))
    step(model, x, y)
    step(again, x, y)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        close(a, b)
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations)
    return again


@pytest.mark.parametrize("name", NETWORKS)
def test_to_keras(name, tmp_path):
    travel(fastconv, keras, name, ("Adam", {}), tmp_path / "m.keras")


@pytest.mark.parametrize("name", NETWORKS)
def test_from_keras(name, tmp_path):
    travel(keras, fastconv, name, ("Adam", {}), tmp_path / "m.keras")


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("sender", ["fastconv", "keras"])
def test_optimizers(sender, optimizer, tmp_path):
    sides = (fastconv, keras) if sender == "fastconv" else (keras, fastconv)
    travel(*sides, "plain", optimizer, tmp_path / "m.keras")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_older_format(name, tmp_path):
    model = compiled(keras, name)
    x, y = data(model)
    step(model, x, y)
    model.save(tmp_path / "m.h5")
    again = fastconv.models.load_model(tmp_path / "m.h5")
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))
    fresh = made(fastconv, name)
    fresh.load_weights(tmp_path / "m.h5")
    for a, b, c in zip(model.get_weights(), again.get_weights(), fresh.get_weights(), strict=True):
        assert np.asarray(a).tobytes() == b.tobytes() == c.tobytes()
    step(model, x, y)
    step(again, x, y)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        close(a, b)


@pytest.mark.parametrize("max_shard_size", [None, 1e-5], ids=["one file", "shards"])
def test_weights_alone(max_shard_size, tmp_path):
    path = tmp_path / ("m.weights.h5" if max_shard_size is None else "m.weights.json")
    for sender, receiver in ((fastconv, keras), (keras, fastconv)):
        model, again = made(sender, "plain"), made(receiver, "plain")
        sender.saving.save_weights(model, path, max_shard_size=max_shard_size)
        again.load_weights(path)
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for written in tmp_path.iterdir():
            written.unlink()


def test_shards_that_were_written_over_are_read_by_keras(tmp_path):
    model = made(fastconv, "plain")
    for _ in range(2):
        fastconv.saving.save_weights(model, tmp_path / "m.weights.json", max_shard_size=1e-5)
    again = made(keras, "plain")
    again.load_weights(tmp_path / "m.weights.json")
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert a.tobytes() == np.asarray(b).tobytes()


# What the torch backend of Keras does not run, or computes in its own way: there, only the files are compared.
KERAS_DIFFERS = ("LayerNormalization-axis=1", "RandomCrop", "interpolation=bicubic", "interpolation=lanczos")


def layers_of(model):
    """Return the configs of layers, without seeds: Keras draws one where none is given."""
    layers = model.get_config()["layers"]
    return [{**entry, "config": {k: v for k, v in entry["config"].items() if k != "seed"}} for entry in layers]


@pytest.mark.parametrize("case", [c for c in LAYERS if hasattr(keras.layers, c.cls.__name__)], ids=str)
def test_a_layer_alone(case, tmp_path):
    """Each layer of the catalogue, with its settings, goes there and back."""
    model = fastconv.Sequential([fastconv.Input(case.inputs), case.make()], name="m")
    model.save(tmp_path / "there.keras")
    there = keras.models.load_model(tmp_path / "there.keras")
    x = np.random.default_rng(0).random((2, *case.inputs), dtype="float32")
    if not any(part in str(case) for part in KERAS_DIFFERS):
        close(there.predict(x, verbose=0), model.predict(x, verbose=0))
    there.save(tmp_path / "back.keras")
    back = fastconv.models.load_model(tmp_path / "back.keras")
    assert [w.tobytes() for w in back.get_weights()] == [w.tobytes() for w in model.get_weights()]
    assert layers_of(back) == layers_of(model)


def test_json(tmp_path):
    for sender, receiver in ((fastconv, keras), (keras, fastconv)):
        model = made(sender, "conv")
        again = receiver.models.model_from_json(model.to_json())
        assert again.output_shape == model.output_shape and again.count_params() == model.count_params()
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
