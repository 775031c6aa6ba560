"""How ops over other axes than those of images are drawn: sequences, volumes, windows of any sizes; see `drawn`."""

from fastconv.ops import primitives as P
from fastconv.ops import reference as R
from fastconv.ops.reference import axes
from tests.cases import integers
from tests.ops.drawn import CHANNELS, FEW, Trial, batch, maybe, pick, sizes, without

CONVOLUTIONS = {1: P.Conv1D, 3: P.Conv3D}
TRANSPOSED = {1: P.ConvTranspose1D, 2: P.ConvTranspose2D, 3: P.ConvTranspose3D}
POOLS = {1: (P.MaxPool1D, P.AveragePool1D), 3: (P.MaxPool3D, P.AveragePool3D)}
MOST = {1: 40, 2: 14, 3: 7}  # cells of an axis beyond the window


def windows(rng, count, dilates=True, paddings=("valid", "same")):
    """Return the sizes of `count` axes, a kernel that fits into them and its settings."""
    kernel = tuple(int(k) for k in rng.integers(1, 5, count))
    dilated = dilates and rng.random() < 0.3
    dilation = tuple(int(d) for d in rng.integers(1, 4, count)) if dilated else (1,) * count
    strides = (1,) * count if dilated else tuple(int(s) for s in rng.integers(1, 4, count))
    inner = tuple(int((k - 1) * d + 1 + rng.integers(0, MOST[count])) for k, d in zip(kernel, dilation, strict=True))
    return inner, kernel, {"strides": strides, "padding": pick(rng, paddings), "dilation": dilation}


def _with_relu(relu, forward, backward):
    """Return both directions of an op with weights and a bias, with a relu behind it if asked."""

    def both(x, w, b):
        y = forward(x, w, b)
        return R.relu(y) if relu else y

    def back(x, w, b, y, dy):
        dx, dw, db = backward(x, w, R.relu_backward(y, dy) if relu else dy)
        return dx, dw, without(db, b)

    return both, back


def _convolution(op_class, x, w, b, settings, relu):
    return Trial(
        op_class(**settings, relu=relu),
        (x, w, b),
        *_with_relu(
            relu,
            lambda x, w, b: axes.convolve(x, w, b, **settings),
            lambda x, w, dy: axes.convolve_backward(x, w, dy, **settings),
        ),
    )


def convolution(count):
    def draw(rng):
        inner, kernel, settings = windows(rng, count, paddings=["valid", "same", "causal"][: 3 if count == 1 else 2])
        groups, channels = pick(rng, [1, 1, 2]), pick(rng, [1, 3, 8, 17, 33])
        filters = groups * pick(rng, [1, 3, 16, 17, 40, 64])
        x, w = integers(rng, (batch(rng), *inner, channels * groups)), integers(rng, (*kernel, channels, filters))
        b, relu = maybe(rng, integers(rng, (filters,))), bool(rng.random() < 0.3)
        return _convolution(CONVOLUTIONS[count], x, w, b, {**settings, "groups": groups}, relu)

    return draw


def conv3d_by_tiles(rng):
    """Convolutions of volumes that may go by Winograd's tiles."""
    channels, filters, deep = pick(rng, [16, 17, 32, 64, 65]), pick(rng, [16, 21, 40, 64, 66]), pick(rng, [1, 2, 3, 4])
    shape = (int(rng.integers(1, 3)), int(rng.integers(4, 7)), *(int(n) for n in rng.integers(8, 13, 2)), channels)
    settings = {"strides": (1, 1, 1), "padding": pick(rng, ["valid", "same"]), "dilation": (1, 1, 1)}
    x, w = integers(rng, shape), integers(rng, (deep, 3, 3, channels, filters))
    return _convolution(P.Conv3D, x, w, maybe(rng, integers(rng, (filters,))), settings, bool(rng.random() < 0.3))


def transposed(count):
    def draw(rng):
        inner, kernel, settings = windows(rng, count)
        if rng.random() < 0.4:
            settings["output_padding"] = tuple(int(rng.integers(0, s)) for s in settings["strides"])
        channels, filters = pick(rng, [1, 3, 17, 33]), pick(rng, [1, 3, 16, 40])
        relu = bool(rng.random() < 0.3)
        op, filters_shape = TRANSPOSED[count](**settings, relu=relu), (*kernel, filters, channels)
        if min(op.output_shape((1, *inner, channels), filters_shape)) < 1:
            return draw(rng)
        x, w = integers(rng, (batch(rng), *inner, channels)), integers(rng, filters_shape)
        directions = _with_relu(
            relu,
            lambda x, w, b: axes.convolve_transpose(x, w, b, **settings),
            lambda x, w, dy: axes.convolve_transpose_backward(x, w, dy, **settings),
        )
        return Trial(op, (x, w, maybe(rng, integers(rng, (filters,)))), *directions)

    return draw


