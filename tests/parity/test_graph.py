"""Functional models, nested ones and layers of one's own: the same code in Keras and here, weights shared."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import fastconv

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]
BOTH = (keras, fastconv)


def residual(m):
    """Return a small residual network with two outputs of the same block."""
    layers = m.layers
    inputs = m.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="a")(inputs)
    y = layers.BatchNormalization(name="b")(layers.Conv2D(4, 3, padding="same", use_bias=False, name="c")(x))
    x = layers.ReLU(name="d")(layers.Add(name="e")([x, y]))
    z = layers.Concatenate(name="f")([layers.MaxPooling2D(2, name="g")(x), layers.AveragePooling2D(2, name="h")(x)])
    return m.Model(inputs, layers.Dense(2, name="j")(layers.GlobalAveragePooling2D(name="i")(z)))


def nested(m):
    layers = m.layers
    block = m.Sequential([layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(2)])
    return m.Sequential([m.Input((8, 8, 3)), block, layers.Flatten(), m.Sequential([layers.Dense(4), layers.Dense(2)])])


def shared(m):
    layers = m.layers
    inputs = m.Input((8, 8, 3))
    conv = layers.Conv2D(3, 3, padding="same", activation="tanh")
    x = conv(conv(inputs))
    return m.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Multiply()([x, layers.Average()([x, inputs])]))))


def custom(m):
    class Scaled(m.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.inner = m.layers.Dense(units, activation="tanh")

        def build(self, input_shape):
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="glorot_uniform", name="w")
            self.log = self.add_weight(shape=(self.units,), initializer="zeros", name="log")
            self.inner.build(input_shape)

        def call(self, inputs):
            x = m.ops.matmul(inputs, self.w) * m.ops.exp(self.log) + self.inner(inputs) ** 2
            return x / (1 + m.ops.mean(m.ops.abs(x), axis=-1, keepdims=True))

    return m.Sequential([m.Input((8, 8, 3)), m.layers.Flatten(), Scaled(6), m.layers.Dense(2)])


def loss(m):
    def penalized(y_true, y_pred):
        return m.ops.mean(m.ops.square(y_true - y_pred), axis=-1) + 0.1 * m.ops.max(m.ops.abs(y_pred), axis=-1)

    return penalized


@pytest.mark.parametrize("make", [residual, nested, shared, custom])
def test_twenty_steps(make):
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 8, 8, 3)).astype("float32"), rng.standard_normal((40, 2)).astype("float32")
    theirs, ours = (make(m) for m in BOTH)
    assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert [type(a).__name__ for a in ours.layers] == [type(a).__name__ for a in theirs.layers]
    assert ours.count_params() == theirs.count_params() and ours.output_shape == theirs.output_shape
    ours.set_weights(theirs.get_weights())
    found = []
    for m, model in zip(BOTH, (theirs, ours), strict=True):
        model.compile(m.optimizers.SGD(0.02, momentum=0.9), loss(m))
        history = model.fit(x, y, epochs=4, batch_size=8, shuffle=False, verbose=0).history["loss"]
        found.append((history, model.predict(x, verbose=0)))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-4)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-3, atol=1e-4)


def test_feature_maps():
    x = np.random.default_rng(0).standard_normal((3, 8, 8, 3)).astype("float32")
    outputs = []
    weights = None
    for m in BOTH:
        layers = m.layers
        model = m.Sequential([m.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2),
                              layers.Flatten(), layers.Dense(2)])  # fmt: skip
        weights = weights or model.get_weights()
        model.set_weights(weights)
        outputs.append(m.Model(model.inputs, [layer.output for layer in model.layers]).predict(x, verbose=0))
        one = m.Model(model.inputs, [model.layers[0].output])
        assert isinstance(one.predict(x, verbose=0), np.ndarray)
    assert type(outputs[0]) is type(outputs[1]) is list
    for a, b in zip(*outputs, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)


def test_configs_of_graphs():
    def skeleton(config):
        return (
            [(e["class_name"], e["inbound_nodes"] != []) for e in config["layers"]],
            [len(e["inbound_nodes"]) for e in config["layers"]],
            config["input_layers"][1:],
            config["output_layers"][1:],
        )

    for make in (residual, shared):
        theirs, ours = (make(m).get_config() for m in BOTH)
        assert skeleton(ours) == skeleton(theirs)


OPS = {
    "add": 2, "subtract": 2, "multiply": 2, "divide": 2, "power": 2, "maximum": 2, "minimum": 2, "matmul": 2,
    "square": 1, "sqrt": 1, "rsqrt": 1, "log": 1, "log1p": 1, "expm1": 1, "sin": 1, "cos": 1, "tan": 1, "arctan": 1,
    "absolute": 1, "sign": 1, "floor": 1, "ceil": 1, "round": 1, "reciprocal": 1, "sum": 1, "mean": 1, "var": 1,
    "std": 1, "max": 1, "min": 1, "logsumexp": 1, "transpose": 1, "flip": 1, "zeros_like": 1, "ones_like": 1,
    "argmax": 1, "argmin": 1, "greater": 2, "less_equal": 2, "not_equal": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", OPS)
def test_ops(name):
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(0.2, 2, (4, 4)).astype("float32") for _ in range(OPS[name])]
    theirs = keras.ops.convert_to_numpy(getattr(keras.ops, name)(*arrays))
    np.testing.assert_allclose(getattr(fastconv.ops, name)(*arrays), theirs, rtol=1e-5, atol=1e-6)
