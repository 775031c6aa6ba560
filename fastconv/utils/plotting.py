"""plot_model: a model's layers as boxes and arrows, drawn with matplotlib."""

import numbers
from pathlib import Path
from typing import NamedTuple

from fastconv.layers.layer import Layer
from fastconv.models import Model
from fastconv.names import meant
from fastconv.ops.symbolic import sources
from fastconv.visualize.drawing import new_figure

_CHARACTER, _LINE, _GAP = 0.085, 0.26, 0.45  # inches
_MARGIN, _LANE = 0.3, 0.25
_SIZE = 8  # of letters, in points
# rankdir -> (whether layers stand in a column, whether the first comes at its upper or left end)
_DIRECTIONS = {"TB": (True, True), "BT": (True, False), "LR": (False, True), "RL": (False, False)}
_SPLINES = ("ortho", "curved", "polyline", "spline", "line")  # between neighbours all are straight lines


class _Node(NamedTuple):
    """What is drawn as a box: a layer or an op, with the shapes that go in and come out."""

    operation: object
    input_shape: object
    output_shape: object


class _Graph(NamedTuple):
    """Nodes in the order in which they are drawn; pairs of places in it; (name, first, last) of models in a model."""

    nodes: list
    edges: list
    frames: list


class _Box(NamedTuple):
    """A layer's box: rows of cells, each a text with its colours."""

    rows: list

    @property
    def width(self):
        return max(sum(_CHARACTER * (len(text) + 3) for text, *_ in row) for row in self.rows)

    @property
    def height(self):
        return _LINE * len(self.rows)


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """Draw the layers of a model, and save the picture. Neither graphviz nor pydot is needed.

    Parameters
    ----------
    model : Model
        A built one. Ops that were applied to tensors outside of layers are drawn, too.
    to_file : str, path-like or None
        The file; its ending says the format, PNG without any. None: the figure is returned only (not in Keras).
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        What the boxes say beside the class: shapes of input and output, type, name, activation (of layers that have
        one), and whether training changes the weights (of layers that have any).
    rankdir : {"TB", "BT", "LR", "RL"}
        Where the arrows lead: from top to bottom, and so on.
    expand_nested : bool
        Draw the layers of models that are layers, in a dashed frame.
    dpi : int
        Dots per inch.
    splines : {"ortho", "curved", "polyline", "spline", "line"}
        How arrows run that pass by other layers; those between neighbours are straight in any case.

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it, as they do the image that Keras returns.

    Raises
    ------
    ValueError
        If the model is not built, an argument is none of its choices, or the file's format is unknown.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(name="flat"), keras.layers.Dense(2)])
    >>> figure = keras.utils.plot_model(model, to_file=None, show_layer_names=True, show_shapes=True)
    >>> [text.get_text() for text in figure.axes[0].texts][:3]
    ['flat (Flatten)', 'Input shape: (None, 8, 8, 1)', 'Output shape: (None, 64)']
    """
    _check(model, rankdir, splines, dpi, kwargs)
    shown = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    graph = _graph(model, expand_nested)
    boxes = [_box(node, shown) for node in graph.nodes]
    figure = _draw(boxes, graph, *_DIRECTIONS[rankdir], dpi, splines)
    if to_file is not None:
        _save(figure, to_file, dpi)
    return figure


def _check(model, rankdir, splines, dpi, kwargs):
    if not isinstance(model, Model):
        raise TypeError(f"plot_model: model={model!r} is not a model.")
    if not isinstance(dpi, numbers.Real) or not dpi > 0:
        raise ValueError(f"plot_model: dpi={dpi!r} is not a number above 0.")
    if not model.built:
        raise ValueError(
            "plot_model: This model has not yet been built. Build the model first by calling `build()` or by calling "
            "the model on a batch of data."
        )
    if kwargs.pop("layer_range", None) is not None:
        raise ValueError("plot_model: Argument `layer_range` is no longer supported.")
    if kwargs:
        raise ValueError(f"plot_model: Unrecognized keyword arguments: {kwargs}.{meant(plot_model, kwargs)}")
    for name, value, choices in (("rankdir", rankdir, _DIRECTIONS), ("splines", splines, _SPLINES)):
        if value not in choices:
            raise ValueError(f"plot_model: {name}={value!r} is not one of {', '.join(choices)}.")


