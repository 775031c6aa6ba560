"""Every op in random sizes and settings against NumPy, both directions, in every variant, between guard bytes.

Whole numbers make most sums exact: not a bit may differ there. FASTCONV_TEST_CONFIGURATIONS is how many are tried of
each op (a few by default), FASTCONV_TEST_SEED where the counting begins.
"""

import os

import numpy as np
import pytest

from fastconv import kernels
from fastconv.ops import primitives
from tests import guarded
from tests.cases import integers
from tests.ops.drawn import ELSEWHERE, ROWS

COUNT = int(os.environ.get("FASTCONV_TEST_CONFIGURATIONS", 12))
SEED = int(os.environ.get("FASTCONV_TEST_SEED", 0))


def test_every_op_is_drawn():
    assert {name.split("-")[0] for name in ROWS} | ELSEWHERE.keys() == set(primitives.__all__)


def wide(arrays):
    """Return arrays in float64."""
    return [None if a is None else a.astype(np.float64) for a in arrays]


def compare(what, actual, expected, trial, dtype):
    """Assert that a result is the expected one: in every bit, or up to a few roundings of its largest value."""
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if trial.exact:
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    size = max(1.0, float(np.abs(expected).max(initial=0)))
    error = trial.rounding * np.finfo(dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=error, atol=error * size, err_msg=what)


def check(trial, dtype, threads, shift, rng):
    """Run a trial in one variant and compare all that comes out."""
    y, backprop = guarded.call(trial.op, *trial.arrays, dtype=dtype, threads=threads, shift=shift)
    given = wide(trial.arrays)
    expected = trial.forward(*given, *([y.astype(np.float64)] if trial.op.random else []))
    compare("y", y, expected, trial, dtype)
    dy = integers(rng, y.shape)
    gradients = backprop(dy)
    right = trial.backward(*given, y.astype(np.float64) if trial.op.random else expected, dy.astype(np.float64))
    for i, (gradient, wanted) in enumerate(zip(gradients, right, strict=True)):
        assert (gradient is None) == (wanted is None)
        if gradient is not None:
            compare(f"gradient {i}", gradient, wanted, trial, dtype)


def targets():
    """Return the variants of this machine and float64, each as a pair (variant, dtype)."""
    return [*((name, np.float32) for name in kernels.runnable()), (kernels.variant(), np.float64)]


@pytest.mark.parametrize("name", ROWS)
def test_random_configurations(name):
    number = list(ROWS).index(name)
    for seed in range(SEED, SEED + COUNT):
        rng = np.random.default_rng([seed, number])
        trial = ROWS[name](rng)
        threads, shift = int(rng.integers(1, 4)), int(rng.integers(0, 5))
        for variant, dtype in targets():
            with kernels.use(variant):
                try:
                    check(trial, dtype, threads, shift, np.random.default_rng(seed))
                except Exception as error:
                    shapes = [None if a is None else a.shape for a in trial.arrays]
                    where = f"seed {seed}, {variant}, {np.dtype(dtype)}, {threads} threads"
                    error.add_note(f"{where}: {trial.op!r} {shapes}")
                    raise
