"""Convolutions in one, two and three dimensions: what they share, and Conv1D, Conv2D, Conv3D."""

import numbers

from fastconv import activations, initializers
from fastconv.layers.layer import Layer, batchless, choice, count
from fastconv.ops import primitives as P
from fastconv.runtime import settings

SEVERAL = {1: "a tuple of one", 2: "a pair of them", 3: "three of them"}


def along_axes(owner, argument, value, axes, minimum=1):
    """Return an int, or one int an axis, as a tuple; raise ValueError naming owner and argument."""
    single = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    try:
        values = (value,) * axes if single else tuple(value)
        good = len(values) == axes and all(isinstance(v, numbers.Integral) and v >= minimum for v in values)
    except TypeError:
        good = False
    if not good:
        raise ValueError(f"{owner}: {argument}={value!r} is not an integer of at least {minimum} or {SEVERAL[axes]}.")
    return tuple(int(v) for v in values)


class Convolution(Layer):
    """What convolution layers share: a window that moves over inputs in either data format, a bias, an activation.

    A subclass says the shapes of its filters and the ops over channels-last inputs, which have `axes` axes between
    batch and channels.
    """

    axes = 2
    paddings = ("valid", "same")

    def _set_window(self, kernel_size, strides, padding, data_format, dilation_rate):
        owner = self._owner
        self.kernel_size = along_axes(owner, "kernel_size", kernel_size, self.axes)
        self.strides = along_axes(owner, "strides", strides, self.axes)
        self.dilation_rate = along_axes(owner, "dilation_rate", dilation_rate, self.axes)
        self.padding = choice(owner, "padding", padding, self.paddings)
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
        self.check_rank(input_shape, self.axes + 2)
        self.compute_output_shape(input_shape)
        return self._last(input_shape)[-1]

    @property
    def rank(self):
        """The number of axes that the kernel moves along."""
        return self.axes

    def _add_bias(self, channels):
        self.bias = self.weight("bias", (channels,)) if self.use_bias else None

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, self.axes + 2)
        shape = self._last(input_shape)
        out = batchless(self._window(), shape, self._window_shape(shape[-1]))
        out = (*out[:-1], self._out_channels(shape[-1]))
        self.positive_sizes(input_shape, out, f"a kernel of {self.kernel_size} with dilation {self.dilation_rate}")
        out = (out[0], out[-1], *out[1:-1]) if self.data_format == "channels_first" else out
        return activations.output_shape(self.activation, out)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        if self.data_format == "channels_first":
            x = trace.add(P.SwapAxes("last"), x)
        x = self._convolve(trace, x)
        swapped = self.data_format == "channels_first"
        before = not swapped or activations.is_elementwise(self.activation)  # fused with the convolution, if possible
        if before:
            x = activations.add_to(trace, self.activation, x, self.dtype)
        if swapped:
            x = trace.add(P.SwapAxes("first"), x)
        return x if before else activations.add_to(trace, self.activation, x, self.dtype)

    def _window_config(self):
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }

    def _refuse_strides_with_dilation(self):
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self._owner}: strides={self.strides} with dilation_rate={self.dilation_rate}; only one may be above "
                "1."
            )

    def _result_config(self):
        return {"activation": activations.serialize(self.activation), "use_bias": self.use_bias}


class _Conv(Convolution):
    """What Conv1D, Conv2D and Conv3D share: all but their names, their ops and their defaults."""

    op_class = P.Conv2D
    depthwise_class = None  # the op for one channel a group

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
        self._refuse_strides_with_dilation()
        self._set_result(activation, use_bias, bias_initializer)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self._set_limits("kernel", kernel_regularizer, kernel_constraint)
        self._set_limits("bias", bias_regularizer, bias_constraint)
        self.kernel = None

    def _window(self):
        return self.op_class(self.strides, self.padding, self.dilation_rate, self.groups)

    def _window_shape(self, channels):
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _out_channels(self, channels):
        return self.filters

    def build(self, input_shape):
        """Make kernel and bias; see `Layer.build`."""
        self.check_rank(input_shape, self.axes + 2)
        channels = self._last(input_shape)[-1]
        if channels % self.groups:
            raise ValueError(
                f"{self._owner}: the input's {channels} channels (shape {tuple(input_shape)}) are not "
                f"divisible by groups={self.groups}."
            )
        self.kernel = self.weight("kernel", self._window_shape(self._channels(input_shape)))
        self._add_bias(self.filters)

    def _convolve(self, trace, x):
        single = self.groups > 1 and self.groups == trace.shape(x)[-1]
        if single and self.depthwise_class is not None:  # filters in the same memory as a depthwise layer's
            op = self.depthwise_class(self.strides, self.padding, self.dilation_rate)
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
            **self._weights_config("kernel", "bias"),
        }


class Conv1D(_Conv):
    """1D convolution: each output step is the weighted sum of its neighbours, once for every filter.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int
        Length of a filter; how far it moves; how far its taps lie apart. Strides and dilation may not both
        be above 1.
    padding : {"valid", "same", "causal"}
        No padding, or so much that the output has the length of the input divided by the strides, rounded up; an odd
        step goes to the end. ``"causal"``: all of it comes first, so that no output depends on a later input.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, steps, channels) or (batch, channels, steps).
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
    The kernel has the shape (length, input channels / groups, filters).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Conv1D
    >>> Conv1D(4, 3, activation="relu")(np.ones((1, 28, 2))).shape
    (1, 26, 4)
    """

    axes = 1
    paddings = ("valid", "same", "causal")
    op_class = P.Conv1D
    depthwise_class = P.DepthwiseConv1D

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
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
        super().__init__(
            *(filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias),
            *(kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer),
            *(kernel_constraint, bias_constraint),
            **kwargs,
        )


class Conv2D(_Conv):
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

    op_class = P.Conv2D
    depthwise_class = P.DepthwiseConv2D


class Conv3D(_Conv):
    """3D convolution: each output cell is the weighted sum of its neighbours, once for every filter.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int or three of int
        Depth, height and width of a filter; how far it moves; how far its taps lie apart. Strides and dilation may not
        both be above 1.
    padding : {"valid", "same"}
        No padding, or so much that the output has the size of the input divided by the strides, rounded up; an odd cell
        goes behind.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, depth, height, width, channels) or (batch, channels, depth, height, width).
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
    The kernel has the shape (depth, height, width, input channels / groups, filters).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Conv3D
    >>> Conv3D(4, 3, activation="relu")(np.ones((1, 9, 28, 28, 1))).shape
    (1, 7, 26, 26, 4)
    """

    axes = 3
    op_class = P.Conv3D
    depthwise_class = P.DepthwiseConv3D

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1, 1),
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
        super().__init__(
            *(filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias),
            *(kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer),
            *(kernel_constraint, bias_constraint),
            **kwargs,
        )
