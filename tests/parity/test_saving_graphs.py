"""Functional and nested models, and classes of one's own, go to Keras and come from it as Sequential ones do."""

import os

import numpy as np
import pytest

import fastconv

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

from tests.parity.test_saving import close, same_bits, state_of, step

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]
SHAPE = (8, 8, 3)


def classes(k):
    """Return a layer, a loss and a metric of one's own, made of Keras's or of ours."""

    class Scaled(k.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.inner = k.layers.Dense(units, activation="tanh")

        def build(self, input_shape):
            self.log = self.add_weight(shape=(self.units,), initializer="zeros", name="log")
            self.inner.build(input_shape)

        def call(self, inputs):
            return self.inner(inputs) * k.ops.exp(self.log)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    class Penalized(k.losses.Loss):
        def __init__(self, weight=0.1, name="penalized", **kwargs):
            super().__init__(name=name, **kwargs)
            self.weight = weight

        def call(self, y_true, y_pred):
            return k.ops.mean(k.ops.square(y_true - y_pred), axis=-1) + self.weight * k.ops.max(y_pred, axis=-1)

        def get_config(self):
            return {**super().get_config(), "weight": self.weight}

    class Largest(k.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return super().update_state(k.ops.max(y_pred, axis=-1), sample_weight)

    def off(y_true, y_pred):
        return k.ops.mean(k.ops.abs(y_true - y_pred), axis=-1)

    class Halves(k.initializers.Initializer):
        def __call__(self, shape, dtype=None, **kwargs):
            return k.ops.convert_to_tensor(np.full(shape, 0.5, dtype or "float32"))

    class Size(k.regularizers.Regularizer):
        def __call__(self, x):
            return 0.01 * k.ops.sum(k.ops.square(x))

        def gradient(self, x):  # what fastconv asks for beside
            return 0.02 * x

        def get_config(self):
            return {}

    class Below(k.constraints.Constraint):
        def __init__(self, bound):
            self.bound = bound

        def __call__(self, w):
            return k.ops.clip(w, -self.bound, self.bound)

        def get_config(self):
            return {"bound": self.bound}

    def bent(x):
        return x / (1 + k.ops.abs(x))

    things = (Scaled, Penalized, Largest, off, Halves, Size, Below, bent)
    return {f"mine>{thing.__name__}": thing for thing in things}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Register them on both sides under the same names; return what was registered, by side."""
    sides = {k: classes(k) for k in (fastconv, keras)}
    for k, things in sides.items():
        for name, thing in things.items():
            k.saving.register_keras_serializable("mine")(thing)
            assert k.saving.get_registered_name(thing) == name
    yield sides
    for k, things in sides.items():
        for name in things:
            k.saving.get_custom_objects().pop(name, None)


def residual(k, own):
    """Two branches that meet again, twice."""
    layers = k.layers
    inputs = k.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", name="a")(inputs)
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", use_bias=False)(x))
    x = layers.ReLU()(layers.Add()([x, y]))
    z = layers.Concatenate(axis=-1)([layers.MaxPooling2D(2)(x), layers.AveragePooling2D(2)(x)])
    return k.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(z)), name="residual")


def shared(k, own):
    """One convolution at two places, one pooling at two places, of different shapes."""
    layers = k.layers
    inputs = k.Input(SHAPE)
    conv, pool = layers.Conv2D(3, 3, padding="same", activation="tanh"), layers.GlobalAveragePooling2D()
    first = conv(inputs)
    second = conv(layers.AveragePooling2D(2)(first))
    return k.Model(inputs, layers.Dense(2)(layers.Subtract()([pool(first), pool(second)])), name="shared")


def merging(k, own):
    """Every layer that merges, one of them with three inputs."""
    layers = k.layers
    inputs = k.Input(SHAPE)
    a, b, c = (layers.Conv2D(4, 3, activation=name)(inputs) for name in ("tanh", "sigmoid", "elu"))
    merged = [layers.Add()([a, b, c])]
    merged += [kind()([a, b]) for kind in (layers.Average, layers.Maximum, layers.Minimum, layers.Multiply)]
    merged += [layers.Subtract()([b, c])]
    x = layers.Concatenate()(merged)
    return k.Model(inputs, layers.Dense(2)(layers.Flatten()(x)), name="merging")


def nested(k, own):
    """A Sequential in a functional model in a Sequential, and one inner model at two places."""
    layers = k.layers
    block = k.Sequential([layers.Conv2D(3, 3, padding="same", activation="softplus"), layers.BatchNormalization()])
    inputs = k.Input(SHAPE)
    x = block(inputs)
    inner = k.Model(inputs, layers.Add()([block(x), x]), name="inner")
    head = k.Sequential([layers.Flatten(), layers.Dense(4, activation="tanh"), layers.Dense(2)], name="head")
    return k.Sequential([k.Input(SHAPE), layers.Rescaling(0.5), inner, head], name="nested")


def custom(k, own):
    """A layer of one's own, with a layer inside, in a graph."""
    inputs = k.Input(SHAPE)
    x = k.layers.Flatten()(inputs)
    scaled = own["mine>Scaled"]
    return k.Model(inputs, k.layers.Multiply()([scaled(2)(x), scaled(2, name="gate")(x)]), name="custom")


def frozen(k, own):
    """Layers, and a model within, that are not trained."""
    block = k.Sequential([k.layers.Conv2D(3, 3), k.layers.BatchNormalization()], name="block")
    block.trainable = False
    inputs = k.Input(SHAPE)
    x = k.layers.GlobalAveragePooling2D()(block(inputs))
    return k.Model(inputs, k.layers.Dense(2)(k.layers.Dense(4, trainable=False)(x)), name="frozen")


def settings(k, own):
    """Things of one's own as settings of a layer."""
    return k.Sequential(
        [
            k.Input(SHAPE),
            k.layers.Conv2D(
                3,
                3,
                kernel_constraint=own["mine>Below"](0.05),
                kernel_regularizer=own["mine>Size"](),
                bias_initializer=own["mine>Halves"](),
            ),
            k.layers.Lambda(own["mine>bent"]),
            k.layers.Flatten(),
            k.layers.Dense(2),
        ],
        name="settings",
    )


MODELS = [residual, shared, merging, nested, custom, frozen, settings]
EACH = pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
BOTH_WAYS = pytest.mark.parametrize(
    ("sender", "receiver"), [(fastconv, keras), (keras, fastconv)], ids=["to keras", "from keras"]
)


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((8, *SHAPE)).astype("float32"), rng.standard_normal((8, 2)).astype("float32")


def shapes(variables):
    return [(variable.name, tuple(variable.shape)) for variable in variables]


@EACH
@BOTH_WAYS
def test_whole_models(make, sender, receiver, registered, tmp_path):
    own, (x, y) = registered[sender], data()
    sender.utils.set_random_seed(1)
    model = make(sender, own)
    model.compile(
        sender.optimizers.Adam(0.01),
        own["mine>Penalized"](0.2),
        metrics=[own["mine>Largest"](name="largest"), own["mine>off"]],
    )
    step(model, x, y)
    model.save(tmp_path / "m.keras")
    again = receiver.models.load_model(tmp_path / "m.keras")
    assert type(again.loss) is registered[receiver]["mine>Penalized"] and again.loss.weight == 0.2
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert shapes(again.trainable_weights) == shapes(model.trainable_weights)  # Keras forgets a Sequential's own flag
    same_bits(state_of(model), state_of(again))
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))
    scores = [one.evaluate(x, y, verbose=0, return_dict=True) for one in (model, again)]
    assert set(scores[0]) == set(scores[1]) == {"loss", "largest", "off"}
    close([scores[0][key] for key in scores[0]], [scores[1][key] for key in scores[0]])
    for one in (model, again):
        step(one, x, y)
    for a, b in zip(state_of(model), state_of(again), strict=True):
        close(a, b)
    again.save(tmp_path / "back.keras")
    back = sender.models.load_model(tmp_path / "back.keras")
    same_bits(state_of(back), state_of(again))


