"""The definitions: numbers worked by hand, and gradients against finite differences."""

import inspect

import numpy as np
import pytest

from fastconv.ops import reference
from tests.cases import (
    CONV_CASES,
    DENSE_CASES,
    FUSED_POOL_CASES,
    POOL_CASES,
    distinct,
    integers,
)
from tests.gradients import check_gradients

NON_EMPTY_CONVS = [case for case in CONV_CASES if case.images[0]]
NON_EMPTY_POOLS = [case for case in POOL_CASES if case.images[0]]


def row(*values):
    """Return one image of one row and one channel."""
    return np.array(values, float).reshape(1, 1, -1, 1)


def flat_filter(*values):
    """Return one filter of one row and one channel."""
    return np.array(values, float).reshape(1, -1, 1, 1)


# ---- convolution ------------------------------------------------------------------------------------------


def test_one_window_of_a_photograph():
    pixels = np.array([[0, 64, 128], [48, 192, 144], [42, 226, 168]], float)
    taps = np.array([[-1, 0, -2], [0.5, 4.5, -1.5], [1.5, 2, -3]])
    assert reference.conv2d(pixels[None, :, :, None], taps[:, :, None, None]).item() == 427


def test_vertical_edges():
    image = np.array([[0, 50, 0, 29], [0, 80, 31, 2], [33, 90, 0, 75], [0, 9, 0, 95]], float)
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)
    y = reference.conv2d(image[None, :, :, None], sobel[:, :, None, None])
    assert y[0, :, :, 0].tolist() == [[29, -192], [-35, -22]]


@pytest.mark.parametrize(
    ("size", "taps", "stride", "dilation", "expected"),
    [
        (6, (1, 1, 1), 2, 1, [6, 12, 11]),
        (5, (1, 1, 1), 2, 1, [3, 9, 9]),
        (6, (1, 1), 1, 1, [3, 5, 7, 9, 11, 6]),
        (6, (1, 1), 3, 1, [3, 9]),
        (6, (1, 1, 1), 1, 2, [4, 6, 9, 12, 8, 10]),
        (4, (1, 10, 100), 1, 1, [210, 321, 432, 43]),
    ],
)
def test_same_convolution_as_keras(size, taps, stride, dilation, expected):
    x, w = row(*range(1, size + 1)), flat_filter(*taps)
    settings = {"strides": (1, stride), "dilation": (1, dilation), "padding": "same"}
    assert reference.conv2d(x, w, **settings).ravel().tolist() == expected
    # The same down a column: catches rows and columns that trade places.
    settings = {"strides": (stride, 1), "dilation": (dilation, 1), "padding": "same"}
    turned = reference.conv2d(x.swapaxes(1, 2), w.swapaxes(0, 1), **settings)
    assert turned.shape == (1, len(expected), 1, 1)
    assert turned.ravel().tolist() == expected


def test_explicit_padding_and_bias():
    y = reference.conv2d(row(1, 2), flat_filter(1, 10), np.array([5.0]), padding=((0, 0), (2, 1)))
    assert y.ravel().tolist() == [5, 15, 26, 7]


def test_channels_of_input_and_output():
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).reshape(1, 1, 2, 3)
    assert reference.conv2d(x, w).ravel().tolist() == [41, 52, 63]


def test_groups_read_their_own_channels():
    x = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 1, 1, 4)
    w = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]).reshape(1, 1, 2, 4)
    # Outputs 0 and 1 see channels 0 and 1, outputs 2 and 3 see channels 2 and 3.
    assert reference.conv2d(x, w, groups=2).ravel().tolist() == [51, 62, 7300, 8400]


def test_depthwise_with_two_filters_a_channel():
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    w = np.array([2.0, 3.0, 4.0, 5.0]).reshape(1, 1, 1, 4)
    assert reference.conv2d(x, w, groups=2).ravel().tolist() == [2, 3, 40, 50]


def test_depthwise_convolution_and_mixing_of_its_channels():
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    w = np.array([[2.0, 3.0], [4.0, 5.0]]).reshape(1, 1, 2, 2)
    assert reference.depthwise_conv2d(x, w).ravel().tolist() == [2, 3, 40, 50]
    mixing = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 4, 1)
    assert reference.separable_conv2d(x, w, mixing).item() == 2 + 2 * 3 + 3 * 40 + 4 * 50


