"""Lists of taps: how a depthwise convolution looks from inside its kernel.

Output rows come in bands of one or two, and every band has its list of input rows, each with the filter row by which it
reaches the band's first output row and the one by which it reaches the second; or, for the gradient of the filters, of
filter rows with the input rows that they are multiplied with. Nothing outside of the image is on these lists, so that
vertical strides, dilation and padding live in them alone; and a volume is an image with the rows of all its planes.

Output columns that see the same taps form a phase: a forward pass has one, a data gradient one for each column of the
strides. Where filters three or five wide move by one or two columns, a dense phase does most of a row: its outputs lie
side by side, and each of its columns is loaded once. What it leaves at the edges falls to the others.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fastconv.ops import volumes

SPARSE = 0
DENSE_WIDTHS = (3, 5)  # of filters
DENSE = {(1, 1): 1, (2, 1): 2, (1, 2): 3}  # kinds of dense phases, by columns of the input and of the output from one
# group of outputs to the next; the same numbers stand in kernels/depthwise.pxi


class Rows(NamedTuple):
    """What the rows of every band read."""

    band: np.ndarray  # [bands + 1] where a band's entries begin
    row: np.ndarray  # [entries] an input row (or the first tap of a filter row)
    partner: np.ndarray  # [2, entries] the first tap of its filter row (or its input row) in either output row, or -1


class Taps(NamedTuple):
    """The lists of one depthwise convolution or data gradient; see kernels/depthwise.pxi."""

    sizes: tuple  # images; height and width of the input, of the output
    taps: int  # of a filter
    order: np.ndarray  # [taps] the order in which filters are packed
    inputs: Rows  # by input row
    filters: Rows  # by filter row
    phase: np.ndarray  # [phases, 9] see struct Phase
    tap: np.ndarray  # [column taps] offset in values of the input
    tap_col: np.ndarray  # [column taps] offset in columns
    tap_filter: np.ndarray  # [column taps] place in a filter row


class Phase(NamedTuple):
    """Outputs of a row that see the same taps: columns first, first + step, ..."""

    first: int
    step: int
    count: int
    in_step: int  # input columns from one output to the next
    row: list  # (column that the first output reads, tap of the filter row)
    kind: int = SPARSE

    def between(self, begin, end):
        """Return the part of the phase with the output columns from begin to end."""
        a, b = (min(self.count, max(0, -((self.first - column) // self.step))) for column in (begin, end))
        row = [(at + a * self.in_step, k) for at, k in self.row]
        return self._replace(first=self.first + a * self.step, count=b - a, row=row)


@lru_cache(maxsize=256)
def forward(c, rows=1):
    """Return the lists of a depthwise convolution with as many groups as channels, a `windows.Conv` or a `Volume`."""
    c, depth = _parted(c)
    (top, _), (left, _) = c.padding
    step = c.strides[1]
    planes = [_reads(i * depth.stride - depth.front, depth.kernel, depth.dilation) for i in range(depth.out)]
    reads = [_reads(i * c.strides[0] - top, c.kernel[0], c.dilation[0]) for i in range(c.out_height)]
    reads = _through(planes, depth.size, reads, c.height, c.kernel[0])
    phase = Phase(0, 1, c.out_width, step, _reads(-left, c.kernel[1], c.dilation[1]))
    sizes = (c.images, depth.size * c.height, c.width, depth.out * c.out_height, c.out_width)
    order = np.arange(depth.kernel * c.kernel[0] * c.kernel[1], dtype=np.intp)
    return _build(c, sizes, order, rows, reads, _with_dense(c, [phase], 0, -left, (step, 1), c.width, c.out_width))


@lru_cache(maxsize=256)
def backward(c, rows=1):
    """Return the lists of the data gradient: its input is the gradient of the result, its filters are turned round."""
    c, depth = _parted(c)
    (top, _), (left, _) = c.padding
    step = c.strides[1]
    planes = [_reached(i + depth.front, depth.kernel, depth.stride, depth.dilation) for i in range(depth.size)]
    reads = [_reached(i + top, c.kernel[0], c.strides[0], c.dilation[0]) for i in range(c.height)]
    reads = _through(planes, depth.out, reads, c.out_height, c.kernel[0])
    phases = [
        Phase(b, step, -(-(c.width - b) // step), 1, _reached(b + left, c.kernel[1], step, c.dilation[1]))
        for b in range(min(step, c.width))
    ]
    sizes = (c.images, depth.out * c.out_height, c.out_width, depth.size * c.height, c.width)
    order = np.arange(depth.kernel * c.kernel[0] * c.kernel[1], dtype=np.intp)[::-1].copy()
    first = -left % step  # the first column that a window's first tap may read
    reads_first = (first + left - c.kernel[1] + 1) // step
    phases = _with_dense(c, phases, first, reads_first, (1, step), c.out_width, c.width)
    return _build(c, sizes, order, rows, reads, phases)


class Depth(NamedTuple):
    """The sizes along the depth of volumes; an image is a plane."""

    size: int = 1
    out: int = 1
    kernel: int = 1
    stride: int = 1
    front: int = 0  # planes of padding before
    dilation: int = 1


def _parted(c):
    """Return the sizes of a plane, and the `Depth`: rows of planes one behind the other are rows of a high image."""
    if isinstance(c, volumes.Volume):
        return c.plane, Depth(c.depth, c.out_depth, c.kernel, c.stride, c.front, c.dilation)
    return c, Depth()


def _through(planes, depth, rows, height, kernel):
    """Return (input row, filter row) of what each row of each plane reads, with nothing outside of the volume."""
    planes = [[(at, k) for at, k in plane if 0 <= at < depth] for plane in planes]
    rows = [[(at, k) for at, k in row if 0 <= at < height] for row in rows]
    return [[(a * height + at, k * kernel + r) for a, k in plane for at, r in row] for plane in planes for row in rows]


def _reads(first, kernel, dilation):
    """Return (place in the input, filter tap) of the taps of an output."""
    return [(first + k * dilation, k) for k in range(kernel)]


def _reached(position, kernel, stride, dilation):
    """Return (place in the output, filter tap from the end) of the taps that read an input, the first place first."""
    found = [(position - k * dilation, kernel - 1 - k) for k in reversed(range(kernel))]
    return [(distance // stride, k) for distance, k in found if distance % stride == 0]


def _with_dense(c, phases, first, reads, steps, width, out_width):
    """Return phases in which a dense one does what it can.

    Its first group of outputs begins at the column `first` and at the input's column `reads`; a tile of it may reach
    beyond the image by half of a filter on either side.
    """
    taps = c.kernel[1]
    if taps not in DENSE_WIDTHS or c.dilation[1] != 1 or steps not in DENSE:
        return phases
    in_step, out_step = steps
    last = (out_step + taps - 2) // out_step  # from a group's first column to its last
    begin = max(0, -((reads + taps // 2) // in_step))  # rounded up
    end = min((out_width - first) // out_step, (width - 1 + taps // 2 - last - reads) // in_step + 1)
    if end <= begin:
        return phases
    columns = first + begin * out_step, first + end * out_step
    row = [(reads + begin * in_step, k) for k in range(taps)]
    dense = Phase(columns[0], 1, columns[1] - columns[0], in_step, row, DENSE[steps])
    edges = [p.between(*part) for part in ((0, columns[0]), (columns[1], out_width)) for p in phases]
    return [dense, *(p for p in edges if p.count)]


def _build(c, sizes, order, rows, reads, phases):
    width = sizes[2]
    inside = [[(at, k * c.kernel[1]) for at, k in row] for row in reads]
    taps = [tap for p in phases for tap in p.row]
    table, first = [], 0
    for p in phases:
        table.append((p.first, p.step, p.count, p.in_step, first, len(p.row), *_inside(p, width), p.kind))
        first += len(p.row)
    return Taps(
        sizes=sizes,
        taps=len(order),
        order=order,
        inputs=_bands(inside, rows),
        filters=_bands([[(k, at) for at, k in row] for row in inside], rows),
        phase=np.array(table, np.intp).reshape(-1, 9),
        tap=_list([at * c.channels for at, _ in taps] + [0]),
        tap_col=_list([at for at, _ in taps] + [0]),
        tap_filter=_list([k for _, k in taps] + [0]),
    )


def _bands(pairs, rows):
    """Return the `Rows` of bands of so many output rows, from the pairs of every output row."""
    begin, keys, partners = [0], [], []
    for i in range(0, len(pairs), rows):
        first, second = (dict(pairs[j]) if j < i + rows and j < len(pairs) else {} for j in (i, i + 1))
        both = sorted({*first, *second})
        keys += both
        partners += [(first.get(key, -1), second.get(key, -1)) for key in both]
        begin.append(len(keys))
    return Rows(_list(begin), _list([*keys, 0]), _list([*partners, (-1, -1)]).T.copy())


def _list(values):
    return np.array(values, np.intp)


def _inside(phase, width):
    """Return (begin, end) of the outputs of a phase that see all of its taps inside of the image."""
    if not phase.row or phase.kind:
        return 0, phase.count
    first, last = phase.row[0][0], phase.row[-1][0]
    begin = min(phase.count, max(0, -(first // phase.in_step)))  # rounded up
    end = max(begin, min(phase.count, (width - 1 - last) // phase.in_step + 1))
    return begin, end
