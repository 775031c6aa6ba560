"""The public functions: keras.ops signatures over the primitive ops, by one table."""

from functools import wraps

import numpy as np

from fastconv.names import check_spelling
from fastconv.ops import differentiate, lowering, nn, symbolic
from fastconv.ops import primitives as P
from fastconv.ops.arrays import as_floats, numeric
from fastconv.runtime.settings import standardize_data_format


def _floats(name, argument, value, rank=None):
    array = numeric(f"ops.{name}", argument, value)
    if rank is not None and array.ndim != rank:
        raise ValueError(f"ops.{name}: {argument} has shape {array.shape}; expected {rank} axes.")
    return as_floats(array, value)


_SEVERAL = {1: "a tuple of one", 2: "a pair of them", 3: "three of them"}


def _along_axes(name, argument, value, axes, minimum=1):
    """Return an int, or one int an axis, as a tuple."""
    values = tuple(value) if np.iterable(value) else (value,) * axes
    if len(values) != axes or any(not isinstance(v, (int, np.integer)) or v < minimum for v in values):
        least = "above 0" if minimum else "of at least 0"
        raise ValueError(f"ops.{name}: {argument}={value!r} is not an integer {least} or {_SEVERAL[axes]}.")
    return tuple(int(v) for v in values)


def _spatial(name, inputs, most=3):
    """Return inputs of one to `most` axes between batch and channels as an array, and how many axes these are."""
    x = _floats(name, "inputs", inputs)
    if not 3 <= x.ndim <= 2 + most:
        raise ValueError(f"ops.{name}: inputs has shape {x.shape}; expected 3 to {2 + most} axes.")
    return x, x.ndim - 2


def _padding(name, padding):
    if padding not in ("valid", "same"):
        raise ValueError(f"ops.{name}: padding={padding!r} is not 'valid' or 'same'.")
    return padding


class _ChannelsFirst:
    """Turns an op on channels-last images into one on channels-first images, with its way back."""

    def __init__(self, op):
        self.op = op

    def __call__(self, x, *params):
        y, backprop = self.op(np.moveaxis(x, 1, -1), *params)

        def back(dy):
            dx, *dparams = backprop(np.moveaxis(dy, 1, -1))
            return (np.ascontiguousarray(np.moveaxis(dx, -1, 1)), *dparams)

        return np.ascontiguousarray(np.moveaxis(y, -1, 1)), back


def _check_positive(name, inputs, shape):
    if any(n <= 0 for n in shape[1:]):
        raise ValueError(
            f"ops.{name}: the window does not fit into inputs of shape {inputs.shape}; the output would be {shape}."
        )


class _Images:
    """The arguments that all convolutions share, checked: the images, and the settings of the op.

    They may be sequences and volumes as well, of up to `most` axes.
    """

    def __init__(self, name, inputs, strides, padding, data_format, dilation_rate, most=3):
        self.name = name
        self.x, self.axes = _spatial(name, inputs, most)
        self.settings = (
            _along_axes(name, "strides", strides, self.axes),
            _padding(name, padding),
            _along_axes(name, "dilation_rate", dilation_rate, self.axes),
        )
        self.first = standardize_data_format(data_format, f"ops.{name}") == "channels_first"
        n, *rest = self.x.shape
        self.shape = (n, *rest[1:], rest[0]) if self.first else self.x.shape
        self.channels = self.shape[-1]

    def filters(self, argument, value):
        """Return filters as an array of the images' type."""
        return _floats(self.name, argument, value, self.axes + 2).astype(self.x.dtype, copy=False)

    def run(self, op, w):
        """Return the op's value on the images, and the way back to images and filters."""
        _check_positive(self.name, self.x, op.output_shape(self.shape, w.shape))
        y, back = (_ChannelsFirst(op) if self.first else op)(self.x, w, None)
        return y, lambda dy: back(dy)[:2]


