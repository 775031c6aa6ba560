"""The table of fusions: every row against its own left side, what must not be fused, and whole networks."""

from itertools import pairwise

import numpy as np
import pytest

from fastconv import config
from fastconv import layers as L
from fastconv.layers.variable import Variable
from fastconv.ops import loss
from fastconv.ops import primitives as P
from fastconv.plan.fusion import FINISHES, FUSIONS, finish, fuse, sink_activations, sink_swaps
from fastconv.plan.lowering import Step, Trace
from tests.cases import CONV_CASES, DENSE_CASES, DEPTHWISE_CASES, FUSED_POOL_CASES, POOL_CASES, integers
from tests.plan.networks import assert_same_bits, make_plan, step

# ---- chains of ops


def record(ops, x_shape, rng):
    """Return the steps of a chain of ops; where shapes of weights are given, they are whole numbers."""
    trace, value = Trace(x_shape[1:], training=True), 0
    trace.shapes[0] = x_shape  # a parameter may be as large as the batch
    for op, param_shapes in ops:
        params = [
            shape if shape is None else Variable(shape if isinstance(shape, np.ndarray) else integers(rng, shape))
            for shape in param_shapes
        ]
        value = trace.add(op, value, *params)
    return trace.steps


def run(steps, x):
    """Run every step by itself; return all values by number and the ways back."""
    values, back = {0: x}, []
    for each in steps:
        arrays = [None if v is None else v.array for v in each.variables]
        values[each.y], backprop = each.op(values[each.x], *arrays)
        back.append(backprop)
    return values, back


def differentiate(steps, x, dy_of):
    """Return y, dx and the gradients of all weights of a chain."""
    values, back = run(steps, x)
    y = values[steps[-1].y] if steps else x
    gradient, grads = dy_of(y.shape), []
    for backprop in reversed(back):
        gradient, *dparams = backprop(gradient)
        grads = dparams + grads
    return [y, gradient, *(g for g in grads if g is not None)]


def kinds(steps):
    """Return the types of the ops."""
    return [type(each.op) for each in steps]


# ---- rows whose ops run alone: pattern -> [(name, ops with the shapes of their weights, shape of x)]


def is_tiled(case):
    """Tell whether windows lie apart and inside of the image, and a byte can number their cells."""
    strides = case.pool_strides or case.pool_size
    apart = all(stride >= size for stride, size in zip(strides, case.pool_size, strict=True))
    return apart and case.pool_padding == "valid" and np.prod(case.pool_size) < 255


def conv_weights(case, bias=True):
    return [case.filters_shape, (case.filters,) if bias else None]


def convolved(case):
    """Return the shape of what a convolution makes."""
    return P.Conv2D(**case.settings).output_shape(case.images, case.filters_shape)


def pooled(case, order, bias=True):
    """Return a convolution with relu and pool behind it, in an order."""
    behind = {"relu": (P.Relu(), []), "pool": (P.MaxPool2D(**case.pool_settings), [])}
    conv = (P.Conv2D(**case.conv.settings), conv_weights(case.conv, bias))
    return (str(case), [conv, *(behind[name] for name in order)], case.conv.images)


def pooled_sequences(order):
    """Return convolutions of sequences with relu and pool behind them, in an order; one batch is empty."""
    for i, (x_shape, w_shape, settings, size, strides) in enumerate(SEQUENCES):
        behind = {"relu": (P.Relu(), []), "pool": (P.MaxPool1D(size, strides), [])}
        conv = (P.Conv1D(**settings), [w_shape, (w_shape[-1],) if i % 3 else None])
        yield (f"{x_shape}-{w_shape}-{size}", [conv, *(behind[name] for name in order)], x_shape)


def is_small(case):
    """Tell whether a byte has a bit for each cell of a window."""
    return np.prod(case.pool_size) <= 8


def conv_means(case, relu=True, bias=True):
    """Return a convolution with an average pool behind it, and a relu between them; 60 is a multiple of all counts."""
    conv = (P.Conv2D(**case.conv.settings), conv_weights(case.conv, bias))
    relu = [(P.Relu(), [])] if relu else []
    return (str(case), [conv, *relu, (P.AveragePool2D(**case.pool_settings), [])], case.conv.images)


def sequences_behind(pool, relu):
    """Return convolutions of sequences with small pools behind them; one batch is empty."""
    for i, (x_shape, w_shape, settings, size, strides) in enumerate(SEQUENCES):
        if size[0] <= 8:
            conv = (P.Conv1D(**settings), [w_shape, (w_shape[-1],) if i % 3 else None])
            ops = [conv, *([(P.Relu(), [])] if relu else []), (pool(size, strides), [])]
            yield (f"{x_shape}-{w_shape}-{size}", ops, x_shape)


def activated(name, op, weights, x_shape, activation):
    return (name, [(op, weights), (activation, [])], x_shape)


def with_relu(name, op, weights, x_shape):
    return activated(name, op, weights, x_shape, P.Relu())


RELUS = [P.Relu(), P.Relu(6.0), P.Relu(2.0, 0.25), P.Relu(negative_slope=0.5)]
SMOOTH = [P.Elementwise(name) for name in ("silu", "gelu", "hard_silu", "tanh")] + [P.Elementwise("elu", alpha=0.5)]


def without_groups(case):
    """Return the settings of a convolution whose groups are its channels."""
    return {name: value for name, value in case.settings.items() if name != "groups"}


def norm_weights(channels, affine=True):
    """Return gamma, beta, mean and variance."""
    rng = np.random.default_rng(channels)
    gamma, beta, mean = rng.standard_normal((3, channels)).astype(np.float32)
    return [gamma if affine else None, beta if affine else None, mean, rng.random(channels).astype(np.float32)]


