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


def subclassed(m):
    class Net(m.Model):
        def __init__(self):
            super().__init__()
            self.convs = [m.layers.Conv2D(3, 3, padding="same", activation="relu") for _ in range(2)]
            self.norm, self.flat, self.out = m.layers.BatchNormalization(), m.layers.Flatten(), m.layers.Dense(2)

        def build(self, input_shape):
            self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
            super().build(input_shape)

        def call(self, inputs, training=False):
            x = inputs * self.factor
            for conv in self.convs:
                x = conv(x) + m.ops.tanh(x)
            return self.out(self.flat(self.norm(x, training=training)))

    model = Net()
    model(np.zeros((1, 8, 8, 3), "float32"))
    return model


def loss(m):
    def penalized(y_true, y_pred):
        return m.ops.mean(m.ops.square(y_true - y_pred), axis=-1) + 0.1 * m.ops.max(m.ops.abs(y_pred), axis=-1)

    return penalized


@pytest.mark.parametrize("make", [residual, nested, shared, custom, subclassed])
def test_twenty_steps(make):
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 8, 8, 3)).astype("float32"), rng.standard_normal((40, 2)).astype("float32")
    theirs, ours = (make(m) for m in BOTH)
    assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert [type(a).__name__ for a in ours.layers] == [type(a).__name__ for a in theirs.layers]
    assert ours.count_params() == theirs.count_params() and (
        make is subclassed or ours.output_shape == theirs.output_shape
    )
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


# ---- several inputs and outputs


def several(m, kind=list):
    layers = m.layers
    a, b = m.Input((8, 8, 3), name="xa"), m.Input((5,), name="xb")
    h = layers.GlobalAveragePooling2D(name="g")(layers.Conv2D(6, 3, activation="relu", name="c")(a))
    h = layers.Concatenate(name="cc")([h, layers.Dense(4, activation="tanh", name="d")(b)])
    p, q = layers.Dense(3, activation="softmax", name="zz")(h), layers.Dense(2, name="aa")(h)
    if kind is dict:
        return m.Model({"xb": b, "xa": a}, {"zz": p, "aa": q}, name="m")
    return m.Model(kind([a, b]), kind([p, q]), name="m")


SPARSE = "sparse_categorical_crossentropy"
COMPILED = [
    {"loss": [SPARSE, "mse"], "metrics": [["accuracy"], ["mae", "mse"]]},
    {
        "loss": {"zz": SPARSE, "aa": "mae"},
        "loss_weights": {"zz": 0.5, "aa": 3.0},
        "metrics": {"zz": ["accuracy", "acc"]},
    },
    {"loss": [SPARSE, None], "metrics": [["accuracy"], []]},
    {"loss": (SPARSE, "huber"), "loss_weights": [0.0, 2.0], "weighted_metrics": [["accuracy"], ["mae"]]},
    {"loss": [SPARSE, "mse"], "metrics": [["accuracy"], []], "weighted_metrics": [["accuracy"], []]},
]


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
@pytest.mark.parametrize("kind", [list, tuple, dict])
@pytest.mark.parametrize("settings", COMPILED, ids=range(len(COMPILED)))
def test_twenty_steps_of_several_inputs_and_outputs(settings, kind):
    if kind is dict and not isinstance(settings["loss"], dict):
        settings = {key: dict(zip(("zz", "aa"), value, strict=True)) for key, value in settings.items()}
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    x = {
        "xa": rng.standard_normal((40, 8, 8, 3)).astype("float32"),
        "xb": rng.standard_normal((40, 5)).astype("float32"),
    }
    y = {"zz": np.arange(40) % 3, "aa": rng.standard_normal((40, 2)).astype("float32")}
    if kind is not dict:
        y = list(y.values())
    weights = rng.uniform(0, 2, 40).astype("float32")
    theirs, ours = (several(m, kind) for m in BOTH)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    ours.set_weights(theirs.get_weights())
    found = []
    for m, model in zip(BOTH, (theirs, ours), strict=True):
        model.compile(m.optimizers.SGD(0.02, momentum=0.9), **settings)
        weighted = {} if "metrics" in settings else {"sample_weight": weights}
        history = model.fit(x, y, epochs=4, batch_size=8, shuffle=False, verbose=0, **weighted,
                            validation_data=(x, y)).history  # fmt: skip
        predictions = model.predict(x, verbose=0)
        found.append((history, model.evaluate(x, y, verbose=0), predictions, model.metrics_names))
    (h1, e1, p1, n1), (h2, e2, p2, n2) = found
    assert set(h1) == set(h2) and n1 == n2 and type(p1) is type(p2) is kind
    for name, values in h1.items():
        np.testing.assert_allclose(h2[name], values, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(e2, e1, rtol=1e-4)
    pairs = [(p1[k], p2[k]) for k in p1] if kind is dict else zip(p1, p2, strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-4)


def late(m):
    """Return a model whose second input comes in late, beside one that nobody reads."""
    layers = m.layers
    a, b, c = (m.Input((4,), name=name) for name in "abc")
    x = layers.Dense(4, name="e")(layers.Dense(4, name="d")(a))
    return m.Model([c, b, a], layers.Add(name="f")([x, b]), name="late")


def table(model):
    """Return the cells of a summary."""
    texts = []
    model.summary(line_length=200, print_fn=lambda text, **_: texts.append(text))
    lines = "\n".join(texts).splitlines()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    return [row for row in cells if len(row) == 4 and row[0]]


@pytest.mark.parametrize("make", [several, late, residual])
def test_configs_and_summaries(make):
    theirs, ours = (make(m) for m in BOTH)
    assert [layer.name for layer in ours.layers[1:]] == [layer.name for layer in theirs.layers[1:]]
    assert ours.input_shape == theirs.input_shape and ours.output_shape == theirs.output_shape
    a, b = ours.get_config(), theirs.get_config()
    if make is not residual:  # whose input has a number as its name
        assert (a["input_layers"], a["output_layers"]) == (b["input_layers"], b["output_layers"])

    def calls(entry):
        """Return what each call of a layer reads."""
        args = [call["args"] for call in entry["inbound_nodes"]]
        return [[t["config"]["keras_history"][0] for t in (x[0] if isinstance(x[0], list) else x)] for x in args]

    for one, other in list(zip(a["layers"], b["layers"], strict=True))[2:]:
        assert (one["class_name"], calls(one)) == (other["class_name"], calls(other))
    rows = [table(model) for model in (ours, theirs)]
    assert rows[0][2:] == rows[1][2:]
    twin = type(ours).from_config(a)
    twin.set_weights(ours.get_weights())
    x = [np.ones((2, *shape[1:])) for shape in np.atleast_1d(ours.input_shape).tolist()] if make is late else None
    if x is not None:
        np.testing.assert_array_equal(twin.predict(x, verbose=0), ours.predict(x, verbose=0))
