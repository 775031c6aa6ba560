"""AUC by plain loops: ranks, small steps along the curve, the gains one threshold at a time."""

import itertools

import numpy as np
import pytest

from fastconv import metrics


@pytest.fixture
def answers(rng):
    """Labels and scores on a grid, so that the thresholds between its places see every order."""
    y = rng.integers(0, 2, 60)
    return y, np.clip(rng.integers(0, 21, 60) + 4 * y, 0, 20) / 20


THRESHOLDS = (np.arange(20) + 0.5) / 20


def outcomes(y, p):
    """Return the true and false positives at each threshold, from everything to nothing, and the numbers of both."""
    points = [(((p > t) & (y == 1)).sum(), ((p > t) & (y == 0)).sum()) for t in (-1, *THRESHOLDS, 2)]
    return points, (y == 1).sum(), (y == 0).sum()


def test_roc_is_the_share_of_pairs_in_the_right_order(answers):
    y, p = answers
    above, below = p[y == 1][:, None], p[y == 0]
    expected = ((above > below) + 0.5 * (above == below)).mean()
    assert metrics.AUC(thresholds=THRESHOLDS)(y, p) == pytest.approx(expected, rel=1e-6)


def test_precision_recall_where_false_positives_grow_evenly_with_true_ones(answers):
    y, p = answers
    points, positives, _ = outcomes(y, p)
    area = 0
    for (tp, fp), (next_tp, next_fp) in itertools.pairwise(points):
        way = (np.arange(20000) + 0.5) / 20000
        true, false = next_tp + way * (tp - next_tp), next_fp + way * (fp - next_fp)
        if tp > next_tp:
            area += (true / (true + false)).mean() * (tp - next_tp) / positives
    assert metrics.AUC(curve="PR", thresholds=THRESHOLDS)(y, p) == pytest.approx(area, rel=1e-5)


@pytest.mark.parametrize(
    ("method", "height"), [("interpolation", lambda a, b: (a + b) / 2), ("minoring", min), ("majoring", max)]
)
def test_gains(answers, method, height):
    y, p = answers
    points, positives, negatives = outcomes(y, p)
    odds = positives / negatives
    gains = [(max(0, 1 - odds * (positives - tp) / tp), 1 - odds * fp / tp) if tp else (0.0, 1.0) for tp, fp in points]
    area = sum((x - next_x) * height(g, next_g) for (x, g), (next_x, next_g) in itertools.pairwise(gains))
    got = metrics.AUC(curve="PRGAIN", summation_method=method, thresholds=THRESHOLDS)(y, p)
    assert got == pytest.approx(area, rel=1e-5)
