"""Depthwise conv2d: every channel has filters of its own, so channels are the vector dimension and nothing is summed.

`fastconv.ops.taps` says, once, which input rows and columns an output row and column reads. Rows of the padding are not
on its lists, and only tiles that reach beyond the image ask which of their columns are there. The data gradient is the
same loop over other lists, with a phase for each column of the strides.

A tile is some pixels of a row by one vector of channels, or by two where there are registers for it; where three taps
lie side by side (dense), each input vector is loaded once and used three times. The last vector of an item ends at its
last channel, so that it may overlap the one before it: what both compute is the same.
"""

cdef enum:
    BLOCK_CHANNELS = 256                # of an item

DEPTHWISE_BLOCK = BLOCK_CHANNELS        # for the sizes of scratch memory

cdef struct Phase:                      # output columns that see the same taps
    ix first, step, count               # their places: first + j * step
    ix in_step                          # columns of the input from one to the next
    ix tap, taps                        # their taps on the lists of column taps
    ix begin, end                       # those from begin to end see all of these taps inside of the image
    bint dense                          # three taps side by side, one column from each output to the next


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


cdef struct Spot:                       # a tile: some pixels of an output row, the channels of an item
    const real* x                       # the first column that it reads, in the image's first row
    real* y                             # its results (for the gradient of the filters: its gradients)
    real* w                             # packed filters, or the sums of their gradients: w_step values a lane
    const real* b
    const ix* row_in                    # the input rows that it reads, and their filter rows
    const ix* row_filter
    const ix* tap                       # its column taps, and their places in a filter row
    const ix* tap_filter
    ix rows, taps, row_step, x_step, y_step, w_step
    int inside                          # of a dense tile's columns, those inside of the image: a bit each
    ix lanes
    bint relu


cdef inline int columns_inside(ix first, ix count, ix width) noexcept nogil:
    """Return a bit for each of `count` columns from `first` on: 1 inside of an image of that width."""
    cdef ix begin = min(count, max(0, -first)), end = max(begin, min(count, width - first))
    return <int>((1 << end) - (1 << begin))


