"""Subclasses of Model: with a `call` of their own, traced as that of a layer; and as functions of their arguments."""

import copy
import pickle

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv import ops
from fastconv.models import Functional, Model

X = np.random.default_rng(0).standard_normal((12, 6, 6, 2)).astype("float32")
T = np.arange(12) % 3


class Residual(Model):
    """Layers as attributes and in a list, ops between them, a weight of its own, dropout by `training`."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.convs = [L.Conv2D(2, 3, padding="same", activation="relu") for _ in range(2)]
        self.norm, self.drop = L.BatchNormalization(), L.Dropout(0.5, seed=1)
        self.flat, self.out = L.Flatten(), L.Dense(units, activation="softmax")

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs, training=False):
        x = inputs * self.factor
        for conv in self.convs:
            x = conv(x) + x
        x = self.norm(x)
        return self.out(self.drop(self.flat(x)))


class Two(Model):
    """Two inputs in a dict, two outputs in a dict."""

    def __init__(self):
        super().__init__(name="two")
        self.one, self.other = L.Dense(3, activation="softmax"), L.Dense(2)

    def call(self, inputs):
        h = ops.concatenate([inputs["b"], inputs["a"]], -1)
        return {"p": self.one(h), "q": self.other(h) + inputs["a"][:, :1]}


def graph():
    """Return what `Residual` is, written as a functional model."""
    inputs = L.Input((6, 6, 2))
    x = L.Lambda(lambda x: x)(inputs)
    for _ in range(2):
        x = L.Conv2D(2, 3, padding="same", activation="relu")(x) + x
    x = L.Dropout(0.5, seed=1)(L.Flatten()(L.BatchNormalization()(x)))
    return Model(inputs, L.Dense(3, activation="softmax")(x))


def trained(model, epochs=2):
    if not model.compiled:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(X, T, epochs=epochs, batch_size=5, shuffle=False, verbose=0, validation_split=0.25).history


def test_it_is_built_by_data_and_says_what_it_has(capsys):
    model = Residual(name="r")
    assert not model.built and model.output_shape is None and len(model.layers) == 6
    with pytest.raises(ValueError, match="Model 'r' is not built yet"):
        model.get_weights() or model.count_params()
    y = model(X)
    assert y.shape == (12, 3) and model.built and model.input_shape == (None, 6, 6, 2)
    assert model.output_shape == (None, 3) and model.weights[0] is model.factor
    assert model.factor.path == "r/factor" and model.out.kernel.path == f"r/{model.out.name}/kernel"
    assert model.count_params() == 2 + 2 * 38 + 8 + 3 * 73 and len(model.trainable_weights) == 9
    for found in (model.predict(X, verbose=0), model.predict(X, 5, verbose=0), model.predict_on_batch(X)):
        np.testing.assert_allclose(found, y, rtol=1e-5, atol=1e-6)
    assert (model(X, training=True) != y).any()
    model.summary(show_flops=True)
    text = capsys.readouterr().out
    assert "(Conv2D)" in text and "(None, 72)" in text and "Total params: 305" in text


def test_it_trains_as_the_graph_does():
    model, twin = Residual(), graph()
    model.build((None, 6, 6, 2))
    model.factor.trainable = False
    twin.set_weights(model.get_weights()[1:])
    assert trained(model) == trained(twin)
    assert model.evaluate(X, T, verbose=0) == twin.evaluate(X, T, verbose=0)
    names = [[step.op.name for step in each.plan.steps_of("train")[0]] for each in (model, twin)]
    assert names[0][1:] == names[1][1:] and names[0][0] == "multiply" and "conv2d_relu" in str(model.plan)


def test_own_weights_learn_and_freeze():
    model = Residual()
    trained(model)
    before = model.factor.numpy()
    assert (before != 1).all()
    model.trainable = False
    trained(model)
    np.testing.assert_array_equal(model.factor.numpy(), before)
    assert not model.trainable_weights and len(model.non_trainable_weights) == 11


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_copies(copier):
    model = Residual()
    trained(model)
    twin = copier(model)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    assert trained(twin) == trained(model)


def test_weights_in_files(tmp_path):
    model, twin = Residual(), Residual()
    trained(model)
    model.save_weights(tmp_path / "m.weights.h5")
    twin.build(X.shape)
    twin.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_several_inputs_and_outputs():
    model, rng = Two(), np.random.default_rng(0)
    x = {"a": rng.standard_normal((12, 4)), "b": rng.standard_normal((12, 2))}
    y = {"p": T, "q": rng.standard_normal((12, 2))}
    model.compile("sgd", {"p": "sparse_categorical_crossentropy", "q": "mse"}, metrics={"q": "mae"})
    history = model.fit(x, y, verbose=0, validation_data=(x, y)).history
    assert {"loss", "p_loss", "q_loss", "q_mae", "val_p_loss"} <= set(history)
    found = model.predict(x, verbose=0)
    assert list(found) == ["p", "q"]
    h = np.concatenate([x["b"], x["a"]], 1)
    np.testing.assert_allclose(found["q"], model.other(h) + x["a"][:, :1], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"Model 'two', predict: x has nothing for 'b'"):
        model.predict({"a": x["a"]}, verbose=0)


def test_it_is_a_layer_of_others():
    inner = Residual()
    inputs = L.Input((6, 6, 2))
    outer = Model(inputs, L.Dense(1)(inner(inputs)))
    chain = keras.Sequential([L.Input((6, 6, 2)), Residual(4), L.Dense(1)])
    assert outer.output_shape == chain.output_shape == (None, 1)
    for model in (outer, chain):
        before = model.get_weights()
        model.compile("sgd", "mse")
        model.fit(X, np.ones((12, 1)), verbose=0)
        assert len(model.trainable_weights) == 11
        moved = [(a != b).any() for a, b in zip(model.get_weights(), before, strict=True)]
        assert moved[0] and all(moved[-2:])


def test_a_subclass_that_is_a_function_of_its_arguments():
    class Small(Model):
        def __init__(self, units):
            inputs = L.Input((6, 6, 2))
            super().__init__(inputs=inputs, outputs=L.Dense(units)(L.Flatten()(inputs)), name="small")
            self.units = units

    for units in (2, 3):
        model = Small(units)
        assert isinstance(model, Functional) and model.units == units and model.output_shape == (None, units)
        assert model.name == "small" and type(model) is Small
        model.compile("sgd", "mse")
        model.fit(X, np.ones((12, units)), verbose=0)


def _model(**methods):
    return type("Mine", (Model,), methods)


def choosing(self, x):
    return x if ops.sum(x) > 0 else -x


@pytest.mark.parametrize(
    ("call", "words", "error"),
    [
        (lambda: _model(call=choosing)()(X), "neither true nor false; use ops.where", TypeError),
        (lambda: _model(call=lambda self, x: np.asarray(x))()(X), "cannot become an array", TypeError),
        (lambda: _model(call=lambda self, x: None)()(X), "its function returned NoneType", TypeError),
        (lambda: _model(call=lambda self, x: [[x]])()(X), "what it returns has lists in it", NotImplementedError),
        (lambda: _model(call=choosing, train_step=print)(), r"\(Mine\): a train_step of one's own .* planned",
         NotImplementedError),
        (lambda: _model(call=choosing, compute_loss=print)(), "a compute_loss of one's own", NotImplementedError),
        (lambda: _model(call=choosing)().build(), "input_shape is missing", ValueError),
        (lambda: _model(call=choosing)(trainable=False), "trainable=False is not supported", NotImplementedError),
        (lambda: keras.models.clone_model(Residual()), "defines call itself", ValueError),
    ],
)  # fmt: skip
def test_what_is_refused(call, words, error):
    with pytest.raises(error, match=words):
        call()
