"""Losses with a margin as metrics."""

from fastconv import losses
from fastconv.metrics.reduction import MeanMetricWrapper


class Hinge(MeanMetricWrapper):
    """How far label times prediction stays below 1, for labels of -1 and 1 or 0 and 1.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(Hinge()([[0], [1]], [[0.5], [0.5]]).round(4))
    1.0
    """

    _direction = "down"

    def __init__(self, name="hinge", dtype=None):
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The square of how far label times prediction stays below 1.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(SquaredHinge()([[0], [1]], [[0.5], [0.5]]).round(4))
    1.25
    """

    _direction = "down"

    def __init__(self, name="squared_hinge", dtype=None):
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """By how much the best wrong class comes within 1 of the right one.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(CategoricalHinge()([[1, 0]], [[0.5, 0.75]]).round(4))
    1.25
    """

    _direction = "down"

    def __init__(self, name="categorical_hinge", dtype=None):
        super().__init__(losses.categorical_hinge, name, dtype)
