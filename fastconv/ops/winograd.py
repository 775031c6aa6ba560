"""When and how a 3x3 convolution is computed by Winograd's tiles instead of directly: same op, other kernels."""

import numpy as np

from fastconv.ops import volumes, windows
from fastconv.runtime import settings

FEW_CHANNELS = 32  # below this the transforms cost more than the products they save (measured)
FEW_FILTERS = 64  # channels on either side below which the same holds for the filter gradient (measured)
FEW_TILES = 9  # tiles of an image below which the transformed filters are read too often for too little (measured)
FEW_VOLUME_CHANNELS, FEW_VOLUME_TILES = 16, 16  # of volumes: outputs are transformed once for all planes (measured)

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