@pytest.mark.parametrize("function", [reference.depthwise_conv2d, reference.separable_conv2d])
def test_depthwise_filters_must_match_the_channels(function):
    more = [np.ones((1, 1, 3, 1))] if function is reference.separable_conv2d else []
    with pytest.raises(ValueError, match=r"filters of shape \(1, 1, 3, 1\) with 2 input channels"):
        function(np.ones((1, 2, 2, 2)), np.ones((1, 1, 3, 1)), *more)


@pytest.mark.parametrize("settings", [{}, {"strides": (2, 1), "padding": "same"}, {"dilation": (1, 2)}], ids=str)
def test_depthwise_and_separable_gradients(settings, rng):
    x, w, mixing = (rng.standard_normal(s) for s in ((2, 5, 6, 3), (3, 2, 3, 2), (1, 1, 6, 4)))
    for name, arrays in (("depthwise_conv2d", (x, w)), ("separable_conv2d", (x, w, mixing))):
        function, b = getattr(reference, name), rng.standard_normal(6 if name == "depthwise_conv2d" else 4)
        dy = rng.standard_normal(function(*arrays, b, **settings).shape)
        grads = getattr(reference, f"{name}_backward")(*arrays, dy, **settings)
        check_gradients(lambda *a, f=function: f(*a, **settings), (*arrays, b), dy, grads, samples=5)


def test_convolution_gradients_by_hand():
    dx, dw, db = reference.conv2d_backward(row(1, 2, 3, 4), flat_filter(1, 10, 100), row(1, 2))
    assert dx.ravel().tolist() == [1, 12, 120, 200]
    assert dw.ravel().tolist() == [1 * 1 + 2 * 2, 1 * 2 + 2 * 3, 1 * 3 + 2 * 4]
    assert db.tolist() == [3]


@pytest.mark.parametrize("case", NON_EMPTY_CONVS, ids=str)
def test_convolution_gradients(case, rng):
    x, w, b = (rng.standard_normal(s) for s in (case.images, case.filters_shape, (case.filters,)))
    y = reference.conv2d(x, w, b, **case.settings)
    dy = rng.standard_normal(y.shape)
    grads = reference.conv2d_backward(x, w, dy, **case.settings)
    check_gradients(lambda *a: reference.conv2d(*a, **case.settings), (x, w, b), dy, grads, samples=4)


def test_empty_batch_has_gradients_of_zero():
    x, w = np.zeros((0, 6, 5, 3)), np.ones((3, 3, 3, 4))
    y = reference.conv2d(x, w, np.ones(4))
    dx, dw, db = reference.conv2d_backward(x, w, y)
    assert (y.shape, dx.shape) == ((0, 4, 3, 4), x.shape)
    assert not dw.any() and not db.any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"padding": "Same"}, r"conv2d: padding='Same' is unknown; .* Did you mean 'same'\?"),
        ({"padding": "causal"}, r"padding='causal' is unknown"),
        ({"padding": ((1, 1), (-1, 1))}, r"non-negative"),
        ({"padding": (1, 1)}, r"\(\(top, bottom\), \(left, right\)\)"),
        ({"strides": (0, 1)}, r"conv2d: strides=\(0, 1\)"),
        ({"strides": (1, 2, 3)}, r"one or two positive integers"),
        ({"dilation": (1, 1.5)}, r"conv2d: dilation=\(1, 1.5\)"),
        ({"dilation": (3, 1)}, r"fits nowhere on an image of \(5, 6\)"),
        ({"groups": 2}, r"conv2d: groups=2 with 4 input channels"),
        ({"groups": 0}, r"groups=0"),
    ],
)
def test_convolution_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        reference.conv2d(np.ones((1, 5, 6, 4)), np.ones((3, 3, 4, 6)), **changes)


def test_convolution_refuses_a_gradient_of_another_shape():
    with pytest.raises(ValueError, match=r"dy has shape \(1, 3, 3, 1\); expected \(1, 2, 2, 1\)"):
        reference.conv2d_backward(np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1)), np.ones((1, 3, 3, 1)))


# ---- pooling ----------------------------------------------------------------------------------------------


def test_same_max_pool_never_sees_its_padding():
    y, which = reference.max_pool2d(-row(1, 2, 3, 4, 5), pool_size=(1, 2), padding="same")
    assert y.ravel().tolist() == [-1, -3, -5]
    assert which.ravel().tolist() == [0, 0, 0]


