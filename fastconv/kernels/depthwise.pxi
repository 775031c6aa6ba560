"""Depthwise conv2d: every channel has filters of its own, so channels are the vector dimension and nothing is summed.

`fastconv.ops.taps` says, once, which input rows and columns the output rows and columns read. The data gradient is the
same loop over other lists.

A tile is some pixels of a band of output rows (two where there are registers for them) by one vector of channels. In
dense phases, of filters three or five wide, column j brings tap out_step * j - in_step * o to output o, so that each
of a tile's columns is loaded once and used for all that it reaches in both rows; tiles may reach beyond either end of
a row by half of a filter. All other pixels are done a row at a time, by two vectors of channels where there are
registers. The last vector of an item ends at its last channel, so that it may overlap the one before it: what both
compute is the same.
"""

cdef enum:
    BLOCK_CHANNELS = 256                # of an item
    MOST_TAPS = 5                       # of a filter row, in dense phases
    UNIT = 1                            # kinds of dense phases: outputs move as the columns that they read,
    STRIDED = 2                         # read every second column,
    SPREAD = 3                          # are two for every column

DEPTHWISE_BLOCK = BLOCK_CHANNELS        # for the sizes of scratch memory
DEPTHWISE_BAND = BAND_ROWS              # for the lists

cdef struct Phase:                      # output columns that see the same taps
    ix first, step, count               # their places: first + j * step
    ix in_step                          # columns of the input from one to the next
    ix tap, taps                        # their taps on the lists of column taps
    ix begin, end                       # those from begin to end see all of these taps inside of the image
    ix kind                             # of a dense phase, or 0


