"""Losses and metrics in fit: every loss trains, weights of several axes, losses and metrics that users write."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import losses, metrics, optimizers
from fastconv.models import Sequential
from fastconv.utils import set_random_seed
from tests.losses.cases import CASES, IDS, data
from tests.models.data import line

SIZE = 6


def dense(loss, outputs=SIZE, activation=None, rate=0.05, behind=(), **settings):
    """Return a compiled model of one layer, and what stands behind it."""
    model = Sequential([L.Input((4,)), L.Dense(outputs, activation, name="d"), *behind], name="m")
    model.compile(optimizers.SGD(rate), loss, **settings)
    return model


def pixels(loss, classes=3, **settings):
    """Return a compiled model of images (5, 4, 2)."""
    model = Sequential([L.Input((5, 4, 2)), L.Conv2D(classes, 1, activation="softmax")], name="m")
    model.compile(optimizers.SGD(0.0), loss, **settings)
    return model


@pytest.mark.parametrize(("name", "settings", "kind"), CASES, ids=IDS)
def test_every_loss_trains(name, settings, kind, rng):
    y, _ = data(kind, (12, SIZE), rng, settings.get("axis", -1), "float32")
    activation = None if " of scores" in kind or kind in ("numbers", "signs", "embeddings") else "sigmoid"
    loss = getattr(losses, name)(**settings)
    set_random_seed(3)
    behind = [L.UnitNormalization()] if kind == "embeddings" else []  # else they grow without bound
    model = dense(loss, activation=activation, rate=0.001 if "Percentage" in name else 0.05, behind=behind)
    x = rng.normal(size=(12, 4)).astype("float32")
    before = float(loss(y, model(x)))
    assert model.test_on_batch(x, y) == pytest.approx(before, rel=1e-4)
    model.fit(x, y, batch_size=12, epochs=30, verbose=0)
    assert model.test_on_batch(x, y) < before


def test_classes_along_the_first_axis_of_a_sample(rng):
    model = Sequential([L.Input((3, 5)), L.Reshape((3, 5))], name="m")
    loss = losses.SparseCategoricalCrossentropy(axis=1)
    model.compile("sgd", loss)
    x, y = rng.random((2, 3, 5)).astype("float32"), rng.integers(0, 3, (2, 5))
    assert model.test_on_batch(x, y) == pytest.approx(float(loss(y, x)), rel=1e-6)
    with pytest.raises(ValueError, match="y holds the label 3"):
        model.test_on_batch(x, y + 3)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("ignore_class", [None, 1])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 5), (6, 5, 1), (6, 1, 4), (6, 5, 4), (6, 5, 4, 1)], ids=str)
def test_weights_of_several_axes(shape, ignore_class, reduction, rng):
    loss = losses.SparseCategoricalCrossentropy(ignore_class=ignore_class, reduction=reduction)
    model = pixels(loss, weighted_metrics=["accuracy"])
    x, y = rng.random((6, 5, 4, 2)).astype("float32"), rng.integers(0, 3, (6, 5, 4))
    weights = rng.integers(0, 3, shape).astype("float32")
    full = weights.reshape(shape[:3] + (1,) * (3 - len(shape[:3])))
    value, accuracy = model.test_on_batch(x, y, weights)
    squeezed = weights
    while squeezed.ndim > 1 and squeezed.shape[-1] == 1:
        squeezed = squeezed[..., 0]
    if reduction != "mean_with_sample_weight":
        assert value == pytest.approx(float(loss(y, model(x), squeezed)), rel=1e-5)
    right = model(x).argmax(-1) == y
    full = np.broadcast_to(full, y.shape)
    assert accuracy == pytest.approx((right * full).sum() / full.sum(), rel=1e-5)


def test_the_mean_over_the_weights(rng):
    x, y, weights = rng.random((6, 4)).astype("float32"), rng.random((6, SIZE)), rng.random(6)
    model = dense(losses.MeanSquaredError(reduction="mean_with_sample_weight"))
    each = ((model(x) - y) ** 2).mean(-1)
    assert model.test_on_batch(x, y, weights) == pytest.approx((each * weights).sum() / weights.sum(), rel=1e-5)
    assert model.test_on_batch(x, y) == pytest.approx(each.mean(), rel=1e-5)
    assert model.test_on_batch(x, y, np.zeros(6)) == 0


def test_weights_and_no_weights_take_turns(rng):
    x, y = rng.random((6, 4)).astype("float32"), rng.random((6, SIZE))
    model = dense("mse")
    plain = model.test_on_batch(x, y)
    assert model.test_on_batch(x, y, np.full(6, 2.0)) == pytest.approx(2 * plain)
    assert model.test_on_batch(x, y) == plain


@pytest.mark.parametrize("shape", [(6, 4), (6, 5, 5), (6, 5, 4, 2)], ids=str)
def test_weights_that_do_not_fit(shape):
    model = pixels("sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"Model 'm', test_on_batch: sample_weight has shape .*first axes of the loss"):
        model.test_on_batch(np.zeros((6, 5, 4, 2)), np.zeros((6, 5, 4)), np.ones(shape))


class Cubed(losses.Loss):
    """A loss of one's own: the mean of the cubes of the errors."""

    def call(self, y_true, y_pred):
        return (np.abs(y_pred - y_true) ** 3).mean(axis=-1)

    def gradient(self, y_true, y_pred):
        error = y_pred - y_true
        return 3 * error * np.abs(error) / y_pred.shape[-1]


