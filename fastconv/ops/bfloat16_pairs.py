"""The way of pairs: convolutions and dense layers by the loops of ``kernels/bfloat16.pxi``.

Forward, a pair is two neighbours in a row of filters, and behind an odd number of them stands a zero; so it is in the
data gradient, over output channels. The filters' gradient takes pairs of pixels. Functions take the op, its site and
its sizes; `fastconv.ops.bfloat16` has the other ways.
"""

from typing import NamedTuple

import numpy as np

from fastconv.ops import windows
from fastconv.ops.bfloat16_rounded import band_values
from fastconv.ops.conv import as_matrix, sum_partials


# -- forward ----------------------------------------------------------------------------------------------
def forward_needs(op, site, c):
    """Return the buffers (prepared, scratch) of forward."""
    lists = op._lists(c)
    scratch = {"narrow": words(site, halves(lists)), **_cells(op, site, lists, "cells")}
    return {"pairs": _pairs_shape(site, c.out_channels // c.groups, c.groups, lists)}, scratch


def prepare(op, site, c):
    """Return the calls that digest the filters for forward."""
    columns, run = c.out_channels // c.groups, op._lists(c).run
    return [site.k.pack_pairs(as_matrix(site.params[0]), site.pairs, c.groups, columns, run, threads=site.threads)]


def forward(op, site, c):
    """Return the calls of forward."""
    k, lists = site.k, even_rows(op._lists(c))
    arrays = (site.x.reshape(-1), site.pairs, site.params[1], site.y.reshape(-1))
    settings = (c.groups, c.out_channels)
    if not is_pooled(op):
        return [k.bfloat16_forward(*arrays, site.narrow, None, lists, *settings, op.relu, threads=site.threads)]
    lists = lists._replace(out=np.arange(lists.pixels, dtype=np.intp) * k.BLOCK)
    arrays += (site.which.reshape(-1) if site.training else None, site.narrow, site.cells)
    return [k.bfloat16_relu_max_pool_forward(*arrays, lists, *settings, threads=site.threads)]


# -- the filters' gradient --------------------------------------------------------------------------------
def filters_needs(op, site, c):
    """Return the buffers of the filters' gradient."""
    lists, lanes = op._lists(c), -(-(c.out_channels // c.groups) // site.k.VECTOR) * site.k.VECTOR
    count = band_values(lists) + halves(lists) + len(pixel_pairs(lists.pixel).first) * site.k.BLOCK
    return {
        "partial": ((op._chunks(site, c) * c.groups * (c.filter_rows + 1) * lanes,), None),
        "narrow_filters": words(site, count),
        **_cells(op, site, lists, "scratch_filters"),
    }


def filters(op, site, c):
    """Return the calls of the filters' gradient."""
    lists, chunks = op._lists(c), op._chunks(site, c)
    pairs = (*pixel_pairs(lists.pixel), band_values(lists))
    which, cells = (site.which.reshape(-1), site.scratch_filters) if is_pooled(op) else (None, None)
    arrays = (site.x.reshape(-1), site.dy.reshape(-1), which, site.partial, site.narrow_filters, cells)
    call = site.k.bfloat16_backward_filters(
        *arrays, lists, pairs, c.groups, c.out_channels, chunks, threads=site.threads
    )
    return [call, *sum_partials(site, c, chunks, c.groups)]


class PixelPairs(NamedTuple):
    """Which pixels of a block are summed up two by two.

    Attributes
    ----------
    pixel, first, size : ndarray of intp
        Of each pair, the place of its first pixel in the band, the pixel's number, and how many there are: 1 or 2.
    partner : int
        How far behind the first pixel the second lies.
    """

    pixel: np.ndarray
    first: np.ndarray
    size: np.ndarray
    partner: int


def pixel_pairs(pixel):
    """Return the `PixelPairs` of a list of pixels: neighbours that lie as far apart as the first two.

    Examples
    --------
    >>> pairs = pixel_pairs(np.array([0, 4, 8, 40, 44, 48]))
    >>> pairs.pixel.tolist(), pairs.size.tolist(), pairs.partner
    ([0, 8, 40, 48], [2, 1, 2, 1], 4)
    """
    partner = int(pixel[1] - pixel[0]) if len(pixel) > 1 else 0
    goes_on = np.zeros(len(pixel) + 1, bool)  # whether a pixel is in a row with the one before
    goes_on[1:-1] = np.diff(pixel) == partner
    number = np.arange(len(pixel))
    begin = np.maximum.accumulate(np.where(goes_on[:-1], 0, number)) if len(pixel) else number
    first = np.flatnonzero((number - begin) % 2 == 0).astype(np.intp)
    return PixelPairs(pixel[first], first, 1 + goes_on[first + 1].astype(np.intp), partner)


# -- the data gradient ------------------------------------------------------------------------------------
def _phases(op, c):
    return windows.backward_input(c) if is_pooled(op) else op._phases(c)


def input_needs(op, site, c):
    """Return the buffers of the data gradient."""
    phases = _phases(op, c)
    packed = {
        f"pairs_{i}": _pairs_shape(site, c.channels // c.groups, c.groups, lists) for i, (lists, _) in enumerate(phases)
    }
    return {"narrow_input": words(site, max(halves(lists) for lists, _ in phases)), **packed, **dense_needs(op, c)}


def input(op, site, c):
    """Return the calls of the data gradient."""
    calls, dy = dense_gradient(op, site, c)
    k, w = site.k, as_matrix(site.params[0])
    for i, (lists, taps) in enumerate(_phases(op, c)):
        pairs, columns = getattr(site, f"pairs_{i}"), c.channels // c.groups
        calls.append(k.pack_pairs(w, pairs, c.groups, columns, lists.run, taps, threads=site.threads))
        arrays = (dy.reshape(-1), pairs, None, site.dx.reshape(-1), site.narrow_input, None)
        settings = (even_rows(lists), c.groups, c.channels)
        calls.append(k.bfloat16_forward(*arrays, *settings, threads=site.threads))
    return calls


# -- what the ways share ----------------------------------------------------------------------------------
def is_pooled(op):
    """Tell whether a convolution has a max pool behind it."""
    return hasattr(op, "pool")


def dense_needs(op, c):
    """Return the need of the gradient of the convolution's own output, where that is pooled."""
    return {"dconv": ((c.images, c.out_height, c.out_width, c.out_channels), None)} if is_pooled(op) else {}


def dense_gradient(op, site, c):
    """Return the calls that make the gradient of the convolution's own output, and that gradient."""
    return ([op.expand(site, c)], site.dconv) if is_pooled(op) else ([], site.dy)


def even_rows(lists):
    """Return lists whose taps have an even number of rows: what stands behind an odd one is multiplied by zero."""
    run = lists.run + lists.run % 2
    rows = (lists.tap[:, None] + np.arange(run, dtype=np.intp)).reshape(-1)
    return lists if run == lists.run else lists._replace(row=rows, run=run)


def halves(lists):
    """Return how many words hold a band's values in 16 bits, and one behind them."""
    return band_values(lists) // 2 + 1


def words(site, count):
    """Return the need of scratch memory of `count` words, a row a thread."""
    return (site.threads, max(16, -(-count // 16) * 16)), np.uint32


def _pairs_shape(site, columns, groups, lists):
    """Return the need of packed filters of so many columns a group."""
    block = site.k.BLOCK
    return (groups * -(-columns // block) * len(lists.tap) * -(-lists.run // 2) * block,), np.uint32


def _cells(op, site, lists, name):
    """Return the need of a block of outputs or gradients in front of a pool, if there is one."""
    return {name: ((site.threads, max(16, lists.pixels * site.k.BLOCK)), None)} if is_pooled(op) else {}
