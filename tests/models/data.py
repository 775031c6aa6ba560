"""Small models and data for tests of training, and metrics and callbacks that remember what they saw."""

import numpy as np

from fastconv import callbacks, metrics
from fastconv import layers as L
from fastconv.models import Sequential


class Seen(metrics.Metric):
    """Remembers the targets, predictions and weights of every batch."""

    def __init__(self):
        super().__init__(name="seen")
        self.batches = []

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = None if sample_weight is None else np.array(sample_weight)
        self.batches.append((np.array(y_true).ravel().tolist(), np.array(y_pred), weights))

    def result(self):
        return 0.0

    @property
    def targets(self):
        """The targets of each batch."""
        return [y for y, *_ in self.batches]


class Log(callbacks.Callback):
    """Writes down each call that it gets."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def logs_of(self, hook):
        """Return the logs of every call of a hook."""
        return [logs for name, _, logs in self.calls if name == hook]

    @property
    def names(self):
        """The names of the calls, in order."""
        return [name for name, *_ in self.calls]


def _note(hook, phase):
    def method(self, *given):
        index, logs = (None, *given) if phase else given
        self.calls.append((hook, index, dict(logs or {})))

    return method


for _hook in callbacks.callback.HOOKS:
    if _hook not in ("on_batch_begin", "on_batch_end"):
        setattr(Log, _hook, _note(_hook, _hook in callbacks.callback.PHASE_HOOKS))


def line(loss="mse", optimizer=None, zero=True, **settings):
    """Return a compiled model y = x @ w + b of one output; with `zero` its weights are 0."""
    model = Sequential([L.Input((1,)), L.Dense(1, name="d")], name="m")
    if zero:
        model.set_weights([np.zeros((1, 1)), np.zeros(1)])
    model.compile(optimizer or frozen(), loss, **settings)
    return model


def frozen():
    """Return an optimizer that changes nothing."""
    from fastconv.optimizers import SGD

    return SGD(0.0)


def classifier(optimizer="adam", classes=3, **settings):
    """Return a compiled classifier of images (8, 8, 1)."""
    model = Sequential(
        [
            L.Input((8, 8, 1)),
            L.Conv2D(6, 3, activation="relu"),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dense(classes, activation="softmax"),
        ],
        name="m",
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", **settings)
    return model


def stripes(n=60, seed=0):
    """Return images with a bright stripe in one of three places, and the places."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = rng.random((n, 8, 8)) * 0.5
    for image, place in zip(x, y, strict=True):
        image[2 * place + 1] += 1
    return x.astype(np.float32), y
