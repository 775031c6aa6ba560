"""Layers that move values without changing them."""

import numbers
from math import prod

from fastconv.layers.layer import Layer, sizes
from fastconv.layers.spatial import whole
from fastconv.ops import primitives as P
from fastconv.ops.resample import repeating
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


class Permute(Layer):
    """The axes of a sample in another order.

    Parameters
    ----------
    dims : tuple of int
        The axes, counted from 1, in their new order.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If it is not an order of 1, 2, ….

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Permute
    >>> Permute((2, 1))(np.ones((3, 4, 5))).shape
    (3, 5, 4)
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = sizes(f"Layer {self.name!r} (Permute)", "dims", dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)) or not self.dims:
            raise ValueError(
                f"Layer {self.name!r} (Permute): dims={dims!r} is not an order of the axes 1, 2, ...; the batch has "
                "none, and the first axis behind it is 1."
            )

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, len(self.dims) + 1)
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return x if list(self.dims) == sorted(self.dims) else trace.add(P.Permute(self.dims), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """A vector n times, as the steps of a sequence.

    Parameters
    ----------
    n : int
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        If it is no integer, or not above 0.

    Examples
    --------
    >>> from fastconv.layers import RepeatVector
    >>> RepeatVector(2)([[1.0, 3.0]])
    array([[[1., 3.],
            [1., 3.]]], dtype=float32)
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = whole(f"Layer {self.name!r} (RepeatVector)", "n", n)

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, 2)
        return (input_shape[0], self.n, input_shape[1])

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        x = trace.add(P.Reshape((1, trace.shape(x)[1])), x)
        return trace.add(P.Resample(1, repeating(1, self.n)), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "n": self.n}


class Identity(Layer):
    """Values as they are.

    Parameters
    ----------
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Identity
    >>> Identity()([[1.0, 3.0]])
    array([[1., 3.]], dtype=float32)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def lower(self, trace, x):
        """Return the value as it is; see `Layer.lower`."""
        return x
