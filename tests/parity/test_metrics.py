"""Metrics against Keras on random batches: results, configurations, names."""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import metrics

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

SHAPES = [(9, 7), (3, 4, 5, 6), (1, 8)]

# What fastconv.metrics has and keras.metrics has not, with the reason; the other way round there is nothing.
OURS_ONLY = {"accuracy": "Keras has it, but not among its public names", "resolve": "what compile uses"}


def labels(rng, shape, kind):
    if kind == "sparse":
        return rng.integers(0, shape[-1], shape[:-1])
    if kind == "binary":
        return rng.integers(0, 2, shape)
    if kind == "one_hot":
        return np.eye(shape[-1], dtype="float32")[rng.integers(0, shape[-1], shape[:-1])]
    if kind == "positive":
        return rng.random(shape).astype("float32")
    return rng.normal(size=shape).astype("float32")


MEANS = [
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.2}, "binary"),
    ("TopKCategoricalAccuracy", {"k": 3}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("MeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "numbers"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("RootMeanSquaredError", {}, "numbers"),
    ("LogCoshError", {}, "numbers"),
    ("CosineSimilarity", {}, "numbers"),
    ("Hinge", {}, "binary"),
    ("SquaredHinge", {}, "binary"),
    ("CategoricalHinge", {}, "one_hot"),
    ("KLDivergence", {}, "positive"),
    ("Poisson", {}, "positive"),
    ("PearsonCorrelation", {}, "numbers"),
    ("ConcordanceCorrelation", {}, "numbers"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "sparse"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one_hot"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary"),
]
COUNTS = [
    (name, settings)
    for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives", "Precision", "Recall")
    for settings in (
        {},
        {"thresholds": 0.3},
        {"thresholds": [0.7, 0.2, 0.5]},
        {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]},
    )
] + [
    (name, settings)
    for name in ("Precision", "Recall")
    for settings in ({"top_k": 2}, {"class_id": 1}, {"top_k": 3, "class_id": 2, "thresholds": [0.2, 0.6]})
]
BEST_POINTS = [
    (name, {argument: 0.6, **more})
    for name, argument in (
        ("SensitivityAtSpecificity", "specificity"),
        ("SpecificityAtSensitivity", "sensitivity"),
        ("PrecisionAtRecall", "recall"),
        ("RecallAtPrecision", "precision"),
    )
    for more in ({}, {"num_thresholds": 1}, {"num_thresholds": 2}, {"class_id": 3, "num_thresholds": 7})
]
CURVES = [
    ("AUC", {"curve": curve, "summation_method": method, **more})
    for curve in ("ROC", "PR", "PRGAIN")
    for method in ("interpolation", "minoring", "majoring")
    for more in ({}, {"num_thresholds": 5}, {"multi_label": True}, {"thresholds": [0.9, 0.2, 0.35]})
] + [
    ("AUC", {"label_weights": [0.5, 1.0, 2.0, 0.0, 1.0, 3.0, 1.0]}),
    ("AUC", {"label_weights": [0.5, 1.0, 2.0, 0.0, 1.0, 3.0, 1.0], "multi_label": True, "num_labels": 7}),
    ("AUC", {"from_logits": True}),
    ("AUC", {"thresholds": [0.25, 0.5, 0.75], "multi_label": True, "curve": "PR"}),
]
SCORES = [
    (name, {"average": average, "threshold": threshold, **more})
    for name, more in (("F1Score", {}), ("FBetaScore", {"beta": 0.5}))
    for average in (None, "micro", "macro", "weighted")
    for threshold in (None, 0.4)
]
R2 = [
    ("R2Score", {"class_aggregation": way, "num_regressors": count})
    for way in ("uniform_average", "variance_weighted_average", None)
    for count in (0, 3)
]
IOUS = [
    ("IoU", {"num_classes": 4, "target_class_ids": [1, 3]}, "labels"),
    ("IoU", {"num_classes": 4, "target_class_ids": [0], "ignore_class": 0}, "labels"),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2], "sparse_y_pred": False}, "scores"),
    ("MeanIoU", {"num_classes": 4}, "labels"),
    ("MeanIoU", {"num_classes": 4, "ignore_class": 2, "sparse_y_pred": False}, "scores"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1, 2]}, "one-hot"),
    ("OneHotMeanIoU", {"num_classes": 4, "ignore_class": 1}, "one-hot"),
    ("BinaryIoU", {}, "binary"),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, "binary"),
]
ALL = [(name, settings) for name, settings, _ in MEANS + IOUS] + COUNTS + BEST_POINTS + CURVES + SCORES + R2


