"""Layers of several inputs: values, gradients, shapes, wrong calls."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Model
from fastconv.testing import check_gradients
from tests.layers.catalogue import MERGING

DEFINITIONS = {
    L.Add: lambda xs: sum(xs),
    L.Subtract: lambda xs: xs[0] - xs[1],
    L.Multiply: lambda xs: np.prod(xs, axis=0),
    L.Average: lambda xs: np.mean(xs, axis=0),
    L.Maximum: lambda xs: np.max(xs, axis=0),
    L.Minimum: lambda xs: np.min(xs, axis=0),
    L.Concatenate: lambda xs: np.concatenate(xs, axis=-1),
}
every = pytest.mark.parametrize("cls", MERGING)


@every
@pytest.mark.parametrize("count", [2, 3])
def test_values_and_gradients(cls, count, rng):
    count = 2 if cls is L.Subtract else count
    xs = [rng.standard_normal((3, 4, 5)).astype(np.float32) for _ in range(count)]
    expected = DEFINITIONS[cls](xs)
    np.testing.assert_allclose(cls()(xs), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(getattr(L, cls.__name__.lower())(xs), expected, rtol=1e-6, atol=1e-6)
    assert check_gradients(cls(), xs) < 1e-6
    inputs = L.Input((4, 5))
    scales = [L.Rescaling(float(i + 1))(inputs) for i in range(count)]
    model = Model(inputs, cls()(scales))
    assert model.output_shape == (None, *expected.shape[1:])
    scaled = [xs[0] * (i + 1) for i in range(count)]
    np.testing.assert_allclose(model.predict(xs[0], verbose=0), DEFINITIONS[cls](scaled), rtol=1e-6, atol=1e-6)


@every
def test_configs(cls):
    config = cls(name="m").get_config()
    assert cls.from_config(config).get_config() == config
    assert ("axis" in config) == (cls is L.Concatenate)


def test_shapes():
    assert L.Add().compute_output_shape([(None, 4, 1), (None, 1, 3)]) == (None, 4, 3)
    assert L.Concatenate(1).compute_output_shape([(None, 4, 1), (None, 2, 1)]) == (None, 6, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: L.Add(name="a")(np.ones((2, 3))), "at least 2 inputs"),
        (lambda: L.Add(name="a")([np.ones((2, 3))]), "at least 2 inputs"),
        (lambda: L.Add(name="a")([np.ones((2, 3)), np.ones((2, 4))]), r"\(None, 3\) and \(None, 4\) cannot be merged"),
        (lambda: L.Add(name="a")([np.ones((2, 3)), np.ones((2, 3, 1))]), "cannot be merged"),
        (lambda: L.Subtract(name="a")([np.ones((2, 3))] * 3), "exactly 2 inputs; got 3"),
        (lambda: L.Concatenate(0, name="a")([np.ones((2, 3))] * 2), "axis=0 on inputs"),
        (lambda: L.Concatenate(5, name="a")([np.ones((2, 3))] * 2), "axis=5 on inputs"),
        (lambda: L.Concatenate(1, name="a")([np.ones((2, 3, 4)), np.ones((2, 3, 5))]), "cannot be merged"),
    ],
)
def test_wrong_calls(call, words):
    with pytest.raises(ValueError, match=rf"Layer 'a' \(.*{words}"):
        call()
