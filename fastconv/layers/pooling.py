"""Pooling layers: windows of cells become their maximum or their mean."""

from fastconv.layers.conv import along_axes
from fastconv.layers.layer import Layer, batchless, choice, count, pair
from fastconv.ops import primitives as P
from fastconv.runtime import settings


class _Pooling(Layer):
    """What windowed pools share; a subclass names its op and its number of axes."""

    op_class = None
    axes = 2

    def __init__(self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        self.pool_size = self._sizes(owner, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else self._sizes(owner, "strides", strides)
        self.padding = choice(owner, "padding", padding, ("valid", "same"))
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")

    def _sizes(self, owner, argument, value):
        if self.axes == 2:
            return pair(owner, argument, value)
        if self.axes == 3:
            return along_axes(owner, argument, value, 3)
        single = isinstance(value, (tuple, list)) and len(value) == 1
        return (count(owner, argument, value[0] if single else value),)

    def _op(self):
        return self.op_class(self.pool_size, self.strides, self.padding)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, self.axes + 2)
        out = batchless(self._op(), channels_last(self, input_shape))
        out = (out[0], out[-1], *out[1:-1]) if self.data_format == "channels_first" else out
        return self.positive_sizes(input_shape, out, f"a window of {self.pool_size}")

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        first = self.data_format == "channels_first"
        x = trace.add(self._op(), trace.add(P.SwapAxes("last"), x) if first else x)
        return trace.add(P.SwapAxes("first"), x) if first else x

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


def channels_last(layer, shape):
    """Return the shape of a layer's inputs with the channels last."""
    first = layer.data_format == "channels_first"
    return (shape[0], *shape[2:], shape[1]) if first else tuple(shape)


def _as_image(shape):
    """Return the shape (n, width, c) of sequences as that of images; another one as it is."""
    return (*shape[:-1], 1, shape[-1]) if len(shape) == 3 else tuple(shape)


def as_pair(sizes):
    """Return the sizes of a window; of one axis, those of an image one cell wide."""
    return (*sizes, 1) if len(sizes) == 1 else tuple(sizes)


def to_image(layer, trace, x):
    """Return the input of a pooling layer with channels last, and sequences as images."""
    if layer.data_format == "channels_first":
        x = trace.add(P.SwapAxes("last"), x)
    return trace.add(P.Reshape(_as_image(trace.shape(x))[1:]), x) if layer.axes == 1 else x


class MaxPooling2D(_Pooling):
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


class AveragePooling2D(_Pooling):
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


class MaxPooling1D(_Pooling):
    """The maximum of each window of a sequence.

    Parameters
    ----------
    pool_size : int
        Length of a window.
    strides : int, optional
        How far windows lie apart; `pool_size` by default.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import MaxPooling1D
    >>> MaxPooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).reshape(2)
    array([1., 3.], dtype=float32)
    """

    op_class = P.MaxPool1D
    axes = 1

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling1D(_Pooling):
    """The mean of each window of a sequence; cells of padding do not count.

    Parameters
    ----------
    pool_size : int
        Length of a window.
    strides : int, optional
        How far windows lie apart; `pool_size` by default.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AveragePooling1D
    >>> AveragePooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).reshape(2)
    array([0.5, 2.5], dtype=float32)
    """

    op_class = P.AveragePool1D
    axes = 1


class _GlobalPooling(Layer):
    """One window as large as the image."""

    op_class = None
    axes = 2

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")
        self.keepdims = bool(keepdims)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, self.axes + 2)
        n, channels = input_shape[0], channels_last(self, input_shape)[-1]
        ones = (1,) * self.axes if self.keepdims else ()
        return (n, channels, *ones) if self.data_format == "channels_first" else (n, *ones, channels)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        out = self.compute_output_shape(trace.shape(x))
        x = to_image(self, trace, x)
        return trace.add(P.Reshape(out[1:]), trace.add(self.op_class(trace.shape(x)[1:-1]), x))

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalMaxPooling2D(_GlobalPooling):
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


class GlobalAveragePooling2D(_GlobalPooling):
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


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum of each channel over the whole sequence.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep the length as an axis of size 1.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GlobalMaxPooling1D
    >>> GlobalMaxPooling1D()(np.arange(4.0).reshape(1, 4, 1))
    array([[3.]], dtype=float32)
    """

    op_class = P.MaxPool2D
    axes = 1


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel over the whole sequence.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep the length as an axis of size 1.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GlobalAveragePooling1D
    >>> GlobalAveragePooling1D()(np.arange(4.0).reshape(1, 4, 1))
    array([[1.5]], dtype=float32)
    """

    op_class = P.AveragePool2D
    axes = 1


class MaxPooling3D(_Pooling):
    """The maximum of each window of a volume.

    Parameters
    ----------
    pool_size : int or three of int
        Depth, height and width of a window.
    strides : int or three of int, optional
        How far windows lie apart; `pool_size` by default.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import MaxPooling3D
    >>> MaxPooling3D(2)(np.arange(16.0).reshape(1, 4, 2, 2, 1)).reshape(2)
    array([ 7., 15.], dtype=float32)
    """

    op_class = P.MaxPool3D
    axes = 3

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling3D(_Pooling):
    """The mean of each window of a volume; cells of padding do not count.

    Parameters
    ----------
    pool_size : int or three of int
        Depth, height and width of a window.
    strides : int or three of int, optional
        How far windows lie apart; `pool_size` by default.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AveragePooling3D
    >>> AveragePooling3D(2)(np.arange(16.0).reshape(1, 4, 2, 2, 1)).reshape(2)
    array([ 3.5, 11.5], dtype=float32)
    """

    op_class = P.AveragePool3D
    axes = 3


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum of each channel over the whole volume.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep depth, height and width as axes of size 1.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GlobalMaxPooling3D
    >>> GlobalMaxPooling3D()(np.arange(8.0).reshape(1, 2, 2, 2, 1))
    array([[7.]], dtype=float32)
    """

    op_class = P.MaxPool3D
    axes = 3


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of each channel over the whole volume.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep depth, height and width as axes of size 1.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GlobalAveragePooling3D
    >>> GlobalAveragePooling3D()(np.arange(8.0).reshape(1, 2, 2, 2, 1))
    array([[3.5]], dtype=float32)
    """

    op_class = P.AveragePool3D
    axes = 3
