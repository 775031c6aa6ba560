"""Every layer, loss, metric and optimizer goes into a file and comes back."""

import json

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv import optimizers
from tests.layers.catalogue import LAYERS
from tests.saving.models import data, small

OPTIMIZERS = optimizers._RULES


def same(a, b):
    """Tell whether two lists of arrays have the same bits."""
    return len(a) == len(b) and all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_every_layer(case, tmp_path, rng):
    model = keras.Sequential([keras.Input(case.inputs), case.make()], name="m")
    for variable in model.weights:
        variable.assign(rng.random(variable.shape) + 0.5)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.get_config() == model.get_config() and again.name == "m"
    assert same(model.get_weights(), again.get_weights())
    x = rng.random((2, *case.inputs), dtype="float32")
    assert np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))

    fresh = keras.models.model_from_json(model.to_json())
    assert fresh.get_config() == model.get_config()
    model.save_weights(tmp_path / "m.weights.h5")
    fresh.load_weights(tmp_path / "m.weights.h5")
    assert same(model.get_weights(), fresh.get_weights())


@pytest.mark.parametrize("cls", OPTIMIZERS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("more", [{}, {"use_ema": True, "clipnorm": 1.0}, {"gradient_accumulation_steps": 2}], ids=str)
def test_training_goes_on_with_the_same_bits(cls, more, tmp_path):
    keras.utils.set_random_seed(3)
    model, (x, y) = small(), data()
    model.compile(cls(learning_rate=0.01, **more), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert same([v.array for v in model.optimizer.variables], [v.array for v in again.optimizer.variables])
    logs = [one.fit(x, y, batch_size=4, shuffle=False, verbose=0).history for one in (model, again)]
    assert logs[0] == logs[1]
    assert same(model.get_weights(), again.get_weights())


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "loss": "mse"},
        {
            "optimizer": "adam",
            "loss": keras.losses.Huber(0.5),
            "metrics": ["mae", keras.metrics.RootMeanSquaredError()],
        },
        {"optimizer": "adam", "loss": keras.losses.mean_squared_error, "weighted_metrics": {"out": "mse"}},
        {"optimizer": "adam", "loss": keras.losses.MeanSquaredError, "metrics": [["mse"]]},
        {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), "loss": "mse"},
        {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy", keras.metrics.AUC()]},
    ],
    ids=lambda settings: str(settings["loss"]),
)
def test_what_compile_was_given(settings, tmp_path):
    model, (x, y) = small(), data()
    y = np.eye(3, dtype="float32")[y]
    model.compile(**settings)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.get_compile_config() == model.get_compile_config()
    assert again.evaluate(x, y, verbose=0, return_dict=True) == model.evaluate(x, y, verbose=0, return_dict=True)
    assert keras.models.load_model(tmp_path / "m.keras", compile=False).optimizer is None


def test_a_model_that_knows_no_shape_yet(tmp_path):
    model = keras.Sequential([L.Dense(3), L.ReLU()], name="m")
    with pytest.warns(UserWarning, match="not built yet"):
        model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert not again.built and [type(layer) for layer in again.layers] == [L.Dense, L.ReLU]
    model.predict(np.ones((1, 4)), verbose=0)
    model.save(tmp_path / "m.keras")
    assert same(keras.models.load_model(tmp_path / "m.keras").get_weights(), model.get_weights())


def test_a_float64_model(tmp_path):
    model = keras.Sequential([keras.Input((4,), dtype="float64"), L.Dense(3, dtype="float64")])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.dtype == "float64" and same(model.get_weights(), again.get_weights())


def test_frozen_layers_stay_frozen(tmp_path):
    model = small()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data(), verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert [layer.trainable for layer in again.layers] == [layer.trainable for layer in model.layers]
    assert same([v.array for v in model.optimizer.variables], [v.array for v in again.optimizer.variables])


def test_a_folder_instead_of_an_archive(tmp_path):
    model = small()
    model.save(tmp_path / "m", zipped=False)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
    ]
    assert same(keras.models.load_model(tmp_path / "m").get_weights(), model.get_weights())
    model.layers[0].kernel.assign(model.layers[0].kernel + 1)
    model.save(tmp_path / "m", zipped=False)
    assert same(keras.models.load_model(tmp_path / "m").get_weights(), model.get_weights())


def test_names_of_groups_are_keras_s(tmp_path):
    import h5py

    model = keras.Sequential([keras.Input((4,)), L.Dense(3, name="head"), L.PReLU(), L.Dense(2), L.Dropout(0.5)])
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as file:
        assert sorted(file["layers"]) == ["dense", "dense_1", "dropout", "p_re_lu"]
        assert file["layers/dense/vars"].attrs["name"] == "head" and file["vars"].attrs["name"] == model.name
        assert file["layers/dense/vars/0"].shape == (4, 3) and "optimizer" not in file


# -- shards


