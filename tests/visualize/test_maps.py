"""Feature maps of a network of stand-ins, read back from the figure."""

import sys

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import visualize
from fastconv.models import Model, Sequential


class Layer:
    """A layer that does what it is told."""

    def __init__(self, name, function):
        self.name = name
        self.function = function

    def __call__(self, x):
        assert x.dtype == np.float32
        return self.function(x)


class Conv2D(Layer):
    pass


class MaxPooling2D(Layer):
    pass


class Flatten(Layer):
    pass


class Dense(Layer):
    pass


class Network:
    """Each map of the convolution is the image times its number; the dense layer answers ten shares."""

    def __init__(self, channels=18):
        numbers = np.arange(channels, dtype=np.float32)
        self.layers = [
            Conv2D("conv2d", lambda x: x[:, 1:-1, 1:-1, :1] * numbers),
            MaxPooling2D("max_pooling2d", lambda x: x[:, ::2, ::2]),
            Flatten("flatten", lambda x: x.reshape(len(x), -1)),
            Dense("dense", lambda x: np.linspace(0, 1, 10, dtype=np.float32)[np.newaxis]),
        ]


@pytest.fixture(autouse=True)
def plotting():
    pytest.importorskip("matplotlib")


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


IMAGE = np.random.default_rng(1).random((28, 28)).astype(np.float32)


def test_the_image_its_maps_and_the_output_are_drawn_row_by_row():
    figure = visualize.feature_maps(Network(), IMAGE)
    assert titles(figure) == [
        "image: 28 x 28",
        "conv2d (Conv2D): 26 x 26 x 18",
        "max_pooling2d (MaxPooling2D): 13 x 13 x 18",
        "dense (Dense): 10",
    ]
    image, conv, _, dense = figure.axes
    np.testing.assert_array_equal(image.images[0].get_array(), IMAGE)
    tile = conv.images[0].get_array().filled(np.nan)
    assert tile.shape == (2 * 26 + 1, 16 * 27 - 1)  # 18 maps: a row of 16 and one of 2, a pixel apart
    np.testing.assert_array_equal(tile[:26, 27:53], IMAGE[1:-1, 1:-1])
    np.testing.assert_array_equal(tile[27:, :26], IMAGE[1:-1, 1:-1] * 16)
    assert np.isnan(tile[:, 26]).all()
    assert np.isnan(tile[27:, 2 * 27 :]).all()
    assert conv.images[0].get_clim()[0] == 0
    np.testing.assert_allclose([bar.get_height() for bar in dense.patches], np.linspace(0, 1, 10), rtol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (1, 28, 28), (1, 28, 28, 1)])
def test_an_image_may_come_with_or_without_batch_and_channel(shape):
    figure = visualize.feature_maps(Network(), IMAGE.reshape(shape))
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), IMAGE)


def test_a_colour_image_is_drawn_in_colour():
    image = np.random.default_rng(2).random((8, 6, 3)).astype(np.float32)
    figure = visualize.feature_maps(Network(3), image)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), image)


@pytest.mark.parametrize("shape", [(28,), (2, 28, 28, 1), (1, 1, 28, 28, 1)])
def test_anything_but_one_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"feature_maps: image has shape .*expected one image"):
        visualize.feature_maps(Network(), np.zeros(shape))


def test_layers_are_chosen_by_name_or_position_and_drawn_in_their_order():
    figure = visualize.feature_maps(Network(), IMAGE, layers=[-2, "conv2d"])
    assert [title.split(":")[0] for title in titles(figure)[1:]] == ["conv2d (Conv2D)", "flatten (Flatten)"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("conv2", "layers holds 'conv2'; did you mean 'conv2d'?"),
        ("xyz", "expected one of \\['conv2d', 'max_pooling2d', 'flatten', 'dense'\\]"),
        (4, "layers holds 4; expected one of"),
    ],
)
def test_an_unknown_layer_is_refused(key, message):
    with pytest.raises(ValueError, match=f"feature_maps: .*{message}"):
        visualize.feature_maps(Network(), IMAGE, layers=[key])


