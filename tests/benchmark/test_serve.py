"""The worker's half of the protocol."""

import io
import json
import os
import subprocess
import sys

import pytest

from fastconv.benchmark import process
from fastconv.benchmark.sides import serve


class Side:
    """Stands in for a library: notes what it is asked to make, and to do."""

    def __init__(self):
        self.made, self.calls = [], 0
        self.makers, self.values = {"train": self.train}, {"size": lambda: 42}

    def train(self, n):
        self.made.append(n)
        if n == "0":
            raise ValueError("no\npictures")
        return self.call

    def call(self):
        self.calls += 1


def answers_to(side, *questions):
    answers = io.StringIO()
    serve.serve(lambda: (side, "stand-in 1.0"), questions, answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_it_greets_and_answers():
    side = Side()
    ready, cost = answers_to(side, "measure train/32 0.0001\n")
    assert ready == {"ready": {"version": "stand-in 1.0", "kinds": ["train", "size"]}}
    assert 0 <= cost["cost"] < 1
    assert side.calls >= serve.FIRST_CALLS + 1 + serve.FEWEST_CALLS


def test_the_same_work_is_made_once():
    side = Side()
    answers_to(side, "measure train/32 0\n", "measure train/32 0\n", "measure train/8 0\n", "measure train/32 0\n")
    assert side.made == ["32", "8", "32"]


def test_values_are_asked_directly():
    assert answers_to(Side(), "measure size 0\n")[1] == {"cost": 42}


def test_errors_are_one_line_and_not_the_end():
    _, first, second, third = answers_to(Side(), "measure train/0 0\n", "measure nonsense 0\n", "measure size 0\n")
    assert first == {"error": "ValueError: no pictures"}
    assert second == {"error": "KeyError: 'nonsense'"}
    assert third == {"cost": 42}


def run_worker(*arguments, questions="", flags=()):
    environment = process.environment("fastconv", 1)
    command = [sys.executable, *flags, str(process.PROGRAM), *arguments]
    done = subprocess.run(command, input=questions, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("flags", [(), ("-P",), ("-B",)])
def test_the_program_tells_libraries(flags):
    (libraries,) = run_worker(flags=flags)
    assert "fastconv" in libraries


def test_the_program_serves_fastconv():
    ready, cost, error = run_worker("fastconv", "1", questions="measure call/1 0\nmeasure conv/none/data 0\n")
    assert ready["ready"]["version"].startswith("fastconv ")
    assert 0 < cost["cost"] < 10
    assert error == {"error": "KeyError: 'none'"}


def test_what_libraries_print_is_no_answer():
    program = f"""
import os, sys
sys.path.insert(0, {os.fspath(process.PROGRAM.parent)!r})
from sides import serve
answers = serve.private_output()
print("chatter")
os.system("echo chatter of C")
answers.write("an answer")
answers.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "an answer"
    assert sorted(done.stderr.split("\n")[:2]) == ["chatter", "chatter of C"]
