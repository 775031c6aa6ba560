"""Sliding windows: bands of images, register tiles, and what the convolution kernels share.

Every convolution-like loop here is one contraction, out[p] = sum over taps t and a contiguous run c of
in[pixel[p] + tap[t] + c] * filters[t, c]: strides and pooling windows live in the list of pixels, dilation in the list
of taps, padding in the band (a zero-padded copy of the few input rows that a block of output rows reads). Data
gradients are the same contraction over the output's gradient, and a dense layer is the one with a single tap.
`fastconv.ops.windows` makes the lists, once, when a plan is built.
"""

cdef extern from "simd.h" nogil:
    enum: MASKS                   # whether stores of parts of vectors are one instruction

cdef struct Band:                 # the input rows that a block of output rows reads
    ix height, width, channels    # of an image
    ix rows, cols                 # of the band
    ix row_step, row_origin       # the band's first row: block * row_step + row_origin, negative inside the padding
    ix col_origin
    bint padded                   # some of its cells lie outside of the image


cdef inline const real* band_of(const Band* b, const real* image, ix block, real* scratch) noexcept nogil:
    """Return the address of a band's first cell: in the image itself, or in a padded copy."""
    cdef ix top = block * b.row_step + b.row_origin, c = b.channels
    cdef ix left, right, r, row
    cdef real* line
    if not b.padded:
        return image + (top * b.width + b.col_origin) * c
    if b.cols == b.width and b.col_origin == 0:                               # whole rows: those inside in one piece
        r, row = max(0, min(b.rows, -top)), b.width * c
        left = max(r, min(b.rows, b.height - top))                            # first row behind the image
        memset(scratch, 0, r * row * sizeof(real))
        memcpy(scratch + r * row, image + (top + r) * row, (left - r) * row * sizeof(real))
        memset(scratch + left * row, 0, (b.rows - left) * row * sizeof(real))
        return scratch
    left = max(0, min(b.cols, -b.col_origin))                                 # cells before the image
    right = max(left, min(b.cols, b.width - b.col_origin))                    # first cell behind it
    for r in range(b.rows):
        row = top + r
        line = scratch + r * b.cols * c
        if row < 0 or row >= b.height or left == right:
            memset(line, 0, b.cols * c * sizeof(real))
        else:
            memset(line, 0, left * c * sizeof(real))
            memcpy(line + left * c, image + (row * b.width + b.col_origin + left) * c,
                   (right - left) * c * sizeof(real))
            memset(line + right * c, 0, (b.cols - right) * c * sizeof(real))
    return scratch


cdef void unband(const Band* b, const real* band, real* image) noexcept nogil:
    """Copy the cells of a padded band of a whole image that lie inside of the image back to it."""
    cdef ix c = b.channels, r, row
    cdef ix left = max(0, min(b.cols, -b.col_origin)), right = max(left, min(b.cols, b.width - b.col_origin))
    for r in range(b.rows):
        row = b.row_origin + r
        if 0 <= row < b.height and left < right:
            memcpy(image + (row * b.width + b.col_origin + left) * c, band + (r * b.cols + left) * c,
                   (right - left) * c * sizeof(real))


cdef enum:
    TALL = 2 * TILE_M                 # pixels of a tile one vector wide: as many sums hide how long an addition takes


