"""Cell-by-cell activations and their gradients, listed by Keras's names.

At a kink the gradient is that of the flatter side: ``relu`` passes nothing at its threshold.
"""

import math

import numpy as np

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_GELU_INNER, _GELU_CUBE = math.sqrt(2 / math.pi), 0.044715


def linear(x):
    """Return `x` as it is.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> linear(np.array([-1.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    return np.array(x)


def linear_backward(x, dy):
    """Return the gradient of `linear`.

    Parameters
    ----------
    x : ndarray
        What `linear` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> linear_backward(np.array([-1.0, 2.0]), np.array([3.0, 4.0])).tolist()
    [3.0, 4.0]
    """
    return np.array(dy)


def relu(x, *, max_value=None, negative_slope=0.0, threshold=0.0):
    """Return `x` above the threshold, at most `max_value`, and a line of `negative_slope` elsewhere.

    The line is ``negative_slope * (x - threshold)``; NaN stays NaN.

    Parameters
    ----------
    x : ndarray
    max_value : float, optional
        The result never exceeds it.
    negative_slope : float, default 0.0
        Slope at and below the threshold.
    threshold : float, default 0.0
        Values up to it are damped.

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> relu(np.array([-2.0, 1.0, 8.0]), max_value=6.0, negative_slope=0.5).tolist()
    [-1.0, 1.0, 6.0]
    """
    kept = np.where(x <= threshold, 0, x)
    if max_value is not None:
        kept = np.clip(kept, 0, max_value)
    return kept + negative_slope * np.minimum(x - threshold, 0) if negative_slope else kept


def relu_backward(x, dy, *, max_value=None, negative_slope=0.0, threshold=0.0):
    """Return the gradient of `relu`.

    Parameters
    ----------
    x : ndarray
        What `relu` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.
    max_value, negative_slope, threshold
        As given to `relu`.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> x = np.array([-2.0, 1.0, 8.0])
    >>> relu_backward(x, np.ones(3), max_value=6.0, negative_slope=0.5).tolist()
    [0.5, 1.0, 0.0]
    """
    dx, damped = np.array(dy), x <= threshold
    if max_value is not None:
        dx[(x >= max_value) | (x <= 0)] = 0
    dx[damped] = negative_slope * dy[damped] if negative_slope else 0
    return dx


def leaky_relu(x, *, negative_slope=0.2):
    """Return `x` where it is positive and ``negative_slope * x`` elsewhere.

    Parameters
    ----------
    x : ndarray
    negative_slope : float, default 0.2

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 2.0])).tolist()
    [-0.2, 2.0]
    """
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(x, dy, *, negative_slope=0.2):
    """Return the gradient of `leaky_relu`.

    Parameters
    ----------
    x : ndarray
        What `leaky_relu` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.
    negative_slope : float, default 0.2

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> leaky_relu_backward(np.array([-1.0, 2.0]), np.ones(2)).tolist()
    [0.2, 1.0]
    """
    return dy * np.where(x > 0, 1, negative_slope).astype(dy.dtype)


def elu(x, *, alpha=1.0):
    """Return `x` where it is positive and ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    x : ndarray
    alpha : float, default 1.0

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> elu(np.array([-1.0, 2.0])).round(4).tolist()
    [-0.6321, 2.0]
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(x, dy, *, alpha=1.0):
    """Return the gradient of `elu`.

    Parameters
    ----------
    x : ndarray
        What `elu` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.
    alpha : float, default 1.0

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> elu_backward(np.array([-1.0, 2.0]), np.ones(2)).round(4).tolist()
    [0.3679, 1.0]
    """
    return dy * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def selu(x):
    """Return a scaled `elu`, whose constants keep mean 0 and variance 1 through a network.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> selu(np.array([-1.0, 1.0])).round(4).tolist()
    [-1.1113, 1.0507]
    """
    return _SELU_SCALE * elu(x, alpha=_SELU_ALPHA)


def selu_backward(x, dy):
    """Return the gradient of `selu`.

    Parameters
    ----------
    x : ndarray
        What `selu` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> selu_backward(np.array([-1.0, 1.0]), np.ones(2)).round(4).tolist()
    [0.6468, 1.0507]
    """
    return _SELU_SCALE * elu_backward(x, dy, alpha=_SELU_ALPHA)


def sigmoid(x):
    """Return ``1 / (1 + exp(-x))``, without overflow.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> sigmoid(np.array([-1.0, 0.0, 1000.0])).round(4).tolist()
    [0.2689, 0.5, 1.0]
    """
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


def sigmoid_backward(x, dy):
    """Return the gradient of `sigmoid`.

    Parameters
    ----------
    x : ndarray
        What `sigmoid` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> sigmoid_backward(np.array([0.0, 1.0]), np.ones(2)).round(4).tolist()
    [0.25, 0.1966]
    """
    y = sigmoid(x)
    return dy * y * (1 - y)


def hard_sigmoid(x):
    """Return ``relu6(x + 3) / 6``: straight from (-3, 0) to (3, 1).

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> hard_sigmoid(np.array([-4.0, 0.0, 1.5])).tolist()
    [0.0, 0.5, 0.75]
    """
    return np.clip(x + 3, 0, 6) / 6


