"""Layers that act in training only."""

import numpy as np

from fastconv.layers.layer import Layer, count, number
from fastconv.ops import primitives as P
from fastconv.runtime import seeds


class Dropout(Layer):
    """Zero a random share of the inputs while training, and scale the others up so that the expected sum stays.

    Parameters
    ----------
    rate : float
        The share, from 0 to 1.
    noise_shape : None
        Not supported yet.
    seed : int, optional
        Makes the layer's draws its own; by default they come from ``utils.set_random_seed``.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the rate is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Dropout
    >>> Dropout(0.5)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        owner = f"Layer {self.name!r} (Dropout)"
        self.rate = number(owner, "rate", rate, 1)
        self.refuse(noise_shape=noise_shape)
        self.seed = None if seed is None else count(owner, "seed", seed, 0)
        self._own = None if seed is None else np.random.default_rng(self.seed)

    def _draw(self):
        return seeds.next_seed() if self._own is None else int(self._own.integers(0, 2**63 - 1))

    def lower(self, trace, x):
        """Add the op, in training; see `Layer.lower`."""
        if not trace.training or self.rate == 0:
            return x
        return trace.add(P.Dropout(self.rate, self._draw), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": None}
