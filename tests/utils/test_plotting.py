"""plot_model: Keras's signature; the boxes, arrows and files, read back."""

import inspect

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import ops, utils
from fastconv.models import Model, Sequential
from tests.visualize.test_graphs import Own


@pytest.fixture(autouse=True)
def plotting():
    pytest.importorskip("matplotlib")


def make():
    model = Sequential(
        [
            L.Input((8, 8, 1)),
            L.Conv2D(4, 3, activation="relu", name="conv"),
            L.Flatten(name="flat"),
            L.Dense(2, name="head"),
        ]
    )
    model.layers[2].trainable = False
    return model


def texts(figure):
    return [text for text in figure.axes[0].texts if text.get_text()]


def words(**settings):
    return [text.get_text() for text in texts(utils.plot_model(make(), None, **settings))]


def test_classes_alone():
    assert words() == ["Conv2D", "Flatten", "Dense"]


def test_all_that_boxes_can_say():
    assert words(
        show_shapes=True, show_dtype=True, show_layer_names=True, show_layer_activations=True, show_trainable=True
    ) == [
        *("conv (Conv2D)", "Activation: relu"),
        *("Input shape: (None, 8, 8, 1)", "Output shape: (None, 6, 6, 4)", "Output dtype: float32", "Trainable"),
        *("flat (Flatten)", "Input shape: (None, 6, 6, 4)", "Output shape: (None, 144)", "Output dtype: float32"),
        *("head (Dense)", "Activation: linear"),
        *("Input shape: (None, 144)", "Output shape: (None, 2)", "Output dtype: float32", "Non-trainable"),
    ]


@pytest.mark.parametrize(("rankdir", "axis", "sign"), [("TB", 1, -1), ("BT", 1, 1), ("LR", 0, 1), ("RL", 0, -1)])
def test_where_the_arrows_lead(rankdir, axis, sign):
    figure = utils.plot_model(make(), None, rankdir=rankdir)
    places = np.array([text.get_position() for text in texts(figure)])
    assert (sign * np.diff(places[:, axis]) > 0.2).all() and np.ptp(places[:, 1 - axis]) < 1e-9
    arrows = [text for text in figure.axes[0].texts if not text.get_text()]
    assert len(arrows) == 2
    for i, arrow in enumerate(arrows):
        tail, head = np.array(arrow.xyann)[axis], np.array(arrow.xy)[axis]
        order = sign * np.array([places[i, axis], tail, head, places[i + 1, axis]])
        assert (np.diff(order) > 0).all()


def test_boxes_do_not_overlap_and_hold_their_words():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = utils.plot_model(make(), None, show_shapes=True, show_layer_names=True, dpi=100)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [patch.get_window_extent(renderer) for patch in figure.axes[0].patches]
    for i, box in enumerate(boxes):
        assert not any(box.shrunk(0.98, 0.98).overlaps(other.shrunk(0.98, 0.98)) for other in boxes[:i])
    for text, box in zip(texts(figure), boxes, strict=True):
        extent = text.get_window_extent(renderer)
        assert box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0 and extent.y1 <= box.y1


def test_nested_models():
    inner = Sequential([L.Input((6, 6, 4)), L.ReLU(name="one"), L.ReLU(name="two")], name="inner")
    model = Sequential([L.Input((8, 8, 1)), L.Conv2D(4, 3), inner, L.Flatten(), L.Dense(2)])
    names = lambda **settings: [t.get_text() for t in texts(utils.plot_model(model, None, **settings))]  # noqa: E731
    assert names() == ["Conv2D", "Sequential", "Flatten", "Dense"]
    assert sorted(names(expand_nested=True)) == sorted(["Conv2D", "ReLU", "ReLU", "inner", "Flatten", "Dense"])
    assert edges(utils.plot_model(model, None, expand_nested=True)) == [(0, 1), (1, 2), (2, 3), (3, 4)]


# ---- graphs
def edges(figure, axis=1):
    """Return the pairs of boxes between which arrows run, by where these begin and end."""
    from matplotlib.patches import FancyArrowPatch

    axes = figure.axes[0]
    centres = [text.get_position()[axis] for text in texts(figure) if text.get_color() == "white"]
    nearest = lambda at: int(np.abs(np.array(centres) - at).argmin())  # noqa: E731
    ends = [(text.xyann, text.xy) for text in axes.texts if not text.get_text()]
    for patch in axes.patches:
        if isinstance(patch, FancyArrowPatch):
            points = patch._path_original.vertices
            ends.append((points[0], points[-1]))
    return sorted((nearest(tail[axis]), nearest(head[axis])) for tail, head in ends)


