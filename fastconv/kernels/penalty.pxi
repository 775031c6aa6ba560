"""The penalty on large values, and its gradient: what regularizers add to a loss."""


cdef class penalty(Elementwise):
    """total[0] = l1 * sum(|x|) + l2 * sum(x²); with dx given, its gradient is added there.

    Sums are taken slice by slice and added in their order: the same bits for any number of threads.
    """
    cdef const real[::1] x
    cdef real[::1] dx
    cdef double[::1] total
    cdef double l1, l2
    cdef double* partial

    def __cinit__(self):
        self.partial = NULL

    def __dealloc__(self):
        free(self.partial)

    def __init__(self, const real[::1] x, real[::1] dx, double l1, double l2, double[::1] total, int threads=1):
        Elementwise.__init__(self, x.size, threads, 2)
        self.x, self.dx, self.l1, self.l2, self.total = x, dx, l1, l2, total
        free(self.partial)
        self.partial = <double*>calloc(self.size // SLICE + 1, sizeof(double))
        if self.partial == NULL:
            raise MemoryError()

    cdef void run(self) noexcept nogil:
        cdef ix t
        cdef double total = 0
        Elementwise.run(self)
        for t in range((self.size + SLICE - 1) // SLICE):
            total += self.partial[t]
        self.total[0] = total

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef vf one = vset(1), sign, v, heights = vset(0), squares = vset(0)
        cdef vf l1 = vset(<real>self.l1), l2 = vset(<real>(2 * self.l2))
        cdef real lanes[VL]
        cdef double height = 0, square = 0
        cdef ix i, n
        for i from start <= i < stop by VL:
            n = stop - i
            v = vload_n(&self.x[i], n)
            sign = vkeep_positive(one, v) - vkeep_positive(one, -v)
            heights = heights + v * sign
            squares = squares + v * v
            if self.dx is not None:
                vstore_n(&self.dx[i], vload_n(&self.dx[i], n) + (l1 * sign + l2 * v), n)
        vstore(lanes, heights)
        for i in range(VL):
            height += lanes[i]
        vstore(lanes, squares)
        for i in range(VL):
            square += lanes[i]
        self.partial[start // SLICE] = (self.l1 * height if self.l1 != 0 else 0) + (
            self.l2 * square if self.l2 != 0 else 0)
