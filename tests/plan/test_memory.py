"""Memory: a training step allocates no array, and batches of changing sizes leave nothing behind."""

import gc
import os
import tracemalloc

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import optimizers
from fastconv.models import Sequential
from fastconv.ops import loss
from tests.plan.networks import fill, make_plan

IMAGE = (14, 14, 8)
BATCH = 16
BUFFER = BATCH * 12 * 12 * 16 * 4  # bytes of the first convolution's output


def network():
    """Return a network whose every array is far larger than the Python objects of a step."""
    return [
        L.Conv2D(16, 3, activation="relu"),
        L.Conv2D(16, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Dropout(0.25),
        L.AveragePooling2D(2, strides=1, padding="same"),
        L.Flatten(),
        L.Dense(64, activation="tanh"),
        L.Dense(10, activation="softmax"),
    ]


def allocated(function, repeat=5):
    """Return the most bytes that were allocated, by Python and NumPy, at any moment of some calls."""
    function()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(repeat):
            function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_the_measure_sees_arrays():
    assert allocated(lambda: np.empty(BUFFER, np.uint8)) >= BUFFER


@pytest.mark.parametrize("mode", ["predict", "test", "train"])
def test_a_step_of_a_plan_allocates_nothing(mode, rng):
    plan = make_plan(network(), IMAGE, loss.CrossEntropy(sparse=True))
    x, labels = rng.standard_normal((BATCH, *IMAGE)).astype(np.float32), rng.integers(0, 10, BATCH)
    with plan.program(BATCH, mode) as program:
        fill(program, x, labels) if mode != "predict" else fill(program, x)
        program.prepare()
        assert allocated(program.run) < 2048


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(0.01),
        lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        lambda: optimizers.Adam(),
        lambda: optimizers.Adam(global_clipnorm=1.0, weight_decay=0.1),
        lambda: optimizers.RMSprop(momentum=0.9, centered=True, clipvalue=1.0),
        lambda: optimizers.Lion(use_ema=True, ema_overwrite_frequency=2, clipnorm=1.0),
        lambda: optimizers.Nadam(gradient_accumulation_steps=2),
    ],
    ids=["sgd", "momentum", "adam", "clipped", "centered", "averaged", "accumulated"],
)
def test_a_training_step_with_its_optimizer_allocates_nothing(make, rng):
    plan = make_plan(network(), IMAGE, loss.CrossEntropy(sparse=True))
    x, labels = rng.standard_normal((BATCH, *IMAGE)).astype(np.float32), rng.integers(0, 10, BATCH)
    optimizer = make()
    optimizer.build(plan.trainable)

    def train():
        with plan.program(BATCH, "train") as program:
            fill(program, x, labels)
            program.run()
            optimizer.apply([plan.gradient(v) for v in plan.trainable], plan.trainable)

    train()
    assert allocated(train) < 8192


@pytest.mark.parametrize("dtype", ["float32", "uint8", "float64"])
def test_train_on_batch_copies_nothing_of_the_batch(dtype, rng):
    model = Sequential([L.Input(IMAGE), *network()])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = (rng.random((BATCH, *IMAGE)) * 255).astype(dtype), rng.integers(0, 10, BATCH)
    model.train_on_batch(x, y)
    used = allocated(lambda: model.train_on_batch(x, y))
    print(f"train_on_batch, {dtype}: {used} bytes beside the arena; the batch has {x.nbytes}")
    assert used < 20_000 < x.nbytes


def resident():
    """Return the memory of this process that is there, in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="tells resident memory on Linux only")
def test_changing_batch_sizes_leave_nothing_behind(rng, set_num_threads):
    set_num_threads(1)  # quick where others are busy, too
    model = Sequential([L.Input(IMAGE), *network()])
    x = rng.standard_normal((30, *IMAGE)).astype(np.float32)
    sizes = [int(n) for n in rng.permutation(30) + 1]

    def predict(count):
        for i in range(count):
            n = sizes[i % 30]
            assert len(model.predict_on_batch(x[:n])) == n

    predict(100)
    gc.collect()
    before = resident()
    predict(300)
    gc.collect()
    assert resident() - before < 2e6


def test_changing_batch_sizes_leave_no_objects_behind(rng):
    model = Sequential([L.Input((12, 12, 1)), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(2)])
    x = rng.standard_normal((30, 12, 12, 1)).astype(np.float32)

    def predict(count):
        for i in range(count):
            model.predict_on_batch(x[: i % 30 + 1])

    predict(60)
    gc.collect()
    tracemalloc.start()
    try:
        predict(60)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        predict(300)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()


def test_models_that_are_gone_leave_nothing_behind(rng):
    def use():
        model = Sequential([L.Input(IMAGE), *network()])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.train_on_batch(np.ones((BATCH, *IMAGE)), np.zeros(BATCH))
        model.predict_on_batch(np.ones((3, *IMAGE)))

    use()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(4):
            use()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
