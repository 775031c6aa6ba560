"""Sequential: adding, building, looking at layers and weights."""

import copy
import pickle

import numpy as np
import pytest

from fastconv import config
from fastconv import layers as L
from fastconv.models import Model, Sequential


def tiny(**settings):
    """Return a model with known sizes."""
    return Sequential(
        [
            L.Input((8, 8, 1)),
            L.Conv2D(4, 3, name="c"),
            L.MaxPooling2D(2, name="p"),
            L.Flatten(name="f"),
            L.Dense(2, name="d"),
        ],
        **settings,
    )


# ---- adding and building


def test_all_at_once_and_one_by_one():
    one = tiny()
    two = Sequential()
    two.add(L.Input((8, 8, 1)))
    for layer in (L.Conv2D(4, 3), L.MaxPooling2D(2), L.Flatten(), L.Dense(2)):
        assert two.built == bool(two.layers)
        two.add(layer)
    assert one.built and two.built and isinstance(one, Model)
    assert one.input_shape == two.input_shape == (None, 8, 8, 1)
    assert one.output_shape == two.output_shape == (None, 2)
    assert [v.shape for v in one.weights] == [v.shape for v in two.weights]
    assert one.count_params() == two.count_params() == 40 + 74


def test_the_input_is_not_among_the_layers():
    model = tiny()
    assert [layer.name for layer in model.layers] == ["c", "p", "f", "d"]
    model.layers.clear()
    assert len(model.layers) == 4, "the list is a copy"


def test_building_may_wait_for_data():
    model = Sequential([L.Conv2D(4, 3), L.Flatten(), L.Dense(2)])
    assert not model.built and model.input_shape is None and model.output_shape is None
    assert model.weights == [] and model.trainable_weights == []
    for what in (lambda: model.count_params(), lambda: model.plan, lambda: model.set_weights([])):
        with pytest.raises(ValueError, match=r"is not built yet"):
            what()
    assert model.predict_on_batch(np.ones((3, 6, 6, 1))).shape == (3, 2)
    assert model.built and model.input_shape == (None, 6, 6, 1) and len(model.weights) == 4


@pytest.mark.parametrize(
    "run",
    [
        lambda m, x, y: m(x),
        lambda m, x, y: m(x, training=True),
        lambda m, x, y: m.predict(x, verbose=0),
        lambda m, x, y: m.train_on_batch(x, y),
        lambda m, x, y: m.test_on_batch(x, y),
        lambda m, x, y: m.evaluate(x, y, verbose=0),
        lambda m, x, y: m.fit(x, y, verbose=0),
        lambda m, x, y: m.fit(iter([(x, y)]), verbose=0),
        lambda m, x, y: m.build((None, 5)),
        lambda m, x, y: m.build([7, 5]),
    ],
    ids=["call", "training", "predict", "train", "test", "evaluate", "fit", "generator", "build", "build-batch"],
)
def test_ways_to_build(run):
    model = Sequential([L.Dense(3), L.Dense(1)])
    model.compile("sgd", "mse")
    run(model, np.ones((4, 5)), np.ones((4, 1)))
    assert model.built and model.input_shape == (None, 5) and model.output_shape == (None, 1)


def test_build_without_a_shape():
    with pytest.raises(ValueError, match="does not know the shape of its inputs"):
        Sequential([L.Dense(3)]).build()
    model = Sequential([L.Dense(3, input_shape=(2,))])
    model.build()
    assert model.output_shape == (None, 3)
    with pytest.raises(ValueError, match=r"build got input_shape=\(None, 4\).*\(None, 2\)"):
        model.build((None, 4))


def test_pop():
    model = tiny()
    kernel = model.layers[0].kernel
    x = np.ones((2, 8, 8, 1))
    model.predict_on_batch(x)
    assert model.pop().name == "d"
    assert model.output_shape == (None, 36) and model.predict_on_batch(x).shape == (2, 36)
    model.add(L.Dense(5))
    assert model.output_shape == (None, 5) and model.predict_on_batch(x).shape == (2, 5)
    assert model.layers[0].kernel is kernel
    for _ in range(4):
        model.pop()
    assert model.layers == [] and not model.built and model.input_shape == (None, 8, 8, 1)
    with pytest.raises(IndexError, match="no layer to pop"):
        model.pop()


def test_a_layer_that_does_not_fit_is_not_added():
    model = tiny()
    with pytest.raises(ValueError, match=r"Layer 'late' \(Conv2D\)"):
        model.add(L.Conv2D(2, 3, name="late"))
    assert [layer.name for layer in model.layers] == ["c", "p", "f", "d"]
    assert model.predict_on_batch(np.ones((1, 8, 8, 1))).shape == (1, 2)


