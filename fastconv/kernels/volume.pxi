"""conv3d: the contraction of sliding.pxi over several planes at once.

A volume is planes one behind the other; a window of planes is one window with more rows of filters. An output plane has
its list entry (first input plane, first filter plane, how many), so that depth's strides and dilation live there, and
its padding too: planes outside of the volume are not on the list. Within a plane everything is as for images: where
there is padding, the bands of all planes that are read are copied, one behind the other.
`fastconv.ops.volumes` makes the lists.
"""

cdef struct Stack:                # the planes of volumes
    ix depths                     # output planes of a volume
    ix volume, plane              # distance of volumes in the input, and of the planes that a window reads
    ix skip                       # distance of two neighbouring planes in the input
    ix out_volume, out_plane      # distance of volumes, and of planes, in the output
    ix band                       # of a plane's padded copy


cdef inline const real* bands_of(const Band* b, const Stack* s, const real* volume, ix first, ix count, ix block,
                                 real* scratch) noexcept nogil:
    """Return the address of the first cell of the first plane's band; the others lie behind it at equal distances."""
    cdef ix j
    if not b.padded:
        return band_of(b, volume + first * s.skip, block, scratch)
    for j in range(count):
        band_of(b, volume + first * s.skip + j * s.plane, block, scratch + j * s.band)
    return scratch


cdef class conv3d_forward(conv2d_forward):
    """y = activation(x * w + b) over windows of planes; the data gradient is the same over other lists."""
    cdef Stack stack
    cdef const ix[:, ::1] plane                     # [output plane] first input plane, first filter plane, count
    cdef ix plane_rows

    def __init__(self, const real[::1] x, const real[::1] w, const real[::1] b, real[::1] y, real[:, ::1] scratch,
                 windows, ix groups, ix out_channels, ix w_stride=0, bint relu=False, int threads=1):
        conv2d_forward.__init__(self, x, w, b, y, scratch, windows, groups, out_channels, w_stride, relu, None, threads)
        cdef Stack s
        s.depths, s.volume, s.plane, s.skip, s.out_volume, s.out_plane, s.band = windows.stack
        self.stack, self.plane, self.plane_rows = s, windows.plane, windows.plane_rows

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        cdef ix image = at // self.blocks, block = at % self.blocks, u
        cdef ix volume = image // self.stack.depths, depth = image % self.stack.depths
        cdef ix first = self.plane[depth, 0], skipped = self.plane[depth, 1], count = self.plane[depth, 2]
        cdef real* y = (&self.y[0] + volume * self.stack.out_volume + depth * self.stack.out_plane
                        + block * self.out_block)
        cdef const real* band = bands_of(&self.band, &self.stack, &self.x[0] + volume * self.stack.volume, first,
                                         count, block, &self.scratch[thread, 0])
        for u in range(split * self.units // self.splits, (split + 1) * self.units // self.splits):
            self.planes(u, band, self.pixels_of(block), y, skipped * self.plane_rows, count * self.plane_rows)

    cdef void planes(self, ix u, const real* band, ix pixels, real* y, ix skipped, ix rows) noexcept nogil:
        """One block of output channels for one block of rows, by `rows` filter rows behind those that are skipped."""
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES
        cdef ix channel = group * self.out_channels + first, w_step = self.w_stride if self.w_stride else BLOCK_LANES
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - first)
        cdef const real* bias = &self.b[0] + channel if self.biased else NULL
        cdef ix at = (first if self.w_stride else u * self.rows * BLOCK_LANES) + skipped * w_step
        cdef const ix* row = &self.row[0] if rows else NULL            # a window may lie in the padding altogether
        cdef const real* w = &self.w[at] if rows else NULL
        tiles(pixels, band + group * self.in_channels, &self.pixel[0], row, rows, w, w_step, bias, lanes,
              self.relu, y + channel, &self.out[0])


cdef class conv3d_backward_input_scattered(conv2d_backward_input_scattered):
    """The same for volumes: a plane of dx is made of the planes of gradients that reach it, one after the other."""
    cdef const ix[::1] reach                        # [plane of a volume + 1] where its entries begin
    cdef const ix[:, ::1] source                    # [entry] plane of gradients, plane of filters
    cdef ix depths                                  # planes of gradients of a volume

    def __init__(self, const real[::1] dy, const real[::1] w, real[::1] dx, real[:, ::1] scratch, windows,
                 int threads=1):
        conv2d_backward_input_scattered.__init__(self, dy, w, dx, scratch, windows, threads)
        self.reach, self.source, self.depths = windows.reach, windows.source, windows.depths

    cdef void spread(self, ix image, real* band, real* z) noexcept nogil:
        cdef ix planes = self.reach.shape[0] - 1, volume = image // planes, plane = image % planes, i
        for i in range(self.reach[plane], self.reach[plane + 1]):
            self.spread_plane(volume * self.depths + self.source[i, 0], self.source[i, 1], band, z)


