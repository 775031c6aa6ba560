"""Memory over many calls: `predict` and `fit` leave nothing behind, and a data set is never copied."""

import gc
import sys
import tracemalloc

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential
from tests.models.data import classifier, stripes
from tests.plan.test_memory import resident

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="tells resident memory on Linux only")


def traced(function):
    """Return (bytes left behind, most bytes at any moment) of what Python and NumPy allocated in a call."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        function()
        peak = tracemalloc.get_traced_memory()[1] - before
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before, peak
    finally:
        tracemalloc.stop()


def growth(function, warm_up, count):
    """Return by how many bytes the process grows in `count` calls, after some to warm up."""
    for i in range(warm_up):
        function(i)
    gc.collect()
    before = resident()
    for i in range(count):
        function(i)
    gc.collect()
    return resident() - before


@needs_linux
@pytest.mark.parametrize("size", [1, 7, 40], ids=["one image", "a batch", "two batches"])
@pytest.mark.parametrize(("warm_up", "count"), [(500, 2_000), pytest.param(5_000, 100_000, marks=pytest.mark.slow)])
def test_predict_does_not_grow(warm_up, count, size, rng):
    model, x = classifier(), rng.random((size, 8, 8, 1)).astype(np.float32)
    grown = growth(lambda i: model.predict(x, verbose=0), warm_up, count)
    print(f"{count:,} calls of predict on {size} images: {grown / 1024:.0f} KiB")
    assert grown < 1 << 20


@needs_linux
@pytest.mark.parametrize(("warm_up", "count"), [(4, 8), pytest.param(20, 50, marks=pytest.mark.slow)])
def test_fit_with_changing_batch_sizes_does_not_grow(warm_up, count):
    x, y = stripes(120)
    model = classifier(metrics=["accuracy"])
    sizes = np.random.default_rng(0).permutation(120) + 1

    def fit(i):
        model.fit(x, y, batch_size=int(sizes[i % 120]), epochs=1, verbose=0, validation_split=0.2)

    fit(int(sizes.argmax()))  # the largest batch makes the largest arena
    grown = growth(fit, warm_up, count)
    print(f"{count} runs of fit: {grown / 1024:.0f} KiB")
    assert grown < 2 << 20


DATA = {
    "float32": {"dtype": "float32"},
    "float64": {"dtype": "float64"},
    "bytes": {"dtype": "uint8"},
    "big-endian": {"dtype": ">f4"},
    "a part for validation": {"dtype": "float32", "validation_split": 0.25},
    "in order": {"dtype": "float32", "shuffle": False},
    "weighted": {"dtype": "float32", "class_weight": {0: 2.0}},
}


@pytest.mark.parametrize("name", DATA)
def test_fit_copies_no_data_set(name):
    settings = dict(DATA[name])
    x = np.ones((400, 64, 64, 8), settings.pop("dtype"))
    y = np.zeros(len(x), np.int32)
    model = Sequential([L.Input(x.shape[1:]), L.MaxPooling2D(64), L.Flatten(), L.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x[:40], y[:40], verbose=0)  # makes the arena of a batch
    _, peak = traced(lambda: model.fit(x, y, verbose=0, **settings))
    _, again = traced(lambda: model.predict(x, verbose=0))
    print(
        f"{name}: the data set has {x.nbytes / 1e6:.0f} MB; fit allocated {peak / 1e6:.2f}, predict {again / 1e6:.2f}"
    )
    batch = 32 * x[0].nbytes  # gathered at once where a type has no kernel of its own
    assert max(peak, again) < 1.5 * batch < x.nbytes / 8


def test_a_step_of_fit_leaves_no_bytes_behind():
    x, y = stripes(160)
    model = classifier(metrics=["accuracy"])
    model.fit(x, y, batch_size=8, verbose=0)
    few, _ = traced(lambda: model.fit(x, y, batch_size=8, verbose=0, epochs=1))
    many, _ = traced(lambda: model.fit(x, y, batch_size=8, verbose=0, epochs=11))
    steps = 10 * 160 // 8
    print(f"{(many - few) / steps:.1f} bytes a step")
    assert many - few < 64 * steps


def test_the_most_that_a_step_of_fit_holds_is_small_and_fixed():
    """Objects of Python for one step: batch, index, logs; not more with more steps, and no array of a batch's size."""
    x, y = np.ones((320, 32, 32, 8), np.float32), np.zeros(320, np.int32)
    model = Sequential([L.Input(x.shape[1:]), L.Conv2D(8, 3), L.Flatten(), L.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    _, peak = traced(lambda: model.fit(x, y, verbose=0))
    print(f"at most {peak:,} bytes; a batch has {32 * 32 * 32 * 8 * 4:,}")
    assert peak < 40_000
