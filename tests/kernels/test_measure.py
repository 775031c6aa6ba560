"""The kernels that measure the machine do what they say, in every variant."""

import numpy as np
import pytest

from fastconv import kernels


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("rounds", [0, 1, 7])
def test_multiply_adds_are_all_done(variant, rounds, threads):
    k = kernels.for_dtype(np.float32)
    y = np.full(threads * k.VECTOR, -1, np.float32)
    k.multiply_adds(y, rounds, 1, 2, threads=threads)()
    expected = sum(start + 2 * rounds for start in range(k.ROW))  # vectors start as 0, 1, 2, ...
    np.testing.assert_array_equal(y, expected)


def test_multiply_adds_multiply(variant):
    k = kernels.for_dtype(np.float32)
    y = np.zeros(k.VECTOR, np.float32)
    k.multiply_adds(y, 3, 2, 1)()
    np.testing.assert_array_equal(y, sum(8 * start + 7 for start in range(k.ROW)))


def test_multiply_adds_check_the_room_for_results(variant):
    k = kernels.for_dtype(np.float32)
    with pytest.raises(ValueError, match=f"y has 1000 values; expected {k.VECTOR} for each of 2 threads"):
        k.multiply_adds(np.zeros(1000, np.float32), 1, threads=2)


@pytest.mark.parametrize("size", [0, 1, 15, 17, 8192, 100_003])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_copy(variant, size, dtype, rng):
    x = rng.standard_normal(size).astype(dtype)
    y = np.full_like(x, -7)
    kernels.for_dtype(dtype).copy_values(x, y, threads=2)()
    np.testing.assert_array_equal(y, x)


def test_copy_checks_sizes(variant):
    with pytest.raises(ValueError, match="x has 3 values, y 4"):
        kernels.for_dtype("float32").copy_values(np.zeros(3, np.float32), np.zeros(4, np.float32))
