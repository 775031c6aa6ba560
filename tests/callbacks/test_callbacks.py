"""The callbacks, driven by hand; sequences and texts are those of Keras 3.15."""

import warnings

import numpy as np
import pytest

from fastconv import callbacks, metrics, optimizers
from fastconv.callbacks.callback import HOOKS, PHASE_HOOKS


class Model:
    """As much of a model as callbacks use: its weight is the number of the epoch."""

    def __init__(self, rate=1.0):
        self.stop_training = False
        self.optimizer = optimizers.SGD(rate)
        self.weights = None
        self.metrics = [metrics.BinaryAccuracy(name="accuracy"), metrics.MeanAbsoluteError(name="mae")]

    def get_weights(self):
        return [self.weights.copy()]

    def set_weights(self, weights):
        (self.weights,) = weights


def drive(callback, values, key="val_loss"):
    """Show a callback a series of epochs; return the model, and the state after each epoch."""
    model, states = Model(), []
    callback.set_model(model)
    callback.set_params({"verbose": 0, "epochs": len(values), "steps": 1})
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = np.array([float(epoch)])
        callback.on_epoch_begin(epoch)
        logs = {"loss": 1.0} if value is None else {key: value}
        callback.on_epoch_end(epoch, logs)
        states.append((logs, float(model.optimizer.learning_rate), dict(vars(callback))))
        if model.stop_training:
            break
    callback.on_train_end()
    return model, states


@pytest.mark.parametrize(
    ("settings", "values", "epochs", "stopped", "best", "weight"),
    [
        ({"patience": 2}, [1, 0.9, 0.95, 0.96, 0.1], 4, 3, 1, 3),
        ({"patience": 2, "restore_best_weights": True}, [1, 0.9, 0.95, 0.96, 0.1], 4, 3, 1, 1),
        ({"patience": 5, "restore_best_weights": True}, [1, 0.9, 0.95], 3, 0, 1, 1),
        ({"patience": 2, "restore_best_weights": True, "baseline": 0.5}, [1, 0.9, 0.8, 0.4], 4, 0, 3, 3),
        (
            {"patience": 2, "restore_best_weights": True, "baseline": 0.85},
            [1, 0.8, 0.9, 0.84, 0.81],
            4,
            3,
            1,
            1,
        ),
        ({"patience": 1, "start_from_epoch": 2}, [0.1, 0.2, 0.3, 0.25, 0.4, 0.5], 5, 4, 3, 4),
        ({"patience": 1, "min_delta": 0.1, "mode": "max"}, [0.1, 0.15, 0.3], 2, 1, 0, 1),
        ({"patience": 1, "min_delta": -0.1}, [1, 0.95, 0.3], 2, 1, 0, 1),
        ({}, [1, 0.9, 0.9, 0.96], 3, 2, 1, 2),
        ({}, [1], 1, 0, 0, 0),
        ({"patience": 2, "restore_best_weights": True}, [np.nan] * 4, 2, 1, 0, 0),
        ({"patience": 3}, [np.nan, 1.0, 2.0, 0.5, 0.7], 5, 0, 3, 4),
    ],
)
def test_early_stopping(settings, values, epochs, stopped, best, weight):
    callback = callbacks.EarlyStopping(**settings)
    model, states = drive(callback, values)
    assert (len(states), callback.stopped_epoch, callback.best_epoch) == (epochs, stopped, best)
    assert model.weights == weight
    assert model.stop_training == bool(stopped)


def test_early_stopping_can_be_used_again():
    callback = callbacks.EarlyStopping(patience=1)
    drive(callback, [1, 2])
    _, states = drive(callback, [5, 4, 3])
    assert len(states) == 3


def test_early_stopping_says_so(capsys):
    drive(callbacks.EarlyStopping(patience=2, verbose=1, restore_best_weights=True), [1, 0.9, 0.95, 0.96])
    text = "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("monitor", "better"),
    [
        ("val_accuracy", 2.0),
        ("accuracy", 2.0),
        ("val_mae", 0.5),
        ("loss", 0.5),
        ("val_loss", 0.5),
        ("a_loss", 0.5),
    ],
)
def test_the_direction_of_a_metric_is_known(monitor, better):
    callback = callbacks.EarlyStopping(monitor=monitor, patience=1)
    drive(callback, [1.0, better], key=monitor)
    assert callback.best == better


def test_the_direction_of_metrics_in_containers_is_known():
    class Container:
        name = "compile_metrics"
        metrics = Model().metrics

    callback = callbacks.EarlyStopping(monitor="val_accuracy")
    callback.set_model(type("M", (), {"metrics": [Container()]})())
    assert callback.improves(2.0, 1.0)


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="EarlyStopping: whether 'val_foo' should rise or fall is not known"):
        drive(callbacks.EarlyStopping(monitor="val_foo"), [1.0, 2.0], key="val_foo")