def test_shards(tmp_path):
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data(), verbose=0)
    path = tmp_path / "m.weights.json"
    largest = max(w.nbytes for w in model.get_weights()) / 1024**3
    model.save_weights(path, max_shard_size=largest)
    names = {p.name for p in tmp_path.iterdir()}
    listed = json.loads(path.read_text())
    assert {"m.weights.json", "m_00000.weights.h5", "m_00001.weights.h5"} <= names
    assert listed["metadata"]["total_size"] == sum(v.array.nbytes for v in [*model.weights, *model.optimizer.variables])
    again = small()
    again.compile("adam", "sparse_categorical_crossentropy")
    again.optimizer.build(again.trainable_weights)
    again.load_weights(path)
    assert same(again.get_weights(), model.get_weights())
    assert same([v.array for v in model.optimizer.variables], [v.array for v in again.optimizer.variables])

    model.fit(*data(), verbose=0)
    model.save_weights(path, max_shard_size=largest)  # under new names, so that the list names old or new ones only
    again.load_weights(path)
    assert same(again.get_weights(), model.get_weights())
    assert len(list(tmp_path.iterdir())) == len(names) + 1  # and Keras's first shard, empty

    with pytest.raises(ValueError, match=r"has \d+ bytes, more than max_shard_size allows"):
        model.save_weights(path, max_shard_size=1e-9)
    with pytest.raises(ValueError, match=r"must end in `.weights.json` when `max_shard_size` is specified"):
        model.save_weights(tmp_path / "m.weights.h5", max_shard_size=1)


# -- weights that do not fit


def test_weights_that_do_not_fit(tmp_path):
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(2)])
    other = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(5)])
    model.save_weights(tmp_path / "m.weights.h5")
    before = other.get_weights()
    with pytest.raises(ValueError, match="A total of 1 objects could not be loaded.*dense"):
        other.load_weights(tmp_path / "m.weights.h5")
    assert same(before, other.get_weights())  # nothing was changed
    with pytest.warns(UserWarning, match="A total of 1 objects could not be loaded"):
        other.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    assert same(other.get_weights()[:2], model.get_weights()[:2]) and same(other.get_weights()[2:], before[2:])

    with pytest.raises(ValueError, match="not yet been built"):
        keras.Sequential([L.Dense(3)]).load_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="by_name"):
        model.load_weights(tmp_path / "m.weights.h5", by_name=True)
    with pytest.raises(ValueError, match="expected a name that ends in one of"):
        model.load_weights(tmp_path / "m.npz")
    with pytest.raises(ValueError, match=r"must end in `.weights.h5`"):
        model.save_weights(tmp_path / "m.h5")


def test_layers_may_be_left_out(tmp_path):
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(2)])
    other = keras.models.clone_model(model)
    keras.saving.save_weights(model, tmp_path / "m.weights.h5")
    before = other.get_weights()
    keras.saving.load_weights(other, tmp_path / "m.weights.h5", objects_to_skip=[other.layers[1]])
    assert same(other.get_weights()[:2], model.get_weights()[:2]) and same(other.get_weights()[2:], before[2:])


def test_an_optimizer_of_another_kind_begins_anew(tmp_path):
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data(), verbose=0)
    model.save_weights(tmp_path / "m.weights.h5")
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer 'sgd.*not built yet"):
        model.load_weights(tmp_path / "m.weights.h5")
    assert int(model.optimizer.iterations) == 0


# -- copies


def test_clone_model():
    model = small()
    copy = keras.models.clone_model(model)
    assert copy.get_config() == model.get_config() and not same(copy.get_weights(), model.get_weights())

    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "units": 7} if isinstance(layer, L.Dense) else config)

    assert keras.models.clone_model(model, clone_function=wider).output_shape == (None, 7)
    with pytest.raises(NotImplementedError, match="call_function"):
        keras.models.clone_model(model, call_function=wider)
    with pytest.raises(ValueError, match="not a model"):
        keras.models.clone_model(L.Dense(3))


def test_equal_models_are_equal_files(tmp_path, monkeypatch):
    import time

    model = small()
    monkeypatch.setattr(time, "strftime", lambda form: "now")
    for name in ("a", "b"):
        model.save(tmp_path / f"{name}.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()


def test_include_optimizer(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.save(tmp_path / "m.keras", include_optimizer=False)
    assert not keras.models.load_model(tmp_path / "m.keras").compiled


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"filepath": "m.h5"}, ValueError, "Expected a name that ends in '.keras'"),
        ({"filepath": "m"}, ValueError, "Expected a name that ends in '.keras'"),
        ({"filepath": "m.keras", "zipped": False}, ValueError, "a folder is written"),
        ({"filepath": "m.keras", "save_format": "tf"}, ValueError, "save_format"),
        ({"filepath": 5}, TypeError, "filepath=5"),
        ({"filepath": "gs://m.keras"}, ValueError, "lies elsewhere"),
    ],
    ids=str,
)
def test_what_save_refuses(settings, error, match):
    with pytest.raises(error, match=match):
        small().save(**settings)


def test_overwrite_asks(tmp_path, monkeypatch):
    model, path = small(), tmp_path / "m.keras"
    path.write_text("old")
    for answer, written in (("n", False), ("y", True)):
        monkeypatch.setattr("builtins.input", lambda prompt, answer=answer: answer)
        model.save(path, overwrite=False)
        assert (path.read_bytes() != b"old") == written

    def nobody(prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    with pytest.raises(FileExistsError, match="overwrite=False"):
        model.save(path, overwrite=False)
