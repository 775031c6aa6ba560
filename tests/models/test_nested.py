"""A model as a layer of another: building, weights, freezing, summary, configs, fusion."""

import copy
import json
import pickle

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential


def block(name, *more, built=None):
    first = [] if built is None else [L.Input(built)]
    return Sequential(
        [*first, L.Conv2D(4, 3, name="c"), L.BatchNormalization(name="n"), L.ReLU(name="r"), *more], name=name
    )


def outer(built=None):
    return Sequential(
        [L.Input((8, 8, 1)), block("one", built=built), block("two"), L.Flatten(name="f"), L.Dense(2, name="d")],
        name="outer",
    )


def flat(model):
    """Return the same layers in one chain."""
    layers = [part for layer in model.layers for part in (layer.layers if isinstance(layer, Sequential) else [layer])]
    for i, layer in enumerate(layers):
        layer.name = f"{layer.name}_{i}"
    return Sequential([L.Input(model.input_shape[1:]), *layers])


def test_values_steps_and_training_are_those_of_one_chain(rng):
    one, two = outer(), outer()
    two.set_weights(one.get_weights())
    two = flat(two)
    x, y = rng.standard_normal((6, 8, 8, 1)), rng.standard_normal((6, 2))
    assert [repr(a.op) for a in one.plan.steps] == [repr(b.op) for b in two.plan.steps]
    np.testing.assert_array_equal(one.predict(x, verbose=0), two.predict(x, verbose=0))
    for model in (one, two):
        model.compile("adam", "mse")
        model.fit(x, y, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_structure():
    model = outer()
    assert [layer.name for layer in model.layers] == ["one", "two", "f", "d"] and isinstance(model.layers[0], L.Layer)
    paths = [f"outer/{n}/{v}" for n in ("one", "two") for v in ("c/kernel", "c/bias", "n/gamma", "n/beta",
                                                                 "n/moving_mean", "n/moving_variance")]  # fmt: skip
    assert [v.path for v in model.weights] == [*paths, "outer/d/kernel", "outer/d/bias"]
    assert model.get_layer("one").get_layer("c").output.shape == (None, 6, 6, 4)
    assert model.get_layer("one").output.shape == (None, 6, 6, 4)
    assert model.count_params() == sum(layer.count_params() for layer in model.layers)
    assert model.pop().name == "d" and model.output_shape == (None, 64)
    model.add(Sequential([L.Dense(3)]))
    assert model.output_shape == (None, 3)


def test_a_built_model_says_what_the_outer_one_gets():
    model = Sequential([block("one", built=(8, 8, 1)), L.Flatten()])
    assert model.built and model.input_shape == (None, 8, 8, 1) and model.layers[0].weights[0].path == "one/c/kernel"
    assert not Sequential([block("one"), L.Flatten()]).built
    with pytest.raises(ValueError, match=r"Model 'one' was built for inputs of shape \(None, 8, 8, 1\)"):
        Sequential([L.Input((9, 9, 1)), block("one", built=(8, 8, 1))])


def test_freezing():
    model = outer()
    model.layers[0].trainable = False
    assert [v.path.split("/")[1] for v in model.trainable_weights] == ["two"] * 4 + ["d"] * 2
    assert not any(layer.trainable for layer in model.layers[0].layers)
    model.compile("sgd", "mse")
    before = model.layers[0].get_weights()
    model.train_on_batch(np.ones((2, 8, 8, 1)), np.zeros((2, 2)))
    for a, b in zip(model.layers[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    model.trainable = True
    assert len(model.trainable_weights) == 10


def test_summary(capsys):
    model = outer()
    model.summary(line_length=80)
    plain = capsys.readouterr().out
    assert "one (Sequential)" in plain and "└ c" not in plain
    model.summary(line_length=80, expand_nested=True)
    text = capsys.readouterr().out
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    assert cells[:2] == [["one (Sequential)", "(None, 6, 6, 4)", "56"], ["└ c (Conv2D)", "(None, 6, 6, 4)", "40"]]
    assert "│    └ c (Conv2D) " in text
    assert text.split("Total")[1] == plain.split("Total")[1]


@pytest.mark.parametrize(
    "copier",
    [
        lambda m: pickle.loads(pickle.dumps(m)),
        copy.deepcopy,
        lambda m: Sequential.from_config(json.loads(json.dumps(m.get_config()))),
    ],
    ids=["pickle", "copy", "config"],
)
@pytest.mark.parametrize("built", [None, (8, 8, 1)])
def test_copies(copier, built, rng):
    model = outer(built)
    twin = copier(model)
    twin.set_weights(model.get_weights())
    x = rng.standard_normal((2, 8, 8, 1))
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
    assert twin.get_config() == model.get_config() and twin.layers[1].output.shape == (None, 4, 4, 4)


def test_regularizers_and_penalties_count(rng):
    inner = Sequential([L.Dense(3, kernel_regularizer="l2", activity_regularizer="l1")])
    model = Sequential([L.Input((4,)), inner, L.Dense(1)])
    plain = Sequential([L.Input((4,)), *inner.layers, model.layers[-1]])
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((3, 1))
    for each in (model, plain):
        each.compile("sgd", "mse")
    assert model.test_on_batch(x, y) == plain.test_on_batch(x, y)
    model(x)
    assert len(model.losses) == 2 and len(inner.losses) == 2


def test_calling_an_inner_model_alone(rng):
    model = outer()
    x = y = rng.standard_normal((2, 8, 8, 1))
    for layer in model.layers:
        y = layer(y)
    np.testing.assert_allclose(model(x), y, rtol=1e-5, atol=1e-6)