@pytest.mark.parametrize("cls", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau])
def test_a_missing_metric_is_named(cls):
    with pytest.warns(UserWarning, match=f"{cls.__name__}: its metric 'val_loss' is not available"):
        model, _ = drive(cls(), [1.0], key="loss")
    assert not model.stop_training
    with pytest.raises(ValueError, match="'val_los' should rise or fall is not known.*Did you mean 'loss'"):
        drive(cls(monitor="val_los"), [1.0])


def test_reduce_lr_on_plateau(capsys):
    callback = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, verbose=1, min_lr=0.2)
    _, states = drive(callback, [1] * 9)
    low = float(np.float32(0.2))
    assert [rate for _, rate, _ in states] == [1, 1, 0.5, 0.5, 0.25, 0.25, low, low, low]
    assert [logs["learning_rate"] for logs, *_ in states] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, low, low]
    assert [state["wait"] for *_, state in states] == [0, 1, 0, 1, 0, 1, 0, 1, 2]
    assert [state["cooldown_counter"] for *_, state in states] == [0, 0, 1, 0, 1, 0, 1, 0, 0]
    assert capsys.readouterr().out.startswith("\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.5.\n")


def test_reduce_lr_on_plateau_wants_a_real_change():
    _, states = drive(callbacks.ReduceLROnPlateau(factor=0.5, patience=1), [1, 0.99995, 0.9, 0.9, 0.9])
    assert [rate for _, rate, _ in states] == [1, 0.5, 0.5, 0.25, 0.125]


def test_reduce_lr_on_plateau_may_go_down_to_nothing():
    _, states = drive(callbacks.ReduceLROnPlateau(factor=0, patience=1), [1, 1, 1])
    assert [rate for _, rate, _ in states] == [1, 0, 0]
    with pytest.raises(ValueError, match="factor=1 is not at least 0 and less than 1"):
        callbacks.ReduceLROnPlateau(factor=1)


@pytest.mark.parametrize("schedule", [lambda epoch, rate: 1.0 / 2 ** (epoch + 1), lambda epoch: 1.0 / 2 ** (epoch + 1)])
def test_learning_rate_scheduler(schedule, capsys):
    _, states = drive(callbacks.LearningRateScheduler(schedule, verbose=1), [1, 1])
    assert [logs["learning_rate"] for logs, *_ in states] == [0.5, 0.25]
    assert capsys.readouterr().out.startswith("\nEpoch 1: LearningRateScheduler setting learning rate to 0.5.\n")


def test_a_schedule_that_does_not_tell_what_it_takes_gets_both():
    _, states = drive(callbacks.LearningRateScheduler(max), [1, 1, 1])  # of the epoch and the rate before
    assert [rate for _, rate, _ in states] == [1, 1, 2]


def test_errors_in_a_schedule_come_through():
    def broken(epoch, rate):
        return epoch + "x"

    with pytest.raises(TypeError, match="unsupported operand"):
        drive(callbacks.LearningRateScheduler(broken), [1])


def test_terminate_on_nan(capsys):
    callback, model = callbacks.TerminateOnNaN(), Model()
    callback.set_model(model)
    callback.on_train_batch_end(2, {"loss": 0.5})
    callback.on_train_batch_end(2, {})
    assert not model.stop_training
    callback.on_train_batch_end(3, {"loss": np.float32("inf")})
    assert model.stop_training
    assert capsys.readouterr().out == "Batch 3: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 3. Loss value: nan"):
        callbacks.TerminateOnNaN(raise_error=True).on_batch_end(3, {"loss": np.nan})


def test_history():
    history, model = callbacks.History(), Model()
    history.set_model(model)
    for start in (0, 2):
        history.on_train_begin()
        for epoch in range(start, start + 2):
            history.on_epoch_end(epoch, {"loss": float(epoch), **({"extra": 1.0} if epoch == 3 else {})})
    assert history.history == {"loss": [0.0, 1.0, 2.0, 3.0], "extra": [1.0]}
    assert history.epoch == [2, 3]
    assert model.history is history


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"

    def log(epochs, **settings):
        logger = callbacks.CSVLogger(path, **settings)
        logger.on_train_begin()
        for epoch, logs in enumerate(epochs):
            logger.on_epoch_end(epoch, logs)
        logger.on_train_end()
        return path.read_bytes().decode()

    first = log([{"b": 1, "a": np.float32(2)}, {"b": 1, "a": 0.1, "val_b": 3}, {"c": "x", "a": np.array([1, 2])}])
    assert first == 'epoch,a,b,val_a,val_b\r\n0,2.0,1,NA,NA\r\n1,0.1,1,NA,3\r\n2,"""[1, 2]""",NA,NA,NA\r\n'
    assert log([{"a": 5.0}], append=True, separator=";") == first + "0;5.0;NA\r\n"
    assert log([{"a": 5.0, "val_a": 1e-9}]) == "epoch,a,val_a\r\n0,5.0,1e-09\r\n"
    path.unlink()
    assert log([{"a": 1}], append=True) == "epoch,a,val_a\r\n0,1,NA\r\n"


