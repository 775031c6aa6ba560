"""When and how a 3x3 convolution is computed by Winograd's tiles instead of directly: same op, other kernels.

Tiles have 2 x 2 outputs (``kernels/winograd.pxi``), or 4 x 4 (``kernels/winograd4.pxi``) in forward passes and data
gradients of images where that is faster. Both depend on the shapes of an image and of the filters alone, never on how
many images there are, so that a picture's result is the same in any batch.
"""

from functools import lru_cache
from math import prod
from types import SimpleNamespace

import numpy as np

from fastconv.ops import volumes, windows
from fastconv.runtime import settings

FEW_CHANNELS = 32  # below this the transforms cost more than the products they save (measured)
FEW_FILTERS = 64  # channels on either side below which the same holds for the filter gradient (measured)
FEW_TILES = 9  # tiles of an image below which the transformed filters are read too often for too little (measured)
FEW_VOLUME_CHANNELS, FEW_VOLUME_TILES = 16, 16  # of volumes: outputs are transformed once for all planes (measured)

LARGE_GAIN = 1.2  # how many times fewer products tiles of 4 x 4 must have: their transforms cost more (measured)
LARGE_FILTERS = 1 << 20  # bytes of transformed filters for each such tile of an image, at most (measured)
LARGE_TILES, LARGE_BYTES = 96, 4 << 20  # that are multiplied at a time, and their bytes in float32, at most
FEW_LARGE_TILES, ALONE_TILES = 24, 4  # at least: where all threads have blocks of filters, or only tiles, to share out

GROUP_BYTES = 8 << 20  # of transformed inputs and gradients that a filter gradient holds at a time, in float32
NEAR_BYTES = 512 << 10  # the same, where each thread holds its own
SMALL_SUMS = 1 << 20  # bytes of a filter gradient's sums up to which there are several
MOST_CHUNKS = 16  # of them


