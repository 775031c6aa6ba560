"""Activation functions: Keras's names, and how each lowers to an op."""

from functools import partial

from fastconv.names import Family, spelled
from fastconv.ops import nn
from fastconv.ops import primitives as P
from fastconv.ops.symbolic import Graph, KerasTensor

# Those of keras.ops, but for what Keras's activations do otherwise.
_FUNCTIONS = {
    **{name: row for name, row in nn.ACTIVATIONS.items() if name != "exp"},
    "relu": nn.Activation(
        lambda negative_slope, max_value, threshold: P.Relu(max_value, negative_slope, threshold),
        {"negative_slope": 0.0, "max_value": None, "threshold": 0.0},
        "x where it is at least `threshold`, cut at `max_value`; below, ``negative_slope * (x - threshold)``",
    ),
    "gelu": nn.ACTIVATIONS["gelu"]._replace(settings={"approximate": False}),
    "exponential": nn.ACTIVATIONS["exp"],
    "mish": nn.pointwise("mish", "x * tanh(softplus(x))"),
}


def linear(x):
    """Return x.

    Examples
    --------
    >>> linear(3.0)
    3.0
    """
    return x


def _op(name):
    """Return what makes the op of an activation by its name alone."""
    row = _FUNCTIONS[name]
    return partial(row.make, **{key: value for key, value in row.settings.items() if key != "axis"})


_made = {name: nn.function("activations", name, row) for name, row in _FUNCTIONS.items()}
globals().update(_made)
swish, hard_swish = _made["silu"], _made["hard_silu"]
_ALIASES = {"swish": swish, "hard_swish": hard_swish}

# name -> op factory; None: nothing to do. The names are what layers, configs and `get` understand. `threshold` needs
# two numbers that no name gives.
OPS = {"linear": None, **{name: _op(name) for name in _FUNCTIONS if name != "threshold"}}
_FAMILY = Family("activation", "keras.activations", type(None), {"linear": linear, **_made, **_ALIASES})
_NAMES = {linear: "linear", **{function: name for name, function in _made.items()}}

__all__ = ["linear", *_made, *_ALIASES, "get", "serialize", "deserialize"]


@spelled
def get(identifier):
    """Return the activation for a name, a function, a layer, a config, or None (linear).

    Parameters
    ----------
    identifier : None, str, dict, function or Layer
        A function of one's own is made of functions of `fastconv.ops`; a layer has no weights, as ``LeakyReLU``.

    Returns
    -------
    function or Layer

    Raises
    ------
    ValueError
        If it is unknown, or a layer with weights.

    Examples
    --------
    >>> get("relu").__name__
    'relu'
    """
    if identifier is None:
        return linear
    if isinstance(identifier, dict) and "layers" in str(identifier.get("module")).split("."):
        from fastconv import layers  # they need this module

        identifier = layers.deserialize(identifier)
    activation = _FAMILY.get(identifier)
    if _is_layer(activation) and not activation.built:
        raise ValueError(f"activation={activation!r} is a layer with weights; put it behind this layer instead.")
    return activation


def _is_layer(activation):
    return hasattr(activation, "lower_whole")


def is_named(activation):
    """Tell whether an activation is one of this module, of which the op is known.

    Examples
    --------
    >>> is_named(relu), is_named(lambda x: x)
    (True, False)
    """
    return not _is_layer(activation) and activation in _NAMES


@spelled
def serialize(activation):
    """Return what a config stores of an activation: its name, or a dict for a layer or a function of one's own.

    Examples
    --------
    >>> serialize(relu)
    'relu'
    """
    activation = get(activation)
    if _is_layer(activation):
        from fastconv import layers  # they need this module

        return layers.serialize(activation)
    return _NAMES[activation] if activation in _NAMES else _FAMILY.serialize(activation)


@spelled
def deserialize(config, custom_objects=None):
    """Return the activation of a stored name or config.

    Examples
    --------
    >>> deserialize("relu").__name__
    'relu'
    """
    is_own = isinstance(config, dict) and config.get("class_name") == "function"
    return get(_FAMILY.deserialize(config, custom_objects) if is_own else config)


def lower(activation):
    """Return the op of an activation of this module, None for linear.

    Raises
    ------
    ValueError
        For `threshold`, which needs two numbers beside its name.
    """
    name = _NAMES[get(activation)]
    if name not in OPS:
        raise ValueError(f"activation={name!r} needs {', '.join(_FUNCTIONS[name].settings)}, which no layer gives it.")
    factory = OPS[name]
    return factory() if factory else None


def add_to(trace, activation, x, dtype):
    """Add the ops of an activation to a trace; return the value that comes out.

    Parameters
    ----------
    trace : object with ``add`` and ``shape``
    activation : function or Layer
    x : object
        A value of the trace.
    dtype : str
        The layer's.
    """
    activation = get(activation)  # which may have been set to a name, or to None, when the layer was there
    if _is_layer(activation):
        return activation.lower_whole(trace, x)
    if activation in _NAMES:
        op = lower(activation)
        return x if op is None else trace.add(op, x)
    (y,) = _traced(activation, tuple(trace.shape(x)), dtype).lower(trace, [x])
    return y


def is_elementwise(activation):
    """Tell whether it is known that an activation looks at each value by itself.

    Examples
    --------
    >>> is_elementwise(relu), is_elementwise(softmax), is_elementwise(lambda x: x)
    (True, False, False)
    """
    if not is_named(activation):
        return False
    op = lower(activation)
    return op is None or op.elementwise


def _traced(activation, shape, dtype):
    name = getattr(activation, "__name__", repr(activation))
    return Graph(activation, [KerasTensor((None, *shape[1:]), dtype)], f"activation {name}")


def output_shape(activation, shape, dtype="float32"):
    """Return the shape of an activation's result, which is that of its input for all but ``glu``.

    Raises
    ------
    ValueError
        If `glu` cannot halve the last axis.

    Examples
    --------
    >>> output_shape("glu", (None, 3, 8))
    (None, 3, 4)
    """
    activation = get(activation)
    if _is_layer(activation):
        return activation.compute_output_shape(shape)
    if activation not in _NAMES:
        return (shape[0], *_traced(activation, shape, dtype).outputs[0].shape[1:])
    op = lower(activation)
    if isinstance(op, P.Glu) and shape[-1] % 2:
        raise ValueError(f"activation='glu' halves the last axis; that of shape {tuple(shape)} is odd.")
    return tuple(shape) if op is None else tuple(op.output_shape(shape))
