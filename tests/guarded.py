"""Guard bytes: an op run on arrays that lie inside larger ones, whose other bytes must be there afterwards."""

import numpy as np

from fastconv.ops.op import run

GUARD = 256  # bytes on either side: four of the widest vectors
PATTERN = 0xA5


class Guarded:
    """Arrays between guard bytes.

    Outputs begin as NaN (or the largest integers), so that a value that nobody writes shows too.
    """

    def __init__(self):
        self.memories, self.inputs = [], []

    def _inside(self, shape, dtype, shift):
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        start = GUARD + shift * dtype.itemsize
        memory = np.full(start + size + GUARD, PATTERN, np.uint8)
        self.memories.append((memory, start, start + size))
        return memory[start : start + size].view(dtype).reshape(shape)

    def empty(self, shape, dtype, shift=0):
        """Return an array between guards, `shift` elements from where vectors would like it to begin."""
        array = self._inside(shape, dtype, shift)
        array.fill(np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).max)
        return array

    def copy(self, values, dtype, shift=0):
        """Return a copy between guards of an array that nobody may write to, None for None."""
        if values is None:
            return None
        array = self._inside(np.shape(values), dtype, shift)
        array[...] = values
        self.inputs.append((array, array.copy()))
        return array

    def check(self, what):
        """Assert that all guards and all inputs are as they were."""
        for memory, start, end in self.memories:
            touched = np.flatnonzero(np.concatenate([memory[:start], memory[end:]]) != PATTERN)
            assert not touched.size, f"{what} wrote outside an array of {end - start} bytes"
        for array, before in self.inputs:
            assert array.tobytes() == before.tobytes(), f"{what} wrote to an input of shape {array.shape}"


def call(op, x, *params, dtype=np.float32, threads=None, shift=0):
    """Do what ``op(x, *params)`` does, each array between guards: return ``y, backprop``.

    Parameters
    ----------
    op : Op
    x, *params : ndarray or None
    dtype : dtype
        In which the kernels compute.
    threads : int, optional
    shift : int
        How many elements all arrays begin behind a cache line.
    """
    guard = Guarded()
    shapes = [None if p is None else p.shape for p in params]
    site = op.site(x.shape, shapes, dtype, thread_count=threads)
    site.x = guard.copy(x, dtype, shift)
    copied = [guard.copy(p, dtype, shift) for p in params]
    for place in op.state:  # forward may change these
        guard.inputs = [pair for pair in guard.inputs if pair[0] is not copied[place]]
    site.params, site.y = tuple(copied), guard.empty(site.y_shape, dtype, shift)
    for part in op.needs(site):
        for name, (shape, kind) in part.items():
            setattr(site, name, guard.empty(shape, kind or dtype))
    site.seed = np.array([op.draw() if op.random else 0], np.uint64)
    if op.alias:
        site.y[...] = site.x.reshape(site.y_shape)
    run(op.prepare(site) + op.forward(site))
    guard.check(f"forward of {op!r}")

    def backprop(dy):
        site.dy = guard.empty(site.y_shape, dtype, shift)  # backward may write to it
        site.dy[...] = dy
        site.dx = guard.empty(x.shape, dtype, shift)
        site.dparams = tuple(
            None if p is None or i in op.state else guard.empty(p.shape, dtype, shift) for i, p in enumerate(params)
        )
        if op.alias:
            site.dx[...] = site.dy.reshape(x.shape)
        run(op.backward(site))
        guard.check(f"backward of {op!r}")
        return (site.dx, *site.dparams)

    return site.y, backprop
