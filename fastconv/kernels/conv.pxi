"""conv2d: forward (the data gradient is the same kernel over other lists), filter gradient, bias gradient, packing."""

cdef void transpose_block(const real* x, ix x_stride, ix rows, ix columns, real* y, ix y_stride) noexcept nogil:
    """y[column][row] = x[row][column], in squares of VL."""
    cdef vf square[VL]
    cdef ix r, c, lanes
    cdef int i
    for r from 0 <= r < rows by VL:
        lanes = rows - r
        for c from 0 <= c < columns by VL:
            for i in range(VL):
                square[i] = vload_n(x + (r + i) * x_stride + c, columns - c) if i < lanes else vset(0)
            vtranspose(square)
            for i in range(VL):
                if i < columns - c:
                    vstore_n(y + (c + i) * y_stride + r, square[i], lanes)


cdef class pack_filters(Kernel):
    """Copy filters [rows, columns] to blocks [group][block][row][BLOCK], zero behind the last column.

    Plain: row k of a block is filter row k, and its columns are output channels. Transposed, for data gradients: the
    columns are input channels, and row (t, o) comes from filter tap ``taps[t]`` and output channel o.
    """
    cdef const real[:, ::1] w
    cdef real[::1] out
    cdef const ix[::1] tap
    cdef ix groups, channels, rows, blocks
    cdef bint transposed

    def __init__(self, const real[:, ::1] w, real[::1] out, ix groups, ix channels, const ix[::1] taps=None,
                 int threads=1):
        self.w, self.out, self.groups, self.channels, self.transposed = w, out, groups, channels, taps is not None
        self.tap = taps
        if self.transposed:
            self.rows = taps.shape[0] * (w.shape[1] // groups)
        else:
            self.rows = w.shape[0]
        self.blocks = (channels + BLOCK_LANES - 1) // BLOCK_LANES
        self.threads = useful_threads(threads, 0.5 * groups * self.blocks * self.rows * BLOCK_LANES)

    cdef void run(self) noexcept nogil:
        cdef ix t, u, pieces = self.tap.shape[0] if self.transposed else 1
        for t in prange(self.groups * self.blocks * pieces, num_threads=self.threads, schedule="static"):
            u = t // pieces
            if self.transposed:
                self.transpose(u // self.blocks, u % self.blocks * BLOCK_LANES, t % pieces, u)
            else:
                self.copy(u // self.blocks, u % self.blocks * BLOCK_LANES, &self.out[u * self.rows * BLOCK_LANES])

    cdef void copy(self, ix group, ix first, real* out) noexcept nogil:
        cdef ix k, lanes = min(<ix>BLOCK_LANES, self.channels - first), column = group * self.channels + first
        for k in range(self.rows):
            memcpy(out + k * BLOCK_LANES, &self.w[k, column], lanes * sizeof(real))
            memset(out + k * BLOCK_LANES + lanes, 0, (BLOCK_LANES - lanes) * sizeof(real))

    cdef void transpose(self, ix group, ix first, ix t, ix u) noexcept nogil:
        """Tap t of one block."""
        cdef ix lanes = min(<ix>BLOCK_LANES, self.channels - first), outs = self.w.shape[1] // self.groups
        cdef real* out = &self.out[0] + (u * self.rows + t * outs) * BLOCK_LANES
        if lanes < BLOCK_LANES:
            memset(out, 0, outs * BLOCK_LANES * sizeof(real))
        if outs > 0:
            transpose_block(&self.w[self.tap[t] * self.channels + first, group * outs], self.w.shape[1], lanes, outs,
                            out, BLOCK_LANES)


cdef class conv2d_forward(Sliding):
    """y = activation(x * w + b) over sliding windows, with what is `added` (as large as y) before it.

    `w` is packed, or in place (``w_stride`` = number of output channels) where a dense layer has few rows to spend a
    copy on.
    """
    cdef const real[::1] x, w, b
    cdef real[::1] y
    cdef real[:, ::1] scratch
    cdef const ix[::1] out
    cdef const real[::1] added
    cdef ix out_block, out_image, w_stride
    cdef bint relu, biased
    cdef Behind f                         # of what `unit` makes

    def __init__(self, const real[::1] x, const real[::1] w, const real[::1] b, real[::1] y, real[:, ::1] scratch,
                 windows, ix groups, ix out_channels, ix w_stride=0, bint relu=False, const real[::1] added=None,
                 int threads=1):
        Sliding.__init__(self, windows, groups, out_channels, threads)
        self.x, self.w, self.y, self.scratch, self.relu, self.biased = x, w, y, scratch, relu, b is not None
        self.b = b
        self.out, self.out_block, self.out_image = windows.out, windows.out_block, windows.out_image
        self.w_stride, self.added = w_stride, added

    def finish_with(self, behind):
        """Let the activation `behind` stand behind all sums; return False if this kernel cannot do that."""
        if type(self) is not conv2d_forward:
            return False
        self.f = behind_of(behind)
        return True

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        cdef ix image = at // self.blocks, block = at % self.blocks, u
        cdef real* scratch = &self.scratch[thread, 0]
        cdef const real* band = band_of(&self.band, &self.x[0] + image * self.image_size, block, scratch)
        for u in range(split * self.units // self.splits, (split + 1) * self.units // self.splits):
            self.unit(u, band, self.pixels_of(block), image * self.out_image + block * self.out_block,
                      scratch + self.band_size)

    cdef void unit(self, ix u, const real* band, ix pixels, ix at, real* spare) noexcept nogil:
        """One block of output channels for one block of rows, whose outputs start at y[at]."""
        cdef ix channel = u // self.channel_blocks * self.out_channels + u % self.channel_blocks * BLOCK_LANES
        self.contract(u, band, pixels, &self.y[0] + at + channel, &self.out[0], self.relu)
        if self.f.kind != NOTHING:
            finish_pixels(&self.f, &self.y[0] + at + channel, &self.out[0], pixels,
                          min(<ix>BLOCK_LANES, self.out_channels - u % self.channel_blocks * BLOCK_LANES))

    cdef void contract(self, ix u, const real* band, ix pixels, real* y, const ix* out, bint relu) noexcept nogil:
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - first)
        cdef ix at = first if self.w_stride else u * self.rows * BLOCK_LANES
        cdef const ix* row = &self.row[0] if self.rows else NULL       # a window may lie in the padding altogether
        cdef const real* w = &self.w[at] if self.rows else NULL
        cdef const real* bias = &self.b[0] + group * self.out_channels + first if self.biased else NULL
        if self.added is not None:
            begin_with(&self.added[0] + (y - &self.y[0]), bias, lanes, pixels, y, out)
        tiles_onto(pixels, band + group * self.in_channels, &self.pixel[0], row, self.rows, w,
                   self.w_stride if self.w_stride else BLOCK_LANES, bias, lanes, self.added is not None, relu, y, out)


cdef void begin_with(const real* other, const real* bias, ix lanes, ix pixels, real* y, const ix* out) noexcept nogil:
    """y = other + bias: `lanes` channels of each pixel."""
    cdef ix p, j
    cdef vf b
    for j from 0 <= j < lanes by VL:
        b = vset(0) if bias == NULL else vload_n(bias + j, lanes - j)
        for p in range(pixels):
            vstore_n(y + out[p] + j, vload_n(other + out[p] + j, lanes - j) + b, lanes - j)


cdef class conv2d_backward_input_scattered(Sliding):
    """dx for images of few channels: products z = dy * transposed filters, pixel by pixel, then added to its window.

    Where an input pixel has 1 or 3 values, its own sums would leave most of a vector empty; the products of an output
    pixel, all taps side by side, do not. `w` is packed with the output channels as rows and the filter rows as columns.
    """
    cdef const real[::1] dy, w
    cdef real[::1] dx
    cdef real[:, ::1] scratch
    cdef const ix[::1] dy_pixel, dy_row, z_out
    cdef ix padded_rows

    def __init__(self, const real[::1] dy, const real[::1] w, real[::1] dx, real[:, ::1] scratch, windows,
                 int threads=1):
        Sliding.__init__(self, windows, 1, windows.row.shape[0], threads)
        self.dy, self.w, self.dx, self.scratch, self.splits = dy, w, dx, scratch, 1
        self.dy_pixel, self.dy_row, self.z_out = windows.dy_pixel, windows.dy_row, windows.z_out
        self.padded_rows = windows.padded_rows
        self.threads = useful_threads(
            threads, <double>self.images * self.pixels * self.dy_row.shape[0] * self.padded_rows / VL)

    cdef void item(self, ix image, ix split, int thread) noexcept nogil:
        cdef real* scratch = &self.scratch[thread, 0]
        cdef real* dx = &self.dx[0] + image * self.image_size
        cdef real* band = scratch
        memset(dx, 0, self.image_size * sizeof(real))
        if self.band.padded:
            memset(scratch, 0, self.band_size * sizeof(real))
        else:
            band = dx + (self.band.row_origin * self.band.width + self.band.col_origin) * self.band.channels
        self.spread(image, band, scratch + self.band_size)
        if self.band.padded:
            unband(&self.band, scratch, dx)

    cdef void spread(self, ix image, real* band, real* z) noexcept nogil:
        """Add to an image all that reaches it."""
        self.spread_plane(image, 0, band, z)

    cdef void spread_plane(self, ix image, ix plane, real* band, real* z) noexcept nogil:
        """Add what an image of gradients makes of one plane of filters."""
        cdef ix p, n, u, step = self.z_out.shape[0], channels = self.dy_row.shape[0]
        cdef const real* dy = &self.dy[0] + image * self.pixels * channels
        cdef const real* w = &self.w[0] + plane * channels * self.padded_rows
        for p from 0 <= p < self.pixels by step:
            n = min(step, self.pixels - p)
            for u in range(self.units):
                tiles(n, dy + p * channels, &self.dy_pixel[0], &self.dy_row[0], channels,
                      w + u * channels * BLOCK_LANES, BLOCK_LANES, NULL,
                      (min(<ix>BLOCK_LANES, self.rows - u * BLOCK_LANES) + VL - 1) // VL * VL, False,
                      z + u * BLOCK_LANES, &self.z_out[0])
            self.scatter(n, z, &self.pixel[p], band)

    cdef void scatter(self, ix pixels, const real* z, const ix* pixel, real* band) noexcept nogil:
        cdef ix p, t, run = self.run_length
        for p in range(pixels):
            for t in range(self.taps):
                add_run(z + p * self.padded_rows + t * run, run, band + pixel[p] + self.tap[t])


cdef inline void add_run(const real* z, ix run, real* out) noexcept nogil:
    """out += z, whole vectors first; single values since stores of parts of vectors do not forward to the next load."""
    cdef ix c = 0
    while c + VL <= run:
        vstore(out + c, vload(out + c) + vload(z + c))
        c = c + VL
    while c < run:
        out[c] = out[c] + z[c]
        c = c + 1


cdef inline void outer_tile(const int m, const int v, const real* x, const ix* row, const ix* pixel, ix pixels,
                            const real* dy, ix dy_stride, real* dw, ix dw_stride, bint add) noexcept nogil:
    """m filter rows by v vectors of output channels: dw[i] (+)= sum over pixels of x[pixel + row[i]] * dy[pixel]."""
    cdef vf acc[TALL][TILE_V]
    cdef vf g[TILE_V]
    cdef vf a
    cdef const real* xp[TALL]
    cdef ix p
    cdef int i, j
    for i in range(m):
        xp[i] = x + row[i]
        for j in range(v):
            acc[i][j] = vload(dw + i * dw_stride + j * VL) if add else vset(0)
    for p in range(pixels):
        for j in range(v):
            g[j] = vload(dy + j * VL)
        dy += dy_stride
        for i in range(m):
            a = vset(xp[i][pixel[p]])
            for j in range(v):
                acc[i][j] = acc[i][j] + a * g[j]
    for i in range(m):
        for j in range(v):
            vstore(dw + i * dw_stride + j * VL, acc[i][j])


cdef inline void outer_rows(const int v, ix rows, const real* x, const ix* row, const ix* pixel, ix pixels,
                            const real* dy, ix dy_stride, real* dw, ix dw_stride, bint add) noexcept nogil:
    """All filter rows for one block of output channels."""
    cdef ix k = 0, start, left
    if v == 1:
        while k + TALL <= rows:
            outer_tile(TALL, 1, x, row + k, pixel, pixels, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
            k += TALL
    start = k
    for k from start <= k < rows by TILE_M:
        left = rows - k
        if left >= 6:
            outer_tile(6, v, x, row + k, pixel, pixels, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 5:
            outer_tile(5, v, x, row + k, pixel, pixels, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 4:
            outer_tile(4, v, x, row + k, pixel, pixels, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 3:
            outer_tile(3, v, x, row + k, pixel, pixels, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        elif left == 2:
            outer_tile(2, v, x, row + k, pixel, pixels, dy, dy_stride, dw + k * dw_stride, dw_stride, add)
        else:
            outer_tile(1, v, x, row + k, pixel, pixels, dy, dy_stride, dw + k * dw_stride, dw_stride, add)


cdef class conv2d_backward_filters(Sliding):
    """dw = sum over windows of patch * dy, in chunks of images whose number depends on the shape alone.

    `partial` holds [chunk][group][row][lanes]: the sums of a chunk, output channels rounded up to whole vectors.
    `sum_partials` adds them in their order, so that the bits do not depend on the number of threads. The sums of a
    single chunk go to `dw` and `db` `at_once`, each unless it is None. dy's vectors
    are read from a copy that stays in the first cache, where pixels a power of two apart would drive each other out; in
    place only where there are few filter rows to use it for, and whole vectors.
    With `which` (one byte a pooled value: the winner's place in its window, 255 for none), dy is the gradient of the
    pooled values, and a block's dense gradient is made in scratch memory just before it is used.
    """
    cdef const real[::1] x, dy
    cdef const uint8_t[::1] which
    cdef real[::1] partial, db
    cdef real[:, ::1] scratch, dw
    cdef ix chunks, lanes, window, dy_block, dy_image, slabs
    cdef bint copied, at_once

    def __init__(self, const real[::1] x, const real[::1] dy, const uint8_t[::1] which, real[::1] partial,
                 real[:, ::1] scratch,
                 windows, ix groups, ix out_channels, ix chunks, real[:, ::1] dw=None, real[::1] db=None,
                 bint at_once=False, int threads=1):
        Sliding.__init__(self, windows, groups, out_channels, threads)
        self.x, self.dy, self.partial, self.scratch = x, dy, partial, scratch
        self.dw, self.db, self.at_once = dw, db, at_once
        self.window = windows.window
        self.chunks, self.dy_block, self.dy_image = chunks, windows.out_block, windows.out_image
        self.lanes = (self.out_channels + VL - 1) // VL * VL
        self.copied = which is not None or self.lanes != self.out_channels or groups > 1 or self.rows >= REUSED
        self.which = which
        self.share_out(max(1, min(self.rows // SLAB_ROWS, FEW_ITEMS // (chunks * self.units))))

    cdef void share_out(self, ix slabs) noexcept nogil:
        """Cut a chunk's work by blocks of output channels, and each of these by filter rows into `slabs`."""
        self.slabs = slabs
        self.splits = max(1, min(self.units * slabs, MOST_ITEMS // self.chunks))

    cdef void run(self) noexcept nogil:
        self.pieces(self.chunks * self.splits)

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        """Sum one chunk of (image, block) pairs into its partial filters: the slabs of channel blocks of `split`."""
        cdef ix total = self.images * self.blocks, first = at * total // self.chunks, i, u, n = self.units * self.slabs
        cdef ix stop = (at + 1) * total // self.chunks
        cdef real* scratch = &self.scratch[thread, 0]
        cdef real* spare = scratch + self.band_size
        cdef const real* band
        if first >= stop and split == 0:
            self.clear_chunk(at)
        for i in range(first, stop):
            band = band_of(&self.band, &self.x[0] + i // self.blocks * self.image_size, i % self.blocks, scratch)
            for u in range(split * n // self.splits, (split + 1) * n // self.splits):
                self.unit(u // self.slabs, u % self.slabs, at, i, band, spare, i > first)

    cdef void spread(self, const real* dy, ix at, ix stride, ix lanes, ix pixels, real* out) noexcept nogil:
        """Write a block's dense gradient, rows of BLOCK lanes; `at` is where the block lies in dy."""
        if self.which is None:
            copy_lanes(dy, stride, lanes, pixels, out)
        else:
            expand_winners(dy, &self.which[at], stride, lanes, pixels // self.window, self.window, out)

    cdef void clear_chunk(self, ix chunk) noexcept nogil:
        """A chunk without images."""
        cdef ix size = self.groups * (self.rows + 1) * self.lanes
        if not self.at_once:
            memset(&self.partial[0] + chunk * size, 0, size * sizeof(real))
            return
        if self.dw is not None:
            memset(&self.dw[0, 0], 0, self.rows * self.lanes * sizeof(real))
        if self.db is not None:
            memset(&self.db[0], 0, self.lanes * sizeof(real))

    cdef void unit(self, ix u, ix slab, ix chunk, ix at, const real* band, real* spare, bint add) noexcept nogil:
        cdef ix top = slab * self.rows // self.slabs, count = (slab + 1) * self.rows // self.slabs - top
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES
        cdef ix pixels = self.pixels_of(at % self.blocks), rows = self.rows
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - first), stride = self.groups * self.out_channels
        cdef ix source = at // self.blocks * self.dy_image + at % self.blocks * self.dy_block
        cdef ix channel = group * self.out_channels + first, piece, pieces = (pixels + SUMMED - 1) // SUMMED
        cdef const real* dy = &self.dy[0] + source + channel
        cdef real* dw
        cdef real* db
        if self.at_once:
            dw = &self.dw[0, 0] + first if self.dw is not None else NULL
            db = &self.db[0] + first if self.db is not None else NULL
        else:
            dw = &self.partial[0] + (chunk * self.groups + group) * (rows + 1) * self.lanes + first
            db = dw + rows * self.lanes
        band += group * self.in_channels
        if self.copied:
            self.spread(dy, source + channel, stride, lanes, pixels, spare)
            dy, stride = spare, BLOCK_LANES
        if db != NULL and slab == 0:
            sum_rows(dy, stride, pixels, lanes, db, add)
        if dw == NULL:
            return
        for piece in range(pieces):
            at = pixels * piece // pieces
            outer(count, band, &self.row[top], &self.pixel[at], pixels * (piece + 1) // pieces - at, dy + at * stride,
                  stride, lanes, dw + top * self.lanes, self.lanes, add or piece > 0)


cdef void outer(ix rows, const real* x, const ix* row, const ix* pixel, ix pixels, const real* dy, ix dy_stride,
                ix lanes, real* dw, ix dw_stride, bint add) noexcept nogil:
    """All filter rows for one block of output channels and some pixels."""
    if TILE_V >= 4 and lanes > 3 * VL:
        outer_rows(TILE_V, rows, x, row, pixel, pixels, dy, dy_stride, dw, dw_stride, add)
    elif TILE_V >= 4 and lanes > 2 * VL:
        outer_rows(TILE_V - 1, rows, x, row, pixel, pixels, dy, dy_stride, dw, dw_stride, add)
    elif lanes > VL:
        outer_rows(2, rows, x, row, pixel, pixels, dy, dy_stride, dw, dw_stride, add)
    else:
        outer_rows(1, rows, x, row, pixel, pixels, dy, dy_stride, dw, dw_stride, add)


cdef void sum_rows(const real* dy, ix stride, ix pixels, ix lanes, real* db, bint add) noexcept nogil:
    """db (+)= sum of the pixels' gradients, for the whole vectors that hold `lanes` channels."""
    cdef ix p, j
    cdef vf total
    for j from 0 <= j < lanes by VL:
        total = vload(db + j) if add else vset(0)
        for p in range(pixels):
            total = total + vload(dy + p * stride + j)
        vstore(db + j, total)


cdef void copy_lanes(const real* dy, ix stride, ix lanes, ix pixels, real* out) noexcept nogil:
    """Copy `lanes` channels of each pixel to rows of BLOCK lanes, zero behind them."""
    cdef ix p, j
    for p in range(pixels):
        for j from 0 <= j < BLOCK_LANES by VL:
            vstore(out + p * BLOCK_LANES + j, vload_n(dy + p * stride + j, lanes - j) if j < lanes else vset(0))


cdef void expand_winners(const real* dy, const uint8_t* which, ix stride, ix lanes, ix pooled, ix window,
                         real* out) noexcept nogil:
    """Give each pooled gradient to its winner: out[pooled value][cell of its window][BLOCK], zero elsewhere."""
    cdef ix p, j
    cdef int i
    cdef vf g
    cdef vi w
    for p in range(pooled):
        for j from 0 <= j < lanes by VL:
            g = vload_n(dy + p * stride + j, lanes - j)
            w = vload_bytes_n(which + p * stride + j, lanes - j)
            for i in range(<int>window):
                vstore(out + (p * window + i) * BLOCK_LANES + j, vkeep_equal(g, w, i))


cdef class sum_partials(Kernel):
    """dw and db from the sums of the chunks, added in their order.

    `partial` is [chunk][group][row][lanes], or transposed [chunk][output channel][row]; the row behind the last filter
    row is the bias. dw or db may be None.
    """
    cdef const real[::1] partial
    cdef real[:, ::1] dw
    cdef real[::1] db
    cdef ix chunks, groups, rows, columns, lanes
    cdef bint transposed

    def __init__(self, const real[::1] partial, real[:, ::1] dw, real[::1] db, shape, ix chunks, ix groups,
                 bint transposed=False, int threads=1):
        self.partial, self.dw, self.db, self.chunks, self.groups = partial, dw, db, chunks, groups
        self.rows, self.columns = shape
        self.transposed = transposed
        self.lanes = (self.columns // groups + VL - 1) // VL * VL
        self.threads = useful_threads(threads, <double>self.rows * self.columns * (chunks + 1) / VL)

    cdef void run(self) noexcept nogil:
        cdef ix k, step = VL if self.transposed else 1
        for k in prange((self.rows + step) // step, num_threads=self.threads, schedule="static"):
            if self.transposed:
                self.square(k * VL)
            else:
                self.sum(k)

    cdef real* target(self, ix k) noexcept nogil:
        """Return where the sums of row k go; NULL where nobody wants them."""
        if k < self.rows:
            return &self.dw[k, 0] if self.dw is not None else NULL
        return &self.db[0] if k == self.rows and self.db is not None else NULL

    cdef void sum(self, ix k) noexcept nogil:
        cdef ix g, c, j, n = self.columns // self.groups, stride = self.rows + 1
        cdef real* out = self.target(k)
        cdef const real* source
        cdef vf total
        if out == NULL:
            return
        for g in range(self.groups):
            for j from 0 <= j < n by VL:
                source = &self.partial[0] + (g * stride + k) * self.lanes + j
                total = vload(source)
                for c in range(1, self.chunks):
                    total = total + vload(source + c * self.groups * stride * self.lanes)
                vstore_n(out + g * n + j, total, n - j)

    cdef void square(self, ix k) noexcept nogil:
        """Rows k to k + VL of transposed sums."""
        cdef ix c, j, n = self.columns, stride = self.rows + 1, lanes = min(<ix>VL, stride - k)
        cdef const real* source
        cdef real* out
        cdef vf sums[VL]
        cdef int i
        for j from 0 <= j < n by VL:
            for i in range(VL):
                sums[i] = vset(0)
                if i < n - j:
                    source = &self.partial[0] + (j + i) * stride + k
                    sums[i] = vload_n(source, lanes)
                    for c in range(1, self.chunks):
                        sums[i] = sums[i] + vload_n(source + c * n * stride, lanes)
            vtranspose(sums)
            for i in range(VL):
                out = self.target(k + i)
                if out != NULL:
                    vstore_n(out + j, sums[i], n - j)
