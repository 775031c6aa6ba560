"""Layers that act on images by chance, in models and alone; Normalization's statistics in a model."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.runtime import threads
from fastconv.utils import set_random_seed

AUGMENT = [
    lambda **k: L.RandomFlip(**k),
    lambda **k: L.RandomCrop(5, 5, **k),
    lambda **k: L.RandomTranslation(0.2, 0.2, **k),
    lambda **k: L.RandomRotation(0.2, **k),
    lambda **k: L.RandomZoom(0.2, **k),
    lambda **k: L.RandomContrast(0.5, **k),
    lambda **k: L.RandomBrightness(0.5, **k),
]
every = pytest.mark.parametrize("make", AUGMENT, ids=lambda make: type(make()).__name__)


@every
def test_seeds_decide(make, rng):
    x = rng.random((16, 9, 8, 3)) * 200
    results = []
    for seed in (1, 1, 2):
        set_random_seed(seed)
        results.append(make()(x, training=True))
        own = make(seed=5)
        results.append(np.stack([own(x, training=True) for _ in range(2)]))
    np.testing.assert_array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[4])
    np.testing.assert_array_equal(results[1], results[5])
    assert not np.array_equal(*results[1])


@every
def test_any_number_of_threads_trains_alike(make, rng):
    x, y = rng.random((32, 9, 8, 3)) * 200, rng.random((32, 2))
    found, before = set(), threads.get_num_threads()
    try:
        for n in (1, 2, 3):
            threads.set_num_threads(n)
            set_random_seed(4)
            model = Sequential([L.Input((9, 8, 3)), make(), L.Conv2D(4, 3), make(), L.Flatten(), L.Dense(2)])
            model.compile("sgd", "mse")
            losses = tuple(float(model.train_on_batch(x / 1e3, y)) for _ in range(3))
            found.add((losses, *(w.tobytes() for w in model.get_weights())))
    finally:
        threads.set_num_threads(before)
    assert len(found) == 1


@every
def test_inference_leaves_chance_out(make, rng):
    x = rng.random((4, 9, 8, 3)).astype(np.float32)
    model = Sequential([L.Input((9, 8, 3)), make()])
    np.testing.assert_array_equal(model.predict_on_batch(x), model.predict_on_batch(x))
    if model.output_shape == model.input_shape:
        np.testing.assert_array_equal(model.predict_on_batch(x), x)


def test_half_of_the_images_are_flipped():
    x = np.arange(2.0).reshape(1, 1, 2, 1).repeat(4000, 0)
    y = L.RandomFlip("horizontal", seed=1)(x, training=True)
    assert y[:, 0, 0, 0].mean() == pytest.approx(0.5, abs=0.03)


def test_a_window_lies_anywhere_and_is_the_same_for_a_batch():
    x = np.broadcast_to(np.arange(16.0).reshape(1, 4, 4, 1), (3, 4, 4, 1))
    layer, seen = L.RandomCrop(2, 3, seed=1), set()
    for _ in range(100):
        y = layer(x, training=True)
        assert (y == y[:1]).all()
        seen.add(float(y[0, 0, 0, 0]))
    assert seen == {0.0, 1.0, 4.0, 5.0, 8.0, 9.0}


def test_a_window_may_be_a_single_pixel():
    x = np.arange(9.0).reshape(1, 3, 3, 1)
    assert L.CenterCrop(1, 1)(x).tolist() == [[[[4.0]]]]
    assert L.RandomCrop(1, 1, seed=1)(x, training=True).shape == (1, 1, 1, 1)


def test_margins_are_black_unless_told_otherwise():
    x = np.ones((1, 4, 4, 1))
    assert L.Resizing(4, 8, pad_to_aspect_ratio=True)(x)[0, 0, :, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    filled = L.Resizing(4, 8, pad_to_aspect_ratio=True, fill_value=7.0)(x)
    assert filled[0, 0, :, 0].tolist() == [7, 7, 1, 1, 1, 1, 7, 7]


def test_statistics_gathered_later_reach_a_model_that_was_run(rng):
    data = rng.normal(3, 2, (500, 4)).astype(np.float32)
    layer = L.Normalization()
    model = Sequential([L.Input((4,)), layer, L.Dense(2)])
    model.compile("sgd", "mse")
    model.predict_on_batch(data)
    layer.adapt(data)
    expected = (data - data.mean(0)) / data.std(0) @ model.layers[-1].get_weights()[0]
    np.testing.assert_allclose(model.predict_on_batch(data), expected, atol=1e-4)
    before = layer.get_weights()
    model.train_on_batch(data, np.zeros((500, 2)))
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_normalizations_of_equal_shape_keep_their_statistics(rng):
    x = rng.random((5, 3)).astype(np.float32)
    model = Sequential(
        [L.Input((3,)), L.Normalization(mean=1.0, variance=4.0), L.Normalization(mean=5.0, variance=1.0)]
    )
    np.testing.assert_allclose(model.predict_on_batch(x), (x - 1) / 2 - 5, rtol=1e-6)


def test_large_offsets_do_not_cancel(rng):
    data = (rng.standard_normal((9000, 2)) + 1e4).astype(np.float32)
    layer = L.Normalization()
    layer.adapt(data)
    y = layer(data)
    assert np.abs(y.mean(0)).max() < 2e-3 and np.abs(y.std(0) - 1).max() < 2e-3


def test_scales_go_along_channels_where_these_are_first(rng):
    from fastconv import config

    x = rng.random((2, 3, 4, 5)).astype(np.float32)
    config.set_image_data_format("channels_first")
    try:
        y = L.Rescaling([1.0, 2.0, 4.0])(x)
    finally:
        config.set_image_data_format("channels_last")
    np.testing.assert_array_equal(y, x * np.array([1, 2, 4], np.float32).reshape(3, 1, 1))


def test_statistics_of_normalization_can_be_read():
    layer = L.Normalization()
    with pytest.raises(AttributeError, match="has no mean yet"):
        layer.mean  # noqa: B018 (looking is the test)
    layer.adapt(np.arange(6.0).reshape(3, 2))
    np.testing.assert_allclose(layer.mean, [[2, 3]])
    np.testing.assert_allclose(layer.variance, [[8 / 3, 8 / 3]], rtol=1e-6)
    whole = L.Normalization(axis=None, mean=1.0, variance=4.0)
    whole.build((None, 5, 5, 3))
    assert whole.mean.shape == (1, 1, 1, 1) and whole.variance.item() == 4
