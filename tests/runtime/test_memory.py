"""Arrays begin where vectors like it, whatever their shape and type."""

import numpy as np
import pytest

from fastconv.runtime import memory


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (5, 7), (1 << 18, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", ">f4"])
def test_empty(shape, dtype):
    a = memory.empty(shape, dtype)
    assert (a.shape, a.dtype) == (shape, np.dtype(dtype))
    assert a.size == 0 or a.ctypes.data % memory.ALIGNMENT == 0
    assert a.flags.c_contiguous
    assert a.flags.writeable


def test_copy(rng):
    a = rng.random((5, 4, 3))[:, ::-1].T
    b = memory.copy(a)
    np.testing.assert_array_equal(a, b)
    assert b.flags.c_contiguous
    assert b.ctypes.data % memory.ALIGNMENT == 0
    b[...] = 0
    assert a.any()


def test_large_arrays_begin_at_different_places_of_a_page():
    arrays = [memory.empty((memory.LARGE,), "uint8") for _ in range(64)]
    assert len({a.ctypes.data % memory.PAGE for a in arrays}) == 64


@pytest.mark.parametrize("size", [0, 100, memory.LARGE - 1, memory.LARGE, 10**6])
def test_place_is_the_next_one(size, rng):
    for address in rng.integers(0, 1 << 40, 50):
        place = memory.place(int(address), size, int(rng.integers(1000)))
        assert place % memory.ALIGNMENT == 0
        assert address <= place < address + (memory.PAGE if size >= memory.LARGE else memory.ALIGNMENT)
