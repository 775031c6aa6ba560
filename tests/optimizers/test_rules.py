"""Every rule's kernel against NumPy, on awkward sizes, in every variant and with any number of threads."""

import math

import numpy as np
import pytest

from fastconv import optimizers
from fastconv.layers.variable import Variable
from fastconv.ops import reference

# One value, none at all, a scalar, around the width of a vector, and several slices of a sweep with a rest.
SHAPES = [(1,), (0,), (), (3,), (5, 3), (15,), (16,), (17,), (3, 3, 2, 4), (8192,), (8193,), (2, 8200)]

RULES = [
    (optimizers.SGD, {}),
    (optimizers.SGD, {"momentum": 0.9}),
    (optimizers.SGD, {"momentum": 0.8, "nesterov": True}),
    (optimizers.Adam, {"epsilon": 1e-3}),
    (optimizers.AdamW, {"epsilon": 1e-3}),
    (optimizers.Adam, {"beta_2": 0.5, "epsilon": 1e-3, "amsgrad": True}),
    (optimizers.Adamax, {"epsilon": 1e-3}),
    (optimizers.Nadam, {"epsilon": 1e-3}),
    (optimizers.Adagrad, {}),
    (optimizers.Adadelta, {"epsilon": 1e-3}),
    (optimizers.RMSprop, {}),
    (optimizers.RMSprop, {"rho": 0.7, "momentum": 0.8, "epsilon": 0.1, "centered": True}),
    (optimizers.Lion, {"beta_1": 0.7}),
    (optimizers.Ftrl, {"l1_regularization_strength": 0.3, "beta": 0.1}),
    (
        optimizers.Ftrl,
        {
            "learning_rate_power": -0.7,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
        },
    ),
]
IDS = [f"{make.__name__}-{'-'.join(settings) or 'plain'}" for make, settings in RULES]
COMMON = [
    {},
    {"weight_decay": 0.1, "clipvalue": 0.5},
    {"weight_decay": 0.1, "clipnorm": 0.5},
    {"global_clipnorm": 1.5, "loss_scale_factor": 4.0},
    {"gradient_accumulation_steps": 2, "clipnorm": 0.5, "weight_decay": 0.2, "loss_scale_factor": 3.0},
]
RATE = 2**-7  # the learning rate is kept in float32


