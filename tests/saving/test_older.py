"""Keras's older format: files as Keras 2 and Keras 3 write them."""

import json

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from tests.saving.models import data, small
from tests.saving.older import save_arrays, save_layers, save_older

h5py = pytest.importorskip("h5py")


def same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("two", [False, True], ids=["Keras 3", "Keras 2"])
def test_whole_models(two, tmp_path):
    model = small()
    model.add(L.LeakyReLU(negative_slope=0.2))
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    x, y = data()
    y = np.eye(3, dtype="float32")[y]
    model.fit(x, y, shuffle=False, verbose=0)
    save_older(model, tmp_path / "m.h5", two)
    again = keras.models.load_model(tmp_path / "m.h5")
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert same(again.get_weights(), model.get_weights())
    for one in (model, again):
        one.fit(x, y, shuffle=False, verbose=0)
    assert same(again.get_weights(), model.get_weights())
    assert not keras.models.load_model(tmp_path / "m.h5", compile=False).compiled


def test_weights_alone_as_keras_2_wrote_them(tmp_path):
    model, again = small(), small()
    for name in ("m.h5", "m.hdf5"):
        with h5py.File(tmp_path / name, "w") as file:
            save_layers(model, file, two=True)
        again.load_weights(tmp_path / name)
        assert same(again.get_weights(), model.get_weights())
    with pytest.raises(ValueError, match="no 'model_config'"):
        keras.models.load_model(tmp_path / "m.h5")


def test_long_lists_of_names_lie_in_parts(tmp_path):
    model = small()
    with h5py.File(tmp_path / "m.h5", "w") as file:
        save_layers(model, file)
        names = list(file.attrs["layer_names"])
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:2], names[2:]
    again = small()
    again.load_weights(tmp_path / "m.h5")
    assert same(again.get_weights(), model.get_weights())


def test_layers_by_their_names(tmp_path):
    model = small()
    other = keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(3, 3, name="conv"), L.Flatten(), L.Dense(4, name="new")])
    save_older(model, tmp_path / "m.h5")
    before = other.get_weights()
    other.load_weights(tmp_path / "m.h5", by_name=True)
    assert same(other.get_weights()[:2], model.get_weights()[:2]) and same(other.get_weights()[2:], before[2:])
    with pytest.raises(ValueError, match=r"Layer count mismatch.*expected 2 layers, found 4"):
        other.load_weights(tmp_path / "m.h5")


def test_shapes_that_do_not_fit(tmp_path):
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(2)])
    other = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(5)])
    save_older(model, tmp_path / "m.h5")
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"expects shape \(3, 5\). Received shape \(3, 2\)"):
        other.load_weights(tmp_path / "m.h5")
    assert same(other.get_weights(), before)
    with pytest.warns(UserWarning, match=r"expects shape \(3, 5\).*Skipped"):
        other.load_weights(tmp_path / "m.h5", skip_mismatch=True)
    assert same(other.get_weights()[:2], model.get_weights()[:2])


def test_lists_that_name_what_is_not_there(tmp_path):
    for change, match in (
        (lambda file: file.attrs.update(layer_names=["no"]), "no group for the layer 'no'"),
        (lambda file: file["conv"].attrs.update(weight_names=["no"]), "has no weight 'no'"),
        (lambda file: save_arrays(file["conv"], {}), "Layer count mismatch"),
    ):
        with h5py.File(tmp_path / "m.h5", "w") as file:
            save_layers(small(), file)
            change(file)
        with pytest.raises(ValueError, match=match):
            small().load_weights(tmp_path / "m.h5")


def test_a_model_of_layers_without_modules(tmp_path):
    config = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"units": 2, "input_dim": 3}}]}
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = ["d"]
        save_arrays(group.create_group("d"), {"d/kernel:0": np.ones((3, 2)), "d/bias:0": np.ones(2)})
    model = keras.models.load_model(tmp_path / "m.h5")
    assert np.array_equal(model.predict(np.ones((1, 3)), verbose=0), [[4.0, 4.0]])
