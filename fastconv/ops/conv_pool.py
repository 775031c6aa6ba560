"""conv2d, relu or nothing, and max or average pooling as one op."""

import numpy as np

from fastconv.ops import windows, winograd
from fastconv.ops.conv import (
    Conv1D,
    Conv2D,
    as_matrix,
    check_bias,
    packed_shape,
    scratch_shape,
    sum_partials,
    wants_filters,
)
from fastconv.ops.op import Needs, Site

SPARSE_RUN = 48  # contiguous filter values from which visiting single winners can beat dense tiles (measured)
SPARSE_BYTES = 1 << 20  # a padded image up to this size is scattered into as a whole
NEAR_BYTES = 48 << 10  # an image of up to this size stays in the first cache while it is scattered into
MOST_CHUNKS, CHUNK_IMAGES = 16, 8  # of the filters' gradient by visits (measured)
MOST_BITS = 8  # cells of a window that a byte can tell the living of
VISIT = 3  # visits pay where window * VISIT exceeds the lanes of a vector: dense tiles gain more from lanes (measured)


class Conv2DReluMaxPool2D(Conv2D):
    """conv2d, relu and a max pool whose windows do not overlap, in one pass; backward visits the winners only.

    Behind a window of k cells at most one of k gradients is not zero. One byte a pooled value says which cell won; a
    convolution output that no window reads is never computed. With few input channels, or with small windows and wide
    vectors, gradients are dense again, the filters' over blocks that are expanded just before they are used.
    Without `rectified` there is no relu.
    """

    name = "conv2d_relu_max_pool2d"
    plain_name = "conv2d_max_pool2d"  # without the relu
    forward_kernel = "conv2d_max_pool_forward"
    averages = False

    def __init__(
        self, pool_size, pool_strides, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, rectified=True
    ):
        super().__init__(strides, padding, dilation, groups)
        self.pool = (tuple(pool_size), tuple(pool_strides))
        self.rectified = rectified
        self.name = self.name if rectified else self.plain_name
        own = {"pool_size": self.pool[0], "pool_strides": self.pool[1], "rectified": rectified}
        self.settings = {**own, **{key: value for key, value in self.settings.items() if key != "relu"}}

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        check_bias(self, w, b)
        return (c.images, *windows.pooled_size(c, *self.pool), c.out_channels)

    def _lists(self, c):
        return windows.forward(c, self.pool)

    def _phases(self, c):
        return windows.backward_input(c)

    def _reads_in_place(self, site, c):
        return False

    def _image(self, c):
        """Return the lists with one block an image, for the sparse gradients; None where those cannot pay."""
        lists = windows.forward(c, self.pool, whole=True)
        pays = c.groups == 1 and lists.run >= SPARSE_RUN and lists.band_size * 4 <= SPARSE_BYTES
        return lists if pays else None

    def _visits(self, site, c):
        """Return the lists for visiting winners, or None for dense tiles: of the filters' and of dx's gradient."""
        image = self._image(c)
        wins = image is not None and VISIT * image.window > site.k.VECTOR
        near = image is not None and c.height * c.width * c.channels * site.dtype.itemsize <= NEAR_BYTES
        return (image, image) if wins or near else (None, None)

    def _by_tiles(self, c):
        """Tell whether forward goes by Winograd's tiles: a tile is exactly a 2x2 window."""
        return self.pool == ((2, 2), (2, 2)) and winograd.pays(c)

    def _filters_by_tiles(self, c):
        return False  # the gradient of a block is expanded just before it is used

    def _by_diagonals(self, site, c):
        return False

    def _sparse_chunks(self, c):
        """Return into how many chunks of images the filters' gradient is cut, by shape alone.

        A chunk's channels are shared out, and each share reads the chunk's images anew: more chunks are fewer shares.
        But each chunk has sums of its own, which must be no more to add than there are values to read.
        """
        sums = c.out_channels * (c.filter_rows + 1)
        return max(1, min(MOST_CHUNKS, c.images // CHUNK_IMAGES, c.images * c.height * c.width * c.channels // sums))

    # -- buffers ------------------------------------------------------------------------------------------
    def needs(self, site):
        c = self.sizes(site.x_shape, site.param_shapes[0])
        if self._by_tiles(c):
            packed, size = winograd.needs(site, c, pooled=True)
        else:
            lists = self._lists(c)
            packed, size = packed_shape(site, c), scratch_shape(site, lists, lists.pixels * site.k.BLOCK)
        return Needs(
            prepared={"packed": (packed, None)},
            saved={"which": (site.y_shape, np.uint8)} if self._told(site) else {},
            forward={"scratch": (size, None)},
            backward=self._backward_needs(site, c) if site.training else {},
        )

    def _filters_needs(self, site, c):
        image, _ = self._visits(site, c)
        if image is None:
            return super()._filters_needs(site, c)
        return {
            "scratch_filters": (winners_shape(site, image), None),
            "partial": ((self._sparse_chunks(c) * c.out_channels * (c.filter_rows + 1),), None),
        }

    def _input_needs(self, site, c):
        _, image = self._visits(site, c)
        if image is None:
            dconv = {"dconv": ((c.images, c.out_height, c.out_width, c.out_channels), None)}
            return {**super()._input_needs(site, c), **dconv}
        return {
            "scratch_input": (winners_shape(site, image), None),
            "transposed": ((c.out_channels * c.filter_rows,), None),
        }

    def _told(self, site):
        """Tell whether forward says of each window what the gradients ask: who won."""
        return site.training

    # -- calls --------------------------------------------------------------------------------------------
    def forward(self, site):
        w, b = site.params
        c = self.sizes(site.x_shape, w.shape)
        which = site.which.reshape(-1) if self._told(site) else None
        arrays = (site.x.reshape(-1), site.packed, b, site.y.reshape(-1), which, site.scratch)
        settings = {"relu": self.rectified, "threads": site.threads}
        if self._by_tiles(c):
            return [winograd.forward(site, c, arrays, pooled=True, mean=self.averages, **settings)]
        lists = self._lists(c)
        # the convolution's outputs lie in scratch memory, pixel behind pixel
        lists = lists._replace(out=np.arange(lists.pixels, dtype=np.intp) * site.k.BLOCK)
        return [getattr(site.k, self.forward_kernel)(*arrays, lists, c.groups, c.out_channels, **settings)]

    def backward(self, site):
        c = self.sizes(site.x_shape, site.params[0].shape)
        which = site.which.reshape(-1)
        filters, _ = self._visits(site, c)
        calls = self._visit_filters(site, c, filters) if filters else self._filters_backward(site, c, which)
        return calls + (self.input_backward(site, c) if site.dx is not None else [])

    def input_backward(self, site, c):
        _, image = self._visits(site, c)
        return self._dense_input(site, c) if image is None else self._visit_input(site, c, image)

    def _visit_filters(self, site, c, image, narrow=False):
        """Return the calls of the filters' gradient by visits; of inputs rounded to bfloat16 if these are `narrow`."""
        if not wants_filters(site):
            return []
        chunks = self._sparse_chunks(c)
        arrays = (site.x.reshape(-1), site.dy.reshape(-1), site.which.reshape(-1), site.partial, site.scratch_filters)
        kernel = site.k.bfloat16_sparse_backward_filters if narrow else site.k.sparse_backward_filters
        filters = kernel(*arrays, image, c.out_channels, chunks, threads=site.threads)
        return [filters, *sum_partials(site, c, chunks, 1, transposed=True)]

    def _visit_input(self, site, c, image):
        which, dx = site.which.reshape(-1), site.dx.reshape(-1)
        arrays = (site.dy.reshape(-1), which, site.transposed, dx, site.scratch_input)
        return [
            site.k.transpose_filters(as_matrix(site.params[0]), site.transposed, threads=site.threads),
            site.k.sparse_backward_input(*arrays, image, c.out_channels, threads=site.threads),
        ]

    def _dense_input(self, site, c):
        return [self.expand(site, c), *self._input_backward(site, c, site.dconv)]

    def expand(self, site, c):
        """Return the call that makes ``site.dconv``, the gradient of the convolution's own output."""
        arrays = (site.dy.reshape(-1), site.which.reshape(-1), site.dconv.reshape(-1))
        return site.k.max_pool2d_backward(*arrays, self._pool_sizes(c), c.images, threads=site.threads)

    def _pool_sizes(self, c):
        """Return the sizes of the pool behind a convolution, as kernels of pools want them."""
        pooled = windows.pooled_size(c, *self.pool)
        return (c.out_height, c.out_width, c.out_channels, *pooled, *self.pool[0], *self.pool[1], 0, 0)


class Conv2DAveragePool2D(Conv2DReluMaxPool2D):
    """conv2d, relu if `rectified`, and an average pool whose windows do not overlap, in one pass.

    A cell's gradient is a share of its window's, or nothing where relu is dead: one bit a cell says which. Where
    nobody wants the gradient of the images, that of the convolution's output is made block by block, just before the
    filters' gradient reads it; else it has an array, which both gradients read.
    """

    name = "conv2d_relu_average_pool2d"
    plain_name = "conv2d_average_pool2d"
    forward_kernel = "conv2d_average_pool_forward"
    averages = True

    def _told(self, site):
        return site.training and self.rectified

    def _visits(self, site, c):
        return None, None

    def _is_dense(self, site, c):
        """Tell whether the gradient of the convolution's output has an array."""
        return site.wants_dx or winograd.pays_for_filters(c)

    def _kernel(self, site, c, which):
        return getattr(site.k, f"conv2d_average_pool_{which}")

    def _backward_needs(self, site, c):
        if not self._is_dense(site, c):
            return self._filters_needs(site, c)
        dconv = {"dconv": ((c.images, c.out_height, c.out_width, c.out_channels), None)}
        return {**dconv, **CONVOLUTION._backward_needs(site, c)}

    def backward(self, site):
        c = self.sizes(site.x_shape, site.params[0].shape)
        if not self._is_dense(site, c):
            return self._filters_backward(site, c, site.which.reshape(-1) if self.rectified else None)
        inner = Site(**{**site.__dict__, "dy": site.dconv})
        calls = CONVOLUTION._filters_backward(inner, c, None)
        calls += CONVOLUTION.input_backward(inner, c) if site.dx is not None else []
        return [self.expand(site, c), *calls] if calls else []

    def expand(self, site, c):
        arrays, more = (site.dy.reshape(-1), site.dconv.reshape(-1)), (self._pool_sizes(c), c.images)
        if not self.rectified:
            return site.k.average_pool2d_backward(*arrays, *more, threads=site.threads)
        living = site.k.relu_average_pool2d_backward
        return living(arrays[0], site.which.reshape(-1), arrays[1], *more, threads=site.threads)


CONVOLUTION = Conv2D()  # knows what to do with sizes and arrays, whatever made them


class _OfSequences:
    """The same over images one cell wide."""

    sizes = Conv1D.sizes

    def __init__(self, pool_size, pool_strides, strides=(1,), padding="valid", dilation=(1,), groups=1, rectified=True):
        super().__init__(pool_size, pool_strides, strides, padding, dilation, groups, rectified)
        self.pool = tuple((*sizes, 1) for sizes in self.pool)

    def output_shape(self, x, w, b=None):
        n, length, _, filters = super().output_shape(x, w, b)
        return n, length, filters


class Conv1DReluMaxPool1D(_OfSequences, Conv2DReluMaxPool2D):
    """conv1d, relu and a max pool whose windows do not overlap."""

    name = "conv1d_relu_max_pool1d"
    plain_name = "conv1d_max_pool1d"


class Conv1DAveragePool1D(_OfSequences, Conv2DAveragePool2D):
    """conv1d, relu if `rectified`, and an average pool whose windows do not overlap."""

    name = "conv1d_relu_average_pool1d"
    plain_name = "conv1d_average_pool1d"


def winners_shape(site, image):
    """Return the shape of scratch memory for a band and the list of its winners: an offset and a gradient each."""
    return scratch_shape(site, image, 4 * image.pixels // image.window + 16)