def pays(c):
    """Tell whether a convolution, given by its sizes, is faster by tiles of 2 x 2 outputs."""
    deep = isinstance(c, volumes.Volume)
    few, few_tiles = (FEW_VOLUME_CHANNELS, FEW_VOLUME_TILES) if deep else (FEW_CHANNELS, FEW_TILES)
    if deep and c.stride > 1:
        return False
    c = c.plane if deep else c
    unit = c.strides == c.dilation == (1, 1) and c.kernel == (3, 3) and c.groups == 1
    wide = c.channels >= few and c.out_channels >= few
    tiles = (c.out_height // 2) * (c.out_width // 2)
    return settings.is_winograd_enabled() and unit and wide and tiles >= few_tiles


def is_large(c):
    """Tell whether a convolution that goes by tiles is faster still by tiles of 4 x 4 outputs: pooled or not."""
    if isinstance(c, volumes.Volume) or settings.winograd_tile() < 4:
        return False
    small, large = _grid(c, 2), _grid(c, 4)
    few = 36 * 4 * c.channels * c.out_channels <= LARGE_FILTERS * prod(large)
    return few and 16 * prod(small) >= LARGE_GAIN * 36 * prod(large)


def _grid(c, size, window=1):
    """Return rows and columns of an image's tiles of so many outputs a side; with a window, of those that it reads."""
    return tuple(-(-(n // window * window) // size) for n in (c.out_height, c.out_width))


def pays_for_filters(c):
    """Tell whether the filter gradient is faster by tiles, too."""
    return pays(c) and min(c.channels, c.out_channels) >= FEW_FILTERS


def of_volumes(w):
    """Return filters of images or of volumes with the five axes of volumes."""
    return w.reshape(-1, *w.shape[-4:])


def lists(site, c, pooled=False, threads=None):
    """Return the lists of a convolution by tiles, cut for the site's threads; see `windows.winograd`."""
    make = volumes.winograd if isinstance(c, volumes.Volume) else windows.winograd
    return make(c, pooled, site.k.VECTOR, site.k.BLOCK, threads or site.threads)


# -- forward, which the data gradient is, too -------------------------------------------------------------
def needs(site, c, pooled=False):
    """Return the shapes of the transformed filters and of scratch memory."""
    if not is_large(c):
        return filters_shape(site, c), scratch_shape(site, lists(site, c, pooled))
    block, tiles = site.k.BLOCK, _large_lists(site, c, pooled)
    filters = -(-c.out_channels // block) * c.channels * block + 2 * site.k.VECTOR
    return (36 * filters,), (site.threads, 36 * (tiles.tiles * (tiles.padded_channels + block) + 2 * site.k.VECTOR))


def prepare(site, c, filters, transposed=False):
    """Return the call that transforms the site's filters, turned for a data gradient if `transposed`."""
    w = site.params[0]
    if is_large(c):
        return site.k.winograd4_filters(w, filters, transposed, threads=site.threads)
    return site.k.winograd_filters(of_volumes(w), filters, transposed, threads=site.threads)


def forward(site, c, arrays, pooled=False, **behind):
    """Return the call that makes y of `arrays`: x, transformed filters, bias, y, which and scratch memory."""
    if not is_large(c):
        return site.k.winograd_forward(*arrays, lists(site, c, pooled), c.out_channels, **behind)
    zeros = np.zeros(c.channels, site.dtype)
    return site.k.winograd4_forward(*arrays, zeros, _large_lists(site, c, pooled), c.out_channels, **behind)


def _large_lists(site, c, pooled):
    return large_lists(c, pooled, site.k.VECTOR, site.k.BLOCK, site.threads)


@lru_cache(maxsize=256)
def large_lists(c, pooled, vector, block, threads):
    """Return the lists of a convolution by tiles of 4 x 4 outputs: an item has `tiles` of the `total` of all images."""
    (high, wide), (top, left) = _grid(c, 4, 2 if pooled else 1), (before for before, _ in c.padding)
    padded_channels, total = -(-c.channels // vector) * vector, c.images * high * wide
    most = max(FEW_LARGE_TILES, min(LARGE_TILES, LARGE_BYTES // (4 * 36 * padded_channels)))
    items = -(-total // (most * threads)) * threads  # as many for each thread
    few = FEW_LARGE_TILES if c.out_channels >= threads * block else ALONE_TILES
    tiles = max(min(total, few), -(-total // max(1, items)), 1)
    return SimpleNamespace(
        image=(c.height, c.width, c.channels),
        out_size=(c.out_height // 2, c.out_width // 2) if pooled else (c.out_height, c.out_width),
        before=(top, left),
        high=high,
        wide=wide,
        total=total,
        tiles=tiles,
        pooled=pooled,
        padded_channels=padded_channels,
        tile=np.arange(tiles, dtype=np.intp) * padded_channels,
        cell=np.arange(tiles, dtype=np.intp) * block,
        channel=np.arange(c.channels, dtype=np.intp),
    )


# -- tiles of 2 x 2 outputs -------------------------------------------------------------------------------
def filters_shape(site, c):
    """Return the shape of transformed filters: 16 matrices in whole blocks of output channels."""
    block = site.k.BLOCK
    return (16 * -(-c.out_channels // block) * (c.filter_rows // 9) * block,)


def scratch_shape(site, tiles):
    """Return the shape of scratch memory: a padded band, transformed inputs, products; a row a thread."""
    values = tiles.gathered * tiles.counts[2] * (tiles.padded_channels + site.k.BLOCK)
    return (site.threads, tiles.band_size + 16 * (values + 2 * site.k.VECTOR))


def padded(site, channels):
    """Return a number of channels rounded up to whole vectors."""
    return -(-channels // site.k.VECTOR) * site.k.VECTOR


def group(site, c, pooled=False, value_bytes=4):
    """Return (lists, blocks of tiles that are summed at a time, chunks of blocks) of a filter gradient: by shape alone.

    Sums go over blocks, so these are those of one thread. `value_bytes` are those of what is transformed.
    """
    tiles, outs = lists(site, c, pooled, threads=1), padded(site, c.out_channels)
    blocks, values = tiles.counts[0] * tiles.counts[1], tiles.counts[2] * (tiles.padded_channels + outs)
    sums = c.filter_rows // 9 * outs
    small = 16 * 4 * sums <= SMALL_SUMS
    chunks = max(1, min(MOST_CHUNKS, blocks, blocks * values // (4 * sums))) if small else 1
    most = (NEAR_BYTES if chunks > 1 else GROUP_BYTES) // (value_bytes * 16 * values)
    return tiles, max(1, min(most, blocks // chunks)), chunks


def filters_backward_needs(site, c):
    """Return the buffers of a filter gradient by tiles."""
    tiles, blocks, chunks = group(site, c)
    outs = padded(site, c.out_channels)
    values = blocks * tiles.counts[2] * (tiles.padded_channels + outs) + 2 * site.k.VECTOR
    return {
        "scratch_filters": ((site.threads, max(16, tiles.band_size)), None),
        "transformed": ((site.threads if chunks > 1 else 1, 16 * values), None),
        "partial": ((chunks * (16 * (c.filter_rows // 9) + 1) * outs,), None),
    }


def filters_backward(site, c):
    """Return the call that computes dw and db from ``site.dy`` by tiles."""
    tiles, blocks, chunks = group(site, c)
    dw, db = site.dparams
    dw = None if dw is None else of_volumes(dw)
    products = np.arange(blocks * tiles.counts[2], dtype=np.intp) * tiles.padded_channels
    arrays = (site.x.reshape(-1), site.dy.reshape(-1), dw, db, site.transformed, site.partial, site.scratch_filters)
    settings = (tiles, products, c.out_channels, blocks, chunks)
    return [site.k.winograd_backward_filters(*arrays, *settings, threads=site.threads)]
