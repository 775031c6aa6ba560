"""The tutorial's network: what a user waits for."""

import numpy as np

from fastconv.datasets import fashion_mnist_small
from fastconv.utils import set_random_seed

from .baseline import TutorialNetwork
from .bench import nets, side, workloads


class Train:
    """One training step."""

    params = (list(workloads.TRAINING_BATCHES), ["fastconv", "numpy"])
    param_names = ("batch", "library")

    def setup(self, n, library):
        """Make the network and the batch, and take a step: asv makes all anew before each sample of a few calls."""
        if library == "fastconv":
            self.step = side().train(n)
        else:
            (x, y), network = workloads.batch(n), TutorialNetwork()
            self.step = lambda: network.train_step(x, y)
        self.step()  # plans the buffers

    def time_step(self, n, library):
        self.step()

    def peakmem_step(self, n, library):
        self.step()


class Predict:
    """A prediction, by ``predict`` and by a call."""

    params = (list(workloads.INFERENCE_BATCHES), ["fastconv", "numpy"])
    param_names = ("batch", "library")

    def setup(self, n, library):
        """Make the network and the batch."""
        if library == "fastconv":
            self.predict, self.call = side().predict(n), side().call(n)
        else:
            (x, _), network = workloads.batch(n), TutorialNetwork()
            self.predict = self.call = lambda: network.predict(x)
        self.predict(), self.call()  # plan the buffers

    def time_predict(self, n, library):
        self.predict()

    def time_call(self, n, library):
        self.call()


class Epoch:
    """``fit`` with all that surrounds the steps; in NumPy, a loop over shuffled batches."""

    params = (list(workloads.TRAINING_BATCHES), ["fastconv", "numpy"])
    param_names = ("batch", "library")

    def setup(self, n, library):
        """Make the network and the pictures."""
        self.fit = side().fit(n) if library == "fastconv" else numpy_epoch(TutorialNetwork(), *pictures(), n)

    def time_fit(self, n, library):
        self.fit()


class Step:
    """A training step of a residual and of a mobile network."""

    params = (list(nets.NETS), list(nets.NET_TRAINING))
    param_names = ("network", "batch")

    def setup(self, name, n):
        """Make the network and the batch, and take a step."""
        self.step = side().step(name, n)
        self.step()  # plans the buffers

    def time_step(self, name, n):
        self.step()


class Infer:
    """A prediction of these networks."""

    params = (list(nets.NETS), list(nets.NET_INFERENCE))
    param_names = ("network", "batch")

    def setup(self, name, n):
        """Make the network and the batch."""
        self.infer = side().infer(name, n)
        self.infer()  # plans the buffers

    def time_infer(self, name, n):
        self.infer()


class Learning:
    """How well the network does after one epoch of the small set that comes with the package: 4000 pictures."""

    params = ["fastconv", "numpy"]
    param_names = ("library",)

    def setup(self, library):
        """Read the pictures."""
        (self.x, self.y), (self.x_test, self.y_test) = (
            (x[..., np.newaxis].astype(np.float32) / 255, y.astype(int)) for x, y in fashion_mnist_small.load_data()
        )

    def track_accuracy(self, library):
        if library == "fastconv":
            set_random_seed(0)
            model = side().model()
            model.fit(self.x, self.y, batch_size=32, epochs=1, verbose=0)
            found = model.predict(self.x_test, verbose=0)
        else:
            network = TutorialNetwork()
            numpy_epoch(network, self.x, self.y, 32, rate=0.05)()
            found = network.predict(self.x_test)
        return 100 * float((found.argmax(axis=1) == self.y_test).mean())


Learning.track_accuracy.unit = "%"


def pictures():
    """Return the pictures that ``fit`` sees in a call, and their labels."""
    return workloads.batch(workloads.EPOCH)


def numpy_epoch(network, x, y, n, rate=0.01):
    """Return an epoch of plain gradient descent in batches of `n`, in a new order."""

    def epoch():
        order = np.random.default_rng(0).permutation(len(x))
        for start in range(0, len(x), n):
            network.train_step(x[order[start : start + n]], y[order[start : start + n]], rate)

    return epoch
