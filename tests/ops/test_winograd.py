"""Convolutions by tiles of 2 x 2 outputs: exact on whole numbers, else within a documented error; only where meant."""

import numpy as np
import pytest

from fastconv import config, kernels
from fastconv.ops import reference, volumes, windows, winograd
from fastconv.ops.op import allocate, run
from fastconv.ops.primitives import Conv2D, Conv2DReluMaxPool2D, Conv3D
from tests import guarded
from tests.cases import integers

pytestmark = pytest.mark.usefixtures("small_tiles")

# n, height, width, channels, filters, padding: even and odd sizes, tails of channels, rows and columns left over
SHAPES = [
    (2, 13, 13, 64, 64, "valid"),
    (1, 12, 9, 33, 39, "same"),
    (3, 10, 11, 32, 32, "valid"),
    (1, 30, 29, 48, 40, "same"),
    (0, 12, 12, 32, 32, "valid"),
    (1, 9, 10, 35, 34, ((1, 2), (3, 0))),
    (3, 15, 9, 66, 71, ((1, 2), (3, 0))),
    (2, 37, 40, 64, 130, "same"),
    (0, 12, 12, 64, 64, "valid"),
    (17, 8, 8, 64, 64, "same"),  # several chunks of images, which the images in a group do not divide
    (5, 8, 7, 96, 100, "same"),  # few tiles and large filters: those of several images are multiplied together
]


@pytest.fixture
def direct(small_tiles):
    """Compute every convolution directly."""
    config.disable_winograd()


