"""Convolutions, transposed ones and pools of sequences, images and volumes against NumPy, exact on whole numbers."""

import numpy as np
import pytest

from fastconv.ops import primitives as P
from fastconv.ops import reference as R
from tests.cases import distinct, integers
from tests.gradients import check_gradients

CONVS = {1: P.Conv1D, 2: P.Conv2D, 3: P.Conv3D}
TRANSPOSED = {1: P.ConvTranspose1D, 2: P.ConvTranspose2D, 3: P.ConvTranspose3D}

#: inputs without the batch, kernel with the filters, settings
AWKWARD = [
    ((1, 1), (1, 1), {}),
    ((9, 17), (3, 33), {"padding": "same"}),
    ((9, 3), (2, 5), {"padding": "causal", "dilation": (3,)}),
    ((8, 16), (3, 64), {"padding": "causal", "strides": (2,)}),
    ((5, 4), (5, 6), {"groups": 2}),
    ((40, 1), (7, 3), {"strides": (9,)}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((1, 1, 1, 5), (3, 3, 3, 17), {"padding": "same"}),
    ((4, 5, 6, 3), (2, 3, 2, 16), {}),
    ((4, 5, 6, 3), (4, 5, 6, 2), {}),
    ((5, 6, 7, 17), (3, 3, 3, 33), {"padding": "same"}),
    ((7, 5, 6, 4), (2, 1, 3, 8), {"padding": "same", "strides": (3, 2, 1)}),
    ((7, 8, 6, 4), (3, 3, 2, 6), {"dilation": (2, 1, 3), "groups": 2}),
    ((7, 6, 8, 4), (3, 2, 2, 6), {"dilation": (3, 2, 1), "padding": "same"}),
    ((3, 9, 8, 32), (1, 3, 3, 64), {"padding": "same"}),
    ((5, 4, 3, 8), (1, 1, 1, 9), {}),
    ((6, 4, 3, 8), (1, 2, 1, 9), {"strides": (2, 1, 1)}),
    ((9, 3, 3, 4), (3, 1, 1, 5), {"strides": (4, 3, 2)}),
    ((3, 4, 4, 6), (2, 3, 2, 6), {"groups": 6, "padding": "same"}),
    ((6, 5, 7, 3), (3, 3, 2, 20), {"padding": "same", "dilation": (2, 1, 2)}),
    ((7, 5, 6, 1), (2, 3, 3, 5), {"padding": "same", "strides": (3, 1, 2)}),
    ((4, 9, 8, 64), (3, 3, 3, 66), {"padding": "same"}),
    ((1, 8, 10, 18), (3, 3, 3, 16), {"padding": "same"}),
    ((5, 9, 8, 17), (2, 3, 3, 21), {"padding": "same", "dilation": (3, 1, 1)}),
    ((6, 11, 10, 65), (4, 3, 3, 64), {}),
    # groups of few channels, several of them in a vector
    ((9, 16), (3, 16), {"groups": 8, "padding": "same"}),
    ((40, 24), (5, 24), {"groups": 6, "strides": (2,)}),
    ((11, 20), (3, 20), {"groups": 10, "padding": "causal", "dilation": (2,)}),
    ((7, 8, 40), (3, 3, 40), {"groups": 5, "padding": "same"}),
    ((9, 7, 48), (3, 2, 48), {"groups": 3, "padding": "same", "strides": (2, 3)}),
    ((3, 3, 32), (3, 3, 32), {"groups": 4}),
    ((1, 1, 16), (1, 1, 16), {"groups": 2}),
    ((4, 5, 6, 24), (3, 2, 3, 24), {"groups": 12, "strides": (2, 1, 2), "padding": "same"}),
    ((4, 5, 6, 32), (3, 3, 3, 32), {"groups": 4, "padding": "same"}),
    ((1, 1, 1, 16), (3, 3, 3, 16), {"groups": 4, "padding": "same"}),
    ((6, 7, 8, 20), (2, 3, 2, 20), {"groups": 5, "dilation": (2, 1, 3)}),
    ((5, 4, 6, 32), (3, 3, 2, 32), {"groups": 2, "strides": (3, 3, 3)}),
    ((2, 60, 70, 2), (2, 1, 1, 5), {}),  # more pixels of a plane than are summed at a time
]
SPREADS = [
    ((1, 1), (1, 1), {}),
    ((3, 1), (3, 1), {"strides": (2,), "padding": "same"}),
    ((5, 17), (2, 33), {"strides": (3,)}),
    ((5, 4), (4, 16), {"strides": (3,), "padding": "same", "output_padding": (2,)}),
    ((5, 4), (3, 2), {"dilation": (2,), "padding": "same"}),
    ((1, 1, 1), (1, 1, 1), {}),
    ((4, 5, 3), (3, 3, 40), {"strides": (2, 2), "padding": "same"}),
    ((4, 5, 3), (3, 2, 1), {"strides": (2, 3)}),
    ((6, 6, 40), (3, 3, 48), {"padding": "same"}),
    ((4, 3, 33), (2, 2, 7), {"strides": (3, 3)}),
    ((4, 3, 8), (2, 5, 3), {"strides": (2, 3), "output_padding": (1, 0)}),
    ((3, 4, 2), (4, 4, 16), {"strides": (2, 2), "padding": "same", "output_padding": (0, 1)}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((2, 3, 4, 5), (3, 3, 3, 17), {"strides": (2, 2, 2), "padding": "same"}),
    ((2, 3, 4, 5), (2, 1, 3, 2), {"strides": (3, 2, 1)}),
    ((3, 3, 2, 16), (2, 2, 2, 1), {"dilation": (2, 1, 2)}),
    ((3, 4, 5, 32), (1, 3, 3, 32), {"padding": "same"}),
    ((3, 4, 5, 17), (4, 4, 4, 3), {"strides": (2, 2, 2), "padding": "same"}),
    ((3, 8, 9, 64), (3, 3, 3, 65), {"padding": "same"}),
]
names = [f"{n}-{x}-{k}-{s}".replace(" ", "") for n, (x, k, s) in enumerate(AWKWARD)]
spread_names = [f"{n}-{x}-{k}-{s}".replace(" ", "") for n, (x, k, s) in enumerate(SPREADS)]


def make(case, classes, turned):
    """Return (op, settings of the reference, shape of the filters, of the bias)."""
    x, k, settings = case
    *kernel, filters = k
    axes = len(kernel)
    settings = {"strides": (1,) * axes, "dilation": (1,) * axes, **settings}
    channels = x[-1] // settings.get("groups", 1)
    shape = (*kernel, filters, channels) if turned else (*kernel, channels, filters)
    return classes[axes], settings, shape, (filters,)


def assert_same(op, arrays, forward, backward, rng, dtype):
    """Assert that value and gradients are the definition's, bit for bit, and that nothing given changes."""
    before = [a.copy() for a in arrays]
    y, backprop = op(*arrays)
    expected = forward(*arrays)
    if op.relu:
        expected, sums = R.relu(expected), expected
    np.testing.assert_array_equal(y, expected, strict=True)
    dy = integers(rng, y.shape, dtype)
    g = R.relu_backward(sums, dy) if op.relu else dy
    for name, actual, right in zip(("dx", "dw", "db"), backprop(dy), backward(*arrays[:2], g), strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("case", AWKWARD, ids=names)
@pytest.mark.usefixtures("small_tiles")
def test_convolutions(case, relu, batch, variant, rng):
    cls, settings, w, b = make(case, CONVS, False)
    arrays = [integers(rng, shape) for shape in ((batch, *case[0]), w, b)]
    assert_same(
        cls(**settings, relu=relu),
        arrays,
        lambda x, w, b: R.convolve(x, w, b, **settings),
        lambda x, w, dy: R.convolve_backward(x, w, dy, **settings),
        rng,
        np.float32,
    )


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("case", SPREADS, ids=spread_names)
def test_transposed_convolutions(case, relu, batch, variant, rng):
    cls, settings, w, b = make(case, TRANSPOSED, True)
    arrays = [integers(rng, shape) for shape in ((batch, *case[0]), w, b)]
    assert_same(
        cls(**settings, relu=relu),
        arrays,
        lambda x, w, b: R.convolve_transpose(x, w, b, **settings),
        lambda x, w, dy: R.convolve_transpose_backward(x, w, dy, **settings),
        rng,
        np.float32,
    )


@pytest.mark.parametrize("turned", [False, True], ids=["conv", "transposed"])
def test_gradients_by_finite_differences(turned, rng):
    for case in (SPREADS if turned else AWKWARD)[1::4]:
        cls, settings, w, b = make(case, TRANSPOSED if turned else CONVS, turned)
        inputs = [rng.standard_normal(shape) for shape in ((2, *case[0]), w, b)]
        op = cls(**settings)
        y, backprop = op(*inputs)
        dy = rng.standard_normal(y.shape)
        check_gradients(lambda x, w, b, op=op: op(x, w, b)[0], inputs, dy, backprop(dy), samples=4)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("filters", [2, 40])
def test_transposed_without_bias(filters, relu, variant, rng):
    x, w = integers(rng, (2, 4, 5, 3)), integers(rng, (3, 3, filters, 3))
    settings = {"strides": (2, 2), "dilation": (1, 1)}
    y, backprop = P.ConvTranspose2D((2, 2), relu=relu)(x, w, None)
    sums = R.convolve_transpose(x, w, **settings)
    np.testing.assert_array_equal(y, R.relu(sums) if relu else sums)
    dy = integers(rng, y.shape)
    dx, dw, db = backprop(dy)
    g = R.relu_backward(sums, dy) if relu else dy
    expected = R.convolve_transpose_backward(x, w, g, **settings)
    np.testing.assert_array_equal(dx, expected[0])
    np.testing.assert_array_equal(dw, expected[1])
    assert db is None


@pytest.mark.parametrize(
    ("op", "x", "w"),
    [
        (P.Conv1D(padding="same"), (3, 700, 19), (5, 19, 40)),
        (P.Conv3D(padding="same"), (3, 9, 14, 13, 6), (3, 3, 3, 6, 24)),
        (P.ConvTranspose2D((2, 2), "same"), (3, 13, 17, 20), (3, 3, 35, 20)),
        (P.Conv2D(groups=8, padding="same"), (3, 33, 37, 32), (3, 3, 4, 32)),
        (P.Conv3D(groups=4, padding="same"), (2, 6, 17, 16, 32), (3, 3, 3, 8, 32)),
        (P.ConvTranspose2D((2, 2), "same"), (3, 33, 37, 20), (3, 3, 3, 20)),
        (P.ConvTranspose3D((2, 2, 2)), (2, 5, 9, 8, 16), (3, 3, 3, 9, 16)),
    ],
    ids=repr,
)
def test_same_bits_for_any_number_of_threads(op, x, w, variant, set_num_threads, rng):
    filters = w[-1] if isinstance(op, P.Conv2D) else w[-2]
    x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in (x, w, (filters,)))
    set_num_threads(1)
    y, backprop = op(x, w, b)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    alone = (y, *backprop(dy))
    for threads in (2, 3):
        set_num_threads(threads)
        y, backprop = op(x, w, b)
        for actual, right in zip((y, *backprop(dy)), alone, strict=True):
            assert actual.tobytes() == right.tobytes()


@pytest.mark.parametrize(
    ("settings", "size", "kernel"),
    [
        ({"padding": "same"}, (4, 5, 6), (3, 3, 3)),
        ({"strides": (2, 1, 2)}, (5, 6, 7), (2, 3, 2)),
        ({"padding": "same", "strides": (3, 2, 3)}, (7, 5, 8), (2, 2, 4)),
        ({"padding": "same", "dilation": (2, 1, 3)}, (4, 3, 5), (3, 2, 3)),
        ({"padding": "same"}, (3, 9, 8), (1, 3, 3)),
        ({"strides": (2, 2, 2)}, (3, 3, 3), (3, 3, 3)),
        ({"padding": "same"}, (1, 1, 1), (3, 3, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("times", [1, 2])
def test_volumes_depthwise(settings, size, kernel, times, variant, rng):
    channels = 17
    w, b = integers(rng, (*kernel, channels, times)), integers(rng, (channels * times,))
    grouped = w.reshape(*kernel, 1, -1)
    full = {"strides": (1, 1, 1), "dilation": (1, 1, 1), **settings}
    for samples in (0, 2):
        x = integers(rng, (samples, *size, channels))
        op = P.DepthwiseConv3D(**settings)
        y, backprop = op(x, w, b)
        assert y.shape == op.output_shape(x.shape, w.shape, b.shape)
        np.testing.assert_array_equal(y, R.convolve(x, grouped, b, **full, groups=channels))
        dy = integers(rng, y.shape)
        dx, dw, db = R.convolve_backward(x, grouped, dy, **full, groups=channels)
        for actual, right in zip(backprop(dy), (dx, dw.reshape(w.shape), db), strict=True):
            np.testing.assert_array_equal(actual, right)


def test_volumes_depthwise_refuse_other_filters():
    with pytest.raises(ValueError, match=r"depthwise_conv3d.*filters of shape \(1, 1, 1, 3, 1\) do not fit volumes"):
        P.DepthwiseConv3D().output_shape((1, 2, 2, 2, 4), (1, 1, 1, 3, 1))


def test_sequences_depthwise(variant, rng):
    for padding, stride, dilation in (("valid", 1, 2), ("same", 3, 1), ("causal", 1, 3)):
        x, w, b = integers(rng, (3, 11, 5)), integers(rng, (3, 5, 2)), integers(rng, (10,))
        settings = {"strides": (stride,), "padding": padding, "dilation": (dilation,)}
        y, backprop = P.DepthwiseConv1D(**settings)(x, w, b)
        grouped = w.reshape(3, 1, 10)
        np.testing.assert_array_equal(y, R.convolve(x, grouped, b, **settings, groups=5))
        dy = integers(rng, y.shape)
        dx, dw, db = R.convolve_backward(x, grouped, dy, **settings, groups=5)
        for actual, right in zip(backprop(dy), (dx, dw.reshape(w.shape), db), strict=True):
            np.testing.assert_array_equal(actual, right)


POOLS = [
    ((2, 2, 2, 3), {"pool_size": (2, 2, 2)}),
    ((5, 6, 7, 17), {"pool_size": (2, 3, 2)}),
    ((5, 6, 7, 4), {"pool_size": (3, 2, 3), "strides": (1, 2, 2), "padding": "same"}),
    ((5, 6, 7, 4), {"pool_size": (1, 2, 2)}),
    ((5, 6, 7, 4), {"pool_size": (2, 1, 1), "strides": (3, 1, 1)}),
    ((5, 6, 7, 4), {"pool_size": (1, 1, 1)}),
    ((5, 6, 7, 4), {"pool_size": (1, 1, 1), "strides": (2, 2, 2)}),
    ((5, 6, 7, 33), {"pool_size": (5, 6, 7)}),
    ((7, 8, 9, 2), {"pool_size": (7, 8, 9), "padding": "same"}),
    ((1, 1), {"pool_size": (1,)}),
    ((9, 17), {"pool_size": (2,)}),
    ((10, 3), {"pool_size": (3,), "strides": (2,), "padding": "same"}),
    ((10, 33), {"pool_size": (2,), "strides": (3,)}),
    ((7, 5), {"pool_size": (7,)}),
    ((600, 1), {"pool_size": (300,), "strides": (7,)}),
]
POOL_OPS = {1: (P.AveragePool1D, P.MaxPool1D), 3: (P.AveragePool3D, P.MaxPool3D)}


@pytest.mark.parametrize("largest", [True, False], ids=["max", "mean"])
@pytest.mark.parametrize(("shape", "settings"), POOLS, ids=str)
def test_pools_of_sequences_and_volumes(shape, settings, largest, variant, rng):
    op = POOL_OPS[len(shape) - 1][largest](**settings)
    check_pool(op, shape, R.axes.pool_windows(shape[:-1], **settings), largest, rng)


ADAPTIVE = [((5, 3), (2,)), ((9, 6, 17), (4, 6)), ((9, 6, 4), (1, 1)), ((4, 3, 2), (7, 5)), ((5, 6, 7, 3), (2, 5, 3))]
ADAPTIVE += [((1001, 5), (2,)), ((3, 3), (3,)), ((1, 1, 1, 1), (1, 1, 1))]


@pytest.mark.parametrize("largest", [True, False], ids=["max", "mean"])
@pytest.mark.parametrize(("shape", "size"), ADAPTIVE, ids=str)
def test_adaptive_pools(shape, size, largest, variant, rng):
    op = (P.AdaptiveMaxPool if largest else P.AdaptiveAveragePool)(size)
    check_pool(op, shape, R.axes.adaptive_windows(shape[:-1], size), largest, rng)
    simpler = op.simpler((2, *shape))
    if simpler is not None:
        check_pool(simpler, shape, R.axes.adaptive_windows(shape[:-1], size), largest, rng)


def check_pool(op, shape, windows, largest, rng):
    """Assert that a pool is its definition, gradients too, on equal cells and on an empty batch."""
    for batch, x in ((2, distinct(rng, (2, *shape))), (3, integers(rng, (3, *shape), limit=1)), (0, None)):
        x = np.zeros((0, *shape), np.float32) if x is None else x.astype(np.float32)
        y, backprop = op(x)
        dy = integers(rng, y.shape)
        assert y.shape == (batch, *windows[0], shape[-1])
        near = {"rtol": 0 if largest else 2e-6, "atol": 0 if largest else 1e-5}
        np.testing.assert_allclose(y, R.pool(x, windows, largest), **near)
        np.testing.assert_allclose(backprop(dy)[0], R.pool_backward(x, dy, windows, largest), **near)
