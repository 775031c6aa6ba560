"""The convolution's kernels against the definition, in every variant and with any number of threads."""

import numpy as np
import pytest

from fastconv.ops import reference
from fastconv.ops.primitives import Conv2D, Conv2DReluMaxPool2D, Dense
from tests.cases import CONV_CASES, assert_within_rounding, integers
from tests.gradients import check_gradients

#: Enough work to be shared by threads, and divided evenly by none of their numbers.
LARGE = (
    {"images": (7, 31, 26, 8), "filters": (3, 3, 8, 24), "padding": "same"},
    {"images": (3, 33, 35, 3), "filters": (5, 4, 3, 33), "strides": (2, 1)},
    {"images": (5, 17, 19, 36), "filters": (3, 3, 12, 30), "groups": 3},
    {"images": (1, 40, 37, 19), "filters": (3, 3, 19, 35), "padding": ((2, 1), (0, 3))},
    {"images": (8, 50, 52, 1), "filters": (1, 1, 1, 80)},  # much to add up for the bias
)
LARGE_NAMES = ("same", "strided", "groups", "padded", "wide")
#: More rows of filters than the first cache holds in any variant, for a whole block of output channels.
DEEP = {"images": (2, 5, 6, 360), "filters": (3, 3, 360, 64)}


def fill(case, draw):
    """Return images, filters and bias of a case."""
    return draw(case.images), draw(case.filters_shape), draw((case.filters,))


def run(settings, x, w, b, dy):
    """Return y, dx, dw and db."""
    y, backprop = Conv2D(**settings)(x, w, b)
    return y, *backprop(dy)


def check_exact(case, dtype, rng):
    """Assert equality, bit for bit, on whole numbers; nothing given may change."""
    given = fill(case, lambda shape: integers(rng, shape, dtype))
    x, w, b = given
    expected = reference.conv2d(x, w, b, **case.settings)
    dy = integers(rng, expected.shape, dtype)
    copies = [array.copy() for array in (*given, dy)]
    results = run(case.settings, x, w, b, dy)
    expected = (expected, *reference.conv2d_backward(x, w, dy, **case.settings))
    for name, actual, right in zip(("y", "dx", "dw", "db"), results, expected, strict=True):
        assert actual.dtype == dtype, name
        np.testing.assert_array_equal(actual, right, err_msg=name, strict=True)
    for array, copy in zip((*given, dy), copies, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input has changed")


@pytest.mark.parametrize("case", CONV_CASES, ids=str)
def test_whole_numbers_are_exact(case, variant, rng):
    check_exact(case, np.float32, rng)


@pytest.mark.parametrize("case", CONV_CASES, ids=str)
def test_whole_numbers_are_exact_in_float64(case, rng):
    check_exact(case, np.float64, rng)


@pytest.mark.parametrize("case", CONV_CASES, ids=str)
def test_random_numbers_within_rounding(case, variant, rng):
    x, w, b = fill(case, lambda shape: rng.standard_normal(shape).astype(np.float32))
    exact = [array.astype(np.float64) for array in (x, w, b)]
    y = reference.conv2d(*exact, **case.settings)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    expected = (y, *reference.conv2d_backward(*exact[:2], dy.astype(np.float64), **case.settings))
    sizes = [np.abs(array) for array in (*exact, dy.astype(np.float64))]
    magnitudes = (
        reference.conv2d(*sizes[:3], **case.settings),
        *reference.conv2d_backward(*sizes[:2], sizes[3], **case.settings),
    )
    for actual, right, magnitude in zip(run(case.settings, x, w, b, dy), expected, magnitudes, strict=True):
        assert_within_rounding(actual, right, magnitude)


@pytest.mark.parametrize("case", CONV_CASES[::3], ids=str)
def test_without_bias(case, variant, rng):
    x, w, _ = fill(case, lambda shape: integers(rng, shape))
    y, backprop = Conv2D(**case.settings)(x, w, None)
    np.testing.assert_array_equal(y, reference.conv2d(x, w, **case.settings))
    dy = integers(rng, y.shape)
    dx, dw, _ = backprop(dy)
    expected = reference.conv2d_backward(x, w, dy, **case.settings)
    np.testing.assert_array_equal(dx, expected[0])
    np.testing.assert_array_equal(dw, expected[1])


@pytest.mark.parametrize("case", CONV_CASES[::3], ids=str)
def test_with_relu(case, variant, rng):
    x, w, b = fill(case, lambda shape: integers(rng, shape))
    sums = reference.conv2d(x, w, b, **case.settings)
    dy = integers(rng, sums.shape)
    expected = (
        reference.relu(sums),
        *reference.conv2d_backward(x, w, reference.relu_backward(sums, dy), **case.settings),
    )
    results = run(case.settings | {"relu": True}, x, w, b, dy)
    for name, actual, right in zip(("y", "dx", "dw", "db"), results, expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("case", [case for case in CONV_CASES[::4] if case.images[0]], ids=str)
def test_float64_gradients(case, rng):
    op = Conv2D(**case.settings)
    inputs = fill(case, rng.standard_normal)
    y, backprop = op(*inputs)
    dy = rng.standard_normal(y.shape)
    check_gradients(lambda x, w, b: op(x, w, b)[0], inputs, dy, backprop(dy), samples=4)


def test_two_calls_of_one_op_do_not_meet(variant, rng):
    op = Conv2D(padding="same")
    calls = []
    for images, filters in (((2, 5, 6, 3), 4), ((1, 7, 4, 9), 17)):
        x, w = integers(rng, images), integers(rng, (3, 3, images[3], filters))
        calls.append((x, w, *op(x, w, None)))
    gradients = [(integers(rng, y.shape), backprop) for _, _, y, backprop in calls]
    for (x, w, y, _), (dy, backprop) in zip(calls, gradients, strict=True):
        np.testing.assert_array_equal(y, reference.conv2d(x, w, padding="same"))
        first, second = backprop(dy), backprop(dy)
        expected = reference.conv2d_backward(x, w, dy, padding="same")
        for actual, again, right in zip(first[:2], second[:2], expected[:2], strict=True):
            np.testing.assert_array_equal(actual, right)
            np.testing.assert_array_equal(again, right)


@pytest.mark.parametrize("position", ["x", "w", "b"])
def test_nan_spreads_where_it_is_read_and_nowhere_else(position, variant):
    x, w, b = np.ones((2, 6, 7, 9), np.float32), np.ones((3, 2, 9, 17), np.float32), np.ones(17, np.float32)
    {"x": x, "w": w, "b": b}[position].flat[-1] = np.nan
    y, backprop = Conv2D(padding="same")(x, w, b)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(reference.conv2d(x, w, b, padding="same")))
    for actual, right in zip(backprop(y), reference.conv2d_backward(x, w, y, padding="same"), strict=True):
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(right))


