"""Activations, softmax, rescaling and dropout: shapes stay as they are."""

import math

import numpy as np

from fastconv.ops.op import Op, rows
from fastconv.runtime import seeds


class Relu(Op):
    """x above `threshold`, cut at `max_value` (None: not cut); below, negative_slope * (x - threshold)."""

    name = "relu"
    elementwise = True

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0):
        super().__init__(max_value=max_value, negative_slope=negative_slope, threshold=threshold)

    @property
    def is_plain(self):
        return self.max_value is None and self.negative_slope == 0 and self.threshold == 0

    def _numbers(self):
        return self.negative_slope, self.threshold, math.inf if self.max_value is None else self.max_value

    def forward(self, site):
        return [site.k.relu_forward(site.x.reshape(-1), site.y.reshape(-1), *self._numbers(), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        x, dy, dx = site.x.reshape(-1), site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.relu_backward(x, dy, dx, *self._numbers(), threads=site.threads)]


class Elementwise(Op):
    """A smooth activation by its name: sigmoid, tanh, elu (with `alpha`), selu, softplus, silu, gelu and more."""

    elementwise = True

    def __init__(self, function, alpha=1.0):
        super().__init__(function=function, alpha=alpha)
        self.name = function

    def forward(self, site):
        x, y = site.x.reshape(-1), site.y.reshape(-1)
        return [site.k.activation_forward(x, y, self.function, self.alpha, threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        x, dy, dx = site.x.reshape(-1), site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.activation_backward(x, dy, dx, self.function, self.alpha, threads=site.threads)]


class Softmax(Op):
    """Softmax over the last axis."""

    name = "softmax"
    reads = "y"

    def forward(self, site):
        shape = rows(site.x_shape)
        return [site.k.softmax_forward(site.x.reshape(shape), site.y.reshape(shape), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        shape = rows(site.x_shape)
        y, dy, dx = (a.reshape(shape) for a in (site.y, site.dy, site.dx))
        return [site.k.softmax_backward(y, dy, dx, threads=site.threads)]


class Rescale(Op):
    """x * scale + offset, each a number or one number for every place of the last axis."""

    name = "rescale"
    reads = ""

    @property
    def elementwise(self):
        """Whether there is one number for all places."""
        return np.size(self.scale) == np.size(self.offset) == 1

    def __init__(self, scale, offset=0.0):
        super().__init__(scale=scale, offset=offset)

    def _vectors(self, site):
        vectors = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, site.dtype)) for v in (self.scale, self.offset)))
        return map(np.ascontiguousarray, vectors)

    def forward(self, site):
        scale, offset = self._vectors(site)
        return [site.k.scale_shift(site.x.reshape(-1), scale, offset, site.y.reshape(-1), threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        scale, offset = self._vectors(site)
        dy, dx = site.dy.reshape(-1), site.dx.reshape(-1)
        return [site.k.scale_shift(dy, scale, np.zeros_like(offset), dx, threads=site.threads)]


class Dropout(Op):
    """Zero a share `rate` of the values and scale the others by 1 / (1 - rate); the site's seed decides which."""

    name = "dropout"
    reads = ""
    elementwise = True
    random = True

    def __init__(self, rate, draw=seeds.next_seed):
        super().__init__(rate=rate)
        self.draw = draw

    def forward(self, site):
        return [site.k.dropout(site.x.reshape(-1), site.y.reshape(-1), site.seed, self.rate, threads=site.threads)]

    def backward(self, site):
        if site.dx is None:
            return []
        return [site.k.dropout(site.dy.reshape(-1), site.dx.reshape(-1), site.seed, self.rate, threads=site.threads)]
