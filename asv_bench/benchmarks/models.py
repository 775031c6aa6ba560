"""The tutorial's network: what a user waits for."""

import numpy as np

import fastconv as keras

from .baseline import TutorialNetwork


def tutorial():
    """Return the network, compiled."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D(2, 2),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D(2, 2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def batch(n):
    """Return `n` images and their labels."""
    rng = np.random.default_rng(0)
    return rng.random((n, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, n)


class Train:
    """One training step."""

    params = ([32, 128, 512], ["fastconv", "numpy"])
    param_names = ("batch", "library")

    def setup(self, n, library):
        """Run the first step, which plans the buffers."""
        self.x, self.y = batch(n)
        if library == "fastconv":
            self.step = tutorial().train_on_batch
        else:
            self.step = TutorialNetwork().train_step
        self.step(self.x, self.y)

    def time_step(self, n, library):
        self.step(self.x, self.y)

    def peakmem_step(self, n, library):
        self.step(self.x, self.y)


class Predict:
    """A prediction, by ``predict`` and by a call."""

    params = ([1, 32, 256], ["fastconv", "numpy"])
    param_names = ("batch", "library")

    def setup(self, n, library):
        """Predict once, which plans the buffers."""
        self.x, _ = batch(n)
        if library == "fastconv":
            model = tutorial()
            self.predict, self.call = (lambda x: model.predict(x, batch_size=n, verbose=0)), model
        else:
            self.predict = self.call = TutorialNetwork().predict
        self.predict(self.x)
        self.call(self.x)

    def time_predict(self, n, library):
        self.predict(self.x)

    def time_call(self, n, library):
        self.call(self.x)


class Epoch:
    """``fit`` with all that surrounds the steps."""

    params = [32, 128]
    param_names = ("batch",)

    def setup(self, n):
        """Fit once, which plans the buffers."""
        self.x, self.y = batch(2048)
        self.model = tutorial()
        self.time_fit(n)

    def time_fit(self, n):
        self.model.fit(self.x, self.y, batch_size=n, epochs=1, verbose=0)


class Import:
    """A fresh interpreter."""

    params = ["fastconv", "numpy"]
    param_names = ("library",)

    def timeraw_import(self, library):
        return f"import {library}"
