"""Normalization folded into the weights before it: every row against its left side, and when weights are made anew."""

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv.layers.variable import Variable
from fastconv.ops import loss
from fastconv.ops import primitives as P
from fastconv.ops.activated import Activated
from fastconv.plan.folding import Folded
from fastconv.plan.fusion import FOLDINGS, fold, fuse
from fastconv.plan.lowering import Trace
from tests.cases import CONV_CASES, DENSE_CASES, FUSED_POOL_CASES
from tests.plan.networks import make_plan, step


def variables(rng, channels, *shapes):
    """Return weights of the shapes, and gamma, beta, mean and variance."""
    weights = [None if shape is None else Variable(rng.standard_normal(shape).astype(np.float32)) for shape in shapes]
    vectors = rng.standard_normal((3, channels)).astype(np.float32)
    return weights, [*map(Variable, vectors), Variable(rng.random(channels).astype(np.float32) + np.float32(0.1))]


def conv_case(case, bias):
    return P.Conv2D(**case.settings), case.images, [case.filters_shape, (case.filters,) if bias else None]


def dense_case(case, bias):
    return P.Dense(), (case.samples, case.inputs), [(case.inputs, case.units), (case.units,) if bias else None]


def depthwise_case(case, bias):
    settings = {name: value for name, value in case.settings.items() if name != "groups"}
    channels = case.images[3]
    return (
        P.DepthwiseConv2D(**settings),
        case.images,
        [
            (*case.kernel, channels, case.filters // channels),
            (case.filters,) if bias else None,
        ],
    )


#: pattern -> cases: (op, shape of x, shapes of its weights)
CASES = {
    (P.Conv2D, P.Normalize): [conv_case(case, i % 3 > 0) for i, case in enumerate(CONV_CASES)],
    (P.DepthwiseConv2D, P.Normalize): [
        depthwise_case(case, i % 3 > 0)
        for i, case in enumerate(case for case in CONV_CASES if case.groups == case.images[3])
    ],
    (P.Dense, P.Normalize): [dense_case(case, i % 3 > 0) for i, case in enumerate(DENSE_CASES)],
    **{
        (type(op), P.Normalize): [(op, x, [w, None]), (op, x, [w, (5,)])]
        for op, w, x in (
            (P.Conv1D(padding="causal"), (3, 4, 5), (2, 9, 4)),
            (P.Conv3D((1, 2, 1), "same"), (2, 3, 3, 4, 5), (2, 3, 5, 4, 4)),
            (P.ConvTranspose1D((2,)), (3, 5, 4), (2, 9, 4)),
            (P.ConvTranspose2D((2, 3), "same"), (3, 2, 5, 4), (2, 3, 5, 4)),
            (P.ConvTranspose3D((2, 1, 2)), (3, 2, 1, 5, 4), (2, 3, 5, 4, 4)),
        )
    },
    (P.DepthwiseConv1D, P.Normalize): [(P.DepthwiseConv1D(), (2, 9, 4), [(3, 4, 2), b]) for b in (None, (8,))],
    (P.DepthwiseConv3D, P.Normalize): [
        (P.DepthwiseConv3D(), (2, 4, 3, 5, 4), [(3, 2, 3, 4, 2), b]) for b in (None, (8,))
    ],
}
ROWS = [pytest.param(*case, id=f"{row[0].__name__}-{i}") for row in CASES for i, case in enumerate(CASES[row])]


def outputs(steps, x):
    """Return the last value of steps that are run by themselves, folded weights made first."""
    for each in steps:
        for v in each.variables:
            if isinstance(v, Folded):
                v.fold()
        x, _ = each.op(x, *(None if v is None else v.array for v in each.variables))
    return x


def near(actual, expected):
    """Assert equality up to roundings of the largest value."""
    size = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-6 * size)
    assert actual.shape == expected.shape


def test_every_row_of_the_table_is_tested():
    assert {row.pattern for row in FOLDINGS} == set(CASES)


@pytest.mark.parametrize(("op", "x_shape", "shapes"), ROWS)
def test_a_row_is_its_left_side(op, x_shape, shapes, variant, rng):
    weights, norm = variables(rng, op.output_shape(x_shape, shapes[0])[-1], *shapes)
    norm[:2] = [None, None] if len(x_shape) % 2 and shapes[1] is None else norm[:2]
    trace = Trace(x_shape[1:], training=False)
    value = trace.add(op, 0, *weights)
    trace.add(P.Normalize(0.01), value, *norm)
    folded = fuse(fold(trace.steps))
    assert [type(each.op) for each in folded] == [type(op)]
    assert (folded[0].x, folded[0].y) == (0, 2)
    x = rng.standard_normal(x_shape).astype(np.float32)
    near(outputs(folded, x), outputs(trace.steps, x))
    assert [type(each.op) for each in fuse(trace.steps)] == [type(op), P.Normalize], "weights learn in training"


