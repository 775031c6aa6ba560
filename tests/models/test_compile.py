"""compile: names, objects, metrics, and what is refused."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import losses, metrics, optimizers
from fastconv.models import Sequential
from tests.models.data import classifier, line, stripes


def new(outputs=1, activation=None):
    return Sequential([L.Input((4,)), L.Dense(outputs, activation)], name="m")


@pytest.mark.parametrize("optimizer", ["sgd", "SGD", "Adam", "rmsprop", lambda: optimizers.SGD(0.5), optimizers.Adam])
@pytest.mark.parametrize(
    "loss",
    ["mse", "MSE", "mean_squared_error", "MeanSquaredError", losses.mean_squared_error, losses.MeanSquaredError()],
)
def test_names_classes_functions_and_objects(optimizer, loss):
    model = new()
    model.compile(optimizer() if getattr(optimizer, "__name__", "") == "<lambda>" else optimizer, loss)
    assert isinstance(model.optimizer, optimizers.Optimizer) and model.loss is loss
    assert model.train_on_batch(np.zeros((2, 4)), np.ones((2, 1))) == 1.0


def test_the_default_optimizer_is_rmsprop():
    model = new()
    model.compile(loss="mse")
    assert isinstance(model.optimizer, optimizers.RMSprop)


@pytest.mark.parametrize(
    ("loss", "outputs", "activation", "y", "value"),
    [
        ("mse", 2, None, [[1, 3]], 5.0),
        ("mae", 2, None, [[1, -3]], 2.0),
        ("binary_crossentropy", 1, "sigmoid", [[1]], np.log(2)),
        (losses.BinaryCrossentropy(from_logits=True), 1, None, [[1]], np.log(2)),
        ("sparse_categorical_crossentropy", 4, "softmax", [2], np.log(4)),
        ("categorical_crossentropy", 4, "softmax", [[0, 0, 1, 0]], np.log(4)),
        (losses.CategoricalCrossentropy(from_logits=True), 4, None, [[0, 0, 1, 0]], np.log(4)),
        (losses.SparseCategoricalCrossentropy(from_logits=True), 4, None, [3], np.log(4)),
    ],
    ids=str,
)
def test_losses(loss, outputs, activation, y, value):
    model = new(outputs, activation)
    model.compile("sgd", loss)
    x, y = np.zeros((3, 4)), np.repeat(y, 3, axis=0)
    assert model.test_on_batch(x, y) == pytest.approx(value, rel=1e-6)
    function = losses.resolve(loss)
    assert model.test_on_batch(x, y) == pytest.approx(float(function(y, model(x))), rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum", "mean", "sum_over_batch_size"])
def test_reductions(reduction):
    model = line(losses.MeanSquaredError(reduction=reduction))
    y = np.array([1.0, 2.0, 3.0])
    assert model.test_on_batch(np.zeros(3), y) == pytest.approx(14 if reduction == "sum" else 14 / 3)
    assert model.test_on_batch(np.zeros(3), y, np.array([1, 0, 2])) == pytest.approx(
        19 if reduction == "sum" else 19 / 3
    )


@pytest.mark.parametrize(
    ("loss", "outputs", "activation", "y", "expected"),
    [
        ("sparse_categorical_crossentropy", 3, "softmax", [0, 1], metrics.SparseCategoricalAccuracy),
        ("categorical_crossentropy", 3, "softmax", np.eye(3)[:2], metrics.CategoricalAccuracy),
        ("binary_crossentropy", 1, "sigmoid", [0, 1], metrics.BinaryAccuracy),
        ("binary_crossentropy", 3, "sigmoid", [[0, 1, 1]] * 2, metrics.CategoricalAccuracy),
        ("mse", 1, None, [0.0, 1.0], metrics.BinaryAccuracy),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy_is_chosen_by_shapes(loss, outputs, activation, y, expected, name):
    model = new(outputs, activation)
    model.compile("sgd", loss, metrics=[name])
    model.test_on_batch(np.ones((2, 4)), np.asarray(y))
    assert [m.name for m in model.metrics] == ["loss", name]
    assert type(model.metrics[1]) is expected


def test_metrics_by_name_class_and_object():
    given = ["mae", metrics.MeanSquaredError, metrics.MeanSquaredError(name="mine"), losses.mean_absolute_error]
    model = line(metrics=given)
    result = model.test_on_batch(np.zeros(2), np.array([1.0, 3.0]), return_dict=True)
    assert result == {"loss": 5.0, "mae": 2.0, "mean_squared_error": 5.0, "mine": 5.0, "mean_absolute_error": 2.0}
    assert model.metrics[3] is given[2]
    assert model.metrics_names[0] == "loss"


@pytest.mark.parametrize("argument", ["metrics", "weighted_metrics"])
def test_metrics_are_held_together(argument):
    with pytest.raises(ValueError, match=rf"compile: {argument}='mae' is not a list, tuple or dict; write \['mae'\]"):
        line(**{argument: "mae"})


def test_weighted_metrics_come_last_and_use_weights():
    model = line(metrics=["mae"], weighted_metrics=[metrics.MeanAbsoluteError(name="weighted")])
    x, y, w = np.zeros(2), np.array([1.0, 3.0]), np.array([3.0, 1.0])
    assert model.test_on_batch(x, y, w) == [6.0, 2.0, 1.5]


def test_compiling_again_begins_anew():
    model = classifier()
    x, y = stripes(6)
    model.train_on_batch(x, y)
    old = model.optimizer
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert model.optimizer is not old and len(model.train_on_batch(x, y)) == 2
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert isinstance(model.train_on_batch(x, y), float)


def test_compile_before_the_model_is_built():
    model = Sequential([L.Dense(3, "tanh"), L.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    assert len(model.train_on_batch(np.ones((4, 5)), np.ones(4))) == 2


@pytest.mark.parametrize(
    "settings", [{"jit_compile": True}, {"jit_compile": False}, {"auto_scale_loss": False}, {"steps_per_execution": 1}]
)
def test_settings_for_graphs_mean_nothing_here(settings):
    assert line(**settings).test_on_batch(np.zeros(1), np.ones(1)) == 1.0


@pytest.mark.parametrize("settings", [{"run_eagerly": True}, {"steps_per_execution": 2}], ids=str)
def test_what_is_not_supported(settings):
    with pytest.raises(NotImplementedError, match=rf"Model 'm', compile: {next(iter(settings))}=.* is not supported"):
        new().compile("sgd", "mse", **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adm", "loss": "mse"}, "optimizer identifier: 'adm'. Did you mean 'adam'"),
        ({"optimizer": 3, "loss": "mse"}, "optimizer identifier: 3"),
        ({"loss": "mean_squard_error"}, "loss identifier: 'mean_squard_error'. Did you mean 'mean_squared_error'"),
        ({"loss": 3}, "loss identifier: 3"),
        ({"loss": ["mae", "mse"]}, "loss has 2 entries; expected 1"),
        ({"loss": "mse", "loss_weights": "1"}, "loss_weights has '1'"),
        ({"loss": "mse", "metrics": ["acuracy"]}, "metric identifier: 'acuracy'. Did you mean 'accuracy'"),
        ({"loss": "mse", "weighted_metrics": ["mea"]}, "metric identifier: 'mea'"),
    ],
    ids=str,
)
def test_unknown_names_are_found_at_once(settings, message):
    with pytest.raises(ValueError, match=message):
        new().compile(**settings)


@pytest.mark.parametrize("metric", [5, ["mea"]], ids=str)
def test_other_metrics_are_found_at_once(metric):
    with pytest.raises(ValueError, match="metric"):
        new().compile("sgd", "mse", metrics=[metric])


def test_a_loss_that_cannot_be_trained_does_not_keep_from_predicting():
    model = new()
    with pytest.raises(NotImplementedError):
        model.compile("sgd", losses.Loss("mine"))
    assert model.predict_on_batch(np.ones((2, 4))).shape == (2, 1)


def test_a_loss_of_numpy_functions_says_what_to_use():
    def mine(y_true, y_pred):
        return np.linalg.norm(y_true - y_pred, axis=-1)

    model = new()
    model.compile("sgd", mine)
    with pytest.raises(
        NotImplementedError, match=r"Loss 'mine' .*cannot be trained with.*fastconv.ops.*subclass of Loss with call"
    ):
        model.fit(np.ones((2, 4)), np.ones((2, 1)), verbose=0)


def test_a_loss_without_call_says_so():
    with pytest.raises(NotImplementedError, match=r"compile: loss 'mine'.*does not define call"):
        new().compile("sgd", losses.Loss("mine"))


def test_crossentropy_is_chosen_by_shapes():
    model = new(3, "softmax")
    model.compile("sgd", "crossentropy")
    assert model.test_on_batch(np.zeros((2, 4)), np.array([0, 2])) == pytest.approx(np.log(3))


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_before_compile(method):
    model = new()
    with pytest.raises(ValueError, match=r"Model 'm': You must call compile\(\) before using the model"):
        getattr(model, method)(np.ones((2, 4)), np.ones((2, 1)))
    model.compile("sgd")
    with pytest.raises(ValueError, match=rf"Model 'm': {method} needs a loss; compile\(\) got loss=None"):
        getattr(model, method)(np.ones((2, 4)), np.ones((2, 1)))
    assert model.predict(np.ones((2, 4)), verbose=0).shape == (2, 1)
    assert new().metrics == [] and new().metrics_names == []
