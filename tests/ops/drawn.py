"""Random configurations of every op: how each is drawn, and what NumPy says of it.

A row of `ROWS` turns a generator of random numbers into a `Trial`: an op with settings, arrays of a random shape, and
the definitions of both directions.
"""

from dataclasses import dataclass

import numpy as np

from fastconv import regularizers
from fastconv.ops import primitives as P
from fastconv.ops import reference as R
from fastconv.ops import resample
from fastconv.ops.rules import RULES
from tests.cases import integers

CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 64, 65, 70]
FEW = [1, 2, 3, 5, 8, 16, 17, 33]


@dataclass
class Trial:
    """One configuration.

    Attributes
    ----------
    op : Op
    arrays : tuple of ndarray or None
        The input and the parameters.
    forward : callable
        ``forward(x, *params)`` is the result as NumPy has it; of random ops ``forward(x, *params, y)``, where y is
        the result, off which is read what the dice said.
    backward : callable
        ``backward(x, *params, y, dy)`` are the gradients of the input and of every parameter, None where there is none.
    exact : bool
        Whether all numbers are small whole ones, so that nothing is rounded: no error is tolerated then.
    rounding : float
        Else the errors allowed, in roundings of the largest value of a result.
    """

    op: object
    arrays: tuple
    forward: object
    backward: object
    exact: bool = True
    rounding: float = 64


# ---- what is drawn ------------------------------------------------------------------------------------------


def pick(rng, choices):
    return choices[int(rng.integers(len(choices)))]


def sizes(rng, axes, most=9):
    """Return a few sizes; one in six is 1."""
    return tuple(1 if rng.random() < 1 / 6 else int(rng.integers(1, most + 1)) for _ in range(axes))


def batch(rng):
    """Return a number of samples; one in twenty batches is empty."""
    return 0 if rng.random() < 0.05 else int(rng.integers(1, 4))


def any_shape(rng):
    """Return a shape, batch first."""
    return (batch(rng), *sizes(rng, int(rng.integers(0, 4))), pick(rng, CHANNELS))


def explicit(rng, kernel):
    """Return padding in cells, up to beyond the kernel."""
    return tuple(tuple(int(p) for p in rng.integers(0, k + 2, 2)) for k in kernel)


def windows(rng, channels, dilates=True):
    """Return images, kernel and settings of a window that fits into them."""
    kernel = tuple(int(k) for k in rng.integers(1, pick(rng, [3, 4, 4, 6, 8]), 2))
    dilation = tuple(int(d) for d in rng.integers(1, 4, 2)) if dilates and rng.random() < 0.3 else (1, 1)
    strides = tuple(int(s) for s in rng.integers(1, pick(rng, [2, 3, 4, 8]), 2))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = pick(rng, ["valid", "same", explicit(rng, kernel)])
    least = [1, 1] if padding == "same" else reach
    height, width = (int(n + rng.integers(0, 14)) for n in least)
    images = (batch(rng), height, width, pick(rng, channels))
    return images, kernel, {"strides": strides, "padding": padding, "dilation": dilation}


def numbers(rng, shape, scale=1.0):
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def apart(rng, shape):
    """Return numbers from -4 to 4, no two of them nearly equal and none of them near a whole number or a half."""
    size = int(np.prod(shape))
    spread = rng.permutation(size) * (8 / max(size, 1)) - 4
    return (np.floor(spread * 8) / 8 + 1 / 16 + spread / 1024).reshape(shape).astype(np.float32)


def maybe(rng, array):
    """Return an array, or None in one of four cases."""
    return None if rng.random() < 0.25 else array


def without(value, array):
    """Return a gradient, None where there was no parameter."""
    return None if array is None else value


# ---- sums of products ---------------------------------------------------------------------------------------


