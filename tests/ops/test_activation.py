"""The activations' kernels against the definitions, in every variant."""

import numpy as np
import pytest

from fastconv import ops
from fastconv.ops import reference
from fastconv.ops.primitives import Elementwise, Glu, LogSoftmax, PRelu, Relu, Softmax, Sparsemax
from tests.cases import distinct, integers
from tests.gradients import check_gradients

#: Around the widths of vectors; the last is long enough for several threads and divided evenly by none.
SIZES = [(0,), (1,), (7,), (8, 1), (3, 3), (17,), (31,), (2, 3, 5, 7), (1, 40003)]

RELU_SETTINGS = [
    {},
    {"max_value": 6.0},
    {"max_value": 1.0},
    {"negative_slope": 0.25},
    {"threshold": 1.0},
    {"threshold": 1.0, "negative_slope": 0.5},
    {"max_value": 2.0, "negative_slope": 0.25, "threshold": 0.5},
]

STRAIGHT = ("linear", "relu", "leaky_relu")  # no op of their own, or Relu
SMOOTH = [(name, {}) for name in reference.ACTIVATIONS if name not in STRAIGHT] + [
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.3}),
    ("hard_shrink", {"threshold": 1.5}),
    ("soft_shrink", {"threshold": 0.25}),
    ("squareplus", {"b": 1.0}),
    ("threshold", {"threshold": 1.0, "default_value": -3.0}),
]

#: Roundings that the powers and quotients of a smooth function may add up to, of a value and near zero.
NEAR = {"rtol": 2e-6, "atol": 5e-7}
#: Far left, gelu is a large number times the small rest of a difference.
CANCELLING = {"gelu": {"rtol": 2e-6, "atol": 8e-6}}  # of the reference


def relu_both(x, dy, settings):
    """Return y and dx of the kernels and of the reference."""
    y, backprop = Relu(**settings)(x)
    (dx,) = backprop(dy)
    return (y, dx), (reference.relu(x, **settings), reference.relu_backward(x, dy, **settings))


@pytest.mark.parametrize("settings", RELU_SETTINGS, ids=str)
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_relu_of_whole_numbers_is_exact(shape, settings, variant, rng):
    # Whole numbers meet every threshold and maximum exactly.
    x, dy = integers(rng, shape), integers(rng, shape)
    before = x.copy()
    actual, expected = relu_both(x, dy, settings)
    for name, a, e in zip(("y", "dx"), actual, expected, strict=True):
        np.testing.assert_array_equal(a, e, err_msg=name, strict=True)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("settings", RELU_SETTINGS, ids=str)
def test_relu_in_float64(settings, rng):
    x, dy = integers(rng, (3, 5, 7), np.float64), integers(rng, (3, 5, 7), np.float64)
    actual, expected = relu_both(x, dy, settings)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e, strict=True)


@pytest.mark.parametrize("settings", RELU_SETTINGS, ids=str)
def test_relu_of_nan_and_infinities(settings, variant):
    x = np.array([np.nan, 1, -np.inf, np.inf, np.nan, -1, 0, 0, np.nan], np.float32)
    y, _ = Relu(**settings)(x)
    np.testing.assert_array_equal(y, reference.relu(x, **settings))


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_gelu_by_tanh(shape, variant, rng):
    x, dy = distinct(rng, shape), integers(rng, shape)
    y, backprop = Elementwise("gelu_tanh")(x)
    np.testing.assert_allclose(y, reference.gelu(x, approximate=True), **CANCELLING["gelu"])
    (dx,) = backprop(dy)
    expected = reference.gelu_backward(x, dy, approximate=True)
    np.testing.assert_allclose(dx, expected, rtol=2e-6, atol=5e-6 * (1 + np.abs(dy).max(initial=0)))
    np.testing.assert_allclose(ops.gelu(x), y, rtol=0)


def test_gelu_by_tanh_in_float64(rng):
    x = distinct(rng, (3, 17), np.float64)
    y, backprop = Elementwise("gelu_tanh")(x)
    np.testing.assert_allclose(y, reference.gelu(x, approximate=True), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        backprop(np.ones_like(x))[0], reference.gelu_backward(x, np.ones_like(x), approximate=True), atol=1e-12
    )


