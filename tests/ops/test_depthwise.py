"""The depthwise convolution's kernels against the definition, in every variant and with any number of threads."""

import numpy as np
import pytest

from fastconv import kernels, ops
from fastconv import layers as L
from fastconv.ops import primitives as P
from fastconv.ops import reference
from fastconv.ops.primitives import DepthwiseConv2D
from tests.cases import DEPTHWISE_CASES, assert_within_rounding, integers
from tests.gradients import check_gradients
from tests.plan.networks import make_plan

#: Enough work to be shared by threads: rows of few images, blocks of channels, and sums cut into chunks.
LARGE = [
    ((2, 56, 57, 40), 1, {"padding": "same"}),
    ((7, 21, 23, 33), 1, {"strides": (2, 2), "padding": "same"}),
    ((3, 15, 14, 530), 1, {"padding": ((1, 1), (1, 1))}),
    ((3, 31, 33, 9), 3, {"dilation": (2, 1)}),
]
LARGE_NAMES = ("few-images", "strided", "blocks", "multiplied")


def settings_of(case):
    """Return the settings of a case without its groups: these are the channels."""
    return {name: value for name, value in case.settings.items() if name != "groups"}


def fill(images, multiplier, kernel, draw):
    """Return images, filters and bias."""
    return draw(images), draw((*kernel, images[3], multiplier)), draw((images[3] * multiplier,))


