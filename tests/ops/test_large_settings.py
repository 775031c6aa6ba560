"""Settings that are far larger than the image cost no memory and mean what they mean."""

import tracemalloc

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import ops
from fastconv.models import Sequential
from fastconv.ops import primitives as P
from fastconv.ops import reference
from tests.cases import integers


@pytest.mark.parametrize("strides", [(1, 1), (2, 3), (5, 1)], ids=str)
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (4, 5), (6, 7)], ids=str)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4), (6, 7)], ids=str)
def test_dilations_beyond_the_image(size, kernel, strides, variant, rng):
    """Around the number from which on only the middle of a kernel lies within the image, and beyond it."""
    x = integers(rng, (2, *size, 3))
    w, dw = integers(rng, (*kernel, 3, 4)), integers(rng, (*kernel, 3, 1))
    for dilation in {(d, e) for d in (size[0] - 1, 2 * size[0] + 1, 40) for e in (size[1], size[1] + 1, 33) if d}:
        settings = {"strides": strides, "padding": "same", "dilation": dilation}
        for op, filters, define in (
            (P.Conv2D, w, (reference.conv2d, reference.conv2d_backward)),
            (P.DepthwiseConv2D, dw, (reference.depthwise_conv2d, reference.depthwise_conv2d_backward)),
        ):
            y, backprop = op(**settings)(x, filters, None)
            np.testing.assert_array_equal(y, define[0](x, filters, **settings))
            dy = integers(rng, y.shape)
            for actual, right in zip(backprop(dy)[:2], define[1](x, filters, dy, **settings), strict=False):
                np.testing.assert_array_equal(actual, right)


@pytest.mark.parametrize("kernel", [2, 3, 4])
@pytest.mark.parametrize("layer", [L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D])
def test_a_dilation_of_ten_thousand_asks_for_no_memory(layer, kernel, rng):
    arguments = (kernel,) if layer is L.DepthwiseConv2D else (4, kernel)
    model = Sequential(
        [L.Input((8, 9, 3)), layer(*arguments, padding="same", dilation_rate=10_000), L.Flatten(), L.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = rng.random((2, 8, 9, 3))
    tracemalloc.start()
    try:
        assert model.predict(x, verbose=0).shape == (2, 1)
        model.train_on_batch(x, np.ones((2, 1)))
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


def test_a_pool_far_larger_than_the_image_is_the_image(rng):
    x = integers(rng, (2, 5, 6, 3))
    tracemalloc.start()
    try:
        y = ops.max_pool(x, 10_001, strides=10_001, padding="same")
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(y, x.max((1, 2), keepdims=True))
