"""``python -m fastconv``: options, messages, exit codes, and the demonstration with the real network."""

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import fastconv
import fastconv.__main__ as command
from fastconv.datasets import fashion_mnist

REAL = pytest.mark.skipif(not hasattr(fastconv, "Sequential"), reason="this build has no models")


class Network:
    """Stands in for the model: notes how it is called, and takes 2 s for an epoch and 3 s to validate."""

    layers = ()

    def __init__(self, clock):
        self.clock = clock
        self.fits = []

    def summary(self):
        print("Model: stand-in")

    def fit(self, x, y, batch_size, epochs, validation_data, callbacks):
        self.fits.append((x.shape, x.dtype.name, float(x.max()), y.shape, batch_size, epochs))
        for epoch in range(epochs):
            for callback in callbacks:
                callback.on_epoch_begin(epoch)
                self.clock.now += 2
                callback.on_test_begin()
                self.clock.now += 3
                callback.on_epoch_end(epoch)

    def evaluate(self, x, y, batch_size, verbose, return_dict):
        assert (verbose, return_dict) == (0, True)
        return {"loss": 1.0, "accuracy": 0.87654}

    def predict(self, x, batch_size, verbose):
        self.clock.now += len(x) / 1000


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(command, "time", clock)
    return clock


@pytest.fixture
def network(monkeypatch, clock):
    """Put a stand-in where the model and the picture of it would be."""
    network = Network(clock)
    monkeypatch.setattr(command, "build", lambda: network)
    monkeypatch.setattr(fastconv, "callbacks", types.SimpleNamespace(Callback=type("Callback", (), {})), raising=False)
    figure = types.SimpleNamespace(savefig=lambda path: path.write_bytes(b"picture"))
    monkeypatch.setattr("fastconv.visualize.feature_maps", lambda model, image, class_names: figure)
    return network


def test_the_demonstration_prints_its_results(network, tmp_path, capsys):
    picture = tmp_path / "picture.png"
    arguments = ["demo", "--data", "small", "--epochs", "4", "--batch-size", "16", "--picture", str(picture)]
    assert command.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "data: Fashion-MNIST, the small part that comes with fastconv: 4,000 training and 800 test images",
        "Model: stand-in",
        "trained:  2,000 images a second",
        "inferred: 1,000 images a second",
        f"picture: {picture}",
        "test accuracy: 0.8765",
    ]
    assert network.fits == [((4000, 28, 28, 1), "float32", 1.0, (4000,), 16, 4)]
    assert picture.read_bytes() == b"picture"


def test_a_validation_that_is_not_announced_counts_as_training(clock, monkeypatch, network):
    watch = command._make_stopwatch()
    watch.on_epoch_begin(0)
    clock.now += 5
    watch.on_epoch_end(0)
    assert watch.seconds == 5


def test_the_full_set_is_taken_if_it_is_there(monkeypatch, capsys):
    labels = np.zeros(2, np.uint8)
    images = np.full((2, 28, 28), 51, np.uint8)
    monkeypatch.setattr(fashion_mnist, "load_data", lambda: ((images, labels), (images[:1], labels[:1])))
    monkeypatch.setattr(fashion_mnist, "find", lambda: "some folder")
    (x_train, _), (x_test, _) = command.load()
    assert "the full set from some folder: 2 training and 1 test images" in capsys.readouterr().out
    assert x_train.dtype == np.float32
    np.testing.assert_array_equal(x_test, np.full((1, 28, 28, 1), np.float32(0.2)))
    monkeypatch.setattr(fashion_mnist, "find", lambda: None)
    assert len(command.load()[0][0]) == 4000


def test_data_that_are_missing_end_with_a_message(monkeypatch):
    def fail():
        raise FileNotFoundError("no data, and what to do")

    monkeypatch.setattr(fashion_mnist, "load_data", fail)
    with pytest.raises(SystemExit) as caught:
        command.main(["demo", "--data", "full"])
    assert caught.value.code == "python -m fastconv demo: no data, and what to do"


