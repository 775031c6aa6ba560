"""Helpers for labels and rows of numbers, in plain NumPy."""

import numbers
import operator

import numpy as np

from fastconv.names import spelled
from fastconv.runtime import settings


@spelled
def to_categorical(x, num_classes=None):
    """Turn class numbers into rows with a one at the class and zeros elsewhere.

    Parameters
    ----------
    x : array_like of int
        Class numbers from 0 to ``num_classes - 1``, of any shape; a last axis of length 1 is dropped.
    num_classes : int, optional
        The length of a row; by default the largest class number plus one.

    Returns
    -------
    numpy.ndarray
        Of float64, with one axis more than `x`.

    Raises
    ------
    IndexError
        If a class number is negative or not less than `num_classes`. (Keras counts a negative one from the
        end.)
    ValueError
        If `x` holds anything but whole numbers, is empty without `num_classes`, or if `num_classes` is not at
        least 1.

    Examples
    --------
    >>> from fastconv.utils import to_categorical
    >>> to_categorical([0, 2, 1], num_classes=4)
    array([[1., 0., 0., 0.],
           [0., 0., 1., 0.],
           [0., 1., 0., 0.]])
    """
    labels = _whole_numbers(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = _count_classes(labels, num_classes)
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise IndexError(f"to_categorical: x holds the class {wrong[0]}; expected 0 to {classes - 1}.")
    rows = np.zeros((labels.size, classes))
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, classes)


def _array(owner, x, dtype=None):
    """Return x as an array."""
    try:
        return np.asarray(x, dtype)
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: x is ragged, or holds something else than numbers; expected an array.") from None


def _whole_numbers(x):
    labels = _array("to_categorical", x)
    if labels.dtype.kind not in "buif":
        raise ValueError(f"to_categorical: x holds {labels.dtype} values; expected whole numbers.")
    with np.errstate(invalid="ignore"):
        whole = labels.astype(np.int64)
    broken = labels[whole != labels]
    if broken.size:
        raise ValueError(f"to_categorical: x holds {broken.flat[0]}; expected whole numbers.")
    return whole


def _count_classes(labels, num_classes):
    if num_classes is None:
        if not labels.size:
            raise ValueError("to_categorical: x is empty; num_classes is needed then.")
        return max(int(labels.max()), 0) + 1
    try:
        classes = operator.index(num_classes)
    except TypeError:
        classes = 0
    if classes < 1:
        raise ValueError(f"to_categorical: num_classes={num_classes!r}; expected a whole number that is at least 1.")
    return classes


@spelled
def normalize(x, axis=-1, order=2):
    """Divide every vector along an axis by its norm; a vector of zeros stays as it is.

    Parameters
    ----------
    x : array_like
        The vectors. As in Keras, a single one that is an array comes back as a row: shape (n,) becomes (1, n).
    axis : int
        The axis along which a vector lies.
    order : int or float
        Which norm: 2 is the length, 1 the sum of absolute values, ``numpy.inf`` the largest absolute value;
        others as in ``numpy.linalg.norm``.

    Returns
    -------
    numpy.ndarray
        A new array of `x`'s float type; float64 for an array of whole numbers, ``floatx()`` for anything that
        is not an array.

    Raises
    ------
    TypeError
        If `axis` is not a whole number or `order` is not a number.
    ValueError
        If `axis` is out of range (``numpy.exceptions.AxisError``).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.utils import normalize
    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    is_array = isinstance(x, np.ndarray)
    x = x if is_array else _array("normalize", x, settings.floatx())
    if isinstance(axis, bool) or not isinstance(axis, numbers.Integral):
        raise TypeError(f"normalize: axis={axis!r}; expected a whole number.")
    if isinstance(order, bool) or not isinstance(order, numbers.Real):
        raise TypeError(f"normalize: order={order!r}; expected a number.")
    vectors = np.atleast_1d(x)
    if not -max(vectors.ndim, 2) <= axis < max(vectors.ndim, 2):
        raise np.exceptions.AxisError(f"normalize: axis={axis} is not an axis of x, whose shape is {x.shape}.")
    norms = np.atleast_1d(np.linalg.norm(vectors, order, axis))
    norms[norms == 0] = 1
    rows = vectors / np.expand_dims(norms, axis)
    return rows if is_array else rows.reshape(x.shape)
