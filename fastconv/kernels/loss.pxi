"""Softmax and the losses. A loss kernel gives each row's loss and, in the same pass, the gradient of their weighted
sum."""

cdef class Rows(Kernel):
    """A kernel over the rows of a matrix."""
    cdef ix rows, columns

    def __init__(self, ix rows, ix columns, int threads, double work=10):
        self.rows, self.columns, self.threads = rows, columns, useful_threads(threads, <double>rows * columns * work)

    cdef void run(self) noexcept nogil:
        cdef ix r
        for r in prange(self.rows, num_threads=self.threads, schedule="static"):
            self.row(r)

    cdef void row(self, ix r) noexcept nogil:
        pass


cdef inline real sigmoid(real x, real a) noexcept nogil:
    return 1 / (1 + <real>exp(-x)) if x >= 0 else <real>exp(x) / (1 + <real>exp(x))


cdef real softmax_row(const real* x, ix n, real* y) noexcept nogil:
    """y = softmax(x); return log(sum(exp(x)))."""
    cdef ix j
    cdef real top = x[0]
    cdef double total = 0
    for j in range(1, n):
        if x[j] > top or x[j] != x[j]:
            top = x[j]
    for j in range(n):
        y[j] = <real>exp(x[j] - top)
        total += y[j]
    for j in range(n):
        y[j] = <real>(y[j] / total)
    return top + <real>log(total)


cdef class softmax_forward(Rows):
    """y = softmax of each row."""
    cdef const real[:, ::1] x
    cdef real[:, ::1] y

    def __init__(self, const real[:, ::1] x, real[:, ::1] y, int threads=1):
        Rows.__init__(self, x.shape[0], x.shape[1], threads)
        self.x, self.y = x, y

    cdef void row(self, ix r) noexcept nogil:
        softmax_row(&self.x[r, 0], self.columns, &self.y[r, 0])


cdef class softmax_backward(Rows):
    """dx = y * (dy - sum(y * dy)) of each row."""
    cdef const real[:, ::1] y, dy
    cdef real[:, ::1] dx

    def __init__(self, const real[:, ::1] y, const real[:, ::1] dy, real[:, ::1] dx, int threads=1):
        Rows.__init__(self, y.shape[0], y.shape[1], threads, 2)
        self.y, self.dy, self.dx = y, dy, dx

    cdef void row(self, ix r) noexcept nogil:
        cdef ix j
        cdef double dot = 0
        for j in range(self.columns):
            dot += self.y[r, j] * self.dy[r, j]
        for j in range(self.columns):
            self.dx[r, j] = self.y[r, j] * (self.dy[r, j] - <real>dot)


