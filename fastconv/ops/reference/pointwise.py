"""More cell-by-cell activations: each a definition, and a slope by which the gradient is multiplied.

Powers are of arrays that no overflow reaches; at a kink the slope is that of the flatter side.
"""

import numpy as np

from fastconv.ops.reference.activation import elu, sigmoid, softplus


def celu(x, *, alpha=1.0):
    """Return x where it is positive, else ``alpha * (exp(x / alpha) - 1)``."""
    return np.where(x > 0, x, alpha * elu(np.minimum(x, 0) / alpha))


def celu_slope(x, *, alpha=1.0):
    """Return the slope of `celu`."""
    return np.where(x > 0, 1, np.exp(np.minimum(x, 0) / alpha))


def log_sigmoid(x):
    """Return the logarithm of `sigmoid`."""
    return -softplus(-x)


def log_sigmoid_slope(x):
    """Return the slope of `log_sigmoid`."""
    return sigmoid(-x)


def mish(x):
    """Return ``x * tanh(softplus(x))``."""
    return x * np.tanh(softplus(x))


def mish_slope(x):
    """Return the slope of `mish`."""
    t = np.tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


def hard_silu(x):
    """Return ``x * relu6(x + 3) / 6``."""
    return x * np.clip(x + 3, 0, 6) / 6


def hard_silu_slope(x):
    """Return the slope of `hard_silu`."""
    return np.clip(x + 3, 0, 6) / 6 + x * (np.abs(x) < 3) / 6


def hard_tanh(x):
    """Return x cut to [-1, 1]."""
    return np.clip(x, -1, 1)


def hard_tanh_slope(x):
    """Return the slope of `hard_tanh`."""
    return np.where(np.abs(x) < 1, 1.0, 0.0)


def hard_shrink(x, *, threshold=0.5):
    """Return x where it is further than `threshold` from 0, else 0."""
    return np.where(np.abs(x) <= threshold, 0, x)


def soft_shrink(x, *, threshold=0.5):
    """Return x moved towards 0 by `threshold`."""
    return np.where(np.abs(x) <= threshold, 0, x - threshold * np.sign(x))


def shrink_slope(x, *, threshold=0.5):
    """Return the slope of `hard_shrink` and of `soft_shrink`."""
    return np.where(np.abs(x) > threshold, 1.0, 0.0)


def tanh_shrink(x):
    """Return ``x - tanh(x)``."""
    return x - np.tanh(x)


def tanh_shrink_slope(x):
    """Return the slope of `tanh_shrink`."""
    return np.tanh(x) ** 2


def sparse_sigmoid(x):
    """Return ``(x + 1) / 2`` cut to [0, 1]."""
    return np.clip((x + 1) / 2, 0, 1)


def sparse_sigmoid_slope(x):
    """Return the slope of `sparse_sigmoid`."""
    return np.where(np.abs(x) < 1, 0.5, 0.0)


def sparse_plus(x):
    """Return 0 up to -1, x from 1 on, and ``(x + 1) ** 2 / 4`` between."""
    return np.where(x >= 1, x, np.maximum(np.minimum(x, 1) + 1, 0) ** 2 / 4)


def squareplus(x, *, b=4):
    """Return ``(x + sqrt(x ** 2 + b)) / 2``."""
    return (x + np.sqrt(x * x + b)) / 2


def squareplus_slope(x, *, b=4):
    """Return the slope of `squareplus`."""
    return (1 + x / np.sqrt(x * x + b)) / 2


def threshold(x, *, threshold=0.0, default_value=0.0):
    """Return x where it is above `threshold`, else `default_value`."""
    return np.where(x > threshold, x, default_value)


def threshold_slope(x, *, threshold=0.0, default_value=0.0):
    """Return the slope of `threshold`."""
    return np.where(x > threshold, 1.0, 0.0)


def _pair(value, slope):
    return value, lambda x, dy, **settings: (dy * slope(x, **settings)).astype(dy.dtype)


POINTWISE = {
    "celu": _pair(celu, celu_slope),
    "log_sigmoid": _pair(log_sigmoid, log_sigmoid_slope),
    "mish": _pair(mish, mish_slope),
    "hard_silu": _pair(hard_silu, hard_silu_slope),
    "hard_tanh": _pair(hard_tanh, hard_tanh_slope),
    "hard_shrink": _pair(hard_shrink, shrink_slope),
    "soft_shrink": _pair(soft_shrink, shrink_slope),
    "tanh_shrink": _pair(tanh_shrink, tanh_shrink_slope),
    "sparse_sigmoid": _pair(sparse_sigmoid, sparse_sigmoid_slope),
    "sparse_plus": _pair(sparse_plus, sparse_sigmoid),
    "squareplus": _pair(squareplus, squareplus_slope),
    "threshold": _pair(threshold, threshold_slope),
}
