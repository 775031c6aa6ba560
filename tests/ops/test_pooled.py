"""An activation or a normalization and the pool behind it as one op: against the two in a row, and by differences."""

import numpy as np
import pytest

from fastconv.ops import primitives as P
from tests import guarded
from tests.cases import POOL_CASES, integers
from tests.gradients import check_gradients

PLAIN = [case for case in POOL_CASES if isinstance(case.padding, str) and np.prod(case.pool_size) <= 254]
APART = [case for case in PLAIN if all(np.greater_equal(case.strides or case.pool_size, case.pool_size))]
FILLED = [case for case in PLAIN if case.images[0]]


def norm_pool(case, relu=True):
    """Return the fused op, its two parts, and a function that draws parameters."""
    strides = case.strides or case.pool_size
    fused = P.BatchNormMaxPool2D(case.pool_size, strides, case.padding, behind=("relu",) if relu else None)
    return fused, P.BatchNorm(behind=("relu",) if relu else None), P.MaxPool2D(case.pool_size, strides, case.padding)


def draw(case, rng, dtype=np.float32):
    """Return images, and gamma, beta, mean and variance; some of gamma are negative, one is 0."""
    channels = case.images[3]
    gamma, beta = rng.standard_normal((2, channels)).astype(dtype)
    gamma[-1] = 0
    return (
        rng.standard_normal(case.images).astype(dtype),
        gamma,
        beta,
        np.zeros(channels, dtype),
        np.ones(channels, dtype),
    )


@pytest.mark.parametrize("relu", [True, False], ids=["relu", "plain"])
@pytest.mark.parametrize("case", FILLED, ids=str)
def test_normalization_and_pool_are_the_two_in_a_row(case, relu, variant, rng):
    fused, norm, pool = norm_pool(case, relu)
    x, gamma, beta, *moving = draw(case, rng)
    z, back_norm = norm(x, gamma, beta, *(m.copy() for m in moving))
    right, back_pool = pool(z)
    y, back = fused(x, gamma, beta, *moving)
    np.testing.assert_array_equal(y, right, strict=True)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    expected = back_norm(back_pool(dy)[0])
    for name, a, e in zip(("dx", "dgamma", "dbeta"), back(dy), expected, strict=False):
        scale = max(1.0, np.abs(e).max())
        np.testing.assert_allclose(a, e, 2e-5, 2e-5 * scale, err_msg=name)


@pytest.mark.parametrize("case", FILLED[::4], ids=str)
def test_gradients_of_normalization_and_pool_by_differences(case, rng):
    fused, *_ = norm_pool(case)
    x, gamma, beta, *moving = draw(case, rng, np.float64)
    gamma[-1] = 0.5  # where it is 0 all cells are equal, and nothing has a slope
    y, back = fused(x, gamma, beta, *moving)
    dy = rng.standard_normal(y.shape)
    dx, dgamma, dbeta, *_ = back(dy)

    def forward(x, gamma, beta):
        return fused(x, gamma, beta, *(m.copy() for m in moving))[0]

    if case.images[:3] != (2, 1, 1):  # two values of a channel are always one deviation from their mean
        check_gradients(forward, (x, gamma, beta), dy, (dx, dgamma, dbeta), tolerance=1e-4)


def test_a_dead_window_moves_nothing_but_the_mean(variant):
    x = np.arange(64, dtype=np.float32).reshape(1, 4, 4, 4)
    gamma, beta = np.ones(4, np.float32), np.full(4, -9, np.float32)
    y, back = P.BatchNormMaxPool2D((2, 2), (2, 2), behind=("relu",))(
        x, gamma, beta, np.zeros(4, np.float32), gamma.copy()
    )
    assert not y.any()
    assert not any(np.any(d) for d in back(np.ones_like(y))[:3])


@pytest.mark.parametrize("op", ["norm", "activation"])
def test_same_bits_for_any_number_of_threads(op, variant, set_num_threads, rng):
    x = rng.standard_normal((9, 29, 31, 35)).astype(np.float32)
    found = []
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        if op == "norm":
            row = np.ones(35, np.float32)
            y, back = P.BatchNormMaxPool2D((3, 3), (2, 2), behind=("relu",))(x, row, row, row.copy(), row.copy())
        else:
            y, back = P.ActivationAveragePool2D("tanh", (2, 2))(x)
        found.append([a.tobytes() for a in (y, *back(y)) if a is not None])
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("function", ["tanh", "sigmoid", "elu", "gelu"])
@pytest.mark.parametrize("case", APART, ids=str)
def test_activation_and_average_are_the_two_in_a_row(case, function, variant, rng):
    x = rng.standard_normal(case.images).astype(np.float32)
    fused = P.ActivationAveragePool2D(function, case.pool_size, case.strides, case.padding)
    z, back_activation = P.Elementwise(function)(x)
    right, back_pool = P.AveragePool2D(case.pool_size, case.strides, case.padding)(z)
    y, back = guarded.call(fused, x)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = back(dy)[0]
    for a, e in ((y, right), (dx, back_activation(back_pool(dy)[0])[0])):
        np.testing.assert_allclose(a, e, 1e-5, 1e-6, strict=True)


def test_nan_stays_in_its_window(variant):
    x = np.zeros((1, 4, 4, 33), np.float32)
    x[0, 1, 2, 7] = np.nan
    y, _ = P.ActivationAveragePool2D("tanh", (2, 2))(x)
    assert np.argwhere(np.isnan(y)).tolist() == [[0, 0, 1, 7]]


def test_zeros_of_both_signs_are_equal(variant):
    x = integers(np.random.default_rng(0), (2, 8, 9, 33), limit=0)
    x[:, ::2] = -0.0
    y, back = P.MaxPool2D((3, 3), (2, 2))(x)
    dx = back(np.ones_like(y))[0]
    first = np.zeros_like(dx)
    first[:, 0:6:2, 0:8:2] = 1
    np.testing.assert_array_equal(dx, first)
