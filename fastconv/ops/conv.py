"""conv2d and what shares its kernels: the fused conv2d + relu + max pool, and dense layers."""

from math import prod

import numpy as np

from fastconv.ops import windows
from fastconv.ops.op import Needs, Op

SPARSE_RUN = 48  # contiguous filter values from which visiting single winners beats dense tiles (measured)
SPARSE_BYTES = 1 << 20  # a padded image up to this size is scattered into as a whole


def _align(count):
    return -(-count // 16) * 16


class _Sliding(Op):
    """The parts of ops over filters [rows, out channels]: sizes of packed filters and of scratch memory."""

    relu = False

    def _packed(self, k, columns, rows, groups=1):
        """Return the shape of filters packed for `columns` outputs a group and `rows` filter rows."""
        return (groups * -(-columns // k.BLOCK) * rows * k.BLOCK,)

    def _scratch(self, site, windows_, spare=0):
        return (site.threads, _align(windows_.band_size + spare) or 16)

    def _partial(self, site, rows, outs, groups, chunks):
        vector = site.k.VECTOR
        return (chunks * groups * rows * -(-(outs // groups) // vector) * vector,)

    def _bias_partial(self, site):
        pixels, outs = site.y.size // site.y.shape[-1] if hasattr(site, "y") else 0, site.y_shape[-1]
        pixels = prod(site.y_shape[:-1])
        return (max(1, min(64, pixels // 256)), outs)

    def _bias_backward(self, site, which=None):
        if site.dparams[1] is None:
            return []
        dy = site.dy.reshape(-1, site.y_shape[-1])
        return [site.k.bias_backward(dy, which, site.bias_partial, site.dparams[1], threads=site.threads)]

    def _relu_backward(self, site):
        if not self.relu:
            return []
        flat = site.dy.reshape(-1)
        return [site.k.relu_backward_from_output(site.y.reshape(-1), flat, flat, threads=site.threads)]


class Conv2D(_Sliding):
    """Slide filters w (kh, kw, c / groups, o) over images x (n, h, w, c), add b (o,) unless None, then relu."""

    name = "conv2d"

    def __init__(self, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False):
        super().__init__(strides=tuple(strides), padding=padding, dilation=tuple(dilation), groups=groups, relu=relu)
        self.reads = "xy" if relu else "x"

    def sizes(self, x, w):
        return windows.conv_sizes(x, w, self.strides, self.padding, self.dilation, self.groups)

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        return c.images, c.out_height, c.out_width, c.out_channels

    def flops(self, x, w, b=None):
        return self.sizes(x, w).flops

    def _is_product(self, c):
        """Tell whether the convolution is a matrix product over all pixels of all images."""
        unit = c.kernel == c.strides == (1, 1) and c.padding == ((0, 0), (0, 0))
        return unit and c.groups == 1

    def _windows(self, c):
        if self._is_product(c):
            return windows.matrix(c.images * c.height * c.width, c.channels, c.out_channels)
        return windows.forward(c)

    def _phases(self, c):
        if self._is_product(c):
            lists = windows.matrix(c.images * c.height * c.width, c.out_channels, c.channels)
            return [(lists, np.zeros(1, np.intp))]
        return windows.backward_input(c)

    def _chunks(self, site, c):
        pieces = c.groups * -(-(c.out_channels // c.groups) // site.k.BLOCK)
        return windows.chunks(self._windows(c), c.images * c.out_height * c.out_width, pieces)

    def needs(self, site):
        c = self.sizes(site.x_shape, site.param_shapes[0])
        k, lists = site.k, self._windows(c)
        backward = {
            "partial": (
                self._partial(site, c.filter_rows, c.out_channels, c.groups, self._chunks(site, c)),
                None,
            ),
            "scratch_filters": (self._scratch(site, lists, lists.pixels * k.BLOCK), None),
            "bias_partial": (self._bias_partial(site), None),
        }
        if site.wants_dx:
            phases = self._phases(c)
            widest = max(phases, key=lambda phase: phase[0].band_size)[0]
            backward["scratch_input"] = (self._scratch(site, widest), None)
            for i, (_, taps) in enumerate(phases):
                rows = len(taps) * c.out_channels // c.groups
                backward[f"transposed_{i}"] = (self._packed(k, c.channels // c.groups, rows, c.groups), None)
        return Needs(
            prepared={"packed": (self._packed(k, c.out_channels // c.groups, c.filter_rows, c.groups), None)},
            forward={"scratch": (self._scratch(site, lists), None)},
            backward=backward if site.training else {},
        )

    def prepare(self, site):
        w = site.params[0]
        matrix = w.reshape(-1, w.shape[-1])
        return [site.k.pack_filters(matrix, site.packed, self.groups, w.shape[-1] // self.groups, threads=site.threads)]

    def forward(self, site):
        w, b = site.params
        c = self.sizes(site.x_shape, w.shape)
        lists = self._windows(c)
        return [
            site.k.conv2d_forward(
                site.x.reshape(-1), site.packed, b, site.y.reshape(-1), site.scratch, lists, self.groups,
                c.out_channels,
                (lists.out_block, lists.out_image), relu=self.relu, threads=site.threads,
            )
        ]  # fmt: skip

    def backward(self, site):
        calls = self._relu_backward(site) + self._filters_backward(site) + self._bias_backward(site)
        return calls + (self._input_backward(site) if site.dx is not None else [])

    def _filters_backward(self, site):
        if site.dparams[0] is None:
            return []
        w = site.params[0]
        c = self.sizes(site.x_shape, w.shape)
        lists, chunks = self._windows(c), self._chunks(site, c)
        return [
            site.k.conv2d_backward_filters(
                site.x.reshape(-1), site.dy.reshape(-1), None, site.partial, site.scratch_filters, lists, self.groups,
                c.out_channels, chunks, (lists.out_block, lists.out_image), threads=site.threads,
            ),
            site.k.sum_partials(
                site.partial, site.dparams[0].reshape(-1, c.out_channels), chunks, self.groups, threads=site.threads
            ),
        ]  # fmt: skip

    def _input_backward(self, site):
        return input_backward(self, site, site.dy)


def input_backward(op, site, dy):
    """Return the calls of the dense data gradient from `dy`, the gradient of the convolution's own output."""
    w = site.params[0]
    c = op.sizes(site.x_shape, w.shape)
    calls = []
    for i, (lists, taps) in enumerate(op._phases(c)):
        packed = getattr(site, f"transposed_{i}")
        calls += [
            site.k.pack_filters(
                w.reshape(-1, w.shape[-1]), packed, c.groups, c.channels // c.groups, taps, threads=site.threads
            ),
            site.k.conv2d_forward(
                dy.reshape(-1), packed, None, site.dx.reshape(-1), site.scratch_input, lists, c.groups, c.channels,
                (lists.out_block, lists.out_image), threads=site.threads,
            ),
        ]  # fmt: skip
    return calls


class Dense(_Sliding):
    """x (..., i) @ w (i, o), plus b (o,) if it is not None, then relu if asked."""

    name = "dense"
    FEW_ROWS = 48  # with fewer rows than this, a training step reads the weights in place: packing them costs more

    def __init__(self, relu=False):
        super().__init__(relu=relu)
        self.reads = "xy" if relu else "x"

    def output_shape(self, x, w, b=None):
        return (*x[:-1], w[1])

    def flops(self, x, w, b=None):
        return 2 * prod(x) * w[1]

    def _in_place(self, site):
        outs = site.param_shapes[0][1]
        return site.training and outs % site.k.BLOCK == 0 and prod(site.x_shape[:-1]) < self.FEW_ROWS

    def _chunks(self, site, lists):
        return windows.chunks(lists, lists.pixels * lists.counts[1], -(-site.param_shapes[0][1] // site.k.BLOCK))

    def needs(self, site):
        rows, (ins, outs), k = prod(site.x_shape[:-1]), site.param_shapes[0], site.k
        lists, back = windows.matrix(rows, ins, outs), windows.matrix(rows, outs, ins)
        backward = {
            "partial": (self._partial(site, ins, outs, 1, self._chunks(site, lists)), None),
            "scratch_filters": (self._scratch(site, lists, lists.pixels * k.BLOCK), None),
            "bias_partial": (self._bias_partial(site), None),
        }
        if site.wants_dx:
            backward["transposed"] = (self._packed(k, ins, outs), None)
            backward["scratch_input"] = (self._scratch(site, back), None)
        return Needs(
            prepared={} if self._in_place(site) else {"packed": (self._packed(k, outs, ins), None)},
            forward={"scratch": (self._scratch(site, lists), None)},
            backward=backward if site.training else {},
        )

    def prepare(self, site):
        if self._in_place(site):
            return []
        w = site.params[0]
        return [site.k.pack_filters(w, site.packed, 1, w.shape[1], threads=site.threads)]

    def forward(self, site):
        w, b = site.params
        lists = windows.matrix(prod(site.x_shape[:-1]), *w.shape)
        in_place = self._in_place(site)
        return [
            site.k.conv2d_forward(
                site.x.reshape(-1), w.reshape(-1) if in_place else site.packed, b, site.y.reshape(-1), site.scratch,
                lists,
                1, w.shape[1], (lists.out_block, lists.out_image), w_stride=w.shape[1] if in_place else 0,
                relu=self.relu, threads=site.threads,
            )
        ]  # fmt: skip

    def backward(self, site):
        w, rows = site.params[0], prod(site.x_shape[:-1])
        calls = self._relu_backward(site)
        if site.dparams[0] is not None:
            lists = windows.matrix(rows, *w.shape)
            chunks = self._chunks(site, lists)
            steps = (lists.out_block, lists.out_image)
            calls += [
                site.k.conv2d_backward_filters(
                    site.x.reshape(-1), site.dy.reshape(-1), None, site.partial, site.scratch_filters, lists, 1,
                    w.shape[1],
                    chunks, steps, threads=site.threads,
                ),
                site.k.sum_partials(site.partial, site.dparams[0], chunks, 1, threads=site.threads),
            ]  # fmt: skip
        calls += self._bias_backward(site)
        if site.dx is not None:
            lists = windows.matrix(rows, w.shape[1], w.shape[0])
            calls += [
                site.k.pack_filters(w, site.transposed, 1, w.shape[0], np.zeros(1, np.intp), threads=site.threads),
                site.k.conv2d_forward(
                    site.dy.reshape(-1), site.transposed, None, site.dx.reshape(-1), site.scratch_input, lists, 1,
                    w.shape[0],
                    (lists.out_block, lists.out_image), threads=site.threads,
                ),
            ]  # fmt: skip
        return calls


class Conv2DReluMaxPool2D(Conv2D):
    """conv2d, relu and a max pool whose windows do not overlap, in one pass; backward visits the winners only.

    Behind a window of k cells at most one of k gradients is not zero. One byte a pooled value says which cell won; a
    convolution output that no window reads is never computed.
    """

    name = "conv2d_relu_max_pool2d"
    reads = "x"

    def __init__(self, pool_size, pool_strides, **conv):
        super().__init__(**conv)
        self.settings = {**self.settings, "pool_size": pool_size, "pool_strides": pool_strides}
        self.pool = (tuple(pool_size), tuple(pool_strides))
        self.relu, self.reads = False, "x"

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        return (c.images, *windows.pooled_size(c, *self.pool), c.out_channels)

    def _windows(self, c):
        return windows.forward(c, self.pool)

    def _image(self, c):
        """Return the lists with one block an image, for the sparse gradients; None where those do not pay."""
        lists = windows.forward(c, self.pool, whole=True)
        if c.groups > 1 or lists.run < SPARSE_RUN or lists.band_size * 4 > SPARSE_BYTES:
            return None
        return lists

    def _spare(self, lists):
        """Room for the list of winners of a channel: an offset and a gradient each."""
        return 4 * lists.pixels // lists.window + 16

    def _sparse_chunks(self, c, lists):
        return windows.chunks(lists, c.images * c.out_height * c.out_width, c.out_channels)

    def needs(self, site):
        c = self.sizes(site.x_shape, site.param_shapes[0])
        k, lists, image = site.k, self._windows(c), self._image(c)
        which = {"which": (site.y_shape, np.uint8)}
        common = Needs(
            prepared={"packed": (self._packed(k, c.out_channels // c.groups, c.filter_rows, c.groups), None)},
            saved=which if site.training else {},
            forward={
                "scratch": (self._scratch(site, lists, lists.pixels * k.BLOCK), None),
                **({} if site.training else which),
            },
        )
        if not site.training:
            return common
        backward = {"bias_partial": (self._bias_partial(site), None)}
        if image is None:
            backward |= super().needs(site).backward
            if site.wants_dx:
                backward["dconv"] = ((c.images, c.out_height, c.out_width, c.out_channels), None)
        else:
            scratch = self._scratch(site, image, self._spare(image))
            chunks = self._sparse_chunks(c, image)
            backward["scratch_filters"] = (scratch, None)
            backward["partial"] = ((chunks * c.out_channels * c.filter_rows,), None)
            if site.wants_dx:
                backward["scratch_input"] = (scratch, None)
                backward["transposed"] = ((c.out_channels * c.filter_rows,), None)
        return common._replace(backward=backward)

    def _spread(self, site, lists):
        """Return lists whose blocks of convolution outputs lie in scratch memory, pixel behind pixel."""
        return lists._replace(out=np.arange(lists.pixels, dtype=np.intp) * site.k.BLOCK)

    def forward(self, site):
        w, b = site.params
        c = self.sizes(site.x_shape, w.shape)
        lists = self._spread(site, self._windows(c))
        return [
            site.k.conv2d_relu_max_pool_forward(
                site.x.reshape(-1), site.packed, b, site.y.reshape(-1), site.which.reshape(-1), site.scratch, lists,
                self.groups,
                c.out_channels, (lists.out_block, lists.out_image), threads=site.threads,
            )
        ]  # fmt: skip

    def backward(self, site):
        c = self.sizes(site.x_shape, site.params[0].shape)
        image = self._image(c)
        gradients = self._dense_gradients(site, c) if image is None else self._sparse_gradients(site, c, image)
        return gradients + self._bias_backward(site, site.which.reshape(-1))

    def _sparse_gradients(self, site, c, image):
        dy, which, w, calls = site.dy.reshape(-1), site.which.reshape(-1), site.params[0], []
        matrix = w.reshape(-1, c.out_channels)
        if site.dparams[0] is not None:
            chunks = self._sparse_chunks(c, image)
            dw = site.dparams[0].reshape(-1, c.out_channels)
            calls += [
                site.k.sparse_backward_filters(
                    site.x.reshape(-1), dy, which, site.partial, site.scratch_filters, image, c.out_channels, chunks,
                    threads=site.threads,
                ),
                site.k.sum_partials(site.partial, dw, chunks, 1, transposed=True, threads=site.threads),
            ]  # fmt: skip
        if site.dx is not None:
            calls += [
                site.k.transpose_filters(matrix, site.transposed, threads=site.threads),
                site.k.sparse_backward_input(
                    dy, which, site.transposed, site.dx.reshape(-1), site.scratch_input, image, c.out_channels,
                    threads=site.threads,
                ),
            ]  # fmt: skip
        return calls

    def _dense_gradients(self, site, c):
        """Few input channels: dense tiles, over gradients that are expanded a block at a time."""
        lists, chunks, calls = self._windows(c), self._chunks(site, c), []
        dy, which = site.dy.reshape(-1), site.which.reshape(-1)
        if site.dparams[0] is not None:
            calls += [
                site.k.conv2d_backward_filters(
                    site.x.reshape(-1), dy, which, site.partial, site.scratch_filters, lists, self.groups,
                    c.out_channels, chunks,
                    (lists.out_block, lists.out_image), threads=site.threads,
                ),
                site.k.sum_partials(
                    site.partial, site.dparams[0].reshape(-1, c.out_channels), chunks, self.groups, threads=site.threads
                ),
            ]  # fmt: skip
        if site.dx is not None:
            height, width = windows.pooled_size(c, *self.pool)
            sizes = (
                c.out_height,
                c.out_width,
                c.out_channels,
                height,
                width,
                *self.pool[0],
                *self.pool[1],
                0,
                0,
            )
            calls += [
                site.k.expand_winners_backward(
                    dy, which, site.dconv.reshape(-1), sizes, c.images, threads=site.threads
                ),
                *input_backward(self, site, site.dconv),
            ]
        return calls

    def _phases(self, c):
        return windows.backward_input(c)

    def _is_product(self, c):
        return False