@EACH
@BOTH_WAYS
@pytest.mark.parametrize("max_shard_size", [None, 1e-5], ids=["one file", "shards"])
def test_weights_alone(make, sender, receiver, max_shard_size, registered, tmp_path):
    path = tmp_path / ("m.weights.h5" if max_shard_size is None else "m.weights.json")
    model, again = make(sender, registered[sender]), make(receiver, registered[receiver])
    sender.saving.save_weights(model, path, max_shard_size=max_shard_size)
    again.load_weights(path)
    same_bits(model.get_weights(), again.get_weights())
    x, _ = data()
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))


@EACH
@BOTH_WAYS
def test_json(make, sender, receiver, registered):
    model = make(sender, registered[sender])
    again = receiver.models.model_from_json(model.to_json())
    assert shapes(again.weights) == shapes(model.weights)
    assert shapes(again.trainable_weights) == shapes(model.trainable_weights)
    again.set_weights(model.get_weights())
    x, _ = data()
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))


@EACH
def test_the_older_format(make, registered, tmp_path):
    model, (x, y) = make(keras, registered[keras]), data()
    model.compile("adam", "mse")
    step(model, x, y)
    model.save(tmp_path / "m.h5")
    again = fastconv.models.load_model(tmp_path / "m.h5")
    same_bits(model.get_weights(), again.get_weights())
    close(model.predict(x, verbose=0), again.predict(x, verbose=0))


@BOTH_WAYS
def test_several_outputs(sender, receiver, tmp_path):
    layers = sender.layers
    inputs = sender.Input(SHAPE)
    x = layers.Conv2D(3, 3, name="maps")(inputs)
    model = sender.Model(inputs, [x, layers.Flatten()(x), layers.GlobalMaxPooling2D(name="peaks")(x)])
    model.save(tmp_path / "m.keras")
    again = receiver.models.load_model(tmp_path / "m.keras")
    same_bits(model.get_weights(), again.get_weights())
    ours, theirs = (one.predict(data()[0], verbose=0) for one in (model, again))
    assert len(ours) == len(theirs) == 3
    for a, b in zip(ours, theirs, strict=True):
        close(a, b)
