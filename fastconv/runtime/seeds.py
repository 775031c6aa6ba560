"""The one source of randomness: every initial weight, shuffle and dropout mask descends from it.

Draws happen on the calling thread only (kernels derive their random numbers from a seed and an element's index), so
results never depend on the number of threads.
"""

import numbers

import numpy as np

_generator = None  # made when it is first asked for: numpy.random takes a while to import


def set_seed(seed):
    """Restart the global generator from `seed` (an int; None: from the operating system)."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator():
    """Return the global ``numpy.random.Generator``."""
    if _generator is None:
        set_seed(None)
    return _generator


def next_seed():
    """Draw a 63-bit seed from the global generator."""
    return int(generator().integers(0, 2**63 - 1))


def state():
    """Return where the global generator is, as plain numbers."""
    return generator().bit_generator.state


def set_state(state):
    """Put the global generator where `state` says that it was."""
    generator().bit_generator.state = state


class SeedGenerator:
    """A row of seeds: what draws with it gets other numbers at each call, the same ones in each program.

    Parameters
    ----------
    seed : int, optional
        Where the row begins; drawn by default.
    name : str, optional
        Its name.

    Raises
    ------
    ValueError
        If `seed` is not a whole number of at least 0.

    Examples
    --------
    >>> from fastconv.random import normal
    >>> row, again = SeedGenerator(7), SeedGenerator(7)
    >>> first, second = normal((2,), seed=row), normal((2,), seed=row)
    >>> bool((first == second).any()), bool((first == normal((2,), seed=again)).all())
    (False, True)
    """

    def __init__(self, seed=None, name=None, **kwargs):
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}.")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0):
            raise ValueError(f"SeedGenerator: seed={seed!r} is not a whole number of at least 0.")
        self._initial_seed = None if seed is None else int(seed)
        self.name = name or "seed_generator"
        self.state = np.array([next_seed() % 2**32 if seed is None else seed, 0], np.uint64)

    def next(self, ordered=True):
        """Return the next of its seeds: a copy of `state`, which then counts on.

        Parameters
        ----------
        ordered : bool
            Accepted for Keras's sake; they always come in order.

        Returns
        -------
        ndarray of two ints

        Examples
        --------
        >>> SeedGenerator(7).next()
        array([7, 0], dtype=uint64)
        """
        now = self.state.copy()
        self.state[1] += np.uint64(1)
        return now

    def get_config(self):
        """Return its settings.

        Examples
        --------
        >>> SeedGenerator(7).get_config()
        {'seed': 7, 'name': 'seed_generator'}
        """
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Make one from what `get_config` returned."""
        return cls(**config)
