"""Penalties on weights and outputs that are added to the loss: by object, and by name.

A regularizer is called with an array and returns a number; ``gradient`` returns the number's derivatives. L1, L2 and
their sum run as a kernel in training; others are asked for their gradient.
"""

import math
import numbers

import numpy as np

from fastconv.names import Family, Spelled, by_name, spelled
from fastconv.runtime import settings

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "serialize",
]


class Regularizer(Spelled):
    """Base class: a subclass writes ``__call__(x)`` and, to be trained with, ``gradient(x)``.

    Examples
    --------
    >>> class Sum(Regularizer):
    ...     def __call__(self, x):
    ...         return 0.1 * x.sum()
    ...
    ...     def gradient(self, x):
    ...         return np.full_like(x, 0.1)
    >>> float(Sum()(np.ones(5)))
    0.5
    """

    def __call__(self, x):
        """Return the penalty of an array, a number."""
        return 0.0

    def gradient(self, x):
        """Return the penalty's derivative with respect to each value of an array.

        Raises
        ------
        NotImplementedError
            If the subclass does not say.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define gradient(x).")

    @classmethod
    def from_config(cls, config):
        """Make a regularizer from what `get_config` returned."""
        return cls(**config)

    def get_config(self):
        """Return the arguments with which an equal regularizer is made.

        Raises
        ------
        NotImplementedError
            If the subclass does not say.
        """
        raise NotImplementedError(f"{self} does not implement get_config()")


class _Norm(Regularizer):
    """l1 * sum(abs(x)) + l2 * sum(x ** 2): what training has a kernel for."""

    l1 = l2 = 0.0

    def __call__(self, x):
        """Return the penalty of an array, a number of its type."""
        x = np.asarray(x)
        penalty = x.dtype.type(0)
        if self.l1:
            penalty += x.dtype.type(self.l1) * np.abs(x).sum()
        if self.l2:
            penalty += x.dtype.type(self.l2) * np.square(x).sum()
        return penalty

    def gradient(self, x):
        """Return l1 * sign(x) + 2 * l2 * x."""
        return (self.l1 * np.sign(x) + 2 * self.l2 * x).astype(x.dtype, copy=False)


class L1L2(_Norm):
    """``l1 * sum(abs(x)) + l2 * sum(x ** 2)``.

    Parameters
    ----------
    l1, l2 : float
        Not negative.

    Raises
    ------
    ValueError
        If one is negative or not finite.

    Examples
    --------
    >>> float(L1L2(l1=1.0, l2=2.0)(np.array([1.0, -2.0])))
    13.0
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1, self.l2 = _factor("L1L2", "l1", l1, 0.0), _factor("L1L2", "l2", l2, 0.0)

    def get_config(self):
        """Return the arguments; see `Regularizer.get_config`."""
        return {"l1": self.l1, "l2": self.l2}


class L1(_Norm):
    """``l1 * sum(abs(x))``: makes many values zero.

    Parameters
    ----------
    l1 : float
        Not negative.

    Raises
    ------
    ValueError
        If it is negative or not finite.

    Examples
    --------
    >>> float(L1(0.5)(np.array([1.0, -2.0])))
    1.5
    """

    def __init__(self, l1=0.01):
        self.l1 = _factor("L1", "l1", l1, 0.01)

    def get_config(self):
        """Return the arguments; see `Regularizer.get_config`."""
        return {"l1": self.l1}


