"""Lists of pixels and taps: how a convolution looks from inside its kernel.

A kernel of `fastconv.kernels` knows no stride, padding or dilation. It is told, for one block of output rows, where
each output pixel's window starts (`pixel`), where each filter tap lies from there (`tap`), and which rows of the image
the block reads (the band). Both gradients and pooled convolutions are other lists for the same loops.
"""

from functools import lru_cache
from itertools import product
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from fastconv.ops import geometry

BAND_BYTES = 384 * 1024  # of a block's input rows: they stay in the second cache while its channels are computed
TILE_BYTES = 1024 * 1024  # of a block of transformed inputs, in float32: a sixteenth of it is used at a time
MANY_FILTERS = 512 * 1024  # bytes of transformed filters, in float32, that do not stay in the second cache
GATHERED = 64  # tiles for which large filters are read
SCATTERED = 48  # pixels that are multiplied before their products are scattered
FEW_TILES = 10  # below this a block of tiles reads the transformed filters for too little
FEW_PIXELS = 48  # below this a block is too small to be cut for the sake of more parallel work


class Windows(NamedTuple):
    """The lists for one convolution-like loop; offsets count array elements."""

    band: tuple  # see struct Band in kernels/sliding.pxi
    band_size: int  # elements of a padded copy, 0 without padding
    counts: tuple  # images, blocks, pixels of a full block, pixels of the last block
    pixel: np.ndarray  # [pixels] offset in the band
    tap: np.ndarray  # [taps] offset from a pixel
    run: int  # contiguous elements of a tap
    row: np.ndarray  # [taps * run] offset of every filter row from a pixel
    out: np.ndarray  # [pixels] offset of the result in its block
    place: np.ndarray  # [pixels / window] offset of a pooled result in its block
    window: int  # cells of a pooling window, 1 without pooling
    out_block: int  # distance of blocks in the output
    out_image: int  # distance of images in the output

    @property
    def pixels(self):
        return self.counts[2]


class Conv(NamedTuple):
    """The sizes of a 2D convolution, its padding in cells."""

    images: int
    height: int
    width: int
    channels: int
    out_height: int
    out_width: int
    out_channels: int
    kernel: tuple
    strides: tuple
    padding: tuple  # ((top, bottom), (left, right))
    dilation: tuple
    groups: int

    @property
    def filter_rows(self):
        """Rows of the filters seen as a matrix [kh * kw * channels of a group, output channels]."""
        return self.kernel[0] * self.kernel[1] * self.channels // self.groups

    @property
    def image_bytes(self):
        """Bytes of a padded input image in float32."""
        (top, bottom), (left, right) = self.padding
        return 4 * (self.height + top + bottom) * (self.width + left + right) * self.channels

    @property
    def pixels(self):
        """Output pixels of all images."""
        return self.images * self.out_height * self.out_width

    @property
    def gradient(self):
        """The convolution with unit strides whose output is the data gradient, over the output's gradient."""
        pads = tuple(
            ((k - 1) * d - before, size - (out + (k - 1) * d - before - (k - 1) * d))
            for k, d, (before, _), size, out in zip(
                self.kernel,
                self.dilation,
                self.padding,
                (self.height, self.width),
                (self.out_height, self.out_width),
                strict=True,
            )
        )
        return Conv(
            *(self.images, self.out_height, self.out_width, self.out_channels),
            *(self.height, self.width, self.channels),
            *(self.kernel, self.strides, pads, self.dilation, self.groups),
        )

    def transposed(self, taps):
        """Return the sizes of a data gradient with `taps` taps, as far as its packed filters go."""
        return self._replace(channels=self.out_channels, out_channels=self.channels, kernel=(taps, 1))

    @property
    def flops(self):
        return 2 * self.images * self.out_height * self.out_width * self.out_channels * self.filter_rows


