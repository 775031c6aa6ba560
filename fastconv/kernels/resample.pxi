"""Weighted sums along one axis: resizing, and its gradient; and cells repeated along up to three axes at once."""


cdef inline void weighted_pair(const real* x, const real* z, real a, real b, ix size, real* y) noexcept nogil:
    """y = a * x + b * z, for at least a vector of values; the last one ends at the last value."""
    cdef ix i, at
    for i from 0 <= i < size by VL:
        at = min(i, size - VL)
        vstore(y + at, vset(a) * vload(x + at) + vset(b) * vload(z + at))


cdef inline void weighted_sum(const real* x, ix step, const ix* source, const real* weight, ix count, ix size,
                              real* y) noexcept nogil:
    """y = sum over k of weight[k] * x[source[k]], of lines of `size` values that lie `step` apart."""
    cdef ix i, k
    cdef vf total
    if count == 2 and size >= VL:
        weighted_pair(x + source[0] * step, x + source[1] * step, weight[0], weight[1], size, y)
        return
    for i from 0 <= i < size by VL:
        total = vset(0)
        for k in range(count):
            total = total + vset(weight[k]) * vload_n(x + source[k] * step + i, size - i)
        vstore_n(y + i, total, size - i)


cdef class along_axis(Kernel):
    """y[n, o, i] = sum of weight[k] * x[n, source[k], i] over k from first[o] to first[o + 1].

    With the transposed lists it is its own gradient.
    """
    cdef const real[:, :, ::1] x
    cdef real[:, :, ::1] y
    cdef const ix[::1] first, source
    cdef const real[::1] weight

    def __init__(self, const real[:, :, ::1] x, real[:, :, ::1] y, const ix[::1] first, const ix[::1] source,
                 const real[::1] weight, int threads=1):
        self.x, self.y, self.first, self.source, self.weight = x, y, first, source, weight
        self.threads = useful_threads(threads, 2.0 * y.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t, size = self.y.shape[1]
        for t in prange(self.y.shape[0] * size, num_threads=self.threads, schedule="static"):
            self.line(t // size, t % size)

    cdef void line(self, ix n, ix o) noexcept nogil:
        cdef ix inner = self.y.shape[2], at = self.first[o], count = self.first[o + 1] - at
        if inner > 0:
            weighted_sum(&self.x[n, 0, 0] if count else NULL, inner, &self.source[at] if count else NULL,
                         &self.weight[at] if count else NULL, count, inner, &self.y[n, o, 0])


cdef class along_two_axes(Kernel):
    """The same along the rows and then the columns of images [n, height, width, channels], one output row at a time.

    Its row of weighted input rows stays in the first cache, in `scratch`, a row a thread.
    """
    cdef const real[:, :, :, ::1] x
    cdef real[:, :, :, ::1] y
    cdef real[:, ::1] scratch
    cdef const ix[::1] row_first, row_source, col_first, col_source
    cdef const real[::1] row_weight, col_weight

    def __init__(self, const real[:, :, :, ::1] x, real[:, :, :, ::1] y, real[:, ::1] scratch, rows, columns,
                 int threads=1):
        """rows, columns: first, source and weight; see `along_axis`."""
        self.x, self.y, self.scratch = x, y, scratch
        self.row_first, self.row_source, self.row_weight = rows
        self.col_first, self.col_source, self.col_weight = columns
        self.threads = useful_threads(threads, 2.0 * y.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t
        if self.y.shape[2] * self.y.shape[3] > 0:
            for t in prange(self.y.shape[0] * self.y.shape[1], num_threads=self.threads, schedule="static"):
                self.row(t // self.y.shape[1], t % self.y.shape[1], threadid())

    cdef void row(self, ix n, ix o, int thread) noexcept nogil:
        cdef ix q, at = self.row_first[o], count = self.row_first[o + 1] - at
        cdef ix channels = self.x.shape[3], line = self.x.shape[2] * channels
        cdef real* middle = &self.scratch[thread, 0]
        weighted_sum(&self.x[n, 0, 0, 0] if count else NULL, line, &self.row_source[at] if count else NULL,
                     &self.row_weight[at] if count else NULL, count, line, middle)
        for q in range(self.y.shape[2]):
            at, count = self.col_first[q], self.col_first[q + 1] - self.col_first[q]
            weighted_sum(middle, channels, &self.col_source[at] if count else NULL,
                         &self.col_weight[at] if count else NULL, count, channels, &self.y[n, o, q, 0])


cdef class Repeats(Kernel):
    """Cells [n, depth, height, width, channels], each repeated along all three axes; a piece of work is a row."""
    cdef ix rows, height, width, channels, planes_of, rows_of, cells_of
    cdef bint whole                                    # whether the channels fill a vector

    def __init__(self, sizes, times, int threads):
        cdef ix n, depth
        n, depth, self.height, self.width, self.channels = sizes
        self.planes_of, self.rows_of, self.cells_of = times
        self.rows, self.whole = n * depth * self.height, self.channels >= VL
        self.threads = useful_threads(threads, <double>self.planes_of * self.rows_of * self.cells_of * self.rows
                                      * self.width * ((self.channels + VL - 1) // VL))

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.rows, num_threads=self.threads, schedule="static"):
            self.row(t)

    cdef void row(self, ix t) noexcept nogil:
        pass

    cdef ix line(self) noexcept nogil:
        """Return the distance of two rows of the larger array."""
        return self.width * self.cells_of * self.channels

    cdef ix place(self, ix t) noexcept nogil:
        """Return where the first repeat of row t begins in the larger array."""
        cdef ix at = t // self.height * self.planes_of * self.height + t % self.height
        return at * self.rows_of * self.line()


cdef class repeat_forward(Repeats):
    """y = each cell of x, repeated: the first row is written, the others are its copies."""
    cdef const real[::1] x
    cdef real[::1] y

    def __init__(self, const real[::1] x, real[::1] y, sizes, times, int threads=1):
        Repeats.__init__(self, sizes, times, threads)
        self.x, self.y = x, y

    cdef void row(self, ix t) noexcept nogil:
        cdef ix q, plane, row, size = self.line(), skip = self.height * self.rows_of * size
        cdef const real* x = &self.x[0] + t * self.width * self.channels
        cdef real* y = &self.y[0] + self.place(t)
        if self.cells_of == 1:
            memcpy(y, x, size * sizeof(real))
        else:
            for q in range(self.width):
                self.cell(x + q * self.channels, y + q * self.cells_of * self.channels)
        for plane in range(self.planes_of):
            for row in range(self.rows_of):
                if plane + row > 0:
                    memcpy(y + plane * skip + row * size, y, size * sizeof(real))

    cdef inline void cell(self, const real* x, real* y) noexcept nogil:
        cdef ix c, at, k
        cdef vf v
        for c from 0 <= c < self.channels by VL:
            at = min(c, self.channels - VL) if self.whole else c
            v = load_lanes(self.whole, x + at, self.channels - at)
            for k in range(self.cells_of):
                store_lanes(self.whole, y + k * self.channels + at, v, self.channels - at)


cdef class repeat_backward(Repeats):
    """dx = sum of the gradients of each cell's repeats."""
    cdef const real[::1] dy
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, times, int threads=1):
        Repeats.__init__(self, sizes, times, threads)
        self.dy, self.dx = dy, dx

    cdef void row(self, ix t) noexcept nogil:
        cdef ix q, size = self.line(), skip = self.height * self.rows_of * size
        cdef real* dx = &self.dx[0] + t * self.width * self.channels
        cdef const real* dy = &self.dy[0] + self.place(t)
        for q in range(self.width):
            if self.whole and self.cells_of == 2:
                self.cell(True, 2, dy, skip, size, dx)
            else:
                self.cell(self.whole, self.cells_of, dy, skip, size, dx)
            dx += self.channels
            dy += self.cells_of * self.channels

    cdef inline void cell(self, const bint whole, const ix cells, const real* dy, ix skip, ix size,
                          real* dx) noexcept nogil:
        """Sum up all repeats of a cell, of which so many lie side by side; planes lie `skip` apart, and rows `size`."""
        cdef ix c, at, plane, row, k, lanes
        cdef vf total
        for c from 0 <= c < self.channels by VL:
            at = min(c, self.channels - VL) if whole else c
            total, lanes = vset(0), self.channels - at
            for plane in range(self.planes_of):
                for row in range(self.rows_of):
                    for k in range(cells):
                        total = total + load_lanes(
                            whole, dy + plane * skip + row * size + k * self.channels + at, lanes)
            store_lanes(whole, dx + at, total, lanes)
