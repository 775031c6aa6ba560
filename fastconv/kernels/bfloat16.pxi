"""Products of bfloat16 with sums in float32: the loops of conv.pxi over pairs of numbers.

A pair is two bfloat16 side by side in 32 bits, and an instruction of AVX512_BF16 adds both products of two pairs to a
float: twice the rate of multiply-adds. Filters are packed as pairs of rows. Forward, and in the data gradient, an
image's pairs are neighbouring channels, read from a copy of the band in 16 bits; a filter gradient sums over pixels,
so there a pair is a value and the one that the next output pixel of the line sees: with the band's geometry unchanged,
strides, dilation and padding are in the lists as ever.

The scalar build says what the instruction does; where a processor lacks it, `round_bfloat16` and the kernels of
float32 are faster, and add up the same numbers.
"""
from libc.stdint cimport uint16_t

cdef extern from "bfloat16.h" nogil:
    ctypedef unsigned int vp                    # a vector of VL pairs
    enum: PAIR_PRODUCTS
    vp vload_pairs(const uint32_t*)
    void vstore_pairs(uint32_t*, vp)
    vp vspread_pair(const uint16_t*)
    vp vload_narrow(const uint16_t*, long)
    void vstore_narrow(uint16_t*, vf, long)
    vp vnarrow(vf)
    vf vpair_low(vp)
    vp vpair(vp, vp)
    vp vnarrow_pair(vf, vf)
    vp vnarrow_run(vf, vf)
    vf vround_operand(vf)
    void vtranspose_pairs(vp*)
    vf vmultiply_pairs(vf, vp, vp)

HAS_PAIR_PRODUCTS = bool(PAIR_PRODUCTS)         # whether this build has the instruction: maybe not the processor


