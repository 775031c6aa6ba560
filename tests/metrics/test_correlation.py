"""Correlations and R2 against their formulas, row by row."""

import numpy as np
import pytest

from fastconv import metrics


def pearson(t, p):
    return np.corrcoef(t, p)[0, 1]


def concordance(t, p):
    return 2 * np.cov(t, p, bias=True)[0, 1] / (t.var() + p.var() + (t.mean() - p.mean()) ** 2)


@pytest.mark.parametrize(
    ("function", "cls", "formula"),
    [
        (metrics.pearson_correlation, metrics.PearsonCorrelation, pearson),
        (metrics.concordance_correlation, metrics.ConcordanceCorrelation, concordance),
    ],
)
def test_values_along_each_axis(function, cls, formula, rng):
    y_true = rng.standard_normal((5, 7))
    y_pred = y_true + rng.standard_normal((5, 7)) + 1.5
    rows = [formula(t, p) for t, p in zip(y_true, y_pred, strict=True)]
    columns = [formula(t, p) for t, p in zip(y_true.T, y_pred.T, strict=True)]
    for axis, expected in ((-1, rows), (0, columns)):
        np.testing.assert_allclose(function(y_true, y_pred, axis=axis), expected, rtol=1e-5)
    np.testing.assert_allclose(cls()(y_true, y_pred), np.mean(rows), rtol=1e-5)


@pytest.mark.parametrize("regressors", [0, 1, 3, 10, 11, 15])
def test_r2_is_adjusted_for_the_number_of_regressors(regressors, rng):
    y_true = rng.standard_normal((12, 1))
    y_pred = y_true + 0.3 * rng.standard_normal((12, 1))
    r2 = 1 - ((y_true - y_pred) ** 2).sum() / ((y_true - y_true.mean()) ** 2).sum()
    metric = metrics.R2Score(num_regressors=regressors)
    if 0 < regressors < 11:
        expected = 1 - (1 - r2) * 11 / (12 - regressors - 1)
        np.testing.assert_allclose(metric(y_true, y_pred), expected, rtol=1e-5)
    elif regressors == 0:
        np.testing.assert_allclose(metric(y_true, y_pred), r2, rtol=1e-5)
    else:  # too many for as many samples: not adjusted, and it says so
        with pytest.warns(UserWarning, match="are too many for 12 values"):
            np.testing.assert_allclose(metric(y_true, y_pred), r2, rtol=1e-5)
