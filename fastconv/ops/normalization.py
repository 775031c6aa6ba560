"""Normalization over channels, the last axis: batch, group, and by given means and variances; moments alone."""

import math
from typing import NamedTuple

from fastconv.ops.op import Needs, Op

CHUNK_VALUES = 16384  # values that a chunk of lines has at least, and
CHUNK_LINES = 32  # lines that it has at least
MOST_CHUNKS = 64  # of all segments together, for any number of threads
FACTORS = 4  # mean, scale, offset, 1 / deviation


class Columns(NamedTuple):
    """How the kernels see an array: segments of rows of channels, `fold` rows a line of whole vectors."""

    segments: int
    rows: int
    channels: int
    fold: int
    chunks: int

    @property
    def width(self):
        """Values of a line."""
        return self.fold * self.channels


def columns(site, segments=1):
    """Return the `Columns` of a site's input, cut by shape alone."""
    *others, channels = site.x_shape
    count = math.prod(others) // max(1, segments)
    fold = site.k.VECTOR // math.gcd(site.k.VECTOR, channels)
    most = MOST_CHUNKS // max(1, segments)
    chunks = min(most, count // fold // CHUNK_LINES, count * channels // CHUNK_VALUES)
    return Columns(segments, count, channels, fold, max(1, chunks))


class _OverChannels(Op):
    """What the ops here share: their columns, and the calls of both directions from given factors."""

    behind = None
    keeps_dy = True

    def output_shape(self, x, *params):
        """Return x's shape; raise ValueError unless each parameter has a value for each channel."""
        for p in params:
            if p is not None and tuple(p) != (x[-1],):
                raise ValueError(f"{self!r}: parameters of shape {p} do not fit inputs of shape {x}.")
        return tuple(x)

    def flops(self, x, *params):
        return 3 * int(math.prod(x))

    def _columns(self, site):
        return columns(site)

    def _set_behind(self, behind):
        if behind:
            self.name = f"{type(self).name}_{behind[0]}"

    def _normalize(self, site, c):
        x, y = site.x.reshape(-1), site.y.reshape(-1)
        return site.k.normalize_forward(x, site.factors, y, c, self.behind, threads=site.threads)

    def _backward_needs(self, c):
        return {
            "partial_sums": ((c.segments * c.chunks * 2 * c.width,), None),
            "sums": ((c.segments, 2, c.channels), None),
            "slopes": ((c.segments, 2, c.width), None),
        }

    def _sums(self, site, c):
        x, dy = site.x.reshape(-1), site.dy.reshape(-1)
        arrays = (x, dy, site.factors, site.partial_sums, site.sums)
        return site.k.normalize_backward_sums(*arrays, c, self.behind, threads=site.threads)

    def _input_gradient(self, site, c):
        x, dy, dx = site.x.reshape(-1), site.dy.reshape(-1), site.dx.reshape(-1)
        arrays = (x, dy, site.factors, site.slopes, dx)
        return site.k.normalize_backward_input(*arrays, c, self.behind, threads=site.threads)


class Normalize(_OverChannels):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta; gamma and beta may be None.

    `behind` it an activation, as its op tells it: ("relu",), say (see `Relu.behind`).
    """

    name = "normalize"

    def __init__(self, epsilon=1e-3, behind=None):
        super().__init__(epsilon=epsilon, behind=behind)
        self._set_behind(behind)

    def needs(self, site):
        c = self._columns(site)
        return Needs(
            prepared={"factors": ((1, FACTORS, c.width), None)},
            backward=self._backward_needs(c) if site.training else {},
        )

    def prepare(self, site):
        gamma, beta, mean, variance = site.params
        statistics = (mean.reshape(1, -1), variance.reshape(1, -1))
        return [site.k.norm_factors(*statistics, gamma, beta, site.factors, mean.size, self.epsilon)]

    def forward(self, site):
        return [self._normalize(site, self._columns(site))]

    def backward(self, site):
        c = self._columns(site)
        dgamma, dbeta, dmean, dvariance = site.dparams
        calls = []
        if any(d is not None for d in site.dparams):
            calls = [
                self._sums(site, c),
                site.k.norm_slopes(site.sums, site.factors, site.slopes, dgamma, dbeta, c.channels, max(1, c.rows)),
                lambda: self._statistics_gradients(site, c, dmean, dvariance),
            ]
        if site.dx is not None:
            calls += [lambda: site.slopes.fill(0), self._input_gradient(site, c)]
        return calls

    @staticmethod
    def _statistics_gradients(site, c, dmean, dvariance):
        """Dmean = -scale * sum of g; dvariance = -scale / 2 / deviation^2 * sum of g * (x - mean)."""
        for d, slope, factor in ((dmean, 0, -c.rows), (dvariance, 1, -c.rows / 2)):
            if d is not None:
                d[...] = site.slopes[0, slope, : c.channels] * factor


class _ByOwnStatistics(_OverChannels):
    """Normalization by the means and variances of the inputs themselves."""

    def _groups(self, c):
        """Return into how many groups of one mean and variance the channels of a segment fall."""
        return c.channels

    def needs(self, site):
        c = self._columns(site)
        statistics = ((c.segments, c.channels), None)
        partial = ((c.segments * c.chunks * 2 * c.width,), None)
        return Needs(
            saved={"factors": ((c.segments, FACTORS, c.width), None)},
            forward={"mean": statistics, "variance": statistics, "partial": partial},
            backward=self._backward_needs(c) if site.training else {},
        )

    def forward(self, site):
        c = self._columns(site)
        gamma, beta = site.params[:2]
        factors = (site.mean, site.variance, gamma, beta, site.factors, self._groups(c), self.epsilon)
        calls = [
            site.k.moments(site.x.reshape(-1), site.partial, site.mean, site.variance, c, threads=site.threads),
            site.k.norm_factors(*factors, threads=site.threads),
            self._normalize(site, c),
        ]
        if c.segments > 1:
            return [site.k.segment_by_segment(*calls)]
        return [*calls[:2], *self._averages(site, c), calls[2]]

    def _averages(self, site, c):
        """Return the calls that follow the statistics over time."""
        return []

    def backward(self, site):
        c = self._columns(site)
        dgamma, dbeta = site.dparams[:2]
        if site.dx is None and dgamma is None and dbeta is None:
            return []
        slopes = None if site.dx is None else site.slopes
        arrays = (site.sums, site.factors, slopes, dgamma, dbeta)
        calls = [
            self._sums(site, c),
            site.k.norm_slopes(*arrays, self._groups(c), max(1, c.rows), threads=site.threads),
        ]
        if site.dx is None:
            return calls
        calls.append(self._input_gradient(site, c))
        return [site.k.segment_by_segment(*calls)] if c.segments > 1 else calls


class BatchNorm(_ByOwnStatistics):
    """Every channel by its mean and variance over the batch, then * gamma + beta, `behind` it an activation.

    Parameters: gamma, beta (both may be None), and the moving mean and variance, which forward changes:
    average * momentum + value * (1 - momentum), the batch's variance being divided by its count. An empty batch
    changes nothing.
    """

    name = "batch_norm"
    state = (2, 3)

    def __init__(self, momentum=0.99, epsilon=1e-3, behind=None):
        super().__init__(momentum=momentum, epsilon=epsilon, behind=behind)
        self._set_behind(behind)

    def flops(self, x, *params):
        return 7 * int(math.prod(x))

    def _averages(self, site, c):
        pairs = [(site.mean, site.params[2]), (site.variance, site.params[3])] if c.rows else []
        return [site.k.moving_average(value[0], average, self.momentum) for value, average in pairs]


class GroupNorm(_ByOwnStatistics):
    """Every sample's groups of channels by their mean and variance, then * gamma + beta (o,), both may be None."""

    name = "group_norm"

    def __init__(self, groups, epsilon=1e-3):
        super().__init__(groups=groups, epsilon=epsilon)

    def output_shape(self, x, *params):
        if x[-1] % self.groups:
            raise ValueError(f"{self!r}: inputs of shape {x} have {x[-1]} channels, not divisible by the groups.")
        return super().output_shape(x, *params)

    def flops(self, x, *params):
        return 7 * int(math.prod(x))

    def _columns(self, site):
        return columns(site, site.x_shape[0])

    def _groups(self, c):
        return self.groups


class Moments(Op):
    """The mean and the variance (divided by the count) of every channel: y (2, channels)."""

    name = "moments"

    def output_shape(self, x):
        return (2, x[-1])

    def flops(self, x):
        return 4 * int(math.prod(x))

    def needs(self, site):
        c = columns(site)
        return Needs(
            forward={"partial": ((c.segments * c.chunks * 2 * c.width,), None)},
            backward={"factors": ((1, FACTORS, c.width), None)},
        )

    def forward(self, site):
        mean, variance = site.y[:1], site.y[1:]
        return [site.k.moments(site.x.reshape(-1), site.partial, mean, variance, columns(site), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        c = columns(site)
        x, dx = site.x.reshape(-1), site.dx.reshape(-1)
        return [
            lambda: self._factors(site, c),
            site.k.normalize_forward(x, site.factors, dx, c, threads=site.threads),
        ]

    @staticmethod
    def _factors(site, c):
        """Dx = (x - mean) * dvariance * 2 / count + dmean / count."""
        count = max(1, c.rows)
        for place, values in enumerate((site.y[0], site.dy[1] * (2 / count), site.dy[0] / count)):
            site.factors[0, place].reshape(c.fold, c.channels)[...] = values


class _OverRows(Op):
    """What ops over the last axes share: every row of them by numbers of its own."""

    axes = 1
    centred = True
    epsilon = 1e-3

    def flops(self, x, *params):
        return 8 * int(math.prod(x))

    def _shape(self, site):
        """Return (rows, values a row, chunks), cut by shape alone."""
        size = math.prod(site.x_shape[len(site.x_shape) - self.axes :])
        count = math.prod(site.x_shape) // size
        return count, size, max(1, min(MOST_CHUNKS, count, count * size // CHUNK_VALUES))

    def needs(self, site):
        count, size, chunks = self._shape(site)
        vector = site.k.VECTOR
        partial = {"partial": ((chunks * 2 * -(-size // vector) * vector,), None)}
        return Needs(saved={"statistics": ((count, 2), None)}, backward=partial if site.training else {})

    def forward(self, site):
        vectors = [None if p is None else p.reshape(-1) for p in site.params] or [None, None]
        arrays = (site.x.reshape(-1), *vectors, site.statistics, site.y.reshape(-1))
        return [site.k.rows_forward(*arrays, self._shape(site), self.centred, self.epsilon, threads=site.threads)]

    def backward(self, site):
        gamma = site.params[0].reshape(-1) if site.params and site.params[0] is not None else None
        wanted = [None if d is None else d.reshape(-1) for d in (site.dx, *(site.dparams or (None, None)))]
        if all(d is None for d in wanted):
            return []
        arrays = (site.x.reshape(-1), site.dy.reshape(-1), gamma, site.statistics, site.partial, *wanted)
        return [site.k.rows_backward(*arrays, self._shape(site), self.centred, threads=site.threads)]


class LayerNorm(_OverRows):
    """Every row of the last `axes` axes by its mean and variance, then * gamma + beta; both may be None."""

    name = "layer_norm"

    def __init__(self, axes=1, epsilon=1e-3):
        super().__init__(axes=axes, epsilon=epsilon)

    def output_shape(self, x, *params):
        """Return x's shape; raise ValueError unless the parameters have the shape of a row."""
        row = tuple(x[len(x) - self.axes :])
        for p in params:
            if p is not None and tuple(p) != row:
                raise ValueError(f"{self!r}: parameters of shape {p} do not fit inputs of shape {x}.")
        return tuple(x)


class UnitNorm(_OverRows):
    """Every row of the last `axes` axes divided by its length, or by `epsilon` if that is larger."""

    name = "unit_norm"
    centred = False

    def __init__(self, axes=1, epsilon=1e-12):
        super().__init__(axes=axes, epsilon=epsilon)
