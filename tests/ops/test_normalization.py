"""Normalization: kernels of every variant against the definitions; gradients; large means; threads."""

import numpy as np
import pytest

from fastconv import ops
from fastconv.ops import primitives as P
from fastconv.ops import reference
from tests.cases import integers
from tests.gradients import check_gradients

#: One row, one channel, no rows; channels around the widths of vectors; rows beside a line; several chunks.
SHAPES = [
    *((2, 3, 5, c) for c in (1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64, 65, 130)),
    *((n, c) for n in (1, 2, 7, 8, 9, 17) for c in (1, 5, 16, 48)),
    (0, 4),
    (0, 3, 2, 16),
    (1, 1, 1, 1),
    (3, 4, 6),
    (2, 41, 40, 16),
    (1, 90, 91, 3),
    (2, 3, 2, 2, 5),
]
GROUPED = [((2, 3, 5, 6), 1), ((2, 3, 5, 6), 3), ((3, 4, 4, 6), 6), ((4, 32), 4), ((1, 7, 3, 65), 5), ((0, 3, 4), 2)]
GROUPED += [((2, 64, 65, 16), 2), ((70, 2, 2, 8), 8), ((2, 1, 1, 1), 1)]
ROWS = [((3, 5), 1), ((2, 3, 16), 1), ((2, 3, 17), 2), ((4, 2, 3, 5), 3), ((1, 1), 1), ((0, 4), 1), ((700, 33), 1)]
ROWS += [((2, 40, 40, 9), 3)]


def near(actual, expected, x, rtol=2e-5):
    """Assert that values are equal up to roundings of the largest of them, and of sums of as many as x has."""
    size = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * size)
    assert actual.shape == expected.shape


def normal(rng, *shapes, dtype=np.float32):
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def exact(*arrays):
    return [a.astype(np.float64) for a in arrays]


