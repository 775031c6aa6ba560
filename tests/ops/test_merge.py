"""Arrays merged value by value, and joined: kernels against the rules in NumPy, for every variant and many shapes."""

import numpy as np
import pytest

from fastconv.ops import primitives as P
from fastconv.ops.merge import Concatenate, Layout, Merge, array_op, layout
from fastconv.ops.rules import RULES, ArrayOp
from fastconv.testing import check_gradients
from tests.cases import integers

EQUAL = [(1,), (2, 3), (3, 1, 1, 1), (2, 5, 7, 3), (2, 4, 4, 16), (1, 1, 1, 67), (3, 33, 33, 5), (0, 4, 3), ()]
SPREAD = [  # the first is as large as the result, the second broadcast
    ((2, 3, 4, 5), (2, 1, 1, 5)),
    ((3, 7, 5, 16), (3, 1, 1, 16)),
    ((2, 9, 9, 67), (2, 1, 1, 67)),
    ((1, 40, 40, 130), (1, 1, 1, 130)),
    ((2, 1, 1, 5), (2, 1, 1, 5)),
    ((4, 6), (1, 6)),
    ((4, 6), (6,)),
    ((2, 3, 4, 17), (17,)),
    ((2, 3, 4, 17), (2, 3, 4, 1)),
    ((5, 70), (5, 1)),
    ((2, 3, 4), ()),
    ((5000,), (1,)),
    ((2, 3, 4, 5), (2, 3, 1, 5)),
    ((2, 3, 4, 5), (1, 3, 1, 5)),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((0, 3, 4, 5), (0, 1, 1, 5)),
    ((2, 0, 4, 5), (2, 1, 1, 5)),
    ((0, 3, 6, 70), (70,)),
    ((1, 1, 1, 16), (16,)),
    ((1, 1), (1,)),
]
MUTUAL = [((3, 1, 4), (3, 5, 1)), ((2, 3, 1, 5), (2, 1, 4, 5)), ((1, 6), (4, 1)), ((2, 1, 3, 1), (1, 4, 1, 5))]
PAIRS = [
    *((shape, shape) for shape in EQUAL),
    *SPREAD,
    *((b, a) for a, b in SPREAD),
    *MUTUAL,
]
RULED = ("add", "subtract", "multiply", "divide", "maximum", "minimum")


def draw(rule, shapes, rng):
    """Return whole numbers, and no zero to divide by: quotients are powers of two."""
    a, b = (integers(rng, shape) for shape in shapes)
    return a, np.exp2(np.abs(b)).astype(np.float32) * (1 - 2 * (b < 0)) if rule == "divide" else b


@pytest.mark.parametrize("rule", RULED)
@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_it_is_the_rule(rule, shapes, variant, rng):
    a, b = draw(rule, shapes, rng)
    y, back = Merge(rule)(a, b)
    expected, expected_back = ArrayOp(rule)(a, b)
    np.testing.assert_array_equal(y, expected, strict=True)
    dy = integers(rng, y.shape)
    for got, wanted in zip(back(dy), expected_back(dy), strict=True):
        np.testing.assert_array_equal(got, wanted, strict=True)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_relu_behind_a_sum(shapes, variant, rng):
    a, b = draw("add", shapes, rng)
    y, back = Merge("add", relu=True)(a, b)
    z, back_sum = ArrayOp("add")(a, b)
    expected, back_relu = P.Relu()(z)
    np.testing.assert_array_equal(y, expected, strict=True)
    dy = integers(rng, y.shape)
    for got, wanted in zip(back(dy), back_sum(*back_relu(dy)), strict=True):
        np.testing.assert_array_equal(got, wanted, strict=True)


