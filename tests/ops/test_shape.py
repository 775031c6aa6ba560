"""Moves of cells and sums along axes: against NumPy, exact, in every variant; their gradients are their transposes."""

from functools import partial

import numpy as np
import pytest

from fastconv.ops.primitives import Crop, Permute, Repeat, Resample, ResampleImages, ZeroPad
from fastconv.ops.resample import nearest, repeating, resizing
from tests.cases import integers

MOVES = [
    (Permute((1,)), (5,)),
    (Permute((2, 1)), (4, 7)),
    (Permute((3, 1, 2)), (4, 1, 7)),
    (Permute((3, 2, 1)), (9, 17, 33)),
    (Permute((4, 2, 3, 1)), (2, 3, 4, 5)),
    (Permute((2, 1, 4, 3, 5)), (2, 3, 2, 3, 2)),
    (Crop(((1, 2),)), (5, 3)),
    (Crop(((0, 0), (2, 0))), (5, 3, 17)),
    (Crop(((1, 1), (1, 1), (1, 1))), (3, 3, 3, 1)),
    (ZeroPad(((1, 2),)), (5,)),
    (ZeroPad(((0, 0), (2, 0))), (5, 3, 17)),
    (ZeroPad(((1, 1), (0, 0), (2, 1))), (2, 1, 3, 33)),
]


def by_numpy(op, x):
    if isinstance(op, Permute):
        return x.transpose(0, *op.order)
    rest = x.ndim - 1 - len(op.amounts)
    if isinstance(op, ZeroPad):
        return np.pad(x, [(0, 0), *op.amounts, *[(0, 0)] * rest])
    return x[(slice(None), *(slice(b, x.shape[i] - a) for i, (b, a) in enumerate(op.amounts, 1)))]


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize(("op", "shape"), MOVES, ids=str)
def test_moves(op, shape, n, variant, rng):
    x = rng.standard_normal((n, *shape)).astype(np.float32)
    y, backprop = op(x)
    expected = by_numpy(op, x)
    np.testing.assert_array_equal(y, expected, strict=True)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    place = np.arange(1, x.size + 1, dtype=np.float64).reshape(x.shape)
    dx = np.zeros(x.size + 1)
    dx[by_numpy(op, place).astype(int)] = dy  # every cell of x goes to one place, or to none
    np.testing.assert_array_equal(backprop(dy)[0], dx[1:].reshape(x.shape).astype(np.float32))


MATRICES = [repeating(1, 5), repeating(4, 1), repeating(3, 2), nearest(5, 3), nearest(3, 7), np.zeros((2, 3)),
            np.arange(12.0).reshape(3, 4)]  # fmt: skip


@pytest.mark.parametrize("behind", [(), (1,), (3,), (2, 17), (33,)], ids=str)
@pytest.mark.parametrize("matrix", MATRICES, ids=lambda m: str(m.shape))
@pytest.mark.parametrize("n", [0, 2])
def test_sums_along_an_axis(n, matrix, behind, variant, rng):
    x = integers(rng, (n, 2, matrix.shape[1], *behind))
    y, backprop = Resample(2, matrix)(x)
    np.testing.assert_array_equal(y, np.moveaxis(np.moveaxis(x, 2, -1) @ matrix.T.astype(np.float32), -1, 2))
    dy = integers(rng, y.shape)
    np.testing.assert_array_equal(
        backprop(dy)[0], np.moveaxis(np.moveaxis(dy, 2, -1) @ matrix.astype(np.float32), -1, 2)
    )


@pytest.mark.parametrize("channels", [1, 3, 16, 17])
@pytest.mark.parametrize("rows", MATRICES, ids=lambda m: str(m.shape))
@pytest.mark.parametrize("columns", [MATRICES[2], MATRICES[-2], MATRICES[-1], resizing("bilinear", 4, 8)])
@pytest.mark.parametrize("n", [0, 2])
def test_sums_along_two_axes_are_those_along_one_and_the_other(n, rows, columns, channels, variant, rng):
    x = rng.standard_normal((n, rows.shape[1], columns.shape[1], channels), dtype=np.float32)
    y, backprop = ResampleImages(rows, columns)(x)
    middle, over_rows = Resample(1, rows)(x)
    expected, over_columns = Resample(2, columns)(middle)
    np.testing.assert_array_equal(y, expected, strict=True)
    dy = rng.standard_normal(y.shape, dtype=np.float32)
    size = 1 + np.abs(rows).sum() * np.abs(columns).sum()
    np.testing.assert_allclose(backprop(dy)[0], over_rows(over_columns(dy)[0])[0], rtol=1e-5, atol=1e-6 * size)


@pytest.mark.parametrize("channels", [1, 3, 16, 17, 64])
@pytest.mark.parametrize("times", [(1,), (3,), (2, 2), (1, 3), (3, 1), (2, 1, 2), (2, 3, 2)], ids=str)
@pytest.mark.parametrize("n", [0, 2])
def test_cells_repeated(n, times, channels, variant, rng):
    x = integers(rng, (n, *(4, 1, 3)[: len(times)], channels))
    y, backprop = Repeat(times)(x)
    expected = x
    for axis, count in enumerate(times, 1):
        expected = np.repeat(expected, count, axis)
    np.testing.assert_array_equal(y, expected, strict=True)
    dy = integers(rng, y.shape)
    boxes = dy.reshape(n, *(size for pair in zip(x.shape[1:-1], times, strict=True) for size in pair), channels)
    np.testing.assert_array_equal(backprop(dy)[0], boxes.sum(tuple(range(2, 2 * len(times) + 1, 2))))


@pytest.mark.parametrize(("size", "out"), [(1, 1), (1, 4), (4, 1), (5, 3), (3, 5), (7, 7), (2, 17)])
def test_interpolation_matrices(size, out):
    for make in (nearest, partial(resizing, "bilinear")):
        np.testing.assert_allclose(make(size, out).sum(1), 1)
    np.testing.assert_array_equal(resizing("bilinear", size, size), np.eye(size))
    if out >= size > 1:  # straight lines stay straight but for the edges
        y = resizing("bilinear", size, out) @ np.arange(size)
        at = (np.arange(out) + 0.5) * size / out - 0.5
        np.testing.assert_allclose(y, np.clip(at, 0, size - 1), atol=1e-12)


def test_same_bits_for_any_number_of_threads(variant, set_num_threads, rng):
    x = rng.standard_normal((7, 40, 41, 33)).astype(np.float32)
    ops = [
        Permute((3, 1, 2)),
        Crop(((1, 2), (3, 0))),
        ZeroPad(((1, 2), (3, 0))),
        Resample(1, resizing("bilinear", 40, 55)),
        Repeat((2, 3)),
        ResampleImages(resizing("bilinear", 40, 55), resizing("bicubic", 41, 20)),
    ]
    results = set()
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        both = [op(x) for op in ops]
        results.add(b"".join(y.tobytes() + back(y)[0].tobytes() for y, back in both))
    assert len(results) == 1
