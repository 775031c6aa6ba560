"""Intersection over union of classes, from a confusion matrix: the metrics of segmentation."""

import numbers

import numpy as np

from fastconv.losses.reduction import fit_weights
from fastconv.metrics.base import Metric
from fastconv.runtime import settings


def _check_classes(owner, num_classes):
    whole = isinstance(num_classes, (int, np.integer)) and not isinstance(num_classes, bool)
    if not whole or num_classes < 1:
        raise ValueError(f"{owner}: num_classes={num_classes!r} is not an int above 0.")


class IoU(Metric):
    """The mean over some classes of intersection over union.

    Parameters
    ----------
    num_classes : int
        The number of classes.
    target_class_ids : sequence of int
        The classes that count.
    name : str, optional
        See `Metric`.
    dtype : str, optional
        Kept for Keras's sake; counts are exact, whatever it is, and weights may be fractions.
    ignore_class : int, optional
        A label whose samples do not count.
    sparse_y_true, sparse_y_pred : bool
        Whether labels and predictions are class numbers; else they are one-hot, or scores of the classes.
    axis : int
        The axis of the classes, where they are not class numbers.

    Raises
    ------
    ValueError
        If an argument is out of range, or, later, shapes do not fit.

    Examples
    --------
    >>> print(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]).round(4))
    0.3333
    """

    _direction = "up"
    _dtypes = ("int32", "int64", "int", "float32", "float64")

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__("int32" if dtype in (None, "int") else dtype, name)
        owner = type(self).__name__
        _check_classes(owner, num_classes)
        targets = list(target_class_ids) if np.iterable(target_class_ids) else [target_class_ids]
        if not np.iterable(target_class_ids) or not all(isinstance(target, numbers.Integral) for target in targets):
            raise ValueError(f"{owner}: target_class_ids={target_class_ids!r} is not a list of class numbers.")
        if not targets or min(targets) < 0 or max(targets) >= num_classes:
            raise ValueError(f"{owner}: target_class_ids={targets} are not class numbers from 0 to {num_classes - 1}.")
        self.num_classes = num_classes
        self.target_class_ids = targets
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        shape = (num_classes, num_classes)
        self.total_cm = self.add_variable(shape, "zeros", "float64", name="total_confusion_matrix")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch; labels and predictions that are no class do not count.

        Parameters
        ----------
        y_true, y_pred : array_like
            Labels and predictions of as many places.
        sample_weight : array_like, optional
            Weights whose axes are the first axes of the labels.

        Examples
        --------
        >>> MeanIoU(num_classes=2).update_state([0, 1], [0, 0])
        """
        y_true = self._classes("y_true", y_true, self.sparse_y_true)
        y_pred = self._classes("y_pred", y_pred, self.sparse_y_pred)
        if y_true.size != y_pred.size:
            raise ValueError(
                f"{self.name}: y_true has {y_true.size} labels (shape {y_true.shape}) and y_pred {y_pred.size} "
                f"(shape {y_pred.shape}); expected as many."
            )
        weights = None
        if sample_weight is not None:
            weights = np.broadcast_to(fit_weights(self.name, sample_weight, y_true.astype(np.float64)), y_true.shape)
        self._add(y_true.reshape(-1), y_pred.reshape(-1), None if weights is None else weights.reshape(-1))

    def _add(self, y_true, y_pred, weights):
        n = self.num_classes
        counted = (y_true >= 0) & (y_true < n) & (y_pred >= 0) & (y_pred < n)
        if self.ignore_class is not None:
            counted &= y_true != self.ignore_class
        if not counted.all():
            y_true, y_pred = y_true[counted], y_pred[counted]
            weights = None if weights is None else weights[counted]
        self.total_cm.array[...] += np.bincount(y_true * n + y_pred, weights, minlength=n * n).reshape(n, n)

    def _classes(self, what, values, sparse):
        """Return class numbers."""
        values = np.asarray(values)
        if not sparse:
            return values.argmax(axis=self.axis)
        if values.dtype.kind == "f":
            if not np.array_equal(values, np.floor(values)):
                raise ValueError(
                    f"{self.name}: {what} holds {values[values != np.floor(values)].flat[0]!s}; expected class "
                    f"numbers. For scores of classes set sparse_{what}=False."
                )
        elif values.dtype.kind not in "iub":
            raise ValueError(f"{self.name}: {what} has the type {values.dtype}; expected class numbers.")
        return values.astype(np.int64, copy=False)

    def result(self):
        """Return the mean so far over those of the target classes that occur.

        Examples
        --------
        >>> print(MeanIoU(num_classes=2).result())
        0.0
        """
        matrix = self.total_cm.array
        common = np.diag(matrix)
        union = (matrix.sum(axis=0) + matrix.sum(axis=1) - common)[self.target_class_ids]
        occurs = union > 1e-9
        epsilon = settings.epsilon()
        shares = np.where(occurs, common[self.target_class_ids] / (union + epsilon), 0.0)
        return np.float32(shares.sum() / (np.count_nonzero(occurs) + epsilon))

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> IoU(3, [1]).get_config()["target_class_ids"]
        [1]
        """
        names = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        left_out = self._implied
        return {**super().get_config(), **{name: getattr(self, name) for name in names if name not in left_out}}

    _implied = ()  # arguments of IoU that a subclass does not have


class BinaryIoU(IoU):
    """Intersection over union of yes and no.

    Parameters
    ----------
    target_class_ids : sequence of int
        What counts of 0 and 1.
    threshold : float
        What counts as 1 is at least that.
    name, dtype
        See `IoU`.

    Examples
    --------
    >>> print(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]).round(4))
    0.3333
    """

    _implied = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name, dtype)
        if isinstance(threshold, bool) or not isinstance(threshold, numbers.Real):
            raise ValueError(f"BinaryIoU: threshold={threshold!r} is not a number.")
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch; see `IoU`.

        Examples
        --------
        >>> BinaryIoU().update_state([0, 1], [0.1, 0.9])
        """
        super().update_state(y_true, np.asarray(y_pred) >= self.threshold, sample_weight)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> BinaryIoU().get_config()["threshold"]
        0.5
        """
        return {**super().get_config(), "threshold": self.threshold}


class MeanIoU(IoU):
    """The mean over all classes of intersection over union.

    Parameters
    ----------
    num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis
        See `IoU`.

    Examples
    --------
    >>> print(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]).round(4))
    0.3333
    """

    _implied = ("target_class_ids",)

    def __init__(
        self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True, axis=-1
    ):
        _check_classes(type(self).__name__, num_classes)
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """The mean over some classes of intersection over union, for one-hot labels.

    Parameters
    ----------
    num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis
        See `IoU`.

    Examples
    --------
    >>> print(OneHotIoU(2, [0])([[1, 0], [0, 1]], [[0.6, 0.4], [0.9, 0.1]]).round(4))
    0.5
    """

    _implied = ("sparse_y_true",)

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """The mean over all classes of intersection over union, for one-hot labels.

    Parameters
    ----------
    num_classes, name, dtype, ignore_class, sparse_y_pred, axis
        See `IoU`.

    Examples
    --------
    >>> print(OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.6, 0.4], [0.9, 0.1]]).round(4))
    0.25
    """

    _implied = ("target_class_ids", "sparse_y_true")

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