cdef class Depthwise(Pieces):
    """What the kernels share: the way over rows, phases and tiles. A subclass says what a tile does."""
    cdef ix images, height, width, out_height, out_width, channels, taps, blocks
    cdef const ix[::1] row, row_in, row_filter, tap, tap_col, tap_filter
    cdef const ix[:, ::1] phase

    def __init__(self, lists, ix channels, int threads):
        self.images, self.height, self.width, self.out_height, self.out_width = lists.sizes
        self.row, self.row_in, self.row_filter = lists.row, lists.row_in, lists.row_filter
        self.phase, self.tap, self.tap_col, self.tap_filter = lists.phase, lists.tap, lists.tap_col, lists.tap_filter
        self.taps, self.channels = lists.taps, channels
        self.blocks = (channels + BLOCK_CHANNELS - 1) // BLOCK_CHANNELS
        self.threads = useful_threads(
            threads, <double>self.images * self.out_height * self.out_width * self.taps * channels / VL)

    cdef Phase phase_of(self, ix p) noexcept nogil:
        cdef Phase f
        f.first, f.step, f.count = self.phase[p, 0], self.phase[p, 1], self.phase[p, 2]
        f.in_step, f.tap, f.taps = self.phase[p, 3], self.phase[p, 4], self.phase[p, 5]
        f.begin, f.end, f.dense = self.phase[p, 6], self.phase[p, 7], self.phase[p, 8]
        return f

    cdef void rows(self, Spot* s, const real* x, real* y, ix block, ix top, ix bottom) noexcept nogil:
        """Do the output rows from top to bottom of one image, for one block of channels; x and y are the image's."""
        cdef ix c = block * BLOCK_CHANNELS, i, p
        s.lanes = min(<ix>BLOCK_CHANNELS, self.channels - c)
        s.row_step = self.width * self.channels
        for i in range(top, bottom):
            s.row_in, s.row_filter = &self.row_in[self.row[i]], &self.row_filter[self.row[i]]
            s.rows = self.row[i + 1] - self.row[i]
            for p in range(self.phase.shape[0]):
                self.pixels(s, x + c, y + i * self.out_width * self.channels + c, self.phase_of(p))

    cdef void pixels(self, Spot* s, const real* x, real* y, Phase f) noexcept nogil:
        """Do a phase of a row: what sees all taps in large tiles, the edges pixel by pixel."""
        s.x_step, s.y_step = f.in_step * self.channels, f.step * self.channels
        y += f.first * self.channels
        if f.dense:
            self.tiles(s, x, y, &f, 0, f.count, TILE_P)
        else:
            self.tiles(s, x, y, &f, 0, f.begin, 1)
            self.tiles(s, x, y, &f, f.begin, f.end, TILE_P)
            self.tiles(s, x, y, &f, f.end, f.count, 1)

    cdef void tiles(self, Spot* s, const real* x, real* y, const Phase* f, ix j, ix stop, ix most) noexcept nogil:
        """Do the pixels from j to stop in tiles of nearly equal size, of at most `most` pixels."""
        cdef ix left = (stop - j + most - 1) // most, m
        while left > 0:
            m = (stop - j + left - 1) // left
            s.y = y + j * s.y_step
            self.tile(s, x, f, j, m)
            j += m
            left -= 1

    cdef void tile(self, Spot* s, const real* x, const Phase* f, ix j, ix m) noexcept nogil:
        """Do m pixels from j on; if these are not dense and some taps lie outside, it is one pixel."""
        cdef ix col = j * f.in_step, a = f.tap, b = f.tap + f.taps
        if f.dense:
            col += self.tap_col[a]
            s.x, s.inside = x + col * self.channels, columns_inside(col, m + 2, self.width)
            self.dense(s, m, s.inside != (1 << (m + 2)) - 1)
            return
        if j < f.begin or j >= f.end:
            while a < b and col + self.tap_col[a] < 0:
                a += 1
            while b > a and col + self.tap_col[b - 1] >= self.width:
                b -= 1
        s.x, s.tap, s.tap_filter, s.taps = x + col * self.channels, &self.tap[a], &self.tap_filter[a], b - a
        self.sparse(s, m)

    cdef void dense(self, const Spot* s, ix m, bint edge) noexcept nogil:
        """Do a tile with three taps side by side; an edge has columns outside of the image."""
        pass

    cdef void sparse(self, const Spot* s, ix m) noexcept nogil:
        """Do a tile with any taps."""
        pass


cdef inline vf vget(const bint whole, const real* p, ix lanes) noexcept nogil:
    """A vector of channels, or its first lanes."""
    return vload(p) if whole else vload_n(p, lanes)


cdef inline void vput(const bint whole, real* p, vf v, ix lanes) noexcept nogil:
    if whole:
        vstore(p, v)
    else:
        vstore_n(p, v, lanes)


# -- forward, and the gradient of the images --------------------------------------------------------------
cdef inline void dense_row(const int m, const bint edge, const bint whole, vf* acc, const real* x, ix step,
                           const real* w, int inside, ix lanes) noexcept nogil:
    """Add three taps over m + 2 columns of an input row."""
    cdef vf w0 = vload(w), w1 = vload(w + VL), w2 = vload(w + 2 * VL), v
    cdef int j
    for j in range(m + 2):
        if edge and not inside & (1 << j):
            continue
        v = vheld(vget(whole, x + j * step, lanes))
        if j < m:
            acc[j] = acc[j] + v * w0
        if j >= 1 and j <= m:
            acc[j - 1] = acc[j - 1] + v * w1
        if j >= 2:
            acc[j - 2] = acc[j - 2] + v * w2


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


cdef inline void conv_tile(const int m, const bint dense, const bint edge, const bint whole, const Spot* s,
                           ix c, ix packed) noexcept nogil:
    """m pixels of the vector of channels that begins at c; its filters begin at lane `packed`."""
    cdef vf acc[TILE_P]
    cdef vf start = vset(0) if s.b == NULL else vget(whole, s.b + c, s.lanes - c)
    cdef const real* x
    cdef const real* w
    cdef ix k, lanes = s.lanes - c
    cdef int i
    for i in range(m):
        acc[i] = start
    for k in range(s.rows):
        x = s.x + c + s.row_in[k] * s.row_step
        w = s.w + packed * s.w_step + s.row_filter[k] * VL
        if dense:
            dense_row(m, edge, whole, acc, x, s.x_step, w, s.inside, lanes)
        else:
            sparse_row(m, whole, acc, s, x, w, lanes)
    if s.relu:
        for i in range(m):
            acc[i] = vrelu(acc[i])
    for i in range(m):
        vput(whole, s.y + c + i * s.y_step, acc[i], lanes)


