"""fit, evaluate and predict: which samples, in which order, with which weights, and what is reported."""

import numpy as np
import pytest

from fastconv import callbacks, losses, metrics, optimizers
from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.utils import set_random_seed
from tests.models.data import Log, Seen, classifier, frozen, line, stripes

TEN = np.arange(10.0)


def seen_by(method="fit", x=None, y=None, **settings):
    """Return the targets of each batch that a run over ten samples saw."""
    seen = Seen()
    model = line(metrics=[seen])
    getattr(model, method)(np.zeros(10) if x is None else x, TEN if y is None else y, verbose=0, **settings)
    return seen.targets


# ---- learning


def test_a_network_learns():
    set_random_seed(1)
    x, y = stripes(120)
    model = classifier(optimizers.Adam(0.01), metrics=["accuracy"])
    history = model.fit(x, y, epochs=12, batch_size=16, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0] / 3
    fresh_x, fresh_y = stripes(60, seed=1)
    loss, accuracy = model.evaluate(fresh_x, fresh_y, verbose=0)
    assert accuracy > 0.95 and loss < 0.5
    assert (model.predict(fresh_x, verbose=0).argmax(1) == fresh_y).mean() == pytest.approx(accuracy)


def test_a_line_is_found():
    set_random_seed(1)
    x = np.linspace(-1, 1, 64)
    model = line(optimizer=optimizers.SGD(0.2))
    model.fit(x, 3 * x - 2, epochs=60, batch_size=8, verbose=0)
    assert [v.item() for v in model.get_weights()] == pytest.approx([3, -2], abs=1e-3)


# ---- which samples, in which order


def test_batches_in_order_and_the_last_partial_one():
    assert seen_by(batch_size=4, shuffle=False) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert seen_by(batch_size=100, shuffle=False) == [TEN.tolist()]
    assert seen_by(batch_size=1, shuffle=False) == [[n] for n in TEN]
    assert seen_by("evaluate", batch_size=4) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_the_default_batch_is_32():
    seen = Seen()
    model = line(metrics=[seen])
    model.fit(np.zeros(70), np.zeros(70), verbose=0)
    model.evaluate(np.zeros(33), np.zeros(33), verbose=0)
    assert [len(batch) for batch in seen.targets] == [32, 32, 6, 32, 1]
    log = Log()
    model.predict(np.zeros(65), verbose=0, callbacks=[log])
    assert [len(logs["outputs"]) for logs in log.logs_of("on_predict_batch_end")] == [32, 32, 1]


def test_shuffling_anew_at_each_epoch():
    set_random_seed(5)
    seen = seen_by(batch_size=10, epochs=3)
    assert all(sorted(batch) == TEN.tolist() for batch in seen)
    assert len({tuple(batch) for batch in (*seen, TEN)}) == 4
    set_random_seed(5)
    assert seen_by(batch_size=10, epochs=3) == seen


def test_x_y_and_weights_are_shuffled_together(rng):
    seen = Seen()
    model = line(weighted_metrics=[seen])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    model.fit(TEN, TEN, batch_size=3, sample_weight=TEN / 2, verbose=0)
    for y, predictions, weights in seen.batches:
        np.testing.assert_allclose(predictions.ravel(), y)
        np.testing.assert_allclose(weights, np.array(y) / 2)


@pytest.mark.parametrize(("share", "kept"), [(0.25, 7), (0.33, 6), (0.5, 5), (0.1, 9), (0.99, None)])
def test_validation_split_takes_the_last_samples(share, kept):
    if kept is None:
        with pytest.raises(ValueError, match=r"validation_split=0.99 of 10 samples leaves no sample"):
            seen_by(validation_split=share)
        return
    train, *validation = seen_by(batch_size=100, validation_split=share)
    assert sorted(train) == TEN[:kept].tolist()
    assert [y for batch in validation for y in batch] == TEN[kept:].tolist()


def test_validation_split_splits_weights_too():
    model = line()
    logs = model.fit(np.zeros(10), np.ones(10), validation_split=0.2, sample_weight=TEN, verbose=0).history
    assert logs == {"loss": [pytest.approx(TEN[:8].mean())], "val_loss": [pytest.approx(8.5)]}


def test_validation_data_comes_before_a_split():
    *_, last = seen_by(validation_split=0.5, validation_data=(np.zeros(2), np.array([70.0, 80.0])), shuffle=False)
    assert last == [70, 80]
    assert seen_by(validation_split=0.5, validation_data=(np.zeros(1), np.zeros(1)))[0] != TEN[:5].tolist()


