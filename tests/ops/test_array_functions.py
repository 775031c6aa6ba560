"""Functions on arrays: NumPy's values and types, gradients against differences, and the same in a graph."""

import numpy as np
import pytest

from fastconv import ops
from fastconv.ops.rules import BINARY, REDUCTIONS, RULES, UNARY
from fastconv.ops.symbolic import Graph, KerasTensor
from fastconv.testing import check_gradients

NUMPY = {
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "stop_gradient": lambda x: x,
    "logsumexp": lambda x, axis=None, keepdims=False: np.log(np.exp(x).sum(axis=axis, keepdims=keepdims)),
    "round": np.rint,
}


def definition(name):
    return NUMPY.get(name) or getattr(np, name)


def run(function, *arrays):
    """Return what a function that is traced makes of arrays."""
    graph = Graph(function, [KerasTensor((None, *a.shape[1:]), a.dtype.name) for a in arrays], "test")
    shapes = [y.shape for y in graph.outputs]
    found = [y.array for y in graph.run(arrays)[2]]
    for shape, y in zip(shapes, found, strict=True):
        assert len(shape) == y.ndim and all(n in (None, m) for n, m in zip(shape, y.shape, strict=True))
    return found[0] if graph.is_single else found


def agrees(function, reference, *arrays):
    """Assert that a function is its definition, at once and traced."""
    expected = np.asarray(reference(*arrays))
    eager = function(*arrays)
    assert eager.dtype == expected.dtype
    np.testing.assert_allclose(eager, expected, rtol=1e-12, strict=True)
    np.testing.assert_allclose(run(function, *arrays), expected.astype(float), rtol=1e-12)


@pytest.mark.parametrize("name", UNARY)
def test_unary(name, rng):
    x = rng.uniform(0.2, 3, (3, 4))
    agrees(getattr(ops, name), definition(name), x)
    if RULES[name].backward:
        assert check_gradients(getattr(ops, name), x) < 1e-7
    else:
        np.testing.assert_array_equal(ops.vjp(getattr(ops, name), x)[1](x)[0], np.zeros((3, 4)))


@pytest.mark.parametrize("shapes", [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1, 4), (3, 2, 1)), ((3, 4), ())], ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, shapes, rng):
    a, b = (rng.uniform(0.3, 3, shape) for shape in shapes)
    expected = definition(name)(a, b)
    np.testing.assert_array_equal(getattr(ops, name)(a, b), expected, strict=True)
    if shapes[1][:1] == shapes[0][:1]:
        np.testing.assert_array_equal(run(getattr(ops, name), a, b), expected)
    if RULES[name].backward:
        assert check_gradients(getattr(ops, name), [a, b]) < 1e-6


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (1,)], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", [*REDUCTIONS, "std"])
def test_reductions(name, axis, keepdims, rng):
    x = rng.standard_normal((3, 4, 2))

    def function(x):
        return getattr(ops, name)(x, axis=axis, keepdims=keepdims)

    agrees(function, lambda x: definition(name)(x, axis=axis, keepdims=keepdims), x)
    assert check_gradients(function, x) < 1e-6


def test_ties_share_the_gradient():
    assert ops.vjp(ops.max, [1.0, 3.0, 3.0])[1](1.0)[0].tolist() == [0, 0.5, 0.5]
    assert [g.tolist() for g in ops.vjp(ops.maximum, [1.0, 2.0], [1.0, 5.0])[1]([1.0, 1.0])] == [[0.5, 0], [0.5, 1]]


