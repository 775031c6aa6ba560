"""The pools' kernels against the definition, in every variant and with any number of threads."""

import numpy as np
import pytest

from fastconv.ops import reference
from fastconv.ops.primitives import AveragePool2D, MaxPool2D
from tests.cases import POOL_CASES, assert_within_rounding, distinct, integers
from tests.gradients import check_gradients

NON_EMPTY = [case for case in POOL_CASES if case.images[0]]
LARGE = {"pool_size": (3, 3), "strides": (2, 2), "padding": "same"}


def max_pool(x, dy_of, settings):
    """Return y, dy and dx of a max pool, as the kernels and as the reference compute them."""
    y, backprop = MaxPool2D(**settings)(x)
    expected, which = reference.max_pool2d(x, **settings)
    dy = dy_of(expected.shape)
    (dx,) = backprop(dy)
    return (y, dx), (expected, reference.max_pool2d_backward(dy, which, x.shape, **settings))


def assert_equal(actual, expected):
    """Assert that results and gradients are equal and of one type; NaN equals NaN."""
    for name, a, e in zip(("y", "dx"), actual, expected, strict=True):
        np.testing.assert_array_equal(a, e, err_msg=name, strict=True)


@pytest.mark.parametrize("case", POOL_CASES, ids=str)
def test_max_is_exact(case, variant, rng):
    x = distinct(rng, case.images, np.float32)
    before = x.copy()
    assert_equal(*max_pool(x, lambda shape: integers(rng, shape), case.settings))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("case", POOL_CASES, ids=str)
def test_the_first_of_equals_gets_the_gradient(case, variant, rng):
    x = integers(rng, case.images, limit=1)
    assert_equal(*max_pool(x, lambda shape: integers(rng, shape), case.settings))


@pytest.mark.parametrize("case", POOL_CASES, ids=str)
def test_max_is_exact_in_float64(case, rng):
    x = integers(rng, case.images, np.float64, limit=2)
    assert_equal(*max_pool(x, lambda shape: integers(rng, shape, np.float64), case.settings))


@pytest.mark.parametrize("case", NON_EMPTY, ids=str)
def test_max_of_infinities(case, variant, rng):
    values = np.array([-np.inf, -1, 0, 2, np.inf], np.float32)
    x = rng.choice(values, case.images, p=[0.6, 0.2, 0.1, 0.05, 0.05])
    assert_equal(*max_pool(x, lambda shape: integers(rng, shape), case.settings))


@pytest.mark.parametrize("case", NON_EMPTY, ids=str)
def test_max_of_several_nan_is_nan(case, variant, rng):
    # Which of them gets the gradient is nobody's business.
    x = rng.choice(np.array([-1, 2, np.inf, np.nan], np.float32), case.images, p=[0.6, 0.2, 0.1, 0.1])
    y, _ = MaxPool2D(**case.settings)(x)
    np.testing.assert_array_equal(y, reference.max_pool2d(x, **case.settings)[0])


@pytest.mark.parametrize("case", NON_EMPTY, ids=str)
def test_a_lone_nan_wins_and_gets_the_gradient(case, variant, rng):
    x = integers(rng, case.images)
    n, h, w, c = case.images
    cells = rng.integers(0, h * w, (n, 1, c))
    np.put_along_axis(x.reshape(n, h * w, c), cells, np.nan, axis=1)
    assert_equal(*max_pool(x, lambda shape: integers(rng, shape), case.settings))


@pytest.mark.parametrize("case", NON_EMPTY, ids=str)
def test_max_of_nothing_but_minus_infinity(case, variant, rng):
    x = np.full(case.images, -np.inf, np.float32)
    assert_equal(*max_pool(x, lambda shape: integers(rng, shape), case.settings))


#: The first and the last row of windows lie wholly in the padding, and so do some columns.
ALL_PADDING = [
    {"pool_size": (2, 2), "padding": ((2, 4), (3, 2))},
    {"pool_size": (2, 3), "strides": (1, 2), "padding": ((3, 2), (4, 4))},
    {"pool_size": (17, 16), "strides": (16, 16), "padding": ((18, 17), (17, 16))},
]


@pytest.mark.parametrize("channels", [1, 16, 19])
@pytest.mark.parametrize("settings", ALL_PADDING)
def test_windows_without_cells(settings, channels, variant, rng):
    x = integers(rng, (2, 4, 5, channels))
    results = max_pool(x, lambda shape: integers(rng, shape), settings)
    assert np.isneginf(results[1][0]).any()
    assert_equal(*results)
    y, backprop = AveragePool2D(**settings)(x)
    dy = integers(rng, y.shape)
    np.testing.assert_allclose(y, reference.average_pool2d(x, **settings), rtol=1e-6)
    expected = reference.average_pool2d_backward(dy, x.shape, **settings)
    np.testing.assert_allclose(backprop(dy)[0], expected, rtol=1e-5, atol=1e-6)


