"""The one source of randomness: every initial weight, shuffle and dropout mask descends from it.

Draws happen on the calling thread only (kernels derive their random numbers from a seed and an element's index), so
results never depend on the number of threads.
"""

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
