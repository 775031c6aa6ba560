"""The losses against numbers that Keras 3.15 printed, and what they refuse."""

import pickle

import numpy as np
import pytest

from fastconv import losses
from fastconv.runtime import settings

P = np.array([[0.2, 0.3, 0.1], [0.5, 0.2, 0.3]], "float32")
ONE_HOT = np.eye(3, dtype="float32")[[1, 0]]
B = np.array([[0.7], [1.0], [0.0], [0.3]], "float32")
Y = np.array([[1], [0], [1], [0]])


def close(got, expected, rtol=2e-6):
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-7)


# Each row: loss, labels, predictions, values of Keras with reduction="none".
VALUES = [
    (losses.SparseCategoricalCrossentropy(reduction=None), [1, 0], P, [0.6931472, 0.6931472]),
    (losses.SparseCategoricalCrossentropy(reduction=None), [[1], [0]], P, [0.6931472, 0.6931472]),
    (losses.SparseCategoricalCrossentropy(reduction=None), [1.0, 0.0], P, [0.6931472, 0.6931472]),
    (
        losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None),
        [1, 0],
        P,
        [1.0019428, 0.9398311],
    ),
    (losses.SparseCategoricalCrossentropy(reduction=None), [1], [[1.0, 0.0, 0.0]], [16.118095]),
    (losses.SparseCategoricalCrossentropy(reduction=None), [0], [[1.0, 0.0, 0.0]], [1.192093e-07]),
    (losses.SparseCategoricalCrossentropy(reduction=None, ignore_class=1), [1, 0], P, [0, 0.6931472]),
    (losses.SparseCategoricalCrossentropy(reduction=None, ignore_class=-1), [-1, 0], P, [0, 0.6931472]),
    (
        losses.SparseCategoricalCrossentropy(reduction=None, axis=0),
        [1, 0, 1],
        P,
        [0.3364722, 0.5108256, 0.28768206],
    ),
    (losses.SparseCategoricalCrossentropy(reduction=None), 1, P[0], 0.6931472),
    (losses.CategoricalCrossentropy(reduction=None), ONE_HOT, P, [0.6931472, 0.6931472]),
    (losses.CategoricalCrossentropy(reduction=None, from_logits=True), ONE_HOT, P, [1.0019428, 0.9398311]),
    (
        losses.CategoricalCrossentropy(reduction=None, label_smoothing=0.1),
        ONE_HOT,
        P,
        [0.74328315, 0.7407177],
    ),
    (
        losses.CategoricalCrossentropy(reduction=None, label_smoothing=0.1, from_logits=True),
        ONE_HOT,
        P,
        [1.0119427, 0.9564978],
    ),
    (losses.CategoricalCrossentropy(reduction=None), ONE_HOT * 0.5 + 0.1, P, [0.70492554, 0.6972294]),
    (losses.CategoricalCrossentropy(reduction=None, axis=0), ONE_HOT, P, [0.3364722, 0.5108256, 0]),
    (losses.BinaryCrossentropy(reduction=None), Y, B, [0.35667497, 15.942385, 16.118095, 0.35667497]),
    (losses.BinaryCrossentropy(reduction=None), Y[:, 0], B, [0.35667497, 15.942385, 16.118095, 0.35667497]),
    (
        losses.BinaryCrossentropy(reduction=None, from_logits=True),
        Y,
        B,
        [0.40318605, 1.3132617, 0.6931472, 0.8543552],
    ),
    (
        losses.BinaryCrossentropy(reduction=None, label_smoothing=0.2),
        Y,
        B,
        [0.44140473, 14.3481455, 14.506287, 0.44140476],
    ),
    (losses.BinaryCrossentropy(reduction=None, axis=0), Y, B, [8.193457]),
    (losses.BinaryCrossentropy(reduction=None, from_logits=True), Y, B * 1000 - 500, [0, 500, 500, 0]),
    (losses.BinaryCrossentropy(reduction=None), Y == 1, B, [0.35667497, 15.942385, 16.118095, 0.35667497]),
    (losses.BinaryCrossentropy(), [1, 0, 1], [0.1, 0.2, 0.3], 1.2432338),
    (losses.BinaryCrossentropy(label_smoothing=0.1), [[1]], [[0.7]], 0.3990395),
    (
        losses.MeanSquaredError(reduction=None),
        np.zeros((2, 4, 4, 1)),
        np.ones((2, 4, 4, 1)),
        np.ones((2, 4, 4)),
    ),
    (losses.MeanSquaredError(), np.zeros((2, 4, 4, 1)), np.ones((2, 4, 4, 1)), 1.0),
    (losses.MeanSquaredError(reduction="sum"), np.zeros((2, 4, 4, 1)), np.ones((2, 4, 4, 1)), 32.0),
    (losses.MeanSquaredError(reduction=None), np.zeros(3), np.ones((3, 1)), np.ones(3)),
    (losses.MeanSquaredError(reduction=None), np.zeros((3, 1)), np.ones(3), np.ones(3)),
    (losses.MeanSquaredError(reduction=None), np.zeros(3), np.full(3, 2.0), 4.0),
    (losses.MeanSquaredError(reduction=None), np.zeros((3, 2), int), np.full((3, 2), 2), [4, 4, 4]),
    (losses.MeanSquaredError(), 1.0, 3.0, 4.0),
    (losses.MeanAbsoluteError(reduction=None), [[0.0, 1.0], [0.0, 0.0]], [[2.0, 1.0], [1.0, -3.0]], [1, 2]),
]


