"""Transposed convolutions: Conv1DTranspose, Conv2DTranspose, Conv3DTranspose."""

from fastconv import initializers
from fastconv.layers.conv import Convolution, along_axes
from fastconv.layers.layer import count
from fastconv.ops import primitives as P


class _ConvTranspose(Convolution):
    """What they share: all but their names, their ops and their defaults."""

    op_class = None

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=(1, 1),
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
        self.filters = count(self._owner, "filters", filters)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output_padding(output_padding)
        self._set_result(activation, use_bias, bias_initializer)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self._set_limits("kernel", kernel_regularizer, kernel_constraint)
        self._set_limits("bias", bias_regularizer, bias_constraint)
        self.kernel = None

    def _set_output_padding(self, value):
        self._refuse_strides_with_dilation()
        self.output_padding = None
        if value is not None:
            self.output_padding = along_axes(self._owner, "output_padding", value, self.axes, minimum=0)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{self._owner}: output_padding={self.output_padding} with strides={self.strides}; expected less "
                    "than the strides on every axis."
                )

    def _window(self):
        return self.op_class(self.strides, self.padding, self.output_padding, self.dilation_rate)

    def _window_shape(self, channels):
        return (*self.kernel_size, self.filters, channels)

    def _out_channels(self, channels):
        return self.filters

    def build(self, input_shape):
        """Make kernel and bias; see `Layer.build`."""
        self.kernel = self.weight("kernel", self._window_shape(self._channels(input_shape)))
        self._add_bias(self.filters)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            **self._result_config(),
            **self._weights_config("kernel", "bias"),
        }


class Conv1DTranspose(_ConvTranspose):
    """1D transposed convolution: each input step times a filter, laid where it belongs and added up.

    With strides it makes inputs larger, as a strided convolution makes them smaller.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int
        Length of a filter; how far results of neighbours lie apart; how far a filter's taps lie apart. Strides
        and dilation may not both be above 1.
    padding : {"valid", "same"}
        All that filters reach, or the size of the input times the strides.
    output_padding : int, optional
        Cells added at the end, fewer than the strides; chooses another size than the default's.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, steps, channels) or (batch, channels, steps).
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
    The kernel has the shape (length, filters, input channels).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Conv1DTranspose
    >>> Conv1DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 7, 2))).shape
    (1, 14, 4)
    """

    axes = 1
    op_class = P.ConvTranspose1D

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=1,
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
            *(filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias),
            *(kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer),
            *(kernel_constraint, bias_constraint),
            **kwargs,
        )


class Conv2DTranspose(_ConvTranspose):
    """2D transposed convolution: each input pixel times a filter, laid where it belongs and added up.

    With strides it makes inputs larger, as a strided convolution makes them smaller.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int or pair of int
        Height and width of a filter; how far results of neighbours lie apart; how far a filter's taps lie apart.
        Strides and dilation may not both be above 1.
    padding : {"valid", "same"}
        All that filters reach, or the size of the input times the strides.
    output_padding : int or pair of int, optional
        Cells added at the end, fewer than the strides; chooses another size than the default's.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, height, width, channels) or (batch, channels, height, width).
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
    The kernel has the shape (height, width, filters, input channels).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Conv2DTranspose
    >>> Conv2DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 7, 7, 2))).shape
    (1, 14, 14, 4)
    """

    op_class = P.ConvTranspose2D


class Conv3DTranspose(_ConvTranspose):
    """3D transposed convolution: each input cell times a filter, laid where it belongs and added up.

    With strides it makes inputs larger, as a strided convolution makes them smaller.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size, strides, dilation_rate : int or three of int
        Depth, height and width of a filter; how far results of neighbours lie apart; how far a filter's taps lie
        apart. Strides and dilation may not both be above 1.
    padding : {"valid", "same"}
        All that filters reach, or the size of the input times the strides.
    output_padding : int or three of int, optional
        Cells added at the end, fewer than the strides; chooses another size than the default's.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs (batch, depth, height, width, channels) or (batch, channels, depth, height, width).
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
    The kernel has the shape (depth, height, width, filters, input channels). As in Keras, `data_format` comes before
    `output_padding` here, and behind it in the other two.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Conv3DTranspose
    >>> Conv3DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 3, 7, 7, 2))).shape
    (1, 6, 14, 14, 4)
    """

    axes = 3
    op_class = P.ConvTranspose3D

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        data_format=None,
        output_padding=None,
        dilation_rate=(1, 1, 1),
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
            *(filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias),
            *(kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer),
            *(kernel_constraint, bias_constraint),
            **kwargs,
        )
