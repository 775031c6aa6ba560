"""Damaged files of every kind: each is loaded, or refused with a documented error; see `fuzz`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastconv as keras
from tests.saving.models import data, graph, small
from tests.saving.older import save_older

FUZZ = Path(__file__).with_name("fuzz.py")
KINDS = (
    "keras_bytes", "keras_deflated", "keras_config", "graph_config", "keras_weights",
    "weights", "shards", "older", "json_text", "backup",
)  # fmt: skip

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits memory as Linux does")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of good files."""
    folder = tmp_path_factory.mktemp("fuzz")
    good = folder / "good"
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        *data(), verbose=0, callbacks=[keras.callbacks.BackupAndRestore(good, save_freq=1, delete_checkpoint=False)]
    )
    model.save(good / "m.keras")
    graph().save(good / "g.keras")
    model.save_weights(good / "m.weights.h5")
    model.save_weights(good / "s.weights.json", max_shard_size=1e-6)
    (good / "m.json").write_text(model.to_json())
    save_older(model, good / "m.h5")
    return folder


def fuzz(kind, first, count, folder, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(keras.__file__).parent.parent), "FASTCONV_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(FUZZ), kind, str(first), str(count), str(folder)],
        capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=3600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{(folder / 'seed').read_text()}: {done.returncode}\n{done.stderr[-3000:]}"
    assert list(tmp_path.iterdir()) == []
    assert {path.name for path in folder.iterdir()} <= {"good", "work", "seed"}
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_a_few(kind, folder, tmp_path):
    outcomes = fuzz(kind, 0, 100, folder, tmp_path)
    assert sum(outcomes.values()) == 100 and len(outcomes) > 1  # some are refused, and some are not hurt


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_thousands(kind, folder, tmp_path, capsys):
    outcomes = fuzz(kind, 1_000, 5_000, folder, tmp_path)
    with capsys.disabled():
        print(f"\nfuzz {kind}: {outcomes}")
    assert sum(outcomes.values()) == 5_000
