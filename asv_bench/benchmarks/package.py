"""The package: how long it takes to import, and how large it is."""

import fastconv

from .bench import sizes


class Import:
    """A fresh interpreter."""

    params = ["fastconv", "numpy"]
    param_names = ("library",)

    def timeraw_import(self, library):
        return f"import {library}"


class FirstNetwork:
    """A fresh interpreter, from the import to the first prediction."""

    def timeraw_first_prediction(self):
        return """
        import fastconv as keras
        model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3)])
        model.predict_on_batch([[[[0.0]] * 28] * 28])
        """


class Size:
    """Megabytes on disk, and about as many as a wheel has, which is compressed."""

    def track_installed(self):
        return sizes.installed(fastconv) / 1e6

    def track_wheel(self):
        return sizes.compressed(fastconv) / 1e6


Size.track_installed.unit = Size.track_wheel.unit = "MB"
