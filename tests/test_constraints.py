"""Constraints: what they make of weights, names, and that they act after each step of training."""

import numpy as np
import pytest

from fastconv import constraints, layers
from fastconv.models import Sequential

ALL = [
    constraints.MaxNorm(1.5),
    constraints.MaxNorm(0.5, axis=[0, 1]),
    constraints.NonNeg(),
    constraints.UnitNorm(),
    constraints.UnitNorm(axis=1),
    constraints.MinMaxNorm(0.5, 1.0),
    constraints.MinMaxNorm(0.5, 1.0, rate=0.5, axis=(0, 1)),
]


def norms(w, axis=0):
    return np.sqrt(np.square(w).sum(axis))


def test_what_they_make(rng):
    w = 3 * rng.standard_normal((5, 40)).astype(np.float32)
    w[:, 0] = 1e-3
    kept = norms(w) <= 4
    assert 0 < kept.sum() < 40
    limited = constraints.MaxNorm(4)(w)
    np.testing.assert_allclose(norms(limited), np.minimum(norms(w), 4), rtol=1e-3)
    np.testing.assert_allclose(limited[:, kept], w[:, kept], rtol=1e-3)
    np.testing.assert_allclose(norms(constraints.UnitNorm()(w)), 1, rtol=1e-4)
    np.testing.assert_allclose(norms(constraints.UnitNorm(axis=1)(w), 1), 1, rtol=1e-4)
    np.testing.assert_allclose(norms(constraints.MinMaxNorm(2, 4)(w)), np.clip(norms(w), 2, 4), rtol=1e-3)
    half = constraints.MinMaxNorm(2, 4, rate=0.5)(w)
    np.testing.assert_allclose(norms(half), (np.clip(norms(w), 2, 4) + norms(w)) / 2, rtol=1e-3)
    np.testing.assert_array_equal(constraints.NonNeg()(w), np.maximum(w, 0))


@pytest.mark.parametrize("constraint", ALL, ids=lambda c: type(c).__name__ + str(c.get_config()))
def test_types_and_configs(constraint, rng):
    for dtype in ("float32", "float64"):
        assert constraint(rng.standard_normal((3, 4)).astype(dtype)).dtype == dtype
    for config in (constraints.serialize(constraint), {"class_name": type(constraint).__name__,
                                                       "config": constraint.get_config()}):  # fmt: skip
        assert constraints.get(config).get_config() == constraint.get_config()


def test_names():
    assert constraints.get(None) is None
    assert constraints.get(abs) is abs
    for name, cls in (("non_neg", constraints.NonNeg), ("MaxNorm", constraints.MaxNorm)):
        assert type(constraints.get(name)) is cls
    with pytest.raises(ValueError, match="Could not interpret constraint identifier: 5"):
        constraints.get(5)
    with pytest.raises(ValueError, match=r"Layer 'n' \(Dense\): kernel_constraint: .*Did you mean 'unit_norm'"):
        layers.Dense(3, kernel_constraint="unit_nrom", name="n")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_they_act_after_each_step(optimizer, rng):
    conv = layers.Conv2D(4, 3, activation="relu", kernel_constraint=constraints.UnitNorm([0, 1, 2]))
    dense = layers.Dense(2, kernel_constraint="non_neg", bias_constraint=lambda w: np.minimum(w, 0))
    model = Sequential([layers.Input((6, 6, 1)), conv, layers.Flatten(), dense])
    model.compile(optimizer, "mse")
    for _ in range(3):
        model.train_on_batch(rng.standard_normal((4, 6, 6, 1)), rng.standard_normal((4, 2)))
        np.testing.assert_allclose(norms(conv.kernel.array, (0, 1, 2)), 1, rtol=1e-5)
        assert (dense.kernel.array >= 0).all() and (dense.bias.array <= 0).all()
    x = rng.standard_normal((2, 6, 6, 1)).astype(np.float32)  # what is made of the weights is made anew
    np.testing.assert_allclose(model.predict(x, verbose=0), dense(np.float32(conv(x)).reshape(2, -1)), rtol=1e-5)