@pytest.mark.parametrize(("loss", "y_true", "y_pred", "expected"), VALUES)
def test_values(loss, y_true, y_pred, expected):
    got = loss(y_true, y_pred)
    assert np.shape(got) == np.shape(expected)
    close(got, expected)


def test_probabilities_that_are_all_zero_give_nan():
    assert np.isnan(losses.sparse_categorical_crossentropy([1], [[0.0, 0.0]])).all()


ERRORS = np.array([[1.0], [2.0]]) * np.ones((2, 3))  # squared errors of 1 and 4


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        ("sum", 5.0, 12.0),
        ("mean", 2.5, 6.0),
        ("sum_over_batch_size", 2.5, 6.0),
        ("mean_with_sample_weight", 2.5, 4.0),
        ("none", [1.0, 4.0], [0.0, 12.0]),
        (None, [1.0, 4.0], [0.0, 12.0]),
    ],
)
def test_reductions(reduction, plain, weighted):
    loss = losses.MeanSquaredError(reduction=reduction)
    close(loss(np.zeros((2, 3)), ERRORS), plain)
    close(loss(np.zeros((2, 3)), ERRORS, sample_weight=[0, 3]), weighted)


@pytest.mark.parametrize(
    ("reduction", "ignored", "weighted", "all_ignored"),
    [
        ("none", [0, 0.9398311], [0, 3.7194934], [0, 0]),
        ("sum_over_batch_size", 0.9398311, 3.7194934, 0),
        ("sum", 0.9398311, 3.7194934, 0),
        ("mean_with_sample_weight", 0.9398311, 1.2398311, 0),
    ],
)
def test_ignored_samples_are_no_part_of_a_mean(reduction, ignored, weighted, all_ignored):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255, reduction=reduction)
    close(loss([255, 0], P), ignored)
    close(loss([255, 1], P, sample_weight=[2, 3]), weighted)
    close(loss([255, 255], P), all_ignored)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 4), (2, 4, 1), (1, 4), (), (1,)])
def test_weights_follow_the_first_axes(shape):
    weights = np.arange(1, 1 + np.prod(shape, dtype=int)).reshape(shape)
    full = weights.reshape(weights.shape + (1,) * (2 - weights.ndim)) if weights.ndim < 3 else weights[..., 0]
    got = losses.MeanSquaredError(reduction=None)(np.zeros((2, 4, 3)), np.ones((2, 4, 3)), sample_weight=weights)
    close(got, np.broadcast_to(full, (2, 4)))


