"""train_on_batch, test_on_batch, predict_on_batch: one batch, its numbers, and what is left behind."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import losses, metrics, optimizers
from fastconv.models import Sequential
from tests.models.data import classifier, line, stripes


def test_a_step_of_gradient_descent_by_hand():
    model = line(optimizer=optimizers.SGD(0.5))
    # loss = mean of (w x + b - y)^2 over 2 samples; at w = b = 0: dw = -mean 2 x y, db = -mean 2 y
    loss = model.train_on_batch(np.array([1.0, 3.0]), np.array([2.0, 4.0]))
    assert loss == 10.0
    w, b = model.get_weights()
    assert (w.item(), b.item()) == (7.0, 3.0)


def test_sample_weights_by_hand():
    model = line(optimizer=optimizers.SGD(0.5))
    loss = model.train_on_batch(np.array([1.0, 3.0]), np.array([1.0, 1.0]), sample_weight=np.array([0, 3]))
    assert loss == 1.5, "the divisor stays the number of samples"
    assert [v.item() for v in model.get_weights()] == [4.5, 1.5]


def test_class_weights_by_hand():
    model = line("binary_crossentropy")
    y = np.array([0, 0, 0, 0, 1, 1, 1])
    x = np.zeros(7)
    plain = float(losses.BinaryCrossentropy()(np.array([[0.0]]), np.array([[0.0]])))
    one = float(losses.BinaryCrossentropy()(np.array([[1.0]]), np.array([[0.0]])))
    expected = (4 * 2 * plain + 3 * one) / 7
    assert model.train_on_batch(x, y, class_weight={0: 2.0}) == pytest.approx(expected, rel=1e-6)


def test_class_weights_of_labels_and_of_one_hot_rows():
    y = np.repeat([0, 1, 2], [4, 3, 3])
    for loss, targets in (("sparse_categorical_crossentropy", y), ("categorical_crossentropy", np.eye(3)[y])):
        model = Sequential([L.Input((2,)), L.Dense(3, "softmax", kernel_initializer="zeros")])
        model.compile(optimizers.SGD(0.0), loss)
        x = np.ones((10, 2))
        plain = model.train_on_batch(x, targets)
        weighted = model.train_on_batch(x, targets, class_weight={0: 1, 1: 5, 2: 0})
        assert weighted == pytest.approx(1.9 * plain, rel=1e-6)
        both = model.train_on_batch(x, targets, sample_weight=np.full(10, 2.0), class_weight={0: 1, 1: 5, 2: 0})
        assert both == pytest.approx(3.8 * plain, rel=1e-6)


def test_testing_leaves_the_model_alone(rng):
    model = classifier(metrics=["accuracy"])
    x, y = stripes(12)
    before = model.get_weights()
    first, second = model.test_on_batch(x, y), model.test_on_batch(x, y)
    assert first == second
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    trained = model.train_on_batch(x, y)
    assert trained == first, "the loss of a step is that before its update"
    assert model.test_on_batch(x, y)[0] < first[0]
    assert int(model.optimizer.iterations) == 1


def test_what_comes_back():
    x, y = stripes(6)
    assert isinstance(classifier().train_on_batch(x, y), float)
    model = classifier(metrics=["accuracy"])
    values = model.test_on_batch(x, y)
    assert isinstance(values, list) and all(isinstance(v, float) for v in values)
    assert model.test_on_batch(x, y, return_dict=True) == dict(zip(("loss", "accuracy"), values, strict=True))
    assert list(model.train_on_batch(x, y, return_dict=True)) == ["accuracy", "loss"]


def test_each_batch_is_counted_by_itself():
    model = line(metrics=["mae"])
    assert model.test_on_batch(np.zeros(2), np.ones(2)) == [1.0, 1.0]
    assert model.test_on_batch(np.zeros(2), np.full(2, 3.0)) == [9.0, 3.0]
    assert model.get_metrics_result() == {"loss": 9.0, "mae": 3.0}
    model.reset_metrics()
    assert model.get_metrics_result() == {"loss": 0.0, "mae": 0.0}


def test_metrics_see_the_predictions_before_the_update():
    x, y = stripes(9)
    seen = []

    class Spy(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append((y_true.copy(), y_pred.copy()))

        def result(self):
            return 0.0

    model = classifier(optimizers.SGD(0.5), metrics=[Spy()])
    expected = model(x)
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(seen[0][0], y)
    np.testing.assert_allclose(seen[0][1], expected, rtol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_loss_of_images_is_a_mean_over_pixels(outputs):
    model = Sequential([L.Input((4, 4, 2)), L.Conv2D(outputs, 1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    assert model.test_on_batch(np.ones((2, 4, 4, 2)), np.ones((2, 4, 4, outputs))) == 1.0
    weighted = model.test_on_batch(np.ones((2, 4, 4, 2)), np.ones((2, 4, 4, outputs)), np.array([0.0, 3.0]))
    assert weighted == 1.5


@pytest.mark.parametrize(
    "ignore_class",
    [255, 1, -1],
)
@pytest.mark.parametrize("from_logits", [False, True])
def test_ignored_labels_are_no_part_of_the_mean(from_logits, ignore_class, rng):
    loss = losses.SparseCategoricalCrossentropy(from_logits=from_logits, ignore_class=ignore_class)
    model = Sequential([L.Input((4,)), L.Dense(3, None if from_logits else "softmax")])
    model.compile(optimizers.SGD(0.1), loss)
    x, y = rng.standard_normal((7, 4)), np.array([0, 1, 2, ignore_class, 0, ignore_class, 2])
    expected = float(loss(y, model(x)))
    assert model.test_on_batch(x, y) == pytest.approx(expected, rel=1e-5)
    keep = y != ignore_class
    twin = Sequential([L.Input((4,)), L.Dense(3, None if from_logits else "softmax")])
    twin.set_weights(model.get_weights())
    twin.compile(optimizers.SGD(0.1), losses.SparseCategoricalCrossentropy(from_logits=from_logits))
    assert model.train_on_batch(x, y) == pytest.approx(twin.train_on_batch(x[keep], y[keep]), rel=1e-5)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_one_sample_and_no_sample():
    model = classifier(metrics=["accuracy"])
    x, y = stripes(3)
    assert len(model.train_on_batch(x[:1], y[:1])) == 2
    before = model.get_weights()
    assert model.predict_on_batch(x[:0]).shape == (0, 3)
    assert model.test_on_batch(x[:0], y[:0]) == [0.0, 0.0]
    model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    assert model.train_on_batch(x[:0], y[:0]) == 0.0
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_predicting_takes_what_training_takes():
    model = classifier()
    x, _ = stripes(5)
    expected = model.predict_on_batch(x)
    assert expected.dtype == np.float32 and expected.shape == (5, 3)
    np.testing.assert_allclose(expected.sum(1), 1, rtol=1e-6)
    for other in (x[..., None], x.astype(float), x.tolist(), np.asfortranarray(x), x[::-1].copy()[::-1]):
        np.testing.assert_array_equal(model.predict_on_batch(other), expected)


def test_the_optimizer_stays_the_same_over_batches_of_changing_sizes():
    model = classifier()
    x, y = stripes(60)
    losses_ = [model.train_on_batch(x[:n], y[:n]) for n in (7, 60, 3, 32, 7, 60)]
    assert int(model.optimizer.iterations) == 6 and np.isfinite(losses_).all()
