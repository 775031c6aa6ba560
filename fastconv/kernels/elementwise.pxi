"""Value by value: relu, rescaling; and gathering a batch."""

cdef enum:
    SLICE = 8192                      # values a thread takes at a time


cdef class Elementwise(Kernel):
    """A kernel over slices of a flat array."""
    cdef ix size

    def __init__(self, ix size, int threads, double work=1):
        self.size, self.threads = size, useful_threads(threads, size * work / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange((self.size + SLICE - 1) // SLICE, num_threads=self.threads, schedule="static"):
            self.slice(t * SLICE, min(self.size, (t + 1) * SLICE))

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        pass


cdef inline vf relu_value(const bint sloped, vf x, vf slope, vf threshold, vf maximum) noexcept nogil:
    """Without a slope what lies below is 0, not 0 times something infinite; NaN passes."""
    cdef vf below = slope * (x - threshold) if sloped else vat_least(vat_most(x, vset(0)), vset(0))
    return vat_most(vwhere(x, threshold, x, below), maximum)


cdef inline vf relu_slope(const bint sloped, vf x, vf dy, vf slope, vf threshold, vf maximum) noexcept nogil:
    """dy times the slope at x."""
    return vwhere(x, threshold, vwhere(maximum, x, dy, vset(0)), slope * dy if sloped else vset(0))


cdef class relu_forward(Elementwise):
    """y = x, with slope below the threshold and cut at the maximum (infinity: not cut). NaN passes."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef real slope, threshold, maximum

    def __init__(self, const real[::1] x, real[::1] y, double slope, double threshold,
                 double maximum, int threads=1):
        Elementwise.__init__(self, x.size, threads)
        self.x, self.y = x, y
        self.slope, self.threshold, self.maximum = <real>slope, <real>threshold, <real>maximum

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        if self.slope != 0:
            self.values(True, start, stop)
        else:
            self.values(False, start, stop)

    cdef inline void values(self, const bint sloped, ix start, ix stop) noexcept nogil:
        cdef vf slope = vset(self.slope), threshold = vset(self.threshold), maximum = vset(self.maximum)
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.y[i], relu_value(sloped, vload_n(&self.x[i], stop - i), slope, threshold, maximum),
                     stop - i)


cdef class relu_backward(Elementwise):
    """dx = dy times relu's slope at x. dx may be dy."""
    cdef const real[::1] x, dy
    cdef real[::1] dx
    cdef real slope, threshold, maximum

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] dx, double slope, double threshold,
                 double maximum, int threads=1):
        Elementwise.__init__(self, x.size, threads)
        self.x, self.dy, self.dx = x, dy, dx
        self.slope, self.threshold, self.maximum = <real>slope, <real>threshold, <real>maximum

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        if self.slope != 0:
            self.values(True, start, stop)
        else:
            self.values(False, start, stop)

    cdef inline void values(self, const bint sloped, ix start, ix stop) noexcept nogil:
        cdef vf slope = vset(self.slope), threshold = vset(self.threshold), maximum = vset(self.maximum)
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.dx[i], relu_slope(sloped, vload_n(&self.x[i], stop - i), vload_n(&self.dy[i], stop - i),
                                             slope, threshold, maximum), stop - i)


cdef class relu_backward_from_output(Elementwise):
    """dx = dy where relu's output is above zero: for steps that keep no input. dx may be dy."""
    cdef const real[::1] y, dy
    cdef real[::1] dx

    def __init__(self, const real[::1] y, const real[::1] dy, real[::1] dx, int threads=1):
        Elementwise.__init__(self, y.size, threads)
        self.y, self.dy, self.dx = y, dy, dx

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.dx[i], vkeep_positive(vload_n(&self.dy[i], stop - i), vload_n(&self.y[i], stop - i)),
                     stop - i)


cdef class scale_shift(Kernel):
    """y = x * scale + shift, where both have one value for every place of a line of x, which may end within a line.

    With shift 0 it is its own gradient.
    """
    cdef const real[::1] x, scale, shift
    cdef real[::1] y

    def __init__(self, const real[::1] x, const real[::1] scale, const real[::1] shift, real[::1] y, int threads=1):
        self.x, self.scale, self.shift, self.y = x, scale, shift, y
        self.threads = useful_threads(threads, <double>x.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t, line = self.scale.shape[0], size = self.x.shape[0]
        for t in prange((size + line - 1) // max(1, line), num_threads=self.threads, schedule="static"):
            self.line(t * line, min(line, size - t * line))

    cdef void line(self, ix start, ix count) noexcept nogil:
        cdef ix i
        for i from 0 <= i < count by VL:
            vstore_n(&self.y[start + i], self.value(start + i, i, count - i), count - i)

    cdef vf value(self, ix at, ix i, ix n) noexcept nogil:
        return vload_n(&self.x[at], n) * vload_n(&self.scale[i], n) + vload_n(&self.shift[i], n)


cdef class standardize(scale_shift):
    """y = (x - shift) / scale."""

    cdef vf value(self, ix at, ix i, ix n) noexcept nogil:
        return (vload_n(&self.x[at], n) - vload_n(&self.shift[i], n)) / vload_n(&self.scale[i], n)


ctypedef fused element:
    uint8_t
    signed char
    unsigned short
    short
    uint32_t
    int
    long long
    float
    double


def gather_rows(const element[:, ::1] source, const ix[::1] index, real[:, ::1] out, int threads=1):
    """out[i] = source[index[i]], converted: the next batch of a data set that is never copied."""
    cdef ix i, j
    cdef int t = useful_threads(available(threads, now()), out.size / 4.0)
    for i in prange(index.shape[0], nogil=True, num_threads=t, schedule="static"):
        for j in range(source.shape[1]):
            out[i, j] = <real>source[index[i], j]


def count_argmax(const real[:, ::1] scores, const int[::1] labels):
    """Return in how many rows the first maximum (or the first NaN) stands at the row's label."""
    cdef ix i, j, best, hits = 0
    cdef real score
    with nogil:
        for i in range(scores.shape[0]):
            best = 0
            for j in range(1, scores.shape[1]):
                score = scores[i, j]
                if score > scores[i, best] or (score != score and scores[i, best] == scores[i, best]):
                    best = j
            hits += best == labels[i]
    return hits
