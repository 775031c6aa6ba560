"""Yes-or-no metrics at given thresholds: the four counts, precision and recall."""

from fastconv.layers.layer import count
from fastconv.metrics.base import Metric
from fastconv.metrics.outcomes import NONE_OF_THE_BEST, Thresholds, count_outcomes, parse_thresholds, ratio


class OutcomeMetric(Metric):
    """What metrics made of counts share: a variable for each kind of outcome that they need, one value a threshold.

    Parameters
    ----------
    thresholds : list of float
        What counts as yes.
    name, dtype
        See `Metric`.
    made : bool
        See `Thresholds`.

    Examples
    --------
    >>> [variable.name for variable in Precision().variables]
    ['true_positives', 'false_positives']
    """

    kinds = ()  # fields of `Outcomes`
    top_k = class_id = None
    names = None  # of the variables, if not those of the kinds

    def __init__(self, thresholds, name, dtype, made=False):
        super().__init__(dtype, name)
        self._thresholds = Thresholds(thresholds, made)
        self._add_counts((len(thresholds),))

    def _add_counts(self, shape):
        for kind, name in zip(self.kinds, self.names or self.kinds, strict=True):
            setattr(self, kind, self.add_variable(shape, "zeros", "float64", name=name))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch.

        Parameters
        ----------
        y_true : array_like
            Labels; all but 0 means yes.
        y_pred : array_like
            Predictions, in the same shape.
        sample_weight : array_like, optional
            Weights whose axes are the first axes of the predictions.

        Raises
        ------
        ValueError
            If shapes or weights do not fit.

        Examples
        --------
        >>> TruePositives().update_state([1, 0], [0.9, 0.1])
        """
        self._add(y_true, y_pred, sample_weight, top_k=self.top_k, class_id=self.class_id)

    def _add(self, y_true, y_pred, sample_weight, **settings):
        counts = count_outcomes(self.name, y_true, y_pred, self._thresholds, sample_weight, **settings)
        for kind in self.kinds:
            getattr(self, kind).array[...] += getattr(counts, kind)

    def _counts(self, *kinds):
        return [getattr(self, kind).array for kind in kinds]

    def _values(self, values):
        """Return one number for one threshold, else an array."""
        return self._float(values[0] if len(values) == 1 else values)


class _Count(OutcomeMetric):
    """One of the four counts."""

    names = ("accumulator",)

    def __init__(self, thresholds=None, name=None, dtype=None):
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(type(self).__name__, thresholds, 0.5)
        super().__init__(self.thresholds, name, dtype)

    def result(self):
        """Return the count so far, or one for each threshold.

        Examples
        --------
        >>> print(TruePositives().result())
        0.0
        """
        return self._values(*self._counts(*self.kinds))

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> TruePositives(thresholds=0.3).get_config()["thresholds"]
        0.3
        """
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How often yes was said rightly.

    Parameters
    ----------
    thresholds : float or list of float, optional
        What counts as yes lies above it; 0.5 by default. Several give an array.
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(TruePositives()([0, 1, 1, 1], [0.9, 0.1, 0.9, 0.9]))
    2.0
    """

    kinds = ("true_positives",)


class TrueNegatives(_Count):
    """How often no was said rightly.

    Parameters
    ----------
    thresholds, name, dtype
        See `TruePositives`.

    Examples
    --------
    >>> print(TrueNegatives()([0, 1, 0, 0], [0.9, 0.1, 0.1, 0.1]))
    2.0
    """

    kinds = ("true_negatives",)


class FalsePositives(_Count):
    """How often yes was said wrongly.

    Parameters
    ----------
    thresholds, name, dtype
        See `TruePositives`.

    Examples
    --------
    >>> print(FalsePositives()([0, 1, 0, 0], [0.9, 0.1, 0.1, 0.9]))
    2.0
    """

    kinds = ("false_positives",)


class FalseNegatives(_Count):
    """How often no was said wrongly.

    Parameters
    ----------
    thresholds, name, dtype
        See `TruePositives`.

    Examples
    --------
    >>> print(FalseNegatives()([0, 1, 1, 1], [0.9, 0.1, 0.1, 0.9]))
    2.0
    """

    kinds = ("false_negatives",)


class _Share(OutcomeMetric):
    """The share of the true positives in something."""

    _direction = "up"

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        self.init_thresholds = thresholds
        for argument, value, least in (("top_k", top_k, 1), ("class_id", class_id, 0)):
            if value is not None:
                count(type(self).__name__, argument, value, least)
        self.top_k = top_k
        self.class_id = class_id
        default = 0.5 if top_k is None else NONE_OF_THE_BEST
        self.thresholds = parse_thresholds(type(self).__name__, thresholds, default)
        super().__init__(self.thresholds, name, dtype)

    def result(self):
        """Return the share so far, 0 of nothing; one for each threshold, if there are several.

        Examples
        --------
        >>> print(Precision().result())
        0.0
        """
        right, other = self._counts(*self.kinds)
        return self._values(ratio(right, right + other))

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> Recall(top_k=2).get_config()["top_k"]
        2
        """
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_Share):
    """The share of right answers among those that say yes.

    Parameters
    ----------
    thresholds : float or list of float, optional
        What counts as yes lies above it; 0.5 by default, or anything with `top_k`. Several give an array.
    top_k : int, optional
        Only the k largest predictions of each sample may be yes.
    class_id : int, optional
        Only this class counts.
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(Precision()([0, 1, 1, 1], [0.9, 0.1, 0.9, 0.9]).round(4))
    0.6667
    """

    kinds = ("true_positives", "false_positives")


class Recall(_Share):
    """The share of what is true that was found.

    Parameters
    ----------
    thresholds, top_k, class_id, name, dtype
        See `Precision`.

    Examples
    --------
    >>> print(Recall()([0, 1, 1, 1], [0.9, 0.1, 0.9, 0.9]).round(4))
    0.6667
    """

    kinds = ("true_positives", "false_negatives")
