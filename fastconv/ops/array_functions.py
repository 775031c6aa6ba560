"""Functions on arrays and symbolic tensors under keras.ops names: arithmetic, over axes, and those that move values.

On arrays they compute at once, with NumPy; on symbolic tensors they become steps of a graph, with their gradients.
Types are NumPy's, but numbers without a type never make float64 of anything.
"""

import numbers
from itertools import pairwise

import numpy as np

from fastconv.names import spell_all
from fastconv.ops import primitives as P
from fastconv.ops import symbolic
from fastconv.ops.arrays import numeric
from fastconv.ops.merge import array_op
from fastconv.ops.rules import BINARY, OTHERS, REDUCTIONS, RULES, UNARY
from fastconv.ops.symbolic import KerasTensor


def _array(name, argument, value):
    """Return an array; Python's numbers stay, since they have no type of their own."""
    if isinstance(value, (bool, int, float)):
        return value
    array = numeric(f"ops.{name}", argument, value)
    return array if hasattr(value, "dtype") or array.dtype != np.float64 else array.astype(np.float32)


def _apply(name, *arrays, **settings):
    """Return a rule's value: of arrays at once, of symbolic tensors as another one."""
    if symbolic.any_symbolic(arrays):
        return symbolic.apply(array_op(name, **settings), *arrays)
    given = [_array(name, f"x{i + 1}" if len(arrays) > 1 else "x", a) for i, a in enumerate(arrays)]
    if all(isinstance(a, (bool, int, float)) for a in given):
        given = [np.asarray(a, np.float32 if isinstance(a, float) else None) for a in given]
    if settings.get("index") is None:
        given = [np.asarray(a) if isinstance(a, (bool, int, float)) and settings else a for a in given]
    try:
        value = np.asarray(RULES[name].forward(*given, **settings))
    except ValueError as error:
        raise ValueError(f"ops.{name}: {error}") from None
    wide = any(getattr(a, "dtype", None) == np.float64 for a in given)
    return value.astype(np.float32) if value.dtype == np.float64 and not wide else value


def _shape(x):
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def _axis(name, axis, rank):
    """Return an axis counted from the front; raise ValueError unless there is such an axis."""
    if isinstance(axis, bool) or not isinstance(axis, numbers.Integral) or not -rank <= axis < rank:
        raise ValueError(f"ops.{name}: axis={axis!r} is not an axis of x, which has {rank} axes.")
    return int(axis) % rank


def _axes(name, axis, rank):
    """Return None, or a tuple of different axes counted from the front."""
    if axis is None:
        return None
    axes = tuple(_axis(name, i, rank) for i in (axis if np.iterable(axis) else (axis,)))
    if len(set(axes)) < len(axes):
        raise ValueError(f"ops.{name}: axis={axis!r} names an axis twice.")
    return axes


def _unary(name, rule):
    def function(x):
        return _apply(name, x)

    function.__doc__ = f"""Return {rule.says}, value by value.

    Parameters
    ----------
    x : array_like or KerasTensor

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> {name}([1.0, 4.0]).shape
    (2,)
    """
    return function


def _binary(name, rule):
    def function(x1, x2):
        return _apply(name, x1, x2)

    function.__doc__ = f"""Return {rule.says}, value by value.

    Parameters
    ----------
    x1, x2 : array_like or KerasTensor
        Of shapes that broadcast.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> {name}([1.0, 4.0], 2.0).shape
    (2,)
    """
    return function


def _reduction(name, rule):
    def function(x, axis=None, keepdims=False):
        return _apply(name, x, axis=_axes(name, axis, len(_shape(x))), keepdims=bool(keepdims))

    function.__doc__ = f"""Return {rule.says}.

    Parameters
    ----------
    x : array_like or KerasTensor
    axis : int or tuple of int, optional
        Over which axes; over all by default.
    keepdims : bool
        Whether these axes stay, with length 1.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> {name}([[1.0, 2.0], [3.0, 4.0]], axis=1).shape
    (2,)
    """
    return function


def _named(name, function):
    function.__name__ = function.__qualname__ = name
    return function


for _make, _table in ((_unary, UNARY), (_binary, BINARY), (_reduction, REDUCTIONS)):
    globals().update({name: _named(name, _make(name, rule)) for name, rule in _table.items()})
