"""Losses made of functions, and the ways back of these functions."""

import inspect
from functools import partial, wraps

import numpy as np

from fastconv.losses.base import Loss
from fastconv.names import check_spelling, snake_case, spelled
from fastconv.ops import symbolic
from fastconv.ops.rules import Paired


class LossFunctionWrapper(Loss):
    """A loss made of a function of ``y_true`` and ``y_pred``.

    Parameters
    ----------
    fn : callable
        Returns one value per sample.
    reduction : str or None
        See `Loss`.
    name : str, optional
        By default that of the function.
    dtype : str, optional
        See `Loss`.
    **kwargs
        More arguments of the function.

    Examples
    --------
    >>> def largest_error(y_true, y_pred):
    ...     return abs(y_true - y_pred).max(axis=-1)
    >>> print(LossFunctionWrapper(largest_error)([[0.0, 0.0]], [[1.0, 2.0]]))
    2.0
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        if not callable(fn):
            raise TypeError(f"{type(self).__name__}: fn={fn!r} is not a function of y_true and y_pred.")
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.fn_kwargs = kwargs

    def call(self, y_true, y_pred):
        """Return what the function returns; see `Loss`.

        Examples
        --------
        >>> LossFunctionWrapper(lambda t, p: abs(t - p)).call(1.0, 3.0)
        2.0
        """
        return symbolic_or(self.fn)(y_true, y_pred, **self.fn_kwargs)

    @property
    def has_gradient(self):
        """Whether the class says how its values come from the predictions: a function does; see `Loss`."""
        return True

    def backward(self, y_true, y_pred, dvalues):
        """Return the gradient; see `Loss`.

        Examples
        --------
        >>> from fastconv.losses import huber
        >>> LossFunctionWrapper(huber, delta=0.5).backward(np.zeros((1, 2)), np.ones((1, 2)), np.array([10.0]))
        array([[2.5, 2.5]])
        """
        cls = type(self)
        if self.fn not in _WAYS_BACK or cls.call is not LossFunctionWrapper.call or cls.gradient is not Loss.gradient:
            return super().backward(y_true, y_pred, dvalues)
        return _WAYS_BACK[self.fn](dvalues, y_true, y_pred, **self.fn_kwargs).reshape(y_pred.shape)

    def get_config(self):
        """Return the arguments; see `Loss`.

        Examples
        --------
        >>> from fastconv.losses import mean_squared_error
        >>> LossFunctionWrapper(mean_squared_error).get_config()["fn"]["config"]
        'mean_squared_error'
        """
        from fastconv import losses  # the table of names is made of this file's classes

        return {**super().get_config(), "fn": losses.serialize(self.fn), **self.fn_kwargs}

    @classmethod
    def from_config(cls, config):
        """Make the loss; see `Loss`.

        Examples
        --------
        >>> from fastconv.losses import mean_squared_error
        >>> config = LossFunctionWrapper(mean_squared_error).get_config()
        >>> LossFunctionWrapper.from_config(config).fn.__name__
        'mean_squared_error'
        """
        from fastconv import losses

        return cls(**{**config, **({"fn": losses.get(config["fn"])} if "fn" in config else {})})


class NamedLoss(LossFunctionWrapper):
    """A loss whose function everybody knows by the class's name; the function's arguments are attributes.

    Parameters
    ----------
    fn, reduction, name, dtype, **kwargs
        See `LossFunctionWrapper`.

    Examples
    --------
    >>> from fastconv.losses import Huber
    >>> Huber(delta=2.0).delta
    2.0
    """

    def __init__(self, fn, reduction, name, dtype, **kwargs):
        super().__init__(fn, reduction, name or snake_case(type(self).__name__), dtype, **kwargs)
        vars(self).update(kwargs)

    def get_config(self):
        """Return the arguments; see `Loss`.

        Examples
        --------
        >>> from fastconv.losses import Dice
        >>> Dice(axis=1).get_config()
        {'name': 'dice', 'reduction': 'sum_over_batch_size', 'axis': 1}
        """
        return {**Loss.get_config(self), **self.fn_kwargs}


_WAYS_BACK = {}  # loss function: function of (dvalues, y_true, y_pred, its arguments) that returns the gradient


def way_back_of(function):
    """Return a decorator for the function that turns the gradient of `function`'s values into that of the predictions.

    Parameters
    ----------
    function : callable
        A loss function.

    Returns
    -------
    callable
        The decorator, which leaves what it decorates as it is.

    Examples
    --------
    >>> def distance(y_true, y_pred):
    ...     return abs(y_true - y_pred).sum(axis=-1)
    >>> @way_back_of(distance)
    ... def distance_backward(dvalues, y_true, y_pred):
    ...     return dvalues[..., None] * np.sign(y_pred - y_true)
    >>> LossFunctionWrapper(distance).has_gradient
    True
    """

    def note(backward):
        _WAYS_BACK[function] = backward
        return backward

    return note


def symbolic_or(function):
    """Return a loss function that also takes symbolic tensors, if its way back is known; else the function itself.

    Parameters
    ----------
    function : callable
        A loss function.

    Returns
    -------
    callable
        With the same name.

    Examples
    --------
    >>> from fastconv.losses import huber
    >>> symbolic_or(huber).__name__
    'huber'
    """
    if function not in _WAYS_BACK:
        return function

    plain = spelled(function)

    @wraps(function)
    def both(*args, **kwargs):
        if not symbolic.any_symbolic((*args, *kwargs.values())):
            return plain(*args, **kwargs)
        check_spelling(function, kwargs)
        more = inspect.signature(function).bind(*args, **kwargs).arguments
        y_true, y_pred = more.pop("y_true"), more.pop("y_pred")

        def pair(y_true, y_pred):
            given = (np.array(y_true), np.array(y_pred))
            return np.asarray(function(*given, **more)), partial(_gradients, function, given, more)

        return symbolic.apply(Paired(function.__name__, pair), y_true, y_pred)

    return both


def _gradients(function, given, more, dvalues):
    """Return the gradients of both arguments of a loss function; the targets get none."""
    return np.zeros_like(given[0]), _WAYS_BACK[function](np.asarray(dvalues), *given, **more).reshape(given[1].shape)


def is_loss(function):
    """Tell whether something is a loss: an object, or a function whose way back is known.

    Parameters
    ----------
    function : callable
        Anything.

    Returns
    -------
    bool
        The answer.

    Examples
    --------
    >>> from fastconv.losses import huber
    >>> is_loss(huber), is_loss(max)
    (True, False)
    """
    return isinstance(function, Loss) or function in _WAYS_BACK


def mean_backward(dvalues, slopes, axis=-1):
    """Return the gradient of means over an axis, from the slopes of the cells.

    Parameters
    ----------
    dvalues : ndarray
        The gradient of the means.
    slopes : ndarray
        The derivatives of the cells' losses.
    axis : int
        The axis over which the means are taken.

    Returns
    -------
    ndarray
        In the shape of the slopes.

    Examples
    --------
    >>> mean_backward(np.array([2.0]), np.array([[1.0, -1.0]]))
    array([[ 1., -1.]])
    """
    return np.expand_dims(dvalues, axis) * slopes / slopes.shape[axis]