MOVES = {
    "reshape": (lambda x: ops.reshape(x, (-1, 8)), lambda x: x.reshape(-1, 8)),
    "reshape-batch": (lambda x: ops.reshape(x, (6, -1)), lambda x: x.reshape(6, -1)),
    "reshape-none": (lambda x: ops.reshape(x, (None, 2, 4)), lambda x: x.reshape(-1, 2, 4)),
    "transpose": (lambda x: ops.transpose(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1)),
    "transpose-all": (ops.transpose, np.transpose),
    "swapaxes": (lambda x: ops.swapaxes(x, 1, -1), lambda x: x.swapaxes(1, -1)),
    "moveaxis": (lambda x: ops.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "expand": (lambda x: ops.expand_dims(x, (0, -1)), lambda x: np.expand_dims(x, (0, -1))),
    "squeeze": (lambda x: ops.squeeze(x[:, :1], 1), lambda x: x[:, 0]),
    "flip": (lambda x: ops.flip(x, 1), lambda x: np.flip(x, 1)),
    "flip-all": (ops.flip, np.flip),
    "slice": (lambda x: x[..., 1:] - x[..., :-1], lambda x: np.diff(x)),
    "pick": (lambda x: x[:, [0, 2, 0]], lambda x: x[:, [0, 2, 0]]),
    "pad": (lambda x: ops.pad(x, [(0, 0), (1, 2), (0, 1)]), lambda x: np.pad(x, [(0, 0), (1, 2), (0, 1)])),
    "concatenate": (lambda x: ops.concatenate([x, 2 * x], -1), lambda x: np.concatenate([x, 2 * x], -1)),
    "stack": (lambda x: ops.stack([x, -x], 1), lambda x: np.stack([x, -x], 1)),
    "split": (lambda x: ops.split(x, 2, -1)[1] * ops.split(x, [1], 1)[0][..., :2], lambda x: x[..., 2:] * x[:, :1, :2]),
    "where": (lambda x: ops.where(x > 0, x, 3 * x), lambda x: np.where(x > 0, x, 3 * x)),
    "clip": (lambda x: ops.clip(x, -0.5, 0.5), lambda x: np.clip(x, -0.5, 0.5)),
    "power": (lambda x: x**2 + abs(x) ** 1.5 + 2**x, lambda x: x**2 + abs(x) ** 1.5 + 2**x),
    "reflected": (lambda x: 1 - x / 2 + 2 / (3 + abs(x)), lambda x: 1 - x / 2 + 2 / (3 + abs(x))),
    "methods": (
        lambda x: x.mean(axis=-1).reshape(-1, 3).T @ x.sum(axis=1),
        lambda x: x.mean(axis=-1).reshape(-1, 3).T @ x.sum(axis=1),
    ),
}


@pytest.mark.parametrize("name", MOVES)
def test_moves(name, rng):
    function, reference = MOVES[name]
    x = rng.standard_normal((4, 3, 4))
    np.testing.assert_allclose(run(function, x), reference(x), rtol=1e-12)
    np.testing.assert_allclose(function(x), reference(x), rtol=1e-12)
    assert check_gradients(function, x) < 1e-6


@pytest.mark.parametrize("shapes", [((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 3, 4), (2, 4, 5)), ((3, 4), (2, 4, 1))])
def test_matmul(shapes, rng):
    a, b = (rng.standard_normal(shape) for shape in shapes)
    np.testing.assert_allclose(ops.matmul(a, b), a @ b, rtol=1e-12)
    assert check_gradients(ops.matmul, [a, b]) < 1e-7


def test_types():
    assert ops.add([1, 2], 3).dtype.kind == "i" and ops.add([1.0], 2).dtype == np.float32
    assert ops.mean([1, 2]).dtype == np.float32 and ops.add(np.ones(2), 1).dtype == np.float64
    assert ops.greater([1.0], 0.5).dtype == bool and ops.cast([1.7], "int32").tolist() == [1]
    assert ops.shape(np.ones((2, 3))) == (2, 3) and ops.convert_to_numpy([1]).tolist() == [1]
    assert ops.argmax([[1.0, 3.0]], axis=-1).tolist() == [1] and ops.argmin([3, 1]) == 1
    assert ops.zeros_like([1.0, 2.0]).tolist() == [0, 0] and ops.ones((2,)).tolist() == [1, 1]


X = KerasTensor((None, 3), name="x")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))), ValueError, "ops.matmul: .*2, 3.* cannot be multiplied"),
        (lambda: ops.reshape(np.ones(4), (3, -1)), ValueError, "ops.reshape"),
        (lambda: ops.reshape(np.ones(4), (-1, -1)), ValueError, "newshape"),
        (lambda: ops.sum(np.ones((2, 2)), axis=2), ValueError, "ops.sum: axis=2 is not an axis"),
        (lambda: ops.sum(np.ones((2, 2)), axis=(0, 0)), ValueError, "twice"),
        (lambda: ops.concatenate([np.ones((2, 2)), np.ones(2)]), ValueError, "ops.concatenate: .*cannot be joined"),
        (lambda: ops.squeeze(np.ones((2, 2)), 0), ValueError, "ops.squeeze"),
        (lambda: ops.split(np.ones(3), 2), ValueError, "no 2 equal parts"),
        (lambda: ops.pad(np.ones(3), [(1, 1)], "reflect"), NotImplementedError, "mode='reflect'"),
        (lambda: ops.add("a", 1), TypeError, "ops.add: x1 has dtype"),
        (lambda: X + np.ones((5, 4)), ValueError, r"ops.add: cannot be applied to the shapes \(None, 3\), \(5, 4\)"),
        (lambda: np.linalg.norm(X), TypeError, "np.norm does not work on a symbolic tensor.*fastconv.ops"),
        (lambda: np.asarray(X), TypeError, "cannot become an array.*Lambda"),
        (lambda: np.add.reduce(X), TypeError, "np.add.reduce does not work"),
        (lambda: bool(X > 0), TypeError, "neither true nor false; use ops.where"),
        (lambda: float(X), TypeError, "no number"),
        (lambda: list(X), TypeError, "cannot be iterated over"),
        (lambda: len(X), TypeError, r"ops.shape"),
        (lambda: X[X > 0], TypeError, "an index is a symbolic tensor"),
        (lambda: ops.softmax(X, axis=3), ValueError, "ops.softmax: axis=3"),
        (lambda: KerasTensor((2,), sparse=True), NotImplementedError, "sparse=True"),
    ],
)
def test_wrong_calls(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_numpy_functions_that_have_a_namesake_work(rng):
    x = rng.uniform(0.5, 1, (4, 3))
    np.testing.assert_allclose(
        run(lambda x: np.exp(x) + np.mean(np.sqrt(x), axis=-1, keepdims=True) * np.ones(3), x),
        np.exp(x) + np.mean(np.sqrt(x), axis=-1, keepdims=True),
    )


IMAGE_OPS = {
    "conv": lambda x: ops.conv(x, np.ones((2, 2, 3, 2)), padding="same", strides=2),
    "conv-first": lambda x: ops.conv(x, np.ones((2, 2, 4, 2)), data_format="channels_first"),
    "depthwise": lambda x: ops.depthwise_conv(x, np.ones((2, 2, 3, 2))),
    "separable": lambda x: ops.separable_conv(x, np.ones((2, 2, 3, 1)), np.ones((1, 1, 3, 2))),
    "max_pool": lambda x: ops.max_pool(x, 2),
    "average_pool": lambda x: ops.average_pool(x, 2, 1, "same"),
    "moments": lambda x: ops.moments(x, [0, 1], keepdims=True)[1] + x,
    "batch_normalization": lambda x: ops.batch_normalization(
        x, np.zeros(3), np.ones(3), -1, scale=np.full(3, 2.0), offset=np.ones(3)
    ),
    "softmax": lambda x: ops.softmax(x, axis=1),
    "glu": lambda x: ops.glu(x, axis=1),
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "leaky_relu": lambda x: ops.leaky_relu(x, negative_slope=0.5),
}


@pytest.mark.parametrize("name", IMAGE_OPS)
def test_other_ops_are_the_same_in_a_graph(name, rng):
    x = rng.standard_normal((2, 4, 5, 3))
    np.testing.assert_allclose(run(IMAGE_OPS[name], x), IMAGE_OPS[name](x), rtol=1e-10, atol=1e-12)
    assert check_gradients(IMAGE_OPS[name], x) < 1e-6


# ---- arguments that Keras's functions have beyond NumPy's ----


def test_one_more_number_takes_part_in_extremes():
    x = np.array([[1.0, 5.0], [2.0, 3.0]], "float32")
    assert ops.max(x, axis=1, initial=4.0).tolist() == [5, 4]
    assert ops.min(x, initial=0.5) == 0.5 and ops.min(x, axis=0, keepdims=True, initial=9).tolist() == [[1, 3]]
    (dx,) = ops.vjp(lambda a: ops.max(a, axis=1, initial=4.0), x)[1](np.ones(2, "float32"))
    assert dx.tolist() == [[0, 1], [0, 0]]


def test_rounding_to_digits():
    assert ops.round([1.25, -2.5, 3.75], 1).tolist() == np.round(np.float32([1.25, -2.5, 3.75]), 1).tolist()
    assert ops.round([149.0, 151.0], -2).tolist() == [100, 200]
    with pytest.raises(ValueError, match="ops.round: decimals=1.5"):
        ops.round([1.0], 1.5)


def test_widths_of_padding_for_all_axes():
    x = np.ones((2, 3), "float32")
    assert ops.pad(x, 1).shape == (4, 5) and ops.pad(x, 1).sum() == 6
    assert ops.pad(x, ((2, 0),)).shape == (4, 5)
    assert ops.pad(x, 1, constant_values=2.0).sum() == 6 + 2 * 14


def test_where_needs_both_sides():
    with pytest.raises(NotImplementedError, match="numpy.nonzero"):
        ops.where([True, False])
