"""Counting right and wrong answers at many thresholds in one pass: what precision, recall and AUC are made of."""

import numbers
from typing import NamedTuple

import numpy as np

from fastconv.losses.reduction import as_floats, fit_weights
from fastconv.losses.shapes import same_shape
from fastconv.runtime import settings

NONE_OF_THE_BEST = -1e10  # what predictions below the `top_k` best become; the threshold is there by default, too


class Thresholds:
    """Numbers above which a prediction counts as yes, and the fast way to find how many of them it exceeds.

    Thresholds that lie evenly between 0 and 1 are compared as Keras does it: a prediction is cut off at 0 and 1 and
    multiplied by the number of steps.

    Parameters
    ----------
    values : sequence of float
        The thresholds.
    made : bool
        Whether they are those of `even_thresholds`, of which two lie evenly, too.

    Examples
    --------
    >>> Thresholds([0.5, 0.2]).exceeded(np.array([0.1, 0.3, 0.9]))
    array([0, 1, 2])
    """

    def __init__(self, values, made=False):
        self.values = np.array(values, np.float64)
        steps = len(self.values) - 1
        epsilon = settings.epsilon()
        inner = np.clip(self.values, 0, 1) if abs(self.values[0]) <= 2 * epsilon else self.values
        self.even = steps >= (1 if made else 2) and np.allclose(inner, np.arange(steps + 1) / steps, atol=epsilon)
        self.below_zero = self.values[0] < 0  # then 0 exceeds the first one
        self.order = None if (np.diff(self.values) >= 0).all() else np.argsort(self.values, kind="stable")

    def __len__(self):
        return len(self.values)

    def exceeded(self, y_pred):
        """Return how many thresholds each prediction exceeds; NaN exceeds none."""
        if self.even:
            y_pred = np.clip(np.nan_to_num(y_pred, nan=0.0), 0, 1)
            places = np.ceil(y_pred * y_pred.dtype.type(len(self) - 1)).astype(np.intp)
            return np.maximum(places, 1) if self.below_zero else places
        values = self.values.astype(y_pred.dtype)
        if len(values) == 1:
            return (y_pred > values[0]).astype(np.intp)
        places = np.searchsorted(values if self.order is None else values[self.order], y_pred, side="left")
        return np.where(np.isnan(y_pred), 0, places)

    def above(self, counts):
        """Return for each threshold the sum of `counts` (..., places) of those that exceed it."""
        sums = np.cumsum(counts[..., :0:-1], axis=-1)[..., ::-1]
        if self.order is None:
            return sums
        result = np.empty_like(sums)
        result[..., self.order] = sums
        return result


class Outcomes(NamedTuple):
    """Weights of yes rightly and wrongly said, and of no: arrays (thresholds,), or (thresholds, labels)."""

    true_positives: np.ndarray
    false_positives: np.ndarray
    true_negatives: np.ndarray
    false_negatives: np.ndarray


def count_outcomes(
    name,
    y_true,
    y_pred,
    thresholds,
    sample_weight=None,
    top_k=None,
    class_id=None,
    multi_label=False,
    label_weights=None,
):
    """Count right and wrong answers at each threshold.

    Parameters
    ----------
    name : str
        The metric, for messages.
    y_true : array_like
        Labels; all but 0 means yes.
    y_pred : array_like
        Predictions, in the same shape.
    thresholds : Thresholds
        What counts as yes.
    sample_weight : array_like, optional
        Weights whose axes are the first axes of the predictions.
    top_k : int, optional
        How many of the last axis may be yes.
    class_id : int, optional
        The only place of the last axis that counts.
    multi_label : bool
        Whether each place of the last axis is counted for itself.
    label_weights : array_like, optional
        Weights of the places of the last axis.

    Returns
    -------
    Outcomes
        The counts.

    Raises
    ------
    ValueError
        If shapes, weights, `top_k` or `class_id` do not fit.

    Examples
    --------
    >>> counts = count_outcomes("m", [0, 1, 1], [0.2, 0.4, 0.8], Thresholds([0.5]))
    >>> [int(count[0]) for count in counts]
    [1, 0, 1, 1]
    """
    y_true, y_pred = same_shape(name, np.asarray(y_true), as_floats(y_pred))
    weights = None if sample_weight is None else fit_weights(name, sample_weight, y_pred)
    if top_k is not None:
        y_pred = keep_best(name, y_pred, top_k)
    if class_id is not None:
        _check_class(name, class_id, y_pred)
        y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]
        if weights is not None and weights.ndim and weights.shape[-1] > 1:
            weights = weights[..., class_id, None]
    if label_weights is not None:
        label_weights = np.asarray(label_weights, np.float64)
        if label_weights.shape != y_pred.shape[-1:]:
            raise ValueError(
                f"{name}: label_weights has shape {label_weights.shape}; y_pred of shape {y_pred.shape} needs "
                f"{y_pred.shape[-1:]}."
            )
        weights = label_weights if weights is None else weights * label_weights
    return _count(y_true != 0, y_pred, thresholds, weights, multi_label)


