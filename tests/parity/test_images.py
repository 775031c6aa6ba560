"""Layers on images against Keras's in training: with what Keras has drawn, pixels and gradients are Keras's."""

import inspect

import numpy as np
import pytest

from fastconv import layers
from fastconv.utils import set_random_seed
from tests.parity.test_layers import error_of, keras, torch

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]
SHAPE = (6, 9, 7, 3)
WAYS = [
    ("RandomFlip", {}),
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomFlip", {"mode": "vertical"}),
    ("RandomCrop", {"height": 4, "width": 5}),
    ("RandomCrop", {"height": 9, "width": 5}),
    ("RandomCrop", {"height": 11, "width": 5}),
    ("RandomContrast", {"factor": 0.5, "value_range": (-1, 1)}),
    ("RandomContrast", {"factor": (0.9, 0.3)}),
    ("RandomBrightness", {"factor": 0.5, "value_range": (-1, 1)}),
    ("RandomBrightness", {"factor": (0.1, 0.4)}),
    *(
        (name, {**factors, "fill_mode": mode, "interpolation": interpolation, "fill_value": 0.7})
        for name, factors in (
            ("RandomTranslation", {"height_factor": 0.8, "width_factor": (-0.9, 0.3)}),
            ("RandomRotation", {"factor": 0.5}),
            ("RandomZoom", {"height_factor": 0.7}),
            ("RandomZoom", {"height_factor": (-0.5, 0.7), "width_factor": 0.3}),
        )
        for mode in ("reflect", "wrap", "constant", "nearest")
        for interpolation in ("bilinear", "nearest")
    ),
]


def drawn_by_keras(name, settings, x):
    """Return both layers, what Keras draws for x, and that as arrays."""
    theirs, ours = (getattr(module, name)(**settings, seed=11) for module in (keras.layers, layers))
    drawn = theirs.get_random_transformation(torch.tensor(x), training=True)
    plain = {k: np.array(v) for k, v in drawn.items() if k != "input_shape"} if isinstance(drawn, dict) else drawn
    return theirs, ours, drawn, plain if isinstance(plain, dict) else tuple(map(int, plain))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("name", "settings"), WAYS, ids=str)
def test_pixels_and_gradients(name, settings, data_format, rng):
    shape = SHAPE if data_format == "channels_last" else (SHAPE[0], SHAPE[3], *SHAPE[1:3])
    x = rng.standard_normal(shape).astype(np.float32)
    theirs, ours, drawn, plain = drawn_by_keras(name, {**settings, "data_format": data_format}, x)
    given = torch.tensor(x, requires_grad=True)
    expected = theirs.transform_images(given * 1, drawn, training=True)
    y = ours.transform_images(x, plain)
    near = np.isclose(y, expected.detach().numpy(), rtol=1e-4, atol=1e-4)
    # a place in the middle of two pixels may fall to either of them: sums are rounded differently
    assert near.mean() > (0.98 if "nearest" in settings.values() and "Rotation" in name else 0.9999999)
    if near.all():
        dy = rng.standard_normal(y.shape).astype(np.float32)
        (dx,) = torch.autograd.grad(expected, given, torch.tensor(dy))
        ours.sample = lambda seed, shape: ours.op_numbers(plain, *shape[1:3])
        trace = Tape()
        got = ours.lower(trace, x)
        np.testing.assert_array_equal(got, y)
        np.testing.assert_allclose(trace.back(dy), dx, rtol=1e-4, atol=2e-4)


class Tape:
    """Runs ops, and goes back through them."""

    training = True

    def __init__(self):
        self.ways = []

    def shape(self, value):
        return value.shape

    def add(self, op, value):
        y, back = op(value)
        self.ways.append(back)
        return y

    def back(self, dy):
        for way in reversed(self.ways):
            (dy,) = way(dy)
        return dy


