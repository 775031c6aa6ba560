"""Products of bfloat16: by pairs and with rounded numbers, against the definition, in every variant."""

import warnings

import numpy as np
import pytest

from fastconv import kernels
from fastconv.ops import bfloat16, reference
from fastconv.ops import primitives as P
from fastconv.ops.bfloat16 import narrowed
from fastconv.ops.bfloat16_pairs import pixel_pairs
from tests import guarded
from tests.cases import CONV_CASES, DENSE_CASES, DEPTHWISE_CASES, FUSED_POOL_CASES, assert_within_rounding, integers
from tests.ops.pairs import can_run_pairs
from tests.ops.test_conv import DEEP, LARGE, LARGE_NAMES
from tests.ops.test_conv_relu_max_pool import is_fusable

NAMES = ("y", "dx", "dw", "db")
#: More pixels in a block than are summed at a time, more output channels than are packed at a time.
TALL = {"images": (1, 60, 70, 2), "filters": (1, 1, 2, 72)}
POOLED = [case for case in FUSED_POOL_CASES if is_fusable(case)]
EVEN = [case for case in CONV_CASES if case.images[3] // case.groups % 2 == case.filters // case.groups % 2 == 0]


@pytest.fixture(params=["pairs", "rounded"])
def way(request, variant, monkeypatch):
    """Compute by pairs of bfloat16, or with rounded numbers."""
    pairs = request.param == "pairs"
    if pairs and not can_run_pairs(variant):
        pytest.skip("this processor has no products of bfloat16")
    monkeypatch.setattr(kernels, "multiplies_pairs", lambda k: pairs)
    monkeypatch.setattr(bfloat16, "_warned", {variant})
    return request.param


def rounded(*arrays):
    return [reference.round_bfloat16(array) for array in arrays]


def draws(shapes, draw):
    return [draw(shape) for shape in shapes]


def run(op, x, w, b, dy):
    """Return y, dx, dw and db of the op with products of bfloat16; nothing given may change."""
    copies = [array.copy() for array in (x, w, b, dy)]
    y, backprop = narrowed(op)(x, w, b)
    results = (y, *backprop(dy))
    for array, copy in zip((x, w, b, dy), copies, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input has changed")
    return results


def conv_shapes(case):
    return case.images, case.filters_shape, (case.filters,)


def define_conv(settings, x, w, b, dy):
    return reference.conv2d(x, w, b, **settings), *reference.conv2d_backward(x, w, dy, **settings)


# ---- rounding


def test_rounding_agrees_with_its_definition(variant, rng):
    """Every class of numbers: ties both ways, what overflows, denormals, zeros of both signs, not a number."""
    words = rng.integers(0, 2**32, 5000, np.uint32)
    words[::3] = words[::3] & 0xFFFF0000 | 0x8000  # ties
    words[1::30] &= 0x807FFFFF  # denormals
    words[2::30] |= 0x7F7F8000  # close to the largest
    words[8:30:7] = 0x7F800001, 0xFF80FFFF, 0x7FFFFFFF, 0xFFFFFFFF  # not a number, at both ends of what that is
    x = words.view(np.float32)
    x[:8] = 0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, np.finfo(np.float32).max, 2.0**-149
    for n in (0, 1, 7, 16, 31, 5000):
        y = np.full(n, 7, np.float32)
        kernels.for_dtype("float32").round_bfloat16(x[:n], y, threads=2)()
        expected = reference.round_bfloat16(x[:n])
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))
        numbers = y[~np.isnan(y)].copy()
        assert not (numbers.view(np.uint32) & 0xFFFF).any()


@pytest.mark.parametrize(
    ("given", "expected"),
    [(1 + 2**-8, 1), (1 + 3 * 2**-8, 1 + 2**-6), (1 + 2**-8 + 2**-20, 1 + 2**-7), (3.4e38, np.inf), (2**-133, 2**-133)],
)
def test_rounding_worked_by_hand(given, expected):
    assert reference.round_bfloat16(np.float32(given)) == expected
    assert reference.round_bfloat16(np.float32(-given)) == -expected


