"""A bias by itself, for ops whose contraction cannot take it along: added to rows of channels, and its gradient.

Rows are taken side by side as lines of whole vectors: one row where its channels are whole vectors, else as many as a
vector has lanes.
"""

cdef enum:
    BIAS_VECTORS = 4                  # of a line that are summed at a time


cdef inline ix rows_of_line(ix channels) noexcept nogil:
    return 1 if channels % VL == 0 else VL


cdef class add_bias(Kernel):
    """y = y + b for each row of y [rows, channels], then relu if asked; `line` has room for VL values a channel."""
    cdef const real[::1] b
    cdef real[::1] y, line
    cdef ix channels, rows
    cdef bint relu

    def __init__(self, const real[::1] b, real[::1] y, real[::1] line, bint relu=False, int threads=1):
        self.b, self.y, self.line, self.relu, self.channels = b, y, line, relu, b.shape[0]
        self.rows = y.shape[0] // max(1, self.channels)
        self.threads = useful_threads(threads, <double>y.shape[0] / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t, c, fold = rows_of_line(self.channels), lines = (self.rows + fold - 1) // fold
        for t in range(fold):
            for c in range(self.channels):
                self.line[t * self.channels + c] = self.b[c]
        for t in prange(lines, num_threads=self.threads, schedule="static"):
            self.add(t * fold * self.channels, fold * self.channels)

    cdef void add(self, ix at, ix width) noexcept nogil:
        cdef ix j, lanes = min(width, self.y.shape[0] - at)
        cdef real* y = &self.y[0] + at
        cdef vf v
        for j from 0 <= j < lanes by VL:
            v = vload_n(y + j, lanes - j) + vload(&self.line[j])
            vstore_n(y + j, vrelu(v) if self.relu else v, lanes - j)


cdef inline void sum_lines(const int v, const real* x, ix stride, ix lines, real* sums) noexcept nogil:
    """sums[j] = sum of v vectors of all lines."""
    cdef vf total[BIAS_VECTORS]
    cdef ix i
    cdef int j
    for j in range(v):
        total[j] = vset(0)
    for i in range(lines):
        for j in range(v):
            total[j] = total[j] + vload(x + i * stride + j * VL)
    for j in range(v):
        vstore(sums + j * VL, total[j])


cdef class bias_backward(Kernel):
    """db = sum of the rows of dy [rows, channels], in chunks whose number depends on the shape alone.

    `partial` has room for VL values a channel for each chunk.
    """
    cdef const real[::1] dy
    cdef real[::1] partial, db
    cdef ix channels, rows, fold, width, lines, chunks

    def __init__(self, const real[::1] dy, real[::1] partial, real[::1] db, ix chunks, int threads=1):
        self.dy, self.partial, self.db, self.chunks, self.channels = dy, partial, db, chunks, db.shape[0]
        self.rows, self.fold = dy.shape[0] // max(1, self.channels), rows_of_line(self.channels)
        self.width, self.lines = self.fold * self.channels, self.rows // self.fold
        self.threads = useful_threads(threads, <double>dy.shape[0] / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.chunks, num_threads=self.threads, schedule="static"):
            self.chunk(t)
        self.finish()

    cdef void chunk(self, ix t) noexcept nogil:
        cdef ix first = t * self.lines // self.chunks, lines = (t + 1) * self.lines // self.chunks - first, j = 0
        cdef const real* x
        cdef real* sums = &self.partial[t * self.width]
        if lines == 0:
            memset(sums, 0, self.width * sizeof(real))
            return
        x = &self.dy[first * self.width]
        while j < self.width:
            if self.width - j >= BIAS_VECTORS * VL:
                sum_lines(BIAS_VECTORS, x + j, self.width, lines, sums + j)
                j += BIAS_VECTORS * VL
            else:
                sum_lines(1, x + j, self.width, lines, sums + j)
                j += VL

    cdef void finish(self) noexcept nogil:
        """Add the chunks in their order, then the rows of a line, then the rows behind the last line."""
        cdef ix t, j, c, r
        cdef real total
        for j from 0 <= j < self.width by VL:
            for t in range(1, self.chunks):
                vstore(&self.partial[j], vload(&self.partial[j]) + vload(&self.partial[t * self.width + j]))
        for c in range(self.channels):
            total = 0
            for r in range(self.fold):
                total += self.partial[r * self.channels + c]
            for r in range(self.lines * self.fold, self.rows):
                total += self.dy[r * self.channels + c]
            self.db[c] = total
