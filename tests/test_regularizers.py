"""Regularizers: values, gradients, names, and what they add to a training step."""

import numpy as np
import pytest

from fastconv import kernels, layers, regularizers
from fastconv.models import Sequential
from fastconv.ops.penalty import ActivityPenalty, penalty_calls
from tests.cases import distinct, integers
from tests.gradients import check_gradients

ALL = [
    regularizers.L1(0.5),
    regularizers.L2(0.25),
    regularizers.L1L2(0.5, 0.25),
    regularizers.L1L2(),
    regularizers.OrthogonalRegularizer(0.5),
    regularizers.OrthogonalRegularizer(0.5, "columns"),
]


class Cubes(regularizers.Regularizer):
    """One of the user's own."""

    def __call__(self, x):
        return np.sum(np.asarray(x) ** 3)

    def gradient(self, x):
        return 3 * x**2

    def get_config(self):
        return {}


def name_of(regularizer):
    return type(regularizer).__name__ + str(regularizer.get_config())


@pytest.mark.parametrize("regularizer", [*ALL, Cubes()], ids=name_of)
@pytest.mark.parametrize("shape", [(4, 3), (2, 7), (1, 5), (6, 1)], ids=str)
def test_gradients(regularizer, shape):
    x = distinct(np.random.default_rng(1), shape) + 1e-3  # on no kink
    check_gradients(lambda x: np.array(regularizer(x)), (x,), np.array(1.0), (regularizer.gradient(x),))
    assert regularizer.gradient(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("size", [0, 1, 7, 16, 17, 8191, 8193, 30011])
@pytest.mark.parametrize("regularizer", ALL[:4], ids=name_of)
def test_the_kernel_says_the_same(regularizer, size, variant, rng):
    x, before, total = integers(rng, (size,)), integers(rng, (size,)), np.zeros(1)
    dx = before.copy()
    for call in penalty_calls(kernels.for_dtype("float32"), regularizer, x, dx, total):
        call()
    assert total[0] == regularizer(x.astype(np.float64))  # whole numbers: exact in any order
    np.testing.assert_array_equal(dx, before + regularizer.gradient(x))


def test_same_bits_for_any_number_of_threads(variant, rng):
    x, results = rng.standard_normal(1_000_003).astype(np.float32), set()
    for threads in (1, 2, 3, 5):
        total, dx = np.zeros(1), np.zeros_like(x)
        for call in penalty_calls(kernels.for_dtype("float32"), regularizers.L1L2(0.1, 0.2), x, dx, total, 1, threads):
            call()
        results.add(total.tobytes() + dx.tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("regularizer", [*ALL, Cubes()], ids=name_of)
def test_activity_penalty(regularizer):
    op, x = ActivityPenalty(regularizer), distinct(np.random.default_rng(1), (4, 3)) + 1e-3
    y, backprop = op(x)
    np.testing.assert_array_equal(y, x)
    dy = np.arange(12.0).reshape(4, 3)
    np.testing.assert_allclose(backprop(dy)[0], dy + regularizer.gradient(x) / 4, rtol=1e-12)


def model_of(*stack, shape=(6, 6, 2), fused=True):
    from fastconv import config

    config.enable_fusion() if fused else config.disable_fusion()
    try:
        model = Sequential([layers.Input(shape), *stack, layers.Dense(2, dtype="float64")])
        model.compile("sgd", "mse")
        assert model.plan
    finally:
        config.enable_fusion()
    return model


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("activity", [None, "l1", Cubes()])
@pytest.mark.parametrize("weight", [None, "l2", Cubes()])
def test_the_gradient_of_a_training_step_is_that_of_the_reported_loss(weight, activity, fused, rng):
    conv = layers.Conv2D(
        3, 3, activation="relu", kernel_regularizer=weight, bias_regularizer=weight, activity_regularizer=activity,
        bias_initializer="ones", dtype="float64",
    )  # fmt: skip
    model = model_of(conv, layers.MaxPooling2D(2, dtype="float64"), layers.Flatten(dtype="float64"), fused=fused)
    x, y = rng.standard_normal((3, 6, 6, 2)), rng.standard_normal((3, 2))
    before = [v.numpy() for v in model.weights]
    loss = model.train_on_batch(x, y)
    grads = [(b - v.numpy()) / 0.01 for b, v in zip(before, model.weights, strict=True)]

    def loss_at(*weights):
        model.set_weights(weights)
        model.test_on_batch(x, y)
        with model.plan.program(3, "test", (None,)) as program:  # what is reported is rounded to float32
            return np.array(model._losses.total(program)[0])

    assert loss == pytest.approx(float(loss_at(*before)), rel=1e-6)
    check_gradients(loss_at, before, np.array(1.0), grads, samples=4, tolerance=1e-5)


def test_predictions_cost_nothing_of_it(rng):
    plain, penalized = (
        Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activity_regularizer=a), layers.ReLU(),
                    layers.MaxPooling2D(2)])
        for a in (None, "l2")
    )  # fmt: skip
    assert [repr(step.op) for step in penalized.plan.steps] == [repr(step.op) for step in plain.plan.steps]
    penalized.set_weights(plain.get_weights())
    x = rng.standard_normal((3, 8, 8, 1))
    np.testing.assert_array_equal(penalized.predict(x, verbose=0), plain.predict(x, verbose=0))
    np.testing.assert_allclose(penalized(x), plain(x), rtol=1e-6, atol=1e-6)


