"""keras.ops.image on arrays: values, types, formats, errors."""

import inspect

import numpy as np
import pytest

from fastconv.ops import image
from fastconv.ops import reference as R
from tests.cases import integers


def test_resize_of_one_image_and_of_channels_first(rng):
    x = rng.standard_normal((2, 5, 6, 3))
    y = image.resize(x, (7, 4), "bicubic")
    assert y.shape == (2, 7, 4, 3) and y.dtype == np.float64
    np.testing.assert_array_equal(image.resize(x[1], (7, 4), "bicubic"), y[1])
    turned = image.resize(np.moveaxis(x, -1, 1), (7, 4), "bicubic", data_format="channels_first")
    np.testing.assert_array_equal(np.moveaxis(turned, 1, -1), y)


def test_integers_are_rounded_and_stay_in_range():
    x = np.array([[0], [255]], np.uint8)[None, :, :, None]
    y = image.resize(x, (8, 1), "bicubic")
    assert y.dtype == np.uint8 and y.min() == 0 and y.max() == 255
    assert image.resize(np.array([[[1], [2]]]), (1, 4)).ravel().tolist() == [1, 1, 2, 2]


def test_proportions():
    x = np.arange(12.0).reshape(2, 6, 1)
    assert image.resize(x, (2, 2), crop_to_aspect_ratio=True).ravel().tolist() == [2, 3, 8, 9]
    y = image.resize(x, (6, 6), pad_to_aspect_ratio=True, fill_value=9.0)
    np.testing.assert_array_equal(y[[0, 1, 4, 5]], np.full((4, 6, 1), 9.0))
    np.testing.assert_array_equal(y[2:4], x)


@pytest.mark.parametrize("mode", image.FILL_MODES)
def test_affine_transform(mode, rng):
    x, maps = integers(rng, (3, 6, 5, 2)), np.zeros((3, 8))
    maps[:, [0, 4]], maps[:, [2, 5]] = 1, rng.integers(-8, 8, (3, 2))
    y = image.affine_transform(x, maps, fill_mode=mode, fill_value=7)
    np.testing.assert_array_equal(y, R.warp(x, maps[:, :6], fill_mode=mode, fill_value=7))
    np.testing.assert_array_equal(image.affine_transform(x[0], maps[0], fill_mode=mode, fill_value=7), y[0])


@pytest.mark.parametrize("first", [False, True])
def test_margins(first, rng):
    x = integers(rng, (2, 6, 7, 3))
    given, fmt = (np.moveaxis(x, -1, 1), "channels_first") if first else (x, "channels_last")

    def back(y):
        return np.moveaxis(y, 1, -1) if first else y

    y = image.crop_images(given, 1, bottom_cropping=2, right_cropping=3, target_width=2, data_format=fmt)
    np.testing.assert_array_equal(back(y), x[:, 1:4, 2:4])
    y = image.pad_images(given, left_padding=1, bottom_padding=2, target_height=9, target_width=8, data_format=fmt)
    np.testing.assert_array_equal(back(y), np.pad(x, ((0, 0), (1, 2), (1, 0), (0, 0))))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: image.resize(np.ones((2, 2)), (1, 1)), ["ops.image.resize", "(2, 2)"]),
        (lambda: image.resize(np.ones((2, 2, 1)), (1, 0)), ["size=0"]),
        (lambda: image.resize(np.ones((2, 2, 1)), 3), ["size=3"]),
        (lambda: image.resize(np.ones((2, 2, 1)), (1, 1), "cubic"), ["interpolation='cubic'"]),
        (lambda: image.affine_transform(np.ones((2, 2, 1)), np.ones(6)), ["transform", "(6,)"]),
        (lambda: image.crop_images(np.ones((2, 2, 1)), 1, 1), ["exactly two", "target_height"]),
        (lambda: image.crop_images(np.ones((2, 2, 1)), 2, 0, 2, 0), ["2 and 2", "size of 2"]),
        (lambda: image.pad_images(np.ones((2, 2, 1)), 0, 0, -1, 0), ["bottom_padding=-1"]),
        (lambda: image.rgb_to_grayscale(np.ones((2, 2, 2))), ["(2, 2, 2)", "3 channels"]),
    ],
)
def test_errors_name_the_argument(call, words):
    with pytest.raises(ValueError, match=r"^ops\.image\.") as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_projections_are_refused():
    with pytest.raises(NotImplementedError, match="projections"):
        image.affine_transform(np.ones((2, 2, 1)), [1, 0, 0, 0, 1, 0, 0.1, 0])


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")
@pytest.mark.parametrize("name", image.__all__)
def test_signatures_and_values_are_those_of_keras(name, rng):
    theirs, ours = getattr(pytest.importorskip("keras").ops.image, name), getattr(image, name)
    assert [(p.name, p.default) for p in inspect.signature(ours).parameters.values()] == [
        (p.name, p.default) for p in inspect.signature(theirs).parameters.values()
    ]
    turn = [0.8, -0.6, 2.0, 0.6, 0.8, -1.0, 0.0, 0.0]
    args = {"resize": ((4, 9),), "affine_transform": (np.array([turn, turn], np.float32),)}
    args |= {"crop_images": (1, 2, 0, 1), "pad_images": (1, 2, 0, 1), "rgb_to_grayscale": ()}
    for x in (rng.random((2, 6, 8, 3)).astype(np.float32), rng.integers(0, 255, (2, 6, 8, 3)).astype(np.uint8)):
        expected, y = np.asarray(theirs(x, *args[name])), ours(x, *args[name])
        assert (y.dtype, y.shape) == (expected.dtype, expected.shape)
        # a half may be rounded either way
        np.testing.assert_allclose(y.astype(float), expected, atol=1 if y.dtype == np.uint8 else 1e-5)