def graph():
    inputs = L.Input((8, 8, 1))
    shared = L.Conv2D(1, 3, padding="same", name="shared")
    x = shared(inputs)
    y = L.ReLU(name="near")(shared(x))
    y = L.Add(name="sum")([x, y, inputs])
    return Model(inputs, L.Flatten(name="flat")(ops.relu(y)))


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_a_graph_s_arrows_are_what_its_layers_read(rankdir):
    figure = utils.plot_model(graph(), None, rankdir=rankdir)
    assert [text.get_text() for text in texts(figure)] == ["InputLayer", "Conv2D", "ReLU", "Add", "Relu", "Flatten"]
    expected = [(0, 1), (1, 1), (1, 2), (1, 3), (2, 3), (0, 3), (3, 4), (4, 5)]  # the shared layer reads itself, too
    assert edges(figure, axis=int(rankdir == "TB")) == sorted(expected)


def test_a_model_with_a_call_of_its_own():
    model = Own()
    model.build((None, 8, 8, 1))
    figure = utils.plot_model(model, None)
    assert [text.get_text() for text in texts(figure)] == ["Conv2D", "Conv2D", "Flatten", "Dense"]
    assert edges(figure) == [(0, 1), (0, 2), (1, 2), (2, 3)]


def test_two_inputs():
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    figure = utils.plot_model(Model([a, b], L.Add()([L.ReLU()(a), b])), None)
    names = [text.get_text() for text in texts(figure)]
    assert sorted(names) == ["Add", "InputLayer", "InputLayer", "ReLU"]
    assert (names.index("ReLU"), names.index("Add")) in edges(figure)
    assert sum(end == names.index("Add") for _, end in edges(figure)) == 2


def test_a_graph_s_shapes():
    shapes = [t.get_text() for t in texts(utils.plot_model(graph(), None, show_shapes=True))]
    at = shapes.index("Add")
    assert shapes[at + 1] == "Input shape: [(None, 8, 8, 1), (None, 8, 8, 1), (None, 8, 8, 1)]"
    assert shapes[at + 2] == "Output shape: (None, 8, 8, 1)"


@pytest.mark.parametrize("splines", ["ortho", "curved"])
def test_ways_round_leave_the_boxes_alone(splines):
    """An arrow past others stays beside them, in a lane that no other one has at the same height."""
    from matplotlib.patches import FancyArrowPatch, Rectangle

    axes = utils.plot_model(graph(), None, splines=splines).axes[0]
    right = max(patch.get_x() + patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle))
    ways = [p._path_original.vertices for p in axes.patches if isinstance(p, FancyArrowPatch)]
    assert len(ways) == 3
    for points in ways:
        assert points[1][0] == points[2][0] > right and points[:, 0].max() < axes.get_xlim()[1]
    spans = [(points[1][0], *sorted(points[1:3, 1])) for points in ways]
    for i, (lane, low, high) in enumerate(spans):
        assert all(lane != other or high < bottom or top < low for other, bottom, top in spans[:i])


@pytest.mark.parametrize(
    ("name", "start"), [("m.png", b"\x89PNG"), ("m", b"\x89PNG"), ("m.svg", b"<?xml"), ("m.pdf", b"%PDF")]
)
def test_files(tmp_path, name, start):
    utils.plot_model(make(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_dots_per_inch(tmp_path):
    sizes = []
    for dpi in (50, 100):
        figure = utils.plot_model(make(), str(tmp_path / "m.png"), dpi=dpi)
        header = (tmp_path / "m.png").read_bytes()[16:24]
        sizes.append(np.frombuffer(header, ">u4"))
        assert figure.dpi == dpi
    assert np.abs(sizes[1] - 2 * sizes[0].astype(int)).max() <= 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rankdir": "XY"}, "plot_model: rankdir='XY' is not one of TB, BT, LR, RL"),
        ({"splines": "wavy"}, "plot_model: splines='wavy' is not one of ortho"),
        ({"layer_range": ("a", "b")}, "Argument `layer_range` is no longer supported"),
        ({"shapes": True}, "Unrecognized keyword arguments: {'shapes': True}"),
    ],
)
def test_bad_arguments(settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        utils.plot_model(make(), None, **settings)
    with pytest.raises(ValueError, match="plot_model: to_file='.*m.dot' ends with 'dot'; expected one of"):
        utils.plot_model(make(), tmp_path / "m.dot")
    with pytest.raises(ValueError, match="has not yet been built"):
        utils.plot_model(Sequential([L.Dense(1)]), None)


def test_the_signature_is_keras_s():
    keras = pytest.importorskip("keras")
    for theirs, ours in zip(
        inspect.signature(keras.utils.plot_model).parameters.values(),
        inspect.signature(utils.plot_model).parameters.values(),
        strict=True,
    ):
        assert (theirs.name, theirs.default, theirs.kind) == (ours.name, ours.default, ours.kind)
