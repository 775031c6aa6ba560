"""Losses with reduction="none" in training: the gradient of the sum, the mean in the logs, as Keras on TensorFlow."""

import numpy as np
import pytest

from fastconv import Input, Sequential, layers, losses, optimizers

X = np.arange(4.0)[:, None]
Y = np.stack([np.arange(4.0) * 2 + 1, np.arange(4.0) * 3], 1)


class Own(losses.Loss):
    """The squared error, written by a user."""

    def call(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(-1)

    def gradient(self, y_true, y_pred):
        return 2 * (y_pred - y_true) / y_pred.shape[-1]


@pytest.mark.parametrize("make", [losses.MeanSquaredError, Own])
@pytest.mark.parametrize(
    ("weights", "loss", "kernel", "bias"),  # these numbers were printed by Keras 3.15 on TensorFlow
    [(None, 10.75, [2.4, 3.8], [1.4, 2.0]), (np.array([1.0, 2.0, 0.0, 3.0]), 21.625, None, None)],
)
def test_steps_by_hand(make, weights, loss, kernel, bias):
    model = Sequential([Input((1,)), layers.Dense(2, kernel_initializer="ones")])
    model.compile(optimizers.SGD(0.1), make(reduction="none"), metrics=["mse"])
    assert model.test_on_batch(X, Y, weights) == pytest.approx([loss, 10.75])
    assert model.train_on_batch(X, Y, weights) == pytest.approx([loss, 10.75])
    w = np.ones(4) if weights is None else weights
    error = X - Y  # the model's outputs are x
    np.testing.assert_allclose(model.get_weights()[0], 1 - 0.1 * (w[:, None] * error * X).sum(0)[None], rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[1], -0.1 * (w[:, None] * error).sum(0), rtol=1e-6)


def test_a_penalty_counts_once():
    model = Sequential([Input((1,)), layers.Dense(2, kernel_initializer="ones", kernel_regularizer="l2")])
    model.compile(optimizers.SGD(0.1), losses.MeanSquaredError(reduction="none"))
    assert model.train_on_batch(X, Y) == pytest.approx(10.75 + 0.02)