cdef inline void pair_tile(const int m, const Spot* s, ix c) noexcept nogil:
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
        x = s.x + c + s.row_in[k] * s.row_step
        w = s.w + c * s.w_step + s.row_filter[k] * VL
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


cdef inline void conv_vectors(const int m, const bint dense, bint edge, const Spot* s) noexcept nogil:
    """m pixels of all channels."""
    cdef ix c = 0
    if s.lanes < VL:
        conv_tile(m, dense, True, False, s, 0, 0)
        return
    if not dense and DEPTHWISE_PAIRS:
        while c + 2 * VL <= s.lanes:
            pair_tile(m, s, c)
            c += 2 * VL
    while c < s.lanes:
        if dense and edge:
            conv_tile(m, dense, True, True, s, last_vector(c, s.lanes), c)
        else:
            conv_tile(m, dense, False, True, s, last_vector(c, s.lanes), c)
        c += VL


cdef inline void conv_pixels(const bint dense, bint edge, const Spot* s, ix m) noexcept nogil:
    """A tile whose number of pixels is known only now."""
    if m >= 8:
        conv_vectors(8, dense, edge, s)
    elif m == 7:
        conv_vectors(7, dense, edge, s)
    elif m == 6:
        conv_vectors(6, dense, edge, s)
    elif m == 5:
        conv_vectors(5, dense, edge, s)
    elif m == 4:
        conv_vectors(4, dense, edge, s)
    elif m == 3:
        conv_vectors(3, dense, edge, s)
    elif m == 2:
        conv_vectors(2, dense, edge, s)
    else:
        conv_vectors(1, dense, edge, s)


