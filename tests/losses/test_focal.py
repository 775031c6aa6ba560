"""Focal losses by their formulas, with the defaults and without."""

import numpy as np
import pytest

from fastconv import losses

P = np.array([[0.9, 0.2, 0.6], [0.3, 0.5, 0.1]])
Y = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
TRUTH = np.where(Y == 1, P, 1 - P)  # the probability of what is true


@pytest.mark.parametrize("gamma", [None, 0.5])
def test_binary(gamma):
    settings = {} if gamma is None else {"gamma": gamma}
    expected = ((1 - TRUTH) ** settings.get("gamma", 2) * -np.log(TRUTH)).mean()
    assert losses.BinaryFocalCrossentropy(**settings)(Y, P) == pytest.approx(expected, rel=1e-6)
    assert losses.binary_focal_crossentropy(Y, P, **settings).mean() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("alpha", [None, 0.7])
def test_balanced(alpha):
    settings = {} if alpha is None else {"alpha": alpha}
    alpha = settings.get("alpha", 0.25)
    expected = (np.where(Y == 1, alpha, 1 - alpha) * (1 - TRUTH) ** 2 * -np.log(TRUTH)).mean()
    assert losses.BinaryFocalCrossentropy(True, **settings)(Y, P) == pytest.approx(expected, rel=1e-6)
    assert losses.binary_focal_crossentropy(Y, P, True, **settings).mean() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("alpha", [None, 0.5])
def test_categorical(alpha):
    settings = {} if alpha is None else {"alpha": alpha}
    p = P / P.sum(-1, keepdims=True)
    labels = np.eye(3)[[0, 1]]
    expected = (settings.get("alpha", 0.25) * (1 - p) ** 2 * -labels * np.log(p)).sum(-1).mean()
    assert losses.CategoricalFocalCrossentropy(**settings)(labels, P) == pytest.approx(expected, rel=1e-6)
    assert losses.categorical_focal_crossentropy(labels, P, **settings).mean() == pytest.approx(expected, rel=1e-6)
