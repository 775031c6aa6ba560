"""The kernels against PyTorch: 556 configurations nobody wrote down.

Each is computed in float32 with every variant of the kernels, and in float64, with 1 and with 2 threads. The truth is
PyTorch's float64 result on the same numbers; float32 may be as far from it as rounding allows, float64 by 1e-12.
"""

import os
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies

from fastconv import kernels
from fastconv.ops import primitives as P
from fastconv.ops import windows, winograd
from fastconv.runtime import threads
from tests.cases import assert_within_rounding, distinct, integers

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

F = torch.nn.functional
THREADS = (1, 2)
#: A sum of convolution products so near to zero, or so near to another of its window, that rounding may decide.
UNDECIDED = 1e-4


@pytest.fixture(autouse=True, scope="module")
def one_thread_for_torch():
    """Keep PyTorch's threads out of the way of ours."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    threads.set_num_threads(None)


def examples(count):
    """Return the settings of a test over `count` configurations, the same in every run."""
    return settings(
        derandomize=True,
        deadline=None,
        max_examples=count,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


# ---- running both -----------------------------------------------------------------------------------------


def run(op, arrays, dy):
    """Return an op's value and gradients, those of missing parameters left out."""
    y, backprop = op(*arrays)
    return [result for result in (y, *backprop(dy)) if result is not None]


def check(op, arrays, dy, exact, terms, near=1e-12):
    """Compare an op's value and gradients with the `exact` ones.

    Parameters
    ----------
    arrays, dy : float32
    exact : list of ndarray
        The value and the gradients of all arrays that are not None, in float64.
    terms : list of ndarray
        For each of them the sum over the absolute values of what is added up.
    """
    for name in kernels.runnable():
        with kernels.use(name):
            for actual, right, size in zip(threaded(op, arrays, dy), exact, terms, strict=True):
                assert actual.dtype == np.float32
                assert_within_rounding(actual, right, size)
    doubles = [None if array is None else array.astype(np.float64) for array in arrays]
    for actual, right in zip(threaded(op, doubles, dy.astype(np.float64)), exact, strict=True):
        assert actual.dtype == np.float64
        np.testing.assert_allclose(actual, right, rtol=near, atol=near)


def threaded(op, arrays, dy):
    """Return the results with one thread, once more threads have given the same bits."""
    results = {}
    for count in THREADS:
        threads.set_num_threads(count)
        results[count] = run(op, arrays, dy)
    for one, more in zip(results[THREADS[0]], results[THREADS[-1]], strict=True):
        np.testing.assert_array_equal(one, more, strict=True)
    return results[THREADS[0]]


def tensors(arrays):
    """Return float64 tensors that want gradients, None where there is no array."""
    return [None if array is None else torch.tensor(array.astype(np.float64), requires_grad=True) for array in arrays]


def differentiate(function, arrays, dy):
    """Return PyTorch's value and its gradients in float64."""
    variables = tensors(arrays)
    y = function(*variables)
    wanted = [variable for variable in variables if variable is not None]
    grads = torch.autograd.grad(y, wanted, torch.tensor(dy.astype(np.float64)))
    return [y.detach().numpy(), *(grad.numpy() for grad in grads)]


def absolute(arrays):
    """Return the absolute values of all arrays there are."""
    return [None if array is None else np.abs(array) for array in arrays]


def check_linear(op, linear, arrays, draw, rest=None):
    """Check an op that is `linear` in its arrays and in each of their products, then `rest` of the linear part's value.

    `rest` picks among values (a ReLU, a maximum): it must be sure which.
    """
    rest = rest or (lambda sums: sums)
    sums = linear(*tensors(arrays)).detach().requires_grad_()
    y = rest(sums)
    dy = draw(tuple(y.shape))
    dsums = torch.autograd.grad(y, sums, torch.tensor(dy.astype(np.float64)))[0].numpy()
    exact = [y.detach().numpy(), *differentiate(linear, arrays, dsums)[1:]]
    sizes, *terms = differentiate(linear, absolute(arrays), np.abs(dsums))
    check(op, arrays, dy, exact, [rest(torch.tensor(sizes)).numpy(), *terms])


