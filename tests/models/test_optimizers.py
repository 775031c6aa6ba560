"""Models with each of the optimizers, and what of them only shows in a model."""

import numpy as np
import pytest

from fastconv import optimizers
from fastconv.utils import set_random_seed
from tests.models.data import classifier, stripes

RATES = {
    "SGD": 0.1,
    "Adam": 0.01,
    "AdamW": 0.01,
    "Adamax": 0.02,
    "Nadam": 0.01,
    "Adagrad": 0.1,
    "Adadelta": 5.0,
    "RMSprop": 0.01,
    "Lion": 0.003,
    "Ftrl": 0.05,
}


def weights_after(optimizer, epochs=2, **settings):
    """Return the weights and losses of a small network that was trained with an optimizer."""
    set_random_seed(3)
    model = classifier(optimizer)
    x, y = stripes(64)
    history = model.fit(x, y, epochs=epochs, batch_size=16, verbose=0, **settings)
    return [w.copy() for w in model.get_weights()], history.history["loss"]


@pytest.mark.parametrize("name", RATES)
def test_a_network_learns(name):
    _, losses = weights_after(getattr(optimizers, name)(RATES[name]), epochs=20)
    assert losses[-1] < 0.5 * losses[0]


def test_every_optimizer_is_here():
    assert set(RATES) == {n for n in optimizers.__all__ if n[0].isupper()} - {"Optimizer"}


@pytest.mark.parametrize("others", [{}, {"gradient_accumulation_steps": 2}, {"global_clipnorm": 0.1}], ids=str)
def test_scaling_the_loss_changes_nothing(others):
    plain, plain_losses = weights_after(optimizers.Adam(0.01, **others))
    scaled, scaled_losses = weights_after(optimizers.Adam(0.01, loss_scale_factor=1e6, **others))
    assert plain_losses == scaled_losses
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_array_equal(a, b)


def test_averages_are_the_weights_after_training():
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    averaged, _ = weights_after(optimizer)
    last, _ = weights_after(optimizers.SGD(0.1))
    averages = [v.numpy() for v in optimizer.variables if v.name.endswith("_average")]
    for a, b, c in zip(averages, averaged, last, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(b, c)


def test_a_schedule_counts_batches():
    optimizer = optimizers.SGD(optimizers.schedules.PiecewiseConstantDecay([3], [0.1, 0.0]))
    frozen_after_four, _ = weights_after(optimizer, epochs=1)
    for_longer = optimizers.SGD(optimizers.schedules.PiecewiseConstantDecay([3], [0.1, 0.0]))
    same, _ = weights_after(for_longer, epochs=3)
    assert int(optimizer.iterations), int(for_longer.iterations) == (4, 12)
    for a, b in zip(frozen_after_four, same, strict=True):
        np.testing.assert_array_equal(a, b)
