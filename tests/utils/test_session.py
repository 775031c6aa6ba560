"""A clean start, and questions about types and tensors."""

import gc
import weakref

import numpy as np
import pytest

import fastconv as keras
from fastconv import backend, utils


def test_names_begin_anew_and_models_are_freed():
    utils.clear_session()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((2, 4)), np.zeros((2, 2)), verbose=0)
    assert model.name == "sequential" and model.layers[0].name == "dense"
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        utils.clear_session()
        assert gone() is None
    finally:
        gc.enable()
    assert keras.layers.Dense(2).name == "dense"


def test_uids_are_those_of_names():
    utils.clear_session(free_memory=False)
    assert [backend.get_uid("dense"), backend.get_uid("dense")] == [1, 2]
    assert keras.layers.Dense(1).name == "dense_2"


def test_source_inputs():
    a, b = keras.Input((3,)), keras.Input((3,))
    assert utils.get_source_inputs(keras.layers.Add()([a, b])) == [a, b]
    assert utils.get_source_inputs(a) == [a]
    with pytest.raises(ValueError, match="is not a KerasTensor"):
        utils.get_source_inputs(np.zeros(3))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "float32"), (float, "float32"), (int, "int32"), (bool, "bool"), ("int", "int32"),
        (np.float64, "float64"), (np.dtype("int8"), "int8"), ("bfloat16", "bfloat16"), (str, "string"),
        (np.dtype("int64"), "int64"), (np.dtype("float64"), "float64"),
    ],
)  # fmt: skip
def test_types(given, name):
    assert utils.standardize_dtype(given) == name


@pytest.mark.parametrize("given", ["float", "object", object, "str", "x", 3])
def test_what_is_no_type(given):
    with pytest.raises(ValueError, match="standardize_dtype: dtype="):
        utils.standardize_dtype(given)


def test_kinds_of_types():
    assert backend.is_float_dtype("bfloat16") and not backend.is_float_dtype("int8")
    assert backend.is_int_dtype("uint8") and not backend.is_int_dtype("bool")
    assert keras.config.backend() == backend.backend() == "fastconv"


@pytest.mark.parametrize("parts", [("x",), ("x", "y"), ("x", "y", "w")])
def test_packing(parts):
    packed = utils.pack_x_y_sample_weight(*parts)
    assert packed == (parts if len(parts) > 1 else "x")
    assert utils.unpack_x_y_sample_weight(packed) == (*parts, None, None)[:3]
    assert utils.unpack_x_y_sample_weight(list(parts)) == (*parts, None, None)[:3]
    assert utils.pack_x_y_sample_weight(["x"]) == (["x"],)
    assert utils.pack_x_y_sample_weight("x", None, "w") == ("x", None, "w")


@pytest.mark.parametrize("data", [(), (1, 2, 3, 4)])
def test_what_is_no_batch(data):
    with pytest.raises(ValueError, match=f"data has {len(data)} parts"):
        utils.unpack_x_y_sample_weight(data)
