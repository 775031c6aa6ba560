"""The plan: lowering, programs that are lent and remembered, weights prepared once, threads that share a model."""

import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastconv import kernels
from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.ops import loss
from fastconv.ops import primitives as P
from fastconv.plan import plan as plan_module
from fastconv.plan.lowering import lower
from fastconv.plan.program import Program
from tests.plan.networks import build, make_plan, step


def small():
    """Return a network with one of each kind of step, for images (12, 12, 1)."""
    return [
        L.Conv2D(8, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Dropout(0.5),
        L.Conv2D(9, 3, activation="relu"),
        L.Flatten(),
        L.Dense(10, activation="relu"),
        L.Dense(4, activation="softmax"),
    ]


# ---- lowering


def test_lowering_records_ops_shapes_and_layers():
    layers = [L.Conv2D(4, 3, activation="relu", name="c"), L.Flatten(name="f"), L.Dense(2, name="d")]
    build(layers, (5, 6, 3))
    steps, shapes, out = lower(layers, (5, 6, 3), training=True)
    assert [type(s.op) for s in steps] == [P.Conv2D, P.Relu, P.Reshape, P.Dense]
    assert [(s.x, s.y) for s in steps] == [(0, 1), (1, 2), (2, 3), (3, 4)] and out == 4
    assert shapes == [(1, 5, 6, 3), (1, 3, 4, 4), (1, 3, 4, 4), (1, 48), (1, 2)]
    assert [s.layers for s in steps] == [("c",), ("c",), ("f",), ("d",)]
    assert steps[0].variables == (layers[0].kernel, layers[0].bias) and steps[1].variables == ()


def test_an_activation_is_a_layer_or_an_argument():
    one = [L.Conv2D(4, 3, activation="relu"), L.Dense(2, activation="tanh")]
    two = [L.Conv2D(4, 3), L.ReLU(), L.Dense(2), L.Activation("tanh")]
    plans = [make_plan(layers, (5, 6, 3)) for layers in (one, two)]
    assert [repr(s.op) for s in plans[0].steps] == [repr(s.op) for s in plans[1].steps]


def test_dropout_is_there_in_training_only():
    plan = make_plan(small(), (12, 12, 1), loss.CrossEntropy(sparse=True))
    assert P.Dropout in [type(s.op) for s in plan.steps_of("train")[0]]
    for mode in ("test", "predict"):
        assert P.Dropout not in [type(s.op) for s in plan.steps_of(mode)[0]]


def test_layers_that_do_nothing_make_no_steps():
    plan = make_plan([L.Activation("linear"), L.Dropout(0.0)], (3,), loss.SquaredError())
    assert plan.steps == [] and plan.steps_of("train")[0] == []
    x, t = np.arange(6.0).reshape(2, 3), np.zeros((2, 3))
    result = step(plan, x, t, scale=0.5)
    np.testing.assert_array_equal(result.predictions, x)
    np.testing.assert_allclose(result.total, 0.5 * (x**2).mean(1).sum())


def test_printing_a_plan():
    layers = [
        L.Conv2D(8, 3, activation="relu", name="c"),
        L.MaxPooling2D(2, name="p"),
        L.Flatten(),
        L.Dense(3, name="d"),
    ]
    text = str(make_plan(layers, (12, 12, 1)))
    head, titles, *lines = text.splitlines()
    assert head == f"plan of 3 steps, float32, kernels {kernels.variant()}; for one sample:"
    assert titles.split() == ["step", "input", "output", "kFLOP", *("KB", "out", "KB", "weights"), "layers"]
    assert lines[0].split() == ["0", "conv2d_relu_max_pool2d", "12x12x1", "5x5x8", "14.4", "0.8", "0.3", "c,", "p"]
    assert lines[2].split() == ["2", "dense", "200", "3", "1.2", "0.0", "2.4", "d"]
    assert lines[3].split() == ["together", "15.6", "0.8", "2.7"]
    assert str(make_plan([L.ReLU()], (3,))).startswith("plan of 1 step, float32")


# ---- programs that are lent and remembered


def test_programs_are_remembered():
    plan = make_plan(small(), (12, 12, 1), loss.CrossEntropy(sparse=True))
    with plan.program(3, "predict") as one:
        pass
    with plan.program(3, "predict") as two:
        assert two is one
    with plan.program(3, "test") as three:
        assert three is not one and three.mode == "test"
    with plan.program(4, "predict") as four:
        assert four.n == 4 and four.x.shape == (4, 12, 12, 1)


def test_a_lent_program_is_nobody_elses():
    plan = make_plan(small(), (12, 12, 1))
    with plan.program(3, "predict") as one, plan.program(3, "predict") as two:
        assert one is not two and not np.shares_memory(one.x, two.x)
    with pytest.raises(ZeroDivisionError), plan.program(3, "predict"):
        raise ZeroDivisionError
    assert len(plan._lanes) == 2


def test_only_so_many_batch_sizes_are_remembered():
    plan = make_plan(small(), (12, 12, 1))
    for n in range(1, 40):
        with plan.program(n, "predict"):
            pass
    (lane,) = plan._lanes
    assert len(lane.programs) <= plan_module.PROGRAMS
    largest = max(program.size for program in lane.programs.values())
    assert lane.memory.size == largest


def test_a_larger_batch_between_two_small_ones(rng):
    model = Sequential([L.Input((12, 12, 1)), *small()])
    x = rng.standard_normal((200, 12, 12, 1))
    whole = model.predict_on_batch(x)
    for n in (3, 200, 3, 57, 200, 1, 3):
        np.testing.assert_array_equal(model.predict_on_batch(x[:n]), whole[:n])


def test_changing_weights_between_predictions(rng):
    model = Sequential([L.Input((12, 12, 1)), *small()])
    x = rng.standard_normal((3, 12, 12, 1))
    for _ in range(3):
        weights = [rng.standard_normal(w.shape) for w in model.get_weights()]
        model.set_weights(weights)
        fresh = Sequential([L.Input((12, 12, 1)), *small()])
        fresh.set_weights(weights)
        np.testing.assert_array_equal(model.predict_on_batch(x), fresh.predict_on_batch(x))
    model.layers[0].bias.assign_add(np.ones(8))
    fresh.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict_on_batch(x), fresh.predict_on_batch(x))


