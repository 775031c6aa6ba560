"""Layer: weights, settings and shapes under Keras's names. A layer says how it lowers to ops; it holds no loop."""

import inspect
import math
import numbers
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps

import numpy as np

from fastconv import constraints, dtype_policies, initializers, regularizers
from fastconv.layers import input_spec
from fastconv.layers.surface import Surface
from fastconv.layers.variable import Variable
from fastconv.names import snake_case, suggestion
from fastconv.ops import primitives as P
from fastconv.ops import symbolic
from fastconv.ops.arrays import contiguous
from fastconv.ops.bfloat16 import narrowed
from fastconv.ops.functions import numeric
from fastconv.ops.symbolic import Graph, KerasTensor, Node

_names = Counter()


def uid(prefix):
    """Return how often a name was asked for, this time included."""
    _names[prefix] += 1
    return _names[prefix]


def unique_name(prefix):
    """Return `prefix`, or `prefix_1`, `prefix_2`, … when it was given out before."""
    count = uid(prefix) - 1
    return prefix if count == 0 else f"{prefix}_{count}"


def reset_names():
    """Begin to number names anew (``utils.clear_session``)."""
    _names.clear()


_SCOPE = ContextVar("scope", default=())


@contextmanager
def name_scope(name):
    """Let the paths of weights that are made meanwhile begin with a name."""
    token = _SCOPE.set((*_SCOPE.get(), name))
    try:
        yield
    finally:
        _SCOPE.reset(token)


# What a weight is made with, and the function that writes it to a config.
_SERIALIZERS = {
    "initializer": initializers.serialize,
    "regularizer": regularizers.serialize,
    "constraint": constraints.serialize,
}


class EagerTrace:
    """Runs each op at once: what ``layer(x)`` lowers itself into."""

    layer = "?"
    narrow = False  # whether products are of bfloat16

    def __init__(self, training=False):
        self.training = training

    def leave(self, layer, value):
        """Nothing is remembered of the layers that are done."""

    def shape(self, value):
        """Return a value's shape."""
        return value.shape

    def add(self, op, value, *variables):
        """Run an op; return its output. A parameter may be an array as well."""
        op = narrowed(op) if self.narrow else op
        y, _ = op(value, *(v if v is None or isinstance(v, np.ndarray) else v.array for v in variables))
        for place in op.state:
            variables[place].version += 1
        return y


