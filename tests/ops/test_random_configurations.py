"""Convolutions of random sizes and settings against NumPy, exact on small whole numbers: a long look at odd corners."""

import numpy as np
import pytest

from fastconv.ops import reference
from fastconv.ops.primitives import Conv2D, Conv2DReluMaxPool2D, DepthwiseConv2D, MaxPool2D
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
