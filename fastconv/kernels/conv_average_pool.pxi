"""Convolution, relu or nothing, and average pooling in one pass; gradients that are dense only where they are read.

Nothing of the convolution's own output is stored. What the way back must know of it is a bit for each cell, whether the
relu let it through: one byte a pooled value, so a window has up to eight cells. A cell's gradient is an equal share of
its window's, or zero.
"""

cdef inline void mean_of(const int window, bint relu, bint told, const vf* cells, ix lanes, real* y,
                         uint8_t* alive) noexcept nogil:
    """The mean of a window's cells, relu if asked; and a bit for each that is not dead, if that shall be told."""
    cdef vf total = vrelu(cells[0]) if relu else cells[0]
    cdef vi bits
    cdef int i
    for i in range(1, window):
        total = total + (vrelu(cells[i]) if relu else cells[i])
    vstore_n(y, total / vset(<real>window), lanes)
    if told:
        bits = vmark_dead(viset(1), cells[0], 0)
        for i in range(1, window):
            bits = bits | vmark_dead(viset(1 << i), cells[i], 0)
        vstore_bytes_n(alive, bits, lanes)


cdef inline void mean_cells(const int window, const bint relu, const real* cells, ix lanes, real* y,
                            uint8_t* alive) noexcept nogil:
    """All channels of a window whose cells lie BLOCK_LANES apart."""
    cdef vf total, v
    cdef vi bits
    cdef ix j
    cdef int i
    for j from 0 <= j < lanes by VL:
        total, bits = vset(0), viset(0)
        for i in range(window):
            v = vload(cells + i * BLOCK_LANES + j)
            if relu and alive != NULL:
                bits = bits | vmark_dead(viset(1 << i), v, 0)
            total = total + (vrelu(v) if relu else v)
        vstore_n(y + j, total / vset(<real>window), lanes - j)
        if relu and alive != NULL:
            vstore_bytes_n(alive + j, bits, lanes - j)


cdef class conv2d_average_pool_forward(conv2d_max_pool_forward):
    """y = mean over each window of (x * w + b), relu if asked, and which cells are alive, unless nobody asks."""

    cdef void pool(self, ix pooled, const real* cells, ix lanes, real* y, uint8_t* which) noexcept nogil:
        cdef ix p, at
        for p in range(pooled):
            at = self.place[p]
            if not self.relu:
                mean_cells(<int>self.window, False, cells, lanes, y + at, NULL)
            elif self.window == 4:
                mean_cells(4, True, cells, lanes, y + at, which + at if self.told else NULL)
            else:
                mean_cells(<int>self.window, True, cells, lanes, y + at, which + at if self.told else NULL)
            cells += self.window * BLOCK_LANES


cdef class conv2d_average_pool_backward_filters(conv2d_backward_filters):
    """As `conv2d_backward_filters`, from the gradients of means; `which` has a bit for each living cell, None: all."""

    def __init__(self, const real[::1] x, const real[::1] dy, const uint8_t[::1] which, real[::1] partial,
                 real[:, ::1] scratch, windows, ix groups, ix out_channels, ix chunks, real[:, ::1] dw=None,
                 real[::1] db=None, bint at_once=False, int threads=1):
        conv2d_backward_filters.__init__(self, x, dy, which, partial, scratch, windows, groups, out_channels, chunks,
                                         dw, db, at_once, threads=threads)
        self.copied = True

    cdef void spread(self, const real* dy, ix at, ix stride, ix lanes, ix pixels, real* out) noexcept nogil:
        cdef ix p
        cdef const uint8_t* alive = NULL
        if self.which is not None:
            alive = &self.which[at]
        for p in range(pixels // self.window):
            share_cells(dy + p * stride, alive, lanes, <int>self.window, out + p * self.window * BLOCK_LANES)
            if alive != NULL:
                alive += stride


cdef inline void share_cells(const real* dy, const uint8_t* alive, ix lanes, int window, real* out) noexcept nogil:
    """Give each living cell of a window its share: out[cell][BLOCK]."""
    cdef ix j
    cdef int i
    cdef vf g
    cdef vi bits
    for j from 0 <= j < lanes by VL:
        g = vload_n(dy + j, lanes - j) / vset(<real>window)
        bits = viset(-1) if alive == NULL else vload_bytes_n(alive + j, lanes - j)
        for i in range(window):
            vstore(out + i * BLOCK_LANES + j, g if alive == NULL else vdrop_equal(g, bits & viset(1 << i), 0))


cdef class relu_average_pool2d_backward(PoolBackward):
    """dx = each output's gradient, shared equally by its window's cells, where their bit in `which` says alive."""

    def __init__(self, const real[::1] dy, const uint8_t[::1] which, real[::1] dx, sizes, ix images, int threads=1):
        self.masked = True
        PoolBackward.__init__(self, dy, which, dx, sizes, images, threads)


cdef inline void share_masked(bint whole, ix rows, ix cols, const real* dy, const uint8_t* alive, const Pool* s,
                              real* dx) noexcept nogil:
    """A window whose cells are counted only now."""
    if not whole:
        share_living(False, <int>rows, <int>cols, dy, alive, s, dx)
    elif rows == 2 and cols == 2:
        share_living(True, 2, 2, dy, alive, s, dx)
    else:
        share_living(True, <int>rows, <int>cols, dy, alive, s, dx)


cdef inline void share_living(const bint whole, const int rows, const int cols, const real* dy, const uint8_t* alive,
                              const Pool* s, real* dx) noexcept nogil:
    """One window, all channels."""
    cdef ix c, at, lanes, channels = s.channels
    cdef vf g
    cdef vi bits
    cdef real* row
    cdef int r, q
    for c from 0 <= c < channels by VL:
        at = min(c, channels - VL) if whole else c
        lanes = channels - at
        g = load_lanes(whole, dy + at, lanes) / vset(<real>(rows * cols))
        bits = vload_bytes_n(alive + at, lanes)
        for r in range(rows):
            row = dx + r * s.width * channels + at
            for q in range(cols):
                store_lanes(whole, row + q * channels, vdrop_equal(g, bits & viset(1 << (r * cols + q)), 0), lanes)
