"""The definitions against PyTorch and against Keras on its torch backend."""

import os

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from fastconv.ops import reference
from tests.cases import (
    CONV_CASES,
    DENSE_CASES,
    FUSED_POOL_CASES,
    POOL_CASES,
    ConvCase,
    PoolCase,
    distinct,
)

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity
if keras.backend.backend() != "torch":
    pytest.skip("these comparisons need Keras's torch backend", allow_module_level=True)

NEAR = {"rtol": 1e-11, "atol": 1e-11}
#: Keras's mean on torch is a float32 whatever it is given.
NEAR_MEAN = {"rtol": 1e-6, "atol": 1e-6}


@pytest.fixture(autouse=True)
def float64():
    """Let Keras compute in float64: some of its steps follow its default type rather than their inputs'."""
    for dtype in ("float64", "float32"):
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        if dtype == "float64":
            yield


# ---- bridges ----------------------------------------------------------------------------------------------


def tensor(array):
    """Return an array as a tensor that wants a gradient."""
    return torch.tensor(array, requires_grad=True)


def gradients(y, dy, *inputs):
    """Return the gradients with respect to the inputs as arrays."""
    return [grad.numpy() for grad in torch.autograd.grad(y, inputs, torch.tensor(dy))]


def compare(actual, expected, **tolerance):
    """Assert that arrays agree, one by one, in shape and within the tolerance."""
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == tuple(e.shape)
        np.testing.assert_allclose(a, e, **(tolerance or NEAR))