@pytest.mark.parametrize("case", LARGE, ids=LARGE_NAMES)
def test_same_bits_for_any_number_of_threads(case, variant, set_num_threads, rng):
    settings = {name: value for name, value in case.items() if name not in ("images", "filters")}
    x, w = (rng.standard_normal(case[name]).astype(np.float32) for name in ("images", "filters"))
    b = rng.standard_normal(w.shape[3]).astype(np.float32)
    dy = rng.standard_normal(reference.conv2d(x, w, b, **settings).shape).astype(np.float32)
    set_num_threads(1)
    alone = run(settings, x, w, b, dy)
    for threads in (2, 3, 5):
        set_num_threads(threads)
        for name, actual, right in zip(("y", "dx", "dw", "db"), run(settings, x, w, b, dy), alone, strict=True):
            assert actual.tobytes() == right.tobytes(), f"{name} differs with {threads} threads"


@pytest.mark.parametrize("case", LARGE, ids=LARGE_NAMES)
def test_work_shared_by_threads_is_exact(case, variant, set_num_threads, rng):
    settings = {name: value for name, value in case.items() if name not in ("images", "filters")}
    x, w = integers(rng, case["images"]), integers(rng, case["filters"])
    b = integers(rng, (w.shape[3],))
    y = reference.conv2d(x, w, b, **settings)
    dy = integers(rng, y.shape)
    set_num_threads(3)
    expected = (y, *reference.conv2d_backward(x, w, dy, **settings))
    for name, actual, right in zip(("y", "dx", "dw", "db"), run(settings, x, w, b, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


def test_relu_waits_for_the_last_piece_of_the_filters(variant, rng):
    x, w = integers(rng, DEEP["images"]), integers(rng, DEEP["filters"])
    b = integers(rng, (64,))
    y, _ = Conv2D(relu=True)(x, w, b)
    np.testing.assert_array_equal(y, reference.relu(reference.conv2d(x, w, b)))


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (Conv2D(), [(2, 9, 9, 2), (3, 3, 3, 4), None]),
        (Conv2D(groups=2), [(2, 9, 9, 4), (3, 3, 2, 3), None]),
        (Conv2D(), [(2, 9, 9, 2), (3, 3, 2, 4), (3,)]),
        (Conv2D(), [(9, 9, 2), (3, 3, 2, 4), None]),
        (Conv2DReluMaxPool2D((2, 2), (2, 2)), [(2, 9, 9, 2), (3, 3, 2, 4), (5,)]),
        (Dense(), [(4, 3), (50, 7), (7,)]),
        (Dense(), [(4, 50), (50, 7), (9,)]),
    ],
    ids=repr,
)
def test_arrays_that_do_not_fit_are_refused(op, shapes):
    arrays = [None if shape is None else np.ones(shape, np.float32) for shape in shapes]
    with pytest.raises(ValueError, match="not fit"):
        op(*arrays)