def fill_case(case, draw):
    return fill(case.images, case.filters // case.images[3], case.kernel, draw)


def run(settings, x, w, b, dy):
    """Return y, dx, dw and db."""
    y, backprop = DepthwiseConv2D(**settings)(x, w, b)
    return y, *backprop(dy)


def define(settings, x, w, b, draw):
    """Return y, dx, dw, db of the definition, and the gradient of y that was drawn."""
    y = reference.depthwise_conv2d(x, w, b, **settings)
    dy = draw(y.shape)
    return (y, *reference.depthwise_conv2d_backward(x, w, dy, **settings)), dy


def check_exact(case, dtype, rng):
    """Assert equality, bit for bit, on whole numbers; nothing given may change."""

    def draw(shape):
        return integers(rng, shape, dtype)

    given = fill_case(case, draw)
    expected, dy = define(settings_of(case), *given, draw)
    copies = [array.copy() for array in (*given, dy)]
    results = run(settings_of(case), *given, dy)
    for name, actual, right in zip(("y", "dx", "dw", "db"), results, expected, strict=True):
        assert actual.dtype == dtype, name
        np.testing.assert_array_equal(actual, right, err_msg=name, strict=True)
    for array, copy in zip((*given, dy), copies, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input has changed")


@pytest.mark.parametrize("case", DEPTHWISE_CASES, ids=str)
def test_whole_numbers_are_exact(case, variant, rng):
    check_exact(case, np.float32, rng)


#: Filters whose rows are done by tiles of several columns, at every width of a tile and of what it leaves.
WIDE = [(kernel, step, padding) for kernel in (3, 5) for step in (1, 2) for padding in ("valid", "same", "full")]


@pytest.mark.parametrize("channels", [3, 17])
@pytest.mark.parametrize("kernel, step, padding", WIDE)
def test_every_width_is_exact(kernel, step, padding, channels, variant, rng):
    amount = ((kernel - 1, kernel - 1),) * 2 if padding == "full" else padding
    settings = {"strides": (step, step), "padding": amount}
    for width in range(kernel if padding == "valid" else 1, 20):
        height = kernel + width % 3
        given = fill((2, height, width, channels), 1, (kernel, kernel), lambda shape: integers(rng, shape))
        expected, dy = define(settings, *given, lambda shape: integers(rng, shape))
        for name, actual, right in zip(("y", "dx", "dw", "db"), run(settings, *given, dy), expected, strict=True):
            np.testing.assert_array_equal(actual, right, err_msg=f"{name}, width {width}")


@pytest.mark.parametrize("case", DEPTHWISE_CASES, ids=str)
def test_whole_numbers_are_exact_in_float64(case, rng):
    check_exact(case, np.float64, rng)


@pytest.mark.parametrize("case", DEPTHWISE_CASES, ids=str)
def test_random_numbers_within_rounding(case, variant, rng):
    def draw(shape):
        return rng.standard_normal(shape).astype(np.float32)

    given = fill_case(case, draw)
    exact = [array.astype(np.float64) for array in given]
    expected, dy = define(settings_of(case), *exact, draw)
    magnitudes, _ = define(settings_of(case), *map(np.abs, exact), lambda shape: np.abs(dy.astype(np.float64)))
    for actual, right, magnitude in zip(run(settings_of(case), *given, dy), expected, magnitudes, strict=True):
        assert_within_rounding(actual, right, magnitude)


@pytest.mark.parametrize("case", DEPTHWISE_CASES[::3], ids=str)
def test_without_bias(case, variant, rng):
    x, w, _ = fill_case(case, lambda shape: integers(rng, shape))
    expected, dy = define(settings_of(case), x, w, None, lambda shape: integers(rng, shape))
    for actual, right in zip(run(settings_of(case), x, w, None, dy)[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(actual, right)


@pytest.mark.parametrize("case", DEPTHWISE_CASES[::3], ids=str)
def test_with_relu(case, variant, rng):
    x, w, b = fill_case(case, lambda shape: integers(rng, shape))
    sums = reference.depthwise_conv2d(x, w, b, **settings_of(case))
    dy = integers(rng, sums.shape)
    dsums = reference.relu_backward(sums, dy)
    expected = (reference.relu(sums), *reference.depthwise_conv2d_backward(x, w, dsums, **settings_of(case)))
    results = run(settings_of(case) | {"relu": True}, x, w, b, dy)
    for name, actual, right in zip(("y", "dx", "dw", "db"), results, expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("case", [case for case in DEPTHWISE_CASES[::2] if case.images[0]], ids=str)
def test_float64_gradients(case, rng):
    op = DepthwiseConv2D(**settings_of(case))
    inputs = fill_case(case, rng.standard_normal)
    y, backprop = op(*inputs)
    dy = rng.standard_normal(y.shape)
    check_gradients(lambda x, w, b: op(x, w, b)[0], inputs, dy, backprop(dy), samples=4)


@pytest.mark.parametrize("case", [case for case in DEPTHWISE_CASES if case.images[0]][::4], ids=str)
def test_arrays_that_begin_and_end_anywhere(case, variant, rng):
    """Nothing behind an array is read into a result, and nothing behind a result is written."""
    x, w, b = fill_case(case, lambda shape: integers(rng, shape))
    expected, dy = define(settings_of(case), x, w, b, lambda shape: integers(rng, shape))

    def surrounded(array):
        wide = np.full(array.size + 65, np.nan, array.dtype)
        wide[1 : 1 + array.size] = array.reshape(-1)
        return wide[1 : 1 + array.size].reshape(array.shape)

    for actual, right in zip(run(settings_of(case), *map(surrounded, (x, w, b, dy))), expected, strict=True):
        np.testing.assert_array_equal(actual, right)


@pytest.mark.parametrize("position", ["x", "w", "b"])
@pytest.mark.parametrize("channels", [9, 32])
def test_nan_spreads_where_it_is_read_and_nowhere_else(position, channels, variant):
    x, w, b = np.ones((2, 6, 12, channels), np.float32), np.ones((3, 3, channels, 1), np.float32), np.ones(channels)
    b = b.astype(np.float32)
    {"x": x, "w": w, "b": b}[position].flat[-1] = np.nan
    y, backprop = DepthwiseConv2D(padding="same")(x, w, b)
    # the definition multiplies padding, too: here the taps over it do not exist
    reached = reference.depthwise_conv2d(np.isnan(x) + 0.0, np.ones(w.shape), np.isnan(b), padding="same")
    reached += reference.depthwise_conv2d(np.ones(x.shape), np.isnan(w) + 0.0, padding="same")
    np.testing.assert_array_equal(np.isnan(y), reached > 0)
    for actual, right in zip(backprop(y), reference.depthwise_conv2d_backward(x, w, y, padding="same"), strict=True):
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(right))


@pytest.mark.parametrize("case", LARGE, ids=LARGE_NAMES)
def test_same_bits_for_any_number_of_threads(case, variant, set_num_threads, rng):
    images, multiplier, settings = case
    given = fill(images, multiplier, (3, 3), lambda shape: rng.standard_normal(shape).astype(np.float32))
    set_num_threads(1)
    dy = rng.standard_normal(DepthwiseConv2D(**settings)(*given)[0].shape).astype(np.float32)
    alone = run(settings, *given, dy)
    for threads in (2, 3, 5):
        set_num_threads(threads)
        for name, actual, right in zip(("y", "dx", "dw", "db"), run(settings, *given, dy), alone, strict=True):
            assert actual.tobytes() == right.tobytes(), f"{name} differs with {threads} threads"


@pytest.mark.parametrize("case", LARGE, ids=LARGE_NAMES)
def test_work_shared_by_threads_is_exact(case, variant, set_num_threads, rng):
    images, multiplier, settings = case

    def draw(shape):
        return integers(rng, shape)

    given = fill(images, multiplier, (3, 3), draw)
    set_num_threads(3)
    expected, dy = define(settings, *given, draw)
    for name, actual, right in zip(("y", "dx", "dw", "db"), run(settings, *given, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 9, 9, 2), (3, 3, 3, 1), None],
        [(2, 9, 9, 2), (3, 3, 1, 3), None],
        [(9, 9, 2), (3, 3, 2, 1), None],
        [(2, 9, 9, 2), (3, 3, 2), None],
        [(2, 9, 9, 2), (3, 3, 2, 2), (2,)],
    ],
    ids=repr,
)
def test_arrays_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="not fit"):
        DepthwiseConv2D()(*(None if shape is None else np.ones(shape, np.float32) for shape in shapes))


# ---- who uses it


def test_convolutions_with_a_group_a_channel_are_depthwise(rng):
    layers = [L.Conv2D(8, 3, groups=4, activation="relu"), L.Conv2D(8, 3, groups=4)]
    plan = make_plan(layers, (9, 9, 4))
    assert [type(step.op) for step in plan.steps] == [P.DepthwiseConv2D, P.Conv2D]
    assert plan.steps[0].op.relu
    one = make_plan([L.Conv2D(8, 3)], (9, 9, 1))
    assert [type(step.op) for step in one.steps] == [P.Conv2D]


def test_a_separable_layer_is_two_steps():
    plan = make_plan([L.SeparableConv2D(8, 3, activation="relu")], (9, 9, 4))
    assert [type(step.op) for step in plan.steps] == [P.DepthwiseConv2D, P.Conv2D]
    assert [step.op.relu for step in plan.steps] == [False, True]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("settings", [{}, {"strides": 2, "padding": "same"}, {"dilation_rate": (1, 2)}], ids=str)
def test_functions(settings, data_format, variant, rng):
    x, w, mixing = (integers(rng, shape, limit=2) for shape in ((2, 7, 8, 5), (3, 2, 5, 2), (1, 1, 10, 4)))
    pairs = {"strides": "strides", "padding": "padding", "dilation_rate": "dilation"}
    plain = {pairs[key]: (value, value) if value == 2 else value for key, value in settings.items()}

    def turn(images, back=False):
        if data_format == "channels_last":
            return images
        return np.moveaxis(images, 1, -1) if back else np.moveaxis(images, -1, 1)

    calls = [
        (ops.depthwise_conv, (w,), reference.depthwise_conv2d, reference.depthwise_conv2d_backward),
        (ops.separable_conv, (w, mixing), reference.separable_conv2d, reference.separable_conv2d_backward),
        (ops.conv, (w.reshape(3, 2, 1, 10),), *grouped(5)),
    ]
    for function, filters, define, define_backward in calls:
        expected = define(x, *filters, **plain)
        y = function(turn(x), *filters, data_format=data_format, **settings)
        np.testing.assert_array_equal(turn(y, True), expected)
        value, backprop = ops.vjp(function, turn(x), *filters, data_format=data_format, **settings)
        assert value.tobytes() == y.tobytes()
        dy = integers(rng, expected.shape)
        dx, *dfilters = backprop(turn(dy))
        right = define_backward(x, *filters, dy, **plain)
        for actual, wanted in zip((turn(dx, True), *dfilters), right[: 1 + len(filters)], strict=True):
            np.testing.assert_array_equal(actual, wanted)


def grouped(groups):
    """Return a convolution with groups and its gradients."""
    return (
        lambda *arrays, **settings: reference.conv2d(*arrays, groups=groups, **settings),
        lambda *arrays, **settings: reference.conv2d_backward(*arrays, groups=groups, **settings),
    )


def test_variants_differ_by_rounding_alone(rng):
    x, w = rng.standard_normal((1, 9, 30, 21)).astype(np.float32), rng.standard_normal((3, 3, 21, 1), np.float32)
    results = []
    for name in kernels.runnable():
        with kernels.use(name):
            results.append(DepthwiseConv2D()(x, w, None)[0])
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-5, atol=1e-5)