def test_max_pool_of_minus_infinity_next_to_padding():
    x = np.full((1, 1, 1, 1), -np.inf)
    y, which = reference.max_pool2d(x, pool_size=(3, 3), strides=(1, 1), padding="same")
    assert (y.item(), which.item()) == (-np.inf, 4)


def test_the_first_of_equals_wins():
    x = np.array([[1.0, 7.0], [7.0, 7.0]]).reshape(1, 2, 2, 1)
    y, which = reference.max_pool2d(x, pool_size=(2, 2))
    assert (y.item(), which.item()) == (7, 1)
    dx = reference.max_pool2d_backward(np.full_like(y, 3), which, x.shape, pool_size=(2, 2))
    assert dx.ravel().tolist() == [0, 3, 0, 0]


def test_zero_and_minus_zero_are_equal():
    assert reference.max_pool2d(row(-0.0, 0.0), pool_size=(1, 2))[1].item() == 0


@pytest.mark.parametrize("values", [(1, np.nan, 9, np.nan), (np.inf, np.nan, np.nan, 3)])
def test_the_first_nan_wins(values):
    y, which = reference.max_pool2d(row(*values), pool_size=(1, 4))
    assert np.isnan(y.item())
    assert which.item() == 1


def test_overlapping_windows_add_up():
    settings = {"pool_size": (1, 3), "strides": (1, 1)}
    x = row(1, 2, 9, 4, 3)
    y, which = reference.max_pool2d(x, **settings)
    assert (y.ravel().tolist(), which.ravel().tolist()) == ([9, 9, 9], [2, 1, 0])
    dx = reference.max_pool2d_backward(row(1, 10, 100), which, x.shape, **settings)
    assert dx.ravel().tolist() == [0, 0, 111, 0, 0]


@pytest.mark.parametrize(
    ("size", "pool", "stride", "expected"),
    [(5, 2, None, [1.5, 3.5, 5]), (6, 3, 2, [2, 4, 5.5]), (3, 3, 1, [1.5, 2, 2.5])],
)
def test_same_average_divides_by_real_cells(size, pool, stride, expected):
    strides = None if stride is None else (1, stride)
    y = reference.average_pool2d(row(*range(1, size + 1)), pool_size=(1, pool), strides=strides, padding="same")
    assert y.ravel().tolist() == expected


def test_windows_wholly_in_the_padding():
    settings = {"pool_size": (1, 2), "padding": ((0, 0), (2, 2))}
    x = row(3, 5)
    y, which = reference.max_pool2d(x, **settings)
    assert (y.ravel().tolist(), which.ravel().tolist()) == ([-np.inf, 5, -np.inf], [-1, 1, -1])
    dx = reference.max_pool2d_backward(row(1, 10, 100), which, x.shape, **settings)
    assert dx.ravel().tolist() == [0, 10]
    assert reference.average_pool2d(x, **settings).ravel().tolist() == [0, 4, 0]
    dx = reference.average_pool2d_backward(row(1, 10, 100), x.shape, **settings)
    assert dx.ravel().tolist() == [5, 5]


@pytest.mark.parametrize("case", NON_EMPTY_POOLS, ids=str)
def test_pool_gradients(case, rng):
    x = distinct(rng, case.images)
    y, which = reference.max_pool2d(x, **case.settings)
    dy = rng.standard_normal(y.shape)
    dx = reference.max_pool2d_backward(dy, which, x.shape, **case.settings)
    check_gradients(lambda x: reference.max_pool2d(x, **case.settings)[0], (x,), dy, (dx,))
    dx = reference.average_pool2d_backward(dy, x.shape, **case.settings)
    check_gradients(lambda x: reference.average_pool2d(x, **case.settings), (x,), dy, (dx,))


def test_global_pools(rng):
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    assert reference.global_average_pool2d(x).tolist() == [[5, 6]]
    y, which = reference.global_max_pool2d(x)
    assert (y.tolist(), which.tolist()) == ([[10, 11]], [[5, 5]])

    x = distinct(rng, (3, 4, 5, 2))
    dy = rng.standard_normal((3, 2))
    dx = reference.global_max_pool2d_backward(dy, reference.global_max_pool2d(x)[1], x.shape)
    check_gradients(lambda x: reference.global_max_pool2d(x)[0], (x,), dy, (dx,))
    dx = reference.global_average_pool2d_backward(dy, x.shape)
    check_gradients(reference.global_average_pool2d, (x,), dy, (dx,))


