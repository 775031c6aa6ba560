"""One block of memory for all buffers of a program: buffers that are never alive together share their place."""

from math import prod

import numpy as np

from fastconv.runtime.memory import empty
from fastconv.runtime.memory import place as next_place


class Buffer:
    """An array to be: its shape and type, and the first and last moment at which it holds something.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    birth, death : int
        Moments of the program, both included.
    array : ndarray
        Set by `place`.
    """

    def __init__(self, shape, dtype, birth, death):
        self.shape, self.dtype, self.birth, self.death = shape, dtype, birth, death
        self.offset, self.array = 0, None

    @property
    def nbytes(self):
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    def until(self, moment):
        """Keep the buffer alive up to a moment."""
        self.death = max(self.death, moment)


def arrange(buffers):
    """Give every buffer an offset; return the size of the block in bytes.

    The largest come first; each takes the lowest place that is free while it lives (greedy by size, after Pisarchyk and
    Lee, 2020).
    """
    placed, size = [], 0
    for number, buffer in enumerate(sorted(buffers, key=lambda b: -b.nbytes)):
        offset = next_place(0, buffer.nbytes, number)
        alive = (b for b in placed if b.birth <= buffer.death and buffer.birth <= b.death)
        for other in sorted(alive, key=lambda b: b.offset):
            if offset + buffer.nbytes <= other.offset:
                break
            offset = max(offset, next_place(other.offset + other.nbytes, buffer.nbytes, number))
        buffer.offset = offset
        placed.append(buffer)
        size = max(size, offset + buffer.nbytes)
    return size


def block(size):
    """Return fresh memory of `size` bytes."""
    return empty((size,), np.uint8)


def place(buffers, memory):
    """Make every buffer's array, a view of `memory`."""
    for buffer in buffers:
        raw = memory[buffer.offset : buffer.offset + buffer.nbytes]
        buffer.array = raw.view(buffer.dtype).reshape(buffer.shape)
