"""Dropout: when it acts, how much it drops, and that its draws can be repeated."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.ops import reference
from fastconv.ops.primitives import Dropout
from fastconv.utils import set_random_seed

MANY = 200_000


def drop(rate, count=MANY, dtype="float32", **settings):
    """Return ones behind a dropout layer in training."""
    return L.Dropout(rate, dtype=dtype, **settings)(np.ones((1, count), dtype), training=True)[0]


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.25, 0.5, 0.9, 0.999])
def test_share_and_mean(rate, variant):
    y = drop(rate, seed=5)
    dropped = np.count_nonzero(y == 0)
    five_sigma = 5 * np.sqrt(MANY * rate * (1 - rate))
    assert abs(dropped - MANY * rate) < five_sigma
    kept = np.unique(y[y != 0])
    assert kept.tolist() == [np.float32(1 / (1 - rate))]
    assert abs(y.mean(dtype=float) - 1) < five_sigma / MANY / (1 - rate)


def test_neighbours_do_not_know_each_other():
    kept = drop(0.5, seed=1) != 0
    for distance in (1, 2, 7, 8, 64, 1000):
        both = np.mean(kept[distance:] & kept[:-distance])
        assert abs(both - 0.25) < 0.006, f"neighbours {distance} apart"


def test_rate_zero_and_one():
    np.testing.assert_array_equal(drop(0), np.ones(MANY))
    np.testing.assert_array_equal(drop(1), np.zeros(MANY))
    x = np.array([[np.inf, np.nan, 1.0]])
    np.testing.assert_array_equal(L.Dropout(0)(x, training=True), x.astype(np.float32))


def test_it_acts_in_training_only():
    layer, x = L.Dropout(0.5), np.ones((3, 5))
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    model = Sequential([L.Input((MANY,)), layer])
    x = np.ones((1, MANY))
    np.testing.assert_array_equal(model.predict_on_batch(x), x)
    np.testing.assert_array_equal(model(x), x)
    assert (model(x, training=True) == 0).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_seed_same_mask(dtype):
    np.testing.assert_array_equal(drop(0.5, seed=3, dtype=dtype), drop(0.5, seed=3, dtype=dtype))
    assert (drop(0.5, seed=3) != drop(0.5, seed=4)).any()
    set_random_seed(11)
    one, two = drop(0.5), drop(0.5)
    set_random_seed(11)
    np.testing.assert_array_equal(drop(0.5), one)
    assert (one != two).any()


def test_a_layer_with_a_seed_goes_its_own_way():
    layer = L.Dropout(0.5, seed=3)
    x = np.ones((1, 1000))
    one, two = layer(x, training=True), layer(x, training=True)
    assert (one != two).any()
    set_random_seed(0)  # means nothing to it
    twin = L.Dropout.from_config(layer.get_config())
    np.testing.assert_array_equal(twin(x, training=True), one)
    np.testing.assert_array_equal(twin(x, training=True), two)


def test_both_types_drop_the_same_places():
    np.testing.assert_array_equal(drop(0.3, seed=9) == 0, drop(0.3, seed=9, dtype="float64") == 0)


def test_all_variants_drop_the_same_places(variant):
    places = np.flatnonzero(drop(0.02, count=600, seed=9) == 0).tolist()
    assert places == np.flatnonzero(drop(0.02, count=600, seed=9, dtype="float64") == 0).tolist()


def test_same_bits_for_any_number_of_threads(variant, set_num_threads):
    set_num_threads(1)
    alone = drop(0.37, count=100_003, seed=6).tobytes()
    for threads in (2, 3, 5):
        set_num_threads(threads)
        assert drop(0.37, count=100_003, seed=6).tobytes() == alone


def test_gradients_go_where_values_went(variant, rng):
    x, dy = (rng.standard_normal((40, 50)).astype(np.float32) for _ in range(2))
    y, backprop = Dropout(0.25, draw=lambda: 12345)(x)
    mask = y != 0
    np.testing.assert_allclose(y, reference.dropout(x, mask, 0.25), rtol=1e-6)
    np.testing.assert_allclose(backprop(dy)[0], reference.dropout_backward(dy, mask, 0.25), rtol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1.1, "0.5", True, None, float("nan")])
def test_rates_that_cannot_be(rate):
    with pytest.raises(ValueError, match=r"Layer 'd' \(Dropout\): rate=.* is not a number from 0 to 1"):
        L.Dropout(rate, name="d")


def test_noise_shape_is_not_supported():
    with pytest.raises(NotImplementedError, match="noise_shape"):
        L.Dropout(0.5, noise_shape=(None, 1))
