"""Files go to Keras and come from it: weights equal to the bit, outputs and one more step of training to 1e-5."""

import os

import numpy as np
import pytest

import fastconv
from tests.layers.catalogue import LAYERS

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

# Five networks, for travelling whole: together they use every layer; test_a_layer_alone sends each with other settings.


def branches(k, shape, *made):
    """Return a model within a model: what the branches make of one input."""
    inputs = k.Input(shape)
    return k.Model(inputs, made[-1]([one(inputs) for one in made[:-1]]))


def halved(x):
    """Return what a Lambda does: files name it, both sides know it."""
    return 0.5 * x


def conv(k):
    return k.layers.InputLayer((12, 12, 3)), [
        k.layers.Normalization(),
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
        branches(k, (6, 6, 4), k.layers.Conv2D(4, 3, padding="same"), k.layers.Identity(), k.layers.Add()),
        branches(k, (6, 6, 4), k.layers.Conv2D(4, 1), k.layers.DepthwiseConv2D(1), k.layers.Maximum()),
        k.layers.SpatialDropout2D(0.0),
        branches(
            k, (6, 6, 4), k.layers.GlobalAveragePooling2D(), k.layers.GlobalMaxPooling2D(), k.layers.Concatenate()
        ),
        k.layers.Dense(3, activation="softmax", name="head"),
    ]


def mobile(k):
    """Its random layers have nothing to draw, or, flipping, are followed by what does not mind."""
    return k.Input((9, 11, 4)), [
        k.layers.Resizing(12, 12),
        k.layers.CenterCrop(11, 10),
        k.layers.RandomCrop(11, 10),
        k.layers.RandomTranslation(0.0, 0.0),
        k.layers.RandomRotation(0.0),
        k.layers.RandomZoom(0.0),
        k.layers.RandomContrast(0.0),
        k.layers.RandomBrightness(0.0),
        k.layers.Cropping2D(((1, 0), (0, 1))),
        k.layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
        k.layers.LayerNormalization(),
        k.layers.PReLU(shared_axes=[1, 2]),
        k.layers.SeparableConv2D(6, 3, padding="same", activation="relu"),
        k.layers.UpSampling2D(2, interpolation="bilinear"),
        k.layers.AveragePooling2D(2),
        k.layers.UnitNormalization(),
        branches(k, (5, 5, 6), k.layers.Dense(6, "sigmoid"), k.layers.Identity(), k.layers.Multiply()),
        k.layers.ActivityRegularization(l2=1e-3),
        k.layers.GaussianNoise(0.0),
        k.layers.RandomFlip(),
        k.layers.GlobalAveragePooling2D(),
        k.layers.Flatten(),
        k.layers.Dropout(0.0, seed=3),
        k.layers.Dense(3),
        k.layers.Softmax(),
    ]


def sequence(k):
    return k.Input((12, 4)), [
        k.layers.ZeroPadding1D(2),
        k.layers.Cropping1D(1),
        k.layers.Conv1D(6, 3, padding="causal", activation="gelu"),
        k.layers.DepthwiseConv1D(3, padding="same"),
        k.layers.SeparableConv1D(8, 3, activation="softsign"),
        k.layers.MaxPooling1D(2),
        k.layers.Conv1DTranspose(8, 2, strides=2),
        k.layers.UpSampling1D(2),
        k.layers.AveragePooling1D(2),
        branches(
            k, (12, 8), k.layers.AdaptiveMaxPooling1D(6), k.layers.AdaptiveAveragePooling1D(6), k.layers.Subtract()
        ),
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
        k.layers.Conv3D(3, 2, padding="same", activation="selu", kernel_initializer="lecun_normal"),
        k.layers.UpSampling3D(2),
        k.layers.MaxPooling3D(2),
        k.layers.Conv3DTranspose(2, 2, strides=2),
        k.layers.AveragePooling3D(2),
        branches(k, (4, 4, 4, 2), k.layers.Conv3D(2, 1), k.layers.Identity(), k.layers.Average()),
        k.layers.SpatialDropout3D(0.0),
        branches(
            k, (4, 4, 4, 2), k.layers.AdaptiveMaxPooling3D(3), k.layers.AdaptiveAveragePooling3D(3), k.layers.Minimum()
        ),
        k.layers.AlphaDropout(0.0),
        branches(
            k, (3, 3, 3, 2), k.layers.GlobalMaxPooling3D(), k.layers.GlobalAveragePooling3D(), k.layers.Concatenate()
        ),
        k.layers.Dense(3, activation="softmax"),
    ]


