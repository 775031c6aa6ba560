"""Models between symbolic tensors: what an inner layer sees, chains and graphs written as functions."""

import json
import sys

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv import ops
from fastconv.models import Functional, Model, Sequential
from fastconv.ops import primitives as P


def network(**more):
    """Return a Sequential that was built and never called."""
    return Sequential(
        [
            L.Input((12, 12, 1)),
            L.Conv2D(8, 3, activation="relu", name="c"),
            L.MaxPooling2D(2, name="p"),
            L.BatchNormalization(name="n"),
            L.Dropout(0.5, name="r"),
            L.Flatten(name="f"),
            L.Dense(3, activation="softmax", name="d"),
        ],
        **more,
    )


def residual(name=None):
    """Return a model whose paths part and meet again, and which uses a layer twice."""
    inputs = L.Input((6, 6, 2))
    conv, twice = L.Conv2D(4, 3, padding="same", name="c"), L.Conv2D(4, 3, padding="same", activation="tanh", name="t")
    first = conv(inputs)
    x = twice(twice(first))
    x = L.Add(name="a")([x, first])
    x = L.Concatenate(name="cc")([L.ReLU(name="r")(x), x * 0.5 + first])
    return Model(inputs, L.Dense(2, name="d")(L.Flatten(name="f")(x)), name=name)


# ---- looking inside


def test_feature_maps_of_a_model_that_was_never_called(rng):
    model = network()
    maps = Model(model.inputs, [layer.output for layer in model.layers])
    assert isinstance(maps, Functional) and isinstance(maps, Model)
    x = rng.standard_normal((5, 12, 12, 1)).astype(np.float32)
    for found in (maps.predict(x, verbose=0), maps(x), maps.predict_on_batch(x), maps.predict(x, 2, verbose=0)):
        assert isinstance(found, list) and len(found) == 6
        y = x
        for layer, actual in zip(model.layers, found, strict=True):
            y = layer(y)
            np.testing.assert_allclose(actual, y, rtol=1e-5, atol=1e-6)
    assert maps.output_shape == [model.layer_output_shape(layer) for layer in model.layers]


def test_fusions_are_cut_where_a_value_is_wanted_only():
    model = network()
    names = [step.op.name for step in model.plan.steps]
    assert names[0] == "conv2d_relu_max_pool2d"
    cut = Model(model.inputs, [model.get_layer("c").output, model.output]).plan
    assert [step.op.name for step in cut.steps][:2] == ["conv2d_relu", "max_pool2d"]
    behind = Model(model.input, [model.get_layer("p").output, model.output]).plan
    assert [step.op.name for step in behind.steps] == names


def test_weights_are_shared(rng):
    model = network()
    inner = Model(model.input, model.get_layer("p").output)
    x, y = rng.standard_normal((8, 12, 12, 1)), np.arange(8) % 3
    before = inner.predict(x, verbose=0)
    assert all(a is b for a, b in zip(inner.weights, model.layers[0].weights, strict=True))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    after = inner.predict(x, verbose=0)
    assert (after != before).any()
    np.testing.assert_allclose(after, model.layers[1](model.layers[0](x)), rtol=1e-5, atol=1e-6)


