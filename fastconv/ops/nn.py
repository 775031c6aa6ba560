"""The activations of keras.ops, made by one table: each is an op, a signature and a sentence."""

import numbers
from functools import partial
from inspect import Parameter, Signature
from typing import NamedTuple

import numpy as np

from fastconv.names import check_spelling, spelled
from fastconv.ops import primitives as P
from fastconv.ops.activation import SETTINGS
from fastconv.ops.arrays import as_floats, numeric
from fastconv.runtime.settings import floatx

REQUIRED = Parameter.empty


class Activation(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    make : callable
        Returns the op for the settings, `axis` left out.
    settings : dict
        The arguments behind x, with their defaults; one called ``axis`` says along which axis the op works.
    says : str
        What the function returns.
    """

    make: object
    settings: dict
    says: str


def pointwise(name, says):
    """Return the row of an activation that goes value by value."""
    return Activation(partial(P.Elementwise, name), SETTINGS.get(name, {}), says)


def _gelu(approximate):
    return P.Elementwise("gelu_tanh" if approximate else "gelu")


# name -> how it is made; the names and arguments are those of keras.ops
ACTIVATIONS = {
    "relu": Activation(P.Relu, {}, "x where it is above 0, else 0"),
    "relu6": Activation(partial(P.Relu, max_value=6.0), {}, "x cut to [0, 6]"),
    "leaky_relu": Activation(P.Relu, {"negative_slope": 0.2}, "x where it is above 0, else ``negative_slope * x``"),
    "softmax": Activation(P.Softmax, {"axis": -1}, "exp(x) divided by its sum along `axis`"),
    "log_softmax": Activation(P.LogSoftmax, {"axis": -1}, "the logarithm of softmax along `axis`"),
    "sparsemax": Activation(P.Sparsemax, {"axis": -1}, "the nearest probabilities along `axis`, many of them zero"),
    "glu": Activation(P.Glu, {"axis": -1}, "the first half of x along `axis`, times the sigmoid of the second"),
    "gelu": Activation(_gelu, {"approximate": True}, "x times the normal distribution at x, or its tanh approximation"),
    "sigmoid": pointwise("sigmoid", "1 / (1 + exp(-x))"),
    "tanh": pointwise("tanh", "the hyperbolic tangent"),
    "elu": pointwise("elu", "x where it is above 0, else ``alpha * (exp(x) - 1)``"),
    "celu": pointwise("celu", "x where it is above 0, else ``alpha * (exp(x / alpha) - 1)``"),
    "selu": pointwise("selu", "elu with the two numbers that keep mean and variance"),
    "softplus": pointwise("softplus", "log(1 + exp(x))"),
    "softsign": pointwise("softsign", "x / (1 + abs(x))"),
    "silu": pointwise("silu", "x * sigmoid(x)"),
    "exp": Activation(partial(P.Elementwise, "exponential"), {}, "e to the power of x"),
    "hard_sigmoid": pointwise("hard_sigmoid", "x / 6 + 1 / 2, cut to [0, 1]"),
    "hard_silu": pointwise("hard_silu", "x * hard_sigmoid(x)"),
    "hard_tanh": pointwise("hard_tanh", "x cut to [-1, 1]"),
    "hard_shrink": pointwise("hard_shrink", "x where abs(x) is above the threshold, else 0"),
    "soft_shrink": pointwise("soft_shrink", "x moved towards 0 by the threshold, 0 if it would cross"),
    "tanh_shrink": pointwise("tanh_shrink", "x - tanh(x)"),
    "log_sigmoid": pointwise("log_sigmoid", "the logarithm of sigmoid(x)"),
    "sparse_plus": pointwise("sparse_plus", "0 up to -1, x from 1, and between ``(x + 1) ** 2 / 4``"),
    "sparse_sigmoid": pointwise("sparse_sigmoid", "(x + 1) / 2, cut to [0, 1]"),
    "squareplus": pointwise("squareplus", "(x + sqrt(x ** 2 + b)) / 2"),
    "threshold": Activation(
        partial(P.Elementwise, "threshold"),
        {"threshold": REQUIRED, "default_value": REQUIRED},
        "x where it is above the threshold, else the default value",
    ),
}


class AlongAxis:
    """Turns an op on the last axis into one on another, with its way back."""

    def __init__(self, op, axis):
        self.op, self.axis = op, axis

    def __call__(self, x):
        y, backprop = self.op(np.moveaxis(x, self.axis, -1))

        def back(dy):
            (dx,) = backprop(np.moveaxis(dy, self.axis, -1))
            return (np.ascontiguousarray(np.moveaxis(dx, -1, self.axis)),)

        return np.ascontiguousarray(np.moveaxis(y, -1, self.axis)), back


def pair(module, name, activation):
    """Return the function of (x, settings...) that returns the value and its way back."""

    def both(x, **settings):
        owner = f"{module}.{name}"
        x = as_floats(numeric(owner, "x", x), x)
        if "axis" in settings:
            axis = settings.pop("axis")
            if not isinstance(axis, numbers.Integral) or not -x.ndim <= axis < x.ndim:
                raise ValueError(f"{owner}: axis={axis!r} is not an axis of x, whose shape is {x.shape}.")
            if x.shape[axis] % 2 and activation.make is P.Glu:
                raise ValueError(f"{owner}: axis={axis!r} of x, whose shape is {x.shape}, has no even size.")
            return AlongAxis(activation.make(**settings), axis)(x)
        return activation.make(**{key: _number(owner, key, value) for key, value in settings.items()})(x)

    both.__signature__, both.owner = _signature(activation), f"{module}.{name}"
    return both


def _number(owner, argument, value):
    """Return a number as a float; None and truth values as they are."""
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, (numbers.Real, np.generic, np.ndarray)) or np.ndim(value):
        raise ValueError(f"{owner}: {argument}={value!r} is not a number.")
    return float(value)


def _signature(activation):
    kind = Parameter.POSITIONAL_OR_KEYWORD
    parameters = [Parameter(key, kind, default=default) for key, default in activation.settings.items()]
    return Signature([Parameter("x", kind), *parameters])


def bound(both, *args, **kwargs):
    """Call what `pair` returned with the arguments as written in a call of the public function."""
    try:
        call = both.__signature__.bind(*args, **kwargs)
    except TypeError as error:
        check_spelling(both, kwargs)
        raise TypeError(f"{both.owner}: {error}; expected {both.owner}{both.__signature__}.") from None
    call.apply_defaults()
    return both(**call.arguments)


def function(module, name, activation):
    """Return the public function of a row: the value of `pair`."""
    both = pair(module, name, activation)

    def public(*args, **kwargs):
        return bound(both, *args, **kwargs)[0]

    settings = "".join(f"    {key} : {_kind(key)}\n" for key in activation.settings)
    example = ", ".join(["[0.0, 2.0]", *("0.5" for value in activation.settings.values() if value is REQUIRED)])
    shape = "(1,)" if activation.make is P.Glu else "(2,)"
    public.__name__ = public.__qualname__ = name
    public.__module__ = f"fastconv.{module}"
    public.__signature__ = both.__signature__
    public.__doc__ = f"""Return {activation.says}.

    Parameters
    ----------
    x : array_like
{settings}
    Returns
    -------
    ndarray
        float32, or float64 for float64 arrays.

    Examples
    --------
    >>> {name}({example}).shape
    {shape}
    """
    return public


def _kind(setting):
    return {"axis": "int", "approximate": "bool"}.get(setting, "float")


@spelled
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """Return a vector for each class number, 1 at its place and 0 elsewhere; all 0 for numbers out of range.

    Parameters
    ----------
    x : array_like of int
    num_classes : int
    axis : int
        Where the new axis goes.
    dtype : str, optional
        ``config.floatx()`` by default.
    sparse : bool
        Only False is supported.

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError
        If `x` does not hold whole numbers.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    if sparse:
        raise NotImplementedError(f"ops.one_hot: sparse={sparse!r} is not supported; leave it out.")
    labels = numeric("ops.one_hot", "x", x)
    if labels.dtype.kind == "f" and labels.size:
        raise TypeError(f"ops.one_hot: x has dtype {labels.dtype}; expected whole numbers.")
    if not isinstance(num_classes, numbers.Integral) or num_classes < 1:
        raise ValueError(f"ops.one_hot: num_classes={num_classes!r} is not an integer above 0.")
    if not isinstance(axis, numbers.Integral) or not -labels.ndim - 1 <= axis <= labels.ndim:
        raise ValueError(f"ops.one_hot: axis={axis!r} is not a place for an axis beside those of x, {labels.shape}.")
    vectors = (labels[..., None] == np.arange(num_classes)).astype(dtype or floatx())
    return np.ascontiguousarray(np.moveaxis(vectors, -1, axis))