def test_leaky_relu_is_a_relu_with_a_slope(variant, rng):
    x, dy = integers(rng, (3, 17)), integers(rng, (3, 17))
    y, backprop = Relu(negative_slope=0.25)(x)
    np.testing.assert_array_equal(y, reference.leaky_relu(x, negative_slope=0.25))
    np.testing.assert_array_equal(backprop(dy)[0], reference.leaky_relu_backward(x, dy, negative_slope=0.25))


def test_relu_does_not_pass_infinite_errors_where_it_is_dead(variant):
    x, dy = np.full(9, -1, np.float32), np.full(9, np.inf, np.float32)
    (dx,) = Relu()(x)[1](dy)
    np.testing.assert_array_equal(dx, np.zeros(9))


@pytest.mark.parametrize(("name", "settings"), SMOOTH, ids=str)
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_elementwise(shape, name, settings, variant, rng):
    forward, backward = reference.ACTIVATIONS[name]
    x = (4 * distinct(rng, shape)).astype(np.float32)
    dy = rng.standard_normal(shape).astype(np.float32)
    y, backprop = Elementwise(name, **settings)(x)
    (dx,) = backprop(dy)
    assert (y.dtype, dx.dtype) == (np.float32, np.float32)
    exact, errors = x.astype(np.float64), dy.astype(np.float64)
    near = CANCELLING.get(name, NEAR)
    np.testing.assert_allclose(y, forward(exact, **settings), **near)
    np.testing.assert_allclose(dx, backward(exact, errors, **settings), **near)


@pytest.mark.parametrize(("name", "settings"), SMOOTH, ids=str)
def test_elementwise_far_out(name, settings, variant):
    forward, backward = reference.ACTIVATIONS[name]
    x = np.array([-1e4, -90, -20, -0.0, 0, 1e-30, 20, 80, np.nan], np.float32)
    y, backprop = Elementwise(name, **settings)(x)
    (dx,) = backprop(np.ones(9, np.float32))
    exact = x.astype(np.float64)
    np.testing.assert_allclose(y, forward(exact, **settings), rtol=2e-5, atol=5e-7)
    np.testing.assert_allclose(dx[:-1], backward(exact[:-1], np.ones(8), **settings), rtol=2e-5, atol=5e-7)


@pytest.mark.parametrize(("name", "settings"), SMOOTH, ids=str)
def test_elementwise_in_float64(name, settings, rng):
    forward, _ = reference.ACTIVATIONS[name]
    op = Elementwise(name, **settings)
    x = 2.3 * distinct(rng, (3, 5, 7)) + 1e-3  # on no kink
    y, backprop = op(x)
    np.testing.assert_allclose(y, forward(x, **settings), rtol=1e-13, atol=1e-14)
    dy = rng.standard_normal(x.shape)
    check_gradients(lambda x: op(x)[0], (x,), dy, backprop(dy), samples=40)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (2, 3), (5, 7), (3, 8), (4, 10), (2, 17), (3, 4, 5, 33), (2, 1000)])
def test_softmax(shape, variant, rng):
    x, dy = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    y, backprop = Softmax()(4 * x)
    (dx,) = backprop(dy)
    exact = reference.softmax(4 * x.astype(np.float64))
    np.testing.assert_allclose(y, exact, **NEAR)
    np.testing.assert_allclose(dx, reference.softmax_backward(exact, dy.astype(np.float64)), **NEAR)
    np.testing.assert_allclose(y.sum(axis=-1, dtype=np.float64), np.ones(shape[:-1]), rtol=1e-6)
    assert (y.dtype, dx.dtype) == (np.float32, np.float32)


def test_softmax_of_large_logits(variant):
    x = np.array([[1e4, 0, 1e4], [-1e4, -1e4, -1e4], [-3e38, 0, 0]], np.float32)
    y, _ = Softmax()(x)
    np.testing.assert_allclose(y, [[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3], [0, 0.5, 0.5]], rtol=1e-6)


def test_softmax_in_float64(rng):
    op, x, dy = Softmax(), rng.standard_normal((4, 9)), rng.standard_normal((4, 9))
    y, backprop = op(x)
    np.testing.assert_allclose(y, reference.softmax(x), rtol=1e-13)
    check_gradients(lambda x: op(x)[0], (x,), dy, backprop(dy))


ROWS = {
    LogSoftmax: (reference.log_softmax, lambda x, y, dy: reference.log_softmax_backward(y, dy)),
    Sparsemax: (reference.sparsemax, lambda x, y, dy: reference.sparsemax_backward(y, dy)),
    Glu: (reference.glu, lambda x, y, dy: reference.glu_backward(x, dy)),
}