def test_training_the_features_trains_the_model(rng):
    model = network()
    inner = Model(model.input, L.GlobalAveragePooling2D()(model.get_layer("n").output))
    inner.compile("sgd", "mse")
    before = model.get_weights()
    inner.train_on_batch(rng.standard_normal((4, 12, 12, 1)), np.ones((4, 8)))
    moved = [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
    assert moved == [True] * 6 + [False] * 2


def test_inputs_and_outputs():
    model = network(name="m")
    assert model.inputs == [model.input] and model.outputs == [model.output]
    assert model.input.shape == (None, 12, 12, 1) and model.output.shape == (None, 3)
    assert model.layers[0].input is model.input and model.layers[-1].output is model.output
    assert model.layers[1].input is model.layers[0].output
    for unbuilt, what in [(Sequential([L.Dense(2)]), "inputs"), (Sequential([L.Dense(2)]), "outputs")]:
        with pytest.raises(AttributeError, match=f"not built yet, so {what}"):
            getattr(unbuilt, what)
    for what in ("input", "output"):
        with pytest.raises(AttributeError, match=rf"Layer 'd' \(Dense\) has no {what}: it was never called"):
            getattr(L.Dense(2, name="d"), what)


def test_adding_a_layer_keeps_the_tensors_before_it():
    model = network()
    tensors = [layer.output for layer in model.layers]
    model.add(L.ReLU())
    assert [layer.output for layer in model.layers[:-1]] == tensors and model.layers[-1].input is tensors[-1]
    assert Model(model.inputs, model.output).predict(np.ones((1, 12, 12, 1)), verbose=0).shape == (1, 3)


# ---- chains and graphs


def test_a_chain_is_a_sequential(rng, capsys):
    inputs = keras.Input((12, 12, 1), name="in")
    x = L.Conv2D(8, 3, activation="relu", name="c")(inputs)
    x = L.MaxPooling2D(2, name="p")(x)
    x = L.Flatten(name="f")(x)
    functional = keras.Model(inputs, L.Dense(3, activation="softmax", name="d")(x), name="m")
    chain = Sequential([L.Input((12, 12, 1)), *functional.layers[1:]], name="m")
    assert [layer.name for layer in functional.layers] == ["in", "c", "p", "f", "d"]
    weights = functional.get_weights()
    data = rng.standard_normal((20, 12, 12, 1)), np.arange(20) % 3
    found = []
    for model in (functional, chain):
        model.set_weights(weights)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(*data, epochs=2, batch_size=8, shuffle=False, validation_split=0.2, verbose=0).history
        found.append((history, model.evaluate(*data, verbose=0), model.predict(data[0], verbose=0).tolist()))
    assert found[0] == found[1]
    functional.summary()
    assert "in (InputLayer)" in capsys.readouterr().out
    assert str(functional.plan).replace("in", "") == str(chain.plan).replace("in", "")
    assert functional.is_chain and not residual().is_chain
    shapes = [(None, 12, 12, 1), (None, 10, 10, 8), (None, 5, 5, 8), (None, 200), (None, 3)]
    assert [functional.layer_output_shape(layer) for layer in functional.layers] == shapes


def test_a_layer_that_reads_twice_or_not_the_one_before_makes_no_chain():
    inputs = keras.Input((4,))
    first = L.Dense(3)(inputs)
    assert not Model(inputs, L.Add()([first, first])).is_chain
    assert not Model(inputs, [first, L.Dense(3)(inputs)]).is_chain


def test_a_graph_trains_as_its_definition(rng):
    model = residual()
    x, y = rng.standard_normal((4, 6, 6, 2)), rng.standard_normal((4, 2))
    w = dict(zip([v.path for v in model.weights], model.get_weights(), strict=True))

    def define(x, ck, cb, tk, tb, dk, db):
        first = ops.conv(x, ck, padding="same") + cb
        t = ops.tanh(ops.conv(ops.tanh(ops.conv(first, tk, padding="same") + tb), tk, padding="same") + tb)
        t = t + first
        flat = ops.reshape(ops.concatenate([ops.relu(t), t * 0.5 + first], -1), (-1, 288))
        return ops.mean((flat @ dk + db - y) ** 2)

    value, back = ops.vjp(define, x, *(a.astype(float) for a in w.values()))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    assert model.train_on_batch(x, y) == pytest.approx(float(value), rel=1e-5)
    for new, old, gradient in zip(model.get_weights(), w.values(), back(1.0)[1:], strict=True):
        np.testing.assert_allclose(old - new, gradient, rtol=1e-3, atol=2e-6)


def test_a_graph_predicts_the_same_fused_and_not(rng):
    model = residual()
    model = Model(model.input, L.Dense(3, activation="relu")(model.output))
    x = rng.standard_normal((3, 6, 6, 2)).astype(np.float32)
    expected = model.predict(x, verbose=0)
    keras.config.disable_fusion()
    try:
        plain = Model(model.input, model.output)
        np.testing.assert_array_equal(plain.predict(x, verbose=0), expected)
    finally:
        keras.config.enable_fusion()
    np.testing.assert_allclose(model(x, training=True), expected, rtol=1e-5, atol=1e-6)


def test_branches_do_not_keep_layers_apart():
    inputs = L.Input((6, 6, 2))
    branches = [L.ReLU()(L.Conv2D(3, 3)(inputs)) for _ in range(3)]
    model = Model(inputs, L.Average()(branches))
    assert [type(step.op) for step in model.plan.steps].count(P.Conv2D) == 3
    assert not any(isinstance(step.op, P.Relu) for step in model.plan.steps)


def test_training_argument_of_a_call(rng):
    inputs = L.Input((50,))
    always, never = L.Dropout(0.5)(inputs, training=True), L.Dropout(0.5)(inputs, training=False)
    model = Model(inputs, [always, never])
    x = np.ones((2, 50), np.float32)
    noisy, plain = model.predict(x, verbose=0)
    assert set(np.unique(noisy)) == {0, 2} and (plain == 1).all()
    assert (model(x, training=True)[1] == 1).all()


def test_a_model_is_a_layer(rng):
    inner = residual("inner")
    inputs = L.Input((6, 6, 2))
    outer = Model(inputs, L.Dense(1, name="last")(inner(inputs)), name="outer")
    assert [layer.name for layer in outer.layers[1:]] == ["inner", "last"]
    assert outer.weights[:-2] == inner.weights and inner.output is not outer.layers[1]._nodes[0].outputs[0]
    x = rng.standard_normal((3, 6, 6, 2))
    np.testing.assert_allclose(outer(x), outer.layers[-1](inner(x)), rtol=1e-5, atol=1e-6)
    outer.compile("sgd", "mse")
    before = inner.get_weights()
    outer.train_on_batch(x, np.ones((3, 1)))
    assert all((a != b).any() for a, b in zip(inner.get_weights(), before, strict=True))


def test_configs(rng):
    inputs = L.Input((6, 6, 2), name="in")
    shared = L.Conv2D(2, 3, padding="same", name="c")
    first = shared(inputs)
    x = L.Add(name="a")([first, shared(first)])
    model = Model(inputs, [L.Flatten(name="f")(x), Sequential([L.Dense(2)], name="s")(x)], name="m")
    config = json.loads(json.dumps(model.get_config()))
    twin = Functional.from_config(config)
    assert json.loads(json.dumps(twin.get_config())) == config
    twin.set_weights(model.get_weights())
    data = rng.standard_normal((2, 6, 6, 2))
    for a, b in zip(twin.predict(data, verbose=0), model.predict(data, verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)
    assert config["layers"][2]["inbound_nodes"][0]["args"][0][1]["config"]["keras_history"] == ["c", 1, 0]
    with pytest.raises(NotImplementedError, match="'multiply' was applied to a tensor by itself"):
        Model(inputs, x * 2).get_config()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda i, y: Model(L.Input((3,)), y), ValueError, "an output is not connected to the inputs.*disconnected"),
        (lambda i, y: Model([i, i], y), ValueError, "an input is there twice"),
        (lambda i, y: Model([[i]], y), NotImplementedError, "inputs has lists in it"),
        (lambda i, y: Model(i, np.ones(3)), ValueError, "outputs has .*ndarray; expected symbolic tensors"),
        (lambda i, y: Model(L.Dense(3), y), ValueError, "inputs has .*Dense; expected symbolic tensors"),
        (lambda i, y: Model(i, []), ValueError, "outputs=.. is empty"),
        (lambda i, y: Model(i, L.ReLU(name="d")(y)), ValueError, "unique names; there are several .'d'"),
        (lambda i, y: Model(i, L.ReLU(dtype="float64")(y)), ValueError, "'float32', 'float64'"),
        (lambda i, y: Model(i, y).build((None, 5)), ValueError, r"build got input_shape=\(None, 5\)"),
        (lambda i, y: Model(i, y).predict(np.ones((2, 5)), verbose=0), ValueError, r"expected \(4,\) a sample"),
        (lambda i, y: Sequential([y]), ValueError, "which no Input made"),
        (lambda i, y: L.Dense(2)(KerasLike()), TypeError, "dtype object"),
    ],
)
def test_wrong_calls(make, error, words):
    inputs = L.Input((4,))
    with pytest.raises(error, match=words):
        make(inputs, L.Dense(3, name="d")(inputs))


