"""Winograd's tiles with products of bfloat16: exact on whole numbers, within the documented error, only where meant."""

import numpy as np
import pytest

from fastconv import config, kernels
from fastconv.ops import reference, winograd
from fastconv.ops.bfloat16 import narrowed
from fastconv.ops.primitives import Conv2D, Conv2DReluMaxPool2D
from tests.cases import integers
from tests.ops.pairs import can_run_pairs
from tests.ops.test_bfloat16 import NAMES
from tests.ops.test_winograd import SHAPES, draw

POOL = {"pool_size": (2, 2), "pool_strides": (2, 2)}


@pytest.fixture(autouse=True)
def pairs(variant, monkeypatch):
    """Multiply pairs, as written out where there is no instruction."""
    if not can_run_pairs(kernels.variant()):
        pytest.skip("this processor has no products of bfloat16")
    monkeypatch.setattr(kernels, "multiplies_pairs", lambda k: True)


def ways(op, x, w):
    site = op.site(x.shape, [w.shape, (w.shape[-1],)], x.dtype)
    return tuple(narrowed(op)._sizes(site)[1])


def tiles_of(w):
    """Return the ways where all may go by tiles; a single lane pads no odd number of channels to pairs."""
    lanes = kernels.for_dtype("float32").VECTOR
    forward, data = ("tiles" if lanes > 1 or size % 2 == 0 else "pairs" for size in w.shape[2:])
    return forward, "tiles", data


def random(rng, *shapes):
    return [rng.standard_normal(shape, dtype="float32") for shape in shapes]