NORMED = [(3, 4, 5, c) for c in (1, 3, 8, 16, 17, 64, 65)] + [(2, 5), (33, 16), (0, 2, 2, 3), (1, 70, 80, 16)]
TILED = [case for case in FUSED_POOL_CASES if is_tiled(case)]
SEQUENCES = [
    ((2, 9, 4), (3, 4, 17), {"padding": "causal"}, (2,), None),
    ((1, 1, 1), (1, 1, 1), {}, (1,), None),
    ((3, 50, 16), (5, 16, 64), {"padding": "same"}, (3,), (4,)),
    ((2, 40, 1), (9, 1, 33), {"strides": (4,)}, (2,), None),
    ((2, 30, 6), (3, 3, 8), {"groups": 2, "dilation": (3,)}, (4,), None),
    ((9, 24, 64), (3, 64, 40), {}, (22,), None),
    ((0, 9, 4), (3, 4, 5), {}, (2,), None),
]
SWAPPED = [(2, 3, 4, 5), (1, 1, 1, 1), (3, 1, 7, 2), (2, 33, 5, 17), (2, 3, 4), (0, 3, 4, 5), (2, 3, 2, 4, 5)]

MERGED = [(shape, shape) for shape in NORMED] + [((2, 3, 4, 17), (17,)), ((2, 3, 4, 5), (2, 1, 1, 5)), ((2, 5), (1,))]
SMALL = [case for case in TILED if is_small(case)]
POOLED_PLAIN = [case for case in POOL_CASES if isinstance(case.padding, str)]
APART = [case for case in POOLED_PLAIN if all(np.greater_equal(case.strides or case.pool_size, case.pool_size))]
# with small whole numbers and these activations nothing is rounded, but by division by a count
EXACT = ["hard_tanh", "hard_shrink", "soft_shrink"]

CHAINS = {
    (P.Conv2D, P.Relu, P.MaxPool2D): [pooled(c, ("relu", "pool"), bias=i % 5 > 0) for i, c in enumerate(TILED)],
    (P.Conv2D, P.MaxPool2D, P.Relu): [pooled(c, ("pool", "relu"), bias=i % 5 > 1) for i, c in enumerate(TILED)],
    (P.Conv1D, P.Relu, P.MaxPool1D): list(pooled_sequences(("relu", "pool"))),
    (P.Conv1D, P.MaxPool1D, P.Relu): list(pooled_sequences(("pool", "relu"))),
    (P.Conv2D, P.Relu, P.AveragePool2D): [conv_means(c, bias=i % 5 > 0) for i, c in enumerate(SMALL)],
    (P.Conv1D, P.Relu, P.AveragePool1D): list(sequences_behind(P.AveragePool1D, relu=True)),
    (P.Conv2D, P.AveragePool2D): [conv_means(c, False, i % 5 > 0) for i, c in enumerate(SMALL)],
    (P.Conv1D, P.AveragePool1D): list(sequences_behind(P.AveragePool1D, relu=False)),
    (P.Conv2D, P.MaxPool2D): [pooled(c, ("pool",), bias=i % 5 > 0) for i, c in enumerate(SMALL)],
    (P.Conv1D, P.MaxPool1D): list(sequences_behind(P.MaxPool1D, relu=False)),
    (P.Elementwise, P.AveragePool2D): [
        (f"{function}-{c}", [(P.Elementwise(function), []), (P.AveragePool2D(**c.settings), [])], c.images)
        for i, c in enumerate(APART)
        for function in (EXACT[i % 3], "tanh")
        if np.prod(c.pool_size) <= 16
    ],
    (P.BatchNorm, P.MaxPool2D): [
        (
            f"{c}-{relu}",
            [
                (P.BatchNorm(behind=("relu",) if relu else None), norm_weights(c.images[3], i % 3 > 0)),
                (P.MaxPool2D(**c.settings), []),
            ],
            c.images,
        )
        for i, c in enumerate(POOLED_PLAIN)
        for relu in (True, False)
        if np.prod(c.pool_size) <= 254
    ],
    (P.Conv2D, P.Relu): [
        with_relu(str(c), P.Conv2D(**c.settings), conv_weights(c, i % 5 > 0), c.images)
        for i, c in enumerate(CONV_CASES)
    ],
    (P.DepthwiseConv2D, P.Relu): [
        with_relu(str(c), P.DepthwiseConv2D(**without_groups(c)), conv_weights(c, i % 5 > 0), c.images)
        for i, c in enumerate(DEPTHWISE_CASES)
    ],
    (P.Dense, P.Relu): [
        with_relu(str(c), P.Dense(), [(c.inputs, c.units), (c.units,) if i % 3 else None], (c.samples, c.inputs))
        for i, c in enumerate(DENSE_CASES)
    ]
    + [with_relu("images", P.Dense(), [(5, 9), (9,)], (2, 3, 4, 5))],
    **{
        (type(op), P.Relu): [with_relu(f"{op.name}-{b}", op, [w, b], x) for b in (None, w[axis : axis + 1 or None])]
        for op, w, x, axis in (
            (P.Conv1D(padding="causal"), (3, 4, 17), (2, 9, 4), -1),
            (P.Conv3D((1, 2, 1), "same"), (2, 3, 3, 4, 17), (2, 3, 5, 4, 4), -1),
            (P.ConvTranspose1D((2,)), (3, 17, 4), (2, 9, 4), -2),
            (P.ConvTranspose2D((2, 3), "same"), (3, 2, 5, 4), (2, 3, 5, 4), -2),
            (P.ConvTranspose3D((2, 1, 2)), (3, 2, 1, 5, 4), (2, 3, 5, 4, 4), -2),
        )
    },
    (P.DepthwiseConv1D, P.Relu): [
        with_relu(f"depthwise-{b}", P.DepthwiseConv1D(padding="same"), [(3, 4, 2), b], (2, 9, 4)) for b in (None, (8,))
    ],
    (P.DepthwiseConv3D, P.Relu): [
        with_relu(f"depthwise-{b}", P.DepthwiseConv3D(padding="same"), [(3, 2, 3, 4, 2), b], (2, 3, 4, 5, 4))
        for b in (None, (8,))
    ],
    **{
        (norm, type(activations[0])): [
            activated(f"{shape}-{act.name}", norm(), norm_weights(shape[-1], i % 3 > 0), shape, act)
            for act in activations
            for i, shape in enumerate(NORMED)
        ]
        for norm in (P.BatchNorm, P.Normalize)
        for activations in (RELUS, SMOOTH)
    },
    (P.Merge, P.Relu): [with_relu(f"{shape}-{other}", P.Merge("add"), [other], shape) for shape, other in MERGED],
    (P.Sum, P.Relu): [with_relu(str(shape), P.Sum(), [shape], shape) for shape in NORMED],
    (P.Conv2D, P.Sum): [
        (str(c), [(P.Conv2D(**c.settings), conv_weights(c, i % 5 > 0)), (P.Sum(), [convolved(c)])], c.images)
        for i, c in enumerate(CONV_CASES)
    ],
    (P.Conv2DAdd, P.Relu): [
        with_relu(str(c), P.Conv2DAdd(**c.settings), [*conv_weights(c, i % 5 > 0), convolved(c)], c.images)
        for i, c in enumerate(CONV_CASES)
    ],
    (P.SwapAxes, P.SwapAxes): [
        (f"{way}-{shape}", [(P.SwapAxes(way), []), (P.SwapAxes(back), [])], shape)
        for shape in SWAPPED
        for way, back in (("last", "first"), ("first", "last"))
    ],
}
ROWS = [pytest.param(row, *case, id=f"{i}-{case[0]}") for i, row in enumerate(CHAINS) for case in CHAINS[row]]
FEW = [pytest.param(row, *cases[0], id=str(i)) for i, (row, cases) in enumerate(CHAINS.items())]
ROUNDED = {(P.BatchNorm, P.MaxPool2D)}  # sums over winners alone, so in another order
ENTROPY = (P.Softmax, loss.CrossEntropy)  # a loss does not run alone: see below


