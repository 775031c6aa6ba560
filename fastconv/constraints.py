"""What weights must fulfil: functions that are applied to them after each optimizer step, by object and by name."""

import numpy as np

from fastconv.names import Family, Spelled, by_name, spelled
from fastconv.runtime import settings

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "serialize",
]


class Constraint(Spelled):
    """Base class: a subclass writes ``__call__(w)`` and returns the nearest array that is allowed.

    Examples
    --------
    >>> class AtMostOne(Constraint):
    ...     def __call__(self, w):
    ...         return np.minimum(w, 1)
    >>> AtMostOne()(np.array([0.5, 3.0]))
    array([0.5, 1. ])
    """

    def __call__(self, w):
        """Return the weights as they should be."""
        return w

    @classmethod
    def from_config(cls, config):
        """Make a constraint from what `get_config` returned."""
        return cls(**config)

    def get_config(self):
        """Return the arguments with which an equal constraint is made."""
        return {}


def _norms(w, axis):
    return np.sqrt(np.square(w).sum(axis=tuple(axis) if np.iterable(axis) else axis, keepdims=True))


class MaxNorm(Constraint):
    """Weights whose norm along `axis` is larger are scaled down to it.

    Parameters
    ----------
    max_value : float
    axis : int or list of int
        0 for the inputs of each unit of a Dense kernel, ``[0, 1, 2]`` for each filter of a Conv2D kernel.

    Examples
    --------
    >>> MaxNorm(1.0)(np.array([[3.0, 0.1], [4.0, 0.1]])).round(3)
    array([[0.6, 0.1],
           [0.8, 0.1]])
    """

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w):
        """Return the weights, scaled; see `Constraint`."""
        w = np.asarray(w)
        norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (settings.epsilon() + norms))

    def get_config(self):
        """Return the arguments; see `Constraint.get_config`."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Weights below zero become zero.

    Examples
    --------
    >>> NonNeg()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def __call__(self, w):
        """Return the weights, cut at zero; see `Constraint`."""
        return np.maximum(w, 0)


class UnitNorm(Constraint):
    """Weights are scaled to a norm of 1 along `axis`.

    Parameters
    ----------
    axis : int or list of int
        See `MaxNorm`.

    Examples
    --------
    >>> UnitNorm()(np.array([[3.0], [4.0]])).round(3)
    array([[0.6],
           [0.8]])
    """

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        """Return the weights, scaled; see `Constraint`."""
        w = np.asarray(w)
        return w / (settings.epsilon() + _norms(w, self.axis))

    def get_config(self):
        """Return the arguments; see `Constraint.get_config`."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Weights are scaled towards a norm along `axis` between two bounds.

    Parameters
    ----------
    min_value, max_value : float
    rate : float
        1 scales at once, less goes that share of the way at each step.
    axis : int or list of int
        See `MaxNorm`.

    Examples
    --------
    >>> MinMaxNorm(min_value=1.0, max_value=2.0)(np.array([[0.3, 1.0], [0.4, 1.0]])).round(3)
    array([[0.6, 1. ],
           [0.8, 1. ]])
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w):
        """Return the weights, scaled; see `Constraint`."""
        w = np.asarray(w)
        norms = _norms(w, self.axis)
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (settings.epsilon() + norms))

    def get_config(self):
        """Return the arguments; see `Constraint.get_config`."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


_family = Family(
    "constraint", "keras.constraints", Constraint, by_name((Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm))
)

max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


@spelled
def get(identifier):
    """Return the constraint that a name, config, class, function or object stands for.

    Parameters
    ----------
    identifier : None, str, dict, type, callable or Constraint
        For example ``"non_neg"``, ``MaxNorm(3)``, or a function from weights to weights.

    Returns
    -------
    Constraint, callable or None
        ``None`` for ``None``.

    Raises
    ------
    ValueError
        If it stands for no constraint.

    Examples
    --------
    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return _family.get(identifier)


def of_layer(owner, argument, identifier):
    """Return the constraint given to a layer; the error for an unknown one names the layer and the argument.

    Parameters
    ----------
    owner, argument : str
    identifier : None, str, dict, type, callable or Constraint
        See `get`.

    Returns
    -------
    Constraint, callable or None

    Examples
    --------
    >>> of_layer("Layer 'a'", "kernel_constraint", "max_nrom")
    Traceback (most recent call last):
    ...
    ValueError: Layer 'a': kernel_constraint: Could not interpret constraint identifier: 'max_nrom'. Did you mean ...
    """
    try:
        return get(identifier)
    except ValueError as error:
        raise ValueError(f"{owner}: {argument}: {error}") from None


@spelled
def serialize(constraint):
    """Return a config from which `deserialize` makes an equal constraint.

    Parameters
    ----------
    constraint : Constraint or function
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(NonNeg())["class_name"]
    'NonNeg'
    """
    return _family.serialize(constraint)


@spelled
def deserialize(config, custom_objects=None):
    """Make a constraint from its config.

    Parameters
    ----------
    config : dict or str
        What `serialize` returned, or a name.
    custom_objects : dict, optional
        Classes and functions of the user by name.

    Returns
    -------
    Constraint
        The constraint.

    Examples
    --------
    >>> deserialize("unit_norm").axis
    0
    """
    return _family.deserialize(config, custom_objects)
