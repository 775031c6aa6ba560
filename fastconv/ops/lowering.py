"""How calls of the public functions on symbolic tensors become steps: by primitive ops where there are some."""

import inspect
from functools import partial

from fastconv.ops import array_functions as A
from fastconv.ops import nn, symbolic
from fastconv.ops import primitives as P
from fastconv.ops.rules import Paired
from fastconv.runtime.settings import standardize_data_format

# The arguments of public functions that are arrays; all others are settings.
ARRAYS = (
    "x", "x1", "x2", "inputs", "kernel", "depthwise_kernel", "pointwise_kernel", "mean", "variance", "offset", "scale",
    "bias", "images",
)  # fmt: skip


def symbolic_call(name, function, pair, args, kwargs):
    """Return the symbolic result of a call of a public function with arguments of which some are symbolic."""
    if name in nn.ACTIVATIONS:
        return _activation(name, args, kwargs)
    call = inspect.signature(function).bind(*args, **kwargs)
    call.apply_defaults()
    given = dict(call.arguments)
    symbols = [key for key, value in given.items() if symbolic.any_symbolic((value,)) and key not in ARRAYS]
    if symbols:
        raise TypeError(f"ops.{name}: {symbols[0]} is a symbolic tensor; expected its values.")
    if name in _FORMS:
        result = _FORMS[name](**given)
        if result is not None:
            return result
    arrays = {key: given.pop(key) for key in ARRAYS if key in given}
    names = [key for key in call.signature.parameters if key in arrays]

    def on_arrays(*values):
        return pair(**dict(zip(names, values, strict=True)), **given)

    return symbolic.apply(Paired(name, on_arrays), *(arrays[key] for key in names))


def activation(name, row, x, settings):
    """Return the symbolic result of an activation; `settings` may hold an axis."""
    settings = dict(settings)
    axis = settings.pop("axis", -1)
    rank = len(x.shape)
    if not -rank <= axis < rank:
        raise ValueError(f"ops.{name}: axis={axis!r} is not an axis of x, whose shape is {tuple(x.shape)}.")
    op = row.make(**settings)
    if axis % rank == rank - 1:
        return symbolic.apply(op, x)
    return A.moveaxis(symbolic.apply(op, A.moveaxis(x, axis, -1)), -1, axis)


def _activation(name, args, kwargs):
    row = nn.ACTIVATIONS[name]
    return nn.bound(_bindable(name, row), *args, **kwargs)


def _bindable(name, row):
    both = partial(_with_settings, name, row)
    both.__signature__, both.owner = nn._signature(row), f"ops.{name}"
    return both


def _with_settings(name, row, x, **settings):
    return activation(name, row, x, settings)


# -- forms: what a function is in primitives; None where it takes the general way -----------------------------
def _plain_images(inputs, rank, data_format):
    known = symbolic.is_symbolic(inputs) and len(inputs.shape) == rank
    return known and standardize_data_format(data_format, "ops") == "channels_last"


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    if not _plain_images(inputs, 4, data_format) or len(kernel.shape) != 4 or padding not in ("valid", "same"):
        return None
    channels, settings = inputs.shape[3], (_pair(strides), padding, _pair(dilation_rate))
    if not kernel.shape[2] or channels % kernel.shape[2]:
        return None  # the general way says what is wrong
    groups = channels // kernel.shape[2]
    op = P.DepthwiseConv2D(*settings) if groups == channels > 1 else P.Conv2D(*settings, groups=groups)
    return symbolic.apply(op, inputs, kernel, None)


def _depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    fits = _plain_images(inputs, 4, data_format) and len(kernel.shape) == 4 and kernel.shape[2] == inputs.shape[3]
    if not fits or padding not in ("valid", "same"):
        return None
    return symbolic.apply(P.DepthwiseConv2D(_pair(strides), padding, _pair(dilation_rate)), inputs, kernel, None)


def _separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate):
    between = _depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return None if between is None else _conv(between, pointwise_kernel, data_format=data_format)


def _pool(op_class):
    def form(inputs, pool_size, strides=None, padding="valid", data_format=None):
        if not _plain_images(inputs, 4, data_format) or padding not in ("valid", "same"):
            return None
        size = _pair(pool_size)
        return symbolic.apply(op_class(size, size if strides is None else _pair(strides), padding), inputs)

    return form


def _moments(x, axes, keepdims=False, synchronized=False):
    if synchronized:
        raise NotImplementedError(f"ops.moments: synchronized={synchronized!r} is not supported; there is one device.")
    return A.mean(x, axes, keepdims), A.var(x, axes, keepdims)


def _batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    shape = [1] * len(x.shape)
    shape[axis] = x.shape[axis]
    factor = A.rsqrt(A.reshape(variance, shape) + epsilon)
    factor = factor if scale is None else factor * A.reshape(scale, shape)
    y = (x - A.reshape(mean, shape)) * factor
    return y if offset is None else y + A.reshape(offset, shape)


_FORMS = {
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "separable_conv": _separable_conv,
    "max_pool": _pool(P.MaxPool2D),
    "average_pool": _pool(P.AveragePool2D),
    "moments": _moments,
    "batch_normalization": _batch_normalization,
}
