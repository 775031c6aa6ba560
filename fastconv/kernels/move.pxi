"""Data movement: boxes of cells copied between arrays, each with strides of its own."""

cdef enum:
    MOST_AXES = 8


cdef class copy_box(Kernel):
    """y[i] = x[i] for all places i of a box: axes in another order, cropping, padding (y is cleared first), flips.

    `box` has the sizes of the box, `x_strides` and `y_strides` how far neighbours along each axis lie apart, in values,
    and `x_start`, `y_start` where the box begins. The first axis counts samples, which threads share.
    """
    cdef const real[::1] x
    cdef real[::1] y
    cdef ix[MOST_AXES] size, x_step, y_step
    cdef ix axes, x_start, y_start, sample
    cdef bint clear

    def __init__(self, const real[::1] x, real[::1] y, box, x_strides, y_strides, ix x_start, ix y_start, bint clear,
                 int threads=1):
        cdef ix i
        self.axes = len(box)
        if not 2 <= self.axes <= MOST_AXES:
            raise ValueError(f"a box has 2 to {MOST_AXES} axes; got {box}")
        for i in range(self.axes):
            self.size[i], self.x_step[i], self.y_step[i] = box[i], x_strides[i], y_strides[i]
        self.x, self.y, self.x_start, self.y_start, self.clear = x, y, x_start, y_start, clear
        self.sample = y.size // max(1, box[0])
        self.threads = useful_threads(threads, <double>y.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.size[0], num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix[MOST_AXES] at
        cdef ix a, last = self.axes - 1
        cdef const real* x
        cdef real* y
        if self.clear and self.sample:
            memset(&self.y[n * self.sample], 0, self.sample * sizeof(real))
        for a in range(1, self.axes):
            at[a] = 0
            if self.size[a] == 0:  # the arrays may be empty, too
                return
        x = &self.x[0] + self.x_start + n * self.x_step[0]
        y = &self.y[0] + self.y_start + n * self.y_step[0]
        while True:
            self.line(x, y)
            a = last - 1
            while a > 0:                                          # the next place, as an odometer counts
                at[a] += 1
                x += self.x_step[a]
                y += self.y_step[a]
                if at[a] < self.size[a]:
                    break
                x -= at[a] * self.x_step[a]
                y -= at[a] * self.y_step[a]
                at[a] = 0
                a -= 1
            if a == 0:
                return

    cdef void line(self, const real* x, real* y) noexcept nogil:
        """Copy along the last axis."""
        cdef ix i, last = self.axes - 1, dx = self.x_step[last], dy = self.y_step[last]
        if dx == 1 and dy == 1:
            memcpy(y, x, self.size[last] * sizeof(real))
            return
        for i in range(self.size[last]):
            y[i * dy] = x[i * dx]


cdef class swap_axes(Kernel):
    """y[n, b, a] = x[n, a, b]: channels first to channels last, and back."""
    cdef const real[:, :, ::1] x
    cdef real[:, :, ::1] y

    def __init__(self, const real[:, :, ::1] x, real[:, :, ::1] y, int threads=1):
        self.x, self.y, self.threads = x, y, useful_threads(threads, <double>x.size)

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.x.shape[0], num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix a, b, b0
        for b0 in range(0, self.x.shape[2], 16):                  # a strip of 16 fits a cache line of the output
            for a in range(self.x.shape[1]):
                for b in range(b0, min(b0 + 16, self.x.shape[2])):
                    self.y[n, b, a] = self.x[n, a, b]
