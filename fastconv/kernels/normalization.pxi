"""Normalization: mean and variance of columns, and the sweeps that subtract, scale and shift; of rows as well.

Columns: an array is seen as segments of rows of channels; batch normalization has one segment, group normalization one
a sample. As many rows as fill whole vectors are taken side by side as one line, so that any number of channels runs in
whole vectors; what is left behind the last line is the rest, less than one line.

Means and variances come from one pass over memory. A tile of a few rows is read twice while it lies in the first cache:
its mean, then the squared distances from it. Tiles, chunks of tiles and the rows of a line are then combined as Chan,
Golub and LeVeque (1979) do it, by the distances of their means. So no large numbers cancel, wherever the values lie:
the relative error of a variance is a few roundings times 1 + mean / deviation, where the mean of squares less the
square of the mean has the square of that.
"""

cdef enum:
    NORM_ROWS = 8                 # lines of a tile; the next one is fetched meanwhile

cdef enum:                        # the rows of factors: y = (x - mean) * scale + offset, and 1 / deviation
    MEAN, SCALE, OFFSET, INVERSE, FACTORS

cdef struct Columns:
    ix segments, rows, channels, fold
    ix width                      # values of a line: `fold` rows
    ix lines, rest                # whole lines of a segment; values behind them
    ix chunks                     # pieces that the lines are cut into, by shape alone


cdef inline ix first_line(const Columns* c, ix chunk) noexcept nogil:
    """Return a chunk's first line."""
    return chunk * c.lines // c.chunks


cdef class Segments(Kernel):
    """A kernel over segments that do not know of each other; `after` all of them it may make more of the results."""

    cdef ix count(self) noexcept nogil:
        """Return how many segments there are."""
        return 0

    cdef void segment(self, ix s) noexcept nogil:
        """Do one segment."""
        pass

    cdef void after(self) noexcept nogil:
        """Do what is left behind the last segment."""
        pass


cdef class segment_by_segment(Kernel):
    """Three kernels over the same segments, one behind the other in each: the last ones find it in the caches.

    The first and the last one sweep over columns. Where there are too few segments to share out, the kernels run one
    behind the other over all of them; the bits are the same.
    """
    cdef Segments first, second, third
    cdef int middle                       # threads for the second

    def __init__(self, Segments first, Segments second, Segments third):
        self.first, self.second, self.third = first, second, third
        self.threads, self.middle = max(first.threads, third.threads), second.threads

    cdef void run(self) noexcept nogil:
        cdef ix s, count = self.first.count()
        cdef int n = self.threads
        if count % n and count < 4 * n:
            self.first.threads, self.second.threads, self.third.threads = n, min(n, self.middle), n
            self.first.run()
            self.second.run()
            self.third.run()
            return
        for s in prange(count, num_threads=n, schedule="static"):
            self.three(s)
        self.second.after()

    cdef void three(self, ix s) noexcept nogil:
        self.first.segment(s)
        self.second.segment(s)
        self.third.segment(s)


