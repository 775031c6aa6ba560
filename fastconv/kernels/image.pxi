"""Images, one at a time: affine warps, flips, windows, contrast and brightness, each with its gradient.

Threads take whole images, so a gradient that several pixels add to is summed by one thread, in one order.
"""

cdef enum:
    SPAN = 64                         # pixels of a row whose taps are worked out at a time: whole vectors
    FLUSH = 64                        # vectors that are summed up before a sum moves on to double

FILL_MODES = ("constant", "nearest", "wrap", "reflect", "mirror")

cdef enum:
    CONSTANT, NEAREST, WRAP, REFLECT, MIRROR

cdef struct Taps:
    int[SPAN] top, bottom, left, right            # where the four neighbours of each pixel lie
    real[SPAN] nw, ne, sw, se, rest               # their shares, and what comes of the fill value

cdef struct Ends:
    vf low, high                                  # the two neighbours along an axis
    vf low_share, high_share, outside             # their shares, and the share of what lies outside of the image


cdef inline vf within(vf at, vf last) noexcept nogil:
    """Cut places to 0 ... last; what is no number becomes 0, so that nothing is read outside of an image."""
    at = vwhere(at, vset(0), at, vset(0))
    return vwhere(at, last, last, at)


cdef inline vf repeated(vf at, real period) noexcept nogil:
    return at - vset(period) * vfloor(at / vset(period))


cdef inline vf folded(vf at, real size, int mode) noexcept nogil:
    """Return the places within an axis that stand for any places."""
    cdef real twice
    if mode == WRAP:
        at = repeated(at, size)
    elif mode == REFLECT or (mode == MIRROR and size > 1):
        twice = 2 * size if mode == REFLECT else 2 * size - 2
        at = repeated(at, twice)
        at = vwhere(at, vset(size - 1), vset(twice - (1 if mode == REFLECT else 0)) - at, at)
    return within(at, vset(size - 1))


cdef inline vf kept(vf share, vf at, real size) noexcept nogil:
    """Return a share where its place lies within the axis, else 0."""
    share = vwhere(at, vset(<real>-0.5), share, vset(0))
    return vwhere(vset(size - <real>0.5), at, share, vset(0))


cdef inline Ends ends_of(vf at, real size, int mode, bint nearest) noexcept nogil:
    """Return the neighbours of places along an axis, and their shares; the nearest one alone has all of it."""
    cdef Ends e
    cdef vf low = vround(at) if nearest else vfloor(at)
    cdef vf high = low + vset(1)
    e.high_share = vset(0) if nearest else at - low
    e.low_share = vset(1) - e.high_share
    e.outside = vset(0)
    if mode == CONSTANT:
        e.outside = e.low_share + e.high_share
        e.low_share, e.high_share = kept(e.low_share, low, size), kept(e.high_share, high, size)
        e.outside = vwhere(vset(size - 1), high, vwhere(low, vset(<real>-0.5), vset(0), e.outside - e.high_share),
                           e.outside - (e.low_share + e.high_share))
    e.low, e.high = folded(low, size, mode), folded(high, size, mode)
    return e


