"""Max and average pooling: forward, backward. Channels are the vector dimension; padded cells do not exist.

Nothing is added to memory: forward writes each output once, and backward each cell of dx once. Where windows lie apart
a window hands its gradient to its own cells (and zeros to the gap behind it); where they overlap a cell gathers from
the windows that cover it. A last vector of channels that is not whole slides back over the one before it: the lanes
that both hold get the same values twice. The usual windows of 2x2 and 3x3 cells are loops of constant length.
"""

cdef enum:
    FORGET, BYTES, INTS                 # how a winner's place in its window is saved: not; in a byte; in an int
    NO_WINNER = 255                     # the place in a byte of a window without cells
    POOL_WORK = 6                       # simple operations for a vector of one cell


cdef struct Pool:                       # of both axes: input and output sizes, window, stride, cells of padding before
    ix height, width, channels, out_height, out_width
    ix window_height, window_width, stride_height, stride_width, top, left


cdef inline Span span_of(ix index, ix window, ix stride, ix before, ix size) noexcept nogil:
    cdef ix start = index * stride - before
    cdef Span s
    s.first = min(max(0, start), size)
    s.count = max(0, min(size, start + window) - s.first)
    s.skipped = s.first - start
    return s


cdef inline vf load_lanes(const bint whole, const real* p, ix lanes) noexcept nogil:
    return vload(p) if whole else vload_n(p, lanes)


cdef inline void store_lanes(const bint whole, real* p, vf v, ix lanes) noexcept nogil:
    if whole:
        vstore(p, v)
    else:
        vstore_n(p, v, lanes)


