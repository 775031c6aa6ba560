"""Lists of taps: how a depthwise convolution looks from inside its kernel.

Every output row has its list of (input row, filter row), with nothing outside of the image, so that vertical strides,
dilation and padding live in these lists alone. Output columns that see the same taps form a phase: a forward pass has
one, a data gradient one for each column of the strides. The kernels never look at strides, padding or dilation.
"""

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Taps(NamedTuple):
    """The lists of one depthwise convolution or data gradient; see kernels/depthwise.pxi."""

    sizes: tuple  # images; height and width of the input, of the output
    taps: int  # of a filter
    order: np.ndarray  # [taps] the order in which filters are packed
    row: np.ndarray  # [output rows + 1] where a row's entries begin
    row_in: np.ndarray  # [entries] input row
    row_filter: np.ndarray  # [entries] first tap of the filter row
    phase: np.ndarray  # [phases, 9] see struct Phase
    tap: np.ndarray  # [column taps] offset in values of the input
    tap_col: np.ndarray  # [column taps] offset in columns
    tap_filter: np.ndarray  # [column taps] place in a filter row


@lru_cache(maxsize=256)
def forward(c):
    """Return the lists of a depthwise convolution, a `windows.Conv` with as many groups as channels."""
    (top, _), (left, _) = c.padding
    rows = [_reads(i * c.strides[0] - top, c.kernel[0], c.dilation[0]) for i in range(c.out_height)]
    phase = (0, 1, c.out_width, c.strides[1], _reads(-left, c.kernel[1], c.dilation[1]))
    sizes = (c.images, c.height, c.width, c.out_height, c.out_width)
    return _build(c, sizes, np.arange(c.kernel[0] * c.kernel[1], dtype=np.intp), rows, [phase])


@lru_cache(maxsize=256)
def backward(c):
    """Return the lists of the data gradient: its input is the gradient of the result, its filters are turned round."""
    (top, _), (left, _) = c.padding
    step = c.strides[1]
    rows = [_reached(i + top, c.kernel[0], c.strides[0], c.dilation[0]) for i in range(c.height)]
    phases = [
        (b, step, -(-(c.width - b) // step), 1, _reached(b + left, c.kernel[1], step, c.dilation[1]))
        for b in range(min(step, c.width))
    ]
    sizes = (c.images, c.out_height, c.out_width, c.height, c.width)
    return _build(c, sizes, np.arange(c.kernel[0] * c.kernel[1], dtype=np.intp)[::-1].copy(), rows, phases)


def _reads(first, kernel, dilation):
    """Return (place in the input, filter tap) of the taps of an output."""
    return [(first + k * dilation, k) for k in range(kernel)]


def _reached(position, kernel, stride, dilation):
    """Return (place in the output, filter tap from the end) of the taps that read an input, the first place first."""
    found = [(position - k * dilation, kernel - 1 - k) for k in reversed(range(kernel))]
    return [(distance // stride, k) for distance, k in found if distance % stride == 0]


def _build(c, sizes, order, rows, phases):
    _, height, width, _, _ = sizes
    rows = [[(at, r) for at, r in row if 0 <= at < height] for row in rows]
    entries = [entry for row in rows for entry in row]
    taps = [tap for *_, row in phases for tap in row]
    table, first = [], 0
    for place, step, count, in_step, row in phases:
        table.append((place, step, count, in_step, first, len(row), *_inside(row, count, in_step, width)))
        table[-1] += (_is_dense(row, in_step),)
        first += len(row)
    return Taps(
        sizes=sizes,
        taps=len(order),
        order=order,
        row=_list([0, *np.cumsum([len(row) for row in rows])]),
        row_in=_list([at for at, _ in entries] + [0]),
        row_filter=_list([r * c.kernel[1] for _, r in entries] + [0]),
        phase=np.array(table, np.intp).reshape(-1, 9),
        tap=_list([at * c.channels for at, _ in taps] + [0]),
        tap_col=_list([at for at, _ in taps] + [0]),
        tap_filter=_list([k for _, k in taps] + [0]),
    )


def _list(values):
    return np.array(values, np.intp)


def _inside(row, count, in_step, width):
    """Return (begin, end) of the outputs of a phase that see all of its taps inside of the image."""
    if not row:
        return 0, count
    begin = min(count, max(0, -(row[0][0] // in_step)))  # rounded up
    end = max(begin, min(count, (width - 1 - row[-1][0]) // in_step + 1))
    return begin, end


def _is_dense(row, in_step):
    """Tell whether a phase has three taps side by side and moves by one column."""
    return in_step == 1 and len(row) == 3 and all(b[0] - a[0] == b[1] - a[1] == 1 for a, b in pairwise(row))
