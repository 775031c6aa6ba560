"""Training against Keras: the same weights, the same batches of Fashion-MNIST, the same losses.

Training by itself is chaotic: where two cells of a pooling window are equal but for their last bits, float32 decides
which of them learns, and two runs part from there on, just as each parts from its own in float64. So there are two
tests: step by step, with weights and optimizer copied from Keras before each step, every loss and every update must
agree; and over twenty free steps all losses must agree for one of a few beginnings, as they would for none if anything
was amiss.
"""

import os
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest

import fastconv

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

STEPS = 20
NEAR = 1e-4  # how far losses and metrics of free steps may be apart, relative
SEEDS = (1, 4, 2, 6, 7, 3)  # of the beginnings


@cache
def pictures():
    """Return pictures (n, 28, 28, 1) in the range 0 to 1 and their labels: of the whole set if it is here."""
    whole = fastconv.datasets.fashion_mnist
    (x, y), _ = (whole if whole.find() else fastconv.datasets.fashion_mnist_small).load_data()
    count = 32 * STEPS
    return x[:count, :, :, None].astype("float32") / 255, y[:count].astype("int64")


def pair(make, seed=0, **compiled):
    """Return the models that ``make(module)`` gives for Keras and for us, with the same weights, compiled alike.

    ``compiled`` are arguments of compile, or functions from a module to them.
    """
    keras.utils.set_random_seed(seed)
    theirs, ours = (make(module) for module in (keras, fastconv))
    rng = np.random.default_rng(seed)
    ours.set_weights([w + 0.01 * rng.standard_normal(w.shape) for w in theirs.get_weights()])  # no bias is 0
    theirs.set_weights(ours.get_weights())
    for module, model in ((keras, theirs), (fastconv, ours)):
        model.compile(**{key: value(module) if callable(value) else value for key, value in compiled.items()})
    return theirs, ours


def batches(x, y, size, **weights):
    """Return the arguments of train_on_batch, batch by batch."""
    feed = []
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        more = {key: value[part] if isinstance(value, np.ndarray) else value for key, value in weights.items()}
        feed.append({"x": x[part], "y": y[part], **more})
    return feed


def train(models, feed):
    """Train both models on the same batches; return our losses and how far each step's numbers are from Keras's."""
    losses, distances = [], []
    for arguments in feed:
        expected, actual = (model.train_on_batch(**arguments, return_dict=True) for model in models)
        assert set(actual) == set(expected)
        losses.append(actual["loss"])
        distances.append(max(abs(actual[name] - value) / max(abs(value), 1e-2) for name, value in expected.items()))
    assert int(models[1].optimizer.iterations) == int(models[0].optimizer.iterations) == len(feed)
    return losses, distances


def check_free_steps(make, feed, **compiled):
    """Assert that twenty free steps agree for some beginning, and the first step for each; return our losses."""
    for seed in SEEDS:
        losses, distances = train(pair(make, seed, **compiled), feed)
        assert distances[0] < 2e-6
        if max(distances) < NEAR:
            return losses
    raise AssertionError(f"losses part for each of {len(SEEDS)} beginnings, of the last one by {distances}")


def check_each_step(models, feed):
    """Assert that every step from Keras's weights and optimizer gives Keras's loss, metrics and weights."""
    theirs, ours = models
    apart = []
    for step, arguments in enumerate(feed):
        ours.set_weights(theirs.get_weights())
        for mine, other in zip(ours.optimizer.variables if step else [], theirs.optimizer.variables, strict=bool(step)):
            if mine.name != "learning_rate":  # ours is to be right by itself
                mine.assign(other.numpy())
        before = ours.get_weights()
        expected, actual = (model.train_on_batch(**arguments, return_dict=True) for model in models)
        assert actual == pytest.approx(expected, rel=2e-6, abs=1e-6), f"step {step}"
        updates = [[w - b for w, b in zip(model.get_weights(), before, strict=True)] for model in models]
        apart.append([distance(a, e) for e, a in zip(*updates, strict=True)])
    assert np.median(apart, axis=0).max() < 1e-4  # of a step's length; 1e-5 is usual
    assert np.max(apart) < 3e-2  # where the last bits decide which cell learns


