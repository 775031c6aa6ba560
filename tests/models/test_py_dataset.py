"""PyDataset in fit, evaluate and predict: order, workers, epochs, errors; and what is left behind."""

import multiprocessing
import os
import threading
import time
from concurrent import futures
from functools import partial

import numpy as np
import pytest

from fastconv import callbacks, utils
from tests.models.data import Log, Seen, line

WORKERS = [{"workers": 0}, {"workers": 1}, {"workers": 3, "max_queue_size": 2}, {"workers": 4}]


class Numbers(utils.PyDataset):
    """Batches whose targets are their numbers; the first ones take longest."""

    def __init__(self, n=6, fail=None, endless=False, **kwargs):
        super().__init__(**kwargs)
        self.n, self.fail, self.endless, self.calls, self.threads = n, fail, endless, [], set()

    @property
    def num_batches(self):
        return None if self.endless else self.n

    def __getitem__(self, index):
        self.threads.add(threading.current_thread().name)
        if index == self.fail:
            raise OSError("no such picture")
        time.sleep(0.002 * (self.n - index > 3))
        return np.zeros((2, 1)), np.full((2, 1), float(index))

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def first(seen):
    """Return the first target of every batch."""
    return [y[0] for y in seen.targets]


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No thread outlives a test."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("settings", WORKERS, ids=str)
def test_batches_come_in_order(settings):
    seen, source = Seen(), Numbers(**settings)
    model = line(metrics=[seen])
    history = model.fit(source, epochs=2, shuffle=False, verbose=0, validation_data=Numbers(3, **settings))
    assert first(seen) == [0, 1, 2, 3, 4, 5, 0, 1, 2] * 2
    assert source.calls == ["begin", "end"] * 2
    assert history.history["val_loss"] == [pytest.approx(5 / 3)] * 2
    assert model.evaluate(source, verbose=0)[0] == pytest.approx(55 / 6)
    assert model.predict(source, verbose=0).shape == (12, 1)
    assert (threading.current_thread().name in source.threads) == (settings["workers"] < 2)


def test_shuffling_takes_each_batch_once():
    seen = Seen()
    utils.set_random_seed(1)
    line(metrics=[seen]).fit(Numbers(20, workers=2), epochs=2, verbose=0)
    orders = first(seen)[:20], first(seen)[20:]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1] != list(range(20))


@pytest.mark.parametrize("settings", WORKERS, ids=str)
@pytest.mark.parametrize("endless", [False, True])
def test_steps_go_on_where_the_last_epoch_stopped(settings, endless):
    seen, source = Seen(), Numbers(4, endless=endless, **settings)
    line(metrics=[seen]).fit(source, epochs=4, steps_per_epoch=2, shuffle=False, verbose=0)
    assert first(seen) == (list(range(8)) if endless else [0, 1, 2, 3] * 2)
    assert source.calls == ["begin", "end"] * 4


FORK = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@FORK
def test_processes():
    seen = Seen()
    line(metrics=[seen]).fit(Numbers(workers=2, use_multiprocessing=True), epochs=2, shuffle=False, verbose=0)
    assert first(seen) == [0, 1, 2, 3, 4, 5] * 2


class Dying(Numbers):
    """Its worker processes end when they are asked for a batch."""

    def __getitem__(self, index):
        os._exit(3)


