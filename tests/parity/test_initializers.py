"""Initializers against Keras: not the same bits, but the same distributions, limits and configs."""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import initializers

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

RANDOM = [
    ("RandomNormal", {"mean": 0.5, "stddev": 2.0}),
    ("RandomUniform", {"minval": -1.0, "maxval": 3.0}),
    ("TruncatedNormal", {"stddev": 0.5}),
    ("GlorotUniform", {}),
    ("GlorotNormal", {}),
    ("HeUniform", {}),
    ("HeNormal", {"input_axes": [0], "output_axes": [1, 2, 3]}),
    ("LecunUniform", {}),
    ("LecunNormal", {}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"}),
    ("VarianceScaling", {"mode": "fan_avg", "distribution": "untruncated_normal"}),
    ("VarianceScaling", {"distribution": "normal"}),
    ("Orthogonal", {"gain": 2.0}),
]


@pytest.mark.parametrize(("name", "settings"), RANDOM)
def test_distributions(name, settings):
    shape = (3, 3, 60, 80)
    ours = getattr(initializers, name)(seed=1, **settings)(shape)
    theirs = keras.ops.convert_to_numpy(getattr(keras.initializers, name)(seed=1, **settings)(shape))
    spread = theirs.std()
    # A two-sample Kolmogorov-Smirnov distance: 0.0136 is its 1 in 1000 bound for samples of this size.
    grid = np.sort(np.concatenate([ours.ravel(), theirs.ravel()]))
    cdf = [np.searchsorted(np.sort(x.ravel()), grid, side="right") / x.size for x in (ours, theirs)]
    assert np.abs(cdf[0] - cdf[1]).max() < 0.0136
    assert ours.std() == pytest.approx(spread, rel=0.02)
    if "ormal" not in str(settings.get("distribution", name)) and name != "Orthogonal":
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=2e-3)


@pytest.mark.parametrize(("name", "settings"), [*RANDOM, ("Zeros", {}), ("Ones", {}), ("Constant", {"value": 2.0})])
def test_configs_are_those_of_keras(name, settings):
    ours, theirs = getattr(initializers, name)(**settings), getattr(keras.initializers, name)(**settings)
    assert initializers.serialize(ours) == keras.initializers.serialize(theirs)
    assert type(initializers.deserialize(keras.initializers.serialize(theirs))) is type(ours)


@pytest.mark.parametrize("name", ["Zeros", "Ones", "Constant", "Identity"])
def test_constants(name):
    ours, theirs = getattr(initializers, name)(), getattr(keras.initializers, name)()
    np.testing.assert_array_equal(ours((4, 3)), keras.ops.convert_to_numpy(theirs((4, 3))))


@pytest.mark.parametrize("seed", [None, 5])
def test_calling_twice_and_making_twice(seed):
    def equal(module):
        first, second = module.HeNormal(seed=seed), module.HeNormal(seed=seed)
        values = [np.asarray(keras.ops.convert_to_numpy(i((3, 4)))) for i in (first, first, second)]
        return (values[0] == values[1]).all(), (values[0] == values[2]).all()

    assert equal(initializers) == equal(keras.initializers)


@pytest.mark.parametrize("name", [name for name in initializers.__all__ if hasattr(keras.initializers, name)])
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (initializers, keras.initializers))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
