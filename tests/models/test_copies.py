"""Functional models travel: pickled, copied, cloned, sent to other processes; weights and optimizers go along."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv.models import Functional, Model, Sequential

COPIERS = {"copy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}
each_way = pytest.mark.parametrize("copier", COPIERS.values(), ids=list(COPIERS))


class Scaled(L.Layer):
    """A layer of one's own, with a weight."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs):
        return inputs * self.factor


def graph():
    """Return a model with ops outside of layers, a layer that is used twice, and models in it."""
    inputs = L.Input((6, 6, 2), name="in")
    twice = L.Conv2D(2, 3, padding="same", activation="tanh", name="twice")
    first = twice(twice(inputs))
    block = L.Input((6, 6, 2))
    inner = Model(block, L.BatchNormalization()(L.Conv2D(2, 1)(block)) + block * 0.5, name="inner")
    x = L.ReLU()(L.Add(name="add")([inner(first), Scaled(name="scaled")(first)]))
    x = Sequential([L.Dropout(0.25, seed=3), L.Flatten()], name="chain")(x * 2 + 1)
    return Model(inputs, L.Dense(3, activation="softmax", name="last")(x), name="graph")


def trained(model, steps=3):
    x, y = samples()
    if not model.compiled:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=steps, batch_size=8, shuffle=False, verbose=0)
    return model


def samples():
    return np.random.default_rng(0).standard_normal((16, 6, 6, 2)).astype("float32"), np.arange(16) % 3


def same_weights(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@each_way
def test_a_copy_goes_on_as_the_original_would(copier):
    model = trained(graph())
    twin = copier(model)
    x, _ = samples()
    assert type(twin) is Functional and twin.name == "graph" and same_weights(twin, model)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert twin.predict(x, verbose=0).tobytes() == model.predict(x, verbose=0).tobytes()
    assert twin.optimizer.iterations.numpy() == model.optimizer.iterations.numpy() == 6
    before = model.get_weights()
    trained(twin)
    assert not same_weights(twin, model)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)  # the copy shares no memory
    assert same_weights(twin, trained(model))


@each_way
def test_what_a_copy_says_of_itself(copier, capsys):
    model = graph()
    twin = copier(copier(model))
    texts = []
    for each in (model, twin):
        each.summary()
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert twin.input.name == "in" and twin.layers[0].output is twin.input
    assert twin.get_layer("last").output is twin.output and str(twin.plan) == str(model.plan)
    inner = Model(twin.input, twin.get_layer("add").output)
    assert inner.output_shape == (None, 6, 6, 2) and inner.layers[0] is twin.layers[0]


@each_way
def test_models_that_share_layers_still_do(copier):
    inputs = L.Input((4,))
    hidden = L.Dense(3, name="hidden")(inputs)
    whole, part = copier([Model(inputs, L.Dense(2)(hidden)), Model([inputs], [hidden])])
    assert whole.get_layer("hidden") is part.get_layer("hidden")
    whole.get_layer("hidden").kernel.assign(np.zeros((4, 3)))
    assert not part.predict(np.ones((1, 4)), verbose=0).any()


@each_way
def test_models_that_begin_and_end_within_others(copier):
    model = graph()
    part = Model(model.get_layer("add").output, [model.get_layer("last").output, model.get_layer("last").input])
    twin, x = copier(part), np.ones((2, 6, 6, 2))
    for a, b in zip(twin.predict(x, verbose=0), part.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)


@each_way
def test_a_graph_as_deep_as_one_likes(copier):
    inputs = x = L.Input((2,))
    for _ in range(600):
        x = L.Add()([x, L.ReLU()(x) * 0.01])
    twin = copier(Model(inputs, x))
    assert len(twin.layers) == 1201 and twin.predict(np.ones((1, 2)), verbose=0).shape == (1, 2)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_processes(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method} here")
    inputs = L.Input((6, 6, 2))
    x = L.Conv2D(2, 3, padding="same")(inputs)
    model = Model(inputs, L.Flatten()(L.Add()([x, inputs]) * 2))
    x, _ = samples()
    with multiprocessing.get_context(method).Pool(1) as pool:
        there = pool.apply_async(model.predict, (x,), {"verbose": 0}).get(60)
    np.testing.assert_array_equal(there, model.predict(x, verbose=0))


# ---- clones


def test_a_clone_has_metrics_of_its_own():
    model = keras.Sequential([L.Input((3,)), L.Dense(2)])
    own = keras.metrics.MeanSquaredError(name="own")
    model.compile("sgd", keras.losses.Huber(0.5), metrics=[own, keras.metrics.MeanAbsoluteError, "mse"])
    twin = keras.models.clone_model(model)
    for one in (model, twin):
        one.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert [m.name for m in twin.metrics] == [m.name for m in model.metrics]
    assert not any(a is b for a in twin.metrics for b in model.metrics) and twin.loss.delta == 0.5


def test_a_clone_has_weights_of_its_own():
    model = trained(graph())
    twin = keras.models.clone_model(model)
    assert twin.name == model.name and [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert not any(a is b for a in twin.layers for b in model.layers)
    assert not same_weights(twin, model)
    assert twin.compiled and twin.get_compile_config()["loss"] == model.get_compile_config()["loss"]
    assert twin.optimizer is not model.optimizer and not int(twin.optimizer.iterations)
    assert twin.get_layer("inner").layers[1] is not model.get_layer("inner").layers[1]
    twin.set_weights(model.get_weights())
    x, _ = samples()
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("recursive", [False, True])
def test_clone_function(recursive):
    seen = []

    def clone(layer):
        seen.append(layer.name)
        if isinstance(layer, L.Dense):
            return L.Dense(layer.units, name="other")
        return type(layer).from_config(layer.get_config())

    inputs = L.Input((4, 4, 2), name="in")
    inner = Sequential([L.Input((4, 4, 2)), L.Conv2D(2, 1, name="c")], name="inner")
    shared = L.ReLU(name="shared")
    model = Model([inputs], L.Dense(1, name="d")(L.Flatten(name="f")(shared(inner(shared(inputs))))))
    twin = keras.models.clone_model(model, clone_function=clone, recursive=recursive)
    assert sorted(seen) == sorted(["shared", "c" if recursive else "inner", "f", "d"])
    assert twin.layers[-1].name == "other" and twin.inputs[0].name == "in"
    assert twin.get_layer("inner").layers[0] is not inner.layers[0]