def test_every_row_of_the_table_is_tested():
    assert {row.pattern for row in FUSIONS} == {*CHAINS, ENTROPY}


def test_longer_rows_come_first():
    lengths = [len(row.pattern) for row in FUSIONS]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(("row", "name", "ops", "x_shape"), ROWS)
def test_a_row_is_its_left_side(row, name, ops, x_shape, variant, rng):
    steps = record(ops, x_shape, rng)
    assert tuple(kinds(steps)) == row
    fused = fuse(steps)
    assert len(fused) == (0 if row == (P.SwapAxes, P.SwapAxes) else 1)
    x = integers(rng, x_shape)
    draw = {}

    def dy_of(shape):
        return draw.setdefault(shape, integers(rng, shape))

    expected = differentiate(steps, x, dy_of)
    actual = differentiate(fused, x, dy_of)
    for label, right, value in zip(["y", "dx", "dw", "db"], expected, actual, strict=False):
        if row in ROUNDED or (label != "y" and row[1] is P.Elementwise):  # products with slopes: fused multiply-adds
            atol = 1e-5 * max(1, np.abs(right).max(initial=0))
            np.testing.assert_allclose(value, right, 1e-5, atol, err_msg=label, strict=True)
        else:
            np.testing.assert_array_equal(value, right, err_msg=label, strict=True)
    assert len(actual) == len(expected)


@pytest.mark.parametrize(("row", "name", "ops", "x_shape"), FEW)
def test_a_fused_step_stands_where_its_parts_stood(row, name, ops, x_shape, rng):
    steps = [each._replace(layers=(f"layer{i // 2}",)) for i, each in enumerate(record(ops, x_shape, rng))]
    fused = fuse(steps)
    if fused:
        (one,) = fused
        assert (one.x, one.y) == (steps[0].x, steps[-1].y)
        assert one.variables == tuple(v for each in steps for v in each.variables)
        assert one.layers == tuple(dict.fromkeys(each.layers[0] for each in steps))
    assert len(steps) == len(row), "the list that was given is left alone"


# ---- rows of inference: an activation as the last thing that an op does

FINISHED = {
    P.Conv2D: [(P.Conv2D(**c.settings), conv_weights(c, i % 5 > 0), c.images) for i, c in enumerate(CONV_CASES)],
    P.Conv2DAdd: [
        (P.Conv2DAdd(**c.settings), [*conv_weights(c, i % 5 > 0), convolved(c)], c.images)
        for i, c in enumerate(CONV_CASES)
    ],
    P.DepthwiseConv2D: [
        (P.DepthwiseConv2D(**without_groups(c)), [c.filters_shape, (c.filters,)], c.images) for c in DEPTHWISE_CASES
    ],
    P.Dense: [(P.Dense(), [(c.inputs, c.units), (c.units,)], (c.samples, c.inputs)) for c in DENSE_CASES],
    P.Conv1D: [(P.Conv1D(padding="causal"), [(3, 4, 17), (17,)], (2, 9, 4))],
    P.Conv3D: [(P.Conv3D((1, 2, 1), "same"), [(2, 3, 3, 4, 17), (17,)], (2, 3, 5, 4, 4))],
    P.DepthwiseConv1D: [(P.DepthwiseConv1D(padding="same"), [(3, 4, 2), (8,)], (2, 9, 4))],
    P.DepthwiseConv3D: [(P.DepthwiseConv3D(padding="same"), [(3, 2, 3, 4, 2), None], (2, 3, 4, 5, 4))],
}