def test_without_matplotlib_the_demonstration_says_how_to_get_it(network, monkeypatch, tmp_path, capsys):
    def fail(model, image, class_names):
        raise ImportError("it needs something")

    monkeypatch.setattr("fastconv.visualize.feature_maps", fail)
    monkeypatch.chdir(tmp_path)
    assert command.main(["demo", "--data", "small"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "picture: none; it needs something",
        "test accuracy: 0.8765",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_ends_with_a_message(network, monkeypatch, tmp_path):
    def fail(path):
        raise PermissionError(f"not allowed: {path}")

    figure = types.SimpleNamespace(savefig=fail)
    monkeypatch.setattr("fastconv.visualize.feature_maps", lambda model, image, class_names: figure)
    with pytest.raises(SystemExit, match="python -m fastconv demo: not allowed: "):
        command.main(["demo", "--data", "small", "--picture", str(tmp_path / "a.png")])


def test_ctrl_c_ends_with_130(network, monkeypatch, tmp_path, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(network, "fit", interrupt)
    assert command.main(["demo", "--data", "small", "--picture", str(tmp_path / "a.png")]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_seed_and_threads_are_set(monkeypatch):
    called = {}
    monkeypatch.setattr("fastconv.utils.set_random_seed", lambda seed: called.update(seed=seed))
    monkeypatch.setattr("fastconv.runtime.threads.set_num_threads", lambda n: called.update(threads=n))
    command.prepare(None, None)
    assert called == {}
    command.prepare(0, 2)
    assert called == {"seed": 0, "threads": 2}


BAD_OPTIONS = {
    "": "the following arguments are required: {demo,info,bench}",
    "dmeo": "invalid choice: 'dmeo'",
    "info --epochs 1": "unrecognized arguments: --epochs 1",
    "demo --epochs 0": "argument --epochs: '0' is not a whole number that is at least 1",
    "demo --epochs 1.5": "argument --epochs: '1.5' is not a whole number that is at least 1",
    "demo --batch-size -1": "argument --batch-size: '-1' is not a whole number that is at least 1",
    "demo --threads none": "argument --threads: 'none' is not a whole number that is at least 1",
    "demo --seed 4294967296": "argument --seed: '4294967296' is not a whole number from 0 to 4294967295",
    "demo --data big": "argument --data: invalid choice: 'big'",
    "demo --picture none/a.png": "argument --picture: 'none/a.png': there is no folder 'none'",
    "demo --picture .": "argument --picture: '.' is a folder; expected a file",
    "bench --threads 0": "argument --threads: '0' is not a whole number that is at least 1",
    "bench --json none/a.json": "argument --json: 'none/a.json': there is no folder 'none'",
    "bench --only": "argument --only: expected at least one argument",
    "bench --peer-python none/python": "argument --peer-python: there is no program 'none/python'",
    "bench --no-peers --peer-python python": "argument --peer-python: ",
}


@pytest.mark.parametrize(("arguments", "message"), BAD_OPTIONS.items())
def test_bad_options_end_with_2_and_a_reason(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        command.main(arguments.split())
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_picture_of_an_unknown_kind_is_refused_before_the_training(capsys):
    pytest.importorskip("matplotlib")
    with pytest.raises(SystemExit) as caught:
        command.main(["demo", "--picture", "a.xyz"])
    assert caught.value.code == 2
    assert re.search(r"'a.xyz' ends in none of .*\.png", capsys.readouterr().err)


@pytest.mark.parametrize("arguments", ["--help", "demo --help", "info --help", "bench --help"])
def test_help_is_there(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(arguments.split())
    assert caught.value.code == 0
    assert "usage: python -m fastconv" in capsys.readouterr().out


def run(tmp_path, *arguments):
    """Run the command as a person does, in an empty folder."""
    paths = [str(Path(fastconv.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-m", "fastconv", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONIOENCODING": "utf-8"},
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def test_info_prints_what_the_build_can_do(tmp_path):
    done = run(tmp_path, "info")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("versions\n")


@REAL
def test_the_real_network_learns(tmp_path):
    pytest.importorskip("matplotlib")
    done = run(tmp_path, "demo", "--data", "small", "--epochs", "1", "--seed", "1", "--threads", "2")
    assert done.returncode == 0, done.stderr
    assert "\r" not in done.stdout
    assert "125/125" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"test accuracy: 0\.\d{4}", last)
    assert float(last.split()[-1]) > 0.65
    assert (tmp_path / "fastconv-demo.png").read_bytes().startswith(b"\x89PNG")


@REAL
def test_the_same_seed_gives_the_same_accuracy_with_any_number_of_threads(tmp_path):
    arguments = (
        "demo",
        "--data",
        "small",
        "--epochs",
        "1",
        "--batch-size",
        "100",
        "--seed",
        "3",
        "--threads",
    )
    one, two = (run(tmp_path, *arguments, threads).stdout.splitlines()[-1] for threads in "12")
    assert one.startswith("test accuracy: ")
    assert one == two
