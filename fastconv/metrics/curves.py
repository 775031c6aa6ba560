"""Yes-or-no metrics over all thresholds: the area under a curve, and the best point of it under a condition."""

import numbers

import numpy as np

from fastconv.layers.layer import count
from fastconv.metrics.confusion import OutcomeMetric
from fastconv.metrics.outcomes import Outcomes, even_thresholds, ratio
from fastconv.names import suggestion
from fastconv.ops.reference import sigmoid
from fastconv.runtime import settings


def _check_thresholds(owner, num_thresholds, least):
    whole = isinstance(num_thresholds, (int, np.integer)) and not isinstance(num_thresholds, bool)
    if not whole or num_thresholds < least:
        raise ValueError(f"{owner}: num_thresholds={num_thresholds!r} is not an int of at least {least}.")


class _BestPoint(OutcomeMetric):
    """The largest value of one rate where another is at least something."""

    _direction = "up"
    kinds = Outcomes._fields
    argument = ""  # what the condition is called
    wanted = condition = ()  # the rate to make large, and that of the condition: two kinds each

    def __init__(self, value, num_thresholds, class_id, name, dtype):
        owner = type(self).__name__
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= value <= 1:
            raise ValueError(f"{owner}: {self.argument}={value!r} is not a number between 0 and 1.")
        _check_thresholds(owner, num_thresholds, 1)
        setattr(self, self.argument, value)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = even_thresholds(num_thresholds)
        super().__init__(self.thresholds, name, dtype, made=True)

    def _rate(self, kinds):
        part, other = self._counts(*kinds)
        return ratio(part, part + other)

    def result(self):
        """Return the best value so far, 0 if the condition holds nowhere.

        Examples
        --------
        >>> print(PrecisionAtRecall(0.5).result())
        0.0
        """
        met = self._rate(self.condition) >= self.value
        return self._float(np.max(np.where(met, self._rate(self.wanted), 0.0), initial=0.0))

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> RecallAtPrecision(0.8).get_config()["precision"]
        0.8
        """
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds, self.argument: self.value}
        return {**super().get_config(), **own}


_SENSITIVITY = _RECALL = ("true_positives", "false_negatives")
_SPECIFICITY = ("true_negatives", "false_positives")
_PRECISION = ("true_positives", "false_positives")


class SensitivityAtSpecificity(_BestPoint):
    """The largest sensitivity (share of yes that is found) where the specificity (the same of no) is high enough.

    Parameters
    ----------
    specificity : float
        How high.
    num_thresholds : int
        How many thresholds are tried.
    class_id : int, optional
        Only this class counts.
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    argument, wanted, condition = "specificity", _SENSITIVITY, _SPECIFICITY

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_BestPoint):
    """The largest specificity (share of no that is found) where the sensitivity (the same of yes) is high enough.

    Parameters
    ----------
    sensitivity : float
        How high.
    num_thresholds, class_id, name, dtype
        See `SensitivityAtSpecificity`.

    Examples
    --------
    >>> print(SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]).round(4))
    0.6667
    """

    argument, wanted, condition = "sensitivity", _SPECIFICITY, _SENSITIVITY

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_BestPoint):
    """The largest precision where the recall is high enough.

    Parameters
    ----------
    recall : float
        How high.
    num_thresholds, class_id, name, dtype
        See `SensitivityAtSpecificity`.

    Examples
    --------
    >>> print(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    argument, wanted, condition = "recall", _PRECISION, _RECALL

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_BestPoint):
    """The largest recall where the precision is high enough.

    Parameters
    ----------
    precision : float
        How high.
    num_thresholds, class_id, name, dtype
        See `SensitivityAtSpecificity`.

    Examples
    --------
    >>> print(RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
    0.5
    """

    argument, wanted, condition = "precision", _RECALL, _PRECISION

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype)


def _roc(tp, fp, tn, fn):
    return ratio(fp, fp + tn), ratio(tp, tp + fn)


def _precision_recall(tp, fp, tn, fn):
    return ratio(tp, tp + fn), ratio(tp, tp + fp)


def _gains(tp, fp, tn, fn):
    """Precision and recall on a scale on which guessing is 0."""
    odds = ratio(tp + fn, tn + fp)
    recall = np.where(tp == 0, 0.0, 1 - odds * ratio(fn, tp))
    return np.maximum(recall, 0), np.where(tp == 0, 1.0, 1 - odds * ratio(fp, tp))


# curve -> function from the outcomes to x and y at each threshold; how two neighbours become the height between them
CURVES = {"ROC": _roc, "PR": _precision_recall, "PRGAIN": _gains}
HEIGHTS = {"interpolation": lambda a, b: (a + b) / 2, "minoring": np.minimum, "majoring": np.maximum}


def _choice(argument, value, table, spell):
    value = getattr(value, "value", value)
    found = spell(value) if isinstance(value, str) else value
    if not isinstance(found, str) or found not in table:
        raise ValueError(f"AUC: {argument}={value!r} is not one of {tuple(table)}.{suggestion(value, table)}")
    return found


class AUC(OutcomeMetric):
    """The area under a curve of true against false answers.

    Parameters
    ----------
    num_thresholds : int
        How many points of the curve are computed.
    curve : {"ROC", "PR", "PRGAIN"}
        Recall against the share of false alarms, precision against recall, or the gains of both.
    summation_method : {"interpolation", "minoring", "majoring"}
        What is between two points: a line (for "PR" the exact curve), the lower or the higher of both.
    name, dtype
        See `Metric`.
    thresholds : sequence of float, optional
        The thresholds between 0 and 1 themselves.
    multi_label : bool
        Whether each place of the last axis has a curve of its own; the areas are averaged.
    num_labels : int, optional
        How many places there are, with `multi_label`.
    label_weights : sequence of float, optional
        Weights of the places of the last axis.
    from_logits : bool
        Whether predictions are logits.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
    0.75
    """

    _direction = "up"
    kinds = Outcomes._fields

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        self.curve = _choice("curve", curve, CURVES, str.upper)
        self.summation_method = _choice("summation_method", summation_method, HEIGHTS, str.lower)
        if thresholds is None:
            _check_thresholds("AUC", num_thresholds, 2)
        if num_labels and not multi_label:
            raise ValueError(f"AUC: num_labels={num_labels!r} is only for multi_label=True.")
        if multi_label and num_labels is not None:
            count("AUC", "num_labels", num_labels)
        for threshold in () if thresholds is None else thresholds:
            if not isinstance(threshold, numbers.Real) or not 0 <= threshold <= 1:
                raise ValueError(
                    f"AUC: thresholds={thresholds!r} holds {threshold!r}; expected numbers between 0 and 1."
                )
        inner = even_thresholds(num_thresholds)[1:-1] if thresholds is None else sorted(thresholds)
        self._given = thresholds is not None
        self.num_thresholds = len(inner) + 2
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights, np.float64)
        epsilon = settings.epsilon()
        self._built = False
        super().__init__([0.0 - epsilon, *inner, 1.0 + epsilon], name, dtype, made=thresholds is None)
        if multi_label and num_labels:
            self._build(num_labels)

    def _add_counts(self, shape):
        if not self.multi_label:
            super()._add_counts(shape)

    def _build(self, labels):
        if self.label_weights is not None and self.label_weights.shape != (labels,):
            raise ValueError(
                f"{self.name}: label_weights has shape {self.label_weights.shape}; {labels} labels need ({labels},)."
            )
        super()._add_counts((self.num_thresholds, labels))
        self._built = True

    @property
    def thresholds(self):
        """All thresholds, those just outside of 0 and 1 among them."""
        return list(self._thresholds.values)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch; see `OutcomeMetric`.

        Examples
        --------
        >>> AUC().update_state([1, 0], [0.9, 0.1])
        """
        if self.multi_label:
            shape = np.shape(y_pred)
            if len(shape) != 2:
                raise ValueError(f"{self.name}: y_pred has shape {shape}; multi_label=True expects (batch, labels).")
            if not self._built:
                self._build(shape[1])
        if self.from_logits:
            y_pred = np.asarray(y_pred)
            y_pred = sigmoid(y_pred if y_pred.dtype.kind == "f" else y_pred.astype(settings.floatx()))
        label_weights = None if self.multi_label else self.label_weights
        self._add(y_true, y_pred, sample_weight, multi_label=self.multi_label, label_weights=label_weights)

    def result(self):
        """Return the area so far.

        Examples
        --------
        >>> print(AUC().result())
        0.0
        """
        if self.multi_label and not self._built:
            return self._float(0.0)
        counts = self._counts(*self.kinds)
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            areas = _interpolated(*counts)
        else:
            x, y = CURVES[self.curve](*counts)
            areas = (x[:-1] - x[1:]) * HEIGHTS[self.summation_method](y[:-1], y[1:])
        areas = areas.sum(axis=0)
        if not self.multi_label:
            return self._float(areas)
        if self.label_weights is None:
            return self._float(areas.mean())
        return self._float(ratio((areas * self.label_weights).sum(), self.label_weights.sum()))

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> AUC(curve="pr").get_config()["curve"]
        'PR'
        """
        own = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self.from_logits,
        }
        if self._given:
            own["thresholds"] = [float(value) for value in self.thresholds[1:-1]]
        return {**super().get_config(), **own}


def _interpolated(tp, fp, tn, fn):
    """Return the areas under precision against recall where true positives grow evenly with all (Davis, Goadrich)."""
    positives = tp + fp
    dtp, dp = tp[:-1] - tp[1:], positives[:-1] - positives[1:]
    slope = ratio(dtp, np.maximum(dp, 0))
    intercept = tp[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    growth = np.where(both, ratio(positives[:-1], np.maximum(positives[1:], 0)), 1.0)
    return ratio(slope * (dtp + intercept * np.log(growth)), np.maximum(tp[1:] + fn[1:], 0))
