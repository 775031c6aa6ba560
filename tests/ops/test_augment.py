"""Warps, flips, windows, contrast and brightness against their definitions, in every variant, and by differences."""

import numpy as np
import pytest

from fastconv.ops import primitives as P
from fastconv.ops import reference as R
from fastconv.runtime import threads
from tests.cases import integers
from tests.gradients import check_gradients

SHAPES = [(2, 7, 5, 3), (1, 1, 1, 1), (3, 1, 9, 17), (2, 6, 1, 16), (0, 4, 4, 3), (2, 3, 70, 1), (2, 8, 8, 33)]
MODES = ["constant", "nearest", "wrap", "reflect", "mirror"]


def maps_of(rng, shape, whole=False):
    """Return a map for each image: rotated, stretched and moved, or (whole) by whole pixels only."""
    n = shape[0]
    if whole:
        steps = rng.integers(-9, 10, (2, n))
        one, zero = np.ones(n), np.zeros(n)
        return np.stack([one, zero, steps[0], zero, one, steps[1]], 1)
    return rng.uniform(-1.5, 1.5, (n, 6)) * [1, 1, 8, 1, 1, 8]


def warped(maps, *how, **settings):
    return P.Warp(lambda seed, shape: maps, *how, **settings)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_warps_by_whole_pixels_are_exact(shape, interpolation, mode, variant, rng):
    maps, x, dy = maps_of(rng, shape, whole=True), integers(rng, shape), integers(rng, shape)
    y, back = warped(maps, interpolation, mode, 3.0)(x)
    np.testing.assert_array_equal(y, R.warp(x, maps, interpolation, mode, 3.0), strict=True)
    np.testing.assert_array_equal(back(dy)[0], R.warp_backward(dy, maps, interpolation, mode), strict=True)


@pytest.mark.parametrize("mode", MODES)
def test_halfway_between_two_pixels_the_even_one_is_nearest(mode, variant, rng):
    x, dy = integers(rng, (2, 5, 9, 3)), integers(rng, (2, 5, 9, 3))
    maps = np.array([[1, 0, 0.5, 0, 1, -0.5], [1, 0, -1.5, 0, 1, 2.5]])
    y, back = warped(maps, "nearest", mode, 3.0)(x)
    np.testing.assert_array_equal(y, R.warp(x, maps, "nearest", mode, 3.0))
    np.testing.assert_array_equal(back(dy)[0], R.warp_backward(dy, maps, "nearest", mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_warps_in_float64(shape, interpolation, mode, rng):
    maps, x, dy = maps_of(rng, shape), rng.standard_normal(shape), rng.standard_normal(shape)
    y, back = warped(maps, interpolation, mode, -2.0)(x)
    np.testing.assert_allclose(y, R.warp(x, maps, interpolation, mode, -2.0), atol=1e-12)
    np.testing.assert_allclose(back(dy)[0], R.warp_backward(dy, maps, interpolation, mode), atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_warps_in_float32(mode, variant, rng):
    shape = (3, 20, 21, 3)
    maps, x, dy = maps_of(rng, shape), *rng.standard_normal((2, *shape)).astype(np.float32)
    y, back = warped(maps, "bilinear", mode, 1.5)(x)
    maps = maps.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(y, R.warp(x.astype(float), maps, "bilinear", mode, 1.5), atol=2e-4)
    expected = R.warp_backward(dy.astype(float), maps, "bilinear", mode)
    np.testing.assert_allclose(back(dy)[0], expected, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("mode", MODES)
def test_warp_gradients_by_differences(mode, rng):
    shape = (2, 5, 6, 2)
    op, x, dy = warped(maps_of(rng, shape), "bilinear", mode, 0.5), *rng.standard_normal((2, *shape))
    check_gradients(lambda x: op(x)[0], [x], dy, op(x)[1](dy))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e9])
def test_absurd_maps_read_nothing_outside(mode, value, variant):
    x = np.ones((2, 4, 5, 3), np.float32)
    y, back = warped(np.full((2, 6), value), "bilinear", mode)(x)
    assert y.shape == x.shape
    assert back(y)[0].shape == x.shape


@pytest.mark.parametrize("columns", [True, False])
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_flips(shape, rows, columns, variant, rng):
    flips, x = np.arange(shape[0]) % 2 == 0, rng.standard_normal(shape).astype(np.float32)
    y, back = P.Flip(lambda seed, shape: flips, columns, rows)(x)
    turned = x[:, :: -1 if rows else 1, :: -1 if columns else 1]
    np.testing.assert_array_equal(y, np.where(flips[:, None, None, None], turned, x))
    np.testing.assert_array_equal(back(y)[0], x)


@pytest.mark.parametrize("start", [(0, 0), (2, 1), (4, 3)])
def test_windows(start, variant, rng):
    x, dy = integers(rng, (3, 7, 5, 3)), integers(rng, (3, 3, 2, 3))
    y, back = P.Window(lambda seed, shape: start, (3, 2))(x)
    where = (slice(None), slice(start[0], start[0] + 3), slice(start[1], start[1] + 2))
    np.testing.assert_array_equal(y, x[where])
    expected = np.zeros_like(x)
    expected[where] = dy
    np.testing.assert_array_equal(back(dy)[0], expected)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 60, 50, 3)], ids=str)
def test_contrast(shape, variant, rng):
    factors, x, dy = rng.uniform(0, 2, shape[0]), *rng.standard_normal((2, *shape)).astype(np.float32)
    y, back = P.Contrast(lambda seed, shape: factors, -1.0, 1.0)(x)
    np.testing.assert_allclose(y, R.contrast(x.astype(float), factors, -1, 1), atol=1e-6)
    if shape[0]:
        np.testing.assert_allclose(back(dy)[0], R.contrast_backward(x, dy.astype(float), factors, -1, 1), atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_brightness(shape, variant, rng):
    deltas, x, dy = integers(rng, shape[:1]), integers(rng, shape), integers(rng, shape)
    y, back = P.Brightness(lambda seed, shape: deltas, -3.0, 3.0)(x)
    plain = x + deltas[:, None, None, None]
    np.testing.assert_array_equal(y, np.clip(plain, -3, 3))
    np.testing.assert_array_equal(back(dy)[0], np.where(np.abs(plain) <= 3, dy, 0))


@pytest.mark.parametrize("make", [P.Contrast, P.Brightness])
def test_gradients_of_values_by_differences(make, rng):
    op = make(lambda seed, shape: np.array([0.3, 1.7]), -1.0, 1.0)
    x, dy = rng.standard_normal((2, 2, 4, 5, 3))
    check_gradients(lambda x: op(x)[0], [x], dy, op(x)[1](dy))


@pytest.mark.parametrize("kind", ["warp", "contrast"])
def test_any_number_of_threads_gives_the_same_bits(kind, variant, rng):
    shape = (40, 30, 30, 3)
    maps, factors, x = maps_of(rng, shape), rng.uniform(0, 2, shape[0]), rng.standard_normal(shape).astype(np.float32)
    op = warped(maps, "bilinear", "reflect") if kind == "warp" else P.Contrast(lambda seed, shape: factors)
    before, found = threads.get_num_threads(), set()
    try:
        for n in (1, 2, 3):
            threads.set_num_threads(n)
            y, back = op(x)
            found.add((y.tobytes(), back(x)[0].tobytes()))
    finally:
        threads.set_num_threads(before)
    assert len(found) == 1