cdef class Warping(Kernel):
    """What a warp and its gradient share: where each pixel comes from.

    Pixel (i, j) of image n comes from row ``d j + e i + f`` and column ``a j + b i + c``, where `maps` has a ... f of
    the image. `nearest` takes the nearest pixel instead of a weighted mean of four.
    """
    cdef const real[:, ::1] maps
    cdef ix images, height, width, channels, rows, columns
    cdef real fill
    cdef int mode
    cdef bint nearest

    def __init__(self, x_shape, y_shape, const real[:, ::1] maps, fill_mode, double fill, bint nearest, int threads):
        self.images, self.height, self.width, self.channels = x_shape
        self.rows, self.columns = y_shape[1:3]
        self.maps, self.fill, self.nearest, self.mode = maps, <real>fill, nearest, FILL_MODES.index(fill_mode)
        self.threads = useful_threads(threads, 4.0 * self.images * self.rows * self.columns * (2 + self.channels / VL))

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.images, num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef Taps taps
        cdef ix i, j
        self.begin(n)
        for i in range(self.rows):
            for j from 0 <= j < self.columns by SPAN:
                self.find(&taps, n, i, j, min(SPAN, self.columns - j))
                self.pixels(&taps, n, i, j, min(SPAN, self.columns - j))

    cdef void begin(self, ix n) noexcept nogil:
        pass

    cdef void pixels(self, Taps* taps, ix n, ix i, ix j, ix count) noexcept nogil:
        pass

    cdef void find(self, Taps* taps, ix n, ix i, ix j, ix count) noexcept nogil:
        """Work out the taps of `count` pixels of a row, in whole vectors."""
        cdef const real* map = &self.maps[n, 0]
        cdef vf row = vset(<real>i), column
        cdef Ends x, y
        cdef ix k
        for k from 0 <= k < count by VL:
            column = vset(<real>(j + k)) + vramp()
            x = ends_of(vset(map[0]) * column + vset(map[1]) * row + vset(map[2]), self.width, self.mode, self.nearest)
            y = ends_of(vset(map[3]) * column + vset(map[4]) * row + vset(map[5]), self.height, self.mode, self.nearest)
            vstore_whole(&taps.left[k], x.low)
            vstore_whole(&taps.right[k], x.high)
            vstore_whole(&taps.top[k], y.low)
            vstore_whole(&taps.bottom[k], y.high)
            vstore(&taps.nw[k], y.low_share * x.low_share)
            vstore(&taps.ne[k], y.low_share * x.high_share)
            vstore(&taps.sw[k], y.high_share * x.low_share)
            vstore(&taps.se[k], y.high_share * x.high_share)
            vstore(&taps.rest[k], vset(self.fill) * (y.outside + (y.low_share + y.high_share) * x.outside))


cdef class warp_forward(Warping):
    """y[n, i, j] = x[n] at the place that the map of the image says."""
    cdef const real[:, :, :, ::1] x
    cdef real[:, :, :, ::1] y

    def __init__(self, const real[:, :, :, ::1] x, real[:, :, :, ::1] y, const real[:, ::1] maps, fill_mode,
                 double fill, bint nearest, int threads=1):
        Warping.__init__(self, (<object>x).shape, (<object>y).shape, maps, fill_mode, fill, nearest, threads)
        self.x, self.y = x, y

    cdef void pixels(self, Taps* taps, ix n, ix i, ix j, ix count) noexcept nogil:
        cdef const real* x = &self.x[n, 0, 0, 0]
        cdef const real* top
        cdef const real* bottom
        cdef real* y = &self.y[n, i, j, 0]
        cdef ix p, c, left, right, channels = self.channels
        cdef vf total
        for p in range(count):
            left, right = taps.left[p] * channels, taps.right[p] * channels
            top, bottom = x + taps.top[p] * self.width * channels, x + taps.bottom[p] * self.width * channels
            for c from 0 <= c < channels by VL:
                total = vset(taps.rest[p]) + vset(taps.nw[p]) * vload_n(top + left + c, channels - c)
                if not self.nearest:
                    total = total + vset(taps.ne[p]) * vload_n(top + right + c, channels - c)
                    total = total + vset(taps.sw[p]) * vload_n(bottom + left + c, channels - c)
                    total = total + vset(taps.se[p]) * vload_n(bottom + right + c, channels - c)
                vstore_n(y + p * channels + c, total, channels - c)


cdef inline void add_share(real* target, real share, vf v, ix n) noexcept nogil:
    vstore_n(target, vload_n(target, n) + vset(share) * v, n)


cdef class warp_backward(Warping):
    """dx = what each pixel of dy hands back to the pixels it was made of."""
    cdef const real[:, :, :, ::1] dy
    cdef real[:, :, :, ::1] dx

    def __init__(self, const real[:, :, :, ::1] dy, real[:, :, :, ::1] dx, const real[:, ::1] maps, fill_mode,
                 double fill, bint nearest, int threads=1):
        Warping.__init__(self, (<object>dx).shape, (<object>dy).shape, maps, fill_mode, fill, nearest, threads)
        self.dy, self.dx = dy, dx

    cdef void begin(self, ix n) noexcept nogil:
        memset(&self.dx[n, 0, 0, 0], 0, self.height * self.width * self.channels * sizeof(real))

    cdef void pixels(self, Taps* taps, ix n, ix i, ix j, ix count) noexcept nogil:
        cdef real* dx = &self.dx[n, 0, 0, 0]
        cdef real* top
        cdef real* bottom
        cdef const real* dy = &self.dy[n, i, j, 0]
        cdef ix p, c, left, right, channels = self.channels
        cdef vf v
        for p in range(count):
            left, right = taps.left[p] * channels, taps.right[p] * channels
            top, bottom = dx + taps.top[p] * self.width * channels, dx + taps.bottom[p] * self.width * channels
            for c from 0 <= c < channels by VL:
                v = vload_n(dy + p * channels + c, channels - c)
                add_share(top + left + c, taps.nw[p], v, channels - c)
                if not self.nearest:
                    add_share(top + right + c, taps.ne[p], v, channels - c)
                    add_share(bottom + left + c, taps.sw[p], v, channels - c)
                    add_share(bottom + right + c, taps.se[p], v, channels - c)


