"""Convolutions of random sizes and settings against NumPy, exact on small whole numbers: a long look at odd corners."""

import numpy as np
import pytest

from fastconv.ops import reference
from fastconv.ops.primitives import (
    AdaptiveAveragePool,
    AdaptiveMaxPool,
    AveragePool1D,
    AveragePool3D,
    Conv1D,
    Conv2D,
    Conv2DReluMaxPool2D,
    Conv3D,
    ConvTranspose1D,
    ConvTranspose2D,
    ConvTranspose3D,
    DepthwiseConv2D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
)
from fastconv.ops.reference import axes
from tests.cases import integers

pytestmark = pytest.mark.slow
CONFIGURATIONS = 150


def draw_sizes(rng):
    """Return images, kernel and settings of a convolution whose output is not empty."""
    kernel = tuple(int(k) for k in rng.integers(1, 6, 2))
    dilation = tuple(int(d) for d in rng.integers(1, 4, 2)) if rng.random() < 0.3 else (1, 1)
    strides = tuple(int(s) for s in rng.integers(1, 4, 2)) if dilation == (1, 1) else (1, 1)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (int(r + rng.integers(0, 20)) for r in reach)
    channels = int(rng.choice([1, 2, 3, 5, 8, 16, 17, 24, 33, 64, 70]))
    padding = str(rng.choice(["valid", "same"]))
    return (
        (int(rng.integers(0, 4)), height, width, channels),
        kernel,
        {"strides": strides, "padding": padding, "dilation": dilation},
    )


