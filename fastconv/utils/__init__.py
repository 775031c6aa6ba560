"""Small helpers under Keras's names: seeds, label and array helpers, the progress bar."""

from fastconv.callbacks.progbar import Progbar
from fastconv.utils.arrays import normalize, to_categorical
from fastconv.utils.seeding import set_random_seed

__all__ = ["Progbar", "normalize", "set_random_seed", "to_categorical"]
