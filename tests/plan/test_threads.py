"""The same bits for any number of threads, over whole training steps."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.utils import set_random_seed
from tests.plan.networks import tutorial

COUNTS = (2, 3, 5)


def mixed():
    """Return a network with every kind of step, for images (28, 28, 3)."""
    return [
        L.Rescaling(0.5),
        L.ZeroPadding2D(1),
        L.Conv2D(16, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Conv2D(24, 3, strides=2, padding="same", groups=2, activation="elu"),
        L.Dropout(0.25),
        L.AveragePooling2D(3, strides=1, padding="same"),
        L.Conv2D(33, 3, dilation_rate=2),
        L.ReLU(),
        L.MaxPooling2D(2, strides=1),
        L.Conv2D(17, 1, activation="softmax"),
        L.GlobalAveragePooling2D(),
        L.Dense(65, activation="tanh"),
        L.Dense(10, activation="softmax"),
    ]


def train(make, x, y, optimizer, steps=3):
    """Return everything that some training steps leave, as bytes."""
    set_random_seed(31)
    model = Sequential([L.Input(x.shape[1:]), *make()])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    results = [model.train_on_batch(x, y) for _ in range(steps)]
    results.append(model.test_on_batch(x, y))
    state = [v.array.tobytes() for v in (*model.weights, *model.optimizer.variables)]
    return repr(results), state, model.predict_on_batch(x).tobytes()


@pytest.mark.parametrize(
    ("make", "channels", "batch", "optimizer"),
    [(tutorial, 1, 20, "adam"), (mixed, 3, 33, "sgd"), (mixed, 3, 5, "rmsprop")],
    ids=["tutorial", "mixed", "mixed-few"],
)
def test_training_has_the_same_bits(make, channels, batch, optimizer, variant, set_num_threads, rng):
    x, y = rng.standard_normal((batch, 28, 28, channels)).astype(np.float32), rng.integers(0, 10, batch)
    set_num_threads(1)
    alone = train(make, x, y, optimizer)
    assert "nan" not in alone[0]
    for count in COUNTS:
        set_num_threads(count)
        results, state, predictions = train(make, x, y, optimizer)
        assert results == alone[0], f"losses differ with {count} threads"
        assert state == alone[1], f"weights differ with {count} threads"
        assert predictions == alone[2], f"predictions differ with {count} threads"


def test_training_may_change_the_number_of_threads_on_the_way(set_num_threads, rng):
    x, y = rng.standard_normal((9, 28, 28, 3)).astype(np.float32), rng.integers(0, 10, 9)

    def run(counts):
        set_random_seed(2)
        model = Sequential([L.Input(x.shape[1:]), *mixed()])
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = []
        for count in counts:
            set_num_threads(count)
            losses.append(model.train_on_batch(x, y))
        return losses, [w.tobytes() for w in model.get_weights()]

    assert run([1, 1, 1, 1]) == run([2, 1, 3, 2])


def test_float64_has_the_same_bits(set_num_threads, rng):
    x, y = rng.standard_normal((9, 28, 28, 3)), rng.integers(0, 10, 9)

    def make():
        layers = mixed()
        for layer in layers:
            layer.dtype = "float64"
        return layers

    set_num_threads(1)
    alone = train(make, x, y, "sgd")
    set_num_threads(3)
    assert train(make, x, y, "sgd") == alone
