"""Losses of probabilities: sparse, categorical and binary cross-entropy.

Probabilities are divided by their sum and kept within epsilon (1e-7) of 0 and 1 before the logarithm. With
``from_logits=True`` the predictions are the numbers before softmax or sigmoid, and nothing is cut off.
"""

import numpy as np

from fastconv.losses.labels import answers, check_range, check_smoothing, distributions, sparse_labels
from fastconv.losses.reduction import as_floats
from fastconv.losses.shapes import class_axis
from fastconv.losses.wrapper import NamedLoss, mean_backward, way_back_of
from fastconv.ops.reference import (
    binary_cross_entropy_backward,
    binary_cross_entropy_from_logits_backward,
    row_loss,
)
from fastconv.runtime import settings


def _clip(probabilities):
    epsilon = settings.epsilon()
    return np.clip(probabilities, epsilon, 1 - epsilon, out=probabilities)


def _log_softmax(logits, axis):
    shifted = logits - np.max(logits, axis=axis, keepdims=True)
    shifted -= np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return shifted


def _log_probabilities(y_pred, from_logits, axis):
    """Return the logarithms of the probabilities that `y_pred` stands for, in a new array."""
    if from_logits:
        return _log_softmax(y_pred, axis)
    with np.errstate(divide="ignore", invalid="ignore"):  # all zeros are no distribution: the loss is nan
        p = y_pred / np.sum(y_pred, axis=axis, keepdims=True)
    return np.log(_clip(p), out=p)


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """Return minus the logarithm of the probability given to the true class.

    Parameters
    ----------
    y_true : array_like of int
        Class indices, in the shape of `y_pred` without the axis of the classes (or with length 1 there).
    y_pred : array_like
        Probabilities or logits.
    from_logits : bool
        Whether `y_pred` are logits.
    ignore_class : int, optional
        A label whose samples give 0.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        One value per label.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a label is no class.

    Examples
    --------
    >>> sparse_categorical_crossentropy([1], [[0.2, 0.3, 0.1]])
    array([0.6931472], dtype=float32)
    """
    y_pred, labels, ignored, axis = _labels(y_true, y_pred, ignore_class, axis)
    values = _of_labels(y_pred, labels, from_logits, axis)
    if ignored is not None:
        values[ignored] = 0
    return values


