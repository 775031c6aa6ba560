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

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, const ix[:, ::1] window, const ix[:, ::1] over,
                 int threads):
        AxisPool.__init__(self, sizes, window, threads)
        self.dy, self.dx, self.over = dy, dx, over

    cdef ix lines(self) noexcept nogil:
        return self.cells


cdef class axis_mean_backward(AxisPoolBackward):
    """dx = each output's gradient, shared equally by its window's cells."""

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, const ix[:, ::1] window, const ix[:, ::1] over,
                 int threads=1):
        AxisPoolBackward.__init__(self, dy, dx, sizes, window, over, threads)

    cdef void line(self, ix n, ix k) noexcept nogil:
        cdef ix c, i, count
        cdef real* dx = &self.dx[0] + (n * self.cells + k) * self.inner
        cdef const real* dy = &self.dy[0] + n * self.windows * self.inner
        cdef vf total
        for c from 0 <= c < self.inner by VL:
            total = vset(0)
            for i in range(self.over[k, 0], self.over[k, 1]):
                count = self.window[i, 1] - self.window[i, 0]
                total = total + vload_n(dy + i * self.inner + c, self.inner - c) / vset(<real>count)
            vstore_n(dx + c, total, self.inner - c)


cdef class axis_max_backward(AxisPoolBackward):
    """dx = each output's gradient at its winner, whose place in the window is a byte."""
    cdef const uint8_t[::1] which

    def __init__(self, const real[::1] dy, const uint8_t[::1] which, real[::1] dx, sizes, const ix[:, ::1] window,
                 const ix[:, ::1] over, int threads=1):
        AxisPoolBackward.__init__(self, dy, dx, sizes, window, over, threads)
        self.which = which

    cdef void line(self, ix n, ix k) noexcept nogil:
        cdef ix c, i, lanes, at = n * self.windows * self.inner
        cdef real* dx = &self.dx[0] + (n * self.cells + k) * self.inner
        cdef vf total
        for c from 0 <= c < self.inner by VL:
            total, lanes = vset(0), self.inner - c
            for i in range(self.over[k, 0], self.over[k, 1]):
                total = total + vkeep_equal(vload_n(&self.dy[at + i * self.inner + c], lanes),
                                            vload_bytes_n(&self.which[at + i * self.inner + c], lanes),
                                            <int>(k - self.window[i, 0]))
            vstore_n(dx + c, total, lanes)


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