def test_validation_has_a_batch_size_of_its_own():
    seen = seen_by(batch_size=10, validation_data=(np.zeros(5), TEN[:5]), validation_batch_size=2, shuffle=False)
    assert [len(batch) for batch in seen] == [10, 2, 2, 1]
    seen = seen_by(batch_size=3, validation_data=(np.zeros(5), TEN[:5]), shuffle=False)
    assert [len(batch) for batch in seen] == [3, 3, 3, 1, 3, 2]


def test_validation_is_not_shuffled_and_may_stop_early():
    seen = seen_by(batch_size=10, validation_data=(np.zeros(10), TEN), validation_batch_size=4, validation_steps=2)
    assert seen[1:] == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize(
    ("frequency", "epochs"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), (3, [2]), ([1, 4], [0, 3]), ({5}, [4])]
)
def test_validation_frequency(frequency, epochs):
    log = Log()
    model = line()
    x = np.zeros(4)
    model.fit(x, x, epochs=5, validation_data=(x, x), validation_freq=frequency, callbacks=[log], verbose=0)
    assert [i for i, logs in enumerate(log.logs_of("on_epoch_end")) if "val_loss" in logs] == epochs


def test_steps_per_epoch():
    seen = seen_by(batch_size=2, steps_per_epoch=3, shuffle=False)
    assert seen == [[0, 1], [2, 3], [4, 5]]
    assert seen_by("evaluate", batch_size=2, steps=2) == [[0, 1], [2, 3]]
    model = line()
    assert model.predict(np.zeros(10), batch_size=4, steps=2, verbose=0).shape == (8, 1)


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
def test_epochs_of_some_steps_go_on_where_the_last_one_stopped():
    # As in Keras: an epoch never sees a sample twice, so the third one has a single batch.
    pairs = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert seen_by(batch_size=2, steps_per_epoch=2, epochs=2, shuffle=False) == pairs[:4]
    assert seen_by(batch_size=2, steps_per_epoch=2, epochs=4, shuffle=False) == [*pairs, *pairs[:2]]


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
def test_no_pass_sees_a_sample_twice():
    pairs = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert seen_by(batch_size=2, steps_per_epoch=7, epochs=2, shuffle=False) == [*pairs, *pairs]
    assert seen_by("evaluate", batch_size=2, steps=7) == pairs
    assert line().predict(TEN, batch_size=4, steps=9, verbose=0).shape == (10, 1)


def test_each_validation_of_some_steps_sees_the_same_samples():
    seen = seen_by(
        batch_size=10, epochs=3, validation_data=(TEN, TEN), validation_batch_size=2, validation_steps=2, shuffle=False
    )
    assert seen == [TEN.tolist(), [0, 1], [2, 3]] * 3


# ---- weights


def test_the_loss_of_an_epoch_is_weighted_by_samples():
    y = np.array([0.0] * 8 + [10.0, 10.0])
    model = line()
    history = model.fit(np.zeros(10), y, batch_size=8, shuffle=False, validation_data=(np.zeros(10), y), verbose=0)
    assert history.history == {"loss": [20.0], "val_loss": [20.0]}
    assert model.evaluate(np.zeros(10), y, batch_size=8, verbose=0) == 20.0


def test_sample_weights():
    model = line(metrics=["mae"], weighted_metrics=[metrics.MeanAbsoluteError(name="weighted")])
    logs = model.fit(np.zeros(2), np.ones(2), sample_weight=[0, 3], verbose=0).history
    assert logs == {"loss": [1.5], "mae": [1.0], "weighted": [1.0]}
    y, w = np.array([1.0, 2.0, 4.0]), np.array([[1.0], [0.0], [3.0]])
    assert model.evaluate(np.zeros(3), y, sample_weight=w, verbose=0) == [
        pytest.approx(49 / 3),
        pytest.approx(7 / 3),
        3.25,
    ]
    *_, logs = (model.fit(np.zeros(3), y, validation_data=(np.zeros(3), y, w), verbose=0).history,)
    assert logs["val_loss"] == [pytest.approx(49 / 3)] and logs["loss"] == [pytest.approx(7)]


