"""Winograd's F(4x4, 3x3): 36 products for 16 outputs, where F(2x2, 3x3) of winograd.pxi has 64 and the definition 144.

A tile of 6 x 6 inputs makes 4 x 4 outputs: Y = A' [(G g G') * (B' d B)] A. The transforms evaluate polynomials at the
points 0, 5/8, -5/8, 3/2, -3/2 and infinity. The textbook's 0, 1, -1, 2, -2 cost as many instructions, but lose twice as
much to rounding (measured: rms 1.5e-6 of a result's against 0.7e-6; F(2x2, 3x3) 0.25e-6). Every coefficient of A and B
is a float without error; those of G are rounded once, so whole numbers are not exact here.

An item is some tiles in a row, over rows and images: their cells are found one by one, those outside of the image in a
row of zeros, so no band is copied. Each output is made of its own tile alone, in one order whatever the item.
"""

cdef enum:
    PLACES4 = 36


cdef inline void filter_points(vf g0, vf g1, vf g2, vf* u, const int step) noexcept nogil:
    """u = G g of three taps, results `step` apart."""
    # G's row of a point p is (1, p, p^2) / product of its distances from the others
    cdef vf even = g0 * vset(<real>(1 / (2 * 0.390625 * -1.859375))) + g2 * vset(<real>(1 / (2 * -1.859375)))
    cdef vf odd = g1 * vset(<real>(0.625 / (2 * 0.390625 * -1.859375)))
    u[0] = g0 * vset(<real>(1 / 0.87890625))
    u[step] = even + odd
    u[2 * step] = even - odd
    even = g0 * vset(<real>(1 / (2 * 2.25 * 1.859375))) + g2 * vset(<real>(1 / (2 * 1.859375)))
    odd = g1 * vset(<real>(1.5 / (2 * 2.25 * 1.859375)))
    u[3 * step] = even + odd
    u[4 * step] = even - odd
    u[5 * step] = g2


cdef inline void input_points(const vf* d, vf* v, const int step) noexcept nogil:
    """v = B' d of six inputs, results `step` apart."""
    cdef vf sum_ = vset(<real>2.640625)             # of the points' squares, 25/64 and 9/4
    cdef vf product = vset(<real>0.87890625)
    cdef vf even, odd
    v[0] = d[0] * product + (d[4] - d[2] * sum_)
    v[5 * step] = d[1] * product + (d[5] - d[3] * sum_)
    even = d[4] - d[2] * vset(<real>2.25)
    odd = (d[3] - d[1] * vset(<real>2.25)) * vset(<real>0.625)
    v[step] = even + odd
    v[2 * step] = even - odd
    even = d[4] - d[2] * vset(<real>0.390625)
    odd = (d[3] - d[1] * vset(<real>0.390625)) * vset(<real>1.5)
    v[3 * step] = even + odd
    v[4 * step] = even - odd


cdef inline void output_points(const vf* m, vf* y, const int step) noexcept nogil:
    """y = A' m of six sums, four results `step` apart."""
    cdef vf even = m[1] + m[2], odd = m[1] - m[2], far_even = m[3] + m[4], far_odd = m[3] - m[4]
    y[0] = m[0] + even + far_even
    y[step] = odd * vset(<real>0.625) + far_odd * vset(<real>1.5)
    y[2 * step] = even * vset(<real>0.390625) + far_even * vset(<real>2.25)
    y[3 * step] = m[5] + (odd * vset(<real>0.244140625) + far_odd * vset(<real>3.375))