def test_csv_logger_knows_no_validated_learning_rate(tmp_path):
    logger = callbacks.CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 1.0, "learning_rate": 0.5})
    logger.on_train_end()
    assert logger.keys == ["learning_rate", "loss", "val_loss"]


def test_lambda_callback():
    seen = []
    callback = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch), on_test_begin=lambda logs: seen.append("test")
    )
    callback.on_epoch_begin(0)
    callback.on_epoch_end(3, {})
    callback.on_test_begin({})
    assert seen == [3, "test"]
    listed = callbacks.CallbackList([callback])
    assert [hook for hook in HOOKS if listed.calls(hook)] == ["on_test_begin", "on_epoch_end"]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_reaches_every_callback(hook):
    seen = []
    record = {hook: lambda *args: seen.append(args)}
    listed = callbacks.CallbackList([callbacks.LambdaCallback(**record), [callbacks.LambdaCallback(**record)]])
    assert listed.calls(hook)
    args = () if hook in PHASE_HOOKS else (5,)
    getattr(listed, hook)(*args)
    getattr(listed, hook)(*args, {"loss": 1})
    getattr(listed, hook)(*args, logs={"loss": 2})
    assert seen == [(*args, {})] * 2 + [(*args, {"loss": 1})] * 2 + [(*args, {"loss": 2})] * 2
    getattr(callbacks.CallbackList([callbacks.Callback()]), hook)(*args)