@pytest.mark.parametrize("case", [case for case in FUSED_POOL_CASES if case.conv.images[0]], ids=str)
def test_fused_gradients(case, rng):
    x, w = rng.standard_normal(case.conv.images), rng.standard_normal(case.conv.filters_shape)
    b = rng.standard_normal(case.conv.filters)

    def forward(x, w, b):
        return reference.conv_relu_max_pool(x, w, b, **case.settings)

    dy = rng.standard_normal(forward(x, w, b).shape)
    grads = reference.conv_relu_max_pool_backward(x, w, b, dy, **case.settings)
    check_gradients(forward, (x, w, b), dy, grads, samples=4)


# ---- dense ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in DENSE_CASES if case.samples], ids=str)
def test_dense_gradients(case, rng):
    x, w = rng.standard_normal((case.samples, case.inputs)), rng.standard_normal((case.inputs, case.units))
    b, dy = rng.standard_normal(case.units), rng.standard_normal((case.samples, case.units))
    check_gradients(reference.dense, (x, w, b), dy, reference.dense_backward(x, w, dy))


def test_dense_without_samples():
    y = reference.dense(np.zeros((0, 5)), np.ones((5, 3)), np.ones(3))
    dx, dw, db = reference.dense_backward(np.zeros((0, 5)), np.ones((5, 3)), y)
    assert (y.shape, dx.shape) == ((0, 3), (0, 5))
    assert not dw.any() and not db.any()


# ---- activations ------------------------------------------------------------------------------------------

SETTINGS = [(name, {}) for name in reference.ACTIVATIONS] + [
    ("relu", {"max_value": 1.0}),
    ("relu", {"negative_slope": 0.25}),
    ("relu", {"threshold": 0.5}),
    ("relu", {"threshold": -0.5}),
    ("relu", {"max_value": 1.5, "negative_slope": 0.25, "threshold": 0.5}),
    ("leaky_relu", {"negative_slope": 0.5}),
    ("elu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
]


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_activation_gradients(name, settings, rng):
    forward, backward = reference.ACTIVATIONS[name]
    x = 2.3 * distinct(rng, (4, 3, 5)) + 1e-3  # beyond the kinks of hard_sigmoid at 3, and on none of them
    dy = rng.standard_normal(x.shape)
    grads = (backward(x, dy, **settings),)
    check_gradients(lambda x: forward(x, **settings), (x,), dy, grads, samples=60)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 0, 0, 0.5, 1, 2, 7]),
        ({"max_value": 6}, [0, 0, 0, 0.5, 1, 2, 6]),
        ({"threshold": 1}, [0, 0, 0, 0, 0, 2, 7]),
        ({"threshold": -1}, [0, -0.5, 0, 0.5, 1, 2, 7]),
        ({"negative_slope": 0.5}, [-1.5, -0.25, 0, 0.5, 1, 2, 7]),
        ({"negative_slope": 0.5, "threshold": 1, "max_value": 2}, [-2, -0.75, -0.5, -0.25, 0, 2, 2]),
    ],
    ids=str,
)
def test_relu_as_keras(settings, expected):
    x = np.array([-3, -0.5, 0, 0.5, 1, 2, 7])
    assert reference.relu(x, **settings).tolist() == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 0, 0, 1, 1, 1]),
        ({"max_value": 2}, [0, 0, 0, 1, 0, 0]),
        ({"threshold": 1}, [0, 0, 0, 0, 1, 1]),
        ({"negative_slope": 0.5}, [0.5, 0.5, 0.5, 1, 1, 1]),
    ],
    ids=str,
)
def test_relu_gradient_at_its_kinks(settings, expected):
    x = np.array([-3, -0.5, 0, 1, 2, 7])
    assert reference.relu_backward(x, np.ones(6), **settings).tolist() == expected


