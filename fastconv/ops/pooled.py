"""What stands in front of a pool, and the pool, as one op: what is between them is never stored as a whole."""

import numpy as np

from fastconv.ops.activation import Elementwise
from fastconv.ops.normalization import BatchNorm, columns
from fastconv.ops.op import Needs, Site
from fastconv.ops.pool import AveragePool2D, MaxPool2D


class ActivationAveragePool2D(AveragePool2D):
    """An activation by its name and settings, and an average pool whose windows do not overlap."""

    name = "activation_average_pool2d"
    reads = "x"

    def __init__(self, function, pool_size, strides=None, padding="valid", **settings):
        super().__init__(pool_size, strides, padding)
        self.function, self.activation = function, Elementwise(function, **settings)
        self.name = f"{function}_average_pool2d"
        self.settings = {"function": function, **self.settings, **settings}

    def needs(self, site):
        _, _, width, channels = site.x_shape
        return Needs(forward={"scratch": ((site.threads, max(1, self.pool_size[0] * width * channels)), None)})

    def _call(self, site, kernel, *arrays):
        arrays = (a if a.ndim == 2 else a.reshape(-1) for a in arrays)
        settings = (*arrays, self.function, self._sizes(site), site.x_shape[0], *self.activation.numbers)
        return [getattr(site.k, kernel)(*settings, threads=site.threads)]

    def forward(self, site):
        return self._call(site, "activation_average_pool2d_forward", site.x, site.y, site.scratch)

    def backward(self, site):
        if site.dx is None:
            return []
        return self._call(site, "activation_average_pool2d_backward", site.x, site.dy, site.dx)


class BatchNormMaxPool2D(BatchNorm):
    """Batch normalization in training, `behind` it nothing or a relu, and a max pool.

    Forward saves of each window who won, and what stood there before it was normalized: of the cells that won nothing
    no statistic's gradient needs to know.
    """

    name = "batch_norm_max_pool2d"

    def __init__(self, pool_size, pool_strides, pool_padding="valid", momentum=0.99, epsilon=1e-3, behind=None):
        super().__init__(momentum, epsilon, behind)
        self.pool = MaxPool2D(pool_size, pool_strides, pool_padding)
        own = {f"pool_{key.removeprefix('pool_')}": value for key, value in self.pool.settings.items()}
        self.settings = {**own, **self.settings}

    def output_shape(self, x, *params):
        return self.pool.output_shape(super().output_shape(x, *params))

    def flops(self, x, *params):
        return super().flops(x, *params) + self.pool.flops(x)

    def _pooled(self, site):
        """Return the columns of the pooled values."""
        return columns(Site(k=site.k, x_shape=site.y_shape))

    def needs(self, site):
        needs = super().needs(site)
        if not site.training:
            return needs
        told = {"which": (site.y_shape, np.uint8), "won": (site.y_shape, None)}
        slopes = {"slopes": needs.backward["slopes"]}
        return needs._replace(
            saved={**needs.saved, **told}, backward={**self._backward_needs(self._pooled(site)), **slopes}
        )

    def _normalize(self, site, c):
        which, won = (site.which.reshape(-1), site.won.reshape(-1)) if site.training else (None, None)
        arrays = (site.x.reshape(-1), site.factors, site.y.reshape(-1), which, won)
        settings = (self.pool._sizes(site), site.x_shape[0], self.behind is not None)
        return site.k.normalize_max_pool2d_forward(*arrays, *settings, threads=site.threads)

    def _sums(self, site, c):
        arrays = (site.won.reshape(-1), site.dy.reshape(-1), site.factors, site.partial_sums, site.sums)
        return site.k.normalize_backward_sums(*arrays, self._pooled(site), self.behind, threads=site.threads)

    def _input_gradient(self, site, c):
        arrays = (site.x.reshape(-1), site.dy.reshape(-1), site.which.reshape(-1), site.factors, site.slopes)
        settings = (site.dx.reshape(-1), self.pool._sizes(site), site.x_shape[0])
        return site.k.normalize_max_pool2d_backward_input(*arrays, *settings, threads=site.threads)