def depthwise1d(rng):
    (length,), (kernel,), settings = windows(rng, 1, paddings=["valid", "same", "causal"])
    channels, many, relu = pick(rng, CHANNELS), pick(rng, [1, 1, 2, 3]), bool(rng.random() < 0.3)
    x, w = integers(rng, (batch(rng), length, channels)), integers(rng, (kernel, channels, many))
    before = (kernel - 1) * settings["dilation"][0]
    padding = settings["padding"] if settings["padding"] != "causal" else ((0, 0), (before, 0))
    image = {key: (1, *settings[key]) for key in ("strides", "dilation")} | {"padding": padding}

    def backward(x, w, dy):
        dx, dw, db = R.depthwise_conv2d_backward(x[:, None], w[None], dy[:, None], **image)
        return dx[:, 0], dw[0], db

    directions = _with_relu(relu, lambda x, w, b: R.depthwise_conv2d(x[:, None], w[None], b, **image)[:, 0], backward)
    b = maybe(rng, integers(rng, (channels * many,)))
    return Trial(P.DepthwiseConv1D(**settings, relu=relu), (x, w, b), *directions)


def depthwise3d(rng):
    inner, kernel, settings = windows(rng, 3)
    channels, relu = pick(rng, CHANNELS), bool(rng.random() < 0.3)
    filters = channels * pick(rng, [1, 1, 2])
    x, w = integers(rng, (batch(rng), *inner, channels)), integers(rng, (*kernel, 1, filters))
    b, groups = maybe(rng, integers(rng, (filters,))), {**settings, "groups": channels}
    directions = _with_relu(
        relu,
        lambda x, w, b: axes.convolve(x, w, b, **groups),
        lambda x, w, dy: axes.convolve_backward(x, w, dy, **groups),
    )
    return Trial(P.DepthwiseConv3D(**settings, relu=relu), (x, w, b), *directions)


def conv1d_relu_max_pool(rng):
    (length,), (kernel,), settings = windows(rng, 1)
    channels, filters = pick(rng, [1, 3, 8, 17, 33]), pick(rng, [1, 7, 16, 33, 64])
    x, w = integers(rng, (batch(rng), length, channels)), integers(rng, (kernel, channels, filters))
    out = P.Conv1D(**settings).output_shape(x.shape, w.shape)[1]
    size = int(min(out, rng.integers(1, 5)))
    step = size + int(rng.integers(0, 2))  # windows of this op never overlap
    image = {"pool_size": (1, size), "pool_strides": (1, step), "padding": settings["padding"]}
    image |= {key: (1, *settings[key]) for key in ("strides", "dilation")}

    def backward(x, w, b, y, dy):
        dx, dw, db = R.conv_relu_max_pool_backward(x[:, None], w[None], b, dy[:, None], **image)
        return dx[:, 0], dw[0], without(db, b)

    return Trial(
        P.Conv1DReluMaxPool1D((size,), (step,), **settings),
        (x, w, maybe(rng, integers(rng, (filters,)))),
        lambda x, w, b: R.conv_relu_max_pool(x[:, None], w[None], b, **image)[:, 0],
        backward,
    )


def _pool(op, x, spans, largest):
    return Trial(
        op,
        (x,),
        lambda x: axes.pool(x, spans, largest),
        lambda x, y, dy: (axes.pool_backward(x, dy, spans, largest),),
        exact=largest,
    )


def pool(count, largest):
    def draw(rng):
        inner, kernel, settings = windows(rng, count, dilates=False)
        if rng.random() < 1 / 8:
            kernel, settings = inner, {"strides": (1,) * count, "padding": "valid"}
        settings = {"pool_size": kernel, "strides": settings["strides"], "padding": settings["padding"]}
        x = integers(rng, (batch(rng), *inner, pick(rng, FEW)))
        return _pool(POOLS[count][not largest](**settings), x, axes.pool_windows(inner, **settings), largest)

    return draw


def adaptive_pool(op_class, largest):
    def draw(rng):
        inner = sizes(rng, int(rng.integers(1, 4)), 8)
        size = tuple(int(rng.integers(1, n + 2)) for n in inner)
        if rng.random() < 1 / 4:  # windows with more cells than a byte can number
            inner, size = (int(rng.integers(257, 600)), *inner[1:2]), (int(rng.integers(1, 3)), *size[1:2])
        x = integers(rng, (batch(rng), *inner, pick(rng, FEW)))
        return _pool(op_class(size), x, axes.adaptive_windows(inner, size), largest)

    return draw


#: Ops over any number of axes: name -> how it is drawn.
AXES = {
    "Conv1D": convolution(1),
    "Conv3D": convolution(3),
    "Conv3D-by-tiles": conv3d_by_tiles,
    "DepthwiseConv1D": depthwise1d,
    "DepthwiseConv3D": depthwise3d,
    "Conv1DReluMaxPool1D": conv1d_relu_max_pool,
    **{op.__name__: transposed(count) for count, op in TRANSPOSED.items()},
    **{op.__name__: pool(count, i == 0) for count, ops in POOLS.items() for i, op in enumerate(ops)},
    "AdaptiveMaxPool": adaptive_pool(P.AdaptiveMaxPool, True),
    "AdaptiveAveragePool": adaptive_pool(P.AdaptiveAveragePool, False),
}
