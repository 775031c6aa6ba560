"""The metrics against numbers that Keras 3.15 printed, their state, and what they refuse."""

import numpy as np
import pytest

from fastconv import losses, metrics

P = np.array([[0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.4, 0.4, 0.2]], "float32")
ONE_HOT = np.eye(3)[[1, 2, 0]]
PIXELS = np.ones((2, 3, 4)) * np.array([1, 2])[:, None, None]


def run(metric, *args, **kwargs):
    metric.update_state(*args, **kwargs)
    return metric.result()


@pytest.mark.parametrize(
    ("metric", "args", "weights", "expected"),
    [
        (metrics.Mean(), ([1, 2, 3],), None, 2),
        (metrics.Mean(), ([1, 2, 3],), [1, 0, 2], 7 / 3),
        (metrics.Mean(), ([[1, 2], [3, 4]],), [1, 3], 3),
        (metrics.Mean(), (5.0,), 2, 5),
        (metrics.Mean(), ([1, 2],), [0, 0], 0),
        (metrics.Sum(), ([1, 2, 3],), None, 6),
        (metrics.Sum(), ([1, 2, 3],), [1, 0, 2], 7),
        (metrics.Sum(), ([[1, 2], [3, 4]],), [1, 3], 24),
        (metrics.Accuracy(), ([1, 2, 3], [1, 2, 4]), None, 2 / 3),
        (metrics.Accuracy(), ([[1, 2], [3, 4]], [[1, 2], [3, 5]]), None, 0.75),
        (metrics.Accuracy(), ([1, 2, 3], [[1], [2], [4]]), None, 2 / 3),
        (metrics.Accuracy(), ([1, 2, 3], [1, 2, 4]), [1, 1, 2], 0.5),
        (metrics.BinaryAccuracy(), ([1, 1, 0, 0], [0.98, 1, 0, 0.6]), None, 0.75),
        (metrics.BinaryAccuracy(), ([1, 0], [0.5, 0.5]), None, 0.5),
        (metrics.BinaryAccuracy(), ([1, 0], [[0.9], [0.1]]), None, 1),
        (metrics.BinaryAccuracy(threshold=0.8), ([1, 0], [0.7, 0.7]), None, 0.5),
        (metrics.CategoricalAccuracy(), (ONE_HOT, P), None, 1),
        (metrics.CategoricalAccuracy(), (np.eye(3)[[1, 2, 1]], P), None, 2 / 3),
        (metrics.SparseCategoricalAccuracy(), ([1, 2, 0], P), None, 1),
        (metrics.SparseCategoricalAccuracy(), ([[1], [2], [1]], P), None, 2 / 3),
        (metrics.SparseCategoricalAccuracy(), ([1.0, 2.0, 1.0], P), None, 2 / 3),
        (metrics.SparseCategoricalAccuracy(), ([7, -1, 0], P), None, 1 / 3),
        (metrics.SparseCategoricalAccuracy(), ([1, 1, 0], P), [1, 1, 2], 0.75),
        (metrics.TopKCategoricalAccuracy(k=2), (np.eye(3)[[1, 0, 2]], P), None, 2 / 3),
        (metrics.SparseTopKCategoricalAccuracy(k=2), ([1, 0, 2], P), None, 2 / 3),
        (metrics.SparseTopKCategoricalAccuracy(k=2), ([0, 1, 2], np.ones((3, 3))), None, 1),
        (metrics.SparseTopKCategoricalAccuracy(k=1), ([0, 1], [[np.nan, 1, 2]] * 2), None, 0),
        (metrics.SparseTopKCategoricalAccuracy(k=2), ([5, -1, 1], P), None, 1 / 3),
        (
            metrics.SparseTopKCategoricalAccuracy(k=1, from_sorted_ids=True),
            ([1, 0, 2], [[1, 0, 2]] * 3),
            None,
            1 / 3,
        ),
        (metrics.MeanSquaredError(), ([[0, 1], [0, 0]], [[1, 1], [0, 0]]), None, 0.25),
        (metrics.MeanSquaredError(), ([[0, 1], [0, 0]], [[1, 1], [0, 0]]), [1, 0], 0.5),
        (metrics.MeanSquaredError(), (np.zeros((2, 3, 4)), PIXELS), [1, 3], 3.25),
        (metrics.MeanAbsoluteError(), (np.zeros((2, 3, 4)), PIXELS), [[1], [3]], 1.75),
        (metrics.SparseCategoricalCrossentropy(), ([1, 2], P[:2]), None, 0.56971717),
        (metrics.SparseCategoricalCrossentropy(ignore_class=2), ([1, 2], P[:2]), None, 0.2231436),
        (metrics.SparseCategoricalCrossentropy(ignore_class=-1), ([1, 2, -1], P), [1, 3, 9], 0.7430039),
        (metrics.SparseCategoricalCrossentropy(ignore_class=0), ([0, 0], P[:2]), None, 0),
        (metrics.CategoricalCrossentropy(), (ONE_HOT[:2], P[:2]), None, 0.56971717),
        (metrics.BinaryCrossentropy(label_smoothing=0.1), ([[1]], [[0.7]]), None, 0.3990395),
    ],
)
def test_values(metric, args, weights, expected):
    got = run(metric, *args, sample_weight=weights)
    assert got.dtype == "float32"
    np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-7)


