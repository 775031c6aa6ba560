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


def separable_stack(library):
    """Return images through layers whose kernels have other names."""
    layers = library.layers
    return [
        library.Input((9, 8, 3)),
        layers.DepthwiseConv2D(
            3, depth_multiplier=2, depthwise_regularizer="l2", bias_regularizer="l2", activity_regularizer="l2",
            depthwise_constraint=library.constraints.MaxNorm(0.5), activation="relu",
        ),
        layers.SeparableConv2D(
            5, 3, depthwise_regularizer="l1", pointwise_regularizer="l2", pointwise_constraint="non_neg",
            depthwise_constraint="unit_norm", bias_constraint="max_norm",
        ),
        layers.Conv2DTranspose(4, 3, 2, "same", kernel_regularizer="l2", kernel_constraint="max_norm"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="softmax"),
    ]  # fmt: skip


def sequence_stack(library):
    """Return sequences through every layer for them."""
    layers = library.layers
    return [
        library.Input((16, 3)),
        layers.Conv1D(6, 3, padding="causal", activation="relu", kernel_regularizer="l2", bias_constraint="non_neg"),
        layers.DepthwiseConv1D(3, depthwise_regularizer="l2", depthwise_constraint="max_norm"),
        layers.SeparableConv1D(5, 3, pointwise_regularizer="l1", depthwise_constraint="max_norm"),
        layers.MaxPooling1D(2),
        layers.Conv1DTranspose(4, 3, strides=2, activity_regularizer="l2", bias_regularizer="l2"),
        layers.AdaptiveAveragePooling1D(3),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]


def volume_stack(library):
    """Return volumes through every layer for them."""
    layers = library.layers
    return [
        library.Input((6, 7, 8, 2)),
        layers.Conv3D(6, 3, padding="same", activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
        layers.MaxPooling3D(2),
        layers.BatchNormalization(),
        layers.Conv3DTranspose(4, 3, strides=2, activation="relu", kernel_regularizer="l1", bias_constraint="non_neg"),
        layers.AveragePooling3D(2),
        layers.Conv3D(4, (1, 3, 3), bias_regularizer="l2"),
        layers.GlobalAveragePooling3D(),
        layers.Dense(3, activation="softmax"),
    ]


@pytest.mark.parametrize("make", [separable_stack, sequence_stack, volume_stack], ids=lambda make: make.__name__)
def test_twenty_steps_of_every_convolution(make, rng):
    models = [library.Sequential(make(library)) for library in BOTH]
    x, y = rng.standard_normal((7, *models[0].input_shape[1:])).astype(np.float32), rng.integers(0, 3, 7)
    models[1].set_weights(models[0].get_weights())
    losses = []
    for library, model in zip(BOTH, models, strict=True):
        model.compile(library.optimizers.SGD(0.05, momentum=0.5), "sparse_categorical_crossentropy")
        losses.append([float(model.train_on_batch(x, y)) for _ in range(20)])
        assert losses[-1][-1] < losses[-1][0]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    for a, e in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-3, atol=1e-4)
