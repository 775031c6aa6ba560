"""model.summary(): the table that a Keras user knows, drawn by rich."""

import math

COLUMNS = {"Layer (type)": "left", "Output Shape": "left", "Param #": "right"}
POSITIONS = (0.45, 0.80, 1.0)  # where the columns end, as shares of the table's width
WIDEST = 88


def show(model, print_fn=None, line_length=None, positions=None, show_trainable=False, layer_range=None):
    """Print the summary of a model, or give its text to `print_fn`, in one call."""
    from rich.console import Console

    parts = [f'Model: "{model.name}"', _table(model, line_length, positions, show_trainable, layer_range)]
    parts += _totals(model)
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


def _table(model, line_length, positions, show_trainable, layer_range):
    from rich.table import Column, Table
    from rich.text import Text

    columns = {**COLUMNS, "Trainable": "center"} if show_trainable else COLUMNS
    import shutil  # imported when needed: it takes a while

    width = line_length or min(WIDEST + 12 * show_trainable, shutil.get_terminal_size().columns - 4)
    widths = _widths(width, positions, len(columns))
    header = [Column(name, justify=side, width=w) for (name, side), w in zip(columns.items(), widths, strict=True)]
    table = Table(*header, width=width, show_lines=True)
    for layer in _chosen(model, layer_range):
        table.add_row(*(Text(cell) for cell in _row(model, layer, show_trainable)))
    return table


def _widths(width, positions, count):
    """Return the columns' widths; positions are shares of the table's width."""
    positions = positions or POSITIONS
    if count > len(POSITIONS):  # positions are those of the first three columns, moved together for the fourth
        positions = [*(0.9 * p for p in positions), 1.0][:count]
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
    if layer_range is None:
        return model.layers
    names = [layer.name for layer in model.layers]
    missing = [name for name in layer_range if name not in names]
    if len(layer_range) != 2 or missing:
        raise ValueError(f"summary: layer_range={layer_range!r} is not a pair of layer names out of {names}.")
    return model.layers[names.index(layer_range[0]) : names.index(layer_range[1]) + 1]


def _row(model, layer, show_trainable):
    shape = model.layer_output_shape(layer)
    params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    row = [f"{layer.name} ({type(layer).__name__})", "?" if shape is None else str(shape), params]
    return [*row, ("Y" if layer.trainable else "N") if layer.weights else "-"] if show_trainable else row


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