def test_relu_passes_no_infinite_error_where_it_is_dead():
    assert reference.relu_backward(np.array([-1.0, 0.0]), np.array([np.inf, np.nan])).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "settings", "x", "expected"),
    [
        ("leaky_relu", {}, -1, -0.2),
        ("elu", {}, -1, -0.6321206),
        ("selu", {}, -1, -1.1113307),
        ("selu", {}, 1, 1.0507010),
        ("sigmoid", {}, 1, 0.7310586),
        ("hard_sigmoid", {}, 1, 0.6666667),
        ("hard_sigmoid", {}, 3, 1),
        ("tanh", {}, 1, 0.7615942),
        ("softplus", {}, 1, 1.3132617),
        ("softsign", {}, -3, -0.75),
        ("silu", {}, -1, -0.2689414),
        ("gelu", {}, 1, 0.8413447),
        ("gelu", {"approximate": True}, 1, 0.8411920),
        ("exponential", {}, 1, 2.7182818),
        ("linear", {}, -3, -3),
        ("celu", {"alpha": 2.0}, -2, -1.2642411),
        ("mish", {}, 1, 0.8650984),
        ("hard_silu", {}, 1, 0.6666667),
        ("hard_tanh", {}, 3, 1),
        ("hard_shrink", {}, -0.6, -0.6),
        ("soft_shrink", {}, -0.6, -0.1),
        ("tanh_shrink", {}, 1, 0.2384058),
        ("log_sigmoid", {}, 1, -0.3132617),
        ("sparse_plus", {}, 0.5, 0.5625),
        ("sparse_sigmoid", {}, 0.5, 0.75),
        ("squareplus", {}, 1.5, 2),
        ("squareplus", {"b": 9}, -4, 0.5),
        ("threshold", {"threshold": 1.0, "default_value": 5.0}, 1, 5),
    ],
    ids=str,
)
def test_activation_values(name, settings, x, expected):
    y = reference.ACTIVATIONS[name][0](np.array([float(x)]), **settings)
    assert y.item() == pytest.approx(expected, abs=5e-8)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_activations_far_out(name):
    forward, backward = reference.ACTIVATIONS[name]
    x = np.array([-1e4, 0, 1e4])
    assert not np.isnan(forward(x)).any()
    with np.errstate(invalid="raise"):
        assert not np.isnan(backward(x, np.ones(3))).any()
    assert np.isnan(forward(np.array([np.nan]))).all() != (name == "threshold")


def test_softmax_gradients(rng):
    x, dy = rng.standard_normal((3, 4, 5)), rng.standard_normal((3, 4, 5))
    for axis in (-1, 1):
        y = reference.softmax(x, axis)
        grads = (reference.softmax_backward(y, dy, axis),)
        check_gradients(lambda x, axis=axis: reference.softmax(x, axis), (x,), dy, grads)
        y = reference.log_softmax(x, axis)
        grads = (reference.log_softmax_backward(y, dy, axis),)
        check_gradients(lambda x, axis=axis: reference.log_softmax(x, axis), (x,), dy, grads)


def test_softmax_by_hand():
    assert reference.softmax(np.log([[1.0, 2, 5]])).round(12).tolist() == [[0.125, 0.25, 0.625]]
    assert reference.softmax(np.array([1e4, 0, 1e4])).tolist() == [0.5, 0, 0.5]
    assert reference.log_softmax(np.array([0, 1e4])).tolist() == [-1e4, 0]


# ---- losses -----------------------------------------------------------------------------------------------


def test_sparse_cross_entropy_by_hand():
    logits = np.log([[1.0, 2, 5], [4, 4, 2]])
    losses, probabilities = reference.sparse_softmax_cross_entropy(logits, np.array([2, 0]), np.array([1, 10]))
    assert losses == pytest.approx([-np.log(0.625), -10 * np.log(0.4)])
    assert probabilities.round(12).tolist() == [[0.125, 0.25, 0.625], [0.4, 0.4, 0.2]]
    dlogits = reference.sparse_softmax_cross_entropy_backward(probabilities, np.array([2, 0]), np.array([1, 10]))
    assert dlogits.round(12).tolist() == [[0.125, 0.25, -0.375], [-6, 4, 2]]


def test_sparse_cross_entropy_of_large_logits():
    losses, _ = reference.sparse_softmax_cross_entropy(np.array([[0.0, 100.0], [1e4, 0.0]]), np.array([0, 0]))
    assert losses.tolist() == [100, 0]