def conv_sizes(x, w, strides, padding, dilation, groups):
    """Return the `Conv` of an input shape (n, h, w, c) and a filter shape (kh, kw, c / groups, o)."""
    if padding == "same":
        dilation = [_as_far_as_seen(size, k, d) for size, k, d in zip(x[1:3], w[:2], dilation, strict=True)]
    axes = list(zip(x[1:3], w[:2], strides, dilation, _pair_padding(padding), strict=True))
    out = [geometry.output_size(size, k, s, d, p) for size, k, s, d, p in axes]
    pads = tuple(geometry.pad_amounts(size, k, s, d, p) for size, k, s, d, p in axes)
    return Conv(x[0], *x[1:], *out, w[3], tuple(w[:2]), tuple(strides), pads, tuple(dilation), groups)


def _as_far_as_seen(size, kernel, dilation):
    """Return a dilation that puts the taps of "same" windows on the same cells without padding for miles.

    Beyond these numbers every tap lies outside of the image, but for the one in the middle of an odd kernel.
    """
    return min(dilation, max(1, size if kernel % 2 else 2 * size))


def _pair_padding(padding):
    return (padding, padding) if isinstance(padding, str) else padding


@lru_cache(maxsize=256)
def forward(c, pool=None, whole=False, planes=1):
    """Return the lists of a convolution `c`; with `pool` (window, strides) of the pooled one.

    `whole` asks for one block an image; `planes` is how many bands of as many images a block reads.
    """
    (top, _), (left, _) = c.padding
    merged = c.groups == 1 and c.dilation[1] == 1  # a kernel row's taps are contiguous in the image
    cols = [0] if merged else [q * c.dilation[1] for q in range(c.kernel[1])]
    taps = [(r * c.dilation[0] - top, q - left) for r in range(c.kernel[0]) for q in cols]
    run = c.kernel[1] * c.channels if merged else c.channels // c.groups
    reach = c.kernel[1] if merged else 1
    grid = (c.out_height, c.out_width) if pool is None else pooled_size(c, *pool)
    window, steps = ((1, 1), (1, 1)) if pool is None else pool
    return _build(
        image=(c.images, c.height, c.width, c.channels),
        grid=grid,
        steps=tuple(step * stride for step, stride in zip(steps, c.strides, strict=True)),
        cells=[(a * c.strides[0], b * c.strides[1]) for a, b in product(range(window[0]), range(window[1]))],
        taps=taps,
        run=run,
        reach=reach,
        out=(grid[1] * c.out_channels, c.out_channels, 0, grid[0] * grid[1] * c.out_channels),
        whole=whole,
        band_bytes=BAND_BYTES // planes,
    )