cdef class conv3d_backward_filters(conv2d_backward_filters):
    """dw = sum over windows of patch * dy, plane by plane; see `conv2d_backward_filters`."""
    cdef Stack stack
    cdef const ix[:, ::1] plane
    cdef ix plane_rows

    def __init__(self, const real[::1] x, const real[::1] dy, const uint8_t[::1] which, real[::1] partial,
                 real[:, ::1] scratch, windows, ix groups, ix out_channels, ix chunks, int threads=1):
        conv2d_backward_filters.__init__(self, x, dy, which, partial, scratch, windows, groups, out_channels, chunks,
                                         threads=threads)
        self.share_out(1)
        cdef Stack s
        s.depths, s.volume, s.plane, s.skip, s.out_volume, s.out_plane, s.band = windows.stack
        self.stack, self.plane, self.plane_rows = s, windows.plane, windows.plane_rows

    cdef void item(self, ix at, ix split, int thread) noexcept nogil:
        """Sum one chunk of (plane, block) pairs into its partial filters, for the channel blocks of `split`."""
        cdef ix total = self.images * self.blocks, i, u, image, block, volume, depth
        cdef ix start = split * self.units // self.splits, stop = (split + 1) * self.units // self.splits
        cdef real* scratch = &self.scratch[thread, 0]
        cdef const real* band
        cdef const real* dy
        for u in range(start, stop):
            self.clear(u, at)
        for i in range(at * total // self.chunks, (at + 1) * total // self.chunks):
            image, block = i // self.blocks, i % self.blocks
            volume, depth = image // self.stack.depths, image % self.stack.depths
            band = bands_of(&self.band, &self.stack, &self.x[0] + volume * self.stack.volume, self.plane[depth, 0],
                            self.plane[depth, 2], block, scratch)
            dy = (&self.dy[0] + volume * self.stack.out_volume + depth * self.stack.out_plane + block * self.dy_block)
            for u in range(start, stop):
                self.planes(u, at, band, self.pixels_of(block), dy, scratch + self.band_size,
                            self.plane[depth, 1] * self.plane_rows, self.plane[depth, 2] * self.plane_rows)

    cdef real* sums(self, ix u, ix chunk) noexcept nogil:
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES
        return &self.partial[0] + (chunk * self.groups + group) * (self.rows + 1) * self.lanes + first

    cdef void clear(self, ix u, ix chunk) noexcept nogil:
        """Begin a chunk's sums with zero: not every output plane reads all planes of the filters."""
        cdef ix k, lanes = min(<ix>BLOCK_LANES, self.lanes - u % self.channel_blocks * BLOCK_LANES)
        cdef real* out = self.sums(u, chunk)
        for k in range(self.rows + 1):
            memset(out + k * self.lanes, 0, lanes * sizeof(real))

    cdef void planes(self, ix u, ix chunk, const real* band, ix pixels, const real* dy, real* spare, ix skipped,
                     ix rows) noexcept nogil:
        cdef ix group = u // self.channel_blocks, first = u % self.channel_blocks * BLOCK_LANES, piece, at
        cdef ix lanes = min(<ix>BLOCK_LANES, self.out_channels - first), stride = self.groups * self.out_channels
        cdef ix pieces = (pixels + SUMMED - 1) // SUMMED
        cdef real* dw = self.sums(u, chunk)
        dy += group * self.out_channels + first
        if self.copied:
            copy_lanes(dy, stride, lanes, pixels, spare)
            dy, stride = spare, BLOCK_LANES
        sum_rows(dy, stride, pixels, lanes, dw + self.rows * self.lanes, True)
        for piece in range(pieces):
            at = pixels * piece // pieces
            outer(rows, band + group * self.in_channels, &self.row[0], &self.pixel[at],
                  pixels * (piece + 1) // pieces - at, dy + at * stride, stride, lanes, dw + skipped * self.lanes,
                  self.lanes, True)
