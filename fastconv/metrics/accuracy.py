"""How often predictions are right, for every kind of labels.

The functions return 0.0 or 1.0 for each sample, as floats; the metrics count truth values and skip that step.
"""

import numbers

import numpy as np

from fastconv import kernels
from fastconv.losses.labels import sparse_labels
from fastconv.losses.shapes import aligned, same_shape
from fastconv.metrics.reduction import MeanMetricWrapper
from fastconv.names import spelled
from fastconv.runtime import settings


def _places(owner, k):
    """Return how many places count; raise ValueError unless it is a whole number above 0."""
    if isinstance(k, bool) or not isinstance(k, numbers.Integral) or k < 1:
        raise ValueError(f"{owner}: k={k!r} is not an integer above 0.")
    return int(k)


def _floats(matches):
    return np.asarray(matches, settings.floatx())


def _equal(y_true, y_pred):
    y_true, y_pred = same_shape("accuracy", np.asarray(y_true), np.asarray(y_pred))
    return np.equal(y_true, y_pred)


def _binary(y_true, y_pred, threshold):
    y_true, y_pred = aligned("binary_accuracy", y_true, y_pred)
    return np.equal(y_true, np.greater(y_pred, threshold))


def _categorical(y_true, y_pred):
    y_true, y_pred = same_shape("categorical_accuracy", np.asarray(y_true), np.asarray(y_pred))
    return np.equal(y_true.argmax(axis=-1), y_pred.argmax(axis=-1))


def _sparse(y_true, y_pred):
    y_pred = np.asarray(y_pred)
    return np.equal(sparse_labels("sparse_categorical_accuracy", y_true, y_pred), y_pred.argmax(axis=-1))


def _check_k(name, k, y_pred):
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= y_pred.shape[-1]:
        raise ValueError(f"{name}: k={k!r} is not an int between 1 and the {y_pred.shape[-1]} classes of y_pred.")


def _is_plain_batch(y_true, y_pred):
    """Tell whether these are class numbers and rows of scores as a kernel reads them."""
    arrays = isinstance(y_true, np.ndarray) and isinstance(y_pred, np.ndarray)
    return (
        arrays
        and y_true.dtype == np.intc
        and y_pred.dtype in (np.float32, np.float64)
        and y_true.shape == y_pred.shape[:-1]
        and y_true.ndim == 1
        and all(array.flags.c_contiguous and array.flags.aligned for array in (y_true, y_pred))
    )


def _among_best(labels, y_pred, k):
    """Tell whether fewer than `k` classes are rated above the label; labels that are no class never match."""
    classes = y_pred.shape[-1]
    exists = (labels >= 0) & (labels < classes)
    rating = np.take_along_axis(y_pred, np.where(exists, labels, 0)[..., None], axis=-1)
    return exists & np.isfinite(rating[..., 0]) & (np.count_nonzero(y_pred > rating, axis=-1) < k)


def _sparse_top_k(y_true, y_pred, k, from_sorted_ids):
    name = "sparse_top_k_categorical_accuracy"
    y_pred = np.asarray(y_pred)
    _check_k(name, k, y_pred)
    labels = sparse_labels(name, y_true, y_pred)
    if from_sorted_ids:
        return np.any(y_pred[..., :k] == labels[..., None], axis=-1)
    return _among_best(labels, y_pred, k)


def _top_k(y_true, y_pred, k):
    name = "top_k_categorical_accuracy"
    y_true, y_pred = same_shape(name, np.asarray(y_true), np.asarray(y_pred))
    _check_k(name, k, y_pred)
    return _among_best(y_true.argmax(axis=-1), y_pred, k)


@spelled
def accuracy(y_true, y_pred):
    """Return where labels and predictions are equal.

    Parameters
    ----------
    y_true, y_pred : array_like
        Labels and predicted labels, of one shape.

    Returns
    -------
    ndarray
        1.0 where they are equal, else 0.0.

    Examples
    --------
    >>> accuracy([1, 2], [1, 3])
    array([1., 0.], dtype=float32)
    """
    return _floats(_equal(y_true, y_pred))


