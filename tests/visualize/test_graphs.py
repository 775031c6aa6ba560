"""Pictures, tables and times of graphs, which are no chains."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import ops, utils, visualize
from fastconv.models import Model, Sequential


@pytest.fixture(autouse=True)
def plotting():
    pytest.importorskip("matplotlib")


def residual():
    """Return a model with paths that part and meet, an op without a layer, and a layer that is used twice."""
    inputs = L.Input((8, 8, 1), name="in")
    twice = L.Conv2D(2, 3, padding="same", name="twice")
    x = first = L.Conv2D(2, 3, padding="same", activation="relu", name="first")(inputs)
    x = L.ReLU(name="relu")(L.Add(name="add")([twice(twice(x)) * 2, first]))
    inner = Sequential([L.MaxPooling2D(2, name="pool"), L.Flatten(name="flat")], name="inner")
    return Model(inputs, L.Dense(3, activation="softmax", name="out")(inner(x)), name="m")


class Own(Model):
    def __init__(self):
        super().__init__(name="own")
        self.first, self.second = L.Conv2D(2, 3, padding="same", name="first"), L.Conv2D(2, 1, name="second")
        self.flat, self.out = L.Flatten(name="flat"), L.Dense(3, name="out")

    def call(self, x):
        x = self.first(x)
        return self.out(self.flat(self.second(x) + x))


def built(model):
    model.build((None, 8, 8, 1))
    return model


def pair():
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    return Model([a, b], L.Add(name="add")([L.ReLU(name="relu")(a), b]))


def test_feature_maps_are_what_the_layers_make():
    for model in (residual(), built(Own())):
        image = np.random.default_rng(0).random((8, 8, 1)).astype("float32")
        figure = visualize.feature_maps(model, image, layers=["first", "out"], class_names=["a", "b", "c"])
        assert [axes.get_title(loc="left") for axes in figure.axes] == [
            "image: 8 x 8", "first (Conv2D): 8 x 8 x 2", "out (Dense): 3",
        ]  # fmt: skip
        bars = [bar.get_height() for bar in figure.axes[2].patches]
        np.testing.assert_allclose(bars, model.predict(image[None], verbose=0)[0], rtol=1e-5)
        tile = figure.axes[1].images[0].get_array()
        maps = model.get_layer("first")(image[None])[0]
        np.testing.assert_allclose(tile[:8, :8], maps[:, :, 0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(tile[:8, 9:17], maps[:, :, 1], rtol=1e-5, atol=1e-6)
    unasked = visualize.feature_maps(residual(), image)
    assert [axes.get_title(loc="left").split(" ")[0] for axes in unasked.axes[1:]] == ["first", "twice", "out"]


def test_gradients_of_a_graph():
    model, image = residual(), np.random.default_rng(0).random((8, 8, 1))
    figure = visualize.grad_cam(model, image, class_index=1)
    assert figure.axes[1].get_title(loc="left") == "class 1, Grad-CAM at twice"
    assert visualize.saliency(model, image).axes[1].images[1].get_array().shape == (8, 8)
    figure = visualize.activation_maximization(model, "relu", [1], steps=2)
    assert "what unit 1 looks for" in figure.axes[0].get_title(loc="left")
    with pytest.raises(ValueError, match="layer='in' is not in the model; expected one of"):
        visualize.activation_maximization(model, "in", [0], steps=1)
    with pytest.raises(ValueError, match="layer='in' makes no maps"):
        visualize.grad_cam(model, image, layer="in")


@pytest.mark.parametrize("draw", [visualize.feature_maps, visualize.saliency, visualize.grad_cam])
def test_several_inputs_are_no_image(draw):
    with pytest.raises(ValueError, match="the model has 2 inputs; expected one, that of images"):
        draw(pair(), np.ones((8, 8)))


# ---- plot_model


def test_shapes_in_boxes():
    words = [t.get_text() for t in utils.plot_model(residual(), None, show_shapes=True).axes[0].texts]
    assert "Input shape: [(None, 8, 8, 2), (None, 8, 8, 2)]" in words and "Input shape: (None, 8, 8, 1)" in words
    assert "Input shape: (None, 8, 8, 2)" in words and "Output shape: (None, 32)" in words


# ---- tables and times


def test_summary_of_a_graph_with_all_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    model = residual()
    model.summary(show_flops=True, show_trainable=True, expand_nested=True, line_length=160)
    text = capsys.readouterr().out
    rows = [[c.strip() for c in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    rows = {row[0].split(" (")[0]: row[1:] for row in rows if row[0]}
    assert rows["twice"][2] == "first[0][0], twice[0][0]" and rows["twice"][3] == "Y"
    assert rows["add"][2] == "multiply[0][0], first[0][0]"
    flops = {name: int(row[4].replace(",", "")) for name, row in rows.items()}
    conv = 8 * 8 * 2 * (2 * 9 * 2 + 1)
    assert flops["twice"] in (2 * conv, 2 * (conv - 128)) and flops["in"] == 0
    assert flops["inner"] == flops["└ pool"] + flops["└ flat"] > 0 and rows["in"][2] == "-"
    total = int(text.split("sample: ")[1].replace(",", ""))
    assert total == sum(n for name, n in flops.items() if "└" not in name) + 128  # of the product outside of layers


def test_profile_of_a_graph():
    model = residual()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((4, 8, 8, 1)), np.arange(4) % 3
    steps = model.profile(x, y, seconds=0.01).steps
    adds = [step for step in steps if "add" in step.layers]
    assert [step.backward is not None for step in adds] == [True] * len(adds) and adds
    assert [step.name for step in model.profile(x, seconds=0.01).steps] == [s.op.name for s in model.plan.steps]
    print(model.profile(x, y, seconds=0.01))
    figure = visualize.plan(model)
    assert len(visualize.plan(pair()).axes) == 2 and len(figure.axes) == 2
    assert ops.sum(model.predict(x, verbose=0)) == pytest.approx(4)
