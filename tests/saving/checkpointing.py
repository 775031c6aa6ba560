"""A program that saves without end, to be killed: ``python checkpointing.py FOLDER``.

Every file holds weights that are all the same number, so that a mixture shows.
"""

import sys
from pathlib import Path

import numpy as np

import fastconv as keras
from fastconv import layers as L


def model():
    """Return a model of a few hundred kilobytes."""
    return keras.Sequential([keras.Input((100,)), L.Dense(300, name="a"), L.Dense(100, name="b")], name="m")


def run(folder):
    """Save the model under every kind of name, again and again."""
    one, number = model(), 0
    saver = keras.callbacks.ModelCheckpoint(str(folder / "c.keras"))
    saver.set_model(one)
    while True:
        number += 1
        for variable in one.weights:
            variable.assign(np.full(variable.shape, number))
        one.save(folder / "m.keras")
        one.save_weights(folder / "m.weights.h5")
        one.save_weights(folder / "s.weights.json", max_shard_size=1.3e-4)
        saver.on_epoch_end(0, {})
        if number == 1:
            print("saved", flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