def results(op, x, w, b, dy):
    y, backprop = narrowed(op)(x, w, b)
    return (y, *backprop(dy))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_whole_numbers_are_exact(shape, rng):
    x, w, b = draw(rng, shape, "float32")
    op = Conv2D(padding=shape[-1])
    dy = integers(rng, reference.conv2d(x, w, b, padding=shape[-1]).shape)
    assert ways(op, x, w) == tiles_of(w)
    y = reference.conv2d(x, w, b, padding=shape[-1])
    expected = (y, *reference.conv2d_backward(x, w, dy, padding=shape[-1]))
    for name, actual, right in zip(NAMES, results(op, x, w, b, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("near", [0, 1 << 30], ids=["dense", "visits"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_before_a_pool_whole_numbers_are_exact(shape, near, rng, monkeypatch):
    """By tiles whose gradients are their winners', and by visits to these."""
    monkeypatch.setattr("fastconv.ops.conv_pool.NEAR_BYTES", near)
    monkeypatch.setattr("fastconv.ops.conv_pool.VISIT", 0)
    x, w, b = draw(rng, shape, "float32")
    op = Conv2DReluMaxPool2D(**POOL, padding=shape[-1])
    by_tiles = tiles_of(w)
    assert ways(op, x, w) == ((by_tiles[0], "rounded", "rounded") if near else by_tiles)
    y = reference.conv_relu_max_pool(x, w, b, **POOL, padding=shape[-1])
    dy = integers(rng, y.shape)
    expected = (y, *reference.conv_relu_max_pool_backward(x, w, b, dy, **POOL, padding=shape[-1]))
    for name, actual, right in zip(NAMES, results(op, x, w, b, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


def test_with_relu(rng):
    x, w, b = draw(rng, SHAPES[1], "float32")
    sums = reference.conv2d(x, w, b, padding="same")
    dy = integers(rng, sums.shape)
    expected = reference.conv2d_backward(x, w, reference.relu_backward(sums, dy), padding="same")
    actual = results(Conv2D(padding="same", relu=True), x, w, b, dy)
    for name, mine, right in zip(NAMES, actual, (reference.relu(sums), *expected), strict=True):
        np.testing.assert_array_equal(mine, right, err_msg=name)


@pytest.mark.parametrize("channels", [32, 256])
def test_the_error_is_bounded(channels, rng):
    """The documented bounds: 2**-8 of the sum of absolute products; twice the mean error of products without tiles."""
    x, w, b = random(rng, (2, 12, 12, channels), (3, 3, channels, 64), (64,))
    (dy,) = random(rng, (2, 10, 10, 64))
    wide, sizes = ([f(a).astype("float64") for a in (x, w, b, dy)] for f in (np.array, np.abs))
    exact, terms = (
        (reference.conv2d(*given[:3]), *reference.conv2d_backward(*given[:2], given[3])) for given in (wide, sizes)
    )
    by_tiles = results(Conv2D(), x, w, b, dy)
    config.disable_winograd()
    try:
        assert "tiles" not in ways(Conv2D(), x, w)
        direct = results(Conv2D(), x, w, b, dy)
    finally:
        config.enable_winograd()
    for name, tiled, plain, right, size in zip(NAMES, by_tiles, direct, exact, terms, strict=True):
        assert np.all(np.abs(tiled - right) <= 2**-8 * size), name
        if name != "db":  # a sum of gradients
            assert np.square(tiled - right).mean() <= 4 * np.square(plain - right).mean(), name
            assert np.abs(tiled - right).max() > 1e-4, f"{name} was not rounded"


def test_same_bits_in_every_variant(rng):
    """Transforms are sums and halves, each rounded alike, and so are the sums of exact products."""
    x, w, b = random(rng, (2, 11, 9, 36), (3, 3, 36, 70), (70,))
    found = {}
    for variant in kernels.runnable():
        with kernels.use(variant):
            if can_run_pairs(kernels.variant()):
                found[variant] = narrowed(Conv2D(padding="same"))(x, w, b)[0].tobytes()
    assert len(set(found.values())) == 1, sorted(found)


@pytest.mark.parametrize("op", [Conv2D(padding="same"), Conv2DReluMaxPool2D(**POOL, padding="same")], ids=repr)
@pytest.mark.parametrize("shape", [(5, 8, 7, 96, 100), (3, 30, 31, 33, 64)], ids=str)
def test_same_bits_for_any_number_of_threads(op, shape, set_num_threads, rng):
    n, height, width, channels, filters = shape
    x, w, b = random(rng, (n, height, width, channels), (3, 3, channels, filters), (filters,))
    set_num_threads(1)
    (dy,) = random(rng, narrowed(op)(x, w, b)[0].shape)
    alone = results(op, x, w, b, dy)
    for threads in (2, 3, 5):
        set_num_threads(threads)
        for name, actual, right in zip(NAMES, results(op, x, w, b, dy), alone, strict=True):
            assert actual.tobytes() == right.tobytes(), f"{name} differs with {threads} threads"


@pytest.mark.parametrize(
    "settings", [{"SMALL_SUMS": 0}, {"SMALL_SUMS": 0, "GROUP_BYTES": 1}, {"NEAR_BYTES": 1}], ids=repr
)
def test_filter_gradients_add_up_in_whatever_order(settings, rng, monkeypatch):
    """Of several groups of blocks, in one chunk or in several."""
    x, w, b = draw(rng, SHAPES[-1], "float32")
    for name, value in settings.items():
        monkeypatch.setattr(winograd, name, value)
    dy = integers(rng, reference.conv2d(x, w, b, padding="same").shape)
    expected = reference.conv2d_backward(x, w, dy, padding="same")
    for mine, right in zip(results(Conv2D(padding="same"), x, w, b, dy)[1:], expected, strict=True):
        np.testing.assert_array_equal(mine, right)


def test_what_is_not_a_number_reaches_its_tiles(rng):
    x, w, b = draw(rng, SHAPES[0], "float32")
    x[0, 6, 6, 3] = np.nan
    y, _ = narrowed(Conv2D())(x, w, b)
    assert np.isnan(y[0, 4:7, 4:7]).all()
    assert not np.isnan(y[1]).any()
    assert not np.isnan(y[0, :3]).any()


def test_few_channels_go_by_pairs(rng):
    """Tiles are for as many channels as float32's; the data gradient of a single one is scattered."""
    lanes = kernels.for_dtype("float32").VECTOR  # a single channel is a whole vector of the scalar kernels
    for channels, way in ((1, "scattered" if lanes > 1 else "pairs"), (31, "pairs")):
        x, w = random(rng, (1, 12, 12, channels), (3, 3, channels, 64))
        assert ways(Conv2D(), x, w) == ("pairs", "pairs", way)


@pytest.mark.parametrize("channels", [7, 64])
def test_pools_without_a_relu_keep_what_is_below_zero(channels, rng):
    x, w, b = integers(rng, (2, 8, 8, channels)), integers(rng, (3, 3, channels, 64)), np.full(64, -9000, np.float32)
    y, _ = narrowed(Conv2DReluMaxPool2D(**POOL, rectified=False))(x, w, b)
    np.testing.assert_array_equal(y, reference.max_pool2d(reference.conv2d(x, w, b), pool_size=(2, 2))[0])
    assert (y < 0).all()
