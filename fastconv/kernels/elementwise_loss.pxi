"""Losses that look at one prediction and its target at a time: one kernel, and a table of what it may do with a cell.

A row of the table fills in the losses and the slopes of n cells. Its numbers `a`: 0, 1 scale and shift of the targets
(label smoothing, labels 0 and 1 as -1 and 1); 2 epsilon; from 3 on the loss's own.
"""

ctypedef void (*CellLoss)(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil

cdef enum:
    CELLS = 512                        # cells that a row of the table is given at a time
    CELL_NUMBERS = 8                   # the length of `a`


cdef inline real at_least(real x, real least) noexcept nogil:
    return least if x < least else x


cdef inline real clipped(real x, real epsilon) noexcept nogil:
    return epsilon if x < epsilon else (1 - epsilon if x > 1 - epsilon else x)


cdef void squared_error(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil:
    cdef ix i
    cdef real d
    for i in range(n):
        d = x[i] - t[i]
        loss[i], slope[i] = d * d, 2 * d


cdef void absolute_error(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil:
    cdef ix i
    cdef real d
    for i in range(n):
        d = x[i] - t[i]
        loss[i], slope[i] = <real>fabs(d), <real>((d > 0) - (d < 0))


cdef void absolute_percentage_error(const real* x, const real* t, real* loss, real* slope, ix n,
                                    const real* a) noexcept nogil:
    cdef ix i
    cdef real d, unit
    for i in range(n):
        d, unit = x[i] - t[i], 100 / at_least(<real>fabs(t[i]), a[2])
        loss[i], slope[i] = unit * <real>fabs(d), unit * <real>((d > 0) - (d < 0))


cdef void squared_logarithmic_error(const real* x, const real* t, real* loss, real* slope, ix n,
                                    const real* a) noexcept nogil:
    cdef ix i
    cdef real v, d
    for i in range(n):
        v = at_least(x[i], a[2])
        d = <real>(log1p(v) - log1p(at_least(t[i], a[2])))
        loss[i], slope[i] = d * d, (0 if x[i] < a[2] else 2 * d / (1 + v))


cdef void huber(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil:
    """a[3]: where the parabola ends."""
    cdef ix i
    cdef real d, size, half = <real>0.5
    for i in range(n):
        d = x[i] - t[i]
        size = <real>fabs(d)
        loss[i] = half * d * d if size <= a[3] else a[3] * (size - half * a[3])
        slope[i] = d if size <= a[3] else (a[3] if d > 0 else -a[3])


cdef void log_cosh(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil:
    cdef ix i
    cdef double d, size, e
    for i in range(n):
        d = x[i] - t[i]
        size = fabs(d)
        e = exp(-2 * size)
        loss[i] = <real>(size + log1p(e) - 0.6931471805599453)
        slope[i] = <real>((1 - e) / (1 + e) * (1 if d > 0 else -1))


cdef void poisson(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil:
    cdef ix i
    for i in range(n):
        loss[i], slope[i] = x[i] - t[i] * <real>log(x[i] + a[2]), 1 - t[i] / (x[i] + a[2])


cdef void hinge(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil:
    cdef ix i
    cdef real v, sign
    for i in range(n):
        sign = t[i] * a[0] + a[1]
        v = 1 - sign * x[i]
        loss[i], slope[i] = (0 if v <= 0 else v), (0 if v <= 0 else -sign)


cdef void squared_hinge(const real* x, const real* t, real* loss, real* slope, ix n, const real* a) noexcept nogil:
    cdef ix i
    cdef real v, sign
    for i in range(n):
        sign = t[i] * a[0] + a[1]
        v = 1 - sign * x[i]
        v = 0 if v <= 0 else v
        loss[i], slope[i] = v * v, -2 * sign * v


cdef void relative_entropy(const real* x, const real* t, real* loss, real* slope, ix n,
                           const real* a) noexcept nogil:
    """t log(t / x), both kept in [epsilon, 1]."""
    cdef ix i
    cdef real p, q
    for i in range(n):
        p, q = at_least(x[i], a[2]), at_least(t[i], a[2])
        p, q = (1 if p > 1 else p), (1 if q > 1 else q)
        loss[i], slope[i] = q * <real>log(q / p), (-q / p if p == x[i] else 0)


cdef void binary_cross_entropy(const real* x, const real* t, real* loss, real* slope, ix n,
                               const real* a) noexcept nogil:
    """Of probabilities, clipped to [epsilon, 1 - epsilon]."""
    cdef ix i
    cdef double q, y
    for i in range(n):
        y, q = t[i] * a[0] + a[1], clipped(x[i], a[2])
        loss[i] = <real>(-y * log(q) - (1 - y) * log1p(-q))
        slope[i] = <real>((1 - y) / (1 - q) - y / q) if q == x[i] else 0


cdef void binary_cross_entropy_of_logits(const real* x, const real* t, real* loss, real* slope, ix n,
                                         const real* a) noexcept nogil:
    cdef ix i
    cdef double y, e
    for i in range(n):
        y, e = t[i] * a[0] + a[1], exp(-fabs(x[i]))
        loss[i] = <real>((x[i] if x[i] > 0 else 0) - x[i] * y + log1p(e))
        slope[i] = <real>((1 if x[i] >= 0 else e) / (1 + e) - y)


cdef void binary_focal_cross_entropy(const real* x, const real* t, real* loss, real* slope, ix n,
                                     const real* a) noexcept nogil:
    """a[3] gamma; a[4], a[5] the weight of a cell: a[4] * target + a[5]; a[6]: whether x are logits."""
    cdef ix i
    cdef double p, q, y, miss, factor, rise, entropy, descent
    for i in range(n):
        y, p = t[i] * a[0] + a[1], (sigmoid(x[i], 1) if a[6] else x[i])
        q = clipped(<real>p, a[2])
        miss = y * (1 - p) + (1 - y) * p
        factor = pow(miss, a[3])
        rise = a[3] * (1 - 2 * y) * pow(miss, a[3] - 1) if miss > 0 and a[3] != 0 else 0
        entropy = -y * log(q) - (1 - y) * log1p(-q)
        descent = (1 - y) / (1 - q) - y / q if q == <real>p else 0
        loss[i] = <real>((a[4] * y + a[5]) * factor * entropy)
        slope[i] = <real>((a[4] * y + a[5]) * (rise * entropy + factor * descent) * (p * (1 - p) if a[6] else 1))


CELL_LOSS_NAMES = ("squared_error", "absolute_error", "absolute_percentage_error", "squared_logarithmic_error", "huber",
                   "log_cosh", "poisson", "hinge", "squared_hinge", "relative_entropy", "binary_cross_entropy",
                   "binary_cross_entropy_of_logits", "binary_focal_cross_entropy")
cdef CellLoss[13] CELL_LOSSES
CELL_LOSSES[0] = squared_error
CELL_LOSSES[1] = absolute_error
CELL_LOSSES[2] = absolute_percentage_error
CELL_LOSSES[3] = squared_logarithmic_error
CELL_LOSSES[4] = huber
CELL_LOSSES[5] = log_cosh
CELL_LOSSES[6] = poisson
CELL_LOSSES[7] = hinge
CELL_LOSSES[8] = squared_hinge
CELL_LOSSES[9] = relative_entropy
CELL_LOSSES[10] = binary_cross_entropy
CELL_LOSSES[11] = binary_cross_entropy_of_logits
CELL_LOSSES[12] = binary_focal_cross_entropy


cdef class elementwise_loss(Loss):
    """Mean over the row (or with `mean` false the sum) of a cell loss by its name in CELL_LOSS_NAMES.

    `target` is the scale and shift of the targets; `signs` says that targets which are all 0 or 1 mean -1 and 1.
    """
    cdef const real[:, ::1] targets
    cdef CellLoss function
    cdef real[CELL_NUMBERS] a
    cdef real share
    cdef bint signs
    cdef ix rows_at_once

    def __init__(self, const real[:, ::1] x, const real[:, ::1] targets, weights, scale, losses, total,
                 real[:, ::1] dx, str name, double epsilon, numbers=(), target=(1, 0), bint mean=True, bint signs=False,
                 int threads=1):
        cdef ix i
        cdef double number               # a Python number that becomes a real is rounded to float in every build
        Loss.__init__(self, x, weights, scale, losses, total, dx, threads)
        self.targets, self.signs = targets, signs
        self.function = CELL_LOSSES[<int>CELL_LOSS_NAMES.index(name)]
        for i, number in enumerate((*target, epsilon, *numbers)):
            self.a[i] = <real>number
        self.share = 1 / <real>max(1, self.columns) if mean else 1
        self.rows_at_once = max(1, CELLS // max(1, self.columns))

    cdef void each_row(self) noexcept nogil:
        cdef ix g, groups = (self.rows + self.rows_at_once - 1) // self.rows_at_once
        if self.signs:
            self.a[0], self.a[1] = (2, -1) if self.are_binary() else (1, 0)
        for g in prange(groups, num_threads=self.threads, schedule="static"):
            self.group(g * self.rows_at_once, min(self.rows, (g + 1) * self.rows_at_once))

    cdef bint are_binary(self) noexcept nogil:
        cdef ix r, j
        for r in range(self.rows):
            for j in range(self.columns):
                if self.targets[r, j] != 0 and self.targets[r, j] != 1:
                    return False
        return True

    cdef void group(self, ix first, ix stop) noexcept nogil:
        """Some short rows, or one of any length, in pieces that fit the buffer."""
        cdef real[CELLS] cells
        cdef ix r, j, n
        cdef double total
        if self.columns <= CELLS:
            self.function(&self.x[first, 0], &self.targets[first, 0], cells, &self.dx[first, 0],
                          (stop - first) * self.columns, self.a)
            for r in range(first, stop):
                total = 0
                for j in range(self.columns):
                    total += cells[(r - first) * self.columns + j]
                self.weigh(r, <real>(total * self.share), self.share)
            return
        total = 0
        for j from 0 <= j < self.columns by CELLS:
            n = min(CELLS, self.columns - j)
            self.function(&self.x[first, j], &self.targets[first, j], cells, &self.dx[first, j], n, self.a)
            for r in range(n):
                total += cells[r]
        self.weigh(first, <real>(total * self.share), self.share)
