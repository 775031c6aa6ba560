"""Layers that make one of several inputs: Add, Concatenate and their kin."""

from functools import reduce

from fastconv.layers.layer import Layer
from fastconv.ops import array_functions as A


class Merge(Layer):
    """What merging layers share: a list of inputs whose shapes broadcast; a subclass says what becomes of them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        """Check the shapes; see `Layer.build`."""
        self._check(input_shape)

    @property
    def takes_lists(self):
        """Whether a list is one of several inputs; see `Layer`."""
        return True

    def _check(self, shapes):
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        several = isinstance(shapes, (list, tuple)) and all(isinstance(s, (list, tuple)) for s in shapes)
        if not several or len(shapes) < 2:
            raise ValueError(f"{owner}: expected a list of at least 2 inputs; got inputs of shape {shapes}.")
        for shape in shapes[1:]:
            if not self._fits(shapes[0], shape):
                raise ValueError(f"{owner}: inputs of shapes {tuple(shapes[0])} and {tuple(shape)} cannot be merged.")

    def _fits(self, one, other):
        pairs = zip(one[1:], other[1:], strict=False)
        return len(one) == len(other) and all(a == b or 1 in (a, b) for a, b in pairs)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self._check(input_shape)
        return super().compute_output_shape(input_shape)

    def call(self, inputs):
        """Return the inputs merged; see `Layer.call`."""
        return reduce(self._merge, inputs)

    def _merge(self, a, b):
        raise NotImplementedError

    def check_built(self, shape):
        """Check the shapes; see `Layer.check_built`."""
        self._check(shape)


class Add(Merge):
    """The sum of all inputs.

    Parameters
    ----------
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Add
    >>> Add()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[11., 22.]], dtype=float32)
    """

    def _merge(self, a, b):
        return A.add(a, b)


class Subtract(Merge):
    """The first of two inputs less the second.

    Parameters
    ----------
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Subtract
    >>> Subtract()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[ -9., -18.]], dtype=float32)
    """

    def _check(self, shapes):
        super()._check(shapes)
        if len(shapes) != 2:
            raise ValueError(f"Layer {self.name!r} (Subtract): expected exactly 2 inputs; got {len(shapes)}.")

    def _merge(self, a, b):
        return A.subtract(a, b)


class Multiply(Merge):
    """The product of all inputs, value by value.

    Parameters
    ----------
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Multiply
    >>> Multiply()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[10., 40.]], dtype=float32)
    """

    def _merge(self, a, b):
        return A.multiply(a, b)


class Average(Merge):
    """The mean of all inputs, value by value.

    Parameters
    ----------
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Average
    >>> Average()([[[1.0, 2.0]], [[3.0, 6.0]]])
    array([[2., 4.]], dtype=float32)
    """

    def call(self, inputs):
        """Return the mean; see `Layer.call`."""
        return reduce(A.add, inputs) / len(inputs)


class Maximum(Merge):
    """The greatest of all inputs, value by value.

    Parameters
    ----------
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Maximum
    >>> Maximum()([[[1.0, 20.0]], [[10.0, 2.0]]])
    array([[10., 20.]], dtype=float32)
    """

    def _merge(self, a, b):
        return A.maximum(a, b)


class Minimum(Merge):
    """The smallest of all inputs, value by value.

    Parameters
    ----------
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Minimum
    >>> Minimum()([[[1.0, 20.0]], [[10.0, 2.0]]])
    array([[1., 2.]], dtype=float32)
    """

    def _merge(self, a, b):
        return A.minimum(a, b)


class Concatenate(Merge):
    """All inputs, joined along an axis.

    Parameters
    ----------
    axis : int
        Not the batch, 0.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Concatenate
    >>> Concatenate()([[[1.0, 2.0]], [[10.0]]])
    array([[ 1.,  2., 10.]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def _fits(self, one, other):
        rank = len(one)
        axis = self.axis % rank if isinstance(self.axis, int) and -rank <= self.axis < rank else 0
        if axis == 0:
            raise ValueError(
                f"Layer {self.name!r} (Concatenate): axis={self.axis!r} on inputs of shape {tuple(one)}; expected an "
                "axis behind the batch."
            )
        same = all(a == b for i, (a, b) in enumerate(zip(one, other, strict=False)) if i not in (0, axis))
        return len(other) == rank and same

    def call(self, inputs):
        """Return the inputs joined; see `Layer.call`."""
        return A.concatenate(inputs, self.axis)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "axis": self.axis}


def _as_function(cls):
    name = cls.__name__.lower()

    def function(inputs, **kwargs):
        return cls(**kwargs)(inputs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Call a new `{cls.__name__}` on a list of tensors or arrays.

    Parameters
    ----------
    inputs : list of KerasTensor or array_like
    **kwargs
        Its own.

    Returns
    -------
    KerasTensor or ndarray

    Examples
    --------
    >>> {name}([np.ones((2, 3)), np.ones((2, 3))]).shape[0]
    2
    """
    return function


add, subtract, multiply, average, maximum, minimum = map(
    _as_function, (Add, Subtract, Multiply, Average, Maximum, Minimum)
)


def concatenate(inputs, axis=-1, **kwargs):
    """Call a new `Concatenate` on a list of tensors or arrays.

    Parameters
    ----------
    inputs : list of KerasTensor or array_like
    axis : int
        The axis along which they are joined.
    **kwargs
        See `Layer`.

    Returns
    -------
    KerasTensor or ndarray

    Examples
    --------
    >>> concatenate([np.ones((2, 3)), np.ones((2, 4))]).shape
    (2, 7)
    """
    return Concatenate(axis, **kwargs)(inputs)
