"""What this machine can do at most: multiply-adds without memory, and a copy. Speeds are told as parts of these."""

ROW = ROW_V                        # vectors that `multiply_adds` works on at a time


cdef class multiply_adds(Kernel):
    """`rounds` times ROW independent multiply-adds of vectors in each thread, v = v * factor + term, all in registers.

    That is 2 * ROW * VECTOR * rounds operations a thread, enough at a time to keep every multiplier busy. y takes the
    sum of the vectors, VECTOR values a thread.
    """
    cdef real[::1] y
    cdef real factor, term
    cdef ix rounds

    def __init__(self, real[::1] y, ix rounds, real factor=0.5, real term=0.5, int threads=1):
        if y.shape[0] != threads * VL:
            raise ValueError(f"y has {y.shape[0]} values; expected {VL} for each of {threads} threads")
        self.y, self.rounds, self.factor, self.term, self.threads = y, rounds, factor, term, threads

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.threads, num_threads=self.threads, schedule="static"):
            multiply_and_add(&self.y[t * VL], self.rounds, self.factor, self.term)


cdef void multiply_and_add(real* y, ix rounds, real factor, real term) noexcept nogil:
    cdef vf acc[TILE_M][TILE_V]                 # as in a register tile: loops short enough to be unrolled
    cdef vf a = vset(factor), b = vset(term), total
    cdef ix k
    cdef int i, j
    for i in range(TILE_M):
        for j in range(TILE_V):
            acc[i][j] = vset(<real>(i * TILE_V + j))
    for k in range(rounds):
        for i in range(TILE_M):
            for j in range(TILE_V):
                acc[i][j] = acc[i][j] * a + b
    total = vset(0)
    for i in range(TILE_M):
        for j in range(TILE_V):
            total = total + acc[i][j]
    vstore(y, total)


cdef class copy_values(Elementwise):
    """y = x."""
    cdef const real[::1] x
    cdef real[::1] y

    def __init__(self, const real[::1] x, real[::1] y, int threads=1):
        if x.shape[0] != y.shape[0]:
            raise ValueError(f"x has {x.shape[0]} values, y {y.shape[0]}")
        Elementwise.__init__(self, x.size, threads)
        self.x, self.y = x, y

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.y[i], vload_n(&self.x[i], stop - i), stop - i)
