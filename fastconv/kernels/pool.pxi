"""Max and average pooling: forward, backward. Channels are the vector dimension; padded cells do not exist."""

cdef struct Pool:                       # of both axes: input and output sizes, window, stride, cells of padding before
    ix height, width, channels, out_height, out_width
    ix window_height, window_width, stride_height, stride_width, top, left


cdef class Pooling(Kernel):
    cdef Pool s
    cdef ix images

    def __init__(self, sizes, ix images, int threads):
        cdef Pool s
        (s.height, s.width, s.channels, s.out_height, s.out_width, s.window_height, s.window_width,
         s.stride_height, s.stride_width, s.top, s.left) = sizes
        self.s, self.images = s, images
        self.threads = useful_threads(threads,
                                      <double>images * s.out_height * s.out_width * s.window_height * s.window_width
                                      * ((s.channels + VL - 1) // VL))

    cdef inline void span(self, ix i, ix j, ix* edges) noexcept nogil:
        """The rows and columns of the input that window (i, j) covers."""
        edges[0] = max(0, i * self.s.stride_height - self.s.top)
        edges[1] = min(self.s.height, i * self.s.stride_height - self.s.top + self.s.window_height)
        edges[2] = max(0, j * self.s.stride_width - self.s.left)
        edges[3] = min(self.s.width, j * self.s.stride_width - self.s.left + self.s.window_width)


cdef class max_pool2d_forward(Pooling):
    """y = maximum of each window; which = its cell in the image (row * width + column), the first of equals."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef int[::1] which

    def __init__(self, const real[::1] x, real[::1] y, int[::1] which, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.x, self.y = x, y
        self.which = which

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.images * self.s.out_height, num_threads=self.threads, schedule="static"):
            self.line(t // self.s.out_height, t % self.s.out_height)

    cdef void line(self, ix n, ix i) noexcept nogil:
        cdef ix j, c, at, channels = self.s.channels
        cdef const real* image = &self.x[0] + n * self.s.height * self.s.width * channels
        cdef ix edges[4]
        for j in range(self.s.out_width):
            self.span(i, j, edges)
            at = ((n * self.s.out_height + i) * self.s.out_width + j) * channels
            for c from 0 <= c < channels by VL:
                pool_max(image + c, edges, self.s.width, channels, channels - c, &self.y[at + c],
                         &self.which[at + c] if self.which is not None else NULL)


cdef inline void pool_max(const real* image, const ix* edges, ix width, ix channels, ix lanes, real* y,
                          int* which) noexcept nogil:
    """One window, one vector of channels."""
    cdef vf best = vload_n(image + (edges[0] * width + edges[2]) * channels, lanes)
    cdef vi winner = viset(<int>(edges[0] * width + edges[2]))
    cdef ix r, q
    for r in range(edges[0], edges[1]):
        for q in range(edges[2], edges[3]):
            vtake_winner(&best, &winner, vload_n(image + (r * width + q) * channels, lanes), <int>(r * width + q))
    vstore_n(y, best, lanes)
    if which != NULL:
        vstore_int_n(which, winner, lanes)


cdef class max_pool2d_backward(Pooling):
    """dx = each output's gradient at its winner; windows that overlap add up."""
    cdef const real[::1] dy
    cdef const int[::1] which
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, const int[::1] which, real[::1] dx, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.dy, self.which, self.dx = dy, which, dx

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.images, num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix channels = self.s.channels, size = self.s.height * self.s.width * channels, p, c
        cdef ix outputs = self.s.out_height * self.s.out_width
        cdef real* dx = &self.dx[0] + n * size
        cdef const real* dy = &self.dy[0] + n * outputs * channels
        cdef const int* which = &self.which[0] + n * outputs * channels
        memset(dx, 0, size * sizeof(real))
        for p in range(outputs * channels):
            dx[which[p] * channels + p % channels] += dy[p]


cdef class expand_winners_backward(Pooling):
    """The dense gradient behind a fused max pool: dx[winner of a window] = dy, zero elsewhere."""
    cdef const real[::1] dy
    cdef const uint8_t[::1] which
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, const uint8_t[::1] which, real[::1] dx, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.dy, self.which, self.dx = dy, which, dx

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.images, num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix channels = self.s.channels, size = self.s.height * self.s.width * channels, i, j, c, at, row, col
        cdef real* dx = &self.dx[0] + n * size
        memset(dx, 0, size * sizeof(real))
        for i in range(self.s.out_height):
            for j in range(self.s.out_width):
                at = ((n * self.s.out_height + i) * self.s.out_width + j) * channels
                for c in range(channels):
                    if self.which[at + c] != DEAD_WINDOW:
                        row = i * self.s.stride_height + self.which[at + c] // self.s.window_width
                        col = j * self.s.stride_width + self.which[at + c] % self.s.window_width
                        dx[(row * self.s.width + col) * channels + c] = self.dy[at + c]


cdef class average_pool2d_forward(Pooling):
    """y = mean of each window's real cells."""
    cdef const real[::1] x
    cdef real[::1] y

    def __init__(self, const real[::1] x, real[::1] y, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.x, self.y = x, y

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.images * self.s.out_height, num_threads=self.threads, schedule="static"):
            self.line(t // self.s.out_height, t % self.s.out_height)

    cdef void line(self, ix n, ix i) noexcept nogil:
        cdef ix j, c, at, channels = self.s.channels
        cdef const real* image = &self.x[0] + n * self.s.height * self.s.width * channels
        cdef ix edges[4]
        for j in range(self.s.out_width):
            self.span(i, j, edges)
            at = ((n * self.s.out_height + i) * self.s.out_width + j) * channels
            for c from 0 <= c < channels by VL:
                pool_mean(image + c, edges, self.s.width, channels, channels - c, &self.y[at + c])


cdef inline void pool_mean(const real* image, const ix* edges, ix width, ix channels, ix lanes, real* y) noexcept nogil:
    cdef vf total = vset(0)
    cdef ix r, q
    for r in range(edges[0], edges[1]):
        for q in range(edges[2], edges[3]):
            total = total + vload_n(image + (r * width + q) * channels, lanes)
    vstore_n(y, total / vset(<real>((edges[1] - edges[0]) * (edges[3] - edges[2]))), lanes)


cdef class average_pool2d_backward(Pooling):
    """dx = each output's gradient, shared equally by its window's real cells."""
    cdef const real[::1] dy
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, ix images, int threads=1):
        Pooling.__init__(self, sizes, images, threads)
        self.dy, self.dx = dy, dx

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.images, num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix channels = self.s.channels, size = self.s.height * self.s.width * channels, i, j, c
        cdef real* dx = &self.dx[0] + n * size
        cdef ix edges[4]
        memset(dx, 0, size * sizeof(real))
        for i in range(self.s.out_height):
            for j in range(self.s.out_width):
                self.span(i, j, edges)
                for c from 0 <= c < channels by VL:
                    spread_mean(&self.dy[((n * self.s.out_height + i) * self.s.out_width + j) * channels + c], edges,
                                self.s.width, channels, channels - c, dx + c)


cdef inline void spread_mean(const real* dy, const ix* edges, ix width, ix channels, ix lanes, real* dx) noexcept nogil:
    cdef vf share = vload_n(dy, lanes) / vset(<real>((edges[1] - edges[0]) * (edges[3] - edges[2])))
    cdef real* cell
    cdef ix r, q
    for r in range(edges[0], edges[1]):
        for q in range(edges[2], edges[3]):
            cell = dx + (r * width + q) * channels
            vstore_n(cell, vload_n(cell, lanes) + share, lanes)
