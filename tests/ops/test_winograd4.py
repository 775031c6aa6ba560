"""Convolutions by tiles of 4 x 4 outputs: within the documented error of the definition, and only where meant."""

import numpy as np
import pytest

from fastconv import config
from fastconv.ops import reference, windows, winograd
from fastconv.ops.primitives import Conv2D, Conv2DAdd, Conv2DAveragePool2D, Conv2DReluMaxPool2D
from tests import guarded
from tests.cases import integers

# n, height, width, channels, filters, padding: whole tiles and parts of them, tails of channels, one item and several
SHAPES = [
    (2, 13, 14, 64, 64, "valid"),
    (1, 12, 8, 33, 39, "same"),
    (3, 10, 9, 32, 35, ((1, 2), (3, 0))),
    (1, 31, 29, 48, 40, "same"),
    (4, 31, 29, 35, 130, "same"),  # several items, three blocks of filters
    (0, 12, 12, 32, 32, "same"),
    (17, 8, 8, 66, 64, "same"),
    (1, 8, 12, 300, 64, ((1, 1), (0, 2))),  # filter rows beyond a piece, and padding on one side alone
]
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
BOUND = 16  # the documented bound, in units of the last place of the largest sum of absolute products in a tile


def draw(rng, shape, dtype="float32"):
    n, h, w, c, o, padding = shape
    sizes = ((n, h, w, c), (3, 3, c, o), (o,))
    c = windows.conv_sizes(*sizes[:2], (1, 1), padding, (1, 1), 1)
    assert winograd.pays(c)
    assert winograd.is_large(c)
    return [rng.standard_normal(size).astype(dtype) for size in sizes]


def absolute(*arrays):
    return [np.abs(a.astype("float64")) for a in arrays]