def test_state_over_batches():
    metric = metrics.SparseCategoricalAccuracy()
    assert metric.result() == 0
    metric.update_state([1], P[:1])
    metric.update_state([0, 1], P[1:])
    assert metric.result() == np.float32(1 / 3)
    assert [float(v.array) for v in metric.variables] == [1, 3]
    assert [v.name for v in metric.variables] == ["total", "count"]
    metric.reset_state()
    assert metric.result() == 0
    assert metric([1], P[:1]) == 1


def test_a_long_epoch_loses_nothing():
    metric = metrics.Mean()
    metric.update_state(np.ones(1), sample_weight=[2.0**24])
    for _ in range(4):
        metric.update_state(np.zeros(1))
    assert float(metric.count.array) == 2**24 + 4


def test_the_type_of_results():
    assert run(metrics.Mean(dtype="float64"), [1 / 3]).dtype == "float64"


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (metrics.accuracy, ([1, 2], [1, 3]), [1, 0]),
        (metrics.binary_accuracy, ([[1, 1], [0, 0]], [[0.98, 1], [0, 0.6]]), [[1, 1], [1, 0]]),
        (metrics.categorical_accuracy, (ONE_HOT, P), [1, 1, 1]),
        (metrics.sparse_categorical_accuracy, ([[1], [2], [1]], P), [1, 1, 0]),
        (metrics.top_k_categorical_accuracy, (np.eye(3)[[0, 0, 2]], P, 1), [0, 0, 0]),
        (metrics.sparse_top_k_categorical_accuracy, ([1, 0, 2], P, 2), [1, 1, 0]),
    ],
)
def test_functions(function, args, expected):
    got = function(*args)
    assert got.dtype == "float32"
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Mean()([1, 2], sample_weight=[1, 2, 3]), "mean: sample_weight of shape"),
        (lambda: metrics.Sum()([1, 2], sample_weight=[1, 2, 3]), "sum: sample_weight of shape"),
        (
            lambda: metrics.categorical_accuracy([1, 2, 0], P),
            r"categorical_accuracy: y_true has shape \(3,\)",
        ),
        (
            lambda: metrics.sparse_categorical_accuracy([1, 2], P),
            "sparse_categorical_accuracy: y_true has shape",
        ),
        (lambda: metrics.sparse_categorical_accuracy(ONE_HOT, P), "One-hot labels belong"),
        (
            lambda: metrics.sparse_categorical_accuracy([0.5, 1, 1], P),
            "holds 0.5, which is not a class index",
        ),
        (lambda: metrics.binary_accuracy([1, 0], [[0.5, 0.1]]), "binary_accuracy: y_true has shape"),
        (lambda: metrics.accuracy([1, 0], [1, 0, 1]), "accuracy: y_true has shape"),
        (
            lambda: metrics.sparse_top_k_categorical_accuracy([1], P[:1]),
            "k=5 is not an int between 1 and the 3",
        ),
        (lambda: metrics.top_k_categorical_accuracy(ONE_HOT, P, 0), "k=0 is not an int between 1 and the 3"),
        (lambda: metrics.BinaryAccuracy(threshold=None), "threshold=None is not a number"),
        (lambda: metrics.Mean(dtype="int32"), "Mean: dtype='int32' is not"),
        (
            lambda: metrics.get("acuracy"),
            "Could not interpret metric identifier: 'acuracy'. Did you mean 'accu",
        ),
        (lambda: metrics.get(3), "Could not interpret metric identifier: 3"),
        (lambda: metrics.resolve(None, (), ()), "Expected a metric"),
        (
            lambda: metrics.deserialize({"class_name": "function", "config": "Mean"}),
            "Could not interpret metric",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("rows", "label", "expected"), [(4, 3, 0), (4, -1, 0), (1, 2, 1), (1, 3, 0), (5, 0, 1)])
def test_labels_that_are_no_class_are_never_among_the_best(rows, label, expected):
    y_pred = np.tile([0.2, 0.5, 0.3], (rows, 1))
    matches = metrics.sparse_top_k_categorical_accuracy(np.full(rows, label), y_pred, k=3)
    np.testing.assert_array_equal(matches, np.full(rows, expected))


