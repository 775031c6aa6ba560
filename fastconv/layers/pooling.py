"""Pooling layers: windows of cells become their maximum or their mean."""

from fastconv.layers.layer import Layer, batchless, choice, pair
from fastconv.ops import primitives as P
from fastconv.runtime import settings


class _Pooling2D(Layer):
    """What max and average pooling share; a subclass names its op."""

    op_class = None

    def __init__(self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        self.pool_size = pair(owner, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair(owner, "strides", strides)
        self.padding = choice(owner, "padding", padding, ("valid", "same"))
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")

    def _op(self):
        return self.op_class(self.pool_size, self.strides, self.padding)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, 4)
        first = self.data_format == "channels_first"
        shape = (input_shape[0], *input_shape[2:], input_shape[1]) if first else tuple(input_shape)
        out = self.positive_sizes(input_shape, batchless(self._op(), shape), f"a window of {self.pool_size}")
        return (out[0], out[3], *out[1:3]) if first else out

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        if self.data_format == "channels_last":
            return trace.add(self._op(), x)
        return trace.add(P.SwapAxes("first"), trace.add(self._op(), trace.add(P.SwapAxes("last"), x)))

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class MaxPooling2D(_Pooling2D):
    """The maximum of each window.

    Parameters
    ----------
    pool_size : int or pair of int
        Height and width of a window.
    strides : int or pair of int, optional
        How far windows lie apart; `pool_size` by default.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import MaxPooling2D
    >>> MaxPooling2D(2)(np.arange(16.0).reshape(1, 4, 4, 1)).reshape(2, 2)
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    """

    op_class = P.MaxPool2D

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling2D(_Pooling2D):
    """The mean of each window; cells of padding do not count.

    Parameters
    ----------
    pool_size : int or pair of int
        Height and width of a window.
    strides : int or pair of int, optional
        How far windows lie apart; `pool_size` by default.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AveragePooling2D
    >>> AveragePooling2D(2)(np.arange(16.0).reshape(1, 4, 4, 1)).reshape(2, 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """

    op_class = P.AveragePool2D


class _GlobalPooling2D(Layer):
    """One window as large as the image."""

    op_class = None

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")
        self.keepdims = bool(keepdims)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, 4)
        first = self.data_format == "channels_first"
        channels = input_shape[1] if first else input_shape[3]
        if not self.keepdims:
            return (input_shape[0], channels)
        return (input_shape[0], channels, 1, 1) if first else (input_shape[0], 1, 1, channels)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        if self.data_format == "channels_first":
            x = trace.add(P.SwapAxes("last"), x)
        shape = trace.shape(x)
        x = trace.add(self.op_class(shape[1:3]), x)
        out = self.compute_output_shape(
            shape if self.data_format == "channels_last" else (shape[0], shape[3], *shape[1:3])
        )
        return trace.add(P.Reshape(out[1:]), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The maximum of each channel over the whole image.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep height and width as axes of size 1.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GlobalMaxPooling2D
    >>> GlobalMaxPooling2D()(np.arange(4.0).reshape(1, 2, 2, 1))
    array([[3.]], dtype=float32)
    """

    op_class = P.MaxPool2D


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The mean of each channel over the whole image.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep height and width as axes of size 1.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GlobalAveragePooling2D
    >>> GlobalAveragePooling2D()(np.arange(4.0).reshape(1, 2, 2, 1))
    array([[1.5]], dtype=float32)
    """

    op_class = P.AveragePool2D
