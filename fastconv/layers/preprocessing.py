"""Layers that prepare inputs."""

import numpy as np

from fastconv.layers.layer import Layer
from fastconv.ops import primitives as P
from fastconv.ops.functions import numeric


class Rescaling(Layer):
    """x * scale + offset.

    Parameters
    ----------
    scale, offset : float or sequence of float
        One number, or one for every place of the last axis.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Rescaling
    >>> Rescaling(1 / 255)([[0, 255]])
    array([[0., 1.]], dtype=float32)
    """

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        for argument, value in (("scale", scale), ("offset", offset)):
            try:
                numeric(f"Layer {self.name!r} (Rescaling)", f"{argument}={value!r}", value)
            except TypeError as error:
                raise ValueError(str(error)) from None
        self.scale, self.offset = scale, offset

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        for argument, value in (("scale", self.scale), ("offset", self.offset)):
            if np.shape(value) not in ((), (1,), (input_shape[-1],)):
                raise ValueError(
                    f"Layer {self.name!r} (Rescaling): {argument} has shape {np.shape(value)}; expected one number or "
                    f"one for each of the {input_shape[-1]} places of the last axis."
                )
        return tuple(input_shape)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.Rescale(self.scale, self.offset), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "scale": np.asarray(self.scale).tolist(),
            "offset": np.asarray(self.offset).tolist(),
        }