def test_losses_of_layers_and_models():
    layer = layers.Dense(
        2, kernel_initializer="ones", kernel_regularizer=regularizers.L1(0.5), activity_regularizer="l2"
    )
    layer.build((None, 3))
    assert [float(loss) for loss in layer.losses] == [3.0]
    layer(np.ones((4, 3)))
    assert [float(loss) for loss in layer.losses] == pytest.approx([0.01 * 8 * 9 / 4, 3.0])
    model = Sequential([layers.Input((3,)), layer])
    assert [float(loss) for loss in model.losses] == pytest.approx([0.18, 3.0])
    layer.trainable = False  # as in Keras: frozen weights are not penalized
    assert len(layer.losses) == 1


def test_frozen_weights_add_nothing(rng):
    layer = layers.Dense(2, kernel_regularizer=regularizers.L2(10.0))
    model = Sequential([layers.Input((3,)), layer])
    model.compile("sgd", "mse")
    x, y = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    with_penalty = model.test_on_batch(x, y)
    layer.trainable = False
    alone = model.test_on_batch(x, y)
    assert with_penalty == pytest.approx(alone + 10 * np.square(layer.kernel.array).sum(), rel=1e-5)


@pytest.mark.parametrize("argument", ["kernel_regularizer", "bias_regularizer", "activity_regularizer"])
@pytest.mark.parametrize("make", [lambda **k: layers.Conv2D(4, 3, **k), lambda **k: layers.Dense(4, **k)])
def test_what_has_no_gradient_is_refused_by_name(make, argument):
    class Silent(regularizers.Regularizer):
        pass

    for given in (np.sum, lambda x: 0.0, Silent()):
        with pytest.raises(NotImplementedError, match=rf"Layer 'n' \(\w+\): {argument}=.* has no gradient"):
            make(name="n", **{argument: given})
    with pytest.raises(ValueError, match=rf"Layer 'n' \(\w+\): {argument}: .*'l22'. Did you mean 'l2'"):
        make(name="n", **{argument: "l22"})


@pytest.mark.parametrize("regularizer", ALL, ids=name_of)
def test_configs(regularizer):
    for config in (regularizers.serialize(regularizer), {"class_name": type(regularizer).__name__,
                                                         "config": regularizer.get_config()}):  # fmt: skip
        assert regularizers.get(config).get_config() == regularizer.get_config()
        layer = layers.Dense(2, kernel_regularizer=regularizer)
        assert layers.Dense.from_config(layer.get_config()).get_config() == layer.get_config()


def test_names():
    assert regularizers.get(None) is None
    names = {"l1": "L1", "L2": "L2", "l1_l2": "L1L2", "l1l2": "L1L2"}
    for name, cls in names.items():
        assert type(regularizers.get(name)).__name__ == cls
    assert isinstance(regularizers.get(regularizers.OrthogonalRegularizer), regularizers.OrthogonalRegularizer)
    with pytest.raises(ValueError, match="Could not interpret regularizer identifier: 5"):
        regularizers.get(5)


@pytest.mark.parametrize("value", [-0.1, np.inf, np.nan, "a", True])
def test_factors_that_cannot_be(value):
    for make in (regularizers.L1, regularizers.L2, regularizers.L1L2, regularizers.OrthogonalRegularizer):
        with pytest.raises(ValueError, match=rf"{make.__name__}: \w+={value!r} is not a finite number of at least 0"):
            make(value)


def test_orthogonal_wants_a_matrix():
    with pytest.raises(ValueError, match="expected a matrix.*got shape"):
        regularizers.OrthogonalRegularizer()(np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="mode='diagonal'"):
        regularizers.OrthogonalRegularizer(mode="diagonal")
    assert regularizers.OrthogonalRegularizer()(np.array([[1, 1], [2, 2]])) == pytest.approx(0.01)  # whole numbers, too
