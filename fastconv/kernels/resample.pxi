"""Weighted sums along one axis: upsampling, resizing, repeating, and their gradients."""


cdef class along_axis(Kernel):
    """y[n, o, i] = sum of weight[k] * x[n, source[k], i] over k from first[o] to first[o + 1].

    With the transposed lists it is its own gradient.
    """
    cdef const real[:, :, ::1] x
    cdef real[:, :, ::1] y
    cdef const ix[::1] first, source
    cdef const real[::1] weight

    def __init__(self, const real[:, :, ::1] x, real[:, :, ::1] y, const ix[::1] first, const ix[::1] source,
                 const real[::1] weight, int threads=1):
        self.x, self.y, self.first, self.source, self.weight = x, y, first, source, weight
        self.threads = useful_threads(threads, 2.0 * y.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t, size = self.y.shape[1]
        for t in prange(self.y.shape[0] * size, num_threads=self.threads, schedule="static"):
            self.line(t // size, t % size)

    cdef void line(self, ix n, ix o) noexcept nogil:
        cdef ix i, k, inner = self.y.shape[2]
        cdef vf total
        for i from 0 <= i < inner by VL:
            total = vset(0)
            for k in range(self.first[o], self.first[o + 1]):
                total = total + vset(self.weight[k]) * vload_n(&self.x[n, self.source[k], i], inner - i)
            vstore_n(&self.y[n, o, i], total, inner - i)
