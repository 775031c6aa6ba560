"""One compiled pass over all weights of a step."""

import numpy as np

from fastconv import kernels
from fastconv.runtime import threads


class Sweep:
    """A kernel over lists of arrays, bound again only when the arrays change.

    Parameters
    ----------
    kernel : str
        Its name in `fastconv.kernels`: ``"sgd_update"``, ``"adam_update"``.
    scalars : int
        How many numbers it reads at each step.

    Examples
    --------
    >>> weight, gradient = np.ones(2, "float32"), np.ones(2, "float32")
    >>> Sweep("sgd_update", 3)([weight], [gradient], [], 0.5, 0.0, False)
    >>> weight
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, kernel, scalars):
        self.kernel = kernel
        self.hyper = np.zeros(scalars)
        self._key = None
        self._calls = self._arrays = ()

    def __getstate__(self):
        return {**self.__dict__, "_key": None, "_calls": (), "_arrays": ()}  # a copy binds itself to its own arrays

    def __call__(self, params, grads, slots, *scalars):
        """Change `params` (and `slots`) in place, by `grads`: lists that run in parallel, one entry a variable."""
        arrays = (*params, *grads, *(array for slot in slots for array in slot))
        key = (kernels.variant(), threads.get_num_threads(), *map(id, arrays))
        if key != self._key:
            self._bind(params, grads, slots)
            self._key, self._arrays = key, arrays  # held, so that their identities stay theirs
        self.hyper[:] = scalars
        for call in self._calls:
            call()

    def _bind(self, params, grads, slots):
        """Bind one kernel for each type of weights."""
        self._calls = []
        for dtype in {p.dtype for p in params}:
            chosen = [i for i, p in enumerate(params) if p.dtype == dtype]
            flat = [[_flat(arrays[i], dtype) for i in chosen] for arrays in (params, grads, *slots)]
            make = getattr(kernels.for_dtype(dtype), self.kernel)
            self._calls.append(make(flat[0], flat[1], flat[2:], self.hyper, threads=threads.get_num_threads()))


def _flat(array, dtype):
    return np.ascontiguousarray(array, dtype).reshape(-1)
