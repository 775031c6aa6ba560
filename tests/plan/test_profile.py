"""A profile names every step and what it calls, counts what it does, times it, and changes nothing."""

import json

import numpy as np
import pytest

from fastconv import config, kernels
from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.plan import profile as module
from fastconv.plan.profile import Pass, peak


def make(compiled=True):
    model = Sequential(
        [
            L.Input((12, 11, 3)),
            L.Conv2D(8, 3, activation="relu", name="conv"),
            L.MaxPooling2D(2, name="pool"),
            L.BatchNormalization(name="norm"),
            L.Flatten(name="flatten"),
            L.Dropout(0.5, name="dropout"),
            L.Dense(4, activation="softmax", name="head", kernel_regularizer="l2"),
        ],
        name="net",
    )
    if compiled:
        model.compile("sgd", "sparse_categorical_crossentropy")
    return model


X, Y = np.random.default_rng(0).random((6, 12, 11, 3)), np.arange(6) % 4
CONV = 2 * 10 * 9 * 8 * 27  # operations of one sample


def test_forward():
    profile = make(compiled=False).profile(X, seconds=0.01)
    assert [(s.name, s.layers, s.output_shape) for s in profile.steps] == [
        ("conv2d_relu_max_pool2d", ("conv", "pool"), (6, 5, 4, 8)),
        ("normalize", ("norm",), (6, 5, 4, 8)),
        ("reshape", ("flatten",), (6, 160)),
        ("dense", ("head",), (6, 4)),
        ("softmax", ("head",), (6, 4)),
    ]
    first = profile.steps[0]
    assert first.forward.flops == 6 * CONV and first.backward is None
    assert first.forward.kernels == ("conv2d_max_pool_forward",)
    assert first.bytes == 4 * (6 * 12 * 11 * 3 + 27 * 8 + 8 + 6 * 5 * 4 * 8)
    assert profile.steps[2].bytes == 0 and profile.steps[2].forward.kernels == ()
    assert (profile.batch, profile.mode, profile.variant) == (6, "predict", kernels.variant())
    assert profile.rounds >= 3 and profile.seconds > 0
    assert all(s.forward.seconds > 0 for s in profile.steps if s.forward.kernels)


def test_forward_and_backward():
    profile = make().profile(X, Y, seconds=0.01)
    by_name = {s.name: s for s in profile.steps}
    conv, dense = by_name["conv2d_relu_max_pool2d"], by_name["dense"]
    assert "pack_filters" in conv.forward.kernels  # in training the weights are new each time
    assert conv.backward.flops == conv.forward.flops  # nobody wants the gradient of the input
    assert dense.backward.flops == 2 * dense.forward.flops == 2 * 6 * 2 * 160 * 4
    assert by_name["softmax_cross_entropy"].backward is None  # its gradient is made on the way there
    assert "dropout" in by_name and by_name["dropout"].backward.kernels == ("dropout",)


def test_the_model_is_as_before():
    models = [make(), make()]
    models[1].set_weights(models[0].get_weights())
    from fastconv.utils import set_random_seed

    outcomes = []
    for model, profiled in zip(models, (True, False), strict=True):
        set_random_seed(3)
        if profiled:
            before = [w.copy() for w in model.get_weights()]
            model.profile(X, Y, seconds=0.01)
            assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
        model.train_on_batch(X, Y)
        outcomes.append(model.predict(X, verbose=0))
    assert outcomes[0].tobytes() == outcomes[1].tobytes()


def test_speed_in_percent_of_the_peak(monkeypatch):
    monkeypatch.setattr(module, "peak", lambda dtype, variant, threads: 4e9)
    profile = make().profile(X, seconds=0.01)
    half = Pass(0.5, 1_000_000_000, ())
    assert half.gflops == 2.0 and profile.percent(half) == 50.0
    assert Pass(0.0, 0, ()).gflops == 0.0
    (entry, *_) = json.loads(json.dumps(profile.as_dicts()))
    assert entry["name"] == "conv2d_relu_max_pool2d" and entry["backward"] is None
    assert entry["forward"]["percent"] == pytest.approx(25 * entry["forward"]["gflops"])


def test_the_peak_is_that_of_the_variant_and_of_the_type():
    found = peak("float32", kernels.variant(), 1)
    assert 1e8 < found < 1e13 and peak("float32", kernels.variant(), 1) >= found  # the best that was seen
    assert peak("float64", kernels.variant(), 1) < 1.5 * peak("float32", kernels.variant(), 1)


def test_what_is_printed(monkeypatch):
    monkeypatch.setattr(module, "peak", lambda dtype, variant, threads: 4e9)
    title, head, *lines = str(make().profile(X, Y, seconds=0.01)).splitlines()
    assert title.startswith("forward and backward of 6 samples in ") and title.endswith("peak 4 GFLOP/s")
    assert head.split() == [
        *("step", "output", "kernel"),
        *("forward", "ms", "GFLOP/s", "%", "backward", "ms", "GFLOP/s", "%"),
    ]
    assert [line.split()[1] for line in lines[:-1]] == [
        *("conv2d_relu_max_pool2d", "batch_norm", "reshape", "dropout", "dense", "softmax_cross_entropy")
    ]
    assert lines[-1].startswith("together")
    one = str(make(False).profile(X[:1], seconds=0.01))
    assert one.startswith("forward of 1 sample in ") and "backward" not in one


def test_a_rich_table():
    from rich.console import Console

    console = Console(width=200, file=None, record=True, quiet=True)
    profile = make(False).profile(X, seconds=0.01)
    console.quiet = False
    with console.capture() as captured:
        console.print(profile)
    shown = captured.get()
    assert "conv2d_max_pool_forward" in shown and "together" in shown and "┃" in shown


def test_without_fusion_each_op_is_a_step():
    config.disable_fusion()
    try:
        profile = make(False).profile(X, seconds=0.01)
    finally:
        config.enable_fusion()
    assert [s.name for s in profile.steps][:3] == ["conv2d", "relu", "max_pool2d"]


def test_targets_with_weights():
    profile = make().profile(X, Y, sample_weight=np.arange(6), seconds=0.01)
    assert profile.mode == "train"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"x": X, "seconds": 0}, "seconds=0 is not a number above 0"),
        ({"x": X, "seconds": "long"}, "seconds='long' is not a number above 0"),
        ({"x": X[:0]}, "x holds no sample"),
        ({"x": X, "sample_weight": Y}, "sample_weight is given without y"),
        ({"x": X[:, :3]}, r"x has shape \(6, 3, 11, 3\)"),
        ({"x": X, "y": Y[:3]}, "same number of samples"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=f"Model 'net', profile: .*{words}"):
        make().profile(**arguments)


def test_targets_need_a_loss():
    with pytest.raises(ValueError, match=r"compile\(\)"):
        make(compiled=False).profile(X, Y)


def test_a_model_without_an_input_is_built_for_the_data():
    model = Sequential([L.Dense(3)])
    assert [s.output_shape for s in model.profile(np.ones((2, 5)), seconds=0.01).steps] == [(2, 3)]
