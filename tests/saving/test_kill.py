"""A program that saves is killed at random moments: every file is whole each time."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastconv as keras
from tests.saving import checkpointing

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing can be killed like this here")
ROOT = str(Path(keras.__file__).parent.parent)
ENVIRONMENT = {**os.environ, "PYTHONPATH": ROOT, "FASTCONV_NUM_THREADS": "1"}


def killed(folder, rng):
    """Start the program, kill it after a while."""
    program = subprocess.Popen(
        [sys.executable, checkpointing.__file__, str(folder)], stdout=subprocess.PIPE, env=ENVIRONMENT
    )
    try:
        assert program.stdout.readline() == b"saved\n"
        time.sleep(rng.random() * 0.08)
    finally:
        program.kill()
        program.communicate()


def number_of(model):
    """Return the one number that all weights are."""
    values = {float(value) for array in model.get_weights() for value in (array.min(), array.max())}
    assert len(values) == 1, f"torn: {values}"
    return values.pop()


def check(folder):
    """Load every file; return the numbers in them."""
    numbers = [number_of(keras.models.load_model(folder / name)) for name in ("m.keras", "c.keras")]
    for name in ("m.weights.h5", "s.weights.json"):
        model = checkpointing.model()
        model.load_weights(folder / name)
        numbers.append(number_of(model))
    assert max(numbers) - min(numbers) <= 1
    return numbers


def kill_many(folder, times, rng):
    seen = set()
    for _ in range(times):
        for path in folder.iterdir():
            path.unlink()
        killed(folder, rng)
        seen.add(tuple(check(folder)))
    return seen


def test_a_few(tmp_path):
    kill_many(tmp_path, 4, random.Random(1))


@pytest.mark.slow
def test_two_hundred(tmp_path, capsys):
    seen = kill_many(tmp_path, 200, random.Random(2))
    with capsys.disabled():
        print(f"\n200 kills, 800 files loaded, 0 torn, {len(seen)} different moments")
    assert len(seen) > 10


# -- a training that is killed for good


TRAINING = """
import sys
import fastconv as keras
from tests.saving.models import data, small

keras.utils.set_random_seed(int(sys.argv[2]))
model = small()
head = model.pop()
model.add(keras.layers.Dropout(0.1))
model.add(head)
model.compile("adam", "sparse_categorical_crossentropy")
backup = keras.callbacks.BackupAndRestore(sys.argv[1], save_freq=3)
if len(sys.argv) > 3:
    class Slow(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            print(batch, flush=True)
    callbacks = [backup, Slow()]
else:
    callbacks = [backup]
model.fit(*data(64), batch_size=8, epochs=30, verbose=0, callbacks=callbacks)
model.save(sys.argv[1] + ".keras")
"""


def test_a_training_that_is_killed_ends_with_the_same_bits(tmp_path):
    environment = {**ENVIRONMENT, "PYTHONPATH": ROOT}

    def command(name, seed, *more):
        return [sys.executable, "-c", TRAINING, str(tmp_path / name), str(seed), *more]

    subprocess.run(command("through", 1), check=True, env=environment, timeout=120)
    rng, kills = random.Random(3), 0
    for seed in range(1, 4):
        program = subprocess.Popen(command("killed", seed, "slow"), stdout=subprocess.PIPE, env=environment)
        for _ in range(rng.randrange(20, 60)):
            program.stdout.readline()
        kills += program.poll() is None
        program.kill()
        program.communicate()
    subprocess.run(command("killed", 9), check=True, env=environment, timeout=120)
    through, again = (keras.models.load_model(tmp_path / f"{name}.keras") for name in ("through", "killed"))
    assert kills and not (tmp_path / "killed").exists()
    for a, b in zip(through.get_weights(), again.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    for a, b in zip(through.optimizer.variables, again.optimizer.variables, strict=True):
        assert a.array.tobytes() == b.array.tobytes()