def check_average(case, x, dy):
    """Assert that an average pool and its gradient are right to rounding."""
    y, backprop = AveragePool2D(**case.settings)(x)
    (dx,) = backprop(dy)
    x, dy = x.astype(np.float64), dy.astype(np.float64)
    right = (
        reference.average_pool2d(x, **case.settings),
        reference.average_pool2d_backward(dy, x.shape, **case.settings),
    )
    sizes = (
        reference.average_pool2d(np.abs(x), **case.settings),
        reference.average_pool2d_backward(np.abs(dy), x.shape, **case.settings),
    )
    for actual, expected, size in zip((y, dx), right, sizes, strict=True):
        assert_within_rounding(actual, expected, size, factor=2 + max(case.pool_size))


def average_shape(case):
    """Return the shape of the result of a pool."""
    return reference.average_pool2d(np.zeros(case.images), **case.settings).shape


@pytest.mark.parametrize("case", POOL_CASES, ids=str)
def test_average(case, variant, rng):
    x = rng.standard_normal(case.images).astype(np.float32)
    check_average(case, x, rng.standard_normal(average_shape(case)).astype(np.float32))


@pytest.mark.parametrize("case", POOL_CASES, ids=str)
def test_average_in_float64(case, rng):
    check_average(case, rng.standard_normal(case.images), rng.standard_normal(average_shape(case)))


@pytest.mark.parametrize("case", POOL_CASES, ids=str)
def test_average_of_equal_cells_is_that_cell(case, variant):
    y, _ = AveragePool2D(**case.settings)(np.full(case.images, 3, np.float32))
    np.testing.assert_array_equal(y, np.full(average_shape(case), 3, np.float32), strict=True)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_average_of_whole_numbers_is_exact(size, variant, rng):
    x = integers(rng, (2, 8, 8, 19))
    settings = {"pool_size": (size, size)}
    y, backprop = AveragePool2D(**settings)(x)
    dy = integers(rng, y.shape)
    (dx,) = backprop(dy)
    np.testing.assert_array_equal(y, reference.average_pool2d(x, **settings), strict=True)
    np.testing.assert_array_equal(dx, reference.average_pool2d_backward(dy, x.shape, **settings), strict=True)


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
@pytest.mark.parametrize("case", NON_EMPTY[::3], ids=str)
def test_float64_gradients(case, pool, rng):
    op = pool(**case.settings)
    x = distinct(rng, case.images)
    y, backprop = op(x)
    dy = rng.standard_normal(y.shape)
    check_gradients(lambda x: op(x)[0], (x,), dy, backprop(dy))


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
def test_two_calls_of_one_op_do_not_meet(pool, variant, rng):
    op = pool((2, 2))
    images = [integers(rng, shape) for shape in ((2, 6, 4, 3), (1, 4, 8, 17))]
    (y1, first), (y2, second) = op(images[0]), op(images[1])
    dy1, dy2 = integers(rng, y1.shape), integers(rng, y2.shape)
    alone = [pool((2, 2))(x)[1](dy)[0] for x, dy in zip(images, (dy1, dy2), strict=True)]
    np.testing.assert_array_equal(second(dy2)[0], alone[1])
    np.testing.assert_array_equal(first(dy1)[0], alone[0])
    np.testing.assert_array_equal(first(dy1)[0], alone[0])


THREADED = {
    "overlapping": LARGE,
    "apart": {"pool_size": (3, 2)},
    "ints": {"pool_size": (16, 17), "strides": (11, 17)},
    "global": {"pool_size": (49, 51)},
}


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
@pytest.mark.parametrize("settings", THREADED.values(), ids=THREADED)
def test_same_bits_for_any_number_of_threads(settings, pool, variant, set_num_threads, rng):
    x = rng.standard_normal((3, 49, 51, 275)).astype(np.float32)
    dy = rng.standard_normal(pool(**settings).output_shape(x.shape)).astype(np.float32)

    def run(threads):
        set_num_threads(threads)
        y, backprop = pool(**settings)(x)
        return y.tobytes(), backprop(dy)[0].tobytes()

    alone = run(1)
    for threads in (2, 3, 5):
        assert run(threads) == alone, f"with {threads} threads"