CONVOLUTIONS = {1: P.Conv1D, 2: P.Conv2D, 3: P.Conv3D}
TRANSPOSED = {1: P.ConvTranspose1D, 2: P.ConvTranspose2D, 3: P.ConvTranspose3D}
DEPTHWISE = {1: P.DepthwiseConv1D, 2: P.DepthwiseConv2D, 3: P.DepthwiseConv3D}
_SIZES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def _conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    images = _Images("conv", inputs, strides, padding, data_format, dilation_rate)
    w, channels = images.filters("kernel", kernel), images.channels
    if 0 in (channels, *w.shape) or channels % w.shape[-2] or w.shape[-1] % (channels // w.shape[-2]):
        raise ValueError(
            f"ops.conv: kernel of shape {w.shape} ({_SIZES[images.axes]}, channels / groups, filters) does not fit "
            f"inputs of shape {images.x.shape}, which have {channels} channels; expected sizes above 0, channels "
            "divisible by the kernel's, and filters divisible by the groups."
        )
    groups = channels // w.shape[-2]
    if groups == channels > 1:
        return images.run(DEPTHWISE[images.axes](*images.settings), w)
    return images.run(CONVOLUTIONS[images.axes](*images.settings, groups=groups), w)


def _conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    name = "conv_transpose"
    images = _Images(name, inputs, strides, padding, data_format, dilation_rate)
    steps, padding, dilation = images.settings
    w = images.filters("kernel", kernel)
    if 0 in w.shape or w.shape[-1] != images.channels:
        raise ValueError(
            f"ops.{name}: kernel of shape {w.shape} ({_SIZES[images.axes]}, filters, channels) does not fit inputs of "
            f"shape {images.x.shape}, which have {images.channels} channels; expected as many, and sizes above 0."
        )
    extra = output_padding
    if extra is not None:
        extra = _along_axes(name, "output_padding", extra, images.axes, minimum=0)
        if any(more >= step for more, step in zip(extra, steps, strict=True)):
            raise ValueError(f"ops.{name}: output_padding={output_padding!r} is not less than strides={strides!r}.")
    return images.run(TRANSPOSED[images.axes](steps, padding, extra, dilation), w)


def _depthwise_filters(images, argument, kernel):
    w = images.filters(argument, kernel)
    if 0 in w.shape or w.shape[-2] != images.channels:
        raise ValueError(
            f"ops.{images.name}: {argument} of shape {w.shape} ({_SIZES[images.axes]}, channels, multiplier) does not "
            f"fit inputs of shape {images.x.shape}, which have {images.channels} channels; expected as many, "
            "and sizes above 0."
        )
    return w


def _depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    images = _Images("depthwise_conv", inputs, strides, padding, data_format, dilation_rate, most=2)
    return images.run(DEPTHWISE[images.axes](*images.settings), _depthwise_filters(images, "kernel", kernel))


def _separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    images = _Images("separable_conv", inputs, strides, padding, data_format, dilation_rate, most=2)
    w = _depthwise_filters(images, "depthwise_kernel", depthwise_kernel)
    mixing = images.filters("pointwise_kernel", pointwise_kernel)
    expected = (*(1,) * images.axes, w.shape[-2] * w.shape[-1])
    if mixing.shape[:-1] != expected or not mixing.shape[-1]:
        raise ValueError(
            f"ops.separable_conv: pointwise_kernel has shape {mixing.shape}; behind a depthwise_kernel of shape "
            f"{w.shape} expected ({', '.join(map(str, expected))}, filters)."
        )
    between, first_back = images.run(DEPTHWISE[images.axes](*images.settings), w)
    mix = CONVOLUTIONS[images.axes]()
    y, second_back = (_ChannelsFirst(mix) if images.first else mix)(between, mixing, None)

    def back(dy):
        dbetween, dmixing, _ = second_back(dy)
        return (*first_back(dbetween), dmixing)

    return y, back


class _AsImages:
    """Turns an op on images into one on sequences, images one cell wide."""

    def __init__(self, op):
        self.op = op

    def output_shape(self, x):
        out = self.op.output_shape((*x[:2], 1, x[2]))
        return (*out[:2], out[3])

    def __call__(self, x):
        y, backprop = self.op(x[:, :, None])
        return y[:, :, 0], lambda dy: (backprop(dy[:, :, None])[0][:, :, 0],)


def _pooled(name, x, axes, op, data_format):
    """Return the value of a pool, made for sequences as images, and the way back."""
    op = _AsImages(op) if axes == 1 else op
    first = standardize_data_format(data_format, f"ops.{name}") == "channels_first"
    _check_positive(name, x, op.output_shape((x.shape[0], *x.shape[2:], x.shape[1]) if first else x.shape))
    return (_ChannelsFirst(op) if first else op)(x)


def _pool(name, image_op, volume_op):
    def pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
        x, axes = _spatial(name, inputs)
        size = _along_axes(name, "pool_size", pool_size, axes)
        steps = size if strides is None else _along_axes(name, "strides", strides, axes)
        size, steps = ((*v, 1) if axes == 1 else v for v in (size, steps))
        op = (volume_op if axes == 3 else image_op)(size, steps, _padding(name, padding))
        return _pooled(name, x, axes, op, data_format)

    return pool


def _adaptive_pool(name, op_class):
    def pool(inputs, output_size, data_format=None):
        x, axes = _spatial(name, inputs)
        size = _along_axes(name, "output_size", output_size, axes)
        if 0 in x.shape[1:]:
            raise ValueError(f"ops.{name}: inputs has shape {x.shape}; expected sizes above 0.")
        return _pooled(name, x, axes, op_class((*size, 1) if axes == 1 else size), data_format)

    return pool


def _axis(name, argument, axis, rank):
    """Return an axis counted from the front; raise ValueError unless an array of `rank` axes has it."""
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)) or not -rank <= axis < rank:
        raise ValueError(f"ops.{name}: {argument}={axis!r} is not an axis of x, which has {rank} axes.")
    return int(axis) % rank


