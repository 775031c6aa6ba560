"""Intersection over union by sets of places, class by class."""

import numpy as np
import pytest

from fastconv import metrics


def by_sets(y, p, classes, weights, out=()):
    shares = []
    for c in classes:
        here = ~np.isin(y, out)
        union = weights[here & ((y == c) | (p == c))].sum()
        if union:
            shares.append(weights[here & (y == c) & (p == c)].sum() / union)
    return np.mean(shares) if shares else 0.0


@pytest.fixture
def images(rng):
    weights = rng.integers(1, 4, (2, 5, 6)).astype(float)
    y = rng.integers(0, 4, (2, 5, 6))
    return y, np.where(rng.random(y.shape) < 0.6, y, rng.integers(0, 4, y.shape)), weights


@pytest.mark.parametrize("classes", [[0], [1], [3], [0, 2], [1, 2, 3]], ids=str)
def test_some_classes(images, classes):
    y, p, weights = images
    expected = by_sets(y, p, classes, weights)
    assert metrics.IoU(4, classes)(y, p, weights) == pytest.approx(expected, rel=1e-6)


def test_all_classes_but_one_that_is_ignored_and_one_that_never_occurs(images):
    y, p, weights = images
    expected = by_sets(y, p, range(5), weights, out=[2])
    assert metrics.MeanIoU(5, ignore_class=2)(y, p, weights) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("outside", [-1, 4], ids=str)
def test_numbers_of_no_class_are_left_out(images, outside):
    y, p, weights = images
    expected = metrics.MeanIoU(4)(y, p, weights)
    beside = np.full_like(y, outside)
    for stranger in (np.stack([y, beside]), np.stack([p, p])), (np.stack([y, y]), np.stack([p, beside])):
        assert metrics.MeanIoU(4)(*stranger, np.stack([weights, weights])) == pytest.approx(expected, rel=1e-12)


def test_a_probability_at_the_threshold_is_above_it():
    assert metrics.BinaryIoU(target_class_ids=[1], threshold=0.5)([1, 0], [0.5, 0.25]) == pytest.approx(1.0)
