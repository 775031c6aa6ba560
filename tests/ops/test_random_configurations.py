"""Every op in random sizes and settings against NumPy, both directions, in every variant, between guard bytes.

Whole numbers make most sums exact: not a bit may differ there. Small ones are numbers of bfloat16, too. How many
configurations are tried of each op is FASTCONV_TEST_CONFIGURATIONS (a few by default), and FASTCONV_TEST_SEED where the
counting begins.
"""

import os

import numpy as np
import pytest

from fastconv import kernels
from fastconv.ops import bfloat16, primitives
from tests import guarded
from tests.cases import integers
from tests.ops.drawn import ELSEWHERE
from tests.ops.drawn import ROWS as IMAGES
from tests.ops.drawn_axes import AXES
from tests.ops.pairs import can_run_pairs

pytestmark = pytest.mark.usefixtures("small_tiles")  # whole numbers, zero tolerance

COUNT = int(os.environ.get("FASTCONV_TEST_CONFIGURATIONS", 12))
SEED = int(os.environ.get("FASTCONV_TEST_SEED", 0))
ROWS = {**IMAGES, **AXES}
NARROW = {name: bfloat16.NARROW.get(getattr(primitives, name.split("-")[0])) for name in ROWS}
WAYS = [
    *((name, "rounded") for name, kind in NARROW.items() if kind),
    *((name, "pairs") for name, kind in NARROW.items() if kind is bfloat16.Narrow),
]


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


def check_drawn(name, targets, narrow=False):
    """Draw configurations of an op and check each in every target; with `narrow` its products are of bfloat16."""
    number = list(ROWS).index(name)
    for seed in range(SEED, SEED + COUNT):
        rng = np.random.default_rng([seed, number])
        trial = ROWS[name](rng)
        trial.op = bfloat16.narrowed(trial.op) if narrow else trial.op
        threads, shift = int(rng.integers(1, 4)), int(rng.integers(0, 5))
        for variant, dtype in targets:
            with kernels.use(variant):
                try:
                    check(trial, dtype, threads, shift, np.random.default_rng(seed))
                except Exception as error:
                    shapes = [None if a is None else a.shape for a in trial.arrays]
                    where = f"seed {seed}, {variant}, {np.dtype(dtype)}, {threads} threads"
                    error.add_note(f"{where}: {trial.op!r} {shapes}")
                    raise


@pytest.mark.parametrize("name", ROWS)
def test_random_configurations(name):
    check_drawn(name, targets())


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_random_configurations_of_bfloat16(name, way, monkeypatch):
    """By pairs in the variants that may run these, and everywhere with rounded numbers."""
    pairs = way == "pairs"
    able = [target for target in targets() if target[1] == np.float32 and (not pairs or can_run_pairs(target[0]))]
    monkeypatch.setattr(kernels, "multiplies_pairs", lambda k: pairs)
    monkeypatch.setattr(bfloat16, "_warned", set(kernels.runnable()))
    check_drawn(name, able, narrow=True)
