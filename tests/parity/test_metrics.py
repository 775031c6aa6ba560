"""Metrics against Keras on random batches."""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import metrics

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

SHAPES = [(9, 7), (3, 4, 5, 6), (1, 8)]


def labels(rng, shape, kind):
    if kind == "sparse":
        return rng.integers(0, shape[-1], shape[:-1])
    if kind == "binary":
        return rng.integers(0, 2, shape)
    if kind == "one_hot":
        return np.eye(shape[-1], dtype="float32")[rng.integers(0, shape[-1], shape[:-1])]
    return rng.normal(size=shape).astype("float32")


METRICS = [
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.2}, "binary"),
    ("TopKCategoricalAccuracy", {"k": 3}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("MeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "sparse"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one_hot"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary"),
]


@pytest.mark.parametrize("weighted", ["no", "samples", "all"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "settings", "kind"), METRICS)
def test_over_batches(rng, name, settings, kind, shape, weighted):
    ours, theirs = getattr(metrics, name)(**settings), getattr(keras.metrics, name)(**settings)
    for _ in range(3):
        y_pred = rng.random(shape).astype("float32")
        y_true = labels(rng, shape, kind)
        weights = {"no": None, "samples": rng.random(shape[0]), "all": rng.random(shape[:-1])}[weighted]
        ours.update_state(y_true, y_pred, sample_weight=weights)
        theirs.update_state(y_true, y_pred, sample_weight=weights)
    np.testing.assert_allclose(ours.result(), float(theirs.result()), rtol=2e-6, atol=1e-6)
    ours.reset_state()
    assert ours.result() == 0


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize("weights", [None, (4,), (4, 1), (4, 3), ()])
def test_reductions(rng, name, weights):
    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    for _ in range(2):
        values = rng.random((4, 3)).astype("float32")
        sample_weight = None if weights is None else rng.random(weights)
        ours.update_state(values, sample_weight)
        theirs.update_state(values, sample_weight)
    np.testing.assert_allclose(ours.result(), float(theirs.result()), rtol=2e-6)


@pytest.mark.parametrize(("name", "settings", "kind"), METRICS)
def test_configs_are_those_of_keras(name, settings, kind):
    ours, theirs = getattr(metrics, name)(**settings), getattr(keras.metrics, name)(**settings)
    config = metrics.serialize(ours)
    config["config"].pop("from_sorted_ids", None)  # Keras forgets it
    assert config == keras.metrics.serialize(theirs)
    assert type(keras.metrics.deserialize(metrics.serialize(ours))) is type(theirs)


@pytest.mark.parametrize("name", [name for name in metrics.__all__ if hasattr(keras.metrics, name)])
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (metrics, keras.metrics))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
