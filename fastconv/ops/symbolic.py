"""Symbolic tensors: what is known of arrays to come, the graph of what is done to them, and how a graph is run.

A function of arrays is traced by calling it on `KerasTensor` objects: every op that it applies becomes a `Node`. While
it is traced, variables stand for themselves, so that what is made of them has a gradient as well. A graph is then
lowered into a trace: that of a plan, or a `Tape`, which runs it at once and knows the way back.
"""

from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

import numpy as np

from fastconv.ops.arrays import contiguous
from fastconv.ops.bfloat16 import narrowed
from fastconv.ops.merge import array_op
from fastconv.ops.rules import RULES, ArrayOp, Assign, Read

_EFFECTS = ContextVar("effects", default=None)  # nodes of assignments, while a function is traced
_numbers = count()
_names = Counter()


@contextmanager
def tracing():
    """Let variables be symbolic for a while; the context is the list of the assignments made in it."""
    effects = []
    token = _EFFECTS.set(effects)
    try:
        yield effects
    finally:
        _EFFECTS.reset(token)


@contextmanager
def not_tracing():
    """Let variables be arrays for a while, as when a layer is built inside a function that is traced."""
    token = _EFFECTS.set(None)
    try:
        yield
    finally:
        _EFFECTS.reset(token)


def is_tracing():
    """Tell whether a function is being traced."""
    return _EFFECTS.get() is not None


def is_variable(value):
    """Tell whether something is a variable of a layer."""
    return getattr(value, "is_variable", False)


def is_symbolic(value):
    """Tell whether something stands for an array to come: a symbolic tensor, or a variable while one traces."""
    return isinstance(value, KerasTensor) or (is_variable(value) and is_tracing())


def any_symbolic(values):
    """Tell whether one of some arguments, or something in a list among them, is symbolic."""
    return any(
        is_symbolic(value) or (isinstance(value, (list, tuple)) and any(map(is_symbolic, value))) for value in values
    )


class Constant:
    """An array in the place of a variable."""

    trainable = False
    regularizer = constraint = None
    version = 0

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        return self.array.shape


class Node:
    """An op or a layer, applied once.

    Attributes
    ----------
    operation : Op or Layer
    inputs : list of KerasTensor, Variable, Constant or None
    arguments : dict
        What else the call was given, such as ``training``.
    outputs : list of KerasTensor
    number : int
        Nodes are numbered as they are made.
    """

    def __init__(self, operation, inputs, arguments=None, is_list=False):
        self.operation, self.inputs, self.is_list = operation, list(inputs), is_list
        self.arguments = arguments or {}
        self.number = next(_numbers)
        self.outputs = []

    @property
    def tensors(self):
        """The symbolic ones of the inputs."""
        return [x for x in self.inputs if isinstance(x, KerasTensor)]

    def give(self, shapes, dtype):
        """Make the outputs; return them."""
        self.outputs = [KerasTensor(shape, dtype, node=self, place=i) for i, shape in enumerate(shapes)]
        return self.outputs

    def lower(self, trace, values):
        """Add the ops to a trace; `values` holds the trace's value of each tensor, by its id."""
        inputs = [values[id(x)] if isinstance(x, KerasTensor) else x for x in self.inputs]
        if hasattr(self.operation, "lower_whole"):
            results = self._lower_layer(trace, inputs)
        else:
            first = self.inputs[0]
            if not isinstance(first, KerasTensor):
                inputs[0] = trace.add(Read(), next(iter(values.values())), first)
            results = [trace.add(self.operation, *inputs)]
        values.update({id(y): value for y, value in zip(self.outputs, results, strict=True)})

    def _lower_layer(self, trace, inputs):
        layer, training = trace.layer, trace.training
        trace.layer = self.operation.name
        given = self.arguments.get("training")
        trace.training = training if given is None else bool(given)
        try:
            y = self.operation.lower_whole(trace, inputs if self.is_list else inputs[0])
        finally:
            trace.layer, trace.training = layer, training
        return y if isinstance(y, list) else [y]


def _operator(name, reflected=False):
    def method(self, other):
        if other is None or isinstance(other, (str, dict)):
            return NotImplemented
        return apply(array_op(name), *((other, self) if reflected else (self, other)))

    return method


