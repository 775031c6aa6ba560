"""Several threads and processes at once, interruptions, and errors thrown through `fit`."""

import copy
import itertools
import os
import pickle
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastconv import callbacks
from fastconv import layers as L
from fastconv.models import Sequential
from tests.models.data import classifier, stripes

needs_fork = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs a safe fork()")


def weights_of(model):
    """Return all weights as bytes."""
    return [w.tobytes() for w in model.get_weights()]


def starting_alike(model, seed=0):
    """Give a model weights that depend on the seed alone; return it."""
    rng = np.random.default_rng(seed)
    model.set_weights([0.3 * rng.standard_normal(w.shape) for w in model.get_weights()])
    return model


def wide_network():
    """Return a compiled model whose batches of 64 images take a while."""
    model = Sequential(
        [
            L.Input((32, 32, 16)),
            L.Conv2D(64, 3, activation="relu", padding="same"),
            L.Conv2D(64, 5, activation="relu", padding="same"),
            L.GlobalAveragePooling2D(),
            L.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


# ---- threads ------------------------------------------------------------------------------------------------


def test_eight_threads_predict_on_one_model(rng):
    model, images = starting_alike(classifier()), rng.random((40, 8, 8, 1)).astype(np.float32)
    expected = model.predict(images, verbose=0)
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        own = np.random.default_rng(number)
        for _ in range(60):
            first, n = int(own.integers(0, 20)), int(own.integers(1, 20))
            y = model.predict(images[first : first + n], batch_size=8, verbose=0)
            np.testing.assert_array_equal(y, expected[first : first + n])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(model.plan._lanes) <= 8


def test_eight_threads_build_the_plan_of_one_model(rng):
    """The first prediction makes the plan and digests the weights: of threads that come at once, all are right."""
    images = rng.random((5, 8, 8, 1)).astype(np.float32)
    for seed in range(20):
        model, twin = starting_alike(classifier(), seed), starting_alike(classifier(), seed)
        start = threading.Barrier(8)

        def work(_, model=model, start=start):
            start.wait()
            return model.predict(images, verbose=0).tobytes()

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(work, range(8))) == {twin.predict(images, verbose=0).tobytes()}


def test_two_threads_train_two_models():
    x, y = stripes(60)

    def train(seed):
        model = starting_alike(classifier(), seed)
        model.fit(x, y, epochs=6, batch_size=7, shuffle=False, verbose=0)
        return weights_of(model)

    alone = [train(1), train(2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(train, (1, 2))) == alone


def test_one_thread_trains_while_another_predicts_on_another_model(rng):
    x, y = stripes(60)
    images, other = rng.random((9, 8, 8, 1)).astype(np.float32), starting_alike(classifier(), 5)
    expected = other.predict(images, verbose=0)
    training = threading.Thread(target=lambda: classifier().fit(x, y, epochs=10, batch_size=7, verbose=0))
    training.start()
    while training.is_alive():
        np.testing.assert_array_equal(other.predict(images, verbose=0), expected)
    training.join()


# ---- processes ----------------------------------------------------------------------------------------------

PROCESSES = """
import multiprocessing, os, pickle, sys
import numpy as np
import fastconv as keras
from fastconv import layers as L

x, y = np.random.default_rng(0).random((64, 24, 24, 3)).astype("float32"), np.arange(64) % 3

def make():
    model = keras.Sequential([L.Input((24, 24, 3)), L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(2),
                              L.Flatten(), L.Dense(3, activation="softmax")])
    rng = np.random.default_rng(1)
    model.set_weights([0.1 * rng.standard_normal(w.shape) for w in model.get_weights()])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model

def train(model):
    model.fit(x, y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    return b"".join(w.tobytes() for w in model.get_weights())

def predict(model, part):
    return model.predict(x[part::4], verbose=0).tobytes()

if __name__ == "__main__":
    keras.config.set_num_threads(2)
    expected = train(make())                        # parallel regions before any process is started
    model = make()
    parts = [predict(model, part) for part in range(4)]
    method = sys.argv[1]
    if method == "bare":
        child = os.fork()
        if child == 0:
            import signal
            signal.alarm(50)                        # a child that hangs is killed
            os._exit(0 if train(make()) == expected else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    else:
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.starmap_async(predict, [(model, part) for part in range(4)]).get(50) == parts
            assert pool.map_async(train, [make(), make()]).get(50) == [expected] * 2
    assert train(make()) == expected                # and the parent goes on
    print("right")
"""


@pytest.mark.parametrize(
    "method",
    [
        pytest.param("bare", marks=needs_fork),
        pytest.param("fork", marks=needs_fork),
        "spawn",
        pytest.param("forkserver", marks=needs_fork),
    ],
)
def test_processes(method, tmp_path):
    """Forked children, pools of every kind: a model travels by pickle and comes to the same bits everywhere."""
    (tmp_path / "program.py").write_text(PROCESSES)
    done = subprocess.run(
        [sys.executable, "program.py", method], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "right", done.stderr


# ---- copies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["deep", "pickle"]
)
def test_a_copy_goes_on_as_the_original_would(copied):
    x, y = stripes(30)
    model = starting_alike(classifier())
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)  # adam has a state, and a plan is bound
    twin = copied(model)
    assert weights_of(twin) == weights_of(model)
    assert twin.predict(x, verbose=0).tobytes() == model.predict(x, verbose=0).tobytes()
    for each in (model, twin):
        each.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert weights_of(twin) == weights_of(model)
    twin.set_weights([0 * w for w in twin.get_weights()])
    assert any(w.any() for w in model.get_weights()), "the copy shares memory with the original"


# ---- Ctrl-C -------------------------------------------------------------------------------------------------


class Interrupting(callbacks.Callback):
    """Sends SIGINT some time after a batch has begun, and counts the batches."""

    def __init__(self, at, delay):
        super().__init__()
        self.at, self.delay, self.begun, self.sent = at, delay, 0, None

    def on_train_batch_begin(self, batch, logs=None):
        self.begun += 1
        if batch == self.at:
            threading.Timer(self.delay, self.send).start()

    def send(self):
        self.sent = (self.begun, time.monotonic())
        signal.raise_signal(signal.SIGINT) if os.name == "nt" else os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05])
