"""Conv2D."""

from fastconv import activations, initializers
from fastconv.layers.layer import Layer, batchless, choice, count, pair
from fastconv.ops import primitives as P
from fastconv.runtime import settings


class Conv2D(Layer):
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
    kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint : None
        Not supported yet.
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
        self.refuse(
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        owner = f"Layer {self.name!r} (Conv2D)"
        filters, groups = count(owner, "filters", filters), count(owner, "groups", groups)
        if filters % groups:
            raise ValueError(f"{owner}: filters={filters} is not divisible by groups={groups}.")
        self.filters, self.groups, self.use_bias = filters, groups, bool(use_bias)
        self.kernel_size = pair(owner, "kernel_size", kernel_size)
        self.strides = pair(owner, "strides", strides)
        self.dilation_rate = pair(owner, "dilation_rate", dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{owner}: strides={self.strides} with dilation_rate={self.dilation_rate}; only one may be above 1."
            )
        self.padding = choice(owner, "padding", padding, ("valid", "same"))
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.feature_axis = 1 if self.data_format == "channels_first" else -1
        self.kernel = self.bias = None

    def _op(self):
        return P.Conv2D(self.strides, self.padding, self.dilation_rate, self.groups)

    def _last(self, shape):
        """Return a shape with the channels last."""
        return (shape[0], *shape[2:], shape[1]) if self.data_format == "channels_first" else tuple(shape)

    def build(self, input_shape):
        """Make kernel and bias; see `Layer.build`."""
        self.check_rank(input_shape, 4)
        channels = self._last(input_shape)[3]
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r} (Conv2D): the input's {channels} channels (shape {tuple(input_shape)}) are not "
                f"divisible by groups={self.groups}."
            )
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((self.filters,), self.bias_initializer, name="bias") if self.use_bias else None

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, 4)
        shape = self._last(input_shape)
        out = batchless(self._op(), shape, (*self.kernel_size, shape[3] // self.groups, self.filters))
        self.positive_sizes(input_shape, out, f"a kernel of {self.kernel_size} with dilation {self.dilation_rate}")
        return (out[0], out[3], *out[1:3]) if self.data_format == "channels_first" else out

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        if self.data_format == "channels_first":
            x = trace.add(P.SwapAxes("last"), x)
        x = trace.add(self._op(), x, self.kernel, self.bias)
        activation = activations.lower(self.activation)
        swapped = self.data_format == "channels_first"
        if activation is not None and (activation.elementwise or not swapped):
            x = trace.add(activation, x)
        if swapped:
            x = trace.add(P.SwapAxes("first"), x)
            if activation is not None and not activation.elementwise:
                x = trace.add(activation, x)
        return x

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        }
