"""Dropout: when it acts, how much it drops, and that its draws can be repeated."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.ops import primitives as P
from fastconv.ops import reference
from fastconv.ops.primitives import Dropout
from fastconv.utils import set_random_seed
from tests.gradients import check_gradients

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


def fate(layer, shape):
    """Return what a layer makes of ones in training."""
    return layer(np.ones(shape), training=True)


@pytest.mark.parametrize(
    ("noise", "axes"),
    [((None, 1, 1, 6), (1, 2)), ((1, None, None, None), (0,)), ((4, 1, 5, 1), (1, 3)), ((1, 1, 1, 1), (0, 1, 2, 3))],
    ids=str,
)
def test_values_along_axes_of_size_one_share_their_fate(noise, axes, variant):
    y = fate(L.Dropout(0.5, noise, seed=3), (4, 3, 5, 6))
    first = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(4))
    np.testing.assert_array_equal(y, np.broadcast_to(y[first], y.shape))
    if len(axes) < 4:
        assert set(np.unique(y)) == {0, 2}


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (lambda: L.SpatialDropout1D(0.5, seed=1), (50, 4, 6), 1),
        (lambda: L.SpatialDropout2D(0.5, seed=1), (50, 4, 3, 6), (1, 2)),
        (lambda: L.SpatialDropout2D(0.5, "channels_first", seed=1), (50, 6, 4, 3), (2, 3)),
        (lambda: L.SpatialDropout3D(0.5, seed=1), (50, 4, 3, 2, 6), (1, 2, 3)),
    ],
)
def test_whole_channels(layer, shape, axes):
    y = fate(layer(), shape)
    np.testing.assert_array_equal(y.min(axes), y.max(axes))
    assert abs(y.max(axes).mean() - 1) < 0.3
    assert len(np.unique(y.max(axes), axis=0)) > 20  # samples do not share it


@pytest.mark.parametrize("noise", [(None, 1), (None, 2, 3, 4), (1, 1, 1, 1, 1)], ids=str)
def test_noise_shapes_that_do_not_fit(noise):
    with pytest.raises(ValueError, match=r"Layer 'd' \(Dropout\): noise_shape=.* does not fit inputs of shape"):
        fate(L.Dropout(0.5, noise, name="d"), (2, 3, 4, 5))


def test_noise_shape_in_a_model(rng):
    model = Sequential([L.Input((4, 5)), L.Dropout(0.5, (None, 1, 5)), L.Flatten(), L.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(rng.standard_normal((9, 4, 5)), rng.standard_normal((9, 2)), batch_size=4, verbose=0)
    assert [step.op.name for step in model.plan.steps] == ["reshape", "dense"]  # predictions know nothing of it


def test_gaussian_noise(variant):
    z = fate(L.GaussianNoise(0.5, seed=2), (1, MANY))[0] - 1
    assert abs(z.mean()) < 0.006 and abs(z.std() - 0.5) < 0.005
    assert abs((np.abs(z) < 0.5).mean() - 0.6827) < 0.006
    assert abs((np.abs(z) < 1).mean() - 0.9545) < 0.003
    assert abs(np.mean(z[1:] * z[:-1])) < 0.003


def test_gaussian_dropout(variant):
    y = fate(L.GaussianDropout(0.2, seed=2), (1, MANY))[0]
    assert abs(y.mean() - 1) < 0.006 and abs(y.std() - 0.5) < 0.005
    np.testing.assert_array_equal(L.GaussianDropout(0.2)(np.zeros((1, 9)), training=True), np.zeros((1, 9)))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate, variant):
    x = np.random.default_rng(0).standard_normal((1, MANY))
    y = L.AlphaDropout(rate, seed=4)(x, training=True)[0]
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02
    dropped = np.unique(y, return_counts=True)[1].max()
    assert abs(dropped - MANY * rate) < 5 * np.sqrt(MANY * rate * (1 - rate))


NOISES = [
    P.AlphaDropout(0.3, draw=lambda: 5),
    P.GaussianDropout(0.5, draw=lambda: 5),
    P.GaussianNoise(0.5, draw=lambda: 5),
    P.Dropout(0.3, draw=lambda: 5, noise_shape=(None, 1, 7)),
]


@pytest.mark.parametrize("op", NOISES, ids=str)
def test_gradients_of_noise(op, rng):
    x, dy = rng.standard_normal((4, 5, 7)), rng.standard_normal((4, 5, 7))
    check_gradients(lambda x: op(x)[0], (x,), dy, op(x)[1](dy))


@pytest.mark.parametrize("op", NOISES, ids=str)
def test_noise_is_the_same_for_any_number_of_threads(op, variant, set_num_threads, rng):
    x = rng.standard_normal((600, 31, 7)).astype(np.float32)
    results = set()
    for threads in (1, 2, 3, 5):
        set_num_threads(threads)
        y, backprop = op(x)
        results.add(y.tobytes() + backprop(x)[0].tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("layer", [L.GaussianNoise(1.0, seed=1), L.GaussianDropout(0.5, seed=1)], ids=repr)
def test_no_noise_comes_twice(layer):
    """The places of a large array have numbers of their own, whichever thread comes by."""
    y = layer(np.ones((3, 50_000), "float32"), training=True)
    assert len(np.unique(y)) > 0.95 * y.size
