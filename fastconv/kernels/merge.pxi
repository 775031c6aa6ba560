"""Two arrays merged value by value: sums, differences, products, quotients, the greater or the smaller of two.

An array is seen as [outer][middle][inner]; where one of the two is broadcast along an axis, it has distance 0 there. So
[image][pixel][channel] times one number for each channel of an image is a merger without a copy.
"""

cdef enum:
    ADDED, SUBTRACTED, MULTIPLIED, DIVIDED, GREATER, SMALLER
    MERGED = 4096                       # values, about, that a thread merges at a time

MERGES = ("add", "subtract", "multiply", "divide", "maximum", "minimum")      # names, in the order of the numbers


cdef inline vf merged(const int how, vf a, vf b) noexcept nogil:
    """NaN passes."""
    if how == ADDED:
        return a + b
    if how == SUBTRACTED:
        return a - b
    if how == MULTIPLIED:
        return a * b
    if how == DIVIDED:
        return a / b
    if how == GREATER:
        return vlarger(a, b)
    return -vlarger(-a, -b)


cdef inline vf operand(const bint runs, const bint whole, const real* a, vf alone, ix n) noexcept nogil:
    """The next values of an array, or the one that stands for all of them."""
    return load(whole, a, n) if runs else alone


cdef inline void merge_run(const int how, const bint relu, const bint a_runs, const bint b_runs, const real* a,
                           const real* b, real* y, ix n) noexcept nogil:
    """y = a merged with b, then relu if asked: n values, where an array that does not run has one for all."""
    cdef vf first = vset(a[0]), second = vset(b[0]), z
    cdef ix i = 0
    while i + VL <= n:
        z = merged(how, operand(a_runs, True, a + i, first, VL), operand(b_runs, True, b + i, second, VL))
        vstore(y + i, vrelu(z) if relu else z)
        i = i + VL
    if i < n:
        z = merged(how, operand(a_runs, False, a + i, first, n - i), operand(b_runs, False, b + i, second, n - i))
        vstore_n(y + i, vrelu(z) if relu else z, n - i)


cdef inline void merge_either(const int how, const bint relu, bint a_runs, bint b_runs, const real* a, const real* b,
                              real* y, ix n) noexcept nogil:
    """`merge_run`, whichever of the arrays run."""
    if a_runs and b_runs:
        merge_run(how, relu, True, True, a, b, y, n)
    elif a_runs:
        merge_run(how, relu, True, False, a, b, y, n)
    elif b_runs:
        merge_run(how, relu, False, True, a, b, y, n)
    else:
        merge_run(how, relu, False, False, a, b, y, n)


cdef void merge_values(int how, bint relu, bint a_runs, bint b_runs, const real* a, const real* b, real* y,
                       ix n) noexcept nogil:
    """`merge_either` by any rule; only sums may have a relu behind them."""
    if how == ADDED and relu:
        merge_either(ADDED, True, a_runs, b_runs, a, b, y, n)
    elif how == ADDED:
        merge_either(ADDED, False, a_runs, b_runs, a, b, y, n)
    elif how == SUBTRACTED:
        merge_either(SUBTRACTED, False, a_runs, b_runs, a, b, y, n)
    elif how == MULTIPLIED:
        merge_either(MULTIPLIED, False, a_runs, b_runs, a, b, y, n)
    elif how == DIVIDED:
        merge_either(DIVIDED, False, a_runs, b_runs, a, b, y, n)
    elif how == GREATER:
        merge_either(GREATER, False, a_runs, b_runs, a, b, y, n)
    else:
        merge_either(SMALLER, False, a_runs, b_runs, a, b, y, n)