cdef class ColumnSweep(Segments):
    """A sweep over all chunks of all segments, and `finish` for each segment.

    A sweep that follows another over the same arrays goes `backwards`: it meets first what is still in the caches.
    """
    cdef Columns c
    cdef bint backwards

    def __init__(self, columns, int threads, bint backwards=False):
        """columns: segments, rows, channels, fold, chunks."""
        cdef Columns c
        c.segments, c.rows, c.channels, c.fold, c.chunks = columns
        c.width, c.lines = c.fold * c.channels, c.rows // c.fold
        c.rest = (c.rows - c.lines * c.fold) * c.channels
        self.c = c
        self.backwards = backwards
        self.threads = useful_threads(threads, 6.0 * c.segments * c.rows * c.channels / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.threads, num_threads=self.threads, schedule="static"):
            self.share(t)
        for t in prange(self.c.segments, num_threads=min(self.threads, self.c.segments), schedule="static"):
            self.finish(t)

    cdef void share(self, ix thread) noexcept nogil:
        """A thread's chunks, the same ones in every sweep over the same columns."""
        cdef ix count = self.c.segments * self.c.chunks, t, at
        cdef ix first = thread * count // self.threads, stop = (thread + 1) * count // self.threads
        for t in range(first, stop):
            at = first + stop - 1 - t if self.backwards else t
            self.chunk(at // self.c.chunks, at % self.c.chunks)

    cdef ix count(self) noexcept nogil:
        return self.c.segments

    cdef void segment(self, ix s) noexcept nogil:
        cdef ix i
        for i in range(self.c.chunks):
            self.chunk(s, self.c.chunks - 1 - i if self.backwards else i)
        self.finish(s)

    cdef void chunk(self, ix segment, ix chunk) noexcept nogil:
        pass

    cdef void finish(self, ix segment) noexcept nogil:
        pass


# ---- mean and variance

cdef inline void join(real* mean, real* spread, vf centre, vf squares, vf part, vf before) noexcept nogil:
    """Add lines with a mean and a sum of squared distances to `before` ones; the new are a `part` of all then."""
    cdef vf d = centre - vload(mean)
    vstore(mean, vload(mean) + d * part)
    vstore(spread, vload(spread) + squares + d * d * part * before)


cdef inline void moments_tile(const int v, const real* x, ix stride, ix lines, ix before, real* mean,
                              real* spread) noexcept nogil:
    """Add a tile, v vectors wide, to the mean and the sum of squared distances from it of `before` lines."""
    cdef vf centre[TILE_V]
    cdef vf squares[TILE_V]
    cdef vf d, part = vset(<real>(1.0 / lines))
    cdef ix i
    cdef int j
    for j in range(v):
        centre[j] = vload(x + j * VL)
        squares[j] = vset(0)
    for i in range(1, lines):
        for j in range(v):
            vprefetch(x + (i + NORM_ROWS) * stride + j * VL)
            centre[j] = centre[j] + vload(x + i * stride + j * VL)
    for j in range(v):
        centre[j] = centre[j] * part
    for i in range(lines):
        for j in range(v):
            d = vload(x + i * stride + j * VL) - centre[j]
            squares[j] = squares[j] + d * d
    if before == 0:
        for j in range(v):
            vstore(mean + j * VL, centre[j])
            vstore(spread + j * VL, squares[j])
        return
    part = vset(<real>(<double>lines / (before + lines)))
    for j in range(v):
        join(mean + j * VL, spread + j * VL, centre[j], squares[j], part, vset(<real>before))


cdef class moments(ColumnSweep):
    """mean[segment, channel] and variance, that of the whole: divided by the number of rows.

    `partial` holds [segment][chunk][mean, spread][width].
    """
    cdef const real[::1] x
    cdef real[::1] partial
    cdef real[:, ::1] mean, variance

    def __init__(self, const real[::1] x, real[::1] partial, real[:, ::1] mean, real[:, ::1] variance, columns,
                 int threads=1):
        ColumnSweep.__init__(self, columns, threads)
        self.x, self.partial, self.mean, self.variance = x, partial, mean, variance

    cdef void chunk(self, ix segment, ix chunk) noexcept nogil:
        cdef ix width = self.c.width, first = first_line(&self.c, chunk), stop = first_line(&self.c, chunk + 1)
        cdef ix line, lines, j, start = segment * self.c.rows * self.c.channels
        cdef const real* x
        cdef real* mean = &self.partial[(segment * self.c.chunks + chunk) * 2 * width]
        for line from first <= line < stop by NORM_ROWS:
            x, lines, j = &self.x[start + line * width], min(<ix>NORM_ROWS, stop - line), 0
            while j + TILE_V * VL <= width:
                moments_tile(TILE_V, x + j, width, lines, line - first, mean + j, mean + width + j)
                j = j + TILE_V * VL
            while j < width:
                moments_tile(1, x + j, width, lines, line - first, mean + j, mean + width + j)
                j = j + VL

    cdef void finish(self, ix segment) noexcept nogil:
        cdef ix channel
        cdef ix rest = segment * self.c.rows * self.c.channels + self.c.lines * self.c.width
        cdef real* mean = &self.partial[segment * self.c.chunks * 2 * self.c.width]
        if self.c.chunks > 1:
            self.join_chunks(mean)
        for channel in range(self.c.channels):
            self.join_rows(segment, channel, mean, rest)

    cdef void join_chunks(self, real* mean) noexcept nogil:
        """Combine all chunks in the place of the first."""
        cdef ix i, j, before, lines, width = self.c.width
        cdef const real* other = mean
        cdef vf part
        for i in range(1, self.c.chunks):
            before, other = first_line(&self.c, i), other + 2 * width
            lines = first_line(&self.c, i + 1) - before
            part = vset(<real>(<double>lines / (before + lines)))
            for j from 0 <= j < width by VL:
                join(mean + j, mean + width + j, vload(other + j), vload(other + width + j), part, vset(<real>before))

    cdef void join_rows(self, ix segment, ix channel, const real* means, ix rest) noexcept nogil:
        """Combine a line's rows, and those behind the last line, from x[rest] on, to a channel's mean and variance."""
        cdef ix i, c = self.c.channels, left = self.c.rest // c
        cdef ix lines = self.c.lines, side = self.c.fold if lines else 0
        cdef double shift, total = 0, spread = 0, d
        if self.c.rows == 0:
            self.mean[segment, channel] = self.variance[segment, channel] = 0
            return
        shift = means[channel] if lines else self.x[rest + channel]
        for i in range(side):
            total += lines * (means[i * c + channel] - shift)
        for i in range(left):
            total += self.x[rest + i * c + channel] - shift
        total = total / self.c.rows
        for i in range(side):
            d = means[i * c + channel] - shift - total
            spread += means[self.c.width + i * c + channel] + lines * d * d
        for i in range(left):
            d = self.x[rest + i * c + channel] - shift - total
            spread += d * d
        self.mean[segment, channel] = <real>(shift + total)
        self.variance[segment, channel] = <real>(spread / self.c.rows)


cdef class moving_average(Kernel):
    """average = average * momentum + value * (1 - momentum)."""
    cdef const real[::1] value
    cdef real[::1] average
    cdef double momentum

    def __init__(self, const real[::1] value, real[::1] average, double momentum):
        self.value, self.average, self.momentum = value, average, momentum

    cdef void run(self) noexcept nogil:
        cdef ix i
        for i in range(self.average.shape[0]):
            self.average[i] = <real>(self.average[i] * self.momentum + self.value[i] * (1 - self.momentum))


cdef class norm_factors(Segments):
    """factors[segment, FACTORS, width] from means and variances [segment, channel] of groups of channels.

    A group's channels share a mean and a variance; with as many groups as channels each has its own. gamma or beta
    may be None.
    """
    cdef const real[:, ::1] mean, variance
    cdef const real[::1] gamma, beta
    cdef real[:, :, ::1] factors
    cdef ix groups
    cdef double epsilon

    def __init__(self, const real[:, ::1] mean, const real[:, ::1] variance, const real[::1] gamma,
                 const real[::1] beta, real[:, :, ::1] factors, ix groups, double epsilon, int threads=1):
        self.mean, self.variance, self.gamma, self.beta, self.factors = mean, variance, gamma, beta, factors
        self.groups, self.epsilon = groups, epsilon
        self.threads = useful_threads(threads, <double>mean.size * 4)

    cdef void run(self) noexcept nogil:
        cdef ix s, segments = self.mean.shape[0]
        for s in prange(segments, num_threads=min(self.threads, segments), schedule="static"):
            self.segment(s)

    cdef void segment(self, ix s) noexcept nogil:
        cdef ix g, i, k, channels = self.mean.shape[1], size = channels // self.groups
        for g in range(self.groups):
            self.group(s, g * size, (g + 1) * size)
        for k in range(FACTORS):
            for i from channels <= i < self.factors.shape[2] by channels:
                memcpy(&self.factors[s, k, i], &self.factors[s, k, 0], channels * sizeof(real))

    cdef void group(self, ix s, ix first, ix stop) noexcept nogil:
        cdef ix c
        cdef double mean = 0, spread = 0, inverse, count = stop - first, shift = self.mean[s, first]
        for c in range(first, stop):
            mean += self.mean[s, c] - shift
        mean = shift + mean / count
        for c in range(first, stop):
            spread += self.variance[s, c] + (self.mean[s, c] - mean) * (self.mean[s, c] - mean)
        inverse = 1 / sqrt(spread / count + self.epsilon)
        for c in range(first, stop):
            self.factors[s, MEAN, c] = <real>mean
            self.factors[s, SCALE, c] = <real>(inverse if self.gamma is None else inverse * self.gamma[c])
            self.factors[s, OFFSET, c] = 0 if self.beta is None else self.beta[c]
            self.factors[s, INVERSE, c] = <real>inverse


# ---- forward

cdef inline vf load(const bint whole, const real* p, ix n) noexcept nogil:
    return vload(p) if whole else vload_n(p, n)


cdef inline vf normalized(vf x, vf mean, vf scale, vf offset) noexcept nogil:
    """One expression for forward and backward, so that both see the same side of a relu."""
    return (x - mean) * scale + offset


cdef inline void normalize_tile(const int v, const bint whole, const int kind, const Behind* f, const real* x,
                                ix stride, ix lines, ix n, const real* factors, ix width, real* y) noexcept nogil:
    """y = f((x - mean) * scale + offset) for a tile v vectors wide, or its first n values."""
    cdef vf mean[TILE_V]
    cdef vf scale[TILE_V]
    cdef vf offset[TILE_V]
    cdef vf z
    cdef ix i
    cdef int j
    for j in range(v):
        mean[j] = vload(factors + MEAN * width + j * VL)
        scale[j] = vload(factors + SCALE * width + j * VL)
        offset[j] = vload(factors + OFFSET * width + j * VL)
    for i in range(lines):
        for j in range(v):
            vprefetch(x + (i + NORM_ROWS) * stride + j * VL)
            z = normalized(load(whole, x + i * stride + j * VL, n), mean[j], scale[j], offset[j])
            z = behind(kind, z, f)
            if whole:
                vstore(y + i * stride + j * VL, z)
            else:
                vstore_n(y + i * stride + j * VL, z, n)


cdef inline void normalize_lines(const int kind, const Behind* f, const real* x, ix width, ix lines,
                                 const real* factors, real* y) noexcept nogil:
    """A tile of whole lines."""
    cdef ix j = 0
    while j + TILE_V * VL <= width:
        normalize_tile(TILE_V, True, kind, f, x + j, width, lines, VL, factors + j, width, y + j)
        j = j + TILE_V * VL
    while j < width:
        normalize_tile(1, True, kind, f, x + j, width, lines, VL, factors + j, width, y + j)
        j = j + VL


cdef class normalize_forward(ColumnSweep):
    """y = f((x - mean) * scale + offset); f is what the tuple `behind` says."""
    cdef const real[::1] x
    cdef const real[:, :, ::1] factors
    cdef real[::1] y
    cdef Behind f

    def __init__(self, const real[::1] x, const real[:, :, ::1] factors, real[::1] y, columns, behind=None,
                 int threads=1):
        ColumnSweep.__init__(self, columns, threads, backwards=True)
        self.x, self.factors, self.y, self.f = x, factors, y, behind_of(behind)

    cdef void chunk(self, ix segment, ix chunk) noexcept nogil:
        if self.f.kind == NOTHING:
            self.tiles_of(NOTHING, segment, chunk)
        elif self.f.kind == RELU:
            self.tiles_of(RELU, segment, chunk)
        elif self.f.kind == CUT_RELU:
            self.tiles_of(CUT_RELU, segment, chunk)
        else:
            self.tiles_of(BY_TABLE, segment, chunk)

    cdef inline void tiles_of(self, const int kind, ix segment, ix chunk) noexcept nogil:
        cdef ix start = segment * self.c.rows * self.c.channels, width = self.c.width, lines, at
        cdef ix line, first = first_line(&self.c, chunk), stop = first_line(&self.c, chunk + 1)
        cdef const real* factors = &self.factors[segment, 0, 0]
        for line from first <= line < stop by NORM_ROWS:
            lines, at = min(<ix>NORM_ROWS, stop - line), start + line * width
            normalize_lines(kind, &self.f, &self.x[at], width, lines, factors, &self.y[at])

    cdef void finish(self, ix segment) noexcept nogil:
        """The rest behind the last line."""
        cdef ix j, at = segment * self.c.rows * self.c.channels + self.c.lines * self.c.width, n = self.c.rest
        cdef ix width = self.c.width
        cdef const real* factors = &self.factors[segment, 0, 0]
        for j from 0 <= j < n by VL:
            normalize_tile(1, False, self.f.kind, &self.f, &self.x[at + j], 0, 1, n - j, factors + j, width,
                           &self.y[at + j])


# ---- backward

cdef inline void norm_sums_tile(const int v, const bint whole, const int kind, const Behind* f, const real* x,
                                const real* dy, ix stride, ix lines, ix n, const real* factors, ix width,
                                real* sums) noexcept nogil:
    """Add a tile's sums of g and of g * (x - mean) to `sums`; g is what the activation makes of dy."""
    cdef vf mean[TILE_V]
    cdef vf total[TILE_V]
    cdef vf product[TILE_V]
    cdef vf g, d
    cdef ix i
    cdef int j
    for j in range(v):
        mean[j] = vload(factors + MEAN * width + j * VL)
        total[j], product[j] = vset(0), vset(0)
    for i in range(lines):
        for j in range(v):
            vprefetch(x + (i + NORM_ROWS) * stride + j * VL)
            vprefetch(dy + (i + NORM_ROWS) * stride + j * VL)
            g = load(whole, dy + i * stride + j * VL, n)
            d = load(whole, x + i * stride + j * VL, n)
            if kind != NOTHING:
                g = let_through(kind, g, normalized(d, mean[j], vload(factors + SCALE * width + j * VL),
                                                    vload(factors + OFFSET * width + j * VL)), f)
            total[j] = total[j] + g
            product[j] = product[j] + g * (d - mean[j])
    for j in range(v):
        vstore(sums + j * VL, vload(sums + j * VL) + total[j])
        vstore(sums + width + j * VL, vload(sums + width + j * VL) + product[j])


cdef inline void norm_sums_lines(const int kind, const Behind* f, const real* x, const real* dy, ix width, ix lines,
                                 const real* factors, real* sums) noexcept nogil:
    """A tile of whole lines."""
    cdef ix j = 0
    while j + TILE_V * VL <= width:
        norm_sums_tile(TILE_V, True, kind, f, x + j, dy + j, width, lines, VL, factors + j, width, sums + j)
        j = j + TILE_V * VL
    while j < width:
        norm_sums_tile(1, True, kind, f, x + j, dy + j, width, lines, VL, factors + j, width, sums + j)
        j = j + VL


cdef class normalize_backward_sums(ColumnSweep):
    """sums[segment]: of g, and of g * (x - mean) / deviation, for every channel.

    g is dy times the slope of what is `behind`, which is worked out again from x. `partial` holds
    [segment][chunk][2][width].
    """
    cdef const real[::1] x, dy
    cdef const real[:, :, ::1] factors
    cdef real[::1] partial
    cdef real[:, :, ::1] sums
    cdef Behind f

    def __init__(self, const real[::1] x, const real[::1] dy, const real[:, :, ::1] factors, real[::1] partial,
                 real[:, :, ::1] sums, columns, behind=None, int threads=1):
        ColumnSweep.__init__(self, columns, threads)
        self.x, self.dy, self.factors, self.partial, self.sums = x, dy, factors, partial, sums
        self.f = behind_of(behind)

    cdef void chunk(self, ix segment, ix chunk) noexcept nogil:
        if self.f.kind == NOTHING:
            self.tiles_of(NOTHING, segment, chunk)
        elif self.f.kind == RELU:
            self.tiles_of(RELU, segment, chunk)
        elif self.f.kind == CUT_RELU:
            self.tiles_of(CUT_RELU, segment, chunk)
        else:
            self.tiles_of(BY_TABLE, segment, chunk)

    cdef inline void tiles_of(self, const int kind, ix segment, ix chunk) noexcept nogil:
        cdef ix line, lines, j, at, start = segment * self.c.rows * self.c.channels, width = self.c.width
        cdef ix first = first_line(&self.c, chunk), stop = first_line(&self.c, chunk + 1)
        cdef ix n = self.c.rest if chunk == self.c.chunks - 1 else 0
        cdef const real* factors = &self.factors[segment, 0, 0]
        cdef real* sums = &self.partial[(segment * self.c.chunks + chunk) * 2 * width]
        memset(sums, 0, 2 * width * sizeof(real))
        for line from first <= line < stop by NORM_ROWS:
            lines, at = min(<ix>NORM_ROWS, stop - line), start + line * width
            norm_sums_lines(kind, &self.f, &self.x[at], &self.dy[at], width, lines, factors, sums)
        for j from 0 <= j < n by VL:
            at = start + self.c.lines * width + j
            norm_sums_tile(1, False, kind, &self.f, &self.x[at], &self.dy[at], 0, 1, n - j, factors + j, width,
                           sums + j)

    cdef void finish(self, ix segment) noexcept nogil:
        cdef ix i, j, width = self.c.width, c = self.c.channels
        cdef real* sums = &self.partial[0] + segment * self.c.chunks * 2 * width
        cdef vf total
        cdef real value
        for j from 0 <= j < 2 * width by VL:
            total = vload(sums + j)
            for i in range(1, self.c.chunks):
                total = total + vload(sums + 2 * i * width + j)
            vstore(sums + j, total)
        for j in range(2 * c):
            value = 0
            for i in range(self.c.fold):
                value = value + sums[j // c * width + i * c + j % c]
            self.sums[segment, j // c, j % c] = value * (self.factors[segment, INVERSE, j % c] if j >= c else 1)


cdef class norm_slopes(Segments):
    """What `normalize_backward_input` subtracts, slopes[segment, 2, width], and the gradients of gamma and beta.

    The mean and the deviation of a group depend on each of its values: slopes 0 is the mean over the group of
    scale * g, and slopes 1 that of scale * g * (x - mean) / deviation, divided by the deviation once more.
    slopes, dgamma or dbeta may be None.
    """
    cdef const real[:, :, ::1] sums, factors
    cdef real[:, :, ::1] slopes
    cdef real[::1] dgamma, dbeta
    cdef ix groups, rows

    def __init__(self, const real[:, :, ::1] sums, const real[:, :, ::1] factors, real[:, :, ::1] slopes,
                 real[::1] dgamma, real[::1] dbeta, ix groups, ix rows, int threads=1):
        self.sums, self.factors, self.slopes, self.dgamma, self.dbeta = sums, factors, slopes, dgamma, dbeta
        self.groups, self.rows = groups, rows
        self.threads = useful_threads(threads, <double>sums.size * 4)

    cdef void run(self) noexcept nogil:
        cdef ix s, segments = self.sums.shape[0]
        if self.slopes is not None:
            for s in prange(segments, num_threads=min(self.threads, segments), schedule="static"):
                self.segment(s)
        self.after()

    cdef void after(self) noexcept nogil:
        if self.dbeta is not None:
            self.add_up(0, &self.dbeta[0])
        if self.dgamma is not None:
            self.add_up(1, &self.dgamma[0])

    cdef void add_up(self, ix which, real* out) noexcept nogil:
        cdef ix s, c
        memset(out, 0, self.sums.shape[2] * sizeof(real))
        for s in range(self.sums.shape[0]):
            for c in range(self.sums.shape[2]):
                out[c] += self.sums[s, which, c]

    cdef void segment(self, ix s) noexcept nogil:
        cdef ix g, c, i, k, channels = self.sums.shape[2], size = channels // self.groups
        cdef double[2] mean
        if self.slopes is None:
            return
        for g in range(self.groups):
            for k in range(2):
                mean[k] = 0
                for c in range(g * size, (g + 1) * size):
                    mean[k] += <double>self.sums[s, k, c] * self.factors[s, SCALE, c]
                mean[k] = mean[k] / (size * self.rows)
            for c in range(g * size, (g + 1) * size):
                self.slopes[s, 0, c] = <real>mean[0]
                self.slopes[s, 1, c] = <real>(mean[1] * self.factors[s, INVERSE, c])
        for k in range(2):
            for i from channels <= i < self.slopes.shape[2] by channels:
                memcpy(&self.slopes[s, k, i], &self.slopes[s, k, 0], channels * sizeof(real))


cdef inline void gradient_tile(const int v, const bint whole, const int kind, const Behind* f, const real* x,
                               const real* dy, ix stride, ix lines, ix n, const real* factors, const real* slopes,
                               ix width, real* dx) noexcept nogil:
    """dx = scale * g - slope 0 - slope 1 * (x - mean)."""
    cdef vf mean[TILE_V]
    cdef vf scale[TILE_V]
    cdef vf first[TILE_V]
    cdef vf second[TILE_V]
    cdef vf g, d
    cdef ix i
    cdef int j
    for j in range(v):
        mean[j] = vload(factors + MEAN * width + j * VL)
        scale[j] = vload(factors + SCALE * width + j * VL)
        first[j] = vload(slopes + j * VL)
        second[j] = vload(slopes + width + j * VL)
    for i in range(lines):
        for j in range(v):
            vprefetch(x + (i + NORM_ROWS) * stride + j * VL)
            vprefetch(dy + (i + NORM_ROWS) * stride + j * VL)
            g = load(whole, dy + i * stride + j * VL, n)
            d = load(whole, x + i * stride + j * VL, n)
            if kind != NOTHING:
                g = let_through(kind, g, normalized(d, mean[j], scale[j], vload(factors + OFFSET * width + j * VL)), f)
            g = scale[j] * g - first[j] - second[j] * (d - mean[j])
            if whole:
                vstore(dx + i * stride + j * VL, g)
            else:
                vstore_n(dx + i * stride + j * VL, g, n)


cdef inline void gradient_lines(const int kind, const Behind* f, const real* x, const real* dy, ix width, ix lines,
                                const real* factors, const real* slopes, real* dx) noexcept nogil:
    """A tile of whole lines."""
    cdef ix j = 0
    while j + TILE_V * VL <= width:
        gradient_tile(TILE_V, True, kind, f, x + j, dy + j, width, lines, VL, factors + j, slopes + j, width, dx + j)
        j = j + TILE_V * VL
    while j < width:
        gradient_tile(1, True, kind, f, x + j, dy + j, width, lines, VL, factors + j, slopes + j, width, dx + j)
        j = j + VL


cdef class normalize_backward_input(ColumnSweep):
    """dx = scale * g - slope 0 - slope 1 * (x - mean); g as in `normalize_backward_sums`."""
    cdef const real[::1] x, dy
    cdef const real[:, :, ::1] factors, slopes
    cdef real[::1] dx
    cdef Behind f

    def __init__(self, const real[::1] x, const real[::1] dy, const real[:, :, ::1] factors,
                 const real[:, :, ::1] slopes, real[::1] dx, columns, behind=None, int threads=1):
        ColumnSweep.__init__(self, columns, threads, backwards=True)
        self.x, self.dy, self.factors, self.slopes, self.dx = x, dy, factors, slopes, dx
        self.f = behind_of(behind)

    cdef void chunk(self, ix segment, ix chunk) noexcept nogil:
        if self.f.kind == NOTHING:
            self.tiles_of(NOTHING, segment, chunk)
        elif self.f.kind == RELU:
            self.tiles_of(RELU, segment, chunk)
        elif self.f.kind == CUT_RELU:
            self.tiles_of(CUT_RELU, segment, chunk)
        else:
            self.tiles_of(BY_TABLE, segment, chunk)

    cdef inline void tiles_of(self, const int kind, ix segment, ix chunk) noexcept nogil:
        cdef ix start = segment * self.c.rows * self.c.channels, width = self.c.width, lines, at
        cdef ix line, first = first_line(&self.c, chunk), stop = first_line(&self.c, chunk + 1)
        cdef const real* factors = &self.factors[segment, 0, 0]
        cdef const real* slopes = &self.slopes[segment, 0, 0]
        for line from first <= line < stop by NORM_ROWS:
            lines, at = min(<ix>NORM_ROWS, stop - line), start + line * width
            gradient_lines(kind, &self.f, &self.x[at], &self.dy[at], width, lines, factors, slopes, &self.dx[at])

    cdef void finish(self, ix segment) noexcept nogil:
        """The rest behind the last line."""
        cdef ix j, at = segment * self.c.rows * self.c.channels + self.c.lines * self.c.width, n = self.c.rest
        cdef ix width = self.c.width, i
        cdef const real* factors = &self.factors[segment, 0, 0]
        cdef const real* slopes = &self.slopes[segment, 0, 0]
        for j from 0 <= j < n by VL:
            i = at + j
            gradient_tile(1, False, self.f.kind, &self.f, &self.x[i], &self.dy[i], 0, 1, n - j, factors + j,
                          slopes + j, width, &self.dx[i])


# ---- rows: layer normalization and vectors of length one

cdef enum:
    ROWS_AT_ONCE = 4              # that are summed up side by side: a row by itself waits for its own sums


cdef class RowSweep(Kernel):
    """A sweep over chunks of rows. With `centred`, a row's mean is subtracted first, and its values are divided by
    their deviation; without, by the length of the row."""
    cdef ix rows, size, chunks
    cdef bint centred

    def __init__(self, shape, bint centred, int threads):
        """shape: rows, values a row, chunks."""
        self.rows, self.size, self.chunks = shape
        self.centred = centred
        self.threads = useful_threads(threads, 8.0 * self.rows * self.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange(self.chunks, num_threads=self.threads, schedule="static"):
            self.chunk(t)
        self.finish()

    cdef void chunk(self, ix chunk) noexcept nogil:
        cdef ix row = chunk * self.rows // self.chunks, stop = (chunk + 1) * self.rows // self.chunks
        while row + ROWS_AT_ONCE <= stop:
            self.several(row, chunk)
            row += ROWS_AT_ONCE
        while row < stop:
            self.one(row, chunk)
            row += 1

    cdef void several(self, ix row, ix chunk) noexcept nogil:
        """Do ROWS_AT_ONCE rows."""
        pass

    cdef void one(self, ix row, ix chunk) noexcept nogil:
        """Do one row."""
        pass

    cdef void finish(self) noexcept nogil:
        pass


cdef inline vf distance(const real* x, ix n, real centre) noexcept nogil:
    """The first n values less the centre; zero behind them."""
    cdef real[VL] lanes
    if n >= VL:
        return vload(x) - vset(centre)
    vstore(lanes, vset(centre))
    return vload_n(x, n) - vload_n(lanes, n)


cdef inline void measure_rows(const int r, const real* x, ix size, bint centred, double epsilon,
                              real* statistics) noexcept nogil:
    """Centre and inverse of r rows: the mean, then the distances from it, whose own mean corrects it."""
    cdef vf total[ROWS_AT_ONCE]
    cdef vf squares[ROWS_AT_ONCE]
    cdef vf d
    cdef real centre[ROWS_AT_ONCE]
    cdef double error, spread
    cdef ix j
    cdef int i
    for i in range(r):
        total[i], squares[i], centre[i] = vset(0), vset(0), 0
    if centred:
        for j from 0 <= j < size by VL:
            for i in range(r):
                total[i] = total[i] + vload_n(x + i * size + j, size - j)
        for i in range(r):
            centre[i] = <real>(<double>vsum(total[i]) / size)
            total[i] = vset(0)
    for j from 0 <= j < size by VL:
        for i in range(r):
            d = distance(x + i * size + j, size - j, centre[i])
            total[i] = total[i] + d
            squares[i] = squares[i] + d * d
    for i in range(r):
        spread = vsum(squares[i])
        if centred:
            error = <double>vsum(total[i]) / size
            statistics[2 * i] = <real>(centre[i] + error)
            statistics[2 * i + 1] = <real>(1 / sqrt(spread / size - error * error + epsilon))
        else:
            statistics[2 * i] = 0
            statistics[2 * i + 1] = <real>min(1 / sqrt(spread), 1 / epsilon)


cdef inline const real* first_of(const real[::1] values) noexcept nogil:
    """Return where values begin; NULL if there are none."""
    if values is None:
        return NULL
    return &values[0]


cdef inline void normalize_rows(const int r, const real* x, ix size, const real* statistics, const real* gamma,
                                const real* beta, real* y) noexcept nogil:
    """y = (x - centre) * inverse * gamma + beta for r rows."""
    cdef vf z, scale = vset(1), offset = vset(0)
    cdef ix j, n
    cdef int i
    for j from 0 <= j < size by VL:
        n = size - j
        if gamma != NULL:
            scale = vload_n(gamma + j, n)
        if beta != NULL:
            offset = vload_n(beta + j, n)
        for i in range(r):
            z = distance(x + i * size + j, n, statistics[2 * i]) * vset(statistics[2 * i + 1])
            vstore_n(y + i * size + j, z * scale + offset, n)


cdef class rows_forward(RowSweep):
    """y = (x - centre) * inverse * gamma + beta; `statistics` [row, 2] holds each row's centre and inverse.

    gamma and beta may be None. The inverse is 1 / sqrt(variance + epsilon), or, of rows that are not centred, the
    smaller one of 1 / length and 1 / epsilon.
    """
    cdef const real[::1] x, gamma, beta
    cdef real[:, ::1] statistics
    cdef real[::1] y
    cdef double epsilon

    def __init__(self, const real[::1] x, const real[::1] gamma, const real[::1] beta, real[:, ::1] statistics,
                 real[::1] y, shape, bint centred, double epsilon, int threads=1):
        RowSweep.__init__(self, shape, centred, threads)
        self.x, self.gamma, self.beta, self.statistics, self.y = x, gamma, beta, statistics, y
        self.epsilon = epsilon

    cdef void several(self, ix row, ix chunk) noexcept nogil:
        self.do(ROWS_AT_ONCE, row)

    cdef void one(self, ix row, ix chunk) noexcept nogil:
        self.do(1, row)

    cdef inline void do(self, const int r, ix row) noexcept nogil:
        cdef const real* x = &self.x[0] + row * self.size
        cdef real* statistics = &self.statistics[row, 0]
        measure_rows(r, x, self.size, self.centred, self.epsilon, statistics)
        normalize_rows(r, x, self.size, statistics, first_of(self.gamma), first_of(self.beta),
                       &self.y[0] + row * self.size)


cdef inline void rows_sums(const int r, const real* x, const real* dy, ix size, const real* statistics,
                           const real* gamma, real* dbeta, real* dgamma, vf* total, vf* product) noexcept nogil:
    """Add r rows' g and g * z to `dbeta` and `dgamma`, and the lanes of their h and h * z to total and product."""
    cdef vf g, h, z, first, second, scale = vset(1)
    cdef ix j, n
    cdef int i
    for j from 0 <= j < size by VL:
        n = size - j
        first, second = vload(dbeta + j), vload(dgamma + j)
        if gamma != NULL:
            scale = vload_n(gamma + j, n)
        for i in range(r):
            g = vload_n(dy + i * size + j, n)
            z = distance(x + i * size + j, n, statistics[2 * i]) * vset(statistics[2 * i + 1])
            first, second = first + g, second + g * z
            h = g * scale
            total[i] = total[i] + h
            product[i] = product[i] + h * z
        vstore(dbeta + j, first)
        vstore(dgamma + j, second)


cdef inline void rows_gradient(const int r, const real* x, const real* dy, ix size, const real* statistics,
                               const real* gamma, const real* first, const real* second, real* dx) noexcept nogil:
    """dx = inverse * (h - first - z * second) of r rows."""
    cdef vf h, z, scale = vset(1)
    cdef ix j, n
    cdef int i
    for j from 0 <= j < size by VL:
        n = size - j
        if gamma != NULL:
            scale = vload_n(gamma + j, n)
        for i in range(r):
            z = distance(x + i * size + j, n, statistics[2 * i]) * vset(statistics[2 * i + 1])
            h = vload_n(dy + i * size + j, n) * scale - vset(first[i]) - z * vset(second[i])
            vstore_n(dx + i * size + j, h * vset(statistics[2 * i + 1]), n)


cdef class rows_backward(RowSweep):
    """dx, dgamma and dbeta of `rows_forward`, each may be None; `partial` is [chunk][2][values a row, whole vectors].

    With h = dy * gamma and z = (x - centre) * inverse, dx = inverse * (h - mean of h - z * mean of h * z), without the
    first mean and with a sum for the second one where rows are not centred.
    """
    cdef const real[::1] x, dy, gamma
    cdef const real[:, ::1] statistics
    cdef real[::1] partial, dx, dgamma, dbeta
    cdef ix padded

    def __init__(self, const real[::1] x, const real[::1] dy, const real[::1] gamma, const real[:, ::1] statistics,
                 real[::1] partial, real[::1] dx, real[::1] dgamma, real[::1] dbeta, shape, bint centred,
                 int threads=1):
        RowSweep.__init__(self, shape, centred, threads)
        self.x, self.dy, self.gamma, self.statistics, self.partial = x, dy, gamma, statistics, partial
        self.dx, self.dgamma, self.dbeta = dx, dgamma, dbeta
        self.padded = (self.size + VL - 1) // VL * VL

    cdef void chunk(self, ix chunk) noexcept nogil:
        memset(&self.partial[0] + chunk * 2 * self.padded, 0, 2 * self.padded * sizeof(real))
        RowSweep.chunk(self, chunk)

    cdef void several(self, ix row, ix chunk) noexcept nogil:
        self.do(ROWS_AT_ONCE, row, chunk)

    cdef void one(self, ix row, ix chunk) noexcept nogil:
        self.do(1, row, chunk)

    cdef inline void do(self, const int r, ix row, ix chunk) noexcept nogil:
        cdef const real* x = &self.x[0] + row * self.size
        cdef const real* dy = &self.dy[0] + row * self.size
        cdef const real* gamma = first_of(self.gamma)
        cdef const real* statistics = &self.statistics[row, 0]
        cdef real* sums = &self.partial[0] + chunk * 2 * self.padded
        cdef vf total[ROWS_AT_ONCE]
        cdef vf product[ROWS_AT_ONCE]
        cdef real first[ROWS_AT_ONCE]
        cdef real second[ROWS_AT_ONCE]
        cdef int i
        for i in range(r):
            total[i], product[i] = vset(0), vset(0)
        rows_sums(r, x, dy, self.size, statistics, gamma, sums, sums + self.padded, total, product)
        if self.dx is None:
            return
        for i in range(r):
            first[i] = vsum(total[i]) / self.size if self.centred else 0
            second[i] = vsum(product[i]) / (self.size if self.centred else 1)
        rows_gradient(r, x, dy, self.size, statistics, gamma, first, second, &self.dx[0] + row * self.size)

    cdef void finish(self) noexcept nogil:
        if self.dbeta is not None:
            self.add_up(&self.partial[0], &self.dbeta[0])
        if self.dgamma is not None:
            self.add_up(&self.partial[0] + self.padded, &self.dgamma[0])

    cdef void add_up(self, const real* sums, real* out) noexcept nogil:
        cdef ix i, j
        cdef vf total
        for j from 0 <= j < self.size by VL:
            total = vload(sums + j)
            for i in range(1, self.chunks):
                total = total + vload(sums + i * 2 * self.padded + j)
            vstore_n(out + j, total, self.size - j)