def assert_all_equal(mine, theirs):
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_conv2d(seed, variant):
    rng = np.random.default_rng(seed)
    images, kernel, settings = draw_sizes(rng)
    groups = int(rng.choice([g for g in (1, 2, 4) if images[3] % g == 0]))
    filters = groups * int(rng.choice([1, 3, 8, 16, 17, 40, 64]))
    x, w = integers(rng, images), integers(rng, (*kernel, images[3] // groups, filters))
    b = integers(rng, (filters,))
    y, backprop = Conv2D(**settings, groups=groups)(x, w, b)
    np.testing.assert_array_equal(y, reference.conv2d(x, w, b, **settings, groups=groups))
    dy = integers(rng, y.shape)
    assert_all_equal(backprop(dy), reference.conv2d_backward(x, w, dy, **settings, groups=groups))


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_depthwise_conv2d(seed, variant):
    rng = np.random.default_rng(seed)
    images, kernel, settings = draw_sizes(rng)
    x, w = integers(rng, images), integers(rng, (*kernel, images[3], int(rng.integers(1, 4))))
    b = integers(rng, (w.shape[2] * w.shape[3],))
    y, backprop = DepthwiseConv2D(**settings)(x, w, b)
    np.testing.assert_array_equal(y, reference.depthwise_conv2d(x, w, b, **settings))
    dy = integers(rng, y.shape)
    assert_all_equal(backprop(dy), reference.depthwise_conv2d_backward(x, w, dy, **settings))


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_conv2d_relu_max_pool2d(seed, variant):
    """The fused step is its three parts one behind the other, gradients included."""
    rng = np.random.default_rng(seed)
    images, kernel, settings = draw_sizes(rng)
    x, w = integers(rng, images), integers(rng, (*kernel, images[3], int(rng.choice([1, 7, 16, 33, 64]))))
    b = integers(rng, (w.shape[3],))
    plain, plain_backprop = Conv2D(**settings, relu=True)(x, w, b)
    size = tuple(int(min(s, rng.integers(1, 4))) for s in plain.shape[1:3])
    pooled, pool_backprop = MaxPool2D(size)(plain)
    y, backprop = Conv2DReluMaxPool2D(size, size, **settings)(x, w, b)
    np.testing.assert_array_equal(y, pooled)
    dy = integers(rng, y.shape)
    assert_all_equal(backprop(dy), plain_backprop(pool_backprop(dy)[0]))


def draw_axes(rng):
    """Return sizes, kernel and settings for one, two or three axes."""
    count = int(rng.integers(1, 4))
    kernel = tuple(int(k) for k in rng.integers(1, 5, count))
    dilated = rng.random() < 0.3
    dilation = tuple(int(d) for d in rng.integers(1, 4, count)) if dilated else (1,) * count
    strides = (1,) * count if dilated else tuple(int(s) for s in rng.integers(1, 4, count))
    most = (40, 14, 7)[count - 1]
    sizes = tuple(int((k - 1) * d + 1 + rng.integers(0, most)) for k, d in zip(kernel, dilation, strict=True))
    paddings = ["valid", "same", "causal"] if count == 1 else ["valid", "same"]
    return sizes, kernel, {"strides": strides, "padding": str(rng.choice(paddings)), "dilation": dilation}


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_any_number_of_axes(seed, variant):
    rng = np.random.default_rng(seed)
    sizes, kernel, settings = draw_axes(rng)
    groups, channels = int(rng.choice([1, 1, 2])), int(rng.choice([1, 3, 8, 17, 33]))
    filters = groups * int(rng.choice([1, 3, 16, 17, 40, 64]))
    x, w = (
        integers(rng, (int(rng.integers(0, 3)), *sizes, channels * groups)),
        integers(rng, (*kernel, channels, filters)),
    )
    b, op = integers(rng, (filters,)), {1: Conv1D, 2: Conv2D, 3: Conv3D}[len(sizes)]
    y, backprop = op(**settings, groups=groups)(x, w, b)
    np.testing.assert_array_equal(y, reference.convolve(x, w, b, **settings, groups=groups))
    dy = integers(rng, y.shape)
    assert_all_equal(backprop(dy), reference.convolve_backward(x, w, dy, **settings, groups=groups))


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_transposed(seed, variant):
    rng = np.random.default_rng(seed)
    sizes, kernel, settings = draw_axes(rng)
    settings["padding"] = "same" if settings["padding"] == "causal" else settings["padding"]
    if rng.random() < 0.4:
        settings["output_padding"] = tuple(int(rng.integers(0, s)) for s in settings["strides"])
    x = integers(rng, (int(rng.integers(0, 3)), *sizes, int(rng.choice([1, 3, 17, 33]))))
    w = integers(rng, (*kernel, int(rng.choice([1, 3, 16, 40])), x.shape[-1]))
    b, op = integers(rng, (w.shape[-2],)), {1: ConvTranspose1D, 2: ConvTranspose2D, 3: ConvTranspose3D}[len(sizes)]
    if min(op(**settings).output_shape((1, *x.shape[1:]), w.shape)) < 1:
        return
    y, backprop = op(**settings)(x, w, b)
    np.testing.assert_array_equal(y, reference.convolve_transpose(x, w, b, **settings))
    dy = integers(rng, y.shape)
    assert_all_equal(backprop(dy), reference.convolve_transpose_backward(x, w, dy, **settings))


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_pools_of_any_windows(seed, variant):
    rng = np.random.default_rng(seed)
    sizes, kernel, settings = draw_axes(rng)
    x = integers(rng, (2, *sizes, int(rng.choice([1, 3, 17, 33]))))
    size = tuple(int(rng.integers(1, n + 2)) for n in sizes)
    cases = [(AdaptiveMaxPool(size), True, axes.adaptive_windows(sizes, size))]
    cases.append((AdaptiveAveragePool(size), False, cases[0][2]))
    if len(sizes) != 2:
        padding = "valid" if settings["padding"] == "causal" else settings["padding"]
        pool = {"pool_size": kernel, "strides": settings["strides"], "padding": padding}
        maximum, mean = (MaxPool1D, AveragePool1D) if len(sizes) == 1 else (MaxPool3D, AveragePool3D)
        cases.append((maximum(**pool), True, axes.pool_windows(sizes, **pool)))
        cases.append((mean(**pool), False, cases[-1][2]))
    for op, largest, windows in cases:
        y, backprop = op(x)
        near = {"rtol": 0 if largest else 2e-6, "atol": 0 if largest else 1e-5}
        np.testing.assert_allclose(y, reference.pool(x, windows, largest), **near)
        dy = integers(rng, y.shape)
        np.testing.assert_allclose(backprop(dy)[0], reference.pool_backward(x, dy, windows, largest), **near)
