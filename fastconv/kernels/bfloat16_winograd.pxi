"""Winograd's tiles with products of bfloat16: the classes of winograd.pxi, whose 16 products are of pairs.

Inputs, filters and gradients are transformed in float32, and what comes out is rounded on its way to memory: one
rounding an operand, as in a product without tiles. Outputs and sums stay float32, and so do the transforms back.

Forward, a pair is two neighbouring channels of a tile; in the filter gradient, where the sum goes over tiles, two
tiles' values of a channel.
"""

cdef inline ix apart_halves(ix size) noexcept nogil:
    """Return how far apart matrices of so many 16-bit values lie: as `apart` has it, in whole vectors."""
    return 2 * apart((size + 2 * VL - 1) // (2 * VL) * VL)


cdef class bfloat16_winograd_filters(winograd_filters):
    """u[place][block][pair of rows][BLOCK] = G w G', behind an odd number of rows one of zeros."""
    cdef uint32_t[::1] pairs
    cdef ix row_pairs

    def __init__(self, const real[:, :, :, :, ::1] w, uint32_t[::1] u, bint transposed=False, int threads=1):
        winograd_filters.__init__(self, w, None, transposed, threads)
        self.pairs, self.row_pairs = u, (self.rows + 1) // 2
        self.stride = self.blocks * self.row_pairs * BLOCK_LANES

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange((self.row_pairs + VL - 1) // VL, num_threads=self.threads, schedule="static"):
            if self.transposed:
                self.turned(0, t * VL)
            else:
                self.plain(0, t * VL, min(self.row_pairs, (t + 1) * VL))

    cdef inline uint32_t* word(self, ix k, ix n) noexcept nogil:
        """Return where pair k of rows and column n go, at the first place."""
        return &self.pairs[0] + (n // BLOCK_LANES * self.row_pairs + k) * BLOCK_LANES + n % BLOCK_LANES

    cdef void plain(self, ix plane, ix start, ix stop) noexcept nogil:
        """Pairs of filter rows from start to stop, vectors of columns."""
        cdef ix k, n, column, lanes
        cdef vf even[PLACES]
        cdef vf odd[PLACES]
        cdef int i
        for k in range(start, stop):
            for n from 0 <= n < self.blocks * BLOCK_LANES by VL:
                column, lanes = min(n, self.columns - 1), max(0, self.columns - n)
                self.transform(&self.w[plane, 0, 0, 2 * k, column], lanes, even)
                self.transform(&self.w[plane, 0, 0, min(2 * k + 1, self.rows - 1), column],
                               lanes if 2 * k + 1 < self.rows else 0, odd)
                for i in range(PLACES):
                    vstore_pairs(self.word(k, n) + i * self.stride, vnarrow_pair(even[i], odd[i]))

    cdef void turned(self, ix plane, ix start) noexcept nogil:
        """A vector of pairs of filter rows, by squares of VL columns."""
        cdef ix n, row = 2 * start, next_row = min(row + VL, self.rows - 1), column, lanes
        cdef vf first[PLACES]
        cdef vf second[PLACES]
        cdef vp square[PLACES][VL]
        cdef int i, j
        for n from 0 <= n < self.blocks * BLOCK_LANES by VL:
            for j in range(VL):
                column, lanes = min(n + j, self.columns - 1), self.rows - row if n + j < self.columns else 0
                self.transform(&self.w[plane, 0, 0, column, row], lanes, first)
                self.transform(&self.w[plane, 0, 0, column, next_row], max(0, lanes - VL), second)
                for i in range(PLACES):
                    square[i][j] = vnarrow_run(first[i], second[i])
            for i in range(PLACES):
                vtranspose_pairs(square[i])
                for j in range(<int>min(<ix>VL, self.row_pairs - start)):
                    vstore_pairs(self.word(start + j, n) + i * self.stride, square[i][j])


cdef class bfloat16_winograd_forward(winograd_forward):
    """`winograd_forward` with filters packed as pairs; transformed inputs are 16 bits wide."""
    cdef const uint32_t[::1] pairs

    def __init__(self, const real[::1] x, const uint32_t[::1] u, const real[::1] b, real[::1] y, uint8_t[::1] which,
                 real[:, ::1] scratch, windows, ix out_channels, bint relu=False, int threads=1):
        winograd_forward.__init__(self, x, None, b, y, which, scratch, windows, out_channels, relu, threads=threads)
        self.pairs = u

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        cdef ix first = at // self.blocks * self.gathered, block = at % self.blocks, tiles_ = self.pixels_of(block)
        cdef ix count = min(self.gathered, self.images - first), i, u
        cdef ix stride = apart_halves(self.gathered * self.pixels * self.padded_channels)
        cdef real* scratch = &self.scratch[thread, 0]
        cdef uint16_t* v = <uint16_t*>(scratch + self.band_size)
        cdef real* m = <real*>(v + PLACES * stride)
        for i in range(count):
            self.transform_image(first + i, block, v + i * tiles_ * self.padded_channels, stride, scratch)
        for u in range(split * self.units // self.splits, (split + 1) * self.units // self.splits):
            self.multiply_pairs(u, v, stride, count * tiles_, m)
            for i in range(count):
                self.outputs(u, first + i, block, tiles_, m + i * tiles_ * BLOCK_LANES)

    cdef void transform_image(self, ix image, ix block, uint16_t* v, ix stride, real* scratch) noexcept nogil:
        """Transform and round a block of tiles' inputs, places `stride` apart."""
        cdef const real* band = band_of(&self.band, &self.x[0] + image * self.image_size, block, scratch)
        cdef vf places[PLACES]
        cdef ix t, c
        cdef int i
        for t in range(self.pixels_of(block)):
            for c from 0 <= c < self.band.channels by VL:
                input_places(band + self.pixel[t] + c, &self.tap[0], self.band.channels - c, places)
                for i in range(PLACES):
                    vstore_narrow(v + i * stride + c, places[i], VL)
            v += self.padded_channels

    cdef void multiply_pairs(self, ix u, const uint16_t* v, ix stride, ix tiles_, real* m) noexcept nogil:
        """The 16 products of one block of output channels."""
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - u * BLOCK_LANES), pairs = (self.summed + 1) // 2, p
        cdef const uint32_t* w = &self.pairs[0] + u * pairs * BLOCK_LANES
        for p in range(PLACES):
            product_tiles(tiles_, v + p * stride, &self.tile[0], &self.channel[0], pairs, w, NULL,
                          (lanes + VL - 1) // VL * VL, False, m + p * self.products(), &self.cell[0])
            w += self.units * pairs * BLOCK_LANES


cdef class bfloat16_winograd_backward_filters(winograd_backward_filters):
    """`winograd_backward_filters` whose sums go over pairs of tiles, [place][pair][channel] of both operands.

    With `which` (one byte a pooled value), dy is the gradient of what a 2 x 2 pool has made of each tile.
    """
    cdef const uint8_t[::1] which
    cdef ix tile_pairs                          # of a full block

    def __init__(self, const real[::1] x, const real[::1] dy, const uint8_t[::1] which, real[:, :, :, :, ::1] dw,
                 real[::1] db, real[:, ::1] transformed, real[::1] partial, real[:, ::1] scratch, windows,
                 const ix[::1] products, ix out_channels, ix group, ix chunks=1, int threads=1):
        winograd_backward_filters.__init__(self, x, dy, dw, db, transformed, partial, scratch, windows, products,
                                           out_channels, group, chunks, threads)
        self.which, self.tile_pairs = which, (self.pixels + 1) // 2
        self.v_stride = apart(group * self.tile_pairs * self.padded_channels)
        self.d_stride = apart(group * self.tile_pairs * self.padded_outs)

    cdef void transform(self, ix at, ix slot, real* v, real* scratch) noexcept nogil:
        """Transform one block of tiles, two at a time; the last block of an image is filled up by zeros."""
        cdef ix image = at // self.blocks, block = at % self.blocks, count = self.pixels_of(block), t
        cdef uint32_t* x = <uint32_t*>v + slot * self.tile_pairs * self.padded_channels
        cdef uint32_t* d = <uint32_t*>v + PLACES * self.v_stride + slot * self.tile_pairs * self.padded_outs
        cdef const real* band = band_of(&self.band, &self.x[0] + image * self.image_size, block, scratch)
        for t from 0 <= t < self.pixels by 2:
            self.input_pair(band, t, count - t, x)
            self.gradient_pair(image, block * self.pixels + t, count - t, d)
            x += self.padded_channels
            d += self.padded_outs

    cdef void input_pair(self, const real* band, ix t, ix count, uint32_t* out) noexcept nogil:
        """Tiles t and t + 1 of a block, of which `count` are there."""
        cdef vf first[PLACES]
        cdef vf second[PLACES]
        cdef ix c, lanes
        cdef int i
        for c from 0 <= c < self.band.channels by VL:
            lanes = self.band.channels - c
            input_places(band + self.pixel[t] + c, &self.tap[0], lanes if count > 0 else 0, first)
            input_places(band + self.pixel[t + (count > 1)] + c, &self.tap[0], lanes if count > 1 else 0, second)
            for i in range(PLACES):
                vstore_pairs(out + i * self.v_stride + c, vnarrow_pair(first[i], second[i]))

    cdef void gradient_pair(self, ix image, ix t, ix count, uint32_t* out) noexcept nogil:
        """The gradients of tiles t and t + 1 of an image, of which `count` are there."""
        cdef vf first[PLACES]
        cdef vf second[PLACES]
        cdef ix c
        cdef int i
        for c from 0 <= c < self.out_channels by VL:
            self.gradient(image, t, c, self.out_channels - c if count > 0 else 0, first)
            self.gradient(image, t + (count > 1), c, self.out_channels - c if count > 1 else 0, second)
            for i in range(PLACES):
                vstore_pairs(out + i * self.d_stride + c, vnarrow_pair(first[i], second[i]))

    cdef inline void gradient(self, ix image, ix t, ix c, ix lanes, vf* places) noexcept nogil:
        """Transform the gradient of tile t of an image, a vector of channels from c on."""
        cdef ix i = 2 * (t // self.wide), j = 2 * (t % self.wide), row = self.out_width * self.out_channels, at
        if self.which is None:
            gradient_places(&self.dy[0] + (image * self.out_height + i) * row + j * self.out_channels + c,
                            self.out_height - i, self.out_width - j, row, self.out_channels, lanes, places)
        else:
            at = (image * self.out_height * self.out_width + t) * self.out_channels + c
            winner_places(vload_n(&self.dy[0] + at, lanes), vload_bytes_n(&self.which[0] + at, lanes), places)

    cdef void multiply(self, ix place, ix u, ix first, ix stop, const real* v, ix tiles_, real* partial,
                       bint add) noexcept nogil:
        """`winograd_backward_filters.multiply`; `tiles_` are those of whole blocks."""
        cdef ix c = self.summed, n = self.padded_outs, piece, at
        cdef ix pairs = tiles_ // max(1, self.pixels) * self.tile_pairs
        cdef ix pieces = (pairs + SUMMED - 1) // SUMMED, lanes = min(<ix>BLOCK_LANES, n - u * BLOCK_LANES)
        cdef const uint32_t* x = <const uint32_t*>v + place * self.v_stride
        cdef const uint32_t* d = (<const uint32_t*>v + PLACES * self.v_stride + place * self.d_stride
                                  + u * BLOCK_LANES)
        cdef real* m = partial + (place * c + first) * n + u * BLOCK_LANES
        for piece in range(pieces):
            at = pairs * piece // pieces
            outer_pairs(stop - first, x, &self.channel[first], &self.product[at], pairs * (piece + 1) // pieces - at,
                        d + at * n, n, lanes, m, n, add or piece > 0)
        if place == SUM_PLACE and first == 0:
            sum_pairs(d, n, pairs, lanes, partial + PLACES * c * n + u * BLOCK_LANES, add)


cdef inline void winner_places(vf dy, vi which, vf* d) noexcept nogil:
    """`gradient_places` of a tile that is pooled: all of the gradient is the winner's."""
    cdef vf g[4]
    cdef int i
    for i in range(4):
        g[i] = vkeep_equal(dy, which, i)
    spread_gradient(g, d)
