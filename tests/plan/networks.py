"""Networks that several tests of plans run, and how to run one step of a plan by hand."""

from typing import NamedTuple

import numpy as np

from fastconv import config
from fastconv import layers as L
from fastconv.plan import Plan
from fastconv.plan.arena import block
from fastconv.plan.program import Program


def tutorial():
    """Return the layers of the network that the documentation begins with, for images (28, 28, 1)."""
    return [
        L.Conv2D(64, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Conv2D(64, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Flatten(),
        L.Dense(128, activation="relu"),
        L.Dense(10, activation="softmax"),
    ]


def build(layers, input_shape):
    """Build layers one behind the other; return the shape that comes out, without the batch."""
    shape = (None, *input_shape)
    for layer in layers:
        layer.build_once(shape)
        shape = layer.compute_output_shape(shape)
    return shape[1:]


def make_plan(layers, input_shape, loss_op=None, dtype="float32", fused=True):
    """Build layers and return their plan."""
    build(layers, input_shape)
    if fused:
        return Plan(layers, input_shape, dtype, loss_op)
    config.disable_fusion()
    try:
        return Plan(layers, input_shape, dtype, loss_op)
    finally:
        config.enable_fusion()


class Result(NamedTuple):
    """What a step of a plan gave, copied."""

    predictions: np.ndarray
    total: float
    losses: np.ndarray
    gradients: list


def fill(program, x, targets=None, weights=None, scale=1.0):
    """Write a batch into a program's arrays."""
    program.x[...] = x
    if targets is not None:
        (site,) = program.losses
        site.targets[...] = targets
        site.weights[...] = 1 if weights is None else weights
        site.scale[0] = scale


def execute(program, *batch, **settings):
    """Run a program on a batch and return the `Result`."""
    fill(program, *batch, **settings)
    if program.mode != "train":
        program.prepare()
    program.run()
    plan = program.plan
    loss = program.mode != "predict"
    return Result(
        program.y.copy(),
        program.loss if loss else 0.0,
        program.losses[0].losses.copy() if loss else np.zeros(0),
        [plan.gradient(v).copy() for v in plan.trainable] if program.mode == "train" else [],
    )


def step(plan, x, *targets, mode="train", threads=1, **settings):
    """Run one step of a plan in memory of its own."""
    program = Program(plan, len(x), mode, threads)
    return execute(program.bind(block(program.size)), x, *targets, **settings)


def assert_same_bits(one, other):
    """Assert that two results are equal bit for bit."""
    assert one.predictions.tobytes() == other.predictions.tobytes(), "predictions differ"
    assert (one.total, one.losses.tobytes()) == (other.total, other.losses.tobytes()), "losses differ"
    for i, (a, b) in enumerate(zip(one.gradients, other.gradients, strict=True)):
        assert a.tobytes() == b.tobytes(), f"gradient {i} differs"