def test_class_weights_in_the_loss_and_not_in_validation():
    y = np.repeat([0, 1, 2], [4, 3, 3])
    model = Sequential([L.Input((2,)), L.Dense(3, "softmax", kernel_initializer="zeros")])
    model.compile(frozen(), "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["acc"])
    x = np.ones((10, 2))
    logs = model.fit(x, y, class_weight={0: 1, 1: 5, 2: 0}, validation_data=(x, y), batch_size=4, verbose=0).history
    plain = np.log(3)
    assert logs["loss"][0] == pytest.approx(1.9 * plain, rel=1e-6)
    assert logs["val_loss"][0] == pytest.approx(plain, rel=1e-6)
    assert logs["accuracy"] == [pytest.approx(0.4)] and logs["acc"] == [pytest.approx(4 / 19)]


# ---- history


def test_history():
    model = line(metrics=["mae", "mse"])
    history = model.fit(np.zeros(4), np.ones(4), epochs=3, verbose=0)
    assert isinstance(history, callbacks.History) and model.history is history
    assert list(history.history) == ["loss", "mae", "mse"]
    assert all(len(values) == 3 and all(type(v) is float for v in values) for values in history.history.values())
    assert history.epoch == [0, 1, 2]


def test_names_in_the_history_are_sorted():
    model = line(metrics=["mae", "accuracy"])
    history = model.fit(np.zeros(4), np.ones(4), validation_split=0.5, verbose=0)
    assert list(history.history) == ["accuracy", "loss", "mae", "val_accuracy", "val_loss", "val_mae"]


def test_names_in_the_history_are_those_given_to_compile():
    model = line(metrics=["acc", "MSE"])
    assert sorted(model.fit(np.zeros(4), np.ones(4), verbose=0).history) == ["MSE", "acc", "loss"]


def test_metrics_begin_anew_at_each_epoch():
    model = line(optimizer=optimizers.SGD(0.1), metrics=["mae"])
    logs = model.fit(np.zeros(4), np.ones(4), epochs=2, batch_size=4, verbose=0).history
    assert logs["mae"][0] == 1.0 and logs["mae"][1] == pytest.approx(0.8)
    assert model.evaluate(np.zeros(4), np.ones(4), verbose=0)[1] == pytest.approx(0.64)


def test_initial_epoch_and_numbers_of_epochs():
    model = line()
    x = np.zeros(4)
    assert model.fit(x, x, initial_epoch=2, epochs=5, verbose=0).epoch == [2, 3, 4]
    assert model.fit(x, x, epochs=0, verbose=0).history == {}
    assert model.fit(x, x, initial_epoch=3, epochs=3, verbose=0).epoch == []


# ---- callbacks and stopping


def test_the_order_of_calls():
    log = Log()
    model = line()
    x = np.zeros(3)
    model.fit(x, x, batch_size=2, validation_data=(x, x), callbacks=[log], verbose=0)
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    test = ["on_test_begin", *["on_test_batch_begin", "on_test_batch_end"] * 2, "on_test_end"]
    assert log.names == ["on_train_begin", "on_epoch_begin", *batch * 2, *test, "on_epoch_end", "on_train_end"]
    assert log.model is model and log.params == {"verbose": 0, "epochs": 1, "steps": 2}
    log.calls.clear()
    model.predict(x, batch_size=2, callbacks=[log], verbose=0)
    predict = ["on_predict_batch_begin", "on_predict_batch_end"]
    assert log.names == ["on_predict_begin", *predict * 2, "on_predict_end"]


def test_logs():
    log = Log()
    model = line(metrics=["mae"])
    model.fit(np.zeros(4), np.array([1.0, 1, 3, 3]), batch_size=2, shuffle=False, callbacks=[log], verbose=0)
    assert log.logs_of("on_train_batch_end") == [{"loss": 1.0, "mae": 1.0}, {"loss": 5.0, "mae": 2.0}]
    assert log.logs_of("on_epoch_end") == log.logs_of("on_train_end") == [{"loss": 5.0, "mae": 2.0}]
    assert log.logs_of("on_epoch_begin") == [{}]


class StopAt(callbacks.Callback):
    """Stops training at a moment."""

    def __init__(self, hook, at):
        super().__init__()
        self.count = 0

        def stop(index, logs=None):
            self.count += 1
            if index == at:
                self.model.stop_training = True

        setattr(self, hook, stop)


@pytest.mark.parametrize(
    ("hook", "at", "batches", "epochs"),
    [
        ("on_epoch_end", 1, 6, 2),
        ("on_train_batch_end", 1, 2, 1),
        ("on_train_batch_begin", 0, 1, 1),
        ("on_epoch_begin", 1, 4, 2),
    ],
)
def test_stop_training(hook, at, batches, epochs):
    log = Log()
    model = line()
    x = np.zeros(6)
    history = model.fit(x, x, batch_size=2, epochs=5, callbacks=[StopAt(hook, at), log], verbose=0)
    assert log.names.count("on_train_batch_end") == batches
    assert len(history.epoch) == log.names.count("on_epoch_end") == epochs
    assert log.names[-1] == "on_train_end"
    assert len(model.fit(x, x, epochs=2, verbose=0).epoch) == 2, "it is forgotten the next time"


def test_early_stopping_in_a_loop():
    model = line(optimizer=optimizers.SGD(0.5))
    x = np.zeros(4)
    stop = callbacks.EarlyStopping(monitor="loss", patience=2, restore_best_weights=True)
    history = model.fit(x, x, epochs=50, callbacks=[stop], verbose=0)
    assert len(history.epoch) == 3


def test_a_callback_may_predict_and_change_weights():
    x, y = stripes(9)

    class Meddle(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.predict(x, verbose=0)
            self.model.evaluate(x, y, verbose=0)
            self.model.set_weights([w * 0.5 for w in self.model.get_weights()])

    model = classifier()
    model.fit(x, y, batch_size=3, callbacks=[Meddle()], verbose=0)
    fresh = classifier()
    fresh.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(x, verbose=0), fresh.predict(x, verbose=0))


def test_learning_rates_may_change_on_the_way():
    model = line(optimizer=optimizers.SGD(1.0))
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: [0.25, 0.0][epoch])
    logs = model.fit(np.zeros(2), np.ones(2), epochs=2, callbacks=[schedule], verbose=0).history
    assert logs["learning_rate"] == [0.25, 0.0] and logs["loss"] == [1.0, 0.25]
    assert model.get_weights()[1].item() == 0.5


