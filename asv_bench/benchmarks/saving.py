"""Files: a model's weights and whole models, to and fro; beside NumPy's own files of the same arrays."""

import tempfile
from pathlib import Path

import numpy as np

import fastconv

from .bench import side

WEIGHTS = {"fastconv": "model.weights.h5", "numpy": "model.npz"}


class Saving:
    """The tutorial's network; a version or an installation that cannot do it is no failure."""

    params = list(WEIGHTS)
    param_names = ("library",)

    def setup(self, library):
        """Make the network, and files to load."""
        self.model = side().model()
        self.folder = tempfile.TemporaryDirectory()
        self.file = str(Path(self.folder.name) / WEIGHTS[library])
        if library == "fastconv":
            require(hasattr(self.model, "save_weights"), "h5py")
            self.save, self.load = (
                lambda: self.model.save_weights(self.file),
                lambda: self.model.load_weights(self.file),
            )
        else:
            self.save, self.load = lambda: np.savez(self.file, *self.model.get_weights()), self._load_arrays
        self.save()

    def _load_arrays(self):
        with np.load(self.file) as arrays:
            self.model.set_weights([arrays[name] for name in arrays.files])

    def teardown(self, library):
        """Remove the files."""
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def time_save_weights(self, library):
        self.save()

    def time_load_weights(self, library):
        self.load()


class WholeModel:
    """A ``.keras`` file with the network, its weights and its optimizer."""

    def setup(self):
        """Make the network, and a file to load."""
        self.model = side().model()
        self.folder = tempfile.TemporaryDirectory()
        self.file = str(Path(self.folder.name) / "model.keras")
        require(hasattr(self.model, "save") and hasattr(fastconv.models, "load_model"), "h5py")
        self.model.save(self.file)

    def teardown(self):
        """Remove the file."""
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def time_save(self):
        self.model.save(self.file)

    def time_load(self):
        fastconv.models.load_model(self.file)

    def track_size(self):
        return Path(self.file).stat().st_size / 1e6


WholeModel.track_size.unit = "MB"


def require(there, module):
    """Raise NotImplementedError, which asv shows as n/a, unless the version can do it and the module is installed."""
    try:
        __import__(module)
    except ImportError:
        there = False
    if not there:
        raise NotImplementedError