def _count(yes, y_pred, thresholds, weights, multi_label):
    """Count in one bincount over label, threshold place and, with `multi_label`, column."""
    places = len(thresholds) + 1
    codes = thresholds.exceeded(y_pred) + np.where(yes, places, 0)
    columns = y_pred.shape[-1] if multi_label else 1
    if multi_label:
        codes = codes + np.arange(columns) * (2 * places)
    if weights is not None:
        weights = np.broadcast_to(weights, y_pred.shape).reshape(-1)
    counts = np.bincount(codes.reshape(-1), weights, minlength=2 * places * columns).reshape(columns, 2, places)
    above = thresholds.above(counts.astype(np.float64))
    total = counts.sum(axis=-1, dtype=np.float64)[..., None]
    below = total - above
    outcomes = above[:, 1], above[:, 0], below[:, 0], below[:, 1]
    return Outcomes(*(part.T if multi_label else part[0] for part in outcomes))


def keep_best(name, y_pred, k):
    """Return predictions in which all but the k best of the last axis are far below any threshold.

    Parameters
    ----------
    name : str
        The metric, for messages.
    y_pred : ndarray
        The predictions.
    k : int
        How many are kept; of equal ones the first.

    Returns
    -------
    ndarray
        A new array.

    Raises
    ------
    ValueError
        If there are fewer than k.

    Examples
    --------
    >>> keep_best("m", np.array([0.5, 0.5, 0.1]), 1)
    array([ 5.e-01, -1.e+10, -1.e+10])
    """
    if not _is_index(k) or not 1 <= k <= y_pred.shape[-1]:
        raise ValueError(
            f"{name}: top_k={k!r} is not an int between 1 and the {y_pred.shape[-1]} of y_pred's last axis."
        )
    best = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(y_pred, NONE_OF_THE_BEST)
    np.put_along_axis(kept, best, np.take_along_axis(y_pred, best, axis=-1), axis=-1)
    return kept


def _is_index(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_class(name, class_id, y_pred):
    if y_pred.ndim < 2:
        raise ValueError(
            f"{name}: class_id={class_id!r} needs y_pred of shape (batch, classes); its shape is {y_pred.shape}."
        )
    if not _is_index(class_id) or not -y_pred.shape[-1] <= class_id < y_pred.shape[-1]:
        raise ValueError(f"{name}: class_id={class_id!r} is not one of the {y_pred.shape[-1]} classes of y_pred.")


def parse_thresholds(name, thresholds, default):
    """Return thresholds as a list.

    Parameters
    ----------
    name : str
        The metric, for messages.
    thresholds : float or sequence of float, optional
        Numbers between 0 and 1.
    default : float
        What None means.

    Returns
    -------
    list of float
        The thresholds.

    Raises
    ------
    ValueError
        If one is not between 0 and 1.

    Examples
    --------
    >>> parse_thresholds("precision", None, 0.5), parse_thresholds("precision", [0.3, 0.6], 0.5)
    ([0.5], [0.3, 0.6])
    """
    if thresholds is None:
        return [default]
    values = list(thresholds) if np.iterable(thresholds) else [thresholds]
    wrong = [t for t in values if not isinstance(t, numbers.Real) or not 0 <= t <= 1]
    if wrong or not values:
        raise ValueError(f"{name}: thresholds={thresholds!r} holds {wrong}; expected numbers between 0 and 1.")
    return values


def even_thresholds(count):
    """Return numbers that lie evenly between 0 and 1, both ends included; for one, the middle.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    list of float
        The numbers.

    Examples
    --------
    >>> even_thresholds(3), even_thresholds(1)
    ([0.0, 0.5, 1.0], [0.5])
    """
    return [0.5] if count == 1 else [0.0, *((i + 1) * 1.0 / (count - 1) for i in range(count - 2)), 1.0]


def ratio(part, whole):
    """Return ``part / whole``, 0 where the whole is 0.

    Parameters
    ----------
    part, whole : array_like
        Numbers.

    Returns
    -------
    ndarray
        The ratios.

    Examples
    --------
    >>> ratio([1.0, 1.0], [2.0, 0.0])
    array([0.5, 0. ])
    """
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole != 0)