@pytest.mark.parametrize("missing", ["gamma", "beta", "both", "bias"])
def test_without_gamma_beta_or_bias(missing, variant, rng):
    weights, norm = variables(rng, 5, (3, 3, 2, 5), None if missing == "bias" else (5,))
    for place, name in enumerate(("gamma", "beta")):
        norm[place] = None if missing in (name, "both") else norm[place]
    trace = Trace((6, 7, 2), training=False)
    trace.add(P.Normalize(), trace.add(P.Conv2D(), 0, *weights), *norm)
    x = rng.standard_normal((2, 6, 7, 2)).astype(np.float32)
    near(outputs(fuse(fold(trace.steps)), x), outputs(trace.steps, x))


@pytest.mark.parametrize("case", [case for case in FUSED_POOL_CASES if case.conv.groups == 1][::3], ids=str)
def test_relu_and_pool_behind_it_fuse_as_ever(case, variant, rng):
    weights, norm = variables(rng, case.conv.filters, case.conv.filters_shape, None)
    trace = Trace(case.conv.images[1:], training=False)
    value = trace.add(P.Conv2D(**case.conv.settings), 0, *weights)
    value = trace.add(P.Normalize(), value, *norm)
    value = trace.add(P.Relu(), value)
    trace.add(P.MaxPool2D(**case.pool_settings), value)
    plain = Trace(case.conv.images[1:], training=False)
    value = plain.add(P.Relu(), plain.add(P.Conv2D(**case.conv.settings), 0, *weights))
    plain.add(P.MaxPool2D(**case.pool_settings), value)
    folded = fuse(fold(trace.steps))
    assert [type(e.op) for e in folded] == [type(e.op) for e in fuse(plain.steps)]
    x = rng.standard_normal(case.conv.images).astype(np.float32)
    near(outputs(folded, x), outputs(trace.steps, x))


def kinds(plan, mode="predict"):
    return [type(each.op) for each in plan.steps_of(mode)[0]]


NOT_FOLDED = {
    "relu-between": ([L.Conv2D(4, 3, activation="relu"), L.BatchNormalization()], [P.Conv2D, P.Normalize]),
    "pool-between": (
        [L.Conv2D(4, 3), L.MaxPooling2D(2), L.BatchNormalization()],
        [P.Conv2DReluMaxPool2D, P.Normalize],
    ),
    "first": ([L.BatchNormalization(), L.ReLU(), L.Conv2D(4, 3)], [P.Normalize, P.Conv2D]),
    "rows": ([L.Conv2D(4, 3), L.BatchNormalization(axis=2)], [P.Conv2D, *[P.SwapAxes] * 2, P.Normalize]),
    "groups": ([L.Conv2D(4, 3), L.GroupNormalization(2)], [P.Conv2D, P.GroupNorm]),
}


@pytest.mark.parametrize("name", NOT_FOLDED)
def test_what_is_not_folded(name):
    layers, left = NOT_FOLDED[name]
    assert kinds(make_plan(layers, (8, 9, 3)))[: len(left)] == left


def network(**k):
    """Return layers with all that can stand behind a convolution or a dense layer."""
    axis = 1 if k else -1
    return [
        L.Conv2D(6, 3, use_bias=False, **k),
        L.BatchNormalization(axis),
        L.Dropout(0.3),
        L.ReLU(),
        L.MaxPooling2D(2, **k),
        L.Conv2D(5, 2, padding="same", **k),
        L.BatchNormalization(axis, scale=False),
        L.Activation("tanh"),
        L.Flatten(**k),
        L.Dense(7),
        L.BatchNormalization(center=False),
        L.ReLU(),
        L.Dense(3),
    ]


FOLDED = [P.Conv2DReluMaxPool2D, Activated, P.Reshape, P.Dense, P.Dense]


def test_nothing_is_left_of_normalization_and_dropout_in_inference():
    assert kinds(make_plan(network(), (9, 8, 2))) == FOLDED
    first = kinds(make_plan(network(data_format="channels_first"), (2, 9, 8)))
    assert first == [P.SwapAxes, *FOLDED]
    assert kinds(make_plan(network(), (9, 8, 2), fused=False)).count(P.Normalize) == 3