def _save(figure, to_file, dpi):
    ending = Path(to_file).suffix[1:].lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if ending not in known:
        raise ValueError(
            f"plot_model: to_file={str(to_file)!r} ends with {ending!r}; expected one of {', '.join(known)}."
        )
    figure.savefig(to_file, format=ending, dpi=dpi)


# ---- what is drawn ----------------------------------------------------------------------------------------
def _graph(model, expand):
    """Return the layers of a model and who reads whom; with `expand` those of models in it, too."""
    nodes, edges, frames, reading, ends = [], [], [], [], {}
    for node, reads in _calls(model) if hasattr(model, "layer_inputs") else _layers(model):
        start = len(nodes)
        reading += [(source, start) for source in reads]
        if expand and getattr(node.operation, "layers", None):
            inner = _graph(node.operation, expand)
            nodes += inner.nodes
            edges += [(start + one, start + other) for one, other in inner.edges]
            frames += [(name, start + first, start + last) for name, first, last in inner.frames]
            frames.append((node.operation.name, start, len(nodes) - 1))
        else:
            nodes.append(node)
        ends[id(node.operation)] = len(nodes) - 1
    return _Graph(nodes, edges + [(ends[id(source)], start) for source, start in reading], frames)


def _layers(model):
    """Yield a node for each layer, and the layers that it reads."""
    sources = model.layer_sources()
    for layer in model.layers:
        node = _Node(layer, model.layer_input_shape(layer), model.layer_output_shape(layer))
        yield node, [source for source in sources.get(id(layer), ()) if source is not layer]


def _calls(model):
    """Yield a node for each input, layer and op of a graph, once if it is called twice, and what it reads."""
    makers, calls = {}, {}
    spare = [layer for layer in model.layers if not any(x.source is layer for x in model.inputs)]
    for x in model.inputs:
        makers[id(x)] = spare.pop(0) if x.source is None else x.source
        yield _Node(makers[id(x)], x.shape, x.shape), []
    for call in sources(model.outputs, model.inputs):
        calls.setdefault(id(call.operation), []).append(call)
        makers.update((id(y), call.operation) for y in call.outputs)
    for group in calls.values():
        reads = [makers[id(x)] for call in group for x in call.tensors]
        distinct = list({id(source): source for source in reads}.values())
        yield _Node(group[0].operation, _shapes(group[0].tensors), _shapes(group[0].outputs)), distinct


def _shapes(tensors):
    return tensors[0].shape if len(tensors) == 1 else [x.shape for x in tensors]


def _box(node, shown):
    layer = node.operation
    kind = type(layer).__name__ if isinstance(layer, Layer) else layer.name.title().replace("_", "")
    rows = [[(f"{layer.name} ({kind})" if shown["names"] else kind, "white", "black")]]
    activation = getattr(layer, "activation", None)
    if shown["activations"] and activation is not None:
        rows.append(
            [_plain(f"Activation: {getattr(activation, '__name__', None) or getattr(activation, 'name', activation)}")]
        )
    cells = []
    if shown["shapes"]:
        cells += [_plain(f"Input shape: {node.input_shape}"), _plain(f"Output shape: {node.output_shape}")]
    if shown["dtype"] and hasattr(layer, "dtype"):
        cells.append(_plain(f"Output dtype: {layer.dtype}"))
    if shown["trainable"] and getattr(layer, "weights", None):
        learns = layer.trainable
        cells.append(("Trainable", "white", "forestgreen") if learns else ("Non-trainable", "white", "firebrick"))
    return _Box([*rows, cells] if cells else rows)


def _plain(text):
    return text, "black", "white"


# ---- drawing ----------------------------------------------------------------------------------------------
def _draw(boxes, graph, column, forwards, dpi, splines):
    """Return the figure: its only axes count inches, from the lower left."""
    lengths = [box.height if column else box.width for box in boxes]
    thickest = max((box.width if column else box.height for box in boxes), default=1.0)
    lanes = _lanes(graph.edges)
    frames = 0.2 * len(graph.frames)
    breadth = thickest + 2 * _MARGIN + frames + _LANE * (max(lanes.values(), default=-1) + 1)
    length = sum(lengths) + _GAP * max(0, len(boxes) - 1) + 2 * _MARGIN + frames
    size = (breadth, length) if column else (length, breadth)
    figure = new_figure("utils.plot_model", *size)
    figure.set_dpi(dpi)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, size[0])
    axes.set_ylim(0, size[1])
    axes.set_axis_off()
    figure.set_layout_engine("none")
    middle, centres = _MARGIN + (frames + thickest) / 2, []
    at = (length - sum(lengths) - _GAP * max(0, len(boxes) - 1)) / 2
    for extent in lengths:
        along = at + extent / 2
        along = length - along if column == forwards else along  # the vertical axis points up
        centres.append((middle, along) if column else (along, middle))
        at += extent + _GAP
    for name, first, last in graph.frames:
        _frame(axes, name, boxes[first : last + 1], centres[first : last + 1])
    for box, centre in zip(boxes, centres, strict=True):
        _draw_box(axes, box, *centre)
    for i, j in graph.edges:
        ends = boxes[i], centres[i], boxes[j], centres[j]
        if (i, j) in lanes:
            side = middle + (thickest + frames) / 2 + _LANE * (lanes[i, j] + 0.5)
            _way_round(axes, *ends, column, side, splines)
        else:
            _arrow(axes, *ends)
    return figure


