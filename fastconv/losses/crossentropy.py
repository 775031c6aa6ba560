"""Losses of probabilities: sparse, categorical and binary cross-entropy.

Probabilities are divided by their sum and kept within epsilon (1e-7) of 0 and 1 before the logarithm. With
``from_logits=True`` the predictions are the numbers before softmax or sigmoid, and nothing is cut off.
"""

import numbers

import numpy as np

from fastconv.losses.base import Loss, as_floats
from fastconv.losses.shapes import aligned, check_range, class_axis, sparse_labels
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


def check_smoothing(name, label_smoothing):
    """Return `label_smoothing` if it is in [0, 1].

    Parameters
    ----------
    name : str
        The loss, for messages.
    label_smoothing : float
        The value.

    Returns
    -------
    float
        The value.

    Raises
    ------
    ValueError
        If it is out of range.

    Examples
    --------
    >>> check_smoothing("loss", 0.1)
    0.1
    """
    if not isinstance(label_smoothing, numbers.Real) or not 0 <= label_smoothing <= 1:
        raise ValueError(f"{name}: label_smoothing={label_smoothing!r} is not between 0 and 1.")
    return label_smoothing


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
    name = "sparse_categorical_crossentropy"
    y_pred = as_floats(y_pred)
    labels = sparse_labels(name, y_true, y_pred, axis)
    ignored = None
    if ignore_class is not None:
        ignored = labels == ignore_class
        labels = np.where(ignored, 0, labels)
    axis_ = class_axis(name, y_pred, axis)
    check_range(name, labels, y_pred.shape[axis_], axis)
    values = _of_labels(y_pred, np.expand_dims(labels, axis_), from_logits, axis_)
    if ignored is not None:
        values[ignored] = 0
    return values


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
    name = "categorical_crossentropy"
    y_true, y_pred = aligned(name, y_true, y_pred)
    axis = class_axis(name, y_pred, axis)
    if y_pred.shape[axis] == 1:
        raise ValueError(
            f"{name}: y_pred has shape {y_pred.shape}, a single class along axis {axis}, so the loss would "
            "always be 0. For one probability per sample use binary_crossentropy."
        )
    if check_smoothing(name, label_smoothing):
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    logs = _log_probabilities(y_pred, from_logits, axis)
    logs *= y_true
    return np.asarray(-np.sum(logs, axis=axis))


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
    name = "binary_crossentropy"
    y_true, y_pred = aligned(name, y_true, y_pred)
    axis = class_axis(name, y_pred, axis)
    if y_true.size and not (y_true.min() >= 0 and y_true.max() <= 1):
        wrong = y_true[~((y_true >= 0) & (y_true <= 1))].flat[0]
        raise ValueError(f"{name}: y_true holds {wrong!s}; expected labels between 0 and 1.")
    if check_smoothing(name, label_smoothing):
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        values = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
    else:
        p = _clip(y_pred.copy())
        values = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.asarray(np.mean(values, axis=axis))


class SparseCategoricalCrossentropy(Loss):
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

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def call(self, y_true, y_pred):
        """Return one value per label; see `Loss`.

        Examples
        --------
        >>> SparseCategoricalCrossentropy().call([0], [[0.5, 0.5]])
        array([0.6931472], dtype=float32)
        """
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)

    def valid(self, y_true, y_pred):
        """Return where the label is not the ignored one; see `Loss`.

        Examples
        --------
        >>> SparseCategoricalCrossentropy(ignore_class=2).valid(np.array([2, 0]), np.ones((2, 3)))
        array([False,  True])
        """
        if self.ignore_class is None:
            return None
        return sparse_labels(self.name, y_true, y_pred, self.axis) != self.ignore_class

    def get_config(self):
        """Return the arguments; see `Loss`.

        Examples
        --------
        >>> SparseCategoricalCrossentropy(from_logits=True).get_config()["from_logits"]
        True
        """
        own = {"from_logits": self.from_logits, "ignore_class": self.ignore_class, "axis": self.axis}
        return {**super().get_config(), **own}


class CategoricalCrossentropy(Loss):
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
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = check_smoothing("CategoricalCrossentropy", label_smoothing)
        self.axis = axis

    def call(self, y_true, y_pred):
        """Return one value per distribution; see `Loss`.

        Examples
        --------
        >>> CategoricalCrossentropy().call([[1, 0]], [[0.5, 0.5]])
        array([0.6931472], dtype=float32)
        """
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)

    def get_config(self):
        """Return the arguments; see `Loss`.

        Examples
        --------
        >>> CategoricalCrossentropy().get_config()["label_smoothing"]
        0.0
        """
        own = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": self.axis}
        return {**super().get_config(), **own}


class BinaryCrossentropy(Loss):
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
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = check_smoothing("BinaryCrossentropy", label_smoothing)
        self.axis = axis

    def call(self, y_true, y_pred):
        """Return one value per sample; see `Loss`.

        Examples
        --------
        >>> BinaryCrossentropy().call([[1]], [[0.5]])
        array([0.6931472], dtype=float32)
        """
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)

    def get_config(self):
        """Return the arguments; see `Loss`.

        Examples
        --------
        >>> BinaryCrossentropy(label_smoothing=0.2).get_config()["label_smoothing"]
        0.2
        """
        own = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": self.axis}
        return {**super().get_config(), **own}