def conv2d(rng):
    images, kernel, settings = windows(rng, CHANNELS)
    groups = pick(rng, [g for g in (1, 1, 2, 3, 4, images[3]) if images[3] % g == 0])
    filters = groups * (pick(rng, CHANNELS) if groups < 5 else pick(rng, [1, 2]))
    relu, settings = bool(rng.random() < 0.3), {**settings, "groups": groups}
    x, w = integers(rng, images), integers(rng, (*kernel, images[3] // groups, filters))
    b = maybe(rng, integers(rng, (filters,)))

    def backward(x, w, b, y, dy):
        dx, dw, db = R.conv2d_backward(x, w, R.relu_backward(y, dy) if relu else dy, **settings)
        return dx, dw, without(db, b)

    def forward(x, w, b):
        y = R.conv2d(x, w, b, **settings)
        return R.relu(y) if relu else y

    return Trial(P.Conv2D(**settings, relu=relu), (x, w, b), forward, backward)


def conv2d_by_tiles(rng):
    """3x3 convolutions with unit strides and many channels: those that may go by Winograd's tiles."""
    images = (int(rng.integers(1, 3)), *(int(n) for n in rng.integers(3, 20, 2)), pick(rng, [16, 32, 48, 64, 67, 96]))
    filters, padding, relu = pick(rng, [16, 32, 33, 48, 64, 96]), pick(rng, ["valid", "same"]), bool(rng.random() < 0.3)
    x, w, b = (integers(rng, shape, limit=3) for shape in (images, (3, 3, images[3], filters), (filters,)))

    def forward(x, w, b):
        y = R.conv2d(x, w, b, padding=padding)
        return R.relu(y) if relu else y

    def backward(x, w, b, y, dy):
        return R.conv2d_backward(x, w, R.relu_backward(y, dy) if relu else dy, padding=padding)

    return Trial(P.Conv2D(padding=padding, relu=relu), (x, w, b), forward, backward)


def conv2d_add(rng):
    """A convolution, direct or by tiles, and an array added to it."""
    conv = pick(rng, [conv2d, conv2d_by_tiles])(rng)
    settings = {**conv.op.settings, "relu": bool(rng.random() < 0.5)}
    plain, relu = P.Conv2D(**{**settings, "relu": False}), settings["relu"]
    x, w, b = conv.arrays
    shape = plain.output_shape(x.shape, w.shape, None if b is None else b.shape)
    settings_of = {key: value for key, value in settings.items() if key != "relu"}

    def forward(x, w, b, other):
        y = R.conv2d(x, w, b, **settings_of) + other
        return R.relu(y) if relu else y

    def backward(x, w, b, other, y, dy):
        dy = R.relu_backward(y, dy) if relu else dy
        dx, dw, db = R.conv2d_backward(x, w, dy, **settings_of)
        return dx, dw, without(db, b), dy

    return Trial(P.Conv2DAdd(**settings), (x, w, b, integers(rng, shape)), forward, backward)


def merged(rng):
    """A sum, difference, product or the like of two arrays, one of which may be broadcast."""
    shape = (batch(rng), *(int(n) for n in rng.integers(1, 9, 2)), pick(rng, CHANNELS))
    other = pick(rng, [shape, shape, shape[-1:], (shape[0], 1, 1, shape[3]), (1,)])
    rule = pick(rng, ["add", "subtract", "multiply", "maximum", "minimum"])
    relu = rule == "add" and bool(rng.random() < 0.5)

    def forward(a, b):
        y = RULES[rule].forward(a, b)
        return R.relu(y) if relu else y

    def backward(a, b, y, dy):
        dy = R.relu_backward(y, dy) if relu else dy
        first = {"add": 1, "subtract": 1, "multiply": b}.get(rule)
        second = {"add": 1, "subtract": -1, "multiply": a}.get(rule)
        if first is None:  # half to each of two equal values
            ahead = a - b if rule == "maximum" else b - a
            first, second = (np.where(side * ahead > 0, 1, np.where(ahead == 0, 0.5, 0)) for side in (1, -1))
        return dy * first, unbroadcast(dy * second, b.shape)

    return Trial(P.Merge(rule, relu=relu), (integers(rng, shape), integers(rng, other)), forward, backward)


def unbroadcast(dy, shape):
    """Return the gradient of an array that was broadcast."""
    dy = dy.sum(tuple(range(dy.ndim - len(shape))))
    return dy.sum(tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)


def summed(rng):
    shape, relu = (batch(rng), int(rng.integers(1, 9)), pick(rng, CHANNELS)), bool(rng.random() < 0.5)

    def backward(a, b, y, dy):
        dy = R.relu_backward(y, dy) if relu else dy
        return dy, dy

    arrays = integers(rng, shape), integers(rng, shape)
    return Trial(P.Sum(relu), arrays, lambda a, b: R.relu(a + b) if relu else a + b, backward)


def concatenated(rng):
    axis, shape = int(rng.integers(1, 4)), (batch(rng), *(int(n) for n in rng.integers(1, 9, 2)), pick(rng, CHANNELS))
    sizes_ = rng.integers(1, 20, int(rng.integers(1, 4)))
    arrays = tuple(integers(rng, (*shape[:axis], int(n), *shape[axis + 1 :])) for n in sizes_)

    def backward(*arguments):
        return tuple(np.split(arguments[-1], np.cumsum(sizes_)[:-1], axis))

    return Trial(P.Concatenate(axis), arrays, lambda *parts: np.concatenate(parts, axis), backward)


def depthwise(rng):
    images, kernel, settings = windows(rng, CHANNELS)
    w = integers(rng, (*kernel, images[3], pick(rng, [1, 1, 2, 3])))
    x, b = integers(rng, images), maybe(rng, integers(rng, (w.shape[2] * w.shape[3],)))
    relu = bool(rng.random() < 0.3)

    def forward(x, w, b):
        y = R.depthwise_conv2d(x, w, b, **settings)
        return R.relu(y) if relu else y

    def backward(x, w, b, y, dy):
        dx, dw, db = R.depthwise_conv2d_backward(x, w, R.relu_backward(y, dy) if relu else dy, **settings)
        return dx, dw, without(db, b)

    return Trial(P.DepthwiseConv2D(**settings, relu=relu), (x, w, b), forward, backward)


def conv2d_relu_max_pool(rng):
    images, kernel, settings = windows(rng, CHANNELS)
    filters = pick(rng, CHANNELS)
    _, height, width, _ = P.Conv2D(**settings).output_shape(images, (*kernel, images[3], filters))
    size = tuple(int(min(n, rng.integers(1, 5))) for n in (height, width))
    strides = tuple(s + int(rng.integers(0, 2)) for s in size)  # windows of this op never overlap
    return _pooled(rng, images, kernel, filters, {"pool_size": size, "pool_strides": strides, **settings})


def conv2d_relu_max_pool_by_tiles(rng):
    """Those that may go by Winograd's tiles, each of which is a window."""
    images = (batch(rng), *(int(n) for n in rng.integers(6, 20, 2)), pick(rng, [32, 33, 48, 67]))
    settings = {"pool_size": (2, 2), "pool_strides": (2, 2), "padding": pick(rng, ["valid", "same"])}
    return _pooled(rng, images, (3, 3), pick(rng, [32, 39, 64, 96]), settings)


def _pooled(rng, images, kernel, filters, settings):
    """Return the trial of a convolution whose relu is max-pooled."""
    x, w = integers(rng, images), integers(rng, (*kernel, images[3], filters))

    def backward(x, w, b, y, dy):
        dx, dw, db = R.conv_relu_max_pool_backward(x, w, b, dy, **settings)
        return dx, dw, without(db, b)

    return Trial(
        P.Conv2DReluMaxPool2D(**settings),
        (x, w, maybe(rng, integers(rng, (filters,)))),
        lambda x, w, b: R.conv_relu_max_pool(x, w, b, **settings),
        backward,
    )


def dense(rng):
    shape = (batch(rng), *sizes(rng, int(rng.integers(0, 3)), 20), int(rng.integers(1, 150)))
    w = integers(rng, (shape[-1], int(rng.integers(1, 100))))
    x, b = integers(rng, shape), maybe(rng, integers(rng, w.shape[1:]))
    relu = bool(rng.random() < 0.3)

    def forward(x, w, b):
        y = R.dense(x, w, b)
        return R.relu(y) if relu else y

    def backward(x, w, b, y, dy):
        dy = R.relu_backward(y, dy) if relu else dy
        dx, dw, db = R.dense_backward(x.reshape(-1, x.shape[-1]), w, dy.reshape(-1, dy.shape[-1]))
        return dx.reshape(x.shape), dw, without(db, b)

    return Trial(P.Dense(relu=relu), (x, w, b), forward, backward)


# ---- pools --------------------------------------------------------------------------------------------------


def pool(rng):
    """Return images and the settings of a pool, one in eight of the image as a whole."""
    images, kernel, settings = windows(rng, CHANNELS, dilates=False)
    if rng.random() < 1 / 8:
        return images, {"pool_size": images[1:3]}
    if not isinstance(settings["padding"], str):  # no window may lie on padding alone
        settings["padding"] = tuple(
            tuple(min(p, k - 1) for p in ps) for ps, k in zip(settings["padding"], kernel, strict=True)
        )
        last = [
            (n + sum(ps) - k) // s * s - ps[0] < n and ps[0] < k
            for n, k, s, ps in zip(images[1:3], kernel, settings["strides"], settings["padding"], strict=True)
        ]
        settings["padding"] = settings["padding"] if all(last) else "valid"
    return images, {"pool_size": kernel, "strides": settings["strides"], "padding": settings["padding"]}


def max_pool(rng):
    images, settings = pool(rng)

    def backward(x, y, dy):
        return (R.max_pool2d_backward(dy, R.max_pool2d(x, **settings)[1], x.shape, **settings),)

    x = integers(rng, images)  # with many ties
    return Trial(P.MaxPool2D(**settings), (x,), lambda x: R.max_pool2d(x, **settings)[0], backward)


def average_pool(rng):
    images, settings = pool(rng)
    return Trial(
        P.AveragePool2D(**settings),
        (integers(rng, images),),
        lambda x: R.average_pool2d(x, **settings),
        lambda x, y, dy: (R.average_pool2d_backward(dy, x.shape, **settings),),
        exact=False,
    )


# ---- values one by one --------------------------------------------------------------------------------------


def relu(rng):
    settings = {
        "max_value": maybe(rng, float(rng.integers(0, 4))),
        "negative_slope": pick(rng, [0.0, 0.0, 0.25, 1.0]),
        "threshold": pick(rng, [0.0, 0.0, 1.0]),
    }
    return Trial(
        P.Relu(**settings),
        (integers(rng, any_shape(rng)),),
        lambda x: R.relu(x, **settings),
        lambda x, y, dy: (R.relu_backward(x, dy, **settings),),
    )


#: Numbers that an activation may have beside its defaults.
ACTIVATION_SETTINGS = {
    "elu": {"alpha": 0.5},
    "celu": {"alpha": 0.3},
    "hard_shrink": {"threshold": 1.5},
    "soft_shrink": {"threshold": 0.25},
    "squareplus": {"b": 1.0},
    "threshold": {"threshold": 1.0, "default_value": -3.0},
}
SMOOTH = [name for name in R.ACTIVATIONS if name not in ("linear", "relu", "leaky_relu")]


def elementwise(rng):
    name = pick(rng, SMOOTH)
    settings = ACTIVATION_SETTINGS.get(name, {}) if rng.random() < 0.5 else {}
    forward, backward = R.ACTIVATIONS[name]
    return Trial(
        P.Elementwise(name, **settings),
        (apart(rng, any_shape(rng)),),
        lambda x: forward(x, **settings),
        lambda x, y, dy: (backward(x, dy, **settings),),
        exact=False,
    )


def prelu(rng):
    shape = any_shape(rng)
    alpha = integers(rng, tuple(pick(rng, [1, n]) for n in shape[1:]))

    def backward(x, a, y, dy):
        shared = tuple(i for i, n in enumerate(a.shape) if n != x.shape[1 + i])
        slopes = (dy * np.minimum(x, 0)).sum(0).sum(shared, keepdims=True)
        return np.where(x > 0, dy, np.where(x < 0, a * dy, 0)), slopes

    return Trial(P.PRelu(), (integers(rng, shape), alpha), lambda x, a: np.where(x > 0, x, a * x), backward)


def rescale(rng):
    shape = any_shape(rng)
    scale, offset = (pick(rng, [float(rng.integers(-3, 4)), integers(rng, shape[-1:])]) for _ in range(2))
    return Trial(
        P.Rescale(scale, offset),
        (integers(rng, shape),),
        lambda x: R.rescale(x, scale, offset),
        lambda x, y, dy: (R.rescale_backward(dy, scale),),
    )


# ---- rows ---------------------------------------------------------------------------------------------------


def _rows(cls, forward, backward, even=False):
    def draw(rng):
        *shape, last = any_shape(rng)
        x = apart(rng, (*shape, 2 * last if even else last))
        return Trial(cls(), (x,), forward, lambda x, y, dy: (backward(x, y, dy),), exact=False, rounding=128)

    return draw


# ---- random ops: what was dropped is read off the result ----------------------------------------------------


def dropout(rng):
    rate, shape = pick(rng, [0.0, 0.25, 0.5, 0.75]), any_shape(rng)
    noise = pick(rng, [None, tuple(pick(rng, [1, n]) for n in shape)])
    scale = 1 / (1 - rate)

    def forward(x, y):
        kept = y != 0
        if noise is not None:
            along = tuple(i for i, (n, m) in enumerate(zip(shape, noise, strict=True)) if m == 1 != n)
            assert (kept.all(along) | ~kept.any(along)).all(), "values of one fate had several"
        return np.where(kept, x * scale, 0)

    x = np.abs(integers(rng, shape)) + 1
    op = P.Dropout(rate, noise_shape=noise)
    return Trial(op, (x,), forward, lambda x, y, dy: (np.where(y != 0, dy * scale, 0),), exact=rate != 0.25 != 1 - rate)


def alpha_dropout(rng):
    rate = pick(rng, [0.1, 0.5, 0.9])
    op = P.AlphaDropout(rate)
    scale, shift, fill = op._numbers()

    def kept(x, y):
        return np.abs(y - fill) > 1e-4

    return Trial(
        op,
        (np.abs(integers(rng, any_shape(rng))) + 1,),
        lambda x, y: np.where(kept(x, y), x * scale + shift, fill),
        lambda x, y, dy: (np.where(kept(x, y), dy * scale, 0),),
        exact=False,
    )


def _noisy(x, y, z):
    """Return y; assert that the normal numbers `z` behind it are finite, in range and not all alike."""
    assert np.abs(z).max(initial=0) < 7
    assert z.size < 9 or z.std() > 0.2
    return y


def gaussian_noise(rng):
    stddev = pick(rng, [0.0, 0.5, 2.0])
    return Trial(
        P.GaussianNoise(stddev),
        (integers(rng, any_shape(rng)),),
        lambda x, y: _noisy(x, y, (y - x) / stddev) if stddev else x,
        lambda x, y, dy: (dy,),
    )


def gaussian_dropout(rng):
    stddev = pick(rng, [0.25, 2.0])
    return Trial(
        P.GaussianDropout(stddev),
        (np.abs(integers(rng, any_shape(rng))) + 1,),
        lambda x, y: _noisy(x, y, (y / x - 1) / stddev),
        lambda x, y, dy: (dy * (y / x),),
        exact=False,
    )


# ---- normalization ------------------------------------------------------------------------------------------


def _affine(rng, channels):
    return maybe(rng, numbers(rng, channels)), maybe(rng, numbers(rng, channels))


def _norm_gradients(gradients, gamma, beta, kept):
    """Return the gradients of x, gamma and beta; the latter summed over all axes but `kept`."""
    dx, dgamma, dbeta = gradients
    axes = tuple(range(dx.ndim - kept))
    return dx, *(without(d.sum(axis=axes) if d.ndim > kept else d, p) for d, p in ((dgamma, gamma), (dbeta, beta)))


def _filled(rng, least=3):
    """Return a shape with enough rows for a variance."""
    shape = any_shape(rng)
    return (max(shape[0], least), *shape[1:])


def batch_norm(rng):
    shape = _filled(rng)
    gamma, beta = _affine(rng, shape[-1])
    state = np.zeros(shape[-1], np.float32), np.ones(shape[-1], np.float32)
    axes = tuple(range(len(shape) - 1))
    relu = bool(rng.random() < 0.3)

    def forward(x, gamma, beta, *state):
        y = R.normalize_over(x, axes, gamma, beta, 0.1)
        return R.relu(y) if relu else y

    def backward(x, gamma, beta, mean, variance, y, dy):
        dy = np.where(y > 0, dy, 0) if relu else dy
        dx, dgamma, dbeta = _norm_gradients(R.normalize_over_backward(x, axes, gamma, dy, 0.1), gamma, beta, 1)
        return dx, dgamma, dbeta, None, None

    op = P.BatchNorm(epsilon=0.1, behind=("relu",) if relu else None)
    return Trial(op, (numbers(rng, shape), gamma, beta, *state), forward, backward, False, 1024)


def normalize(rng):
    shape = _filled(rng, 1)
    gamma, beta = _affine(rng, shape[-1])
    mean, variance = numbers(rng, shape[-1]), rng.random(shape[-1]).astype(np.float32) + 0.25

    def backward(x, gamma, beta, mean, variance, y, dy):
        dx, dgamma, dbeta, dmean, dvariance = R.normalize_backward(x, mean, variance, gamma, dy)
        return dx, without(dgamma, gamma), without(dbeta, beta), dmean, dvariance

    arrays = (numbers(rng, shape), gamma, beta, mean, variance)
    return Trial(
        P.Normalize(), arrays, lambda x, g, b, m, v: R.normalize(x, m, v, g, b), backward, exact=False, rounding=1024
    )


def group_norm(rng):
    shape = _filled(rng, 1)
    groups = pick(rng, [g for g in range(1, shape[-1] + 1) if shape[-1] % g == 0])
    gamma, beta = _affine(rng, shape[-1])

    def backward(x, gamma, beta, y, dy):
        dx, dgamma, dbeta = R.group_normalize_backward(x, groups, gamma, dy, 0.1)
        return dx, without(dgamma, gamma), without(dbeta, beta)

    return Trial(
        P.GroupNorm(groups, 0.1),
        (numbers(rng, shape), gamma, beta),
        lambda x, g, b: R.group_normalize(x, groups, g, b, 0.1),
        backward,
        exact=False,
        rounding=1024,
    )


def layer_norm(rng):
    shape = _filled(rng, 1)
    axes = int(rng.integers(1, len(shape)))
    row, last = shape[-axes:], tuple(range(len(shape) - axes, len(shape)))
    gamma, beta = _affine(rng, row)

    def backward(x, gamma, beta, y, dy):
        return _norm_gradients(R.normalize_over_backward(x, last, gamma, dy, 0.1), gamma, beta, axes)

    return Trial(
        P.LayerNorm(axes, 0.1),
        (numbers(rng, shape), gamma, beta),
        lambda x, g, b: R.normalize_over(x, last, g, b, 0.1),
        backward,
        exact=False,
        rounding=1024,
    )


def unit_norm(rng):
    shape = any_shape(rng)
    axes = int(rng.integers(1, len(shape)))
    last = tuple(range(len(shape) - axes, len(shape)))
    return Trial(
        P.UnitNorm(axes),
        (apart(rng, shape),),
        lambda x: R.unit_normalize(x, last),
        lambda x, y, dy: (R.unit_normalize_backward(x, last, dy),),
        exact=False,
        rounding=256,
    )


def moments(rng):
    axes_of = lambda x: tuple(range(x.ndim - 1))  # noqa: E731
    return Trial(
        P.Moments(),
        (numbers(rng, _filled(rng, 1)),),
        lambda x: np.stack([m.reshape(-1) for m in R.moments(x, axes_of(x))]),
        lambda x, y, dy: (R.moments_backward(x, axes_of(x), *(d.reshape((1,) * (x.ndim - 1) + (-1,)) for d in dy)),),
        exact=False,
        rounding=256,
    )


# ---- what moves values --------------------------------------------------------------------------------------


def _linear(op, x, matrix_free):
    """Return the trial of an op that only moves values: its way back is found by moving their numbers."""

    def backward(x, y, dy):
        where = matrix_free(np.arange(1, x.size + 1).reshape(x.shape)).reshape(-1)
        dx = np.zeros(x.size + 1, dy.dtype)
        np.add.at(dx, where, dy.reshape(-1))
        return (dx[1:].reshape(x.shape),)

    return Trial(op, (x,), matrix_free, backward)


def swap_axes(rng):
    x, to = integers(rng, (batch(rng), *sizes(rng, int(rng.integers(1, 4))), pick(rng, CHANNELS))), "first"
    if rng.random() < 0.5:
        return _linear(P.SwapAxes("last"), x, lambda x: np.moveaxis(x, 1, -1))
    return _linear(P.SwapAxes(to), x, lambda x: np.moveaxis(x, -1, 1))


def permute(rng):
    x = integers(rng, (batch(rng), *sizes(rng, int(rng.integers(1, 4))), pick(rng, FEW)))
    order = tuple(int(axis) + 1 for axis in rng.permutation(x.ndim - 1))
    return _linear(P.Permute(order), x, lambda x: x.transpose(0, *order))


def reshape(rng):
    x = integers(rng, any_shape(rng))
    return _linear(P.Reshape((int(np.prod(x.shape[1:])),)), x, lambda x: x.reshape(len(x), int(np.prod(x.shape[1:]))))


def _amounts(rng, axes):
    return tuple(tuple(int(a) for a in rng.integers(0, 4, 2)) for _ in range(axes))


def zero_pad(rng):
    shape = (batch(rng), *sizes(rng, int(rng.integers(1, 4))), pick(rng, CHANNELS))
    amounts = _amounts(rng, int(rng.integers(1, len(shape))))
    whole = ((0, 0), *amounts, *[(0, 0)] * (len(shape) - 1 - len(amounts)))
    return _linear(P.ZeroPad(amounts), integers(rng, shape), lambda x: np.pad(x, whole))


def crop(rng):
    kept = (batch(rng), *sizes(rng, int(rng.integers(1, 4))), pick(rng, CHANNELS))
    amounts = _amounts(rng, int(rng.integers(1, len(kept))))
    whole = ((0, 0), *amounts, *[(0, 0)] * (len(kept) - 1 - len(amounts)))
    shape = tuple(n + sum(a) for n, a in zip(kept, whole, strict=True))
    inner = tuple(slice(b, n - a) for (b, a), n in zip(whole, shape, strict=True))
    return _linear(P.Crop(amounts), integers(rng, shape), lambda x: x[inner])


def resampled(rng):
    shape = (batch(rng), *sizes(rng, int(rng.integers(1, 3))), pick(rng, CHANNELS))
    axis, out = int(rng.integers(1, len(shape))), int(rng.integers(1, 13))
    size = shape[axis]
    if rng.random() < 0.25:
        matrix = resample.repeating(size, 1 + out % 4)
    else:
        matrix = resample.resizing(pick(rng, list(resample.INTERPOLATIONS)), size, out, bool(rng.integers(2)))

    def along(x, matrix):
        return np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T.astype(x.dtype), -1, axis)

    return Trial(
        P.Resample(axis, matrix),
        (integers(rng, shape),),
        lambda x: along(x, matrix),
        lambda x, y, dy: (along(dy, matrix.T),),
        exact=False,
    )


def resampled_images(rng):
    x = _images(rng)
    rows, columns = (
        resample.resizing(pick(rng, list(resample.INTERPOLATIONS)), n, int(rng.integers(1, 13)), bool(rng.integers(2)))
        for n in x.shape[1:3]
    )

    def both(x, rows, columns):
        return np.einsum("nhwc,ih,jw->nijc", x, rows.astype(x.dtype), columns.astype(x.dtype))

    return Trial(
        P.ResampleImages(rows, columns),
        (x,),
        lambda x: both(x, rows, columns),
        lambda x, y, dy: (both(dy, rows.T, columns.T),),
        exact=False,
    )


def repeated(rng):
    axes = int(rng.integers(1, 4))
    times = tuple(int(t) for t in rng.integers(1, 4, axes))
    x = integers(rng, (batch(rng), *sizes(rng, axes), pick(rng, CHANNELS)))

    def repeat(x):
        for axis, t in enumerate(times, 1):
            x = np.repeat(x, t, axis)
        return x

    return _linear(P.Repeat(times), x, repeat)


# ---- what changes each image by numbers of its own ------------------------------------------------------------


def _images(rng):
    return integers(rng, (batch(rng), *sizes(rng, 2, 12), pick(rng, CHANNELS)))


def warp(rng):
    """Maps by whole pixels: whatever comes from between them is not exact."""
    x = _images(rng)
    maps = np.tile([1.0, 0, 0, 0, 1, 0], (len(x), 1))
    maps[:, [2, 5]] = rng.integers(-9, 10, (len(x), 2))
    maps[:, [0, 4]] = rng.integers(-2, 3, (len(x), 2))
    mode = pick(rng, ["constant", "nearest", "wrap", "reflect", "mirror"])
    how = (pick(rng, ["bilinear", "nearest"]), mode)
    return Trial(
        P.Warp(lambda seed, shape: maps, *how, 2.0),
        (x,),
        lambda x, y: R.warp(x, maps, *how, 2.0),
        lambda x, y, dy: (R.warp_backward(dy, maps, *how),),
    )


def flip(rng):
    x = _images(rng)
    which, rows, columns = rng.integers(0, 2, len(x)), bool(rng.integers(2)), bool(rng.integers(2))

    def turn(x):
        turned = x[:, :: -1 if rows else 1, :: -1 if columns else 1]
        return np.where(which.reshape(-1, 1, 1, 1) > 0, turned, x)

    op = P.Flip(lambda seed, shape: which, columns, rows)
    return Trial(op, (x,), lambda x, y: turn(x), lambda x, y, dy: (turn(dy),))


def window(rng):
    x = _images(rng)
    size = [int(rng.integers(1, n + 1)) for n in x.shape[1:3]]
    row, column = (int(rng.integers(0, n - k + 1)) for n, k in zip(x.shape[1:3], size, strict=True))
    where = (slice(None), slice(row, row + size[0]), slice(column, column + size[1]))

    def backward(x, y, dy):
        dx = np.zeros_like(x)
        dx[where] = dy
        return (dx,)

    return Trial(P.Window(lambda seed, shape: (row, column), size), (x,), lambda x, y: x[where], backward)


def brightness(rng):
    x = _images(rng)
    deltas = rng.integers(-3, 4, len(x)).reshape(-1, 1, 1, 1).astype(float)
    return Trial(
        P.Brightness(lambda seed, shape: deltas.reshape(-1), -4.0, 3.0),
        (x,),
        lambda x, y: np.clip(x + deltas, -4, 3),
        lambda x, y, dy: (np.where((x + deltas >= -4) & (x + deltas <= 3), dy, 0),),
    )


def contrast(rng):
    x = _images(rng)
    factors = rng.integers(0, 9, len(x)) / 4
    return Trial(
        P.Contrast(lambda seed, shape: factors),
        (x,),
        lambda x, y: R.contrast(x, factors),
        lambda x, y, dy: (R.contrast_backward(x, dy, factors),),
        exact=False,
    )


def standardize(rng):
    x, invert = integers(rng, any_shape(rng)), bool(rng.integers(2))
    mean, variance = integers(rng, x.shape[-1:]), 4.0 ** rng.integers(-1, 2, x.shape[-1:])

    def forward(x, mean, variance):
        deviation = np.sqrt(variance)
        return x * deviation + mean if invert else (x - mean) / deviation

    def backward(x, mean, variance, y, dy):
        deviation = np.sqrt(variance)
        return dy * deviation if invert else dy / deviation, 0 * mean, 0 * variance

    op = P.Standardize(x.shape[-1:], 1e-7, invert)
    return Trial(op, (x, mean, variance.astype(np.float32)), forward, backward)


def activity_penalty(rng):
    x, l1, l2 = integers(rng, any_shape(rng)), float(rng.integers(0, 3)), float(rng.integers(0, 3))
    share = 1 / max(1, len(x))

    def backward(x, y, dy):
        return (dy + share * (l1 * np.sign(x) + 2 * l2 * x),)

    return Trial(P.ActivityPenalty(regularizers.L1L2(l1, l2)), (x,), lambda x: x, backward, exact=False)


#: Every op that computes something, but those of `drawn_axes`: name -> how it is drawn.
ROWS = {
    "Conv2D": conv2d,
    "Conv2D-by-tiles": conv2d_by_tiles,
    "Conv2DAdd": conv2d_add,
    "Merge": merged,
    "Sum": summed,
    "Concatenate": concatenated,
    "DepthwiseConv2D": depthwise,
    "Conv2DReluMaxPool2D": conv2d_relu_max_pool,
    "Conv2DReluMaxPool2D-by-tiles": conv2d_relu_max_pool_by_tiles,
    "Dense": dense,
    "MaxPool2D": max_pool,
    "AveragePool2D": average_pool,
    "Relu": relu,
    "Elementwise": elementwise,
    "PRelu": prelu,
    "Rescale": rescale,
    "Softmax": _rows(P.Softmax, R.softmax, lambda x, y, dy: R.softmax_backward(y, dy)),
    "LogSoftmax": _rows(P.LogSoftmax, R.log_softmax, lambda x, y, dy: R.log_softmax_backward(y, dy)),
    "Sparsemax": _rows(P.Sparsemax, R.sparsemax, lambda x, y, dy: R.sparsemax_backward(y, dy)),
    "Glu": _rows(P.Glu, R.glu, lambda x, y, dy: R.glu_backward(x, dy), even=True),
    "Dropout": dropout,
    "AlphaDropout": alpha_dropout,
    "GaussianNoise": gaussian_noise,
    "GaussianDropout": gaussian_dropout,
    "BatchNorm": batch_norm,
    "Normalize": normalize,
    "GroupNorm": group_norm,
    "LayerNorm": layer_norm,
    "UnitNorm": unit_norm,
    "Moments": moments,
    "SwapAxes": swap_axes,
    "Permute": permute,
    "Reshape": reshape,
    "ZeroPad": zero_pad,
    "Crop": crop,
    "Repeat": repeated,
    "ResampleImages": resampled_images,
    "Resample": resampled,
    "Warp": warp,
    "Flip": flip,
    "Window": window,
    "Brightness": brightness,
    "Contrast": contrast,
    "Standardize": standardize,
    "ActivityPenalty": activity_penalty,
}
#: Ops that are not among them, and why.
ELSEWHERE = {
    "Function": "a function of the user, without a kernel",
    **dict.fromkeys(("ArrayOp", "Assign", "Paired", "Read"), "steps of NumPy between kernels: tests/plan"),
    **dict.fromkeys(("Conv1DAveragePool1D", "Conv2DAveragePool2D"), "tests/ops/test_conv_average_pool.py"),
    **dict.fromkeys(("ActivationAveragePool2D", "BatchNormMaxPool2D"), "tests/ops/test_pooled.py"),
}