def test_every_row_of_inference_is_tested():
    assert {row.pattern for row in FINISHES} == {(op, act) for op in FINISHED for act in (P.Relu, P.Elementwise)}


@pytest.mark.parametrize("act", [*RELUS[1:], *SMOOTH], ids=repr)
@pytest.mark.parametrize("kind", FINISHED, ids=lambda kind: kind.name)
def test_a_finished_step_is_its_left_side(kind, act, variant, rng):
    """Bit for bit, wherever the activation is applied."""
    for op, weights, x_shape in FINISHED[kind]:
        steps = record([(op, weights), (act, [])], x_shape, rng)
        (one,) = finish(steps)
        assert one.op.op is op and one.op.name == f"{op.name}_{act.behind[0]}"
        x = integers(rng, x_shape)
        params = [None if v is None else v.array for v in steps[0].variables]
        right = act(op(x, *params)[0])[0]
        np.testing.assert_array_equal(one.op(x, *params)[0], right, err_msg=repr(op), strict=True)


def test_what_stays_two_steps_of_inference(rng):
    """A relu behind the op already, a threshold that no kernel knows, and products of bfloat16."""
    weights, shape = [(3, 3, 2, 5), None], (2, 6, 7, 2)
    for op, act, narrow in (
        (P.Conv2D(relu=True), P.Relu(6.0), False),
        (P.Conv2D(), P.Relu(threshold=0.5), False),
        (P.Conv2D(), P.Relu(6.0), True),
    ):
        steps = [each._replace(narrow=narrow) for each in record([(op, weights), (act, [])], shape, rng)]
        assert kinds(finish(steps)) == [P.Conv2D, P.Relu]
    steps = record([(P.BatchNorm(behind=("relu",)), norm_weights(2)), (P.Relu(6.0), [])], shape, rng)
    assert kinds(fuse(steps)) == [P.BatchNorm, P.Relu]
    steps = record([(P.BatchNorm(behind=("silu",)), norm_weights(2)), (P.MaxPool2D((2, 2)), [])], shape, rng)
    assert kinds(fuse(steps)) == [P.BatchNorm, P.MaxPool2D]


def test_training_finishes_nothing(rng):
    layers = [L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(6.0), L.Conv2D(4, 1, activation="silu")]
    plan = make_plan(layers, (9, 8, 3))
    assert [each.op.name for each in plan.steps] == ["conv2d_cut_relu", "conv2d_silu"]
    training = plan.steps_of("train")[0]
    assert [each.op.name for each in training] == ["conv2d", "batch_norm_cut_relu", "conv2d", "silu"]


# ---- what must not be swallowed


def inner_values():
    """Return (row, ..., which value) for every value that a fusion would swallow."""
    for i, (row, cases) in enumerate(CHAINS.items()):
        for inner in range(len(row) - 1):
            yield pytest.param(*cases[0], inner, id=f"{i}-value-{inner}")


def assert_all_there(steps, fused, wanted, x):
    """Assert that fused steps still write the wanted values, and the right ones."""
    assert wanted <= {each.y for each in fused}
    expected, actual = run(steps, x)[0], run(fused, x)[0]
    for value in wanted:
        np.testing.assert_array_equal(actual[value], expected[value], strict=True)


@pytest.mark.parametrize(("name", "ops", "x_shape", "inner"), list(inner_values()))
def test_kept_values_stay(name, ops, x_shape, inner, rng):
    steps = record(ops, x_shape, rng)
    kept = {steps[inner].y}
    assert_all_there(steps, fuse(steps, kept), kept | {steps[-1].y}, integers(rng, x_shape))


@pytest.mark.parametrize(("name", "ops", "x_shape", "inner"), list(inner_values()))
def test_values_with_two_readers_stay(name, ops, x_shape, inner, rng):
    steps = record(ops, x_shape, rng)
    reader = Step(P.Relu(max_value=3.0), steps[inner].y, 99, (), ("other",))
    assert_all_there(
        [*steps, reader], fuse([*steps, reader]), {steps[inner].y, steps[-1].y, 99}, integers(rng, x_shape)
    )


@pytest.mark.parametrize(("row", "name", "ops", "x_shape"), FEW[:-1])
def test_the_last_value_of_a_run_may_be_kept(row, name, ops, x_shape, rng):
    steps = record(ops, x_shape, rng)
    fused = fuse(steps, kept={steps[-1].y})
    assert len(fused) == 1 and fused[0].y == steps[-1].y


def test_the_last_value_of_two_swaps_may_be_kept(rng):
    steps = record([(P.SwapAxes("last"), []), (P.SwapAxes("first"), [])], (2, 3, 4, 5), rng)
    assert steps[-1].y in {each.y for each in fuse(steps, kept={steps[-1].y})}


def test_all_readers_of_two_swaps_read_what_stood_before(rng):
    steps = record([(P.SwapAxes("last"), []), (P.SwapAxes("first"), [])], (2, 3, 4, 5), rng)
    readers = [Step(P.Relu(max_value=n), steps[-1].y, 90 + n, (), ("r",)) for n in (1, 2)]
    fused = fuse([*steps, *readers])
    assert [(each.x, each.y) for each in fused] == [(0, 91), (0, 92)]
    assert_all_there([*steps, *readers], fused, {91, 92}, integers(rng, (2, 3, 4, 5)))


