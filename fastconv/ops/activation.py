"""Activations, softmax and rescaling."""

import math
from functools import partial
from math import prod

import numpy as np

from fastconv.ops.op import Needs, Op


class Relu(Op):
    """x above `threshold`, cut at `max_value` (None: not cut); below, negative_slope * (x - threshold)."""

    name = "relu"
    elementwise = True

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0):
        super().__init__(max_value=max_value, negative_slope=negative_slope, threshold=threshold)

    @property
    def is_plain(self):
        return self.max_value is None and self.negative_slope == 0 and self.threshold == 0

    @property
    def behind(self):
        """What kernels that know it behind their own work are told: a tuple of a name and numbers; None if none do."""
        if self.threshold != 0:
            return None
        if self.is_plain:
            return ("relu",)
        *_, maximum = self._numbers()
        return ("leaky_relu", self.negative_slope, maximum) if self.negative_slope else ("cut_relu", maximum)

    def _numbers(self):
        return self.negative_slope, self.threshold, math.inf if self.max_value is None else self.max_value

    def forward(self, site):
        return [site.k.relu_forward(site.x.reshape(-1), site.y.reshape(-1), *self._numbers(), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        x, dy, dx = site.x.reshape(-1), site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.relu_backward(x, dy, dx, *self._numbers(), threads=site.threads)]


# The settings of an activation, with Keras's defaults; `selu` has its two numbers for ever. The others have none.
SETTINGS = {
    "elu": {"alpha": 1.0},
    "celu": {"alpha": 1.0},
    "hard_shrink": {"threshold": 0.5},
    "soft_shrink": {"threshold": 0.5},
    "squareplus": {"b": 4},
    "threshold": {"threshold": 0.0, "default_value": 0.0},
}
_SELU = (1.6732632423543772, 1.0507009873554805)


class Elementwise(Op):
    """An activation by its name (`ACTIVATION_NAMES` of the kernels), with its `SETTINGS`."""

    elementwise = True

    def __init__(self, function, **settings):
        known = SETTINGS.get(function, {})
        if settings.keys() - known:
            raise TypeError(f"Elementwise: {function!r} has the settings {list(known)}; got {list(settings)}.")
        super().__init__(function=function, **{**known, **settings})
        self.name = function
        self.numbers = _SELU if function == "selu" else tuple(float(self.settings[key]) for key in known)

    @property
    def behind(self):
        """See `Relu.behind`: the row of the kernels' table."""
        return (self.function, *self.numbers)

    def forward(self, site):
        x, y = site.x.reshape(-1), site.y.reshape(-1)
        return [site.k.activation_forward(x, y, self.function, *self.numbers, threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        x, dy, dx = site.x.reshape(-1), site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.activation_backward(x, dy, dx, self.function, *self.numbers, threads=site.threads)]


class PRelu(Op):
    """x above zero, else alpha * x; alpha is a parameter with the shape of a sample, or 1 along shared axes."""

    name = "prelu"

    def needs(self, site):
        size = prod(site.x_shape[1:])
        return Needs(prepared={"spread": ((size,), None)}, backward={"dspread": ((size,), None)})

    def _matrix(self, site, array):
        return None if array is None else array.reshape(site.x_shape[0], prod(site.x_shape[1:]))

    def prepare(self, site):
        spread = site.spread.reshape(site.x_shape[1:])
        return [partial(np.copyto, spread, site.params[0])]

    def forward(self, site):
        x, y = self._matrix(site, site.x), self._matrix(site, site.y)
        return [site.k.prelu_forward(x, site.spread, y, threads=site.threads)]

    def backward(self, site):
        x, dy, dx = (self._matrix(site, array) for array in (site.x, site.dy, site.dx))
        calls = [site.k.prelu_backward(x, dy, site.spread, dx, site.dspread, threads=site.threads)]
        dalpha = site.dparams[0]
        if dalpha is not None:
            shape = site.x_shape[1:]
            shared = tuple(i for i, n in enumerate(dalpha.shape) if n != shape[i])
            calls.append(partial(np.sum, site.dspread.reshape(shape), axis=shared, keepdims=True, out=dalpha))
        return calls


class _Rows(Op):
    """Something done to each row, the values along the last axis."""

    def _call(self, kernel, site, *arrays):
        matrices = [a.reshape(-1, a.shape[-1]) if a.size else a.reshape(0, a.shape[-1]) for a in arrays]
        return [getattr(site.k, kernel)(*matrices, threads=site.threads)]

    def forward(self, site):
        return self._call(f"{self.name}_forward", site, site.x, site.y)

    def backward(self, site):
        if site.dx is None:
            return []
        return self._call(f"{self.name}_backward", site, getattr(site, self.reads), site.dy, site.dx)


class Softmax(_Rows):
    """Softmax over the last axis."""

    name = "softmax"
    reads = "y"


class LogSoftmax(_Rows):
    """The logarithm of softmax over the last axis."""

    name = "log_softmax"
    reads = "y"


class Sparsemax(_Rows):
    """The nearest probabilities, over the last axis."""

    name = "sparsemax"
    reads = "y"


class Glu(_Rows):
    """The first half of the last axis, times the sigmoid of the second."""

    name = "glu"

    def output_shape(self, x):
        return (*x[:-1], x[-1] // 2)


LINE = 512  # values, about, of the lines that kernels repeat along an array: many whole vectors, few of them cut


def line_of(value, x_shape, dtype):
    """Return a value that is broadcast over the samples of x as the line of values that repeats all along x."""
    line = np.atleast_1d(np.asarray(value, dtype))
    while line.ndim > 1 and line.shape[0] == 1:
        line = line[0]
    if line.size > 1:
        line = np.broadcast_to(line, x_shape[len(x_shape) - line.ndim :])
    return np.tile(line.reshape(-1), max(1, LINE // max(1, line.size)))


class Rescale(Op):
    """x * scale + offset, each a number, or numbers that are broadcast over a sample (one for every channel, say)."""

    name = "rescale"
    reads = ""

    @property
    def elementwise(self):
        """Whether there is one number for all places."""
        return np.size(self.scale) == np.size(self.offset) == 1

    def __init__(self, scale, offset=0.0):
        super().__init__(scale=scale, offset=offset)

    def _lines(self, site):
        lines = np.broadcast_arrays(*(np.asarray(v, site.dtype) for v in (self.scale, self.offset)))
        return [line_of(line, site.x_shape, site.dtype) for line in lines]

    def forward(self, site):
        scale, offset = self._lines(site)
        return [site.k.scale_shift(site.x.reshape(-1), scale, offset, site.y.reshape(-1), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        scale, offset = self._lines(site)
        dy, dx = site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.scale_shift(dy, scale, np.zeros_like(offset), dx, threads=site.threads)]


class Standardize(Op):
    """(x - mean) / deviation, or back, with the parameters mean and variance that are broadcast over a sample.

    `shape` is what the parameters are reshaped to for that; a deviation is the root of a variance, `least` at least.
    The parameters are constants here: their gradients are 0.
    """

    name = "standardize"
    reads = ""

    def __init__(self, shape, least, invert=False):
        super().__init__(shape=tuple(shape), least=least, invert=invert)

    def needs(self, site):
        line = line_of(np.zeros(self.shape), site.x_shape, site.dtype)
        return Needs(prepared=dict.fromkeys(("center", "deviation", "nothing"), (line.shape, None)))

    def prepare(self, site):
        return [partial(self._prepare, site)]

    def _prepare(self, site):
        mean, variance = (np.reshape(p, self.shape) for p in site.params)
        site.center[...] = line_of(mean, site.x_shape, site.dtype)
        site.deviation[...] = line_of(np.maximum(np.sqrt(variance), self.least), site.x_shape, site.dtype)
        site.nothing[...] = 0

    def _call(self, site, x, y, center):
        kernel = site.k.scale_shift if self.invert else site.k.standardize
        return kernel(x.reshape(-1), site.deviation, center, y.reshape(-1), threads=site.threads)

    def forward(self, site):
        return [self._call(site, site.x, site.y, site.center)]

    def backward(self, site):
        calls = [partial(d.fill, 0) for d in site.dparams if d is not None]
        return calls if site.dx is None else [*calls, self._call(site, site.dy, site.dx, site.nothing)]
