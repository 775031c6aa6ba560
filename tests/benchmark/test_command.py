"""``python -m fastconv bench`` from its options to its tables, with real workers and a stand-in for another library."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastconv
from fastconv.__main__ import main

from . import fakes
from .test_process import is_gone, pids

WORK = "call/1"
scripts = pytest.mark.skipif(os.name == "nt", reason="a script stands in for an interpreter")


def test_fastconv_alone(tmp_path, capsys):
    path = tmp_path / "results.json"
    arguments = ["--no-peers", "--only", "odd.channels", "call/1", "--threads", "2", "--json", str(path)]
    assert main(["bench", "--quick", *arguments]) == 0
    lines = capsys.readouterr().out
    assert "The tutorial's network: inference (images/s)" in lines
    saved = json.loads(path.read_text())
    assert saved["threads"] == 2
    assert list(saved["libraries"]) == ["fastconv"]
    (row,) = saved["groups"]["inference"]
    assert row["name"] == "call/1"
    assert len(row["results"]["fastconv"]["costs"]) == saved["pace"]["rounds"]
    assert row["ratio"] is None


def test_layers_are_told_as_parts_of_the_peak(tmp_path):
    path = tmp_path / "results.json"
    arguments = ["bench", "--quick", "--no-peers", "--threads", "1", "--json", str(path)]
    assert main([*arguments, "--only", "conv/tutorial.conv1/forward"]) == 0
    groups = json.loads(path.read_text())["groups"]
    assert [row["name"] for row in groups["machine"]] == [f"peak/{fastconv.ops.op.kernels.variant()}/1"]
    assert groups["conv/forward"][0]["percent_of_peak"] > 0


@scripts
def test_another_library_stands_beside_it(tmp_path, capsys):
    path = tmp_path / "results.json"
    arguments = ["bench", "--quick", "--peer-python", fakes.write(tmp_path), "--only", "call/1", "--json", str(path)]
    assert main(arguments) == 0
    lines = capsys.readouterr().out
    assert "beside it: stand-in 1.0" in lines
    row = json.loads(path.read_text())["groups"]["inference"][0]
    assert row["results"]["onnxruntime"]["costs"] == [0.5] * 3
    assert row["ratio"] > 1
    assert all(map(is_gone, pids(tmp_path)))


@scripts
def test_one_that_breaks_is_told_in_the_table(tmp_path, capsys):
    changes = "def answer(number, name): say(cost=1.0) if number < 1 else sys.exit('out of order')"
    python = fakes.write(tmp_path, changes)
    assert main(["bench", "--quick", "--peer-python", python, "--only", "call/1", "call/32"]) == 0
    lines = capsys.readouterr()
    assert "failed: onnxruntime, model(x), batch 1: ended with code 1: out of order" in lines.out
    assert "failed: onnxruntime, model(x), batch 32: ended with code 1: out of order" in lines.out
    assert "Traceback" not in lines.out + lines.err
    assert all(map(is_gone, pids(tmp_path)))


@scripts
def test_one_that_does_not_start_is_noted(tmp_path, capsys):
    python = fakes.write(tmp_path, "def serve(): sys.exit('no licence')")
    assert main(["bench", "--quick", "--peer-python", python, "--only", "call/1"]) == 0
    assert "note: onnxruntime does not start: it ended with code 1: no licence" in capsys.readouterr().out


def test_a_choice_of_nothing_ends_with_2(capsys):
    assert main(["bench", "--only", "no such work"]) == 2
    error = capsys.readouterr().err
    assert "python -m fastconv bench: --only no such work chooses nothing" in error
    assert "conv" in error


def test_a_file_that_cannot_be_written_ends_with_a_message(tmp_path, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(f"not allowed: {self}")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(SystemExit, match="python -m fastconv bench: not allowed"):
        main(["bench", "--quick", "--no-peers", "--only", WORK, "--json", str(tmp_path / "a.json")])


def test_fastconv_that_does_not_start_ends_with_a_message(monkeypatch, tmp_path):
    broken = tmp_path / "worker.py"
    broken.write_text("import sys; print('[]') if len(sys.argv) == 1 else sys.exit('broken')")
    monkeypatch.setattr("fastconv.benchmark.process.PROGRAM", broken)
    with pytest.raises(SystemExit, match="fastconv does not start: it ended with code 1: broken"):
        main(["bench", "--quick", "--no-peers", "--only", WORK])


@scripts
def test_ctrl_c_leaves_no_process_behind(tmp_path):
    python = fakes.write(tmp_path, "def answer(number, name): time.sleep(600)")
    paths = [str(Path(fastconv.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    run = subprocess.Popen(
        [sys.executable, "-m", "fastconv", "bench", "--quick", "--peer-python", python, "--only", WORK],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run:
        try:
            run.stdout.readline()  # the first line: all workers have started
            time.sleep(0.5)
            children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
            workers = {*pids(tmp_path), *(map(int, children.read_text().split()) if children.exists() else [])}
            run.send_signal(signal.SIGINT)
            _, errors = run.communicate(timeout=30)
        finally:
            run.kill()  # or a failure would wait for it
    assert run.returncode == 130, errors
    assert errors.strip() == "interrupted"
    assert len(workers) >= 1
    assert all(map(is_gone, workers))