@pytest.mark.parametrize("shape", [(0, 4), (1, 2), (3, 8), (5, 34), (2, 3, 66), (2, 1000)], ids=str)
@pytest.mark.parametrize("cls", ROWS)
def test_rows(cls, shape, variant, rng):
    forward, backward = ROWS[cls]
    x = (2 * rng.standard_normal(shape)).astype(np.float32)
    y, backprop = cls()(x)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    exact = forward(x.astype(np.float64))
    np.testing.assert_allclose(y, exact, rtol=3e-6, atol=2e-6)
    np.testing.assert_allclose(backprop(dy)[0], backward(x.astype(np.float64), exact, dy), rtol=2e-5, atol=2e-5)
    doubles = cls()(x.astype(np.float64))[0]
    np.testing.assert_allclose(doubles, exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cls", ROWS)
def test_gradients_of_rows(cls, rng):
    x = 3 * distinct(rng, (3, 10))
    y, backprop = cls()(x)
    dy = rng.standard_normal(y.shape)
    check_gradients(lambda x: cls()(x)[0], (x,), dy, backprop(dy), samples=30)


@pytest.mark.parametrize("alpha", [(5, 7), (1, 7), (5, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_prelu(n, alpha, variant, rng):
    x, a, dy = integers(rng, (n, 5, 7)), integers(rng, alpha), integers(rng, (n, 5, 7))
    y, backprop = PRelu()(x, a)
    np.testing.assert_array_equal(y, np.where(x > 0, x, a * x))
    dx, da = backprop(dy)
    np.testing.assert_array_equal(dx, np.where(x > 0, dy, np.where(x < 0, a * dy, 0)))
    full = (dy * np.minimum(x, 0)).sum(0)
    shared = tuple(i for i in range(2) if alpha[i] == 1)
    np.testing.assert_array_equal(da, full.sum(shared, keepdims=True))


@pytest.mark.parametrize("name", ["exponential", "tanh", "sigmoid", "softplus", "elu"])
def test_errors_are_a_few_units_in_the_last_place(name, variant):
    x = np.linspace(-87, 88, 100_001, dtype=np.float32)
    exact = reference.ACTIVATIONS[name][0](x.astype(np.float64))
    error = np.abs(Elementwise(name)(x)[0] - exact) / np.spacing(np.abs(exact).astype(np.float32))
    assert error.max() < 3


def test_exponentials_at_the_ends_of_their_range(variant):
    x = np.array([88.7, 88.8, 1e4, np.inf, -87.3, -95, -103, -104, -1e4, -np.inf, np.nan], np.float32)
    with np.errstate(over="ignore"):
        expected = np.exp(x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(Elementwise("exponential")(x)[0], expected, rtol=2e-7, atol=2e-45)


OPS = [
    Relu(),
    Softmax(),
    LogSoftmax(),
    Sparsemax(),
    Glu(),
    *(Elementwise(name, **settings) for name, settings in SMOOTH),
]


@pytest.mark.parametrize(
    "op",
    OPS,
    ids=[
        "relu",
        "softmax",
        "log_softmax",
        "sparsemax",
        "glu",
        *(f"{name}{settings or ''}" for name, settings in SMOOTH),
    ],
)
def test_same_bits_for_any_number_of_threads(op, variant, set_num_threads, rng):
    # A slice of a plain ReLU is little work: it takes many to be shared.
    shape = (20011, 83) if isinstance(op, Relu) else (4001, 41)
    if isinstance(op, Glu):
        shape = (4001, 42)
    x = rng.standard_normal(shape, np.float32)
    dy = rng.standard_normal(op.output_shape(shape), np.float32)

    def run(threads):
        set_num_threads(threads)
        y, backprop = op(x)
        return y.tobytes(), backprop(dy)[0].tobytes()

    alone = run(1)
    for threads in (2, 3, 5):
        assert run(threads) == alone, f"with {threads} threads"


@pytest.mark.parametrize("place", [0, 3, 8])
def test_sparsemax_of_what_is_not_a_number(place, variant, rng):
    x = rng.standard_normal((3, 9)).astype(np.float32)
    x[1, place] = np.nan
    y, _ = Sparsemax()(x)
    assert np.isnan(y[1]).all() and np.isfinite(y[[0, 2]]).all()
