"""The networks by any library with Keras's names: fastconv, and Keras itself."""

import numpy as np

from . import sizes
from .nets import NETS, build, net_batch
from .workloads import EPOCH, batch

STEPS_TO_THE_PEAK = 10


class Network:
    """What a side needs for the works of the network.

    Parameters
    ----------
    keras : module
        Keras, or a library with its names.
    """

    def __init__(self, keras):
        self.keras = keras
        self.makers = {"train": self.train, "fit": self.fit, "call": self.call, "predict": self.predict}
        self.makers |= {"step": self.step, "infer": self.infer}
        self.values = {"memory": self.memory}

    def model(self):
        """Return the tutorial's network, compiled."""
        layers = self.keras.layers
        model = self.keras.Sequential(
            [
                self.keras.Input((28, 28, 1)),
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

    def train(self, n):
        """Return a training step of `n` pictures."""
        model, (x, y) = self.model(), batch(int(n))
        return lambda: model.train_on_batch(x, y)

    def fit(self, n):
        """Return an epoch in batches of `n`, with all that surrounds the steps."""
        model, (x, y) = self.model(), batch(EPOCH)
        return lambda: model.fit(x, y, batch_size=int(n), epochs=1, verbose=0)

    def call(self, n):
        """Return a call of the model on `n` pictures, arrays in and out."""
        model, (x, _) = self.model(), batch(int(n))
        return lambda: np.asarray(model(x))

    def predict(self, n):
        """Return a prediction for `n` pictures in one batch."""
        model, (x, _) = self.model(), batch(int(n))
        return lambda: model.predict(x, batch_size=int(n), verbose=0)

    # -- other networks -----------------------------------------------------------------------------------
    def net(self, name):
        """Return one of `NETS`, compiled."""
        layers, net = self.keras.layers, NETS[name]

        def conv(x, row):
            filters, kernel, stride = row.settings
            return layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)

        def depthwise(x, row):
            kernel, stride = row.settings
            return layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(x)

        make = {
            "conv": conv,
            "depthwise": depthwise,
            "norm": lambda x, row: layers.BatchNormalization()(x),
            "relu": lambda x, row: layers.ReLU()(x),
            "relu6": lambda x, row: layers.ReLU(6.0)(x),
            "sum": lambda x, other, row: layers.Add()([x, other]),
            "mean": lambda x, row: layers.GlobalAveragePooling2D()(x),
            "dense": lambda x, row: layers.Dense(*row.settings)(x),
        }
        images = self.keras.Input(net.image)
        model = self.keras.Model(images, layers.Softmax()(build(net, images, make)))
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    def step(self, name, n):
        """Return a training step of one of `NETS` on `n` pictures."""
        model, (x, y) = self.net(name), net_batch(name, int(n))
        return lambda: model.train_on_batch(x, y)

    def infer(self, name, n):
        """Return a prediction by one of `NETS` for `n` pictures, in the quickest way for so many."""
        model, (x, _) = self.net(name), net_batch(name, int(n))
        if len(x) == 1:
            return lambda: np.asarray(model(x))
        return lambda: model.predict_on_batch(x)

    def memory(self, n):
        """Return the process's peak after some training steps of `n` pictures."""
        step = self.train(n)
        for _ in range(STEPS_TO_THE_PEAK):
            step()
        return sizes.peak_memory()