def test_a_model_stays_built_when_a_layer_does_not_fit():
    model = tiny()
    with pytest.raises(ValueError, match="'late'"):
        model.add(L.Conv2D(2, 3, name="late"))
    assert model.built and model.output_shape == (None, 2)


def test_a_first_layer_that_does_not_fit_leaves_no_input_shape():
    model = Sequential()
    with pytest.raises(ValueError, match="does not fit"):
        model.add(L.Conv2D(2, 7, input_shape=(5, 5, 1)))
    model.add(L.Dense(3, input_shape=(4,)))
    assert model.input_shape == (None, 4)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda: [L.Dense(2), "relu"], "only layers can be added; got 'relu'"),
        (lambda: [L.Dense], "only layers can be added"),
        (lambda: [None], "only layers can be added"),
        (lambda: [L.Dense(2), L.Input((2,))], "an Input must be the first layer"),
        (lambda: [L.Input((2,)), L.Input((2,))], "an Input must be the first layer"),
        (lambda: [L.Dense(2, name="a"), L.Dense(2, name="a")], "unique names; 'a' is there already"),
        (lambda: [L.Dense(2)] * 2, "is in it already"),
        (lambda: [L.Dense(2), L.Dense(2, dtype="float64")], None),
        (lambda: [L.Input((2,)), L.Dense(2), L.Dense(2, dtype="float64")], "one dtype"),
    ],
    ids=["text", "class", "none", "late-input", "two-inputs", "names", "same", "unbuilt", "dtypes"],
)
def test_what_cannot_be_chained(layers, message):
    if message is None:
        assert len(Sequential(layers()).layers) == 2
        return
    with pytest.raises(ValueError, match=rf"Model 'm': .*{message}"):
        Sequential(layers(), name="m")


def test_compute_output_shape():
    assert tiny().compute_output_shape((7, 8, 8, 1)) == (7, 2)
    assert tiny().compute_output_shape((None, 8, 8, 1)) == (None, 2)


# ---- layers and weights


def test_get_layer():
    model = tiny(name="m")
    assert model.get_layer("p") is model.get_layer(index=1) is model.get_layer(index=-3) is model.layers[1]
    for given, message in [
        ({}, "expects either name or index"),
        ({"name": "p", "index": 1}, "expects either name or index"),
        ({"index": 4}, r"get_layer\(index=4\), but it has 4 layers"),
        ({"index": -5}, "4 layers"),
        ({"name": "dd"}, r"no layer is named 'dd'; they are \['c', 'p', 'f', 'd'\].*Did you mean 'd'"),
    ]:
        with pytest.raises(ValueError, match=rf"Model 'm': .*{message}"):
            model.get_layer(**given)


def test_weights():
    model = tiny()
    assert [v.path for v in model.weights] == [
        f"{model.name}/{path}" for path in ("c/kernel", "c/bias", "d/kernel", "d/bias")
    ]
    assert model.weights == model.variables == model.trainable_weights == model.trainable_variables
    assert model.non_trainable_weights == model.non_trainable_variables == []
    copies = model.get_weights()
    copies[0][...] = 7
    assert (model.get_weights()[0] != 7).all()


def test_set_weights_changes_predictions_at_once():
    model, x = tiny(), np.ones((2, 8, 8, 1))
    before = model.predict_on_batch(x)
    model.set_weights([w + 1 for w in model.get_weights()])
    assert (model.predict_on_batch(x) != before).all()


@pytest.mark.parametrize(
    "change", [lambda w: w[:-1], lambda w: [*w, w[0]], lambda w: [*w[:-1], w[-1][:1]], lambda w: w[::-1]]
)
def test_set_weights_is_all_or_nothing(change):
    model = tiny(name="m")
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"Model 'm': set_weights got .*; expected"):
        model.set_weights(change([w + 1 for w in before]))
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_trainable_is_passed_on():
    model = tiny()
    model.trainable = False
    assert not model.trainable and not any(layer.trainable for layer in model.layers)
    assert model.trainable_weights == [] and len(model.non_trainable_weights) == 4
    model.trainable = True
    assert model.trainable and len(model.trainable_weights) == 4
    model.layers[0].trainable = False
    assert [v.path for v in model.trainable_weights] == [f"{model.name}/d/kernel", f"{model.name}/d/bias"]
    assert [v.path for v in model.non_trainable_weights] == [f"{model.name}/c/kernel", f"{model.name}/c/bias"]
    assert tiny(trainable=False).trainable_weights == []