def test_running_averages_of_weights_come_in_at_the_end():
    model = line(optimizer=optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5))
    model.fit(np.zeros(2), np.ones(2), epochs=2, verbose=0)  # b: 0 -> 2 -> 0; average 2 -> 1
    assert model.get_weights()[1].item() == 1.0
    assert model.predict(np.zeros(1), verbose=0).item() == 1.0


def test_running_averages_are_what_predictions_use_after_a_validation(rng):
    model = Sequential([L.Input((3,)), L.Dense(20)])
    model.compile(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    x, y = rng.standard_normal((8, 3)).astype(np.float32), rng.standard_normal((8, 20))
    model.fit(x, y, epochs=3, validation_data=(x, y), verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(x, verbose=0), x @ kernel + bias, rtol=1e-4, atol=1e-5)


# ---- what is printed


def test_verbose(capsys):
    model = line(metrics=["mae"])
    x, y = np.zeros(4), np.ones(4)
    model.fit(x, y, epochs=2, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(x, y, epochs=2, batch_size=2, verbose=2)
    first, line_one, second, _ = capsys.readouterr().out.splitlines()
    assert (first, second) == ("Epoch 1/2", "Epoch 2/2")
    assert line_one.startswith("2/2 - 0s - ") and line_one.endswith("/step - loss: 1.0000 - mae: 1.0000")
    model.evaluate(x, y, verbose=2)
    assert "1/1 - 0s" in (out := capsys.readouterr().out) and "loss: 1.0000 - mae: 1.0000" in out
    model.predict(x, verbose=2)
    assert capsys.readouterr().out.startswith("1/1 - 0s")
    for verbose in (1, "auto"):
        model.fit(x, y, verbose=verbose)
        assert "━━━━" in capsys.readouterr().out


# ---- evaluate and predict


def test_what_evaluate_returns():
    x, y = np.zeros(4), np.ones(4)
    assert line().evaluate(x, y, verbose=0) == 1.0
    model = line(metrics=["mae", "mse"])
    assert model.evaluate(x, y, verbose=0) == [1.0, 1.0, 1.0]
    assert model.evaluate(x, y, verbose=0, return_dict=True) == {"loss": 1.0, "mae": 1.0, "mse": 1.0}
    with pytest.raises(ValueError, match=r"evaluate: unknown arguments \['epochs'\]"):
        model.evaluate(x, y, epochs=3)


@pytest.mark.parametrize("batch_size", [1, 3, 32, 100])
def test_evaluating_and_predicting_do_not_depend_on_batches(batch_size):
    model = classifier(metrics=["accuracy"])
    x, y = stripes(41)
    whole = model.predict_on_batch(x)
    np.testing.assert_array_equal(model.predict(x, batch_size=batch_size, verbose=0), whole)
    expected = float(losses.SparseCategoricalCrossentropy()(y, whole))
    loss, accuracy = model.evaluate(x, y, batch_size=batch_size, verbose=0)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert accuracy == pytest.approx((whole.argmax(1) == y).mean())


def test_predictions_are_the_callers_own():
    model = classifier()
    x, _ = stripes(5)
    first = model.predict(x, verbose=0)
    first[...] = 7
    assert (model.predict(x, verbose=0) != 7).all()


# ---- repeating


def run_once(seed, threads=None):
    set_random_seed(seed)
    x, y = stripes(40)
    model = Sequential(
        [L.Input((8, 8, 1)), L.Conv2D(4, 3, activation="relu"), L.Dropout(0.3), L.Flatten(), L.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, batch_size=7, validation_split=0.2, verbose=0)
    return history.history, [w.tobytes() for w in model.get_weights()]


def test_a_seed_makes_a_run_repeatable(set_num_threads):
    first = run_once(7)
    assert run_once(7) == first
    assert run_once(8)[1] != first[1]
    set_num_threads(3)
    assert run_once(7) == first


# ---- freezing


@pytest.mark.parametrize("frozen_layers", [(0,), (3,), (0, 3)], ids=str)
def test_frozen_layers_stay(frozen_layers):
    x, y = stripes(12)
    model = classifier()
    for i in frozen_layers:
        model.layers[i].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(x, y, epochs=2, verbose=0)
    for i, (a, b) in enumerate(zip(model.get_weights(), before, strict=True)):
        assert (a == b).all() == ((0, 3)[i // 2] in frozen_layers)


def test_freezing_after_compile_works_at_once():
    x, y = stripes(12)
    model = classifier()
    model.fit(x, y, verbose=0)
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    changed = [bool((a != b).any()) for a, b in zip(model.get_weights(), before, strict=True)]
    assert changed == [False, False, True, True]


def test_unfreezing_after_compile_works_at_once():
    x, y = np.arange(5.0), np.ones(5)
    model = line(optimizer=optimizers.SGD(0.01))
    model.train_on_batch(x[:2], y[:2])
    model.layers[0].trainable = False
    model.train_on_batch(x, y)
    model.layers[0].trainable = True
    twin = line(optimizer=optimizers.SGD(0.01))
    twin.set_weights(model.get_weights())
    model.train_on_batch(x, y)
    twin.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([L.Input((1,)), L.Dense(2, trainable=False), L.Dense(1, trainable=False)]),
        lambda: Sequential([L.Dense(2), L.Dense(1)], trainable=False),
    ],
    ids=["argument", "unbuilt"],
)
def test_layers_frozen_before_they_are_built_stay(make):
    model = make()
    model.build((None, 1))
    model.compile(optimizers.SGD(0.1), "mse")
    before = model.get_weights()
    model.train_on_batch(np.ones(3), np.ones(3))
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_everything_frozen():
    model = line(optimizer=optimizers.SGD(0.1))
    model.trainable = False
    assert model.train_on_batch(np.zeros(2), np.ones(2)) == 1.0
    assert [v.item() for v in model.get_weights()] == [0.0, 0.0]


# ---- ended by a callback


class _Stop(callbacks.Callback):
    """Ends evaluations and predictions with their second batch."""

    def on_test_batch_end(self, batch, logs=None):
        self.model.stop_evaluating = batch == 1

    def on_predict_batch_end(self, batch, logs=None):
        self.model.stop_predicting = batch == 1


@pytest.mark.parametrize("batches", [False, True], ids=["arrays", "endless"])
def test_a_callback_ends_evaluations_and_predictions(batches):
    model, x, y = line(), np.arange(8.0), np.zeros(8)

    def endless():
        while True:
            yield x[:2], y[:2]

    data = (endless(),) if batches else (x, y)
    size = {} if batches else {"batch_size": 2}
    model.evaluate(*data, verbose=0, callbacks=[_Stop()], **size)
    assert model._loss_tracker.count.numpy() == 4
    assert model.predict(data[0], verbose=0, callbacks=[_Stop()], **size).shape == (4, 1)
