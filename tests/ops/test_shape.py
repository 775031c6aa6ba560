"""Moves of cells and sums along axes: against NumPy, exact, in every variant; their gradients are their transposes."""

from functools import partial

import numpy as np
import pytest

from fastconv.ops.primitives import Crop, Permute, Resample, ZeroPad
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
    ]
    results = set()
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        both = [op(x) for op in ops]
        results.add(b"".join(y.tobytes() + back(y)[0].tobytes() for y, back in both))
    assert len(results) == 1
