"""Random arrays: their distributions, their types, and that a seed settles them."""

import numpy as np
import pytest

import fastconv as keras
from fastconv import random

MANY = (200_000,)
DRAWS = {
    "normal": (lambda **k: random.normal(MANY, 1.0, 2.0, **k), 1.0, 2.0),
    "truncated_normal": (lambda **k: random.truncated_normal(MANY, 1.0, 2.0, **k), 1.0, 2 * 0.87962566),
    "uniform": (lambda **k: random.uniform(MANY, 2.0, 5.0, **k), 3.5, 3 / 12**0.5),
    "randint": (lambda **k: random.randint(MANY, 2, 6, **k), 3.5, 1.25**0.5),
    "binomial": (lambda **k: random.binomial(MANY, 10, 0.3, **k), 3.0, 2.1**0.5),
    "gamma": (lambda **k: random.gamma(MANY, 4.0, **k), 4.0, 2.0),
    "beta": (lambda **k: random.beta(MANY, 2.0, 2.0, **k), 0.5, 0.05**0.5),
    "categorical": (lambda **k: random.categorical(np.log([[0.2, 0.5, 0.3]]), MANY[0], **k), 1.1, 0.7),
}


@pytest.mark.parametrize("name", DRAWS)
def test_means_and_deviations(name):
    draw, mean, deviation = DRAWS[name]
    drawn = draw(seed=3)
    assert drawn.dtype == ("int32" if name in ("randint", "categorical") else "float32")
    assert drawn.mean() == pytest.approx(mean, abs=0.02)
    assert drawn.std() == pytest.approx(deviation, abs=0.02)


@pytest.mark.parametrize("name", DRAWS)
def test_seeds(name):
    draw = DRAWS[name][0]
    assert (draw(seed=3) == draw(seed=3)).all()
    assert (draw(seed=3) != draw(seed=4)).any()
    row, again = random.SeedGenerator(3), random.SeedGenerator.from_config({"seed": 3})
    first, second = draw(seed=row), draw(seed=row)
    assert (first != second).any()
    assert (first == draw(seed=again)).all() and (second == draw(seed=again)).all()
    keras.utils.set_random_seed(5)
    first = draw()
    assert (first != draw()).any()
    keras.utils.set_random_seed(5)
    assert (first == draw()).all()


def test_bounds_hold_in_every_type():
    for dtype in ("float16", "float32", "float64"):
        drawn = random.uniform(MANY, -3.0, 1.0, dtype=dtype)
        assert drawn.dtype == dtype and drawn.min() >= -3 and drawn.max() < 1
    assert np.abs(random.truncated_normal(MANY, stddev=0.5)).max() <= 1
    assert set(random.randint((100,), 0, 2, dtype="uint8").tolist()) == {0, 1}


def test_shuffle_keeps_columns_together():
    x = np.arange(60).reshape(3, 20)
    y = random.shuffle(x, axis=1, seed=1)
    assert sorted(y.T.tolist()) == x.T.tolist() and (y != x).any() and y.dtype == x.dtype


def test_dropout():
    x = np.ones((50, 40), "float32")
    y = random.dropout(x, 0.25, seed=1)
    assert set(y.ravel().tolist()) == {0.0, np.float32(1 / 0.75)}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.04)
    rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=1)
    assert (rows == rows[:, :1]).all() and 0 < (rows == 0).mean() < 1
    assert (random.dropout(x, 1.0) == 0).all() and (random.dropout(x, 0.0) == x).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: random.normal((2,), seed="a"), "random.normal: seed='a' is not a whole number"),
        (lambda: random.normal((2,), seed=1.5), "random.normal: seed=1.5"),
        (
            lambda: random.normal((2,), dtype="int32"),
            "random.normal requires a floating point dtype; got dtype='int32'",
        ),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "random.randint requires an integer dtype"),
        (lambda: random.uniform((2, -1)), r"random.uniform: shape=\(2, -1\)"),
        (lambda: random.categorical([0.0, 1.0], 2), r"logits has shape \(2,\); expected \(batch, classes\)"),
        (lambda: random.dropout([1.0], 1.5), "random.dropout: rate=1.5"),
        (lambda: random.SeedGenerator(-1), "SeedGenerator: seed=-1"),
        (lambda: random.SeedGenerator(1, nme=2), "Unrecognized keyword arguments: {'nme': 2}"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_call_that_is_written_down_once_may_not_draw():
    class Noise(keras.layers.Layer):
        def call(self, inputs):
            return inputs + random.normal((3,))

    with pytest.raises(NotImplementedError, match="random.normal in the call of a layer .* GaussianNoise"):
        Noise()(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: random.normal((2,), "a"), "random.normal: mean has dtype"),
        (lambda: random.normal((2,), 0.0, -1.0), "random.normal: stddev=-1.0 is not a number of at least 0"),
        (lambda: random.truncated_normal((2,), 0.0, -1.0), "random.truncated_normal: stddev=-1.0 is not"),
        (lambda: random.uniform((2,), float("nan")), "random.uniform: minval=nan is not a number"),
        (lambda: random.uniform((2,), 0.0, "a"), "random.uniform: maxval has dtype"),
        (lambda: random.randint((2,), 5, 2), "random.randint: minval=5 and maxval=2; expected minval below maxval"),
        (lambda: random.binomial((2,), -1, 0.5), "random.binomial: counts=-1 is not a number of at least 0"),
        (lambda: random.binomial((2,), 5, 2.0), "probabilities=2.0 is not a number of at least 0 and of at most 1"),
        (lambda: random.gamma((2,), -1.0), "random.gamma: alpha=-1.0 is not a number of at least 0"),
        (lambda: random.beta((2,), 0.0, 1.0), "random.beta: alpha=0.0 is not a number above 0"),
        (lambda: random.shuffle(np.zeros((3, 2)), axis=5), "random.shuffle: axis=5 is not one of the 2 axes of x"),
    ],
)
def test_parameters_that_no_distribution_has(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