cdef class depthwise_conv2d(Depthwise):
    """y = activation(x * w + b), channel by channel; `w` is packed."""
    cdef const real[::1] x, w, b
    cdef real[::1] y
    cdef ix parts
    cdef bint relu, biased

    def __init__(self, const real[::1] x, const real[::1] w, const real[::1] b, real[::1] y, lists, ix channels,
                 bint relu=False, int threads=1):
        Depthwise.__init__(self, lists, channels, threads)
        self.x, self.w, self.y, self.relu, self.biased = x, w, y, relu, b is not None
        self.b = b
        self.parts = max(1, min(self.out_height, 4 * self.threads // max(1, self.images * self.blocks)))

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
        self.rows(&s, &self.x[0] + image * self.height * self.width * self.channels,
                  &self.y[0] + image * self.out_height * self.out_width * self.channels, block,
                  part * self.out_height // self.parts, (part + 1) * self.out_height // self.parts)

    cdef void dense(self, const Spot* s, ix m, bint edge) noexcept nogil:
        conv_pixels(True, edge, s, m)

    cdef void sparse(self, const Spot* s, ix m) noexcept nogil:
        conv_pixels(False, False, s, m)


# -- the gradient of the filters --------------------------------------------------------------------------
cdef inline void dense_sums(const int m, const bint edge, const bint whole, const vf* g, const real* x, ix step,
                            real* dw, int inside, ix lanes) noexcept nogil:
    """Add to three sums what m + 2 columns of an input row bring."""
    cdef vf a0 = vload(dw), a1 = vload(dw + VL), a2 = vload(dw + 2 * VL), v
    cdef int j
    for j in range(m + 2):
        if edge and not inside & (1 << j):
            continue
        v = vheld(vget(whole, x + j * step, lanes))
        if j < m:
            a0 = a0 + v * g[j]
        if j >= 1 and j <= m:
            a1 = a1 + v * g[j - 1]
        if j >= 2:
            a2 = a2 + v * g[j - 2]
    vstore(dw, a0)
    vstore(dw + VL, a1)
    vstore(dw + 2 * VL, a2)


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


cdef inline void sums_tile(const int m, const bint dense, const bint edge, const bint whole, const Spot* s,
                           ix c) noexcept nogil:
    """What m pixels bring to the sums of the vector of channels that begins at c; the last sum is the bias's."""
    cdef vf g[TILE_P]
    cdef vf total
    cdef const real* x
    cdef real* dw = s.w + c * s.w_step
    cdef ix k, lanes = s.lanes - c
    cdef int i
    total = vload(dw + (s.w_step - 1) * VL)
    for i in range(m):
        g[i] = vget(whole, s.y + c + i * s.y_step, lanes)
        total = total + g[i]
    vstore(dw + (s.w_step - 1) * VL, total)
    for k in range(s.rows):
        x = s.x + c + s.row_in[k] * s.row_step
        if dense:
            dense_sums(m, edge, whole, g, x, s.x_step, dw + s.row_filter[k] * VL, s.inside, lanes)
        else:
            sparse_sums(m, whole, g, s, x, dw + s.row_filter[k] * VL, lanes)


cdef inline void sums_vectors(const int m, const bint dense, bint edge, const Spot* s) noexcept nogil:
    cdef ix c = 0
    if dense and edge:
        while c + VL <= s.lanes:
            sums_tile(m, dense, True, True, s, c)
            c += VL
    else:
        while c + VL <= s.lanes:
            sums_tile(m, dense, False, True, s, c)
            c += VL
    if c < s.lanes:
        sums_tile(m, dense, True, False, s, c)


cdef inline void sums_pixels(const bint dense, bint edge, const Spot* s, ix m) noexcept nogil:
    if m >= 8:
        sums_vectors(8, dense, edge, s)
    elif m == 7:
        sums_vectors(7, dense, edge, s)
    elif m == 6:
        sums_vectors(6, dense, edge, s)
    elif m == 5:
        sums_vectors(5, dense, edge, s)
    elif m == 4:
        sums_vectors(4, dense, edge, s)
    elif m == 3:
        sums_vectors(3, dense, edge, s)
    elif m == 2:
        sums_vectors(2, dense, edge, s)
    else:
        sums_vectors(1, dense, edge, s)


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
        Depthwise.__init__(self, lists, channels, threads)
        self.x, self.dy, self.partial, self.scratch, self.chunks = x, dy, partial, scratch, chunks

    cdef void run(self) noexcept nogil:
        self.pieces(self.chunks * self.blocks)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        self.item(t // self.blocks, t % self.blocks, thread)

    cdef void item(self, ix chunk, ix block, int thread) noexcept nogil:
        cdef Spot s
        cdef ix total = self.images * self.out_height, at = chunk * total // self.chunks, image, top, bottom
        cdef ix stop = (chunk + 1) * total // self.chunks
        s.w, s.w_step = &self.scratch[thread, 0], self.taps + 1
        memset(s.w, 0, BLOCK_CHANNELS * s.w_step * sizeof(real))
        while at < stop:
            image, top = at // self.out_height, at % self.out_height
            bottom = min(self.out_height, top + stop - at)
            self.rows(&s, &self.x[0] + image * self.height * self.width * self.channels,
                      <real*>&self.dy[0] + image * self.out_height * self.out_width * self.channels, block, top, bottom)
            at += bottom - top
        self.store(chunk, block, s.w)

    cdef void store(self, ix chunk, ix block, const real* sums) noexcept nogil:
        """Copy an item's sums to its chunk of `partial`."""
        cdef ix first = block * BLOCK_CHANNELS, c, k, rows = self.taps + 1
        cdef ix lanes = (self.channels + VL - 1) // VL * VL
        for c from first <= c < min(first + BLOCK_CHANNELS, lanes) by VL:
            for k in range(rows):
                vstore(&self.partial[(chunk * rows + k) * lanes + c], vload(sums + (c - first) * rows + k * VL))

    cdef void dense(self, const Spot* s, ix m, bint edge) noexcept nogil:
        sums_pixels(True, edge, s, m)

    cdef void sparse(self, const Spot* s, ix m) noexcept nogil:
        sums_pixels(False, False, s, m)
