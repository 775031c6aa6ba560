"""Gradients that lie in one buffer: as if each had its own, in whatever order a graph reads and adds them."""

import numpy as np
import pytest

from fastconv import config
from fastconv import layers as L
from fastconv.layers import Activation, Add, BatchNormalization, Conv2D, Dense, Flatten
from fastconv.models import Model
from fastconv.ops import primitives as P
from fastconv.plan.fusion import settle_sums
from fastconv.plan.lowering import Step


def conv(x, width=4, size=3, relu=False, **settings):
    return Conv2D(width, size, padding="same", activation="relu" if relu else None, **settings)(x)


def normed(x, **settings):
    return BatchNormalization()(conv(x, **settings))


def identity(x, order):
    y = normed(Activation("relu")(normed(x)))
    return Activation("relu")(Add()([y, x][::order]))


def projected(x, order):
    y = normed(Activation("relu")(normed(x)))
    return Activation("relu")(Add()([y, normed(x, size=1)][::order]))


def plain(x, order):
    return Activation("relu")(Add()([conv(conv(x, relu=True)), x][::order]))


def of_relus(x, order):
    return Add()([conv(x, relu=True), conv(x, size=1, relu=True), x][::order])


def nested(x, order):
    y = conv(x, size=1)
    z = Add()([y, x][::order])
    return Add()([z, y][::order])


def of_itself(x, order):
    y = conv(x, size=1)
    z = Add()([y, y])
    return L.Subtract()([z, x][::order])


def chain_of_sums(x, order):
    u, v, w = conv(x, size=1), normed(x), conv(x, relu=True)
    return Add()([Add()([u, v][::order]), Add()([w, u][::order])][::order])


def swallowed(x, order):
    y = Activation("relu")(x)
    return Add()([Add()([x, y][::order]), Activation("tanh")(x)])


def reshaped(x, order):
    y = L.Reshape((5, 6, 4))(L.Reshape((30, 4))(normed(x)))
    return Add()([y, x][::order])


def squeezed(x, order):
    g = Dense(4, activation="sigmoid")(Dense(2, activation="swish")(L.GlobalAveragePooling2D(keepdims=True)(x)))
    return Add()([L.Multiply()([x, g][::order]), x])


def others(x, order):
    y = L.Maximum()([conv(x, size=1), x][::order])
    z = L.Minimum()([normed(x), y][::order])
    return conv(L.Concatenate()([L.Average()([x, y, z]), L.Multiply()([y, z]), x / (2 + z * z)]), size=1)


BLOCKS = [
    identity, projected, plain, of_relus, nested, of_itself, chain_of_sums, swallowed, reshaped, squeezed, others,
]  # fmt: skip


def made(block, order):
    x = L.Input((5, 6, 4))
    y = block(block(normed(x), order), -order)
    model = Model(x, Dense(3, activation="softmax")(Flatten()(y * 0.01)))
    rng = np.random.default_rng(0)
    model.set_weights(
        [rng.uniform(0.2, 0.6, w.shape) * rng.choice([-1, 1], w.shape) ** (w.ndim > 1) for w in model.get_weights()]
    )
    return model


def gradients(model, n, rng):
    from fastconv.optimizers import SGD

    model.compile(SGD(1.0), "sparse_categorical_crossentropy")
    before = [w.copy() for w in model.get_weights()]
    loss = model.train_on_batch(rng.standard_normal((n, 5, 6, 4)), rng.integers(0, 3, n))
    return [np.asarray(loss), *(a - b for a, b in zip(before, model.get_weights(), strict=True))]


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("block", BLOCKS)
def test_as_if_each_had_its_own(block, order, n, variant, monkeypatch):
    shared = gradients(made(block, order), n, np.random.default_rng(1))
    monkeypatch.setattr("fastconv.plan.sharing.Sharing.passed", lambda *args: [])
    alone = gradients(made(block, order), n, np.random.default_rng(1))
    for one, other in zip(shared, alone, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("block", BLOCKS)
def test_with_and_without_fusion(block, order):
    fused = made(block, order)
    x = np.random.default_rng(1).standard_normal((3, 5, 6, 4)).astype(np.float32)
    predicted, steps = fused.predict(x, verbose=0), gradients(fused, 3, np.random.default_rng(1))
    config.disable_fusion()
    try:
        plain = made(block, order)
        np.testing.assert_allclose(predicted, plain.predict(x, verbose=0), rtol=1e-4, atol=1e-6)
        for one, other in zip(steps, gradients(plain, 3, np.random.default_rng(1)), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-5)
    finally:
        config.enable_fusion()


def training_program(block):
    model = made(block, 1)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model.plan.program(2, "train").__enter__()


def test_a_residual_block_has_one_gradient():
    program = training_program(identity)
    for step in program.steps:
        if isinstance(step.op, P.Sum):
            assert program.gradients[step.x] is program.gradients[step.y]
            assert program.gradients[step.variables[0]] is program.gradients[step.y]


def test_who_writes_in_place_has_his_own():
    program = training_program(of_relus)
    makers = {step.y: step for step in program.steps}
    for step in program.steps:
        if step.op.passes(program._sites[program.steps.index(step)]):
            shared = [v for v in step.reads if program.gradients[v] is program.gradients[step.y]]
            assert sum(not makers[v].op.keeps_dy for v in shared) <= 1


def test_inference_has_one_step_for_the_end_of_a_block():
    model = made(identity, 1)
    names = [step.op.name for step in model.plan.steps]
    assert names.count("conv2d_add_relu") == 2 and not {"add", "relu", "normalize"} & set(names)
    model = made(projected, -1)
    assert [step.op.name for step in model.plan.steps].count("conv2d_add_relu") == 2


def test_sums_that_depend_on_the_batch_stay_as_they_are():
    steps = [
        Step(P.Read(), 0, 1, (np.zeros((1, 4)),), ("a",)),
        Step(P.Merge("add"), 0, 1 + 1, (1,), ("b",)),
        Step(P.Merge("add"), 0, 3, (2,), ("c",)),
    ]
    assert [type(step.op) for step in settle_sums(steps, [(4,)])] == [P.Read, P.Merge, P.Sum]
    assert settle_sums(steps, [(4,)])[2].reads == (2, 0)
    narrow = [step._replace(narrow=True) for step in steps]
    assert [type(step.op) for step in settle_sums(narrow, [(4,)])] == [P.Read, P.Merge, P.Merge]