# ---- against the definition


@pytest.mark.parametrize("case", CONV_CASES, ids=str)
def test_whole_numbers_are_exact(case, way, rng):
    x, w, b = draws(conv_shapes(case), lambda shape: integers(rng, shape))
    dy = integers(rng, reference.conv2d(x, w, b, **case.settings).shape)
    expected = define_conv(case.settings, x, w, b, dy)
    for name, actual, right in zip(NAMES, run(P.Conv2D(**case.settings), x, w, b, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name, strict=True)


@pytest.mark.parametrize("case", EVEN[::2], ids=str)
def test_with_relu(case, way, rng):
    x, w, b = draws(conv_shapes(case), lambda shape: integers(rng, shape))
    sums = reference.conv2d(x, w, b, **case.settings)
    dy = integers(rng, sums.shape)
    _, *gradients = define_conv(case.settings, x, w, b, reference.relu_backward(sums, dy))
    results = run(P.Conv2D(**case.settings, relu=True), x, w, b, dy)
    for name, actual, right in zip(NAMES, results, (reference.relu(sums), *gradients), strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("relu", [False, True])
def test_long_windows_are_summed_in_pieces(relu, way, rng):
    """Pieces of the filters that fit the first cache, for whole blocks of output channels."""
    x, w, b = (integers(rng, shape, limit=2) for shape in ((1, 6, 7, 200), (3, 3, 200, 128), (128,)))
    y, _ = narrowed(P.Conv2D(relu=relu))(x, w, b)
    expected = reference.conv2d(x, w, b)
    np.testing.assert_array_equal(y, reference.relu(expected) if relu else expected)


@pytest.mark.parametrize("case", POOLED, ids=str)
def test_before_a_pool_whole_numbers_are_exact(case, way, rng):
    x, w, b = draws(conv_shapes(case.conv), lambda shape: integers(rng, shape))
    y = reference.conv_relu_max_pool(x, w, b, **case.settings)
    dy = integers(rng, y.shape)
    expected = (y, *reference.conv_relu_max_pool_backward(x, w, b, dy, **case.settings))
    op = P.Conv2DReluMaxPool2D(case.pool_size, case.pool_strides or case.pool_size, **case.conv.settings)
    for name, actual, right in zip(NAMES, run(op, x, w, b, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("case", DENSE_CASES, ids=str)
def test_dense(case, way, rng):
    shapes = ((case.samples, case.inputs), (case.inputs, case.units), (case.units,))
    x, w, b = draws(shapes, lambda shape: integers(rng, shape))
    dy = integers(rng, (case.samples, case.units))
    expected = (reference.dense(x, w, b), *reference.dense_backward(x, w, dy))
    for name, actual, right in zip(NAMES, run(P.Dense(), x, w, b, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("case", CONV_CASES[::2], ids=str)
def test_operands_are_rounded_and_sums_are_not(case, way, rng):
    """The error is that of float32, once the operands are what bfloat16 can hold."""
    given = draws(conv_shapes(case), lambda shape: rng.standard_normal(shape).astype(np.float32))
    x, w, b = (array.astype(np.float64) for array in (*rounded(*given[:2]), given[2]))
    dy = rng.standard_normal(reference.conv2d(x, w, b, **case.settings).shape).astype(np.float32)
    narrow = rounded(dy)[0].astype(np.float64)
    expected = define_conv(case.settings, x, w, b, narrow)
    magnitudes = define_conv(case.settings, *map(np.abs, (x, w, b, narrow)))
    for actual, right, magnitude in zip(run(P.Conv2D(**case.settings), *given, dy), expected, magnitudes, strict=True):
        assert_within_rounding(actual, right, magnitude)


def twins(op, x, w, b, rng):
    """Return the results of a narrowed op on random numbers, and of the op itself on numbers that are rounded."""
    y, backprop = narrowed(op)(x, w, b)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    right, backprop_right = op(*rounded(x, w), b)
    return (y, *backprop(dy)), (right, *backprop_right(*rounded(dy)))


@pytest.mark.parametrize(
    ("op", "x", "w", "outs"),
    [
        (P.Conv1D(padding="causal"), (2, 9, 6), (3, 6, 10), 10),
        (P.Conv1D((2,)), (2, 11, 5), (3, 5, 7), 7),
        (P.Conv1DReluMaxPool1D((2,), (3,)), (2, 11, 6), (3, 6, 8), 8),
        (P.Conv3D(), (1, 4, 5, 6, 4), (2, 3, 3, 4, 6), 6),
        (P.Conv3D(), (1, 4, 5, 6, 4), (1, 3, 3, 4, 6), 6),
        (P.ConvTranspose2D((2, 2)), (2, 4, 5, 6), (3, 3, 4, 6), 4),
        (P.ConvTranspose1D((2,)), (2, 4, 6), (3, 4, 6), 4),
        (P.DepthwiseConv1D(), (2, 9, 6), (3, 6, 2), 12),
        (P.Dense(), (3, 4, 10), (10, 6), 6),
    ],
    ids=repr,
)
def test_the_others_are_themselves_on_rounded_numbers(op, x, w, outs, way, rng):
    x, w, b = draws((x, w, (outs,)), lambda shape: rng.standard_normal(shape).astype(np.float32))
    for name, actual, right in zip(NAMES, *twins(op, x, w, b, rng), strict=True):
        np.testing.assert_allclose(actual, right, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("case", DEPTHWISE_CASES[::5], ids=str)
def test_depthwise(case, way, rng):
    settings = {key: value for key, value in case.settings.items() if key != "groups"}
    x, w, b = draws(conv_shapes(case), lambda shape: rng.standard_normal(shape).astype(np.float32))
    for name, actual, right in zip(NAMES, *twins(P.DepthwiseConv2D(**settings), x, w, b, rng), strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("case", EVEN[::3], ids=str)
def test_pairs_have_the_same_bits_in_every_variant(case, rng, monkeypatch):
    """Each product is exact and each addition rounds alike, in the same order: one instruction or two additions."""
    able = [variant for variant in kernels.runnable() if can_run_pairs(variant)]
    monkeypatch.setattr(kernels, "multiplies_pairs", lambda k: True)
    given = draws(conv_shapes(case), lambda shape: rng.standard_normal(shape).astype(np.float32))
    found = {}
    for variant in able:
        with kernels.use(variant):
            found[variant] = narrowed(P.Conv2D(**case.settings))(*given)[0].tobytes()
    assert len(set(found.values())) <= 1, sorted(found)


@pytest.mark.parametrize("case", LARGE, ids=LARGE_NAMES)
def test_same_bits_for_any_number_of_threads(case, way, set_num_threads, rng):
    settings = {name: value for name, value in case.items() if name not in ("images", "filters")}
    shapes = (case["images"], case["filters"], case["filters"][3:])
    x, w, b = draws(shapes, lambda shape: rng.standard_normal(shape).astype(np.float32))
    dy = rng.standard_normal(reference.conv2d(x, w, b, **settings).shape).astype(np.float32)
    set_num_threads(1)
    alone = run(P.Conv2D(**settings), x, w, b, dy)
    for threads in (2, 3, 5):
        set_num_threads(threads)
        for name, actual, right in zip(NAMES, run(P.Conv2D(**settings), x, w, b, dy), alone, strict=True):
            assert actual.tobytes() == right.tobytes(), f"{name} differs with {threads} threads"


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("case", [*LARGE, DEEP, TALL], ids=[*LARGE_NAMES, "deep", "tall"])
def test_work_in_pieces_is_exact(case, relu, way, set_num_threads, rng):
    settings = {name: value for name, value in case.items() if name not in ("images", "filters")}
    shapes = (case["images"], case["filters"], case["filters"][3:])
    x, w, b = draws(shapes, lambda shape: integers(rng, shape))
    sums = reference.conv2d(x, w, b, **settings)
    dy = integers(rng, sums.shape)
    set_num_threads(3)
    _, *gradients = define_conv(settings, x, w, b, reference.relu_backward(sums, dy) if relu else dy)
    expected = (reference.relu(sums) if relu else sums, *gradients)
    for name, actual, right in zip(NAMES, run(P.Conv2D(**settings, relu=relu), x, w, b, dy), expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


def test_blocks_that_no_tap_reads_for_may_lie_behind_the_image(way, rng):
    """The gradient of columns that no window holds: their second block of rows begins below the last row of dy."""
    op = narrowed(P.Conv2D((1, 3), "valid", (3, 1)))
    x, w = integers(rng, (2, 8, 3, 33)), integers(rng, (2, 2, 33, 5))
    _, backprop = guarded.call(op, x, w, np.zeros(5, np.float32))
    dy = integers(rng, (2, 5, 1, 5))
    dx, *_ = backprop(dy)
    expected, *_ = reference.conv2d_backward(x, w, dy, strides=(1, 3), dilation=(3, 1))
    np.testing.assert_array_equal(dx, expected)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_what_is_not_a_number_stays_so(position, way):
    given = [np.ones((2, 6, 7, 8), np.float32), np.ones((3, 2, 8, 18), np.float32), np.ones(18, np.float32)]
    given[position].flat[-1] = np.nan
    y, _ = narrowed(P.Conv2D(padding="same"))(*given)
    expected = reference.conv2d(*given, padding="same")
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))


# ---- which pixels go together


@pytest.mark.parametrize(
    ("pixels", "first", "size"),
    [([], [], []), ([5], [0], [1]), ([0, 2], [0], [2]), ([0, 2, 4, 9, 11, 20], [0, 2, 3, 5], [2, 1, 2, 1])],
)
def test_pixel_pairs(pixels, first, size):
    pairs = pixel_pairs(np.array(pixels, np.intp))
    assert (pairs.first.tolist(), pairs.size.tolist()) == (first, size)
    assert pairs.pixel.tolist() == [pixels[i] for i in first]


# ---- where there is no such instruction


def test_emulation_is_said_once_for_each_variant(variant, monkeypatch):
    monkeypatch.setattr(kernels, "multiplies_pairs", lambda k: False)
    monkeypatch.setattr(bfloat16, "_warned", set())
    with pytest.warns(RuntimeWarning, match=rf"mixed_bfloat16: the kernels in use \({variant}\) have no products"):
        narrowed(P.Dense())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        narrowed(P.Dense())


def test_every_op_with_weights_is_narrowed():
    """Those that fusion makes, too."""
    ops = [getattr(P, name) for name in P.__all__]
    weighted = {op for op in ops if issubclass(op, (P.Conv2D, P.DepthwiseConv2D, P.ConvTranspose2D))}
    # what is narrowed comes before sums and averages are fused
    later = {P.Conv1DAveragePool1D, P.Conv2DAveragePool2D, P.Conv2DAdd}
    assert weighted - later == set(bfloat16.NARROW)


def test_ops_without_products_stay_as_they_are():
    op = P.MaxPool2D((2, 2), (2, 2))
    assert narrowed(op) is op


def test_the_instruction_is_asked_for(monkeypatch):
    k = kernels.for_dtype("float32")
    monkeypatch.setattr(kernels, "_HAS_BFLOAT16", False)
    assert not kernels.multiplies_pairs(k)
    monkeypatch.setattr(kernels, "_HAS_BFLOAT16", True)
    assert kernels.multiplies_pairs(k) == k.HAS_PAIR_PRODUCTS
