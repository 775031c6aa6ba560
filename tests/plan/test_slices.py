"""Inference in slices of a batch: where it may be, how large they are, and that not a bit of a prediction changes."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import ops
from fastconv.models import Model, Sequential
from fastconv.ops import primitives as P
from fastconv.plan import slices
from fastconv.plan.lowering import Step
from fastconv.runtime import threads
from tests.layers.catalogue import LAYERS

#: Ops that no slice may have, or that no plan of inference has.
WHOLE = {
    *("ActivityPenalty", "ArrayOp", "Assign", "Function", "Moments", "Paired", "Read"),  # may look at other samples
    *("AlphaDropout", "BatchNorm", "BatchNormMaxPool2D", "Dropout", "GaussianDropout", "GaussianNoise"),  # of training
    *("Brightness", "Contrast", "Flip", "Warp", "Window", "Glu", "Sparsemax"),
}


@pytest.fixture
def tiny(monkeypatch):
    """Have slices of one sample a thread, wherever a plan allows any."""
    monkeypatch.setattr(slices, "NEAR_BYTES", 0)


def in_slices(model, x, most):
    """Return what a model predicts of x in slices of so many samples."""
    model.plan._slices[threads.get_num_threads()] = most
    return model.predict_on_batch(x)


def test_every_op_is_by_sample_or_said_not_to_be():
    sliced = {name for name in P.__all__ if issubclass(getattr(P, name), slices.BY_SAMPLE)}
    assert sliced.isdisjoint(WHOLE) and sliced | WHOLE == set(P.__all__)


@pytest.mark.filterwarnings("ignore:mixed_bfloat16")
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_slices_have_the_same_bits(case, dtype, rng):
    model = Sequential([L.Input(case.inputs), case.make(dtype=dtype)])
    x = rng.standard_normal((7, *case.inputs)).astype("float32")
    whole = in_slices(model, x, None)
    if all(map(slices._is_by_sample, model.plan.steps)):
        for most in (1, 2, 3):
            np.testing.assert_array_equal(in_slices(model, x, most), whole, strict=True)


def test_several_inputs_and_outputs_are_sliced_alike(rng):
    a, b = L.Input((9, 9, 3)), L.Input((9, 9, 3))
    way = L.Conv2D(4, 3, activation="gelu")
    joined = L.Concatenate()([way(a), way(b)])
    model = Model([a, b], [L.Flatten()(joined), L.GlobalAveragePooling2D()(L.Add()([way(a), way(b)]))])
    x = [rng.standard_normal((11, 9, 9, 3)) for _ in "ab"]
    whole = in_slices(model, x, None)
    for most in (2, 4):
        for part, expected in zip(in_slices(model, x, most), whole, strict=True):
            np.testing.assert_array_equal(part, expected, strict=True)
    model.plan._slices[threads.get_num_threads()] = 2
    for part, expected in zip(model.predict(x, batch_size=5, verbose=0), whole, strict=True):
        np.testing.assert_array_equal(part, expected, strict=True)


def test_whoever_looks_at_other_samples_gets_all(tiny, rng):
    class Centered(L.Layer):
        def call(self, inputs):
            return inputs - ops.mean(inputs, axis=0, keepdims=True)

    for middle in (Centered(), L.Lambda(lambda x: x - x.mean(axis=0))):
        model = Sequential([L.Input((6,)), L.Dense(5), middle])
        assert model.plan.at_once(1000) == 1000
        x = rng.standard_normal((9, 6)).astype("float32")
        np.testing.assert_allclose(model.predict(x, verbose=0).mean(axis=0), np.zeros(5), atol=1e-6)


def test_joined_batches_are_not_sliced():
    step = Step(P.Concatenate(0), 0, 2, (1,), ("joined",), False)
    assert not slices._is_by_sample(step) and slices._is_by_sample(step._replace(op=P.Concatenate(1)))


def test_slices_fill_the_caches_and_no_more(set_num_threads):
    """Values of 32 * 32 * (16 + 16) float32 numbers are 128 KiB: 32 samples for each thread."""
    model = Sequential([L.Input((32, 32, 16)), L.Conv2D(16, 3, padding="same"), L.Conv2D(16, 3, padding="same")])
    set_num_threads(1)
    assert [model.plan.at_once(n) for n in (0, 1, 63, 64, 100, 1000)] == [0, 1, 63, 32, 25, 32]
    set_num_threads(2)
    assert [model.plan.at_once(n) for n in (1, 127, 128, 300, 1000)] == [1, 127, 64, 60, 64]


def test_large_weights_are_not_read_for_few_samples(tiny):
    """4 MB of weights, 9 KB of values: a slice has as many bytes of values as of weights."""
    model = Sequential([L.Input((1024,)), L.Dense(1024), L.Dense(10)])
    at_once, threads_ = model.plan.at_once(100_000), threads.get_num_threads()
    values, weights = (1024 + 1024 + 1024 + 10) * 4, (1025 * 1024 + 1025 * 10) * 4
    assert weights // values <= at_once <= weights // values + threads_
    assert Sequential([L.Input((8, 8, 4)), L.Conv2D(4, 3)]).plan.at_once(100) <= 2 * threads_


def test_an_empty_batch(tiny):
    model = Sequential([L.Input((8, 8, 4)), L.Conv2D(4, 3)])
    assert model.predict_on_batch(np.empty((0, 8, 8, 4))).shape == (0, 6, 6, 4)