class Layer(Surface):
    """Base class of all layers.

    Parameters
    ----------
    activity_regularizer : str or Regularizer, optional
        A penalty on the outputs, divided by the batch, that is added to the loss.
    trainable : bool
        Whether training changes the weights.
    dtype : str or DTypePolicy, optional
        ``"float32"``, ``"float64"`` or ``"mixed_bfloat16"``; ``config.dtype_policy()`` by default.
    autocast : bool
        Inputs of another type are always converted; ``False`` is not supported.
    name : str, optional
        By default the class's name in snake case, numbered.
    input_shape, batch_input_shape, input_dim : optional
        The shape of one input (of a batch; of a vector), for the first layer of a Sequential.

    Raises
    ------
    ValueError
        For any other keyword.
    """

    def __new__(cls, *args, **kwargs):  # noqa: D102
        self = super().__new__(cls)
        self._given = (args, kwargs)
        return self

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        kind = type(self).__name__
        self.input_shape_hint = _input_shape_hint(kind, kwargs)
        if kwargs:
            common = ("activity_regularizer", "trainable", "dtype", "autocast", "name", "input_shape")
            own = set(inspect.signature(type(self).__init__).parameters) - {"self", "kwargs"}
            hint = "".join(suggestion(key, [*common, *sorted(own - {*common})]) for key in kwargs)
            raise ValueError(f"Unrecognized keyword arguments passed to {kind}: {kwargs}.{hint}")
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"{kind}: name={name!r} is not a string without '/'.")
        self.name = name or unique_name(snake_case(kind))
        self.refuse(autocast=None if autocast else autocast)
        self.activity_regularizer = self.regularizer("activity_regularizer", activity_regularizer)
        self._activity_losses = []  # of the last call on arrays
        self._set_policy(dtype_policies.of_layer(f"Layer {self.name!r}", dtype))
        self.built = type(self).build is Layer.build  # nothing to do, as far as the class says
        if not isinstance(trainable, (bool, np.bool_)):
            raise ValueError(f"{kind}: trainable={trainable!r} is not True or False.")
        self._trainable = bool(trainable)
        self._weights = []
        self._build_shape = None
        self._nodes = []  # of its symbolic calls

    # -- its types ----------------------------------------------------------------------------------------
    def _set_policy(self, policy):
        self._policy, self.dtype = policy, policy.variable_dtype

    @property
    def dtype_policy(self):
        """The policy: which types weights and products have. It can be set until there are weights."""
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value):
        if self._weights:
            raise ValueError(
                f"Layer {self.name!r}: dtype_policy cannot be set once there are weights; "
                "make the layer with dtype=... instead."
            )
        self._set_policy(dtype_policies.of_layer(f"Layer {self.name!r}", value))

    @property
    def compute_dtype(self):
        """The type of what is multiplied."""
        return self._policy.compute_dtype

    @property
    def variable_dtype(self):
        """The type of the weights, and of inputs and outputs."""
        return self.dtype

    @property
    def dtype_config(self):
        """What a config says of the types: a name where all are the same, else the policy."""
        is_mixed = self._policy.compute_dtype != self._policy.variable_dtype
        return dtype_policies.serialize(self._policy) if is_mixed else self.dtype

    notes_its_shape = True  # whether `build` is done once, for inputs of one shape

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__ and cls.notes_its_shape:
            cls.build = _noting_the_shape(cls.__dict__["build"])

    # -- what a subclass says -----------------------------------------------------------------------------
    def build(self, input_shape):
        """Make the weights for inputs of `input_shape` (batch first, None for the batch); check the shape, at least."""
        if not self.is_traced:
            self.compute_output_shape(input_shape)

    def call(self, inputs, training=None):
        """Return what the layer makes of its inputs: what a layer of one's own defines, with functions of `ops`.

        A subclass of a layer that is there already may use this one, as ``super().call(inputs)``.

        Parameters
        ----------
        inputs : KerasTensor or array_like
            Or a list of them. In `Layer.__call__`, which traces a `call` of one's own, they are symbolic.
        training : bool, optional
            See `Layer.__call__`; a `call` of one's own need not take it.
        """
        if type(self).lower is Layer.lower:
            raise NotImplementedError(f"Layer {self.name!r} ({type(self).__name__}) does not have a `call` method.")
        inherited = _Inherited(self)
        if symbolic.any_symbolic((inputs,)):
            return inherited.on_symbols(inputs, training)
        is_list = self._is_several(inputs)
        arrays = [self._as_input(a) for a in (inputs if is_list else [inputs])]
        return inherited.lower_whole(EagerTrace(bool(training)), arrays if is_list else arrays[0])

    @property
    def is_traced(self):
        """Whether a `call` of one's own, which is traced to find out what its steps are, says what the layer does."""
        return _is_traced(type(self))

    def compute_output_shape(self, input_shape):
        """Return the output's shape for an input's shape, both batch first; None stands for the batch."""
        if not self.is_traced:
            return tuple(input_shape)
        shapes = input_shape if are_shapes(input_shape) else [input_shape]
        outputs = self._traced([KerasTensor(shape, self.dtype) for shape in shapes], shapes is input_shape).outputs
        found = [y.shape for y in outputs]
        return found[0] if len(found) == 1 else found

    def _traced(self, tensors, is_list, training=False):
        """Return the graph of what `call` does to tensors."""
        given = {"training": training} if "training" in _parameters(type(self).call) else {}
        with name_scope(self.name):
            return Graph(
                lambda *xs: self.call(list(xs) if is_list else xs[0], **given),
                tensors,
                f"Layer {self.name!r} ({type(self).__name__}), call",
            )

    def lower(self, trace, x):
        """Add this layer's ops to a trace and return the value that comes out: what the layers that are there define.

        ``trace.add(op, value, *variables)`` returns a new value, ``trace.shape(value)`` its shape (batch first), and
        ``trace.training`` tells whether training is meant.
        """
        return self._lower_call(trace, x)

    def _lower_call(self, trace, x):
        """Add the ops of a `call` of one's own."""
        values = x if isinstance(x, list) else [x]
        shapes = [tuple(trace.shape(value)) for value in values]
        tensors = [KerasTensor((None, *shape[1:]) if shape else shape, self.dtype) for shape in shapes]
        found = self._traced(tensors, isinstance(x, list), trace.training).lower(trace, values)
        return found[0] if len(found) == 1 else found

    def get_config(self):
        """Return the arguments with which an equal layer is made.

        Raises
        ------
        NotImplementedError
            If a class of one's own has arguments that a config cannot hold, and no `get_config`.
        """
        config = {"name": self.name, "trainable": self._trainable, "dtype": self.dtype_config}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return {**self._own_arguments(), **config}

    def _own_arguments(self):
        """Return the arguments of a class that does not say itself what its config is."""
        cls = type(self)
        if cls.get_config is not Layer.get_config or cls.__init__ is Layer.__init__:
            return {}
        args, kwargs = self._given
        call = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
        call.apply_defaults()
        own = {
            key: value
            for key, value in list(call.arguments.items())[1:]
            if call.signature.parameters[key].kind
            not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        }
        for key, value in own.items():
            if not _is_plain(value):
                raise NotImplementedError(
                    f"Layer {self.name!r} ({cls.__name__}): its argument {key}={value!r} cannot be part of a config; "
                    "define get_config(), which returns all arguments as plain values, and from_config() if needed."
                )
        return own

    # -- what every layer has -----------------------------------------------------------------------------
    @classmethod
    def from_config(cls, config):
        """Make a layer from what `get_config` returned."""
        return cls(**config)

    def build_once(self, input_shape):
        """Build the layer, or check that it was built for such inputs; a list of shapes is for several of them."""
        shape = [(None, *s[1:]) for s in input_shape] if are_shapes(input_shape) else (None, *input_shape[1:])
        if not self.built:
            with symbolic.not_tracing(), name_scope(self.name):
                self.build(shape)
        elif self._weights and self._build_shape not in (None, shape):
            self.check_built(shape)

    def check_built(self, shape):
        """Raise if the weights do not fit inputs of `shape`."""
        self.compute_output_shape(shape)
        axis = self.feature_axis
        if shape[axis] != self._build_shape[axis]:
            raise ValueError(
                f"Layer {self.name!r} was built for inputs of shape {self._build_shape}; got inputs of shape {shape}. "
                f"Its weights expect {self._build_shape[axis]} features on axis {axis}."
            )

    feature_axis = -1  # the axis of the inputs that the shapes of the weights depend on

    def lower_whole(self, trace, x):
        """Lower the layer, and the penalty on its outputs if there is one."""
        before, trace.narrow = trace.narrow, self.compute_dtype == "bfloat16"
        try:
            x = self._lower_call(trace, x) if self.is_traced else self.lower(trace, x)
        finally:
            trace.narrow = before
        if self.activity_regularizer is not None:
            if isinstance(x, np.ndarray):  # it runs at once
                self._activity_losses = [self.activity_regularizer(x) / max(1, len(x))]
            x = trace.add(P.ActivityPenalty(self.activity_regularizer), x)
        trace.leave(self, x)
        return x

    def regularizer(self, argument, value):
        """Return the regularizer that an argument stands for; raise naming the layer and the argument."""
        return regularizers.of_layer(f"Layer {self.name!r} ({type(self).__name__})", argument, value)

    def constraint(self, argument, value):
        """Return the constraint that an argument stands for; raise naming the layer and the argument."""
        return constraints.of_layer(f"Layer {self.name!r} ({type(self).__name__})", argument, value)

    def add_weight(
        self,
        shape=None,
        initializer=None,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        aggregation="none",
        overwrite_with_gradient=False,
        name=None,
    ):
        """Make a weight of this layer.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or callable, optional
            ``"glorot_uniform"`` by default, ``"zeros"`` for integers and booleans.
        dtype : str, optional
            The layer's by default.
        trainable : bool
        regularizer : str or Regularizer, optional
            A penalty on its values that is added to the loss.
        constraint : str, Constraint or callable, optional
            Applied to its values after each optimizer step.
        autocast, aggregation, overwrite_with_gradient
            Nothing but the defaults is supported.
        name : str, optional

        Returns
        -------
        Variable
        """
        self.refuse(
            autocast=None if autocast else autocast,
            aggregation=None if aggregation in ("none", None) else aggregation,
            overwrite_with_gradient=overwrite_with_gradient or None,
        )
        if isinstance(shape, str) or (shape is not None and not np.iterable(shape)):
            raise ValueError(
                f"Layer {self.name!r}, add_weight: shape={shape!r} is not a tuple of sizes."
                + (f" Is it a name? Then say name={shape!r}." if isinstance(shape, str) else "")
            )
        if symbolic.is_tracing():
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}): a call cannot add weights (name={name!r}), as it is run "
                "again and again; they must be made in __init__ or build."
            )
        dtype = dtype or self.dtype
        variable = Variable(
            initializer or ("glorot_uniform" if np.dtype(dtype).kind == "f" else "zeros"),
            shape=() if shape is None else tuple(shape),
            dtype=dtype,
            trainable=trainable and self._trainable,
            name=name,
        )
        variable.is_parameter = trainable
        variable.regularizer = self.regularizer("regularizer", regularizer)
        variable.constraint = self.constraint("constraint", constraint)
        scope = _SCOPE.get()
        scope = scope if scope[-1:] == (self.name,) else (*scope, self.name)
        variable.path = "/".join((*scope, variable.name))
        self._weights.append(variable)
        return variable

    def _set_limits(self, prefix, regularizer, constraint):
        """Keep the settings `<prefix>_regularizer` and `<prefix>_constraint`, checked."""
        for kind, value in (("regularizer", regularizer), ("constraint", constraint)):
            setattr(self, f"{prefix}_{kind}", getattr(self, kind)(f"{prefix}_{kind}", value))

    def _config_of(self, kind, *prefixes):
        """Return the settings `<prefix>_<kind>` as a config has them; `kind` is a key of `_SERIALIZERS`."""
        names = [f"{prefix}_{kind}" for prefix in prefixes]
        return {name: _SERIALIZERS[kind](getattr(self, name)) for name in names}

    def _weights_config(self, *prefixes):
        """Return all that a config says of weights, and of the penalty on the outputs, in Keras's order."""
        return {
            **self._config_of("initializer", *prefixes),
            **self._config_of("regularizer", *prefixes, "activity"),
            **self._config_of("constraint", *prefixes),
        }

    def weight(self, name, shape, prefix=None):
        """Make a weight with the settings `<prefix>_initializer`, `<prefix>_regularizer` and `<prefix>_constraint`.

        The prefix is the weight's name by default.
        """
        settings = {kind: getattr(self, f"{prefix or name}_{kind}") for kind in _SERIALIZERS}
        return self.add_weight(shape, name=name, **settings)

    def __call__(self, x, *more, training=None, mask=None, **arguments):
        """Run the layer on an array, or note that it is applied to a symbolic tensor.

        Parameters
        ----------
        x : array_like or KerasTensor
            Batch first; a list of them for layers that take several.
        *more
            None: further inputs go into the list, and `training` is given by name.
        training : bool, optional
            Whether layers such as Dropout act. On arrays False by default; on symbolic tensors by default what runs
            the model says.
        mask : None
            Not supported.
        **arguments
            None: further inputs go into the list, settings into the constructor.

        Returns
        -------
        ndarray or KerasTensor
        """
        if more or mask is not None or arguments:
            self._refuse_arguments(more, mask, arguments)
        if symbolic.any_symbolic((x,)):
            return self._apply(x, training)
        is_list = self._is_several(x)
        arrays = [self._as_input(a) for a in (x if is_list else [x])]
        x, shape = (arrays, [a.shape for a in arrays]) if is_list else (arrays[0], arrays[0].shape)
        self._check_spec(shape if is_list else [shape])
        self.build_once(shape)
        if not self.is_traced:
            self.compute_output_shape(shape)
        return self.lower_whole(EagerTrace(bool(training)), x)

    def _refuse_arguments(self, more, mask, arguments):
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        for value in more:
            if isinstance(value, (KerasTensor, np.ndarray)):
                raise NotImplementedError(f"{owner}: several inputs are given as a list, as in layer([a, b]).")
            raise ValueError(
                f"{owner}: only inputs are given by place; expected a name for {value!r}, as in training=True."
            )
        for name in arguments:
            if name not in _parameters(type(self).call):
                raise TypeError(f"{owner}: got an unexpected keyword argument {name!r}.")
            raise NotImplementedError(
                f"{owner}: the argument {name!r} of a call is not supported; give inputs as a list, and settings to "
                "the constructor."
            )
        raise NotImplementedError(f"{owner}: mask={mask!r} is not supported; leave it out.")

    def _check_spec(self, shapes):
        if self.input_spec is not None:
            owner = f"Layer {self.name!r} ({type(self).__name__})"
            input_spec.check(owner, self.input_spec, shapes, self.dtype)

    @property
    def takes_lists(self):
        """Whether a list given to the layer is one of several inputs, not one array."""
        return False

    def _is_several(self, x):
        return self.takes_lists and isinstance(x, (list, tuple))

    def _as_input(self, x):
        x = numeric(f"Layer {self.name!r}", "the input", x)
        if x.ndim == 0:
            raise ValueError(f"Layer {self.name!r}: the input is a single number; expected an array with a batch axis.")
        return contiguous(x, self.dtype)

    def _apply(self, x, training=None):
        """Return the symbolic result of a call on a symbolic tensor, or a list of them."""
        is_list = isinstance(x, (list, tuple))
        if is_list and not (self.takes_lists or self.is_traced):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}): got a list of {len(x)} inputs; expected one input."
            )
        tensors = [
            t if isinstance(t, KerasTensor) else symbolic.apply(P.ArrayOp("add"), t, 0) for t in (x if is_list else [x])
        ]
        shapes = [t.shape for t in tensors]
        shape = shapes if is_list else shapes[0]
        self._check_spec(shapes)
        self.build_once(shape)
        out = self.compute_output_shape(shape)
        node = Node(self, tensors, {} if training is None else {"training": bool(training)}, is_list)
        made = node.give(out if are_shapes(out) else [out], self.dtype)
        if not symbolic.is_tracing():
            self._nodes.append(node)
        return made if are_shapes(out) else made[0]

    # -- where it stands in a graph -----------------------------------------------------------------------
    def _node(self, what):
        if not self._nodes:
            raise AttributeError(
                f"Layer {self.name!r} ({type(self).__name__}) has no {what}: it was never called on a symbolic tensor; "
                "build the model that it is part of, or call the layer on an Input."
            )
        return self._nodes[0]

    @property
    def output(self):
        """The symbolic output of the first call on a symbolic tensor, as in a model that is built."""
        outputs = self._node("output").outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    @property
    def input(self):
        """The symbolic input of the first call on a symbolic tensor; a list of them if the layer took a list."""
        node = self._node("input")
        return list(node.inputs) if node.is_list else node.inputs[0]

    def __getstate__(self):
        return {**self.__dict__, "_nodes": []}  # a graph belongs to the model that keeps it

    @property
    def trainable(self):
        """Whether training changes the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        for variable in self._weights:
            variable.trainable = self._trainable and variable.is_parameter
        for layer in self.sublayers:
            layer.trainable = value

    @property
    def sublayers(self):
        """The layers that are attributes of this one, or in lists, tuples and dicts that are."""
        found = {}
        for name, value in vars(self).items():
            if name not in ("_given", "_nodes"):
                found.update({id(layer): layer for layer in _layers_in(value)})
        return list(found.values())

    def _own_weights(self):
        """Return the weights that are no sublayer's, those that can be trained first."""
        loose = [v for v in vars(self).values() if isinstance(v, Variable) and all(v is not w for w in self._weights)]
        own = [*self._weights, *{id(v): v for v in loose}.values()]
        return sorted(own, key=lambda v: not v.is_parameter) if self.is_traced else own

    @property
    def weights(self):
        """All weights, in Keras's order: the layer's own, then those of the layers in it."""
        found = [*self._own_weights(), *(v for layer in self.sublayers for v in layer.weights)]
        return list({id(v): v for v in found}.values())

    @property
    def variables(self):
        """All weights."""
        return self.weights

    @property
    def trainable_weights(self):
        """The weights that training changes."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def trainable_variables(self):
        """The weights that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self):
        """The weights that training leaves alone."""
        return [v for v in self.weights if not (self._trainable and v.trainable)]

    @property
    def non_trainable_variables(self):
        """The weights that training leaves alone."""
        return self.non_trainable_weights

    @property
    def losses(self):
        """The penalties: on the outputs of the last call on an array, and on the trainable weights as they are."""
        return penalties([self])

    def get_weights(self):
        """Return copies of all weights as a list of arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Set all weights from a list of arrays as `get_weights` returns it.

        Raises
        ------
        ValueError
            If their number or a shape does not fit; nothing is changed then.
        """
        assign_all(f"Layer {self.name!r}", self.weights, weights)

    def save_own_variables(self, store):
        """Put this layer's weights into a mapping, under ``"0"``, ``"1"`` and so on; those of layers inside it not."""
        for i, variable in enumerate(self._own_weights()):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store):
        """Take this layer's weights from a mapping that `save_own_variables` filled.

        Raises
        ------
        ValueError
            If their number or a shape does not fit; nothing is changed then.
        """
        assign_all(f"Layer {self.name!r}", self._own_weights(), [store[str(i)] for i in range(len(store))])

    def build_entry(self):
        """Return what a saved config says of the inputs that the weights were made for, if there are any."""
        return {"build_config": {"input_shape": self._build_shape}} if self._build_shape is not None else {}

    def count_params(self):
        """Return the number of values in all weights.

        Raises
        ------
        ValueError
            If the layer is not built yet.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer {self.name!r}, but the layer isn't built; "
                "call build(input_shape) or run it on data first."
            )
        return sum(v.array.size for v in self.weights)

    def refuse(self, **arguments):
        """Raise NotImplementedError for the first argument that is not None: accepted by Keras, not done here yet."""
        for argument, value in arguments.items():
            if value is not None:
                raise NotImplementedError(
                    f"Layer {self.name!r}: {argument}={value!r} is not supported yet; leave it out."
                )

    def check_rank(self, input_shape, rank):
        """Raise unless inputs have `rank` axes, the batch included, all known but the batch."""
        if len(input_shape) != rank:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}): expected inputs with {rank} axes, the batch included; "
                f"got shape {tuple(input_shape)}."
            )
        if None in input_shape[1:]:
            raise NotImplementedError(
                f"Layer {self.name!r}: inputs of unknown size, shape {tuple(input_shape)}, are not supported yet; "
                "give every size but the batch's."
            )

    def positive_sizes(self, input_shape, output_shape, what):
        """Return `output_shape`; raise if a size of it is not above 0."""
        if any(size is not None and size <= 0 for size in output_shape[1:]):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}): {what} does not fit into inputs of shape "
                f"{tuple(input_shape)}; computed output shape {tuple(output_shape)}, expected sizes above 0."
            )
        return output_shape

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


@lru_cache(maxsize=1024)
def _is_traced(cls):
    """Tell whether of `call` and `lower` the class that is nearest defines `call`."""
    first = next(c for c in cls.__mro__ if "call" in vars(c) or "lower" in vars(c))
    return first is not Layer and "lower" not in vars(first)


class _Inherited:
    """What a layer does by the class that it inherits from: an operation of its own, for ``super().call(x)``."""

    def __init__(self, layer):
        self.layer, self.name = layer, layer.name

    def lower_whole(self, trace, x):
        """Add the ops; see `Layer.lower_whole`."""
        return self.layer.lower(trace, x)

    def on_symbols(self, inputs, training):
        """Return the symbolic result for symbolic inputs."""
        layer, is_list = self.layer, isinstance(inputs, (list, tuple))
        tensors = list(inputs) if is_list else [inputs]
        shapes = [x.shape for x in tensors]
        shape = self._output_shape(shapes if is_list else shapes[0])
        given = {} if training is None else {"training": bool(training)}
        return Node(self, tensors, given, is_list).give([shape], layer.dtype)[0]

    def _output_shape(self, input_shape):
        """Return the shape of the result by the class that defines the ops, as far as that class says it."""
        cls = next(c for c in type(self.layer).__mro__ if "lower" in vars(c))
        if cls.compute_output_shape is Layer.compute_output_shape:
            return tuple(input_shape)
        return cls.compute_output_shape(self.layer, input_shape)


def _noting_the_shape(build):
    """Return a `build` that notes that it was done, for which inputs, and refuses to be done again."""

    @wraps(build)
    def build_and_note(self, input_shape):
        if self.built:
            raise ValueError(
                f"Layer {self.name!r} was built already, for inputs of shape {self._build_shape}; got {input_shape}. "
                "Make a new layer for other inputs."
            )
        build(self, input_shape)
        noted = [(None, *s[1:]) for s in input_shape] if are_shapes(input_shape) else (None, *input_shape[1:])
        self.built, self._build_shape = True, noted

    return build_and_note


def _layers_in(value):
    """Return the layers that a value is, or holds."""
    if isinstance(value, Layer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [layer for part in value for layer in _layers_in(part)] if isinstance(value, (list, tuple)) else []


def are_shapes(shape):
    """Tell whether something is a list of shapes, not one."""
    return isinstance(shape, (list, tuple)) and bool(shape) and all(isinstance(s, (list, tuple)) for s in shape)


@lru_cache(maxsize=256)
def _parameters(function):
    return tuple(inspect.signature(function).parameters)


def _is_plain(value):
    """Tell whether a config can hold a value as it is."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(part) for key, part in value.items())
    return value is None or isinstance(value, (bool, int, float, str))


