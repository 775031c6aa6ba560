"""Kernels that belong to no op write inside of their arrays only.

Those of ops are checked in ``tests/ops/test_random_configurations.py``, those of losses in ``tests/losses``.
"""

import numpy as np
import pytest

from fastconv import kernels
from tests.guarded import Guarded

SIZES = [0, 1, 3, 15, 16, 17, 33, 8191, 8192, 8193, 16400]  # around vectors and slices of a sweep
UPDATES = {  # how many slots a rule has, and which of them it can do without
    "blend_update": (0, ()),
    "prepared_update": (1, ()),
    "sgd_update": (1, (0,)),
    "adam_update": (3, (2,)),
    "adamax_update": (2, ()),
    "nadam_update": (2, ()),
    "adagrad_update": (1, ()),
    "adadelta_update": (2, ()),
    "rmsprop_update": (3, (1, 2)),
    "lion_update": (1, ()),
    "ftrl_update": (2, ()),
}
FULL = (1.0, np.inf, np.inf, 0.1, *[0.5] * 12)  # scale, limits and decay, then the rule's own


def kernel_classes():
    k = kernels.for_dtype("float32")
    return {name for name, value in vars(k).items() if isinstance(value, type) and issubclass(value, k.Kernel)}


def test_every_update_is_among_them():
    assert {name for name in kernel_classes() if name.endswith("_update")} == UPDATES.keys()


@pytest.mark.parametrize("shift", [0, 1, 3])
@pytest.mark.parametrize("least", [False, True], ids=["all slots", "least slots"])
@pytest.mark.parametrize("name", UPDATES)
def test_updates(name, least, shift, variant, rng):
    """What a rule keeps and changes lies between guards; its gradients stay as they are."""
    many, spared = UPDATES[name]
    for norms in (0, 1, 2):
        guard = Guarded()

        def changed(size, guard=guard):
            array = guard.empty((size,), np.float32, shift)
            array[...] = rng.uniform(0.5, 1, size)
            return array

        slots = [None if least and i in spared else [changed(n) for n in SIZES] for i in range(many)]
        weights = [changed(n) for n in SIZES]
        gradients = [guard.copy(rng.normal(size=n), np.float32, shift) for n in SIZES]
        update = getattr(kernels.for_dtype("float32"), name)
        update(weights, gradients, slots, np.array(FULL), norms=norms, threads=2)()
        guard.check(name)
        assert all(np.isfinite(array).all() for arrays in (weights, *slots) for array in arrays or ())


@pytest.mark.parametrize("sizes", [(3, 4, 3), (3, 3, 4)])
def test_updates_of_arrays_of_several_sizes_are_refused(sizes):
    """There are no checks of bounds behind this one."""
    weight, gradient, slot = ([np.zeros(n, np.float32)] for n in sizes)
    with pytest.raises(ValueError, match=r"weight 0 has 3 values, its gradient"):
        kernels.for_dtype("float32").sgd_update(weight, gradient, [slot], np.array(FULL))


@pytest.mark.parametrize("axes", [1, 9])
def test_boxes_of_other_axes_are_refused(axes):
    x = np.zeros(1, np.float32)
    with pytest.raises(ValueError, match=r"a box has 2 to 8 axes"):
        kernels.for_dtype("float32").copy_box(x, x.copy(), (1,) * axes, (1,) * axes, (1,) * axes, 0, 0, False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hits_are_counted(dtype, variant):
    """The first of equal scores wins, and what is not a number wins over numbers."""
    scores = np.array([[1, 3, 2], [2, 2, 1], [1, np.nan, 5], [0, 0, 0], [np.nan, 1, np.nan], [-2, -3, -1]], dtype)
    count = kernels.for_dtype(dtype).count_argmax
    assert count(scores, np.array([1, 0, 1, 0, 0, 2], np.intc)) == 6
    assert count(scores, np.array([2, 1, 2, 1, 2, -1], np.intc)) == 0
    assert count(scores[:0], np.zeros(0, np.intc)) == 0


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("columns", [1, 7, 64])
def test_gathered_rows(columns, dtype, variant, rng):
    guard = Guarded()
    source = guard.copy(rng.integers(0, 9, (11, columns)), dtype)
    index = guard.copy(rng.integers(0, 11, 6), np.intp)
    out = guard.empty((6, columns), np.float32, 1)
    kernels.for_dtype("float32").gather_rows(source, index, out, 2)
    guard.check("gather_rows")
    np.testing.assert_array_equal(out, source[index])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shift", [0, 1])
def test_copied_values(size, shift, variant, rng):
    guard = Guarded()
    x, y = guard.copy(rng.normal(size=size), np.float32, shift), guard.empty((size,), np.float32, shift)
    kernels.for_dtype("float32").copy_values(x, y, threads=2)()
    guard.check("copy_values")
    np.testing.assert_array_equal(x, y)
