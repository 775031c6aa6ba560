"""Pools with one window as large as the image: the maximum or the mean of each channel, read once.

A few vectors of channels at a time run over all cells with their results in registers. (The gradient behind a global
maximum is `max_pool2d_scatter`.)
"""

cdef enum:
    WIDE = 8                            # vectors of channels that run over the cells together
    HALF_WIDE = WIDE // 2               # or fewer, where there are no more
    AHEAD = 4                           # cells that are fetched ahead: their distance is too long for the processor
    PARTIAL = 64                        # cells whose sum is added to the total at once: rounding grows with their root


cdef class GlobalPooling(Kernel):
    """A kernel over (image, range of channels); every part of it does whole vectors of channels."""
    cdef ix images, cells, channels, splits
    cdef bint whole                     # whether the channels fill a vector

    def __init__(self, sizes, int threads):
        self.images, self.cells, self.channels = sizes
        cdef ix vectors = (self.channels + VL - 1) // VL
        self.whole = self.channels >= VL
        self.threads = useful_threads(threads, POOL_WORK * <double>self.images * self.cells * vectors)
        self.splits = max(1, min((vectors + WIDE - 1) // WIDE, 4 * self.threads // max(1, self.images)))

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.images * self.splits, num_threads=self.threads, schedule="static"):
            self.image(t // self.splits, t % self.splits)

    cdef void image(self, ix n, ix split) noexcept nogil:
        cdef ix runs = (self.channels + WIDE * VL - 1) // (WIDE * VL)
        cdef ix c = split * runs // self.splits * WIDE * VL, stop = (split + 1) * runs // self.splits * WIDE * VL
        stop = min(stop, self.channels)
        while c < stop:
            if c + WIDE * VL <= stop:
                self.wide(n, c)
                c = c + WIDE * VL
            elif c + HALF_WIDE * VL <= stop:
                self.half_wide(n, c)
                c = c + HALF_WIDE * VL
            else:
                self.narrow(n, min(c, self.channels - VL) if self.whole else 0)
                c = c + VL

    cdef void wide(self, ix n, ix c) noexcept nogil:
        """Do WIDE vectors of channels from c on."""
        pass

    cdef void half_wide(self, ix n, ix c) noexcept nogil:
        """Do half of them."""
        pass

    cdef void narrow(self, ix n, ix c) noexcept nogil:
        """Do one vector of channels, or the few there are."""
        pass


cdef inline void max_channels(const bint whole, const bint saving, const int v, const real* x, ix cells, ix channels,
                              real* y, int* which) noexcept nogil:
    cdef vf best[WIDE]
    cdef vi winner[WIDE]
    cdef ix p
    cdef int j
    for j in range(v):
        best[j], winner[j] = load_lanes(whole, x + j * VL, channels), viset(0)
    for p in range(cells):
        for j in range(v):
            vprefetch(x + AHEAD * channels + j * VL)
            if saving:
                vtake_winner(&best[j], &winner[j], load_lanes(whole, x + j * VL, channels), <int>p)
            else:
                best[j] = vlarger(best[j], load_lanes(whole, x + j * VL, channels))
        x += channels
    for j in range(v):
        store_lanes(whole, y + j * VL, best[j], channels)
        if saving:
            vstore_int_n(which + j * VL, winner[j], channels)


cdef class global_max_forward(GlobalPooling):
    """y = maximum of each channel of an image; which = its cell, the first of equals, unless None."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef int[::1] which
    cdef bint saving

    def __init__(self, const real[::1] x, real[::1] y, int[::1] which, sizes, int threads=1):
        GlobalPooling.__init__(self, sizes, threads)
        self.x, self.y, self.which, self.saving = x, y, which, which is not None

    cdef void wide(self, ix n, ix c) noexcept nogil:
        cdef const real* x = &self.x[0] + n * self.cells * self.channels + c
        cdef ix at = n * self.channels + c
        if self.saving:
            max_channels(True, True, WIDE, x, self.cells, self.channels, &self.y[at], &self.which[at])
        else:
            max_channels(True, False, WIDE, x, self.cells, self.channels, &self.y[at], NULL)

    cdef void half_wide(self, ix n, ix c) noexcept nogil:
        cdef const real* x = &self.x[0] + n * self.cells * self.channels + c
        cdef ix at = n * self.channels + c
        if self.saving:
            max_channels(True, True, HALF_WIDE, x, self.cells, self.channels, &self.y[at], &self.which[at])
        else:
            max_channels(True, False, HALF_WIDE, x, self.cells, self.channels, &self.y[at], NULL)

    cdef void narrow(self, ix n, ix c) noexcept nogil:
        cdef const real* x = &self.x[0] + n * self.cells * self.channels + c
        cdef ix at = n * self.channels + c
        cdef int* which = &self.which[at] if self.saving else NULL
        if self.saving:
            max_channels(False, True, 1, x, self.cells, self.channels, &self.y[at], which)
        else:
            max_channels(False, False, 1, x, self.cells, self.channels, &self.y[at], which)


cdef inline void mean_channels(const bint whole, const int v, const real* x, ix cells, ix channels,
                               real* y) noexcept nogil:
    cdef vf total[WIDE]
    cdef vf part[WIDE]
    cdef ix p, first
    cdef int j
    for j in range(v):
        total[j] = vset(0)
    for first from 0 <= first < cells by PARTIAL:
        for j in range(v):
            part[j] = vset(0)
        for p in range(first, min(cells, first + PARTIAL)):
            for j in range(v):
                vprefetch(x + AHEAD * channels + j * VL)
                part[j] = part[j] + load_lanes(whole, x + j * VL, channels)
            x += channels
        for j in range(v):
            total[j] = total[j] + part[j]
    for j in range(v):
        store_lanes(whole, y + j * VL, total[j] / vset(<real>cells), channels)


cdef class global_average_forward(GlobalPooling):
    """y = mean of each channel of an image."""
    cdef const real[::1] x
    cdef real[::1] y

    def __init__(self, const real[::1] x, real[::1] y, sizes, int threads=1):
        GlobalPooling.__init__(self, sizes, threads)
        self.x, self.y = x, y

    cdef void wide(self, ix n, ix c) noexcept nogil:
        mean_channels(True, WIDE, &self.x[0] + n * self.cells * self.channels + c, self.cells, self.channels,
                      &self.y[n * self.channels + c])

    cdef void half_wide(self, ix n, ix c) noexcept nogil:
        mean_channels(True, HALF_WIDE, &self.x[0] + n * self.cells * self.channels + c, self.cells, self.channels,
                      &self.y[n * self.channels + c])

    cdef void narrow(self, ix n, ix c) noexcept nogil:
        mean_channels(False, 1, &self.x[0] + n * self.cells * self.channels + c, self.cells, self.channels,
                      &self.y[n * self.channels + c])


cdef class global_average_backward(GlobalPooling):
    """dx = an equal share of dy at each cell."""
    cdef const real[::1] dy
    cdef real[::1] dx

    def __init__(self, const real[::1] dy, real[::1] dx, sizes, int threads=1):
        GlobalPooling.__init__(self, sizes, threads)
        self.dy, self.dx = dy, dx
        self.splits = max(1, min(self.cells, 4 * self.threads // max(1, self.images)))

    cdef void image(self, ix n, ix split) noexcept nogil:
        """Fill a range of cells, each with a copy of the first."""
        cdef ix first = split * self.cells // self.splits, stop = (split + 1) * self.cells // self.splits, c, p
        cdef const real* dy = &self.dy[0] + n * self.channels
        cdef real* dx = &self.dx[0] + (n * self.cells + first) * self.channels
        cdef vf divisor = vset(<real>self.cells)
        for c from 0 <= c < self.channels by VL:
            vstore_n(dx + c, vload_n(dy + c, self.channels - c) / divisor, self.channels - c)
        for p in range(1, stop - first):
            memcpy(dx + p * self.channels, dx, self.channels * sizeof(real))
