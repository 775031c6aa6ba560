"""Kernels in a row as one call: the same bits however many threads it gets, and Ctrl-C between two kernels."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastconv import kernels
from fastconv import layers as L
from fastconv.models import Sequential
from tests.plan.networks import tutorial

K = kernels.for_dtype("float32")
IN_A_ROW = 12  # enough calls for threads to be asked for


def softmax(rows, columns=64):
    """Return a kernel and the array that it writes."""
    y = np.full((rows, columns), np.nan, np.float32)
    return K.softmax_forward(np.zeros((rows, columns), np.float32), y), y


def test_all_kernels_run_in_order():
    x, y, z = np.full(3, -2, np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    first = K.relu_forward(x, y, 0.5, 0, np.inf)
    second = K.relu_forward(y, z, 0.5, 0, np.inf)
    K.Sequence([first, second])()
    assert (y.tolist(), z.tolist()) == ([-1, -1, -1], [-0.5, -0.5, -0.5])


def test_an_empty_sequence_does_nothing():
    assert K.Sequence([])() is None


def test_only_kernels_are_taken():
    with pytest.raises(TypeError, match=r"Cannot convert builtin_function_or_method to .*Kernel"):
        K.Sequence([print])


def test_a_sequence_keeps_its_kernels_alive():
    kernel, y = softmax(4)
    sequence = K.Sequence([kernel])
    del kernel
    sequence()
    assert np.all(y == 1 / 64)


def test_one_image_has_the_same_bits_on_any_number_of_threads(variant, set_num_threads, rng):
    model = Sequential([L.Input((28, 28, 1)), *tutorial()])
    x = rng.random((1, 28, 28, 1), np.float32)
    results = set()
    for count in (1, 2, 3, 5):
        set_num_threads(count)
        results |= {model(x).tobytes() for _ in range(IN_A_ROW)}
    assert len(results) == 1


def test_python_threads_share_the_threads(set_num_threads, rng):
    set_num_threads(2)
    model = Sequential([L.Input((28, 28, 1)), *tutorial()])
    images = rng.random((4, 1, 28, 28, 1), np.float32)
    alone = [model(x) for x in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(model, [*images] * 25))
    for i, y in enumerate(together):
        assert np.array_equal(y, alone[i % 4])


class StopNowError(Exception):
    """What a signal raises here."""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_signal_stops_a_sequence_between_two_kernels():
    slow, _ = softmax(5000)
    start = time.perf_counter()
    slow()
    count = int(2 / (time.perf_counter() - start)) + 10  # two seconds of them
    last, untouched = softmax(4)

    def stop(*_):
        raise StopNowError

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        with pytest.raises(StopNowError):
            K.Sequence([*[slow] * count, last])()
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert np.isnan(untouched).all(), "the last kernel must not have run"
    K.Sequence([last])()
    assert np.all(untouched == 1 / 64), "the next sequence runs as ever"


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_after_a_late_call_there_is_one_thread_less_for_a_while():
    """A call that lasts far longer than it can has waited for a processor; here it waits for a signal's handler."""
    y = np.empty(2 * K.VECTOR, np.float32)  # each thread writes a vector of its own
    kernel = K.multiply_adds(y, 20_000, threads=2)
    took = min(timed(kernel) for _ in range(3))
    sequence = K.Sequence([kernel] * (int(0.1 / took) + 1))  # long enough for a look at signals
    before = signal.signal(signal.SIGUSR1, lambda *_: time.sleep(0.25))

    def until(condition, seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if condition():
                return True
        return False

    def called_with(threads, late=False):
        """Call the sequence; tell whether it got so many threads."""
        y[:] = np.nan
        timer = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGUSR1))
        if late:
            timer.start()
        sequence()
        if late:
            timer.join()
        return np.isfinite(y).sum() == threads * K.VECTOR

    try:
        called_with(2)
        assert until(lambda: called_with(2, late=True), 30), "a machine so busy that threads are withheld all the time"
        assert called_with(1), "the next call must do with one thread less"
        assert until(lambda: called_with(2), 90), "that passes"
    finally:
        signal.signal(signal.SIGUSR1, before)