def draw(rng, shape, dtype):
    n, h, w, c, o, padding = shape
    x, f, b = integers(rng, (n, h, w, c), dtype), integers(rng, (3, 3, c, o), dtype), integers(rng, (o,), dtype)
    assert winograd.pays(windows.conv_sizes(x.shape, f.shape, (1, 1), padding, (1, 1), 1))
    return x, f, b


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_numbers_are_exact(variant, shape, dtype, rng):
    x, f, b = draw(rng, shape, dtype)
    y, backprop = Conv2D(padding=shape[-1])(x, f, b)
    np.testing.assert_array_equal(y, reference.conv2d(x, f, b, padding=shape[-1]))
    dy = integers(rng, y.shape, dtype)
    for mine, theirs in zip(backprop(dy), reference.conv2d_backward(x, f, dy, padding=shape[-1]), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_no_images_give_no_gradient(variant):
    op, shapes = Conv2D(), ((0, 12, 12, 64), (3, 3, 64, 64), (64,))
    y, backprop = guarded.call(op, *(np.ones(shape, np.float32) for shape in shapes))
    assert [np.count_nonzero(gradient) for gradient in backprop(np.ones(y.shape, np.float32))] == [0, 0, 0]


@pytest.mark.parametrize(
    "shape",
    [(1, 46, 48, 136, 128, "same"), (1, 46, 48, 300, 64, "same"), (1, 34, 36, 192, 128, "same")],
    ids=["groups", "larger sums", "one group"],
)
def test_many_tiles_and_large_sums(shape, rng):
    """Groups of many tiles, a last block with fewer of them, memory that begins as NaN."""
    x, f, b = draw(rng, shape, "float32")
    y, backprop = guarded.call(Conv2D(padding="same"), x, f, b, threads=2)
    np.testing.assert_array_equal(y, reference.conv2d(x, f, b, padding="same"))
    dy = integers(rng, y.shape, limit=2)
    for mine, theirs in zip(backprop(dy), reference.conv2d_backward(x, f, dy, padding="same"), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pooling_in_registers_is_exact(variant, shape, rng):
    x, f, b = draw(rng, shape, "float32")
    settings = {"pool_size": (2, 2), "pool_strides": (2, 2), "padding": shape[-1]}
    y, backprop = Conv2DReluMaxPool2D(**settings)(x, f, b)
    dy = integers(rng, y.shape, "float32")
    gradients = backprop(dy)
    config.disable_winograd()
    try:
        direct, direct_backprop = Conv2DReluMaxPool2D(**settings)(x, f, b)
        direct_gradients = direct_backprop(dy)
    finally:
        config.enable_winograd(tile=2)
    np.testing.assert_array_equal(y, direct)
    for mine, theirs in zip(gradients, direct_gradients, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    op = Conv2DReluMaxPool2D(**settings)
    site = op.site(x.shape, [f.shape, b.shape], x.dtype, training=False)  # then nobody asks who won
    site.__dict__.update(allocate(op.needs(site), x.dtype), x=x, params=(f, b), y=np.full_like(y, np.nan))
    run(op.prepare(site) + op.forward(site))
    np.testing.assert_array_equal(site.y, direct)


def test_few_tiles_are_gathered():
    c = windows.conv_sizes((5, 8, 7, 96), (3, 3, 96, 100), (1, 1), "same", (1, 1), 1)
    assert windows.winograd(c, False, 16, 64, 1).gathered == 4
    assert windows.winograd(c, False, 16, 64, 2).gathered == 2
    assert windows.winograd(c._replace(images=0), False, 16, 64, 2).gathered == 1


@pytest.mark.parametrize("training", [False, True])
def test_inference_pools_to_the_same_without_the_winners(variant, training, rng):
    x, f, b = draw(rng, SHAPES[0], "float32")
    x[0, 0, 0, 0] = np.nan
    op = Conv2DReluMaxPool2D(pool_size=(2, 2), pool_strides=(2, 2))
    for winograd_on in (True, False):
        config.enable_winograd(tile=2) if winograd_on else config.disable_winograd()
        try:
            told, _ = op(x, f, b)
            site = op.site(x.shape, [f.shape, b.shape], x.dtype, training=training)
            arrays = allocate(op.needs(site), x.dtype)
            assert ("which" in arrays) == training
            site.__dict__.update(arrays, x=x, params=(f, b), y=np.empty(site.y_shape, x.dtype))
            run(op.prepare(site) + op.forward(site))
        finally:
            config.enable_winograd(tile=2)
        np.testing.assert_array_equal(site.y, told)


def test_relu_is_fused(variant, rng):
    x, f, b = draw(rng, SHAPES[1], "float32")
    y, _ = Conv2D(padding="same", relu=True)(x, f, b)
    np.testing.assert_array_equal(y, np.maximum(reference.conv2d(x, f, b, padding="same"), 0))


@pytest.mark.parametrize("channels", [32, 256])
def test_the_error_is_bounded(variant, channels, rng):
    """The documented bound: 16 eps times the sum of absolute products, at most four times that of a direct sum."""
    x = rng.standard_normal((1, 12, 12, channels), dtype="float32")
    f = rng.standard_normal((3, 3, channels, 32), dtype="float32")
    exact = reference.conv2d(x.astype("float64"), f.astype("float64"))
    terms = reference.conv2d(np.abs(x).astype("float64"), np.abs(f).astype("float64"))
    y, _ = Conv2D()(x, f, None)
    assert np.all(np.abs(y - exact) <= 16 * np.finfo("float32").eps * terms)


def test_the_error_of_the_filter_gradient_is_bounded(variant, rng):
    x = rng.standard_normal((4, 12, 12, 64), dtype="float32")
    f = rng.standard_normal((3, 3, 64, 64), dtype="float32")
    y, backprop = Conv2D()(x, f, None)
    dy = rng.standard_normal(y.shape, dtype="float32")
    exact = reference.conv2d_backward(*(a.astype("float64") for a in (x, f, dy)))[1]
    terms = reference.conv2d_backward(*(np.abs(a).astype("float64") for a in (x, f, dy)))[1]
    assert np.all(np.abs(backprop(dy)[1] - exact) <= 16 * np.finfo("float32").eps * terms)


@pytest.mark.parametrize("settings", [{"SMALL_SUMS": 0}, {"SMALL_SUMS": 0, "GROUP_BYTES": 1}, {"NEAR_BYTES": 1}, {}])
def test_filter_gradients_add_up_in_whatever_order(variant, rng, monkeypatch, settings):
    """Of several groups of blocks, in one chunk or in several."""
    x, f, b = draw(rng, SHAPES[-1], "float32")
    for name, value in settings.items():
        monkeypatch.setattr(winograd, name, value)
    y, backprop = Conv2D(padding="same")(x, f, b)
    dy = integers(rng, y.shape)
    for mine, theirs in zip(backprop(dy), reference.conv2d_backward(x, f, dy, padding="same"), strict=True):
        np.testing.assert_array_equal(mine, theirs)


# depth, height, width, channels, filters, planes of filters, padding, dilation along depth
VOLUMES = [
    (4, 9, 8, 64, 66, 3, "same", 1),
    (1, 8, 10, 18, 16, 3, "same", 1),
    (5, 9, 8, 17, 21, 2, "same", 3),
    (6, 11, 10, 65, 64, 4, "valid", 1),
]


def sizes_of(shape, n=2):
    depth, height, width, channels, filters, planes, padding, dilation = shape
    x, w = (n, depth, height, width, channels), (planes, 3, 3, channels, filters)
    return volumes.volume_sizes(x, w, (1, 1, 1), padding, (dilation, 1, 1), 1), x, w


@pytest.mark.parametrize("shape", VOLUMES, ids=str)
@pytest.mark.parametrize("groups_of_blocks", [False, True])
def test_volumes_are_exact(variant, shape, groups_of_blocks, rng, monkeypatch):
    """All planes that a window reads are summed between two transforms, those outside of the volume left out."""
    if groups_of_blocks:
        monkeypatch.setattr(winograd, "GROUP_BYTES", 1)
    c, x, w = sizes_of(shape)
    assert winograd.pays(c) and winograd.pays(c.gradient)
    assert winograd.pays_for_filters(c) == (min(shape[3:5]) >= 64)
    x, w, b = integers(rng, x), integers(rng, w), integers(rng, (shape[4],))
    settings = {"strides": (1, 1, 1), "padding": shape[-2], "dilation": (shape[-1], 1, 1)}
    y, backprop = Conv3D(**settings)(x, w, b)
    np.testing.assert_array_equal(y, reference.convolve(x, w, b, **settings))
    dy = integers(rng, y.shape)
    for mine, theirs in zip(backprop(dy), reference.convolve_backward(x, w, dy, **settings), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_error_of_volumes_is_bounded(variant, rng):
    """The bound of images, for sums over all planes."""
    _, x, w = sizes_of((4, 12, 12, 64, 64, 3, "same", 1), 1)
    x, w = (rng.standard_normal(shape, dtype="float32") for shape in (x, w))
    settings = {"strides": (1, 1, 1), "padding": "same", "dilation": (1, 1, 1)}
    exact = reference.convolve(x.astype("float64"), w.astype("float64"), **settings)
    terms = reference.convolve(np.abs(x).astype("float64"), np.abs(w).astype("float64"), **settings)
    y, _ = Conv3D(padding="same")(x, w, None)
    assert np.all(np.abs(y - exact) <= 16 * np.finfo("float32").eps * terms)


def test_same_bits_of_volumes_for_any_number_of_threads(rng, set_num_threads):
    _, x, w = sizes_of((4, 14, 14, 64, 72, 3, "same", 1))
    x, w = (rng.standard_normal(shape, dtype="float32") for shape in (x, w))
    results = []
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        y, backprop = Conv3D(padding="same")(x, w, None)
        results.append((y, *backprop(y)[:2]))
    for other in results[1:]:
        for one, another in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


def test_a_stride_of_volumes_is_not_meant():
    c = volumes.volume_sizes((1, 9, 28, 28, 64), (3, 3, 3, 64, 64), (2, 1, 1), "same", (1, 1, 1), 1)
    assert not winograd.pays(c)


@pytest.mark.parametrize("channels", [40, 64])
def test_same_bits_for_any_number_of_threads(channels, rng, set_num_threads):
    x = rng.standard_normal((5, 14, 14, channels), dtype="float32")
    f = rng.standard_normal((3, 3, channels, 72), dtype="float32")
    results = []
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        y, backprop = Conv2D(padding="same")(x, f, None)
        results.append((y, *backprop(y)[:2]))
    for other in results[1:]:
        for one, another in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


def test_the_switch_turns_it_off(direct):
    c = windows.conv_sizes((1, 28, 28, 64), (3, 3, 64, 64), (1, 1), "same", (1, 1), 1)
    assert not winograd.pays(c)


@pytest.mark.parametrize(
    ("kernel", "settings"),
    [
        ((3, 3, 64, 64), {"strides": (2, 2)}),
        ((3, 3, 64, 64), {"dilation": (2, 2)}),
        ((3, 3, 32, 64), {"groups": 2}),
        ((5, 5, 64, 64), {}),
        ((3, 3, 64, 8), {}),
    ],
)
def test_others_are_computed_directly(kernel, settings):
    settings = {"strides": (1, 1), "padding": "valid", "dilation": (1, 1), "groups": 1, **settings}
    assert not winograd.pays(windows.conv_sizes((1, 28, 28, 64), kernel, *settings.values()))


def test_the_gradients_sizes_are_those_of_a_convolution():
    c = windows.conv_sizes((2, 9, 11, 4), (3, 3, 4, 6), (1, 1), ((0, 2), (1, 1)), (1, 1), 1)
    back = c.gradient
    assert (back.out_height, back.out_width, back.out_channels) == (9, 11, 4)
    assert (back.height + sum(back.padding[0]) - 2, back.width + sum(back.padding[1]) - 2) == (9, 11)
    assert kernels.variant() in kernels.runnable()