def not_fusable():
    """Return (name, ops, shape of x, types that remain)."""
    conv = (P.Conv2D(), [(3, 3, 2, 4), (4,)])
    dense = (P.Dense(), [(5, 4), (4,)])
    relu, pool = (P.Relu(), []), (P.MaxPool2D((2, 2)), [])
    image, row = (2, 8, 9, 2), (3, 5)
    for settings in ({"max_value": 6.0}, {"negative_slope": 0.5}, {"threshold": 1.0}):
        other = (P.Relu(**settings), [])
        yield f"conv-{settings}", [conv, other], image, [P.Conv2D, P.Relu]
        yield f"dense-{settings}", [dense, other], row, [P.Dense, P.Relu]
        yield f"conv-{settings}-pool", [conv, other, pool], image, [P.Conv2D, P.Relu, P.MaxPool2D]
        yield f"conv-pool-{settings}", [conv, pool, other], image, [P.Conv2DReluMaxPool2D, P.Relu]
    yield "two-relus", [conv, relu, relu], image, [P.Conv2D, P.Relu]
    yield "dense-two-relus", [dense, relu, relu], row, [P.Dense, P.Relu]
    yield "relu-of-its-own", [(P.Conv2D(relu=True), conv[1]), relu, pool], image, [P.Conv2D, P.Relu, P.MaxPool2D]
    yield "average-of-nine", [conv, relu, (P.AveragePool2D((3, 3)), [])], image, [P.Conv2D, P.AveragePool2D]
    same = (P.AveragePool2D((2, 2), padding="same"), [])
    yield "average-same", [conv, relu, same], image, [P.Conv2D, P.AveragePool2D]
    yield "average-overlapping", [conv, (P.AveragePool2D((2, 2), (1, 1)), [])], image, [P.Conv2D, P.AveragePool2D]
    tanh = (P.Elementwise("tanh"), [])
    for other in (P.AveragePool2D((2, 2), (1, 1)), P.AveragePool2D((5, 5)), P.MaxPool2D((2, 2))):
        yield f"tanh-{other!r}", [tanh, (other, [])], image, [P.Elementwise, type(other)]
    large = (P.MaxPool2D((5, 5)), [])
    yield "large-pool-alone", [conv, large], (2, 9, 9, 2), [P.Conv2D, P.MaxPool2D]
    yield "relu-and-pool-alone", [(P.Conv2D(relu=True), conv[1]), pool], image, [P.Conv2D, P.MaxPool2D]
    yield "pool-first", [pool, conv, relu], image, [P.MaxPool2D, P.Conv2D]
    yield "tanh", [conv, (P.Elementwise("tanh"), [])], image, [P.Conv2D, P.Elementwise]
    yield "same-way", [(P.SwapAxes("last"), []), (P.SwapAxes("last"), [])], image, [P.SwapAxes, P.SwapAxes]
    other = (2, 6, 7, 4)
    yield "product", [conv, (P.Merge("multiply"), [other])], image, [P.Conv2D, P.Merge]
    yield "conv-relu-sum", [conv, relu, (P.Sum(), [other])], image, [P.Conv2D, P.Sum]
    yield "conv-channels", [conv, (P.Merge("add"), [(4,)])], image, [P.Conv2D, P.Merge]
    yield "product-relu", [(P.Merge("multiply"), [image]), relu], image, [P.Merge, P.Relu]
    yield "sum-two-relus", [(P.Merge("add"), [image]), relu, relu], image, [P.Merge, P.Relu]
    yield "nothing", [], image, []
    for case in FUSED_POOL_CASES:
        if not is_tiled(case):
            yield pooled(case, ("relu", "pool")) + ([P.Conv2D, P.MaxPool2D],)
            yield pooled(case, ("pool", "relu")) + ([P.Conv2D, P.MaxPool2D, P.Relu],)