def batch_norm(x, gamma, beta, dy, relu=False):
    """Return y, dx, dgamma, dbeta as the definition has them, in float64."""
    x, gamma, beta, dy = exact(x, gamma, beta, dy)
    axes = tuple(range(x.ndim - 1))
    z = reference.normalize_over(x, axes, gamma, beta)
    dy = reference.relu_backward(z, dy) if relu else dy
    dx, dgamma, dbeta = reference.normalize_over_backward(x, axes, gamma, dy)
    return reference.relu(z) if relu else z, dx, dgamma.sum(axis=axes), dbeta.sum(axis=axes)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("relu", [False, True], ids=["", "relu"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm(shape, relu, variant, rng):
    x, gamma, beta, dy = normal(rng, shape, shape[-1:], shape[-1:], shape)
    x += 3
    mean, variance = np.ones(shape[-1], np.float32), np.full(shape[-1], 2, np.float32)
    y, backprop = P.BatchNorm(momentum=0.75, behind=("relu",) if relu else None)(x, gamma, beta, mean, variance)
    dx, dgamma, dbeta, *states = backprop(dy)
    assert states == [None, None]
    if not len(x):
        assert y.shape == dx.shape == shape and not dgamma.any() and not dbeta.any()
        assert (mean == 1).all() and (variance == 2).all(), "an empty batch has nothing to follow"
        return
    expected = batch_norm(x, gamma, beta, dy, relu)
    few = x.size == 2 * shape[-1] or relu  # two values far apart: everything cancels
    for actual, right in zip((y, dx, dgamma, dbeta), expected, strict=True):
        near(actual, right, x, 1e-3 if few else 2e-4)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(mean, 0.75 + 0.25 * x.mean(axes, np.float64), rtol=1e-6)
    np.testing.assert_allclose(variance, 1.5 + 0.25 * x.var(axes, np.float64), rtol=1e-5)


@pytest.mark.parametrize("relu", [False, True], ids=["", "relu"])
@pytest.mark.parametrize("shape", [s for s in SHAPES if s[0] > 1], ids=str)
def test_batch_norm_in_float64(shape, relu, rng):
    x, gamma, beta, dy = normal(rng, shape, shape[-1:], shape[-1:], shape, dtype=np.float64)
    y, backprop = P.BatchNorm(behind=("relu",) if relu else None)(
        x, gamma, beta, np.zeros_like(beta), np.ones_like(beta)
    )
    for actual, right in zip((y, *backprop(dy)), batch_norm(x, gamma, beta, dy, relu), strict=False):
        np.testing.assert_allclose(actual, right, rtol=1e-9, atol=1e-10)


def test_whole_numbers_are_exact(variant, rng):
    """Two values in turn, deviations and factors that are powers of two: nothing is rounded."""
    signs = 1 - 2 * ((np.arange(128)[:, None] + np.arange(5)) % 2)
    x = (signs * 2 + np.arange(5)).astype(np.float32)
    gamma, beta = np.full(5, 4, np.float32), np.arange(5, dtype=np.float32)
    mean, variance = np.zeros(5, np.float32), np.zeros(5, np.float32)
    dy = integers(rng, x.shape)
    y, backprop = P.BatchNorm(momentum=0.5, epsilon=0.0)(x, gamma, beta, mean, variance)
    np.testing.assert_array_equal(y, (x - np.arange(5)) * 2 + beta)
    np.testing.assert_array_equal(mean, np.arange(5) / 2)
    np.testing.assert_array_equal(variance, np.full(5, 2))
    z = (x - np.arange(5)) / 2
    dx, dgamma, dbeta, *_ = backprop(dy)
    np.testing.assert_array_equal(dgamma, (dy * z).sum(0))
    np.testing.assert_array_equal(dbeta, dy.sum(0))
    np.testing.assert_array_equal(dx, 2 * (dy - dbeta / 128 - z * (dgamma / 128)))


@pytest.mark.parametrize("affine", ["gamma", "beta", "neither"])
def test_without_gamma_or_beta(affine, variant, rng):
    x, vector, dy = normal(rng, (4, 5, 9), 9, (4, 5, 9))
    gamma, beta = (vector if affine == name else None for name in ("gamma", "beta"))
    y, backprop = P.BatchNorm()(x, gamma, beta, *np.ones((2, 9), np.float32))
    dx, dgamma, dbeta, *_ = backprop(dy)
    ones, zeros = np.ones(9), np.zeros(9)
    expected = batch_norm(x, ones if gamma is None else gamma, zeros if beta is None else beta, dy)
    for actual, right in zip((y, dx, dgamma, dbeta), expected, strict=True):
        if actual is not None:
            near(actual, right, x)
    assert (dgamma is None) == (gamma is None) and (dbeta is None) == (beta is None)


@pytest.mark.parametrize("first", ["plain", "zeros", "rows"])
@pytest.mark.parametrize("shift", [0.0, 1e3, -1e4])
def test_variances_far_from_zero_do_not_cancel(shift, first, variant, rng):
    """Also where the first rows of all lie elsewhere than the others."""
    x = (rng.standard_normal((6000, 3)) + shift).astype(np.float32)
    x[: {"plain": 0, "zeros": 9, "rows": 700}[first]] = 0
    y, _ = P.Moments()(x)
    mean, variance = x.mean(0, np.float64), x.var(0, np.float64)
    np.testing.assert_allclose(y[0], mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(y[1], variance, rtol=1e-5 + 6e-8 * abs(shift))  # a sum of squares has 6e-8 * shift**2


@pytest.mark.parametrize("value", [0.1, 1234.567, -3e7])
def test_constants_have_no_variance(value, variant):
    y, _ = P.Moments()(np.full((37, 5), value, np.float32))
    np.testing.assert_allclose(y[0], np.float32(value), rtol=2e-7)
    assert (y[1] <= (2e-7 * value) ** 2).all()


def test_nan_stays_in_its_channel(variant, rng):
    x = normal(rng, (40, 20))[0]
    x[7, 3] = np.nan
    y, _ = P.BatchNorm(behind=("relu",))(x, *np.ones((4, 20), np.float32))
    assert np.isnan(y[:, 3]).all() and not np.isnan(np.delete(y, 3, axis=1)).any()


@pytest.mark.parametrize("relu", [False, True], ids=["", "relu"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_normalize(shape, relu, variant, rng):
    c = shape[-1]
    x, gamma, beta, mean, dy = normal(rng, shape, c, c, c, shape)
    variance = rng.random(c).astype(np.float32)
    y, backprop = P.Normalize(behind=("relu",) if relu else None)(x, gamma, beta, mean, variance)
    z = reference.normalize(*exact(x, mean, variance, gamma, beta))
    near(y, reference.relu(z) if relu else z, x)
    dz = reference.relu_backward(z, dy.astype(float)) if relu else dy.astype(float)
    expected = reference.normalize_backward(*exact(x, mean, variance, gamma), dz)
    for actual, right in zip(backprop(dy), expected, strict=True):
        near(actual, right, x, 3e-4)


@pytest.mark.parametrize(("shape", "groups"), GROUPED, ids=str)
def test_group_norm(shape, groups, variant, rng):
    x, gamma, beta, dy = normal(rng, shape, shape[-1:], shape[-1:], shape)
    y, backprop = P.GroupNorm(groups)(x, gamma, beta)
    near(y, reference.group_normalize(*exact(x), groups, *exact(gamma, beta)), x)
    expected = reference.group_normalize_backward(*exact(x), groups, *exact(gamma, dy))
    for actual, right in zip(backprop(dy), expected, strict=True):
        near(actual, right, x, 2e-4)


@pytest.mark.parametrize(("shape", "axes"), ROWS, ids=str)
def test_layer_norm(shape, axes, variant, rng):
    row, last = shape[-axes:], tuple(range(len(shape) - axes, len(shape)))
    x, gamma, beta, dy = normal(rng, shape, row, row, shape)
    y, backprop = P.LayerNorm(axes)(x, gamma, beta)
    near(y, reference.normalize_over(exact(x)[0], last, *exact(gamma, beta)), x)
    dx, *rest = reference.normalize_over_backward(exact(x)[0], last, *exact(gamma, dy))
    expected = (dx, *(d.sum(axis=tuple(range(len(shape) - axes))) for d in rest))
    for actual, right in zip(backprop(dy), expected, strict=True):
        near(actual, right, x, 1e-4)


@pytest.mark.parametrize(("shape", "axes"), ROWS, ids=str)
def test_unit_norm(shape, axes, variant, rng):
    last = tuple(range(len(shape) - axes, len(shape)))
    x, dy = normal(rng, shape, shape)
    y, backprop = P.UnitNorm(axes)(x)
    near(y, reference.unit_normalize(exact(x)[0], last), x)
    near(backprop(dy)[0], reference.unit_normalize_backward(*exact(x), last, *exact(dy)), x)


def test_unit_norm_of_nothing_is_nothing(variant):
    y, _ = P.UnitNorm()(np.zeros((2, 5), np.float32))
    np.testing.assert_array_equal(y, np.zeros((2, 5)))


# ---- finite differences


def test_gradients_of_the_definitions_are_difference_quotients(rng):
    x, gamma, beta, dy = normal(rng, (3, 4, 6), 6, 6, (3, 4, 6), dtype=np.float64)
    mean, variance = rng.random((2, 6)) + 0.5
    grads = reference.normalize_backward(x, mean, variance, gamma, dy)
    order = [x, gamma, beta, mean, variance]
    check_gradients(lambda x, g, b, m, v: reference.normalize(x, m, v, g, b), order, dy, grads)
    dx, dgamma, dbeta = reference.normalize_over_backward(x, (0, 1), gamma, dy)
    grads = dx, dgamma.sum((0, 1)), dbeta.sum((0, 1))
    check_gradients(lambda x, g, b: reference.normalize_over(x, (0, 1), g, b), [x, gamma, beta], dy, grads)
    grads = reference.group_normalize_backward(x, 3, gamma, dy)
    check_gradients(lambda x, g, b: reference.group_normalize(x, 3, g, b), [x, gamma, beta], dy, grads)
    check_gradients(
        lambda x: reference.unit_normalize(x, (1, 2)), [x], dy, [reference.unit_normalize_backward(x, (1, 2), dy)]
    )
    gradient = reference.moments_backward(x, (0, 2), dy[:1, :, :1], dy[1:2, :, :1])
    both = np.concatenate([dy[:1, :, :1], dy[1:2, :, :1]])
    check_gradients(lambda x: np.concatenate(reference.moments(x, (0, 2))), [x], both, [gradient])


SMOOTH = {
    "batch": (P.BatchNorm(), (3, 4, 5, 3), [(3,), (3,)]),
    "normalize": (P.Normalize(), (3, 4, 5, 3), [(3,), (3,), (3,), (3,)]),
    "group": (P.GroupNorm(2), (3, 4, 5, 6), [(6,), (6,)]),
    "layer": (P.LayerNorm(2), (3, 4, 5), [(4, 5), (4, 5)]),
    "unit": (P.UnitNorm(), (3, 4, 5), []),
    "moments": (P.Moments(), (3, 4, 5), []),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_difference_quotients(name, rng):
    op, shape, params = SMOOTH[name]
    given = [rng.standard_normal(shape), *(rng.random(p) + 0.5 for p in params)]
    state = [np.ones(shape[-1]) for _ in op.state]
    y, backprop = op(*given, *state)
    dy = rng.standard_normal(y.shape)
    check_gradients(lambda *a: op(*a, *(s.copy() for s in state))[0], given, dy, backprop(dy)[: len(given)])


# ---- threads


@pytest.mark.parametrize(
    "op",
    [P.BatchNorm(), P.BatchNorm(behind=("relu",)), P.Normalize(), P.GroupNorm(3), P.LayerNorm(), P.UnitNorm()],
    ids=lambda op: op.name,
)
@pytest.mark.parametrize("shape", [(9, 61, 63, 12), (33, 40, 41, 3), (40001, 6), (30, 9, 9, 96)], ids=str)
def test_same_bits_for_any_number_of_threads(op, shape, variant, set_num_threads, rng):
    x, dy = normal(rng, shape, shape)
    count = {"layer_norm": 2, "unit_norm": 0, "group_norm": 2}.get(op.name, 4)
    params = [rng.random(shape[-1]).astype(np.float32) for _ in range(count)]

    def result():
        copies = [p.copy() for p in params]
        y, backprop = op(x, *copies)
        return [a.tobytes() for a in (y, *backprop(dy), *copies) if a is not None]

    set_num_threads(1)
    alone = result()
    for threads in (2, 3, 5):
        set_num_threads(threads)
        assert result() == alone


# ---- what does not fit, and the functions


@pytest.mark.parametrize("op", [P.BatchNorm(), P.Normalize(), P.GroupNorm(1), P.LayerNorm()], ids=lambda op: op.name)
def test_parameters_must_fit(op):
    with pytest.raises(ValueError, match=r"\(3,\) do not fit inputs of shape \(2, 4\)"):
        op.output_shape((2, 4), (3,), (4,))


def test_groups_must_fit():
    with pytest.raises(ValueError, match="divisible"):
        P.GroupNorm(3).output_shape((2, 4))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [[0], 0, (1,), [0, 1, 2], [-1], [2, 0], [0, 1, 2, 3], [3, 1]], ids=str)
def test_moments_function(axes, keepdims, rng):
    x = rng.standard_normal((3, 4, 2, 5))
    (mean, variance), backprop = ops.vjp(ops.moments, x, axes, keepdims=keepdims)
    places = tuple(axes) if np.iterable(axes) else (axes,)
    np.testing.assert_allclose(mean, x.mean(places, keepdims=keepdims), atol=1e-14, strict=True)
    np.testing.assert_allclose(variance, x.var(places, keepdims=keepdims), atol=1e-14, strict=True)
    gradients = rng.standard_normal(mean.shape), rng.standard_normal(mean.shape)
    kept = np.mean(x, places, keepdims=True).shape
    expected = reference.moments_backward(x, places, *(g.reshape(kept) for g in gradients))
    np.testing.assert_allclose(backprop(gradients)[0], expected, atol=1e-13, strict=True)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -3])
def test_batch_normalization_function(axis, rng):
    x = rng.standard_normal((3, 4, 2, 5))
    n = x.shape[axis]
    mean, offset, scale, variance = *rng.standard_normal((3, n)), rng.random(n)
    arguments = {"mean": mean, "variance": variance, "offset": offset, "scale": scale}
    y, backprop = ops.vjp(ops.batch_normalization, x, axis=axis, **arguments)
    turned = np.moveaxis(x, axis, -1)
    expected = reference.normalize(turned, mean, variance, scale, offset)
    np.testing.assert_allclose(np.moveaxis(y, axis, -1), expected, atol=1e-13)
    dy = rng.standard_normal(x.shape)
    dx, dscale, doffset, *rest = reference.normalize_backward(turned, mean, variance, scale, np.moveaxis(dy, axis, -1))
    expected = (np.moveaxis(dx, -1, axis), *rest, doffset, dscale)
    for actual, right in zip(backprop(dy), expected, strict=True):
        np.testing.assert_allclose(actual, right, atol=1e-12, strict=True)
    assert len(ops.vjp(ops.batch_normalization, x, mean, variance, axis)[1](dy)) == 3
