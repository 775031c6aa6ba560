"""Lambda: shapes, where it trains and where it refuses to, configs."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import names, ops
from fastconv.models import Sequential


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


def test_several_inputs_are_refused_with_what_takes_them():
    with pytest.raises(ValueError, match=r"'d' \(Lambda\): got a list of 2 inputs; .* A Layer of one's own"):
        L.Lambda(lambda pair: pair[0] - pair[1], name="d")([L.Input((3,)), L.Input((3,))])
