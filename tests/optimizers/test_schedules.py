"""Schedules: their values at and between the steps that matter, their configs, and what they refuse."""

import pytest

from fastconv.optimizers import schedules as s


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (s.ExponentialDecay(1.0, 4, 0.25), {0: 1, 2: 0.5, 4: 0.25, 8: 0.0625}),
        (s.ExponentialDecay(1.0, 4, 0.25, staircase=True), {0: 1, 3: 1, 4: 0.25, 7: 0.25, 8: 0.0625}),
        (s.InverseTimeDecay(1.0, 4, 1.0), {0: 1, 4: 0.5, 12: 0.25}),
        (s.InverseTimeDecay(1.0, 4, 1.0, staircase=True), {0: 1, 3: 1, 4: 0.5, 7: 0.5}),
        (s.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.25]), {0: 1, 2: 1, 3: 0.5, 4: 0.5, 5: 0.25, 99: 0.25}),
        (s.PiecewiseConstantDecay([], [0.5]), {0: 0.5, 9: 0.5}),
        (s.PolynomialDecay(1.0, 4, 0.5), {0: 1, 2: 0.75, 4: 0.5, 99: 0.5}),
        (s.PolynomialDecay(1.0, 4, 0.0, power=2.0), {0: 1, 2: 0.25, 4: 0, 99: 0}),
        (s.PolynomialDecay(1.0, 4, 0.0, cycle=True), {0: 1, 4: 0, 6: 0.25, 8: 0, 9: 0.25, 12: 0}),
        (s.CosineDecay(1.0, 4), {0: 1, 2: 0.5, 4: 0, 99: 0}),
        (s.CosineDecay(1.0, 4, alpha=0.5), {0: 1, 2: 0.75, 4: 0.5, 99: 0.5}),
        (s.CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=2), {0: 0, 1: 0.5, 2: 1, 4: 0.5, 6: 0, 99: 0}),
        (s.CosineDecay(0.5, 4, warmup_target=1.0), {0: 1, 2: 0.5}),
        (s.CosineDecayRestarts(1.0, 4), {0: 1, 2: 0.5, 4: 1, 8: 0.5, 12: 1, 20: 0.5, 28: 1}),
        (s.CosineDecayRestarts(1.0, 4, t_mul=1.0, m_mul=0.5), {0: 1, 4: 0.5, 6: 0.25, 8: 0.25, 12: 0.125}),
        (s.CosineDecayRestarts(1.0, 4, t_mul=1.0, alpha=0.5), {0: 1, 2: 0.75, 4: 1}),
        # Where falls end exactly, the next one begins; logarithms would be a hair short there.
        (s.CosineDecayRestarts(1.0, 4, t_mul=1.5), {4: 1, 10: 1, 19: 1}),
        (s.CosineDecayRestarts(1.0, 1, t_mul=3.0), {1: 1, 4: 1, 13: 1, 40: 1, 121: 1, 364: 1}),
    ],
    ids=repr,
)
def test_values(schedule, values):
    assert {step: schedule(step) for step in values} == pytest.approx(values)
    assert all(type(schedule(step)) is float for step in values)


ALL = [
    s.ExponentialDecay(0.1, 7, 0.5, True, "mine"),
    s.InverseTimeDecay(0.1, 7, 0.5, True, "mine"),
    s.PolynomialDecay(0.1, 7, 0.01, 2.0, True, "mine"),
    s.PiecewiseConstantDecay([3], [0.1, 0.01], "mine"),
    s.CosineDecay(0.1, 7, 0.1, "mine", 0.2, 3),
    s.CosineDecayRestarts(0.1, 7, 1.5, 0.5, 0.1, "mine"),
]


@pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: type(schedule).__name__)
def test_round_trip(schedule):
    config = s.serialize(schedule)
    again = s.deserialize(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert schedule.name == "mine"
    assert config["module"] == "keras.optimizers.schedules"
    assert [again(step) for step in range(20)] == [schedule(step) for step in range(20)]


def test_all_are_tested():
    assert {type(schedule).__name__ for schedule in ALL} == set(s.__all__) - {
        "LearningRateSchedule",
        "deserialize",
        "serialize",
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: s.CosineDecay(0.1, -10), "CosineDecay: decay_steps=-10 is not above 0"),
        (lambda: s.CosineDecay(0.1, 10, warmup_steps=3), "warmup_steps=3 needs a warmup_target"),
        (lambda: s.CosineDecay(0.1, 10, warmup_steps=-3), "warmup_steps=-3"),
        (lambda: s.CosineDecay("a", 10), "CosineDecay: initial_learning_rate='a' is not a number"),
        (lambda: s.CosineDecay(0.1, float("nan")), "CosineDecay: decay_steps=nan is not a number"),
        (lambda: s.CosineDecayRestarts(0.1, 0), "CosineDecayRestarts: first_decay_steps=0 is not above 0"),
        (lambda: s.CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul=0.5 is not a number that is at least 1"),
        (lambda: s.ExponentialDecay(0.1, 0, 0.5), "ExponentialDecay: decay_steps=0 is not above 0"),
        (lambda: s.ExponentialDecay(0.1, 5, -0.5), "decay_rate=-0.5 is not a number that is at least 0"),
        (lambda: s.InverseTimeDecay(0.1, 0, 0.5), "InverseTimeDecay: decay_steps=0 is not above 0"),
        (lambda: s.PolynomialDecay(0.1, 0), "PolynomialDecay: decay_steps=0 is not above 0"),
        (lambda: s.PolynomialDecay(-0.1, 5), "initial_learning_rate=-0.1 is not a number that is at least 0"),
        (lambda: s.PiecewiseConstantDecay([1], [1]), "1 values for 1 boundaries; expected 2"),
        (lambda: s.PiecewiseConstantDecay([3, 1], [1, 2, 3]), "do not rise"),
        (lambda: s.deserialize({"class_name": "CosineDecy", "config": {}}), "Did you mean 'CosineDecay'"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_of_ones_own_must_say_what_it_does():
    with pytest.raises(NotImplementedError, match="LearningRateSchedule does not define __call__"):
        s.LearningRateSchedule()(0)
    with pytest.raises(NotImplementedError, match="does not define get_config"):
        s.LearningRateSchedule().get_config()
