"""From the values of a loss to one number: weights, what counts at all, and what the sum is divided by."""

import numpy as np

from fastconv.runtime import settings

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


def as_floats(values, dtype=None):
    """Return `values` as an array of float32 or float64: of `dtype`, else of their own type, else floatx().

    Parameters
    ----------
    values : array_like
        Numbers.
    dtype : str, optional
        The type.

    Returns
    -------
    ndarray
        The same array if nothing has to change.

    Examples
    --------
    >>> as_floats([1, 2])
    array([1., 2.], dtype=float32)
    """
    array = np.asarray(values)
    if dtype is None:
        keep = array.dtype in (np.float32, np.float64) and hasattr(values, "dtype")
        dtype = array.dtype if keep else settings.floatx()
    return array.astype(dtype, copy=False)


def reduce_values(name, values, sample_weight, valid, reduction):
    """Weigh loss values and reduce them to one number.

    Parameters
    ----------
    name : str
        The loss, for messages.
    values : ndarray
        The loss values.
    sample_weight : array_like or None
        Weights whose axes are the first axes of the values.
    valid : ndarray of bool or None
        Which values count at all.
    reduction : str
        One of `REDUCTIONS`.

    Returns
    -------
    floating or ndarray
        One number of the values' type, or all values with ``"none"``.

    Examples
    --------
    >>> print(reduce_values("mse", np.array([1.0, 3.0]), None, None, "sum"))
    4.0
    """
    weights = _weights(name, values, sample_weight, valid)
    shape = _shape(values.shape, np.shape(sample_weight))
    if valid is not None:
        values = np.where(valid, values, values.dtype.type(0))
    if weights is not None:
        values = values * weights
    if reduction == "none":
        return values.reshape(shape) if sample_weight is not None else values
    divisor = 1 if shape == () else divisor_of(reduction, weights, valid, values.size)  # one value is not reduced
    return values.dtype.type(np.sum(values, dtype=np.float64) / divisor if divisor else 0.0)


def slopes_of_reduction(name, values, sample_weight, valid, reduction):
    """Return the derivatives of what `reduce_values` returns (of the sum of it) with respect to the values.

    Parameters
    ----------
    name, values, sample_weight, valid, reduction
        As for `reduce_values`.

    Returns
    -------
    ndarray
        In the shape of the values.

    Examples
    --------
    >>> slopes_of_reduction("mse", np.array([1.0, 3.0]), [2.0, 0.0], None, "mean")
    array([1., 0.])
    """
    weights = _weights(name, values, sample_weight, valid)
    each = values.dtype.type(1) if weights is None else weights
    each = np.broadcast_to(each, np.broadcast_shapes(values.shape, each.shape))
    whole = reduction == "none" or _shape(values.shape, np.shape(sample_weight)) == ()
    divisor = 1 if whole else divisor_of(reduction, weights, valid, each.size)
    slopes = each * values.dtype.type(1 / divisor if divisor else 0)
    return slopes if values.ndim else slopes.sum()


def _shape(values, weights):
    """Return Keras's shape of weighted values: where a last axis of length 1 is on one side only, it may go or come."""
    if len(values) == 0:
        return weights if weights != (1,) else ()
    if len(weights) == len(values) - 1 != 1 and values[-1] == 1:
        return values[:-1]
    return (*values, 1) if len(values) == 1 and weights[1:] == (1,) else values


def _weights(name, values, sample_weight, valid):
    """Return the weights of values, 0 for those that do not count; None if there are none."""
    weights = None if sample_weight is None else fit_weights(name, sample_weight, values)
    if valid is None:
        return weights
    valid = valid.astype(values.dtype)
    return valid if weights is None else weights * valid


def divisor_of(reduction, weights, valid, count):
    """Return what a reduction divides the sum of the weighted values by.

    Parameters
    ----------
    reduction : str
        One of `REDUCTIONS`.
    weights : ndarray or None
        As they came (Keras does not count a weight more than once, however many values it is for).
    valid : ndarray of bool or None
        Which values count at all.
    count : int
        The number of values.

    Returns
    -------
    float
        May be 0, if nothing counts.

    Examples
    --------
    >>> divisor_of("mean", np.array([1.0, 3.0]), None, 2), divisor_of("sum", None, None, 2)
    (2, 1)
    """
    if reduction == "sum":
        return 1
    if reduction == "mean_with_sample_weight" and weights is not None:
        return np.sum(weights, dtype=np.float64)
    return count if valid is None else np.count_nonzero(valid) * (count // valid.size if valid.size else 0)


def fit_weights(name, sample_weight, values):
    """Return weights with as many axes as the values, or say why they do not fit.

    Parameters
    ----------
    name : str
        The loss, for messages.
    sample_weight : array_like
        A number, or an array whose axes are the first axes of the values.
    values : ndarray
        The loss values.

    Returns
    -------
    ndarray
        Weights of the values' type that can be multiplied with them.

    Examples
    --------
    >>> fit_weights("mse", [1, 2], np.ones((2, 5))).shape
    (2, 1)
    """
    try:
        weights = np.asarray(sample_weight, values.dtype)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: sample_weight={sample_weight!r} holds something else than numbers.") from None
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if values.ndim == 0 or weights.shape in ((), (1,)):  # one value of the whole batch counts for each sample
        return weights.reshape(()) if weights.size == 1 else weights
    if weights.ndim > values.ndim or any(w not in (1, v) for w, v in zip(weights.shape, values.shape, strict=False)):
        raise ValueError(
            f"{name}: sample_weight of shape {weights.shape} does not fit the loss values of shape "
            f"{values.shape}; its axes must be their first axes."
        )
    return weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
