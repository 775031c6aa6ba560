"""F-scores by their formula, class by class."""

import numpy as np
import pytest

from fastconv import metrics


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("average", [None, "macro", "micro", "weighted"])
def test_values(beta, average, rng):
    y, p = rng.integers(0, 2, (40, 3)), rng.random((40, 3))
    y[:, 2] *= rng.integers(0, 2, 40)
    answers = p > 0.4
    tp, fp, fn = (answers & (y == 1)).sum(0), (answers & (y == 0)).sum(0), (~answers & (y == 1)).sum(0)
    if average == "micro":
        tp, fp, fn = tp.sum(), fp.sum(), fn.sum()
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    expected = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    if average == "macro":
        expected = expected.mean()
    if average == "weighted":
        expected = np.average(expected, weights=tp + fn)
    got = metrics.FBetaScore(average=average, beta=beta, threshold=0.4)(y.astype(float), p)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
