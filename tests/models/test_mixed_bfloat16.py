"""Models whose products are of bfloat16: which steps run, what comes out, training, files."""

import numpy as np
import pytest

import fastconv as keras
from fastconv import kernels
from fastconv import layers as L
from fastconv.ops import bfloat16, reference
from fastconv.ops.bfloat16 import Rounded

MIXED = "mixed_bfloat16"


@pytest.fixture(autouse=True, params=["native", "emulated"])
def products(request, monkeypatch):
    """Multiply as this processor does, and as one does that has no products of bfloat16."""
    monkeypatch.setattr(bfloat16, "_warned", {kernels.variant()})
    if request.param == "emulated":
        monkeypatch.setattr(kernels, "multiplies_pairs", lambda k: False)
    return request.param


def network(dtype=MIXED, last="float32"):
    """Return a small network of all kinds of products."""
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            L.Conv2D(8, 3, activation="relu", dtype=dtype),
            L.MaxPooling2D(2, dtype=dtype),
            L.Conv2D(6, 3, padding="same", dtype=dtype),
            L.BatchNormalization(dtype=dtype),
            L.ReLU(dtype=dtype),
            L.SeparableConv2D(8, 3, dtype=dtype),
            L.Conv2DTranspose(4, 3, dtype=dtype),
            L.Flatten(dtype=dtype),
            L.Dense(10, activation="relu", dtype=dtype),
            L.Dense(3, activation="softmax", dtype=last),
        ]
    )


def products_of(model):
    return [step.op for step in model.plan.steps if step.op.name.split("_")[0] in ("conv2d", "dense", "depthwise")]


def test_which_steps_are_narrow():
    model = network()
    ops = products_of(model)
    assert [isinstance(op, Rounded) for op in ops] == [True] * 6 + [False]
    assert ops[0].name == "conv2d_relu_max_pool2d_bfloat16"
    assert not any(isinstance(op, Rounded) for op in products_of(network("float32")))
    assert all(isinstance(op, Rounded) for op in products_of(network(last=MIXED)))
    assert str(model.plan).count("_bfloat16") == 6


def test_weights_outputs_and_gradients_are_float32():
    model = network(last=MIXED)
    x = np.random.default_rng(0).standard_normal((5, 12, 12, 2))
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float32")}
    for y in (model.predict(x, verbose=0), model(x), model.predict_on_batch(x)):
        assert y.dtype == np.float32


def test_one_layer_is_the_definition_on_rounded_numbers(rng):
    for shape in ((4, 10), (2, 3, 10)):
        dense = L.Dense(6, dtype=MIXED, bias_initializer="random_normal")
        x = rng.standard_normal(shape).astype(np.float32)
        y = dense(x)
        kernel, bias = dense.get_weights()
        expected = reference.round_bfloat16(x) @ reference.round_bfloat16(kernel) + bias
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
        assert np.abs(y - (x @ kernel + bias)).max() > 1e-4


def test_fused_and_unfused_plans_agree():
    """They round the same operands, but for folded weights."""
    x = np.random.default_rng(0).standard_normal((5, 12, 12, 2)).astype(np.float32)
    fused = network()
    keras.config.disable_fusion()
    try:
        plain = network()
        plain.set_weights(fused.get_weights())
        expected = plain.predict(x, verbose=0)
    finally:
        keras.config.enable_fusion()
    found = fused.predict(x, verbose=0)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.abs(found - network("float32").predict(x, verbose=0)).max() < 0.02


def test_near_float32():
    x = np.random.default_rng(0).standard_normal((64, 12, 12, 2)).astype(np.float32)
    y = np.arange(64) % 3
    losses = {}
    for dtype in ("float32", MIXED):
        model = network(dtype)
        model.compile("adam", "sparse_categorical_crossentropy")
        losses[dtype] = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(losses[MIXED], losses["float32"], rtol=0.02)


def test_the_same_bits_for_any_number_of_threads(set_num_threads):
    x = np.random.default_rng(0).standard_normal((32, 12, 12, 2)).astype(np.float32)
    found = []
    for threads in (1, 2, 3):
        set_num_threads(threads)
        model = network()
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, np.arange(32) % 3, epochs=2, batch_size=12, shuffle=False, verbose=0)
        found.append(b"".join(w.tobytes() for w in model.get_weights()))
    assert found[0] == found[1] == found[2]


def test_files_and_configs(tmp_path):
    model = network()
    x = np.random.default_rng(0).standard_normal((5, 12, 12, 2)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.dtype_policy for layer in again.layers] == [layer.dtype_policy for layer in model.layers]
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert keras.Sequential.from_config(model.get_config()).get_config() == model.get_config()
    assert keras.models.clone_model(model).get_config() == model.get_config()


def test_custom_layers_and_nested_models_have_their_own_policy():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, dtype="float32")])
    model = keras.Sequential([keras.Input((4,)), L.Dense(4, dtype=MIXED), inner, L.Dense(2, dtype=MIXED)])
    assert [isinstance(op, Rounded) for op in products_of(model)] == [True, False, True]


def test_gradients_are_checked_in_float64():
    """Whatever the policy: differences would be of steps otherwise."""
    keras.testing.check_gradients(L.Dense(3, dtype=MIXED), np.random.default_rng(0).standard_normal((4, 5)))


def accuracy(dtype, seed, data):
    """Train for some epochs; return the accuracy on other pictures."""
    (x, y), (x_test, y_test) = data
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            L.Rescaling(1 / 255),
            L.Conv2D(16, 3, activation="relu", dtype=dtype),
            L.MaxPooling2D(2),
            L.Conv2D(32, 3, activation="relu", dtype=dtype),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dense(10),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(0.004, len(x) // 64 * 8)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=64, epochs=8, verbose=0)
    return model.evaluate(x_test, y_test, verbose=0)[1]


def test_real_pictures_are_learned_as_in_float32():
    """Within a point, on the mean of three networks: single ones differ by more, from seed to seed."""
    data = keras.datasets.fashion_mnist_small.load_data()
    found = {dtype: np.mean([accuracy(dtype, seed, data) for seed in range(3)]) for dtype in ("float32", MIXED)}
    assert found[MIXED] > found["float32"] - 0.01
    assert found[MIXED] > 0.8
