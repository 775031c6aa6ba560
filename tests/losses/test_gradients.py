"""Every loss: its gradient in NumPy against finite differences, and its training op against NumPy in every variant."""

import numpy as np
import pytest

from fastconv import losses
from fastconv.losses import lowering
from fastconv.ops import loss as ops
from fastconv.ops.op import run
from tests.gradients import check_gradients
from tests.guarded import Guarded
from tests.losses.cases import ALPHAS, CASES, IDS, SHAPES, data, fits

REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"]


def weights_for(values_shape, n, rng, dtype):
    """Return no weights, one for each of n samples, and one a value, as far as they fit."""
    shapes = [None, (n,), values_shape] if values_shape[:1] == (n,) else [None] if values_shape else [None, (n,)]
    return [None if s is None else rng.uniform(0.5, 2, s).astype(dtype) for s in shapes]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES[:5], ids=str)
@pytest.mark.parametrize(("name", "settings", "kind"), CASES, ids=IDS)
def test_gradients(name, settings, kind, shape, reduction, rng):
    if not fits(settings, kind, shape):
        pytest.skip("no such data")
    loss = getattr(losses, name)(reduction=reduction, **settings)
    y_true, y_pred = data(kind, shape, rng, settings.get("axis", -1))
    for weights in weights_for(np.shape(loss.call(y_true, y_pred)), len(y_pred), rng, "float64"):
        value, gradient = loss.value_and_gradient(y_true, y_pred, weights)
        np.testing.assert_array_equal(value, loss(y_true, y_pred, weights))
        assert gradient.shape == y_pred.shape and gradient.dtype == "float64"

        def total(p, weights=weights):
            return np.asarray(loss(y_true, p, weights)).sum()

        check_gradients(total, [y_pred], np.float64(1), [gradient], samples=6)


def test_every_loss_is_among_them():
    classes = {name for name in losses.__all__ if isinstance(getattr(losses, name), type)}
    assert classes - {name for name, *_ in CASES} == {"Loss", "LossFunctionWrapper"}
    assert {cls.__name__ for cls in lowering.KERNELS} <= classes


def test_one_weight_for_each_class(rng):
    loss = losses.CategoricalFocalCrossentropy(alpha=ALPHAS, reduction="sum")
    y_true, y_pred = data("classes", (5, 10), rng)
    _, gradient = loss.value_and_gradient(y_true, y_pred)
    check_gradients(lambda p: loss(y_true, p), [y_pred], np.float64(1), [gradient])


def trained(loss, y_true, y_pred, weights, threads=1):
    """Return total and gradient as the op of a loss computes them in training."""
    op = lowering.lower(loss, y_pred.ndim)
    site = op.site(y_pred.shape, [], y_pred.dtype, thread_count=threads)
    shape = None if weights is None else weights.shape[1:]
    site.__dict__.update(ops.loss_buffers(op, y_pred.shape, y_pred.dtype, shape))
    site.targets[...] = np.reshape(y_true, site.targets.shape)
    if weights is not None:
        site.weights[...] = weights
    site.op, site.weighted = op, weights is not None
    site.x, site.scale[0] = y_pred, lowering.scale(loss, site)
    guard = between_guards(site)
    run(op.forward(site))
    guard.check(repr(op))
    return op, site.total[0], site.dx


def between_guards(site):
    """Put the arrays of a loss between guard bytes; what it is to write holds no number yet."""
    guard, dtype = Guarded(), site.x.dtype
    for name in ("x", "targets", "weights", "scale"):
        array = getattr(site, name)
        setattr(site, name, guard.copy(array, array.dtype, 1))
    for name in {"losses", "total", "probabilities"} & site.__dict__.keys():
        array = getattr(site, name)
        setattr(site, name, guard.empty(array.shape, array.dtype, 1))
    site.dx = guard.empty(site.x.shape, dtype, 1)
    return guard


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "settings", "kind"), CASES, ids=IDS)
def test_training_ops(name, settings, kind, shape, variant, rng):
    if not fits(settings, kind, shape):
        pytest.skip("no such data")
    for dtype, tolerance in (("float32", 2e-5), ("float64", 1e-12)):
        y_true, y_pred = data(kind, shape, rng, settings.get("axis", -1), dtype)
        for reduction in REDUCTIONS[:3]:
            loss = getattr(losses, name)(reduction=reduction, **settings)
            for weights in weights_for(np.shape(loss.call(y_true, y_pred)), len(y_pred), rng, dtype):
                _, total, gradient = trained(loss, y_true, y_pred, weights)
                expected, slopes = loss.value_and_gradient(y_true, y_pred, weights)
                np.testing.assert_allclose(total, expected, rtol=tolerance, atol=tolerance)
                size = np.abs(slopes).max()
                np.testing.assert_allclose(gradient, slopes, rtol=10 * tolerance, atol=tolerance * size)


