"""Losses and metrics of one's own, written with functions of ops: they train, weighted and not."""

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv import losses, metrics, ops
from fastconv.models import Sequential
from fastconv.testing import check_gradients


def squares(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


class Squares(losses.Loss):
    def call(self, y_true, y_pred):
        return squares(y_true, y_pred)


def numpy_like(y_true, y_pred):
    return ((y_true - y_pred) ** 2).mean(axis=-1)


def mixed(y_true, y_pred):
    return losses.mean_squared_error(y_true, y_pred) + 0.1 * ops.mean(abs(y_pred), -1)


def entropy_of_labels(y_true, y_pred):
    return losses.sparse_categorical_crossentropy(y_true, y_pred) * 2


def model(loss, **settings):
    keras.utils.set_random_seed(1)
    made = Sequential([L.Input((4,)), L.Dense(8, "tanh"), L.Dense(3)])
    made.compile("sgd", loss, **settings)
    return made


def fitted(loss, x, y, **settings):
    made = model(loss)
    history = made.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0, **settings).history
    return history["loss"], made.get_weights()


@pytest.mark.parametrize("loss", [squares, Squares(), numpy_like, lambda t, p: squares(t, p)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_they_train_as_the_librarys_own(loss, weighted, rng):
    x, y = rng.standard_normal((20, 4)), rng.standard_normal((20, 3))
    settings = {"sample_weight": rng.random(20)} if weighted else {}
    expected, theirs = fitted("mse", x, y, **settings)
    found, mine = fitted(loss, x, y, **settings)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_reductions(reduction, rng):
    x, y, w = rng.standard_normal((20, 4)), rng.standard_normal((20, 3)), rng.random(20)
    expected, _ = fitted(losses.MeanSquaredError(reduction=reduction), x, y, sample_weight=w)
    np.testing.assert_allclose(fitted(Squares(reduction=reduction), x, y, sample_weight=w)[0], expected, rtol=1e-5)


def test_parts_of_the_library_in_a_loss(rng):
    y_true, y_pred = rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
    assert check_gradients(losses.LossFunctionWrapper(mixed), [y_true, y_pred]) < 1e-6
    labels, p = rng.integers(0, 3, 5), rng.dirichlet(np.ones(3), 5)
    wrapped = losses.LossFunctionWrapper(entropy_of_labels)
    assert check_gradients(wrapped, [labels.astype(float), p]) < 1e-6
    x = rng.standard_normal((20, 4))
    first, *_, last = fitted(mixed, x, rng.standard_normal((20, 3)))[0]
    assert last < first


def test_a_loss_with_one_value_for_the_batch(rng):
    class Whole(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.sqrt(ops.mean((y_true - y_pred) ** 2))

    assert check_gradients(Whole(), [rng.standard_normal((4, 3)), rng.standard_normal((4, 3))]) < 1e-6
    x, y = rng.standard_normal((16, 4)), rng.standard_normal((16, 3))
    first, *_, last = fitted(Whole(), x, y)[0]
    assert last < first


def test_custom_metrics(rng):
    class Hits(metrics.Metric):
        def __init__(self, name="hits", **kwargs):
            super().__init__(name=name, **kwargs)
            self.hits = self.add_weight(name="hits", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.hits.assign_add(ops.sum(ops.cast(ops.abs(y_true - y_pred) < 0.5, "float32")))

        def result(self):
            return self.hits

    def worst(y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    x, y = rng.standard_normal((20, 4)), rng.standard_normal((20, 3)).astype(np.float32)
    made = model("mse", metrics=[Hits(), worst])
    result = made.evaluate(x, y, batch_size=6, verbose=0, return_dict=True)
    error = abs(made.predict(x, verbose=0) - y)
    assert result["hits"] == (error < 0.5).sum()
    assert result["worst"] == pytest.approx(error.max(-1).mean(), rel=1e-5)
