"""Tversky's loss by its formula, with the defaults and without."""

import numpy as np
import pytest

from fastconv import losses
from fastconv.losses import overlap

P = np.array([[0.9, 0.2, 0.6], [0.3, 0.5, 0.1]])
Y = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])


def by_hand(p, alpha=0.5, beta=0.5):
    common, missed, too_much = (Y * p).sum(), (Y * (1 - p)).sum(), ((1 - Y) * p).sum()
    return 1 - common / (common + alpha * missed + beta * too_much)


@pytest.mark.parametrize("settings", [{}, {"alpha": 0.2}, {"beta": 0.7}, {"alpha": 0.2, "beta": 0.7}], ids=str)
def test_tversky(settings):
    expected = by_hand(P, **settings)
    assert losses.Tversky(**settings)(Y, P) == pytest.approx(expected, rel=1e-6)
    assert losses.tversky(Y, P, **settings) == pytest.approx(expected, rel=1e-6)
    gradient = overlap._tversky_backward(np.ones(()), Y, P, **settings)
    for place in np.ndindex(P.shape):
        step = np.zeros_like(P)
        step[place] = 1e-6
        quotient = (by_hand(P + step, **settings) - by_hand(P - step, **settings)) / 2e-6
        assert gradient[place] == pytest.approx(quotient, rel=1e-5)
