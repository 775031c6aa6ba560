"""The way of tiles: 3x3 convolutions by Winograd's, with products of bfloat16 (``kernels/bfloat16_winograd.pxi``).

Wherever float32 goes by tiles (`fastconv.ops.winograd.pays`), and in the filters' gradient from as few channels on as
forward: pairs would multiply 36 times where tiles multiply 16 times, and were slower in all that was measured.
Functions take the op, its site and its sizes; `fastconv.ops.bfloat16` has the other ways.
"""

import numpy as np

from fastconv.ops import winograd
from fastconv.ops.bfloat16_pairs import dense_gradient, dense_needs, is_pooled

VALUE_BYTES = 2  # of what is transformed


def are_pairs(site, channels):
    """Tell whether a tile's channels, rounded up to whole vectors, are pairs: vectors of one lane have odd numbers."""
    return winograd.padded(site, channels) % 2 == 0


def pays_for_filters(op, c):
    """Tell whether the filters' gradient goes by tiles: even behind a pool, whose windows are tiles."""
    return op._by_tiles(c) if is_pooled(op) else winograd.pays(c)


# -- forward ----------------------------------------------------------------------------------------------
def forward_needs(op, site, c):
    """Return the buffers (prepared, scratch) of forward."""
    tiles = winograd.lists(site, c, is_pooled(op))
    return {"pairs": _pairs_shape(site, c)}, {"scratch": (winograd.scratch_shape(site, tiles), None)}


def prepare(op, site, c):
    """Return the calls that digest the filters for forward."""
    w = winograd.of_volumes(site.params[0])
    return [site.k.bfloat16_winograd_filters(w, site.pairs, threads=site.threads)]


def forward(op, site, c):
    """Return the calls of forward."""
    which = site.which.reshape(-1) if is_pooled(op) and site.training else None
    arrays = (site.x.reshape(-1), site.pairs, site.params[1], site.y.reshape(-1), which, site.scratch)
    settings = (winograd.lists(site, c, is_pooled(op)), c.out_channels, op.relu or is_pooled(op))
    return [site.k.bfloat16_winograd_forward(*arrays, *settings, threads=site.threads)]


# -- the filters' gradient --------------------------------------------------------------------------------
def filters_needs(op, site, c):
    """Return the buffers of the filters' gradient."""
    tiles, blocks, chunks = winograd.group(site, c, is_pooled(op), VALUE_BYTES)
    outs = winograd.padded(site, c.out_channels)
    values = blocks * -(-tiles.counts[2] // 2) * (tiles.padded_channels + outs) + 2 * site.k.VECTOR
    return {
        "scratch_filters": ((site.threads, max(16, tiles.band_size)), None),
        "transformed": ((site.threads if chunks > 1 else 1, 16 * values), None),
        "partial": ((chunks * (16 * (c.filter_rows // 9) + 1) * outs,), None),
    }


def filters(op, site, c):
    """Return the call of the filters' gradient."""
    tiles, blocks, chunks = winograd.group(site, c, is_pooled(op), VALUE_BYTES)
    dw, db = site.dparams
    dw = None if dw is None else winograd.of_volumes(dw)
    which = site.which.reshape(-1) if is_pooled(op) else None
    arrays = (site.x.reshape(-1), site.dy.reshape(-1), which, dw, db)
    scratch = (site.transformed, site.partial, site.scratch_filters)
    products = np.arange(blocks * -(-tiles.counts[2] // 2), dtype=np.intp) * tiles.padded_channels
    settings = (tiles, products, c.out_channels, blocks, chunks)
    return [site.k.bfloat16_winograd_backward_filters(*arrays, *scratch, *settings, threads=site.threads)]


# -- the data gradient ------------------------------------------------------------------------------------
def input_needs(op, site, c):
    """Return the buffers of the data gradient."""
    scratch = winograd.scratch_shape(site, winograd.lists(site, c.gradient))
    return {"scratch_input": (scratch, None), "pairs_turned": _pairs_shape(site, c.gradient), **dense_needs(op, c)}


def input(op, site, c):
    """Return the calls of the data gradient."""
    calls, dy = dense_gradient(op, site, c)
    k, w, tiles = site.k, winograd.of_volumes(site.params[0]), winograd.lists(site, c.gradient)
    arrays = (dy.reshape(-1), site.pairs_turned, None, site.dx.reshape(-1), None, site.scratch_input)
    return [
        *calls,
        k.bfloat16_winograd_filters(w, site.pairs_turned, True, threads=site.threads),
        k.bfloat16_winograd_forward(*arrays, tiles, c.channels, threads=site.threads),
    ]


def _pairs_shape(site, c):
    """Return the need of transformed filters: 16 matrices in whole blocks of output channels, two rows a word."""
    block = site.k.BLOCK
    return (16 * -(-c.out_channels // block) * -(-c.channels // 2) * block,), np.uint32
