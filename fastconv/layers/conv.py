"""Convolutions in two dimensions: what they share, and Conv2D."""

from fastconv import activations, constraints, initializers, regularizers
from fastconv.layers.layer import Layer, batchless, choice, count, pair
from fastconv.ops import primitives as P
from fastconv.runtime import settings


class Convolution(Layer):
    """What convolution layers share: a window that moves over images in either data format, a bias, an activation.

    A subclass says the shapes of its filters and the ops over channels-last images.
    """

    def _set_window(self, kernel_size, strides, padding, data_format, dilation_rate):
        owner = self._owner
        self.kernel_size = pair(owner, "kernel_size", kernel_size)
        self.strides = pair(owner, "strides", strides)
        self.dilation_rate = pair(owner, "dilation_rate", dilation_rate)
        self.padding = choice(owner, "padding", padding, ("valid", "same"))
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")
        self.feature_axis = 1 if self.data_format == "channels_first" else -1

    def _set_result(self, activation, use_bias, bias_initializer):
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias = None

    @property
    def _owner(self):
        return f"Layer {self.name!r} ({type(self).__name__})"

    # -- what a subclass says -----------------------------------------------------------------------------
    def _window(self):
        """Return the op that moves over the images."""
        raise NotImplementedError

    def _window_shape(self, channels):
        """Return the shape of its filters for images of so many channels."""
        raise NotImplementedError

    def _out_channels(self, channels):
        """Return how many channels come out."""
        raise NotImplementedError

    def _convolve(self, trace, x):
        """Add the ops without the activation; images have their channels last."""
        return trace.add(self._window(), x, self.kernel, self.bias)

    # -- what all do --------------------------------------------------------------------------------------
    def _last(self, shape):
        """Return a shape with the channels last."""
        return (shape[0], *shape[2:], shape[1]) if self.data_format == "channels_first" else tuple(shape)

    def _channels(self, input_shape):
        """Return the number of channels of inputs that this layer can be built for."""
        self.check_rank(input_shape, 4)
        self.compute_output_shape(input_shape)
        return self._last(input_shape)[3]

    def _add_bias(self, channels):
        self.bias = self.weight("bias", (channels,)) if self.use_bias else None

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, 4)
        shape = self._last(input_shape)
        out = batchless(self._window(), shape, self._window_shape(shape[3]))
        out = (*out[:3], self._out_channels(shape[3]))
        self.positive_sizes(input_shape, out, f"a kernel of {self.kernel_size} with dilation {self.dilation_rate}")
        out = (out[0], out[3], *out[1:3]) if self.data_format == "channels_first" else out
        return activations.output_shape(self.activation, out)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        if self.data_format == "channels_first":
            x = trace.add(P.SwapAxes("last"), x)
        x = self._convolve(trace, x)
        activation = activations.lower(self.activation)
        swapped = self.data_format == "channels_first"
        if activation is not None and (activation.elementwise or not swapped):
            x = trace.add(activation, x)
        if swapped:
            x = trace.add(P.SwapAxes("first"), x)
            if activation is not None and not activation.elementwise:
                x = trace.add(activation, x)
        return x

    def _window_config(self):
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }

    def _result_config(self):
        return {"activation": activations.serialize(self.activation), "use_bias": self.use_bias}


class Conv2D(Convolution):
    """2D convolution: each output pixel is the weighted sum of its neighbours, once for every filter.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int or pair of int
        Height and width of a filter; how far it moves; how far its taps lie apart. Strides and dilation may not both
        be above 1.
    padding : {"valid", "same"}
        No padding, or so much that the output has the size of the input divided by the strides, rounded up; an odd cell
        goes to the bottom and right.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, height, width, channels) or (batch, channels, height, width).
    groups : int
        Input channels and filters are split into this many groups that do not see each other.
    activation : str or function, optional
        See `fastconv.activations`.
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    kernel_constraint, bias_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The kernel has the shape (height, width, input channels / groups, filters).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Conv2D
    >>> Conv2D(4, 3, activation="relu")(np.ones((1, 28, 28, 1))).shape
    (1, 26, 26, 4)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = self._owner
        filters, groups = count(owner, "filters", filters), count(owner, "groups", groups)
        if filters % groups:
            raise ValueError(f"{owner}: filters={filters} is not divisible by groups={groups}.")
        self.filters, self.groups = filters, groups
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{owner}: strides={self.strides} with dilation_rate={self.dilation_rate}; only one may be above 1."
            )
        self._set_result(activation, use_bias, bias_initializer)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self._set_limits("kernel", kernel_regularizer, kernel_constraint)
        self._set_limits("bias", bias_regularizer, bias_constraint)
        self.kernel = None

    def _window(self):
        return P.Conv2D(self.strides, self.padding, self.dilation_rate, self.groups)

    def _window_shape(self, channels):
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _out_channels(self, channels):
        return self.filters

    def build(self, input_shape):
        """Make kernel and bias; see `Layer.build`."""
        self.check_rank(input_shape, 4)
        channels = self._last(input_shape)[3]
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r} (Conv2D): the input's {channels} channels (shape {tuple(input_shape)}) are not "
                f"divisible by groups={self.groups}."
            )
        self.kernel = self.weight("kernel", self._window_shape(self._channels(input_shape)))
        self._add_bias(self.filters)

    def _convolve(self, trace, x):
        if self.groups > 1 and self.groups == trace.shape(x)[3]:  # filters in the same memory as a depthwise layer's
            op = P.DepthwiseConv2D(self.strides, self.padding, self.dilation_rate)
            return trace.add(op, x, self.kernel, self.bias)
        return super()._convolve(trace, x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "filters": self.filters,
            **self._window_config(),
            "groups": self.groups,
            **self._result_config(),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