@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "Hinge", "SquaredHinge", "Huber"])
@pytest.mark.parametrize("shape", [(7, 4), (3, 5, 7, 2), (700, 1), (3, 1024), (1, 512), (65, 8), (0, 4)], ids=str)
def test_small_integers_are_exact(name, shape, variant, rng):
    y_true, y_pred = (rng.integers(-8, 9, shape).astype("float32") for _ in range(2))
    loss = getattr(losses, name)(reduction="sum")
    _, total, gradient = trained(loss, y_true, y_pred * shape[-1], None)
    exact, slopes = loss.value_and_gradient(y_true.astype("f8"), y_pred.astype("f8") * shape[-1])
    np.testing.assert_array_equal(gradient * shape[-1], np.float32(slopes * shape[-1]).round())
    np.testing.assert_allclose(total, exact, rtol=1e-6)


@pytest.mark.parametrize("name", ["Huber", "BinaryFocalCrossentropy", "KLDivergence", "Hinge"])
@pytest.mark.parametrize("shape", [(50_000, 3), (3, 60_000), (200_000, 1)], ids=str)
def test_any_number_of_threads_gives_the_same_bits(name, shape, rng):
    y_true, y_pred = data("answers", shape, rng, dtype="float32")
    loss = getattr(losses, name)()
    _, total, gradient = trained(loss, y_true, y_pred, None)
    for threads in (2, 3, 7):
        again = trained(loss, y_true, y_pred, None, threads=threads)
        assert again[1] == total
        np.testing.assert_array_equal(again[2], gradient)


@pytest.mark.parametrize(("name", "settings", "kind"), CASES, ids=IDS)
def test_nan_is_not_swallowed(name, settings, kind, rng):
    if name == "Circle":
        pytest.skip("a batch is compared as a whole")
    shape = (3, 4)
    y_true, y_pred = data(kind, shape, rng, settings.get("axis", -1), "float32")
    y_pred[1] = np.nan
    if settings.get("ignore_class") is not None:
        y_true = np.full_like(y_true, 2)
    loss = getattr(losses, name)(**settings)
    assert np.isnan(trained(loss, y_true, y_pred, None)[1])
    assert np.isnan(loss(y_true, y_pred))


@pytest.mark.parametrize("name", ["KLDivergence", "BinaryCrossentropy", "BinaryFocalCrossentropy"])
def test_certainty_has_finite_losses_and_no_slope(name):
    y_pred, y_true = np.array([[0.0, 1.0, 0.0, 1.0]], "float32"), np.array([[0, 1, 1, 0]], "float32")
    _, total, gradient = trained(getattr(losses, name)(), y_true, y_pred, None)
    assert np.isfinite(total) and np.isfinite(gradient).all()


def test_large_logits_stay_finite():
    y_pred, y_true = np.array([[1000.0, -1000.0, 1000.0]], "float32"), np.array([[1, 0, 0]], "float32")
    for loss in (losses.BinaryCrossentropy(from_logits=True), losses.BinaryFocalCrossentropy(from_logits=True)):
        _, total, gradient = trained(loss, y_true, y_pred, None)
        assert np.isfinite(total) and np.isfinite(gradient).all()
    _, total, gradient = trained(losses.LogCosh(), y_true, y_pred, None)
    assert np.isfinite(total) and np.abs(gradient).max() <= 1 / 3 + 1e-7


def test_labels_of_hinge_are_signs_if_all_of_the_batch_are_binary():
    y_pred = np.array([[0.5], [0.5]], "float32")
    assert trained(losses.Hinge(), np.array([[0.0], [1.0]]), y_pred, None)[1] == 1.0
    assert trained(losses.Hinge(), np.array([[0.0], [2.0]]), y_pred, None)[1] == 0.5


EDGES = np.array([[0.0, 1e-9, 0.3, 1 - 1e-9, 1.0, 0.5], [1.0, 0.0, 1.5, -0.5, 2.0, 1e-7]])
HALVES = np.array([[0.0, 1.0, 1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    ("loss", "y_pred"),
    [
        (losses.KLDivergence(), EDGES),
        (losses.BinaryCrossentropy(), EDGES[:1]),
        (losses.BinaryFocalCrossentropy(gamma=0.5), EDGES[:1]),
        (losses.BinaryFocalCrossentropy(gamma=0), EDGES[:1]),
        (losses.BinaryFocalCrossentropy(gamma=0.5, from_logits=True), 40 * (EDGES - 0.5)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_predictions_that_are_cut_off(loss, y_pred, variant):
    """At and beyond the ends of what has a logarithm: no slope where the loss stays the same, nothing infinite."""
    y_true = HALVES[: len(y_pred)]
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-9)):
        _, expected = loss.value_and_gradient(y_true, y_pred.astype(dtype))
        _, total, gradient = trained(loss, y_true, y_pred.astype(dtype), None)
        assert np.isfinite(gradient).all() and np.isfinite(total)
        np.testing.assert_array_equal(gradient == 0, expected == 0)
        np.testing.assert_allclose(gradient, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