class Plain:
    """The same optimizers as the definition says: everything in float64, one variable after the other."""

    def __init__(self, kind, settings, values):
        self.o = kind(RATE, **settings)  # for its arguments only
        self.rule = getattr(self, kind.__name__.lower().removesuffix("w"))
        self.values = [np.array(v, np.float64) for v in values]
        self.memory = [{} for _ in values]
        self.sums = [np.zeros_like(v) for v in self.values]
        self.calls = self.changes = 0

    def apply(self, grads):
        grads = [g / (self.o.loss_scale_factor or 1) for g in grads]
        steps = self.o.gradient_accumulation_steps or 1
        self.sums = [total + g for total, g in zip(self.sums, grads, strict=True)]
        self.calls += 1
        if self.calls % steps == 0:
            self.change(self.clipped([total / steps for total in self.sums]))
            self.sums = [np.zeros_like(v) for v in self.values]

    def clipped(self, grads):
        if self.o.clipvalue:
            return [np.clip(g, -self.o.clipvalue, self.o.clipvalue) for g in grads]
        norms = [math.sqrt((g * g).sum()) for g in grads]
        if self.o.clipnorm:
            return [g * min(1, self.o.clipnorm / n) if n else g for g, n in zip(grads, norms, strict=True)]
        if self.o.global_clipnorm:
            return [g * min(1, self.o.global_clipnorm / math.hypot(*norms)) for g in grads]
        return grads

    def change(self, grads):
        self.changes += 1
        for i, grad in enumerate(grads):
            value = self.values[i] * (1 - (self.o.weight_decay or 0) * RATE)
            self.values[i] = self.rule(value, grad, self.memory[i])

    def recall(self, memory, *names, begin=0.0):
        return [memory.get(name, begin) for name in names]

    def sgd(self, w, g, memory):
        w, memory["v"] = reference.sgd_update(w, g, *self.recall(memory, "v"), RATE, self.o.momentum, self.o.nesterov)
        return w

    def adam(self, w, g, memory):
        o, before = self.o, w
        w, memory["m"], memory["v"] = reference.adam_update(
            w, g, *self.recall(memory, "m", "v"), RATE, o.beta_1, o.beta_2, o.epsilon, self.changes
        )
        if not o.amsgrad:
            return w
        memory["top"] = np.maximum(memory.get("top", 0), memory["v"])
        alpha = RATE * math.sqrt(1 - o.beta_2**self.changes) / (1 - o.beta_1**self.changes)
        return before - alpha * memory["m"] / (np.sqrt(memory["top"]) + o.epsilon)

    def adamax(self, w, g, memory):
        o = self.o
        w, memory["m"], memory["u"] = reference.adamax_update(
            w, g, *self.recall(memory, "m", "u"), RATE, o.beta_1, o.beta_2, o.epsilon, self.changes
        )
        return w

    def nadam(self, w, g, memory):
        o = self.o
        w, memory["m"], memory["v"], memory["product"] = reference.nadam_update(
            w,
            g,
            *self.recall(memory, "m", "v"),
            memory.get("product", 1),
            RATE,
            o.beta_1,
            o.beta_2,
            o.epsilon,
            self.changes,
        )
        return w

    def adagrad(self, w, g, memory):
        sums = memory.get("sums", self.o.initial_accumulator_value)
        w, memory["sums"] = reference.adagrad_update(w, g, sums, RATE, self.o.epsilon)
        return w

    def adadelta(self, w, g, memory):
        w, memory["a"], memory["d"] = reference.adadelta_update(
            w, g, *self.recall(memory, "a", "d"), RATE, self.o.rho, self.o.epsilon
        )
        return w

    def rmsprop(self, w, g, memory):
        o = self.o
        w, memory["v"], memory["mean"], memory["m"] = reference.rmsprop_update(
            w, g, *self.recall(memory, "v", "mean", "m"), RATE, o.rho, o.momentum, o.epsilon, o.centered
        )
        return w

    def lion(self, w, g, memory):
        w, memory["m"] = reference.lion_update(w, g, *self.recall(memory, "m"), RATE, self.o.beta_1, self.o.beta_2)
        return w

    def ftrl(self, w, g, memory):
        o = self.o
        w, memory["a"], memory["z"] = reference.ftrl_update(
            w,
            g,
            memory.get("a", o.initial_accumulator_value),
            memory.get("z", 0),
            RATE,
            o.learning_rate_power,
            o.l1_regularization_strength,
            o.l2_regularization_strength,
            o.l2_shrinkage_regularization_strength,
            o.beta,
        )
        return w


def follow(kind, settings, rng, dtype, steps=5):
    """Do steps with an optimizer and by the definition; return the weights of both."""
    values = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    variables = [Variable(value.copy(), name=f"v{i}") for i, value in enumerate(values)]
    optimizer, plain = kind(RATE, **settings), Plain(kind, settings, values)
    for _ in range(steps):
        grads = [np.asarray(rng.normal(size=shape), dtype) for shape in SHAPES]
        optimizer.apply(grads, variables)
        plain.apply([grad.astype("float64") for grad in grads])
    return [v.array for v in variables], plain.values


@pytest.mark.parametrize("common", COMMON, ids=lambda c: "-".join(c) or "plain")
@pytest.mark.parametrize(("kind", "settings"), RULES, ids=IDS)
def test_as_defined(kind, settings, common, variant, rng):
    for actual, expected in zip(*follow(kind, settings | common, rng, "float32"), strict=True):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("common", COMMON, ids=lambda c: "-".join(c) or "plain")
@pytest.mark.parametrize(("kind", "settings"), RULES, ids=IDS)
def test_as_defined_in_float64(kind, settings, common, rng):
    for actual, expected in zip(*follow(kind, settings | common, rng, "float64"), strict=True):
        assert actual.dtype == np.float64
        np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("common", COMMON, ids=lambda c: "-".join(c) or "plain")
