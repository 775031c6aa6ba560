"""Worker processes: every way in which one may fail is told in a sentence, and none is left behind."""

import os
import sys
from pathlib import Path

import pytest

from fastconv.benchmark import process
from fastconv.benchmark.process import Team, Worker, WorkerError, find_libraries, find_pythons, seconds_to_import
from fastconv.benchmark.works import Work

from . import fakes

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script stands in for an interpreter")
CALL = Work("call/1", "one", "images/s", 1)


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def pids(folder):
    return [int(line) for line in (folder / "pids").read_text().split()]


def test_a_worker_answers(tmp_path):
    with Worker("onnxruntime", fakes.write(tmp_path), 1) as worker:
        assert worker.version == "stand-in 1.0"
        assert worker.kinds == ["call", "train"]
        assert worker.measure("call/1", 0.1) == 0.5
        assert worker.measure("call/2", 0.1) == 0.5
    assert all(map(is_gone, pids(tmp_path)))


@pytest.mark.parametrize(("message", "changes"), fakes.CHANGES.items())
def test_failures_are_told(message, changes, tmp_path, monkeypatch):
    with Worker("onnxruntime", fakes.write(tmp_path, changes), 1) as worker:
        monkeypatch.setattr(process, "TIMEOUT", 0.5 if "0.5 s" in message else 60)
        with pytest.raises(WorkerError) as caught:
            worker.measure("call/1", 0.1)
        assert str(caught.value) == message
        answered = message.startswith(("MemoryError", "answered {"))
        assert worker.alive is answered
    assert all(map(is_gone, pids(tmp_path)))


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("answered {'cost': 1}", "def serve(): say(cost=1)"),
        ("answered 'Hello!'", "def serve(): print('Hello!', flush=True)"),
        ("ended with code 0", "def serve(): pass"),
        ("ended with code 1: ImportError: no such library", "def serve(): raise ImportError('no such library')"),
    ],
)
def test_one_that_does_not_start_is_told(message, changes, tmp_path):
    with pytest.raises(WorkerError) as caught:
        Worker("onnxruntime", fakes.write(tmp_path, changes), 1)
    assert str(caught.value) == message
    assert all(map(is_gone, pids(tmp_path)))


def test_the_dead_are_started_again_but_not_for_ever(tmp_path):
    python = fakes.write(tmp_path, fakes.CHANGES["ended by SIGKILL: a library's chatter"])
    with Team({"onnxruntime": python}, 1) as team:
        team.start()
        assert team.those_for(CALL) == ["onnxruntime"]
        for _ in range(process.MOST_DEATHS):
            with pytest.raises(WorkerError, match="SIGKILL"):
                team.measure("onnxruntime", CALL, 0.1)
        with pytest.raises(WorkerError, match="has died 3 times; it is not asked again"):
            team.measure("onnxruntime", CALL, 0.1)
    assert len(pids(tmp_path)) == process.MOST_DEATHS
    assert all(map(is_gone, pids(tmp_path)))


def test_one_that_answers_with_an_error_lives_on(tmp_path):
    python = fakes.write(tmp_path, "def answer(number, name): say(cost=2) if number else say(error='not now')")
    with Team({"onnxruntime": python}, 1) as team:
        team.start()
        with pytest.raises(WorkerError, match="not now"):
            team.measure("onnxruntime", CALL, 0.1)
        assert team.measure("onnxruntime", CALL, 0.1) == 2
    assert len(pids(tmp_path)) == 1


def test_those_that_do_not_start_are_absent(tmp_path):
    with Team({"onnxruntime": fakes.write(tmp_path, "def serve(): pass")}, 1) as team:
        team.start()
        assert team.absent == {"onnxruntime": "ended with code 0"}
        assert team.those_for(CALL) == []


def test_memory_is_asked_of_a_fresh_process_whose_allocator_is_as_always(tmp_path):
    changes = "def answer(number, name): say(cost=float('MALLOC_TRIM_THRESHOLD_' in os.environ))"
    with Team({"onnxruntime": fakes.write(tmp_path, changes)}, 1) as team:
        assert team.measure("onnxruntime", CALL, 0.1) == 1
        assert team.measure("onnxruntime", CALL, 0.1, fresh=True) == 0
        first, second = pids(tmp_path)
        assert is_gone(second) and not is_gone(first)


def test_imports_are_timed_in_fresh_interpreters(tmp_path):
    assert 0 < seconds_to_import(sys.executable, "fastconv", 1) < 60
    with Team({"onnxruntime": fakes.write(tmp_path)}, 1) as team:
        assert team.measure("onnxruntime", Work("import", "import", "ms"), 0.1) == 0.25
        assert not (tmp_path / "pids").exists()


def test_libraries_are_found(tmp_path):
    assert "fastconv" in find_libraries(sys.executable)
    assert find_libraries(fakes.write(tmp_path)) == ["onnxruntime"]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("#!/bin/sh\necho Hello", "is no Python interpreter: it answered 'Hello'"),
        ("#!/bin/sh\necho 'What?' >&2; exit 2", "ended with code 2: What?"),
        ("#!/no/such/program", "does not run: "),
    ],
)
def test_an_interpreter_that_is_none_is_noted(program, message, tmp_path):
    path = tmp_path / "python"
    path.write_text(program)
    path.chmod(0o755)
    pythons, notes = find_pythons([str(path)], own=False)
    assert pythons == {"fastconv": sys.executable}
    assert len(notes) == 1 and message in notes[0]


def test_an_interpreter_without_libraries_is_noted(tmp_path):
    python = fakes.write(tmp_path)
    text = Path(python).read_text().replace('["onnxruntime", "a library of tomorrow"]', '["fastconv"]')
    Path(python).write_text(text)
    pythons, notes = find_pythons([python], own=False)
    assert pythons == {"fastconv": sys.executable}
    assert notes == [f"{python} has none of torch, torch bf16, keras, onnxruntime"]


def test_the_first_interpreter_that_has_a_library_runs_it(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = fakes.write(tmp_path / "a"), fakes.write(tmp_path / "b")
    assert find_pythons([first, second], own=False)[0]["onnxruntime"] == first


def test_the_number_of_threads_reaches_the_libraries(monkeypatch):
    monkeypatch.setenv("FASTCONV_NUM_THREADS", "7")
    ours, theirs = process.environment("fastconv", 3), process.environment("keras", 3)
    assert ours["FASTCONV_NUM_THREADS"] == ours["OMP_NUM_THREADS"] == theirs["OMP_NUM_THREADS"] == "3"
    assert theirs["KERAS_BACKEND"] == "tensorflow"
    assert "MALLOC_TRIM_THRESHOLD_" in theirs
