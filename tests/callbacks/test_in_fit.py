"""Callbacks that work together with training: NaN, running averages; those that are not there."""

import numpy as np
import pytest

from fastconv import Input, Sequential, callbacks, layers, optimizers
from tests.models.data import line


def overflowing():
    """Return a model whose second layer overflows, and its weights."""
    model = Sequential([Input((2,)), layers.Dense(2, name="one"), layers.Dense(1, name="two"), layers.Dense(1)])
    model.set_weights(
        [np.full(w.shape, 3e38 if i == 2 else 1.0) * (-1) ** i for i, w in enumerate(model.get_weights())]
    )
    model.layers[1].kernel.assign([[3e38], [3e38]])
    model.compile("sgd", "mse")
    return model, model.get_weights()


def test_training_ends_and_the_layer_is_named(capsys):
    model, before = overflowing()
    history = model.fit(np.full((4, 2), 9.0), np.ones(4), 2, 3, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert history.epoch == [0] and not np.isfinite(history.history["loss"][0])
    out = capsys.readouterr().out
    assert out.startswith("Batch 0: Invalid loss, terminating training; the first NaN or infinity is ")
    assert "layer 'two'" in out
    assert [w.tolist() for w in model.get_weights()] == [w.tolist() for w in before]


def test_an_error_that_names_the_layer():
    model, _ = overflowing()
    with pytest.raises(RuntimeError, match="Inf loss encountered at batch 0.*layer 'two'"):
        model.fit(np.full((4, 2), 9.0), np.ones(4), verbose=0, callbacks=[callbacks.TerminateOnNaN(True)])


def test_infinite_losses_too(capsys):
    line().fit(np.zeros(2), np.full(2, 3e38), verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert "Batch 0: Invalid loss" in capsys.readouterr().out


def test_a_later_fit_is_not_disturbed(capsys):
    model = line(optimizer=optimizers.SGD(0.1))
    model.fit(np.zeros(2), np.full(2, np.nan), verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    capsys.readouterr()
    history = model.fit(np.zeros(2), np.ones(2), epochs=3, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert capsys.readouterr().out == "" and len(history.epoch) == 3
    with pytest.raises(FloatingPointError):
        model.fit(np.zeros(2), np.full(2, np.nan), verbose=0)


class Weights(callbacks.Callback):
    """Remembers the weight that it sees."""

    def __init__(self):
        super().__init__()
        self.seen = {"test": [], "epoch": []}

    def on_test_batch_end(self, batch, logs=None):
        self.seen["test"].append(self.model.get_weights()[1].item())

    def on_epoch_end(self, epoch, logs=None):
        self.seen["epoch"].append(self.model.get_weights()[1].item())


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_averages_in_evaluations(swap_on_epoch):
    model = line(optimizer=optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5))
    plain = line(optimizer=optimizers.SGD(0.25))
    x, y = np.zeros(2), np.ones(2)
    weights, averages = [], []
    for _ in range(3):
        plain.train_on_batch(x, y)
        weights.append(plain.get_weights()[1].item())
        averages.append(weights[-1] if not averages else (averages[-1] + weights[-1]) / 2)
    watch = Weights()
    swap = callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch)
    model.fit(x, y, epochs=3, validation_data=(x, y), callbacks=[swap, watch], verbose=0)
    assert watch.seen["test"] == pytest.approx(averages)
    assert watch.seen["epoch"] == pytest.approx(averages if swap_on_epoch else weights)
    assert model.get_weights()[1].item() == pytest.approx(averages[-1])


def test_averages_have_to_be_kept():
    with pytest.raises(ValueError, match="SwapEMAWeights must be used when `use_ema=True`.*use_ema=False"):
        line().fit(np.zeros(2), np.ones(2), validation_split=0.5, callbacks=[callbacks.SwapEMAWeights()], verbose=0)
    fresh = line(optimizer=optimizers.SGD(use_ema=True))
    with pytest.raises(ValueError, match="no averages before the first step"):
        fresh.evaluate(np.zeros(2), np.ones(2), callbacks=[callbacks.SwapEMAWeights()], verbose=0)


@pytest.mark.parametrize("name", ["TensorBoard", "RemoteMonitor", "OrbaxCheckpoint"])
def test_callbacks_that_are_not_there(name):
    with pytest.raises(NotImplementedError, match=f"callbacks.{name} is not supported"):
        getattr(callbacks, name)("logs")
