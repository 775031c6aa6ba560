"""Convolution, relu or nothing, and average pool in one pass against the definitions of its parts."""

import numpy as np
import pytest

from fastconv.ops import reference
from fastconv.ops.op import allocate, run
from fastconv.ops.primitives import Conv1DAveragePool1D, Conv2DAveragePool2D
from fastconv.runtime import memory
from tests import guarded
from tests.cases import FUSED_POOL_CASES, assert_within_rounding, integers
from tests.gradients import check_gradients

NAMES = ("y", "dx", "dw", "db")


def is_fusable(case):
    """Tell whether windows lie apart and inside of the image, and a byte has a bit for each of their cells."""
    strides = case.pool_strides or case.pool_size
    apart = all(stride >= size for stride, size in zip(strides, case.pool_size, strict=True))
    return apart and case.pool_padding == "valid" and np.prod(case.pool_size) <= 8


CASES = [case for case in FUSED_POOL_CASES if is_fusable(case)]
BOTH = pytest.mark.parametrize("rectified", [True, False], ids=["relu", "plain"])
ALL = pytest.mark.parametrize("case", CASES, ids=str)


def make(case, rectified):
    """Return the op of a case."""
    return Conv2DAveragePool2D(
        case.pool_size, case.pool_strides or case.pool_size, **case.conv.settings, rectified=rectified
    )


def define(case, rectified, x, w, b, dy):
    """Return y, dx, dw and db of the definition."""
    sums = reference.conv2d(x, w, b, **case.conv.settings)
    y = reference.average_pool2d(reference.relu(sums) if rectified else sums, **case.pool_settings)
    dsums = reference.average_pool2d_backward(dy, sums.shape, **case.pool_settings)
    dsums = reference.relu_backward(sums, dsums) if rectified else dsums
    return y, *reference.conv2d_backward(x, w, dsums, **case.conv.settings)


def fill(case, rng, draw):
    """Return images, filters, bias and a gradient that every window can share out exactly."""
    shape = make(case, True).output_shape(case.conv.images, case.conv.filters_shape)
    x, w, b = (draw(s) for s in (case.conv.images, case.conv.filters_shape, (case.conv.filters,)))
    return x, w, b, draw(shape) * np.prod(case.pool_size).astype(x.dtype)


def both_ways(op, x, w, b, dy, call=None):
    """Return y, dx, dw and db of the kernels."""
    y, backprop = (call or (lambda op, *arrays: op(*arrays)))(op, x, w, b)
    return y, *backprop(dy)


def filters_alone(op, x, w, b, dy):
    """Return y, dw and db where nobody wants the gradient of the images, as in a network's first layer."""
    site = op.site(x.shape, [w.shape, b.shape], x.dtype, wants_dx=False)
    site.__dict__.update(
        allocate(op.needs(site), x.dtype),
        x=x, y=memory.empty(site.y_shape, x.dtype), dx=None, dy=dy.copy(),
        params=(w, b), dparams=(np.empty_like(w), np.empty_like(b)),
    )  # fmt: skip
    run(op.prepare(site) + op.forward(site) + op.backward(site))
    return site.y, *site.dparams


