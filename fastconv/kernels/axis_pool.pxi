"""Pooling along one axis with windows of any sizes: x [outer, n, inner] to y [outer, m, inner], for adaptive pools.

Lists say where each window begins and ends, and backward which windows lie over a cell. `inner` is the vector
dimension: the axes behind, channels among them. Several axes are pooled one after the other, the last one first, so
that of equal cells the first one in memory wins.
"""

cdef class AxisPool(Kernel):
    """Windows over one axis; a subclass says what a line of `inner` values of x or y becomes."""
    cdef ix outer, cells, windows, inner
    cdef const ix[:, ::1] window                # [windows] first cell, end

    def __init__(self, sizes, const ix[:, ::1] window, int threads):
        """sizes: outer, cells, inner."""
        self.outer, self.cells, self.inner = sizes
        self.window, self.windows = window, window.shape[0]
        self.threads = useful_threads(threads, 4.0 * self.outer * self.cells * ((self.inner + VL - 1) // VL))

    cdef ix lines(self) noexcept nogil:
        """Return how many lines of `inner` values are written for each of outer."""
        return self.windows

    cdef void run(self) noexcept nogil:
        cdef ix t, lines = self.lines()
        for t in prange(self.outer * lines, num_threads=self.threads, schedule="static"):
            self.line(t // lines, t % lines)

    cdef void line(self, ix n, ix i) noexcept nogil:
        pass


cdef class axis_mean_forward(AxisPool):
    """y = mean of each window."""
    cdef const real[::1] x
    cdef real[::1] y

    def __init__(self, const real[::1] x, real[::1] y, sizes, const ix[:, ::1] window, int threads=1):
        AxisPool.__init__(self, sizes, window, threads)
        self.x, self.y = x, y

    cdef void line(self, ix n, ix i) noexcept nogil:
        cdef ix c, k, first = self.window[i, 0], count = self.window[i, 1] - first
        cdef const real* x = &self.x[0] + (n * self.cells + first) * self.inner
        cdef real* y = &self.y[0] + (n * self.windows + i) * self.inner
        cdef vf total
        for c from 0 <= c < self.inner by VL:
            total = vload_n(x + c, self.inner - c)
            for k in range(1, count):
                total = total + vload_n(x + k * self.inner + c, self.inner - c)
            vstore_n(y + c, total / vset(<real>count), self.inner - c)


cdef class axis_max_forward(AxisPool):
    """y = maximum of each window; which = its place in the window, the first of equals, in bytes or ints, or None."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef uint8_t[::1] bytes
    cdef int[::1] ints
    cdef int saving

    def __init__(self, const real[::1] x, real[::1] y, which, sizes, const ix[:, ::1] window, int threads=1):
        AxisPool.__init__(self, sizes, window, threads)
        self.x, self.y, self.saving = x, y, FORGET
        if which is not None:
            self.saving = BYTES if which.itemsize == 1 else INTS
        if self.saving == BYTES:
            self.bytes = which
        elif self.saving == INTS:
            self.ints = which

    cdef void line(self, ix n, ix i) noexcept nogil:
        cdef ix c, k, lanes, first = self.window[i, 0], count = self.window[i, 1] - first
        cdef ix at = (n * self.windows + i) * self.inner
        cdef const real* x = &self.x[0] + (n * self.cells + first) * self.inner
        cdef vf best
        cdef vi winner
        for c from 0 <= c < self.inner by VL:
            lanes = self.inner - c
            best, winner = vload_n(x + c, lanes), viset(0)
            for k in range(1, count):
                vtake_winner(&best, &winner, vload_n(x + k * self.inner + c, lanes), <int>k)
            vstore_n(&self.y[at + c], best, lanes)
            if self.saving == BYTES:
                vstore_bytes_n(&self.bytes[at + c], winner, lanes)
            elif self.saving == INTS:
                vstore_int_n(&self.ints[at + c], winner, lanes)


cdef class AxisPoolBackward(AxisPool):
    """dx, cell by cell: a cell gathers from the windows that lie over it."""
    cdef const real[::1] dy
    cdef real[::1] dx
    cdef const ix[:, ::1] over                  # [cells] first window over it, end
    cdef Lanes lanes                            # where `inner` does not fill a vector, see few_channels.pxi

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, const ix[:, ::1] window, const ix[:, ::1] over,
                 int threads):
        AxisPool.__init__(self, sizes, window, threads)
        self.dy, self.dx, self.over = dy, dx, over
        self.lanes = self.lanes_of_a_row() if self.inner < VL else None

    cdef Lanes lanes_of_a_row(self):
        """Return the tables for cells of a few values; None where too many windows lie over them."""
        cdef ix i
        cdef Lanes lanes = Lanes(self.windows, 1)
        lanes.row[0].count = 1
        for i in range(self.windows):
            lanes.window[i].first, lanes.window[i].skipped = self.window[i, 0], 0
            lanes.window[i].count = self.window[i, 1] - self.window[i, 0]
        lanes.fill(self.cells, self.inner, lanes.window[0].count if self.windows else 0)
        return lanes if lanes.fits else None

    cdef ix lines(self) noexcept nogil:
        return self.cells if self.lanes is None else 1

    cdef void line(self, ix n, ix k) noexcept nogil:
        if self.lanes is None:
            self.cell(n, k)
        else:
            self.row(n * self.windows * self.inner, n * self.cells * self.inner)

    cdef void row(self, ix at, ix cells) noexcept nogil:
        """Write all cells from `cells` on, by their lanes; their windows' gradients begin at `at`."""
        pass

    cdef void cell(self, ix n, ix k) noexcept nogil:
        """Write the values of one cell."""
        pass


cdef class axis_mean_backward(AxisPoolBackward):
    """dx = each output's gradient, shared equally by its window's cells."""

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, const ix[:, ::1] window, const ix[:, ::1] over,
                 int threads=1):
        AxisPoolBackward.__init__(self, dy, dx, sizes, window, over, threads)

    cdef void row(self, ix at, ix cells) noexcept nogil:
        self.lanes.shares(&self.dy[0] + at, self.lanes.row, 1, &self.dx[0] + cells)

    cdef void cell(self, ix n, ix k) noexcept nogil:
        cdef ix i = self.over[k, 0], windows = self.over[k, 1] - i
        cdef ix at = (n * self.windows + i) * self.inner
        cdef real* dx = &self.dx[0] + (n * self.cells + k) * self.inner
        if windows == 1 and self.inner >= VL:
            self.shared(True, 1, i, at, dx)
        elif windows == 2 and self.inner >= VL:
            self.shared(True, 2, i, at, dx)
        else:
            self.shared(False, windows, i, at, dx)

    cdef inline void shared(self, const bint whole, const ix windows, ix first, ix at, real* dx) noexcept nogil:
        """The same for so many windows, which most cells have one or two of."""
        cdef ix c, to, i, count
        cdef const real* dy = &self.dy[0] + at
        cdef vf total
        for c from 0 <= c < self.inner by VL:
            to = min(c, self.inner - VL) if whole else c
            total = vset(0)
            for i in range(windows):
                count = self.window[first + i, 1] - self.window[first + i, 0]
                total = total + load_lanes(whole, dy + i * self.inner + to, self.inner - to) / vset(<real>count)
            store_lanes(whole, dx + to, total, self.inner - to)


cdef class axis_max_backward(AxisPoolBackward):
    """dx = each output's gradient at its winner, whose place in the window is a byte."""
    cdef const uint8_t[::1] which

    def __init__(self, const real[::1] dy, const uint8_t[::1] which, real[::1] dx, sizes, const ix[:, ::1] window,
                 const ix[:, ::1] over, int threads=1):
        AxisPoolBackward.__init__(self, dy, dx, sizes, window, over, threads)
        self.which = which

    cdef void row(self, ix at, ix cells) noexcept nogil:
        self.lanes.winners(&self.dy[0] + at, &self.which[0] + at, 1, 0, 0, &self.dx[0] + cells)

    cdef void cell(self, ix n, ix k) noexcept nogil:
        cdef ix i = self.over[k, 0], windows = self.over[k, 1] - i
        cdef ix at = (n * self.windows + i) * self.inner
        cdef real* dx = &self.dx[0] + (n * self.cells + k) * self.inner
        if windows == 1 and self.inner >= VL:
            self.won(True, 1, i, k, at, dx)
        elif windows == 2 and self.inner >= VL:
            self.won(True, 2, i, k, at, dx)
        else:
            self.won(False, windows, i, k, at, dx)

    cdef inline void won(self, const bint whole, const ix windows, ix first, ix k, ix at, real* dx) noexcept nogil:
        """The same for so many windows, which most cells have one or two of."""
        cdef ix c, to, i, lanes
        cdef const real* dy = &self.dy[0] + at
        cdef const uint8_t* which = &self.which[0] + at
        cdef vf total
        for c from 0 <= c < self.inner by VL:
            to = min(c, self.inner - VL) if whole else c
            total, lanes = vset(0), self.inner - to
            for i in range(windows):
                total = total + vkeep_equal(load_lanes(whole, dy + i * self.inner + to, lanes),
                                            vload_bytes_n(which + i * self.inner + to, lanes),
                                            <int>(k - self.window[first + i, 0]))
            store_lanes(whole, dx + to, total, lanes)


cdef class axis_max_scatter(AxisPool):
    """dx = each output's gradient added at its winner, for windows so large that places are ints."""
    cdef const real[::1] dy
    cdef const int[::1] which
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, const int[::1] which, real[::1] dx, sizes, const ix[:, ::1] window,
                 int threads=1):
        AxisPool.__init__(self, sizes, window, threads)
        self.dy, self.which, self.dx = dy, which, dx

    cdef ix lines(self) noexcept nogil:
        return 1

    cdef void line(self, ix n, ix unused) noexcept nogil:
        """All windows of one of outer."""
        cdef ix i, c, at
        cdef real* dx = &self.dx[0] + n * self.cells * self.inner
        memset(dx, 0, self.cells * self.inner * sizeof(real))
        for i in range(self.windows):
            for c in range(self.inner):
                at = (n * self.windows + i) * self.inner + c
                dx[(self.window[i, 0] + self.which[at]) * self.inner + c] += self.dy[at]