cdef class Loss(Rows):
    """Rows of predictions x against targets: losses[r] = weight * loss(row r), total[0] = scale * their sum,
    dx = gradient of total[0]. `weights` has one value for `rows_per_weight` rows; `scale` is read at each call.
    """
    cdef const real[:, ::1] x
    cdef const real[::1] weights, scale
    cdef real[::1] losses
    cdef real[:, ::1] dx
    cdef double[::1] total
    cdef ix rows_per_weight

    def __init__(self, const real[:, ::1] x, const real[::1] weights, const real[::1] scale, real[::1] losses,
                 double[::1] total,
                 real[:, ::1] dx, int threads=1):
        Rows.__init__(self, x.shape[0], x.shape[1], threads)
        self.x, self.weights, self.scale, self.losses, self.total, self.dx = x, weights, scale, losses, total, dx
        self.rows_per_weight = x.shape[0] // max(1, weights.shape[0])

    cdef void run(self) noexcept nogil:
        cdef ix r
        cdef double total = 0
        self.each_row()
        for r in range(self.rows):
            total += self.losses[r]
        self.total[0] = total * self.scale[0]

    cdef void each_row(self) noexcept nogil:
        Rows.run(self)

    cdef void row(self, ix r) noexcept nogil:
        self.weigh(r, self.value(r), 1)

    cdef void weigh(self, ix r, real loss, real share) noexcept nogil:
        """Write a row's weighted loss; multiply its gradient by `share`, the weight and the scale."""
        cdef real weight = self.weights[r // self.rows_per_weight], factor = share * weight * self.scale[0]
        cdef ix j
        self.losses[r] = weight * loss
        for j in range(self.columns):
            self.dx[r, j] = self.dx[r, j] * factor

    cdef real value(self, ix r) noexcept nogil:
        """Return the row's loss and leave its plain gradient in dx[r]."""
        return 0


cdef class softmax_cross_entropy(Loss):
    """Cross-entropy of softmax(x) with class numbers or with rows of probabilities; also writes the probabilities."""
    cdef const int[::1] labels
    cdef const real[:, ::1] targets
    cdef real[:, ::1] probabilities
    cdef int ignored
    cdef bint ignores
    cdef real smoothing

    def __init__(self, const real[:, ::1] x, const int[::1] labels, const real[:, ::1] targets,
                 real[:, ::1] probabilities,
                 weights, scale, losses, total, real[:, ::1] dx, ignored=None, double smoothing=0, int threads=1):
        Loss.__init__(self, x, weights, scale, losses, total, dx, threads)
        self.probabilities, self.smoothing = probabilities, <real>smoothing
        self.ignores, self.ignored = ignored is not None, ignored or 0
        self.labels, self.targets = labels, targets

    cdef real value(self, ix r) noexcept nogil:
        cdef const real* x = &self.x[r, 0]
        cdef real* p = &self.probabilities[r, 0]
        cdef real norm = softmax_row(x, self.columns, p), t
        cdef double loss = 0, mass = 0
        cdef ix j
        if self.labels is not None:
            for j in range(self.columns):
                self.dx[r, j] = p[j]
            if self.ignores and self.labels[r] == self.ignored:
                for j in range(self.columns):
                    self.dx[r, j] = 0
                return 0
            self.dx[r, self.labels[r]] -= 1
            return norm - x[self.labels[r]]
        for j in range(self.columns):
            t = self.targets[r, j] * (1 - self.smoothing) + self.smoothing / self.columns
            mass += t
            loss += t * (norm - x[j])
            self.dx[r, j] = t
        for j in range(self.columns):
            self.dx[r, j] = <real>(p[j] * mass) - self.dx[r, j]
        return <real>loss


cdef class cross_entropy(Loss):
    """Cross-entropy of probabilities: each row is divided by its sum, then clipped to [epsilon, 1 - epsilon]."""
    cdef const int[::1] labels
    cdef const real[:, ::1] targets
    cdef int ignored
    cdef bint ignores
    cdef real smoothing, epsilon

    def __init__(self, const real[:, ::1] x, const int[::1] labels, const real[:, ::1] targets, weights, scale, losses,
                 total,
                 real[:, ::1] dx, double epsilon, ignored=None, double smoothing=0, int threads=1):
        Loss.__init__(self, x, weights, scale, losses, total, dx, threads)
        self.smoothing, self.epsilon = <real>smoothing, <real>epsilon
        self.ignores, self.ignored = ignored is not None, ignored or 0
        self.labels, self.targets = labels, targets

    cdef real target(self, ix r, ix j) noexcept nogil:
        if self.labels is not None:
            return 1 if self.labels[r] == j and not (self.ignores and j == self.ignored) else 0
        return self.targets[r, j] * (1 - self.smoothing) + self.smoothing / self.columns

    cdef real value(self, ix r) noexcept nogil:
        cdef double total = 0, loss = 0, dot = 0, q, t, g
        cdef ix j
        for j in range(self.columns):
            total += self.x[r, j]
        for j in range(self.columns):
            t, q = self.target(r, j), self.x[r, j] / total
            g = -t / q if self.epsilon < q < 1 - self.epsilon else 0
            q = self.epsilon if q < self.epsilon else (1 - self.epsilon if q > 1 - self.epsilon else q)
            if t != 0:
                loss -= t * log(q)
            dot += g * self.x[r, j] / total
            self.dx[r, j] = <real>g
        for j in range(self.columns):
            self.dx[r, j] = <real>((self.dx[r, j] - dot) / total)
        return <real>loss
