"""The value and the way back of any function made of this library's ops."""

import numpy as np

from fastconv.ops import symbolic
from fastconv.ops.arrays import as_floats, contiguous, numeric
from fastconv.ops.symbolic import Graph, KerasTensor


def vjp(function, args, kwargs, check):
    """Return the value of a function on arrays, and its way back; see `ops.vjp`."""
    if not callable(function):
        raise TypeError(f"ops.vjp: op={function!r} is not a function.")
    owner = getattr(function, "__name__", type(function).__name__)
    places = [i for i, value in enumerate(args) if _is_array(value)]
    lists = [i for i, value in enumerate(args) if isinstance(value, (list, tuple)) and i in places]
    parts, spans = [], {}
    for i in places:
        values = args[i] if i in lists and _holds_arrays(args[i]) else [args[i]]
        spans[i] = (len(parts), len(parts) + len(values), values is args[i])
        parts += values
    if not parts:
        raise ValueError(f"ops.vjp: none of the arguments of {owner} is an array.")
    arrays = [as_floats(numeric("ops.vjp", "an argument", a), a) for a in parts]
    wide = any(a.dtype == np.float64 for a in arrays)
    arrays = [contiguous(a, np.float64 if wide else np.float32) for a in arrays]
    tensors = [KerasTensor(a.shape, a.dtype.name) for a in arrays]

    def of_tensors(*tensors):
        given = list(args)
        for i, (start, end, several) in spans.items():
            given[i] = list(tensors[start:end]) if several else tensors[start]
        return function(*given, **kwargs)

    graph = Graph(of_tensors, tensors, owner)
    tape, values, outputs = graph.run(arrays)
    found = tuple(y.array for y in outputs)

    def backprop(dy):
        given = [dy] if graph.is_single else dy
        if not graph.is_single and (not isinstance(dy, (tuple, list)) or len(dy) != len(found)):
            raise ValueError(f"ops.{owner}: there are {len(found)} values; expected a tuple of as many gradients.")
        tape.backward(outputs, [check(owner, d, y) for d, y in zip(given, found, strict=True)])
        return tuple(map(tape.gradient_of, values))

    return found[0] if graph.is_single else found, backprop


def _is_array(value):
    if symbolic.is_variable(value) or isinstance(value, np.ndarray):
        return True
    return isinstance(value, (list, tuple)) and bool(len(value)) and np.asarray(_first(value)).dtype.kind in "iufb"


def _first(value):
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value


def _holds_arrays(value):
    return all(isinstance(part, np.ndarray) or symbolic.is_variable(part) for part in value)