class KerasLike:
    """Not a tensor."""


def test_nan_is_found_in_a_graph(rng):
    model = residual("m")
    model.compile("sgd", "mse")
    model.get_layer("t").kernel.assign(np.full((3, 3, 4, 4), np.nan))
    with pytest.raises(FloatingPointError, match=r"in the weights \['t/kernel'\] of layer 't'"):
        model.train_on_batch(np.ones((2, 6, 6, 2)), np.ones((2, 2)))


# ---- from a config


def _chain(length, **kwargs):
    y = x = keras.Input((3,), name="x")
    for i in range(length):
        y = L.Dense(3, name=f"d{i}")(y)
    return Model(x, y, **kwargs)


def test_a_config_in_any_order():
    config = _chain(40).get_config()
    config["layers"] = config["layers"][::-1]
    assert [layer.name for layer in Model.from_config(config).layers] == ["x", *(f"d{i}" for i in range(40))]


def test_each_call_of_a_config_is_looked_at_as_often_in_a_long_chain(monkeypatch):
    looks = []
    module = sys.modules["fastconv.models.functional"]
    keys = module._keys
    monkeypatch.setattr(module, "_keys", lambda call: looks.append(1) or keys(call))
    for length in (5, 50):
        looks.clear()
        Functional.from_config(_chain(length).get_config())
        assert len(looks) <= 3 * length


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        (["nowhere", 0, 0], "missing node: nowhere"),
        (["d0", 0, 0], r"a loop: the calls \[\('d0', 0\), \('d1', 0\)\]"),
        ("d0", "describes no tensor"),
    ],
)
def test_a_config_that_cannot_be_followed(reads, message):
    config = _chain(2).get_config()
    (node,) = config["layers"][1]["inbound_nodes"]
    if isinstance(reads, str):
        node["args"] = [[reads, 0, 0, {}]]
    else:
        node["args"][0]["config"]["keras_history"] = reads
    with pytest.raises(ValueError, match=f"Functional.from_config: .*{message}"):
        Model.from_config(config)