cdef class round_bfloat16(Kernel):
    """y = x rounded to bfloat16, to nearest, ties to even: floats whose lower half is zero. In place if y is x."""
    cdef const real[::1] x
    cdef real[::1] y

    def __init__(self, const real[::1] x, real[::1] y, int threads=1):
        self.x, self.y = x, y
        self.threads = useful_threads(threads, 0.5 * x.shape[0])

    cdef void run(self) noexcept nogil:
        cdef ix t, size = 4096
        for t in prange((self.x.shape[0] + size - 1) // size, num_threads=self.threads, schedule="static"):
            self.piece(t * size, min((t + 1) * size, self.x.shape[0]))

    cdef void piece(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.y[i], vpair_low(vnarrow(vload_n(&self.x[i], stop - i))), stop - i)


cdef inline void narrow_run(const real* x, ix n, uint16_t* y) noexcept nogil:
    cdef ix i
    for i from 0 <= i < n by VL:
        vstore_narrow(y + i, vload_n(x + i, n - i), n - i)


cdef inline ix band_length(const Band* b, ix block) noexcept nogil:
    """Return how many values a block's band has, where the image itself is the band: up to the last row's end.

    Blocks that no tap reads for may lie behind the image: theirs has none.
    """
    if b.padded:
        return b.rows * b.cols * b.channels
    return max(<ix>0, min(b.rows, b.height - block * b.row_step - b.row_origin) * b.width - b.col_origin) * b.channels


cdef ix narrow_band(const Band* b, const real* image, ix block, uint16_t* out) noexcept nogil:
    """Copy a band in 16 bits, with the padding around it and a zero behind it; return how many values there are."""
    cdef ix top = block * b.row_step + b.row_origin, c = b.channels, left, right, r, row, n = band_length(b, block)
    cdef uint16_t* line
    if not b.padded:
        narrow_run(image + (top * b.width + b.col_origin) * c, n, out)
        out[n] = 0
        return n
    left = max(0, min(b.cols, -b.col_origin))                                 # cells before the image
    right = max(left, min(b.cols, b.width - b.col_origin))                    # first cell behind it
    memset(out, 0, (n + 1) * sizeof(uint16_t))
    for r in range(b.rows):
        row = top + r
        if 0 <= row < b.height and left < right:
            line = out + (r * b.cols + left) * c
            narrow_run(image + (row * b.width + b.col_origin + left) * c, (right - left) * c, line)
    return n


cdef inline vf some_lanes(const real* x, ix lanes) noexcept nogil:
    return vload_n(x, lanes) if lanes > 0 else vset(0)


cdef class pack_pairs(Kernel):
    """Copy filters [rows, columns] to blocks [group][block][pair of rows][BLOCK], zero behind the last column.

    Rows and columns are those of `pack_filters`: plain, with `run` rows a tap, or with ``taps`` transposed. A tap whose
    number of rows is odd has a row of zeros behind them.
    """
    cdef const real[:, ::1] w
    cdef uint32_t[::1] out
    cdef const ix[::1] tap
    cdef ix groups, channels, run_length, taps, tap_pairs, blocks
    cdef bint transposed

    def __init__(self, const real[:, ::1] w, uint32_t[::1] out, ix groups, ix channels, ix run,
                 const ix[::1] taps=None, int threads=1):
        self.w, self.out, self.groups, self.channels, self.transposed = w, out, groups, channels, taps is not None
        self.tap, self.run_length = taps, run
        self.taps = taps.shape[0] if self.transposed else w.shape[0] // max(1, run)
        self.tap_pairs = (run + 1) // 2
        self.blocks = (self.channels + BLOCK_LANES - 1) // BLOCK_LANES
        self.threads = useful_threads(threads, <double>groups * self.blocks * self.taps * self.tap_pairs * BLOCK_LANES)

    cdef void run(self) noexcept nogil:
        cdef ix t, u
        for t in prange(self.groups * self.blocks * self.taps, num_threads=self.threads, schedule="static"):
            u = t // self.taps
            if self.transposed:
                self.transpose(u // self.blocks, u % self.blocks * BLOCK_LANES, t % self.taps, self.target(t))
            else:
                self.copy(u // self.blocks, u % self.blocks * BLOCK_LANES, t % self.taps, self.target(t))

    cdef inline uint32_t* target(self, ix t) noexcept nogil:
        """Return where a tap of a block goes."""
        return &self.out[0] + t * self.tap_pairs * BLOCK_LANES

    cdef void copy(self, ix group, ix first, ix t, uint32_t* out) noexcept nogil:
        """Tap t of one block."""
        cdef ix k, j, row = t * self.run_length, lanes, column = group * self.channels + first
        for k in range(self.tap_pairs):
            for j from 0 <= j < BLOCK_LANES by VL:
                lanes = self.channels - first - j
                vstore_pairs(out + k * BLOCK_LANES + j, vnarrow_pair(
                    self.lanes_of(row + 2 * k, column + j, lanes),
                    self.lanes_of(row + 2 * k + 1, column + j, lanes if 2 * k + 1 < self.run_length else 0)))

    cdef inline vf lanes_of(self, ix row, ix column, ix lanes) noexcept nogil:
        return some_lanes(&self.w[0, 0] + row * self.w.shape[1] + column, lanes)

    cdef void transpose(self, ix group, ix first, ix t, uint32_t* out) noexcept nogil:
        """The same turned round, in squares of VL pairs."""
        cdef ix lanes = self.channels - first, outs = self.run_length, lane, o, row
        cdef vp square[VL]
        cdef int i
        for lane from 0 <= lane < BLOCK_LANES by VL:
            row = self.tap[t] * self.channels + first + lane
            for o from 0 <= o < outs by 2 * VL:
                for i in range(VL):
                    square[i] = vnarrow_run(
                        self.lanes_of(row + i, group * outs + o, outs - o if lane + i < lanes else 0),
                        self.lanes_of(row + i, group * outs + o + VL, outs - o - VL if lane + i < lanes else 0))
                vtranspose_pairs(square)
                for i in range(<int>min(<ix>VL, self.tap_pairs - o // 2)):
                    vstore_pairs(out + (o // 2 + i) * BLOCK_LANES + lane, square[i])


cdef inline void product_tile(const int m, const int v, const uint16_t* x, const ix* pixel, const ix* row, ix pairs,
                              const uint32_t* w, const real* bias, ix lanes, bint add, bint relu, real* y,
                              const ix* out) noexcept nogil:
    """`tile` of sliding.pxi over pairs: pair k of a window is at row[2 k]."""
    cdef vf acc[TILE_M][TILE_V]
    cdef vp wv[TILE_V]
    cdef vp a
    cdef vf start
    cdef const uint16_t* xp[TILE_M]
    cdef real spare[ROW_V * VL]
    cdef ix k
    cdef int i, j
    for i in range(m):
        xp[i] = x + pixel[i]
    for j in range(v):
        start = vset(0) if bias == NULL else vload_n(bias + j * VL, lanes - j * VL)
        for i in range(m):
            acc[i][j] = vload(y + out[i] + j * VL) if add else start
    for k in range(pairs):
        for j in range(v):
            wv[j] = vload_pairs(w + j * VL)
        w += BLOCK_LANES
        for i in range(m):
            a = vspread_pair(xp[i] + row[2 * k])
            for j in range(v):
                acc[i][j] = vmultiply_pairs(acc[i][j], a, wv[j])
    if relu:
        for i in range(m):
            for j in range(v):
                acc[i][j] = vrelu(acc[i][j])
    if lanes >= v * VL:
        for i in range(m):
            for j in range(v):
                vstore(y + out[i] + j * VL, acc[i][j])
        return
    for i in range(m):
        for j in range(v):
            vstore(spare + (i * v + j) * VL, acc[i][j])
    for i in range(m):
        memcpy(y + out[i], spare + i * v * VL, lanes * sizeof(real))


cdef inline void product_tile_rows(const int v, ix m, const uint16_t* x, const ix* pixel, const ix* row, ix pairs,
                                   const uint32_t* w, const real* bias, ix lanes, bint add, bint relu, real* y,
                                   const ix* out) noexcept nogil:
    """A tile whose number of pixels is known only now."""
    if m >= 6:
        product_tile(6, v, x, pixel, row, pairs, w, bias, lanes, add, relu, y, out)
    elif m == 5:
        product_tile(5, v, x, pixel, row, pairs, w, bias, lanes, add, relu, y, out)
    elif m == 4:
        product_tile(4, v, x, pixel, row, pairs, w, bias, lanes, add, relu, y, out)
    elif m == 3:
        product_tile(3, v, x, pixel, row, pairs, w, bias, lanes, add, relu, y, out)
    elif m == 2:
        product_tile(2, v, x, pixel, row, pairs, w, bias, lanes, add, relu, y, out)
    else:
        product_tile(1, v, x, pixel, row, pairs, w, bias, lanes, add, relu, y, out)


cdef void product_pixels(ix pixels, const uint16_t* x, const ix* pixel, const ix* row, ix pairs, const uint32_t* w,
                         const real* bias, ix lanes, bint add, bint relu, real* y, const ix* out) noexcept nogil:
    """All pixels of a block, in tiles of nearly equal size."""
    cdef ix p = 0, count = (pixels + TILE_M - 1) // TILE_M, m = (pixels + count - 1) // count if count else 0
    cdef ix large = pixels - (m - 1) * count                   # tiles of m pixels; the others have one less
    while p < pixels:
        m -= large == 0
        large -= 1
        if TILE_V >= 4 and lanes > 3 * VL:
            product_tile_rows(TILE_V, m, x, pixel + p, row, pairs, w, bias, lanes, add, relu, y, out + p)
        elif TILE_V >= 4 and lanes > 2 * VL:
            product_tile_rows(TILE_V - 1, m, x, pixel + p, row, pairs, w, bias, lanes, add, relu, y, out + p)
        elif lanes > VL:
            product_tile_rows(2, m, x, pixel + p, row, pairs, w, bias, lanes, add, relu, y, out + p)
        else:
            product_tile_rows(1, m, x, pixel + p, row, pairs, w, bias, lanes, add, relu, y, out + p)
        p += m


cdef void product_tiles(ix pixels, const uint16_t* x, const ix* pixel, const ix* row, ix pairs, const uint32_t* w,
                        const real* bias, ix lanes, bint relu, real* y, const ix* out) noexcept nogil:
    """All pixels of a block, for one block of output channels, in pieces of filters that fit the first cache."""
    cdef ix k = 0, count = (pairs + FILTER_ROWS - 1) // FILTER_ROWS, piece, at
    if lanes != BLOCK_LANES or pixels <= TILE_M or count < 2:
        product_pixels(pixels, x, pixel, row, pairs, w, bias, lanes, False, relu, y, out)
        return
    for piece in range(count):
        at = k
        k = pairs * (piece + 1) // count
        product_pixels(pixels, x, pixel, row + 2 * at, k - at, w + at * BLOCK_LANES, bias, lanes, piece > 0,
                       relu and piece == count - 1, y, out)


cdef class bfloat16_forward(Sliding):
    """y = activation(x * w + b) over sliding windows, x and w rounded to bfloat16; w packed as pairs."""
    cdef const real[::1] x, b
    cdef const uint32_t[::1] w
    cdef real[::1] y
    cdef uint32_t[:, ::1] narrow                # a row a thread: the band in 16 bits
    cdef real[:, ::1] scratch
    cdef const ix[::1] out
    cdef ix out_block, out_image
    cdef bint relu, biased

    def __init__(self, const real[::1] x, const uint32_t[::1] w, const real[::1] b, real[::1] y,
                 uint32_t[:, ::1] narrow, real[:, ::1] scratch, windows, ix groups, ix out_channels, bint relu=False,
                 int threads=1):
        Sliding.__init__(self, windows, groups, out_channels, threads)
        self.x, self.w, self.y, self.relu, self.biased = x, w, y, relu, b is not None
        self.b, self.narrow, self.scratch = b, narrow, scratch
        self.out, self.out_block, self.out_image = windows.out, windows.out_block, windows.out_image

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        cdef ix image = at // self.blocks, block = at % self.blocks, u
        cdef uint16_t* band = <uint16_t*>&self.narrow[thread, 0]
        narrow_band(&self.band, &self.x[0] + image * self.image_size, block, band)
        for u in range(split * self.units // self.splits, (split + 1) * self.units // self.splits):
            self.unit(u, band, self.pixels_of(block), image * self.out_image + block * self.out_block, thread)

    cdef void unit(self, ix u, const uint16_t* band, ix pixels, ix at, int thread) noexcept nogil:
        """One block of output channels for one block of rows, whose outputs start at y[at]."""
        cdef ix channel = u // self.channel_blocks * self.out_channels + u % self.channel_blocks * BLOCK_LANES
        self.contract(u, band, pixels, &self.y[0] + at + channel, &self.out[0], self.relu)

    cdef void contract(self, ix u, const uint16_t* band, ix pixels, real* y, const ix* out, bint relu) noexcept nogil:
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES
        cdef const real* bias = &self.b[0] + group * self.out_channels + first if self.biased else NULL
        cdef const ix* row = &self.row[0] if self.rows else NULL       # a window may lie in the padding altogether
        cdef const uint32_t* w = &self.w[u * (self.rows // 2) * BLOCK_LANES] if self.rows else NULL
        product_tiles(pixels, band + group * self.in_channels, &self.pixel[0], row, self.rows // 2, w, bias,
                      min(<ix>BLOCK_LANES, self.out_channels - first), relu, y, out)


cdef class bfloat16_relu_max_pool_forward(bfloat16_forward):
    """y = relu(max over each window of (x * w + b)), and `which` cell of the window won, unless nobody asks."""
    cdef uint8_t[::1] which
    cdef ix window
    cdef bint told
    cdef const ix[::1] place                    # where a pooled value of a block goes

    def __init__(self, const real[::1] x, const uint32_t[::1] w, const real[::1] b, real[::1] y, uint8_t[::1] which,
                 uint32_t[:, ::1] narrow, real[:, ::1] scratch, windows, ix groups, ix out_channels, int threads=1):
        bfloat16_forward.__init__(self, x, w, b, y, narrow, scratch, windows, groups, out_channels, threads=threads)
        self.which, self.window, self.place, self.told = which, windows.window, windows.place, which is not None

    cdef void unit(self, ix u, const uint16_t* band, ix pixels, ix at, int thread) noexcept nogil:
        cdef ix first = u % self.channel_blocks * BLOCK_LANES
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - first)
        cdef real* cells = &self.scratch[thread, 0]
        cdef real* y = &self.y[0] + at + u // self.channel_blocks * self.out_channels + first
        cdef uint8_t* which = NULL
        if self.told:
            which = &self.which[0] + at + u // self.channel_blocks * self.out_channels + first
        self.contract(u, band, pixels, cells, &self.out[0], False)
        pool_block(pixels // self.window, self.window, cells, lanes, &self.place[0], y, which)


cdef inline void pair_outer_tile(const int m, const int v, const uint32_t* x, const ix* row, const ix* pixel, ix pairs,
                                 const uint32_t* dy, ix dy_stride, real* dw, ix dw_stride, bint add) noexcept nogil:
    """m filter rows by v vectors of output channels: dw[i] (+)= sum over pairs of x[pixel + row[i]] * dy[pair]."""
    cdef vf acc[TILE_M][TILE_V]
    cdef vp g[TILE_V]
    cdef vp a
    cdef const uint32_t* xp[TILE_M]
    cdef ix p
    cdef int i, j
    for i in range(m):
        xp[i] = x + row[i]
        for j in range(v):
            acc[i][j] = vload(dw + i * dw_stride + j * VL) if add else vset(0)
    for p in range(pairs):
        for j in range(v):
            g[j] = vload_pairs(dy + j * VL)
        dy += dy_stride
        for i in range(m):
            a = vspread_pair(<const uint16_t*>(xp[i] + pixel[p]))
            for j in range(v):
                acc[i][j] = vmultiply_pairs(acc[i][j], a, g[j])
    for i in range(m):
        for j in range(v):
            vstore(dw + i * dw_stride + j * VL, acc[i][j])


cdef inline void pair_outer(const int v, ix rows, const uint32_t* x, const ix* row, const ix* pixel, ix pairs,
                            const uint32_t* dy, ix dy_stride, real* dw, ix dw_stride, bint add) noexcept nogil:
    """All filter rows, some vectors of output channels."""
    cdef ix k, left
    for k from 0 <= k < rows by TILE_M:
        left = rows - k
        if left >= 6:
            pair_outer_tile(6, v, x, row + k, pixel, pairs, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 5:
            pair_outer_tile(5, v, x, row + k, pixel, pairs, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 4:
            pair_outer_tile(4, v, x, row + k, pixel, pairs, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 3:
            pair_outer_tile(3, v, x, row + k, pixel, pairs, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 2:
            pair_outer_tile(2, v, x, row + k, pixel, pairs, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        else:
            pair_outer_tile(1, v, x, row + k, pixel, pairs, dy, dy_stride, dw + k * dw_stride, dw_stride, add)


cdef void outer_pairs(ix rows, const uint32_t* x, const ix* row, const ix* pixel, ix pairs, const uint32_t* dy,
                      ix dy_stride, ix lanes, real* dw, ix dw_stride, bint add) noexcept nogil:
    """All filter rows for one block of output channels and some pairs of pixels."""
    if TILE_V >= 4 and lanes > 3 * VL:
        pair_outer(TILE_V, rows, x, row, pixel, pairs, dy, dy_stride, dw, dw_stride, add)
    elif TILE_V >= 4 and lanes > 2 * VL:
        pair_outer(TILE_V - 1, rows, x, row, pixel, pairs, dy, dy_stride, dw, dw_stride, add)
    elif lanes > VL:
        pair_outer(2, rows, x, row, pixel, pairs, dy, dy_stride, dw, dw_stride, add)
    else:
        pair_outer(1, rows, x, row, pixel, pairs, dy, dy_stride, dw, dw_stride, add)


cdef class bfloat16_backward_filters(Sliding):
    """dw = sum over windows of patch * dy, both rounded to bfloat16: `conv2d_backward_filters` over pairs of pixels.

    ``pairs`` of the lists says which pixels are taken together: the place of the first in the band, its number among
    the block's pixels, and how many belong to the pair. The other one lies `partner` values behind it.
    """
    cdef const real[::1] x, dy
    cdef const uint8_t[::1] which
    cdef real[::1] partial
    cdef real[:, ::1] scratch
    cdef uint32_t[:, ::1] narrow                # a row a thread: the band in 16 bits, in pairs, and a block's gradients
    cdef const ix[::1] pair_pixel, pair_first, pair_size
    cdef ix chunks, lanes, window, dy_block, dy_image, partner, band_words

    def __init__(self, const real[::1] x, const real[::1] dy, const uint8_t[::1] which, real[::1] partial,
                 uint32_t[:, ::1] narrow, real[:, ::1] scratch, windows, pairs, ix groups, ix out_channels, ix chunks,
                 int threads=1):
        Sliding.__init__(self, windows, groups, out_channels, threads)
        self.x, self.dy, self.which, self.partial = x, dy, which, partial
        self.narrow, self.scratch = narrow, scratch
        self.pair_pixel, self.pair_first, self.pair_size, self.partner, self.band_words = pairs
        self.window, self.chunks = windows.window, chunks
        self.dy_block, self.dy_image = windows.out_block, windows.out_image
        self.lanes = (self.out_channels + VL - 1) // VL * VL
        # each split makes pairs of the band anew: that shall be a small part of what it does
        cdef ix least = max(1, self.band_words // (2 * max(1, self.pair_first.shape[0] * self.rows)))
        self.splits = max(1, min((self.units + least - 1) // least, MOST_ITEMS // chunks))

    cdef void run(self) noexcept nogil:
        self.pieces(self.chunks * self.splits)

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        """Sum one chunk of (image, block) pairs into its partial filters, for the channel blocks of `split`."""
        cdef ix total = self.images * self.blocks, first = at * total // self.chunks, i, u
        cdef ix stop = (at + 1) * total // self.chunks, size = self.groups * (self.rows + 1) * self.lanes
        cdef real* spare = NULL
        if self.which is not None:
            spare = &self.scratch[thread, 0]
        if first >= stop and split == 0:
            memset(&self.partial[0] + at * size, 0, size * sizeof(real))
        for i in range(first, stop):
            self.pair_band(i, &self.narrow[thread, 0])
            for u in range(split * self.units // self.splits, (split + 1) * self.units // self.splits):
                self.unit(u, at, i, &self.narrow[thread, 0], spare, i > first)

    cdef void pair_band(self, ix at, uint32_t* band) noexcept nogil:
        """Make pairs of each value of the band and its partner; behind the last ones stand zeros."""
        cdef const real* image = &self.x[0] + at // self.blocks * self.image_size
        cdef uint16_t* narrow = <uint16_t*>(band + self.band_words)
        cdef ix i, block = at % self.blocks, n = band_length(&self.band, block)
        if not self.band.padded:
            image = band_of(&self.band, image, block, NULL)
            for i from 0 <= i < n by VL:
                vstore_pairs(band + i, vnarrow_pair(vload_n(image + i, n - i),
                                                    some_lanes(image + i + self.partner, n - i - self.partner)))
            return
        narrow_band(&self.band, image, block, narrow)
        for i from 0 <= i < n by VL:
            vstore_pairs(band + i, vpair(vload_narrow(narrow + i, n - i),
                                         vload_narrow(narrow + i + self.partner, n - i - self.partner)))

    cdef void unit(self, ix u, ix chunk, ix at, const uint32_t* band, real* spare, bint add) noexcept nogil:
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES, piece, pieces
        cdef ix pixels = self.pixels_of(at % self.blocks), rows = self.rows, stride = self.groups * self.out_channels
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - first), channel = group * self.out_channels + first
        cdef ix source = at // self.blocks * self.dy_image + at % self.blocks * self.dy_block + channel, pairs
        cdef uint32_t* gradients = <uint32_t*>band + self.band_words + (self.band_words + 1) // 2
        cdef real* dw = &self.partial[0] + (chunk * self.groups + group) * (rows + 1) * self.lanes + first
        if self.which is None:
            pairs = self.pair_up(&self.dy[0] + source, stride, lanes, pixels, gradients)
        else:
            expand_winners(&self.dy[0] + source, &self.which[0] + source, stride, lanes, pixels // self.window,
                           self.window, spare)
            pairs = self.pair_up(spare, BLOCK_LANES, lanes, pixels, gradients)
        sum_pairs(gradients, BLOCK_LANES, pairs, lanes, dw + rows * self.lanes, add)
        band += group * self.in_channels
        pieces = max(1, (pairs + SUMMED - 1) // SUMMED)
        for piece in range(pieces):
            at = pairs * piece // pieces
            outer_pairs(rows, band, &self.row[0], &self.pair_pixel[at], pairs * (piece + 1) // pieces - at,
                        gradients + at * BLOCK_LANES, BLOCK_LANES, lanes, dw, self.lanes, add or piece > 0)

    cdef ix pair_up(self, const real* dy, ix stride, ix lanes, ix pixels, uint32_t* out) noexcept nogil:
        """Pair the gradients of a block's pixels, up to a whole block of lanes; return how many pairs there are."""
        cdef ix p = 0, j, first
        cdef bint both
        while p < self.pair_first.shape[0] and self.pair_first[p] < pixels:
            first = self.pair_first[p]
            both = self.pair_size[p] > 1 and first + 1 < pixels
            for j from 0 <= j < BLOCK_LANES by VL:
                vstore_pairs(out + p * BLOCK_LANES + j, vnarrow_pair(
                    some_lanes(dy + first * stride + j, lanes - j),
                    some_lanes(dy + (first + both) * stride + j, lanes - j if both else 0)))
            p = p + 1
        return p


cdef void sum_pairs(const uint32_t* dy, ix dy_stride, ix pairs, ix lanes, real* db, bint add) noexcept nogil:
    """db (+)= sum of the pairs' gradients, for the whole vectors that hold `lanes` channels."""
    cdef ix j = 0
    while j + TILE_V * VL <= lanes:
        sum_vectors(TILE_V, dy + j, dy_stride, pairs, db + j, add)
        j = j + TILE_V * VL
    while j < lanes:
        sum_vectors(1, dy + j, dy_stride, pairs, db + j, add)
        j = j + VL


cdef inline void sum_vectors(const int v, const uint32_t* dy, ix dy_stride, ix pairs, real* db,
                             bint add) noexcept nogil:
    """Every other pair in a sum of its own, so that additions do not wait for each other."""
    cdef vf even[TILE_V]
    cdef vf odd[TILE_V]
    cdef vp ones = vnarrow_pair(vset(1), vset(1))
    cdef ix p
    cdef int j
    for j in range(v):
        even[j], odd[j] = vload(db + j * VL) if add else vset(0), vset(0)
    for p from 0 <= p < pairs - 1 by 2:
        for j in range(v):
            even[j] = vmultiply_pairs(even[j], ones, vload_pairs(dy + j * VL))
            odd[j] = vmultiply_pairs(odd[j], ones, vload_pairs(dy + dy_stride + j * VL))
        dy += 2 * dy_stride
    for j in range(v):
        if pairs % 2:
            even[j] = vmultiply_pairs(even[j], ones, vload_pairs(dy + j * VL))
        vstore(db + j * VL, even[j] + odd[j])


cdef class bfloat16_sparse_backward_filters(sparse_backward_filters):
    """`sparse_backward_filters` of inputs that are rounded, each image's at the end of the thread's scratch memory."""

    cdef const real* image_band(self, ix image, real* scratch) noexcept nogil:
        cdef const Band* b = &self.band
        cdef const real* band = band_of(b, &self.x[0] + image * self.image_size, 0, scratch)
        cdef ix i, n = band_length(b, 0)
        cdef real* rounded = scratch + self.scratch.shape[1] - (n + 15) // 16 * 16
        for i from 0 <= i < n by VL:
            vstore_n(rounded + i, vround_operand(vload_n(band + i, n - i)), n - i)
        return rounded


cdef class bfloat16_backward_input_scattered(conv2d_backward_input_scattered):
    """`conv2d_backward_input_scattered` by pairs of output channels, of which `w` has those of `pack_pairs`.

    The gradients of some pixels are narrowed at a time, to memory behind their products.
    """
    cdef const uint32_t[::1] pairs

    def __init__(self, const real[::1] dy, const uint32_t[::1] w, real[::1] dx, real[:, ::1] scratch, windows,
                 int threads=1):
        conv2d_backward_input_scattered.__init__(self, dy, None, dx, scratch, windows, threads)
        self.pairs = w

    cdef void spread(self, ix image, real* band, real* z) noexcept nogil:
        cdef ix p, n, u, step = self.z_out.shape[0], channels = self.dy_row.shape[0], pairs = (channels + 1) // 2
        cdef uint16_t* narrow = <uint16_t*>(z + step * self.padded_rows)
        cdef const real* dy = &self.dy[0] + image * self.pixels * channels
        for p from 0 <= p < self.pixels by step:
            n = min(step, self.pixels - p)
            narrow_run(dy + p * channels, n * channels, narrow)
            narrow[n * channels] = 0
            for u in range(self.units):
                product_tiles(n, narrow, &self.dy_pixel[0], &self.dy_row[0], pairs,
                              &self.pairs[0] + u * pairs * BLOCK_LANES, NULL,
                              (min(<ix>BLOCK_LANES, self.rows - u * BLOCK_LANES) + VL - 1) // VL * VL, False,
                              z + u * BLOCK_LANES, &self.z_out[0])
            self.scatter(n, z, &self.pixel[p], band)
