"""The benchmarks' ResNet-20, and MobileNetV2 of fewer blocks, beside Keras: twenty steps, predictions after some.

The whole of MobileNetV2 is too deep for twenty free steps on a few pictures: normalizations over some dozens of values
each, one behind the other, let roundings grow.
"""

import os

import numpy as np
import pytest

from fastconv.benchmark.sides import nets, network
from fastconv.benchmark.sides.nets import MOBILENET, NETS, mobilenet, net_batch

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

from tests.parity.test_training import STEPS, batches, check_free_steps, pair, train

BATCH = 4
SMALLER = {"resnet20": NETS["resnet20"], "mobilenet": mobilenet(32, MOBILENET[:3])}
HOW = {
    "loss": "sparse_categorical_crossentropy",
    "optimizer": lambda module: module.optimizers.SGD(1e-4, momentum=0.9),
}


@pytest.fixture(autouse=True)
def smaller(monkeypatch):
    """Let sides know the smaller networks."""
    for module in (nets, network):
        monkeypatch.setattr(module, "NETS", SMALLER)


def make(name):
    """Return the function from a module to the network."""
    return lambda module: network.Network(module).net(name)


@pytest.mark.parametrize("name", NETS)
def test_twenty_steps(name):
    losses = check_free_steps(make(name), batches(*net_batch(name, BATCH * STEPS), BATCH), **HOW)
    assert len(losses) == STEPS and len(set(losses)) == STEPS


@pytest.mark.parametrize("name", NETS)
def test_predictions_after_training(name):
    """Normalizations are folded then, and activations stand behind sums."""
    x, y = net_batch(name, 2 * BATCH)
    theirs, ours = pair(make(name), **HOW)
    train((theirs, ours), batches(x, y, BATCH))
    ours.set_weights(theirs.get_weights())
    expected = theirs.predict_on_batch(x)
    np.testing.assert_allclose(ours.predict_on_batch(x), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.asarray(ours(x[:1])), expected[:1], rtol=1e-4, atol=1e-6)
