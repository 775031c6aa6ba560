"""Whether labels fit predictions: all losses and metrics ask here, so misfits are named, not broadcast."""

import numpy as np

from fastconv.losses.base import as_floats


def aligned(name, y_true, y_pred):
    """Return both as float arrays of one shape; a last axis of length 1 may be missing on one side.

    Parameters
    ----------
    name : str
        The loss or metric, for messages.
    y_true, y_pred : array_like
        The labels and the predictions.

    Returns
    -------
    tuple of ndarray
        The labels in the type of the predictions, and the predictions.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> y_true, y_pred = aligned("mse", [1, 2], [[1.0], [2.0]])
    >>> y_true.shape, y_pred.shape
    ((2, 1), (2, 1))
    """
    y_pred = as_floats(y_pred)
    return same_shape(name, np.asarray(y_true).astype(y_pred.dtype, copy=False), y_pred)


def same_shape(name, y_true, y_pred):
    """Return both as arrays of one shape; a last axis of length 1 may be missing on one side.

    Parameters
    ----------
    name : str
        The loss or metric, for messages.
    y_true, y_pred : ndarray
        The labels and the predictions.

    Returns
    -------
    tuple of ndarray
        The labels and the predictions, in their own types.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> [x.shape for x in same_shape("accuracy", np.ones((2, 3, 1)), np.ones((2, 3)))]
    [(2, 3), (2, 3)]
    """
    given = y_true.shape, y_pred.shape
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        y_true, y_pred = _drop_last(y_true, y_pred)
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_pred, y_true = _drop_last(y_pred, y_true)
    if y_true.shape != y_pred.shape:
        raise ValueError(f"{name}: y_true has shape {given[0]} and y_pred has shape {given[1]}; expected equal shapes.")
    return np.atleast_1d(y_true), np.atleast_1d(y_pred)


def _drop_last(short, long):
    """Make two shapes equal that differ in a last axis of length 1, keeping two axes at least."""
    return (short[:, None], long) if short.ndim == 1 else (short, long[..., 0])


def sparse_labels(name, y_true, y_pred, axis=-1):
    """Return integer labels in the shape of the predictions without the axis of the classes.

    Parameters
    ----------
    name : str
        The loss or metric, for messages.
    y_true : array_like
        Class indices; the axis of the classes is missing or has length 1.
    y_pred : ndarray
        The predictions.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray of int
        The labels; not checked against the number of classes.

    Raises
    ------
    ValueError
        If the shape does not fit, or a label is not a whole number.

    Examples
    --------
    >>> sparse_labels("scce", [[1.0], [0.0]], np.ones((2, 3)))
    array([1, 0])
    """
    labels = np.asarray(y_true)
    axis = class_axis(name, y_pred, axis)
    expected = y_pred.shape[:axis] + y_pred.shape[axis + 1 :]
    if labels.shape != expected:
        if labels.shape != y_pred.shape[:axis] + (1,) + y_pred.shape[axis + 1 :]:
            hint = ""
            if labels.shape == y_pred.shape:
                hint = " One-hot labels belong to the categorical variant, not to the sparse one."
            raise ValueError(
                f"{name}: y_true has shape {labels.shape} and y_pred has shape {y_pred.shape}; expected "
                f"integer labels of shape {expected}.{hint}"
            )
        labels = labels.reshape(expected)
    if labels.dtype.kind in "iu":
        return labels
    return _whole(name, labels)


def _whole(name, labels):
    """Return float or bool labels as integers, if that is what they are."""
    if labels.dtype.kind not in "fb":
        raise ValueError(f"{name}: y_true has the type {labels.dtype}; expected integer labels.")
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.floor(labels))).all():
        wrong = labels[~(np.isfinite(labels) & (labels == np.floor(labels)))].flat[0]
        raise ValueError(f"{name}: y_true holds {wrong!s}, which is not a class index; expected integer labels.")
    return labels.astype(np.int64)


def class_axis(name, y_pred, axis):
    """Return the axis of the classes counted from the front.

    Parameters
    ----------
    name : str
        The loss or metric, for messages.
    y_pred : ndarray
        The predictions.
    axis : int
        The axis, counted from either end.

    Returns
    -------
    int
        The axis.

    Raises
    ------
    ValueError
        If there is no such axis.

    Examples
    --------
    >>> class_axis("scce", np.ones((2, 3)), -1)
    1
    """
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)) or not -y_pred.ndim <= axis < y_pred.ndim:
        raise ValueError(f"{name}: axis={axis!r} is not an axis of y_pred, whose shape is {y_pred.shape}.")
    return int(axis) % y_pred.ndim


def check_range(name, labels, classes, axis):
    """Say which label is not a class.

    Parameters
    ----------
    name : str
        The loss, for messages.
    labels : ndarray of int
        The labels.
    classes : int
        The number of classes.
    axis : int
        The axis of the classes, for messages.

    Raises
    ------
    ValueError
        If a label is not in ``range(classes)``.

    Examples
    --------
    >>> check_range("scce", np.array([0, 3]), 3, -1)
    Traceback (most recent call last):
    ...
    ValueError: scce: y_true holds the label 3; expected 0 to 2, as y_pred has 3 classes along axis -1.
    """
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wrong = labels[(labels < 0) | (labels >= classes)].flat[0]
        raise ValueError(
            f"{name}: y_true holds the label {wrong}; expected 0 to {classes - 1}, "
            f"as y_pred has {classes} classes along axis {axis}."
        )