_round = globals()["round"]
abs = globals()["absolute"]  # Keras's second names
true_divide = globals()["divide"]


def _extreme(name, other):
    """Return `max` or `min` with Keras's argument `initial`, which takes part as one more number."""
    plain = globals()[name]

    def function(x, axis=None, keepdims=False, initial=None):
        found = plain(x, axis, keepdims)
        return found if initial is None else globals()[other](found, initial)

    function.__doc__ = plain.__doc__.replace(
        "with length 1.\n", "with length 1.\n    initial : float, optional\n        One more number that takes part.\n"
    )
    return _named(name, function)


globals().update(max=_extreme("max", "maximum"), min=_extreme("min", "minimum"))


def round(x, decimals=0):
    """Return the nearest numbers with so many digits behind the point, halves to even ones; there is no gradient.

    Parameters
    ----------
    x : array_like or KerasTensor
    decimals : int
        Below 0, digits before the point become 0.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> round([0.5, 1.5, 2.25]), round([0.126, 2.0], 2)
    (array([0., 2., 2.], dtype=float32), array([0.13, 2.  ], dtype=float32))
    """
    if isinstance(decimals, bool) or not isinstance(decimals, numbers.Integral):
        raise ValueError(f"ops.round: decimals={decimals!r} is not a whole number.")
    if decimals == 0:
        return _round(x)
    scale = 10.0 ** int(decimals)
    return true_divide(_round(globals()["multiply"](x, scale)), scale)


def stop_gradient(variable):
    """Return an array or a tensor as it is; no gradient passes through it.

    Parameters
    ----------
    variable : array_like or KerasTensor

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> stop_gradient([1.0])
    array([1.], dtype=float32)
    """
    return _apply("stop_gradient", variable)


def power(x1, x2):
    """Return x1 to the power of x2, value by value; see `add` for the arguments.

    Examples
    --------
    >>> power([1.0, 3.0], 2)
    array([1., 9.], dtype=float32)
    """
    if isinstance(x2, numbers.Real) and x2 == 2 and symbolic.is_symbolic(x1):
        return _apply("square", x1)
    return _apply("power", x1, x2)


def std(x, axis=None, keepdims=False):
    """Return the standard deviation of x, the square root of `var`.

    Examples
    --------
    >>> std([1.0, 3.0])
    array(1., dtype=float32)
    """
    return _apply("sqrt", globals()["var"](x, axis, keepdims))


def clip(x, x_min, x_max):
    """Return x cut to the numbers from `x_min` to `x_max`; beyond them no gradient passes.

    Parameters
    ----------
    x : array_like or KerasTensor
    x_min, x_max : float

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> clip([-1.0, 0.5, 3.0], 0, 1)
    array([0. , 0.5, 1. ], dtype=float32)
    """
    if symbolic.any_symbolic((x_min, x_max)):
        raise TypeError("ops.clip: x_min and x_max must be numbers; ops.minimum and ops.maximum take tensors.")
    return _apply("clip", x, x_min=x_min, x_max=x_max)


def where(condition, x1=None, x2=None):
    """Return x1 where the condition holds, else x2, value by value.

    Parameters
    ----------
    condition, x1, x2 : array_like or KerasTensor
        Of shapes that broadcast.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> where([True, False], [1.0, 2.0], 0.0)
    array([1., 0.], dtype=float32)
    """
    if x1 is None or x2 is None:
        raise NotImplementedError("ops.where: only with x1 and x2; numpy.nonzero tells where a condition holds.")
    return _apply("where", condition, x1, x2)


def matmul(x1, x2):
    """Return the matrix product over the last axes; those before them broadcast.

    Parameters
    ----------
    x1 : array_like or KerasTensor, shape (..., n, k)
    x2 : array_like or KerasTensor, shape (..., k, m)

    Returns
    -------
    ndarray or KerasTensor

    Raises
    ------
    ValueError
        If the sizes do not fit.

    Examples
    --------
    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]])
    array([[11.]], dtype=float32)
    """
    a, b = _shape(x1), _shape(x2)
    if len(a) < 2 or len(b) < 2 or (a[-1] != b[-2] and None not in (a[-1], b[-2])):
        raise ValueError(f"ops.matmul: matrices of shapes {a} and {b} cannot be multiplied.")
    if symbolic.any_symbolic((x1, x2)) and len(b) == 2 and symbolic.is_symbolic(x1):
        return symbolic.apply(P.Dense(), x1, x2, None)
    return _apply("matmul", x1, x2)


