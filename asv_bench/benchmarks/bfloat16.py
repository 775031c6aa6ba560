"""Products of bfloat16 beside those of float32: layers in each direction, and the tutorial's network."""

import fastconv

from .bench import side, workloads
from .ops import fastconv_call

POLICIES = ["float32", "mixed_bfloat16"]


class Conv:
    """A convolution layer: forward, and each gradient by itself."""

    params = (list(workloads.CONV), ["forward", "data", "filters"], POLICIES)
    param_names = ("layer", "direction", "policy")

    def setup(self, layer, direction, policy):
        """Make the arrays."""
        kind = "conv" if policy == "float32" else "conv_bfloat16"
        self.call = fastconv_call(kind, layer, direction)

    def time_layer(self, layer, direction, policy):
        self.call()


class Train:
    """One training step of the tutorial's network."""

    params = (list(workloads.TRAINING_BATCHES), POLICIES)
    param_names = ("batch", "policy")

    def setup(self, n, policy):
        """Make the network and the batch, and take a step."""
        self.step = under(policy, lambda: side().train(n))
        self.step()

    def time_step(self, n, policy):
        self.step()


class Predict:
    """A prediction of the tutorial's network: weights are rounded and packed once."""

    params = (list(workloads.INFERENCE_BATCHES), POLICIES)
    param_names = ("batch", "policy")

    def setup(self, n, policy):
        """Make the network and the batch."""
        self.predict = under(policy, lambda: side().predict(n))
        self.predict()

    def time_predict(self, n, policy):
        self.predict()


def under(policy, make):
    """Return what `make` returns while layers are made under a policy."""
    before = fastconv.config.dtype_policy()
    fastconv.config.set_dtype_policy(policy)
    try:
        return make()
    finally:
        fastconv.config.set_dtype_policy(before)
