"""Output sizes and padding: numbers worked by hand, and against counting positions."""

import pytest

from fastconv.ops.geometry import effective_kernel, output_size, pad_amounts

AXES = [
    (size, kernel, stride, dilation)
    for size in (1, 2, 3, 5, 8)
    for kernel in (1, 2, 3, 5)
    for stride in (1, 2, 3, 7)
    for dilation in (1, 2, 3)
]


def positions(size, kernel, stride, dilation):
    """Return where windows can begin on an axis, by trying every cell."""
    reach = (kernel - 1) * dilation
    return [start for start in range(0, size, stride) if start + reach < size]


@pytest.mark.parametrize(
    ("kernel", "dilation", "extent"), [(1, 1, 1), (1, 9, 1), (3, 1, 3), (3, 2, 5), (2, 3, 4), (5, 4, 17)]
)
def test_effective_kernel(kernel, dilation, extent):
    assert effective_kernel(kernel, dilation) == extent


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "padding", "expected"),
    [
        (28, 3, 1, 1, "valid", 26),
        (11, 2, 2, 1, "valid", 5),
        (10, 3, 2, 1, "valid", 4),
        (10, 3, 1, 2, "valid", 6),
        (6, 3, 2, 1, "same", 3),
        (5, 3, 2, 1, "same", 3),
        (6, 2, 3, 1, "same", 2),
        (6, 3, 1, 2, "same", 6),
        (5, 3, 1, 1, (1, 0), 4),
        (5, 3, 2, 1, (2, 3), 4),
    ],
)
def test_output_size_by_hand(size, kernel, stride, dilation, padding, expected):
    assert output_size(size, kernel, stride, dilation, padding) == expected


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "expected"),
    [
        (6, 3, 1, 1, (1, 1)),
        (6, 3, 2, 1, (0, 1)),
        (5, 3, 2, 1, (1, 1)),
        (6, 2, 1, 1, (0, 1)),
        (6, 2, 3, 1, (0, 0)),
        (6, 3, 1, 2, (2, 2)),
        (5, 1, 3, 1, (0, 0)),
        (1, 7, 1, 1, (3, 3)),
        (3, 4, 5, 1, (0, 1)),
    ],
)
def test_same_padding_by_hand(size, kernel, stride, dilation, expected):
    assert pad_amounts(size, kernel, stride, dilation, "same") == expected


def test_valid_counts_the_positions():
    for axis in AXES:
        # Where the window does not fit, zero or less is all that is promised.
        assert max(output_size(*axis, "valid"), 0) == len(positions(*axis)), axis
        assert pad_amounts(*axis, "valid") == (0, 0), axis


@pytest.mark.parametrize("padding", [(0, 0), (1, 0), (0, 2), (3, 1), (9, 9)], ids=str)
def test_explicit_padding_is_a_larger_image(padding):
    for axis in AXES:
        size, *window = axis
        assert max(output_size(*axis, padding), 0) == len(positions(size + sum(padding), *window)), axis
        assert pad_amounts(*axis, padding) == padding, axis


def test_same_padding_is_the_least_that_gives_its_output():
    for axis in AXES:
        size, *window = axis
        out = output_size(*axis, "same")
        before, after = pad_amounts(*axis, "same")
        assert out == len(range(0, size, window[1])), axis
        assert 0 <= after - before <= 1, axis
        assert len(positions(size + before + after, *window)) == out, axis
        if before + after:
            assert len(positions(size + before + after - 1, *window)) < out, axis