class KerasTensor:
    """What is known of an array to come.

    Parameters
    ----------
    shape : tuple
        None for the batch.
    dtype : str
    sparse, ragged : bool
        Only False is supported.
    record_history : bool
        Has no meaning here: a tensor always knows where it comes from.
    name : str, optional

    Attributes
    ----------
    node : Node or None
        What makes it; None for a model's input.

    Examples
    --------
    >>> x = KerasTensor((None, 4), name="x")
    >>> x * 2 + 1
    <KerasTensor shape=(None, 4), dtype=float32, sparse=False, ragged=False, name=keras_tensor...>
    """

    def __init__(
        self,
        shape,
        dtype="float32",
        sparse=False,
        ragged=False,
        record_history=True,
        name=None,
        *,
        node=None,
        place=0,
    ):
        if sparse or ragged:
            raise NotImplementedError(f"KerasTensor: sparse={sparse!r}, ragged={ragged!r} are not supported.")
        self.shape, self.dtype, self.sparse, self.ragged = tuple(shape), dtype, False, False
        if name is None:
            number = _names["keras_tensor"]
            _names["keras_tensor"] += 1
            name = f"keras_tensor_{number}" if number else "keras_tensor"
        self.name, self.node, self.place, self.source = name, node, place, None

    @property
    def ndim(self):
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self):  # noqa: N802
        """The tensor with its axes reversed."""
        return self.transpose()

    def __repr__(self):
        return (
            f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse={self.sparse}, ragged={self.ragged}, "
            f"name={self.name}>"
        )

    # -- arithmetic ---------------------------------------------------------------------------------------
    __add__, __radd__ = _operator("add"), _operator("add", True)
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", True)
    __mul__, __rmul__ = _operator("multiply"), _operator("multiply", True)
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", True)
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")

    def __pow__(self, other):
        return _public("power")(self, other)

    def __rpow__(self, other):
        return _public("power")(other, self)

    def __matmul__(self, other):
        return _public("matmul")(self, other)

    def __rmatmul__(self, other):
        return _public("matmul")(other, self)

    def __neg__(self):
        return apply(ArrayOp("negative"), self)

    def __abs__(self):
        return apply(ArrayOp("absolute"), self)

    def __getitem__(self, index):
        return getitem(self, index)

    # -- as an array has them -----------------------------------------------------------------------------
    def reshape(self, *shape):
        """Return the values under another shape."""
        return _public("reshape")(self, shape[0] if len(shape) == 1 and np.iterable(shape[0]) else shape)

    def transpose(self, *axes):
        """Return the tensor with its axes in another order."""
        axes = axes[0] if len(axes) == 1 and np.iterable(axes[0]) else axes
        return _public("transpose")(self, axes or None)

    def astype(self, dtype):
        """Return the values as another type; see `ops.cast`."""
        return _public("cast")(self, np.dtype(dtype).name)

    # -- what a tensor cannot do --------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        name = _NUMPY_NAMES.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or kwargs or not _is_public(name):
            raise TypeError(_no_numpy(ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"))
        return _public(name)(*inputs)

    def __array_function__(self, function, types, args, kwargs):
        name = _NUMPY_NAMES.get(function.__name__, function.__name__)
        if not _is_public(name):
            raise TypeError(_no_numpy(function.__name__))
        return _public(name)(*args, **kwargs)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"{self!r} stands for values that are not there yet, so it cannot become an array. Use functions of "
            "fastconv.ops and the tensor's own operators; for a NumPy function without gradient, a Lambda layer."
        )

    def _no_value(self, what, instead):
        raise TypeError(f"{self!r} has no values yet, so {what}; {instead}")

    def __bool__(self):
        self._no_value("it is neither true nor false", "use ops.where to choose between values.")

    def __float__(self):
        self._no_value("it is no number", "use functions of fastconv.ops.")

    __int__ = __index__ = __float__

    def __iter__(self):
        if not self.shape or self.shape[0] is None:
            self._no_value("it cannot be iterated over", "take slices of it, such as x[:, 0].")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self):
        if not self.shape or self.shape[0] is None:
            self._no_value("its length is not known", "use ops.shape(x)[0].")
        return self.shape[0]