def plain(k):
    return k.Input((9, 9, 2)), [
        k.layers.Conv2D(4, 3, dilation_rate=2, bias_initializer="ones", activation="silu"),
        k.layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
        branches(
            k, (10, 10, 3), k.layers.AdaptiveMaxPooling2D(4), k.layers.AdaptiveAveragePooling2D(4), k.layers.Average()
        ),
        k.layers.Lambda(halved),
        k.layers.GaussianDropout(0.0),
        k.layers.Activation("tanh"),
        k.layers.BatchNormalization(scale=False, momentum=0.8, trainable=False),
        k.layers.Flatten(),
        k.layers.Dense(6, kernel_regularizer=k.regularizers.L1L2(1e-3, 1e-3), kernel_constraint="non_neg"),
        k.layers.Dense(3, activation="softmax"),
    ]


# Each with an optimizer of its own, whose state goes along.
NETWORKS = {
    conv: ("Adam", {}),
    mobile: ("RMSprop", {"momentum": 0.5, "centered": True}),
    sequence: ("SGD", {"momentum": 0.9, "nesterov": True}),
    volume: ("AdamW", {"weight_decay": 0.01, "use_ema": True}),
    plain: ("Nadam", {"clipnorm": 0.5}),
}
NOT_IN_A_NETWORK = {"Layer": "what all others are made from", "InputSpec": "not a layer"}
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


def made(k, network, without=()):
    first, layers = network(k)
    return k.Sequential([first, *(one for one in layers if type(one).__name__ not in without)], name=network.__name__)


def compiled(k, network, optimizer, without=()):
    k.utils.set_random_seed(1)
    model = made(k, network, without)
    for layer in model.layers:
        if isinstance(layer, k.layers.Normalization):
            layer.adapt(data(model)[0])
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


def bits(value):
    """Return the bits of an array; some of Keras's backends count in 32 bits."""
    value = np.asarray(value)
    return (value.astype("int64") if value.dtype.kind == "i" else value).tobytes()


def same_bits(ours, theirs):
    assert [bits(a) for a in ours] == [bits(b) for b in theirs]


def state_of(model):
    """Return weights and the optimizer's state, as arrays."""
    return [*model.get_weights(), *(np.asarray(variable.numpy()) for variable in model.optimizer.variables)]


@pytest.fixture(autouse=True)
def known():
    """Let files name the function of the Lambda."""
    with (
        fastconv.saving.custom_object_scope({"halved": halved}),
        keras.saving.custom_object_scope({"halved": halved}),
    ):
        yield


def travel(sender, receiver, network, optimizer, path):
    """Train a step, send the model, and train a step on both sides."""
    model = compiled(sender, network, optimizer)
    x, y = data(model)
    step(model, x, y)
    model.save(path)
    again = receiver.models.load_model(path)
    same_bits(state_of(model), state_of(again))
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))
    before = state_of(model)
    step(model, x, y)
    step(again, x, y)
    for a, b in zip(state_of(model), state_of(again), strict=True):
        close(a, b)
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations) == 2
    assert any(bits(a) != bits(b) for a, b in zip(before, state_of(model), strict=True))


def classes_in(model):
    """Return the classes of the layers of a model, those of models within it too."""
    found = set()
    for layer in getattr(model, "_layers", model.layers):
        found |= classes_in(layer) if hasattr(layer, "layers") else {type(layer)}
    return found


def test_together_they_use_every_layer():
    every = {getattr(fastconv.layers, name) for name in fastconv.layers.__all__}
    every = {one for one in every if isinstance(one, type)}  # functions make layers that are in it
    used = set().union(*(classes_in(made(fastconv, network)) for network in NETWORKS), {fastconv.layers.InputLayer})
    assert {one.__name__ for one in every - used} == set(NOT_IN_A_NETWORK)


BOTH_WAYS = pytest.mark.parametrize(
    ("sender", "receiver"), [(fastconv, keras), (keras, fastconv)], ids=["to keras", "from keras"]
)
EACH = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)


@EACH
@BOTH_WAYS
def test_whole_models(sender, receiver, network, tmp_path):
    travel(sender, receiver, network, NETWORKS[network], tmp_path / "m.keras")


