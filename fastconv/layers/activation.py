"""Activations as layers of their own."""

import math
import numbers
from math import prod

import numpy as np

from fastconv import activations, initializers
from fastconv.layers.layer import Layer, count, number
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

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        return activations.output_shape(self.activation, input_shape)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return activations.add_to(trace, self.activation, x, self.dtype)

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


class LeakyReLU(Layer):
    """x above zero, else ``negative_slope * x``.

    Parameters
    ----------
    negative_slope : float
        Not negative.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the slope is negative.

    Examples
    --------
    >>> from fastconv.layers import LeakyReLU
    >>> LeakyReLU(0.5)([[-1.0, 2.0]])
    array([[-0.5,  2. ]], dtype=float32)
    """

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:  # Keras 2's name
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self.negative_slope = number(f"Layer {self.name!r} (LeakyReLU)", "negative_slope", negative_slope)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.Relu(negative_slope=self.negative_slope), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(Layer):
    """x above zero, else ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import ELU
    >>> ELU(0.5)([[-100.0, 2.0]])
    array([[-0.5,  2. ]], dtype=float32)
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = number(f"Layer {self.name!r} (ELU)", "alpha", alpha, minimum=-math.inf)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.Elementwise("elu", alpha=self.alpha), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """x above zero, else ``alpha * x``, where alpha is learned.

    Parameters
    ----------
    alpha_initializer : str or Initializer
    alpha_regularizer : str or Regularizer, optional
    alpha_constraint : str, Constraint or callable, optional
    shared_axes : int or list of int, optional
        Axes, counted from 1 behind the batch, along which there is one alpha: ``[1, 2]`` for one a channel of images.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an axis is not there.

    Examples
    --------
    >>> from fastconv.layers import PReLU
    >>> PReLU("ones", shared_axes=1)([[-1.0, 2.0]])
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(
        self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self._set_limits("alpha", alpha_regularizer, alpha_constraint)
        self.shared_axes = shared_axes
        if shared_axes is not None:
            owner = f"Layer {self.name!r} (PReLU)"
            axes = shared_axes if np.iterable(shared_axes) else [shared_axes]
            self.shared_axes = [count(owner, "shared_axes", axis) for axis in axes]
        self.alpha = None

    def build(self, input_shape):
        """Make alpha; see `Layer.build`."""
        self.compute_output_shape(input_shape)
        self.alpha = self.weight("alpha", self._alpha_shape(input_shape))

    def _alpha_shape(self, input_shape):
        shared = self.shared_axes or ()
        return tuple(1 if axis in shared else n for axis, n in enumerate(input_shape[1:], 1))

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, len(input_shape))
        owner = f"Layer {self.name!r} (PReLU)"
        if any(axis >= len(input_shape) for axis in self.shared_axes or ()):
            raise ValueError(f"{owner}: shared_axes={self.shared_axes} on inputs of shape {tuple(input_shape)}.")
        if self.alpha is not None and self.alpha.shape != self._alpha_shape(input_shape):
            raise ValueError(
                f"{owner} was built for inputs of shape {self._build_shape}; got {tuple(input_shape)}. Its alpha has "
                f"the shape {self.alpha.shape}; share axes along which sizes change with shared_axes."
            )
        return tuple(input_shape)

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.PRelu(), x, self.alpha)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            **self._config_of("initializer", "alpha"),
            **self._config_of("regularizer", "alpha"),
            **self._config_of("constraint", "alpha"),
            "shared_axes": self.shared_axes,
        }


class Softmax(Layer):
    """exp(x) divided by its sum over an axis, or over several together.

    Parameters
    ----------
    axis : int or list of int
        Not the batch, 0.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the inputs have no such axis.

    Examples
    --------
    >>> from fastconv.layers import Softmax
    >>> Softmax()([[0.0, 0.0]])
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, tuple) else axis

    def _axes(self, input_shape):
        """Return the axes as positive numbers, in order."""
        axes = self.axis if np.iterable(self.axis) else [self.axis]
        rank = len(input_shape)
        good = all(isinstance(axis, numbers.Integral) and -rank <= axis < rank for axis in axes) and axes
        found = sorted(axis % rank for axis in axes) if good else ()
        if not good or len(set(found)) < len(found) or 0 in found:
            raise ValueError(
                f"Layer {self.name!r} (Softmax): axis={self.axis!r} on inputs of shape {tuple(input_shape)}; expected "
                "an axis behind the batch, or several."
            )
        return found

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        self._axes(input_shape)
        return tuple(input_shape)

    def lower(self, trace, x):
        """Add the ops: the axes go last, become one, and go back; see `Layer.lower`."""
        shape = trace.shape(x)
        axes = self._axes(shape)
        if axes == [len(shape) - 1]:
            return trace.add(P.Softmax(), x)
        order = [axis for axis in range(1, len(shape)) if axis not in axes] + axes
        moved = order != sorted(order)
        if moved:
            x = trace.add(P.Permute(order), x)
        behind = trace.shape(x)[1:]
        kept = len(behind) - len(axes)
        x = trace.add(P.Reshape((*behind[:kept], prod(behind[kept:]))), x)
        x = trace.add(P.Reshape(behind), trace.add(P.Softmax(), x))
        back = [1 + order.index(axis) for axis in range(1, len(shape))]
        return trace.add(P.Permute(back), x) if moved else x

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "axis": self.axis}
