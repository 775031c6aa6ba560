"""Array functions in NumPy with their ways back: one table, and the op that runs any row of it."""

from functools import partial
from typing import NamedTuple

import numpy as np

from fastconv.ops.op import Op


class Rule(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    forward : callable
        Of the arrays and the settings: returns the value. A NumPy ufunc writes it in place.
    backward : callable or None
        Of the gradient of the value, the value, the arrays and the settings: returns a gradient for each array, which
        may have the shape of the value where the array was broadcast, or None. Without one there is no gradient.
    shape : callable, optional
        Of the shapes and the settings: returns the value's shape; by default that to which the shapes broadcast.
    says : str
        What the function returns.
    """

    forward: object
    backward: object = None
    shape: object = None
    says: str = ""


def _sum_like(gradient, shape):
    """Return a gradient summed over the axes along which an array of `shape` was broadcast."""
    gradient = np.asarray(gradient)
    if gradient.shape == shape:
        return gradient
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    spread = tuple(i for i, n in enumerate(shape) if n == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=spread, keepdims=True) if spread else np.broadcast_to(gradient, shape)


def _shares(chosen, other):
    """Return which share of a gradient goes to the first of two numbers: all to the greater, half of a tie."""
    return np.where(chosen == other, 0.5, chosen > other)


def _power_backward(dy, y, a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        to_base = np.where(b == 0, 0, b * np.power(a, b - 1))
        to_exponent = np.where(a > 0, y * np.log(np.where(a > 0, a, 1)), 0)
    return dy * to_base, dy * to_exponent


UNARY = {
    "negative": Rule(np.negative, lambda dy, y, x: (-dy,), says="-x"),
    "absolute": Rule(np.absolute, lambda dy, y, x: (dy * np.sign(x),), says="x without its sign"),
    "square": Rule(np.square, lambda dy, y, x: (dy * 2 * x,), says="x * x"),
    "sqrt": Rule(np.sqrt, lambda dy, y, x: (dy / (2 * y),), says="the square root of x"),
    "rsqrt": Rule(lambda x: 1 / np.sqrt(x), lambda dy, y, x: (-dy * y / (2 * x),), says="1 / sqrt(x)"),
    "reciprocal": Rule(np.reciprocal, lambda dy, y, x: (-dy * y * y,), says="1 / x"),
    "log": Rule(np.log, lambda dy, y, x: (dy / x,), says="the natural logarithm of x"),
    "log1p": Rule(np.log1p, lambda dy, y, x: (dy / (1 + x),), says="log(1 + x)"),
    "log2": Rule(np.log2, lambda dy, y, x: (dy / (x * np.log(2)),), says="the logarithm of x to base 2"),
    "log10": Rule(np.log10, lambda dy, y, x: (dy / (x * np.log(10)),), says="the logarithm of x to base 10"),
    "expm1": Rule(np.expm1, lambda dy, y, x: (dy * (y + 1),), says="exp(x) - 1"),
    "sin": Rule(np.sin, lambda dy, y, x: (dy * np.cos(x),), says="the sine of x"),
    "cos": Rule(np.cos, lambda dy, y, x: (-dy * np.sin(x),), says="the cosine of x"),
    "tan": Rule(np.tan, lambda dy, y, x: (dy * (1 + y * y),), says="the tangent of x"),
    "sinh": Rule(np.sinh, lambda dy, y, x: (dy * np.cosh(x),), says="the hyperbolic sine of x"),
    "cosh": Rule(np.cosh, lambda dy, y, x: (dy * np.sinh(x),), says="the hyperbolic cosine of x"),
    "arctan": Rule(np.arctan, lambda dy, y, x: (dy / (1 + x * x),), says="the angle whose tangent is x"),
    "sign": Rule(np.sign, says="-1, 0 or 1; it has no gradient"),
    "floor": Rule(np.floor, says="the nearest whole number below; it has no gradient"),
    "ceil": Rule(np.ceil, says="the nearest whole number above; it has no gradient"),
    "round": Rule(np.rint, says="the nearest whole number, halves to even ones; it has no gradient"),
    "isnan": Rule(np.isnan, says="whether x is no number"),
    "logical_not": Rule(np.logical_not, says="whether x is 0"),
    "stop_gradient": Rule(np.positive, says="x, through which no gradient passes"),
}
BINARY = {
    "add": Rule(np.add, lambda dy, y, a, b: (dy, dy), says="x1 + x2"),
    "subtract": Rule(np.subtract, lambda dy, y, a, b: (dy, -dy), says="x1 - x2"),
    "multiply": Rule(np.multiply, lambda dy, y, a, b: (dy * b, dy * a), says="x1 * x2"),
    "divide": Rule(np.divide, lambda dy, y, a, b: (dy / b, -dy * y / b), says="x1 / x2"),
    "power": Rule(np.power, _power_backward, says="x1 to the power of x2"),
    "maximum": Rule(
        np.maximum, lambda dy, y, a, b: (dy * _shares(a, b), dy * _shares(b, a)), says="the greater of x1 and x2"
    ),
    "minimum": Rule(
        np.minimum, lambda dy, y, a, b: (dy * _shares(b, a), dy * _shares(a, b)), says="the smaller of x1 and x2"
    ),
    "equal": Rule(np.equal, says="whether x1 is x2"),
    "not_equal": Rule(np.not_equal, says="whether x1 is not x2"),
    "greater": Rule(np.greater, says="whether x1 is above x2"),
    "greater_equal": Rule(np.greater_equal, says="whether x1 is x2 or above"),
    "less": Rule(np.less, says="whether x1 is below x2"),
    "less_equal": Rule(np.less_equal, says="whether x1 is x2 or below"),
    "logical_and": Rule(np.logical_and, says="whether neither x1 nor x2 is 0"),
    "logical_or": Rule(np.logical_or, says="whether one of x1 and x2 is not 0"),
}


# -- over axes --------------------------------------------------------------------------------------------
def _axes(axis, rank):
    if axis is None:
        return tuple(range(rank))
    return tuple(sorted(i % rank for i in (axis if isinstance(axis, tuple) else (axis,))))


def _reduced(x, axis, keepdims):
    axes = _axes(axis, len(x))
    return tuple(1 if i in axes else n for i, n in enumerate(x) if keepdims or i not in axes)


def _spread(values, x, axis, keepdims):
    """Return what stands for each cell of x of something that was reduced."""
    return values if keepdims else np.expand_dims(values, _axes(axis, x.ndim))


def _count(x, axis):
    return max(1, np.prod([x.shape[i] for i in _axes(axis, x.ndim)], dtype=int))


def _sum_backward(dy, y, x, axis, keepdims):
    return (np.broadcast_to(_spread(dy, x, axis, keepdims), x.shape),)


def _mean_backward(dy, y, x, axis, keepdims):
    return (np.broadcast_to(_spread(dy, x, axis, keepdims) / _count(x, axis), x.shape),)


def _var_backward(dy, y, x, axis, keepdims):
    centred = x - x.mean(axis=axis, keepdims=True)
    return (_spread(dy, x, axis, keepdims) * centred * (2 / _count(x, axis)),)


def _extreme_backward(dy, y, x, axis, keepdims):
    found = x == _spread(y, x, axis, keepdims)
    with np.errstate(invalid="ignore"):  # a maximum of NaN is found nowhere: its gradient is NaN, too
        return (_spread(dy, x, axis, keepdims) * found / found.sum(axis=axis, keepdims=True),)


def _logsumexp(x, axis, keepdims):
    top = x.max(axis=axis, keepdims=True)
    y = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return y if keepdims else y.reshape(_reduced(x.shape, axis, keepdims))


def _logsumexp_backward(dy, y, x, axis, keepdims):
    return (_spread(dy, x, axis, keepdims) * np.exp(x - _spread(y, x, axis, keepdims)),)


REDUCTIONS = {
    "sum": Rule(np.sum, _sum_backward, _reduced, "the sum of x"),
    "mean": Rule(np.mean, _mean_backward, _reduced, "the mean of x"),
    "var": Rule(np.var, _var_backward, _reduced, "the variance of x, divided by the count"),
    "max": Rule(np.max, _extreme_backward, _reduced, "the greatest of x; those that tie share the gradient"),
    "min": Rule(np.min, _extreme_backward, _reduced, "the smallest of x; those that tie share the gradient"),
    "logsumexp": Rule(_logsumexp, _logsumexp_backward, _reduced, "the logarithm of the sum of exp(x)"),
}


# -- that move values -------------------------------------------------------------------------------------
def _dummy(shape):
    """Return an array of a shape that takes no memory."""
    return np.broadcast_to(np.float32(0), shape)


def _moved(function):
    """Return the shape function of something that only makes a view, by trying it."""
    return lambda x, **settings: function(_dummy(x), **settings).shape


def _reshaped(x, shape):
    size = int(np.prod(x, dtype=int))
    known = int(np.prod([n for n in shape if n != -1], dtype=int))
    found = tuple((-(-size // known) if known else 0) if n == -1 else n for n in shape)
    if -1 not in shape and known != size:  # what -1 is for a batch that does not divide, the batch will say
        raise ValueError(f"values of shape {tuple(x)} cannot take the shape {tuple(shape)}.")
    return found


def _index_backward(dy, y, x, index):
    dx = np.zeros_like(x)
    np.add.at(dx, index, dy)
    return (dx,)


def _concatenated(*shapes, axis):
    return (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])


def _concatenate_backward(dy, y, *arrays, axis):
    ends = np.cumsum([a.shape[axis] for a in arrays])[:-1]
    return tuple(np.split(dy, ends, axis))


def _pad_backward(dy, y, x, pad_width, constant_values):
    return (dy[tuple(slice(a, n - b) for (a, b), n in zip(pad_width, dy.shape, strict=True))],)


def _matmul(a, b):
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        return np.matmul(a, b)
    return np.einsum("...ij,...jk->...ik", a, b)  # np.matmul would wake a second pool of threads


def _matmul_shape(a, b):
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise ValueError(f"the last axis of {tuple(a)} and the last but one of {tuple(b)} differ.")
    return (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])


def _matmul_backward(dy, y, a, b):
    return _matmul(dy, np.swapaxes(b, -1, -2)), _matmul(np.swapaxes(a, -1, -2), dy)


def _clip_backward(dy, y, x, x_min, x_max):
    return (dy * ((x >= x_min) & (x <= x_max)),)


OTHERS = {
    "clip": Rule(lambda x, x_min, x_max: np.clip(x, x_min, x_max), _clip_backward, lambda x, **settings: x),
    "where": Rule(
        lambda condition, a, b: np.where(condition, a, b),
        lambda dy, y, c, a, b: (None, np.where(c, dy, 0), np.where(c, 0, dy)),
    ),
    "matmul": Rule(_matmul, _matmul_backward, _matmul_shape),
    "reshape": Rule(lambda x, shape: np.reshape(x, shape), lambda dy, y, x, shape: (dy.reshape(x.shape),), _reshaped),
    "transpose": Rule(
        np.transpose,
        lambda dy, y, x, axes: (dy.transpose(np.argsort(axes)),),
        lambda x, axes: tuple(x[axis] for axis in axes),
    ),
    "flip": Rule(lambda x, axis: np.flip(x, axis), lambda dy, y, x, axis: (np.flip(dy, axis),), lambda x, axis: x),
    "getitem": Rule(lambda x, index: x[index], _index_backward, _moved(lambda x, index: x[index])),
    "broadcast_to": Rule(
        lambda x, shape: np.broadcast_to(x, shape), lambda dy, y, x, shape: (dy,), lambda x, shape: tuple(shape)
    ),
    "concatenate": Rule(lambda *arrays, axis: np.concatenate(arrays, axis), _concatenate_backward, _concatenated),
    "pad": Rule(
        lambda x, pad_width, constant_values: np.pad(x, pad_width, constant_values=constant_values),
        _pad_backward,
        lambda x, pad_width, constant_values: tuple(n + a + b for n, (a, b) in zip(x, pad_width, strict=True)),
    ),
    "argmax": Rule(lambda x, axis, keepdims: np.argmax(x, axis, keepdims=keepdims), None, _reduced),
    "argmin": Rule(lambda x, axis, keepdims: np.argmin(x, axis, keepdims=keepdims), None, _reduced),
    "cast_to_whole": Rule(np.trunc, says="x without its fraction"),
}
RULES = {**UNARY, **BINARY, **REDUCTIONS, **OTHERS}


class ArrayOp(Op):
    """A row of `RULES` as an op: x and the parameters are its arrays, all of which have gradients."""

    reads = "xy"
    tried = (5040, 10080)  # batches that tell which axes change with it, though reshape divides them

    def __init__(self, rule, **settings):
        super().__init__(rule=rule, **settings)
        self.name, self.given = rule, settings
        self.differentiable = RULES[rule].backward is not None

    def output_shape(self, x, *params):
        """Return the shape of the value; raise ValueError if the shapes do not fit."""
        shape = RULES[self.rule].shape
        return tuple(np.broadcast_shapes(x, *params) if shape is None else shape(x, *params, **self.given))

    def forward(self, site):
        return [partial(self._run, site)]

    def _run(self, site):
        function = RULES[self.rule].forward
        if isinstance(function, np.ufunc) and function.nout == 1 and not self.given:
            function(site.x, *site.params, out=site.y, casting="unsafe")
        else:
            site.y[...] = function(site.x, *site.params, **self.given)

    def backward(self, site):
        if not self.differentiable:
            return [partial(_clear, site)]
        return [partial(self._run_backward, site)]

    def _run_backward(self, site):
        gradients = RULES[self.rule].backward(site.dy, site.y, site.x, *site.params, **self.given)
        for target, gradient in zip((site.dx, *site.dparams), gradients, strict=True):
            if target is not None:
                target[...] = 0 if gradient is None else _sum_like(gradient, target.shape)


def _clear(site):
    """Set all gradients to 0."""
    for target in (site.dx, *site.dparams):
        if target is not None:
            target[...] = 0


class Read(Op):
    """The values of a parameter; x is not looked at."""

    name = "read"
    reads = ""

    def output_shape(self, x, v):
        return tuple(v)

    def flops(self, x, v):
        return 0

    def forward(self, site):
        return [partial(np.copyto, site.y, site.params[0])]

    def backward(self, site):
        return [partial(self._give, site)]

    @staticmethod
    def _give(site):
        if site.dx is not None:
            site.dx[...] = 0
        if site.dparams[0] is not None:
            site.dparams[0][...] = site.dy


class Assign(Op):
    """x, which also becomes the values of the parameter."""

    name = "assign"
    reads = ""
    state = (0,)

    def output_shape(self, x, v):
        return tuple(x)

    def flops(self, x, v):
        return 0

    def forward(self, site):
        return [partial(np.copyto, site.params[0], site.x), partial(np.copyto, site.y, site.x)]

    def backward(self, site):
        return [] if site.dx is None else [partial(np.copyto, site.dx, site.dy)]


class Paired(Op):
    """A function that returns (value, way back), as an op; its shape is found by trying it on zeros.

    Parameters
    ----------
    name : str
    pair : callable
        Of the arrays (None where one is missing).
    """

    reads = ""

    def __init__(self, name, pair):
        super().__init__(pair=pair)
        self.name = name

    def __repr__(self):
        return f"{self.name}()"

    def output_shape(self, *shapes):
        with np.errstate(all="ignore"):
            return np.shape(self.pair(*(None if s is None else np.zeros(s, np.float32) for s in shapes))[0])

    def forward(self, site):
        return [partial(self._run, site)]

    def _run(self, site):
        value, site.back = self.pair(site.x, *site.params)
        site.y[...] = value

    def backward(self, site):
        return [partial(self._run_backward, site)]

    def _run_backward(self, site):
        gradients = iter(site.back(site.dy))
        for array, target in zip((site.x, *site.params), (site.dx, *site.dparams), strict=True):
            if array is None:
                continue
            gradient = next(gradients)
            if target is not None:
                target[...] = gradient
