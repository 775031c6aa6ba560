"""The lists of depthwise convolutions, followed value by value, against the definition."""

from itertools import product

import numpy as np
import pytest

from fastconv.ops import reference, taps
from fastconv.ops.primitives import DepthwiseConv2D
from tests.cases import DEPTHWISE_CASES, integers

SMALL = [case for case in DEPTHWISE_CASES if 0 < np.prod(case.images) < 3000 and case.filters == case.images[3]]


def lists_of(case, make, rows=1):
    """Return the sizes of a case and its lists."""
    settings = {name: value for name, value in case.settings.items() if name != "groups"}
    c = DepthwiseConv2D(**settings).sizes(case.images, case.filters_shape)
    return c, make(c, rows)


def row_pairs(lists, rows, by):
    """Return the (input row, first tap of the filter row) pairs of every output row."""
    entries, height = getattr(lists, by), lists.sizes[3]
    pairs = [[] for _ in range(height)]
    for i in range(height):
        for k in range(entries.band[i // rows], entries.band[i // rows + 1]):
            if (partner := entries.partner[i % rows, k]) >= 0:
                pairs[i].append((entries.row[k], partner) if by == "inputs" else (partner, entries.row[k]))
    return pairs


def column_pairs(lists):
    """Return the (input column, tap of a filter row) pairs of every output column."""
    width, out_width = lists.sizes[2], lists.sizes[4]
    pairs = [None] * out_width
    for first, step, count, in_step, tap, length, begin, end, kind in lists.phase:
        columns = list(zip(lists.tap_col[tap : tap + length], lists.tap_filter[tap : tap + length], strict=True))
        for j in range(count):
            if kind:  # column c of the phase brings tap out_step * c - in_step * j
                out_step = 2 if kind == 3 else 1
                reads = [(columns[0][0] + (k + in_step * j) // out_step, k) for k in range(length)]
                reads = [read for read in reads if (read[1] + in_step * j) % out_step == 0]
                assert all(-(length // 2) <= at < width + length // 2 for at, _ in reads)
            else:
                reads = [(j * in_step + at, k) for at, k in columns]
                assert not begin <= j < end or all(0 <= at < width for at, _ in reads)
            assert pairs[first + j * step] is None
            pairs[first + j * step] = [read for read in reads if 0 <= read[0] < width]
    return pairs


def follow(lists, rows, by, x, w):
    """Return what a kernel that follows the lists makes of images x (n, h, w, c) and filters w (taps, c)."""
    images, _, _, out_height, out_width = lists.sizes
    packed, y = w[lists.order], np.zeros((images, out_height, out_width, x.shape[3]))
    columns = column_pairs(lists)
    for i, pairs in enumerate(row_pairs(lists, rows, by)):
        for j in range(out_width):
            for (row, first), (column, tap) in product(pairs, columns[j]):
                y[:, i, j] += x[:, row, column] * packed[first + tap]
    return y


@pytest.mark.parametrize("by", ["inputs", "filters"])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_forward(case, rows, by, rng):
    x, w = integers(rng, case.images), integers(rng, case.filters_shape)
    c, lists = lists_of(case, taps.forward, rows)
    np.testing.assert_array_equal(
        follow(lists, rows, by, x, w.reshape(c.filter_rows, -1)), reference.conv2d(x, w, **case.settings)
    )


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_backward(case, rows, rng):
    w = integers(rng, case.filters_shape)
    c, lists = lists_of(case, taps.backward, rows)
    dy = integers(rng, (c.images, c.out_height, c.out_width, c.out_channels))
    expected = reference.conv2d_backward(np.zeros(case.images, np.float32), w, dy, **case.settings)[0]
    np.testing.assert_array_equal(follow(lists, rows, "inputs", dy, w.reshape(c.filter_rows, -1)), expected)


def test_dense_phases_do_all_that_sees_enough_of_a_row():
    dense = {}
    for case in DEPTHWISE_CASES:
        for make in (taps.forward, taps.backward):
            phases = lists_of(case, make)[1].phase
            dense[str(case), make.__name__] = [(int(row[8]), int(row[2])) for row in phases]
    assert dense["width-8", "forward"] == dense["width-8", "backward"] == [(1, 8)]
    assert dense["dilation-1x2", "forward"][0][0] == 0
    assert {kinds[0][0] for kinds in dense.values() if kinds} == {0, 1, 2, 3}
