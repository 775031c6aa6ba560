"""Occlusion, saliency and Grad-CAM: the heat maps, read back from the figures, against their definitions."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastconv import layers as L
from fastconv import visualize
from fastconv.models import Model, Sequential

METHODS = [visualize.occlusion, visualize.saliency, visualize.grad_cam]


@pytest.fixture(autouse=True)
def plotting():
    pytest.importorskip("matplotlib")


def linear(shape=(6, 5, 1), softmax=False):
    """Return a model whose class 1 adds up pixels with the weights returned; class 0 is their opposite."""
    model = Sequential([L.Input(shape), L.Flatten(), L.Dense(2, activation="softmax" if softmax else None)])
    weights = np.random.default_rng(3).standard_normal(int(np.prod(shape))).astype(np.float32)
    model.set_weights([np.stack([-weights, weights], axis=1), np.zeros(2)])
    return model, weights.reshape(shape)


def network(softmax=True, data_format=None, channels=2):
    shape = (channels, 9, 8) if data_format == "channels_first" else (9, 8, channels)
    model = Sequential(
        [
            L.Input(shape),
            L.Conv2D(4, 3, activation="relu", name="conv", data_format=data_format),
            L.MaxPooling2D(2, name="pool", data_format=data_format),
            L.GlobalAveragePooling2D(name="mean", data_format=data_format),
            L.Dense(3, activation="softmax" if softmax else None, name="head"),
        ]
    )
    rng = np.random.default_rng(4)
    model.set_weights([rng.standard_normal(w.shape) for w in model.get_weights()])
    return model, rng.random(shape)


def heat(figure):
    return np.asarray(figure.axes[1].images[1].get_array())


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_saliency_of_a_linear_model_is_its_weights(softmax, channels):
    model, weights = linear((6, 5, channels), softmax)
    image = 50 * np.ones((6, 5, channels))  # as sure as can be: the score still has its gradient
    assert_allclose(heat(visualize.saliency(model, image, 1)), np.abs(weights).max(axis=-1), rtol=1e-6)


def test_the_most_likely_class_is_explained_unasked():
    model, weights = linear()
    for sign in (1, -1):
        title = visualize.saliency(model, sign * weights).axes[1].get_title(loc="left")
        assert title == f"class {int(sign > 0)}, saliency"


def test_occlusion_is_what_covering_costs():
    model, weights = linear()
    image = np.random.default_rng(0).random((6, 5, 1)).astype(np.float32)
    cost = heat(visualize.occlusion(model, image, 1, size=1, stride=1, value=0.0))
    assert_allclose(cost, (image * weights)[..., 0], atol=1e-5)
    mean = heat(visualize.occlusion(model, image, 1, size=1))
    assert_allclose(mean, ((image - image.mean()) * weights)[..., 0], atol=1e-5)


def test_a_place_under_several_squares_has_their_mean():
    model, weights = linear((4, 5, 1))
    image = np.ones((4, 5, 1), np.float32)
    total, count = np.zeros((2, 4, 5))
    for i in (0, 1):
        for j in (0, 2):
            total[i : i + 3, j : j + 3] += weights[i : i + 3, j : j + 3].sum()
            count[i : i + 3, j : j + 3] += 1
    assert_allclose(heat(visualize.occlusion(model, image, 1, size=3, stride=2, value=0.0)), total / count, atol=1e-5)


def test_grad_cam_by_hand():
    model, image = network()
    found = heat(visualize.grad_cam(model, image, class_index=2))
    conv, pool, _, head = model.layers
    maps = conv(image[np.newaxis])
    pooled = pool(maps)
    cells = pooled.shape[1] * pooled.shape[2]
    windows = maps[0, :6, :6].reshape(3, 2, 3, 2, 4)
    # of each window the first maximum gets the pooled cell's share; the mean over the map is that of all shares
    alive = windows.max(axis=(1, 3)).reshape(-1, 4).shape[0]
    weights = head.kernel.numpy()[:, 2] / cells * alive / (maps.shape[1] * maps.shape[2])
    assert_allclose(found, np.maximum(maps[0] @ weights, 0), rtol=1e-5, atol=1e-6)


def test_grad_cam_at_a_chosen_layer():
    model, image = network()
    by_name, by_place = (visualize.grad_cam(model, image, layer, 1) for layer in ("pool", 1))
    assert heat(by_name).shape == (3, 3) and (heat(by_name) == heat(by_place)).all()
    assert by_name.axes[1].get_title(loc="left") == "class 1, Grad-CAM at pool"
    left, right, bottom, top = by_name.axes[1].images[1].get_extent()
    assert (left, right, bottom, top) == (-0.5, 7.5, 8.5, -0.5)  # over the whole image


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_channels_may_come_first(method):
    (last, image), (first, _) = network(), network(data_format="channels_first")
    first.set_weights(last.get_weights())
    turned = np.moveaxis(image, -1, 0)
    assert_allclose(heat(method(first, turned, class_index=0)), heat(method(last, image, class_index=0)), atol=1e-6)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_the_image_is_drawn_and_the_figure_saved(method, tmp_path):
    model, image = network(channels=1)
    figure = method(model, image[..., 0])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), image[..., 0].astype(np.float32))
    figure.savefig(tmp_path / "heat.png", dpi=20)
    assert (tmp_path / "heat.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": np.zeros((9, 8))}, r"image has shape \(9, 8\); expected one image of shape \(9, 8, 2\)"),
        ({"image": np.zeros((2, 9, 8, 2))}, r"image has shape \(2, 9, 8, 2\)"),
        ({"image": np.full((9, 8, 2), "a")}, "image has dtype"),
        ({"class_index": 3}, "class_index=3 is no class; expected a whole number from 0 to 2"),
        ({"class_index": 0.5}, "class_index=0.5 is no class"),
    ],
)
def test_bad_arguments(method, change, words):
    model, image = network()
    with pytest.raises(ValueError, match=f"visualize.{method.__name__}: {words}"):
        method(model, **{"image": image, **change})


def test_more_bad_arguments():
    model, image = network()
    with pytest.raises(ValueError, match=r"grad_cam: layer='head' makes no maps; expected one of \['conv', 'pool'\]"):
        visualize.grad_cam(model, image, "head")
    with pytest.raises(ValueError, match="grad_cam: no layer of model"):
        visualize.grad_cam(linear()[0], np.zeros((6, 5)))
    for wrong in ({"size": 0}, {"size": 9}, {"size": 2, "stride": 3}, {"stride": True}):
        with pytest.raises(ValueError, match=r"occlusion: (size|stride)=\w+ does not fit"):
            visualize.occlusion(model, image, **wrong)
    with pytest.raises(ValueError, match="not built yet"):
        visualize.saliency(Sequential([L.Dense(1)]), image)
    maps = Sequential([L.Input((9, 8, 2)), L.Conv2D(3, 3)])
    with pytest.raises(ValueError, match="saliency: the model's output has shape"):
        visualize.saliency(maps, image)


# ---- graphs


def residual():
    """Return a model with a branch, its image, and the same as a chain: the branch adds nothing."""
    chain, image = network(channels=4)
    inputs = L.Input((9, 8, 4))
    x = L.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = L.Add(name="sum")([x, L.Conv2D(4, 1, name="branch", kernel_initializer="zeros")(x)])
    x = L.GlobalAveragePooling2D(name="mean")(L.MaxPooling2D(2, name="pool")(x))
    model = Model(inputs, L.Dense(3, activation="softmax", name="head")(x))
    for name in ("conv", "head"):
        model.get_layer(name).set_weights(chain.get_layer(name).get_weights())
    return model, chain, image


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_graphs(method):
    graph, chain, image = residual()
    layer = {"layer": "pool"} if method is visualize.grad_cam else {}
    assert_allclose(heat(method(graph, image, **layer)), heat(method(chain, image, **layer)), rtol=1e-4, atol=1e-6)


def test_grad_cam_of_a_graph_takes_its_last_convolution():
    graph, _, image = residual()
    assert visualize.grad_cam(graph, image).axes[1].get_title(loc="left").endswith("Grad-CAM at branch")


def test_several_inputs_are_refused():
    images = [L.Input((8, 8, 1)), L.Input((8, 8, 1))]
    model = Model(images, L.Add()(images))
    with pytest.raises(ValueError, match=r"visualize.saliency: the model has 2 inputs; expected one, that of images"):
        visualize.saliency(model, np.zeros((8, 8)))


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    model, image = network()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for method in METHODS:
        with pytest.raises(ImportError, match=rf"visualize.{method.__name__} needs matplotlib: pip install"):
            method(model, image)
