"""Lambda: shapes, where it trains and where it refuses to, configs."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import names, ops
from fastconv.models import Model, Sequential


def halves(x):
    return x[..., ::2]


def test_shapes_and_values(rng):
    x = rng.standard_normal((3, 4, 6)).astype(np.float32)
    for layer, expected in (
        (L.Lambda(halves), halves(x)),
        (L.Lambda(lambda x, by: x * by, arguments={"by": 2}), 2 * x),
        (L.Lambda(lambda x: x.sum(-1), output_shape=(4,)), x.sum(-1)),
        (L.Lambda(lambda x: x.sum(-1), output_shape=lambda shape: shape[:-1]), x.sum(-1)),
    ):
        np.testing.assert_allclose(layer(x), expected, rtol=1e-6)
        model = Sequential([L.Input((4, 6)), layer])
        assert model.output_shape == (None, *expected.shape[1:])
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-6)
        assert layer(x[:0]).shape == (0, *expected.shape[1:])


def test_it_trains_where_no_gradient_has_to_pass_it(rng):
    x, y = rng.standard_normal((8, 6)), rng.standard_normal((8, 2))
    model = Sequential([L.Input((6,)), L.Lambda(halves), L.Dense(2)])
    model.compile("sgd", "mse")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before
    behind = Sequential([L.Input((6,)), L.Dense(6), L.Lambda(lambda x: np.sort(x), name="half"), L.Dense(2)])
    behind.compile("sgd", "mse")
    assert behind.evaluate(x, y, verbose=0) > 0
    with pytest.raises(NotImplementedError, match=r"Layer 'half' \(Lambda\): its function has no gradient.*np.sort"):
        behind.fit(x, y, verbose=0)
    behind.layers[0].trainable = False
    behind.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    "function", [halves, lambda x: ops.tanh(x) * x.mean(axis=-1, keepdims=True)], ids=["slice", "ops"]
)
def test_it_trains_where_its_function_is_made_of_ops(function, rng):
    x, y = rng.standard_normal((8, 6)), rng.standard_normal((8, 2))

    class Same(L.Layer):
        def call(self, inputs):
            return function(inputs)

    one, two = (Sequential([L.Input((6,)), L.Dense(6), middle, L.Dense(2)]) for middle in (L.Lambda(function), Same()))
    two.set_weights(one.get_weights())
    for model in (one, two):
        model.compile("sgd", "mse")
        model.fit(x, y, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_configs():
    layer = L.Lambda(halves, arguments={"a": 1}, name="half")
    with pytest.raises(ValueError, match="'halves'"):
        L.Lambda.from_config(layer.get_config())  # a config never runs code that nobody registered
    names.CUSTOM_OBJECTS["halves"] = halves
    try:
        twin = L.Lambda.from_config(layer.get_config())
    finally:
        del names.CUSTOM_OBJECTS["halves"]
    assert twin.function is halves and twin.arguments == {"a": 1}
    with pytest.raises(ValueError, match="Cannot serialize the function"):
        L.Lambda(lambda x: x).get_config()


def test_wrong_calls():
    with pytest.raises(TypeError, match=r"Layer 'n' \(Lambda\): function=5 is not a function"):
        L.Lambda(5, name="n")
    with pytest.raises(NotImplementedError, match="mask"):
        L.Lambda(halves, mask=5)
    with pytest.raises(ValueError, match=r"its function returned shape \(2, 4\); expected \(2, 3\)"):
        L.Lambda(lambda x: x, output_shape=(3,))(np.ones((2, 4)))
    with pytest.raises(ValueError, match="read-only"):
        L.Lambda(lambda x: np.add(x, 1, out=x), output_shape=(4,))(np.ones((2, 4)))


def apart(pair):
    """Return how far two vectors are apart."""
    return ops.sqrt(ops.sum(ops.square(pair[0] - pair[1]), axis=1, keepdims=True) + 1e-3)


def test_a_list_is_several_inputs(rng):
    a, b = (rng.standard_normal((8, 6)).astype("float32") for _ in "ab")
    expected = np.sqrt(((a - b) ** 2).sum(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(L.Lambda(apart)([a, b]), expected, rtol=1e-6)
    inputs = [L.Input((6,)), L.Input((6,))]
    for settings in ({}, {"output_shape": (1,)}, {"output_shape": lambda shapes: (shapes[0][0], 1)}):
        y = L.Lambda(apart, **settings)(inputs)
        assert y.shape == (None, 1)
        np.testing.assert_allclose(Model(inputs, y).predict([a, b], verbose=0), expected, rtol=1e-6)
    np.testing.assert_array_equal(L.Lambda(lambda one: one[0] + 1)([a]), a + 1)
    np.testing.assert_array_equal(L.Lambda(lambda pair: pair[0])([a, np.ones((8, 2), "float32")]), a)


def test_gradients_go_to_every_input_that_wants_one(rng):
    """Both through trained layers, one of them, and one array given twice."""
    x = [rng.standard_normal((8, 6)), rng.standard_normal((8, 6))]
    y = rng.standard_normal((8, 1))

    class Same(L.Layer):
        def call(self, inputs):
            return apart(inputs)

    def network(middle, ways):
        inputs = [L.Input((6,)), L.Input((6,))]
        shared = L.Dense(4)
        sides = {
            "both": [shared, shared],
            "own": [L.Dense(4), L.Dense(4)],
            "second": [L.Dense(4, trainable=False), shared],
        }
        ends = [way(x) for way, x in zip(sides[ways], inputs, strict=True)]
        return Model(inputs, L.Dense(1)(middle(ends)))

    for ways in ("both", "own", "second"):
        one, two = network(L.Lambda(apart), ways), network(Same(), ways)
        two.set_weights(one.get_weights())
        before = one.get_weights()
        for model in (one, two):
            model.compile("sgd", "mse")
            model.fit(x, y, epochs=3, shuffle=False, verbose=0)
        assert not np.array_equal(before[0], one.get_weights()[0]) or ways == "second"
        for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_a_list_without_a_gradient_says_so(rng):
    inputs = [L.Input((6,)), L.Input((6,))]
    y = L.Lambda(lambda pair: np.sort(pair[0]) + pair[1], name="most")([L.Dense(3)(x) for x in inputs])
    model = Model(inputs, y)
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match=r"Layer 'most' \(Lambda\): its function has no gradient"):
        model.fit([np.ones((4, 6)), np.ones((4, 6))], np.ones((4, 3)), verbose=0)
