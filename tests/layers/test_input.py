"""Input and InputLayer: the shape of what comes in."""

import pytest

from fastconv import layers as L
from fastconv.models import Sequential


@pytest.mark.parametrize(
    ("settings", "batch_shape"),
    [
        ({"shape": (28, 28, 1)}, (None, 28, 28, 1)),
        ({"shape": [4]}, (None, 4)),
        ({"shape": 4}, (None, 4)),
        ({"shape": (4,), "batch_size": 7}, (7, 4)),
        ({"batch_shape": (None, 2, 3)}, (None, 2, 3)),
        ({"batch_shape": (5, 2, 3)}, (5, 2, 3)),
    ],
    ids=str,
)
def test_ways_to_say_a_shape(settings, batch_shape):
    layer = L.InputLayer(**settings)
    assert layer.batch_shape == batch_shape and L.Input(**settings).shape[1:] == batch_shape[1:]
    twin = L.InputLayer.from_config(layer.get_config())
    assert (twin.batch_shape, twin.name, twin.dtype) == (batch_shape, layer.name, layer.dtype)


def test_input_layer_takes_legacy_names():
    assert L.InputLayer(input_shape=(3, 2)).batch_shape == (None, 3, 2)


def test_a_batch_size_is_only_shown():
    model = Sequential([L.Input((2,), batch_size=7), L.ReLU()])
    assert model.predict_on_batch([[1.0, -1.0]]).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "either shape or batch_shape"),
        ({"shape": (2,), "batch_shape": (None, 2)}, "either shape or batch_shape"),
        ({"shape": (2, 0)}, "not above 0"),
        ({"shape": (2, -1)}, "not above 0"),
        ({"shape": (2.0,)}, "not above 0"),
        ({"shape": ("a",)}, "not above 0"),
    ],
    ids=str,
)
def test_shapes_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=rf"Layer 'i' \(Input\): .*{message}"):
        L.Input(**settings, name="i")


@pytest.mark.parametrize("settings", [{"sparse": True}, {"ragged": True}, {"tensor": 3}, {"optional": True}], ids=str)
def test_what_is_not_supported(settings):
    with pytest.raises(NotImplementedError, match=r"Layer 'i': .* is not supported"):
        L.Input((2,), name="i", **settings)