def largest(terms):
    """Return the largest of each tile at all its places: a tile's outputs are made of the same 36 sums."""
    n, h, w, o = terms.shape
    high, wide = -(-h // 4), -(-w // 4)
    tiles = np.zeros((n, high, 4, wide, 4, o))
    tiles.reshape(n, 4 * high, 4 * wide, o)[:, :h, :w] = terms
    tiles[:] = tiles.max((2, 4), keepdims=True)
    return tiles.reshape(n, 4 * high, 4 * wide, o)[:, :h, :w]


def check(actual, exact, terms, dtype="float32"):
    """Compare with the definition in float64, in units of the last place of the largest sum of absolute products."""
    assert actual.shape == exact.shape
    terms = largest(terms) if terms.ndim == 4 and terms.shape[:2] != (3, 3) else terms
    assert np.all(np.abs(actual - exact) <= BOUND * EPS[dtype] * terms)


def wide(*arrays):
    return [a.astype("float64") for a in arrays]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(variant, shape, rng):
    x, f, b = draw(rng, shape)
    padding = shape[-1]
    y, backprop = guarded.call(Conv2D(padding=padding), x, f, b)
    terms = reference.conv2d(*absolute(x, f, b), padding=padding)
    check(y, reference.conv2d(*wide(x, f, b), padding=padding), terms)
    dy = rng.standard_normal(y.shape, dtype="float32")
    exact = reference.conv2d_backward(*wide(x, f, dy), padding=padding)
    terms = reference.conv2d_backward(*absolute(x, f, dy), padding=padding)
    for mine, theirs, bound in zip(backprop(dy), exact, terms, strict=True):
        check(mine, theirs, bound)


@pytest.mark.parametrize("shape", SHAPES[:3], ids=str)
def test_float64(shape, rng):
    """In float64 the error is smaller by as much: the coefficients are those of the definition."""
    x, f, b = draw(rng, shape, "float64")
    y, backprop = Conv2D(padding=shape[-1])(x, f, b)
    check(y, *(reference.conv2d(*a, padding=shape[-1]) for a in ((x, f, b), absolute(x, f, b))), "float64")
    dy = rng.standard_normal(y.shape)
    exact, terms = (reference.conv2d_backward(*a, padding=shape[-1]) for a in ((x, f, dy), absolute(x, f, dy)))
    check(backprop(dy)[0], exact[0], terms[0], "float64")


@pytest.mark.parametrize("channels", [32, 128, 512])
def test_the_error_grows_as_that_of_sums(channels, variant, rng):
    """Root mean squares: at most four times those of tiles of 2 x 2, relative to the results', growing as sums do."""
    x, f, b = draw(rng, (1, 16, 16, channels, 32, "same"))
    exact = reference.conv2d(*wide(x, f, b), padding="same")
    errors = []
    for tile in (2, 4):
        config.enable_winograd(tile)
        y, _ = Conv2D(padding="same")(x, f, b)
        errors.append(np.sqrt(np.mean((y - exact) ** 2) / np.mean(exact**2)))
        assert np.abs(y - exact).max() < 1e-5 * np.abs(exact).max()
    assert errors[1] < 4 * errors[0]
    assert errors[1] < 2e-7 * np.sqrt(channels)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", [Conv2DReluMaxPool2D, Conv2DAveragePool2D])
@pytest.mark.parametrize("rectified", [True, False])
def test_pools_in_registers_are_those_of_the_convolution(variant, kind, rectified, shape, rng):
    """To the bit: the sums of a tile are those of the convolution by itself."""
    x, f, b = draw(rng, shape)
    y, _ = Conv2D(padding=shape[-1], relu=rectified)(x, f, b)
    settings = {"pool_size": (2, 2), "pool_strides": (2, 2), "padding": shape[-1], "rectified": rectified}
    pooled, backprop = guarded.call(kind(**settings), x, f, b)
    n, h, w, o = y.shape
    cells = y[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, o).transpose(2, 4, 0, 1, 3, 5)
    cells = cells.reshape(4, n, h // 2, w // 2, o)
    if kind is Conv2DReluMaxPool2D:
        np.testing.assert_array_equal(pooled, cells.max(0))
    else:
        np.testing.assert_array_equal(pooled, (cells[0] + cells[1] + cells[2] + cells[3]) / np.float32(4))
    dy = integers(rng, pooled.shape)
    winner = np.arange(4).reshape(4, 1, 1, 1, 1) == cells.argmax(0)
    at = winner if kind is Conv2DReluMaxPool2D else np.full(cells.shape, 0.25)
    at = at * (cells > 0) if rectified else at
    spread = np.zeros(y.shape)
    spread[:, : h // 2 * 2, : w // 2 * 2] = (
        (at * dy).reshape(2, 2, n, h // 2, w // 2, o).transpose(2, 3, 0, 4, 1, 5).reshape(n, h // 2 * 2, w // 2 * 2, o)
    )
    exact = reference.conv2d_backward(*wide(x, f, spread), padding=shape[-1])
    terms = reference.conv2d_backward(*absolute(x, f, spread), padding=shape[-1])
    for mine, theirs, bound in zip(backprop(dy), exact, terms, strict=True):
        check(mine, theirs, bound)


@pytest.mark.parametrize("relu", [False, True])
def test_what_is_added_comes_before_the_activation(variant, relu, rng):
    x, f, b = draw(rng, SHAPES[3])
    y, _ = Conv2D(padding="same")(x, f, b)
    added = rng.standard_normal(y.shape, dtype="float32")
    total, _ = Conv2DAdd(padding="same", relu=relu)(x, f, b, added)
    np.testing.assert_array_equal(total, np.maximum(y + added, 0) if relu else y + added)


@pytest.mark.parametrize(
    "shape", [(5, 14, 14, 40, 72, "same"), (1, 13, 13, 64, 64, "valid"), (9, 30, 30, 32, 130, "same")]
)
def test_same_bits_for_any_number_of_threads(shape, rng, set_num_threads):
    x, f, _ = draw(rng, shape)
    results = []
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        y, backprop = Conv2D(padding=shape[-1])(x, f, None)
        results.append((y, *backprop(y)[:2]))
    for other in results[1:]:
        for one, another in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


def test_same_bits_in_any_batch(variant, rng):
    x, f, b = draw(rng, (9, 14, 11, 40, 36, "same"))
    y, _ = Conv2D(padding="same")(x, f, b)
    alone, _ = Conv2D(padding="same")(x[4:5], f, b)
    np.testing.assert_array_equal(alone, y[4:5])


def test_what_is_not_finite_stays_in_its_tile(variant, rng):
    x, f, b = draw(rng, (2, 16, 16, 32, 32, "same"))
    clean, _ = Conv2D(padding="same")(x, f, b)
    x[1, 6, 6, 3] = np.nan
    y, _ = Conv2D(padding="same")(x, f, b)
    assert np.isnan(y[1, 5:8, 5:8]).all()
    y[1, 4:8, 4:8] = clean[1, 4:8, 4:8]
    np.testing.assert_array_equal(y, clean)


@pytest.mark.parametrize(
    ("height", "channels", "large"),
    [
        (56, 64, True),
        (14, 256, True),
        (14, 512, False),  # large filters for few tiles
        (28, 512, True),
        (7, 64, True),
        (7, 512, False),
        (6, 64, False),  # as many products as tiles of 2 x 2 have
        (9, 64, True),
    ],
)
def test_where_it_is_meant(height, channels, large):
    shapes = (1, height, height, channels), (3, 3, channels, channels)
    c = windows.conv_sizes(*shapes, (1, 1), "same", (1, 1), 1)
    assert winograd.is_large(c) == large
    assert winograd.is_large(c._replace(images=64)) == large


def test_the_switch_chooses_the_tile(rng):
    c = windows.conv_sizes((1, 28, 28, 64), (3, 3, 64, 64), (1, 1), "same", (1, 1), 1)
    expected = {4: (True, True), 2: (True, False), 0: (False, False)}
    for tile, (pays, large) in expected.items():
        config.enable_winograd(tile) if tile else config.disable_winograd()
        assert config.winograd_tile() == tile
        assert config.is_winograd_enabled() == pays == winograd.pays(c)
        assert winograd.is_large(c) == large
    config.enable_winograd()
    assert config.winograd_tile() == 4


@pytest.mark.parametrize("tile", [0, 3, 6, True, "4", None, 2.5])
def test_the_switch_names_what_it_takes(tile):
    with pytest.raises(ValueError, match=r"enable_winograd: tile=.* is not supported; expected one of \(4, 2\)"):
        config.enable_winograd(tile)
    assert config.winograd_tile() == 4


def test_items_share_tiles_out():
    c = windows.conv_sizes((8, 56, 56, 64), (3, 3, 64, 64), (1, 1), "same", (1, 1), 1)
    assert winograd.large_lists(c, False, 16, 64, 2).tiles == 88
    alone = c._replace(images=1, height=13, width=13, out_height=11, out_width=11)
    assert winograd.large_lists(alone, False, 16, 64, 2).tiles == 5
    assert winograd.large_lists(alone._replace(images=0), False, 16, 64, 2).tiles == 1
