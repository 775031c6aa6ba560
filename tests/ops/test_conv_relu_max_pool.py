"""Convolution, ReLU and max pool in one pass against the three in a row, in every variant."""

import numpy as np
import pytest

from fastconv.ops import reference
from fastconv.ops.op import allocate
from fastconv.ops.op import run as run_calls
from fastconv.ops.primitives import Conv2DReluMaxPool2D
from tests import guarded
from tests.cases import FUSED_POOL_CASES, assert_within_rounding, integers

NAMES = ("y", "dx", "dw", "db")


def is_fusable(case):
    """Tell whether windows lie apart and inside of the image, and a byte can number their cells."""
    strides = case.pool_strides or case.pool_size
    apart = all(stride >= size for stride, size in zip(strides, case.pool_size, strict=True))
    return apart and case.pool_padding == "valid" and np.prod(case.pool_size) < 255


CASES = [case for case in FUSED_POOL_CASES if is_fusable(case)]


def fill(case, draw):
    """Return images, filters, bias and a gradient of a case."""
    x, w, b = draw(case.conv.images), draw(case.conv.filters_shape), draw((case.conv.filters,))
    return x, w, b, draw(reference.conv_relu_max_pool(x, w, b, **case.settings).shape)


def run(case, x, w, b, dy):
    """Return y, dx, dw and db of the kernels."""
    op = Conv2DReluMaxPool2D(case.pool_size, case.pool_strides or case.pool_size, **case.conv.settings)
    y, backprop = op(x, w, b)
    return y, *backprop(dy)


def define(case, x, w, b, dy):
    """Return y, dx, dw and db of the definition."""
    y = reference.conv_relu_max_pool(x, w, b, **case.settings)
    return y, *reference.conv_relu_max_pool_backward(x, w, b, dy, **case.settings)


def check_exact(case, given):
    """Assert equality, bit for bit, on whole numbers; nothing given may change."""
    copies = [array.copy() for array in given]
    for name, actual, right in zip(NAMES, run(case, *given), define(case, *given), strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name, strict=True)
    for array, copy in zip(given, copies, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input has changed")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whole_numbers_are_exact(case, variant, rng):
    check_exact(case, fill(case, lambda shape: integers(rng, shape)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_first_of_equals_gets_the_gradient(case, variant, rng):
    check_exact(case, fill(case, lambda shape: integers(rng, shape, limit=1)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whole_numbers_are_exact_in_float64(case, rng):
    check_exact(case, fill(case, lambda shape: integers(rng, shape, np.float64)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_inference_pools_to_the_same_without_the_winners(case, variant, rng):
    x, w, b, _ = fill(case, lambda shape: integers(rng, shape))
    op = Conv2DReluMaxPool2D(case.pool_size, case.pool_strides or case.pool_size, **case.conv.settings)
    site = op.site(x.shape, [w.shape, b.shape], x.dtype, training=False)
    arrays = allocate(op.needs(site), x.dtype)
    assert "which" not in arrays
    site.__dict__.update(arrays, x=x, params=(w, b), y=np.full(site.y_shape, np.nan, np.float32))
    run_calls(op.prepare(site) + op.forward(site))
    np.testing.assert_array_equal(site.y, reference.conv_relu_max_pool(x, w, b, **case.settings))


@pytest.mark.parametrize("channels", [3, 16])  # few, and so many that winners are visited
def test_no_images_give_no_gradient(channels, variant):
    op, shapes = Conv2DReluMaxPool2D((2, 2), (2, 2)), ((0, 8, 8, channels), (3, 3, channels, 8), (8,))
    y, backprop = guarded.call(op, *(np.ones(shape, np.float32) for shape in shapes))
    assert [np.count_nonzero(gradient) for gradient in backprop(np.ones(y.shape, np.float32))] == [0, 0, 0]


@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_without_bias(case, variant, rng):
    x, w, _, dy = fill(case, lambda shape: integers(rng, shape))
    results, expected = run(case, x, w, None, dy), define(case, x, w, None, dy)
    for name, actual, right in zip(NAMES[:3], results[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_dead_everywhere(case, variant, rng):
    x, w, b, dy = fill(case, lambda shape: integers(rng, shape))
    b -= 1e6
    check_exact(case, (x, w, b, dy))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_random_numbers_within_rounding(case, variant, rng):
    given = fill(case, lambda shape: rng.standard_normal(shape).astype(np.float32))
    exact = [array.astype(np.float64) for array in given]
    x, w, b, dy = (np.abs(array) for array in exact)
    # No sum of absolute values is larger than that of a window's cells together.
    sums = reference.conv2d(x, w, b, **case.conv.settings)
    pool = case.pool_settings
    spread = reference.average_pool2d_backward(dy, sums.shape, **pool) * np.prod(case.pool_size)
    magnitudes = (
        reference.max_pool2d(sums, **pool)[0],
        *reference.conv2d_backward(x, w, spread, **case.conv.settings),
    )
    for actual, right, magnitude in zip(run(case, *given), define(case, *exact), magnitudes, strict=True):
        assert_within_rounding(actual, right, magnitude)


@pytest.mark.parametrize("name", ["2x2-leftover", "2x2-inputs-1", "3x3-leftover", "2x2-groups", "2x2-same"])
def test_same_bits_for_any_number_of_threads(name, variant, set_num_threads, rng):
    case = next(case for case in CASES if str(case) == name)
    _, h, w, c = case.conv.images
    x = rng.standard_normal((23, h + 28, w + 28, c)).astype(np.float32)
    w, b = (rng.standard_normal(shape).astype(np.float32) for shape in (case.conv.filters_shape, case.conv.filters))
    y = reference.conv_relu_max_pool(x, w, b, **case.settings)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    set_num_threads(1)
    alone = run(case, x, w, b, dy)
    for threads in (2, 3, 5):
        set_num_threads(threads)
        for part, actual, right in zip(NAMES, run(case, x, w, b, dy), alone, strict=True):
            assert actual.tobytes() == right.tobytes(), f"{part} differs with {threads} threads"
