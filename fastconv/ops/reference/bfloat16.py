"""Rounding to bfloat16."""

import numpy as np

PRECISION = 8  # binary digits
LEAST_EXPONENT = -125  # of the smallest normal number, which is 2**-126 = 0.5 * 2**-125


def round_bfloat16(x):
    """Return numbers rounded to 8 binary digits, to nearest, ties to even: what bfloat16 can hold.

    Parameters
    ----------
    x : ndarray of float32

    Returns
    -------
    ndarray of float32
        Infinite from 2**128 (1 - 2**-9) on; what is not a number stays so.

    Examples
    --------
    >>> import numpy as np
    >>> round_bfloat16(np.float32([1, 1.01, 256, 257, 259, 1 / 3])).tolist()
    [1.0, 1.0078125, 256.0, 256.0, 260.0, 0.333984375]
    """
    _, exponent = np.frexp(x)
    unit = np.ldexp(1.0, np.maximum(exponent, LEAST_EXPONENT) - PRECISION)
    with np.errstate(over="ignore", invalid="ignore"):
        return (np.rint(np.asarray(x, np.float64) / unit) * unit).astype(np.float32)