@way_back_of(sparse_categorical_crossentropy)
def _sparse_backward(dvalues, y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    y_pred, labels, ignored, axis = _labels(y_true, y_pred, ignore_class, axis)
    targets = np.zeros_like(y_pred)
    np.put_along_axis(targets, labels, 1, axis)
    if ignored is not None:
        dvalues = np.where(ignored, 0, dvalues)
    return row_loss.cross_entropy_backward(dvalues, y_pred, targets, axis, from_logits, settings.epsilon())


def _labels(y_true, y_pred, ignore_class, axis):
    """Return predictions, labels with an axis of length 1 for the classes, which are ignored (or None), and the axis.

    Ignored labels are 0.
    """
    name = "sparse_categorical_crossentropy"
    y_pred = as_floats(y_pred)
    labels = sparse_labels(name, y_true, y_pred, axis)
    ignored = None
    if ignore_class is not None:
        ignored = labels == ignore_class
        labels = np.where(ignored, 0, labels)
    axis_ = class_axis(name, y_pred, axis)
    check_range(name, labels, y_pred.shape[axis_], axis)
    return y_pred, np.expand_dims(labels, axis_), ignored, axis_


def _of_labels(y_pred, labels, from_logits, axis):
    """Return minus the log-probabilities of the labels, without those of the other classes."""
    chosen = np.take_along_axis(y_pred, labels, axis)
    if from_logits:
        top = np.max(y_pred, axis=axis, keepdims=True)
        values = np.log(np.sum(np.exp(y_pred - top), axis=axis, keepdims=True)) + top - chosen
    else:
        with np.errstate(divide="ignore", invalid="ignore"):  # all zeros are no distribution: the loss is nan
            p = chosen / np.sum(y_pred, axis=axis, keepdims=True)
        values = -np.log(_clip(p))
    return np.squeeze(values, axis)


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Return the cross-entropy between distributions over classes.

    Parameters
    ----------
    y_true : array_like
        One-hot or soft labels in the shape of `y_pred`.
    y_pred : array_like
        Probabilities or logits.
    from_logits : bool
        Whether `y_pred` are logits.
    label_smoothing : float
        How much of each label is spread evenly over the classes.
    axis : int
        The axis of the classes. (Label smoothing counts the classes along it, whichever axis it is.)

    Returns
    -------
    ndarray
        One value per distribution.

    Raises
    ------
    ValueError
        If the shapes differ or `label_smoothing` is out of range.

    Examples
    --------
    >>> categorical_crossentropy([[0, 1, 0]], [[0.2, 0.3, 0.1]])
    array([0.6931472], dtype=float32)
    """
    y_true, y_pred, axis = distributions("categorical_crossentropy", y_true, y_pred, label_smoothing, axis)
    logs = _log_probabilities(y_pred, from_logits, axis)
    logs *= y_true
    return np.asarray(-np.sum(logs, axis=axis))


@way_back_of(categorical_crossentropy)
def _categorical_backward(dvalues, y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    y_true, y_pred, axis = distributions("categorical_crossentropy", y_true, y_pred, label_smoothing, axis)
    return row_loss.cross_entropy_backward(dvalues, y_pred, y_true, axis, from_logits, settings.epsilon())


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Return the cross-entropy of yes-or-no labels, averaged over `axis`.

    Parameters
    ----------
    y_true : array_like
        Labels between 0 and 1.
    y_pred : array_like
        Probabilities or logits of 1.
    from_logits : bool
        Whether `y_pred` are logits.
    label_smoothing : float
        How far labels are moved towards 1/2.
    axis : int
        The axis over which the mean is taken.

    Returns
    -------
    ndarray
        One value per sample.

    Raises
    ------
    ValueError
        If the shapes differ, labels are not between 0 and 1, or `label_smoothing` is out of range.

    Examples
    --------
    >>> binary_crossentropy([[1], [0]], [[0.5], [0.5]])
    array([0.6931472, 0.6931472], dtype=float32)
    """
    y_true, y_pred, axis = answers("binary_crossentropy", y_true, y_pred, label_smoothing, axis)
    if from_logits:
        values = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
    else:
        p = _clip(y_pred.copy())
        values = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.asarray(np.mean(values, axis=axis))


@way_back_of(binary_crossentropy)
def _binary_backward(dvalues, y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    y_true, y_pred, axis = answers("binary_crossentropy", y_true, y_pred, label_smoothing, axis)
    if from_logits:
        slopes = binary_cross_entropy_from_logits_backward(y_pred, y_true)
    else:
        slopes = binary_cross_entropy_backward(y_pred, y_true, epsilon=settings.epsilon())
    return mean_backward(dvalues, slopes, axis)


class SparseCategoricalCrossentropy(NamedLoss):
    """Cross-entropy with integer labels.

    Parameters
    ----------
    from_logits, ignore_class, axis
        See `sparse_categorical_crossentropy`; samples of the ignored class are no part of a mean.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> loss = SparseCategoricalCrossentropy(from_logits=True)
    >>> print(loss([0, 1], [[0.0, 0.0], [0.0, 0.0]]))
    0.6931472
    """

    takes_labels = True

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        settings = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **settings)

    def valid(self, y_true, y_pred, values):
        """Return where the label is not the ignored one; see `Loss`.

        Examples
        --------
        >>> SparseCategoricalCrossentropy(ignore_class=2).valid(np.array([2, 0]), np.ones((2, 3)), np.zeros(2))
        array([False,  True])
        """
        if self.ignore_class is None:
            return None
        return sparse_labels(self.name, y_true, y_pred, self.axis) != self.ignore_class


class CategoricalCrossentropy(NamedLoss):
    """Cross-entropy with one-hot or soft labels.

    Parameters
    ----------
    from_logits, label_smoothing, axis
        See `categorical_crossentropy`.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> loss = CategoricalCrossentropy(label_smoothing=0.1)
    >>> print(loss([[0, 1]], [[0.5, 0.5]]))
    0.6931472
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        check_smoothing("CategoricalCrossentropy", label_smoothing)
        settings = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **settings)


class BinaryCrossentropy(NamedLoss):
    """Cross-entropy with yes-or-no labels.

    Parameters
    ----------
    from_logits, label_smoothing, axis
        See `binary_crossentropy`.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(BinaryCrossentropy()([[1], [0]], [[0.5], [0.5]]))
    0.6931472
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        check_smoothing("BinaryCrossentropy", label_smoothing)
        settings = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **settings)
