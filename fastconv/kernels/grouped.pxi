"""Convolutions in groups of 2, 4, 8 or 16 channels, as many groups as fit in a vector: sums along diagonals.

Output channel o of a group is the sum over the group's inputs c of x[c] * w[c, o]. Here a product is added up in the
lane of its *input*: sum j of lane c is that of x[c] * w[c, o] with o = (c + j) % size, over all taps. So a vector of
inputs is read as it lies in memory, for all sums of all its groups; nothing is broadcast, and no lane idles. At the end
sum j is turned by j lanes within each group, and the sums of a pixel are added up. The filters' gradient turns the
gradients, once for all taps. `fastconv.ops.grouped` makes the tables by which lanes move.

There are as many filters as channels, at least a vector of them, and the last vector ends at the last channel: it may
overlap the one before, and what both compute is the same.
"""

cdef enum:
    DIAGONALS = 2 * TILE_V                      # that are summed at a time: ROW_V // DIAGONALS pixels or more
    TURNED = 16384 // (VL * sizeof(real))       # vectors of gradients, turned, that stay in the first cache

TURNED_VALUES = TURNED * VL                     # for the size of scratch memory


cdef inline ix vectors_of(ix channels) noexcept nogil:
    return (channels + VL - 1) // VL


cdef class pack_diagonals(Kernel):
    """Copy filters [tap * size + input, channels] to [vector][tap][diagonal][VL].

    Lane l of diagonal j of a tap is the filter at ``index[j, l]`` behind the tap's first row and the vector's first
    channel; see `ops.grouped`. `taps` names the filter tap of each tap.
    """
    cdef const real[:, ::1] w
    cdef real[::1] out
    cdef const ix[::1] tap
    cdef const int[:, ::1] index

    def __init__(self, const real[:, ::1] w, real[::1] out, const ix[::1] taps, const int[:, ::1] index,
                 int threads=1):
        self.w, self.out, self.tap, self.index = w, out, taps, index
        self.threads = useful_threads(threads, <double>out.size)

    cdef void run(self) noexcept nogil:
        cdef ix t, taps = self.tap.shape[0]
        for t in prange(vectors_of(self.w.shape[1]) * taps, num_threads=self.threads, schedule="static"):
            self.pack(t // taps, t % taps)

    cdef void pack(self, ix vector, ix t) noexcept nogil:
        cdef ix j, size = self.index.shape[0], first = min(vector * VL, self.w.shape[1] - VL)
        cdef real* out = &self.out[0] + (vector * self.tap.shape[0] + t) * size * VL
        for j in range(size):
            vstore(out + j * VL, vpick(&self.w[self.tap[t] * size, first], &self.index[j, 0]))


cdef inline void diagonal_tile(const int m, const int n, const real* x, const ix* pixel, const ix* tap, ix taps,
                               const real* w, ix w_stride, const real* bias, const int* turn, bint add, bint relu,
                               real* y, const ix* out) noexcept nogil:
    """m pixels of a vector of channels by n diagonals. What there is less of, pixels or diagonals, is in registers."""
    cdef vf acc[ROW_V]
    cdef vf held[TILE_M]
    cdef vf v, start = vset(0) if bias == NULL else vload(bias)
    cdef const real* xp[ROW_V]
    cdef ix k
    cdef int i, j
    for i in range(m):
        xp[i] = x + pixel[i]
        for j in range(n):
            acc[i * n + j] = vset(0)
    for k in range(taps):
        if m < n:
            for i in range(m):
                held[i] = vheld(vload(xp[i] + tap[k]))
            for j in range(n):
                v = vheld(vload(w + j * VL))
                for i in range(m):
                    acc[i * n + j] = acc[i * n + j] + held[i] * v
        else:
            for j in range(n):
                held[j] = vheld(vload(w + j * VL))
            for i in range(m):
                v = vheld(vload(xp[i] + tap[k]))
                for j in range(n):
                    acc[i * n + j] = acc[i * n + j] + v * held[j]
        w += w_stride
    for i in range(m):
        v = vload(y + out[i]) if add else start
        for j in range(n):
            v = v + vpermute(acc[i * n + j], turn + j * VL)
        vstore(y + out[i], vrelu(v) if relu else v)


cdef inline void diagonal_tiles(const int m, const int n, ix size, const real* x, const ix* pixel, const ix* tap,
                                ix taps, const real* w, const real* bias, const int* turn, bint relu, real* y,
                                const ix* out) noexcept nogil:
    """m pixels by all diagonals."""
    cdef ix j
    for j from 0 <= j < size by n:
        diagonal_tile(m, n, x, pixel, tap, taps, w + j * VL, size * VL, bias, turn + j * VL, j > 0,
                      relu and j + n == size, y, out)


cdef inline void diagonal_pixels(const int m, const int n, ix size, ix pixels, const real* x, const ix* pixel,
                                 const ix* tap, ix taps, const real* w, const real* bias, const int* turn, bint relu,
                                 real* y, const ix* out) noexcept nogil:
    """All pixels of a block, m of them by n diagonals at a time; the last tile ends at the last pixel."""
    cdef ix p, at
    if pixels < m:
        for p in range(pixels):
            diagonal_tiles(1, n, size, x, pixel + p, tap, taps, w, bias, turn, relu, y, out + p)
        return
    for p from 0 <= p < pixels by m:
        at = min(p, pixels - m)
        diagonal_tiles(m, n, size, x, pixel + at, tap, taps, w, bias, turn, relu, y, out + at)


cdef void diagonals(ix size, ix pixels, const real* x, const ix* pixel, const ix* tap, ix taps, const real* w,
                    const real* bias, const int* turn, bint relu, real* y, const ix* out) noexcept nogil:
    """The same for a number of diagonals that is known only now."""
    if size == 2:
        diagonal_pixels(ROW_V // 2, 2, 2, pixels, x, pixel, tap, taps, w, bias, turn, relu, y, out)
    elif size == 4:
        diagonal_pixels(ROW_V // 4, 4, 4, pixels, x, pixel, tap, taps, w, bias, turn, relu, y, out)
    else:
        diagonal_pixels(ROW_V // DIAGONALS, DIAGONALS, size, pixels, x, pixel, tap, taps, w, bias, turn, relu, y, out)


cdef class grouped_conv2d_forward(conv2d_forward):
    """y = activation(x * w + b) in groups of `size` channels; `w` is packed by diagonals, rows of windows are taps."""
    cdef const int[:, ::1] turn
    cdef ix size

    def __init__(self, const real[::1] x, const real[::1] w, const real[::1] b, real[::1] y, real[:, ::1] scratch,
                 windows, ix channels, const int[:, ::1] turn, bint relu=False, int threads=1):
        conv2d_forward.__init__(self, x, w, b, y, scratch, windows, 1, channels, relu=relu, threads=threads)
        self.turn, self.size = turn, turn.shape[0]
        self.share_vectors(self.size, threads)

    cdef void unit(self, ix u, const real* band, ix pixels, ix at, real* spare) noexcept nogil:
        cdef ix c = min(u * VL, self.out_channels - VL)
        diagonals(self.size, pixels, band + c, &self.pixel[0], &self.row[0] if self.rows else NULL, self.rows,
                  &self.w[0] + u * self.rows * self.size * VL if self.rows else NULL,
                  &self.b[c] if self.biased else NULL, &self.turn[0, 0], self.relu, &self.y[0] + at + c, &self.out[0])


cdef class grouped_conv3d_forward(conv3d_forward):
    """The same over windows of planes."""
    cdef const int[:, ::1] turn
    cdef ix size

    def __init__(self, const real[::1] x, const real[::1] w, const real[::1] b, real[::1] y, real[:, ::1] scratch,
                 windows, ix channels, const int[:, ::1] turn, bint relu=False, int threads=1):
        conv3d_forward.__init__(self, x, w, b, y, scratch, windows, 1, channels, relu=relu, threads=threads)
        self.turn, self.size = turn, turn.shape[0]
        self.share_vectors(self.size, threads)

    cdef void planes(self, ix u, const real* band, ix pixels, real* y, ix skipped, ix rows) noexcept nogil:
        cdef ix c = min(u * VL, self.out_channels - VL)
        diagonals(self.size, pixels, band + c, &self.pixel[0], &self.row[0] if rows else NULL, rows,
                  &self.w[0] + (u * self.rows + skipped) * self.size * VL if rows else NULL,
                  &self.b[c] if self.biased else NULL, &self.turn[0, 0], self.relu, y + c, &self.out[0])


# -- the gradient of the filters --------------------------------------------------------------------------
cdef void turn_gradients(ix size, const real* dy, ix stride, ix pixels, const int* turn, real* out) noexcept nogil:
    """out[pixel, j] = a pixel's gradients, turned by j lanes within each group."""
    cdef ix p, j
    cdef vf g
    for p in range(pixels):
        g = vload(dy + p * stride)
        for j in range(size):
            vstore(out + (p * size + j) * VL, vpermute(g, turn + j * VL))


cdef inline void turned_tile(const int m, const int n, ix stride, const real* x, const ix* tap, const ix* pixel,
                             ix pixels, const real* dy, real* dw) noexcept nogil:
    """m taps by n diagonals: dw[tap, j] += sum over pixels of x[pixel + tap] * dy[pixel, j], rows `stride` apart."""
    cdef vf acc[9 * DIAGONALS]           # of which ROW_V are used: the compiler sees calls that are never made, too
    cdef vf held[TILE_M]
    cdef vf v
    cdef const real* xp[9]
    cdef ix p
    cdef int i, j
    for i in range(m):
        xp[i] = x + tap[i]
        for j in range(n):
            acc[i * n + j] = vload(dw + i * stride + j * VL)
    for p in range(pixels):
        if m < n:
            for i in range(m):
                held[i] = vheld(vload(xp[i] + pixel[p]))
            for j in range(n):
                v = vheld(vload(dy + j * VL))
                for i in range(m):
                    acc[i * n + j] = acc[i * n + j] + held[i] * v
        else:
            for j in range(n):
                held[j] = vheld(vload(dy + j * VL))
            for i in range(m):
                v = vheld(vload(xp[i] + pixel[p]))
                for j in range(n):
                    acc[i * n + j] = acc[i * n + j] + v * held[j]
        dy += stride
    for i in range(m):
        for j in range(n):
            vstore(dw + i * stride + j * VL, acc[i * n + j])


cdef inline void turned_taps(const int n, ix size, const real* x, const ix* tap, ix taps, const ix* pixel, ix pixels,
                             const real* dy, real* dw) noexcept nogil:
    """All taps by n diagonals at a time, in tiles that divide the usual numbers of taps."""
    cdef ix k, j, left, stride = size * VL
    for j from 0 <= j < stride by n * VL:
        k = 0
        while k < taps:
            left = taps - k
            if 9 * n <= ROW_V and left >= 9:
                turned_tile(9, n, stride, x, tap + k, pixel, pixels, dy + j, dw + k * stride + j)
                k += 9
            elif 6 * n <= ROW_V and left >= 6:
                turned_tile(6, n, stride, x, tap + k, pixel, pixels, dy + j, dw + k * stride + j)
                k += 6
            elif 3 * n <= ROW_V and left >= 3:
                turned_tile(3, n, stride, x, tap + k, pixel, pixels, dy + j, dw + k * stride + j)
                k += 3
            else:
                turned_tile(1, n, stride, x, tap + k, pixel, pixels, dy + j, dw + k * stride + j)
                k += 1


cdef void diagonal_sums(ix size, const real* x, const ix* tap, ix taps, const ix* pixel, ix pixels, const real* dy,
                        ix stride, const int* turn, real* spare, real* dw, real* db) noexcept nogil:
    """Add what some pixels bring to the sums of a vector of channels."""
    cdef ix p, n, step = TURNED // size
    sum_rows(dy, stride, pixels, VL, db, True)
    for p from 0 <= p < pixels by step:
        n = min(step, pixels - p)
        turn_gradients(size, dy + p * stride, stride, n, turn, spare)
        if size == 2:
            turned_taps(2, 2, x, tap, taps, pixel + p, n, spare, dw)
        elif size == 4:
            turned_taps(4, 4, x, tap, taps, pixel + p, n, spare, dw)
        else:
            turned_taps(DIAGONALS, size, x, tap, taps, pixel + p, n, spare, dw)


cdef class grouped_conv2d_backward_filters(conv2d_backward_filters):
    """dw = sum over windows of patch * dy in groups of `size` channels, in chunks of images.

    `partial` holds [chunk][vector][tap * size + diagonal][VL], and a bias behind the last tap of each vector;
    `sum_diagonals` adds the chunks.
    """
    cdef const int[:, ::1] turn
    cdef ix size

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] partial, real[:, ::1] scratch, windows,
                 ix channels, ix chunks, const int[:, ::1] turn, int threads=1):
        conv2d_backward_filters.__init__(self, x, dy, None, partial, scratch, windows, 1, channels, chunks,
                                         threads=threads)
        self.turn, self.size = turn, turn.shape[0]
        self.share_vectors(self.size, threads)
        self.share_out(1)

    cdef real* sums(self, ix u, ix chunk) noexcept nogil:
        return &self.partial[0] + (chunk * self.units + u) * (self.rows * self.size + 1) * VL

    cdef void clear_chunk(self, ix chunk) noexcept nogil:
        cdef ix u
        for u in range(self.units):
            memset(self.sums(u, chunk), 0, (self.rows * self.size + 1) * VL * sizeof(real))

    cdef void unit(self, ix u, ix slab, ix chunk, ix at, const real* band, real* spare, bint add) noexcept nogil:
        cdef ix c = min(u * VL, self.out_channels - VL), rows = self.rows
        cdef const real* dy = &self.dy[0] + at // self.blocks * self.dy_image + at % self.blocks * self.dy_block + c
        cdef real* dw = self.sums(u, chunk)
        if not add:
            memset(dw, 0, (rows * self.size + 1) * VL * sizeof(real))
        diagonal_sums(self.size, band + c, &self.row[0] if rows else NULL, rows, &self.pixel[0],
                      self.pixels_of(at % self.blocks), dy, self.out_channels, &self.turn[0, 0], spare, dw,
                      dw + rows * self.size * VL)


cdef class grouped_conv3d_backward_filters(conv3d_backward_filters):
    """The same over windows of planes."""
    cdef const int[:, ::1] turn
    cdef ix size

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] partial, real[:, ::1] scratch, windows,
                 ix channels, ix chunks, const int[:, ::1] turn, int threads=1):
        conv3d_backward_filters.__init__(self, x, dy, None, partial, scratch, windows, 1, channels, chunks, threads)
        self.turn, self.size = turn, turn.shape[0]
        self.share_vectors(self.size, threads)
        self.share_out(1)

    cdef real* sums(self, ix u, ix chunk) noexcept nogil:
        return &self.partial[0] + (chunk * self.units + u) * (self.rows * self.size + 1) * VL

    cdef void clear(self, ix u, ix chunk) noexcept nogil:
        memset(self.sums(u, chunk), 0, (self.rows * self.size + 1) * VL * sizeof(real))

    cdef void planes(self, ix u, ix chunk, const real* band, ix pixels, const real* dy, real* spare, ix skipped,
                     ix rows) noexcept nogil:
        cdef ix c = min(u * VL, self.out_channels - VL)
        cdef real* dw = self.sums(u, chunk)
        diagonal_sums(self.size, band + c, &self.row[0] if rows else NULL, rows, &self.pixel[0], pixels, dy + c,
                      self.out_channels, &self.turn[0, 0], spare, dw + skipped * self.size * VL,
                      dw + self.rows * self.size * VL)


