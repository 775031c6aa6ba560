"""When and how a convolution in groups of few channels is summed along diagonals: same op, other kernels."""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np

from fastconv.ops import volumes, windows

SIZES = (2, 4, 8, 16)  # channels of a group that the kernels know
MANY_DIAGONALS, MANY_TAPS = 16, 9  # turning so many sums pays behind so many taps (measured)


def pays(k, c):
    """Tell whether groups of a convolution `c` fit in a vector of the kernels `k`."""
    size = c.channels // c.groups
    square = c.groups > 1 and c.channels == c.out_channels
    long = size < MANY_DIAGONALS or c.filter_rows >= size * MANY_TAPS
    return square and long and size in SIZES and size <= k.VECTOR <= c.channels


def vectors(site, c):
    """Return how many vectors hold all channels."""
    return -(-c.channels // site.k.VECTOR)


def by_taps(lists, c):
    """Return the lists of a grouped convolution with one row for each tap, and none for its single channels."""
    size = c.channels // c.groups
    fields = dict(lists._asdict() if isinstance(lists, windows.Windows) else vars(lists))
    fields["row"] = np.ascontiguousarray(lists.row[::size])
    fields["plane_rows"] = fields.get("plane_rows", 0) // size
    return SimpleNamespace(**fields)


# -- where lanes go: a vector holds groups of `size`; diagonal j joins input c and output (c + j) % size ------
@lru_cache(maxsize=64)
def _lanes(size, vector):
    """Return (first lane of the group, place in it) of each lane, and the diagonals as a column."""
    lane = np.arange(vector)
    return lane // size * size, lane % size, np.arange(size)[:, None]


@lru_cache(maxsize=64)
def turning(size, vector, back=False):
    """Return [diagonal, lane] the input whose sum an output takes; `back`, the output whose gradient an input takes."""
    group, place, j = _lanes(size, vector)
    return (group + (place + (j if back else -j)) % size).astype(np.intc)


def packing(size, vector, columns, transposed):
    """Return [diagonal, lane] which of a tap's filters a lane multiplies, in rows of so many columns.

    A lane is an input of forward; transposed it is an output, whose gradient is the input of the data gradient.
    """
    group, place, j = _lanes(size, vector)
    other = (place + j) % size
    row, column = (other, group + place) if transposed else (place, group + other)
    return np.ascontiguousarray(row * columns + column, np.intc)


@lru_cache(maxsize=64)
def unpacking(size, vector):
    """Return [input, lane] where among a tap's sums, [diagonal][lane], the gradient of an output lane's filter is."""
    group, place, c = _lanes(size, vector)
    return ((place - c) % size * vector + group + c).astype(np.intc)


# -- shapes and calls -------------------------------------------------------------------------------------
def filters_shape(site, c):
    """Return the shape of packed filters."""
    return (vectors(site, c) * c.filter_rows * site.k.VECTOR,)


def pack(site, c, w, packed, taps=None):
    """Return the call that packs filters, a matrix of rows; transposed, for the data gradient, in the order `taps`."""
    size = c.channels // c.groups
    index = packing(size, site.k.VECTOR, c.channels, taps is not None)
    order = np.arange(len(w) // size, dtype=np.intp) if taps is None else taps
    return site.k.pack_diagonals(w, packed, order, index, threads=site.threads)


def forward(site, c, arrays, lists, relu):
    """Return the call of the convolution from `arrays` (x, packed filters, bias, y, scratch memory)."""
    kernel = site.k.grouped_conv3d_forward if isinstance(c, volumes.Volume) else site.k.grouped_conv2d_forward
    turn = turning(c.channels // c.groups, site.k.VECTOR)
    return kernel(*arrays, by_taps(lists, c), c.channels, turn, relu, threads=site.threads)


def chunks(site, c, lists):
    """Return into how many chunks the filters' gradient is cut: by shape alone."""
    return windows.chunks(lists, c.pixels, vectors(site, c))


def filters_backward_needs(site, c, lists, scratch):
    """Return the buffers of the filters' gradient; `scratch` is the shape of that which it shares with others."""
    sums = chunks(site, c, lists) * vectors(site, c) * (c.filter_rows + 1) * site.k.VECTOR
    return {"partial": ((sums,), None), "scratch_filters": (scratch, None)}


def filters_backward(site, c, lists):
    """Return the calls that compute dw and db."""
    count, size = chunks(site, c, lists), c.channels // c.groups
    deep = isinstance(c, volumes.Volume)
    kernel = site.k.grouped_conv3d_backward_filters if deep else site.k.grouped_conv2d_backward_filters
    arrays = (site.x.reshape(-1), site.dy.reshape(-1), site.partial, site.scratch_filters)
    turn = turning(size, site.k.VECTOR, back=True)
    dw, db = site.dparams
    dw = None if dw is None else dw.reshape(-1, c.channels)
    index, taps = unpacking(size, site.k.VECTOR), c.filter_rows // size
    return [
        kernel(*arrays, by_taps(lists, c), c.channels, count, turn, threads=site.threads),
        site.k.sum_diagonals(site.partial, dw, db, index, c.channels, taps, count, threads=site.threads),
    ]
