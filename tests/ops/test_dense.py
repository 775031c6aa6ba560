"""The matrix product's kernels against the definition, in every variant and with any number of threads."""

import numpy as np
import pytest

from fastconv.ops import reference
from fastconv.ops.op import allocate
from fastconv.ops.op import run as run_calls
from fastconv.ops.primitives import Dense
from tests.cases import DENSE_CASES, DenseCase, assert_within_rounding, integers
from tests.gradients import check_gradients

NAMES = ("y", "dx", "dw", "db")
LARGE = [DenseCase(67, 401, 131), DenseCase(5, 3203, 129), DenseCase(2051, 65, 11)]


def fill(case, draw):
    """Return inputs, weights, bias and a gradient of a case."""
    shapes = (case.samples, case.inputs), (case.inputs, case.units), (case.units,), (case.samples, case.units)
    return [draw(shape) for shape in shapes]


def run(x, w, b, dy):
    """Return y, dx, dw and db."""
    y, backprop = Dense()(x, w, b)
    return y, *backprop(dy)


def check_exact(case, dtype, rng):
    """Assert equality, bit for bit, on whole numbers; nothing given may change."""
    given = fill(case, lambda shape: integers(rng, shape, dtype))
    copies = [array.copy() for array in given]
    x, w, b, dy = given
    expected = (reference.dense(x, w, b), *reference.dense_backward(x, w, dy))
    for name, actual, right in zip(NAMES, run(*given), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name, strict=True)
    for array, copy in zip(given, copies, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input has changed")


@pytest.mark.parametrize("case", DENSE_CASES + LARGE, ids=str)
def test_whole_numbers_are_exact(case, variant, rng):
    check_exact(case, np.float32, rng)


@pytest.mark.parametrize("case", DENSE_CASES, ids=str)
def test_whole_numbers_are_exact_in_float64(case, rng):
    check_exact(case, np.float64, rng)


@pytest.mark.parametrize("case", DENSE_CASES, ids=str)
def test_random_numbers_within_rounding(case, variant, rng):
    given = fill(case, lambda shape: rng.standard_normal(shape).astype(np.float32))
    x, w, b, dy = (array.astype(np.float64) for array in given)
    expected = (reference.dense(x, w, b), *reference.dense_backward(x, w, dy))
    x, w, b, dy = (np.abs(array) for array in (x, w, b, dy))
    magnitudes = (reference.dense(x, w, b), *reference.dense_backward(x, w, dy))
    for actual, right, magnitude in zip(run(*given), expected, magnitudes, strict=True):
        assert_within_rounding(actual, right, magnitude)


@pytest.mark.parametrize("case", DENSE_CASES, ids=str)
def test_without_bias(case, variant, rng):
    x, w, _, dy = fill(case, lambda shape: integers(rng, shape))
    y, backprop = Dense()(x, w, None)
    np.testing.assert_array_equal(y, x @ w)
    dx, dw, _ = backprop(dy)
    np.testing.assert_array_equal(dx, dy @ w.T)
    np.testing.assert_array_equal(dw, x.T @ dy)


@pytest.mark.parametrize("case", DENSE_CASES, ids=str)
def test_with_relu(case, variant, rng):
    x, w, b, dy = fill(case, lambda shape: integers(rng, shape))
    sums = reference.dense(x, w, b)
    expected = (reference.relu(sums), *reference.dense_backward(x, w, reference.relu_backward(sums, dy)))
    y, backprop = Dense(relu=True)(x, w, b)
    for name, actual, right in zip(NAMES, (y, *backprop(dy)), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("case", [case for case in DENSE_CASES if case.samples], ids=str)
def test_float64_gradients(case, rng):
    x, w, b, dy = fill(case, rng.standard_normal)
    op = Dense()
    check_gradients(lambda *inputs: op(*inputs)[0], (x, w, b), dy, op(x, w, b)[1](dy), samples=6)


@pytest.mark.parametrize("position", range(3))
def test_nan_spreads_where_it_is_read_and_nowhere_else(position, variant):
    x, w, b = np.ones((5, 9), np.float32), np.ones((9, 17), np.float32), np.ones(17, np.float32)
    (x, w, b)[position].flat[-1] = np.nan
    y = reference.dense(x, w, b)
    expected = (y, *reference.dense_backward(x, w, y))
    for name, actual, right in zip(NAMES, run(x, w, b, y), expected, strict=True):
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(right), err_msg=name)


@pytest.mark.parametrize("case", LARGE, ids=str)
def test_same_bits_for_any_number_of_threads(case, variant, set_num_threads, rng):
    given = fill(case, lambda shape: rng.standard_normal(shape).astype(np.float32))
    set_num_threads(1)
    alone = run(*given)
    for threads in (2, 3, 5):
        set_num_threads(threads)
        for name, actual, right in zip(NAMES, run(*given), alone, strict=True):
            assert actual.tobytes() == right.tobytes(), f"{name} differs with {threads} threads"


@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("samples", [0, 3, 60])
def test_gradients_that_nobody_wants(variant, wanted, samples, rng):
    """A frozen kernel or bias has no gradient: the other one's is the same without it."""
    op, x, w = Dense(), integers(rng, (samples, 33)), integers(rng, (33, 64))
    dy = integers(rng, (samples, 64))
    site = op.site(x.shape, [w.shape, (64,)], x.dtype, wants_dx=False)
    dparams = tuple(
        np.full(shape, 7, np.float32) if want else None for shape, want in zip([(33, 64), (64,)], wanted, strict=True)
    )
    arrays = allocate(op.needs(site), x.dtype)
    site.__dict__.update(arrays, x=x, y=None, dy=dy, dx=None, params=(w, None), dparams=dparams)
    run_calls(op.backward(site))
    for found, right in zip(dparams, (x.T @ dy, dy.sum(0)), strict=True):
        if found is not None:
            np.testing.assert_array_equal(found, right)
