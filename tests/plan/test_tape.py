"""The tape: every layer's output, and gradients of any value with respect to any other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastconv import layers as L
from fastconv import regularizers
from fastconv.plan.tape import Tape
from tests.gradients import check_gradients
from tests.layers.catalogue import LAYERS
from tests.plan.networks import make_plan


def network():
    """Return layers with a fused run, a normalization, a dropout, a penalty and a softmax, for (9, 8, 2)."""
    return [
        L.Conv2D(4, 3, activation="relu", name="conv"),
        L.MaxPooling2D(2, name="pool"),
        L.Conv2D(3, 2, activity_regularizer=regularizers.L2(0.5), name="penalized"),
        L.BatchNormalization(name="norm"),
        L.Dropout(0.5, name="dropout"),
        L.Flatten(name="flatten"),
        L.Dense(5, activation="softmax", name="head"),
    ]


@pytest.fixture
def tape(rng):
    plan = make_plan(network(), (9, 8, 2), dtype="float32")
    for variable in plan.variables:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return Tape(plan, rng.standard_normal((3, 9, 8, 2), dtype=np.float32)), plan


def test_every_layer_s_output_is_kept(tape):
    tape, plan = tape
    x = tape.values[0]
    for layer in plan.layers:
        x = layer(x)
        assert_array_equal(tape.values[tape.made[layer.name]], x)
    assert tape.made["dropout"] == tape.made["norm"]
    assert tape.output == tape.made["head"]
    assert_allclose(tape.values[tape.output], plan.predict(tape.values[0]), rtol=1e-5, atol=1e-7)


def test_scores_are_what_softmax_reads(tape):
    tape, _ = tape
    assert_allclose(L.Softmax()(tape.values[tape.scores]), tape.values[tape.output])
    plain = Tape(make_plan([L.Dense(2, activation="sigmoid")], (3,)), np.ones((1, 3), np.float32))
    assert plain.scores == plain.output


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_gradients_of_every_layer(case, rng):
    """With respect to the input, by differences in float64."""
    plan = make_plan([case.make(dtype="float64")], case.inputs, dtype="float64")
    for variable in plan.variables:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    x = rng.standard_normal((2, *case.inputs))
    tape = Tape(plan, x)
    dy = rng.standard_normal(tape.values[tape.output].shape)
    check_gradients(lambda x: plan.predict(x), [x], dy, [tape.gradient(tape.output, dy)])


def test_from_anywhere_to_anywhere(rng):
    """The gradient of a score with respect to a layer's output is that of the layers behind it alone."""
    layers = [layer for layer in network() if layer.name != "penalized"]
    for layer in layers:
        layer.dtype = "float64"
    plan = make_plan(layers, (9, 8, 2), dtype="float64")
    tape = Tape(plan, rng.standard_normal((1, 9, 8, 2)))
    dy = rng.standard_normal((1, 5))
    start = tape.values[tape.made["pool"]]
    rest = make_plan(layers[2:], start.shape[1:], dtype="float64")
    check_gradients(lambda x: rest.predict(x), [start], dy, [tape.gradient(tape.output, dy, tape.made["pool"])])
    inner = rng.standard_normal(start.shape)
    head = make_plan(layers[:2], (9, 8, 2), dtype="float64")
    check_gradients(lambda x: head.predict(x), [tape.values[0]], inner, [tape.gradient(tape.made["pool"], inner)])


def test_a_value_has_no_influence_on_those_before_it(tape):
    tape, _ = tape
    gradient = tape.gradient(tape.made["pool"], np.ones_like(tape.values[tape.made["pool"]]), tape.made["head"])
    assert gradient.shape == (3, 5) and not gradient.any()


def test_a_function_of_the_user_has_no_gradient():
    plan = make_plan([L.Lambda(lambda x: 2 * np.asarray(x), name="double"), L.ReLU()], (3,))
    tape = Tape(plan, np.ones((1, 3), np.float32))
    assert tape.gradient(tape.output, np.ones((1, 3)), tape.made["double"]).tolist() == [[1, 1, 1]]
    with pytest.raises(NotImplementedError, match="double.*function has no gradient"):
        tape.gradient(tape.output, np.ones((1, 3)))