@pytest.mark.parametrize(("kind", "settings"), RULES, ids=IDS)
def test_the_same_bits_for_any_number_of_threads(kind, settings, common, set_num_threads):
    results = []
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        # With this many values, work is split.
        rng = np.random.default_rng(1)
        variables = [Variable(rng.normal(size=n).astype("f")) for n in (300_000, 7, 8193)]
        optimizer = kind(RATE, **settings, **common)
        for _ in range(3):
            optimizer.apply([rng.normal(size=v.shape).astype("f") for v in variables], variables)
        results.append(np.concatenate([v.array for v in variables]))
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}], ids=str)
def test_sums_of_powers_of_two_are_exact(settings, variant, rng):
    variable, velocity = Variable(np.zeros(37, "float32")), np.zeros(37)
    expected, optimizer = np.zeros(37), optimizers.SGD(0.5, **settings)
    for _ in range(4):
        grad = rng.integers(-4, 5, 37).astype("float32")
        optimizer.apply([grad], [variable])
        expected, velocity = reference.sgd_update(expected, grad, velocity, 0.5, **settings)
    np.testing.assert_array_equal(variable.array, expected)


@pytest.mark.parametrize(("kind", "settings"), RULES, ids=IDS)
def test_a_step_of_one_variable_is_that_of_all(kind, settings, rng):
    values = rng.normal(size=9).astype("f"), rng.normal(size=(2, 3)).astype("f")
    one, other = ([Variable(v.copy()) for v in values] for _ in range(2))
    first, second = kind(RATE, **settings, weight_decay=0.0), kind(RATE, **settings, weight_decay=0.0)
    first.build(one)
    second.build(other)
    for _ in range(3):
        grads = [rng.normal(size=v.shape).astype("f") for v in values]
        first.apply(grads)
        second._begin(int(second.iterations) + 1)
        for grad, variable in zip(grads, other, strict=True):
            second.update_step(grad, variable, float(second.learning_rate))
        second._iteration.assign_add(1)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.array, b.array)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_a_norm_that_is_no_number_spoils_what_it_clips(bad, clip, variant):
    bad_one, good_one = Variable(np.ones(20, "f")), Variable(np.ones(20, "f"))
    grad = np.ones(20, "f")
    grad[3] = bad
    optimizers.SGD(0.1, **{clip: 1.0}).apply([grad, np.ones(20, "f")], [bad_one, good_one])
    assert np.isnan(bad_one.array).all()
    assert np.isnan(good_one.array).all() == (clip == "global_clipnorm")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [3, 16, 40])
def test_values_are_clipped_and_nan_passes(bad, size, variant):
    weight, grad = Variable(np.zeros(size, "f")), np.full(size, 0.25, "f")
    grad[[0, -1]] = bad, -3.0
    optimizers.SGD(1.0, clipvalue=0.5).apply([grad], [weight])
    expected = np.full(size, -0.25, "f")
    expected[[0, -1]] = -np.clip(bad, -0.5, 0.5), 0.5
    np.testing.assert_array_equal(weight.array, expected)


def test_a_variance_below_zero_by_rounding_is_none(variant):
    weight = Variable(np.ones(33, "f"))
    optimizer = optimizers.RMSprop(0.1, rho=0.1, centered=True)
    for _ in range(40):  # the mean of equal gradients, squared, against the mean of their squares
        optimizer.apply([np.full(33, 0.3, "f")], [weight])
    assert np.isfinite(weight.array).all()


def test_lion_stays_where_nothing_pulls(variant):
    weight = Variable(np.arange(5, dtype="f"))
    optimizers.Lion(1.0).apply([np.array([0, -0.0, 2, -1e-30, 1e30], "f")], [weight])
    assert weight.numpy().tolist() == [0, 1, 1, 4, 3]


def test_ftrl_refuses_a_learning_rate_of_zero():
    weight = Variable([1.0])
    with pytest.raises(ValueError, match=r"Ftrl: its learning rate is 0.0 at step 1; expected a number above 0"):
        optimizers.Ftrl(0.0).apply([np.ones(1, "f")], [weight])
    assert weight.numpy() == 1
