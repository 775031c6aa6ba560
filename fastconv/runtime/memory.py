"""Fresh memory where vectors like it.

NumPy's large arrays begin 16 bytes behind a cache line, so that every vector of 64 bytes would lie across two lines.
"""

from math import prod

import numpy as np

ALIGNMENT = 64  # a cache line, and the widest vector


def empty(shape, dtype):
    """Return an array of arbitrary values that begins at a multiple of ALIGNMENT.

    Examples
    --------
    >>> empty((3, 5), "float32").ctypes.data % ALIGNMENT
    0
    """
    dtype = np.dtype(dtype)
    size = prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def copy(array):
    """Return a copy that begins at a multiple of ALIGNMENT, in C order.

    Examples
    --------
    >>> copy(np.arange(3.0))
    array([0., 1., 2.])
    """
    fresh = empty(array.shape, array.dtype)
    fresh[...] = array
    return fresh