cdef inline void tile(const int m, const int v, const real* x, const ix* pixel, const ix* row, ix rows,
                      const real* w, ix w_stride, const real* bias, ix lanes, bint add, bint relu,
                      real* y, const ix* out) noexcept nogil:
    """m pixels by v vectors of output channels: y[out[i]] = bias + sum over k of x[pixel[i] + row[k]] * w[k].

    With `add` the sum goes on from what is in y, in place of the bias.
    """
    cdef vf acc[TALL][TILE_V]
    cdef vf wv[TILE_V]
    cdef vf a
    cdef const real* xp[TALL]
    cdef real spare[ROW_V * VL]
    cdef ix k
    cdef int i, j
    for i in range(m):
        xp[i] = x + pixel[i]
    if add:
        for i in range(m):
            for j in range(v):
                acc[i][j] = vload(y + out[i] + j * VL)
    else:
        for j in range(v):
            wv[j] = vset(0) if bias == NULL else vload_n(bias + j * VL, lanes - j * VL)
        for i in range(m):
            for j in range(v):
                acc[i][j] = wv[j]
    for k in range(rows):
        for j in range(v):
            wv[j] = vload(w + j * VL)
        w += w_stride
        for i in range(m):
            a = vset(xp[i][row[k]])
            for j in range(v):
                acc[i][j] = acc[i][j] + a * wv[j]
    # only constant subscripts of acc, in loops that a compiler unrolls: they keep it in registers
    if relu:
        for i in range(m):
            for j in range(v):
                acc[i][j] = vrelu(acc[i][j])
    if lanes >= v * VL:
        for i in range(m):
            for j in range(v):
                vstore(y + out[i] + j * VL, acc[i][j])
        return
    if MASKS:
        for i in range(m):
            for j in range(v):
                vstore_n(y + out[i] + j * VL, acc[i][j], lanes - j * VL)
        return
    for i in range(m):
        for j in range(v):
            vstore(spare + (i * v + j) * VL, acc[i][j])
    for i in range(m):
        memcpy(y + out[i], spare + i * v * VL, lanes * sizeof(real))


cdef inline void tile_rows(const int v, ix m, const real* x, const ix* pixel, const ix* row, ix rows,
                           const real* w, ix w_stride, const real* bias, ix lanes, bint add, bint relu,
                           real* y, const ix* out) noexcept nogil:
    """A tile whose number of pixels is known only now."""
    if m >= 6:
        tile(6, v, x, pixel, row, rows, w, w_stride, bias, lanes, add, relu, y, out)
    elif m == 5:
        tile(5, v, x, pixel, row, rows, w, w_stride, bias, lanes, add, relu, y, out)
    elif m == 4:
        tile(4, v, x, pixel, row, rows, w, w_stride, bias, lanes, add, relu, y, out)
    elif m == 3:
        tile(3, v, x, pixel, row, rows, w, w_stride, bias, lanes, add, relu, y, out)
    elif m == 2:
        tile(2, v, x, pixel, row, rows, w, w_stride, bias, lanes, add, relu, y, out)
    else:
        tile(1, v, x, pixel, row, rows, w, w_stride, bias, lanes, add, relu, y, out)


cdef void tiles(ix pixels, const real* x, const ix* pixel, const ix* row, ix rows,
                const real* w, ix w_stride, const real* bias, ix lanes, bint relu,
                real* y, const ix* out) noexcept nogil:
    """All pixels of a block, for one block of output channels, in pieces of filter rows that fit the first cache."""
    tiles_onto(pixels, x, pixel, row, rows, w, w_stride, bias, lanes, False, relu, y, out)


cdef void tiles_onto(ix pixels, const real* x, const ix* pixel, const ix* row, ix rows,
                     const real* w, ix w_stride, const real* bias, ix lanes, bint add, bint relu,
                     real* y, const ix* out) noexcept nogil:
    """`tiles`; with `add` the sums go on from what is in y, in place of the bias."""
    cdef ix k = 0, count = (rows + FILTER_ROWS - 1) // FILTER_ROWS, piece, at
    if lanes != BLOCK_LANES or pixels <= TILE_M or count < 2:
        tile_pixels(pixels, x, pixel, row, rows, w, w_stride, bias, lanes, add, relu, y, out)
        return
    for piece in range(count):
        at = k
        k = rows * (piece + 1) // count
        tile_pixels(pixels, x, pixel, row + at, k - at, w + at * w_stride, w_stride, bias, lanes, add or piece > 0,
                    relu and piece == count - 1, y, out)