@pytest.mark.parametrize(("name", "settings"), WAYS[3:20:4] + WAYS[-2:], ids=str)
def test_what_is_drawn(name, settings, rng):
    """Keys, shapes and distributions are Keras's."""
    x = np.zeros((4000, 9, 7, 1), np.float32)
    _, ours, _, theirs = drawn_by_keras(name, settings, x)
    set_random_seed(3)
    mine = ours.get_random_transformation(x)
    if not isinstance(mine, dict):
        assert len(mine) == len(theirs)
        return
    for key, value in mine.items():
        assert np.shape(value) == np.shape(theirs[key])
        quantiles = np.linspace(0.01, 0.99, 9)
        spread = np.ptp(theirs[key]) + 1e-6
        np.testing.assert_allclose(
            np.quantile(value, quantiles, axis=0), np.quantile(theirs[key], quantiles, axis=0), atol=0.05 * spread
        )


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("size", [(4, 4), (11, 5), (20, 21)])
def test_interpolations_are_those_of_keras_on_numpy(size, interpolation, antialias, rng):
    """PyTorch knows no Lanczos, and another cubic than Keras's other backends."""
    resize = pytest.importorskip("keras.src.backend.numpy.image").resize
    x = rng.standard_normal((2, 9, 7, 3))
    layer = layers.Resizing(*size, interpolation, antialias=antialias, dtype="float64")
    expected = resize(x, size, interpolation, antialias)
    np.testing.assert_allclose(layer(x), expected, atol=1e-7)


REFUSED = [
    ("RandomRotation", (1.5,)),
    ("RandomRotation", ("a",)),
    ("RandomRotation", ((1, 2, 3),)),
    ("RandomRotation", (0.1, "foo")),
    ("RandomRotation", (0.1, "wrap", "bicubic")),
    ("RandomContrast", (1.5,)),
    ("RandomContrast", (-0.5,)),
    ("RandomBrightness", (1.5,)),
    ("RandomBrightness", (0.5, 1)),
    ("RandomBrightness", (0.5, (1, 2, 3))),
    ("RandomZoom", (-1.0,)),
    ("RandomZoom", (0.1, 2)),
    ("RandomTranslation", (0.1, "a")),
    ("RandomTranslation", (0.1, 2)),
    ("RandomTranslation", (0.1, 0.1, "foo")),
    ("RandomFlip", ("vertical", "a")),
    ("RandomFlip", ("vertical", 1.5)),
    ("RandomFlip", ("vertical", 1, "x")),
    ("Normalization", (-1, 1.0)),
    ("Normalization", (-1, [1.0, 2.0], 1.0)),
    ("Normalization", (-1, [[1.0]], [[1.0]])),
    ("Normalization", (1.5,)),
]


@pytest.mark.parametrize(("name", "args"), REFUSED, ids=str)
def test_errors(name, args):
    theirs, ours = (error_of(lambda m=m: getattr(m, name)(*args)) for m in (keras.layers, layers))
    assert theirs is ours is not None


def test_factors_that_keras_does_not_take():
    for module in (keras.layers, layers):
        with pytest.raises(ValueError, match=r"RandomFlip does not take a `factor` argument"):
            module.RandomFlip(factor=0.5)


@pytest.mark.parametrize("name", ["RandomZoom", "RandomBrightness"])
def test_called_alone_they_act_unless_told_otherwise(name, rng):
    x = rng.random((1, 8, 8, 3)).astype(np.float32)
    for module in (keras.layers, layers):
        layer = getattr(module, name)((0.4, 0.5), seed=1)
        assert np.abs(np.asarray(layer(x)) - x).max() > 0.1
        np.testing.assert_array_equal(np.asarray(layer(x, training=False)), x)
        assert np.shape(layer(x[0])) == x[0].shape
    assert inspect.signature(getattr(keras.layers, name).call).parameters["training"].default is True


@pytest.mark.parametrize("axis", [-1, 1, (1, 3), None, (-1, 2)])
@pytest.mark.parametrize("invert", [False, True])
def test_normalization_adapts_as_keras_does(axis, invert, rng):
    data = rng.normal(5, 3, (50, 4, 5, 3)).astype(np.float32)
    theirs, ours = (m.Normalization(axis, invert=invert) for m in (keras.layers, layers))
    theirs.adapt(data)
    ours.adapt(data)
    for got, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-5)
    np.testing.assert_allclose(ours(data), theirs(data).detach(), rtol=1e-4, atol=1e-5)
    batches = layers.Normalization(axis)
    batches.adapt((data[i : i + 7], None) for i in range(0, 50, 7))
    for got, expected in zip(batches.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)
