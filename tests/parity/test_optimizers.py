"""Optimizers against Keras: twenty steps on random gradients for each combination of arguments."""

import inspect
import os
import re

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
    ("Adamax", {}),
    ("Adamax", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-3}),
    ("Nadam", {}),
    ("Nadam", {"learning_rate": 0.02, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adagrad", {}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    ("Adadelta", {}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.7, "epsilon": 1e-3}),
    ("Lion", {}),
    ("Lion", {"learning_rate": 0.02, "beta_1": 0.5, "beta_2": 0.7}),
    ("Ftrl", {}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.5, "beta": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.3,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
        },
    ),
    ("Ftrl", {"learning_rate_power": 0.0}),
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
    {"loss_scale_factor": 4.0, "clipvalue": 0.1},
    {"loss_scale_factor": 3.0, "gradient_accumulation_steps": 2, "global_clipnorm": 0.5},
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
    assert [v.path for v in optimizer.variables[:-1]] == [v.path for v in reference.variables[:-1]]
    if name != "Nadam":  # its last variable gets the next free name there
        assert optimizer.variables[-1].path == reference.variables[-1].path
    assert len(optimizer.variables) == len(reference.variables)
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


@pytest.mark.parametrize(("name", "settings"), RULES)
def test_double_precision(rng, name, settings):
    settings = {"name": "o", **settings}
    compare(rng, name, (settings, settings), dtype="float64", rtol=1e-6)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 7, 0.5), {}),
    ("ExponentialDecay", (0.1, 7, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([3, 6], [1.0, 0.5, 0.1]), {}),
    ("PolynomialDecay", (0.1, 10), {}),
    ("PolynomialDecay", (0.1, 10, 0.01), {"power": 2.0}),
    ("PolynomialDecay", (0.1, 7, 0.01, 0.5), {"cycle": True}),
    ("InverseTimeDecay", (0.1, 7, 0.5), {}),
    ("InverseTimeDecay", (0.1, 7, 0.5), {"staircase": True}),
    ("CosineDecayRestarts", (0.1, 5), {}),
    ("CosineDecayRestarts", (0.1, 4), {"t_mul": 1.0, "m_mul": 0.5, "alpha": 0.1}),
    ("CosineDecayRestarts", (0.1, 7, 1.5, 0.9), {}),  # restarts between steps: on one, its logarithms are a hair short
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
    assert re.fullmatch(rf"{mine.name}(_\d+)?", other.name)
    assert list(mine.get_config()) == list(other.get_config())
    assert type(optimizers.deserialize(keras.optimizers.serialize(other))) is type(mine)
    read = keras.optimizers.deserialize(optimizers.serialize(mine))
    assert type(read).__name__ == type(mine).__name__


BAD = [
    ("SGD", {"momentum": 1.5}),
    ("SGD", {"momentum": "fast"}),
    ("SGD", {"learning_rate": "fast"}),
    ("Adam", {"beta_3": 0.9}),
    ("Adam", {"clipnorm": 1.0, "clipvalue": 1.0}),
    ("Adam", {"gradient_accumulation_steps": 1}),
    ("Adam", {"use_ema": True, "ema_momentum": 1.5}),
    ("Adam", {"use_ema": True, "ema_overwrite_frequency": 0.5}),
    ("AdamW", {"weight_decay": None}),
    ("Lion", {"beta_1": 0.0}),
    ("Ftrl", {"learning_rate_power": 1.0}),
    ("Ftrl", {"initial_accumulator_value": -1.0}),
    ("Ftrl", {"l1_regularization_strength": -1.0}),
    ("Ftrl", {"l2_shrinkage_regularization_strength": -1.0}),
]


@pytest.mark.parametrize(("name", "settings"), BAD)
def test_what_keras_refuses_is_refused_with_the_same_class(name, settings):
    for module in (optimizers, keras.optimizers):
        with pytest.raises(ValueError):  # noqa: PT011
            getattr(module, name)(**settings)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("ExponentialDecay", (0.1, 0, 0.5)),
        ("InverseTimeDecay", (0.1, -1, 0.5)),
        ("PolynomialDecay", (0.1, 0)),
        ("CosineDecay", (0.1, 0)),
        ("CosineDecayRestarts", (0.1, 0)),
        ("PiecewiseConstantDecay", ([1, 2], [0.1])),
    ],
)
def test_schedules_that_keras_refuses(name, args):
    for module in (schedules, keras.optimizers.schedules):
        with pytest.raises(ValueError):  # noqa: PT011
            getattr(module, name)(*args)


@pytest.mark.parametrize("seed", range(12))
def test_settings_at_random(seed):
    rng = np.random.default_rng(seed)
    name, settings = RULES[rng.integers(len(RULES))]
    rate = settings.get("learning_rate", 0.01)
    settings = {
        **settings,
        "name": "o",
        "weight_decay": float(rng.uniform(0, 0.3)),
        "use_ema": bool(rng.integers(2)),
        "ema_momentum": float(rng.uniform()),
        "ema_overwrite_frequency": [None, 1, 4][rng.integers(3)],
        "loss_scale_factor": [None, 2.0, 10.0][rng.integers(3)],
        "gradient_accumulation_steps": [None, 2, 5][rng.integers(3)],
        ["clipnorm", "clipvalue", "global_clipnorm"][rng.integers(3)]: float(rng.uniform(0.1, 3)),
    }
    rates = [
        module.ExponentialDecay(rate, 10, 0.5) if seed % 2 else rate
        for module in (schedules, keras.optimizers.schedules)
    ]
    ours, theirs = ({**settings, "learning_rate": rate} for rate in rates)
    compare(rng, name, (ours, theirs))


def test_slots_for_optimizers_of_ones_own():
    names = []
    for module, variable in ((optimizers, Variable), (keras.optimizers, keras.Variable)):

        class Mine(module.Optimizer):
            def build(self, variables):
                if self.built:
                    return
                super().build(variables)
                self.a, self.b = self.add_optimizer_variables(variables, ["a", "b"], ["zeros", "ones"])
                self.c = self.add_optimizer_variables(variables, "c")
                self.d = self.add_variable((2,), "ones", "float32", "none", None, "d")

        mine = Mine(0.1, name="mine")
        mine.build([variable(np.zeros(2, "float32"), name=name) for name in ("kernel", "bias")])
        names.append([v.path for v in mine.variables])
        assert [mine._get_variable_index(v) for v in mine._trainable_variables] == [0, 1]
    assert names[0] == names[1]


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