@pytest.mark.parametrize("rule", RULED)
@pytest.mark.parametrize(
    "shapes", [((2, 3, 4), (2, 3, 4)), ((2, 3, 5), (2, 1, 5)), ((2, 3, 5), (5,)), ((3, 1), (2, 3, 4))]
)
def test_gradients_by_differences(rule, shapes, rng):
    from fastconv import ops

    a, b = (rng.uniform(0.3, 3, shape) for shape in shapes)
    assert check_gradients(getattr(ops, rule), [a, b]) < 1e-6
    y, back = Merge(rule)(a, b)
    dy, step = rng.standard_normal(y.shape), 1e-6
    for at, gradient in enumerate(back(dy)):
        numbers = [a, b]
        way = rng.standard_normal(numbers[at].shape)
        ends = [Merge(rule)(*(n + s * step * way if i == at else n for i, n in enumerate(numbers)))[0] for s in (1, -1)]
        assert np.sum((ends[0] - ends[1]) * dy) / (2 * step) == pytest.approx(np.sum(gradient * way), rel=1e-6)


@pytest.mark.parametrize("rule", RULED)
def test_nan_and_infinity_pass(rule, variant):
    a = np.array([np.nan, 1, np.inf, -np.inf, 2, np.nan] * 7, np.float32)
    b = np.array([1, np.nan, 1, 1, np.inf, np.nan] * 7, np.float32)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(Merge(rule)(a, b)[0], RULES[rule].forward(a, b))


@pytest.mark.parametrize("rule", RULED)
def test_the_same_bits_for_any_number_of_threads(rule, set_num_threads, variant, rng):
    found = []
    for threads in (1, 2, 3):
        set_num_threads(threads)
        rng = np.random.default_rng(3)
        for shapes in (((9, 40, 40, 24), (9, 1, 1, 24)), ((9, 40, 40, 24),) * 2):
            a, b = (rng.uniform(0.5, 2, shape).astype(np.float32) for shape in shapes)
            y, back = Merge(rule)(a, b)
            found.append((threads, y, *back(rng.standard_normal(y.shape))))
    for i, (_, *arrays) in enumerate(found[2:]):
        for one, other in zip(arrays, found[i % 2][1:], strict=True):
            np.testing.assert_array_equal(one, other)


def test_layouts():
    assert layout((2, 3), (2, 3), (2, 3)) == Layout((1, 1, 6), (0, 0, 1), (0, 0, 1))
    assert layout((2, 3), (2, 3), (2, 3)).is_flat
    assert layout((4, 7, 7, 16), (4, 7, 7, 16), (4, 1, 1, 16)) == Layout((4, 49, 16), (784, 16, 1), (16, 0, 1))
    assert layout((4, 7, 7, 16), (4, 7, 7, 16), (16,)) == Layout((1, 196, 16), (0, 16, 1), (0, 0, 1))
    assert layout((4, 7, 16), (4, 7, 1), (4, 7, 16)) == Layout((1, 28, 16), (0, 1, 0), (0, 16, 1))
    assert layout((2, 3, 4, 5), (2, 1, 4, 1), (1, 3, 1, 5)) is None


def test_what_has_no_kernel_goes_by_the_rule():
    assert type(array_op("power")) is ArrayOp
    assert type(array_op("clip", x_min=0, x_max=1)) is ArrayOp
    with pytest.raises(ValueError, match="only a sum"):
        Merge("multiply", relu=True)
    wide = Merge("add")(np.ones((2, 3), np.float32), np.ones((2, 3)))[0]
    assert wide.dtype == np.float32 and wide.tolist() == [[2] * 3] * 2


JOINED = [
    ([(2, 3), (2, 1), (2, 5)], 1),
    ([(2, 3, 4, 5), (2, 3, 4, 17)], 3),
    ([(2, 3, 4, 5), (2, 1, 4, 5), (2, 2, 4, 5)], 1),
    ([(2, 3, 4, 5), (2, 3, 2, 5)], 2),
    ([(1, 3), (4, 3)], 0),
    ([(3, 0), (3, 2)], 1),
    ([(0, 3), (0, 2)], 1),
]


@pytest.mark.parametrize(("shapes", "axis"), JOINED, ids=str)
def test_joined(shapes, axis, variant, rng):
    arrays = [integers(rng, shape) for shape in shapes]
    y, back = Concatenate(axis)(*arrays)
    np.testing.assert_array_equal(y, np.concatenate(arrays, axis), strict=True)
    dy = integers(rng, y.shape)
    for got, array, wanted in zip(
        back(dy), arrays, np.split(dy, np.cumsum([s[axis] for s in shapes])[:-1], axis), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)
        assert got.shape == array.shape
