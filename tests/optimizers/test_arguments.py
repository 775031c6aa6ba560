"""Constructors: every argument by name and by position, whole signatures, and nothing shared between optimizers."""

import inspect
import io
import pydoc

import pytest

from fastconv import optimizers
from fastconv.optimizers import arguments

RULES = [getattr(optimizers, name) for name in optimizers.__all__ if name[0].isupper() and name != "Optimizer"]
VALUES = {
    "learning_rate": 0.5,
    "weight_decay": 0.25,
    "clipnorm": None,
    "clipvalue": 3.0,
    "global_clipnorm": None,
    "use_ema": True,
    "ema_momentum": 0.5,
    "ema_overwrite_frequency": 7,
    "loss_scale_factor": 2.0,
    "gradient_accumulation_steps": 3,
    "name": "mine",
    "momentum": 0.125,
    "nesterov": True,
    "beta_1": 0.75,
    "beta_2": 0.625,
    "epsilon": 0.5,
    "amsgrad": True,
    "rho": 0.375,
    "centered": True,
    "initial_accumulator_value": 2.0,
    "learning_rate_power": -0.25,
    "l1_regularization_strength": 0.1,
    "l2_regularization_strength": 0.2,
    "l2_shrinkage_regularization_strength": 0.3,
    "beta": 0.4,
}


def parameters(rule):
    return [p for p in inspect.signature(rule).parameters if p != "kwargs"]


@pytest.mark.parametrize("rule", RULES)
def test_by_position_and_by_name(rule):
    given = {name: VALUES[name] for name in parameters(rule)}
    for optimizer in (rule(*given.values()), rule(**given)):
        assert optimizer.get_config() == given


@pytest.mark.parametrize("rule", RULES)
def test_defaults_are_what_the_signature_says(rule):
    defaults = {name: p.default for name, p in inspect.signature(rule).parameters.items() if name != "kwargs"}
    config = rule().get_config()
    assert config.pop("name").replace("_", "") == rule.__name__.lower()
    defaults.pop("name")
    assert config == pytest.approx(defaults)


@pytest.mark.parametrize("rule", RULES)
def test_help_shows_all_arguments(rule):
    page = io.StringIO()
    pydoc.Helper(output=page).help(rule)
    shown = page.getvalue().split("\n |", 1)[0]
    for name in parameters(rule):
        assert f"{name}=" in page.getvalue() or f"{name}=" in shown


@pytest.mark.parametrize("rule", RULES)
def test_too_many_and_twice(rule):
    count = len(parameters(rule))
    with pytest.raises(TypeError, match="too many positional arguments"):
        rule(*[None] * (count + 1))
    with pytest.raises(TypeError, match="multiple values for argument 'learning_rate'"):
        rule(0.1, learning_rate=0.1)


def test_the_written_list_is_that_of_the_base_class():
    base = [*inspect.signature(optimizers.Optimizer).parameters.values()]
    assert base[1:] == [*inspect.signature(arguments._shared).parameters.values()]
    assert set(arguments.SHARED) == {p.name for p in base} - {"learning_rate", "name", "kwargs"}


def test_a_subclass_passes_arguments_on():
    class Mine(optimizers.Adam):
        def __init__(self, **kwargs):
            super().__init__(0.5, beta_1=0.25, **kwargs)

    optimizer = Mine(clipnorm=2.0)
    assert (float(optimizer.learning_rate), optimizer.beta_1, optimizer.clipnorm) == (0.5, 0.25, 2.0)
    assert optimizer.name == "mine"
    with pytest.raises(ValueError, match=r"Mine: argument\(s\) not recognized: {'clip': 1}"):
        Mine(clip=1)