def test_ctrl_c_stops_within_a_batch_and_leaves_the_model_usable(delay, rng):
    model = starting_alike(wide_network())
    x, y = rng.random((64, 32, 32, 16)).astype(np.float32), np.zeros(64)
    before = threading.active_count()
    interrupting = Interrupting(2, delay)
    with pytest.raises(KeyboardInterrupt):
        model.fit(itertools.repeat((x, y), 200), verbose=0, callbacks=[interrupting])
    begun, sent = interrupting.sent
    assert interrupting.begun - begun <= 1, "batches went on after the signal"
    assert time.monotonic() - sent < 5
    time.sleep(0.01)
    assert threading.active_count() <= before + 1
    assert all(np.isfinite(w).all() for w in model.get_weights())
    twin = wide_network()
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(x[:3], verbose=0), twin.predict(x[:3], verbose=0))
    for each in (model, twin):
        each.fit(x[:64], y[:64], batch_size=16, shuffle=False, verbose=0)
    assert weights_of(model) == weights_of(twin)


# ---- errors on the way --------------------------------------------------------------------------------------


def failing(hook):
    """Return a callback whose `hook` raises."""

    def fail(self, *args):
        raise RuntimeError("on purpose")

    return type("Fails", (callbacks.Callback,), {hook: fail})()


def broken(x, y):
    """Yield two batches, then raise."""
    yield x[:8], y[:8]
    yield x[8:16], y[8:16]
    raise RuntimeError("on purpose")


HOOKS = ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_batch_end"]
HOOKS += ["on_epoch_end", "on_train_end"]


@pytest.mark.parametrize("where", [*HOOKS, "generator", "validation generator"])
def test_an_error_leaves_no_thread_and_no_lock_behind(where):
    x, y = stripes(32)
    model = starting_alike(classifier())
    settings = {"verbose": 0, "batch_size": 8, "validation_data": (x[:8], y[:8])}
    threads = threading.enumerate()
    given = {
        "generator": lambda: {"x": broken(x, y)},
        "validation generator": lambda: {"x": x, "y": y, "validation_data": broken(x, y)},
    }.get(where, lambda: {"x": x, "y": y, "callbacks": [failing(where)], **settings})()
    with pytest.raises(RuntimeError, match="on purpose"):
        model.fit(**{"verbose": 0, **given})
    assert threading.enumerate() == threads
    assert not model.plan._lock.locked()
    with ThreadPoolExecutor(1) as pool:  # a lock that was held would hold this thread up for ever
        history = pool.submit(lambda: model.fit(x, y, **settings)).result(timeout=30)
    assert np.isfinite(history.history["loss"]).all()
    assert len(model.plan._lanes) == 1, "the memory of a batch was not given back"


def test_the_modules_declare_that_they_need_no_gil():
    """Free-threaded Python switches its lock on at the import of a module that does not say so."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("this Python has a GIL")
    program = "import sys, fastconv; print(sys._is_gil_enabled())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
