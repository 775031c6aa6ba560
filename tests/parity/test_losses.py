"""Losses against Keras on random inputs."""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import losses

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

SHAPES = [(7, 10), (3, 4, 5, 6), (1, 2), (33, 3)]
REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"]


def theirs(loss, *args, **kwargs):
    return np.asarray(keras.ops.convert_to_numpy(loss(*args, **kwargs)))


def compare(name, settings, y_true, y_pred, weights, reduction):
    ours = getattr(losses, name)(reduction=reduction, **settings)
    keras_loss = getattr(keras.losses, name)(reduction=reduction, **settings)
    for sample_weight in (None, weights):
        expected = theirs(keras_loss, y_true, y_pred, sample_weight=sample_weight)
        got = ours(y_true, y_pred, sample_weight=sample_weight)
        assert np.shape(got) == expected.shape
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-6)


def inputs(rng, shape, from_logits):
    y_pred = rng.normal(size=shape).astype("float32") * 3
    if not from_logits:
        y_pred = np.exp(y_pred)
        y_pred /= y_pred.sum(-1, keepdims=True)
    return y_pred, rng.random(shape[:-1]).astype("float32")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("ignore_class", [None, 1, -1])
def test_sparse(rng, shape, from_logits, ignore_class, reduction):
    y_pred, weights = inputs(rng, shape, from_logits)
    y_true = rng.integers(0, shape[-1], shape[:-1])
    if ignore_class == -1:
        y_true = np.where(rng.random(y_true.shape) < 0.3, -1, y_true)
    settings = {"from_logits": from_logits, "ignore_class": ignore_class}
    compare("SparseCategoricalCrossentropy", settings, y_true, y_pred, weights, reduction)
    compare("SparseCategoricalCrossentropy", settings, y_true[..., None], y_pred, weights, reduction)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_categorical(rng, shape, from_logits, label_smoothing, reduction):
    y_pred, weights = inputs(rng, shape, from_logits)
    y_true = np.eye(shape[-1], dtype="float32")[rng.integers(0, shape[-1], shape[:-1])]
    settings = {"from_logits": from_logits, "label_smoothing": label_smoothing}
    compare("CategoricalCrossentropy", settings, y_true, y_pred, weights, reduction)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_binary(rng, shape, from_logits, label_smoothing, reduction):
    y_pred, weights = inputs(rng, shape, from_logits)
    y_true = rng.integers(0, 2, shape)
    settings = {"from_logits": from_logits, "label_smoothing": label_smoothing}
    compare("BinaryCrossentropy", settings, y_true, y_pred, weights, reduction)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError"])
def test_regression(rng, shape, name, reduction):
    y_pred, weights = inputs(rng, shape, True)
    compare(name, {}, rng.normal(size=shape).astype("float32"), y_pred, weights, reduction)
    compare(name, {}, rng.normal(size=(*shape, 1)).astype("float32"), y_pred, weights[..., :1], reduction)


@pytest.mark.parametrize("axis", [1, -3])
def test_classes_along_another_axis(rng, axis):
    y_pred = rng.random((2, 5, 4, 3)).astype("float32")
    y_true = rng.integers(0, 5, (2, 4, 3))
    weights = np.ones((2, 4, 3), "float32")
    compare("SparseCategoricalCrossentropy", {"axis": axis}, y_true, y_pred, weights, "none")
    one_hot = np.moveaxis(np.eye(5, dtype="float32")[y_true], -1, 1)
    compare("CategoricalCrossentropy", {"axis": axis}, one_hot, y_pred, weights, "none")


@pytest.mark.parametrize(
    "loss",
    [
        losses.MeanSquaredError(reduction="sum"),
        losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2),
        losses.CategoricalCrossentropy(label_smoothing=0.1),
        losses.BinaryCrossentropy(axis=0),
    ],
)
def test_keras_reads_our_configs_and_we_read_theirs(loss):
    config = losses.serialize(loss)
    made = keras.losses.deserialize(config)
    assert made.name == loss.name
    assert losses.deserialize(keras.losses.serialize(made)).reduction == loss.reduction


@pytest.mark.parametrize("name", [name for name in losses.__all__ if hasattr(keras.losses, name)])
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (losses, keras.losses))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
