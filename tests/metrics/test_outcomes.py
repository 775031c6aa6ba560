"""Yes-or-no metrics, F scores, IoU and R2: small numbers by hand, odd thresholds, and what is refused."""

import numpy as np
import pytest

from fastconv import metrics
from fastconv.metrics.outcomes import Thresholds, count_outcomes

Y, P = [0, 1, 1, 1], [0.9, 0.1, 0.9, 0.9]


def run(metric, *args, **kwargs):
    metric.update_state(*args, **kwargs)
    return metric.result()


def slowly(y_true, y_pred, thresholds, weights):
    """Count outcomes one threshold at a time."""
    yes = y_true != 0
    said = [y_pred > t for t in thresholds]
    return [
        np.array([(weights * (truth & answer)).sum() for answer in answers])
        for truth, answers in (
            (yes, said),
            (~yes, said),
            (~yes, [~answer for answer in said]),
            (yes, [~answer for answer in said]),
        )
    ]


@pytest.mark.parametrize(
    "thresholds",
    [[0.5], [0.2, 0.4], [0.4, 0.2], [0.5, 0.5, 0.1], [-1.0, 2.0], [0.3, 0.31, 0.9, 0.0, 1.0], [-1e-7, 0.3, 1 + 1e-7]],
    ids=str,
)
@pytest.mark.parametrize("shape", [(0,), (1,), (50,), (9, 4), (2, 3, 4, 1)], ids=str)
def test_counts(thresholds, shape, rng):
    y_true, y_pred = rng.integers(0, 2, shape), rng.integers(-2, 13, shape) / 10
    weights = rng.integers(0, 5, shape)
    for given, full in ((None, np.ones(shape)), (weights, weights)):
        counts = count_outcomes("m", y_true, y_pred, Thresholds(thresholds), given)
        for got, expected in zip(counts, slowly(y_true, y_pred, thresholds, full), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_counts_of_each_label(rng):
    y_true, y_pred = rng.integers(0, 2, (30, 3)), rng.random((30, 3))
    counts = count_outcomes("m", y_true, y_pred, Thresholds([0.2, 0.7]), multi_label=True)
    for label in range(3):
        alone = count_outcomes("m", y_true[:, label], y_pred[:, label], Thresholds([0.2, 0.7]))
        for got, expected in zip(counts, alone, strict=True):
            np.testing.assert_array_equal(got[:, label], expected)


def test_nan_exceeds_no_threshold():
    for thresholds in ([0.5], [0.2, 0.5], [0.0, 0.5, 1.0]):
        assert run(metrics.TruePositives(thresholds=thresholds), [1], [np.nan]).sum() == 0


def test_even_thresholds_are_seen():
    assert Thresholds([0.0, 0.5, 1.0]).even and Thresholds([-1e-7, 0.5, 1 + 1e-7]).even
    assert not Thresholds([0.1, 0.5, 1.0]).even and not Thresholds([0.0, 1.0]).even


@pytest.mark.parametrize(
    ("metric", "args", "weights", "expected"),
    [
        (metrics.TruePositives(), (Y, P), None, 2),
        (metrics.TruePositives(), (Y, P), [0, 0, 1, 0], 1),
        (metrics.FalsePositives(), (Y, P), None, 1),
        (metrics.TrueNegatives(), (Y, P), None, 0),
        (metrics.FalseNegatives(), (Y, P), [1, 7, 1, 1], 7),
        (metrics.FalseNegatives(thresholds=[0.05, 0.5]), (Y, P), None, [0, 1]),
        (metrics.Precision(), (Y, P), None, 2 / 3),
        (metrics.Precision(), (Y, P), [0, 0, 1, 0], 1),
        (metrics.Precision(), ([0], [0.1]), None, 0),
        (metrics.Precision(top_k=2), ([[0, 0, 1, 1]], [[0.1, 0.2, 0.3, 0.2]]), None, 0.5),
        (metrics.Precision(top_k=4), ([[0, 0, 1, 1]], [[0.1, 0.2, 0.3, 0.2]]), None, 0.5),
        (metrics.Recall(class_id=1), ([[0, 1], [0, 1]], [[0.9, 0.9], [0.9, 0.1]]), None, 0.5),
        (metrics.Recall(thresholds=[0.2, 0.8]), ([1, 1], [0.5, 0.9]), None, [1, 0.5]),
        (metrics.AUC(num_thresholds=3), ([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]), None, 0.75),
        (metrics.AUC(num_thresholds=3), ([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]), [1, 0, 0, 1], 1),
        (metrics.AUC(multi_label=True), ([[0, 1], [1, 0]], [[0.1, 0.2], [0.8, 0.7]]), None, 0.5),
        (metrics.SensitivityAtSpecificity(0.5), ([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), None, 0.5),
        (metrics.SensitivityAtSpecificity(0.5), ([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), [1, 1, 2, 2, 1], 1 / 3),
        (metrics.PrecisionAtRecall(0.5), ([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), [2, 2, 2, 1, 1], 1 / 3),
        (metrics.F1Score(threshold=0.5), ([[1, 0], [1, 1]], [[0.6, 0.1], [0.4, 0.9]]), None, [2 / 3, 1]),
        (metrics.F1Score(average="micro"), ([[1, 0], [0, 1]], [[0.6, 0.1], [0.9, 0.4]]), [1, 3], 0.25),
        (metrics.MeanIoU(2), ([0, 0, 1, 1], [0, 1, 0, 1]), None, 1 / 3),
        (metrics.MeanIoU(2), ([0, 0, 1, 1], [0, 1, 0, 1]), [0.3, 0.3, 0.3, 0.1], (0.3 / 0.9 + 0.1 / 0.7) / 2),
        (metrics.MeanIoU(3, ignore_class=2), ([0, 2, 1], [0, 1, 1]), None, 1),
        (metrics.MeanIoU(3), ([0, 7, 1], [0, 1, -1]), None, 1),
        (metrics.BinaryIoU(threshold=0.3), ([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]), None, 1 / 3),
        (metrics.R2Score(), ([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]), None, 0.57142866),
    ],
)
def test_values(metric, args, weights, expected):
    got = run(metric, *args, sample_weight=weights)
    assert got.dtype == "float32"
    np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-7)
    metric.reset_state()
    again = run(metric, *args, sample_weight=weights)
    np.testing.assert_array_equal(got, again)


def test_the_axis_of_the_classes(rng):
    y_true, scores = np.eye(4)[rng.integers(0, 4, (3, 5))], rng.random((3, 5, 4))
    last = run(metrics.OneHotMeanIoU(4), y_true, scores)
    first = run(metrics.OneHotMeanIoU(4, axis=1), np.moveaxis(y_true, -1, 1), np.moveaxis(scores, -1, 1))
    assert first == last


def test_before_any_batch():
    for metric in (metrics.AUC(multi_label=True), metrics.F1Score(), metrics.R2Score(), metrics.MeanIoU(3)):
        assert metric.result() == 0
        metric.reset_state()


def test_too_many_regressors_are_warned_of():
    metric = metrics.R2Score(num_regressors=9)
    metric.update_state([[1.0], [2.0]], [[1.0], [2.0]])
    with pytest.warns(UserWarning, match="r2_score: 9 regressors are too many for 2 values"):
        assert metric.result() == 1


MATRIX = np.ones((2, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=2), "Precision: thresholds=2 holds"),
        (lambda: metrics.Recall(thresholds=[0.5, None]), "Recall: thresholds="),
        (lambda: metrics.Precision(top_k=4)(MATRIX, MATRIX), "top_k=4 is not an int between 1 and"),
        (lambda: metrics.Precision(class_id=3)(MATRIX, MATRIX), "class_id=3 is not one of the 3 classes"),
        (lambda: metrics.Precision(class_id=0)([1], [1.0]), r"class_id=0 needs y_pred of shape \(batch, classes\)"),
        (lambda: metrics.Precision(name="p")([1, 0], [1.0]), r"p: y_true has shape \(2,\)"),
        (lambda: metrics.Precision(name="p")([1, 0], [1.0, 0.0], [1, 2, 3]), r"p: sample_weight of shape \(3,\)"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds=1 is not an int of at least 2"),
        (lambda: metrics.AUC(curve="rok"), "AUC: curve='rok' is not one of .*Did you mean 'ROC'"),
        (lambda: metrics.AUC(summation_method="sum"), "AUC: summation_method='sum' is not one of"),
        (lambda: metrics.AUC(num_labels=3), "num_labels=3 is only for multi_label=True"),
        (lambda: metrics.AUC(multi_label=True, name="a")([1], [1.0]), r"a: y_pred has shape \(1,\); multi_label"),
        (lambda: metrics.AUC(label_weights=[1, 2])(MATRIX, MATRIX), r"label_weights has shape \(2,\)"),
        (lambda: metrics.SensitivityAtSpecificity(1.5), "specificity=1.5 is not a number between 0 and 1"),
        (lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0), "num_thresholds=0 is not an int of at least 1"),
        (lambda: metrics.F1Score(average="mean"), "F1Score: average='mean' is not one of"),
        (lambda: metrics.FBetaScore(beta=1), "FBetaScore: beta=1 is not a float above 0"),
        (lambda: metrics.F1Score(threshold=0.0), "F1Score: threshold=0.0 is not a float above 0"),
        (lambda: metrics.F1Score()([1, 0], [1.0, 0.0]), r"f1_score: y_pred has shape \(2,\)"),
        (lambda: metrics.MeanIoU(0), "MeanIoU: num_classes=0 is not an int above 0"),
        (lambda: metrics.IoU(2, [2]), r"IoU: target_class_ids=\[2\] are not class numbers from 0 to 1"),
        (lambda: metrics.MeanIoU(2, name="i")([0, 1], [0.2, 0.7]), r"i: y_pred holds 0\.2.* set sparse_y_pred=False"),
        (lambda: metrics.MeanIoU(2)([0, 1], [0]), "y_true has 2 labels"),
        (lambda: metrics.MeanIoU(2, dtype="float16"), "MeanIoU: dtype='float16' is not one of"),
        (lambda: metrics.R2Score(class_aggregation="mean"), "R2Score: class_aggregation='mean' is not one of"),
        (lambda: metrics.R2Score(num_regressors=-1), "R2Score: num_regressors=-1 is not an int"),
        (lambda: metrics.R2Score()([1.0, 2.0], [1.0, 2.0]), r"r2_score: y_pred has shape \(2,\)"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
