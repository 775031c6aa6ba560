"""Warnings: each stands at the line of the program that called the library, however deep in it it arises."""

import io
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

import fastconv as keras
from fastconv import callbacks, metrics, optimizers, utils
from fastconv import layers as L
from fastconv.ops import bfloat16
from fastconv.runtime import caller, threads
from tests.saving.older import save_older

X, Y = np.zeros((6, 4)), np.zeros((6, 2))
ROOT = Path(keras.__file__).parent


def model(units=2, optimizer="sgd"):
    made = keras.Sequential([L.Input((4,)), L.Dense(units, name="d")], name="m")
    made.compile(optimizer, "mse")
    return made


def fit(data=X, y=Y, **settings):
    return lambda folder: model().fit(data, y, verbose=0, **settings)


class Numbers(utils.PyDataset):
    def __init__(self, forgetful=False, **settings):
        if not forgetful:
            super().__init__(**settings)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[:2], Y[:2]


def batches(count):
    return ((X[:2], Y[:2]) for _ in range(count))


def file_of(folder, saved, optimizer="sgd", name="m.weights.h5"):
    """Return the path of a file with the weights of a model that was trained."""
    saved = model(saved, optimizer)
    saved.fit(X, np.zeros((6, saved.output_shape[1])), verbose=0)
    (save_older if name == "m.h5" else lambda model, path: model.save_weights(path))(saved, folder / name)
    return folder / name


def older_file(folder):
    """Return the path of an older file whose optimizer lacks an array."""
    saved = model(optimizer="adam")
    saved.fit(X, Y, verbose=0)
    save_older(saved, folder / "m.h5")
    with h5py.File(folder / "m.h5", "a") as file:
        group = file["optimizer_weights"]
        group.attrs["weight_names"] = list(group.attrs["weight_names"])[:-1]
    return folder / "m.h5"


def one_r2_score():
    metric = metrics.R2Score(num_regressors=9)
    metric.update_state([[1.0], [2.0]], [[1.0], [2.0]])
    return metric


def built():
    made = model(optimizer="adam")
    made.optimizer.build(made.trainable_variables)
    return made


#: A name, what is made before, the call that warns, the words. Each call is one line of this file.
CALLS = [
    ("fit-arrays", None, lambda f, _: model().fit(X, Y, 2, steps_per_epoch=5, verbose=0), "ran out of data"),
    ("fit-batches", None, lambda f, _: model().fit(batches(2), steps_per_epoch=3, verbose=0), "ran out of data"),
    ("fit-data-set", None, lambda f, _: model().fit(Numbers(), steps_per_epoch=3, verbose=0), "ran out of data"),
    ("fit-workers", None, lambda f, _: model().fit(Numbers(workers=2), steps_per_epoch=3, verbose=0), "ran out"),
    ("evaluate", None, lambda f, _: model().evaluate(batches(2), steps=3, verbose=0), "ran out of data"),
    ("predict", None, lambda f, _: model().predict(batches(2), steps=3, verbose=0), "ran out of data"),
    ("validation", None, lambda f, _: model().fit(X, Y, verbose=0, validation_data=batches(2), validation_steps=3), "ran"),
    ("data-set", None, lambda f, _: Numbers(forgetful=True).workers, "should call `super"),
    ("fit-forgetful", None, lambda f, _: model().fit(Numbers(forgetful=True), verbose=0), "should call `super"),
    ("monitor", None, lambda f, _: model().fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping("val_los", mode="min")]), "'val_los'"),
    ("checkpoint", None, lambda f, _: model().fit(X, Y, verbose=0, callbacks=[callbacks.ModelCheckpoint(f / "m.keras", "no", mode="min", save_best_only=True)]), "with no available"),
    ("skip-mismatch", lambda f: file_of(f, 3), lambda f, path: model().load_weights(path, skip_mismatch=True), "could not be loaded"),
    ("older-mismatch", lambda f: file_of(f, 3, name="m.h5"), lambda f, path: model().load_weights(path, skip_mismatch=True), "Skipped"),
    ("other-optimizer", lambda f: file_of(f, 2, "adam"), lambda f, path: model().load_weights(path), "Skipping variable loading"),
    ("older-optimizer", older_file, lambda f, path: keras.saving.load_model(path), "state is of another kind"),
    ("not-built", None, lambda f, _: keras.Sequential([L.Dense(2)]).save(f / "m.keras"), "not built yet"),
    ("save-model", None, lambda f, _: keras.saving.save_model(keras.Sequential([L.Dense(2)]), f / "m.keras"), "not built yet"),
    ("no-gradients", lambda f: built(), lambda f, made: made.optimizer.apply([None, np.zeros(2)]), "no gradients for"),
    ("own-variables", None, lambda f, _: optimizers.SGD().load_own_variables({"0": 1}), "state is not loaded"),
    ("r2-score", lambda f: one_r2_score(), lambda f, metric: metric.result(), "too many"),
    ("jpeg", None, lambda f, _: utils.save_img(io.BytesIO(), np.zeros((2, 2, 4)), file_format="jpeg"), "does not support RGBA"),
    ("threads", None, lambda f, _: threads.set_num_threads(4), "built without OpenMP"),
    ("bfloat16", None, lambda f, _: keras.Sequential([L.Input((4,)), L.Dense(2, dtype="mixed_bfloat16")]).predict(X, verbose=0), "no products"),
]  # fmt: skip


@pytest.mark.parametrize(("prepare", "call", "words"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
def test_a_warning_stands_at_the_line_of_the_call(prepare, call, words, tmp_path, monkeypatch):
    monkeypatch.setattr(threads._cpu, "OPENMP", 0 if words == "built without OpenMP" else threads._cpu.OPENMP)
    monkeypatch.setattr(threads, "_has_warned", False)
    monkeypatch.setattr(bfloat16, "_warned", set())
    monkeypatch.setattr(bfloat16.kernels, "multiplies_pairs", lambda k: words != "no products")
    made = None if prepare is None else prepare(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(tmp_path, made)
    assert caught and all(words in str(warning.message) for warning in caught)
    places = {(warning.filename, warning.lineno) for warning in caught}
    assert places == {(__file__, call.__code__.co_firstlineno)}


def test_no_other_module_counts_frames():
    """`caller.warn` finds the line by itself; a number of frames is wrong as soon as there is another way there."""
    warning = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if "warnings.warn(" in path.read_text()}
    assert warning == {Path(caller.__file__).relative_to(ROOT).as_posix()}