cdef class Pooling(Kernel):
    cdef Pool s
    cdef ix images
    cdef bint whole                     # whether the channels fill a vector

    def __init__(self, sizes, ix images, int threads):
        cdef Pool s
        (s.height, s.width, s.channels, s.out_height, s.out_width, s.window_height, s.window_width,
         s.stride_height, s.stride_width, s.top, s.left) = sizes
        self.s, self.images, self.whole = s, images, s.channels >= VL
        cdef double cells = <double>images * s.out_height * s.out_width * s.window_height * s.window_width
        self.threads = useful_threads(threads, POOL_WORK * cells * ((s.channels + VL - 1) // VL))

    cdef inline Span rows_of(self, ix i) noexcept nogil:
        return span_of(i, self.s.window_height, self.s.stride_height, self.s.top, self.s.height)

    cdef inline Span cols_of(self, ix j) noexcept nogil:
        return span_of(j, self.s.window_width, self.s.stride_width, self.s.left, self.s.width)

    cdef void run(self) noexcept nogil:
        """Forward: one row of windows after another."""
        cdef ix t
        for t in prange(self.images * self.s.out_height, num_threads=self.threads, schedule="static"):
            self.line(t // self.s.out_height, t % self.s.out_height)

    cdef void line(self, ix n, ix i) noexcept nogil:
        """Do one row of windows, or of cells, of image n."""
        pass


cdef inline void max_window(const bint whole, const int saving, const int rows, const int cols, const real* x,
                            const Pool* s, int place, real* y, uint8_t* bytes, int* ints) noexcept nogil:
    """One window, all channels: the first maximum of rows x cols cells; `place` is the first cell's in its window."""
    cdef ix c, at, lanes, channels = s.channels
    cdef const real* row
    cdef vf best
    cdef vi winner
    cdef int r, q
    for c from 0 <= c < channels by VL:
        at = min(c, channels - VL) if whole else c
        lanes = channels - at
        best, winner = load_lanes(whole, x + at, lanes), viset(place)
        for r in range(rows):
            row = x + r * s.width * channels + at
            for q in range(cols):
                if saving != FORGET:
                    vtake_winner(&best, &winner, load_lanes(whole, row + q * channels, lanes),
                                 place + r * <int>s.window_width + q)
                else:
                    best = vlarger(best, load_lanes(whole, row + q * channels, lanes))
        store_lanes(whole, y + at, best, lanes)
        if saving == BYTES:
            vstore_bytes_n(bytes + at, winner, lanes)
        elif saving == INTS:
            vstore_int_n(ints + at, winner, lanes)


cdef class max_pool2d_forward(Pooling):
    """y = maximum of each window; which = its place in the window (row * width + column), the first of equals.

    `which` is None, or bytes, or ints for windows of more cells than a byte can number.
    """
    cdef const real[::1] x
    cdef real[::1] y
    cdef uint8_t[::1] bytes
    cdef int[::1] ints
    cdef int saving

    def __init__(self, const real[::1] x, real[::1] y, which, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.x, self.y, self.saving = x, y, FORGET
        if which is not None:
            self.saving = BYTES if which.itemsize == 1 else INTS
        if self.saving == BYTES:
            self.bytes = which
        elif self.saving == INTS:
            self.ints = which

    cdef void line(self, ix n, ix i) noexcept nogil:
        cdef ix j, at
        cdef const real* x = &self.x[0] + n * self.s.height * self.s.width * self.s.channels
        cdef Span rows = self.rows_of(i), cols
        for j in range(self.s.out_width):
            cols = self.cols_of(j)
            at = ((n * self.s.out_height + i) * self.s.out_width + j) * self.s.channels
            if rows.count == 0 or cols.count == 0:
                self.nothing(at)
            else:
                self.window(x + (rows.first * self.s.width + cols.first) * self.s.channels, rows, cols, at)

    cdef inline void window(self, const real* x, Span rows, Span cols, ix at) noexcept nogil:
        cdef int place = <int>(rows.skipped * self.s.window_width + cols.skipped)
        cdef const Pool* s = &self.s
        cdef real* y = &self.y[at]
        if self.saving == INTS:
            max_window(False, INTS, <int>rows.count, <int>cols.count, x, s, place, y, NULL, &self.ints[at])
        elif self.saving == FORGET:
            if not self.whole:
                max_window(False, FORGET, <int>rows.count, <int>cols.count, x, s, place, y, NULL, NULL)
            elif rows.count == 2 and cols.count == 2:
                max_window(True, FORGET, 2, 2, x, s, place, y, NULL, NULL)
            elif rows.count == 3 and cols.count == 3:
                max_window(True, FORGET, 3, 3, x, s, place, y, NULL, NULL)
            else:
                max_window(True, FORGET, <int>rows.count, <int>cols.count, x, s, place, y, NULL, NULL)
        elif not self.whole:
            max_window(False, BYTES, <int>rows.count, <int>cols.count, x, s, place, y, &self.bytes[at], NULL)
        elif rows.count == 2 and cols.count == 2:
            max_window(True, BYTES, 2, 2, x, s, place, y, &self.bytes[at], NULL)
        elif rows.count == 3 and cols.count == 3:
            max_window(True, BYTES, 3, 3, x, s, place, y, &self.bytes[at], NULL)
        else:
            max_window(True, BYTES, <int>rows.count, <int>cols.count, x, s, place, y, &self.bytes[at], NULL)

    cdef void nothing(self, ix at) noexcept nogil:
        """A window wholly in the padding."""
        cdef ix c
        for c in range(self.s.channels):
            self.y[at + c] = -INFINITY
            if self.saving == BYTES:
                self.bytes[at + c] = NO_WINNER
            elif self.saving == INTS:
                self.ints[at + c] = -1


cdef inline void mean_window(const bint whole, const int rows, const int cols, const real* x, const Pool* s,
                             real* y) noexcept nogil:
    """One window, all channels: the mean of rows x cols cells."""
    cdef ix c, at, lanes, channels = s.channels
    cdef const real* row
    cdef vf total, line
    cdef int r, q
    for c from 0 <= c < channels by VL:
        at = min(c, channels - VL) if whole else c
        lanes = channels - at
        total = vset(0)
        for r in range(rows):
            row = x + r * s.width * channels + at
            line = load_lanes(whole, row, lanes)
            for q in range(1, cols):
                line = line + load_lanes(whole, row + q * channels, lanes)
            total = total + line
        store_lanes(whole, y + at, total / vset(<real>(rows * cols)), lanes)


cdef class average_pool2d_forward(Pooling):
    """y = mean of each window's real cells."""
    cdef const real[::1] x
    cdef real[::1] y

    def __init__(self, const real[::1] x, real[::1] y, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.x, self.y = x, y

    cdef void line(self, ix n, ix i) noexcept nogil:
        cdef Span rows = self.rows_of(i)
        self.means(&self.x[0] + (n * self.s.height + rows.first) * self.s.width * self.s.channels, rows.count, n, i)

    cdef void means(self, const real* x, ix rows, ix n, ix i) noexcept nogil:
        """Do one row of windows of image n, whose rows of cells begin at x."""
        cdef ix j
        cdef real* y = &self.y[0] + (n * self.s.out_height + i) * self.s.out_width * self.s.channels
        cdef Span cols
        for j in range(self.s.out_width):
            cols = self.cols_of(j)
            if rows == 0 or cols.count == 0:
                memset(y, 0, self.s.channels * sizeof(real))
            else:
                self.window(x + cols.first * self.s.channels, rows, cols.count, y)
            y += self.s.channels

    cdef inline void window(self, const real* x, ix rows, ix cols, real* y) noexcept nogil:
        if not self.whole:
            mean_window(False, <int>rows, <int>cols, x, &self.s, y)
        elif rows == 2 and cols == 2:
            mean_window(True, 2, 2, x, &self.s, y)
        elif rows == 3 and cols == 3:
            mean_window(True, 3, 3, x, &self.s, y)
        else:
            mean_window(True, <int>rows, <int>cols, x, &self.s, y)


cdef inline void hand_out(const bint whole, const bint winners, const int rows, const int cols, const real* dy,
                          const uint8_t* which, const Pool* s, int place, real* dx) noexcept nogil:
    """One window, all channels: dy at its winner and zero at its other cells, or an equal share at each cell."""
    cdef ix c, at, lanes, channels = s.channels
    cdef vf g
    cdef vi winner
    cdef real* row
    cdef int r, q
    for c from 0 <= c < channels by VL:
        at = min(c, channels - VL) if whole else c
        lanes = channels - at
        g, winner = load_lanes(whole, dy + at, lanes), viset(0)
        if winners:
            winner = vload_bytes_n(which + at, lanes)
        else:
            g = g / vset(<real>(rows * cols))
        for r in range(rows):
            row = dx + r * s.width * channels + at
            for q in range(cols):
                store_lanes(whole, row + q * channels,
                            vkeep_equal(g, winner, place + r * <int>s.window_width + q) if winners else g, lanes)


cdef inline void gather(const bint winners, const int rows, const int cols, const real* dy, const uint8_t* which,
                        const Pool* s, int place, real divisor, real* dx) noexcept nogil:
    """One cell, all channels: its sum over rows x cols windows; `place` is the cell's in the first of them."""
    cdef ix c, at, channels = s.channels, offset
    cdef vf total, g
    cdef int i, j
    for c from 0 <= c < channels by VL:
        at = min(c, channels - VL)
        total = vset(0)
        for i in range(rows):
            for j in range(cols):
                offset = (i * s.out_width + j) * channels + at
                g = vload(dy + offset)
                if winners:
                    g = vkeep_equal(g, vload_bytes_n(which + offset, VL),
                                    place - <int>(i * s.stride_height * s.window_width + j * s.stride_width))
                total = total + g
        if not winners:
            total = total / vset(divisor)
        vstore(dx + at, total)


cdef class PoolBackward(Pooling):
    """dx = each output's gradient at its winner, or without `which` shared equally by its window's cells."""
    cdef const real[::1] dy
    cdef const uint8_t[::1] which
    cdef real[::1] dx
    cdef bint apart, winners, paired            # paired: windows of 3x3 cells, two apart, see overlapping_pool.pxi
    cdef bint masked                            # of a mean behind a relu, see conv_average_pool.pxi
    cdef Lanes lanes                            # where channels do not fill a vector, see few_channels.pxi

    def __init__(self, const real[::1] dy, const uint8_t[::1] which, real[::1] dx, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.dy, self.which, self.dx, self.winners = dy, which, dx, which is not None
        self.apart = (self.s.stride_height >= self.s.window_height and self.s.stride_width >= self.s.window_width)
        self.paired = (self.winners and self.whole and self.s.window_height == self.s.window_width == 3
                       and self.s.stride_height == self.s.stride_width == 2)
        # A window that hands out costs a store a cell: lanes pay where cells are small and windows narrow (measured).
        cdef bint small = not self.apart or self.s.channels * self.s.window_width <= VL
        self.lanes = self.lanes_of_a_row() if small and not (self.whole or self.masked) else None

    cdef Lanes lanes_of_a_row(self):
        cdef ix i, j
        cdef Lanes lanes = Lanes(self.s.out_width, self.s.out_height)
        for i in range(self.s.out_height):
            lanes.row[i] = self.rows_of(i)
        for j in range(self.s.out_width):
            lanes.window[j] = self.cols_of(j)
        lanes.fill(self.s.width, self.s.channels, self.s.window_width)
        return lanes

    cdef void run(self) noexcept nogil:
        cdef ix t, rows = self.steps()
        for t in prange(self.images * rows, num_threads=self.threads, schedule="static"):
            self.step(t // rows, t % rows)

    cdef ix steps(self) noexcept nogil:
        """Return how many steps an image is: rows of windows, of blocks of 2x2 cells, or of cells."""
        if self.lanes is not None:
            return self.s.height
        if self.apart:
            return self.s.out_height
        return (self.s.height + self.s.top + 1) // 2 if self.paired else self.s.height

    cdef void step(self, ix n, ix i) noexcept nogil:
        if self.lanes is not None:
            self.lane_row(n, i)
        elif self.apart:
            self.line(n, i)
        elif self.paired:
            self.blocks(n, i)
        else:
            self.cells(n, i)

    cdef const uint8_t* winner(self, ix at) noexcept nogil:
        return &self.which[at] if self.winners else NULL

    cdef ix first_over(self, ix r) noexcept nogil:
        """Return the first row of windows that reaches row r of cells."""
        return max(0, (r + self.s.top - self.s.window_height + self.s.stride_height) // self.s.stride_height)

    # -- few channels
    cdef void lane_row(self, ix n, ix r) noexcept nogil:
        """Write one row of cells, whatever its windows are, in vectors that know nothing of where cells end."""
        cdef const Pool* s = &self.s
        cdef ix first = self.first_over(r), rows = min(s.out_height, (r + s.top) // s.stride_height + 1) - first
        cdef ix at = (n * s.out_height + first) * s.out_width * s.channels
        cdef real* dx = &self.dx[0] + (n * s.height + r) * s.width * s.channels
        if self.winners:
            self.lanes.winners(&self.dy[0] + at, &self.which[0] + at, rows,
                               <int>((r + s.top - first * s.stride_height) * s.window_width),
                               <int>(s.stride_height * s.window_width), dx)
        else:
            self.lanes.shares(&self.dy[0] + at, self.lanes.row + first, rows, dx)

    # -- windows that lie apart
    cdef void line(self, ix n, ix i) noexcept nogil:
        """Write the cells of one row of windows, and zeros up to the next row."""
        cdef ix j, line = self.s.width * self.s.channels, last = self.s.out_width - 1
        cdef ix at = (n * self.s.out_height + i) * self.s.out_width * self.s.channels
        cdef real* dx = &self.dx[0] + n * self.s.height * line
        cdef Span rows = self.rows_of(i), cols
        cdef ix stop = self.rows_of(i + 1).first if i + 1 < self.s.out_height else self.s.height
        for j in range(self.s.out_width):
            cols = self.cols_of(j)
            self.window(at + j * self.s.channels, rows, cols, dx)
            self.gap(dx, rows, cols.first + cols.count,
                     self.cols_of(j + 1).first if j < last else self.s.width)
        memset(dx + (rows.first + rows.count) * line, 0, (stop - rows.first - rows.count) * line * sizeof(real))

    cdef inline void gap(self, real* dx, Span rows, ix first, ix stop) noexcept nogil:
        """Write zeros to the columns between two windows."""
        cdef ix r
        if first < stop:
            for r in range(rows.first, rows.first + rows.count):
                memset(dx + (r * self.s.width + first) * self.s.channels, 0,
                       (stop - first) * self.s.channels * sizeof(real))

    cdef inline void window(self, ix at, Span rows, Span cols, real* dx) noexcept nogil:
        cdef int place = <int>(rows.skipped * self.s.window_width + cols.skipped)
        dx += (rows.first * self.s.width + cols.first) * self.s.channels
        if self.masked:
            share_masked(self.whole, rows.count, cols.count, &self.dy[at], &self.which[at], &self.s, dx)
        elif self.winners:
            self.hand(True, rows.count, cols.count, &self.dy[at], self.winner(at), place, dx)
        else:
            self.hand(False, rows.count, cols.count, &self.dy[at], NULL, place, dx)

    cdef inline void hand(self, const bint winners, ix rows, ix cols, const real* dy, const uint8_t* which, int place,
                          real* dx) noexcept nogil:
        if not self.whole:
            hand_out(False, winners, <int>rows, <int>cols, dy, which, &self.s, place, dx)
        elif rows == 2 and cols == 2:
            hand_out(True, winners, 2, 2, dy, which, &self.s, place, dx)
        elif rows == 3 and cols == 3:
            hand_out(True, winners, 3, 3, dy, which, &self.s, place, dx)
        else:
            hand_out(True, winners, <int>rows, <int>cols, dy, which, &self.s, place, dx)

    # -- windows that overlap
    cdef void blocks(self, ix n, ix i) noexcept nogil:
        """Write two rows of cells."""
        cdef ix at = n * self.s.out_height * self.s.out_width * self.s.channels
        row_of_blocks(&self.dy[0] + at, &self.which[0] + at, &self.s, i,
                      &self.dx[0] + n * self.s.height * self.s.width * self.s.channels)

    cdef void cells(self, ix n, ix r) noexcept nogil:
        """Write one row of cells."""
        cdef const Pool* s = &self.s
        cdef ix first = self.first_over(r), q, j = 0, stop = 0
        cdef ix rows = min(s.out_height, (r + s.top) // s.stride_height + 1) - first, at
        cdef real* dx = &self.dx[0] + (n * s.height + r) * s.width * s.channels
        cdef int place
        for q in range(s.width):
            while j < s.out_width and j * s.stride_width - s.left + s.window_width <= q:
                j = j + 1
            while stop < s.out_width and stop * s.stride_width - s.left <= q:
                stop = stop + 1
            at = ((n * s.out_height + first) * s.out_width + j) * s.channels
            place = <int>((r + s.top - first * s.stride_height) * s.window_width + q + s.left - j * s.stride_width)
            if self.winners:
                self.cell(True, rows, stop - j, at, place, dx)
            elif self.even(first, rows, j, stop - j):
                self.cell(False, rows, stop - j, at, place, dx)
            else:
                self.uneven(n, first, rows, j, stop - j, dx)
            dx += s.channels

    cdef inline void cell(self, const bint winners, ix rows, ix cols, ix at, int place, real* dx) noexcept nogil:
        cdef const real* dy = &self.dy[0] + at
        cdef const uint8_t* which = &self.which[0] + at if winners else NULL
        cdef real divisor = <real>(self.s.window_height * self.s.window_width)
        if rows == 1 and cols == 1:
            gather(winners, 1, 1, dy, which, &self.s, place, divisor, dx)
        elif rows == 1 and cols == 2:
            gather(winners, 1, 2, dy, which, &self.s, place, divisor, dx)
        elif rows == 2 and cols == 1:
            gather(winners, 2, 1, dy, which, &self.s, place, divisor, dx)
        elif rows == 2 and cols == 2:
            gather(winners, 2, 2, dy, which, &self.s, place, divisor, dx)
        else:
            gather(winners, <int>rows, <int>cols, dy, which, &self.s, place, divisor, dx)

    cdef inline bint even(self, ix i, ix rows, ix j, ix cols) noexcept nogil:
        """Whether rows x cols windows from (i, j) on lie wholly inside of the image: then one division will do."""
        cdef const Pool* s = &self.s
        return (i * s.stride_height >= s.top and j * s.stride_width >= s.left
                and (i + rows - 1) * s.stride_height - s.top + s.window_height <= s.height
                and (j + cols - 1) * s.stride_width - s.left + s.window_width <= s.width)

    cdef void uneven(self, ix n, ix first, ix rows, ix left, ix cols, real* dx) noexcept nogil:
        """One cell, all channels, where windows share among different numbers of cells."""
        cdef ix i, j, c
        cdef const real* dy
        cdef vf divisor
        memset(dx, 0, self.s.channels * sizeof(real))
        for i in range(first, first + rows):
            for j in range(left, left + cols):
                dy = &self.dy[0] + ((n * self.s.out_height + i) * self.s.out_width + j) * self.s.channels
                divisor = vset(<real>(self.rows_of(i).count * self.cols_of(j).count))
                for c from 0 <= c < self.s.channels by VL:
                    vstore_n(dx + c, vload_n(dx + c, self.s.channels - c)
                             + vload_n(dy + c, self.s.channels - c) / divisor, self.s.channels - c)


cdef class max_pool2d_backward(PoolBackward):
    """dx = each output's gradient at its winner, whose place in the window is a byte; no other place wins nothing."""


cdef class average_pool2d_backward(PoolBackward):
    """dx = each output's gradient, shared equally by its window's real cells."""

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, ix images, int threads=1):
        PoolBackward.__init__(self, dy, None, dx, sizes, images, threads)


cdef class max_pool2d_scatter(Pooling):
    """dx = each output's gradient added at its winner, for windows so large that places are ints."""
    cdef const real[::1] dy
    cdef const int[::1] which
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, const int[::1] which, real[::1] dx, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.dy, self.which, self.dx = dy, which, dx

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.images, num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix i, j
        memset(&self.dx[0] + n * self.s.height * self.s.width * self.s.channels, 0,
               self.s.height * self.s.width * self.s.channels * sizeof(real))
        for i in range(self.s.out_height):
            for j in range(self.s.out_width):
                self.window(n, i, j)

    cdef inline void window(self, ix n, ix i, ix j) noexcept nogil:
        cdef ix c, row, col, at = ((n * self.s.out_height + i) * self.s.out_width + j) * self.s.channels
        for c in range(self.s.channels):
            if self.which[at + c] >= 0:
                row = i * self.s.stride_height - self.s.top + self.which[at + c] // self.s.window_width
                col = j * self.s.stride_width - self.s.left + self.which[at + c] % self.s.window_width
                self.dx[((n * self.s.height + row) * self.s.width + col) * self.s.channels + c] += self.dy[at + c]