@pytest.mark.parametrize("shape", [(4,), (3,), (2, 3), (2, 4, 3)])
def test_weights_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"mean_squared_error: sample_weight of shape .* does not fit"):
        losses.MeanSquaredError()(np.zeros((2, 4, 3)), np.ones((2, 4, 3)), sample_weight=np.ones(shape))


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([3, 0], P, r"holds the label 3; expected 0 to 2, as y_pred has 3 classes along axis -1"),
        ([-1, 0], P, r"holds the label -1; expected 0 to 2"),
        ([1.7, 0], P, r"holds 1\.7, which is not a class index"),
        ([np.nan, 0], P, r"holds nan, which is not a class index"),
        (
            [1, 0, 1],
            P,
            r"y_true has shape \(3,\) and y_pred has shape \(2, 3\); expected integer labels of shape",
        ),
        (ONE_HOT, P, r"One-hot labels belong to the categorical variant"),
        (["cat", "dog"], P, r"expected integer labels"),
    ],
)
def test_sparse_labels_that_do_not_fit(y_true, y_pred, message):
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy: .*" + message):
        losses.SparseCategoricalCrossentropy()(y_true, y_pred)


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "message"),
    [
        ("mse", np.zeros((3, 2)), np.ones((3, 1)), r"mean_squared_error: y_true has shape \(3, 2\)"),
        ("mae", np.zeros((3, 2)), np.ones((3, 4)), r"mean_absolute_error: y_true has shape \(3, 2\)"),
        ("categorical_crossentropy", [1, 0], P, r"categorical_crossentropy: y_true has shape \(2,\)"),
        ("categorical_crossentropy", [[1], [0]], P[:, :1], r"a single class along axis 1"),
        ("bce", Y, np.c_[B, B], r"binary_crossentropy: y_true has shape \(4, 1\)"),
        ("bce", Y * 2, B, r"binary_crossentropy: y_true holds 2\.0; expected labels between 0 and 1"),
    ],
)
def test_labels_that_do_not_fit(loss, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        losses.get(loss)(y_true, y_pred)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: losses.MeanSquaredError(reduction="auto"),
            "MeanSquaredError: reduction='auto' is not one of",
        ),
        (lambda: losses.MeanSquaredError(reduction="summ"), "Did you mean 'sum'"),
        (
            lambda: losses.MeanSquaredError(dtype="float16"),
            "MeanSquaredError: dtype='float16' is not supported",
        ),
        (lambda: losses.CategoricalCrossentropy(label_smoothing=2), "label_smoothing=2 is not between"),
        (lambda: losses.BinaryCrossentropy(label_smoothing="a"), "label_smoothing='a' is not between"),
        (lambda: losses.SparseCategoricalCrossentropy(axis=2)([1], P[:1]), "axis=2 is not an axis of y_pred"),
        (lambda: losses.get("msee"), "Could not interpret loss identifier: 'msee'. Did you mean 'mse'"),
        (lambda: losses.get(3), "Could not interpret loss identifier: 3"),
        (lambda: losses.resolve(None), "Expected a loss"),
        (lambda: losses.resolve("ce"), "depends on the shapes"),
        (lambda: losses.deserialize({"config": {}}), "Could not interpret loss config"),
        (lambda: losses.deserialize({"class_name": "os.system", "config": "x"}), "Could not interpret loss"),
        (
            lambda: losses.deserialize({"class_name": "function", "config": "MeanSquaredError"}),
            "not a loss func",
        ),
        (lambda: losses.serialize(lambda t, p: 0), "Cannot serialize"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_loss_without_call_is_refused():
    with pytest.raises(NotImplementedError, match="Bare does not define call"):
        type("Bare", (losses.Loss,), {})()(1.0, 2.0)


@pytest.mark.parametrize("given", ["float32", "float64"])
def test_values_have_the_type_of_the_predictions(given):
    y_pred = np.full((2, 3), 0.25, given)
    assert losses.MeanSquaredError()(np.zeros((2, 3)), y_pred).dtype == given
    assert losses.SparseCategoricalCrossentropy(reduction=None)([0, 1], y_pred).dtype == given
    assert losses.BinaryCrossentropy(dtype="float64")(np.zeros((2, 3)), y_pred).dtype == "float64"


def test_the_fuzz_factor_is_a_setting():
    try:
        settings.set_epsilon(1e-3)
        close(losses.binary_crossentropy([[1]], [[0.0]]), [-np.log(1e-3)])
    finally:
        settings.set_epsilon(1e-7)


def test_arguments_stay_as_they_are():
    y_true, y_pred = np.array([[1.0], [0.0]], "float32"), np.array([[0.5], [2.0]], "float32")
    for name in ("mse", "mae", "bce"):
        losses.get(name)(y_true, y_pred)
    losses.categorical_crossentropy(ONE_HOT, P)
    np.testing.assert_array_equal(y_pred, [[0.5], [2.0]])
    np.testing.assert_array_equal(P[0], np.array([0.2, 0.3, 0.1], "float32"))


NAMES = {
    "mse": losses.mean_squared_error,
    "MSE": losses.mean_squared_error,
    "mae": losses.mean_absolute_error,
    "bce": losses.binary_crossentropy,
    "BCE": losses.binary_crossentropy,
    "mean_squared_error": losses.mean_squared_error,
    "sparse_categorical_crossentropy": losses.sparse_categorical_crossentropy,
    "categorical_crossentropy": losses.categorical_crossentropy,
    "binary_crossentropy": losses.binary_crossentropy,
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert losses.get(name) is NAMES[name]
    assert losses.resolve(name).name == NAMES[name].__name__


def test_other_identifiers():
    loss = losses.MeanSquaredError()
    assert losses.get(None) is None
    assert losses.get(loss) is loss
    assert losses.resolve(loss) is loss
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert isinstance(losses.get(losses.MeanSquaredError), losses.MeanSquaredError)
    assert losses.get(losses.mean_squared_error) is losses.mean_squared_error
    assert isinstance(losses.get({"class_name": "MeanSquaredError", "config": {}}), losses.MeanSquaredError)


def test_a_function_becomes_a_loss():
    def twice(y_true, y_pred):
        return 2 * np.abs(y_true - y_pred)[:, 0]

    loss = losses.resolve(twice)
    assert (loss.name, loss([[0.0], [0.0]], [[1.0], [2.0]])) == ("twice", 3.0)


@pytest.mark.parametrize("name", ["crossentropy", "ce"])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "cls"),
    [
        ((None,), (None, 1), losses.BinaryCrossentropy),
        ((None, 10), (None, 10), losses.CategoricalCrossentropy),
        ((None,), (None, 10), losses.SparseCategoricalCrossentropy),
        ((None, 8, 8, 1), (None, 8, 8, 3), losses.SparseCategoricalCrossentropy),
    ],
)
def test_crossentropy_by_shape(name, y_true, y_pred, cls):
    assert type(losses.resolve(name, y_true, y_pred)) is cls


