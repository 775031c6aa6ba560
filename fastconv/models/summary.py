"""model.summary(): the table that a Keras user knows, drawn by rich."""

import math
import re
from typing import NamedTuple

from fastconv.plan.describe import flops_by_layer

COLUMNS = {"Layer (type)": "left", "Output Shape": "left", "Param #": "right"}
POSITIONS = (0.45, 0.80, 1.0)  # where the columns end, as shares of the table's width
WIDEST = 88
CONNECTED = (0.30, 0.56, 0.74, 1.0)  # with a fourth column
CONNECTED_WIDEST = 108


def show(model, print_fn=None, line_length=None, positions=None, layer_range=None, expand_nested=False, **extras):
    """Print the summary of a model, or give its text to `print_fn`, in one call.

    `extras` tell which columns beyond Keras's three there are: those of `EXTRAS`, in that order.
    """
    from rich.console import Console

    extras = [name for name, wanted in extras.items() if wanted]
    parts = [f'Model: "{model.name}"', _table(model, line_length, positions, layer_range, expand_nested, extras)]
    parts += _totals(model)
    if "show_flops" in extras and model.built:
        parts.append(f" FLOPs of one sample: {sum(flops_by_layer(model.plan).values()):,}")
    if print_fn is None:
        console = Console(highlight=False)
        for part in parts:
            console.print(part, markup=False)
        return
    console = Console(highlight=False, force_terminal=False, color_system=None)
    console.begin_capture()
    for part in parts:
        console.print(part, markup=False)
    print_fn(console.end_capture())


def _table(model, line_length, positions, layer_range, expand_nested, extras):
    from rich.table import Column, Table
    from rich.text import Text

    connected = not getattr(model, "is_chain", True)
    columns = {
        **COLUMNS,
        **({"Connected to": "left"} if connected else {}),
        **{EXTRAS[name].title: EXTRAS[name].side for name in extras},
    }
    import shutil  # imported when needed: it takes a while

    widest = (CONNECTED_WIDEST if connected else WIDEST) + sum(EXTRAS[name].width for name in extras)
    width = line_length or min(widest, shutil.get_terminal_size().columns - 4)
    positions = list(positions or (CONNECTED if connected else POSITIONS))
    widths = _widths(width, positions, len(columns), [EXTRAS[name].start for name in extras])
    header = [Column(name, justify=side, width=w) for (name, side), w in zip(columns.items(), widths, strict=True)]
    table = Table(*header, width=width, show_lines=True)
    cells = [EXTRAS[name].cell(model) for name in extras]
    for layer in _chosen(model, layer_range):
        for owner, inner, prefix in _with_nested(model, layer, expand_nested):
            table.add_row(
                *(Text(cell) for cell in (*_row(owner, inner, prefix, connected), *(cell(inner) for cell in cells)))
            )
    return table


def _widths(width, positions, count, starts):
    """Return the columns' widths; positions are shares of the table's width, moved together for each further column."""
    for start in starts:
        positions = [*(start * p for p in positions), 1.0]
    if starts:
        positions = positions[:count]
    if len(positions) != count:
        raise ValueError(f"summary: positions={positions!r} has {len(positions)} values; expected {count}.")
    ends = [int(p * width) for p in positions]
    widths = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    if min(widths) < 4:
        raise ValueError(
            f"summary: columns of widths {widths} do not fit into line_length={width}; expected 4 or more each."
        )
    return widths


def _chosen(model, layer_range):
    """Return the layers from the first whose name begins with one pattern to the last with the other, as Keras does."""
    if layer_range is None:
        return model.layers
    names = [layer.name for layer in model.layers]
    if len(layer_range) != 2 or not all(isinstance(pattern, str) for pattern in layer_range):
        raise ValueError(f"summary: layer_range={layer_range!r} is not a pair of layer names out of {names}.")
    found = [[i for i, name in enumerate(names) if re.match(pattern, name)] for pattern in layer_range]
    if not all(found):
        raise ValueError(
            f"summary: layer_range={layer_range!r} is not a pair of layer names, or of patterns, out of {names}."
        )
    first, last = found
    start, stop = (last, first) if min(first) > max(last) else (first, last)
    return model.layers[min(start) : max(stop) + 1]


def _with_nested(model, layer, expand, depth=0):
    """Yield (model, layer, prefix) for a layer and, where these are wanted, the layers in it."""
    yield model, layer, "   " * depth + "└ " if depth else ""
    for inner in getattr(layer, "layers", None) or () if expand else ():
        yield from _with_nested(layer, inner, expand, depth + 1)


def _row(model, layer, prefix, connected):
    shape = model.layer_output_shape(layer)
    params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    row = [f"{prefix}{layer.name} ({type(layer).__name__})", "?" if shape is None else str(shape), params]
    if connected:
        found = model.layer_inputs(layer) if hasattr(model, "layer_inputs") else []
        row.append(", ".join(found) or "-")
    return row


def _trainable(model):
    return lambda layer: ("Y" if layer.trainable else "N") if layer.weights else "-"


def _flops(model):
    known = flops_by_layer(model.plan) if model.built else None

    def of(layer):
        """Return the operations of a layer; those of a model are its own and those of all that it holds."""
        return known.get(layer.name, 0) + sum(map(of, getattr(layer, "layers", ())))

    return lambda layer: "?" if known is None else f"{of(layer):,}"


class Extra(NamedTuple):
    """A column beyond Keras's three: where it starts, as a share, and how much wider the table gets for it."""

    title: str
    side: str
    start: float
    width: int
    cell: object  # function of a model that returns the function of a layer that gives the text


EXTRAS = {
    "show_trainable": Extra("Trainable", "center", 0.9, 12, _trainable),
    "show_flops": Extra("FLOPs", "right", 0.8, 20, _flops),
}


def _totals(model):
    parts = {"Trainable": model.trainable_weights, "Non-trainable": model.non_trainable_weights}
    if model.optimizer is not None and model.optimizer.built:
        parts["Optimizer"] = model.optimizer.variables
    sizes = {name: (sum(v.array.size for v in w), sum(v.array.nbytes for v in w)) for name, w in parts.items()}
    total = [sum(column) for column in zip(*sizes.values(), strict=True)]
    lines = {" Total": total, **{f" {name}": size for name, size in sizes.items()}}
    return [f"{name} params: {count:,} ({readable(size)})" for name, (count, size) in lines.items()]


def readable(size):
    """Return a number of bytes as Keras prints it.

    Examples
    --------
    >>> readable(54568), readable(0)
    ('53.29 KB', '0.00 B')
    """
    exponent = min(4, int(math.log(size, 1024))) if size else 0
    return f"{size / 1024**exponent:.2f} {('B', 'KB', 'MB', 'GB', 'TB')[exponent]}"
