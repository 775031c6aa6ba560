"""What holds for each layer: shapes, values, both data formats, configs, types, names."""

import inspect
import json

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential
from tests.cases import integers
from tests.layers.catalogue import LAYERS, MERGING

IMAGES = [case for case in LAYERS if case.takes_images]
every_layer = pytest.mark.parametrize("case", LAYERS, ids=str)
#: All but SpatialDropout: as in Keras, it knows no keywords beside its own.
OPEN = [case for case in LAYERS if inspect.getfullargspec(case.cls.__init__).varkw]
every_open_layer = pytest.mark.parametrize("case", OPEN, ids=str)


def filled(layer, rng):
    """Give a built layer whole numbers for weights, above 0 for variances; return it."""
    weights = [integers(rng, v.shape, v.dtype, limit=3) for v in layer.weights]
    positive = [
        np.abs(w) + 1 if v.name == "moving_variance" else w for v, w in zip(layer.weights, weights, strict=True)
    ]
    layer.set_weights(positive)
    return layer


def built(case, rng, **more):
    """Return a built layer whose weights are whole numbers."""
    layer = case.make(**more)
    layer.build_once((None, *case.inputs))
    return filled(layer, rng)


def infer(layer, x):
    """Return what a layer makes of an array in inference: layers on images act by chance when called alone."""
    return layer(x, training=False)


def first(images):
    """Return images with channels first."""
    return np.ascontiguousarray(np.moveaxis(images, -1, 1))


def test_the_catalogue_is_complete():
    layers = {cls for cls in vars(L).values() if isinstance(cls, type) and issubclass(cls, L.Layer)}
    assert layers - {case.cls for case in LAYERS} == {L.Layer, L.InputLayer, L.Lambda, *MERGING}


@every_layer
def test_shapes(case, rng):
    layer = case.make()
    assert layer.compute_output_shape((None, *case.inputs)) == (None, *case.outputs)
    assert layer.compute_output_shape((5, *case.inputs)) == (5, *case.outputs)
    assert layer(integers(rng, (2, *case.inputs))).shape == (2, *case.outputs)
    assert layer(integers(rng, (0, *case.inputs))).shape == (0, *case.outputs)
    assert layer.count_params() == case.params == sum(v.array.size for v in layer.weights)


@every_layer
def test_values(case, variant, rng):
    layer = built(case, rng)
    x = integers(rng, (3, *case.inputs))
    before = x.copy()
    y, expected = infer(layer, x), case.define(x, *layer.get_weights())
    assert y.dtype == np.float32
    if case.exact:
        np.testing.assert_array_equal(y, expected)
    else:
        np.testing.assert_allclose(y, expected, rtol=2e-6, atol=2e-6)
    np.testing.assert_array_equal(x, before)


@every_layer
def test_values_in_float64(case, rng):
    layer = built(case, rng, dtype="float64")
    assert {v.dtype for v in layer.weights} <= {"float64"}
    x = rng.standard_normal((3, *case.inputs))
    y = infer(layer, x)
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, case.define(x, *layer.get_weights()), rtol=1e-12, atol=1e-12)


@every_layer
def test_alone_and_in_a_model(case, variant, rng):
    layer = built(case, rng)
    model = Sequential([L.Input(case.inputs), layer])
    x = integers(rng, (3, *case.inputs))
    assert model.output_shape == (None, *case.outputs)
    np.testing.assert_array_equal(model.predict_on_batch(x), infer(layer, x), strict=True)


@pytest.mark.parametrize("case", IMAGES, ids=str)
def test_both_data_formats_give_the_same_bits(case, variant, rng):
    last = built(case, rng)
    swapped = case.make(data_format="channels_first")
    x = rng.standard_normal((3, *case.inputs)).astype(np.float32)
    swapped.build_once(first(x).shape)
    swapped.set_weights(last.get_weights())
    expected, y = infer(last, x), infer(swapped, first(x))
    assert y.shape == swapped.compute_output_shape(first(x).shape)
    if expected.ndim == x.ndim:
        expected = first(expected)
    assert y.tobytes() == expected.tobytes()


@every_layer
def test_config_makes_an_equal_layer(case, rng):
    layer = built(case, rng)
    config = layer.get_config()
    stored = json.loads(json.dumps(config))  # tuples come back as lists
    for given in (config, stored):
        twin = case.cls.from_config(given)
        assert twin.get_config() == config
        twin.build_once((None, *case.inputs))
        twin.set_weights(layer.get_weights())
        x = integers(rng, (2, *case.inputs))
        assert infer(twin, x).tobytes() == infer(layer, x).tobytes()


@every_open_layer
def test_config_keeps_what_every_layer_has(case):
    layer = case.make(name="mine", trainable=False, dtype="float64")
    twin = case.cls.from_config(layer.get_config())
    assert (twin.name, twin.trainable, twin.dtype) == ("mine", False, "float64")


@every_layer
def test_inputs_of_other_types_and_memory_orders(case, rng):
    layer = built(case, rng)
    x = integers(rng, (2, *case.inputs))
    expected = infer(layer, x)
    for other in (x.astype("int8"), x.astype("float64"), x.astype(">f4"), np.asfortranarray(x), x.tolist()):
        y = infer(layer, other)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, expected)


@every_open_layer
def test_unknown_keywords_are_refused(case):
    with pytest.raises(ValueError, match=rf"passed to {case.cls.__name__}: .*trainabel.*Did you mean 'trainable'"):
        case.make(trainabel=False)


@every_open_layer
def test_the_first_layer_may_say_what_comes_in(case):
    for hint in ({"input_shape": case.inputs}, {"batch_input_shape": (None, *case.inputs)}):
        model = Sequential([case.make(**hint)])
        assert model.built and model.input_shape == (None, *case.inputs)
        assert model.output_shape == (None, *case.outputs)
    if len(case.inputs) == 1:
        assert Sequential([case.make(input_dim=case.inputs[0])]).input_shape == (None, *case.inputs)


@every_layer
def test_layers_say_what_they_are(case):
    layer = case.make(name="mine")
    assert repr(layer) == f"<{case.cls.__name__} name=mine, built={layer.built}>"