def _moments(x, axes, keepdims=False, synchronized=False):
    if synchronized:
        raise NotImplementedError(f"ops.moments: synchronized={synchronized!r} is not supported; there is one device.")
    x = _floats("moments", "x", x)
    places = [_axis("moments", "axes", axis, x.ndim) for axis in (axes if np.iterable(axes) else [axes])]
    if len(set(places)) != len(places) or not places:
        raise ValueError(f"ops.moments: axes={axes!r} are not one or several different axes.")
    kept = [axis for axis in range(x.ndim) if axis not in places]
    order = [*places, *kept]
    turned = np.transpose(x, order)
    shape = [1 if axis in places else n for axis, n in enumerate(x.shape) if keepdims or axis not in places]
    inner = [x.shape[axis] for axis in kept]
    y, back = P.Moments()(turned.reshape(-1, int(np.prod(inner))))

    def backprop(dmoments):
        (dx,) = back(np.stack([np.reshape(d, -1) for d in dmoments]))
        return (np.ascontiguousarray(np.transpose(dx.reshape(turned.shape), np.argsort(order))),)

    return tuple(part.reshape(shape) for part in y), backprop


def _batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    name = "batch_normalization"
    x = _floats(name, "x", x)
    axis = _axis(name, "axis", axis, x.ndim)
    vectors = {"mean": mean, "variance": variance, "offset": offset, "scale": scale}
    for argument, value in vectors.items():
        if value is None and argument in ("offset", "scale"):
            continue
        vectors[argument] = _floats(name, argument, value).astype(x.dtype, copy=False)
        if vectors[argument].shape != (x.shape[axis],):
            raise ValueError(
                f"ops.{name}: {argument} has shape {vectors[argument].shape}; expected ({x.shape[axis]},), a value for "
                f"each place of axis={axis} of x, which has shape {x.shape}."
            )
    order = ("scale", "offset", "mean", "variance")
    y, back = P.Normalize(float(epsilon))(np.moveaxis(x, axis, -1), *(vectors[key] for key in order))

    def backprop(dy):
        dx, *rest = back(np.moveaxis(dy, axis, -1))
        grads = dict(zip(order, rest, strict=True))
        dvectors = (grads[key] for key in vectors if grads[key] is not None)
        return (np.ascontiguousarray(np.moveaxis(dx, -1, axis)), *dvectors)

    return np.ascontiguousarray(np.moveaxis(y, -1, axis)), backprop


# name -> function that returns (value, way back): the public functions are the values, `vjp` is both.
_PAIRS = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "depthwise_conv": _depthwise_conv,
    "separable_conv": _separable_conv,
    "max_pool": _pool("max_pool", P.MaxPool2D, P.MaxPool3D),
    "batch_normalization": _batch_normalization,
    "moments": _moments,
    "average_pool": _pool("average_pool", P.AveragePool2D, P.AveragePool3D),
    "adaptive_max_pool": _adaptive_pool("adaptive_max_pool", P.AdaptiveMaxPool),
    "adaptive_average_pool": _adaptive_pool("adaptive_average_pool", P.AdaptiveAveragePool),
}
_ACTIVATIONS = {name: nn.function("ops", name, activation) for name, activation in nn.ACTIVATIONS.items()}
globals().update(_ACTIVATIONS)
swish, hard_swish = _ACTIVATIONS["silu"], _ACTIVATIONS["hard_silu"]


