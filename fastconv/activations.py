"""Activation functions: Keras's names, and how each lowers to an op."""

import numpy as np

from fastconv.names import Family
from fastconv.ops import primitives as P
from fastconv.ops.functions import as_floats

# name -> op factory; None: nothing to do. The names are what layers, configs and `get` understand.
OPS = {
    "linear": None,
    "relu": P.Relu,
    "relu6": lambda: P.Relu(max_value=6.0),
    "leaky_relu": lambda negative_slope=0.2: P.Relu(negative_slope=negative_slope),
    "softmax": P.Softmax,
    **{
        name: (lambda name=name: P.Elementwise(name))
        for name in (
            "sigmoid",
            "tanh",
            "selu",
            "softplus",
            "softsign",
            "silu",
            "gelu",
            "exponential",
            "hard_sigmoid",
        )
    },
    "elu": lambda alpha=1.0: P.Elementwise("elu", alpha),
}


def _apply(op, x):
    return op(as_floats(np.asarray(x), x))[0]


def linear(x):
    """Return x.

    Examples
    --------
    >>> linear(3.0)
    3.0
    """
    return x


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """Return x where it is at least `threshold`, cut at `max_value`; below, ``negative_slope * (x - threshold)``.

    Parameters
    ----------
    x : array_like
    negative_slope, threshold : float
    max_value : float, optional

    Returns
    -------
    ndarray
        Of x's shape; float32 unless x is float64.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.], dtype=float32)
    """
    return _apply(P.Relu(max_value, negative_slope, threshold), x)


def softmax(x, axis=-1):
    """Return exp(x) divided by its sum along `axis`.

    Parameters
    ----------
    x : array_like
    axis : int

    Returns
    -------
    ndarray
        Of x's shape.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    array([0.5, 0.5], dtype=float32)
    """
    moved = np.moveaxis(as_floats(np.asarray(x), x), axis, -1)
    return np.ascontiguousarray(np.moveaxis(_apply(P.Softmax(), moved), -1, axis))


def _function(name):
    def function(x, **settings):
        return _apply(OPS[name](**settings), x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Return {name}(x), value by value, as Keras defines it.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray
        Of x's shape; float32 unless x is float64.

    Examples
    --------
    >>> {name}([0.0]).shape
    (1,)
    """
    return function


relu6, leaky_relu, sigmoid, tanh = (_function(name) for name in ("relu6", "leaky_relu", "sigmoid", "tanh"))
elu, selu, softplus, softsign = (_function(name) for name in ("elu", "selu", "softplus", "softsign"))
silu, gelu, exponential, hard_sigmoid = (_function(name) for name in ("silu", "gelu", "exponential", "hard_sigmoid"))
swish = silu

_FUNCTIONS = {name: globals()[name] for name in (*OPS, "swish")}
_FAMILY = Family("activation", "keras.activations", type(None), _FUNCTIONS)
_NAMES = {function: name for name, function in _FUNCTIONS.items() if name != "swish"}


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
    """Return the op of an activation, None for linear."""
    factory = OPS[_NAMES[get(activation)]]
    return factory() if factory else None
