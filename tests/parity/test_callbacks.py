"""Callbacks against Keras: the same series of epochs, the same decisions and texts."""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import callbacks, optimizers

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]


class Model:
    """As much of a model as callbacks of either library use."""

    built = True
    stop_training = False
    weights = 0

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        (self.weights,) = weights


def decisions(callback, optimizer, values):
    """Return the model's state and the logs after each epoch, and at the end."""
    model, out = Model(optimizer), []
    callback.set_model(model)
    callback.set_params({"verbose": 1, "epochs": len(values), "steps": 1})
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        logs = {"val_loss": float(value)}
        callback.on_epoch_end(epoch, logs)
        out.append((model.stop_training, float(optimizer.learning_rate), logs))
        if model.stop_training:
            break
    callback.on_train_end()
    return out, model.weights


SERIES = [
    [1, 0.9, 0.95, 0.96, 0.1],
    [1, 1, 1, 1, 1, 1, 1, 1, 1],
    [3, 2.5, 2.6, 2.2, 2.3, 2.25, 2.1, 2.15, 2.15, 2.15, 2.0],
    list(np.random.default_rng(0).random(15)),
    list(np.random.default_rng(1).random(15)),
]


@pytest.mark.parametrize("values", SERIES)
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("EarlyStopping", {"patience": 0}),
        ("EarlyStopping", {"patience": 2, "verbose": 1}),
        ("EarlyStopping", {"patience": 2, "restore_best_weights": True, "verbose": 1}),
        ("EarlyStopping", {"patience": 2, "baseline": 0.5, "restore_best_weights": True}),
        ("EarlyStopping", {"patience": 3, "min_delta": 0.2, "start_from_epoch": 2}),
        ("EarlyStopping", {"patience": 1, "mode": "max"}),
        ("ReduceLROnPlateau", {"patience": 1, "verbose": 1}),
        ("ReduceLROnPlateau", {"patience": 2, "factor": 0.5, "cooldown": 2, "min_lr": 0.2, "verbose": 1}),
        ("ReduceLROnPlateau", {"patience": 2, "mode": "max", "min_delta": 0.3}),
    ],
)
def test_decisions(name, settings, values, capsys):
    ours = decisions(getattr(callbacks, name)(**settings), optimizers.SGD(1.0), values)
    our_text = capsys.readouterr().out
    theirs = decisions(getattr(keras.callbacks, name)(**settings), keras.optimizers.SGD(1.0), values)
    their_text = capsys.readouterr().out
    assert ours == theirs
    if name == "EarlyStopping":
        assert our_text == their_text
    else:  # the numbers differ in digits that float32 does not have
        assert [line.split(" to ")[0] for line in our_text.splitlines()] == [
            line.split(" to ")[0] for line in their_text.splitlines()
        ]


@pytest.mark.parametrize("schedule", [lambda epoch, rate: rate * 0.5, lambda epoch: 0.1 / (epoch + 1)])
def test_scheduled_learning_rates(schedule):
    ours = decisions(callbacks.LearningRateScheduler(schedule), optimizers.SGD(1.0), SERIES[0])
    theirs = decisions(keras.callbacks.LearningRateScheduler(schedule), keras.optimizers.SGD(1.0), SERIES[0])
    assert ours == theirs


EPOCHS = [
    [{"b": 1, "a": 2.5}, {"b": 1, "a": 2.5, "val_b": 3.0}],
    [{"loss": 0.1, "val_loss": 1e-9}, {"loss": 0.2}],
]


@pytest.mark.parametrize("epochs", EPOCHS)
def test_csv(tmp_path, epochs):
    written = []
    for module in (callbacks, keras.callbacks):
        path = tmp_path / "log.csv"
        for settings in ({}, {"append": True, "separator": ";"}):
            callback = module.CSVLogger(str(path), **settings)
            callback.set_model(Model(None))
            callback.on_train_begin()
            for epoch, logs in enumerate(epochs):
                callback.on_epoch_end(epoch, logs)
            callback.on_train_end()
        written.append(path.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("name", [name for name in callbacks.__all__ if name not in {"ProgbarLogger"}])
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (callbacks, keras.callbacks))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
