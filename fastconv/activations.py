"""Activation functions: Keras's names, and how each lowers to an op."""

from functools import partial

from fastconv.names import Family
from fastconv.ops import nn
from fastconv.ops import primitives as P

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


def get(identifier):
    """Return the activation function for a name, a function of this module, or None (linear).

    Parameters
    ----------
    identifier : None, str or function

    Returns
    -------
    function

    Raises
    ------
    ValueError
        If it is unknown; a function of one's own has no gradient here.

    Examples
    --------
    >>> get("relu").__name__
    'relu'
    """
    if identifier is None:
        return linear
    function = _FAMILY.get(identifier)
    if function not in _NAMES:
        raise ValueError(
            f"activation={identifier!r} is a function without a known gradient; expected one of {', '.join(OPS)}."
        )
    return function


def serialize(activation):
    """Return the name under which a config stores an activation.

    Examples
    --------
    >>> serialize(relu)
    'relu'
    """
    return _NAMES[get(activation)]


def deserialize(config, custom_objects=None):
    """Return the activation of a stored name.

    Examples
    --------
    >>> deserialize("relu").__name__
    'relu'
    """
    return get(_FAMILY.deserialize(config, custom_objects) if isinstance(config, dict) else config)


def lower(activation):
    """Return the op of an activation, None for linear.

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


def output_shape(activation, shape):
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
    op = lower(activation)
    if isinstance(op, P.Glu) and shape[-1] % 2:
        raise ValueError(f"activation='glu' halves the last axis; that of shape {tuple(shape)} is odd.")
    return tuple(shape) if op is None else tuple(op.output_shape(shape))
