"""Arguments that are arrays: checked, and as floats."""

import numpy as np


class NotNumbersError(TypeError, ValueError):
    """Something is no array of numbers: a TypeError by Python's rules, a ValueError in Keras."""


def numeric(owner, argument, value):
    """Return an array of real numbers or booleans; raise ValueError naming owner and argument."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{owner}: {argument} is ragged: its parts have different shapes ({error}).") from None
    if array.dtype.kind not in "iufb":
        kind = f" (made of a {type(value).__name__})" if array.dtype.kind == "O" else ""
        raise NotNumbersError(
            f"{owner}: {argument} has dtype {array.dtype}{kind}; expected numbers (float, int or bool). "
            "Strings and objects must be turned into numbers first."
        )
    return array


def contiguous(array, dtype=None):
    """Return an array as kernels read it: in C's order and aligned to its type, of which it is if one is given.

    Examples
    --------
    >>> memory = np.zeros(9, np.uint8)
    >>> contiguous(memory[1:].view(np.float32)).flags.aligned
    True
    """
    return np.require(array, dtype, ("C", "A", "E"))


def as_floats(array, value):
    """Return `array` as floats: float64 only if `value`, from which it was made, was an array of that type."""
    typed = hasattr(value, "dtype") and array.dtype in (np.float32, np.float64)
    return array if typed else array.astype(np.float32)
