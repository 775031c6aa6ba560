"""Filters, images that excite, confusions and plans, read back from the figures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastconv import layers as L
from fastconv import visualize
from fastconv.models import Model, Sequential


@pytest.fixture(autouse=True)
def plotting():
    pytest.importorskip("matplotlib")


def built(layer, shape):
    layer.build_once((None, *shape))
    return layer


def shown(figure):
    return np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)


# ---- filters


def test_filters_over_one_channel_stand_side_by_side():
    layer = built(L.Conv2D(18, 3, name="c"), (8, 8, 1))
    figure = visualize.filters(layer)
    kernel, image = layer.kernel.numpy()[:, :, 0], shown(figure)
    assert image.shape == (2 * 4 - 1, 16 * 4 - 1)
    assert_allclose(image[:3, 4:7], kernel[..., 1])
    assert_allclose(image[4:, :3], kernel[..., 16])
    assert np.isnan(image[:, 3]).all() and np.isnan(image[4:, 8:]).all()
    low, high = figure.axes[0].images[0].get_clim()
    assert -low == high == pytest.approx(np.abs(kernel).max())
    assert figure.axes[0].get_title() == "c (Conv2D): 18 filters of 3 x 3 over 1 channel"


def test_filters_over_many_channels_have_a_row_each():
    layer = built(L.Conv2D(5, (2, 3)), (8, 8, 4))
    image = shown(visualize.filters(layer))
    assert image.shape == (4 * 3 - 1, 5 * 4 - 1)
    assert_allclose(image[6:8, 4:7], layer.kernel.numpy()[:, :, 2, 1])


def test_filters_over_colours_are_coloured():
    layer = built(L.Conv2D(2, 3), (8, 8, 3))
    image, kernel = shown(visualize.filters(layer)), layer.kernel.numpy()
    assert image.shape == (3, 7, 3)
    for i in range(2):
        one = kernel[..., i]
        assert_allclose(image[:, 4 * i : 4 * i + 3], (one - one.min()) / (one.max() - one.min()), atol=1e-6)


def test_depthwise_filters():
    layer = built(L.DepthwiseConv2D(3, depth_multiplier=2), (8, 8, 3))
    image = shown(visualize.filters(layer))
    assert_allclose(image[:, 4 * 3 : 4 * 3 + 3], layer.weights[0].numpy()[:, :, 1, 1])


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (L.Flatten(name="f"), "layer 'f' has no filters; expected a convolution layer"),
        (L.Conv2D(1, 1, name="n"), "layer 'n' has no filters; expected a convolution layer that is built"),
    ],
)
def test_no_filters(layer, words):
    with pytest.raises(ValueError, match=f"visualize.filters: {words}"):
        visualize.filters(layer)


# ---- images that excite


def clearly_signed(shape, dtype=None):
    """Return weights from 0.5 to 1, or the opposite."""
    rng = np.random.default_rng(6)
    return (rng.uniform(0.5, 1, shape) * rng.choice([-1, 1], shape)).astype(dtype)


def test_the_image_that_excites_a_filter_looks_like_it():
    """Of a filter as large as the image, the best image is white where it is positive and black elsewhere."""
    model = Sequential([L.Input((5, 4, 1)), L.Conv2D(3, (5, 4), name="maps", kernel_initializer=clearly_signed)])
    image = shown(visualize.activation_maximization(model, "maps", units=[2, 0], steps=60))
    kernel = model.layers[0].kernel.numpy()[:, :, 0]
    assert_array_equal(image[:, :4], kernel[..., 2] > 0)
    assert_array_equal(image[:, 5:], kernel[..., 0] > 0)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_dense_unit(activation):
    model = Sequential([L.Input((3, 3, 1)), L.Flatten(), L.Dense(2, activation, kernel_initializer=clearly_signed)])
    image = shown(visualize.activation_maximization(model, units=[1], steps=60))
    assert_array_equal(image, model.layers[-1].kernel.numpy()[:, 1].reshape(3, 3) > 0)


def test_a_unit_of_a_graph():
    inputs = L.Input((5, 4, 1))
    maps = L.Conv2D(2, (5, 4), name="maps", kernel_initializer=clearly_signed)(inputs)
    model = Model(inputs, L.Add(name="sum")([maps, maps]))
    for layer in ("maps", "sum", None, -1):
        image = shown(visualize.activation_maximization(model, layer, units=[1], steps=60))
        assert_array_equal(image, model.get_layer("maps").kernel.numpy()[:, :, 0, 1] > 0)
    with pytest.raises(
        ValueError, match=r"layer='input_layer\w*' is not in the model; expected one of \['maps', 'sum'"
    ):
        visualize.activation_maximization(model, 0)


def test_seeds_and_titles():
    model = Sequential([L.Input((6, 6, 3)), L.Conv2D(20, 3, activation="tanh", name="maps")])
    one, same, other = (visualize.activation_maximization(model, steps=1, seed=seed) for seed in (0, 0, 1))
    assert (shown(one) == shown(same)).all() and (shown(one) != shown(other)).any()
    assert one.axes[0].get_title(loc="left").endswith("what units " + ", ".join(map(str, range(16))) + " look for")
    assert shown(one).shape == (2 * 7 - 1, 8 * 7 - 1, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layer": "x"}, r"layer='x' is not in the model; expected one of \['maps'\]"),
        ({"units": [3]}, r"units=\[3\] does not fit layer 'maps'; expected 0 to 2"),
        ({"units": []}, r"units=\[\] does not fit"),
        ({"steps": 0}, "steps=0 is not a whole number of at least 1"),
        ({"rate": -1}, "rate=-1 is not a number above 0"),
    ],
)
def test_bad_arguments(arguments, words):
    model = Sequential([L.Input((6, 6, 1)), L.Conv2D(3, 3, name="maps")])
    with pytest.raises(ValueError, match=f"visualize.activation_maximization: {words}"):
        visualize.activation_maximization(model, **arguments)
    with pytest.raises(ValueError, match="expected images"):
        visualize.activation_maximization(Sequential([L.Input((6,)), L.Dense(1)]))


# ---- confusions


def test_confusion_counts():
    true, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 0, 1, 1, 2])
    expected = [[2, 1, 0], [0, 1, 0], [0, 1, 1]]
    scores = np.eye(3)[predicted] * 0.5 + 0.1
    for figure in (
        visualize.confusion(true, predicted),
        visualize.confusion(np.eye(3)[true], scores),
        visualize.confusion(true[:, np.newaxis], predicted),
    ):
        axes = figure.axes[0]
        assert [int(text.get_text()) for text in axes.texts] == [n for row in expected for n in row]
        assert [text.get_position() for text in axes.texts][1] == (1, 0)
        assert_allclose(axes.images[0].get_array(), np.array(expected) / [[3], [1], [2]])
        assert axes.get_title() == "4 of 6 correct (66.7%)"
    names = visualize.confusion(true, predicted, labels=["a", "b", "c", "never"]).axes[0]
    assert [label.get_text() for label in names.get_yticklabels()] == ["a", "b", "c", "never"]
    assert not np.asarray(names.images[0].get_array())[3].any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0, 1], [0]), "y_true has 2 samples, y_pred 1"),
        (([], []), "y_true has 0 samples|y_true has shape"),
        (([0, -1], [0, 0]), "y_true holds something else than class numbers"),
        (([0, 1], [0.5, 0]), "y_pred holds something else than class numbers"),
        (([0, 1], ["a", "b"]), "y_pred has shape"),
        (([0, 2], [0, 1], ["a", "b"]), "labels has 2 names, but there is a class 2"),
    ],
)
def test_confusion_of_nonsense(arguments, words):
    with pytest.raises(ValueError, match=f"visualize.confusion: ({words})"):
        visualize.confusion(*arguments)


# ---- plans


def test_a_plan_s_steps_and_their_times(tmp_path):
    model = Sequential([L.Input((8, 8, 1)), L.Conv2D(4, 3, name="c"), L.Flatten(name="f"), L.Dense(2, name="d")])
    model.compile("sgd", "mse")
    profile = model.profile(np.ones((5, 8, 8, 1)), np.zeros((5, 2)), seconds=0.01)
    figure = visualize.plan(model, profile)
    left, right = figure.axes
    boxes = [text.get_text() for text in left.texts if text.get_text()]
    assert boxes[0] == "input: 8x8x1"
    assert [box.split(":")[0] for box in boxes[1:]] == [f"{i} {s.name}" for i, s in enumerate(profile.steps)]
    assert boxes[3].splitlines() == ["2 dense: d", "144 to 2, 2.9 kFLOP, 4.1 KB"]
    forward, backward = right.containers
    assert_allclose([bar.get_width() for bar in forward], [1000 * s.forward.seconds for s in profile.steps])
    assert_allclose([bar.get_x() for bar in backward], [bar.get_width() for bar in forward])
    assert backward[0].get_width() == pytest.approx(1000 * profile.steps[0].backward.seconds)
    assert "ms" in right.texts[0].get_text() and "conv2d_forward" in right.texts[0].get_text()
    figure.savefig(tmp_path / "plan.png", dpi=20)


def test_the_arrows_of_a_plan_are_what_its_steps_read():
    inputs = L.Input((8, 8, 2))
    one = L.Conv2D(2, 3, padding="same", name="one")(inputs)
    two = L.Conv2D(2, 3, padding="same", name="two")(one)
    model = Model(inputs, L.Multiply(name="product")([inputs, two]))
    profile = model.profile(np.ones((2, 8, 8, 2)), seconds=0.01)
    assert [step.reads for step in profile.steps] == [(-1,), (0,), (-1, 1)]
    left = visualize.plan(model, profile).axes[0]
    rows = {tuple(round(end[1] - shift) for end, shift in ((arrow.xyann, 0.32), (arrow.xy, -0.32)))
            for arrow in left.texts if not arrow.get_text() and arrow.xy[0] == 0.5}  # fmt: skip
    bent = {(arrow.xyann[1], arrow.xy[1]) for arrow in left.texts if not arrow.get_text() and arrow.xy[0] != 0.5}
    assert rows == {(0, 1), (1, 2), (2, 3)} and bent == {(0, 3)}


def test_a_plan_is_timed_unasked():
    model = Sequential([L.Input((8, 8, 1)), L.Conv2D(4, 3, activation="relu", name="c")])
    figure = visualize.plan(model)
    assert "forward of 32 samples" in figure.get_suptitle()
    assert len(figure.axes[1].containers) == 1