def ids(rows):
    return ["-".join([row[0], *(f"{key}={value}" for key, value in row[1].items())]) for row in rows]


def pair(name, settings):
    return getattr(metrics, name)(**settings), getattr(keras.metrics, name)(**settings)


def numbers(result):
    return np.asarray(keras.ops.convert_to_numpy(result))


def compare(ours, theirs, rtol=3e-6):
    expected = numbers(theirs.result())
    assert np.shape(ours.result()) == expected.shape
    np.testing.assert_allclose(ours.result(), expected, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("weighted", ["no", "samples", "all"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "settings", "kind"), MEANS, ids=ids(MEANS))
def test_means(rng, name, settings, kind, shape, weighted):
    ours, theirs = pair(name, settings)
    for _ in range(3):
        y_pred = rng.random(shape).astype("float32")
        y_true = labels(rng, shape, kind)
        weights = {"no": None, "samples": rng.random(shape[0]), "all": rng.random(shape[:-1])}[weighted]
        ours.update_state(y_true, y_pred, sample_weight=weights)
        theirs.update_state(y_true, y_pred, sample_weight=weights)
    compare(ours, theirs, 1e-5)
    ours.reset_state()
    assert ours.result() == 0


def batches(rng, shape, steps, grid):
    """Yield labels, predictions (some of them on thresholds, some 0 and 1, some equal) and weights."""
    for _ in range(steps):
        y_pred = rng.integers(0, grid + 1, shape).astype("float32") / grid
        some = rng.random(shape) < 0.5
        y_pred = np.where(some, y_pred, rng.random(shape)).astype("float32")
        yield (rng.random(shape) < 0.3).astype("float32"), y_pred, rng.random(shape[0]).astype("float32")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "settings"), COUNTS + BEST_POINTS + CURVES, ids=ids(COUNTS + BEST_POINTS + CURVES))
def test_outcomes(rng, name, settings, weighted):
    ours, theirs = pair(name, settings)
    top_k = settings.get("top_k")
    for y_true, y_pred, weights in batches(rng, (40, 7), 3, 20):
        if top_k:  # which of equal predictions are the best, PyTorch does not say
            y_pred = rng.permuted(np.linspace(0.05, 0.95, y_pred.size, dtype="float32")).reshape(y_pred.shape)
        for metric in (ours, theirs):
            metric.update_state(y_true, y_pred, sample_weight=weights if weighted else None)
    compare(ours, theirs, 2e-5)
    for variable, other in zip(ours.variables, theirs.variables, strict=True):
        assert variable.name == other.name
        np.testing.assert_allclose(variable.array, numbers(other.value), rtol=2e-5, atol=1e-4)


@pytest.mark.parametrize("shape", [(12,), (12, 1), (3, 4, 5, 1)], ids=str)
@pytest.mark.parametrize("name", ["TruePositives", "Precision", "Recall", "AUC"])
def test_outcomes_of_other_shapes(rng, name, shape):
    ours, theirs = pair(name, {})
    for y_true, y_pred, _ in batches(rng, shape, 2, 10):
        weights = rng.random(shape[:-1] if shape[-1] == 1 else shape)
        ours.update_state(y_true, y_pred, weights)
        theirs.update_state(y_true, y_pred, weights)
    compare(ours, theirs)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "settings"), SCORES, ids=ids(SCORES))
