"""The lists of depthwise convolutions, followed value by value, against the definition."""

import numpy as np
import pytest

from fastconv.ops import reference, taps
from fastconv.ops.primitives import DepthwiseConv2D
from tests.cases import DEPTHWISE_CASES, integers

SMALL = [case for case in DEPTHWISE_CASES if 0 < np.prod(case.images) < 3000 and case.filters == case.images[3]]


def lists_of(case, make):
    """Return the sizes of a case and its lists."""
    settings = {name: value for name, value in case.settings.items() if name != "groups"}
    c = DepthwiseConv2D(**settings).sizes(case.images, case.filters_shape)
    return c, make(c)


def follow(lists, x, w):
    """Return what a kernel that follows the lists makes of images x (n, h, w, c) and filters w (taps, c)."""
    images, _, width, out_height, out_width = lists.sizes
    packed, y = w[lists.order], np.full((images, out_height, out_width, x.shape[3]), np.nan)
    for i in range(out_height):
        rows = range(lists.row[i], lists.row[i + 1])
        for first, step, count, in_step, tap, length, begin, end, _ in lists.phase:
            for j in range(count):
                total = np.zeros((images, x.shape[3]))
                for k in rows:
                    for q in range(tap, tap + length):
                        column = j * in_step + lists.tap_col[q]
                        assert 0 <= column < width or not begin <= j < end
                        if 0 <= column < width:
                            total += x[:, lists.row_in[k], column] * packed[lists.row_filter[k] + lists.tap_filter[q]]
                y[:, i, first + j * step] = total
    return y


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_forward(case, rng):
    x, w = integers(rng, case.images), integers(rng, case.filters_shape)
    c, lists = lists_of(case, taps.forward)
    np.testing.assert_array_equal(
        follow(lists, x, w.reshape(c.filter_rows, -1)), reference.conv2d(x, w, **case.settings)
    )


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_backward(case, rng):
    w = integers(rng, case.filters_shape)
    c, lists = lists_of(case, taps.backward)
    dy = integers(rng, (c.images, c.out_height, c.out_width, c.out_channels))
    expected = reference.conv2d_backward(np.zeros(case.images, np.float32), w, dy, **case.settings)[0]
    np.testing.assert_array_equal(follow(lists, dy, w.reshape(c.filter_rows, -1)), expected)


def test_dense_phases_are_those_with_three_taps_side_by_side():
    dense = {}
    for case in DEPTHWISE_CASES:
        for make in (taps.forward, taps.backward):
            dense[str(case), make.__name__] = [bool(row[8]) for row in lists_of(case, make)[1].phase]
    assert dense["width-8", "forward"] == dense["width-8", "backward"] == [True]
    assert dense["stride-2x1", "forward"] == [True]
    assert dense["stride-2-odd", "forward"] == [False] and dense["stride-2-odd", "backward"] == [False, False]
    assert dense["dilation-1x2", "forward"] == dense["kernel-5x5", "forward"] == [False]
