"""Convolutions that treat every channel by itself: DepthwiseConv1D/2D, SeparableConv1D/2D."""

from fastconv import initializers
from fastconv.layers.conv import Convolution
from fastconv.layers.layer import count
from fastconv.ops import primitives as P


class _Depthwise(Convolution):
    """What all share: `depth_multiplier` filters over every channel."""

    op_class = P.DepthwiseConv2D

    def _set_depthwise(self, depth_multiplier, depthwise_initializer):
        self.depth_multiplier = count(self._owner, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)

    def _window(self):
        return self.op_class(self.strides, self.padding, self.dilation_rate)

    def _window_shape(self, channels):
        return (*self.kernel_size, channels, self.depth_multiplier)


class _DepthwiseConv(_Depthwise):
    """What DepthwiseConv1D and DepthwiseConv2D share."""

    def __init__(
        self,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_limits("depthwise", depthwise_regularizer, depthwise_constraint)
        self._set_limits("bias", bias_regularizer, bias_constraint)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_depthwise(depth_multiplier, depthwise_initializer)
        self._set_result(activation, use_bias, bias_initializer)
        self.kernel = None

    def _out_channels(self, channels):
        return channels * self.depth_multiplier

    def build(self, input_shape):
        """Make kernel and bias; see `Layer.build`."""
        channels = self._channels(input_shape)
        self.kernel = self.weight("kernel", self._window_shape(channels), "depthwise")
        self._add_bias(self._out_channels(channels))

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            **self._window_config(),
            **self._result_config(),
            **self._weights_config("depthwise", "bias"),
        }


class DepthwiseConv1D(_DepthwiseConv):
    """1D convolution of every channel with filters of its own.

    Output channel ``c * depth_multiplier + m`` is what the m-th filter of channel c makes of it. Channels are mixed
    by another layer, usually a `Conv1D` of length 1.

    Parameters
    ----------
    kernel_size, strides, dilation_rate : int
        Length of a filter; how far it moves; how far its taps lie apart.
    padding : {"valid", "same"}
        No padding, or so much that the output has the length of the input divided by the strides, rounded up; an odd
        step goes to the end.
    depth_multiplier : int
        Number of filters, and output channels, for each input channel.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, steps, channels) or (batch, channels, steps).
    activation : str or function, optional
        See `fastconv.activations`.
    use_bias : bool
    depthwise_initializer, bias_initializer : str or Initializer
    depthwise_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    depthwise_constraint, bias_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The kernel has the shape (length, input channels, depth_multiplier).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import DepthwiseConv1D
    >>> DepthwiseConv1D(3, padding="same", depth_multiplier=2)(np.ones((1, 28, 3))).shape
    (1, 28, 6)
    """

    axes = 1
    op_class = P.DepthwiseConv1D

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            *(kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias),
            *(depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer),
            *(depthwise_constraint, bias_constraint),
            **kwargs,
        )


class DepthwiseConv2D(_DepthwiseConv):
    """2D convolution of every channel with filters of its own.

    Output channel ``c * depth_multiplier + m`` is what the m-th filter of channel c makes of it. Channels are mixed
    by another layer, usually a 1x1 `Conv2D`.

    Parameters
    ----------
    kernel_size, strides, dilation_rate : int or pair of int
        Height and width of a filter; how far it moves; how far its taps lie apart.
    padding : {"valid", "same"}
        No padding, or so much that the output has the size of the input divided by the strides, rounded up; an odd cell
        goes to the bottom and right.
    depth_multiplier : int
        Number of filters, and output channels, for each input channel.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, height, width, channels) or (batch, channels, height, width).
    activation : str or function, optional
        See `fastconv.activations`.
    use_bias : bool
    depthwise_initializer, bias_initializer : str or Initializer
    depthwise_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    depthwise_constraint, bias_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The kernel has the shape (height, width, input channels, depth_multiplier).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import DepthwiseConv2D
    >>> DepthwiseConv2D(3, padding="same", depth_multiplier=2)(np.ones((1, 28, 28, 3))).shape
    (1, 28, 28, 6)
    """