@lru_cache(maxsize=256)
def winograd(c, pooled, vector, block, threads, planes=1):
    """Return the lists of a convolution `c` by tiles of 2 x 2 outputs, each pooled to one value or not.

    Its pixels are tiles and its taps the 4 x 4 cells of a tile's input; `vector` and `block` are the kernels' vector
    length and block of output channels. Each of the `threads` shall have a block: where a sum goes over blocks, this
    must be 1, so that its bits depend on shapes alone. A tile has the channels of as many `planes`.
    """
    (top, _), (left, _) = c.padding
    plane = -(-c.channels // vector) * vector
    channels = planes * plane
    rows, cols = (c.out_height // 2, c.out_width // 2) if pooled else (-(-c.out_height // 2), -(-c.out_width // 2))
    step, size = (1, (rows, cols)) if pooled else (2, (c.out_height, c.out_width))
    line = size[1] * c.out_channels
    share = -(-rows // -(-threads // max(1, c.images)))
    most = min(max(share * cols, FEW_TILES), TILE_BYTES // (4 * 16 * channels))
    lists = _build(
        image=(c.images, c.height, c.width, c.channels),
        grid=(rows, cols),
        steps=(2, 2),
        cells=[(0, 0)],
        taps=[(r - top, q - left) for r, q in product(range(4), range(4))],
        run=c.channels,
        reach=1,
        out=(step * line, step * c.out_channels, 0, size[0] * line),
        most=max(cols, most),
        band_bytes=TILE_BYTES,
    )
    gathered = _gathered(c, lists, threads) if planes == 1 else 1  # output planes read different planes
    tiles = np.arange(gathered * lists.pixels, dtype=np.intp)
    return SimpleNamespace(
        **lists._asdict(),
        gathered=gathered,
        pooled=pooled,
        tile=tiles * channels,
        cell=tiles * block,
        channel=(np.arange(planes, dtype=np.intp)[:, None] * plane + np.arange(c.channels, dtype=np.intp)).reshape(-1),
        wide=cols,
        out_size=size,
        padded_channels=channels,
        plane_channels=plane,
        stack=(1, c.height * c.width * c.channels, 0, 0, lists.out_image, 0, 0),
        plane=np.array([[0, 0, 1]], np.intp),
    )


def _gathered(c, lists, threads):
    """Return how many images' tiles are multiplied together, so that large filters are not read for a few."""
    images, blocks, tiles, _ = lists.counts
    if blocks > 1 or 4 * 16 * c.channels * c.out_channels < MANY_FILTERS:
        return 1
    return max(1, min(GATHERED // max(1, tiles), images // threads))


@lru_cache(maxsize=256)
def scattered(c, block):
    """Return the lists of a data gradient that is multiplied pixel by pixel and then scattered; see `forward`.

    ``dy_pixel`` and ``dy_row`` are for the product of some pixels' gradients with the transposed filters, ``z_out``
    says where its rows go; these have `padded_rows` values: whole blocks of `block`.
    """
    lists = forward(c, whole=True)
    padded = -(-len(lists.row) // block) * block
    return SimpleNamespace(
        **lists._asdict(),
        dy_pixel=np.arange(SCATTERED, dtype=np.intp) * c.out_channels,
        dy_row=np.arange(c.out_channels, dtype=np.intp),
        z_out=np.arange(SCATTERED, dtype=np.intp) * padded,
        padded_rows=padded,
        planes=1,  # of the filters
    )


def pooled_size(c, window, strides):
    """Return the size of a convolution's output behind a pool without padding."""
    sizes = (c.out_height, c.out_width)
    return tuple(geometry.output_size(n, k, s, 1, "valid") for n, k, s in zip(sizes, window, strides, strict=True))


@lru_cache(maxsize=256)
def backward_input(c, planes=1):
    """Return the lists of the data gradient: (windows, filter taps) for each phase of the strides.

    Input pixels a stride apart see the same taps, so each phase is a convolution of the output's gradient with unit
    stride. `planes` is as for `forward`.
    """
    (top, _), (left, _) = c.padding
    phases = []
    for a, b in product(range(min(c.strides[0], c.height)), range(min(c.strides[1], c.width))):
        rows = phase_taps(a + top, c.kernel[0], c.strides[0], c.dilation[0])
        cols = phase_taps(b + left, c.kernel[1], c.strides[1], c.dilation[1])
        windows = _build(
            image=(c.images, c.out_height, c.out_width, c.out_channels),
            grid=(-(-(c.height - a) // c.strides[0]), -(-(c.width - b) // c.strides[1])),
            steps=(1, 1),
            cells=[(0, 0)],
            taps=[(r, q) for (_, r), (_, q) in product(rows, cols)],
            run=c.out_channels // c.groups,
            reach=1,
            out=(
                c.strides[0] * c.width * c.channels,
                c.strides[1] * c.channels,
                (a * c.width + b) * c.channels,
                c.height * c.width * c.channels,
            ),
            band_bytes=BAND_BYTES // planes,
        )
        phases.append((windows, np.array([i * c.kernel[1] + j for (i, _), (j, _) in product(rows, cols)], np.intp)))
    return phases


def phase_taps(position, kernel, stride, dilation):
    """Return (filter tap, output position relative to the phase's own index) of the taps that reach a phase."""
    reached = [(k, position - k * dilation) for k in range(kernel)]
    return [(k, distance // stride) for k, distance in reached if distance % stride == 0]


@lru_cache(maxsize=256)
def matrix(rows, columns, out_columns):
    """Return the lists of a product [rows, columns] @ [columns, out_columns]: an image one pixel wide with one tap."""
    return _build(
        image=(1, rows, 1, columns),
        grid=(rows, 1),
        steps=(1, 1),
        cells=[(0, 0)],
        taps=[(0, 0)],
        run=columns,
        reach=1,
        out=(out_columns, 0, 0, rows * out_columns),
    )


def _build(image, grid, steps, cells, taps, run, reach, out, whole=False, most=None, band_bytes=BAND_BYTES):
    """Make the lists; `cells`, `steps` and `taps` are in rows and columns of the image, `reach` in columns of a run."""
    images, height, width, channels = image
    taps = np.array(taps, np.intp).reshape(-1, 2)
    first = taps.min(0) if len(taps) else np.zeros(2, np.intp)
    extent = (taps.max(0) - first if len(taps) else first) + np.max(cells, 0) + (1, reach)
    cols = int((grid[1] - 1) * steps[1] + extent[1])
    last = first + (np.array(grid) - 1) * steps + extent  # the cell behind the last one read
    padded = len(taps) > 0 and bool((first < 0).any() or last[0] > height or last[1] > width)
    rows_of = _rows_of_block(
        grid,
        steps[0],
        int(extent[0]),
        band_bytes // 4 // max(1, (cols if padded else width) * channels),
        images,
        len(cells),
        whole,
    )
    if most is not None:
        rows_of = max(1, min(rows_of, most // max(1, grid[1])))
    blocks = max(1, -(-grid[0] // rows_of))
    band_rows = int((rows_of - 1) * steps[0] + extent[0])
    pitch = cols if padded else width

    at = np.array(list(product(range(rows_of), range(grid[1]))), np.intp).reshape(-1, 2)
    where = (at * steps)[:, None, :] + np.array(cells, np.intp)[None]
    pixel = ((where[..., 0] * pitch + where[..., 1]) * channels).reshape(-1)
    tap = ((taps[:, 0] - first[0]) * pitch + taps[:, 1] - first[1]) * channels
    out_row, out_col, out_first, out_image = out
    place = at[:, 0] * out_row + at[:, 1] * out_col + out_first
    last_rows = grid[0] - (blocks - 1) * rows_of
    per_row = grid[1] * len(cells)
    return Windows(
        band=(
            height,
            width,
            channels,
            band_rows,
            cols,
            rows_of * steps[0],
            int(first[0]),
            int(first[1]),
            padded,
        ),
        band_size=-(-band_rows * cols * channels // 16) * 16 if padded else 0,
        counts=(images if grid[0] > 0 and grid[1] > 0 else 0, blocks, rows_of * per_row, last_rows * per_row),
        pixel=np.ascontiguousarray(pixel, np.intp),
        tap=np.ascontiguousarray(tap, np.intp),
        run=int(run),
        row=np.ascontiguousarray((tap[:, None] + np.arange(run)).reshape(-1), np.intp),
        out=np.ascontiguousarray(place, np.intp),
        place=np.ascontiguousarray(place, np.intp),
        window=len(cells),
        out_block=rows_of * out_row,
        out_image=out_image,
    )


def _rows_of_block(grid, step, extent, lines, images, cells, whole):
    """Choose how many grid rows make a block, whose band is to have no more than `lines` rows.

    By shape alone, so that sums are cut alike for any number of threads.
    """
    rows = max(1, grid[0])
    if whole:
        return rows
    pixels = max(1, grid[1] * cells)
    fits = max(1, (lines - extent) // step + 1)
    rows = min(rows, fits)
    while rows > 1 and images * -(-grid[0] // rows) < 16 and rows * pixels > 2 * FEW_PIXELS:
        rows = -(-rows // 2)
    if grid[1] == 1 and rows > 6:
        rows -= rows % 6  # whole register tiles
    return rows


def chunks(windows, pixels, pieces):
    """Return into how many chunks of images (or row blocks) a filter gradient's sum is cut: by shape alone.

    `pieces` is how many ways the channels of a chunk can be shared out; a chunk should hold a thousand of the `pixels`.
    """
    return max(1, min(-(-64 // pieces), pixels // 1024, windows.counts[0] * windows.counts[1]))