cdef class merge(Pieces):
    """y = a merged with b by a rule of `MERGES`, then relu if asked (behind sums only). y may be a whole a or b.

    `sizes` are those of (outer, middle, inner); `a_steps` and `b_steps` say how far neighbours along each lie apart.
    """
    cdef const real[::1] a, b
    cdef real[::1] y
    cdef ix middle, inner, rows, run_rows, cuts
    cdef ix a_outer, a_middle, b_outer, b_middle
    cdef bint a_runs, b_runs, relu
    cdef int how

    def __init__(self, const real[::1] a, const real[::1] b, real[::1] y, str how, sizes, a_steps, b_steps,
                 bint relu=False, int threads=1):
        self.a, self.b, self.y, self.how, self.relu = a, b, y, MERGES.index(how), relu
        outer, self.middle, self.inner = sizes
        self.a_outer, self.a_middle, self.a_runs = a_steps
        self.b_outer, self.b_middle, self.b_runs = b_steps
        if relu and how != "add":
            raise ValueError(f"merge: only a sum may have a relu behind it; got {how!r}")
        self.rows = outer * self.middle if self.inner else 0
        self.run_rows = max(1, MERGED // max(1, self.inner))            # rows of a piece, and pieces of a row
        self.cuts = max(1, (self.inner + MERGED - 1) // MERGED)
        self.threads = useful_threads(threads, <double>self.y.size / VL)

    cdef void run(self) noexcept nogil:
        self.pieces((self.rows + self.run_rows - 1) // self.run_rows * self.cuts)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        cdef ix row = t // self.cuts * self.run_rows, stop = min(self.rows, row + self.run_rows), i, j
        cdef ix at = t % self.cuts * self.inner // self.cuts, n = (t % self.cuts + 1) * self.inner // self.cuts - at
        i, j = row // self.middle, row % self.middle
        while row < stop:
            merge_values(self.how, self.relu, self.a_runs, self.b_runs,
                         &self.a[i * self.a_outer + j * self.a_middle + at * self.a_runs],
                         &self.b[i * self.b_outer + j * self.b_middle + at * self.b_runs],
                         &self.y[row * self.inner + at], n)
            row, j = row + 1, j + 1
            if j == self.middle:
                i, j = i + 1, 0


cdef class extreme_backward(Elementwise):
    """Gradients of the greater of a and b, or of the smaller: to whichever it is, half to each of two that tie.

    da or db may be None, and each may be dy.
    """
    cdef const real[::1] a, b, dy
    cdef real[::1] da, db

    def __init__(self, const real[::1] a, const real[::1] b, const real[::1] dy, real[::1] da, real[::1] db,
                 bint greater, int threads=1):
        Elementwise.__init__(self, dy.size, threads)
        self.a, self.b, self.dy = (a, b, dy) if greater else (b, a, dy)
        self.da, self.db = da, db

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef vf a, b, dy, half = vset(<real>0.5), zero = vset(0)
        cdef ix i
        for i from start <= i < stop by VL:
            a, b = vload_n(&self.a[i], stop - i), vload_n(&self.b[i], stop - i)
            dy = vload_n(&self.dy[i], stop - i)
            if self.da is not None:
                vstore_n(&self.da[i], vwhere(a, b, dy, vwhere(b, a, zero, half * dy)), stop - i)
            if self.db is not None:
                vstore_n(&self.db[i], vwhere(b, a, dy, vwhere(a, b, zero, half * dy)), stop - i)


cdef inline void spread_tile(const int v, const bint whole, const bint product, const bint both, const real* dy,
                             const real* x, const real* g, real* dx, real* dg, ix rows, ix stride,
                             ix n) noexcept nogil:
    """v vectors of channels, or the first n values of one: dg = sum over rows of dy (* x), dx = dy * g if `both`."""
    cdef vf sums[TILE_V]
    cdef vf gain[TILE_V]
    cdef vf d
    cdef ix r
    cdef int j
    for j in range(v):
        sums[j] = vset(0)
        gain[j] = load(whole, g + j * VL, n) if both else vset(0)
    for r in range(rows):
        for j in range(v):
            d = load(whole, dy + r * stride + j * VL, n)
            sums[j] = sums[j] + (d * load(whole, x + r * stride + j * VL, n) if product else d)
            if both and whole:
                vstore(dx + r * stride + j * VL, d * gain[j])
            elif both:
                vstore_n(dx + r * stride + j * VL, d * gain[j], n)
    for j in range(v):
        if whole:
            vstore(dg + j * VL, sums[j])
        else:
            vstore_n(dg + j * VL, sums[j], n)


cdef class spread_backward(Pieces):
    """Gradients where g [outer][inner] was spread over the middle of [outer][middle][inner], and x multiplied with it.

    dg is the sum over the middle of dy * x, and dx = dy * g unless it is None. Without an x, dg is the sum of dy.
    """
    cdef const real[::1] dy, x, g
    cdef real[::1] dx, dg
    cdef ix outer, middle, inner, blocks

    def __init__(self, const real[::1] dy, const real[::1] x, const real[::1] g, real[::1] dx, real[::1] dg, sizes,
                 int threads=1):
        self.dy, self.x, self.g, self.dx, self.dg = dy, x, g, dx, dg
        self.outer, self.middle, self.inner = sizes
        self.blocks = (self.inner + TILE_V * VL - 1) // (TILE_V * VL)
        self.threads = useful_threads(threads, 2.0 * dy.size / VL)

    cdef void run(self) noexcept nogil:
        self.pieces(self.outer * self.blocks)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        cdef ix i = t // self.blocks, j = t % self.blocks * TILE_V * VL, n = min(<ix>TILE_V * VL, self.inner - j)
        if n == TILE_V * VL:
            self.tile(TILE_V, True, i, j, n)
            return
        while n > 0:
            self.tile(1, False, i, j, n)
            j, n = j + VL, n - VL

    cdef inline void tile(self, const int v, const bint whole, ix i, ix j, ix n) noexcept nogil:
        cdef ix at = i * self.middle * self.inner + j
        cdef const real* dy
        cdef real* dg = &self.dg[0] + i * self.inner + j
        if self.middle == 0:  # dy and x are empty
            spread_tile(v, whole, False, False, NULL, NULL, NULL, NULL, dg, 0, self.inner, n)
            return
        dy = &self.dy[0] + at
        if self.x is None:
            spread_tile(v, whole, False, False, dy, NULL, NULL, NULL, dg, self.middle, self.inner, n)
        elif self.dx is None:
            spread_tile(v, whole, True, False, dy, &self.x[0] + at, NULL, NULL, dg, self.middle, self.inner, n)
        else:
            spread_tile(v, whole, True, True, dy, &self.x[0] + at, &self.g[0] + i * self.inner + j, &self.dx[0] + at,
                        dg, self.middle, self.inner, n)