cdef void tile_pixels(ix pixels, const real* x, const ix* pixel, const ix* row, ix rows,
                      const real* w, ix w_stride, const real* bias, ix lanes, bint add, bint relu,
                      real* y, const ix* out) noexcept nogil:
    """All pixels of a block, in tiles of nearly equal size; where they are narrow, tall ones as long as they last."""
    cdef ix p = 0, count, m, large
    if lanes <= VL:
        while p + TALL <= pixels:
            tile(TALL, 1, x, pixel + p, row, rows, w, w_stride, bias, lanes, add, relu, y, out + p)
            p += TALL
    count = (pixels - p + TILE_M - 1) // TILE_M
    m = (pixels - p + count - 1) // count if count else 0
    large = pixels - p - (m - 1) * count                       # tiles of m pixels; the others have one less
    while p < pixels:
        m -= large == 0
        large -= 1
        if TILE_V >= 4 and lanes > 3 * VL:
            tile_rows(TILE_V, m, x, pixel + p, row, rows, w, w_stride, bias, lanes, add, relu, y, out + p)
        elif TILE_V >= 4 and lanes > 2 * VL:
            tile_rows(TILE_V - 1, m, x, pixel + p, row, rows, w, w_stride, bias, lanes, add, relu, y, out + p)
        elif lanes > VL:
            tile_rows(2, m, x, pixel + p, row, rows, w, w_stride, bias, lanes, add, relu, y, out + p)
        else:
            tile_rows(1, m, x, pixel + p, row, rows, w, w_stride, bias, lanes, add, relu, y, out + p)
        p += m


cdef class Sliding(Pieces):
    """A kernel over (image, block of output rows): its band, pixels, taps and the split of the output channels."""
    cdef Band band
    cdef ix images, blocks, pixels, last_pixels, taps, run_length, image_size, band_size
    cdef ix rows                                     # filter rows of a group
    cdef ix groups, in_channels, out_channels        # in_channels and out_channels: of one group
    cdef ix channel_blocks, units, splits            # units: channel blocks of all groups
    cdef const ix[::1] pixel, tap, row

    def __init__(self, windows, ix groups, ix out_channels, int threads):
        cdef Band b
        b.height, b.width, b.channels, b.rows, b.cols, b.row_step, b.row_origin, b.col_origin, b.padded = windows.band
        self.band, self.band_size = b, windows.band_size
        self.images, self.blocks, self.pixels, self.last_pixels = windows.counts
        self.pixel, self.tap, self.run_length = windows.pixel, windows.tap, windows.run
        self.taps, self.row = self.tap.shape[0], windows.row
        self.rows = self.row.shape[0]
        self.image_size = b.height * b.width * b.channels
        self.groups, self.in_channels, self.out_channels = groups, b.channels // groups, out_channels // groups
        self.channel_blocks = (self.out_channels + BLOCK_LANES - 1) // BLOCK_LANES
        self.units = groups * self.channel_blocks
        # for a few pixels, reading the filters takes longer than multiplying with them
        self.threads = useful_threads(
            threads, (<double>self.images * self.blocks * self.pixels + 2) * self.rows * out_channels / VL)
        self.splits = max(1, min(self.units, 4 * self.threads // max(1, self.images * self.blocks)))

    cdef void share_vectors(self, ix size, int threads) noexcept nogil:
        """Let the units be the vectors of all output channels, with `size` products in each for a filter row."""
        self.units = (self.out_channels + VL - 1) // VL
        self.threads = useful_threads(
            threads, (<double>self.images * self.blocks * self.pixels + 2) * self.rows * size * self.units)
        self.splits = max(1, min(self.units, 4 * self.threads // max(1, self.images * self.blocks)))

    cdef ix pixels_of(self, ix block) noexcept nogil:
        return self.last_pixels if block == self.blocks - 1 else self.pixels

    cdef void run(self) noexcept nogil:
        self.pieces(self.images * self.blocks * self.splits)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        self.item(t // self.splits, t % self.splits, thread)

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        """Do the channel blocks of `split` for one block of rows; at = image * blocks + block."""
        pass
