"""One call that makes a program repeatable."""

import operator
import random

import numpy as np

from fastconv.names import spelled
from fastconv.runtime import seeds


@spelled
def set_random_seed(seed):
    """Seed every source of random numbers: Python's ``random``, NumPy's global one and fastconv's own.

    The same program then starts from the same weights and shuffles alike, with any number of threads.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.

    Raises
    ------
    ValueError
        If `seed` is not a whole number or is out of range; nothing is seeded then.

    Examples
    --------
    >>> import random
    >>> from fastconv.utils import set_random_seed
    >>> set_random_seed(7)
    >>> first = random.random()
    >>> set_random_seed(7)
    >>> random.random() == first
    True
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise ValueError(f"set_random_seed: seed={seed!r} is not a whole number.") from None
    if not 0 <= number < 2**32:
        raise ValueError(f"set_random_seed: seed={number} is not between 0 and 2**32 - 1.")
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 (Keras seeds the legacy generator too)
    seeds.set_seed(number)