def distance(actual, expected):
    """Return how far a step is from another, relative to its length."""
    length = np.linalg.norm(expected)
    return np.linalg.norm(actual - expected) / length if length else float(np.any(actual))


# ---- the tutorial's network -------------------------------------------------------------------------------


def tutorial(module):
    """Return the tutorial's network."""
    layers = module.layers
    return module.Sequential(
        [
            module.Input((28, 28, 1)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


OPTIMIZERS = {
    "adam": lambda module: module.optimizers.Adam(),
    "sgd": lambda module: module.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda module: module.optimizers.RMSprop(),
    "slow-adam": lambda module: module.optimizers.Adam(3e-4),
}
HOW = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_tutorial_step_by_step(optimizer):
    check_each_step(pair(tutorial, optimizer=OPTIMIZERS[optimizer], **HOW), batches(*pictures(), 32))


@pytest.mark.parametrize("optimizer", ["slow-adam", "sgd"])
def test_tutorial(optimizer):
    losses = check_free_steps(tutorial, batches(*pictures(), 32), optimizer=OPTIMIZERS[optimizer], **HOW)
    assert len(losses) == STEPS
    assert np.mean(losses[-3:]) < 0.96 * losses[0]  # it learns


def test_tutorial_without_fusion():
    fastconv.config.disable_fusion()
    try:
        check_each_step(pair(tutorial, optimizer="adam", **HOW), batches(*pictures(), 32)[:6])
    finally:
        fastconv.config.enable_fusion()


# ---- small networks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Net:
    """A small network on pictures of half the size, and how it is trained."""

    name: str
    layers: object  # a function from the module `layers` to the list of layers
    loss: object  # a name, or a function from a module to a loss
    metrics: tuple = ("accuracy",)
    weighted: tuple = ()
    target: object = staticmethod(lambda x, y: y)
    weights: object = staticmethod(lambda x, y: {})
    optimizer: str = "adam"
    inputs: object = field(default=staticmethod(lambda x: x))

    def __str__(self):
        return self.name

    def make(self, module):
        """Return the network as Keras or as we make it."""
        x, _ = self.data()[:2]
        return module.Sequential([module.Input(x.shape[1:]), *self.layers(module.layers)])

    def data(self):
        """Return inputs, targets and what else train_on_batch is given."""
        x, y = pictures()
        x = x[: 8 * STEPS, ::2, ::2]
        y = y[: len(x)]
        return self.inputs(x), self.target(x, y), self.weights(x, y)


def one_hot(x, y):
    """Return labels as rows of ten."""
    return np.eye(10, dtype="float32")[y]


def is_shoe(x, y):
    """Return 1 for sandals, sneakers and boots, else 0, as a column."""
    return np.isin(y, (5, 7, 9)).astype("float32")[:, None]


def sample_weight(x, y):
    """Return weights of samples, some of them 0."""
    return {"sample_weight": np.random.default_rng(1).integers(0, 4, len(y)).astype("float32")}


def class_weight(x, y):
    """Return weights of classes, one of them 0."""
    return {"class_weight": {0: 1.0, 1: 5.0, 2: 0.0, 3: 0.5, 4: 2.0, 5: 1.5, 6: 1.0, 7: 1.0, 8: 3.0, 9: 0.25}}


NETS = [
    Net(
        "strides-same-global-average",
        lambda L: [
            L.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
            L.AveragePooling2D(2),
            L.Conv2D(10, 3, strides=(1, 2), padding="same"),
            L.GlobalAveragePooling2D(),
            L.Softmax(),
        ],
        "sparse_categorical_crossentropy",
        ("accuracy", "sparse_top_k_categorical_accuracy"),
        ("sparse_categorical_crossentropy",),
        weights=sample_weight,
    ),
    Net(
        "dilation-groups-global-max",
        lambda L: [
            L.ZeroPadding2D(((1, 0), (2, 1))),
            L.Conv2D(12, 3, dilation_rate=2, activation="elu"),
            L.Dropout(0.0),
            L.Conv2D(18, (3, 2), groups=3, padding="same", activation="tanh"),
            L.GlobalMaxPooling2D(),
            L.Dense(10, activation="softmax"),
        ],
        "categorical_crossentropy",
        ("acc", "mse"),
        target=one_hot,
        weights=class_weight,
        optimizer="sgd",
    ),
    Net(
        "binary",
        lambda L: [
            L.Conv2D(8, 5, activation="leaky_relu"),
            L.MaxPooling2D(3, strides=2, padding="same"),
            L.Flatten(),
            L.Dense(7, activation="gelu"),
            L.Dense(1, activation="sigmoid"),
        ],
        "binary_crossentropy",
        ("accuracy", "binary_crossentropy"),
        ("mae",),
        target=is_shoe,
        weights=sample_weight,
        optimizer="rmsprop",
    ),
    Net(
        "binary-from-logits",
        lambda L: [L.Conv2D(6, 3, use_bias=False), L.ReLU(6.0, 0.1), L.MaxPooling2D(2), L.Flatten(), L.Dense(1)],
        lambda module: module.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        (),
        ("mse",),
        target=is_shoe,
        weights=lambda x, y: {"class_weight": {0: 1.0, 1: 3.0}},
    ),
    Net(
        "pictures-from-pictures",
        lambda L: [
            L.Conv2D(8, 3, padding="same", activation="silu"),
            L.Conv2D(8, 3, padding="same", groups=8, activation="softplus"),
            L.Conv2D(1, 1, activation="hard_sigmoid"),
        ],
        "mse",
        ("mae", "mse"),
        target=lambda x, y: 1 - x,
    ),
    Net(
        "from-logits-of-bytes",
        lambda L: [
            L.Rescaling(1 / 255),
            L.Reshape((14, 14, 1)),
            L.Conv2D(9, 4, activation="selu"),
            L.Activation("softsign"),
            L.AveragePooling2D((3, 2), strides=2),
            L.Flatten(),
            L.Dense(10),
        ],
        lambda module: module.losses.SparseCategoricalCrossentropy(from_logits=True),
        ("accuracy",),
        inputs=lambda x: (255 * x).astype("uint8").reshape(len(x), 196),
        weights=class_weight,
        optimizer="sgd",
    ),
    Net(
        "smooth-labels-channels-first",
        lambda L: [
            L.Conv2D(8, 3, data_format="channels_first", padding="same", activation="relu"),
            L.MaxPooling2D(2, data_format="channels_first"),
            L.Conv2D(8, 3, data_format="channels_first", activation="relu6"),
            L.Flatten(data_format="channels_first"),
            L.Dense(10),
        ],
        lambda module: module.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction="sum"),
        ("categorical_accuracy",),
        ("accuracy",),
        target=one_hot,
        inputs=lambda x: np.ascontiguousarray(np.moveaxis(x, -1, 1)),
        weights=sample_weight,
        optimizer="adam",
    ),
    Net(
        "batch-normalization",
        lambda L: [
            L.Conv2D(8, 3, use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.MaxPooling2D(2),
            L.Conv2D(12, 3, padding="same", use_bias=False),
            L.BatchNormalization(momentum=0.9, scale=False),
            L.Activation("relu"),
            L.GlobalAveragePooling2D(),
            L.Dense(16, use_bias=False),
            L.BatchNormalization(center=False, epsilon=0.01),
            L.Dense(10, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
        optimizer="sgd",
    ),
    Net(
        "batch-normalization-channels-first",
        lambda L: [
            L.Conv2D(8, 3, data_format="channels_first", use_bias=False),
            L.BatchNormalization(1),
            L.ReLU(),
            L.AveragePooling2D(2, data_format="channels_first"),
            L.BatchNormalization(1, trainable=False),
            L.Flatten(data_format="channels_first"),
            L.Dense(10, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
        inputs=lambda x: np.ascontiguousarray(np.moveaxis(x, -1, 1)),
        optimizer="slow-adam",
    ),
    Net(
        "other-normalizations",
        lambda L: [
            L.Conv2D(8, 3, use_bias=False),
            L.GroupNormalization(4),
            L.ReLU(),
            L.Conv2D(6, 3, strides=2, use_bias=False),
            L.LayerNormalization(),
            L.Activation("tanh"),
            L.UnitNormalization(),
            L.Flatten(),
            L.Dense(10, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
        optimizer="sgd",
    ),
    Net(
        "absolute-error",
        lambda L: [L.Flatten(), L.Dense(16, activation="sigmoid"), L.Dense(1, activation="exponential")],
        "mae",
        ("mse",),
        target=lambda x, y: x.mean(axis=(1, 2)),
    ),
]


def compiled(net):
    """Return the arguments of compile."""
    return {
        "optimizer": OPTIMIZERS[net.optimizer],
        "loss": net.loss,
        "metrics": list(net.metrics),
        "weighted_metrics": list(net.weighted),
    }


@pytest.mark.parametrize("net", NETS, ids=str)
def test_small_networks(net):
    x, y, more = net.data()
    losses = check_free_steps(net.make, batches(x, y, 8, **more), **compiled(net))
    assert len(losses) == len(set(losses)) == STEPS


@pytest.mark.parametrize("net", NETS, ids=str)
def test_small_networks_step_by_step(net):
    x, y, more = net.data()
    check_each_step(pair(net.make, **compiled(net)), batches(x, y, 8, **more)[:8])


def test_weights_of_whole_pictures():
    """One weight a sample is enough for us where the loss has more axes; Keras wants axes of size 1 behind it."""
    net = next(net for net in NETS if net.name == "pictures-from-pictures")
    x, y, _ = net.data()
    weights = np.arange(8, dtype="float32")
    theirs, ours = pair(net.make, optimizer="sgd", loss="mse", weighted_metrics=["mae"])
    expected = theirs.train_on_batch(x[:8], y[:8], sample_weight=weights[:, None, None])
    assert ours.train_on_batch(x[:8], y[:8], sample_weight=weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("net", NETS[:3], ids=str)
def test_training_gives_the_same_bits_for_any_number_of_threads(net):
    x, y, more = net.data()
    weights = []
    try:
        for threads in (1, 2):
            fastconv.config.set_num_threads(threads)
            _, model = pair(net.make, **compiled(net))
            for arguments in batches(x, y, 8, **more):
                model.train_on_batch(**arguments)
            weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    finally:
        fastconv.config.set_num_threads(None)
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("net", NETS, ids=str)
def test_evaluation(net):
    """A whole pass over data that the batch size does not divide, weighted and not."""
    x, y, more = net.data()
    x, y = x[:53], y[:53]
    models = theirs, ours = pair(net.make, **compiled(net))
    for weights in (None, more["sample_weight"][:53] if "sample_weight" in more else None):
        given = {"sample_weight": weights, "return_dict": True}
        expected, actual = (model.evaluate(x, y, batch_size=10, verbose=0, **given) for model in models)
        assert actual == pytest.approx(expected, rel=1e-5, abs=1e-6)
        expected, actual = (model.test_on_batch(x, y, **given) for model in models)
        assert actual == pytest.approx(expected, rel=1e-5, abs=1e-6)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.predict_on_batch(x), theirs.predict_on_batch(x), rtol=1e-4, atol=1e-5)