def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Slide filters over images, or over sequences or volumes: those have one or three sizes where images have two.

    Parameters
    ----------
    inputs : array_like, shape (batch, height, width, channels)
        Or channels second, with ``data_format="channels_first"``.
    kernel : array_like, shape (height, width, channels / groups, filters)
    strides, dilation_rate : int or tuple of int
        One for each size.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        float32, or float64 for float64 inputs.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[0, 64, 128], [48, 192, 144], [42, 226, 168]])
    >>> sharpen = np.array([[-1, 0, -2], [0.5, 4.5, -1.5], [1.5, 2, -3]])
    >>> conv(image[None, :, :, None], sharpen[:, :, None, None]).item()
    427.0
    """
    return _conv(inputs, kernel, strides, padding, data_format, dilation_rate)[0]


def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Slide over every channel of images, or of sequences, the filters that belong to it.

    Parameters
    ----------
    inputs : array_like, shape (batch, height, width, channels)
        Or channels second, with ``data_format="channels_first"``.
    kernel : array_like, shape (height, width, channels, multiplier)
    strides, dilation_rate : int or tuple of int
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        With channels * multiplier channels, those of an input channel side by side; float32, or float64 for float64
        inputs.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[1, 10], [2, 20], [3, 30]]).reshape(1, 1, 3, 2)
    >>> depthwise_conv(image, np.ones((1, 2, 2, 1))).reshape(2, 2)
    array([[ 3., 30.],
           [ 5., 50.]], dtype=float32)
    """
    return _depthwise_conv(inputs, kernel, strides, padding, data_format, dilation_rate)[0]


def separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """Mix the channels of a `depthwise_conv`.

    Parameters
    ----------
    inputs : array_like, shape (batch, height, width, channels)
        Or channels second, with ``data_format="channels_first"``.
    depthwise_kernel : array_like, shape (height, width, channels, multiplier)
    pointwise_kernel : array_like, shape (1, 1, channels * multiplier, filters)
    strides, dilation_rate : int or tuple of int
        Of the first step.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        float32, or float64 for float64 inputs.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[1, 10], [2, 20], [3, 30]]).reshape(1, 1, 3, 2)
    >>> separable_conv(image, np.ones((1, 2, 2, 1)), np.ones((1, 1, 2, 1))).ravel()
    array([33., 55.], dtype=float32)
    """
    return _separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)[0]


def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Return the maximum of each window.

    Parameters
    ----------
    inputs : array_like, shape (batch, height, width, channels)
        Or channels second, with ``data_format="channels_first"``.
        Sequences have one size where images have two, volumes three.
    pool_size : int or tuple of int
    strides : int or tuple of int, optional
        `pool_size` by default.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        float32, or float64 for float64 inputs.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool(np.arange(16).reshape(1, 4, 4, 1), 2).reshape(2, 2)
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    """
    return _PAIRS["max_pool"](inputs, pool_size, strides, padding, data_format)[0]


def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Return the mean of each window's real cells; see `max_pool` for the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> average_pool(np.arange(16).reshape(1, 4, 4, 1), 2).reshape(2, 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """
    return _PAIRS["average_pool"](inputs, pool_size, strides, padding, data_format)[0]


def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """Lay filters over images, each times a pixel, and add them up; or over sequences or volumes (see `conv`).

    Parameters
    ----------
    inputs : array_like, shape (batch, height, width, channels)
        Or channels second, with ``data_format="channels_first"``.
    kernel : array_like, shape (height, width, filters, channels)
    strides, dilation_rate : int or tuple of int
        How far results of neighbouring pixels, and the taps of a filter, lie apart.
    padding : {"valid", "same"}
        All that filters reach, or the size of the inputs times the strides.
    output_padding : int or tuple of int, optional
        Cells added at the end, fewer than the strides.
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        float32, or float64 for float64 inputs.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([1, 2, 3]).reshape(1, 3, 1)
    >>> conv_transpose(row, np.array([1, 10, 100]).reshape(3, 1, 1), strides=2).ravel()
    array([  1.,  10., 102.,  20., 203.,  30., 300.], dtype=float32)
    """
    return _conv_transpose(inputs, kernel, strides, padding, output_padding, data_format, dilation_rate)[0]


def adaptive_max_pool(inputs, output_size, data_format=None):
    """Return the maximum of each of as many windows as are asked for.

    Window i begins at floor(i * size / output size) and ends at ceil((i + 1) * size / output size).

    Parameters
    ----------
    inputs : array_like, shape (batch, height, width, channels)
        Or channels second, with ``data_format="channels_first"``. Sequences have one size, volumes three.
    output_size : int or tuple of int
    data_format : {"channels_last", "channels_first"}, optional

    Returns
    -------
    ndarray
        float32, or float64 for float64 inputs.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_max_pool(np.arange(5).reshape(1, 5, 1), 2).ravel()
    array([2., 4.], dtype=float32)
    """
    return _PAIRS["adaptive_max_pool"](inputs, output_size, data_format)[0]


def adaptive_average_pool(inputs, output_size, data_format=None):
    """Return the mean of each of as many windows as are asked for; see `adaptive_max_pool` for the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_average_pool(np.arange(5).reshape(1, 5, 1), 2).ravel()
    array([1., 3.], dtype=float32)
    """
    return _PAIRS["adaptive_average_pool"](inputs, output_size, data_format)[0]


