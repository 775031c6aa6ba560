"""Playing a plan back: every layer's output, and gradients of any value with respect to any other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastconv import layers as L
from fastconv import regularizers
from fastconv.plan.playback import Playback
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
def played(rng):
    plan = make_plan(network(), (9, 8, 2), dtype="float32")
    for variable in plan.variables:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return Playback(plan, rng.standard_normal((3, 9, 8, 2), dtype=np.float32)), plan


def test_every_layer_s_output_is_kept(played):
    played, plan = played
    x = played.values[0]
    for layer in plan.layers:
        x = layer(x)
        assert_array_equal(played.values[played.made[layer.name]], x)
    assert played.made["dropout"] == played.made["norm"]
    assert played.output == played.made["head"]
    assert_allclose(played.values[played.output], plan.predict(played.values[0]), rtol=1e-5, atol=1e-7)


def test_scores_are_what_softmax_reads(played):
    played, _ = played
    assert_allclose(L.Softmax()(played.values[played.scores]), played.values[played.output])
    plain = Playback(make_plan([L.Dense(2, activation="sigmoid")], (3,)), np.ones((1, 3), np.float32))
    assert plain.scores == plain.output


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_gradients_of_every_layer(case, rng):
    """With respect to the input, by differences in float64."""
    plan = make_plan([case.make(dtype="float64")], case.inputs, dtype="float64")
    for variable in plan.variables:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    x = rng.standard_normal((2, *case.inputs))
    played = Playback(plan, x)
    dy = rng.standard_normal(played.values[played.output].shape)
    check_gradients(lambda x: plan.predict(x), [x], dy, [played.gradient(played.output, dy)])


def test_from_anywhere_to_anywhere(rng):
    """The gradient of a score with respect to a layer's output is that of the layers behind it alone."""
    layers = [layer for layer in network() if layer.name != "penalized"]
    for layer in layers:
        layer.dtype = "float64"
    plan = make_plan(layers, (9, 8, 2), dtype="float64")
    played = Playback(plan, rng.standard_normal((1, 9, 8, 2)))
    dy = rng.standard_normal((1, 5))
    start = played.values[played.made["pool"]]
    rest = make_plan(layers[2:], start.shape[1:], dtype="float64")
    check_gradients(lambda x: rest.predict(x), [start], dy, [played.gradient(played.output, dy, played.made["pool"])])
    inner = rng.standard_normal(start.shape)
    head = make_plan(layers[:2], (9, 8, 2), dtype="float64")
    check_gradients(lambda x: head.predict(x), [played.values[0]], inner, [played.gradient(played.made["pool"], inner)])


def test_a_value_has_no_influence_on_those_before_it(played):
    played, _ = played
    gradient = played.gradient(
        played.made["pool"], np.ones_like(played.values[played.made["pool"]]), played.made["head"]
    )
    assert gradient.shape == (3, 5) and not gradient.any()


def test_a_function_of_the_user_has_no_gradient():
    plan = make_plan([L.Lambda(lambda x: 2 * np.asarray(x), name="double"), L.ReLU()], (3,))
    played = Playback(plan, np.ones((1, 3), np.float32))
    assert played.gradient(played.output, np.ones((1, 3)), played.made["double"]).tolist() == [[1, 1, 1]]
    with pytest.raises(NotImplementedError, match="double.*function has no gradient"):
        played.gradient(played.output, np.ones((1, 3)))
