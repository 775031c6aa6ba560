"""Adaptive pooling layers: so many windows as are asked for become their maximum or their mean."""

import numbers
from math import prod

from fastconv.layers.layer import Layer, sizes
from fastconv.layers.pooling import as_pair, channels_last, to_image
from fastconv.ops import primitives as P
from fastconv.runtime import settings

LARGEST = 2**31 - 1  # values a channel


class _AdaptivePooling(Layer):
    """What they share; a subclass names its op and its number of axes."""

    op_class = None
    axes = 2

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        whole = isinstance(output_size, numbers.Integral) and not isinstance(output_size, bool)
        value = (output_size,) * self.axes if whole else output_size
        if not isinstance(value, (tuple, list)) or (len(value) != self.axes and self.axes > 1):
            raise TypeError(f"{owner}: output_size={output_size!r} is not an integer or a tuple of {self.axes}.")
        if len(value) != self.axes:
            raise ValueError(f"{owner}: output_size={output_size!r} has {len(value)} sizes; expected one.")
        self.output_size = sizes(owner, "output_size", value, unknown=0)
        if 0 in self.output_size:
            raise ValueError(f"{owner}: output_size={output_size!r} has a size that is not above 0.")
        if prod(self.output_size) > LARGEST:
            raise ValueError(f"{owner}: output_size={output_size!r} asks for more than {LARGEST} values a channel.")
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, self.axes + 2)
        n, channels = input_shape[0], channels_last(self, input_shape)[-1]
        if self.data_format == "channels_first":
            return (n, channels, *self.output_size)
        return (n, *self.output_size, channels)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        x = to_image(self, trace, x)
        op = self.op_class(as_pair(self.output_size))
        x = trace.add(op.simpler(trace.shape(x)) or op, x)
        if self.axes == 1:
            x = trace.add(P.Reshape((*self.output_size, trace.shape(x)[-1])), x)
        return trace.add(P.SwapAxes("first"), x) if self.data_format == "channels_first" else x

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of each of as many windows of a sequence as are asked for.

    Window i begins at floor(i * size / output size) and ends at ceil((i + 1) * size / output size).

    Parameters
    ----------
    output_size : int
        Length of the output.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If `output_size` is no integer and no tuple of as many as there are axes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AdaptiveAveragePooling1D
    >>> AdaptiveAveragePooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).reshape(2)
    array([1., 3.], dtype=float32)
    """

    op_class = P.AdaptiveAveragePool
    axes = 1


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of each of as many windows of a image as are asked for.

    Window i begins at floor(i * size / output size) and ends at ceil((i + 1) * size / output size).

    Parameters
    ----------
    output_size : int or pair of int
        Height and width of the output.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If `output_size` is no integer and no tuple of as many as there are axes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AdaptiveAveragePooling2D
    >>> AdaptiveAveragePooling2D((1, 2))(np.arange(5.0).reshape(1, 1, 5, 1)).reshape(2)
    array([1., 3.], dtype=float32)
    """

    op_class = P.AdaptiveAveragePool
    axes = 2


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of each of as many windows of a volume as are asked for.

    Window i begins at floor(i * size / output size) and ends at ceil((i + 1) * size / output size).

    Parameters
    ----------
    output_size : int or three of int
        Depth, height and width of the output.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If `output_size` is no integer and no tuple of as many as there are axes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AdaptiveAveragePooling3D
    >>> AdaptiveAveragePooling3D((1, 1, 2))(np.arange(5.0).reshape(1, 1, 1, 5, 1)).reshape(2)
    array([1., 3.], dtype=float32)
    """

    op_class = P.AdaptiveAveragePool
    axes = 3


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The maximum of each of as many windows of a sequence as are asked for.

    Window i begins at floor(i * size / output size) and ends at ceil((i + 1) * size / output size).

    Parameters
    ----------
    output_size : int
        Length of the output.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If `output_size` is no integer and no tuple of as many as there are axes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AdaptiveMaxPooling1D
    >>> AdaptiveMaxPooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).reshape(2)
    array([2., 4.], dtype=float32)
    """

    op_class = P.AdaptiveMaxPool
    axes = 1


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The maximum of each of as many windows of a image as are asked for.

    Window i begins at floor(i * size / output size) and ends at ceil((i + 1) * size / output size).

    Parameters
    ----------
    output_size : int or pair of int
        Height and width of the output.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If `output_size` is no integer and no tuple of as many as there are axes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AdaptiveMaxPooling2D
    >>> AdaptiveMaxPooling2D((1, 2))(np.arange(5.0).reshape(1, 1, 5, 1)).reshape(2)
    array([2., 4.], dtype=float32)
    """

    op_class = P.AdaptiveMaxPool
    axes = 2


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The maximum of each of as many windows of a volume as are asked for.

    Window i begins at floor(i * size / output size) and ends at ceil((i + 1) * size / output size).

    Parameters
    ----------
    output_size : int or three of int
        Depth, height and width of the output.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If `output_size` is no integer and no tuple of as many as there are axes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AdaptiveMaxPooling3D
    >>> AdaptiveMaxPooling3D((1, 1, 2))(np.arange(5.0).reshape(1, 1, 1, 5, 1)).reshape(2)
    array([2., 4.], dtype=float32)
    """

    op_class = P.AdaptiveMaxPool
    axes = 3