def test_sparse_and_dense_targets_agree(rng):
    logits, labels = rng.standard_normal((2, 3, 4)), rng.integers(0, 4, (2, 3))
    weights = rng.uniform(0, 2, (2, 3))
    sparse = reference.sparse_softmax_cross_entropy(logits, labels, weights)
    dense = reference.softmax_cross_entropy(logits, np.eye(4)[labels], weights)
    np.testing.assert_allclose(sparse[0], dense[0], rtol=1e-14)
    np.testing.assert_array_equal(sparse[1], dense[1])


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.0, 1.0]], ids=str)
def test_labels_outside_the_classes(labels):
    with pytest.raises(ValueError, match="sparse_softmax_cross_entropy: labels .* expected integers from 0 to 2"):
        reference.sparse_softmax_cross_entropy(np.zeros((2, 3)), np.array(labels))


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 2.5])], ids=["unweighted", "weighted"])
def test_cross_entropy_gradients(weights, rng):
    logits, targets = rng.standard_normal((3, 4)), rng.uniform(0, 1, (3, 4))
    labels = np.array([3, 0, 1])
    losses, probabilities = reference.softmax_cross_entropy(logits, targets, weights)
    grads = (reference.softmax_cross_entropy_backward(probabilities, targets, weights),)
    check_gradients(
        lambda x: reference.softmax_cross_entropy(x, targets, weights)[0],
        (logits,),
        np.ones_like(losses),
        grads,
    )
    losses, probabilities = reference.sparse_softmax_cross_entropy(logits, labels, weights)
    grads = (reference.sparse_softmax_cross_entropy_backward(probabilities, labels, weights),)
    check_gradients(
        lambda x: reference.sparse_softmax_cross_entropy(x, labels, weights)[0],
        (logits,),
        np.ones_like(losses),
        grads,
    )


CELL_LOSSES = {
    "binary": (reference.binary_cross_entropy, reference.binary_cross_entropy_backward),
    "binary-logits": (
        reference.binary_cross_entropy_from_logits,
        reference.binary_cross_entropy_from_logits_backward,
    ),
    "squared": (reference.squared_error, reference.squared_error_backward),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CELL_LOSSES)
def test_cell_loss_gradients(name, weighted, rng):
    loss, backward = CELL_LOSSES[name]
    outputs, targets = rng.uniform(0.1, 0.9, (3, 4)), rng.uniform(0, 1, (3, 4))
    weights = rng.uniform(0, 2, (3, 1)) if weighted else None
    grads = (backward(outputs, targets, weights),)
    check_gradients(lambda x: loss(x, targets, weights), (outputs,), np.ones((3, 4)), grads)


def test_binary_cross_entropy_is_clipped():
    losses = reference.binary_cross_entropy(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    assert losses == pytest.approx([16.118096, 1e-7])
    assert not reference.binary_cross_entropy_backward(np.array([0.0, 1.0]), np.array([1.0, 0.0])).any()
    losses = reference.binary_cross_entropy_from_logits(np.array([-1e3, 1e3]), np.array([1.0, 1.0]))
    assert losses.tolist() == [1000, 0]


# ---- optimizers and the rest ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("momentum", "nesterov", "expected"),
    [
        (0.0, False, [0.999, 1.001, 0.998]),
        (0.9, False, [0.999, 1.0001, 0.99809]),
        (0.9, True, [0.9981, 1.00109, 0.996281]),
    ],
)
def test_sgd_as_keras(momentum, nesterov, expected):
    params, velocity, seen = np.ones(1), np.zeros(1), []
    for g in (0.1, -0.2, 0.3):
        params, velocity = reference.sgd_update(params, np.array([g]), velocity, 0.01, momentum, nesterov)
        seen.append(params.item())
    assert seen == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("gradients", "expected"),
    [
        ((0.1, -0.2, 0.3), [0.9990000, 0.9993661, 0.9990228]),
        ((1e-8, 1e-8), [0.9999968, 0.9999924]),  # epsilon is not bias-corrected
    ],
)
def test_adam_as_keras(gradients, expected):
    params, m, v, seen = np.ones(1), np.zeros(1), np.zeros(1), []
    for t, g in enumerate(gradients, start=1):
        params, m, v = reference.adam_update(params, np.array([g]), m, v, 0.001, 0.9, 0.999, 1e-7, t)
        seen.append(params.item())
    assert seen == pytest.approx(expected, abs=1e-7)


def test_updates_leave_their_inputs_alone():
    params, grads, m, v = (np.full(3, value) for value in (1.0, 0.5, 0.25, 0.125))
    reference.adam_update(params, grads, m, v, 0.001, 0.9, 0.999, 1e-7, 1)
    reference.sgd_update(params, grads, m, 0.01, 0.9)
    assert [a.tolist() for a in (params, grads, m, v)] == [[1.0] * 3, [0.5] * 3, [0.25] * 3, [0.125] * 3]


