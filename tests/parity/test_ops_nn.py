"""The activations of ops and of activations against Keras's functions: signatures, values, gradients."""

import inspect
import os

import numpy as np
import pytest

import fastconv
from fastconv.ops import nn

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

NAMES = [*nn.ACTIVATIONS, "swish", "hard_swish"]
ROUGH = ("softplus", "hard_sigmoid", "hard_silu", "hard_swish", "selu", "mish", "log_sigmoid")  # float32 constants


@pytest.mark.parametrize("name", [*NAMES, "one_hot"])
def test_signatures_of_ops(name):
    theirs, ours = (inspect.signature(getattr(library.ops, name)).parameters for library in (keras, fastconv))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("name", [name for name in dir(keras.activations) if not name.startswith("_")])
def test_signatures_of_activations(name):
    theirs, ours = (inspect.signature(getattr(library.activations, name)).parameters for library in (keras, fastconv))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


def settings_of(name):
    return {"threshold": {"threshold": 0.5, "default_value": -1.0}}.get(name, {})


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sparsemax"])
def test_values_and_gradients(name, rng):
    x = 2 * rng.standard_normal((4, 6))
    value, back = fastconv.ops.vjp(getattr(fastconv.ops, name), x, **settings_of(name))
    np.testing.assert_array_equal(getattr(fastconv.ops, name)(x, **settings_of(name)), value)
    tensor = torch.tensor(x, requires_grad=True)
    expected = getattr(keras.ops, name)(tensor, **settings_of(name))
    dy = rng.standard_normal(value.shape)
    near = 1e-7 if name in ROUGH else 1e-11
    np.testing.assert_allclose(value, expected.detach(), rtol=near, atol=near)
    (gradient,) = torch.autograd.grad(expected, tensor, torch.tensor(dy))
    np.testing.assert_allclose(back(dy)[0], gradient, rtol=near, atol=near)


@pytest.mark.parametrize(("x", "axis"), [([1, 3, 2, 0], -1), ([[1, 0], [3, 3]], 0), ([[1, 0], [3, 3]], 1), (2, -1)])
def test_one_hot(x, axis):
    expected = keras.ops.one_hot(np.array(x), 4, axis=axis)
    np.testing.assert_array_equal(fastconv.ops.one_hot(x, 4, axis=axis), expected, strict=True)


def test_one_hot_out_of_range_and_wrong_calls():
    np.testing.assert_array_equal(fastconv.ops.one_hot([-1, 4], 4), np.zeros((2, 4)))
    with pytest.raises(TypeError, match="ops.one_hot: x has dtype float"):
        fastconv.ops.one_hot([0.5], 4)
    with pytest.raises(ValueError, match="num_classes=0"):
        fastconv.ops.one_hot([1], 0)
    with pytest.raises(NotImplementedError, match="sparse=True"):
        fastconv.ops.one_hot([1], 2, sparse=True)