def test_a_loss_of_ones_own_trains(rng):
    x = rng.normal(size=(32, 4)).astype("float32")
    y = x @ rng.normal(size=(4, SIZE))
    model = dense(Cubed())
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=40, verbose=0, sample_weight=np.ones(32))
    assert model.evaluate(x, y, verbose=0) < 0.2 * before


def test_a_loss_of_ones_own_steps_as_its_gradient_says():
    model = line(Cubed(reduction="sum"), optimizers.SGD(0.5))
    model.train_on_batch(np.array([[1.0]]), np.array([[-2.0]]))  # error 2: the slope is 12
    assert model.get_weights()[1].tolist() == [-6.0]


def test_a_gradient_of_another_shape_is_named():
    class Odd(Cubed):
        def gradient(self, y_true, y_pred):
            return np.ones(3)

    with pytest.raises(ValueError, match=r"odd: gradient\(\) returned shape \(3,\); expected that of y_pred"):
        line(Odd()).train_on_batch(np.zeros((2, 1)), np.zeros((2, 1)))


def test_a_changed_known_loss_trains():
    class Twice(losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

    y_true, y_pred = np.array([[1.0, 0.0]]), np.array([[3.0, 1.0]])
    _, gradient = Twice().value_and_gradient(y_true, y_pred)
    np.testing.assert_allclose(gradient, 2 * losses.MeanSquaredError().value_and_gradient(y_true, y_pred)[1])
    model = line(Twice())
    assert model.test_on_batch(np.zeros(2), np.array([0.5, 3.0])) == pytest.approx(0.25 + 9)


def test_a_wrapped_function_of_the_library_trains():
    model = line(losses.LossFunctionWrapper(losses.huber, delta=0.5, reduction="sum"))
    assert model.test_on_batch(np.zeros(2), np.array([0.25, 3.0])) == pytest.approx(0.03125 + 1.375)
    assert [type(one.loss) for one in model._losses] == [losses.Huber]


def test_metrics_with_several_results_in_fit(rng, capsys):
    x, y = rng.random((12, 4)).astype("float32"), np.eye(SIZE)[rng.integers(0, SIZE, 12)]
    given = [metrics.F1Score(), metrics.AUC(name="auc"), metrics.OneHotMeanIoU(SIZE, name="iou"), "precision"]
    model = dense("categorical_crossentropy", activation="softmax", metrics=given)
    history = model.fit(x, y, epochs=2, batch_size=5, verbose=2, validation_data=(x, y)).history
    assert set(history) == {f"{p}{n}" for p in ("", "val_") for n in ("auc", "f1_score", "iou", "loss", "precision")}
    assert np.shape(history["f1_score"]) == (2, SIZE) and np.shape(history["auc"]) == (2,)
    assert "f1_score: " in capsys.readouterr().out
    result = model.evaluate(x, y, verbose=0, return_dict=True)
    expected = metrics.F1Score()(y, model.predict(x, verbose=0))
    np.testing.assert_array_equal(result["f1_score"], expected)


def test_a_metric_may_return_a_dict():
    class Ends(metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_true)

        def result(self):
            return {"mean": super().result(), "count": float(self.count.array)}

    result = line(metrics=[Ends(name="ends")]).test_on_batch(np.zeros(2), np.array([1.0, 3.0]), return_dict=True)
    assert result == {"loss": 5.0, "mean": 2.0, "count": 2.0}


@pytest.mark.parametrize("given", [{"d": ["mae", "mse"]}, [["mae"], "mse"], {"d": {"b": "mse", "a": "mae"}}], ids=str)
def test_metrics_in_dicts_and_lists(given):
    assert line(metrics=given).test_on_batch(np.zeros(1), np.array([2.0])) == [4.0, 2.0, 4.0]


def test_metrics_of_one_name_are_numbered():
    two = [metrics.MeanAbsoluteError(name="m"), metrics.MeanSquaredError(name="m")]
    model = line(metrics=two, weighted_metrics=[metrics.Mean(name="x"), *two][1:])
    result = model.test_on_batch(np.zeros(1), np.array([2.0]), return_dict=True)
    assert sorted(result) == ["loss", "m", "m_1", "weighted_m", "weighted_m_1"]


def test_compile_does_not_use_up_names():
    from fastconv.layers.layer import reset_names

    reset_names()
    model = dense("binary_crossentropy", 1, "sigmoid", metrics=[metrics.Recall])
    assert "recall" in model.test_on_batch(np.zeros((2, 4)), np.ones((2, 1)), return_dict=True)