def test_an_output_that_is_neither_maps_nor_units_is_refused():
    network = Network()
    network.layers[1] = MaxPooling2D("odd", lambda x: x[:, :, 0])
    with pytest.raises(ValueError, match=r"output of layer 'odd' has shape \(26, 18\)"):
        visualize.feature_maps(network, IMAGE)


def test_class_names_stand_below_the_last_bars():
    names = [f"class {i}" for i in range(10)]
    figure = visualize.feature_maps(Network(), IMAGE, class_names=names)
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == names
    for bad in ({"class_names": names[:9]}, {"class_names": names, "layers": ["conv2d"]}):
        with pytest.raises(ValueError, match="feature_maps: class_names has"):
            visualize.feature_maps(Network(), IMAGE, **bad)


def test_maps_that_are_dark_all_over_can_be_saved(tmp_path):
    network = Network()
    network.layers[0] = Conv2D("conv2d", lambda x: np.zeros((1, 26, 26, 64), np.float32))
    visualize.feature_maps(network, IMAGE).savefig(tmp_path / "maps.png", dpi=20)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")


# ---- models
def model_of(*layers, data_format=None):
    shape = (1, 8, 6) if data_format == "channels_first" else (8, 6, 1)
    return Sequential([L.Input(shape), *layers])


def drawn(figure, row):
    return figure.axes[row].images[0].get_array().filled(np.nan)


def test_the_maps_of_a_network_are_what_its_layers_return():
    model = model_of(L.Conv2D(3, 3, name="maps"), L.Flatten(), L.Dense(2, name="last"))
    image = np.random.default_rng(3).random((8, 6))
    figure = visualize.feature_maps(model, image)
    maps = model.layers[0](image.astype(np.float32)[np.newaxis, :, :, np.newaxis])[0]
    for channel in range(3):
        np.testing.assert_allclose(drawn(figure, 1)[:, 5 * channel : 5 * channel + 4], maps[:, :, channel], rtol=1e-6)
    heights = [bar.get_height() for bar in figure.axes[2].patches]
    np.testing.assert_allclose(heights, model.predict_on_batch(image[np.newaxis, :, :, np.newaxis])[0], rtol=1e-5)


def test_channels_may_come_first():
    last, first = (
        model_of(L.Conv2D(2, 3, data_format=order), data_format=order) for order in ("channels_last", "channels_first")
    )
    first.set_weights(last.get_weights())
    image = np.random.default_rng(3).random((8, 6))
    one, other = visualize.feature_maps(last, image), visualize.feature_maps(first, image[np.newaxis])
    for row in (0, 1):
        np.testing.assert_allclose(drawn(one, row), drawn(other, row), rtol=1e-6)
    assert [title.split(": ")[1] for title in titles(one)] == [title.split(": ")[1] for title in titles(other)]


def test_a_graph_s_layers_get_what_they_read():
    inputs = L.Input((8, 6, 1))
    maps = L.Conv2D(2, 3, padding="same", name="maps")(inputs)
    merged = L.Concatenate(name="both")([maps, inputs])
    model = Model(inputs, L.Conv2D(1, 1, name="top")(merged))
    image = np.random.default_rng(3).random((8, 6)).astype(np.float32)
    figure = visualize.feature_maps(model, image, layers=["both", "top"])
    assert titles(figure)[1:] == ["both (Concatenate): 8 x 6 x 3", "top (Conv2D): 8 x 6 x 1"]
    np.testing.assert_array_equal(drawn(figure, 1)[:, 14:20], image)  # the third map is the image itself
    whole = model.predict_on_batch(image[np.newaxis, :, :, np.newaxis])[0, :, :, 0]
    np.testing.assert_allclose(drawn(figure, 2)[:, :6], whole, rtol=1e-5)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"visualize.feature_maps needs matplotlib: pip install fastconv\[plot\]"):
        visualize.feature_maps(Network(), IMAGE)