def test_calling_is_predicting():
    model = tiny()
    x = np.random.default_rng(0).standard_normal((3, 8, 8, 1))
    y = model(x)
    np.testing.assert_array_equal(y, model.predict_on_batch(x), strict=True)
    np.testing.assert_array_equal(y, model.predict(x, verbose=0), strict=True)
    np.testing.assert_allclose(model(x, training=True), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model(x[..., 0]), y)
    with pytest.raises(NotImplementedError, match="mask"):
        model(x, mask=x)


def test_calling_in_training_takes_images_without_channels():
    assert tiny()(np.ones((3, 8, 8)), training=True).shape == (3, 2)


def test_layers_may_be_shared_by_models():
    layer = L.Dense(3)
    one, two = Sequential([L.Input((4,)), layer]), Sequential([L.Input((4,)), layer, L.ReLU()])
    x = np.random.default_rng(0).standard_normal((5, 4))
    np.testing.assert_array_equal(np.maximum(one.predict_on_batch(x), 0), two.predict_on_batch(x))
    two.compile("sgd", "mse")
    two.train_on_batch(x, np.ones((5, 3)))
    np.testing.assert_array_equal(np.maximum(one.predict_on_batch(x), 0), two.predict_on_batch(x))


def test_float64():
    model = Sequential([L.Input((4,)), L.Dense(3, dtype="float64", activation="tanh"), L.Dense(1, dtype="float64")])
    x = np.random.default_rng(0).standard_normal((5, 4))
    w, b, v, c = model.get_weights()
    assert model.dtype == "float64" and w.dtype == np.float64
    np.testing.assert_allclose(model.predict_on_batch(x), np.tanh(x @ w + b) @ v + c, rtol=1e-13)
    model.compile("adam", "mse")
    model.fit(x, np.ones(5), verbose=0)
    assert model.get_weights()[0].dtype == np.float64 and (model.get_weights()[0] != w).any()


def test_float64_as_the_default():
    config.set_floatx("float64")
    try:
        model = Sequential([L.Input((4,)), L.Dense(3, "relu"), L.Dense(2, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        logs = model.fit(np.ones((8, 4)), np.arange(8) % 2, validation_split=0.25, verbose=0).history
        assert model.predict(np.ones((3, 4)), verbose=0).dtype == np.float64
    finally:
        config.set_floatx("float32")
    assert model.dtype == "float64" and all(np.isfinite(values).all() for values in logs.values())


def test_channels_first_as_the_default():
    config.set_image_data_format("channels_first")
    try:
        layers = [L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dense(2)]
    finally:
        config.set_image_data_format("channels_last")
    first = Sequential([L.Input((1, 8, 8)), *layers])
    last = Sequential(
        [L.Input((8, 8, 1)), L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dense(2)]
    )
    last.set_weights(first.get_weights())
    x = np.random.default_rng(0).standard_normal((3, 8, 8, 1))
    expected = last.predict_on_batch(x)
    np.testing.assert_array_equal(first.predict_on_batch(np.moveaxis(x, -1, 1)), expected)


@pytest.mark.parametrize(
    "copier", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_used_models_can_be_copied(copier):
    model, x = tiny(), np.ones((3, 8, 8, 1))
    model.compile("adam", "mse")
    model.train_on_batch(x, np.ones((3, 2)))
    twin = copier(model)
    np.testing.assert_array_equal(twin.predict_on_batch(x), model.predict_on_batch(x))
    twin.train_on_batch(x, np.ones((3, 2)))
    model.train_on_batch(x, np.ones((3, 2)))
    np.testing.assert_array_equal(twin.predict_on_batch(x), model.predict_on_batch(x))


def test_config_makes_an_equal_model():
    model = tiny(name="m")
    config = model.get_config()
    twin = Sequential.from_config(config)
    assert twin.get_config() == config and twin.name == "m" and twin.built
    twin.set_weights(model.get_weights())
    x = np.random.default_rng(0).standard_normal((3, 8, 8, 1))
    np.testing.assert_array_equal(twin.predict_on_batch(x), model.predict_on_batch(x))
    unbuilt = Sequential.from_config(Sequential([L.Dense(2)]).get_config())
    assert not unbuilt.built and len(unbuilt.layers) == 1


def test_a_call_does_not_look_for_its_layers_again(monkeypatch):
    """That walk over all attributes takes longer than a small model does."""
    model = Sequential([L.Input((3,)), Sequential([L.Dense(2)])])
    x = np.ones((1, 3), np.float32)
    first = model(x)
    monkeypatch.setattr(type(model), "sublayers", property(lambda self: pytest.fail("the layers are looked for")))
    np.testing.assert_array_equal(model(x), first)
