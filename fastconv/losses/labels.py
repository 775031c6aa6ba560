"""Labels of every kind: class numbers, distributions over classes, yes or no."""

import numbers

import numpy as np

from fastconv.losses.shapes import aligned, class_axis


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
    return whole_numbers(name, labels)


def whole_numbers(name, labels):
    """Return labels as integers, if that is what they are.

    Parameters
    ----------
    name : str
        The loss or metric, for messages.
    labels : ndarray
        Numbers or truth values.

    Returns
    -------
    ndarray of int
        The labels.

    Raises
    ------
    ValueError
        If a label is not a whole number.

    Examples
    --------
    >>> whole_numbers("scce", np.array([1.0, 0.0]))
    array([1, 0])
    """
    if labels.dtype.kind in "iu":
        return labels
    if labels.dtype.kind not in "fb":
        raise ValueError(f"{name}: y_true has the type {labels.dtype}; expected integer labels.")
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.floor(labels))).all():
        wrong = labels[~(np.isfinite(labels) & (labels == np.floor(labels)))].flat[0]
        raise ValueError(f"{name}: y_true holds {wrong!s}, which is not a class index; expected integer labels.")
    return labels.astype(np.int64)


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


def distributions(name, y_true, y_pred, label_smoothing=0.0, axis=-1):
    """Return labels, predictions and the axis of the classes; of each label a part is spread over the classes.

    Parameters
    ----------
    name : str
        The loss, for messages.
    y_true, y_pred : array_like
        One-hot or soft labels, and predictions.
    label_smoothing : float
        How much of each label is spread.
    axis : int
        The axis of the classes.

    Returns
    -------
    y_true, y_pred : ndarray
        Of one shape.
    axis : int
        Counted from the front.

    Raises
    ------
    ValueError
        If the shapes differ, there is one class only, or `label_smoothing` is out of range.

    Examples
    --------
    >>> distributions("cce", [[0, 1]], [[0.5, 0.5]], 0.5)[0]
    array([[0.25, 0.75]], dtype=float32)
    """
    y_true, y_pred = aligned(name, y_true, y_pred)
    axis = class_axis(name, y_pred, axis)
    if y_pred.shape[axis] == 1:
        raise ValueError(
            f"{name}: y_pred has shape {y_pred.shape}, a single class along axis {axis}, so the loss would "
            "always be 0. For one probability per sample use binary_crossentropy."
        )
    if check_smoothing(name, label_smoothing):
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    return y_true, y_pred, axis


def answers(name, y_true, y_pred, label_smoothing=0.0, axis=-1):
    """Return yes-or-no labels, predictions and an axis; labels are moved towards 1/2.

    Parameters
    ----------
    name : str
        The loss, for messages.
    y_true, y_pred : array_like
        Labels between 0 and 1, and predictions.
    label_smoothing : float
        How far labels are moved.
    axis : int
        An axis.

    Returns
    -------
    y_true, y_pred : ndarray
        Of one shape.
    axis : int
        Counted from the front.

    Raises
    ------
    ValueError
        If the shapes differ, labels are not between 0 and 1, or `label_smoothing` is out of range.

    Examples
    --------
    >>> answers("bce", [[0, 1]], [[0.5, 0.5]], 0.5)[0]
    array([[0.25, 0.75]], dtype=float32)
    """
    y_true, y_pred = aligned(name, y_true, y_pred)
    axis = class_axis(name, y_pred, axis)
    if y_true.size and not (y_true.min() >= 0 and y_true.max() <= 1):
        wrong = y_true[~((y_true >= 0) & (y_true <= 1))].flat[0]
        raise ValueError(f"{name}: y_true holds {wrong!s}; expected labels between 0 and 1.")
    if check_smoothing(name, label_smoothing):
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return y_true, y_pred, axis