def test_another_variant_of_the_kernels_between_predictions(rng):
    model = Sequential([L.Input((12, 12, 1)), *small()])
    x = rng.standard_normal((3, 12, 12, 1))
    expected = model.predict_on_batch(x)
    for _ in range(2):
        for name in kernels.runnable():
            with kernels.use(name):
                np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-5, atol=1e-7)
                model.layers[0].bias.assign(model.layers[0].bias.array)
    np.testing.assert_array_equal(model.predict_on_batch(x), expected)


def test_predictions_do_not_depend_on_the_batch(rng, variant):
    model = Sequential([L.Input((12, 12, 1)), *small()])
    x = rng.standard_normal((70, 12, 12, 1))
    whole = model.predict_on_batch(x)
    np.testing.assert_array_equal(np.concatenate([model.predict_on_batch(x[i : i + 1]) for i in range(70)]), whole)
    np.testing.assert_array_equal(model.predict(x, batch_size=33, verbose=0), whole)


def test_what_a_prediction_returned_stays(rng):
    model = Sequential([L.Input((12, 12, 1)), *small()])
    first = model.predict_on_batch(rng.standard_normal((3, 12, 12, 1)))
    copy = first.copy()
    model.predict_on_batch(rng.standard_normal((3, 12, 12, 1)))
    np.testing.assert_array_equal(first, copy)


def test_unfreezing_between_steps(rng):
    layers = [L.Dense(4, "tanh"), L.Dense(2)]
    plan = make_plan(layers, (3,), loss.SquaredError())
    x, t = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))

    def gradients():
        with plan.program(5, "train") as program:
            program.x[...], program.losses[0].targets[...] = x, t
            program.run()
        return [plan.gradient(v).copy() for v in plan.trainable]

    layers[0].trainable = False
    assert len(gradients()) == 2
    layers[0].trainable = True
    assert all((g != 0).any() for g in gradients())


# ---- several Python threads on one model


def answers(model, batches):
    return [model.predict_on_batch(x) for x in batches]


def test_two_threads_predict_on_one_model(rng):
    model = Sequential([L.Input((12, 12, 1)), *small()])
    batches = [rng.standard_normal((n, 12, 12, 1)) for n in (1, 5, 32, 3, 17, 2)]
    expected = answers(model, batches)
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(answers, model, batches[i % 3 :]) for i in range(24)]
        for i, job in enumerate(jobs):
            for actual, right in zip(job.result(), expected[i % 3 :], strict=True):
                np.testing.assert_array_equal(actual, right)
    assert len(model.plan._lanes) <= 3


