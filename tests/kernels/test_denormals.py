"""Denormal numbers: computed as such, no slower than others by much, and no other code's arithmetic is changed."""

import time

import numpy as np
import pytest

from fastconv.ops import primitives as P
from fastconv.ops import reference

TINY = np.float32(1e-41)  # the smallest normal number is 1.2e-38


def convolution(scale, rng):
    """Return an op and its arrays, the images being of the size of `scale`."""
    x = (scale * rng.integers(-4, 5, (8, 28, 28, 32))).astype(np.float32)
    w = rng.integers(-4, 5, (3, 3, 32, 32)).astype(np.float32)
    return P.Conv2D(strides=(2, 1)), x, w


def test_results_are_not_flushed_to_zero(variant, rng):
    op, x, w = convolution(TINY, rng)
    y, backprop = op(x, w, None)
    assert (np.abs(y[y != 0]) < 1.2e-38).any()
    exact = reference.conv2d(x.astype(float), w.astype(float), strides=(2, 1))
    np.testing.assert_allclose(y, exact, rtol=0, atol=1.5e-45 * 288)  # a rounding of the smallest number for each term
    dx, *_ = backprop(np.full(y.shape, TINY))
    assert dx.any()


def test_the_arithmetic_of_others_is_left_alone(variant, rng):
    op, x, w = convolution(1.0, rng)
    op(x, w, None)
    assert TINY * np.float32(0.5) > 0
    assert (np.full(9, TINY) * np.float32(0.5) > 0).all()


@pytest.mark.slow
def test_denormals_are_not_slow(variant, rng):
    seconds = {}
    for scale in (1.0, TINY):
        op, x, w = convolution(scale, rng)
        y, backprop = op(x, w, None)
        best = np.inf
        for _ in range(15):
            start = time.perf_counter()
            op(x, w, None)
            backprop(y)
            best = min(best, time.perf_counter() - start)
        seconds[scale] = best
    ratio = seconds[TINY] / seconds[1.0]
    print(f"{variant}: denormal images take {ratio:.2f} times as long")
    assert ratio < 4
