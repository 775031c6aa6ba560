"""Products of bfloat16 as Keras has them: outputs, gradients, configs and files."""

import numpy as np
import pytest

import fastconv
from fastconv import layers
from fastconv.ops.symbolic import Tape, Taped

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]
if keras.backend.backend() != "torch":
    pytest.skip("gradients are taken with PyTorch", allow_module_level=True)

MIXED = "mixed_bfloat16"
CASES = [
    ("Dense", (7,), {}, (5, 20)),
    ("Dense", (7,), {"use_bias": False}, (5, 21)),
    ("Conv2D", (6, 3), {}, (2, 8, 9, 4)),
    ("Conv2D", (64, 3), {"padding": "same"}, (2, 7, 7, 64)),
    ("Conv2D", (5, 3), {"strides": 2}, (2, 9, 9, 3)),
    ("Conv2D", (8, 1), {"groups": 2}, (2, 5, 5, 8)),
    ("Conv1D", (6, 3), {}, (2, 11, 4)),
    ("DepthwiseConv2D", (3,), {}, (2, 6, 6, 8)),
]


def pair(name, args, settings, shape):
    """Return the two layers, with the same weights."""
    theirs, ours = (getattr(m, name)(*args, dtype=MIXED, **settings) for m in (keras.layers, layers))
    for layer in (theirs, ours):
        layer.build((None, *shape[1:]))
    ours.set_weights([np.asarray(w, np.float32) for w in theirs.get_weights()])
    return theirs, ours


def run(layer, x, dy):
    tape, value = Tape(training=True), Taped(x)
    y = layer.lower_whole(tape, value)
    tape.backward([y], [dy])
    return [y.array, *(tape.gradient_of(v) for v in (value, *layer.trainable_weights))]


def run_keras(layer, x, dy):
    x = torch.tensor(x, requires_grad=True)
    y = layer(x)
    y.backward(torch.tensor(dy).to(y.dtype))
    found = [y.detach(), x.grad, *(v._value.grad for v in layer.trainable_weights)]
    return [t.float().cpu().numpy() for t in found]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[3]}")
def test_outputs_and_gradients(case, rng):
    """Keras rounds results and gradients to bfloat16 as well, to 2**-9 each time; sums of such lie a little apart.

    Where tiles round what they have transformed, the products are others, and errors of many of them add up.
    """
    theirs, ours = pair(*case)
    x = rng.standard_normal(case[3]).astype(np.float32)
    dy = rng.standard_normal(ours.compute_output_shape(case[3])).astype(np.float32)
    for actual, expected in zip(run(ours, x, dy), run_keras(theirs, x, dy), strict=True):
        unit = 2**-5 if case[1][0] == 64 else 2**-8
        near = unit * np.abs(expected) + unit * np.abs(expected).mean() + 1e-6
        assert (np.abs(actual - expected) <= near).all()


def test_policies(monkeypatch):
    monkeypatch.setitem(fastconv.dtype_policies._state, "policy", None)
    try:
        for module in (keras, fastconv):
            module.config.set_dtype_policy(MIXED)
        theirs, ours = (module.layers.Dense(2) for module in (keras, fastconv))
        assert (ours.dtype, ours.compute_dtype, ours.variable_dtype) == (
            theirs.dtype,
            theirs.compute_dtype,
            theirs.variable_dtype,
        )
        assert repr(ours.dtype_policy) == repr(theirs.dtype_policy)
        assert ours.get_config()["dtype"] == theirs.get_config()["dtype"]
        for make in (lambda m: m.layers.InputLayer((3,)), lambda m: m.Sequential()):
            assert make(fastconv).get_config()["dtype"] == make(keras).get_config()["dtype"]
    finally:
        keras.config.set_dtype_policy("float32")
    public = {name for name in dir(keras.mixed_precision) if name[0] != "_"}
    assert public - set(fastconv.mixed_precision.__all__) == {"LossScaleOptimizer"}  # for float16 alone


def network(module):
    L = module.layers
    return module.Sequential(
        [
            module.Input((9, 9, 2)),
            L.Conv2D(8, 3, activation="relu", dtype=MIXED),
            L.MaxPooling2D(2, dtype=MIXED),
            L.Flatten(dtype=MIXED),
            L.Dense(6, activation="relu", dtype=MIXED),
            L.Dense(3, activation="softmax", dtype="float32"),
        ]
    )


WAYS = [(keras, fastconv, "m.keras"), (fastconv, keras, "m.keras"), (keras, fastconv, "m.h5")]


@pytest.mark.parametrize(("writer", "reader", "name"), WAYS, ids=["theirs", "ours", "older"])
def test_files_are_read_both_ways(writer, reader, name, tmp_path, rng):
    model = network(writer)
    model.save(tmp_path / name)
    again = reader.models.load_model(tmp_path / name)
    assert [layer.dtype_policy.name for layer in again.layers] == [MIXED] * 4 + ["float32"]
    x = rng.standard_normal((4, 9, 9, 2)).astype(np.float32)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=0.01)