def hard_sigmoid_backward(x, dy):
    """Return the gradient of `hard_sigmoid`.

    Parameters
    ----------
    x : ndarray
        What `hard_sigmoid` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> hard_sigmoid_backward(np.array([-4.0, 0.0]), np.array([6.0, 6.0])).tolist()
    [0.0, 1.0]
    """
    return dy * (np.abs(x) < 3) / 6


def tanh(x):
    """Return the hyperbolic tangent.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> tanh(np.array([0.0, 1.0])).round(4).tolist()
    [0.0, 0.7616]
    """
    return np.tanh(x)


def tanh_backward(x, dy):
    """Return the gradient of `tanh`.

    Parameters
    ----------
    x : ndarray
        What `tanh` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> tanh_backward(np.array([0.0, 1.0]), np.ones(2)).round(4).tolist()
    [1.0, 0.42]
    """
    return dy * (1 - np.tanh(x) ** 2)


def softplus(x):
    """Return ``log(1 + exp(x))``, without overflow.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> softplus(np.array([0.0, 1000.0])).round(4).tolist()
    [0.6931, 1000.0]
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_backward(x, dy):
    """Return the gradient of `softplus`.

    Parameters
    ----------
    x : ndarray
        What `softplus` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> softplus_backward(np.array([0.0, 1000.0]), np.ones(2)).tolist()
    [0.5, 1.0]
    """
    return dy * sigmoid(x)


def softsign(x):
    """Return ``x / (1 + abs(x))``.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> softsign(np.array([-1.0, 3.0])).tolist()
    [-0.5, 0.75]
    """
    return x / (1 + np.abs(x))


def softsign_backward(x, dy):
    """Return the gradient of `softsign`.

    Parameters
    ----------
    x : ndarray
        What `softsign` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> softsign_backward(np.array([-1.0, 3.0]), np.ones(2)).tolist()
    [0.25, 0.0625]
    """
    return dy / (1 + np.abs(x)) ** 2


def silu(x):
    """Return ``x * sigmoid(x)``.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> silu(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [-0.2689, 0.0, 0.7311]
    """
    return x * sigmoid(x)


def silu_backward(x, dy):
    """Return the gradient of `silu`.

    Parameters
    ----------
    x : ndarray
        What `silu` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> silu_backward(np.array([-1.0, 0.0, 1.0]), np.ones(3)).round(4).tolist()
    [0.0723, 0.5, 0.9277]
    """
    y = sigmoid(x)
    return dy * y * (1 + x * (1 - y))


def _normal(x, approximate):
    """Return the normal distribution at `x` and its slope, exactly or by the tanh approximation."""
    if approximate:
        bend = np.tanh(_GELU_INNER * (x + _GELU_CUBE * x**3))
        return (1 + bend) / 2, _GELU_INNER * (1 + 3 * _GELU_CUBE * x**2) * (1 - bend**2) / 2
    erf = np.vectorize(math.erf, otypes=[x.dtype])
    return (1 + erf(x / math.sqrt(2))) / 2, np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def gelu(x, *, approximate=False):
    """Return `x` times the normal distribution at `x`.

    Parameters
    ----------
    x : ndarray
    approximate : bool, default False
        Whether to replace the normal distribution by its tanh approximation.

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> gelu(np.array([1.0])).round(5).tolist(), gelu(np.array([1.0]), approximate=True).round(5).tolist()
    ([0.84134], [0.84119])
    """
    return x * _normal(x, approximate)[0]


def gelu_backward(x, dy, *, approximate=False):
    """Return the gradient of `gelu`.

    Parameters
    ----------
    x : ndarray
        What `gelu` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.
    approximate : bool, default False

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> gelu_backward(np.array([0.0, 1.0]), np.ones(2)).round(4).tolist()
    [0.5, 1.0833]
    """
    share, slope = _normal(x, approximate)
    return dy * (share + x * slope)


def exponential(x):
    """Return ``exp(x)``, infinity where it is too large.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    y : ndarray

    Examples
    --------
    >>> exponential(np.array([0.0, 1.0])).round(4).tolist()
    [1.0, 2.7183]
    """
    with np.errstate(over="ignore"):
        return np.exp(x)


def exponential_backward(x, dy):
    """Return the gradient of `exponential`.

    Parameters
    ----------
    x : ndarray
        What `exponential` was given.
    dy : ndarray
        Gradient of the loss with respect to its result.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> exponential_backward(np.array([0.0, 1.0]), np.ones(2)).round(4).tolist()
    [1.0, 2.7183]
    """
    return dy * exponential(x)


#: Keras's name -> (forward ``f(x, **settings)``, backward ``f_backward(x, dy, **settings)``).
STRAIGHT_AND_SMOOTH = {
    "elu": (elu, elu_backward),
    "exponential": (exponential, exponential_backward),
    "gelu": (gelu, gelu_backward),
    "hard_sigmoid": (hard_sigmoid, hard_sigmoid_backward),
    "leaky_relu": (leaky_relu, leaky_relu_backward),
    "linear": (linear, linear_backward),
    "relu": (relu, relu_backward),
    "selu": (selu, selu_backward),
    "sigmoid": (sigmoid, sigmoid_backward),
    "silu": (silu, silu_backward),
    "softplus": (softplus, softplus_backward),
    "softsign": (softsign, softsign_backward),
    "tanh": (tanh, tanh_backward),
}
