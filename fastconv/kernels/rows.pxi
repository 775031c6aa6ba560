"""Activations of whole rows: the logarithm of softmax, gates, projections onto the simplex."""


cdef class log_softmax_forward(Rows):
    """y = log(softmax(x)) of each row."""
    cdef const real[:, ::1] x
    cdef real[:, ::1] y

    def __init__(self, const real[:, ::1] x, real[:, ::1] y, int threads=1):
        Rows.__init__(self, x.shape[0], x.shape[1], threads)
        self.x, self.y = x, y

    cdef void row(self, ix r) noexcept nogil:
        cdef ix j
        cdef real norm = softmax_row(&self.x[r, 0], self.columns, &self.y[r, 0])
        for j in range(self.columns):
            self.y[r, j] = self.x[r, j] - norm


cdef class log_softmax_backward(Rows):
    """dx = dy - exp(y) * sum(dy) of each row."""
    cdef const real[:, ::1] y, dy
    cdef real[:, ::1] dx

    def __init__(self, const real[:, ::1] y, const real[:, ::1] dy, real[:, ::1] dx, int threads=1):
        Rows.__init__(self, y.shape[0], y.shape[1], threads)
        self.y, self.dy, self.dx = y, dy, dx

    cdef void row(self, ix r) noexcept nogil:
        cdef ix j, n = self.columns
        cdef double total = 0
        for j in range(n):
            total += self.dy[r, j]
        cdef vf sum_of_row = vset(<real>total)
        for j from 0 <= j < n by VL:
            vstore_n(&self.dx[r, j],
                     vload_n(&self.dy[r, j], n - j) - vexp(vload_n(&self.y[r, j], n - j)) * sum_of_row, n - j)


cdef class glu_forward(Rows):
    """y = a * sigmoid(b), where a and b are the halves of each row."""
    cdef const real[:, ::1] x
    cdef real[:, ::1] y

    def __init__(self, const real[:, ::1] x, real[:, ::1] y, int threads=1):
        Rows.__init__(self, y.shape[0], y.shape[1], threads)
        self.x, self.y = x, y

    cdef void row(self, ix r) noexcept nogil:
        cdef ix j, n = self.columns
        cdef vf unused = vset(0)
        for j from 0 <= j < n by VL:
            vstore_n(&self.y[r, j], vload_n(&self.x[r, j], n - j)
                     * vsigmoid(vload_n(&self.x[r, n + j], n - j), unused, unused), n - j)


cdef class glu_backward(Rows):
    """dx of both halves of each row."""
    cdef const real[:, ::1] x, dy
    cdef real[:, ::1] dx

    def __init__(self, const real[:, ::1] x, const real[:, ::1] dy, real[:, ::1] dx, int threads=1):
        Rows.__init__(self, dy.shape[0], dy.shape[1], threads)
        self.x, self.dy, self.dx = x, dy, dx

    cdef void row(self, ix r) noexcept nogil:
        cdef ix j, n = self.columns
        cdef vf unused = vset(0), a, b, dy, s
        for j from 0 <= j < n by VL:
            a, b, dy = (vload_n(&self.x[r, j], n - j), vload_n(&self.x[r, n + j], n - j),
                        vload_n(&self.dy[r, j], n - j))
            s = dy * vsigmoid(b, unused, unused)
            vstore_n(&self.dx[r, j], s, n - j)
            vstore_n(&self.dx[r, n + j], s * a * vsigmoid(-b, unused, unused), n - j)


cdef class sparsemax_forward(Rows):
    """y = the nearest row of probabilities to each row x, by Michelot's rounds (1986): many are exactly zero."""
    cdef const real[:, ::1] x
    cdef real[:, ::1] y

    def __init__(self, const real[:, ::1] x, real[:, ::1] y, int threads=1):
        Rows.__init__(self, x.shape[0], x.shape[1], threads)
        self.x, self.y = x, y

    cdef void row(self, ix r) noexcept nogil:
        cdef ix j, count, before = -1
        cdef real top = self.x[r, 0]
        cdef double total, level = -1                             # x - top - level > 0: the others stay zero
        for j in range(1, self.columns):
            if self.x[r, j] > top or self.x[r, j] != self.x[r, j]:
                top = self.x[r, j]
        while True:
            total, count = -1, 0
            for j in range(self.columns):
                if self.x[r, j] - top > level:
                    total += self.x[r, j] - top
                    count += 1
            if count == before or count == 0:
                break
            level, before = total / count, count
        for j in range(self.columns):
            self.y[r, j] = <real>(self.x[r, j] - top - level)
            if self.y[r, j] < 0:
                self.y[r, j] = 0


cdef class sparsemax_backward(Rows):
    """dx = dy - mean(dy) over the places where y is above zero, else 0."""
    cdef const real[:, ::1] y, dy
    cdef real[:, ::1] dx

    def __init__(self, const real[:, ::1] y, const real[:, ::1] dy, real[:, ::1] dx, int threads=1):
        Rows.__init__(self, y.shape[0], y.shape[1], threads, 2)
        self.y, self.dy, self.dx = y, dy, dx

    cdef void row(self, ix r) noexcept nogil:
        cdef ix j, count = 0
        cdef double total = 0
        for j in range(self.columns):
            if self.y[r, j] > 0:
                total += self.dy[r, j]
                count += 1
        for j in range(self.columns):
            self.dx[r, j] = <real>(self.dy[r, j] - total / count) if self.y[r, j] > 0 else 0
