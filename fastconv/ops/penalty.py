"""Penalties that regularizers add to a loss: on weights, as plain calls, and on outputs, as an op."""

from functools import partial

import numpy as np

from fastconv.ops.op import Op


def penalty_calls(k, regularizer, x, dx, total, share=1.0, threads=1):
    """Return the calls that write ``share * regularizer(x)`` to total[0] and add its gradient to `dx`, unless None.

    A regularizer with the numbers l1 and l2 has a kernel; any other is asked for its values with NumPy.
    """
    if hasattr(regularizer, "l1") and hasattr(regularizer, "l2"):
        flat = None if dx is None else dx.reshape(-1)
        return [k.penalty(x.reshape(-1), flat, share * regularizer.l1, share * regularizer.l2, total, threads=threads)]
    return [partial(_ask, regularizer, x, dx, total, share)]


def _ask(regularizer, x, dx, total, share):
    total[0] = share * float(regularizer(x))
    if dx is not None:
        dx += share * np.asarray(regularizer.gradient(x), dx.dtype)


class ActivityPenalty(Op):
    """Values as they are, while ``site.penalty`` gets a regularizer's penalty on them, divided by the batch."""

    name = "activity_penalty"
    reads = "x"
    alias = True

    def __init__(self, regularizer):
        super().__init__(regularizer=regularizer)

    def _calls(self, site, dx):
        share = 1 / max(1, site.x_shape[0])
        return penalty_calls(site.k, self.regularizer, site.x, dx, site.penalty, share, site.threads)

    def forward(self, site):
        return self._calls(site, None)

    def backward(self, site):
        return [] if site.dx is None else self._calls(site, site.dx)
