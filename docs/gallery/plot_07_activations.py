"""
Activations
===========

Twelve of them, with their slopes. `ops.vjp` gives a function's value and the way back for gradients.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastconv import ops

names = ["relu", "leaky_relu", "elu", "selu", "gelu", "silu"]
names += ["sigmoid", "tanh", "softplus", "softsign", "hard_sigmoid", "relu6"]
x = np.linspace(-4, 7, 221, dtype=np.float32)

figure, axes = plt.subplots(3, 4, figsize=(9, 6), sharex=True, layout="constrained")
for place, name in zip(axes.flat, names, strict=True):
    y, backward = ops.vjp(getattr(ops, name), x)
    (slope,) = backward(np.ones_like(y))
    place.plot(x, y, label="value")
    place.plot(x, slope, label="slope")
    place.set_title(name)
    place.grid(alpha=0.3)
axes[0, 0].legend()
