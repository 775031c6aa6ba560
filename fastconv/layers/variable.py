"""Variables: named arrays that stay where they are, so that plans and optimizers can hold on to them."""

import operator
from contextvars import ContextVar

import numpy as np

from fastconv.ops import array_functions as A
from fastconv.ops import symbolic
from fastconv.runtime import settings

# While a file is read: an object whose `values(name, shape, dtype)` gives the values of new variables, within bounds;
# None: as the initializer makes them.
MADE_BY = ContextVar("what makes the values of new variables", default=None)


class Variable:
    """A named array that is changed in place and never replaced.

    Parameters
    ----------
    initializer : str, callable, array_like
        The values, or what makes them from a shape and a dtype.
    shape : tuple of int, optional
        The shape; needed with an initializer.
    dtype : str or dtype, optional
        The type; by default that of an array, else ``fastconv.config.floatx()``.
    trainable : bool
        Whether training changes it.
    autocast, aggregation, synchronization, layout
        For mixed types and several machines; nothing but the defaults is supported.
    name : str, optional
        Its name; ``"variable"`` by default.

    Attributes
    ----------
    array : ndarray
        The values themselves, for the library's own use: written to in place, never replaced.
    path : str
        The name with the names of what it belongs to before it.
    is_parameter : bool
        Whether it was meant for training, whatever `trainable` says now.
    version : int
        Grows with each change, so that what was made from the values can be made anew.

    Raises
    ------
    ValueError
        If an initializer comes without a shape, or values with another one.

    Examples
    --------
    >>> v = Variable("ones", shape=(2,), name="scale")
    >>> v.assign([1.0, 3.0])
    >>> v.numpy(), v.name
    (array([1., 3.], dtype=float32), 'scale')
    """

    constraint = None
    regularizer = None
    is_variable = True
    aggregation = "none"
    __array_priority__ = 100  # operators with an array are this class's

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        autocast=True,
        aggregation="none",
        synchronization="auto",
        name=None,
        layout=None,
        **kwargs,
    ):
        self.name = name or "variable"
        _refuse(self.name, autocast, aggregation, synchronization, layout, kwargs)
        self.path = self.name
        self.trainable = trainable
        self.array = _values(self.name, initializer, shape, dtype)
        self.version = 0
        self.is_parameter = trainable

    @property
    def overwrite_with_gradient(self):
        """Whether the optimizer puts the gradient in the values' place: never, and True is refused."""
        return False

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value):
        if value:
            raise NotImplementedError(f"Variable {self.path!r}: overwrite_with_gradient={value!r} is not supported.")

    @property
    def value(self):
        """A view of the values that cannot be written to; `assign` changes them. In a layer's call it is symbolic."""
        if symbolic.is_tracing():
            return self
        view = self.array.view()
        view.flags.writeable = False
        return view

    @property
    def shape(self):
        """The shape of the array."""
        return self.array.shape

    @property
    def dtype(self):
        """The name of the array's type."""
        return self.array.dtype.name

    @property
    def ndim(self):
        """The number of axes."""
        return self.array.ndim

    def numpy(self):
        """Return a copy of the values.

        Returns
        -------
        ndarray
            The copy.

        Examples
        --------
        >>> Variable([1.0]).numpy()
        array([1.], dtype=float32)
        """
        return self.array.copy()

    def assign(self, value):
        """Set all values.

        Parameters
        ----------
        value : array_like or Variable
            Values of the same shape.

        Raises
        ------
        ValueError
            If the shape is another one.

        Examples
        --------
        >>> v = Variable([1.0])
        >>> v.assign([2.0])
        """
        if symbolic.is_symbolic(value):
            symbolic.assign(self, value)
            return
        if symbolic.is_tracing():  # it would happen now, once, and not at each run
            raise NotImplementedError(
                f"Variable {self.path!r}: in a layer's call only what is computed from its inputs can be assigned; "
                f"got {value!r}, which is no symbolic tensor."
            )
        value = np.asarray(value)
        if value.shape != self.array.shape:
            raise ValueError(f"Variable {self.path!r}: assign got shape {value.shape}; expected {self.shape}.")
        self.array[...] = value
        self.version += 1

    def assign_add(self, value):
        """Add to all values; see `assign`.

        Examples
        --------
        >>> v = Variable([1.0])
        >>> v.assign_add([2.0])
        >>> v.numpy()
        array([3.], dtype=float32)
        """
        if symbolic.is_symbolic(value):
            symbolic.assign(self, A.add(self, value))
            return
        self.assign(value if symbolic.is_tracing() else self.array + np.asarray(value, self.array.dtype))

    def assign_sub(self, value):
        """Subtract from all values; see `assign`.

        Examples
        --------
        >>> v = Variable([1.0])
        >>> v.assign_sub([2.0])
        >>> v.numpy()
        array([-1.], dtype=float32)
        """
        if symbolic.is_symbolic(value):
            symbolic.assign(self, A.subtract(self, value))
            return
        self.assign(value if symbolic.is_tracing() else self.array - np.asarray(value, self.array.dtype))

    def __array__(self, dtype=None, copy=None):
        if symbolic.is_tracing():
            raise TypeError(
                f"Variable {self.path!r}: a NumPy function would take the values that it has now, and no gradient "
                "would reach it. Use functions of fastconv.ops and operators in a call and in a loss."
            )
        return np.array(self.array, dtype, copy=True) if copy else np.asarray(self.value, dtype)

    def __getitem__(self, index):
        return symbolic.getitem(self, index) if symbolic.is_tracing() else self.array[index]

    def __bool__(self):
        raise TypeError(f"Variable {self.path!r} is not a boolean, and cannot be used as one; compare its values.")

    def __float__(self):
        return float(self.array)

    def __int__(self):
        return int(self.array)

    def __index__(self):
        return operator.index(self.array)

    def __repr__(self):
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self.array}>"