# -- that move values -------------------------------------------------------------------------------------
def reshape(x, newshape):
    """Return the values under another shape.

    Parameters
    ----------
    x : array_like or KerasTensor
    newshape : tuple of int
        One size may be -1, or None where it is that of the batch.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> reshape([[1, 2], [3, 4]], (-1,))
    array([1, 2, 3, 4])
    """
    sizes = (newshape,) if isinstance(newshape, numbers.Integral) else tuple(newshape)
    sizes = tuple(-1 if n is None else n for n in sizes)
    if any(isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < -1 for n in sizes) or sizes.count(-1) > 1:
        raise ValueError(f"ops.reshape: newshape={newshape!r} is not a tuple of sizes of which one may be -1.")
    if isinstance(x, KerasTensor) and x.shape[:1] == (None,) and sizes[:1] == (-1,):
        inner = np.prod(x.shape[1:], dtype=int)
        if inner == np.prod(sizes[1:], dtype=int):  # every sample by itself: nothing has to move
            return symbolic.apply(P.Reshape(sizes[1:]), x)
    return _apply("reshape", x, shape=sizes)


def transpose(x, axes=None):
    """Return x with its axes in another order.

    Parameters
    ----------
    x : array_like or KerasTensor
    axes : tuple of int, optional
        Which axis of x comes where; reversed by default.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> transpose([[1, 2], [3, 4]])
    array([[1, 3],
           [2, 4]])
    """
    rank = len(_shape(x))
    order = tuple(range(rank))[::-1] if axes is None else _axes("transpose", axes, rank)
    if len(order) != rank:
        raise ValueError(f"ops.transpose: axes={axes!r} are not the {rank} axes of x.")
    return _apply("transpose", x, axes=order)


def swapaxes(x, axis1, axis2):
    """Return x with two axes exchanged.

    Examples
    --------
    >>> swapaxes([[1, 2, 3]], 0, 1).shape
    (3, 1)
    """
    rank = len(_shape(x))
    order = list(range(rank))
    a, b = _axis("swapaxes", axis1, rank), _axis("swapaxes", axis2, rank)
    order[a], order[b] = b, a
    return transpose(x, order)


def moveaxis(x, source, destination):
    """Return x with an axis moved to another place.

    Examples
    --------
    >>> import numpy as np
    >>> moveaxis(np.ones((2, 3, 4)), -1, 0).shape
    (4, 2, 3)
    """
    rank = len(_shape(x))
    order = list(range(rank))
    order.insert(_axis("moveaxis", destination, rank), order.pop(_axis("moveaxis", source, rank)))
    return transpose(x, order)


def expand_dims(x, axis):
    """Return x with new axes of length 1.

    Parameters
    ----------
    x : array_like or KerasTensor
    axis : int or tuple of int
        Their places in the result.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> expand_dims([1, 2], -1).shape
    (2, 1)
    """
    count = len(axis) if np.iterable(axis) else 1
    places = _axes("expand_dims", axis, len(_shape(x)) + count)
    index = tuple(None if i in places else slice(None) for i in range(len(_shape(x)) + count))
    return _apply("getitem", x, index=index)


def squeeze(x, axis=None):
    """Return x without axes of length 1.

    Parameters
    ----------
    x : array_like or KerasTensor
    axis : int or tuple of int, optional
        Which; all by default.

    Returns
    -------
    ndarray or KerasTensor

    Raises
    ------
    ValueError
        If one has another length.

    Examples
    --------
    >>> squeeze([[1, 2]], 0).shape
    (2,)
    """
    shape = _shape(x)
    axes = _axes("squeeze", axis, len(shape)) or tuple(i for i, n in enumerate(shape) if n == 1 and axis is None)
    if any(shape[i] != 1 for i in axes):
        raise ValueError(f"ops.squeeze: axis={axis!r} of x, whose shape is {shape}, is not of length 1.")
    return _apply("getitem", x, index=tuple(0 if i in axes else slice(None) for i in range(len(shape))))