def penalties(layers):
    """Return the penalties on the outputs of layers, as they were called last, and on their trainable weights."""
    weights = [v for layer in layers for v in layer.trainable_weights if v.regularizer is not None]
    return [
        *(loss for layer in layers for loss in layer._activity_losses),
        *(v.regularizer(v.array) for v in weights),
    ]


def assign_all(owner, variables, arrays):
    """Set variables from a list of arrays, all or none."""
    if not np.iterable(arrays):
        raise ValueError(f"{owner}: set_weights got weights={arrays!r}; expected a list of {len(variables)} arrays.")
    arrays = [numeric(owner, f"weights[{i}] of set_weights", a) for i, a in enumerate(arrays)]
    if len(arrays) != len(variables):
        raise ValueError(f"{owner}: set_weights got {len(arrays)} arrays; expected {len(variables)}.")
    for variable, array in zip(variables, arrays, strict=True):
        if variable.shape != array.shape:
            raise ValueError(
                f"{owner}: set_weights got shape {array.shape} for weight {variable.path!r}; expected {variable.shape}."
            )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def batchless(op, input_shape, *param_shapes):
    """Return an op's output shape with the batch as given, which may be None."""
    out = op.output_shape((input_shape[0] or 1, *input_shape[1:]), *param_shapes)
    return (input_shape[0], *out[1:])


