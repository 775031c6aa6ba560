"""What layers and models can be asked for Keras's sake, and what they refuse with a reason."""

import numpy as np
import pytest

import fastconv as keras
from fastconv.absent import Attribute
from fastconv.layers.surface import ModelSurface, Surface


def absent(cls):
    return [(name, thing.reason) for name, thing in vars(cls).items() if isinstance(thing, Attribute)]


@pytest.mark.parametrize(("name", "reason"), absent(Surface))
def test_a_layer_tells_why_something_is_not_there(name, reason):
    layer = keras.layers.Dense(2, name="scores")
    assert not hasattr(layer, name)
    with pytest.raises(AttributeError) as caught:
        getattr(layer, name)
    assert str(caught.value) == f"Dense 'scores' has no {name!r}: {reason}."


@pytest.mark.parametrize(("name", "reason"), absent(ModelSurface))
def test_a_model_tells_why_and_refuses_one_of_one_s_own(name, reason):
    with pytest.raises(AttributeError) as caught:
        getattr(keras.Sequential(name="m"), name)
    assert str(caught.value) == f"Sequential 'm' has no {name!r}: {reason}."
    cls = type("Mine", (keras.Sequential,), {name: lambda self, *args: None})
    with pytest.raises(NotImplementedError) as caught:
        cls(name="m")
    assert str(caught.value) == f"Model 'm' (Mine): a {name} of one's own is not supported: {reason}."


def test_types():
    layer = keras.layers.Dense(2, dtype="float64")
    policy = layer.dtype_policy
    assert policy == keras.DTypePolicy("float64") != keras.DTypePolicy("float32")
    assert policy == keras.DTypePolicy.from_config(policy.get_config())
    assert {
        policy.compute_dtype,
        policy.variable_dtype,
        layer.compute_dtype,
        layer.variable_dtype,
        layer.input_dtype,
    } == {"float64"}
    assert keras.layers.Dense(2, dtype=policy).dtype == "float64"
    assert keras.config.dtype_policy() == keras.DTypePolicy("float32")
    with pytest.raises(ValueError, match="DTypePolicy: name='mixed_float16' is not supported"):
        keras.DTypePolicy("mixed_float16")


def test_paths():
    layer = keras.layers.Dense(2, name="scores")
    assert layer.path is None
    layer.build((None, 3))
    assert layer.path == "scores"
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, name="scores"), keras.layers.ReLU(name="r")], name="m"
    )
    assert [inner.path for inner in model.layers] == ["m/scores", "r"]


def test_building_from_what_a_config_says():
    layer = keras.layers.Conv2D(2, 3)
    assert layer.get_build_config() is None
    layer(np.zeros((1, 5, 5, 3)))
    again = keras.layers.Conv2D(2, 3)
    again.build_from_config(layer.get_build_config())
    assert [v.shape for v in again.weights] == [(3, 3, 3, 2), (2,)]
    keras.layers.Dense(2).build_from_config(None)


def test_specs_of_outputs():
    layer = keras.layers.Conv2D(2, 3)
    spec = layer.compute_output_spec(keras.KerasTensor((None, 5, 5, 3)))
    assert (spec.shape, spec.dtype) == ((None, 3, 3, 2), "float32")
    assert not layer.built and layer.compute_mask(None, None) is None
    assert keras.layers.Add().compute_output_spec([spec, spec]).shape == spec.shape
    assert layer.symbolic_call(keras.Input((5, 5, 3))).shape == (None, 3, 3, 2)


def test_metrics():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.layers[0].metrics == model.layers[0].metrics_variables == []
    assert len(model.metrics_variables) == 2  # the loss's mean
    assert model.jit_compile is model.run_eagerly is False


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"mask": 1}, NotImplementedError, r"Layer 'scores' \(Own\): mask=1 is not supported"),
        ({"foo": 1}, TypeError, r"Layer 'scores' \(Own\): got an unexpected keyword argument 'foo'"),
        ({"scale": 1}, NotImplementedError, r"Layer 'scores' \(Own\): the argument 'scale' of a call is not supported"),
    ],
)
def test_arguments_of_calls(arguments, error, words):
    class Own(keras.layers.Layer):
        def call(self, inputs, scale=2.0):
            return inputs * scale

    for x in (np.zeros((2, 3)), keras.Input((3,))):
        with pytest.raises(error, match=words):
            Own(name="scores")(x, **arguments)
