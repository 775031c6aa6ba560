"""model.summary(): the table that a Keras user knows."""

import math
from itertools import pairwise


def text(model, line_length=None, positions=None, show_trainable=False, layer_range=None):
    """Return the summary of a model as text."""
    columns = ["Layer (type)", "Output Shape", "Param #", *(["Trainable"] if show_trainable else [])]
    rows = [_row(model, layer, show_trainable) for layer in _chosen(model, layer_range)]
    width = line_length or 80
    shares = positions or ([0.4, 0.35, 0.25] if not show_trainable else [0.35, 0.3, 0.2, 0.15])
    if len(shares) != len(columns):
        raise ValueError(
            f"summary: positions={positions!r} has {len(shares)} values; expected {len(columns)}, one a column."
        )
    if positions and shares[-1] > 1:  # absolute places of the columns' ends
        widths = [int(b - a) for a, b in zip([0, *shares[:-1]], shares, strict=True)]
    elif positions and all(a <= b for a, b in pairwise(shares)) and shares[-1] == 1:
        widths = [int((b - a) * width) for a, b in zip([0, *shares[:-1]], shares, strict=True)]
    else:
        widths = [int(share * width) for share in shares]
    widths = [max(w - 1, 8) for w in widths]
    widths[-1] += max(0, width - sum(widths) - len(widths) - 1)
    lines = [f'Model: "{model.name}"', *_table(columns, rows, widths), *_totals(model)]
    return "\n".join(lines)


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


def _wrap(cell, width):
    """Cut a cell into lines, at a space if there is one."""
    lines = []
    while len(cell) > width:
        at = cell.rfind(" ", 0, width + 1)
        at = at if at > 0 else width
        lines.append(cell[:at])
        cell = cell[at:].lstrip()
    return [*lines, cell]


def _table(columns, rows, widths):
    def border(left, line, cross, right):
        return left + cross.join(line * w for w in widths) + right

    def cells(row, bar):
        wrapped = [_wrap(cell, w - 2) for cell, w in zip(row, widths, strict=True)]
        for i in range(max(map(len, wrapped))):
            parts = [lines[i] if i < len(lines) else "" for lines in wrapped]
            texts = [
                f" {part:>{w - 2}} " if column == "Param #" else f" {part:<{w - 2}} "
                for part, w, column in zip(parts, widths, columns, strict=True)
            ]
            yield bar + bar.join(texts) + bar

    yield border("┏", "━", "┳", "┓")
    yield from cells(columns, "┃")
    yield border("┡", "━", "╇", "┩")
    for i, row in enumerate(rows):
        if i:
            yield border("├", "─", "┼", "┤")
        yield from cells(row, "│")
    yield border("└", "─", "┴", "┘")


def _totals(model):
    trainable, frozen = (sum(v.array.size for v in w) for w in (model.trainable_weights, model.non_trainable_weights))
    sizes = [sum(v.array.nbytes for v in w) for w in (model.trainable_weights, model.non_trainable_weights)]
    optimizer = (
        [] if model.optimizer is None or not getattr(model.optimizer, "built", False) else model.optimizer.variables
    )
    extra, extra_size = sum(v.array.size for v in optimizer), sum(v.array.nbytes for v in optimizer)
    lines = [
        (" Total params", trainable + frozen + extra, sum(sizes) + extra_size),
        (" Trainable params", trainable, sizes[0]),
        (" Non-trainable params", frozen, sizes[1]),
    ]
    if extra:
        lines.append((" Optimizer params", extra, extra_size))
    return [f"{name}: {count:,} ({readable(size)})" for name, count, size in lines]


def readable(size):
    """Return a number of bytes as Keras prints it.

    Examples
    --------
    >>> readable(54568), readable(0)
    ('53.29 KB', '0.00 B')
    """
    exponent = min(4, int(math.log(size, 1024))) if size else 0
    return f"{size / 1024**exponent:.2f} {('B', 'KB', 'MB', 'GB', 'TB')[exponent]}"