def _refuse(name, autocast, aggregation, synchronization, layout, unknown):
    """Raise for arguments of Keras's that are not the defaults, and for those that nobody knows."""
    for argument in unknown:
        raise TypeError(f"Variable {name!r} got an unexpected argument {argument!r}.")
    given = {"autocast": autocast, "aggregation": aggregation, "synchronization": synchronization, "layout": layout}
    for argument, value in given.items():
        if value not in _PLAIN[argument]:
            raise NotImplementedError(f"Variable {name!r}: {argument}={value!r} is not supported; leave it out.")


# What changes nothing on one machine with one type.
_PLAIN = {
    "autocast": (True, False),
    "aggregation": ("none", None, "mean", "sum", "only_first_replica"),
    "synchronization": ("none", None, "auto"),
    "layout": (None,),
}


def _values(name, initializer, shape, dtype):
    """Return a new array that nobody else holds."""
    from fastconv import initializers  # they are not needed for variables made of arrays

    if isinstance(initializer, str):
        initializer = initializers.get(initializer)
    if callable(initializer):
        if shape is None:
            raise ValueError(f"Variable {name!r}: an initializer needs a shape.")
        shape, dtype, made_by = tuple(shape), dtype or settings.floatx(), MADE_BY.get()
        values = None if made_by is None else made_by.values(name, shape, dtype)
        return np.array(initializer(shape, dtype=dtype), order="C") if values is None else values
    if dtype is None and not isinstance(initializer, (np.ndarray, np.generic, Variable)):
        dtype = settings.floatx()
    array = np.array(initializer, dtype, order="C")
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(f"Variable {name!r}: the values have shape {array.shape}; expected {tuple(shape)}.")
    return array


# Python's name of an operator, and the op that it is in a function that is traced
_SYMBOLIC = {
    "add": A.add, "sub": A.subtract, "mul": A.multiply, "truediv": A.divide, "pow": A.power, "matmul": A.matmul,
    "eq": A.equal, "ne": A.not_equal, "lt": A.less, "le": A.less_equal, "gt": A.greater, "ge": A.greater_equal,
}  # fmt: skip


def _operator(name, reflected=False):
    function, traced = getattr(operator, name), _SYMBOLIC.get(name)

    def method(self, other):
        pair = (other, self) if reflected else (self, other)
        if symbolic.any_symbolic(pair):
            if traced is None:
                raise TypeError(f"Variable {self.path!r}: the operator {name} has no gradient; use functions of ops.")
            return traced(*pair)
        return function(*map(_plain, pair))

    return method


def _operators():
    """Let variables stand for their arrays in arithmetic and comparisons; as keys they stand for themselves."""
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
        setattr(Variable, f"__{name}__", _operator(name))
        setattr(Variable, f"__r{name}__", _operator(name, True))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Variable, f"__{name}__", _operator(name))
    Variable.__hash__ = object.__hash__
    Variable.__neg__ = lambda self: A.negative(self) if symbolic.is_tracing() else -self.array
    Variable.__abs__ = lambda self: A.absolute(self) if symbolic.is_tracing() else abs(self.array)


def _plain(value):
    return value.array if isinstance(value, Variable) else value


_operators()