def _lanes(edges):
    """Return a lane beside the boxes for each edge that passes by others, so that no two in one overlap."""
    lanes, taken = {}, []
    for i, j in sorted(set(edges), key=lambda edge: (abs(edge[1] - edge[0]), edge)):
        if j != i + 1:
            low, high = (i, j) if i < j else (j - 0.4, i + 0.4)  # the way back to itself has a length, too
            free = next(
                (k for k, spans in enumerate(taken) if all(high <= a or b <= low for a, b in spans)), len(taken)
            )
            taken += [[]] * (free == len(taken))
            taken[free] = [*taken[free], (low, high)]
            lanes[i, j] = free
    return lanes


def _way_round(axes, one, start, other, end, column, side, splines):
    """Draw an arrow that leaves a box at its side, passes by others there, and enters a box from the same side."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Line

    axis = 1 if column else 0  # along which the boxes stand
    ahead = 1 if end[axis] > start[axis] else -1

    def port(box, centre, towards):
        """Return a point at the box's edge, and the one beside it in the lane."""
        size = box.width, box.height
        at, edge = centre[axis] + towards * size[axis] / 4, centre[1 - axis] + size[1 - axis] / 2
        return [(edge, at), (side, at)] if column else [(at, edge), (at, side)]

    points = [*port(one, start, ahead), *reversed(port(other, end, -ahead))]
    bent = splines in ("curved", "spline")
    codes = [Line.MOVETO, *([Line.CURVE4] * 3 if bent else [Line.LINETO] * 3)]
    style = {"arrowstyle": "-|>", "mutation_scale": 10, "color": "black"}
    axes.add_patch(FancyArrowPatch(path=Line(points, codes), **style))


def _draw_box(axes, box, x, y):
    from matplotlib.patches import Rectangle

    top = y + box.height / 2
    for row in box.rows:
        own = [_CHARACTER * (len(text) + 3) for text, *_ in row]
        left, stretch = x - box.width / 2, box.width / sum(own)
        top -= _LINE
        for (text, colour, ground), width in zip(row, own, strict=True):
            axes.add_patch(Rectangle((left, top), width * stretch, _LINE, facecolor=ground, edgecolor="black", lw=0.7))
            middle = left + width * stretch / 2
            axes.text(middle, top + _LINE / 2, text, ha="center", va="center", fontsize=_SIZE, color=colour)
            left += width * stretch


def _arrow(axes, one, start, other, end):
    """Draw an arrow from the edge of a box to that of the next."""
    across = [(b > a) - (b < a) for a, b in zip(start, end, strict=True)]
    tail = [c + d * extent / 2 for c, d, extent in zip(start, across, (one.width, one.height), strict=True)]
    head = [c - d * extent / 2 for c, d, extent in zip(end, across, (other.width, other.height), strict=True)]
    axes.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0})


def _frame(axes, name, boxes, centres):
    from matplotlib.patches import Rectangle

    left = min(x - box.width / 2 for box, (x, _) in zip(boxes, centres, strict=True)) - 0.1
    right = max(x + box.width / 2 for box, (x, _) in zip(boxes, centres, strict=True)) + 0.1
    low = min(y - box.height / 2 for box, (_, y) in zip(boxes, centres, strict=True)) - 0.1
    high = max(y + box.height / 2 for box, (_, y) in zip(boxes, centres, strict=True)) + 0.1
    axes.add_patch(Rectangle((left, low), right - left, high - low, fill=False, linestyle="--", edgecolor="gray"))
    axes.text(left, high, name, ha="left", va="bottom", fontsize=_SIZE - 2, color="gray")
