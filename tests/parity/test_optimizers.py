"""Optimizers against Keras: twenty steps on random gradients for each combination of arguments."""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import optimizers
from fastconv.layers.variable import Variable
from fastconv.optimizers import schedules

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

SHAPES = [(3, 3, 2, 4), (4,), (5, 3)]
NAMES = ["kernel", "bias", "gamma"]

RULES = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"amsgrad": True, "beta_2": 0.7}),
    ("AdamW", {"learning_rate": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "rho": 0.7}),
]
COMMON = [
    {},
    {"weight_decay": 0.1},
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 1.0},
    {"use_ema": True, "ema_momentum": 0.5},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {
        "gradient_accumulation_steps": 2,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "clipnorm": 0.3,
        "weight_decay": 0.2,
    },
]


def pair(values, dtype="float32"):
    """Return the same variables for both libraries."""
    ours = [Variable(v.astype(dtype), name=n) for v, n in zip(values, NAMES, strict=True)]
    theirs = [keras.Variable(v, dtype=dtype, name=n) for v, n in zip(values, NAMES, strict=True)]
    return ours, theirs


def compare(rng, name, settings, steps=20, missing=None, dtype="float32", rtol=3e-5):
    values = [rng.normal(size=shape) for shape in SHAPES]
    ours, theirs = pair(values, dtype)
    our_settings, their_settings = settings
    optimizer = getattr(optimizers, name)(**our_settings)
    reference = getattr(keras.optimizers, name)(**their_settings)
    optimizer.build(ours)
    reference.build(theirs)
    for step in range(steps):
        grads = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
        before = [grad.copy() for grad in grads]
        if missing is not None and step % 3:
            grads[missing] = None
        optimizer.apply(grads, ours)
        reference.apply([None if g is None else keras.ops.convert_to_tensor(g) for g in grads], theirs)
        for grad, old in zip(grads, before, strict=True):
            assert grad is None or (grad == old).all()  # gradients belong to the caller
    assert int(optimizer.iterations) == int(reference.iterations)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.array, other.numpy(), rtol=rtol, atol=2e-6)
    assert [v.path for v in optimizer.variables] == [v.path for v in reference.variables]
    for mine, other in zip(optimizer.variables, reference.variables, strict=True):
        np.testing.assert_allclose(mine.array, other.numpy(), rtol=rtol, atol=2e-6)
    if optimizer.use_ema:
        optimizer.finalize_variable_values(ours)
        reference.finalize_variable_values(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine.array, other.numpy(), rtol=rtol, atol=2e-6)


@pytest.mark.parametrize("common", COMMON, ids=lambda c: "-".join(c) or "plain")
@pytest.mark.parametrize(("name", "settings"), RULES)
def test_twenty_steps(rng, name, settings, common):
    if name == "AdamW" and "weight_decay" in common:
        common = {**common, "weight_decay": 0.05}
    settings = {"name": "o", **settings, **common}
    compare(rng, name, (settings, settings))


@pytest.mark.filterwarnings("ignore:.*radients.*:UserWarning")
@pytest.mark.parametrize("missing", [0, 2])
@pytest.mark.parametrize(("name", "settings"), [RULES[1], RULES[5]])
def test_missing_gradients(rng, name, settings, missing):
    settings = {"name": "o", **settings, "clipnorm": 0.5, "weight_decay": 0.1}
    compare(rng, name, (settings, settings), missing=missing)


@pytest.mark.parametrize(("name", "settings"), [RULES[2], RULES[3]])
def test_double_precision(rng, name, settings):
    settings = {"name": "o", **settings}
    compare(rng, name, (settings, settings), dtype="float64", rtol=1e-6)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 7, 0.5), {}),
    ("ExponentialDecay", (0.1, 7, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([3, 6], [1.0, 0.5, 0.1]), {}),
    ("CosineDecay", (0.1, 10), {}),
    ("CosineDecay", (0.1, 10), {"alpha": 0.1, "warmup_target": 0.3, "warmup_steps": 4}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), SCHEDULES)
def test_schedules(rng, name, args, kwargs):
    mine, other = (
        getattr(schedules, name)(*args, **kwargs),
        getattr(keras.optimizers.schedules, name)(*args, **kwargs),
    )
    for step in range(30):
        np.testing.assert_allclose(mine(step), float(other(step)), rtol=1e-5, atol=1e-7)
    assert mine.get_config() == other.get_config()
    assert schedules.serialize(mine) == keras.optimizers.schedules.serialize(other)
    for common in ({}, {"gradient_accumulation_steps": 2}):
        common = {"name": "o", **common}
        settings = {"learning_rate": mine, **common}, {"learning_rate": other, **common}
        compare(rng, "SGD", settings)


@pytest.mark.parametrize(("name", "settings"), RULES)
def test_configs_are_those_of_keras(name, settings):
    mine, other = getattr(optimizers, name)(**settings), getattr(keras.optimizers, name)(**settings)
    assert mine.get_config() == {**other.get_config(), "name": mine.name}
    assert list(mine.get_config()) == list(other.get_config())
    assert type(optimizers.deserialize(keras.optimizers.serialize(other))) is type(mine)
    read = keras.optimizers.deserialize(optimizers.serialize(mine))
    assert type(read).__name__ == type(mine).__name__


def test_excluded_from_weight_decay(rng):
    values = [rng.normal(size=shape) for shape in SHAPES]
    ours, theirs = pair(values)
    settings = {"learning_rate": 0.1, "weight_decay": 0.5}
    optimizer, reference = optimizers.SGD(**settings), keras.optimizers.SGD(**settings)
    optimizer.exclude_from_weight_decay([ours[0]], ["bia"])
    reference.exclude_from_weight_decay([theirs[0]], ["bia"])
    grads = [np.zeros(shape, "float32") for shape in SHAPES]
    optimizer.apply(grads, ours)
    reference.apply([keras.ops.convert_to_tensor(g) for g in grads], theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.array, other.numpy(), rtol=1e-6)
    assert (ours[0].array == values[0].astype("float32")).all()


@pytest.mark.parametrize("name", [name for name in optimizers.__all__ if name not in {"Optimizer", "schedules"}])
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (optimizers, keras.optimizers))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