def test_a_config_keeps_what_is_frozen_and_what_a_class_adds():
    assert not Model.from_config(_chain(1, trainable=False).get_config()).trainable

    class Own(Model):
        def __init__(self, *args, param=1, **kwargs):
            super().__init__(*args, **kwargs)
            self.param = param

    x = keras.Input((3,))
    model = Own(x, L.Dense(2)(x))
    assert Own.from_config({**model.get_config(), "param": 3}).param == 3


def test_inputs_that_are_held_together_otherwise():
    p, q = keras.Input((3,), name="p"), keras.Input((3,), name="q")
    model, x = Model({"p": p, "q": q}, L.Add()([p, q])), np.ones((2, 3))
    with pytest.warns(UserWarning, match="structure of `inputs` .*x is a list, but the inputs are a dict"):
        model([x, x])
    with pytest.warns(UserWarning, match=r"structure of `inputs` doesn't match .*x has \['r'\] beside \['p', 'q'\]"):
        model({"p": x, "q": x, "r": x})


@pytest.mark.parametrize("held", [list, tuple])
def test_own_models_of_several_inputs_of_several_shapes(held):
    class Pair(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = L.Dense(4), L.Dense(4)

        def call(self, x):
            a, b = x
            return self.a(a) + self.b(b)

    x = held([np.ones((5, 3)), np.ones((5, 2))])
    model = Pair()
    model.compile("sgd", "mse")
    assert model.fit(x, np.ones((5, 4)), verbose=0).epoch == [0]
    assert Pair()(x).shape == Pair().predict(x, verbose=0).shape == (5, 4)


def test_clones_begin_with_given_tensors():
    tensor = keras.Input((3,), name="other")
    twin = keras.models.clone_model(_chain(2), input_tensors=tensor)
    assert twin.inputs == [tensor] and [layer.name for layer in twin.layers] == ["other", "d0", "d1"]
    with pytest.raises(NotImplementedError, match="input_tensors=.* for a Sequential"):
        keras.models.clone_model(Sequential([L.Dense(2)]), input_tensors=tensor)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": ["mse", ["mse", "mae"]]}, r"loss has \[.*\] for one output"),
        ({"loss": ["mse", "mse"], "loss_weights": [1, (1, 2)]}, r"loss_weights has \(1, 2\) for one output"),
    ],
)
def test_an_output_has_one_loss(given, message):
    x = keras.Input((3,))
    with pytest.raises(ValueError, match=message):
        Model(x, [L.Dense(2)(x), L.Dense(2)(x)]).compile("sgd", **given)


def test_shapes_of_batches_of_any_size():
    a, b = L.Input((4,), name="a"), L.Input((3,), name="b")
    one = Model(a, L.Dense(2)(a), name="m")
    assert one.compute_output_shape((7, 4)) == (7, 2)
    with pytest.raises(ValueError, match="'m'"):
        one.compute_output_shape((7, 5))
    two = Model([a, b], [L.Dense(2)(a), L.Dense(1)(b)])
    assert two.compute_output_shape([(7, 4), (7, 3)]) == [(7, 2), (7, 1)]


def test_a_model_that_is_made_not_to_be_trained():
    a = L.Input((4,))
    model = Model(a, L.Dense(2)(a), trainable=False)
    assert not model.trainable and not model.trainable_weights and len(model.weights) == 2