def test_variables_are_what_was_added():
    metric = metrics.Metric()
    added = [metric.add_variable((2,), "ones", name="a"), metric.add_weight((), name="b")]
    assert [id(v) for v in metric.variables] == [id(v) for v in added]
    assert not any(v.trainable for v in added)
    metric.reset_state()
    assert [v.numpy().sum() for v in added] == [0, 0]


@pytest.mark.parametrize("method", ["update_state", "result"])
def test_what_subclasses_have_to_write(method):
    with pytest.raises(NotImplementedError, match=f"Metric does not define {method}"):
        getattr(metrics.Metric(), method)()


def test_a_metric_of_ones_own():
    class CountAbove(metrics.Metric):
        def __init__(self, name="count_above", **kwargs):
            super().__init__(name=name, **kwargs)
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count.assign_add(np.sum(y_pred > 0.5))

        def result(self):
            return self.count / 1

    metric = CountAbove()
    metric.update_state([0, 0], np.array([0.7, 0.2]))
    assert metric(0, np.array([0.9])) == 2
    metric.reset_state()
    assert metric.result() == 0
    again = metrics.deserialize(metrics.serialize(metric), {"CountAbove": CountAbove})
    assert isinstance(again, CountAbove)


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("accuracy", metrics.Accuracy),
        ("binary_accuracy", metrics.BinaryAccuracy),
        ("sparse_categorical_accuracy", metrics.SparseCategoricalAccuracy),
        ("SparseCategoricalAccuracy", metrics.SparseCategoricalAccuracy),
        ("mse", metrics.MeanSquaredError),
        ("MSE", metrics.MeanSquaredError),
        ("mae", metrics.MeanAbsoluteError),
        ("bce", metrics.BinaryCrossentropy),
        ("mean", metrics.Mean),
        ("top_k_categorical_accuracy", metrics.TopKCategoricalAccuracy),
    ],
)
def test_names(name, cls):
    assert type(metrics.get(name)) is cls


def test_other_identifiers():
    metric = metrics.Mean()
    assert metrics.get(None) is None
    assert metrics.get(metric) is metric
    assert type(metrics.get(metrics.Mean)) is metrics.Mean
    assert metrics.get(metrics.binary_accuracy) is metrics.binary_accuracy
    assert type(metrics.get({"class_name": "Mean", "config": {}})) is metrics.Mean
    config = metrics.serialize(metrics.binary_accuracy)
    assert metrics.get(config) is metrics.binary_accuracy


BINARY, CATEGORICAL, SPARSE = "Binary", "Categorical", "SparseCategorical"


@pytest.mark.parametrize(
    ("y_true", "y_pred", "kind"),
    [
        ((4,), (4, 1), BINARY),
        ((4, 1), (4, 1), BINARY),
        ((4, 3), (4, 3), CATEGORICAL),
        ((4,), (4, 3), SPARSE),
        ((4, 1), (4, 3), SPARSE),
        ((4, 2, 2), (4, 2, 2, 5), SPARSE),
        ((4, 2, 2, 1), (4, 2, 2, 5), SPARSE),
        ((4, 2, 2, 1), (4, 2, 2, 1), BINARY),
        ((None, 3), (None, 3), CATEGORICAL),
    ],
)
def test_names_that_the_shapes_decide(y_true, y_pred, kind):
    for name in ("accuracy", "acc"):
        metric = metrics.resolve(name, y_true, y_pred)
        assert (type(metric).__name__, metric.name) == (kind + "Accuracy", name)
    for name in ("crossentropy", "ce"):
        metric = metrics.resolve(name, y_true, y_pred)
        assert (type(metric).__name__, metric.name) == (kind + "Crossentropy", name)


def test_names_of_resolved_metrics():
    def distance(y_true, y_pred):
        return np.abs(y_true - y_pred)

    assert metrics.resolve("mse", (4,), (4, 1)).name == "mse"
    assert metrics.resolve(distance, (4,), (4,)).name == "distance"
    assert metrics.resolve(metrics.Mean(name="m"), (4,), (4,)).name == "m"
    assert metrics.resolve(losses.MeanSquaredError(name="l"), (4,), (4,)).name == "l"
    assert run(metrics.resolve(distance, (2,), (2,)), np.zeros(2), np.array([1, 2])) == 1.5


@pytest.mark.parametrize(
    "metric",
    [
        metrics.Mean(name="m", dtype="float64"),
        metrics.BinaryAccuracy(threshold=0.3),
        metrics.TopKCategoricalAccuracy(k=2),
        metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True),
        metrics.SparseCategoricalCrossentropy(ignore_class=1, axis=1),
        metrics.CategoricalCrossentropy(from_logits=True),
        metrics.BinaryCrossentropy(label_smoothing=0.1),
        metrics.MeanMetricWrapper(metrics.binary_accuracy, name="x", threshold=0.2),
    ],
)
def test_round_trip(metric):
    config = metrics.serialize(metric)
    again = metrics.deserialize(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert config["module"] == "keras.metrics"