def same(size, kernel, stride, dilation=1):
    """Return the "same" padding of one axis, from its published formula."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def padded(x, kernel, strides, padding, dilation=(1, 1), value=0.0):
    """Return an NCHW tensor with its padding written out."""
    if padding == "valid":
        return x
    (top, bottom), (left, right) = map(same, x.shape[2:], kernel, strides, dilation)
    return F.pad(x, (left, right, top, bottom), value=value)


def channels_first(function):
    """Return a function of NHWC images from one of NCHW images."""
    return lambda x, *params: function(x.permute(0, 3, 1, 2), *params).permute(0, 2, 3, 1)


def torch_conv2d(strides, padding, dilation, groups):
    """Return the convolution of NHWC images with HWIO filters."""

    @channels_first
    def conv2d(x, w, b):
        w = w.permute(3, 2, 0, 1).contiguous()
        x = padded(x, w.shape[2:], strides, padding, dilation)
        return F.conv2d(x, w, b, stride=strides, dilation=dilation, groups=groups)

    return conv2d


def torch_max_pool2d(pool_size, strides, padding):
    """Return the max pool of NHWC images."""
    return channels_first(
        lambda x: F.max_pool2d(padded(x, pool_size, strides, padding, value=-np.inf), pool_size, strides)
    )


def torch_average_pool2d(pool_size, strides, padding):
    """Return the average pool of NHWC images: the mean with zeros over the share of real cells."""

    def mean(x):
        return F.avg_pool2d(padded(x, pool_size, strides, padding), pool_size, strides)

    return channels_first(lambda x: mean(x) / mean(torch.ones_like(x)))


# ---- what is drawn ----------------------------------------------------------------------------------------

SIDES = {"tiny": (1, 9), "large": (16, 27)}
CHANNELS = {"tiny": (1, 9), "large": (5, 40)}
SCALES = strategies.sampled_from(["tiny", "tiny", "tiny", "large"])
SEEDS = strategies.integers(0, 2**32 - 1)
SMALL = strategies.tuples(strategies.integers(1, 4), strategies.integers(1, 4))
OVER_ONE = SMALL.filter(lambda pair: max(pair) > 1)
ONE = strategies.just((1, 1))


@strategies.composite
def windowed(draw, window, strides, padding, dilation=ONE):
    """Draw (scale, height and width, window, strides, dilation) of which the window fits."""
    scale, window, strides, dilation = draw(SCALES), draw(window), draw(strides), draw(dilation)
    extents = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    low, high = SIDES[scale]
    sides = [
        draw(strategies.integers(max(low, extent) if padding == "valid" else low, max(high, extent)))
        for extent in extents
    ]
    return scale, sides, window, strides, dilation


@strategies.composite
def convolutions(draw, padding, strides=ONE, dilation=ONE, groups=(1, 1), multiplier=None):
    """Draw (arrays' shapes, settings): with a `multiplier`, each channel has a group of its own."""
    scale, sides, kernel, strides, dilation = draw(windowed(SMALL, strides, padding, dilation))
    low, high = CHANNELS[scale]
    groups = draw(strategies.integers(low, high)) if multiplier else draw(strategies.integers(*groups))
    each = 1 if multiplier else draw(strategies.integers(low, max(low, high // groups)))
    filters = draw(strategies.integers(1, multiplier) if multiplier else strategies.integers(1, max(1, high // groups)))
    images = (draw(strategies.integers(1, 4)), *sides, groups * each)
    bias = (groups * filters,) if draw(strategies.booleans()) else None
    conv = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return (images, (*kernel, each, groups * filters), bias), conv


def fill(shapes, draw):
    """Return arrays of the shapes, None where there is none."""
    return [None if shape is None else draw(shape) for shape in shapes]


def normal(seed):
    """Return a function from shapes to float32 arrays."""
    rng = np.random.default_rng(seed)
    return lambda shape: rng.standard_normal(shape, np.float32)


def whole(seed):
    """Return a function from shapes to whole numbers in float32: sums of their products are exact, and often equal."""
    rng = np.random.default_rng(seed)
    return lambda shape: integers(rng, shape)


# ---- convolution: 14 kinds, 224 configurations ------------------------------------------------------------

KINDS = {
    "plain": {},
    "strides": {"strides": OVER_ONE},
    "dilation": {"dilation": OVER_ONE},
    "strides-dilation": {"strides": OVER_ONE, "dilation": OVER_ONE},
    "groups": {"groups": (2, 4)},
    "groups-strides": {"groups": (2, 4), "strides": OVER_ONE},
    "groups-dilation": {"groups": (2, 4), "dilation": OVER_ONE},
}


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kind", KINDS)
def test_conv2d(kind, padding):
    @examples(16)
    @given(convolutions(padding, **KINDS[kind]), SEEDS)
    def compare(case, seed):
        shapes, conv = case
        draw = normal(seed)
        check_linear(P.Conv2D(**conv), torch_conv2d(**conv), fill(shapes, draw), draw)

    compare()


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kind", ["plain", "strides", "dilation"])
def test_depthwise(kind, padding):
    """48 more in which each channel is a group of its own, by the kernels for any groups and by those for these."""

    @examples(8)
    @given(convolutions(padding, multiplier=3, **KINDS[kind]), SEEDS)
    def compare(case, seed):
        shapes, conv = case
        draw = normal(seed)
        arrays = fill(shapes, draw)
        check_linear(P.Conv2D(**conv), torch_conv2d(**conv), arrays, draw)
        check_linear(P.DepthwiseConv2D(**without_groups(conv)), torch_conv2d(**conv), arrays, draw)

    compare()


def without_groups(conv):
    """Return the settings of a convolution whose groups are its channels."""
    return {name: value for name, value in conv.items() if name != "groups"}


def decided(sums):
    """Tell whether no sum is so near to 0 that rounding decides its sign; sums of whole numbers are exact."""
    sums = sums.detach().numpy()
    return np.abs(sums).min() > UNDECIDED


@pytest.mark.parametrize("draws", [whole, normal])
def test_conv2d_with_relu(draws):
    @examples(12)
    @given(convolutions("same", strides=SMALL, groups=(1, 2)), SEEDS)
    def compare(case, seed):
        shapes, conv = case
        draw = draws(seed)
        arrays = fill(shapes, draw)
        linear = torch_conv2d(**conv)
        assume(draws is whole or decided(linear(*tensors(arrays))))
        check_linear(P.Conv2D(**conv, relu=True), linear, arrays, draw, torch.relu)

    compare()


# ---- convolution, ReLU and max pool in one pass: 60 configurations ----------------------------------------


@strategies.composite
def fused(draw, padding):
    """Draw (arrays' shapes, settings of the convolution, of the pool) with windows that lie apart and fit."""
    strides, dilation, groups = draw(
        strategies.sampled_from([(ONE, ONE, (1, 1)), (OVER_ONE, ONE, (1, 3)), (ONE, OVER_ONE, (1, 3))])
    )
    shapes, conv = draw(convolutions(padding, strides, dilation, groups))
    size = torch_conv2d(**conv)(*(None if shape is None else torch.zeros(shape) for shape in shapes)).shape[1:3]
    window = tuple(draw(strategies.integers(1, min(3, n))) for n in size)
    apart = tuple(k + draw(strategies.sampled_from([0, 0, 1])) for k in window)
    return shapes, conv, (window, apart)


def one_winner(sums, window, strides):
    """Tell whether rounding cannot decide which cell of any window wins, nor whether it is above 0."""
    cells = [
        sums[:, i : sums.shape[1] - window[0] + 1 + i : strides[0], j : sums.shape[2] - window[1] + 1 + j : strides[1]]
        for i, j in product(*map(range, window))
    ]
    ordered = torch.sort(torch.stack([*cells, torch.zeros_like(cells[0])]), dim=0).values
    return bool((ordered[-1] - ordered[-2] > UNDECIDED).all())


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("draws", [whole, normal])
def test_conv2d_relu_max_pool2d(draws, padding):
    @examples(15)
    @given(fused(padding), SEEDS)
    def compare(case, seed):
        shapes, conv, pool = case
        draw = draws(seed)
        arrays = fill(shapes, draw)
        linear, pooled = torch_conv2d(**conv), torch_max_pool2d(*pool, "valid")
        assume(draws is whole or one_winner(linear(*tensors(arrays)).detach(), *pool))
        op = P.Conv2DReluMaxPool2D(*pool, **conv)
        check_linear(op, linear, arrays, draw, lambda sums: pooled(torch.relu(sums)))

    compare()


# ---- by Winograd's tiles: 32 configurations ---------------------------------------------------------------


@strategies.composite
def wide(draw, padding):
    """Draw (arrays' shapes, settings) of a 3x3 convolution with enough channels to go by tiles of 2x2 outputs."""
    sides, channels = strategies.integers(10, 19), strategies.integers(32, 49)
    images, filters = (draw(strategies.integers(1, 3)), draw(sides), draw(sides), draw(channels)), draw(channels)
    bias = (filters,) if draw(strategies.booleans()) else None
    conv = {"strides": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1}
    return (images, (3, 3, images[3], filters), bias), conv


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("pool", [None, (2, 2)])
def test_wide_conv2d(pool, padding, request):
    if pool is not None:  # of whole numbers, so that no two maxima differ by rounding alone
        request.getfixturevalue("small_tiles")

    @examples(8)
    @given(wide(padding), SEEDS)
    def compare(case, seed):
        (images, filters, _), conv = shapes, _ = case
        assert winograd.pays(windows.conv_sizes(images, filters, **conv))
        draw = normal(seed) if pool is None else whole(seed)
        linear, arrays = torch_conv2d(**conv), fill(shapes, draw)
        if pool is None:
            check_linear(P.Conv2D(**conv), linear, arrays, draw)
        else:
            pooled, op = torch_max_pool2d(pool, pool, "valid"), P.Conv2DReluMaxPool2D(pool, pool, **conv)
            check_linear(op, linear, arrays, draw, lambda sums: pooled(torch.relu(sums)))

    compare()


# ---- pools: 64 configurations -----------------------------------------------------------------------------


@strategies.composite
def pools(draw, padding):
    """Draw (images' shape, settings); strides may be left to the window."""
    scale, sides, window, strides, _ = draw(windowed(SMALL, SMALL, padding))
    images = (draw(strategies.integers(1, 4)), *sides, draw(strategies.integers(*CHANNELS[scale])))
    return images, (window, draw(strategies.sampled_from([None, strides])), padding)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("ties", [False, True])
def test_max_pool2d(ties, padding):
    """Of equal cells the first gets the gradient, in PyTorch as here."""

    @examples(8)
    @given(pools(padding), SEEDS)
    def compare(case, seed):
        shape, (window, strides, _) = case
        rng = np.random.default_rng(seed)
        x = integers(rng, shape, limit=1) if ties else distinct(rng, shape, np.float32)
        pool = torch_max_pool2d(window, strides or window, padding)
        y = pool(torch.tensor(x)).numpy()
        dy = normal(seed)(y.shape)
        exact, terms = differentiate(pool, [x], dy), differentiate(pool, [x], np.abs(dy))
        check(P.MaxPool2D(window, strides, padding), [x], dy, exact, [np.zeros(y.shape), terms[1]])

    compare()


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_average_pool2d(padding):
    @examples(16)
    @given(pools(padding), SEEDS)
    def compare(case, seed):
        shape, (window, strides, _) = case
        draw = normal(seed)
        pool = torch_average_pool2d(window, strides or window, padding)
        check_linear(P.AveragePool2D(window, strides, padding), pool, [draw(shape)], draw)

    compare()


# ---- dense: 36 configurations -----------------------------------------------------------------------------

SHAPES = strategies.one_of(
    strategies.tuples(*[strategies.integers(1, 70)] * 3),
    strategies.tuples(strategies.integers(1, 70), *[strategies.sampled_from([16, 32, 64, 128])] * 2),
)


def torch_dense(x, w, b):
    """Return x @ w + b."""
    return x @ w if b is None else x @ w + b


@pytest.mark.parametrize("relu", [False, True])
def test_dense(relu):
    @examples(18)
    @given(SHAPES, strategies.booleans(), strategies.sampled_from([(), (2,)]), SEEDS)
    def compare(shape, bias, more, seed):
        rows, ins, outs = shape
        draw = (whole if relu else normal)(seed)
        arrays = fill(((rows, *more, ins), (ins, outs), (outs,) if bias else None), draw)
        check_linear(P.Dense(relu=relu), torch_dense, arrays, draw, torch.relu if relu else None)

    compare()


# ---- activations and softmax: 68 configurations -----------------------------------------------------------

ACTIVATIONS = {
    "relu": (P.Relu(), torch.relu),
    "relu6": (P.Relu(max_value=6.0), F.relu6),
    "leaky_relu": (P.Relu(negative_slope=0.25), lambda x: F.leaky_relu(x, 0.25)),
    "sigmoid": (P.Elementwise("sigmoid"), torch.sigmoid),
    "tanh": (P.Elementwise("tanh"), torch.tanh),
    "elu": (P.Elementwise("elu"), F.elu),
    "elu-half": (P.Elementwise("elu", alpha=0.5), lambda x: F.elu(x, 0.5)),
    "selu": (P.Elementwise("selu"), F.selu),
    "softplus": (P.Elementwise("softplus"), lambda x: torch.logaddexp(x, torch.zeros_like(x))),
    "softsign": (P.Elementwise("softsign"), F.softsign),
    "silu": (P.Elementwise("silu"), F.silu),
    "gelu": (P.Elementwise("gelu"), F.gelu),
    "exponential": (P.Elementwise("exponential"), torch.exp),
    "hard_sigmoid": (P.Elementwise("hard_sigmoid"), lambda x: F.relu6(x + 3) / 6),  # not float32's 1 / 6
}
LENGTHS = strategies.sampled_from([1, 3, 7, 8, 9, 31, 64, 257, 30_011])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    op, function = ACTIVATIONS[name]

    @examples(4)
    @given(LENGTHS, SEEDS)
    def compare(length, seed):
        draw = normal(seed)
        x, dy = 3 * draw((length,)), draw((length,))
        y, dx = differentiate(function, [x], dy)
        terms = [np.abs(y) + np.abs(x), np.abs(dx) + np.abs(dy) * (1 + np.abs(x))]
        check(op, [x], dy, [y, dx], terms)

    compare()


@examples(12)
@given(strategies.tuples(strategies.integers(1, 300), strategies.integers(1, 70)), SEEDS)
def test_softmax(shape, seed):
    draw = normal(seed)
    x, dy = 4 * draw(shape), draw(shape)
    y, dx = differentiate(lambda x: torch.softmax(x, -1), [x], dy)
    spread = 1 + x.max(-1, keepdims=True) - x  # an exponential's relative error grows with its argument
    terms = [y * spread, y * spread * (np.abs(dy) + (y * np.abs(dy)).sum(-1, keepdims=True))]
    check(P.Softmax(), [x], dy, [y, dx], terms)