cdef class flip(Kernel):
    """y[n] = x[n], turned round where flips[n]: columns, rows, or both; it is its own gradient."""
    cdef const real[:, :, :, ::1] x
    cdef real[:, :, :, ::1] y
    cdef const uint8_t[::1] flips
    cdef bint columns, rows

    def __init__(self, const real[:, :, :, ::1] x, real[:, :, :, ::1] y, const uint8_t[::1] flips, bint columns,
                 bint rows, int threads=1):
        self.x, self.y, self.flips, self.columns, self.rows = x, y, flips, columns, rows
        self.threads = useful_threads(threads, <double>x.size)

    cdef void run(self) noexcept nogil:
        cdef ix t, height = self.x.shape[1]
        for t in prange(self.x.shape[0] * height, num_threads=self.threads, schedule="static"):
            self.row(t // height, t % height)

    cdef void row(self, ix n, ix i) noexcept nogil:
        cdef bint turned = self.flips[n]
        cdef ix j, c, width = self.x.shape[2], channels = self.x.shape[3]
        cdef ix source = self.x.shape[1] - 1 - i if turned and self.rows else i
        if width == 0 or channels == 0:
            return
        if not (turned and self.columns):
            memcpy(&self.y[n, i, 0, 0], &self.x[n, source, 0, 0], width * channels * sizeof(real))
            return
        for j in range(width):
            for c from 0 <= c < channels by VL:
                vstore_n(&self.y[n, i, j, c], vload_n(&self.x[n, source, width - 1 - j, c], channels - c), channels - c)


cdef class window(Kernel):
    """y = the part of each x that begins at `start` (row, column)."""
    cdef const real[:, :, :, ::1] x
    cdef real[:, :, :, ::1] y
    cdef const ix[::1] start

    def __init__(self, const real[:, :, :, ::1] x, real[:, :, :, ::1] y, const ix[::1] start, int threads=1):
        self.x, self.y, self.start = x, y, start
        self.threads = useful_threads(threads, <double>y.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t, height = self.y.shape[1], size = self.y.shape[2] * self.y.shape[3] * sizeof(real)
        cdef ix top = self.start[0], left = self.start[1]
        for t in prange(self.y.shape[0] * height, num_threads=self.threads, schedule="static"):
            memcpy(&self.y[t // height, t % height, 0, 0], &self.x[t // height, t % height + top, left, 0], size)


cdef class window_backward(Kernel):
    """dx = dy where the window was, else 0."""
    cdef const real[:, :, :, ::1] dy
    cdef real[:, :, :, ::1] dx
    cdef const ix[::1] start

    def __init__(self, const real[:, :, :, ::1] dy, real[:, :, :, ::1] dx, const ix[::1] start, int threads=1):
        self.dy, self.dx, self.start = dy, dx, start
        self.threads = useful_threads(threads, <double>dx.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t, i, height = self.dx.shape[1], width = self.dx.shape[2] * self.dx.shape[3]
        cdef ix size = self.dy.shape[2] * self.dy.shape[3] * sizeof(real), top = self.start[0], left = self.start[1]
        for t in prange(self.dx.shape[0] * height, num_threads=self.threads, schedule="static"):
            i = t % height - top
            memset(&self.dx[t // height, t % height, 0, 0], 0, width * sizeof(real))
            if 0 <= i < self.dy.shape[1]:
                memcpy(&self.dx[t // height, t % height, left, 0], &self.dy[t // height, i, 0, 0], size)


cdef class Patterned(Kernel):
    """A kernel over images (n, pixels, channels) as whole vectors: VL pixels at a time make `channels` vectors.

    What there is once a channel is repeated along a pattern of as many values (n, VL * channels).
    """
    cdef ix images, size, line

    def __init__(self, x_shape, double work, int threads):
        self.images, self.size, self.line = x_shape[0], x_shape[1] * x_shape[2], VL * x_shape[2]
        self.threads = useful_threads(threads, work * self.images * self.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.images, num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        pass


cdef class channel_means(Patterned):
    """Each place of the pattern of an image gets the mean of its channel; `totals` (n, channels) is for the sums."""
    cdef const real[:, :, ::1] x
    cdef real[:, ::1] means
    cdef double[:, ::1] totals

    def __init__(self, const real[:, :, ::1] x, real[:, ::1] means, double[:, ::1] totals, int threads=1):
        Patterned.__init__(self, (<object>x).shape, 2, threads)
        self.x, self.means, self.totals = x, means, totals

    cdef void image(self, ix n) noexcept nogil:
        cdef const real* x = &self.x[n, 0, 0]
        cdef real* sums = &self.means[n, 0]
        cdef double* totals = &self.totals[n, 0]
        cdef ix i, k, c, q, channels = self.x.shape[2], line = self.line
        memset(totals, 0, channels * sizeof(double))
        for i from 0 <= i < self.size by FLUSH * line:
            memset(sums, 0, line * sizeof(real))
            for q from i <= q < min(self.size, i + FLUSH * line) by line:
                for k from 0 <= k < min(line, self.size - q) by VL:
                    vstore(sums + k, vload(sums + k) + vload_n(x + q + k, self.size - q - k))
            for q in range(VL):
                for c in range(channels):
                    totals[c] += sums[q * channels + c]
        for q in range(VL):
            for c in range(channels):
                sums[q * channels + c] = <real>(totals[c] / self.x.shape[1])


cdef class Adjusting(Patterned):
    """What contrast, brightness and their gradients share: ``(x - mean) * factor + mean``, or ``x + factor``."""
    cdef const real[:, :, ::1] x
    cdef real[:, :, ::1] y
    cdef const real[:, ::1] means
    cdef const real[::1] factor
    cdef real low, high

    def __init__(self, const real[:, :, ::1] x, real[:, :, ::1] y, const real[:, ::1] means, const real[::1] factor,
                 double low, double high, int threads):
        Patterned.__init__(self, (<object>x).shape, 2, threads)
        self.x, self.y, self.means, self.factor, self.low, self.high = x, y, means, factor, <real>low, <real>high

    cdef inline vf moved(self, ix n, ix i, ix k) noexcept nogil:
        cdef vf x = vload_n(&self.x[n, 0, 0] + i, self.size - i), factor = vset(self.factor[n]), mean
        if self.means is None:
            return x + factor
        mean = vload(&self.means[n, k])
        return (x - mean) * factor + mean


cdef class adjust(Adjusting):
    """y = what `Adjusting` says, cut to low ... high. y may be x."""

    def __init__(self, const real[:, :, ::1] x, real[:, :, ::1] y, const real[:, ::1] means, const real[::1] factor,
                 double low=-INFINITY, double high=INFINITY, int threads=1):
        Adjusting.__init__(self, x, y, means, factor, low, high, threads)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix i, k
        cdef vf v
        for i from 0 <= i < self.size by self.line:
            for k from 0 <= k < min(self.line, self.size - i) by VL:
                v = vat_most(vat_least(self.moved(n, i + k, k), vset(self.low)), vset(self.high))
                vstore_n(&self.y[n, 0, 0] + i + k, v, self.size - i - k)


cdef class adjust_gate(Adjusting):
    """dx = dy where `adjust` cut nothing, else 0."""
    cdef const real[:, :, ::1] dy

    def __init__(self, const real[:, :, ::1] x, const real[:, :, ::1] dy, real[:, :, ::1] dx, const real[:, ::1] means,
                 const real[::1] factor, double low, double high, int threads=1):
        Adjusting.__init__(self, x, dx, means, factor, low, high, threads)
        self.dy = dy

    cdef void image(self, ix n) noexcept nogil:
        cdef ix i, k
        cdef vf v, dv
        for i from 0 <= i < self.size by self.line:
            for k from 0 <= k < min(self.line, self.size - i) by VL:
                v, dv = self.moved(n, i + k, k), vload_n(&self.dy[n, 0, 0] + i + k, self.size - i - k)
                dv = vwhere(vset(self.low), v, vset(0), vwhere(v, vset(self.high), vset(0), dv))
                vstore_n(&self.y[n, 0, 0] + i + k, dv, self.size - i - k)