def trained(rng, fused=True):
    """Return a model after a few steps, and samples."""
    model = keras.Sequential([keras.Input((9, 8, 2)), *network()])
    model.compile("sgd", "mse")
    x, y = rng.standard_normal((32, 9, 8, 2)), rng.standard_normal((32, 3))
    model.fit(x, y, batch_size=8, verbose=0)
    return model, x, y


def unfolded(model, x):
    """Return what the layers make of x one by one."""
    for layer in model.layers:
        x = layer(x)
    return x


def test_weights_are_made_anew_when_any_of_their_sources_has_changed(variant, rng):
    model, x, y = trained(rng)
    near(model.predict_on_batch(x), unfolded(model, x))
    for variable in model.weights:
        before = model.predict_on_batch(x)
        variable.assign(variable.numpy() + 0.5)
        after = model.predict_on_batch(x)
        assert not np.array_equal(before, after), f"{variable.path} has changed, and nothing else has"
        near(after, unfolded(model, x))
    model.fit(x, y, batch_size=8, verbose=0)
    near(model.predict_on_batch(x), unfolded(model, x))


def test_a_training_step_of_statistics_alone_is_seen(rng):
    """Learning rate 0: only moving means and variances change."""
    model, x, y = trained(rng)
    model.optimizer.learning_rate = 0.0
    before = model.predict_on_batch(x)
    model.train_on_batch(x, y)
    assert not np.array_equal(model.predict_on_batch(x), before)
    near(model.predict_on_batch(x), unfolded(model, x))


def test_several_batch_sizes_share_the_folded_weights(rng):
    model, x, _ = trained(rng)
    whole = model.predict_on_batch(x)
    for n in (1, 5, 31):
        near(model.predict_on_batch(x[:n]), whole[:n])


@pytest.mark.parametrize("first", ["predict", "test"])
def test_all_modes_share_the_folded_weights(first, rng):
    """One mode digests the weights, the other one uses them."""
    model, x, y = trained(rng)
    calls = {"predict": lambda: model.predict_on_batch(x), "test": lambda: model.test_on_batch(x, y)}
    for call in (calls[first], *calls.values()):
        call()
    expected = unfolded(model, x)
    near(calls["predict"](), expected)
    assert calls["test"]() == pytest.approx(np.square(expected - y).mean(), rel=1e-5)


def test_modes_that_fuse_otherwise_digest_the_weights_each_for_itself(rng):
    """A penalty on what a convolution makes keeps relu, pool and normalization apart from it where there is a loss."""
    penalty = {"activity_regularizer": "l2"}
    layers = [L.Conv2D(32, 3, padding="same", **penalty), L.ReLU(), L.MaxPooling2D(3), L.Conv2D(8, 1, **penalty)]
    layers += [L.BatchNormalization(), L.Flatten(), L.Dense(2)]
    model = keras.Sequential([keras.Input((12, 12, 32)), *layers])
    model.compile("sgd", "mse")
    x, y = rng.standard_normal((4, 12, 12, 32)), rng.standard_normal((4, 2))
    expected = unfolded(model, x)
    loss = model.test_on_batch(x, y)
    near(model.predict_on_batch(x), expected)
    near(model.predict_on_batch(x[:2]), expected[:2])
    assert loss == model.test_on_batch(x, y)


def test_a_frozen_layer_passes_gradients_in_training(rng):
    """Frozen, it is in inference mode: the convolution before it learns through its factors, and nothing is folded."""
    layers = [L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(), L.Flatten(), L.Dense(2)]
    plan = make_plan(layers, (5, 5, 2), loss.SquaredError())
    layers[1].set_weights([w + 0.25 for w in layers[1].get_weights()])
    layers[1].trainable = False
    assert kinds(plan, "train") == [P.Conv2D, P.Normalize, P.Reshape, P.Dense]
    x, t = rng.standard_normal((6, 5, 5, 2)), rng.standard_normal((6, 2))
    gamma, beta, mean, variance = layers[1].get_weights()
    result = step(plan, x, t)
    twin = [L.Conv2D(4, 3), L.ReLU(), L.Flatten(), L.Dense(2)]
    plain = make_plan(twin, (5, 5, 2), loss.SquaredError())
    scale = gamma / np.sqrt(variance + np.float32(1e-3))
    w, b = layers[0].get_weights()
    twin[0].set_weights([w * scale, (b - mean) * scale + beta])
    twin[-1].set_weights(layers[-1].get_weights())
    expected = step(plain, x, t)
    np.testing.assert_allclose(result.total, expected.total, rtol=1e-5)
    for actual, right, factor in zip(result.gradients, expected.gradients, (scale, scale, 1, 1), strict=True):
        np.testing.assert_allclose(actual, right * factor, rtol=2e-4, atol=1e-5)
