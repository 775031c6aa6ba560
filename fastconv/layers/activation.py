"""Activations as layers of their own."""

from fastconv import activations
from fastconv.layers.layer import Layer, number
from fastconv.ops import primitives as P


class Activation(Layer):
    """An activation function by its name.

    Parameters
    ----------
    activation : str or function
        See `fastconv.activations`.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Activation
    >>> Activation("relu")([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        op = activations.lower(self.activation)
        return x if op is None else trace.add(op, x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class ReLU(Layer):
    """x above the threshold, cut at `max_value`; below, ``negative_slope * (x - threshold)``.

    Parameters
    ----------
    max_value : float, optional
    negative_slope, threshold : float
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If one of them is negative.

    Examples
    --------
    >>> from fastconv.layers import ReLU
    >>> ReLU(max_value=6.0)([[-1.0, 2.0, 7.0]])
    array([[0., 2., 6.]], dtype=float32)
    """

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        owner = f"Layer {self.name!r} (ReLU)"
        self.max_value = None if max_value is None else number(owner, "max_value", max_value)
        self.negative_slope = number(owner, "negative_slope", negative_slope)
        self.threshold = number(owner, "threshold", threshold)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.Relu(self.max_value, self.negative_slope, self.threshold), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        numbers = {
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
        return {**super().get_config(), **numbers}


class Softmax(Layer):
    """exp(x) divided by its sum over the last axis.

    Parameters
    ----------
    axis : int
        Only the last axis is supported.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Softmax
    >>> Softmax()([[0.0, 0.0]])
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        if self.axis not in (-1, len(input_shape) - 1):
            raise NotImplementedError(
                f"Layer {self.name!r} (Softmax): axis={self.axis!r} on inputs of shape {tuple(input_shape)} is not "
                "supported; expected the last axis, -1."
            )
        return tuple(input_shape)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.Softmax(), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "axis": self.axis}
