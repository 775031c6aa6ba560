"""conv1d, conv2d and dense: one contraction over sliding windows, and the contractions of its gradients."""

from math import prod

import numpy as np

from fastconv.ops import grouped, windows, winograd
from fastconv.ops.op import Needs, Op

FEW_PIXELS = 48  # below this a training step reads the filters in place: packing them would cost more
FEW_CHANNELS = (
    1.5  # input channels, in vectors, below which, unless they fill one, a data gradient is scattered (measured)
)
SCATTER_BYTES = 8 << 20  # a padded image up to this size is scattered into as a whole
NO_PADDING = ((0, 0), (0, 0))


class Conv2D(Op):
    """Slide filters w (kh, kw, c / groups, o) over images x (n, h, w, c), add b (o,) unless None, then relu."""

    name = "conv2d"

    def __init__(self, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False):
        super().__init__(strides=tuple(strides), padding=padding, dilation=tuple(dilation), groups=groups, relu=relu)
        set_relu(self, relu)

    # -- sizes and lists ----------------------------------------------------------------------------------
    def sizes(self, x, w):
        """Return the `windows.Conv` of an input and a filter shape; raise ValueError if they do not fit."""
        fits = len(x) == len(w) == 4 and x[3] == w[2] * self.groups and w[3] % self.groups == 0
        if not fits:
            raise ValueError(f"{self!r}: filters of shape {w} do not fit images of shape {x}.")
        return windows.conv_sizes(x, w, self.strides, self.padding, self.dilation, self.groups)

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        check_bias(self, w, b)
        return c.images, c.out_height, c.out_width, c.out_channels

    def flops(self, x, w, b=None):
        return self.sizes(x, w).flops

    def _lists(self, c):
        if _is_product(c):
            return windows.matrix(c.images * c.height * c.width, c.channels, c.out_channels)
        return windows.forward(c)

    def _phases(self, c):
        if _is_product(c):
            lists = windows.matrix(c.images * c.height * c.width, c.out_channels, c.channels)
            return [(lists, np.zeros(1, np.intp))]
        return windows.backward_input(c)

    def _chunks(self, site, c):
        pieces = c.groups * -(-(c.out_channels // c.groups) // site.k.BLOCK)
        return windows.chunks(self._lists(c), c.pixels, pieces)

    def _kernel(self, site, c, which):
        """Return one of the kernels by the end of its name."""
        return getattr(site.k, f"conv2d_{which}")

    def _by_tiles(self, c):
        """Tell whether forward goes by Winograd's tiles."""
        return winograd.pays(c)

    def _input_by_tiles(self, c):
        """Tell whether the data gradient goes by Winograd's tiles."""
        return winograd.pays(c.gradient)

    def _filters_by_tiles(self, c):
        """Tell whether the filter gradient goes by Winograd's tiles."""
        return winograd.pays_for_filters(c)

    def _by_diagonals(self, site, c):
        """Tell whether several groups share a vector, in all directions."""
        return grouped.pays(site.k, c)

    def _is_scattered(self, site, c):
        """Tell whether the data gradient is made pixel by pixel of the output, since an input pixel has few values."""
        few = c.channels < FEW_CHANNELS * site.k.VECTOR and c.channels % site.k.VECTOR
        return few and c.groups == 1 and not _is_product(c) and c.image_bytes <= SCATTER_BYTES

    def _scattered(self, site, c):
        return windows.scattered(c, site.k.BLOCK)

    def _reads_in_place(self, site, c):
        whole_blocks = c.out_channels % site.k.BLOCK == 0
        few = c.groups == 1 and c.pixels < FEW_PIXELS and not self._by_tiles(c)
        return site.training and whole_blocks and few

    # -- buffers ------------------------------------------------------------------------------------------
    def needs(self, site):
        c = self.sizes(site.x_shape, site.param_shapes[0])
        if self._by_tiles(c):
            packed, scratch = winograd.needs(site, c)
        else:
            packed, scratch = self._packed_shape(site, c, c), scratch_shape(site, self._lists(c))
        return Needs(
            prepared={} if self._reads_in_place(site, c) else {"packed": (packed, None)},
            forward={"scratch": (scratch, None)},
            backward=self._backward_needs(site, c) if site.training else {},
        )

    def _packed_shape(self, site, c, packed):
        """Return the shape of filters that are packed for the sizes `packed`: those of forward, or of a phase."""
        return (grouped.filters_shape if self._by_diagonals(site, c) else packed_shape)(site, packed)

    def _backward_needs(self, site, c):
        return {**self._filters_needs(site, c), **(self._input_needs(site, c) if site.wants_dx else {})}

    def _input_needs(self, site, c):
        if self._input_by_tiles(c):
            transposed, scratch = winograd.needs(site, c.gradient)
            return {"scratch_input": (scratch, None), "transposed": (transposed, None)}
        if self._is_scattered(site, c):
            lists = self._scattered(site, c)
            return {
                "scratch_input": (scratch_shape(site, lists, windows.SCATTERED * lists.padded_rows), None),
                "transposed": ((lists.planes, c.out_channels * lists.padded_rows), None),
            }
        phases = self._phases(c)
        widest = max((lists for lists, _ in phases), key=lambda lists: lists.band_size)
        packed = {
            f"transposed_{i}": (self._packed_shape(site, c, c.transposed(len(taps))), None)
            for i, (_, taps) in enumerate(phases)
        }
        return {"scratch_input": (scratch_shape(site, widest), None), **packed}

    def _filters_needs(self, site, c):
        if self._filters_by_tiles(c):
            return winograd.filters_backward_needs(site, c)
        lists, k = self._lists(c), site.k
        if self._by_diagonals(site, c):
            return grouped.filters_backward_needs(site, c, lists, scratch_shape(site, lists, k.TURNED_VALUES))
        lanes = -(-(c.out_channels // c.groups) // k.VECTOR) * k.VECTOR
        sums = 0 if self._at_once(site, c) else self._chunks(site, c) * c.groups * (c.filter_rows + 1) * lanes
        return {
            "partial": ((max(1, sums),), None),
            "scratch_filters": (scratch_shape(site, lists, lists.pixels * k.BLOCK), None),
        }

    def _at_once(self, site, c):
        """Tell whether the filters' gradient is that of a single chunk, so that its sums are the result."""
        whole = c.groups == 1 and c.out_channels % site.k.VECTOR == 0
        return whole and self._chunks(site, c) == 1

    # -- calls --------------------------------------------------------------------------------------------
    def prepare(self, site):
        w = site.params[0]
        c = self.sizes(site.x_shape, w.shape)
        if self._reads_in_place(site, c):
            return []
        if self._by_tiles(c):
            return [winograd.prepare(site, c, site.packed)]
        return [self._pack(site, c, site.packed, c.out_channels)]

    def _pack(self, site, c, packed, channels, taps=None):
        """Return the call that packs filters: by output channels, or transposed, those at `taps` by input channels."""
        w = as_matrix(site.params[0])
        if self._by_diagonals(site, c):
            return grouped.pack(site, c, w, packed, taps)
        return site.k.pack_filters(w, packed, c.groups, channels // c.groups, taps, threads=site.threads)

    def forward(self, site):
        w, b = site.params
        c = self.sizes(site.x_shape, w.shape)
        if self._by_tiles(c):
            arrays = (site.x.reshape(-1), site.packed, b, site.y.reshape(-1), None, site.scratch)
            return [winograd.forward(site, c, arrays, **self._behind(site))]
        in_place = self._reads_in_place(site, c)
        filters = w.reshape(-1) if in_place else site.packed
        w_stride = c.out_channels if in_place else 0
        lists = self._lists(c)
        arrays = (site.x.reshape(-1), filters, b, site.y.reshape(-1), site.scratch)
        return [self._slide(site, c, arrays, lists, c.out_channels, w_stride=w_stride, **self._behind(site))]

    def _slide(self, site, c, arrays, lists, channels, relu, threads, **settings):
        """Return the call that makes so many output channels of `arrays` (x, filters, bias, y, scratch memory)."""
        if self._by_diagonals(site, c):
            return grouped.forward(site, c, arrays, lists, relu)
        kernel = self._kernel(site, c, "forward")
        return kernel(*arrays, lists, c.groups, channels, relu=relu, threads=threads, **settings)

    def _behind(self, site):
        """Return what the kernels of forward do behind the sums."""
        return {"relu": self.relu, "threads": site.threads}

    def backward(self, site):
        c = self.sizes(site.x_shape, site.params[0].shape)
        calls = []
        if self.relu:
            dy = site.dy.reshape(-1)
            calls.append(site.k.relu_backward_from_output(site.y.reshape(-1), dy, dy, threads=site.threads))
        calls += self._filters_backward(site, c, None)
        return calls + (self.input_backward(site, c) if site.dx is not None else [])

    def input_backward(self, site, c):
        """Return the calls that compute dx from ``site.dy``."""
        return self._input_backward(site, c, site.dy)

    def _filters_backward(self, site, c, which):
        """Return the calls that compute dw and db, from pooled gradients if `which` says who won."""
        if not wants_filters(site):
            return []
        if which is None and self._filters_by_tiles(c):
            return winograd.filters_backward(site, c)
        if self._by_diagonals(site, c):
            return grouped.filters_backward(site, c, self._lists(c))
        chunks = self._chunks(site, c)
        arrays = (site.x.reshape(-1), site.dy.reshape(-1), which, site.partial, site.scratch_filters)
        settings = (self._lists(c), c.groups, c.out_channels, chunks)
        kernel = self._kernel(site, c, "backward_filters")
        if self._at_once(site, c):
            return [kernel(*arrays, *settings, *flat_gradients(site, c), True, threads=site.threads)]
        return [kernel(*arrays, *settings, threads=site.threads), *sum_partials(site, c, chunks, c.groups)]

    def _input_backward(self, site, c, dy):
        """Return the calls of the dense data gradient from `dy`, the gradient of the convolution's own output."""
        return self.turn_filters(site, c) + self.input_from(site, c, dy)

    def turn_filters(self, site, c):
        """Return the calls that digest the filters for the data gradient."""
        w = as_matrix(site.params[0])
        if self._input_by_tiles(c):
            return [winograd.prepare(site, c.gradient, site.transposed, transposed=True)]
        if self._is_scattered(site, c):
            every, planes = np.zeros(1, np.intp), w.reshape(len(site.transposed), -1, c.out_channels)
            return [
                site.k.pack_filters(plane, turned, 1, len(plane), every, threads=site.threads)
                for plane, turned in zip(planes, site.transposed, strict=True)
            ]
        return [
            self._pack(site, c, getattr(site, f"transposed_{i}"), c.channels, taps)
            for i, (_, taps) in enumerate(self._phases(c))
        ]

    def input_from(self, site, c, dy, b=None, relu=False):
        """Return the calls that make ``site.dx`` of `dy` and the turned filters, then add a bias, then relu."""
        dy, dx = dy.reshape(-1), site.dx.reshape(-1)
        settings = {"relu": relu, "threads": site.threads}
        if self._input_by_tiles(c):
            arrays = (dy, site.transposed, b, dx, None, site.scratch_input)
            return [winograd.forward(site, c.gradient, arrays, **settings)]
        if self._is_scattered(site, c):
            arrays = (dy, site.transposed.reshape(-1), dx, site.scratch_input)
            scattered = self._kernel(site, c, "backward_input_scattered")
            return [scattered(*arrays, self._scattered(site, c), threads=site.threads)]
        phases = [(getattr(site, f"transposed_{i}"), lists) for i, (lists, _) in enumerate(self._phases(c))]
        return [
            self._slide(site, c, (dy, filters, b, dx, site.scratch_input), lists, c.channels, **settings)
            for filters, lists in phases
        ]


class Conv1D(Conv2D):
    """Slide filters w (k, c / groups, o) over sequences x (n, length, c), add b (o,) unless None, then relu.

    It is a convolution of images one cell wide. Padding may also be "causal": all of it comes first, so that no output
    depends on a later input.
    """

    name = "conv1d"

    def __init__(self, strides=(1,), padding="valid", dilation=(1,), groups=1, relu=False):
        super().__init__(strides, padding, dilation, groups, relu)

    def sizes(self, x, w):
        if not (len(x) == len(w) == 3 and x[2] == w[1] * self.groups and w[2] % self.groups == 0):
            raise ValueError(f"{self!r}: filters of shape {w} do not fit sequences of shape {x}.")
        (stride,), (dilation,) = self.strides, self.dilation
        padding = (sequence_padding(self.padding, w[0], dilation), (0, 0))
        image, filters = (*x[:2], 1, x[2]), (w[0], 1, *w[1:])
        return windows.conv_sizes(image, filters, (stride, 1), padding, (dilation, 1), self.groups)

    def output_shape(self, x, w, b=None):
        c = self.sizes(x, w)
        check_bias(self, w, b)
        return c.images, c.out_height, c.out_channels


def sequence_padding(padding, kernel, dilation):
    """Return the padding of the one axis of sequences: a name that `geometry` knows, or a pair (before, after)."""
    if padding == "causal":
        return (kernel - 1) * dilation, 0
    return padding if isinstance(padding, str) else padding[0]


class Dense(Conv2D):
    """x (..., i) @ w (i, o), plus b (o,) unless None, then relu if asked: a convolution one pixel wide."""

    name = "dense"

    def __init__(self, relu=False):
        super().__init__(relu=relu)
        self.settings = {"relu": relu}

    def sizes(self, x, w):
        if len(w) != 2 or x[-1] != w[0]:
            raise ValueError(f"{self!r}: weights of shape {w} do not fit inputs of shape {x}.")
        count = prod(x[:-1])
        return windows.Conv(1, count, 1, w[0], count, 1, w[1], (1, 1), (1, 1), NO_PADDING, (1, 1), 1)

    def output_shape(self, x, w, b=None):
        self.sizes(x, w)
        check_bias(self, w, b)
        return (*x[:-1], w[1])


def _is_product(c):
    """Tell whether a convolution is a matrix product over all pixels of all images."""
    return isinstance(c, windows.Conv) and c.kernel == c.strides == (1, 1) and c.padding == NO_PADDING and c.groups == 1


def set_relu(op, relu):
    """Give an op a relu behind it, or none: its gradient reads the result again."""
    op.relu, op.keeps_dy = relu, not relu
    if relu:
        op.name = f"{type(op).name}_relu"
        op.reads = "xy"


def check_bias(op, w, b):
    """Raise ValueError unless the bias has a value for each output channel."""
    if b is not None and tuple(b) != (w[-1],):
        raise ValueError(f"{op!r}: a bias of shape {b} does not fit weights of shape {w}.")


# -- what the fused convolutions share --------------------------------------------------------------------
def as_matrix(w):
    """Return filters as a matrix [rows, output channels]."""
    return w.reshape(-1, w.shape[-1])


def packed_shape(site, c):
    """Return the shape of packed filters: whole blocks of output channels for each group."""
    block = site.k.BLOCK
    return (c.groups * -(-(c.out_channels // c.groups) // block) * c.filter_rows * block,)


def scratch_shape(site, lists, spare=0):
    """Return the shape of scratch memory for a padded band and `spare` values, a row a thread."""
    return (site.threads, max(16, -(-(lists.band_size + spare) // 16) * 16))


def wants_filters(site):
    """Tell whether anybody wants the gradients of filters or bias."""
    return any(gradient is not None for gradient in site.dparams)


def flat_gradients(site, c):
    """Return dw as a matrix, and db; None where nobody wants them."""
    dw, db = site.dparams
    return None if dw is None else dw.reshape(-1, c.out_channels), db


def sum_partials(site, c, chunks, groups, transposed=False):
    """Return the call that adds the chunks' sums to dw and db."""
    dw, db = flat_gradients(site, c)
    shape = (c.filter_rows, c.out_channels)
    return [site.k.sum_partials(site.partial, dw, db, shape, chunks, groups, transposed, threads=site.threads)]
