"""A pool's gradient, and what the step in front of the pool makes of it, in one pass over the rows that were written.

The pool writes some rows of cells; while these are in the first caches, `sweep` goes over them once more. So neither
the pool's gradient nor what stood between the two steps is ever stored as a whole.
"""

cdef enum:
    SWEPT_ROWS = 4                      # rows of windows, or of cells, that a sweep goes over


cdef class SweptPoolBackward(PoolBackward):
    """A pool's backward pass; a subclass says what becomes of the rows it has written.

    Some rows are written before a sweep begins: stores of parts of vectors do not forward to the loads behind them.
    """

    cdef void run(self) noexcept nogil:
        cdef ix t, rows = self.steps(), pieces = (rows + SWEPT_ROWS - 1) // SWEPT_ROWS
        for t in prange(self.images * pieces, num_threads=self.threads, schedule="static"):
            self.some(t // pieces, t % pieces * SWEPT_ROWS, min(rows, (t % pieces + 1) * SWEPT_ROWS))

    cdef void some(self, ix n, ix first, ix stop) noexcept nogil:
        """Do some rows of image n."""
        cdef ix i, line = self.s.width * self.s.channels, top = self.first_row(first), end = self.first_row(stop)
        for i in range(first, stop):
            self.step(n, i)
        self.sweep((n * self.s.height + top) * line, (end - top) * line)

    cdef ix first_row(self, ix i) noexcept nogil:
        """Return the first row of cells that step i writes."""
        if i == 0:
            return 0
        if i >= self.steps():
            return self.s.height
        if self.lanes is not None:
            return i
        if self.apart:
            return self.rows_of(i).first
        return i * 2 - self.s.top if self.paired else i

    cdef void sweep(self, ix at, ix size) noexcept nogil:
        """Go over dx[at] to dx[at + size], whole rows."""
        pass


cdef class activation_average_pool2d_backward(SweptPoolBackward):
    """dx = each output's gradient, shared equally by its window's real cells, times f'(x)."""
    cdef const real[::1] x
    cdef Function slope
    cdef real a, b

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] dx, str name, sizes, ix images,
                 double a=1, double b=1, int threads=1):
        PoolBackward.__init__(self, dy, None, dx, sizes, images, threads)
        self.x, self.a, self.b = x, <real>a, <real>b
        self.slope = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].slope

    cdef void sweep(self, ix at, ix size) noexcept nogil:
        cdef const real* x = &self.x[at]
        cdef real* dx = &self.dx[at]
        cdef vf a = vset(self.a), b = vset(self.b)
        cdef ix k
        for k from 0 <= k < size by VL:
            vstore_n(dx + k, vload_n(dx + k, size - k) * self.slope(vload_n(x + k, size - k), a, b), size - k)