def assert_equal(found, expected, names=NAMES):
    for name, actual, right in zip(names, found, expected, strict=True):
        if name == "y":  # three or six cells: their mean is rounded
            np.testing.assert_allclose(actual, right, 1e-6, 1e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(actual, right, err_msg=name, strict=True)


@BOTH
@ALL
def test_whole_numbers_are_exact(case, rectified, variant, rng):
    given = fill(case, rng, lambda shape: integers(rng, shape))
    expected = define(case, rectified, *given)
    assert_equal(both_ways(make(case, rectified), *given), expected)
    y, _, dw, db = expected
    assert_equal(filters_alone(make(case, rectified), *given), (y, dw, db), ("y", "dw", "db"))


@BOTH
@ALL
def test_whole_numbers_are_exact_in_float64(case, rectified, rng):
    given = fill(case, rng, lambda shape: integers(rng, shape, np.float64))
    expected = define(case, rectified, *given)
    assert_equal(both_ways(make(case, rectified), *given), expected)


@BOTH
@ALL
def test_nothing_outside_of_the_arrays_is_touched(case, rectified, variant, rng):
    given = fill(case, rng, lambda shape: integers(rng, shape))
    assert_equal(both_ways(make(case, rectified), *given, call=guarded.call), define(case, rectified, *given))


@ALL
def test_dead_everywhere(case, variant, rng):
    x, w, b, dy = fill(case, rng, lambda shape: integers(rng, shape))
    b -= 1e6
    for array in both_ways(make(case, True), x, w, b, dy):
        assert not array.any()


@ALL
def test_random_numbers_within_rounding(case, variant, rng):
    given = fill(case, rng, lambda shape: rng.standard_normal(shape).astype(np.float32))
    exact = [array.astype(np.float64) for array in given]
    found = both_ways(make(case, True), *given)
    largest = define(case, False, *(np.abs(array) for array in exact))
    for actual, right, magnitude in zip(found, define(case, True, *exact), largest, strict=True):
        assert_within_rounding(actual, right, magnitude)


@BOTH
@pytest.mark.parametrize("case", [case for case in CASES if 0 not in case.conv.images][::3], ids=str)
def test_gradients_by_differences(case, rectified, rng):
    x, w, b, dy = fill(case, rng, rng.standard_normal)
    op = make(case, rectified)
    _, *grads = both_ways(op, x, w, b, dy)
    check_gradients(lambda *arrays: op(*arrays)[0], (x, w, b), dy, grads, tolerance=1e-5)


def test_nan_reaches_its_window_alone(variant):
    x = np.ones((1, 4, 40, 40), np.float32)
    x[0, 0, 5, 3] = np.nan
    w = np.ones((1, 1, 40, 40), np.float32)
    y, _ = Conv2DAveragePool2D((2, 2), (2, 2))(x, w, None)
    assert np.isnan(y[0, 0, 2]).all() and np.isnan(y).sum() == 40


@pytest.mark.parametrize("name", ["2x2-leftover", "2x2-inputs-1", "2x2-groups", "2x2-same", "2x2-filters-64"])
def test_same_bits_for_any_number_of_threads(name, variant, set_num_threads, rng):
    case = next(case for case in CASES if str(case) == name)
    _, h, w, c = case.conv.images
    op = make(case, True)
    x = rng.standard_normal((23, h + 28, w + 28, c)).astype(np.float32)
    w, b = (rng.standard_normal(shape).astype(np.float32) for shape in (case.conv.filters_shape, case.conv.filters))
    dy = rng.standard_normal(op.output_shape(x.shape, w.shape)).astype(np.float32)
    set_num_threads(1)
    alone = (*both_ways(op, x, w, b, dy), *filters_alone(op, x, w, b, dy))
    for threads in (2, 3, 5):
        set_num_threads(threads)
        found = (*both_ways(op, x, w, b, dy), *filters_alone(op, x, w, b, dy))
        assert all(a.tobytes() == e.tobytes() for a, e in zip(found, alone, strict=True)), threads


def test_sequences(variant, rng):
    x, w, b = (integers(rng, shape) for shape in ((3, 21, 5), (3, 5, 17), (17,)))
    y, backprop = Conv1DAveragePool1D((2,), (3,), padding="same")(x, w, b)
    dy = integers(rng, y.shape) * 2
    image, filters = x[:, :, None], w[:, None]
    sums = reference.conv2d(image, filters, b, padding=((1, 1), (0, 0)))
    pool = {"pool_size": (2, 1), "strides": (3, 1)}
    np.testing.assert_array_equal(y, reference.average_pool2d(reference.relu(sums), **pool)[:, :, 0])
    dsums = reference.relu_backward(sums, reference.average_pool2d_backward(dy[:, :, None], sums.shape, **pool))
    dx, dw, db = reference.conv2d_backward(image, filters, dsums, padding=((1, 1), (0, 0)))
    for actual, right in zip(backprop(dy), (dx[:, :, 0], dw[:, 0], db), strict=True):
        np.testing.assert_array_equal(actual, right)
