"""How errors grow with the number of terms: as random walks do, with the root of it."""

import numpy as np
import pytest

from fastconv.ops.primitives import Conv2D, Dense, DepthwiseConv2D

EPSILON = float(np.finfo(np.float32).eps)
TERMS = [1, 4, 16, 64, 256, 1024, 4096, 16384]


def steps(actual, exact, squares, terms):
    """Return the largest error in units of epsilon * sqrt(terms * sum of the squared products).

    A sum of n products in any order rounds n times; each rounding is at most half an epsilon of a partial sum, whose
    size is that of a random walk. So a handful of these units is what theory allows, for any n.
    """
    return float((np.abs(actual - exact) / (EPSILON * np.sqrt(terms * squares))).max())


def products(x, w):
    """Return x @ w in float64, and the sums of its squared products."""
    x, w = x.astype(float), w.astype(float)
    return x @ w, x**2 @ w**2


@pytest.mark.parametrize("terms", TERMS)
def test_dense_in_all_directions(terms, variant, rng):
    """Forward over inputs, the data gradient over units, the weights' gradient over samples."""
    few = 37
    for x_shape, w_shape, which in (
        ((few, terms), (terms, few), "forward"),
        ((few, few), (few, terms), "data"),
        ((terms, few), (few, few), "weights"),
    ):
        x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (x_shape, w_shape))
        y, backprop = Dense()(x, w, None)
        dy = rng.standard_normal(y.shape).astype(np.float32)
        dx, dw, _ = backprop(dy)
        actual, factors = {"forward": (y, (x, w)), "data": (dx, (dy, w.T)), "weights": (dw, (x.T, dy))}[which]
        error = steps(actual, *products(*factors), terms)
        print(f"{variant}, {which}, {terms} terms: {error:.2f}")
        assert error < 3


@pytest.mark.parametrize("channels", [1, 8, 64, 512])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_convolutions(kernel, channels, variant, rng):
    x = rng.standard_normal((2, 12, 13, channels)).astype(np.float32)
    w = rng.standard_normal((kernel, kernel, channels, 32)).astype(np.float32)
    y, _ = Conv2D()(x, w, None)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2)).astype(float)
    rows, filters = windows.transpose(0, 1, 2, 4, 5, 3), w.reshape(-1, 32)
    rows = rows.reshape(*rows.shape[:3], -1)
    error = steps(y, *products(rows, filters), kernel * kernel * channels)
    print(f"{variant}, {kernel}x{kernel}, {channels} channels: {error:.2f}")
    assert error < 3  # Winograd's tiles too


@pytest.mark.parametrize("kernel", [1, 3, 7, 31])
def test_depthwise(kernel, variant, rng):
    x = rng.standard_normal((1, kernel + 5, kernel + 6, 19)).astype(np.float32)
    w = rng.standard_normal((kernel, kernel, 19, 1)).astype(np.float32)
    y, _ = DepthwiseConv2D()(x, w, None)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2)).astype(float)
    exact = np.einsum("nhwcij,ijc->nhwc", windows, w[..., 0].astype(float))
    squares = np.einsum("nhwcij,ijc->nhwc", windows**2, w[..., 0].astype(float) ** 2)
    assert steps(y, exact, squares, kernel * kernel) < 3
