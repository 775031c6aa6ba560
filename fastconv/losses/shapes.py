"""Whether labels fit predictions: all losses and metrics ask here, so misfits are named, not broadcast."""

import numbers

import numpy as np

from fastconv.losses.reduction import as_floats


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
    try:
        y_pred = as_floats(y_pred)
        y_true = np.asarray(y_true).astype(y_pred.dtype, copy=False)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: y_true or y_pred is ragged, or holds something else than numbers.") from None
    return same_shape(name, y_true, y_pred)


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


def axes_of(name, y_pred, axis):
    """Return axes counted from the front.

    Parameters
    ----------
    name : str
        The loss or metric, for messages.
    y_pred : ndarray
        The predictions.
    axis : int, None or sequence of int
        An axis or several, counted from either end; None: all.

    Returns
    -------
    tuple of int
        The axes.

    Raises
    ------
    ValueError
        If there is no such axis, or one is there twice.

    Examples
    --------
    >>> axes_of("dice", np.ones((2, 3, 4)), (0, -1)), axes_of("dice", np.ones((2, 3)), None)
    ((0, 2), (0, 1))
    """
    axes = range(y_pred.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    places = tuple(class_axis(name, y_pred, one) for one in axes)
    if len(set(places)) < len(places):
        raise ValueError(f"{name}: axis={axis!r} names an axis twice.")
    return places


def check_number(name, argument, value, least=None):
    """Raise unless an argument is a real number.

    Parameters
    ----------
    name : str
        The loss or metric, for messages.
    argument : str
        What it is called.
    value : object
        What was given.
    least : float, optional
        The smallest number that will do.

    Raises
    ------
    ValueError
        If it is no number, or too small.

    Examples
    --------
    >>> check_number("Huber", "delta", -1.0, least=0)
    Traceback (most recent call last):
    ...
    ValueError: Huber: delta=-1.0 is not a number of at least 0.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or (least is not None and not value >= least):
        bound = "" if least is None else f" of at least {least}"
        raise ValueError(f"{name}: {argument}={value!r} is not a number{bound}.")
