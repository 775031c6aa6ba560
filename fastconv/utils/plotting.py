"""plot_model: a model's layers as boxes and arrows, drawn with matplotlib."""

from pathlib import Path
from typing import NamedTuple

from fastconv.visualize.drawing import new_figure

_CHARACTER, _LINE, _GAP = 0.085, 0.26, 0.45  # inches
_MARGIN = 0.3
_SIZE = 8  # of letters, in points
# rankdir -> (whether layers stand in a column, whether the first comes at its upper or left end)
_DIRECTIONS = {"TB": (True, True), "BT": (True, False), "LR": (False, True), "RL": (False, False)}
_SPLINES = ("ortho", "curved", "polyline", "spline", "line")  # between neighbours all are straight lines
_BEND = 0.3  # how far an arrow keeps from the boxes that it goes round, in inches


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
        A built one. Layers stand in a row; where one reads another than the one before it, the arrow goes round.
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
        How arrows run. Those between neighbours are straight, and others are curved, in any case.

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
    _check(model, rankdir, splines, kwargs)
    shown = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    nodes, frames, edges = _nodes(model, expand_nested)
    boxes = [_box(owner, layer, shown) for owner, layer in nodes]
    figure = _draw(boxes, frames, edges, *_DIRECTIONS[rankdir], dpi)
    if to_file is not None:
        _save(figure, to_file, dpi)
    return figure


def _check(model, rankdir, splines, kwargs):
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on "
            "a batch of data."
        )
    if kwargs.pop("layer_range", None) is not None:
        raise ValueError("Argument `layer_range` is no longer supported.")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
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
def _nodes(model, expand):
    """Return (model, layer) for each box; frames: a nested model's name, its first and its last box; arrows' ends."""
    nodes, frames, edges, ends = [], [], [], {}
    for layer in model.layers:
        start = len(nodes)
        if expand and getattr(layer, "layers", None):
            inner, within, among = _nodes(layer, expand)
            frames += [(name, start + first, start + last) for name, first, last in within]
            frames.append((layer.name, start, start + len(inner) - 1))
            edges += [(start + one, start + other) for one, other in among]
            nodes += inner
        else:
            nodes.append((model, layer))
        ends[id(layer)] = start, len(nodes) - 1
    sources = model.layer_sources()
    edges += [
        (ends[id(source)][1], ends[id(layer)][0])
        for layer in model.layers
        for source in sources.get(id(layer), ())
        if source is not layer  # of a layer that is called on what it made
    ]
    return nodes, frames, edges


def _box(model, layer, shown):
    kind = type(layer).__name__
    rows = [[(f"{layer.name} ({kind})" if shown["names"] else kind, "white", "black")]]
    activation = getattr(layer, "activation", None)
    if shown["activations"] and activation is not None:
        rows.append(
            [_plain(f"Activation: {getattr(activation, '__name__', None) or getattr(activation, 'name', activation)}")]
        )
    cells = []
    if shown["shapes"]:
        cells += [
            _plain(f"Input shape: {model.layer_input_shape(layer)}"),
            _plain(f"Output shape: {model.layer_output_shape(layer)}"),
        ]
    if shown["dtype"]:
        cells.append(_plain(f"Output dtype: {layer.dtype}"))
    if shown["trainable"] and layer.weights:
        learns = layer.trainable
        cells.append(("Trainable", "white", "forestgreen") if learns else ("Non-trainable", "white", "firebrick"))
    return _Box([*rows, cells] if cells else rows)


def _plain(text):
    return text, "black", "white"


# ---- drawing ----------------------------------------------------------------------------------------------
def _draw(boxes, frames, edges, column, forwards, dpi):
    """Return the figure: its only axes count inches, from the lower left."""
    lengths = [box.height if column else box.width for box in boxes]
    breadth = max((box.width if column else box.height for box in boxes), default=1.0) + 2 * _MARGIN + 0.2 * len(frames)
    breadth += 2 * _BEND * any(other != one + 1 for one, other in edges)
    length = sum(lengths) + _GAP * max(0, len(boxes) - 1) + 2 * _MARGIN + 0.2 * len(frames)
    size = (breadth, length) if column else (length, breadth)
    figure = new_figure("utils.plot_model", *size)
    figure.set_dpi(dpi)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, size[0])
    axes.set_ylim(0, size[1])
    axes.set_axis_off()
    figure.set_layout_engine("none")
    centres, at = [], (length - sum(lengths) - _GAP * max(0, len(boxes) - 1)) / 2
    for extent in lengths:
        along = at + extent / 2
        along = length - along if column == forwards else along  # the vertical axis points up
        centres.append((breadth / 2, along) if column else (along, breadth / 2))
        at += extent + _GAP
    for name, first, last in frames:
        _frame(axes, name, boxes[first : last + 1], centres[first : last + 1])
    for box, centre in zip(boxes, centres, strict=True):
        _draw_box(axes, box, *centre)
    for one, other in edges:
        if other == one + 1:
            _arrow(axes, boxes[one], centres[one], boxes[other], centres[other])
        else:
            between = slice(min(one, other), max(one, other) + 1)
            _arc(axes, boxes[between], centres[between], column, other > one)
    return figure


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


def _arc(axes, boxes, centres, column, onwards):
    """Draw an arrow from the first of some boxes round the others to the last, or back."""
    halves = [(box.width if column else box.height) / 2 for box in boxes]
    start, end = (
        (x + half, y) if column else (x, y + half) for (x, y), half in ((centres[i], halves[i]) for i in (0, -1))
    )
    (start, end) = (start, end) if onwards else (end, start)
    along = end[1] - start[1] if column else start[0] - end[0]
    bulge = max(halves) - (halves[0] + halves[-1]) / 2 + _BEND
    style = f"arc3,rad={2 * bulge / along}"  # the middle of the arc is half as far out as its control point
    arrow = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0, "connectionstyle": style}
    axes.annotate("", end, start, arrowprops=arrow)


def _frame(axes, name, boxes, centres):
    from matplotlib.patches import Rectangle

    left = min(x - box.width / 2 for box, (x, _) in zip(boxes, centres, strict=True)) - 0.1
    right = max(x + box.width / 2 for box, (x, _) in zip(boxes, centres, strict=True)) + 0.1
    low = min(y - box.height / 2 for box, (_, y) in zip(boxes, centres, strict=True)) - 0.1
    high = max(y + box.height / 2 for box, (_, y) in zip(boxes, centres, strict=True)) + 0.1
    axes.add_patch(Rectangle((left, low), right - left, high - low, fill=False, linestyle="--", edgecolor="gray"))
    axes.text(left, high, name, ha="left", va="bottom", fontsize=_SIZE - 2, color="gray")
