"""Winograd's F(2x2, 3x3) for 3x3 convolutions with unit stride: 16 products for 4 outputs instead of 36.

Lavin and Gray (2016), "Fast algorithms for convolutional neural networks". A tile of 4 x 4 inputs makes 2 x 2 outputs:
Y = A' [(G g G') * (B' d B)] A, summed over input channels between the two transforms, where each of the 16 places is a
matrix product over all tiles of a block. A 2 x 2 max pool is exactly a tile: it is taken from registers.

Of a volume, a tile has the channels of all planes that an output plane reads, one plane's behind the other's: the sum
over input channels is then one over planes, too. An image is a volume of one plane.

All coefficients are 0, 1, -1 and 1/2, so sums of small whole numbers stay exact. A value that is not finite reaches
every output of its tile.
"""

cdef enum:
    PLACES = 16
    SUM_PLACE = 5              # where A dy A' is the sum of a tile's gradients


cdef inline ix apart(ix size) noexcept nogil:
    """Return how far apart matrices of so many values lie: an odd number of vectors, so that caches keep all 16."""
    return (size // VL | 1) * VL


cdef class winograd_filters(Kernel):
    """u[place][block][plane][row][BLOCK] = G w G', zero behind the last column.

    Plain: rows are input channels, columns output channels. Transposed, for data gradients: the other way round, and
    the filters turned by half a circle, their planes in the opposite order.
    """
    cdef const real[:, :, :, :, ::1] w
    cdef real[::1] u
    cdef ix planes, rows, columns, blocks, stride
    cdef bint transposed

    def __init__(self, const real[:, :, :, :, ::1] w, real[::1] u, bint transposed=False, int threads=1):
        self.w, self.u, self.transposed, self.planes = w, u, transposed, w.shape[0]
        self.rows, self.columns = (w.shape[4], w.shape[3]) if transposed else (w.shape[3], w.shape[4])
        self.blocks = (self.columns + BLOCK_LANES - 1) // BLOCK_LANES
        self.stride = self.blocks * self.planes * self.rows * BLOCK_LANES
        self.threads = useful_threads(threads, <double>self.planes * self.rows * self.columns * 20)

    cdef void run(self) noexcept nogil:
        cdef ix t, pieces = (self.rows + VL - 1) // VL
        for t in prange(self.planes * pieces, num_threads=self.threads, schedule="static"):
            if self.transposed:
                self.turned(t // pieces, t % pieces * VL)
            else:
                self.plain(t // pieces, t % pieces * VL, min(self.rows, (t % pieces + 1) * VL))

    cdef inline real* target(self, ix plane, ix k, ix n) noexcept nogil:
        """Return where row k of a plane and column n go, at the first place."""
        return (&self.u[0] + ((n // BLOCK_LANES * self.planes + plane) * self.rows + k) * BLOCK_LANES
                + n % BLOCK_LANES)

    cdef void plain(self, ix plane, ix start, ix stop) noexcept nogil:
        """Filter rows start to stop of a plane, vectors of columns."""
        cdef ix k, n
        cdef real* out
        cdef vf u[PLACES]
        cdef int i
        for k in range(start, stop):
            for n from 0 <= n < self.blocks * BLOCK_LANES by VL:
                self.transform(&self.w[plane, 0, 0, k, min(n, self.columns - 1)], self.columns - n, u)
                out = self.target(plane, k, n)
                for i in range(PLACES):
                    vstore(out + i * self.stride, u[i])

    cdef void turned(self, ix plane, ix start) noexcept nogil:
        """A vector of filter rows of a plane, by squares of VL columns."""
        cdef ix n, lanes = min(<ix>VL, self.rows - start)
        cdef real* out
        cdef vf u[PLACES]
        cdef vf square[PLACES][VL]
        cdef int i, j
        for n from 0 <= n < self.blocks * BLOCK_LANES by VL:
            for j in range(VL):
                self.transform(&self.w[plane, 0, 0, min(n + j, self.columns - 1), start],
                               lanes if n + j < self.columns else 0, u)
                for i in range(PLACES):
                    square[i][j] = u[i]
            out = self.target(self.planes - 1 - plane, start, n)
            for i in range(PLACES):
                vtranspose(square[i])
                for j in range(<int>lanes):
                    vstore(out + i * self.stride + j * BLOCK_LANES, square[i][j])

    cdef inline void transform(self, const real* w, ix lanes, vf* u) noexcept nogil:
        """u = G g G' of one vector of filters, whose taps are a whole matrix apart."""
        cdef ix tap = self.w.shape[3] * self.w.shape[4]
        cdef vf g[3][3]
        cdef vf h[4][3]
        cdef vf half = vset(<real>0.5)
        cdef int i, j
        for i in range(3):
            for j in range(3):
                g[i][j] = vload_n(w + (8 - i * 3 - j if self.transposed else i * 3 + j) * tap, lanes)
        for j in range(3):
            h[0][j] = g[0][j]
            h[1][j] = (g[0][j] + g[1][j] + g[2][j]) * half
            h[2][j] = (g[0][j] - g[1][j] + g[2][j]) * half
            h[3][j] = g[2][j]
        for i in range(4):
            u[i * 4 + 0] = h[i][0]
            u[i * 4 + 1] = (h[i][0] + h[i][1] + h[i][2]) * half
            u[i * 4 + 2] = (h[i][0] - h[i][1] + h[i][2]) * half
            u[i * 4 + 3] = h[i][2]


cdef inline void transform_input(const real* x, const ix* tap, ix lanes, real* v, ix stride) noexcept nogil:
    """One tile, one vector of channels: v[place] = B' d B, places `stride` apart."""
    cdef vf places[PLACES]
    cdef int i
    input_places(x, tap, lanes, places)
    for i in range(PLACES):
        vstore(v + i * stride, places[i])


cdef inline void input_places(const real* x, const ix* tap, ix lanes, vf* v) noexcept nogil:
    """v[place] = B' d B."""
    cdef vf d[4][4]
    cdef vf t[4][4]
    cdef int i, j
    for i in range(4):
        for j in range(4):
            d[i][j] = vload_n(x + tap[i * 4 + j], lanes)
    for j in range(4):
        t[0][j] = d[0][j] - d[2][j]
        t[1][j] = d[1][j] + d[2][j]
        t[2][j] = d[2][j] - d[1][j]
        t[3][j] = d[1][j] - d[3][j]
    for i in range(4):
        v[i * 4 + 0] = t[i][0] - t[i][2]
        v[i * 4 + 1] = t[i][1] + t[i][2]
        v[i * 4 + 2] = t[i][2] - t[i][1]
        v[i * 4 + 3] = t[i][1] - t[i][3]


cdef inline void transform_output(const real* m, ix stride, vf bias, vf* y) noexcept nogil:
    """One tile, one vector of channels: y[0..3] = A' m A + bias, row by row."""
    cdef vf a[2][4]
    cdef vf top, middle, low, last
    cdef int j
    for j in range(4):
        top, middle = vload(m + j * stride), vload(m + (4 + j) * stride)
        low, last = vload(m + (8 + j) * stride), vload(m + (12 + j) * stride)
        a[0][j] = top + middle + low
        a[1][j] = middle - low - last
    for j in range(2):
        y[j * 2] = a[j][0] + a[j][1] + a[j][2] + bias
        y[j * 2 + 1] = a[j][1] - a[j][2] - a[j][3] + bias


cdef class Tiled(Sliding):
    """A kernel over tiles, whose inputs it transforms: those of all planes that an output plane reads."""
    cdef Stack stack
    cdef const ix[:, ::1] plane                     # [output plane] first input plane, first filter plane, count
    cdef const ix[::1] channel                      # where each value that is summed over lies in a tile
    cdef ix out_height, out_width, wide, padded_channels, plane_channels, summed

    def __init__(self, windows, ix out_channels, int threads):
        Sliding.__init__(self, windows, 1, out_channels, threads)
        cdef Stack s
        s.depths, s.volume, s.plane, s.skip, s.out_volume, s.out_plane, s.band = windows.stack
        self.stack, self.plane, self.channel, self.wide = s, windows.plane, windows.channel, windows.wide
        self.out_height, self.out_width = windows.out_size
        self.padded_channels, self.plane_channels = windows.padded_channels, windows.plane_channels
        self.summed = self.channel.shape[0]

    cdef void transform_planes(self, const real* x, ix image, ix block, real* v, ix stride,
                               real* scratch) noexcept nogil:
        """Transform a block of tiles' inputs, places `stride` apart: each plane to its filter plane's channels."""
        cdef ix volume = image // self.stack.depths, depth = image % self.stack.depths, j, t, c
        cdef ix tiles_ = self.pixels_of(block)
        cdef const real* band
        x += volume * self.stack.volume + self.plane[depth, 0] * self.stack.skip
        v += self.plane[depth, 1] * self.plane_channels
        for j in range(self.plane[depth, 2]):
            band = band_of(&self.band, x + j * self.stack.plane, block, scratch)
            for t in range(tiles_):
                for c from 0 <= c < self.band.channels by VL:
                    transform_input(band + self.pixel[t] + c, &self.tap[0], self.band.channels - c,
                                    v + t * self.padded_channels + j * self.plane_channels + c, stride)


cdef class winograd_forward(Tiled):
    """y = activation(x * w + b) by tiles, or pooled: y = that of the maximum of each tile, `which` its place.

    With `mean` y is the mean of each tile's activations, and `which` a bit for each cell that is alive.

    What is `added`, as large as y, comes before the activation.

    An item is a block of an image's tiles; where an image has few, it is those of several images, since each item
    reads all the transformed filters.
    """
    cdef const real[::1] x, u, b
    cdef real[::1] y
    cdef uint8_t[::1] which
    cdef real[:, ::1] scratch
    cdef const ix[::1] place, tile, cell
    cdef const real[::1] added
    cdef ix out_block, out_image, out_row, gathered, sets
    cdef bint relu, biased, pooled, told, mean

    def __init__(self, const real[::1] x, const real[::1] u, const real[::1] b, real[::1] y, uint8_t[::1] which,
                 real[:, ::1] scratch, windows, ix out_channels, bint relu=False, bint mean=False,
                 const real[::1] added=None, int threads=1):
        Tiled.__init__(self, windows, out_channels, threads)
        self.gathered = windows.gathered
        self.sets = (self.images + self.gathered - 1) // self.gathered * self.blocks
        # each split transforms the inputs anew: no more of them than threads need
        self.splits = max(1, min(self.units, (self.threads - 1) // max(1, self.sets) + 1))
        self.x, self.u, self.b, self.y, self.which, self.scratch = x, u, b, y, which, scratch
        self.added = added
        self.relu, self.biased, self.pooled, self.told = relu, b is not None, windows.pooled, which is not None
        self.mean = mean
        self.place, self.tile, self.cell = windows.place, windows.tile, windows.cell
        self.out_block, self.out_image = windows.out_block, windows.out_image
        self.out_row = self.out_width * out_channels

    cdef void run(self) noexcept nogil:
        self.pieces(self.sets * self.splits)

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        cdef ix first = at // self.blocks * self.gathered, block = at % self.blocks, tiles_ = self.pixels_of(block)
        cdef ix count = min(self.gathered, self.images - first), i, u
        cdef ix stride = apart(self.gathered * self.pixels * self.padded_channels)
        cdef real* scratch = &self.scratch[thread, 0]
        cdef real* v = scratch + self.band_size
        for i in range(count):
            self.transform_planes(&self.x[0], first + i, block, v + i * tiles_ * self.padded_channels, stride, scratch)
        for u in range(split * self.units // self.splits, (split + 1) * self.units // self.splits):
            self.multiply(u, first, v, stride, count * tiles_, v + PLACES * stride)
            for i in range(count):
                self.outputs(u, first + i, block, tiles_, v + PLACES * stride + i * tiles_ * BLOCK_LANES)

    cdef ix products(self) noexcept nogil:
        """Return how far apart the products of two places lie."""
        return apart(self.gathered * self.pixels * BLOCK_LANES)

    cdef void multiply(self, ix u, ix image, const real* v, ix stride, ix tiles_, real* m) noexcept nogil:
        """The 16 products of one block of output channels, over the planes that there are."""
        cdef ix depth = image % self.stack.depths, skipped = self.plane[depth, 1] * self.band.channels, p
        cdef ix rows = self.plane[depth, 2] * self.band.channels
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - u * BLOCK_LANES)
        cdef const ix* channel = &self.channel[0] + skipped
        cdef const real* w = &self.u[0] + (u * self.summed + skipped) * BLOCK_LANES
        for p in range(PLACES):
            tiles(tiles_, v + p * stride, &self.tile[0], channel, rows, w, BLOCK_LANES, NULL,
                  (lanes + VL - 1) // VL * VL, False, m + p * self.products(), &self.cell[0])
            w += self.units * self.summed * BLOCK_LANES

    cdef void outputs(self, ix u, ix image, ix block, ix tiles_, const real* m) noexcept nogil:
        """The outputs of one block of output channels, of an image's tiles in a block."""
        cdef ix first = u * BLOCK_LANES, lanes = min(<ix>BLOCK_LANES, self.out_channels - u * BLOCK_LANES), t, j
        cdef ix at = image * self.out_image + block * self.out_block + first, row = block * (self.pixels // self.wide)
        for t in range(tiles_):
            for j from 0 <= j < lanes by VL:
                self.output(m + t * BLOCK_LANES + j, self.products(), first + j, lanes - j, at + self.place[t] + j,
                            row + t // self.wide, t % self.wide)

    cdef inline void output(self, const real* m, ix stride, ix channel, ix lanes, ix at, ix i, ix j) noexcept nogil:
        """Write one tile's outputs, for one vector of channels; tile (i, j) of the image."""
        cdef vf y[4]
        cdef uint8_t* which = &self.which[at] if self.told else NULL
        cdef ix cell
        cdef int k
        transform_output(m, stride, vload_n(&self.b[channel], lanes) if self.biased else vset(0), y)
        if self.mean:
            mean_of(4, self.relu, self.told, y, lanes, &self.y[at], which)
            return
        if self.pooled:
            largest_of(4, self.relu, self.told, y, lanes, &self.y[at], which)
            return
        for k in range(4):
            if 2 * i + k // 2 < self.out_height and 2 * j + k % 2 < self.out_width:
                cell = at + k // 2 * self.out_row + k % 2 * self.out_channels
                if self.added is not None:
                    y[k] = y[k] + vload_n(&self.added[cell], lanes)
                vstore_n(&self.y[cell], vrelu(y[k]) if self.relu else y[k], lanes)


cdef inline void transform_gradient(const real* dy, ix rows, ix cols, ix row, ix col, ix lanes, real* d,
                                    ix stride) noexcept nogil:
    """One tile of the output's gradient, one vector of channels: d[place] = A dy A', places `stride` apart.

    `rows` and `cols` of the tile lie inside of the image; `row` and `col` are the distances of its cells.
    """
    cdef vf places[PLACES]
    cdef int i
    gradient_places(dy, rows, cols, row, col, lanes, places)
    for i in range(PLACES):
        vstore(d + i * stride, places[i])


cdef inline void gradient_places(const real* dy, ix rows, ix cols, ix row, ix col, ix lanes, vf* d) noexcept nogil:
    """d[place] = A dy A'."""
    cdef vf g[4]
    cdef int i
    for i in range(4):
        g[i] = vload_n(dy + i // 2 * row + i % 2 * col, lanes if i // 2 < rows and i % 2 < cols else 0)
    spread_gradient(g, d)


cdef inline void spread_gradient(const vf* g, vf* d) noexcept nogil:
    """d[place] = A g A' of the four gradients of a tile."""
    cdef vf t[4][2]
    cdef int i, j
    for j in range(2):
        t[0][j] = g[j]
        t[1][j] = g[j] + g[2 + j]
        t[2][j] = g[j] - g[2 + j]
        t[3][j] = vset(0) - g[2 + j]
    for i in range(4):
        d[i * 4 + 0] = t[i][0]
        d[i * 4 + 1] = t[i][0] + t[i][1]
        d[i * 4 + 2] = t[i][0] - t[i][1]
        d[i * 4 + 3] = vset(0) - t[i][1]


cdef inline void transform_back(const vf* m, vf* w) noexcept nogil:
    """One vector of filters: w[tap] = G' m G, from 16 sums."""
    cdef vf t[3][4]
    cdef vf half = vset(<real>0.5)
    cdef vf plus, minus
    cdef int i, j
    for j in range(4):
        plus = (m[4 + j] + m[8 + j]) * half
        minus = (m[4 + j] - m[8 + j]) * half
        t[0][j] = m[j] + plus
        t[1][j] = minus
        t[2][j] = plus + m[12 + j]
    for i in range(3):
        plus = (t[i][1] + t[i][2]) * half
        w[i * 3 + 0] = t[i][0] + plus
        w[i * 3 + 1] = (t[i][1] - t[i][2]) * half
        w[i * 3 + 2] = plus + t[i][3]


cdef class winograd_backward_filters(Tiled):
    """dw = G' [sum over tiles of (B' x B) * (A dy A')] G, and db: the gradient of the forward algorithm, step by step.

    Some blocks of tiles at a time are transformed, then each of the 16 places is a matrix product over their tiles,
    added to `partial`, [chunk][place][plane, input channel][output channels, whole vectors], behind whose places
    db's sums lie. Sums are small or large: where they are small, there are several chunks of blocks, each with sums of
    its own, and whoever transforms a block multiplies it, out of his own cache (a row of `transformed` a thread). Where
    they are large, all transform, then all multiply, each for other places and channels.
    """
    cdef const real[::1] x, dy
    cdef real[:, :, :, :, ::1] dw
    cdef real[::1] db, partial
    cdef real[:, ::1] scratch, transformed
    cdef const ix[::1] product
    cdef ix group, padded_outs, slabs, chunks, size
    cdef ix v_stride, d_stride                  # from place to place of what is transformed

    def __init__(self, const real[::1] x, const real[::1] dy, real[:, :, :, :, ::1] dw, real[::1] db,
                 real[:, ::1] transformed, real[::1] partial, real[:, ::1] scratch, windows, const ix[::1] products,
                 ix out_channels, ix group, ix chunks=1, int threads=1):
        Tiled.__init__(self, windows, out_channels, threads)
        self.x, self.dy, self.dw, self.db = x, dy, dw, db
        self.transformed, self.partial, self.scratch = transformed, partial, scratch
        self.product, self.group, self.padded_outs = products, group, (out_channels + VL - 1) // VL * VL
        self.slabs = max(1, min(self.summed // (2 * TILE_M), MOST_ITEMS // (PLACES * self.units)))
        self.chunks, self.size = chunks, (PLACES * self.summed + 1) * self.padded_outs
        self.v_stride = apart(group * self.pixels * self.padded_channels)
        self.d_stride = apart(group * self.pixels * self.padded_outs)

    cdef void run(self) noexcept nogil:
        cdef ix c
        if self.images * self.blocks == 0:
            memset(&self.partial[0], 0, self.partial.shape[0] * sizeof(real))
        elif self.chunks > 1:
            self.pieces(self.chunks)
        else:
            self.together()
        for c in prange(self.summed + 1, num_threads=self.threads, schedule="static"):
            self.finish(c)

    cdef void piece(self, ix t, int thread) noexcept nogil:
        """Transform and multiply one chunk of blocks."""
        cdef ix total = self.images * self.blocks, start = t * total // self.chunks, first, count, i, p, u
        cdef ix stop = (t + 1) * total // self.chunks
        cdef real* v = &self.transformed[thread, 0]
        for first from start <= first < stop by self.group:
            count = min(self.group, stop - first)
            for i in range(count):
                self.transform(first + i, i, v, &self.scratch[thread, 0])
            for p in range(PLACES):
                for u in range(self.units):
                    self.multiply(p, u, 0, self.summed, v, count * self.pixels,
                                  &self.partial[0] + t * self.size, first > start)

    cdef void together(self) noexcept nogil:
        """Transform some blocks, multiply them, and so on."""
        cdef ix first, count, t, total = self.images * self.blocks
        cdef real* v = &self.transformed[0, 0]
        for first from 0 <= first < total by self.group:
            count = min(self.group, total - first)
            for t in prange(count, num_threads=self.threads, schedule="dynamic"):
                self.transform(first + t, t, v, &self.scratch[threadid(), 0])
            for t in prange(PLACES * self.units * self.slabs, num_threads=self.threads, schedule="dynamic"):
                self.slab(t // self.slabs // self.units, t // self.slabs % self.units, t % self.slabs,
                          count * self.pixels, first > 0)

    cdef void slab(self, ix place, ix u, ix slab, ix tiles_, bint add) noexcept nogil:
        """The products of one place, one block of output channels and some input channels."""
        cdef ix c = self.summed
        self.multiply(place, u, slab * c // self.slabs, (slab + 1) * c // self.slabs, &self.transformed[0, 0], tiles_,
                      &self.partial[0], add)

    cdef void transform(self, ix at, ix slot, real* v, real* scratch) noexcept nogil:
        """Transform one block of tiles, inputs and gradients; the last block of an image is filled up by zeros."""
        cdef ix image = at // self.blocks, block = at % self.blocks, t, c, i, j, p, row
        cdef real* d = v + PLACES * self.v_stride + slot * self.pixels * self.padded_outs
        cdef const real* dy
        row = self.out_width * self.out_channels
        dy = &self.dy[0] + image * self.out_height * row
        v += slot * self.pixels * self.padded_channels
        if self.plane[image % self.stack.depths, 2] * self.plane_channels < self.padded_channels:   # some are missing
            for p in range(PLACES):
                memset(v + p * self.v_stride, 0, self.pixels * self.padded_channels * sizeof(real))
        self.transform_planes(&self.x[0], image, block, v, self.v_stride, scratch)
        for t in range(self.pixels_of(block)):
            i, j = 2 * (block * (self.pixels // self.wide) + t // self.wide), 2 * (t % self.wide)
            for c from 0 <= c < self.out_channels by VL:
                transform_gradient(dy + i * row + j * self.out_channels + c, self.out_height - i, self.out_width - j,
                                   row, self.out_channels, self.out_channels - c,
                                   d + t * self.padded_outs + c, self.d_stride)
        t = self.pixels_of(block)
        for p in range(PLACES):
            memset(v + p * self.v_stride + t * self.padded_channels, 0,
                   (self.pixels - t) * self.padded_channels * sizeof(real))
            memset(d + p * self.d_stride + t * self.padded_outs, 0,
                   (self.pixels - t) * self.padded_outs * sizeof(real))

    cdef void multiply(self, ix place, ix u, ix first, ix stop, const real* v, ix tiles_, real* partial,
                       bint add) noexcept nogil:
        """Add the products of some tiles for one place, one block of output channels, input channels first to stop."""
        cdef ix c = self.summed, n = self.padded_outs, piece, at
        cdef ix pieces = (tiles_ + SUMMED - 1) // SUMMED, lanes = min(<ix>BLOCK_LANES, n - u * BLOCK_LANES)
        cdef const real* d = v + PLACES * self.v_stride + place * self.d_stride + u * BLOCK_LANES
        cdef real* m = partial + (place * c + first) * n + u * BLOCK_LANES
        v += place * self.v_stride
        for piece in range(pieces):
            at = tiles_ * piece // pieces
            outer(stop - first, v, &self.channel[first], &self.product[at], tiles_ * (piece + 1) // pieces - at,
                  d + at * n, n, lanes, m, n, add or piece > 0)
        if place == SUM_PLACE and first == 0:
            sum_rows(d, n, tiles_, lanes, partial + PLACES * c * n + u * BLOCK_LANES, add)

    cdef void finish(self, ix c) noexcept nogil:
        """Transform the sums of one input channel back to filters; behind the last channel, hand out db."""
        cdef ix n, channels = self.summed, outs = self.padded_outs, lanes
        cdef const real* m = &self.partial[0] + c * outs
        cdef vf sums[PLACES]
        cdef vf w[9]
        cdef int tap, p
        cdef ix plane = c // max(1, self.band.channels), channel = c % max(1, self.band.channels)
        for n from 0 <= n < self.out_channels by VL:
            lanes = self.out_channels - n
            if c == channels:
                if self.db is not None:
                    vstore_n(&self.db[n], self.total(m + (PLACES - 1) * channels * outs + n), lanes)
            elif self.dw is not None:
                for p in range(PLACES):
                    sums[p] = self.total(m + p * channels * outs + n)
                transform_back(sums, w)
                for tap in range(9):
                    vstore_n(&self.dw[plane, tap // 3, tap % 3, channel, n], w[tap], lanes)

    cdef inline vf total(self, const real* m) noexcept nogil:
        """Return a vector of sums, added over the chunks in their order."""
        cdef vf total = vload(m)
        cdef ix t
        for t in range(1, self.chunks):
            total = total + vload(m + t * self.size)
        return total