def test_scores(rng, name, settings, weighted):
    ours, theirs = pair(name, settings)
    for y_true, y_pred, weights in batches(rng, (20, 5), 3, 10):
        for metric in (ours, theirs):
            metric.update_state(y_true, y_pred, sample_weight=weights if weighted else None)
    compare(ours, theirs)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "settings"), R2, ids=ids(R2))
def test_r2(rng, name, settings, weighted):
    ours, theirs = pair(name, settings)
    for _ in range(3):
        y_true, y_pred = rng.normal(size=(2, 20, 3)).astype("float32")
        weights = rng.random(20).astype("float32") if weighted else None
        ours.update_state(y_true, y_pred + y_true, weights)
        theirs.update_state(y_true, y_pred + y_true, weights)
    compare(ours, theirs, 1e-4)


@pytest.mark.parametrize(("name", "settings", "kind"), IOUS, ids=ids(IOUS))
def test_iou(rng, name, settings, kind):
    ours, theirs = pair(name, settings)
    for _ in range(3):
        y_true, scores = rng.integers(0, 4, (3, 5, 6)), rng.random((3, 5, 6, 4)).astype("float32")
        y_pred = scores.argmax(-1) if kind == "labels" else scores
        if kind == "one-hot":
            y_true = np.eye(4)[y_true]
        elif kind == "binary":
            y_true, y_pred = y_true % 2, scores[..., 0]
        weights = None if kind == "one-hot" else rng.integers(0, 4, (3, 5, 6))
        ours.update_state(y_true, y_pred, weights)
        theirs.update_state(y_true, y_pred, weights)
    compare(ours, theirs)


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize("weights", [None, (4,), (4, 1), (4, 3), ()])
def test_reductions(rng, name, weights):
    ours, theirs = pair(name, {})
    for _ in range(2):
        values = rng.random((4, 3)).astype("float32")
        sample_weight = None if weights is None else rng.random(weights)
        ours.update_state(values, sample_weight)
        theirs.update_state(values, sample_weight)
    np.testing.assert_allclose(ours.result(), float(theirs.result()), rtol=2e-6)


@pytest.mark.parametrize(("name", "settings"), ALL, ids=ids(ALL))
def test_configs_are_those_of_keras(name, settings):
    ours, theirs = pair(name, {**settings, "name": "mine"})
    config, expected = metrics.serialize(ours), keras.metrics.serialize(theirs)
    for forgotten in {"from_sorted_ids", "axis"} - set(expected["config"]):
        config["config"].pop(forgotten, None)
    weights = expected["config"].get("label_weights")
    if weights is not None:
        expected["config"]["label_weights"] = settings["label_weights"]
    assert config == expected
    assert type(keras.metrics.deserialize(metrics.serialize(ours))) is type(theirs)
    again = metrics.deserialize(expected)
    assert metrics.serialize(again)["config"] == metrics.serialize(ours)["config"]


def test_names_of_nameless_metrics_are_numbered():
    from fastconv.layers.layer import reset_names

    reset_names()
    keras.utils.clear_session()
    made = [
        [module.Precision().name, module.Precision().name, module.MeanIoU(3).name]
        for module in (metrics, keras.metrics)
    ]
    assert made[0] == made[1] == ["precision", "precision_1", "mean_io_u"]


def test_public_names():
    public = {name for name in dir(keras.metrics) if not name.startswith("_")}
    assert public - set(metrics.__all__) == set()
    assert set(metrics.__all__) - public == set(OURS_ONLY)


def test_names_for_compile():
    from keras.src.metrics import ALL_OBJECTS_DICT

    family = metrics._family
    for name, cls in ALL_OBJECTS_DICT.items():
        if cls is not keras.metrics.Metric:
            assert family.find(name).__name__ == cls.__name__


@pytest.mark.parametrize("name", [name for name in metrics.__all__ if hasattr(keras.metrics, name)])
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (metrics, keras.metrics))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


@pytest.mark.parametrize("method", ["add_variable", "add_weight", "stateless_update_state", "stateless_result"])
def test_methods_for_subclasses_have_keras_signatures(method):
    ours, theirs = (inspect.signature(getattr(module.Metric, method)) for module in (metrics, keras.metrics))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