cdef class activation_average_pool2d_forward(average_pool2d_forward):
    """y = mean of f(x) over each window's real cells; windows lie apart.

    A row of windows is a few rows of cells: their activations are made in whole vectors, however few the channels are,
    in `scratch` memory (a row of windows' cells a thread) that stays in the first caches, and pooled from there.
    """
    cdef real[:, ::1] scratch
    cdef Function function
    cdef real a, b

    def __init__(self, const real[::1] x, real[::1] y, real[:, ::1] scratch, str name, sizes, ix images,
                 double a=1, double b=1, int threads=1):
        average_pool2d_forward.__init__(self, x, y, sizes, images, threads=threads)
        self.scratch, self.a, self.b = scratch, <real>a, <real>b
        self.function = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].value

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.images * self.s.out_height, num_threads=self.threads, schedule="static"):
            self.activate(t // self.s.out_height, t % self.s.out_height, &self.scratch[threadid(), 0])

    cdef void activate(self, ix n, ix i, real* scratch) noexcept nogil:
        """Do one row of windows of image n."""
        cdef Span rows = self.rows_of(i)
        cdef ix line = self.s.width * self.s.channels, size = rows.count * line, k
        cdef const real* x = &self.x[0] + (n * self.s.height + rows.first) * line
        cdef vf a = vset(self.a), b = vset(self.b)
        for k from 0 <= k < size by VL:
            vstore_n(scratch + k, self.function(vload_n(x + k, size - k), a, b), size - k)
        self.means(scratch, rows.count, n, i)


cdef class normalize_max_pool2d_backward_input(SweptPoolBackward):
    """dx = scale * g - slope 0 - slope 1 * (x - mean), as `normalize_backward_input`; g is dy at a window's winner."""
    cdef const real[::1] x
    cdef const real[:, :, ::1] factors, slopes

    def __init__(self, const real[::1] x, const real[::1] dy, const uint8_t[::1] which, const real[:, :, ::1] factors,
                 const real[:, :, ::1] slopes, real[::1] dx, sizes, ix images, int threads=1):
        PoolBackward.__init__(self, dy, which, dx, sizes, images, threads)
        self.x, self.factors, self.slopes = x, factors, slopes

    cdef void sweep(self, ix at, ix size) noexcept nogil:
        """The factors' period is a line: as many cells as fill whole vectors."""
        cdef ix width = self.factors.shape[2], line, j = 0
        for line from 0 <= line < size by width:
            j = 0
            while j < min(width, size - line):
                self.vector(at + line + j, j, size - line - j)
                j = j + VL

    cdef inline void vector(self, ix at, ix j, ix lanes) noexcept nogil:
        cdef vf d = vload_n(&self.x[at], lanes) - vload(&self.factors[0, MEAN, j])
        cdef vf g = vload(&self.factors[0, SCALE, j]) * vload_n(&self.dx[at], lanes)
        vstore_n(&self.dx[at], g - vload(&self.slopes[0, 0, j]) - vload(&self.slopes[0, 1, j]) * d, lanes)


cdef inline void normalized_window(const bint whole, const bint told, const bint relu, const int rows, const int cols,
                                   const real* x, const Pool* s, int place, const real* factors, ix width, real* y,
                                   uint8_t* which, real* won) noexcept nogil:
    """One window, all channels: the first maximum of the normalized cells, its place, and what stood there in x."""
    cdef ix c, at, lanes, channels = s.channels
    cdef const real* cell
    cdef vf best, mean, scale, offset, v, value
    cdef vi winner
    cdef int r, q
    for c from 0 <= c < channels by VL:
        at = min(c, channels - VL) if whole else c
        lanes = channels - at
        mean = load_lanes(whole, factors + MEAN * width + at, lanes)
        scale = load_lanes(whole, factors + SCALE * width + at, lanes)
        offset = load_lanes(whole, factors + OFFSET * width + at, lanes)
        value = load_lanes(whole, x + at, lanes)
        best, winner = normalized(value, mean, scale, offset), viset(place)
        for r in range(rows):
            cell = x + r * s.width * channels + at
            for q in range(cols):
                v = normalized(load_lanes(whole, cell + q * channels, lanes), mean, scale, offset)
                if told:
                    vtake_winner(&best, &winner, v, place + r * <int>s.window_width + q)
                else:
                    best = vlarger(best, v)
        store_lanes(whole, y + at, vrelu(best) if relu else best, lanes)
        if told:
            value = vset(0)
            for r in range(rows):
                cell = x + r * s.width * channels + at
                for q in range(cols):
                    value = value + vkeep_equal(load_lanes(whole, cell + q * channels, lanes), winner,
                                                place + r * <int>s.window_width + q)
            store_lanes(whole, won + at, value, lanes)
            vstore_bytes_n(which + at, vmark_dead(winner, best, DEAD_WINDOW) if relu else winner, lanes)


cdef class normalize_max_pool2d_forward(Pooling):
    """y = maximum of each window of (x - mean) * scale + offset, then relu if asked.

    Where `which` is not None: the winner's place, a byte, and `won`, its x. The statistics' gradients need no more.
    """
    cdef const real[::1] x
    cdef const real[:, :, ::1] factors
    cdef real[::1] y, won
    cdef uint8_t[::1] which
    cdef bint relu, told

    def __init__(self, const real[::1] x, const real[:, :, ::1] factors, real[::1] y, uint8_t[::1] which, real[::1] won,
                 sizes, ix images, bint relu=False, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.x, self.factors, self.y, self.which, self.won = x, factors, y, which, won
        self.relu, self.told = relu, which is not None

    cdef void line(self, ix n, ix i) noexcept nogil:
        cdef ix j
        cdef const real* x = &self.x[0] + n * self.s.height * self.s.width * self.s.channels
        cdef Span rows = self.rows_of(i), cols
        for j in range(self.s.out_width):
            cols = self.cols_of(j)
            self.window(x + (rows.first * self.s.width + cols.first) * self.s.channels, rows, cols,
                        ((n * self.s.out_height + i) * self.s.out_width + j) * self.s.channels)

    cdef void window(self, const real* x, Span rows, Span cols, ix at) noexcept nogil:
        if self.told and self.relu:
            self.told_window(True, x, rows, cols, at)
        elif self.told:
            self.told_window(False, x, rows, cols, at)
        else:
            normalized_window(False, False, self.relu, <int>rows.count, <int>cols.count, x, &self.s, 0,
                              &self.factors[0, 0, 0], self.factors.shape[2], &self.y[at], NULL, NULL)

    cdef inline void told_window(self, const bint relu, const real* x, Span rows, Span cols, ix at) noexcept nogil:
        cdef int place = <int>(rows.skipped * self.s.window_width + cols.skipped)
        cdef const real* factors = &self.factors[0, 0, 0]
        cdef ix width = self.factors.shape[2]
        if not self.whole:
            normalized_window(False, True, relu, <int>rows.count, <int>cols.count, x, &self.s, place, factors, width,
                              &self.y[at], &self.which[at], &self.won[at])
        elif rows.count == 2 and cols.count == 2:
            normalized_window(True, True, relu, 2, 2, x, &self.s, place, factors, width,
                              &self.y[at], &self.which[at], &self.won[at])
        else:
            normalized_window(True, True, relu, <int>rows.count, <int>cols.count, x, &self.s, place, factors, width,
                              &self.y[at], &self.which[at], &self.won[at])