@spelled
def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Return where yes-or-no labels equal predictions that are above a threshold.

    Parameters
    ----------
    y_true : array_like
        Labels 0 or 1.
    y_pred : array_like
        Probabilities, in the same shape.
    threshold : float
        What counts as 1 lies above it.

    Returns
    -------
    ndarray
        1.0 where the prediction is right, else 0.0.

    Examples
    --------
    >>> binary_accuracy([1, 0], [0.9, 0.6])
    array([1., 0.], dtype=float32)
    """
    return _floats(_binary(y_true, y_pred, threshold))


@spelled
def categorical_accuracy(y_true, y_pred):
    """Return where the largest prediction is that of the one-hot label.

    Parameters
    ----------
    y_true, y_pred : array_like
        One-hot labels and predictions, of one shape; the classes are the last axis.

    Returns
    -------
    ndarray
        1.0 where the prediction is right, else 0.0.

    Examples
    --------
    >>> categorical_accuracy([[0, 1], [0, 1]], [[0.3, 0.7], [0.6, 0.4]])
    array([1., 0.], dtype=float32)
    """
    return _floats(_categorical(y_true, y_pred))


@spelled
def sparse_categorical_accuracy(y_true, y_pred):
    """Return where the largest prediction is that of the integer label.

    Parameters
    ----------
    y_true : array_like of int
        Labels.
    y_pred : array_like
        Predictions; the classes are the last axis.

    Returns
    -------
    ndarray
        1.0 where the prediction is right, else 0.0.

    Examples
    --------
    >>> sparse_categorical_accuracy([1, 1], [[0.3, 0.7], [0.6, 0.4]])
    array([1., 0.], dtype=float32)
    """
    return _floats(_sparse(y_true, y_pred))


@spelled
def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Return where the one-hot label is among the `k` largest predictions.

    Parameters
    ----------
    y_true, y_pred : array_like
        One-hot labels and predictions, of one shape; the classes are the last axis.
    k : int
        How many predictions count; ties count for the label.

    Returns
    -------
    ndarray
        1.0 where the label is among them, else 0.0.

    Examples
    --------
    >>> top_k_categorical_accuracy([[1, 0, 0]], [[0.3, 0.5, 0.2]], k=2)
    array([1.], dtype=float32)
    """
    return _floats(_top_k(y_true, y_pred, k))


@spelled
def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """Return where the integer label is among the `k` largest predictions.

    Parameters
    ----------
    y_true : array_like of int
        Labels.
    y_pred : array_like
        Predictions; the classes are the last axis.
    k : int
        How many predictions count; ties count for the label.
    from_sorted_ids : bool
        Whether `y_pred` holds class indices, best first, instead.

    Returns
    -------
    ndarray
        1.0 where the label is among them, else 0.0.

    Examples
    --------
    >>> sparse_top_k_categorical_accuracy([0, 2], [[0.3, 0.5, 0.2], [0.3, 0.5, 0.2]], k=2)
    array([1., 0.], dtype=float32)
    """
    return _floats(_sparse_top_k(y_true, y_pred, k, from_sorted_ids))


class Accuracy(MeanMetricWrapper):
    """How often labels and predictions are equal.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(Accuracy()([1, 2, 3, 4], [1, 2, 3, 0]))
    0.75
    """

    _direction = "up"

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(_equal, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions above a threshold equal yes-or-no labels.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    threshold : float
        What counts as 1 lies above it.

    Raises
    ------
    ValueError
        If the threshold is no number.

    Examples
    --------
    >>> print(BinaryAccuracy()([1, 1, 0, 0], [0.98, 1, 0, 0.6]))
    0.75
    """

    _direction = "up"

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        if not np.isscalar(threshold) or isinstance(threshold, str):
            raise ValueError(f"BinaryAccuracy: threshold={threshold!r} is not a number.")
        super().__init__(_binary, name, dtype, threshold=threshold)
        self.threshold = threshold

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> BinaryAccuracy().get_config()["threshold"]
        0.5
        """
        return {**super().get_config(), "threshold": self.threshold}


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the one-hot label.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(CategoricalAccuracy()([[0, 1], [0, 1]], [[0.3, 0.7], [0.6, 0.4]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(_categorical, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the integer label.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(SparseCategoricalAccuracy()([1, 1], [[0.3, 0.7], [0.6, 0.4]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(_sparse, name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch; what training passes is counted by a kernel, without a temporary array.

        Parameters
        ----------
        y_true, y_pred : array_like
            The labels and the predictions.
        sample_weight : array_like, optional
            See `Mean`.

        Examples
        --------
        >>> SparseCategoricalAccuracy().update_state([1], [[0.3, 0.7]])
        """
        if sample_weight is None and _is_plain_batch(y_true, y_pred):
            self.total.array[()] += kernels.for_dtype(y_pred.dtype).count_argmax(y_pred, y_true)
            self.count.array[()] += len(y_true)
        else:
            super().update_state(y_true, y_pred, sample_weight)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot label is among the `k` largest predictions.

    Parameters
    ----------
    k : int
        How many predictions count; ties count for the label.
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(TopKCategoricalAccuracy(k=2)([[1, 0, 0]], [[0.3, 0.5, 0.2]]))
    1.0
    """

    _direction = "up"

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(_top_k, name, dtype, k=k)
        self.k = _places(type(self).__name__, k)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> TopKCategoricalAccuracy().get_config()["k"]
        5
        """
        return {**super().get_config(), "k": self.k}


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label is among the `k` largest predictions.

    Parameters
    ----------
    k : int
        How many predictions count; ties count for the label.
    name, dtype
        See `Metric`.
    from_sorted_ids : bool
        Whether the predictions are class indices, best first.

    Examples
    --------
    >>> print(SparseTopKCategoricalAccuracy(k=2)([0, 2], [[0.3, 0.5, 0.2], [0.3, 0.5, 0.2]]))
    0.5
    """

    _direction = "up"

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        super().__init__(_sparse_top_k, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
        self.k = _places(type(self).__name__, k)
        self.from_sorted_ids = from_sorted_ids

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> SparseTopKCategoricalAccuracy(k=3).get_config()["k"]
        3
        """
        return {**super().get_config(), "k": self.k, "from_sorted_ids": self.from_sorted_ids}
