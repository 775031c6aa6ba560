"""Convolution, relu and max pooling in one pass, and the gradients that visit only the winners.

Without a relu, too: other activations that rise go behind the pool, where a quarter of the values is left.
Behind a window of k cells at most one of k gradients is not zero, and none where relu is dead. One byte a pooled
value says which cell won (255: none), and nothing of the convolution's own output is ever stored: max and relu
commute, so a window is pooled out of a scratch block that fits the first cache.
"""

cdef inline void largest_of(const int window, bint relu, bint told, const vf* cells, ix lanes, real* y,
                            uint8_t* which) noexcept nogil:
    """The maximum of a window's cells, relu if asked; and which was first to reach it, if that shall be told."""
    cdef vf best = cells[0]
    cdef vi winner = viset(0)
    cdef int i
    if not told:
        for i in range(1, window):
            best = vlarger(best, cells[i])
    else:
        for i in range(1, window):
            vtake_winner(&best, &winner, cells[i], i)
        vstore_bytes_n(which, vmark_dead(winner, best, DEAD_WINDOW) if relu else winner, lanes)
    vstore_n(y, vrelu(best) if relu else best, lanes)


cdef class conv2d_max_pool_forward(conv2d_forward):
    """y = max over each window of (x * w + b), relu if asked, and `which` cell of it won, unless nobody asks."""
    cdef uint8_t[::1] which
    cdef ix window
    cdef bint told
    cdef const ix[::1] place                    # where a pooled value of a block goes

    def __init__(self, const real[::1] x, const real[::1] w, const real[::1] b, real[::1] y, uint8_t[::1] which,
                 real[:, ::1] scratch, windows, ix groups, ix out_channels, bint relu=False, int threads=1):
        conv2d_forward.__init__(self, x, w, b, y, scratch, windows, groups, out_channels, relu=relu, threads=threads)
        self.which, self.window, self.place, self.told = which, windows.window, windows.place, which is not None

    cdef void unit(self, ix u, const real* band, ix pixels, ix at, real* spare) noexcept nogil:
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - first)
        cdef real* y = &self.y[0] + at + group * self.out_channels + first
        cdef uint8_t* which = &self.which[0] + at + group * self.out_channels + first if self.told else NULL
        self.contract(u, band, pixels, spare, &self.out[0], False)
        self.pool(pixels // self.window, spare, lanes, y, which)

    cdef void pool(self, ix pooled, const real* cells, ix lanes, real* y, uint8_t* which) noexcept nogil:
        """Pool a block of outputs, window behind window."""
        if self.relu:
            pool_cells(True, pooled, self.window, cells, lanes, &self.place[0], y, which)
        else:
            pool_cells(False, pooled, self.window, cells, lanes, &self.place[0], y, which)


cdef void pool_block(ix pooled, ix window, const real* cells, ix lanes, const ix* place, real* y,
                     uint8_t* which) noexcept nogil:
    """Pool a block of outputs with relu, window behind window; without `which` nobody asks who won."""
    pool_cells(True, pooled, window, cells, lanes, place, y, which)


cdef inline void pool_cells(const bint relu, ix pooled, ix window, const real* cells, ix lanes, const ix* place,
                            real* y, uint8_t* which) noexcept nogil:
    cdef ix p
    for p in range(pooled):
        if which == NULL:
            largest(relu, window, cells, lanes, y + place[p])
        elif window == 4:
            pool_window(relu, 4, cells, lanes, y + place[p], which + place[p])
        else:
            pool_window(relu, <int>window, cells, lanes, y + place[p], which + place[p])
        cells += window * BLOCK_LANES


cdef inline void largest(const bint relu, ix window, const real* cells, ix lanes, real* y) noexcept nogil:
    """The maximum of `window` cells, BLOCK_LANES apart."""
    cdef vf best
    cdef ix i, j
    for j from 0 <= j < lanes by VL:
        best = vload(cells + j)
        for i in range(1, window):
            best = vlarger(best, vload(cells + i * BLOCK_LANES + j))
        vstore_n(y + j, vrelu(best) if relu else best, lanes - j)


cdef inline void pool_window(const bint relu, const int window, const real* cells, ix lanes, real* y,
                             uint8_t* which) noexcept nogil:
    """The maximum of `window` cells, BLOCK_LANES apart, and which was first to reach it."""
    cdef vf best
    cdef vi winner
    cdef ix j
    cdef int i
    for j from 0 <= j < lanes by VL:
        best, winner = vload(cells + j), viset(0)
        for i in range(1, window):
            vtake_winner(&best, &winner, vload(cells + i * BLOCK_LANES + j), i)
        vstore_n(y + j, vrelu(best) if relu else best, lanes - j)
        vstore_bytes_n(which + j, vmark_dead(winner, best, DEAD_WINDOW) if relu else winner, lanes - j)


cdef class SparseBackward(Sliding):
    """What both sparse gradients share: the list of an output channel's living winners in one image."""
    cdef const real[::1] dy
    cdef const uint8_t[::1] which
    cdef real[:, ::1] scratch
    cdef const ix[::1] cell                     # band offset of [pooled value][cell of its window]
    cdef ix pooled, window, channels

    def __init__(self, const real[::1] dy, const uint8_t[::1] which, real[:, ::1] scratch, windows, ix out_channels,
                 int threads=1):
        Sliding.__init__(self, windows, 1, out_channels, threads)
        self.dy, self.which, self.scratch, self.cell, self.window = dy, which, scratch, windows.pixel, windows.window
        self.pooled, self.channels = self.pixels // self.window, out_channels

    cdef ix living(self, ix image, ix channel, ix* offsets, real* gradients) noexcept nogil:
        """List where the winners with a gradient lie in the band, and their gradients; return how many there are."""
        cdef ix p, n = 0, at = image * self.pooled * self.channels + channel
        cdef real g
        cdef uint8_t w
        for p in range(self.pooled):
            g = self.dy[at + p * self.channels]
            w = self.which[at + p * self.channels]
            gradients[n] = g
            offsets[n] = self.cell[p * self.window + (w if w != DEAD_WINDOW else 0)]
            n += w != DEAD_WINDOW and g != 0
        return n


cdef inline void gather_row(const int v, const real* x, const ix* offsets, const real* gradients, ix n, real* dw,
                            bint add) noexcept nogil:
    """dw[v vectors] (+)= sum over winners of gradient * x[offset]."""
    cdef vf acc[ROW_V]
    cdef vf g
    cdef const real* xp
    cdef ix i
    cdef int j
    for j in range(v):
        acc[j] = vload(dw + j * VL) if add else vset(0)
    for i in range(n):
        g = vset(gradients[i])
        xp = x + offsets[i]
        for j in range(v):
            acc[j] = acc[j] + g * vload(xp + j * VL)
    for j in range(v):
        vstore(dw + j * VL, acc[j])


cdef inline void scatter_row(const int v, const real* w, const ix* offsets, const real* gradients, ix n,
                             real* dx) noexcept nogil:
    """dx[offset + v vectors] += gradient * w, for every winner."""
    cdef vf wv[ROW_V]
    cdef vf g
    cdef real* xp
    cdef ix i
    cdef int j
    for j in range(v):
        wv[j] = vload(w + j * VL)
    for i in range(n):
        g = vset(gradients[i])
        xp = dx + offsets[i]
        for j in range(v):
            vstore(xp + j * VL, vload(xp + j * VL) + g * wv[j])


cdef class sparse_backward_filters(SparseBackward):
    """partial[chunk][output channel][row] = sum over the chunk's living winners of gradient * patch; last, the bias."""
    cdef const real[::1] x
    cdef real[::1] partial
    cdef ix chunks

    def __init__(self, const real[::1] x, const real[::1] dy, const uint8_t[::1] which, real[::1] partial,
                 real[:, ::1] scratch,
                 windows, ix out_channels, ix chunks, int threads=1):
        SparseBackward.__init__(self, dy, which, scratch, windows, out_channels, threads)
        self.x, self.partial, self.chunks = x, partial, chunks
        self.splits = max(1, min(out_channels, MOST_ITEMS // chunks))

    cdef void run(self) noexcept nogil:
        self.pieces(self.chunks * self.splits)

    cdef void item(self, ix chunk, ix split, int thread) noexcept nogil:
        cdef ix image, first = chunk * self.images // self.chunks, o, living
        cdef real* scratch = &self.scratch[thread, 0]
        cdef ix* offsets = <ix*>(scratch + self.band_size)
        cdef real* gradients = <real*>(offsets + self.pooled)
        cdef const real* band
        cdef ix size = self.channels * (self.rows + 1)
        if first >= (chunk + 1) * self.images // self.chunks and split == 0:
            memset(&self.partial[0] + chunk * size, 0, size * sizeof(real))
        for image in range(first, (chunk + 1) * self.images // self.chunks):
            band = self.image_band(image, scratch)
            for o in range(split * self.channels // self.splits, (split + 1) * self.channels // self.splits):
                living = self.living(image, o, offsets, gradients)
                self.channel(band, offsets, gradients, living, &self.partial[chunk * size + o * (self.rows + 1)],
                             image > first)

    cdef const real* image_band(self, ix image, real* scratch) noexcept nogil:
        return band_of(&self.band, &self.x[0] + image * self.image_size, 0, scratch)

    cdef void channel(self, const real* band, const ix* offsets, const real* gradients, ix n, real* dw,
                      bint add) noexcept nogil:
        cdef ix t, c, i
        cdef real total
        for t in range(self.taps):
            c = 0
            while c + ROW_V * VL <= self.run_length:
                gather_row(ROW_V, band + self.tap[t] + c, offsets, gradients, n, dw + c, add)
                c = c + ROW_V * VL
            while c + 12 * VL <= self.run_length:
                gather_row(12, band + self.tap[t] + c, offsets, gradients, n, dw + c, add)
                c = c + 12 * VL
            while c + 4 * VL <= self.run_length:
                gather_row(4, band + self.tap[t] + c, offsets, gradients, n, dw + c, add)
                c = c + 4 * VL
            while c + VL <= self.run_length:
                gather_row(1, band + self.tap[t] + c, offsets, gradients, n, dw + c, add)
                c = c + VL
            while c < self.run_length:
                total = dw[c] if add else 0
                for i in range(n):
                    total = total + gradients[i] * band[self.tap[t] + c + offsets[i]]
                dw[c] = total
                c = c + 1
            dw += self.run_length
        total = dw[0] if add else 0
        for i in range(n):
            total = total + gradients[i]
        dw[0] = total


cdef class sparse_backward_input(SparseBackward):
    """dx = for every living winner, gradient * filter added to its patch; `w` is packed [output channel][row]."""
    cdef const real[::1] w
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, const uint8_t[::1] which, const real[::1] w, real[::1] dx,
                 real[:, ::1] scratch,
                 windows, ix out_channels, int threads=1):
        SparseBackward.__init__(self, dy, which, scratch, windows, out_channels, threads)
        self.w, self.dx, self.splits = w, dx, 1

    cdef void item(self, ix image, ix split, int thread) noexcept nogil:
        cdef ix o
        cdef real* scratch = &self.scratch[thread, 0]
        cdef ix* offsets = <ix*>(scratch + self.band_size)
        cdef real* gradients = <real*>(offsets + self.pooled)
        cdef real* dx = &self.dx[0] + image * self.image_size
        cdef real* band = scratch
        memset(dx, 0, self.image_size * sizeof(real))
        if self.band.padded:
            memset(scratch, 0, self.band_size * sizeof(real))
        else:
            band = dx + (self.band.row_origin * self.band.width + self.band.col_origin) * self.band.channels
        for o in range(self.channels):
            self.channel(&self.w[0] + o * self.taps * self.run_length, offsets, gradients,
                         self.living(image, o, offsets, gradients), band)
        if self.band.padded:
            unband(&self.band, scratch, dx)

    cdef void channel(self, const real* w, const ix* offsets, const real* gradients, ix n, real* band) noexcept nogil:
        cdef ix t, c, i
        for t in range(self.taps):
            c = 0
            while c + ROW_V * VL <= self.run_length:
                scatter_row(ROW_V, w + c, offsets, gradients, n, band + self.tap[t] + c)
                c = c + ROW_V * VL
            while c + 12 * VL <= self.run_length:
                scatter_row(12, w + c, offsets, gradients, n, band + self.tap[t] + c)
                c = c + 12 * VL
            while c + 4 * VL <= self.run_length:
                scatter_row(4, w + c, offsets, gradients, n, band + self.tap[t] + c)
                c = c + 4 * VL
            while c + VL <= self.run_length:
                scatter_row(1, w + c, offsets, gradients, n, band + self.tap[t] + c)
                c = c + VL
            while c < self.run_length:
                for i in range(n):
                    band[self.tap[t] + c + offsets[i]] += gradients[i] * w[c]
                c = c + 1
            w += self.run_length


cdef class transpose_filters(Kernel):
    """out[output channel][row] = w[row][output channel]."""
    cdef const real[:, ::1] w
    cdef real[::1] out

    def __init__(self, const real[:, ::1] w, real[::1] out, int threads=1):
        self.w, self.out = w, out
        self.threads = useful_threads(threads, 0.5 * w.size)

    cdef void run(self) noexcept nogil:
        cdef ix k, rows = self.w.shape[0]
        for k in prange((rows + 63) // 64, num_threads=self.threads, schedule="static"):
            transpose_block(&self.w[k * 64, 0], self.w.shape[1], min(<ix>64, rows - k * 64), self.w.shape[1],
                            &self.out[k * 64], rows)