def flip(x, axis=None):
    """Return x with the order along some axes reversed.

    Examples
    --------
    >>> flip([1, 2, 3])
    array([3, 2, 1])
    """
    rank = len(_shape(x))
    return _apply("flip", x, axis=_axes("flip", axis, rank) or tuple(range(rank)))


def broadcast_to(x, shape):
    """Return x repeated to a shape.

    Examples
    --------
    >>> broadcast_to([1, 2], (2, 2))
    array([[1, 2],
           [1, 2]])
    """
    if None in shape:
        raise ValueError(f"ops.broadcast_to: shape={shape!r} leaves a size open; add to a tensor of that size instead.")
    return _apply("broadcast_to", x, shape=tuple(int(n) for n in shape))


def concatenate(xs, axis=0):
    """Return arrays joined along an axis.

    Parameters
    ----------
    xs : list of array_like or KerasTensor
        Of the same shape, but for the axis.
    axis : int

    Returns
    -------
    ndarray or KerasTensor

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> concatenate([[1, 2], [3]])
    array([1, 2, 3])
    """
    xs = list(xs)
    if not xs:
        raise ValueError("ops.concatenate: xs=[] is empty; expected arrays.")
    shapes = [_shape(x) for x in xs]
    place = _axis("concatenate", axis, len(shapes[0]))
    rest = {tuple(n for i, n in enumerate(shape) if i != place) for shape in shapes}
    if len(rest) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ValueError(f"ops.concatenate: arrays of shapes {shapes} cannot be joined along axis={axis}.")
    return _apply("concatenate", *xs, axis=place)


def stack(x, axis=0):
    """Return arrays of one shape joined along a new axis.

    Examples
    --------
    >>> stack([[1, 2], [3, 4]], axis=-1)
    array([[1, 3],
           [2, 4]])
    """
    return concatenate([expand_dims(part, axis) for part in x], axis)


