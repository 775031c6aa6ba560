"""A function of the user as an op: forward as it is, backward if it can be traced."""

from functools import partial

import numpy as np

from fastconv.ops.op import Op


class Function(Op):
    """``function(x, *others)``; where a gradient has to pass, it is traced, which a function of NumPy's own refuses."""

    name = "function"
    reads = "x"

    def __init__(self, function, shape, owner):
        super().__init__(function=function, shape=tuple(shape), owner=owner)

    def output_shape(self, x, *others):
        return (x[0], *self.shape)

    def forward(self, site):
        return [partial(self._run, site)]

    def _run(self, site):
        y = np.asarray(self.function(*map(_protected, (site.x, *site.params))))
        if y.shape != site.y.shape:
            raise ValueError(f"{self.owner}: its function returned shape {y.shape}; expected {site.y.shape}.")
        site.y[...] = y

    def backward(self, site):
        if all(target is None for target in (site.dx, *site.dparams)):
            return []
        return [partial(self._run_backward, site, self._traced(site))]

    def _traced(self, site):
        from fastconv.ops.symbolic import Graph, KerasTensor

        try:
            inputs = [KerasTensor(shape, site.dtype.name) for shape in (site.x_shape, *site.param_shapes)]
            return Graph(self.function, inputs, self.owner)
        except Exception as error:
            raise NotImplementedError(
                f"{self.owner}: its function has no gradient, and there are weights before it to be trained. Write it "
                "with functions of fastconv.ops, put it before all layers that are trained (or freeze those), or write "
                f"a layer of your own. ({type(error).__name__}: {error})"
            ) from None

    @staticmethod
    def _run_backward(site, graph):
        tape, inputs, outputs = graph.run([site.x, *site.params])
        tape.backward(outputs, [site.dy])
        for value, target in zip(inputs, (site.dx, *site.dparams), strict=True):
            if target is not None:
                target[...] = tape.gradient_of(value)


def _protected(x):
    """Return a view of an array that nobody can write to."""
    x = x.view()
    x.flags.writeable = False
    return x
