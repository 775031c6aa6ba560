"""Layers that move values without changing them."""

import numbers
from math import prod

from fastconv.layers.layer import Layer, pair, sizes
from fastconv.ops import primitives as P
from fastconv.runtime import settings


class Flatten(Layer):
    """All values of a sample in a row.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        With ``"channels_first"``, channels are moved last before flattening, so that weights behind it fit both
        formats.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Flatten
    >>> Flatten()(np.ones((2, 5, 5, 64))).shape
    (2, 1600)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, len(input_shape))
        return (input_shape[0], prod(input_shape[1:]))

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        if self.data_format == "channels_first" and len(trace.shape(x)) > 2:
            x = trace.add(P.SwapAxes("last"), x)
        return trace.add(P.Reshape((prod(trace.shape(x)[1:]),)), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """The same values under another shape.

    Parameters
    ----------
    target_shape : tuple of int
        Without the batch; one size may be -1.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the number of values differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Reshape
    >>> Reshape((28, 28, 1))(np.ones((2, 784))).shape
    (2, 28, 28, 1)
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        owner = f"Layer {self.name!r} (Reshape)"
        shape = (target_shape,) if isinstance(target_shape, numbers.Integral) else target_shape
        self.target_shape = sizes(owner, "target_shape", shape, unknown=-1)
        if self.target_shape.count(-1) > 1:
            raise ValueError(f"{owner}: target_shape={target_shape!r} has more than one unknown size, -1.")

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, len(input_shape))
        count, known = prod(input_shape[1:]), prod(n for n in self.target_shape if n != -1)
        if count % known or (-1 not in self.target_shape and count != known):
            raise ValueError(
                f"Layer {self.name!r} (Reshape): inputs of shape {tuple(input_shape)} have {count} values a sample, "
                f"which do "
                f"not fill target_shape={self.target_shape}."
            )
        return (input_shape[0], *(count // known if n == -1 else n for n in self.target_shape))

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.Reshape(self.compute_output_shape(trace.shape(x))[1:]), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "target_shape": self.target_shape}


class ZeroPadding2D(Layer):
    """Images surrounded by zeros.

    Parameters
    ----------
    padding : int, pair of int, or pair of pairs
        All sides; (rows above and below, columns left and right); ((top, bottom), (left, right)).
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the padding is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import ZeroPadding2D
    >>> ZeroPadding2D(((1, 0), (2, 2)))(np.ones((1, 4, 4, 1))).shape
    (1, 5, 8, 1)
    """

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        owner = f"Layer {self.name!r} (ZeroPadding2D)"
        axes = (padding, padding) if isinstance(padding, int) else padding
        if not hasattr(axes, "__len__") or len(axes) != 2:
            raise ValueError(f"{owner}: padding={padding!r} is not an integer, a pair, or a pair of pairs.")
        self.padding = tuple(pair(owner, "padding", axis, minimum=0) for axis in axes)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, 4)
        shape = list(input_shape)
        for axis, amounts in zip((2, 3) if self.data_format == "channels_first" else (1, 2), self.padding, strict=True):
            shape[axis] += sum(amounts)
        return tuple(shape)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        if self.data_format == "channels_last":
            return trace.add(P.ZeroPad2D(self.padding), x)
        return trace.add(P.SwapAxes("first"), trace.add(P.ZeroPad2D(self.padding), trace.add(P.SwapAxes("last"), x)))

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}
