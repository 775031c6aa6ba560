"""The tutorial's network: what a user waits for."""

from .baseline import TutorialNetwork
from .bench import side, workloads


class Train:
    """One training step."""

    params = (list(workloads.TRAINING_BATCHES), ["fastconv", "numpy"])
    param_names = ("batch", "library")

    def setup(self, n, library):
        """Make the network and the batch; asv's warm-up plans the buffers."""
        if library == "fastconv":
            self.step = side().train(n)
        else:
            (x, y), network = workloads.batch(n), TutorialNetwork()
            self.step = lambda: network.train_step(x, y)

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

    def time_predict(self, n, library):
        self.predict()

    def time_call(self, n, library):
        self.call()


class Epoch:
    """``fit`` with all that surrounds the steps."""

    params = list(workloads.TRAINING_BATCHES)
    param_names = ("batch",)

    def setup(self, n):
        """Make the network and the pictures."""
        self.fit = side().fit(n)

    def time_fit(self, n):
        self.fit()


class Import:
    """A fresh interpreter."""

    params = ["fastconv", "numpy"]
    param_names = ("library",)

    def timeraw_import(self, library):
        return f"import {library}"
