"""Plans: what fusion is worth, beside the same network in NumPy, and what it costs to make a plan."""

import fastconv
from fastconv import config

from .baseline import TutorialNetwork
from .bench import side, workloads

L = fastconv.layers


def cifar():
    """Return a network with normalizations for pictures of 32 by 32 pixels in colour."""
    layers = [fastconv.Input((32, 32, 3))]
    for filters in (32, 64, 128):
        layers += [L.Conv2D(filters, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(2)]
    model = fastconv.Sequential([*layers, L.Flatten(), L.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def tutorial():
    """Return the tutorial's network."""
    return side().model()


def lenet():
    """Return LeNet-5: five by five filters, smooth activations and average pools."""
    return classifier(
        (28, 28, 1),
        L.Conv2D(6, 5, padding="same", activation="tanh"),
        L.AveragePooling2D(2),
        L.Conv2D(16, 5, activation="tanh"),
        L.AveragePooling2D(2),
    )


def averages():
    """Return a network with a relu and an average pool behind each convolution."""
    blocks = ((L.Conv2D(n, 3, padding="same", activation="relu"), L.AveragePooling2D(2)) for n in (32, 64, 128))
    return classifier((32, 32, 3), *(layer for block in blocks for layer in block))


def overlapping():
    """Return a network with max pools whose windows overlap, as AlexNet has them, behind elu."""
    blocks = ((L.Conv2D(n, 5, padding="same", activation="elu"), L.MaxPooling2D(3, 2)) for n in (32, 64))
    return classifier((32, 32, 3), *(layer for block in blocks for layer in block))


def classifier(shape, *layers):
    """Return a compiled network of some layers and ten classes."""
    model = fastconv.Sequential([fastconv.Input(shape), *layers, L.Flatten(), L.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


NETWORKS = {
    "tutorial": (tutorial, (28, 28, 1)),
    "cifar": (cifar, (32, 32, 3)),
    "lenet": (lenet, (28, 28, 1)),
    "averages": (averages, (32, 32, 3)),
    "overlapping": (overlapping, (32, 32, 3)),
}
BATCH = 64


def unfused(make):
    """Return a model whose plan leaves every op by itself."""
    config.disable_fusion()
    try:
        model = make()
        model.plan  # noqa: B018  it is made when it is first asked for
    finally:
        config.enable_fusion()
    return model


class Fusion:
    """Steps that were fused, each op by itself, and NumPy (which has the tutorial's network only)."""

    params = (list(NETWORKS), ["fused", "unfused", "numpy"])
    param_names = ("network", "plan")

    def setup(self, network, plan):
        """Make the network and a batch."""
        make, shape = NETWORKS[network]
        x, (_, y) = workloads.random(BATCH, *shape), workloads.batch(BATCH)
        if plan != "numpy":
            model = make() if plan == "fused" else unfused(make)
            self.predict, self.train = lambda: model.predict_on_batch(x), lambda: model.train_on_batch(x, y)
        elif network == "tutorial":
            model = TutorialNetwork()
            self.predict, self.train = lambda: model.predict(x), lambda: model.train_step(x, y)
        else:
            raise NotImplementedError

    def time_predict(self, network, plan):
        self.predict()

    def time_train(self, network, plan):
        self.train()


class Making:
    """From a list of layers to the first prediction of one sample."""

    params = list(NETWORKS)
    param_names = ("network",)

    def setup(self, network):
        """Choose the network."""
        self.make, shape = NETWORKS[network]
        self.x = workloads.random(1, *shape)

    def time_to_first_prediction(self, network):
        self.make().predict_on_batch(self.x)
