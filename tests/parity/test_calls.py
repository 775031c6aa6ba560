"""Many calls of losses and metrics, right and wrong, made of Keras and of fastconv: one answer, or one refusal.

Random configurations are compared in values, shapes, types and, for losses, gradients; of wrong calls the class of the
error. Where Keras leaves a refusal to the backend, so that its class is another on each, fastconv raises ValueError.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import losses, metrics
from tests.losses.cases import CASES, IDS, data, fits

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]
BACKEND = (RuntimeError, IndexError, TypeError)  # what PyTorch raises for Keras


def random_shape(rng, settings, kind):
    """Return the shape of predictions: at times without a batch, with one sample, with an axis of length 1."""
    while True:
        rank = 2 if kind == "embeddings" else int(rng.integers(1, 5))
        shape = tuple(int(n) for n in rng.choice([1, 2, 3, 5], rank))
        classes = "labels" in kind or "classes" in kind
        axes = np.ravel(settings.get("axis") or -1)
        if not all(-rank <= a < rank for a in axes) or (classes and (rank == 1 or shape[axes[0]] == 1)):
            continue
        dropped = kind.startswith("labels") and shape[-1] == 1  # Keras takes it for an axis too many
        if fits(settings, kind, shape) and not dropped:
            return shape


def weights_for(rng, values, masked):
    """Return weights that Keras broadcasts as we do: of all values, or of samples; to those it cannot put a mask."""
    ways = [None, rng.random(values).astype("float32")]
    if len(values) == 1 and not masked:
        ways += [rng.random((*values, 1)).astype("float32"), rng.random(values) < 0.5, rng.integers(0, 3, values)]
    if len(values) > 1 and not masked:
        ways += [np.float32(1.5), rng.random((values[0], *[1] * (len(values) - 1))).astype("float32")]
    return ways[rng.integers(len(ways))]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("name", "settings", "kind"), CASES, ids=IDS)
def test_losses(name, settings, kind, seed):
    rng = np.random.default_rng([seed, len(name)])
    shape = random_shape(rng, settings, kind)
    y_true, y_pred = data(kind, shape, rng, settings.get("axis", -1), "float32")
    reduction = REDUCTIONS[rng.integers(len(REDUCTIONS))]
    ours, theirs = (getattr(m, name)(reduction=reduction, **settings) for m in (losses, keras.losses))
    weights = weights_for(rng, np.shape(ours.call(y_true, y_pred)), "ignore_class" in settings)
    value, gradient = ours.value_and_gradient(y_true, y_pred, weights)
    tensor = torch.tensor(y_pred, requires_grad=True)
    expected = theirs(y_true, tensor, sample_weight=weights)
    assert (np.shape(value), value.dtype.name) == (tuple(expected.shape), "float32")
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=2e-5, atol=2e-6)
    np.testing.assert_array_equal(ours(y_true, y_pred, weights), value)
    if kind.startswith("labels") and y_pred.ndim != 2:
        return  # PyTorch cannot go back through class numbers of images
    expected.sum().backward()
    near = 2e-5 * max(0.1, float(tensor.grad.abs().max()))
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-3, atol=near)


POINTS = {
    "SensitivityAtSpecificity": "specificity",
    "SpecificityAtSensitivity": "sensitivity",
    "PrecisionAtRecall": "recall",
    "RecallAtPrecision": "precision",
}
# class: the settings to draw from, and the kind of labels; predictions lie on thresholds at times
METRICS = {
    "Accuracy": ([{}], "same"),
    "BinaryAccuracy": ([{}, {"threshold": 0.25}, {"threshold": 1}], "binary"),
    "CategoricalAccuracy": ([{}], "one-hot"),
    "SparseCategoricalAccuracy": ([{}], "sparse"),
    "TopKCategoricalAccuracy": ([{"k": 1}, {"k": 2}, {"k": 3}], "one-hot"),
    "SparseTopKCategoricalAccuracy": ([{"k": 1}, {"k": 2}, {"k": 3}], "sparse"),
    "BinaryCrossentropy": ([{}, {"from_logits": True}, {"label_smoothing": 0.2}], "binary"),
    "CategoricalCrossentropy": ([{}, {"from_logits": True}, {"label_smoothing": 0.2}], "one-hot"),
    "SparseCategoricalCrossentropy": ([{}, {"from_logits": True}], "sparse"),
    "KLDivergence": ([{}], "numbers"),
    "Poisson": ([{}], "numbers"),
    "Hinge": ([{}], "binary"),
    "SquaredHinge": ([{}], "binary"),
    "CategoricalHinge": ([{}], "one-hot"),
    "MeanSquaredError": ([{}], "numbers"),
    "MeanAbsoluteError": ([{}], "numbers"),
    "MeanAbsolutePercentageError": ([{}], "numbers"),
    "MeanSquaredLogarithmicError": ([{}], "numbers"),
    "RootMeanSquaredError": ([{}], "numbers"),
    "LogCoshError": ([{}], "numbers"),
    "CosineSimilarity": ([{}, {"axis": 0}, {"axis": (0, 1)}], "numbers"),
    "PearsonCorrelation": ([{}, {"axis": 0}, {"axis": (0, 1)}, {"axis": None}], "numbers"),
    "ConcordanceCorrelation": ([{}, {"axis": 0}, {"axis": (0, 1)}, {"axis": None}], "numbers"),
    "R2Score": ([{}, {"class_aggregation": None}, {"num_regressors": 2}], "numbers"),
    "FBetaScore": ([{"average": a, "beta": b} for a in (None, "micro", "weighted") for b in (0.5, 2.0)], "binary"),
    "F1Score": ([{"average": a, "threshold": t} for a in (None, "macro") for t in (None, 0.5)], "binary"),
    "TruePositives": ([{}, {"thresholds": [0.75, 0.25]}], "binary"),
    "TrueNegatives": ([{}, {"thresholds": [0.0, 0.5, 1.0]}], "binary"),
    "FalsePositives": ([{}, {"thresholds": 1}], "binary"),
    "FalseNegatives": ([{}, {"thresholds": 0}], "binary"),
    "Precision": ([{}, {"class_id": 1}, {"thresholds": [0.1, 0.2, 0.9]}], "binary"),
    "Recall": ([{}, {"class_id": 0}, {"thresholds": [0.25, 0.5]}], "binary"),
    "AUC": (
        [{"curve": c, "num_thresholds": n} for c in ("ROC", "PR") for n in (2, 3, 50)]
        + [{"thresholds": [0.9, 0.3]}, {"multi_label": True}, {"from_logits": True}, {"label_weights": [1, 0, 2]}]
        + [{"multi_label": True, "label_weights": [1, 0, 2], "curve": "PRGAIN", "summation_method": "minoring"}],
        "binary",
    ),
    **{
        name: ([{argument: s, "num_thresholds": n} for s in (0, 0.6) for n in (1, 2, 9)], "binary")
        for name, argument in POINTS.items()
    },
    "OneHotIoU": ([{"num_classes": 3, "target_class_ids": [0, 2]}], "one-hot"),
    "OneHotMeanIoU": ([{"num_classes": 3}, {"num_classes": 3, "ignore_class": 1}], "one-hot"),
    "MeanIoU": ([{"num_classes": 3, "sparse_y_pred": False}], "sparse"),
    "IoU": ([{"num_classes": 3, "target_class_ids": [1], "sparse_y_pred": False, "ignore_class": 0}], "sparse"),
    "BinaryIoU": ([{}, {"target_class_ids": [1], "threshold": 0.25}], "binary"),
}  # fmt: skip


def labels(rng, kind, y_pred):
    """Return labels that fit predictions (batch, 3)."""
    if kind == "same":
        return np.where(rng.random(y_pred.shape) < 0.5, y_pred, rng.random(y_pred.shape)).astype("float32")
    numbers = rng.integers(0, 3, len(y_pred))
    table = {
        "sparse": [numbers, numbers[:, None], numbers.astype("float32")],
        "one-hot": [np.eye(3)[numbers], np.eye(3, dtype="int32")[numbers]],
        "binary": [rng.integers(0, 2, y_pred.shape), rng.random(y_pred.shape) < 0.3],
        "numbers": [rng.random(y_pred.shape)],
    }[kind]
    return table[rng.integers(len(table))]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", METRICS)
def test_metrics(name, seed):
    rng = np.random.default_rng([seed, len(name)])
    choices, kind = METRICS[name]
    settings = choices[seed % len(choices)]
    ours, theirs = (getattr(m, name)(**settings) for m in (metrics, keras.metrics))
    weighted = seed % 2 == 1 and "IoU" not in name and "axis" not in settings
    for _ in range(3):
        y_pred = rng.random((int(rng.integers(1, 9)), 3)).astype("float32") * (1 if kind == "numbers" else 0.9)
        if kind == "binary":
            y_pred = np.where(rng.random(y_pred.shape) < 0.5, np.round(4 * y_pred) / 4, y_pred).astype("float32")
        y_true = labels(rng, kind, y_pred)
        weights = rng.random(len(y_pred)).astype("float32") if weighted else None
        for metric in (ours, theirs):
            metric.update_state(y_true, y_pred, sample_weight=weights)
    result, expected = ours.result(), theirs.result().numpy()
    assert np.shape(result) == expected.shape
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-6)
    assert [(v.name, tuple(v.shape)) for v in ours.variables] == [(v.name, tuple(v.shape)) for v in theirs.variables]


def test_every_metric_is_compared():
    classes = {name for name in metrics.__all__ if name[0].isupper()}
    assert classes - set(METRICS) == {"Mean", "MeanMetricWrapper", "Metric", "Sum"}


P = np.full((4, 3), 0.3, "float32")
# Refusals that are Keras's own: of the same class in both.
WRONG = [
    *[("losses", name, {"reduction": "avg"}, None) for name in losses.__all__ if name[0].isupper() and name not in
      ("Loss", "LossFunctionWrapper")],
    ("losses", "MeanSquaredError", {"delta": 1.0}, None),
    ("losses", "CategoricalGeneralizedCrossEntropy", {"q": 0}, None),
    ("losses", "CategoricalGeneralizedCrossEntropy", {"q": 1}, None),
    ("losses", "get", {"identifier": "mean_squarred_error"}, None),
    ("losses", "get", {"identifier": 5}, None),
    ("losses", "deserialize", {"name": {"class_name": "MeanSquaredError", "config": {"bogus": 1}}}, None),
    ("losses", "BinaryCrossentropy", {}, (np.ones((4, 2)), P)),
    ("losses", "CategoricalCrossentropy", {}, (np.ones((4, 2)), P)),
    ("losses", "SparseCategoricalCrossentropy", {}, (np.ones(3, int), P)),
    ("losses", "Loss", {}, (P, P)),
    ("metrics", "get", {"identifier": "mean_squarred_error"}, None),
    ("metrics", "get", {"identifier": 5}, None),
    *[("metrics", name, {"thresholds": bad}, None) for name in ("Precision", "Recall", "TruePositives", "TrueNegatives",
      "FalsePositives", "FalseNegatives") for bad in (-0.1, 1.1, [0.5, 2], [0.5, None])],
    ("metrics", "Recall", {"class_id": 0}, (P[0], P[0])),
    *[("metrics", "AUC", bad, None) for bad in ({"num_thresholds": 1}, {"curve": "x"}, {"summation_method": "x"},
      {"num_labels": 3}, {"bogus": 1})],
    ("metrics", "AUC", {"multi_label": True}, (P[0], P[0])),
    *[("metrics", name, {argument: value}, None) for name, argument in POINTS.items() for value in (-0.1, 1.5)],
    ("metrics", "PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 0}, None),
    ("metrics", "PrecisionAtRecall", {}, None),
    *[("metrics", "FBetaScore", bad, None) for bad in ({"average": "x"}, {"beta": 1}, {"beta": -1.0}, {"beta": "1"},
      {"threshold": 0.0}, {"threshold": 1}, {"threshold": 1.5}, {"threshold": "1"})],
    ("metrics", "F1Score", {"beta": 2.0}, None),
    ("metrics", "F1Score", {}, (P[0], P[0])),
    *[("metrics", "R2Score", bad, None) for bad in ({"class_aggregation": "x"}, {"num_regressors": -1})],
    ("metrics", "R2Score", {}, (P[0], P[0])),
    ("metrics", "IoU", {"num_classes": 2, "target_class_ids": [2]}, None),
    ("metrics", "MeanIoU", {}, None),
    ("metrics", "Metric", {}, (P, P)),
    ("metrics", "Mean", {"dtype": "flat32"}, None),
]  # fmt: skip
# Refusals that Keras leaves to the backend or to Python.
BROKEN = [
    ("losses", "MeanSquaredError", {}, (np.ones((4, 2)), P)),
    ("losses", "CosineSimilarity", {"axis": 7}, (P, P)),
    ("losses", "Dice", {"axis": 7}, (P, P)),
    ("losses", "SparseCategoricalCrossentropy", {}, (np.full(4, 3), P)),
    ("losses", "CategoricalGeneralizedCrossEntropy", {}, (np.full(4, 3), P)),
    ("losses", "Huber", {}, (P, P, np.ones(3))),
    ("losses", "CategoricalGeneralizedCrossEntropy", {"q": "a"}, None),
    ("metrics", "MeanSquaredError", {}, (np.ones((4, 2)), P)),
    ("metrics", "MeanSquaredError", {}, (P, P, np.ones(3))),
    ("metrics", "TopKCategoricalAccuracy", {}, (P, P)),
    ("metrics", "Precision", {"thresholds": "a"}, None),
    ("metrics", "Precision", {"class_id": 5}, (P, P)),
    ("metrics", "AUC", {"multi_label": True, "label_weights": [1, 2]}, (P, P)),
    ("metrics", "MeanIoU", {"num_classes": 2.0}, None),
    ("metrics", "RecallAtPrecision", {"precision": None}, None),
]


def error_of(library, module, name, settings, arguments):
    """Return what a call raises, None if it does not."""
    try:
        made = getattr(getattr(library, module), name)(**settings)
        if arguments is not None:
            made(*arguments)
    except Exception as error:
        return error


@pytest.mark.parametrize("call", WRONG, ids=lambda call: f"{call[1]}-{call[2]}-{call[3] is not None}")
def test_refusals(call):
    import fastconv

    ours, theirs = error_of(fastconv, *call), error_of(keras, *call)
    assert type(ours) is type(theirs) and ours is not None, (ours, theirs)


@pytest.mark.parametrize("call", BROKEN, ids=lambda call: f"{call[1]}-{call[2]}")
def test_refusals_of_the_backend(call):
    import fastconv

    ours, theirs = error_of(fastconv, *call), error_of(keras, *call)
    assert type(ours) is ValueError and isinstance(theirs, BACKEND), (ours, theirs)


def network(library, outputs):
    """Return a model of one softmax, or of several outputs by name, with the same weights in both libraries."""
    x = library.Input((3,))
    made = [library.layers.Dense(n, activation="softmax" if n > 1 else "sigmoid", name=f"d{n}")(x) for n in outputs]
    model = library.Model(x, made if len(made) > 1 else made[0])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    return model


ONE, TWO = (4,), (2, 4)
# outputs, compile's arguments, kinds of labels
COMPILED = [
    *[(ONE, {"loss": loss, "metrics": ["acc", "mse"]}, "h") for loss in ("mse", "MSE", "KLD", "huber", "ce", "dice",
      "CategoricalHinge", "categorical_focal_crossentropy")],
    *[(ONE, {"loss": "crossentropy", "metrics": ["accuracy", name]}, "h") for name in ("mae", "MAPE", "kl_divergence",
      "AUC", "Precision", "CosineSimilarity", "RootMeanSquaredError", "categorical_accuracy", "R2Score")],
    (ONE, {"loss": "ce", "metrics": ["acc", "sparse_categorical_crossentropy"]}, "s"),
    (ONE, {"loss": "mse", "metrics": ["mse"], "weighted_metrics": ["mae", "acc"], "loss_weights": [2.0]}, "h"),
    ((1,), {"loss": "ce", "metrics": ["acc", "bce"]}, "b"),
    (TWO, {"loss": "mse"}, "hh"),
    (TWO, {"loss": ["mse", "ce"], "loss_weights": [0.5, 2], "metrics": ["mae", "acc"]}, "hh"),
    (TWO, {"loss": ["mse", "ce"], "loss_weights": {"d2": 0.5, "d4": 2}}, "hs"),
    (TWO, {"loss": {"d2": "mse", "d4": "ce"}, "metrics": {"d4": ["acc", "AUC"]}}, "hh"),
    (TWO, {"loss": ["mse", "mae"], "metrics": [None, "acc"], "weighted_metrics": [["mse"], ["acc"]]}, "hh"),
    # refused by both
    (ONE, {"loss": "mse", "metrics": ["mean_squarred_error"]}, "h"),
    (ONE, {"loss": "crossentropi"}, "h"),
    (ONE, {"loss": None}, "h"),
    (TWO, {"loss": {"d2": "mse"}}, "hh"),
    (TWO, {"loss": {"d2": "mse", "d5": "mse"}}, "hh"),
    (TWO, {"loss": ["mse", "mae"], "loss_weights": [1.0]}, "hh"),
    (TWO, {"loss": ["mse", "mae"], "metrics": ["mse"]}, "hh"),
    (TWO, {"loss": ["mse", "mae"], "metrics": {"d5": "mse"}}, "hh"),
]  # fmt: skip


def evaluation(library, outputs, arguments, y, weights):
    """Return the names and the values that evaluation reports, or the class of the error."""
    try:
        model = network(library, outputs)
        model.compile("sgd", **arguments)
        x = np.random.default_rng(1).normal(size=(6, 3)).astype("float32")
        return model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("outputs", "arguments", "kinds"), COMPILED, ids=lambda value: str(value))
def test_compiled(rng, outputs, arguments, kinds, weighted):
    import fastconv

    numbers = [rng.integers(0, max(n, 2), 6) for n in outputs]
    y = [
        {"h": np.eye(max(n, 2), dtype="float32")[number], "s": number, "b": number[:, None]}[kind]
        for n, number, kind in zip(outputs, numbers, kinds, strict=True)
    ]
    weights = [rng.random(6).astype("float32") for _ in outputs] if weighted else None
    if len(outputs) == 1:
        y, weights = y[0], weights[0] if weighted else None
    ours, theirs = (evaluation(library, outputs, arguments, y, weights) for library in (fastconv, keras))
    if isinstance(theirs, type):
        assert ours is theirs
    else:
        assert list(ours) == list(theirs)
        np.testing.assert_allclose(list(ours.values()), list(theirs.values()), rtol=1e-4, atol=1e-6)