class L2(_Norm):
    """``l2 * sum(x ** 2)``: keeps values small. There is no factor of 1/2.

    Parameters
    ----------
    l2 : float
        Not negative.

    Raises
    ------
    ValueError
        If it is negative or not finite.

    Examples
    --------
    >>> float(L2(0.5)(np.array([1.0, -2.0])))
    2.5
    """

    def __init__(self, l2=0.01):
        self.l2 = _factor("L2", "l2", l2, 0.01)

    def get_config(self):
        """Return the arguments; see `Regularizer.get_config`."""
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """The mean of the absolute cosines between the rows (or columns) of a matrix, times a factor.

    Parameters
    ----------
    factor : float
        Not negative.
    mode : {"rows", "columns"}

    Raises
    ------
    ValueError
        If an argument is out of range or, in a call, the array is no matrix.

    Examples
    --------
    >>> float(OrthogonalRegularizer(2.0)(np.array([[1.0, 0.0], [0.0, 3.0]])))
    0.0
    >>> float(OrthogonalRegularizer(2.0)(np.array([[1.0, 0.0], [5.0, 0.0]])))
    2.0
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _factor("OrthogonalRegularizer", "factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode={mode!r} is not one of ('rows', 'columns').")
        self.mode = mode

    def _vectors(self, x):
        """Return the vectors as rows, and their lengths."""
        x = np.asarray(x)
        x = x if x.dtype.kind == "f" else x.astype(settings.floatx())
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer: expected a matrix, an array with 2 axes; got shape {x.shape}.")
        x = x if self.mode == "rows" else x.T
        lengths = np.sqrt(np.square(x).sum(axis=1, keepdims=True))
        return x / np.maximum(lengths, np.finfo(x.dtype).tiny), lengths

    def _weight(self, count):
        return self.factor / max(count * (count - 1.0), 1.0)  # each pair is met twice

    def __call__(self, x):
        """Return the penalty of a matrix, a number of its type."""
        unit, _ = self._vectors(x)
        cosines = np.abs(unit @ unit.T)
        np.fill_diagonal(cosines, 0)
        return unit.dtype.type(self._weight(len(unit)) * cosines.sum())

    def gradient(self, x):
        """Return the penalty's derivative with respect to each value of a matrix."""
        unit, lengths = self._vectors(x)
        signs = np.sign(unit @ unit.T)
        np.fill_diagonal(signs, 0)
        pull = 2 * self._weight(len(unit)) * (signs @ unit)
        along = (pull * unit).sum(axis=1, keepdims=True)  # a change of length changes no cosine
        grad = (pull - along * unit) / np.maximum(lengths, np.finfo(unit.dtype).tiny)
        return np.ascontiguousarray(grad if self.mode == "rows" else grad.T, unit.dtype)

    def get_config(self):
        """Return the arguments; see `Regularizer.get_config`."""
        return {"factor": self.factor, "mode": self.mode}


def _factor(owner, argument, value, default=None):
    """Return a finite number that is not negative as a float."""
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{owner}: {argument}={value!r} is not a finite number of at least 0.")
    return float(value)


_CLASSES = (L1, L1L2, L2, OrthogonalRegularizer, Regularizer)
_family = Family("regularizer", "keras.regularizers", Regularizer, {**by_name(_CLASSES), "l1_l2": L1L2})

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


@spelled
def get(identifier):
    """Return the regularizer that a name, config, class, function or object stands for.

    Parameters
    ----------
    identifier : None, str, dict, type, callable or Regularizer
        For example ``"l2"`` (a factor of 0.01) or ``L2(1e-4)``.

    Returns
    -------
    Regularizer, callable or None
        ``None`` for ``None``.

    Raises
    ------
    ValueError
        If it stands for no regularizer.

    Examples
    --------
    >>> get("l2").get_config()
    {'l2': 0.01}
    >>> get("l22")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret regularizer identifier: 'l22'. Did you mean 'l2'?
    """
    return _family.get(identifier)


def of_layer(owner, argument, identifier):
    """Return the regularizer given to a layer; refuse one that training knows no gradient of, by name.

    Parameters
    ----------
    owner, argument : str
        Who complains, about what.
    identifier : None, str, dict, type or Regularizer
        See `get`.

    Returns
    -------
    Regularizer or None

    Raises
    ------
    ValueError
        If it stands for no regularizer.
    NotImplementedError
        If it has no gradient.

    Examples
    --------
    >>> of_layer("Layer 'a'", "kernel_regularizer", abs)
    Traceback (most recent call last):
    ...
    NotImplementedError: Layer 'a': kernel_regularizer=<built-in function abs> has no gradient; expected a name, ...
    """
    try:
        found = get(identifier)
    except ValueError as error:
        raise ValueError(f"{owner}: {argument}: {error}") from None
    if found is None or getattr(type(found), "gradient", Regularizer.gradient) is not Regularizer.gradient:
        return found
    raise NotImplementedError(
        f"{owner}: {argument}={identifier!r} has no gradient; expected a name, or an object of a subclass of "
        "regularizers.Regularizer that defines gradient(x) beside __call__(x)."
    )


@spelled
def serialize(regularizer):
    """Return a config from which `deserialize` makes an equal regularizer.

    Parameters
    ----------
    regularizer : Regularizer or function
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return _family.serialize(regularizer)


@spelled
def deserialize(config, custom_objects=None):
    """Make a regularizer from its config.

    Parameters
    ----------
    config : dict or str
        What `serialize` returned, or a name.
    custom_objects : dict, optional
        Classes of the user by name.

    Returns
    -------
    Regularizer
        The regularizer.

    Examples
    --------
    >>> deserialize({"class_name": "L1", "config": {"l1": 2.0}}).l1
    2.0
    """
    return _family.deserialize(config, custom_objects)