def test_elementary_gradients(rng):
    x = rng.standard_normal((2, 3, 4, 2))
    padding = ((1, 0), (2, 3))
    dy = rng.standard_normal((2, 4, 9, 2))
    grads = (reference.zero_pad2d_backward(dy, padding),)
    check_gradients(lambda x: reference.zero_pad2d(x, padding), (x,), dy, grads)
    dy, mask = rng.standard_normal(x.shape), rng.random(x.shape) < 0.7
    grads = (reference.dropout_backward(dy, mask, 0.3),)
    check_gradients(lambda x: reference.dropout(x, mask, 0.3), (x,), dy, grads)
    grads = (reference.rescale_backward(dy, 0.5),)
    check_gradients(lambda x: reference.rescale(x, 0.5, -1), (x,), dy, grads)


def test_dropout_refuses_to_drop_everything():
    with pytest.raises(ValueError, match="dropout: rate=1"):
        reference.dropout(np.ones(3), np.ones(3, bool), 1)


# ---- for all of them --------------------------------------------------------------------------------------


def test_float32_stays_float32(rng):
    x, w = integers(rng, (2, 6, 7, 4)), integers(rng, (3, 3, 4, 5))
    y = reference.conv2d(x, w, np.ones(5, np.float32))
    results = [y, *reference.conv2d_backward(x, w, y)]
    for pool in ({"pool_size": (2, 2)}, {"pool_size": (3, 3), "padding": "same"}):
        y, which = reference.max_pool2d(x, **pool)
        results += [y, reference.max_pool2d_backward(y, which, x.shape, **pool)]
        y = reference.average_pool2d(x, **pool)
        results += [y, reference.average_pool2d_backward(y, x.shape, **pool)]
    y, which = reference.global_max_pool2d(x)
    results += [y, reference.global_max_pool2d_backward(y, which, x.shape)]
    y = reference.global_average_pool2d(x)
    results += [y, reference.global_average_pool2d_backward(y, x.shape)]
    for name, settings in SETTINGS:
        forward, backward = reference.ACTIVATIONS[name]
        results += [forward(x, **settings), backward(x, x, **settings)]
    y = reference.softmax(x)
    results += [y, reference.softmax_backward(y, x), reference.log_softmax(x)]
    results += [*reference.softmax_cross_entropy(x, y), reference.softmax_cross_entropy_backward(y, y)]
    results += reference.sparse_softmax_cross_entropy(x, np.ones((2, 6, 7), int))
    results += [f(x, y) for pair in CELL_LOSSES.values() for f in pair if "logits" in f.__name__]
    results += [reference.binary_cross_entropy(y, y), reference.squared_error_backward(x, y)]
    results += reference.adam_update(x, x, x, y, 0.001, 0.9, 0.999, 1e-7, 3)
    results += reference.sgd_update(x, x, x, 0.01, 0.9, True)
    results += [reference.dropout(x, x > 0, 0.3), reference.rescale(x, 1 / 255, -1)]
    assert {result.dtype for result in results} == {np.dtype(np.float32)}


def test_every_forward_has_its_backward():
    functions = {name for name in reference.__all__ if inspect.isfunction(getattr(reference, name))}
    functions -= {"round_bfloat16"}  # gradients pass as they are
    forwards = {name for name in functions if not name.endswith(("_backward", "_update"))}
    updates = {name for name in functions if name.endswith("_update")}
    assert functions - forwards == {f"{name}_backward" for name in forwards} | updates
    assert len(updates) == 9


# ---- the check of gradients itself ------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [1.0001, -1, 0, np.nan])
def test_check_gradients_notices_a_wrong_one(wrong, rng):
    x, dy = rng.standard_normal(20), np.ones(20)
    check_gradients(np.sin, (x,), dy, (np.cos(x),))
    with pytest.raises(AssertionError, match=r"gradient of input 0 at \(\d+,\) is .* difference quotient is"):
        check_gradients(np.sin, (x,), dy, (np.cos(x) * wrong,))


def test_check_gradients_notices_a_wrong_shape_or_type():
    x = np.zeros((2, 3))
    with pytest.raises(AssertionError, match="gradient 0 has shape"):
        check_gradients(np.sin, (x,), x, (np.cos(x).T,))
    with pytest.raises(AssertionError, match="differences need float64"):
        check_gradients(np.sin, (x.astype(np.float32),), x, (np.cos(x),))
