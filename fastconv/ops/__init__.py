"""Floor 2: arrays in, arrays out, under keras.ops names; each op knows its way back.

``primitives`` are the settings objects that layers lower to: ``y, backprop = op(x, *params)``. The functions here are
the same ops with Keras's signatures; `vjp` gives a function's value and its way back. ``reference`` says what each op
means in plain NumPy.
"""

from fastconv.ops.functions import (
    average_pool,
    conv,
    depthwise_conv,
    max_pool,
    relu,
    separable_conv,
    sigmoid,
    softmax,
    tanh,
    vjp,
)

__all__ = [
    "average_pool",
    "conv",
    "depthwise_conv",
    "max_pool",
    "relu",
    "separable_conv",
    "sigmoid",
    "softmax",
    "tanh",
    "vjp",
]