def same(size, kernel, stride, dilation):
    """Return Keras's "same" padding of one axis, from its published formula."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def pad(x, kernel, strides, padding, dilation=(1, 1), value=0.0):
    """Return an NCHW tensor with its padding written out."""
    if padding == "same":
        padding = tuple(map(same, x.shape[2:], kernel, strides, dilation))
    (top, bottom), (left, right) = ((0, 0), (0, 0)) if padding == "valid" else padding
    return torch.nn.functional.pad(x, (left, right, top, bottom), value=value)


def torch_conv2d(x, w, b, case):
    """Return the convolution of NHWC images with HWIO filters."""
    padded = pad(x.permute(0, 3, 1, 2), case.kernel, case.strides, case.padding, case.dilation)
    y = torch.nn.functional.conv2d(
        padded,
        w.permute(3, 2, 0, 1).contiguous(),
        b,
        stride=case.strides,
        dilation=case.dilation,
        groups=case.groups,
    )
    return y.permute(0, 2, 3, 1)


def torch_max_pool2d(x, pool_size, strides, padding):
    """Return the max pool of NHWC images."""
    padded = pad(x.permute(0, 3, 1, 2), pool_size, strides or pool_size, padding, value=-np.inf)
    return torch.nn.functional.max_pool2d(padded, pool_size, strides or pool_size).permute(0, 2, 3, 1)


def torch_average_pool2d(x, pool_size, strides, padding):
    """Return the average pool of NHWC images: the mean with zeros over the mean of ones with zeros."""
    images, strides = x.permute(0, 3, 1, 2), strides or pool_size
    means = [
        torch.nn.functional.avg_pool2d(pad(values, pool_size, strides, padding), pool_size, strides)
        for values in (images, torch.ones_like(images))
    ]
    return (means[0] / means[1]).permute(0, 2, 3, 1)


# ---- convolution ------------------------------------------------------------------------------------------


def check_conv(case, rng):
    """Compare one convolution and its gradients with PyTorch."""
    x, w, b = (rng.standard_normal(shape) for shape in (case.images, case.filters_shape, (case.filters,)))
    tensors = [tensor(array) for array in (x, w, b)]
    expected = torch_conv2d(*tensors, case)
    y = reference.conv2d(x, w, b, **case.settings)
    compare([y], [expected.detach()])
    dy = rng.standard_normal(y.shape)
    compare(reference.conv2d_backward(x, w, dy, **case.settings), gradients(expected, dy, *tensors))


@pytest.mark.parametrize("case", CONV_CASES, ids=str)
def test_convolution(case, rng):
    check_conv(case, rng)


def keras_takes(case):
    """Tell whether Keras has this case: some images, named padding, and not both strides and dilation."""
    dilated = max(getattr(case, "dilation", (1, 1))) > 1
    return case.images[0] > 0 and isinstance(case.padding, str) and not (dilated and max(case.strides) > 1)


@pytest.mark.parametrize("case", [case for case in CONV_CASES if keras_takes(case)], ids=str)
def test_convolution_as_keras(case, rng):
    layer = keras.layers.Conv2D(
        case.filters,
        case.kernel,
        case.strides,
        case.padding,
        dilation_rate=case.dilation,
        groups=case.groups,
    )
    x = rng.standard_normal(case.images)
    layer.build(x.shape)
    w, b = (rng.standard_normal(variable.shape) for variable in layer.weights)
    layer.set_weights([w, b])
    y = reference.conv2d(x, w, b, **case.settings)
    assert layer.compute_output_shape(x.shape) == y.shape
    compare([y], [layer(x).detach()])


def test_depthwise_convolution_as_keras(rng):
    x, w = rng.standard_normal((2, 7, 6, 5)), rng.standard_normal((3, 2, 5, 2))
    expected = keras.ops.depthwise_conv(x, w, strides=2, padding="same")
    filters = w.reshape(3, 2, 1, 10)
    compare([reference.conv2d(x, filters, strides=(2, 2), padding="same", groups=5)], [expected])
    compare([reference.depthwise_conv2d(x, w, strides=(2, 2), padding="same")], [expected])


def test_separable_convolution_as_keras(rng):
    x, w, mixing = (rng.standard_normal(s) for s in ((2, 7, 6, 5), (3, 2, 5, 2), (1, 1, 10, 4)))
    expected = keras.ops.separable_conv(x, w, mixing, strides=2, padding="same")
    compare([reference.separable_conv2d(x, w, mixing, strides=(2, 2), padding="same")], [expected])


# ---- pooling and dense ------------------------------------------------------------------------------------


def check_pools(case, rng):
    """Compare both pools and their gradients with PyTorch."""
    x = distinct(rng, case.images)
    variable = tensor(x)
    expected = torch_max_pool2d(variable, **case.settings)
    y, which = reference.max_pool2d(x, **case.settings)
    compare([y], [expected.detach()])
    dy = rng.standard_normal(y.shape)
    dx = reference.max_pool2d_backward(dy, which, x.shape, **case.settings)
    compare([dx], gradients(expected, dy, variable))

    expected = torch_average_pool2d(variable, **case.settings)
    compare([reference.average_pool2d(x, **case.settings)], [expected.detach()])
    dx = reference.average_pool2d_backward(dy, x.shape, **case.settings)
    compare([dx], gradients(expected, dy, variable))


@pytest.mark.parametrize("case", POOL_CASES, ids=str)
def test_pools(case, rng):
    check_pools(case, rng)


@pytest.mark.parametrize("case", [case for case in POOL_CASES if keras_takes(case)], ids=str)
def test_pools_as_keras(case, rng):
    x = distinct(rng, case.images)
    strides = case.strides or case.pool_size
    y, _ = reference.max_pool2d(x, **case.settings)
    compare([y], [keras.ops.max_pool(x, case.pool_size, strides, case.padding)])
    if case.padding == "valid":  # the torch backend's "same" average repeats the edge, unlike the other backends
        y = reference.average_pool2d(x, **case.settings)
        compare([y], [keras.ops.average_pool(x, case.pool_size, strides, "valid")])


def test_global_pools_as_keras(rng):
    x = rng.standard_normal((3, 4, 5, 6))
    compare([reference.global_max_pool2d(x)[0]], [keras.layers.GlobalMaxPooling2D()(x)])
    compare([reference.global_average_pool2d(x)], [keras.layers.GlobalAveragePooling2D()(x)], **NEAR_MEAN)


def check_fused(case, rng):
    """Compare convolution, ReLU and max pool in a row with PyTorch."""
    conv = case.conv
    x, w, b = (rng.standard_normal(shape) for shape in (conv.images, conv.filters_shape, (conv.filters,)))
    tensors = [tensor(array) for array in (x, w, b)]
    expected = torch_max_pool2d(torch.relu(torch_conv2d(*tensors, conv)), **case.pool_settings)
    y = reference.conv_relu_max_pool(x, w, b, **case.settings)
    compare([y], [expected.detach()])
    dy = rng.standard_normal(y.shape)
    grads = reference.conv_relu_max_pool_backward(x, w, b, dy, **case.settings)
    compare(grads, gradients(expected, dy, *tensors))


@pytest.mark.parametrize("case", FUSED_POOL_CASES, ids=str)
def test_convolution_relu_pool(case, rng):
    check_fused(case, rng)


@pytest.mark.parametrize("case", DENSE_CASES, ids=str)
def test_dense(case, rng):
    shapes = (case.samples, case.inputs), (case.inputs, case.units), (case.units,)
    x, w, b = (rng.standard_normal(shape) for shape in shapes)
    tensors = [tensor(array) for array in (x, w, b)]
    expected = tensors[0] @ tensors[1] + tensors[2]
    y = reference.dense(x, w, b)
    compare([y], [expected.detach()])
    dy = rng.standard_normal(y.shape)
    compare(reference.dense_backward(x, w, dy), gradients(expected, dy, *tensors))


# ---- configurations nobody wrote down ---------------------------------------------------------------------

PAIR = strategies.tuples(strategies.integers(1, 4), strategies.integers(1, 4))
PADDING = strategies.one_of(
    strategies.sampled_from(["valid", "same"]),
    strategies.tuples(*[strategies.tuples(strategies.integers(0, 5), strategies.integers(0, 5))] * 2),
)
SIZES = strategies.tuples(strategies.integers(0, 3), strategies.integers(1, 9), strategies.integers(1, 9))
RANDOM = settings(derandomize=True, deadline=None, max_examples=100, database=None)


def fits(images, window, padding, dilation=(1, 1)):
    """Tell whether a window has a position on an image."""
    if padding == "same":
        return True
    pads = ((0, 0), (0, 0)) if padding == "valid" else padding
    axes = zip(images[1:3], window, pads, dilation, strict=True)
    return all((k - 1) * d + 1 <= n + sum(p) for n, k, p, d in axes)


@strategies.composite
def conv_cases(draw):
    """Draw a convolution whose window fits."""
    groups = draw(strategies.integers(1, 3))
    images = (*draw(SIZES), groups * draw(strategies.integers(1, 5)))
    filters = groups * draw(strategies.integers(1, 5))
    case = ConvCase("random", images, filters, draw(PAIR), draw(PAIR), draw(PADDING), draw(PAIR), groups)
    return case if fits(images, case.kernel, case.padding, case.dilation) else draw(conv_cases())


@strategies.composite
def pool_cases(draw):
    """Draw a pool whose window fits, and never lies wholly in the padding: there PyTorch divides 0 by 0."""
    images, pool_size = (*draw(SIZES), draw(strategies.integers(1, 5))), draw(PAIR)
    padding = draw(PADDING)
    if not isinstance(padding, str):
        padding = tuple(tuple(min(p, k - 1) for p in pads) for pads, k in zip(padding, pool_size, strict=True))
    case = PoolCase("random", images, pool_size, draw(strategies.none() | PAIR), padding)
    return case if fits(images, pool_size, padding) else draw(pool_cases())


@RANDOM
@given(conv_cases(), strategies.integers(0, 2**32 - 1))
def test_random_convolutions(case, seed):
    check_conv(case, np.random.default_rng(seed))


@RANDOM
@given(pool_cases(), strategies.integers(0, 2**32 - 1))
def test_random_pools(case, seed):
    check_pools(case, np.random.default_rng(seed))


# ---- activations ------------------------------------------------------------------------------------------

ACTIVATIONS = [(name, {}) for name in reference.ACTIVATIONS if name != "threshold"] + [
    ("threshold", {"threshold": 1.0, "default_value": -2.0}),
    ("celu", {"alpha": 0.5}),
    ("hard_shrink", {"threshold": 1.5}),
    ("soft_shrink", {"threshold": 1.5}),
    ("squareplus", {"b": 1.0}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"max_value": 1.0}),
    ("relu", {"negative_slope": 0.25}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"threshold": -1.0}),
    ("relu", {"threshold": -1.0, "max_value": 2.0}),
    ("relu", {"threshold": 1.0, "max_value": 2.0, "negative_slope": 0.25}),
    ("leaky_relu", {"negative_slope": 0.5}),
    ("elu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
]

#: The float32 constants of PyTorch's softplus, which is straight beyond 20, and of Keras's hard_sigmoid.
ROUGH = {"softplus": {"rtol": 1e-8, "atol": 1e-8}, "hard_sigmoid": {"rtol": 1e-7, "atol": 1e-7}}


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS, ids=str)
def test_activations_as_keras(name, options, rng):
    forward, backward = reference.ACTIVATIONS[name]
    x, dy = rng.standard_normal((2, 500)) * 4
    variable = tensor(x)
    expected = getattr(keras.activations, name)(variable, **options)
    tolerance = ROUGH.get(name, NEAR)
    compare([forward(x, **options)], [expected.detach()], **tolerance)
    compare([backward(x, dy, **options)], gradients(expected, dy, variable), **tolerance)


@pytest.mark.parametrize(("name", "options"), [row for row in ACTIVATIONS if row[0] == "relu"], ids=str)
def test_relu_of_whole_numbers_as_keras(name, options):
    x = np.arange(-8.0, 9)
    compare([reference.relu(x, **options)], [keras.activations.relu(x, **options)])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_as_keras(name, rng):
    x, dy = rng.standard_normal((2, 3, 4, 5)) * 3
    for axis in (-1, 1):
        variable = tensor(x)
        expected = getattr(keras.activations, name)(variable, axis=axis)
        y = getattr(reference, name)(x, axis)
        compare([y], [expected.detach()])
        dx = getattr(reference, f"{name}_backward")(y, dy, axis)
        compare([dx], gradients(expected, dy, variable))


# ---- losses and optimizers --------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropies_as_keras(weighted, rng):
    logits, labels = rng.standard_normal((6, 5)) * 3, rng.integers(0, 5, 6)
    targets = rng.dirichlet(np.ones(5), 6)
    weights = rng.uniform(0, 2, 6) if weighted else None
    pairs = [
        (keras.losses.SparseCategoricalCrossentropy, "sparse_softmax_cross_entropy", labels),
        (keras.losses.CategoricalCrossentropy, "softmax_cross_entropy", targets),
    ]
    for loss, name, truth in pairs:
        variable = tensor(logits)
        expected = loss(from_logits=True, reduction=None)(truth, variable, weights)
        losses, probabilities = getattr(reference, name)(logits, truth, weights)
        compare([losses], [expected.detach()])
        dlogits = getattr(reference, f"{name}_backward")(probabilities, truth, weights)
        compare([dlogits], gradients(expected, np.ones(6), variable))


@pytest.mark.parametrize("from_logits", [False, True])
def test_binary_cross_entropy_as_keras(from_logits, rng):
    outputs = rng.standard_normal((40, 1)) * 3 if from_logits else rng.uniform(0, 1, (40, 1))
    targets = rng.integers(0, 2, (40, 1)).astype(float)
    variable = tensor(outputs)
    loss = keras.losses.BinaryCrossentropy(from_logits=from_logits, reduction=None)
    expected = loss(targets, variable)
    name = "binary_cross_entropy" + "_from_logits" * from_logits
    compare([getattr(reference, name)(outputs, targets)[:, 0]], [expected.detach()], **NEAR_MEAN)
    dx = getattr(reference, f"{name}_backward")(outputs, targets)
    compare([dx], gradients(expected, np.ones(40), variable))


def test_squared_error_as_keras(rng):
    outputs, targets = rng.standard_normal((2, 6, 5))
    expected = keras.losses.MeanSquaredError(reduction=None)(targets, outputs)
    compare([reference.squared_error(outputs, targets).mean(axis=-1)], [expected], **NEAR_MEAN)


def keras_steps(optimizer, start, steps):
    """Return a variable's values after each step of a Keras optimizer."""
    variable, seen = keras.Variable(start), []
    for grads in steps:
        optimizer.apply([keras.ops.convert_to_tensor(grads)], [variable])
        seen.append(variable.value.detach().numpy().copy())
    return seen


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}], ids=str)
def test_sgd_as_keras(options, rng):
    params, steps = rng.standard_normal(7), rng.standard_normal((5, 7))
    expected = keras_steps(keras.optimizers.SGD(0.1, **options), params, steps)
    velocity, seen = np.zeros(7), []
    for grads in steps:
        params, velocity = reference.sgd_update(params, grads, velocity, 0.1, **options)
        seen.append(params)
    compare(seen, expected)


def test_adam_as_keras(rng):
    params, steps = rng.standard_normal(7), rng.standard_normal((5, 7)) * 10.0 ** np.arange(-9, 5, 2)
    expected = keras_steps(keras.optimizers.Adam(0.01), params, steps)
    m, v, seen = np.zeros(7), np.zeros(7), []
    for t, grads in enumerate(steps, start=1):
        params, m, v = reference.adam_update(params, grads, m, v, 0.01, 0.9, 0.999, 1e-7, t)
        seen.append(params)
    compare(seen, expected)