cdef class winograd4_filters(Kernel):
    """u[place][block][row][BLOCK] = G w G', zero behind the last column.

    Plain: rows are input channels, columns output channels. Transposed, for data gradients: the other way round, and
    the filters turned by half a circle.
    """
    cdef const real[:, :, :, ::1] w
    cdef real[::1] u
    cdef ix rows, columns, blocks, stride
    cdef bint transposed

    def __init__(self, const real[:, :, :, ::1] w, real[::1] u, bint transposed=False, int threads=1):
        self.w, self.u, self.transposed = w, u, transposed
        self.rows, self.columns = (w.shape[3], w.shape[2]) if transposed else (w.shape[2], w.shape[3])
        self.blocks = (self.columns + BLOCK_LANES - 1) // BLOCK_LANES
        self.stride = apart(self.blocks * self.rows * BLOCK_LANES)
        self.threads = useful_threads(threads, <double>self.rows * self.columns * 40)

    cdef void run(self) noexcept nogil:
        cdef ix t, pieces = (self.rows + VL - 1) // VL
        for t in prange(pieces, num_threads=self.threads, schedule="static"):
            if self.transposed:
                self.turned(t * VL)
            else:
                self.plain(t * VL, min(self.rows, (t + 1) * VL))

    cdef void plain(self, ix start, ix stop) noexcept nogil:
        """Filter rows start to stop, vectors of columns."""
        cdef ix k, n
        cdef vf g[9]
        cdef int tap
        for k in range(start, stop):
            for n from 0 <= n < self.blocks * BLOCK_LANES by VL:
                for tap in range(9):
                    g[tap] = vload_n(&self.w[tap // 3, tap % 3, k, min(n, self.columns - 1)], self.columns - n)
                self.transform(g, 1, k, n)

    cdef void turned(self, ix start) noexcept nogil:
        """A vector of filter rows, by squares of VL columns."""
        cdef ix n, lanes = min(<ix>VL, self.rows - start)
        cdef vf square[9][VL]
        cdef int tap, j
        for n from 0 <= n < self.blocks * BLOCK_LANES by VL:
            for tap in range(9):
                for j in range(VL):
                    square[8 - tap][j] = vload_n(&self.w[tap // 3, tap % 3, min(n + j, self.columns - 1), start],
                                                 lanes if n + j < self.columns else 0)
                vtranspose(square[8 - tap])
            for j in range(<int>lanes):
                self.transform(&square[0][j], VL, start + j, n)

    cdef inline void transform(self, const vf* g, const int apart_, ix k, ix n) noexcept nogil:
        """u = G g G' of a vector of filters whose taps are `apart_` apart, to row k and columns from n on."""
        cdef vf h[18]
        cdef vf u[6]
        cdef real* out = &self.u[0] + (n // BLOCK_LANES * self.rows + k) * BLOCK_LANES + n % BLOCK_LANES
        cdef int i, j
        for j in range(3):
            filter_points(g[j * apart_], g[(3 + j) * apart_], g[(6 + j) * apart_], h + j, 3)
        for i in range(6):
            filter_points(h[i * 3], h[i * 3 + 1], h[i * 3 + 2], u, 1)
            for j in range(6):
                vstore(out + (i * 6 + j) * self.stride, u[j])


cdef class winograd4_forward(Pieces):
    """y = activation(x * w + b + added) by tiles of 4 x 4 outputs, or pooled by windows of 2 x 2: four of them a tile.

    Of pooled ones `which` is the place of the maximum or, with `mean`, a bit for each cell that is alive.
    """
    cdef const real[::1] x, u, b, zeros, added
    cdef real[::1] y
    cdef uint8_t[::1] which
    cdef real[:, ::1] scratch
    cdef const ix[::1] tile, cell, channel
    cdef ix height, width, channels, out_height, out_width, out_channels, top, left, high, wide, tiles_, total
    cdef ix padded_channels, blocks, items, splits, u_stride, v_stride, m_stride
    cdef bint relu, biased, pooled, told, mean

    def __init__(self, const real[::1] x, const real[::1] u, const real[::1] b, real[::1] y, uint8_t[::1] which,
                 real[:, ::1] scratch, const real[::1] zeros, lists, ix out_channels, bint relu=False, bint mean=False,
                 const real[::1] added=None, int threads=1):
        self.x, self.u, self.b, self.y, self.which, self.scratch = x, u, b, y, which, scratch
        self.zeros, self.added = zeros, added
        self.height, self.width, self.channels = lists.image
        self.out_height, self.out_width = lists.out_size
        self.top, self.left = lists.before
        self.high, self.wide, self.tiles_, self.total = lists.high, lists.wide, lists.tiles, lists.total
        self.padded_channels, self.out_channels = lists.padded_channels, out_channels
        self.tile, self.cell, self.channel = lists.tile, lists.cell, lists.channel
        self.relu, self.biased, self.pooled, self.told = relu, b is not None, lists.pooled, which is not None
        self.mean = mean
        self.blocks = (out_channels + BLOCK_LANES - 1) // BLOCK_LANES
        self.u_stride = apart(self.blocks * self.channels * BLOCK_LANES)
        self.v_stride, self.m_stride = apart(self.tiles_ * self.padded_channels), apart(self.tiles_ * BLOCK_LANES)
        self.items = (self.total + self.tiles_ - 1) // self.tiles_
        self.threads = useful_threads(
            threads, <double>self.total * PLACES4 * (self.channels + 2) * out_channels / VL)
        # each split transforms the inputs anew: no more of them than threads need
        self.splits = max(1, min(self.blocks, (self.threads - 1) // max(1, self.items) + 1))

    cdef void run(self) noexcept nogil:
        self.pieces(self.items * self.splits)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        """Some tiles, all blocks of output channels or some."""
        cdef ix first = t // self.splits * self.tiles_, split = t % self.splits, block, place
        cdef ix count = min(self.tiles_, self.total - first), lanes
        cdef real* v = &self.scratch[thread, 0]
        cdef real* m = v + PLACES4 * self.v_stride
        cdef const real* u
        self.inputs(first, count, v)
        for block in range(split * self.blocks // self.splits, (split + 1) * self.blocks // self.splits):
            lanes = (min(<ix>BLOCK_LANES, self.out_channels - block * BLOCK_LANES) + VL - 1) // VL * VL
            for place in range(PLACES4):
                u = &self.u[0] + place * self.u_stride + block * self.channels * BLOCK_LANES
                tiles(count, v + place * self.v_stride, &self.tile[0], &self.channel[0], self.channels,
                      u, BLOCK_LANES, NULL, lanes, False, m + place * self.m_stride, &self.cell[0])
            self.outputs(first, count, block * BLOCK_LANES, m)

    cdef void inputs(self, ix first, ix count, real* v) noexcept nogil:
        """v[place][tile][channel] = B' d B."""
        cdef ix t, at, row, col
        cdef const real* image
        cdef const real* cell[PLACES4]
        cdef int i, j
        for t in range(count):
            at = first + t
            image = &self.x[0] + at // (self.high * self.wide) * self.height * self.width * self.channels
            row = at // self.wide % self.high * 4 - self.top
            col = at % self.wide * 4 - self.left
            for i in range(6):
                for j in range(6):
                    if 0 <= row + i < self.height and 0 <= col + j < self.width:
                        cell[i * 6 + j] = image + ((row + i) * self.width + col + j) * self.channels
                    else:
                        cell[i * 6 + j] = &self.zeros[0]
            self.transform_cells(cell, v + t * self.padded_channels)

    cdef inline void transform_cells(self, const real** cell, real* v) noexcept nogil:
        """A tile's 36 cells, all channels: whole vectors, zero behind the last channel."""
        cdef ix c
        for c from 0 <= c <= self.channels - VL by VL:
            transform_cell(cell, c, VL, v + c, self.v_stride)
        if self.channels % VL:
            c = self.channels // VL * VL
            transform_cell(cell, c, self.channels - c, v + c, self.v_stride)

    cdef void outputs(self, ix first, ix count, ix channel, const real* m) noexcept nogil:
        """y = A' m A of some tiles and one block of output channels."""
        cdef ix t, at, image, row, col, j, lanes = min(<ix>BLOCK_LANES, self.out_channels - channel)
        for t in range(count):
            at = first + t
            image, row, col = at // (self.high * self.wide), at // self.wide % self.high * 4, at % self.wide * 4
            for j from 0 <= j < lanes by VL:
                self.output(m + t * BLOCK_LANES + j, channel + j, lanes - j, image, row, col)

    cdef void output(self, const real* m, ix channel, ix lanes, ix image, ix row, ix col) noexcept nogil:
        """One tile's outputs, one vector of channels: from (row, col) on, as far as the image goes."""
        cdef vf sums[6]
        cdef vf half[24]
        cdef vf y[8]
        cdef vf bias = vload_n(&self.b[channel], lanes) if self.biased else vset(0)
        cdef int i, j
        for j in range(6):
            for i in range(6):
                sums[i] = vload(m + (i * 6 + j) * self.m_stride)
            output_points(sums, half + j, 6)
        for i in range(2):
            output_points(half + i * 12, y, 1)
            output_points(half + i * 12 + 6, y + 4, 1)
            for j in range(8):
                y[j] = y[j] + bias
            if self.pooled:
                self.pool(y, channel, lanes, image, row // 2 + i, col // 2)
            else:
                self.put(y, channel, lanes, image, row + 2 * i, col)

    cdef inline void put(self, const vf* y, ix channel, ix lanes, ix image, ix row, ix col) noexcept nogil:
        """Write two rows of four outputs, as far as the image goes."""
        cdef ix at = ((image * self.out_height + row) * self.out_width + col) * self.out_channels + channel, cell
        cdef vf value
        cdef int k
        for k in range(8):
            if row + k // 4 < self.out_height and col + k % 4 < self.out_width:
                cell = at + (k // 4 * self.out_width + k % 4) * self.out_channels
                value = y[k]
                if self.added is not None:
                    value = value + vload_n(&self.added[cell], lanes)
                vstore_n(&self.y[cell], vrelu(value) if self.relu else value, lanes)

    cdef inline void pool(self, const vf* y, ix channel, ix lanes, ix image, ix row, ix col) noexcept nogil:
        """Write the two windows of two rows of outputs, as far as there are."""
        cdef ix at = ((image * self.out_height + row) * self.out_width + col) * self.out_channels + channel
        cdef vf window[4]
        cdef uint8_t* which
        cdef int k, j
        for k in range(2):
            if row < self.out_height and col + k < self.out_width:
                which = &self.which[at] if self.told else NULL
                for j in range(4):
                    window[j] = y[j // 2 * 4 + k * 2 + j % 2]
                if self.mean:
                    mean_of(4, self.relu, self.told, window, lanes, &self.y[at], which)
                else:
                    largest_of(4, self.relu, self.told, window, lanes, &self.y[at], which)
            at = at + self.out_channels


cdef inline void transform_cell(const real** cell, ix c, ix lanes, real* v, ix stride) noexcept nogil:
    """One tile, one vector of channels: v[place] = B' d B, places `stride` apart."""
    cdef vf d[6]
    cdef vf t[PLACES4]
    cdef int i, j
    for j in range(6):
        for i in range(6):
            d[i] = vload_n(cell[i * 6 + j] + c, lanes)
        input_points(d, t + j, 6)
    for i in range(6):
        input_points(t + i * 6, d, 1)
        for j in range(6):
            vstore(v + (i * 6 + j) * stride, d[j])