def moments(x, axes, keepdims=False, synchronized=False):
    """Return mean and variance over some axes; the variance is divided by the number of values.

    Parameters
    ----------
    x : array_like
    axes : int or list of int
    keepdims : bool
        Whether these axes stay, with length 1.
    synchronized : bool
        There is one device: only False.

    Returns
    -------
    mean, variance : ndarray
        float32, or float64 for float64 inputs. To `vjp`'s way back, pass the pair of their gradients.

    Raises
    ------
    ValueError
        If x does not have these axes.

    Examples
    --------
    >>> moments([[0.0, 5.0], [2.0, 5.0]], axes=[0])
    (array([1., 5.], dtype=float32), array([1., 0.], dtype=float32))
    """
    return _moments(x, axes, keepdims, synchronized)[0]


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """Return ``(x - mean) / sqrt(variance + epsilon) * scale + offset`` for every place of an axis.

    Parameters
    ----------
    x : array_like
    mean, variance : array_like
        A value for each place of the axis.
    axis : int
    offset, scale : array_like, optional
        Likewise.
    epsilon : float

    Returns
    -------
    ndarray
        float32, or float64 for float64 inputs.

    Raises
    ------
    ValueError
        If x does not have the axis, or a vector does not fit it.

    Examples
    --------
    >>> batch_normalization([[1.0], [5.0]], mean=[3.0], variance=[4.0], axis=-1, epsilon=0.0)
    array([[-1.],
           [ 1.]], dtype=float32)
    """
    return _batch_normalization(x, mean, variance, axis, offset, scale, epsilon)[0]


def vjp(op, *args, **kwargs):
    """Return an op's value and its way back: the vector-Jacobian product.

    Parameters
    ----------
    op : function
        One of this module, or any function made of them: it is traced then.
    *args, **kwargs
        Its arguments. Of a function of one's own, the positional ones that are arrays, lists or variables have
        gradients.

    Returns
    -------
    value : ndarray
        Or a tuple of them, as the op returns it.
    backprop : function
        Takes the gradient of the value; returns a tuple of gradients, one for every array argument.

    Raises
    ------
    TypeError
        If `op` is no function.

    Examples
    --------
    >>> from fastconv.ops import relu
    >>> value, backprop = vjp(relu, [-1.0, 2.0])
    >>> backprop([1.0, 1.0])
    (array([0., 1.], dtype=float32),)
    >>> value, backprop = vjp(lambda x, y: x * y + x, [2.0], [5.0])
    >>> value, backprop([1.0])
    (array([12.], dtype=float32), (array([6.], dtype=float32), array([2.], dtype=float32)))
    """
    name = getattr(op, "__name__", None)
    if globals().get(name) is not op or name not in {**_PAIRS, **_ACTIVATIONS}:
        return differentiate.vjp(op, args, kwargs, _gradient)
    if name in _PAIRS:
        value, back = _PAIRS[name](*args, **kwargs)
    else:
        value, back = nn.bound(nn.pair("ops", name, nn.ACTIVATIONS[name]), *args, **kwargs)

    def backprop(dy):
        if not isinstance(value, tuple):
            return back(_gradient(name, dy, value))
        if not isinstance(dy, (tuple, list)) or len(dy) != len(value):
            raise ValueError(f"ops.{name}: there are {len(value)} values; expected a tuple of as many gradients.")
        return back(tuple(_gradient(name, d, v) for d, v in zip(dy, value, strict=True)))

    return value, backprop


def _gradient(name, dy, value):
    """Return the gradient of a value as an array; raise ValueError if it has another shape."""
    dy = numeric(f"ops.{name}", "the gradient", dy)
    if dy.shape != value.shape:
        raise ValueError(f"ops.{name}: the gradient has shape {dy.shape}; expected the value's, {value.shape}.")
    return dy


def _also_symbolic(name, function):
    """Return a function that makes a step of a graph when an argument is symbolic."""

    @wraps(function)
    def both(*args, **kwargs):
        try:
            if symbolic.any_symbolic((*args, *kwargs.values())):
                return lowering.symbolic_call(name, function, _PAIRS.get(name), args, kwargs)
            return function(*args, **kwargs)
        except TypeError:
            check_spelling(function, kwargs)
            raise

    return both


globals().update({name: _also_symbolic(name, globals()[name]) for name in (*_PAIRS, *_ACTIVATIONS)})
swish, hard_swish = globals()["silu"], globals()["hard_silu"]