def _reduction(name):
    def method(self, axis=None, keepdims=False):
        return _public(name)(self, axis=axis, keepdims=keepdims)

    method.__name__, method.__doc__ = name, f"Return {RULES[name].says}; see `ops.{name}`."
    return method


for _name in ("sum", "mean", "max", "min", "var"):
    setattr(KerasTensor, _name, _reduction(_name))

# NumPy's names of functions that have another one here
_NUMPY_NAMES = {
    "amax": "max", "amin": "min", "true_divide": "divide", "float_power": "power", "rint": "round", "fabs": "absolute",
}  # fmt: skip


def _public(name):
    from fastconv import ops  # it is made of this file's tensors

    return getattr(ops, name)


def _is_public(name):
    from fastconv import ops

    return name in ops.__all__


def _no_numpy(name):
    from fastconv import ops
    from fastconv.names import suggestion

    hint = suggestion(name, ops.__all__)
    return (
        f"np.{name} does not work on a symbolic tensor. Use functions of fastconv.ops, which have gradients, and the "
        f"tensor's own operators; for a NumPy function without gradient, a Lambda layer.{hint}"
    )


# -- applying ---------------------------------------------------------------------------------------------
def float_type(values):
    """Return the type in which an op on some values is computed."""
    for value in values:
        if isinstance(value, KerasTensor) or is_variable(value):
            return value.dtype
    return "float32"


def _input(value, dtype):
    if value is None or isinstance(value, (KerasTensor, Constant)) or is_variable(value):
        return value
    return Constant(contiguous(np.asarray(value), dtype))


def apply(op, *inputs):
    """Return the symbolic result of an op on tensors, variables, arrays and numbers."""
    dtype = float_type(inputs)
    node = Node(op, [_input(value, dtype) for value in inputs])
    shape = result_shape(op, [None if x is None else x.shape for x in node.inputs])
    return node.give([shape], dtype)[0]


def result_shape(op, shapes):
    """Return an op's output shape for shapes in which the batch is None: axes that change with it are None."""
    try:
        if not any(None in s for s in shapes if s is not None):
            return tuple(op.output_shape(*shapes))
        tried = [
            op.output_shape(*(None if s is None else tuple(n if m is None else m for m in s) for s in shapes))
            for n in op.tried
        ]
    except (ValueError, IndexError, TypeError) as error:
        given = ", ".join(str(s) for s in shapes if s is not None)
        raise ValueError(f"ops.{op.name}: cannot be applied to the shapes {given}: {error}") from None
    return tuple(a if a == b else None for a, b in zip(*tried, strict=True))


def getitem(x, index):
    """Return a slice of a tensor or of a variable that is traced."""
    parts = index if isinstance(index, tuple) else (index,)
    if any_symbolic(parts):
        raise TypeError(
            "an index is a symbolic tensor: its values are not there yet. Expected whole numbers, slices, None, "
            "Ellipsis or arrays; ops.where chooses between values."
        )
    return apply(ArrayOp("getitem", index=tuple(_plain_index(part) for part in parts)), x)


def _plain_index(part):
    return np.asarray(part) if isinstance(part, list) else part


def assign(variable, value):
    """Note that a variable gets the values of a tensor, each time the function that is traced runs."""
    effects = _EFFECTS.get()
    if effects is None:
        raise TypeError(
            f"Variable {variable.path!r}: assign got the symbolic tensor {value!r}; expected an array. Inside of a "
            "layer's call it would be noted as a step."
        )
    if getattr(value, "shape", ()) != variable.shape:
        value = _public("broadcast_to")(value, variable.shape)
    result = apply(Assign(), value, variable)
    effects.append(result.node)


# -- lowering ---------------------------------------------------------------------------------------------
def sources(outputs, inputs=(), effects=()):
    """Return the nodes that outputs need, each behind those it reads; what makes `inputs` is left out.

    Chains stay together, except where a function makes assignments: then all is done in the order it was written in.
    """
    known = {id(x) for x in inputs}
    found, order = set(), []
    for target in (*(y.node for y in outputs if id(y) not in known), *effects):
        stack = [(target, False)]
        while stack:
            node, done = stack.pop()
            if node is None or (id(node) in found and not done):
                continue
            if done:
                order.append(node)
                continue
            found.add(id(node))
            stack.append((node, True))
            stack += [(x.node, False) for x in reversed(node.tensors) if id(x) not in known]
    return sorted(order, key=lambda node: node.number) if effects else order