@pytest.mark.parametrize(
    "loss",
    [
        losses.MeanSquaredError(reduction="sum", name="x", dtype="float64"),
        losses.MeanAbsoluteError(),
        losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3, axis=1),
        losses.CategoricalCrossentropy(label_smoothing=0.1),
        losses.BinaryCrossentropy(axis=0),
        losses.LossFunctionWrapper(losses.binary_crossentropy, from_logits=True),
    ],
)
def test_round_trip(loss):
    config = losses.serialize(loss)
    again = losses.deserialize(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert (config["module"], config["registered_name"]) == ("keras.losses", None)


def test_functions_and_customs_round_trip():
    assert losses.deserialize(losses.serialize(losses.mean_squared_error)) is losses.mean_squared_error

    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            return y_true - y_pred

    config = losses.serialize(Mine())
    assert config["registered_name"] == "Mine"
    assert type(losses.deserialize(config, custom_objects={"Mine": Mine})) is Mine
    with pytest.raises(ValueError, match="Could not interpret loss identifier: 'Mine'"):
        losses.deserialize(config)


@pytest.mark.parametrize("weights", [2.0, [2.0], [[2.0]]])
@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none"])
def test_a_single_value_is_weighted_and_not_reduced(reduction, weights):
    loss = losses.MeanSquaredError(reduction=reduction)
    value, gradient = loss.value_and_gradient([0.0, 0.0], [1.0, 3.0], weights)
    whole = np.ndim(weights) < 2 or reduction != "mean_with_sample_weight"
    assert np.ravel(value).tolist() == [10.0 if whole else 5.0]
    assert gradient.tolist() == [2.0, 6.0] if whole else [1.0, 3.0]


@pytest.mark.parametrize(
    ("values", "weights", "expected"),
    [((4,), (4, 1), (4, 1)), ((4, 3), (4, 3, 1), (4, 3)), ((4, 3, 1), (4, 3), (4, 3)), ((4, 3), (4,), (4, 3))],
)
def test_shapes_of_weighted_values(values, weights, expected):
    loss = losses.MeanSquaredError(reduction="none")
    assert loss(np.zeros((*values, 2)), np.ones((*values, 2)), np.ones(weights)).shape == expected


def test_cosines_of_several_axes():
    a, b = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    for axis, kept in (((1, 2), 3), (None, 1)):
        flat = losses.cosine_similarity(a.reshape(kept, -1), b.reshape(kept, -1))
        np.testing.assert_allclose(np.atleast_1d(losses.cosine_similarity(a, b, axis=axis)), flat)


@pytest.mark.parametrize("name", ["mse", "kl_divergence", "BinaryCrossentropy", "CosineSimilarity"])
def test_losses_travel(name):
    loss = losses.get(name)
    again = pickle.loads(pickle.dumps(loss))
    assert again is loss or again.get_config() == loss.get_config()
    np.testing.assert_array_equal(again(Y, B), loss(Y, B))