def split(x, indices_or_sections, axis=0):
    """Return the parts of x along an axis as a list.

    Parameters
    ----------
    x : array_like or KerasTensor
    indices_or_sections : int or list of int
        How many equal parts, or where they end.
    axis : int

    Returns
    -------
    list of ndarray or KerasTensor

    Raises
    ------
    ValueError
        If there are no such equal parts.

    Examples
    --------
    >>> split([1, 2, 3, 4], 2)
    [array([1, 2]), array([3, 4])]
    """
    shape = _shape(x)
    place = _axis("split", axis, len(shape))
    ends = indices_or_sections
    if isinstance(ends, numbers.Integral):
        if shape[place] is None or ends < 1 or shape[place] % ends:
            raise ValueError(f"ops.split: axis={axis} of x, whose shape is {shape}, has no {ends} equal parts.")
        ends = range(shape[place] // ends, shape[place], shape[place] // ends)
    index = [(*(slice(None),) * place, slice(a, b)) for a, b in pairwise([None, *ends, None])]
    return [_apply("getitem", x, index=part) for part in index]


def pad(x, pad_width, mode="constant", constant_values=None):
    """Return x surrounded by a number.

    Parameters
    ----------
    x : array_like or KerasTensor
    pad_width : int or list of pair of int
        How much before and behind each axis; a number, or a list of one pair, is for all axes.
    mode : {"constant"}
        No other one is supported.
    constant_values : float, optional
        0 by default.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> pad([1, 2], [(1, 0)])
    array([0, 1, 2])
    """
    if mode != "constant":
        raise NotImplementedError(f"ops.pad: mode={mode!r} is not supported; expected 'constant'.")
    rank = len(_shape(x))
    widths = ((pad_width, pad_width),) if isinstance(pad_width, numbers.Integral) else pad_width
    widths = tuple((int(a), int(b)) for a, b in widths)
    widths = widths * rank if len(widths) == 1 else widths
    if len(widths) != rank or any(n < 0 for pair in widths for n in pair):
        raise ValueError(f"ops.pad: pad_width={pad_width!r} does not fit x, which has {rank} axes.")
    return _apply("pad", x, pad_width=widths, constant_values=0 if constant_values is None else constant_values)


# -- that have no gradient --------------------------------------------------------------------------------
def _place(name):
    def function(x, axis=None, keepdims=False):
        if axis is None:
            x, axis = reshape(x, (-1,)), 0
        return _apply(name, x, axis=_axis(name, axis, len(_shape(x))), keepdims=bool(keepdims))

    what = "greatest" if name == "argmax" else "smallest"
    function.__doc__ = f"""Return where the {what} value along an axis is, the first one if several tie.

    Parameters
    ----------
    x : array_like or KerasTensor
    axis : int, optional
        Over all values in a row by default.
    keepdims : bool
        Whether the axis stays, with length 1.

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> {name}([[1.0, 4.0]], axis=-1).shape
    (1,)
    """
    return _named(name, function)


argmax, argmin = _place("argmax"), _place("argmin")


def cast(x, dtype):
    """Return x as another type; a symbolic tensor stays one of floats, whole numbers lose their fraction.

    Parameters
    ----------
    x : array_like or KerasTensor
    dtype : str

    Returns
    -------
    ndarray or KerasTensor

    Examples
    --------
    >>> cast([1.5, -1.5], "int32")
    array([ 1, -1], dtype=int32)
    """
    kind = np.dtype(dtype).kind
    if not symbolic.is_symbolic(x):
        return numeric("ops.cast", "x", x).astype(dtype)
    if kind == "b":
        return _apply("not_equal", x, 0)
    return _apply("cast_to_whole", x) if kind in "iu" else symbolic.apply(array_op("add"), x, 0)


def shape(x):
    """Return the shape; None is the size of a batch to come.

    Examples
    --------
    >>> shape([[1, 2]])
    (1, 2)
    """
    return _shape(x)


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """Return x as an array; what is symbolic stays so.

    Examples
    --------
    >>> convert_to_tensor([1.0])
    array([1.], dtype=float32)
    """
    for argument, value in (("sparse", sparse), ("ragged", ragged)):
        if value:
            raise NotImplementedError(f"ops.convert_to_tensor: {argument}={value!r} is not supported; leave it out.")
    if symbolic.is_symbolic(x):
        return x if dtype is None else cast(x, dtype)
    return np.asarray(_array("convert_to_tensor", "x", x), dtype)


def convert_to_numpy(x):
    """Return x as an array.

    Examples
    --------
    >>> convert_to_numpy([1, 2])
    array([1, 2])
    """
    return np.asarray(x)


def _filled(name, number):
    def function(x, dtype=None):
        if symbolic.is_symbolic(x):
            return _apply("stop_gradient", _apply("add", _apply("multiply", x, 0), number))
        return np.full_like(_array(name, "x", x), number, dtype)

    function.__doc__ = f"""Return an array of the shape of x, full of {number}.

    Examples
    --------
    >>> {name}([1.0, 2.0]).shape
    (2,)
    """
    return _named(name, function)


zeros_like, ones_like = _filled("zeros_like", 0), _filled("ones_like", 1)


def zeros(shape, dtype=None):
    """Return an array full of 0.

    Examples
    --------
    >>> zeros((2,))
    array([0., 0.], dtype=float32)
    """
    return np.zeros(shape, dtype or "float32")


def ones(shape, dtype=None):
    """Return an array full of 1.

    Examples
    --------
    >>> ones((2,))
    array([1., 1.], dtype=float32)
    """
    return np.ones(shape, dtype or "float32")


def arange(start, stop=None, step=None, dtype=None):
    """Return numbers in even steps, `stop` left out.

    Examples
    --------
    >>> arange(3)
    array([0, 1, 2])
    """
    step = 1 if step is None else step
    return np.arange(start, stop, step, dtype) if stop is not None else np.arange(0, start, step, dtype)


_MORE = """
abs arange cast convert_to_numpy convert_to_tensor expand_dims moveaxis ones ones_like shape split squeeze stack std
swapaxes true_divide zeros zeros_like
"""
__all__ = sorted({*UNARY, *BINARY, *REDUCTIONS, *(OTHERS.keys() - {"getitem", "cast_to_whole"}), *_MORE.split()})
spell_all(globals(), __all__)
