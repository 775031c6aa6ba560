"""Optimizer steps: one sweep in place over all weights, however many arrays they live in."""

cdef struct Segment:                  # a slice of one weight and of what belongs to it
    real* weight
    const real* gradient
    real* first
    real* second
    real* third
    ix size


cdef class Update(Kernel):
    """A sweep over lists of flat arrays: weights, gradients and up to three slots; scalars are read from `hyper` at
    each call."""
    cdef list arrays
    cdef Segment* segments
    cdef ix count
    cdef const double[::1] hyper

    def __cinit__(self):
        self.segments = NULL

    def __dealloc__(self):
        free(self.segments)

    def __init__(self, weights, gradients, slots, const double[::1] hyper, int threads=1):
        cdef real[::1] w, s
        cdef const real[::1] g
        cdef ix i, k, start, total = sum(a.size for a in weights)
        self.hyper, self.arrays, self.count = hyper, [], sum((a.size + SLICE - 1) // SLICE for a in weights)
        free(self.segments)
        self.segments = <Segment*>calloc(max(1, self.count), sizeof(Segment))
        if self.segments == NULL:
            raise MemoryError()
        k = 0
        for i in range(len(weights)):
            w, g = weights[i], gradients[i]
            if g.shape[0] != w.shape[0] or any(slot[i].size != w.shape[0] for slot in slots):
                raise ValueError(f"weight {i} has {w.shape[0]} values, its gradient {g.shape[0]}, "
                                 f"its slots {[slot[i].size for slot in slots]}")
            self.arrays += [weights[i], gradients[i], *(slot[i] for slot in slots)]
            for start in range(0, w.shape[0], SLICE):
                self.segments[k] = Segment(&w[start], &g[start], NULL, NULL, NULL, min(<ix>SLICE, w.shape[0] - start))
                if len(slots) > 0:
                    s = slots[0][i]
                    self.segments[k].first = &s[start]
                if len(slots) > 1:
                    s = slots[1][i]
                    self.segments[k].second = &s[start]
                if len(slots) > 2:
                    s = slots[2][i]
                    self.segments[k].third = &s[start]
                k += 1
        self.threads = useful_threads(threads, total * 4.0 / VL)

    cdef void run(self) noexcept nogil:
        cdef ix k
        for k in prange(self.count, num_threads=self.threads, schedule="static"):
            self.segment(&self.segments[k])

    cdef void segment(self, Segment* s) noexcept nogil:
        pass


cdef class sgd_update(Update):
    """hyper: learning rate, momentum, nesterov. Slot (with momentum): velocity v = momentum * v - rate * gradient."""

    cdef void segment(self, Segment* s) noexcept nogil:
        cdef real rate = <real>self.hyper[0], momentum = <real>self.hyper[1]
        cdef bint nesterov = self.hyper[2] != 0
        cdef ix i
        if s.first == NULL:
            for i in range(s.size):
                s.weight[i] -= rate * s.gradient[i]
            return
        for i in range(s.size):
            s.first[i] = momentum * s.first[i] - rate * s.gradient[i]
            if nesterov:
                s.weight[i] += momentum * s.first[i] - rate * s.gradient[i]
            else:
                s.weight[i] += s.first[i]


cdef class adam_update(Update):
    """hyper: corrected rate, 1 - beta_1, 1 - beta_2, epsilon. Slots: momentum, velocity and, for amsgrad, its maximum.

    The form of Kingma and Ba (2015), section 2, last lines: epsilon is not bias-corrected.
    """

    cdef void segment(self, Segment* s) noexcept nogil:
        cdef vf rate = vset(<real>self.hyper[0]), a = vset(<real>self.hyper[1]), b = vset(<real>self.hyper[2])
        cdef vf epsilon = vset(<real>self.hyper[3]), g, m, v, top
        cdef ix i, n
        for i from 0 <= i < s.size by VL:
            n = s.size - i
            g, m, v = vload_n(s.gradient + i, n), vload_n(s.first + i, n), vload_n(s.second + i, n)
            m = m + (g - m) * a
            v = v + (g * g - v) * b
            vstore_n(s.first + i, m, n)
            vstore_n(s.second + i, v, n)
            if s.third != NULL:
                top = vload_n(s.third + i, n)
                v = top + vkeep_positive(v - top, v - top)
                vstore_n(s.third + i, v, n)
            vstore_n(s.weight + i, vload_n(s.weight + i, n) - rate * m / (vsqrt(v) + epsilon), n)
