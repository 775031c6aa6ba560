"""Regularizers and constraints against Keras's: values, signatures, configs, and trainings side by side."""

import inspect
import os

import numpy as np
import pytest

import fastconv

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

BOTH = (keras, fastconv)
REGULARIZERS = [
    ("L1", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {"l1": 0.1}),
    ("L1L2", {"l1": 0.1, "l2": 0.02}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 2.0, "mode": "columns"}),
]
CONSTRAINTS = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}),
    ("NonNeg", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.7, "rate": 0.3}),
]


@pytest.mark.parametrize("module", ["regularizers", "constraints"])
def test_the_same_names_and_signatures(module):
    theirs, ours = (getattr(library, module) for library in BOTH)
    for name in (name for name in dir(theirs) if not name.startswith("_")):
        signatures = [[(p.name, p.default) for p in inspect.signature(getattr(m, name)).parameters.values()]
                      for m in (theirs, ours)]  # fmt: skip
        assert signatures[0] == signatures[1], name


@pytest.mark.parametrize(("name", "settings"), REGULARIZERS + CONSTRAINTS, ids=str)
def test_values_and_configs(name, settings, rng):
    module = "regularizers" if (name, settings) in REGULARIZERS else "constraints"
    theirs, ours = (getattr(getattr(library, module), name)(**settings) for library in BOTH)
    w = rng.standard_normal((4, 6)).astype(np.float32)
    np.testing.assert_allclose(ours(w), keras.ops.convert_to_numpy(theirs(keras.ops.convert_to_tensor(w))), rtol=2e-6)
    assert ours.get_config() == pytest.approx(theirs.get_config())
    described = [getattr(library, module).serialize(thing) for library, thing in zip(BOTH, (theirs, ours), strict=True)]
    assert {k: described[0][k] for k in ("module", "class_name", "registered_name")} == {
        k: described[1][k] for k in ("module", "class_name", "registered_name")
    }
    assert type(getattr(keras, module).get(described[1])) is type(theirs)
    assert type(getattr(fastconv, module).get(described[0])) is type(ours)


def stack(library):
    """Return layers with every kind of penalty and of constraint."""
    layers, penalties, bounds = library.layers, library.regularizers, library.constraints
    return [
        library.Input((8, 8, 2)),
        layers.Conv2D(
            6, 3, activation="relu", kernel_regularizer=penalties.L1L2(0.01, 0.02), bias_regularizer="l2",
            activity_regularizer=penalties.L2(0.003), kernel_constraint=bounds.MaxNorm(0.9, axis=[0, 1, 2]),
        ),
        layers.MaxPooling2D(2),
        layers.Conv2D(5, 2, kernel_regularizer="l1", bias_constraint="non_neg"),
        layers.ReLU(activity_regularizer="l1"),
        layers.Flatten(),
        layers.ActivityRegularization(l1=0.001, l2=0.002),
        layers.Dense(4, kernel_regularizer=penalties.OrthogonalRegularizer(0.5), kernel_constraint=bounds.UnitNorm()),
        layers.Dense(3, activation="softmax", kernel_constraint=bounds.MinMaxNorm(0.3, 0.8, 0.5),
                     activity_regularizer="l2"),
    ]  # fmt: skip


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_trainings_side_by_side(optimizer, rng):
    x, y = rng.standard_normal((21, 8, 8, 2)).astype(np.float32), rng.integers(0, 3, 21)
    models = [library.Sequential(stack(library)) for library in BOTH]
    models[1].set_weights(models[0].get_weights())
    for library, model in zip(BOTH, models, strict=True):
        model.compile(
            getattr(library.optimizers, optimizer)(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
    theirs, ours = (
        model.fit(x, y, 8, 3, verbose=0, shuffle=False, validation_data=(x[:9], y[:9])).history for model in models
    )
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-4, err_msg=name)
    for a, e in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-3, atol=1e-4)
    theirs, ours = (model.evaluate(x, y, verbose=0) for model in models)
    np.testing.assert_allclose(ours, theirs, rtol=2e-4)
    for model in models:
        model(x[:4])
    assert [float(loss) for loss in models[1].losses] == pytest.approx(
        [loss.item() for loss in models[0].losses], rel=2e-3, abs=1e-5
    )
