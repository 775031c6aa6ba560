"""One compiled pass over all weights of a step."""

import math

import numpy as np

from fastconv import kernels
from fastconv.runtime import threads

EACH_NORM, JOINT_NORM = 1, 2  # whose norm is limited; 0: nobody's


class Sweep:
    """A kernel of ``update.pxi`` over lists that run in parallel: one entry a variable.

    Parameters
    ----------
    kernel : str
        Its name in `fastconv.kernels`: ``"sgd_update"``, ``"adam_update"``.
    weights, gradients : list of ndarray
        What is changed, in place, and by what.
    slots : sequence of list of ndarray or None
        What is kept beside the weights; None for a slot that the rule does without.
    decays : list of bool, optional
        Which weights decay; all by default.
    norms : {0, EACH_NORM, JOINT_NORM}
        Which norms of gradients are limited.

    Raises
    ------
    ValueError
        If the norm of arrays of several types is asked for.

    Examples
    --------
    >>> weight, gradient = np.ones(2, "float32"), np.ones(2, "float32")
    >>> sweep = Sweep("sgd_update", [weight], [gradient])
    >>> sweep(0.5, 0.0, False)
    >>> weight
    array([0.5, 0.5], dtype=float32)
    >>> sweep(0.5, 0.0, False, scale=10.0, most=0.5)
    >>> weight
    array([0.25, 0.25], dtype=float32)
    """

    def __init__(self, kernel, weights, gradients, slots=(), decays=None, norms=0):
        self._settings = np.zeros(16)  # more than any kernel reads
        self._calls = []
        dtypes = sorted({weight.dtype for weight in weights})
        if norms == JOINT_NORM and len(dtypes) > 1:
            raise ValueError(f"global_clipnorm: the weights are of several types ({[d.name for d in dtypes]}).")
        for dtype in dtypes:
            chosen = [i for i, weight in enumerate(weights) if weight.dtype == dtype]

            def flat(arrays, chosen=chosen):
                return None if arrays is None else [arrays[i].reshape(-1) for i in chosen]

            k = kernels.for_dtype(dtype)
            update = getattr(k, kernel)(
                flat(weights),
                flat(gradients),
                [flat(slot) for slot in slots],
                self._settings,
                decays=None if decays is None else [decays[i] for i in chosen],
                norms=norms,
                threads=threads.get_num_threads(),
            )
            self._calls.append(k.Sequence([update]))

    def __call__(self, *own, scale=1.0, most=math.inf, norm=math.inf, decay=0.0):
        """Change the arrays.

        Parameters
        ----------
        *own : float
            What the kernel's rule reads.
        scale : float
            What gradients are multiplied by.
        most, norm : float
            The largest absolute value and the largest norm of the gradients then.
        decay : float
            Which share of the weights is lost.
        """
        self._settings[: 4 + len(own)] = (scale, most, norm, decay, *own)
        for call in self._calls:
            call()