cdef class pack_depthwise(Kernel):
    """Copy filters [taps, channels] to [vector of channels][tap][lane], in the order `taps`.

    The last vector of an item ends at its last channel; if there is no whole vector, zeros are behind that.
    """
    cdef const real[:, ::1] w
    cdef real[::1] out
    cdef const ix[::1] tap

    def __init__(self, const real[:, ::1] w, real[::1] out, const ix[::1] taps, int threads=1):
        self.w, self.out, self.tap = w, out, taps
        self.threads = useful_threads(threads, <double>w.shape[0] * w.shape[1] / VL)

    cdef void run(self) noexcept nogil:
        cdef ix v
        for v in prange((self.w.shape[1] + VL - 1) // VL, num_threads=self.threads, schedule="static"):
            self.vector(v)

    cdef void vector(self, ix v) noexcept nogil:
        cdef ix k, taps = self.tap.shape[0], block = v * VL // BLOCK_CHANNELS * BLOCK_CHANNELS
        cdef ix lanes = min(<ix>BLOCK_CHANNELS, self.w.shape[1] - block)
        cdef ix c = block + last_vector(v * VL - block, lanes)
        for k in range(taps):
            vstore(&self.out[(v * taps + k) * VL], vload_n(&self.w[self.tap[k], c], self.w.shape[1] - c))


cdef inline ix last_vector(ix c, ix lanes) noexcept nogil:
    """Return where the vector of the channels from c on begins, in an item of so many lanes."""
    return min(c, lanes - VL) if lanes >= VL else c


cdef class pick_channels(Kernel):
    """y[pixel, j] = sum over k < count of x[pixel, index[j] + k]: channels repeated, or runs of channels added up.

    `index` has whole vectors, 0 behind the last channel.
    """
    cdef const real[:, ::1] x
    cdef real[:, ::1] y
    cdef const int[::1] index
    cdef ix count

    def __init__(self, const real[:, ::1] x, real[:, ::1] y, const int[::1] index, ix count, int threads=1):
        self.x, self.y, self.index, self.count = x, y, index, count
        self.threads = useful_threads(threads, <double>y.shape[0] * y.shape[1] * count)

    cdef void run(self) noexcept nogil:
        cdef ix p
        for p in prange(self.x.shape[0], num_threads=self.threads, schedule="static"):
            self.pixel(p)

    cdef void pixel(self, ix p) noexcept nogil:
        cdef ix j, k
        cdef vf total
        for j from 0 <= j < self.y.shape[1] by VL:
            total = vpick(&self.x[p, 0], &self.index[j])
            for k in range(1, self.count):
                total = total + vpick(&self.x[p, 0] + k, &self.index[j])
            vstore_n(&self.y[p, j], total, self.y.shape[1] - j)


cdef struct Spot:                       # a tile: some pixels of a band, the channels of an item
    const real* x                       # the first column that it reads, in the image's first row
    real* y                             # its results (for the gradient of the filters: its gradients)
    real* w                             # packed filters, or the sums of their gradients: w_step values a lane
    const real* b
    const ix* row                       # of its band: input rows, and their filter rows for either output row
    const ix* partner[2]                # (for the gradient of the filters: filter rows, and their input rows)
    const ix* tap                       # its column taps, and their places in a filter row
    const ix* tap_filter
    ix rows, taps, row_step, x_step, y_step, band_step, w_step
    bint two                            # whether the band has a second row
    int left, right                     # how many of its columns lie beyond the ends of the row
    ix lanes
    bint relu


cdef class Depthwise(Pieces):
    """What the kernels share: the way over bands, phases and tiles. A subclass says what a tile does."""
    cdef ix images, height, width, out_height, out_width, channels, taps, blocks, bands
    cdef const ix[::1] band, row, tap, tap_col, tap_filter
    cdef const ix[:, ::1] partner, phase

    def __init__(self, lists, rows, ix channels, int threads):
        self.images, self.height, self.width, self.out_height, self.out_width = lists.sizes
        self.band, self.row, self.partner = rows
        self.phase, self.tap, self.tap_col, self.tap_filter = lists.phase, lists.tap, lists.tap_col, lists.tap_filter
        self.taps, self.channels, self.bands = lists.taps, channels, len(rows.band) - 1
        self.blocks = (channels + BLOCK_CHANNELS - 1) // BLOCK_CHANNELS
        self.threads = useful_threads(
            threads, <double>self.images * self.out_height * self.out_width * self.taps * channels / VL)

    cdef Phase phase_of(self, ix p) noexcept nogil:
        cdef Phase f
        f.first, f.step, f.count = self.phase[p, 0], self.phase[p, 1], self.phase[p, 2]
        f.in_step, f.tap, f.taps = self.phase[p, 3], self.phase[p, 4], self.phase[p, 5]
        f.begin, f.end, f.kind = self.phase[p, 6], self.phase[p, 7], self.phase[p, 8]
        return f

    cdef void some_bands(self, Spot* s, const real* x, real* y, ix block, ix top, ix bottom) noexcept nogil:
        """Do the bands from top to bottom of one image, for one block of channels; x and y are the image's."""
        cdef ix c = block * BLOCK_CHANNELS, i, p, k
        s.lanes = min(<ix>BLOCK_CHANNELS, self.channels - c)
        s.row_step, s.x_step, s.band_step = self.width * self.channels, self.channels, self.out_width * self.channels
        for i in range(top, bottom):
            k = self.band[i]
            s.rows, s.row = self.band[i + 1] - k, &self.row[k]
            s.partner[0], s.partner[1] = &self.partner[0, k], &self.partner[1, k]
            s.two = BAND_ROWS == 2 and i * BAND_ROWS + 1 < self.out_height
            for p in range(self.phase.shape[0]):
                self.pixels(s, x + c, y + i * BAND_ROWS * s.band_step + c, self.phase_of(p))

    cdef void pixels(self, Spot* s, const real* x, real* y, Phase f) noexcept nogil:
        """Do a phase of a band: large tiles of what sees all taps (or is dense), and the edges pixel by pixel."""
        s.y_step = f.step * self.channels
        y += f.first * self.channels
        if f.kind:
            self.dense_tiles(s, x, y, &f)
            return
        s.x_step = f.in_step * self.channels
        self.sparse_tiles(s, x, y, &f, 0, f.begin, 1)
        self.sparse_tiles(s, x, y, &f, f.begin, f.end, TILE_P)
        self.sparse_tiles(s, x, y, &f, f.end, f.count, 1)
        s.x_step = self.channels

    cdef void dense_tiles(self, Spot* s, const real* x, real* y, const Phase* f) noexcept nogil:
        cdef ix j = 0, m, first = self.tap_col[f.tap], col, columns
        while j < f.count:
            m = phase_pixels(f.kind, f.count - j)
            if s.lanes < VL:
                m = min(<ix>2, m)
            if f.kind == SPREAD:
                col, columns = first + j // 2, tile_columns(m, f.taps, 1, 2)
            else:
                col, columns = first + j * f.in_step, tile_columns(m, f.taps, f.in_step, 1)
            s.x, s.y = x + col * self.channels, y + j * s.y_step
            s.left, s.right = <int>max(0, -col), <int>max(0, col + columns - self.width)
            self.dense(s, f.taps, f.kind, m)
            j += m

    cdef void sparse_tiles(self, Spot* s, const real* x, real* y, const Phase* f, ix j, ix stop,
                           ix most) noexcept nogil:
        """Do the pixels from j to stop in tiles of at most `most` pixels."""
        cdef ix m
        while j < stop:
            m = min(most, phase_pixels(f.kind, stop - j))
            s.y = y + j * s.y_step
            self.sparse_tile(s, x, f, j, m)
            j += m

    cdef void sparse_tile(self, Spot* s, const real* x, const Phase* f, ix j, ix m) noexcept nogil:
        """Do m pixels from j on; if some of their taps lie outside, it is one pixel."""
        cdef ix col = j * f.in_step, a = f.tap, b = f.tap + f.taps
        if j < f.begin or j >= f.end:
            while a < b and col + self.tap_col[a] < 0:
                a += 1
            while b > a and col + self.tap_col[b - 1] >= self.width:
                b -= 1
        s.x, s.tap, s.tap_filter, s.taps = x + col * self.channels, &self.tap[a], &self.tap_filter[a], b - a
        self.sparse(s, 0, m)
        if s.two:
            s.y += s.band_step
            self.sparse(s, 1, m)

    cdef void dense(self, const Spot* s, ix taps, ix kind, ix m) noexcept nogil:
        """Do a tile of a dense phase, of filters so many taps wide."""
        pass

    cdef void sparse(self, const Spot* s, int row, ix m) noexcept nogil:
        """Do a tile with any taps, of the band's first or second row."""
        pass


cdef inline ix phase_pixels(ix kind, ix left) noexcept nogil:
    """Return how many pixels the next tile has, of those that are left of a phase: there is code for these."""
    cdef ix most = 7 if kind == UNIT or kind == STRIDED else TILE_P
    if left >= most:
        return most
    return 2 if kind == SPREAD or left < 4 and left >= 2 else 4 if left >= 4 else 1


cdef inline ix tile_columns(ix m, ix taps, ix in_step, ix out_step) noexcept nogil:
    """Return how many columns m outputs of a dense phase read."""
    return (in_step * (m - 1) + taps - 1) // out_step + 1


cdef inline bint is_outside(int j, int columns, const int taps, const Spot* s) noexcept nogil:
    """Tell whether column j of a tile lies beyond either end of the row."""
    return (j < taps // 2 and j < s.left) or (j >= columns - taps // 2 and j >= columns - s.right)


cdef inline vf vget(const bint whole, const real* p, ix lanes) noexcept nogil:
    """A vector of channels, or its first lanes."""
    return vload(p) if whole else vload_n(p, lanes)


cdef inline void vput(const bint whole, real* p, vf v, ix lanes) noexcept nogil:
    if whole:
        vstore(p, v)
    else:
        vstore_n(p, v, lanes)


# -- forward, and the gradient of the images --------------------------------------------------------------
cdef inline void dense_row(const int m, const int taps, const int in_step, const int out_step, const bint whole,
                           const bint one, const bint two, vf* acc, vf* below, const Spot* s, const real* x,
                           const real* w, const real* w_below, ix lanes) noexcept nogil:
    """Add what the columns of an input row bring to m pixels of the band's one row, of the other, or of both."""
    cdef vf v
    cdef vf a[MOST_TAPS]
    cdef vf b[MOST_TAPS]
    cdef int j, d, o, columns = <int>tile_columns(m, taps, in_step, out_step)
    for d in range(taps):
        if one:
            a[d] = vload(w + d * VL)
        if two:
            b[d] = vload(w_below + d * VL)
    for j in range(columns):
        if is_outside(j, columns, taps, s):
            continue
        v = vheld(vget(whole, x + j * s.x_step, lanes))
        for d in range(taps):
            o = out_step * j - d
            if o < 0 or o % in_step or o // in_step >= m:
                continue
            if one:
                acc[o // in_step] = acc[o // in_step] + v * a[d]
            if two:
                below[o // in_step] = below[o // in_step] + v * b[d]


cdef inline void dense_tile(const int m, const int taps, const int in_step, const int out_step, const bint whole,
                            const Spot* s, ix c, ix packed) noexcept nogil:
    """m pixels of a band, of the vector of channels that begins at c; its filters begin at lane `packed`."""
    cdef vf acc[TILE_P]
    cdef vf below[TILE_P]
    cdef vf start = vset(0) if s.b == NULL else vget(whole, s.b + c, s.lanes - c)
    cdef const real* x
    cdef const real* w = s.w + packed * s.w_step
    cdef ix k, f, g, lanes = s.lanes - c
    cdef int i
    for i in range(m):
        acc[i] = below[i] = start
    for k in range(s.rows):
        x, f, g = s.x + c + s.row[k] * s.row_step, s.partner[0][k] * VL, s.partner[1][k] * VL
        if BAND_ROWS == 1 or g < 0:
            dense_row(m, taps, in_step, out_step, whole, True, False, acc, below, s, x, w + f, w, lanes)
        elif f < 0:
            dense_row(m, taps, in_step, out_step, whole, False, True, acc, below, s, x, w, w + g, lanes)
        else:
            dense_row(m, taps, in_step, out_step, whole, True, True, acc, below, s, x, w + f, w + g, lanes)
    if s.relu:
        for i in range(m):
            acc[i] = vrelu(acc[i])
            below[i] = vrelu(below[i])
    for i in range(m):
        vput(whole, s.y + c + i * s.y_step, acc[i], lanes)
    if BAND_ROWS == 2 and s.two:
        for i in range(m):
            vput(whole, s.y + c + s.band_step + i * s.y_step, below[i], lanes)


cdef inline void dense_vectors(const int m, const int taps, const int in_step, const int out_step,
                               const Spot* s) noexcept nogil:
    """m pixels of a band, of all channels."""
    cdef ix c
    if m <= 2 and s.lanes < VL:
        dense_tile(m, taps, in_step, out_step, False, s, 0, 0)
        return
    for c from 0 <= c < s.lanes by VL:
        dense_tile(m, taps, in_step, out_step, True, s, last_vector(c, s.lanes), c)


cdef inline void sparse_row(const int m, const bint whole, vf* acc, const Spot* s, const real* x, const real* w,
                            ix lanes) noexcept nogil:
    """Add any taps over an input row."""
    cdef const real* cell
    cdef vf wv
    cdef ix q, step = s.x_step
    cdef int i
    for q in range(s.taps):
        wv = vload(w + s.tap_filter[q] * VL)
        cell = x + s.tap[q]
        for i in range(m):
            acc[i] = acc[i] + vget(whole, cell + i * step, lanes) * wv


cdef inline void conv_tile(const int m, const bint whole, const Spot* s, const ix* filters, ix c,
                           ix packed) noexcept nogil:
    """m pixels of a row, any taps, of the vector of channels that begins at c; its filters begin at lane `packed`."""
    cdef vf acc[TILE_P]
    cdef vf start = vset(0) if s.b == NULL else vget(whole, s.b + c, s.lanes - c)
    cdef const real* w = s.w + packed * s.w_step
    cdef ix k, lanes = s.lanes - c
    cdef int i
    for i in range(m):
        acc[i] = start
    for k in range(s.rows):
        if filters[k] >= 0:
            sparse_row(m, whole, acc, s, s.x + c + s.row[k] * s.row_step, w + filters[k] * VL, lanes)
    if s.relu:
        for i in range(m):
            acc[i] = vrelu(acc[i])
    for i in range(m):
        vput(whole, s.y + c + i * s.y_step, acc[i], lanes)


cdef inline void pair_tile(const int m, const Spot* s, const ix* filters, ix c) noexcept nogil:
    """m pixels of the two vectors of channels that begin at c, any taps: an address serves both."""
    cdef vf near[TILE_P]
    cdef vf far[TILE_P]
    cdef vf start = vset(0), start_far = vset(0), w0, w1
    cdef const real* x
    cdef const real* w
    cdef const real* cell
    cdef ix k, q, step = s.x_step, w_far = s.w_step * VL
    cdef int i
    if s.b != NULL:
        start, start_far = vload(s.b + c), vload(s.b + c + VL)
    for i in range(m):
        near[i] = start
        far[i] = start_far
    for k in range(s.rows):
        if filters[k] < 0:
            continue
        x = s.x + c + s.row[k] * s.row_step
        w = s.w + c * s.w_step + filters[k] * VL
        for q in range(s.taps):
            w0 = vload(w + s.tap_filter[q] * VL)
            w1 = vload(w + s.tap_filter[q] * VL + w_far)
            cell = x + s.tap[q]
            for i in range(m):
                near[i] = near[i] + vload(cell) * w0
                far[i] = far[i] + vload(cell + VL) * w1
                cell = cell + step
    for i in range(m):
        if s.relu:
            near[i] = vrelu(near[i])
            far[i] = vrelu(far[i])
        vstore(s.y + c + i * s.y_step, near[i])
        vstore(s.y + c + i * s.y_step + VL, far[i])


cdef inline void conv_vectors(const int m, const Spot* s, const ix* filters) noexcept nogil:
    """m pixels of a row, any taps, of all channels."""
    cdef ix c = 0
    if s.lanes < VL:
        conv_tile(m, False, s, filters, 0, 0)
        return
    if DEPTHWISE_PAIRS:
        while c + 2 * VL <= s.lanes:
            pair_tile(m, s, filters, c)
            c += 2 * VL
    while c < s.lanes:
        conv_tile(m, True, s, filters, last_vector(c, s.lanes), c)
        c += VL


cdef inline void dense_pixels(const int taps, ix kind, ix m, const Spot* s) noexcept nogil:
    """A tile whose number of pixels is known only now."""
    if kind == SPREAD:
        if m == TILE_P:
            dense_vectors(TILE_P, taps, 1, 2, s)
        else:
            dense_vectors(2, taps, 1, 2, s)
    elif kind == STRIDED:
        if m == 7:
            dense_vectors(7, taps, 2, 1, s)
        elif m == 4:
            dense_vectors(4, taps, 2, 1, s)
        elif m == 2:
            dense_vectors(2, taps, 2, 1, s)
        else:
            dense_vectors(1, taps, 2, 1, s)
    elif m == 7:
        dense_vectors(7, taps, 1, 1, s)
    elif m == 4:
        dense_vectors(4, taps, 1, 1, s)
    elif m == 2:
        dense_vectors(2, taps, 1, 1, s)
    else:
        dense_vectors(1, taps, 1, 1, s)


cdef class depthwise_conv2d(Depthwise):
    """y = activation(x * w + b), channel by channel; `w` is packed."""
    cdef const real[::1] x, w, b
    cdef real[::1] y
    cdef ix parts
    cdef bint relu, biased
    cdef Behind f

    def __init__(self, const real[::1] x, const real[::1] w, const real[::1] b, real[::1] y, lists, ix channels,
                 bint relu=False, int threads=1):
        Depthwise.__init__(self, lists, lists.inputs, channels, threads)
        self.x, self.w, self.y, self.relu, self.biased = x, w, y, relu, b is not None
        self.b = b
        self.parts = max(1, min(self.bands, 4 * self.threads // max(1, self.images * self.blocks)))

    def finish_with(self, behind):
        """Let the activation `behind` stand behind all sums; return that this kernel can do that."""
        self.f = behind_of(behind)
        return True

    cdef void run(self) noexcept nogil:
        self.pieces(self.images * self.parts * self.blocks)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        self.item(t // self.blocks // self.parts, t // self.blocks % self.parts, t % self.blocks)

    cdef void item(self, ix image, ix part, ix block) noexcept nogil:
        cdef Spot s
        cdef ix c = block * BLOCK_CHANNELS
        s.w, s.w_step = <real*>&self.w[0] + c * self.taps, self.taps
        s.b = &self.b[c] if self.biased else NULL
        s.relu = self.relu
        cdef const real* x = &self.x[0] + image * self.height * self.width * self.channels
        cdef real* y = &self.y[0] + image * self.out_height * self.out_width * self.channels
        cdef ix top = part * self.bands // self.parts, bottom = (part + 1) * self.bands // self.parts, i
        if self.f.kind == NOTHING:
            self.some_bands(&s, x, y, block, top, bottom)
            return
        for i in range(top, bottom):
            self.some_bands(&s, x, y, block, i, i + 1)
            finish_run(&self.f, y + BAND_ROWS * i * self.out_width * self.channels + c, self.channels,
                       min(<ix>BAND_ROWS, self.out_height - BAND_ROWS * i) * self.out_width,
                       min(<ix>BLOCK_CHANNELS, self.channels - c))

    cdef void dense(self, const Spot* s, ix taps, ix kind, ix m) noexcept nogil:
        if taps == 3:
            dense_pixels(3, kind, m, s)
        else:
            dense_pixels(5, kind, m, s)

    cdef void sparse(self, const Spot* s, int row, ix m) noexcept nogil:
        if m == TILE_P:
            conv_vectors(TILE_P, s, s.partner[row])
        elif m == 4:
            conv_vectors(4, s, s.partner[row])
        elif m == 2:
            conv_vectors(2, s, s.partner[row])
        else:
            conv_vectors(1, s, s.partner[row])


# -- the gradient of the filters --------------------------------------------------------------------------
cdef inline void dense_sums(const int m, const int taps, const int in_step, const bint whole, vf* sums, const vf* g,
                            const Spot* s, const real* x, ix lanes) noexcept nogil:
    """Add to the sums of a filter row what the columns of an input row bring with m gradients."""
    cdef vf v
    cdef int j, d, o, columns = <int>tile_columns(m, taps, in_step, 1)
    for j in range(columns):
        if is_outside(j, columns, taps, s):
            continue
        v = vheld(vget(whole, x + j * s.x_step, lanes))
        for d in range(taps):
            o = j - d
            if o >= 0 and o % in_step == 0 and o // in_step < m:
                sums[d] = sums[d] + v * g[o // in_step]


cdef inline void sparse_sums(const int m, const bint whole, const vf* g, const Spot* s, const real* x, real* dw,
                             ix lanes) noexcept nogil:
    cdef const real* cell
    cdef real* out
    cdef vf total
    cdef ix q, step = s.x_step
    cdef int i
    for q in range(s.taps):
        out = dw + s.tap_filter[q] * VL
        cell = x + s.tap[q]
        total = vload(out)
        for i in range(m):
            total = total + vget(whole, cell + i * step, lanes) * g[i]
        vstore(out, total)


cdef inline vf load_gradients(const int m, const bint whole, vf* g, const real* dy, ix step, ix lanes) noexcept nogil:
    """Load m pixels' gradients; return their sum."""
    cdef vf total = vset(0)
    cdef int i
    for i in range(m):
        g[i] = vget(whole, dy + i * step, lanes)
        total = total + g[i]
    return total


cdef inline void dense_sums_tile(const int m, const int taps, const int in_step, const bint whole, const Spot* s, ix c,
                                 ix packed) noexcept nogil:
    """What m pixels of a band bring to the channels from c on, whose sums are at lane `packed`, the bias's last."""
    cdef vf g[TILE_P]
    cdef vf below[TILE_P]
    cdef vf sums[MOST_TAPS]
    cdef const real* x = s.x + c
    cdef real* dw = s.w + packed * s.w_step
    cdef real* bias = dw + (s.w_step - 1) * VL
    cdef real* out
    cdef ix k, lanes = s.lanes - c
    cdef int d
    vstore(bias, vload(bias) + load_gradients(m, whole, g, s.y + c, s.y_step, lanes))
    if BAND_ROWS == 2 and s.two:
        vstore(bias, vload(bias) + load_gradients(m, whole, below, s.y + c + s.band_step, s.y_step, lanes))
    else:
        for d in range(m):
            below[d] = vset(0)
    for k in range(s.rows):
        out = dw + s.row[k] * VL
        for d in range(taps):
            sums[d] = vload(out + d * VL)
        if s.partner[0][k] >= 0:
            dense_sums(m, taps, in_step, whole, sums, g, s, x + s.partner[0][k] * s.row_step, lanes)
        if BAND_ROWS == 2 and s.partner[1][k] >= 0:
            dense_sums(m, taps, in_step, whole, sums, below, s, x + s.partner[1][k] * s.row_step, lanes)
        for d in range(taps):
            vstore(out + d * VL, sums[d])


cdef inline void sparse_sums_tile(const int m, const bint whole, const Spot* s, const ix* rows, ix c,
                                  ix packed) noexcept nogil:
    """The same for m pixels of a row, any taps."""
    cdef vf g[TILE_P]
    cdef real* dw = s.w + packed * s.w_step
    cdef real* bias = dw + (s.w_step - 1) * VL
    cdef ix k, lanes = s.lanes - c
    vstore(bias, vload(bias) + load_gradients(m, whole, g, s.y + c, s.y_step, lanes))
    for k in range(s.rows):
        if rows[k] >= 0:
            sparse_sums(m, whole, g, s, s.x + c + rows[k] * s.row_step, dw + s.row[k] * VL, lanes)


cdef inline void dense_sums_vectors(const int m, const int taps, const int in_step, const Spot* s) noexcept nogil:
    cdef ix c
    if m <= 2 and s.lanes < VL:
        dense_sums_tile(m, taps, in_step, False, s, 0, 0)
        return
    for c from 0 <= c < s.lanes by VL:
        dense_sums_tile(m, taps, in_step, True, s, last_vector(c, s.lanes), c)


cdef inline void sparse_sums_vectors(const int m, const Spot* s, const ix* rows) noexcept nogil:
    cdef ix c
    if s.lanes < VL:
        sparse_sums_tile(m, False, s, rows, 0, 0)
        return
    for c from 0 <= c < s.lanes by VL:
        sparse_sums_tile(m, True, s, rows, last_vector(c, s.lanes), c)


cdef inline void dense_sums_pixels(const int taps, ix kind, ix m, const Spot* s) noexcept nogil:
    if kind == STRIDED:
        if m == 7:
            dense_sums_vectors(7, taps, 2, s)
        elif m == 4:
            dense_sums_vectors(4, taps, 2, s)
        elif m == 2:
            dense_sums_vectors(2, taps, 2, s)
        else:
            dense_sums_vectors(1, taps, 2, s)
    elif m == 7:
        dense_sums_vectors(7, taps, 1, s)
    elif m == 4:
        dense_sums_vectors(4, taps, 1, s)
    elif m == 2:
        dense_sums_vectors(2, taps, 1, s)
    else:
        dense_sums_vectors(1, taps, 1, s)


cdef class depthwise_conv2d_backward_filters(Depthwise):
    """dw = sum over windows of patch * dy, channel by channel, in chunks of rows cut by shape alone.

    `partial` is as `sum_partials` wants it: [chunk][tap, and one more for the bias][channels in whole vectors]; a row
    of `scratch` has the sums of one item, [vector][tap and one more][lane].
    """
    cdef const real[::1] x, dy
    cdef real[::1] partial
    cdef real[:, ::1] scratch
    cdef ix chunks

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] partial, real[:, ::1] scratch, lists,
                 ix channels, ix chunks, int threads=1):
        Depthwise.__init__(self, lists, lists.filters, channels, threads)
        self.x, self.dy, self.partial, self.scratch, self.chunks = x, dy, partial, scratch, chunks

    cdef void run(self) noexcept nogil:
        self.pieces(self.chunks * self.blocks)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        self.item(t // self.blocks, t % self.blocks, thread)

    cdef void item(self, ix chunk, ix block, int thread) noexcept nogil:
        cdef Spot s
        cdef ix total = self.images * self.bands, at = chunk * total // self.chunks, image, top, bottom
        cdef ix stop = (chunk + 1) * total // self.chunks
        s.w, s.w_step = &self.scratch[thread, 0], self.taps + 1
        memset(s.w, 0, BLOCK_CHANNELS * s.w_step * sizeof(real))
        while at < stop:
            image, top = at // self.bands, at % self.bands
            bottom = min(self.bands, top + stop - at)
            self.some_bands(&s, &self.x[0] + image * self.height * self.width * self.channels,
                            <real*>&self.dy[0] + image * self.out_height * self.out_width * self.channels, block, top,
                            bottom)
            at += bottom - top
        self.store(chunk, block, s.w)

    cdef void store(self, ix chunk, ix block, const real* sums) noexcept nogil:
        """Copy an item's sums to its chunk of `partial`."""
        cdef ix first = block * BLOCK_CHANNELS, c, k, rows = self.taps + 1
        cdef ix inside = min(<ix>BLOCK_CHANNELS, self.channels - first), lanes = (self.channels + VL - 1) // VL * VL
        cdef real* out
        for c from 0 <= c < inside by VL:
            out = &self.partial[chunk * rows * lanes + first + last_vector(c, inside)]
            for k in range(rows):
                vstore(out + k * lanes, vload(sums + c * rows + k * VL))

    cdef void dense(self, const Spot* s, ix taps, ix kind, ix m) noexcept nogil:
        if taps == 3:
            dense_sums_pixels(3, kind, m, s)
        else:
            dense_sums_pixels(5, kind, m, s)

    cdef void sparse(self, const Spot* s, int row, ix m) noexcept nogil:
        if m == TILE_P:
            sparse_sums_vectors(TILE_P, s, s.partner[row])
        elif m == 4:
            sparse_sums_vectors(4, s, s.partner[row])
        elif m == 2:
            sparse_sums_vectors(2, s, s.partner[row])
        else:
            sparse_sums_vectors(1, s, s.partner[row])