def test_batch_hooks_under_their_old_names():
    seen = []

    class Old(callbacks.Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            seen.append(("end", batch))

    listed = callbacks.CallbackList([Old(), callbacks.History()])
    listed.on_train_batch_begin(1)
    listed.on_train_batch_end(1)
    listed.on_test_batch_end(1)
    assert seen == [("begin", 1), ("end", 1)]
    assert listed.calls("on_train_batch_end")
    assert not listed.calls("on_test_batch_end")


def test_the_list_passes_on_and_fills_up():
    model, own = Model(), callbacks.History()
    listed = callbacks.CallbackList([own], add_history=True, add_progbar=True, model=model, verbose=0, epochs=2)
    assert [type(c).__name__ for c in listed.callbacks] == ["History", "ProgbarLogger"]
    assert listed.history is own
    assert model.history is own
    assert all(c.model is model and c.params == {"verbose": 0, "epochs": 2} for c in listed.callbacks)
    assert callbacks.CallbackList().callbacks == []
    stopping = callbacks.EarlyStopping()
    assert callbacks.CallbackList(stopping).callbacks == [stopping]


def test_callbacks_act_in_order():
    """What a callback adds to the logs is seen by those after it, the history among them."""
    model = Model()
    listed = callbacks.CallbackList([callbacks.LearningRateScheduler(lambda epoch: 0.5)], add_history=True, model=model)
    listed.on_epoch_begin(0)
    listed.on_epoch_end(0, {"loss": 1.0})
    assert model.history.history == {"loss": [1.0], "learning_rate": [0.5]}


def test_logs_are_wanted_only_by_those_who_read_them():
    history, bar = callbacks.History(), callbacks.ProgbarLogger(FakeBar)
    listed = callbacks.CallbackList([history, bar], verbose=1, epochs=1, steps=3)
    listed.on_epoch_begin(0)
    assert listed.calls("on_train_batch_end")
    assert not listed.wants_logs("on_train_batch_end")
    bar.progbar.is_due = True
    assert listed.wants_logs("on_train_batch_end")
    bar.progbar.is_due = False
    listed.append(callbacks.TerminateOnNaN())
    assert listed.wants_logs("on_train_batch_end")
    assert not listed.wants_logs("on_test_batch_end")


class FakeBar:
    """Remembers its updates."""

    def __init__(self, target, **settings):
        self.target, self.settings, self.updates, self.is_due = target, settings, [], False

    def update(self, current, values=None, finalize=None):
        self.updates.append((current, dict(values), finalize))

    def due(self):
        return self.is_due


def logger(verbose=1, epochs=2, steps=2):
    made = callbacks.ProgbarLogger(FakeBar)
    made.set_params({"verbose": verbose, "epochs": epochs, "steps": steps})
    return made


def run_epoch(made, epoch=0):
    made.on_epoch_begin(epoch)
    for batch in range(2):
        made.on_train_batch_end(batch, {"loss": 1.0 - batch})
    made.on_test_begin()
    made.on_test_batch_end(0, {"loss": 9.0})
    made.on_test_end({"loss": 9.0})
    made.on_epoch_end(epoch, {"loss": 0.0, "val_loss": 9.0})


def test_the_bar_of_an_epoch(capsys):
    made = logger()
    made.on_train_begin()
    run_epoch(made)
    bar = made.progbar
    assert bar.settings == {"verbose": 1, "unit_name": "step", "stateless_metrics": ()}
    assert bar.updates == [
        (1, {"loss": 1.0}, False),
        (2, {"loss": 0.0}, False),
        (2, {"loss": 0.0, "val_loss": 9.0}, True),
    ]
    run_epoch(made, 1)
    assert made.progbar is not bar
    assert capsys.readouterr().out == "Epoch 1/2\nEpoch 2/2\n"
    made.on_train_end()
    made.on_test_begin()
    made.on_test_batch_end(0, {"loss": 9.0})
    assert made.progbar.updates == [(1, {"loss": 9.0}, False)]


def test_the_bar_of_verbose_2_and_0(capsys):
    made = logger(verbose=2, epochs=1)
    made.on_train_begin()
    run_epoch(made)
    assert made.progbar.updates == [(2, {"loss": 0.0, "val_loss": 9.0}, True)]
    made = logger(verbose=0)
    made.on_train_begin()
    run_epoch(made)
    assert made.progbar is None
    assert capsys.readouterr().out == ""


def test_the_bar_of_unknown_length():
    made = logger(verbose="auto", steps=None)
    made.on_predict_begin()
    for batch in range(3):
        made.on_predict_batch_end(batch, {"outputs": np.ones(2)})
    made.on_predict_end()
    assert made.progbar.updates == [(1, {}, False), (2, {}, False), (3, {}, False), (3, {}, True)]
    assert made.progbar.target == 3


def test_the_real_bar(capsys):
    made = callbacks.ProgbarLogger()
    made.set_params({"verbose": 2, "epochs": 1, "steps": 2})
    made.on_train_begin()
    run_epoch(made)
    out = capsys.readouterr().out
    assert out.startswith("2/2 - ")
    assert out.endswith("loss: 0.0000e+00 - val_loss: 9.0000\n")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: callbacks.EarlyStopping(mode="best"), "EarlyStopping: mode='best' is not one of"),
        (lambda: callbacks.EarlyStopping(patience=-1), "EarlyStopping: patience=-1 is negative"),
        (lambda: callbacks.ReduceLROnPlateau(factor=1.0), "ReduceLROnPlateau: factor=1.0 is not"),
        (
            lambda: callbacks.ReduceLROnPlateau(coldown=1),
            "not recognized: {'coldown': 1}. Did you mean 'cooldown'",
        ),
        (lambda: callbacks.LearningRateScheduler(3), "LearningRateScheduler: schedule=3 is not a function"),
        (lambda: drive(callbacks.LearningRateScheduler(lambda e: "x"), [1]), "the schedule returned 'x'"),
        (
            lambda: drive(callbacks.LearningRateScheduler(lambda e, r: None), [1]),
            "the schedule returned None",
        ),
        (
            lambda: callbacks.LambdaCallback(on_epoch_endd=print),
            "no hook 'on_epoch_endd'. Did you mean 'on_epoch_end'",
        ),
        (
            lambda: callbacks.LambdaCallback(on_epoch_end=1),
            "LambdaCallback: on_epoch_end=1 is not a function",
        ),
        (
            lambda: callbacks.CallbackList([callbacks.History]),
            r"History is a class; give an object: History\(\)",
        ),
        (lambda: callbacks.CallbackList([3]), "callbacks: 3 is not a Callback"),
        (lambda: callbacks.CallbackList().append(None), "callbacks: None is not a Callback"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_in_the_optimizer_is_not_overwritten():
    model = Model()
    model.optimizer = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    callback = callbacks.LearningRateScheduler(lambda epoch: 0.5)
    callback.set_model(model)
    with pytest.raises(TypeError, match="its learning_rate is a schedule"):
        callback.on_epoch_begin(0)


def test_no_warning_where_nothing_is_wrong():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drive(callbacks.EarlyStopping(), [1.0, 0.5])


def test_questions_that_keras_s_callbacks_answer():
    assert callbacks.EarlyStopping().get_monitor_value({"val_loss": 0.5}) == 0.5
    with pytest.warns(UserWarning, match="'val_loss' is not available"):
        assert callbacks.EarlyStopping().get_monitor_value({}) is None
    reducing = callbacks.ReduceLROnPlateau(cooldown=2)
    assert not reducing.in_cooldown()
    reducing.cooldown_counter = 1
    assert reducing.in_cooldown()
