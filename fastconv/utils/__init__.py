"""Helpers under Keras's names: seeds, labels, arrays, data sets, the progress bar."""

from fastconv.callbacks.progbar import Progbar
from fastconv.models.py_dataset import PyDataset
from fastconv.utils.arrays import normalize, to_categorical
from fastconv.utils.seeding import set_random_seed

Sequence = PyDataset  # as Keras calls it too

__all__ = ["Progbar", "PyDataset", "Sequence", "normalize", "set_random_seed", "to_categorical"]