def pair(owner, argument, value, minimum=1):
    """Return an int or a pair of ints as a pair; raise ValueError naming owner and argument."""
    values = (value, value) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else value
    try:
        values = tuple(values)
        good = len(values) == 2 and all(isinstance(v, (int, np.integer)) and v >= minimum for v in values)
    except TypeError:
        good = False
    if not good:
        raise ValueError(f"{owner}: {argument}={value!r} is not an integer of at least {minimum} or a pair of them.")
    return tuple(int(v) for v in values)


def count(owner, argument, value, minimum=1):
    """Return a whole number of at least `minimum` as an int; raise ValueError naming owner and argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
        bound = "above 0" if minimum == 1 else f"of at least {minimum}"
        raise ValueError(f"{owner}: {argument}={value!r} is not an integer {bound}.")
    return int(value)


def number(owner, argument, value, maximum=math.inf, minimum=0):
    """Return a number from `minimum` to `maximum` as a float; raise ValueError naming owner and argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not minimum <= value <= maximum:
        bounds = f"of at least {minimum}" if maximum == math.inf else f"from {minimum} to {maximum}"
        raise ValueError(f"{owner}: {argument}={value!r} is not a number {bounds}.")
    return float(value)


def sizes(owner, argument, value, unknown=None):
    """Return sizes above 0, or `unknown`, as a tuple of ints; raise ValueError naming owner and argument."""
    if not np.iterable(value):
        raise ValueError(f"{owner}: {argument}={value!r} is not a tuple of sizes.")
    values = tuple(value)
    if not all(n is unknown or (isinstance(n, numbers.Integral) and (n >= 1 or n == unknown)) for n in values):
        raise ValueError(
            f"{owner}: {argument}={value!r} has a size that is no integer or not above 0 ({unknown} if unknown)."
        )
    return tuple(None if n is None else int(n) for n in values)


def choice(owner, argument, value, choices):
    """Return a lower-case choice; raise ValueError naming owner, argument and the choices."""
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in choices:
        raise ValueError(f"{owner}: {argument}={value!r} is not one of {tuple(choices)}.{suggestion(value, choices)}")
    return lowered


def _input_shape_hint(kind, kwargs):
    """Take the legacy arguments for the input's shape out of `kwargs`; return the shape without the batch."""
    batch_shape = kwargs.pop("batch_input_shape", None)
    shape = kwargs.pop("input_shape", None)
    size = kwargs.pop("input_dim", None)
    if batch_shape is not None:
        return sizes(kind, "batch_input_shape", batch_shape)[1:]
    if shape is not None:
        return sizes(kind, "input_shape", (shape,) if isinstance(shape, numbers.Integral) else shape)
    return None if size is None else (count(kind, "input_dim", size),)
