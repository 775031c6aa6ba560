"""When and how a 3x3 convolution is computed by Winograd's tiles instead of directly: same op, other kernels."""

from fastconv.ops import windows
from fastconv.runtime import settings

FEW_CHANNELS = 32  # below this the transforms cost more than the products they save (measured)
FEW_TILES = 12  # tiles of an image below which the transformed filters are read too often for too little (measured)


def pays(c):
    """Tell whether a convolution, given by its sizes, is faster by tiles of 2 x 2 outputs."""
    unit = c.strides == c.dilation == (1, 1) and c.kernel == (3, 3) and c.groups == 1
    wide = c.channels >= FEW_CHANNELS and c.out_channels >= FEW_CHANNELS
    tiles = (c.out_height // 2) * (c.out_width // 2)
    return settings.is_winograd_enabled() and unit and wide and tiles >= FEW_TILES


def lists(site, c, pooled=False):
    """Return the lists of a convolution by tiles; see `windows.winograd`."""
    return windows.winograd(c, pooled, site.k.VECTOR, site.k.BLOCK)


def filters_shape(site, c):
    """Return the shape of transformed filters: 16 matrices in whole blocks of output channels."""
    block = site.k.BLOCK
    return (16 * -(-c.out_channels // block) * c.channels * block,)


def scratch_shape(site, tiles):
    """Return the shape of scratch memory: a padded band, transformed inputs, products; a row a thread."""
    return (site.threads, tiles.band_size + 16 * tiles.counts[2] * (tiles.padded_channels + site.k.BLOCK))