def test_threads_and_weights_that_change_between_their_turns(rng):
    model = Sequential([L.Input((12, 12, 1)), *small()])
    x = rng.standard_normal((4, 12, 12, 1))
    with ThreadPoolExecutor(3) as pool:
        for _ in range(10):
            model.set_weights([rng.standard_normal(w.shape) for w in model.get_weights()])
            results = list(pool.map(lambda _: model.predict_on_batch(x), range(6)))
            fresh = Sequential([L.Input((12, 12, 1)), *small()])
            fresh.set_weights(model.get_weights())
            expected = fresh.predict_on_batch(x)
            for result in results:
                np.testing.assert_array_equal(result, expected)


def meet(barrier):
    """Wait for the other thread, but not for ever: a lock may keep it away."""
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=0.5)


def at_once(function, count=2):
    """Return what a function returns in several threads at once."""
    with ThreadPoolExecutor(count) as pool:
        return [job.result() for job in [pool.submit(function) for _ in range(count)]]


def test_two_threads_make_their_first_programs_at_once():
    plan = make_plan([L.Dense(4)], (3,))
    barrier = threading.Barrier(2)

    class Meeting(dict):
        """Both threads have looked before one of them stores."""

        def __contains__(self, key):
            found = super().__contains__(key)
            meet(barrier)
            return found

    plan._prepared = Meeting()
    programs = at_once(lambda: Program(plan, 2, "predict", 1))
    one, two = (program._parts[0]["packed"] for program in programs)
    assert one is two


def test_the_first_two_predictions_come_at_once(rng, monkeypatch):
    from fastconv.models import model as model_module

    barrier = threading.Barrier(2)

    class SlowPlan(model_module.Plan):
        """Both threads make a plan before one of them uses it."""

        def __init__(self, *args):
            super().__init__(*args)
            meet(barrier)

    model = Sequential([L.Input((12, 12, 1)), *small()])
    monkeypatch.setattr(model_module, "Plan", SlowPlan)
    plans = at_once(lambda: model.plan)
    assert plans[0] is plans[1]


def test_many_threads_on_new_models(rng):
    layers = [L.Dense(40), L.Dense(3)]
    build(layers, (30,))
    x = rng.standard_normal((2, 30))
    expected = layers[1](layers[0](x))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(20):
            model = Sequential([L.Input((30,)), *layers])
            model.plan  # noqa: B018 made before the threads come
            for result in at_once(lambda model=model: model.predict_on_batch(x), 4):
                np.testing.assert_array_equal(result, expected)
    finally:
        sys.setswitchinterval(interval)


# ---- state


def moved(layer, before):
    """Tell which weights of a layer are not what they were."""
    return [not np.array_equal(a, b) for a, b in zip(layer.get_weights(), before, strict=True)]


def test_only_training_steps_move_statistics(rng):
    model = Sequential([L.Input((3,)), L.Dense(4), L.BatchNormalization(), L.Dense(2)])
    model.compile("sgd", "mse")
    norm, x, y = model.layers[1], rng.standard_normal((8, 3)), rng.standard_normal((8, 2))
    before = norm.get_weights()
    model.predict(x, verbose=0), model.evaluate(x, y, verbose=0), model(x), model.test_on_batch(x, y)
    assert not any(moved(norm, before))
    model.train_on_batch(x, y)
    assert all(moved(norm, before))


def test_a_layer_that_is_frozen_behind_compile_is_frozen_at_once(rng):
    model = Sequential([L.Input((3,)), L.Dense(4), L.BatchNormalization(), L.Dense(2)])
    model.compile("sgd", "mse")
    norm, x, y = model.layers[1], rng.standard_normal((8, 3)), rng.standard_normal((8, 2))
    for frozen in (False, True, False, True):
        norm.trainable = not frozen
        before = norm.get_weights()
        model.train_on_batch(x, y)
        assert moved(norm, before) == [not frozen] * 4


def test_a_call_in_training_mode_moves_statistics_and_versions(rng):
    norm = L.BatchNormalization(momentum=0.5)
    x = rng.standard_normal((8, 3))
    norm(x, training=True)
    assert [v.version for v in norm.weights] == [0, 0, 1, 1]
    np.testing.assert_allclose(norm.moving_mean.numpy(), x.mean(0) / 2, rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.numpy(), 0.5 + x.var(0) / 2, rtol=1e-5)
    before = norm.get_weights()
    norm(x), norm(x[:0], training=True)
    assert not any(moved(norm, before))
