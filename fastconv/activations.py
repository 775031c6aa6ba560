"""Activation functions: Keras's names, and how each lowers to an op."""

import numbers
from functools import partial

import numpy as np

from fastconv.names import Family
from fastconv.ops import primitives as P
from fastconv.ops.functions import as_floats, numeric

# name -> op factory; None: nothing to do. The names are what layers, configs and `get` understand.
OPS = {
    "linear": None,
    "relu": P.Relu,
    "relu6": lambda: P.Relu(max_value=6.0),
    "leaky_relu": lambda: P.Relu(negative_slope=0.2),
    "softmax": P.Softmax,
    **{
        name: partial(P.Elementwise, name)
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
            "elu",
        )
    },
}


def _floats(name, x):
    return as_floats(numeric(f"activations.{name}", "x", x), x)


def _apply(name, op, x):
    return op(_floats(name, x))[0]


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
    return _apply("relu", P.Relu(max_value, negative_slope, threshold), x)


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
    x = _floats("softmax", x)
    if not isinstance(axis, numbers.Integral) or not -x.ndim <= axis < x.ndim:
        raise ValueError(f"activations.softmax: axis={axis!r} is not an axis of x, whose shape is {x.shape}.")
    y = P.Softmax()(np.moveaxis(x, axis, -1))[0]
    return np.ascontiguousarray(np.moveaxis(y, -1, axis))


def leaky_relu(x, negative_slope=0.2):
    """Return x where it is above 0, else ``negative_slope * x``.

    Parameters
    ----------
    x : array_like
    negative_slope : float

    Returns
    -------
    ndarray
        Of x's shape; float32 unless x is float64.

    Examples
    --------
    >>> leaky_relu([-1.0, 2.0], negative_slope=0.5)
    array([-0.5,  2. ], dtype=float32)
    """
    return _apply("leaky_relu", P.Relu(negative_slope=negative_slope), x)


def elu(x, alpha=1.0):
    """Return x where it is above 0, else ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    x : array_like
    alpha : float

    Returns
    -------
    ndarray
        Of x's shape; float32 unless x is float64.

    Examples
    --------
    >>> elu([-100.0, 2.0], alpha=0.5)
    array([-0.5,  2. ], dtype=float32)
    """
    return _apply("elu", P.Elementwise("elu", alpha), x)


def _function(name):
    def function(x):
        return _apply(name, OPS[name](), x)

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


relu6, sigmoid, tanh, selu = (_function(name) for name in ("relu6", "sigmoid", "tanh", "selu"))
softplus, softsign, silu, gelu = (_function(name) for name in ("softplus", "softsign", "silu", "gelu"))
exponential, hard_sigmoid = (_function(name) for name in ("exponential", "hard_sigmoid"))
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
