"""A function of the user as an op: forward only."""

from functools import partial

import numpy as np

from fastconv.ops.op import Op


class Function(Op):
    """``function(x)``, a NumPy function whose gradient nobody knows: refused where one has to pass."""

    name = "function"
    reads = ""

    def __init__(self, function, shape, owner):
        super().__init__(function=function, shape=tuple(shape), owner=owner)

    def output_shape(self, x):
        return (x[0], *self.shape)

    def forward(self, site):
        return [partial(self._run, site)]

    def _run(self, site):
        x = site.x.view()
        x.flags.writeable = False
        y = np.asarray(self.function(x))
        if y.shape != site.y.shape:
            raise ValueError(f"{self.owner}: its function returned shape {y.shape}; expected {site.y.shape}.")
        site.y[...] = y

    def backward(self, site):
        if site.dx is None:
            return []
        raise NotImplementedError(
            f"{self.owner}: its function has no gradient, and there are weights before it to be trained. Put it before "
            "all layers that are trained (or freeze those), or write a layer that lowers to ops."
        )