@pytest.mark.parametrize(
    ("name", "ops", "x_shape", "left"), list(not_fusable()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_looks_alike_is_not_fused(name, ops, x_shape, left, rng):
    steps = record(ops, x_shape, rng)
    fused = fuse(steps)
    assert kinds(fused) == left
    wanted = {steps[-1].y} if steps else set()
    assert_all_there(steps, fused, wanted, integers(rng, x_shape))


def test_runs_that_only_meet_after_a_fusion(rng):
    weights = [(3, 3, 2, 4), (4,)]
    ops = [(P.Conv2D(), weights), (P.SwapAxes("first"), []), (P.SwapAxes("last"), []), (P.Relu(), [])]
    ops += [(P.SwapAxes("first"), []), (P.SwapAxes("last"), []), (P.MaxPool2D((2, 2)), [])]
    steps = record(ops, (2, 8, 9, 2), rng)
    fused = fuse(steps)
    assert kinds(fused) == [P.Conv2DReluMaxPool2D]
    assert_all_there(steps, fused, {steps[-1].y}, integers(rng, (2, 8, 9, 2)))


def test_several_runs_in_a_row(rng):
    block = [(P.Conv2D(padding="same"), [(3, 3, 2, 2), (2,)]), (P.Relu(), [])]
    pool = [(P.MaxPool2D((2, 2)), [])]
    steps = record(block + block + pool + block + pool + block, (1, 9, 8, 2), rng)
    assert kinds(fuse(steps)) == [P.Conv2D, P.Conv2DReluMaxPool2D, P.Conv2DReluMaxPool2D, P.Conv2D]


# ---- softmax and cross-entropy: predictions, losses and gradients, by way of a plan

ENTROPIES = [
    ("sparse", {"sparse": True}, (4,)),
    ("sparse-ignored", {"sparse": True, "ignored": 255}, (4,)),
    ("sparse-ignored-class", {"sparse": True, "ignored": 1}, (7,)),
    ("dense", {"sparse": False}, (4,)),
    ("dense-smooth", {"sparse": False, "smoothing": 0.2}, (9,)),
    ("pixels", {"sparse": True}, (2, 3, 5)),
    ("pixels-ignored", {"sparse": True, "ignored": 255}, (2, 3, 33)),
    ("two-classes", {"sparse": True}, (2,)),
    ("one-class", {"sparse": True}, (1,)),
]


def draw_targets(settings, shape, rng):
    """Return targets for predictions of a shape, batch first; some of them are ignored."""
    if not settings["sparse"]:
        targets = rng.random(shape)
        return targets / targets.sum(-1, keepdims=True)
    labels = rng.integers(0, shape[-1], shape[:-1])
    if settings.get("ignored", 0) >= shape[-1]:
        labels[rng.random(labels.shape) < 0.3] = settings["ignored"]
    return labels


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(("name", "settings", "shape"), ENTROPIES, ids=[name for name, *_ in ENTROPIES])
def test_softmax_and_cross_entropy(name, settings, shape, weighted, variant, rng):
    layers = [L.Dense(shape[-1], name="logits"), L.Softmax()]
    fused, plain = (
        make_plan(layers, (*shape[:-1], 3), loss.CrossEntropy(**settings), fused=fused) for fused in (True, False)
    )
    assert [type(each.op) for each in fused.steps_of("train")[0]] == [P.Dense]
    assert type(fused.steps_of("train")[1][0].op) is loss.SoftmaxCrossEntropy
    assert [type(each.op) for each in plain.steps_of("train")[0]] == [P.Dense, P.Softmax]
    x = rng.standard_normal((6, *shape[:-1], 3)).astype(np.float32)
    targets = draw_targets(settings, (6, *shape), rng)
    more = {"weights": rng.random(6) * 2 if weighted else None, "scale": 0.25}
    for mode in ("test", "train"):
        one, two = (step(plan, x, targets, mode=mode, **more) for plan in (fused, plain))
        np.testing.assert_allclose(one.predictions, two.predictions, rtol=1e-6)
        np.testing.assert_allclose(one.losses, two.losses, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(one.total, two.total, rtol=2e-5, atol=1e-6)
        for a, b in zip(one.gradients, two.gradients, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_softmax_and_cross_entropy_with_a_negative_ignored_class(rng):
    settings = {"sparse": True, "ignored": -1}
    x, labels = rng.standard_normal((6, 3)).astype(np.float32), np.array([0, -1, 2, -1, 1, 3])
    one, two = (
        step(make_plan(layers, (3,), loss.CrossEntropy(**settings), fused=fused), x, labels, mode="test")
        for layers in [[L.Dense(4), L.Softmax()]]
        for fused in (True, False)
    )
    np.testing.assert_allclose(one.losses, two.losses, rtol=1e-5)


@pytest.mark.parametrize(
    ("op", "left"),
    [
        (loss.CrossEntropy(True, from_logits=True), loss.CrossEntropy),
        (loss.SquaredError(), loss.SquaredError),
        (loss.BinaryCrossEntropy(), loss.BinaryCrossEntropy),
    ],
    ids=["logits", "squared-error", "binary"],
)
def test_softmax_before_another_loss_stays(op, left):
    plan = make_plan([L.Dense(4), L.Softmax()], (3,), op)
    steps, (last,), _ = plan.steps_of("train")
    assert [type(each.op) for each in steps] == [P.Dense, P.Softmax] and type(last.op) is left


def test_inference_keeps_its_softmax():
    plan = make_plan([L.Dense(4, activation="softmax")], (3,), loss.CrossEntropy(True))
    assert [type(each.op) for each in plan.steps] == [P.Dense, P.Softmax]


# ---- whole networks, fused and not

NETWORKS = {
    "conv-pool-dense": lambda **k: [
        L.Conv2D(4, 3, activation="relu", **k),
        L.MaxPooling2D(2, **k),
        L.Conv2D(3, 3, padding="same", activation="relu", **k),
        L.Conv2D(3, 2, strides=2, **k),
        L.Flatten(**k),
        L.Dense(5, activation="relu"),
        L.Dense(4),
    ],
    "pool-before-relu": lambda **k: [
        L.ZeroPadding2D(1, **k),
        L.Conv2D(4, 3, groups=2, **k),
        L.MaxPooling2D((2, 3), **k),
        L.ReLU(),
        L.MaxPooling2D(2, strides=1, padding="same", **k),
        L.Flatten(**k),
        L.Dense(4),
    ],
    "relus-that-stay": lambda **k: [
        L.Conv2D(4, 3, **k),
        L.ReLU(max_value=9),
        L.MaxPooling2D(2, **k),
        L.Conv2D(4, 1, activation="relu", **k),
        L.ReLU(),
        L.GlobalMaxPooling2D(**k),
        L.Dense(4),
    ],
}


def whole_numbers(layers, rng):
    for layer in layers:
        layer.set_weights([integers(rng, v.shape, limit=1) for v in layer.weights])


def steps_on_whole_numbers(make, fused, data_format, rng):
    """Return the result of a step on whole numbers: with this loss all gradients are exact."""
    layers = make(data_format=data_format)
    shape = (11, 12, 2) if data_format == "channels_last" else (2, 11, 12)
    plan = make_plan(layers, shape, loss.AbsoluteError(), fused=fused)
    whole_numbers(layers, rng)
    x = integers(rng, (3, 11, 12, 2), limit=2)
    x = x if data_format == "channels_last" else np.moveaxis(x, -1, 1)
    return step(plan, x, integers(rng, (3, 4), limit=50))


@pytest.mark.parametrize("name", NETWORKS)
def test_whole_networks_fused_and_not_in_both_formats(name, variant):
    def result(fused, data_format):
        return steps_on_whole_numbers(NETWORKS[name], fused, data_format, np.random.default_rng(4))

    expected = result(False, "channels_last")
    assert all((g != 0).any() for g in expected.gradients), "a gradient is zero everywhere and says nothing"
    for fused in (True, False):
        for data_format in ("channels_last", "channels_first"):
            actual = result(fused, data_format)
            np.testing.assert_array_equal(actual.predictions, expected.predictions)
            assert actual.total == expected.total
            for a, b in zip(actual.gradients, expected.gradients, strict=True):
                np.testing.assert_array_equal(a, b)


def test_fusion_can_be_switched_off_for_plans_to_come():
    layers = [L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(2)]
    before = make_plan(layers, (8, 8, 1))
    off = make_plan(layers, (8, 8, 1), fused=False)
    assert config.is_fusion_enabled()
    assert kinds(before.steps) == [P.Conv2DReluMaxPool2D]
    assert kinds(off.steps) == [P.Conv2D, P.Relu, P.MaxPool2D]


# ---- swaps that sink


def sunk(ops, x_shape, rng, kept=(), extra=()):
    """Return the steps of a chain before and after swaps have sunk, and the shapes after."""
    trace, value = Trace(x_shape[1:], training=True), 0
    for op in ops:
        value = trace.add(op, value)
    steps = [*trace.steps, *extra]
    return steps, *sink_swaps(steps, trace.shapes, kept)


TO_LAST, TO_FIRST = P.SwapAxes("last"), P.SwapAxes("first")


@pytest.mark.parametrize(
    "other",
    [P.Relu(max_value=2.0), P.Elementwise("tanh"), P.Rescale(2.0, 1.0)],
    ids=["relu", "tanh", "rescale"],
)
def test_swaps_sink_behind_steps_that_do_not_mind(other, rng):
    steps, after, shapes = sunk([TO_FIRST, other, other], (2, 5, 6, 3), rng)
    assert kinds(after) == [type(other), type(other), P.SwapAxes]
    assert [each.layers for each in after] == [each.layers for each in (steps[1], steps[2], steps[0])]
    assert shapes == [(1, 5, 6, 3)] * 3 + [(1, 3, 5, 6)]
    x = rng.standard_normal((2, 5, 6, 3)).astype(np.float32)
    before, now = run(steps, x)[0], run(after, x)[0]
    np.testing.assert_array_equal(now[3], before[3])


@pytest.mark.parametrize(
    "other",
    [P.Softmax(), P.Rescale([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), P.Reshape((90,)), P.MaxPool2D((2, 2))],
    ids=["softmax", "rescale", "reshape", "pool"],
)
def test_swaps_stay_before_steps_that_do_mind(other, rng):
    steps, after, _ = sunk([TO_FIRST, other], (2, 5, 6, 3), rng)
    assert after == steps


def test_swaps_whose_values_are_wanted_stay(rng):
    steps, after, _ = sunk([TO_FIRST, P.Relu()], (2, 5, 6, 3), rng, kept={1})
    assert after == steps
    reader = Step(P.Relu(max_value=3.0), 1, 99, (), ("other",))
    steps, after, _ = sunk([TO_FIRST, P.Relu()], (2, 5, 6, 3), rng, extra=[reader])
    assert after == steps
    readers = [reader._replace(x=2, y=y) for y in (98, 99)]
    steps, after, _ = sunk([TO_FIRST, P.Relu()], (2, 5, 6, 3), rng, extra=readers)
    assert_all_there(steps, after, {2, 98, 99}, integers(rng, (2, 5, 6, 3)))


def test_two_swaps_in_a_row_sink_one_by_one(rng):
    steps, after, _ = sunk([TO_LAST, P.Relu(), TO_LAST, P.Relu(), P.Relu()], (2, 5, 6, 3), rng)
    x = rng.standard_normal((2, 5, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(run(after, x)[0][5], run(steps, x)[0][5])
    np.testing.assert_array_equal(run(fuse(after), x)[0][5], run(steps, x)[0][5])


# ---- activations that sink behind max pools

RISING = [P.Elementwise(name) for name in ("tanh", "sigmoid", "elu", "selu", "softplus", "hard_tanh", "soft_shrink")]
RISING += [P.Relu(negative_slope=0.25), P.Relu(max_value=6.0), P.Relu(threshold=0.5)]
FALLING = [P.Elementwise(name) for name in ("silu", "gelu", "mish", "hard_silu", "threshold")]
FALLING += [P.Elementwise("elu", alpha=-1.0), P.Relu(negative_slope=-0.5), P.Relu(threshold=-1.0)]
FALLING += [P.Relu(), P.Rescale(-1.0)]


def behind_pool(op, rng, kept=()):
    trace = Trace((6, 7, 3), training=True)
    trace.add(P.MaxPool2D((2, 2)), trace.add(op, 0))
    return trace.steps, *sink_activations(trace.steps, trace.shapes, kept)


@pytest.mark.parametrize("op", RISING, ids=repr)
def test_activations_that_rise_go_behind_the_pool(op, variant, rng):
    steps, after, shapes = behind_pool(op, rng)
    assert kinds(after) == [P.MaxPool2D, type(op)]
    assert shapes == [(1, 6, 7, 3), (1, 3, 3, 3), (1, 3, 3, 3)]
    x = rng.standard_normal((2, 6, 7, 3)).astype(np.float32)
    x[0, 0, 0, 0] = np.nan
    dy = rng.standard_normal((2, 3, 3, 3)).astype(np.float32)
    for a, e in zip(differentiate(after, x, lambda _: dy), differentiate(steps, x, lambda _: dy), strict=True):
        np.testing.assert_allclose(a, e, 1e-6, 1e-6)


@pytest.mark.parametrize("op", FALLING, ids=repr)
def test_activations_that_fall_somewhere_stay(op, rng):
    steps, after, _ = behind_pool(op, rng)
    assert after == steps


def test_activations_whose_values_are_wanted_stay(rng):
    steps, after, _ = behind_pool(P.Elementwise("tanh"), rng, kept={1})
    assert after == steps


def test_convolutions_are_pooled_before_activations_that_rise():
    layers = [L.Conv2D(4, 3, activation="elu"), L.MaxPooling2D(2), L.Conv2D(4, 3, activation="silu"), L.MaxPooling2D(2)]
    plan = make_plan(layers, (12, 12, 2), loss.SquaredError())
    for mode, rest in (("predict", ["conv2d_silu"]), ("train", ["conv2d", "silu"])):
        names = [each.op.name for each in plan.steps_of(mode)[0]]
        assert names == ["conv2d_max_pool2d", "elu", *rest, "max_pool2d"]


def test_steps_of_bfloat16_are_left_by_rows_of_float32(rng):
    for relu in ([], [(P.Relu(), [])]):
        ops = [(P.Conv2D(), [(3, 3, 2, 4), (4,)]), *relu, (P.AveragePool2D((2, 2)), [])]
        steps = [each._replace(narrow=True) for each in record(ops, (2, 8, 9, 2), rng)]
        assert kinds(fuse(steps)) == [P.Conv2D, P.AveragePool2D]


# ---- channels first

FIRST = {"data_format": "channels_first"}
FIRST_NETWORKS = {
    "conv-conv": [L.Conv2D(4, 3, activation="relu", **FIRST), L.Conv2D(4, 3, **FIRST), L.Flatten(**FIRST)],
    "conv-pool-flatten": [
        L.Conv2D(4, 3, activation="relu", **FIRST),
        L.MaxPooling2D(2, **FIRST),
        L.ZeroPadding2D(1, **FIRST),
        L.AveragePooling2D(2, **FIRST),
        L.Flatten(**FIRST),
        L.Dense(3),
    ],
    "smooth": [L.Conv2D(4, 3, activation="tanh", **FIRST), L.Conv2D(4, 3, **FIRST), L.GlobalAveragePooling2D(**FIRST)],
    "images-out": [L.ZeroPadding2D(2, **FIRST), L.Conv2D(4, 3, activation="relu", **FIRST)],
}


@pytest.mark.parametrize("name", FIRST_NETWORKS)
def test_channels_first_is_swapped_at_the_edges_only(name):
    layers = FIRST_NETWORKS[name]
    plan = make_plan(layers, (2, 12, 12), loss.SquaredError())
    for mode in ("predict", "train"):
        found = kinds(plan.steps_of(mode)[0])
        assert found[0] is P.SwapAxes and found.count(P.SwapAxes) == (2 if name == "images-out" else 1)
        assert P.SwapAxes not in found[1:-1]
        assert not any(pair == (P.Conv2D, P.Relu) for pair in pairwise(found))


CONV_POOL = {
    "one": lambda **k: [L.Conv2D(4, 3, activation="relu", **k), L.MaxPooling2D(2, **k), L.Flatten(**k), L.Dense(2)],
    "two": lambda **k: [
        L.Conv2D(16, 3, activation="relu", **k),
        L.MaxPooling2D(2, **k),
        L.Conv2D(16, 3, activation="relu", **k),
        L.MaxPooling2D(2, **k),
        L.Flatten(**k),
        L.Dense(2),
    ],
}


@pytest.mark.parametrize("name", CONV_POOL)
def test_channels_first_fuses_as_channels_last(name):
    last = make_plan(CONV_POOL[name](), (12, 12, 2), loss.SquaredError())
    first = make_plan(CONV_POOL[name](**FIRST), (2, 12, 12), loss.SquaredError())
    for mode in ("predict", "train"):
        assert kinds(first.steps_of(mode)[0])[1:] == kinds(last.steps_of(mode)[0])


@pytest.mark.parametrize("name", CONV_POOL)
def test_both_formats_train_with_the_same_bits(name, variant, rng):
    results = []
    x, t = rng.standard_normal((40, 20, 22, 3)).astype(np.float32), rng.standard_normal((40, 2))
    for k in ({}, FIRST):
        layers = CONV_POOL[name](**k)
        plan = make_plan(layers, (3, 20, 22) if k else (20, 22, 3), loss.SquaredError())
        weights = np.random.default_rng(6)
        for layer in layers:
            layer.set_weights([weights.standard_normal(v.shape) / 8 for v in layer.weights])
        results.append(step(plan, np.moveaxis(x, -1, 1) if k else x, t))
    assert_same_bits(*results)


@pytest.mark.parametrize(
    "between",
    [L.ReLU(), L.Activation("tanh"), L.Rescaling(2.0), L.Dropout(0.5)],
    ids=["relu", "tanh", "rescaling", "dropout"],
)
def test_layers_without_a_format_do_not_keep_swaps_apart(between):
    layers = [L.Conv2D(4, 3, **FIRST), between, L.MaxPooling2D(2, **FIRST), L.Flatten(**FIRST)]
    plan = make_plan(layers, (2, 12, 12), loss.SquaredError())
    assert kinds(plan.steps_of("train")[0])[1:].count(P.SwapAxes) == 0