cdef class sum_diagonals(Kernel):
    """dw [tap * size + input, channels] and db from the sums of the chunks, added in their order; each may be None.

    Lane l of input c is the sum at ``index[c, l]`` among those of a tap.
    """
    cdef real[::1] partial
    cdef real[:, ::1] dw
    cdef real[::1] db
    cdef const int[:, ::1] index
    cdef ix chunks, channels, taps, size

    def __init__(self, real[::1] partial, real[:, ::1] dw, real[::1] db, const int[:, ::1] index, ix channels, ix taps,
                 ix chunks, int threads=1):
        self.partial, self.dw, self.db, self.index, self.chunks = partial, dw, db, index, chunks
        self.channels, self.taps, self.size = channels, taps, index.shape[0]
        self.threads = useful_threads(threads, <double>channels * taps * self.size * (chunks + VL) / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t, n = self.taps + 1
        for t in prange(vectors_of(self.channels) * n, num_threads=self.threads, schedule="static"):
            if t % n < self.taps:
                self.tap(t // n, t % n)
            elif self.db is not None:
                self.bias(t // n)

    cdef inline vf total(self, ix vector, ix row) noexcept nogil:
        cdef ix c, rows = self.taps * self.size + 1
        cdef const real* sums = &self.partial[0] + (vector * rows + row) * VL
        cdef vf total = vload(sums)
        for c in range(1, self.chunks):
            total = total + vload(sums + c * vectors_of(self.channels) * rows * VL)
        return total

    cdef void tap(self, ix vector, ix t) noexcept nogil:
        cdef real[VL * VL] sums
        cdef ix j, first = min(vector * VL, self.channels - VL)
        if self.dw is None:
            return
        for j in range(self.size):
            vstore(sums + j * VL, self.total(vector, t * self.size + j))
        for j in range(self.size):
            vstore(&self.dw[t * self.size + j, first], vpick(sums, &self.index[j, 0]))

    cdef void bias(self, ix vector) noexcept nogil:
        vstore(&self.db[min(vector * VL, self.channels - VL)], self.total(vector, self.taps * self.size))