class Unpickled(Numbers):
    """No other process can have it, unless it is forked."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.function = lambda: None

    def __reduce__(self):
        raise TypeError("cannot pickle it")


@FORK
def test_processes_that_end(monkeypatch):
    model = line()
    with pytest.raises(RuntimeError, match="Dying: a worker could not begin or has ended"):
        model.fit(Dying(workers=2, use_multiprocessing=True), verbose=0)
    spawning = partial(futures.ProcessPoolExecutor, mp_context=multiprocessing.get_context("spawn"))
    monkeypatch.setattr(futures, "ProcessPoolExecutor", spawning)
    with pytest.raises(RuntimeError, match="Unpickled: a worker could not begin .* use_multiprocessing=False"):
        model.fit(Unpickled(workers=2, use_multiprocessing=True), verbose=0)


@pytest.mark.parametrize("settings", [*WORKERS, {"workers": 1, "use_multiprocessing": True}], ids=str)
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
@FORK
def test_an_error_in_a_batch_comes_out(settings, method):
    model = line()
    with pytest.raises(OSError, match="no such picture"):
        getattr(model, method)(Numbers(fail=3, **settings), verbose=0)
    model.fit(np.zeros(2), np.zeros(2), verbose=0)  # nothing is locked


@pytest.mark.parametrize("settings", WORKERS, ids=str)
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupt_leaves_nothing_behind(settings, error):
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise error

    model = line()
    with pytest.raises(error):
        model.fit(Numbers(50, **settings), callbacks=[Stop()], verbose=0)
    model.fit(np.zeros(2), np.zeros(2), verbose=0)


def test_an_interrupt_in_a_generator():
    def batches():
        yield np.zeros((2, 1)), np.zeros((2, 1))
        raise KeyboardInterrupt

    model = line()
    for run in (model.fit, model.evaluate, model.predict):
        with pytest.raises(KeyboardInterrupt):
            run(batches(), verbose=0)
        assert model.predict(np.zeros((2, 1)), verbose=0).shape == (2, 1)


def test_stopping_in_the_middle_of_an_epoch():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    log = Log()
    line().fit(Numbers(50, workers=2), callbacks=[Stop(), log], epochs=3, verbose=0)
    assert log.names.count("on_train_batch_end") == 3


def test_data_that_runs_out():
    for source in (Numbers(3), np.zeros((6, 1))):
        y = None if isinstance(source, Numbers) else np.zeros((6, 1))
        with pytest.warns(UserWarning, match="ran out of data"):
            line().fit(source, y, None if y is None else 2, steps_per_epoch=5, verbose=0)
    with pytest.warns(UserWarning, match="ran out of data"):
        line().fit(((np.zeros((2, 1)), np.zeros((2, 1))) for _ in range(2)), steps_per_epoch=3, verbose=0)


def test_data_without_end_needs_steps():
    for method, argument in (("fit", "steps_per_epoch"), ("evaluate", "steps"), ("predict", "steps")):
        with pytest.raises(ValueError, match=f"Model 'm', {method}: the Numbers has no end.*expected {argument}"):
            getattr(line(), method)(Numbers(endless=True), verbose=0)
    with pytest.raises(ValueError, match="expected validation_steps"):
        line().fit(Numbers(), validation_data=Numbers(endless=True), verbose=0)
    with pytest.raises(ValueError, match="the Numbers has length 0"):
        line().fit(Numbers(0), verbose=0)


@pytest.mark.parametrize(
    "settings", [{"workers": -1}, {"workers": 1.5}, {"workers": 2, "max_queue_size": None}], ids=str
)
def test_numbers_of_workers(settings):
    with pytest.raises(ValueError, match="Numbers: .*expected a whole number, 0 or more"):
        line().fit(Numbers(**settings), verbose=0)


def test_class_weights():
    model = line()
    source = Numbers(2)
    assert model.fit(source, class_weight={1: 3.0}, verbose=0).history["loss"] == [1.5]


def test_a_class_that_forgets_super():
    class Bare(Numbers):
        def __init__(self):
            self.n, self.fail, self.endless, self.calls, self.threads = 2, None, False, [], set()

    with pytest.warns(UserWarning, match="Bare.*super"):
        line().fit(Bare(), verbose=0)


def test_what_a_subclass_must_write():
    class Nothing(utils.PyDataset):
        pass

    with pytest.raises(NotImplementedError, match="Nothing: You need to implement the `num_batches` property"):
        line().fit(Nothing(), verbose=0)
    with pytest.raises(NotImplementedError, match="Nothing: __getitem__"):
        Nothing()[0]
    assert utils.Sequence is utils.PyDataset
    assert [y[0, 0] for _, y in Numbers(3)] == [0, 1, 2]


def test_dicts_name_inputs():
    with pytest.raises(ValueError, match=r"x is a dict with the keys \['image'\]"):
        line().fit(iter([{"image": np.zeros((2, 1))}]), verbose=0)


def test_targets_are_no_hindrance_to_predictions():
    from fastconv import Input, Sequential, layers

    model = Sequential([Input((1,)), layers.Dense(1)])
    assert model.predict(Numbers(3), verbose=0).shape == (6, 1)