class _SeparableConv(_Depthwise):
    """What SeparableConv1D and SeparableConv2D share; a convolution of one cell mixes the channels."""

    mixing_class = P.Conv2D

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_limits("depthwise", depthwise_regularizer, depthwise_constraint)
        self._set_limits("pointwise", pointwise_regularizer, pointwise_constraint)
        self._set_limits("bias", bias_regularizer, bias_constraint)
        self.filters = count(self._owner, "filters", filters)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_depthwise(depth_multiplier, depthwise_initializer)
        self._set_result(activation, use_bias, bias_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_kernel = self.pointwise_kernel = None

    def _out_channels(self, channels):
        return self.filters

    def build(self, input_shape):
        """Make both kernels and the bias; see `Layer.build`."""
        shape = self._window_shape(self._channels(input_shape))
        self.depthwise_kernel = self.weight("depthwise_kernel", shape, "depthwise")
        mixing = (*(1,) * self.axes, shape[-2] * shape[-1], self.filters)
        self.pointwise_kernel = self.weight("pointwise_kernel", mixing, "pointwise")
        self._add_bias(self.filters)

    def _convolve(self, trace, x):
        x = trace.add(self._window(), x, self.depthwise_kernel, None)
        return trace.add(self.mixing_class(), x, self.pointwise_kernel, self.bias)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "filters": self.filters,
            **self._window_config(),
            **self._result_config(),
            **self._weights_config("depthwise", "pointwise", "bias"),
        }


class SeparableConv1D(_SeparableConv):
    """1D convolution in two steps: every channel with filters of its own, then one of length 1 that mixes channels.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int
        Length of a filter of the first step; how far it moves; how far its taps lie apart.
    padding : {"valid", "same"}
        ``"valid"`` or ``"same"``, as for `Conv1D`.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, steps, channels) or (batch, channels, steps).
    depth_multiplier : int
        Number of filters of the first step for each input channel.
    activation : str or function, optional
        See `fastconv.activations`; it follows the second step.
    use_bias : bool
        Whether the second step has a bias.
    depthwise_initializer, pointwise_initializer, bias_initializer : str or Initializer
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    depthwise_constraint, pointwise_constraint, bias_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The kernels have the shapes (length, input channels, depth_multiplier) and
    (1, input channels * depth_multiplier, filters).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import SeparableConv1D
    >>> SeparableConv1D(8, 3, activation="relu")(np.ones((1, 28, 3))).shape
    (1, 26, 8)
    """

    axes = 1
    op_class = P.DepthwiseConv1D
    mixing_class = P.Conv1D

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            *(filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation),
            *(use_bias, depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer),
            *(pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint),
            *(pointwise_constraint, bias_constraint),
            **kwargs,
        )


class SeparableConv2D(_SeparableConv):
    """2D convolution in two steps: every channel with filters of its own, then a 1x1 convolution that mixes channels.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int or pair of int
        Height and width of a filter of the first step; how far it moves; how far its taps lie apart.
    padding : {"valid", "same"}
        As for `Conv2D`.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, height, width, channels) or (batch, channels, height, width).
    depth_multiplier : int
        Number of filters of the first step for each input channel.
    activation : str or function, optional
        See `fastconv.activations`; it follows the second step.
    use_bias : bool
        Whether the second step has a bias.
    depthwise_initializer, pointwise_initializer, bias_initializer : str or Initializer
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    depthwise_constraint, pointwise_constraint, bias_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The kernels have the shapes (height, width, input channels, depth_multiplier) and
    (1, 1, input channels * depth_multiplier, filters).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import SeparableConv2D
    >>> SeparableConv2D(8, 3, activation="relu")(np.ones((1, 28, 28, 3))).shape
    (1, 26, 26, 8)
    """
