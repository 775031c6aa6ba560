"""What an op is: settings, the shape of its result, the buffers it needs, and the kernel calls of both directions."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from fastconv import kernels
from fastconv.ops.arrays import contiguous
from fastconv.runtime import memory, threads


class Needs(NamedTuple):
    """The buffers of an op beside its inputs and its output: name -> (shape, dtype; None is the op's own dtype)."""

    prepared: dict = {}  # made from the parameters alone, kept until these change
    saved: dict = {}  # written by forward, read by backward
    forward: dict = {}  # scratch memory of forward
    backward: dict = {}  # scratch memory of backward


class Site(SimpleNamespace):
    """Where an op runs: its arrays, and the kernels and number of threads it may use.

    Attributes
    ----------
    k : module
        The kernels for the arrays' dtype.
    threads : int
    training : bool
        Whether a backward pass will follow.
    x, y, dy, dx : ndarray
        Input, output and their gradients (``dx`` is None where nobody needs it; ``dy`` may be overwritten by backward).
    params, dparams : tuple of ndarray or None
    seed : ndarray of uint64, shape (1,)
        For random ops: the caller sets it to ``op.draw()`` before each forward pass.
    penalty : ndarray of float64, shape (1,)
        What the op adds to the loss: set by forward of an `ActivityPenalty`, else 0.

    The buffers of `Needs` are further attributes under their own names.
    """


class Op:
    """Settings of one primitive operation; the same object may serve any number of sites.

    A subclass says ``output_shape``, ``needs``, ``forward`` and ``backward``. Calling an op on arrays runs it by
    itself: ``y, backprop = op(x, *params)``, and ``backprop(dy)`` returns the gradients of x and of every parameter.
    """

    name = "op"
    reads = "x"  # what backward reads again: any of "x", "y"
    rereads = True  # whether backward reads the parameters again
    late = ()  # places of the parameters that `prepare` does not read
    keeps_dy = False  # whether backward is known to leave dy as it is
    alias = False  # the output is the input's memory under another shape
    elementwise = False  # order and number of cells do not matter
    random = False  # has `draw()`, which gives the seed of the next forward pass
    differentiable = True  # whether a gradient passes
    tried = (2, 3)  # batches that are tried to find out which axes change with them
    state = ()  # places of the parameters that forward changes; they have no gradient

    def __init__(self, **settings):
        self.settings = settings
        for key, value in settings.items():
            setattr(self, key, value)

    def __repr__(self):
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.settings.items())})"

    def output_shape(self, x, *params):
        """Return the shape of the result for the shapes of the input and the parameters, batch first."""
        return x

    def needs(self, site):
        """Return the `Needs` at a site, of which shapes are known but arrays are not there yet."""
        return Needs()

    def prepare(self, site):
        """Return the kernel calls that digest the parameters."""
        return []

    def forward(self, site):
        """Return the kernel calls that compute ``site.y``."""
        raise NotImplementedError

    def backward(self, site):
        """Return the kernel calls that compute ``site.dx`` (if not None) and ``site.dparams`` from ``site.dy``."""
        raise NotImplementedError

    def passes(self, site):
        """Return the places (0: x, 1: the first parameter, ...) whose gradients are dy, as backward leaves it.

        A plan may give them dy's own memory; elsewhere backward makes copies.
        """
        return ()

    def flops(self, x, *params):
        """Return the number of additions and multiplications of forward."""
        return int(np.prod(self.output_shape(x, *params)))

    def __call__(self, x, *params):
        x, *params = (None if a is None else contiguous(a) for a in (x, *params))
        site = self.site(x.shape, [None if p is None else p.shape for p in params], x.dtype)
        arrays = allocate(self.needs(site), x.dtype)
        site.__dict__.update(arrays, x=x, params=tuple(params), y=memory.empty(site.y_shape, x.dtype))
        site.seed = np.array([self.draw() if self.random else 0], np.uint64)
        if self.alias:
            site.y[...] = x.reshape(site.y_shape)
        run(self.prepare(site) + self.forward(site))

        def backprop(dy):
            site.dy = memory.copy(np.asarray(dy, x.dtype).reshape(site.y_shape))  # backward may write to it
            site.dx = memory.empty(x.shape, x.dtype)
            site.dparams = tuple(
                None if p is None or i in self.state else np.empty_like(p) for i, p in enumerate(params)
            )
            if self.alias:
                site.dx[...] = site.dy.reshape(x.shape)
            run(self.backward(site))
            return (site.dx, *site.dparams)

        return site.y, backprop

    def site(self, x_shape, param_shapes, dtype, training=True, wants_dx=True, thread_count=None):
        """Return a site that knows its shapes only."""
        return Site(
            k=kernels.for_dtype(dtype),
            dtype=np.dtype(dtype),
            threads=thread_count or threads.get_num_threads(),
            training=training,
            wants_dx=wants_dx,
            x_shape=tuple(x_shape),
            param_shapes=tuple(param_shapes),
            y_shape=tuple(self.output_shape(x_shape, *param_shapes)),
            penalty=np.zeros(1),
        )


def run(calls):
    """Make kernel calls, in order."""
    for call in calls:
        call()


def allocate(needs, dtype):
    """Return fresh arrays for all buffers of `needs`."""
    return {name: memory.empty(shape, kind or dtype) for part in needs for name, (shape, kind) in part.items()}