SCHEDULES = [
    ("ExponentialDecay", (0.1, 1, 0.5)),
    ("PiecewiseConstantDecay", ([1, 2], [0.1, 0.05, 0.01])),
    ("CosineDecay", (0.1, 3)),
    ("CosineDecayRestarts", (0.1, 2)),
    ("InverseTimeDecay", (0.1, 1, 0.5)),
    ("PolynomialDecay", (0.1, 3)),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@BOTH_WAYS
def test_schedules(sender, receiver, schedule, tmp_path):
    name, settings = schedule
    rate = getattr(sender.optimizers.schedules, name)(*settings)
    travel(sender, receiver, conv, ("SGD", {"learning_rate": rate, "momentum": 0.9}), tmp_path / "m.keras")


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@BOTH_WAYS
def test_optimizers(sender, receiver, optimizer, tmp_path):
    travel(sender, receiver, plain, optimizer, tmp_path / "m.keras")


KERAS_CANNOT_WRITE_H5 = ("RandomBrightness",)  # it tries to copy a module


@EACH
def test_the_older_format(network, tmp_path):
    model = compiled(keras, network, NETWORKS[network], KERAS_CANNOT_WRITE_H5)
    x, y = data(model)
    step(model, x, y)
    model.save(tmp_path / "m.h5")
    again = fastconv.models.load_model(tmp_path / "m.h5")
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))
    fresh = made(fastconv, network, KERAS_CANNOT_WRITE_H5)
    fresh.load_weights(tmp_path / "m.h5")
    same_bits(model.get_weights(), again.get_weights())
    same_bits(model.get_weights(), fresh.get_weights())
    step(model, x, y)
    step(again, x, y)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        close(a, b)


@EACH
@BOTH_WAYS
@pytest.mark.parametrize("max_shard_size", [None, 1e-5], ids=["one file", "shards"])
def test_weights_alone(sender, receiver, network, max_shard_size, tmp_path):
    path = tmp_path / ("m.weights.h5" if max_shard_size is None else "m.weights.json")
    model, again = made(sender, network), made(receiver, network)
    sender.saving.save_weights(model, path, max_shard_size=max_shard_size)
    again.load_weights(path)
    same_bits(model.get_weights(), again.get_weights())


def test_shards_that_were_written_over_are_read_by_keras(tmp_path):
    model = made(fastconv, plain)
    for _ in range(2):
        fastconv.saving.save_weights(model, tmp_path / "m.weights.json", max_shard_size=1e-5)
    again = made(keras, plain)
    again.load_weights(tmp_path / "m.weights.json")
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert a.tobytes() == np.asarray(b).tobytes()


def resized(layer, x):
    """Return what Keras's NumPy backend makes of images (None without SciPy): PyTorch has no Lanczos, another cubic."""
    try:
        from keras.src.backend.numpy.image import resize
    except ImportError:
        return None
    return resize(x, (layer.height, layer.width), layer.interpolation, layer.antialias)


def normalized_last(layer, x):
    """Return what Keras makes of the axis where it is the last one: its torch backend can do no other."""
    last = keras.layers.LayerNormalization(axis=-1, center=layer.center, epsilon=layer.epsilon)
    turned = np.moveaxis(x, layer.axis, -1)
    last.build(turned.shape)
    last.set_weights(layer.get_weights())
    return np.moveaxis(keras.ops.convert_to_numpy(last(turned)), -1, layer.axis)


def uncropped(layer, x):
    """Assert that Keras hands on in inference what it says that it crops: there is nothing to compare with."""
    assert np.array_equal(keras.ops.convert_to_numpy(layer(x, training=False)), x)


# What a Keras on PyTorch does not run, or computes in its own way, and what is compared instead.
KERAS_DIFFERS = {
    "LayerNormalization-axis=1": normalized_last,
    "interpolation=bicubic": resized,
    "interpolation=lanczos": resized,
    "RandomCrop-height=2": uncropped,
}


def outputs_of(model, case, x):
    """Return what a model of one layer computes in Keras, None if Keras cannot tell."""
    for part, instead in KERAS_DIFFERS.items():
        if part in str(case):
            return instead(model.layers[-1], x)
    return model.predict(x, verbose=0)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="the exceptions are those of PyTorch")
def test_keras_still_differs():
    """None of the exceptions is there without need."""
    for part in KERAS_DIFFERS:
        (case, *_) = (case for case in LAYERS if part in str(case))
        model = keras.Sequential([keras.Input(case.inputs), getattr(keras.layers, case.cls.__name__)(**case.settings)])
        x = np.random.default_rng(0).random((2, *case.inputs), dtype="float32")
        ours = fastconv.Sequential([fastconv.Input(case.inputs), case.make()]).predict(x, verbose=0)
        with pytest.raises((RuntimeError, ValueError, AssertionError)):
            close(model.predict(x, verbose=0), ours)


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
    expected = outputs_of(there, case, x)
    if expected is not None:
        close(model.predict(x, verbose=0), expected)
    there.save(tmp_path / "back.keras")
    back = fastconv.models.load_model(tmp_path / "back.keras")
    assert [w.tobytes() for w in back.get_weights()] == [w.tobytes() for w in model.get_weights()]
    assert layers_of(back) == layers_of(model)


def test_json(tmp_path):
    for sender, receiver in ((fastconv, keras), (keras, fastconv)):
        model = made(sender, conv)
        again = receiver.models.model_from_json(model.to_json())
        assert again.output_shape == model.output_shape and again.count_params() == model.count_params()
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