def lower_graph(trace, values, inputs, outputs, effects=()):
    """Add the ops of a graph to a trace; return the values of the outputs.

    Parameters
    ----------
    trace : object with ``add``
    values : list
        The trace's values of the inputs.
    inputs, outputs : list of KerasTensor
    effects : list of Node
    """
    known = {id(x): value for x, value in zip(inputs, values, strict=True)}
    for node in sources(outputs, inputs, effects):
        node.lower(trace, known)
    return [known[id(y)] for y in outputs]


class Taped:
    """An array on a tape."""

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        return self.array.shape


class Tape:
    """A trace that runs every op at once and remembers its way back: the one place where gradients are carried.

    Whoever lowers a layer or a `Graph` onto it gives it the ops; `plan.playback` gives it those of a plan.
    """

    layer = "?"
    narrow = False  # whether products are of bfloat16

    def __init__(self, training=False):
        self.training, self.records = training, []
        self.gradients = {}  # of the last way back, by the id of a value or a variable

    def leave(self, layer, value):
        """Nothing is remembered of the layers that are done."""

    def shape(self, value):
        """Return a value's shape."""
        return value.shape

    def add(self, op, value, *params):
        """Run an op; return its output."""
        inputs = (value, *params)
        op = narrowed(op) if self.narrow else op
        y, back = op(*(None if x is None else x.array for x in inputs))
        for place in op.state:
            params[place].version += 1
        taped = Taped(y)
        if op.differentiable:
            self.records.append((taped, inputs, back))
        return taped

    def backward(self, outputs, gradients, goal=None):
        """Carry the gradients of outputs back, to all values and trainable variables or just to a goal.

        Parameters
        ----------
        outputs : list of Taped
        gradients : list of array_like
            Of their shapes.
        goal : Taped, optional
            A value; what it was made of is left alone.
        """
        self.gradients = {}
        for y, dy in zip(outputs, gradients, strict=True):
            self._give(y, np.asarray(dy))
        for y, inputs, back in reversed(self.records):
            if y is goal or id(y) not in self.gradients:
                continue
            for x, dx in zip(inputs, back(self.gradients[id(y)]), strict=True):
                if x is not None and dx is not None and (isinstance(x, Taped) or x.trainable):
                    self._give(x, dx)

    def _give(self, x, dx):
        known = self.gradients.get(id(x))
        self.gradients[id(x)] = dx if known is None else known + dx

    def gradient_of(self, value):
        """Return the gradient that the last way back has given a value or a variable; zeros if none."""
        found = self.gradients.get(id(value))
        return np.zeros_like(value.array) if found is None else found


class Graph:
    """A function of tensors, traced.

    Parameters
    ----------
    function : callable
        Returns a tensor, or several in a tuple or list.
    inputs : list of KerasTensor
        Its arguments.
    owner : str
        Who it belongs to, for messages.
    **kwargs
        More arguments.
    """

    def __init__(self, function, inputs, owner, **kwargs):
        self.inputs = list(inputs)
        with tracing() as self.effects:
            found = function(*inputs, **kwargs)
        self.is_single = not isinstance(found, (list, tuple))
        self.outputs = [_tensor(y, owner, self.inputs) for y in ([found] if self.is_single else found)]

    def lower(self, trace, values):
        """Add the ops to a trace; return the values of the outputs."""
        return lower_graph(trace, values, self.inputs, self.outputs, self.effects)

    def run(self, arrays, training=False):
        """Return the tape of a run on arrays, the values of the inputs on it, and those of the outputs."""
        tape = Tape(training)
        values = [Taped(array) for array in arrays]
        return tape, values, self.lower(tape, values)


def _tensor(value, owner, inputs):
    """Return a result as a symbolic tensor; numbers and variables become one."""
    if isinstance(value, KerasTensor):
        return value
    if is_variable(value) or isinstance(value, (int, float, np.generic)):
        return apply(Read(), inputs[0], value)
    raise TypeError(
        f"{owner}: its function returned {type(value).__name__}; expected a symbolic tensor, made of its arguments by "
        "functions of fastconv.ops and operators."
    )
