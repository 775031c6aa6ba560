"""The yardstick is straight: the benchmarks' NumPy baseline computes what the operations mean."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastconv.ops import reference

PATH = Path(__file__).parents[1] / "asv_bench" / "benchmarks" / "baseline.py"


@pytest.fixture(scope="module")
def baseline():
    spec = importlib.util.spec_from_file_location("baseline", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [((7, 8), 3, 1, "valid"), ((7, 8), 3, 2, "same"), ((9, 8), 1, 2, "valid"), ((15, 9), 5, 2, "same")],
)
def test_convolution(baseline, size, kernel, stride, padding):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, *size, 3)), rng.standard_normal((kernel, kernel, 3, 4))
    settings = {"strides": (stride, stride), "padding": padding}
    y = baseline.conv_forward(x, w, stride, padding)
    assert_allclose(y, reference.conv2d(x, w, **settings))
    dy = rng.standard_normal(y.shape)
    dx, dw = reference.conv2d_backward(x, w, dy, **settings)[:2]
    assert_allclose(baseline.conv_backward_input(x, w, dy, stride, padding), dx)
    assert_allclose(baseline.conv_backward_filters(x, w, dy, stride, padding), dw)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"), [((7, 8), 3, 1, "valid"), ((7, 8), 3, 2, "same"), ((9, 8), 5, 2, "valid")]
)
def test_depthwise_convolution(baseline, size, kernel, stride, padding):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, *size, 3)), rng.standard_normal((kernel, kernel, 3, 1))
    settings = {"strides": (stride, stride), "padding": padding}
    y = baseline.depthwise_forward(x, w, stride, padding)
    assert_allclose(y, reference.depthwise_conv2d(x, w, **settings))
    dy = rng.standard_normal(y.shape)
    dx, dw = reference.depthwise_conv2d_backward(x, w, dy, **settings)[:2]
    assert_allclose(baseline.depthwise_backward_input(x, w, dy, stride, padding), dx)
    assert_allclose(baseline.depthwise_backward_filters(x, w, dy, stride, padding), dw)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2)])
def test_max_pooling(baseline, size, stride):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (2, 11, 9, 3)).astype(float)  # with ties
    settings = {"pool_size": (size, size), "strides": (stride, stride)}
    y = baseline.max_pool_forward(x, size, stride)
    expected, which = reference.max_pool2d(x, **settings)
    assert_allclose(y, expected)
    dy = rng.standard_normal(y.shape)
    dx = reference.max_pool2d_backward(dy, which, x.shape, **settings)
    assert_allclose(baseline.max_pool_backward(x, y, dy, size, stride), dx)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2)])
def test_average_pooling(baseline, size, stride):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 11, 9, 3))
    settings = {"pool_size": (size, size), "strides": (stride, stride)}
    y = baseline.average_pool_forward(x, size, stride)
    assert_allclose(y, reference.average_pool2d(x, **settings), rtol=1e-6)
    dy = rng.standard_normal(y.shape)
    dx = reference.average_pool2d_backward(dy, x.shape, **settings)
    assert_allclose(baseline.average_pool_backward(x, y, dy, size, stride), dx, rtol=1e-6)


def test_the_network_learns(baseline):
    rng = np.random.default_rng(0)
    x, labels = rng.random((8, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 8)
    network = baseline.TutorialNetwork()
    loss = lambda: -np.log(network.predict(x)[np.arange(8), labels]).mean()  # noqa: E731
    before = loss()
    for _ in range(60):
        network.train_step(x, labels, 0.2)
    assert loss() < before / 2
