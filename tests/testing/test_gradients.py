"""check_gradients: it lets right gradients through and finds wrong ones."""

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv import losses, ops
from fastconv.ops.op import Op
from fastconv.testing import check_gradients


class Wrong(Op):
    """x * x, with a gradient that is off by a factor."""

    name = "wrong"

    def forward(self, site):
        return [lambda: np.multiply(site.x, site.x, out=site.y)]

    def backward(self, site):
        return [lambda: np.multiply(2.01 * site.x, site.dy, out=site.dx)]


class WrongLayer(L.Layer):
    def lower(self, trace, x):
        return trace.add(Wrong(), x)


class WrongBias(L.Layer):
    def build(self, input_shape):
        self.bias = self.add_weight((input_shape[-1],), name="bias")

    def call(self, inputs):
        return inputs + self.bias - ops.stop_gradient(self.bias)


def test_a_wrong_gradient_is_found(rng):
    with pytest.raises(AssertionError, match=r"Layer 'w' \(WrongLayer\): 6 of 6 gradient values are wrong:") as error:
        check_gradients(WrongLayer(name="w"), rng.uniform(1, 2, (2, 3)))
    assert "input[" in str(error.value) and "differences say" in str(error.value) and "and 1 more" in str(error.value)


def test_a_missing_gradient_is_found(rng):
    with pytest.raises(AssertionError, match=r"3 of 9 (.*\n)*  b/bias(.*\n)*  The gradients of input are right"):
        check_gradients(WrongBias(name="b"), rng.random((2, 3)))


@pytest.mark.parametrize("wrong", [1.1, -1.0, 0.0, np.nan])
def test_a_wrong_loss_is_found(wrong, rng):
    class Squares(losses.Loss):
        factor = wrong

        def call(self, y_true, y_pred):
            return ((y_true - y_pred) ** 2).sum(-1)

        def gradient(self, y_true, y_pred):
            return 2 * self.factor * (y_pred - y_true)

    with pytest.raises(AssertionError, match="Squares 'squares': 6 of 6"):
        check_gradients(Squares("squares"), [rng.random((2, 3)), rng.random((2, 3)) + 1])
    Squares.factor = 1.0
    assert check_gradients(Squares("squares"), [rng.random((2, 3)), rng.random((2, 3)) + 1]) < 1e-8


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.Dense(4, "tanh"),
        lambda: L.Conv2D(3, 2, padding="same", activation="tanh"),
        lambda: L.BatchNormalization(),
        lambda: L.Dropout(0.5),
        lambda: keras.Sequential([L.Conv2D(2, 2), L.Flatten(), L.Dense(2, "softmax")]),
    ],
    ids=["dense", "conv", "norm", "dropout", "model"],
)
def test_layers_are_right_and_stay_as_they_are(make, rng):
    layer, x = make(), rng.standard_normal((2, 4, 5, 3)).astype(np.float32)
    y = layer(x)
    before = layer.get_weights()
    assert check_gradients(layer, x) < 1e-6
    assert layer.dtype == "float32"
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    np.testing.assert_array_equal(layer(x), y, strict=True)


def test_training(rng):
    x = rng.standard_normal((6, 3))
    assert check_gradients(L.BatchNormalization(), x, training=True) < 1e-6
    with pytest.raises(ValueError, match="'dropout' draws random numbers"):
        check_gradients(L.Dropout(0.5), x, training=True)


def test_functions_and_several_inputs(rng):
    a, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
    assert check_gradients(ops.matmul, [a, b]) < 1e-8
    assert check_gradients(lambda x, y: ops.softmax(ops.tanh(x) @ y), [a, b]) < 1e-8
    assert (
        check_gradients(ops.conv, [rng.random((1, 4, 4, 2)), rng.random((2, 2, 2, 3))], arguments={"strides": 2}) < 1e-8
    )
    assert check_gradients(ops.moments, [a], arguments={"axes": [0]}) < 1e-8
    assert check_gradients(L.Add(), [a, a + 1]) < 1e-8
    assert check_gradients(losses.Huber(), [a, a + rng.uniform(0.1, 3, a.shape)]) < 1e-7


def test_what_has_no_gradients():
    with pytest.raises(TypeError, match="5 is not a layer, a loss or a function"):
        check_gradients(5, np.ones(3))
