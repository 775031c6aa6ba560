"""Arguments of optimizers: those that all share, what each may be, and constructors that show them, written once."""

import functools
import inspect
import math
import numbers

import numpy as np

from fastconv.names import suggestion

# Checks: each is called with the optimizer, the argument's name and the value, and returns the value or raises.


def number(owner, argument, value, least=-math.inf, most=math.inf):
    """Return a finite number in [least, most], or say what is wrong with it.

    Examples
    --------
    >>> number("sgd", "momentum", 2, 0, 1)
    Traceback (most recent call last):
    ...
    ValueError: str: momentum=2 is not a number between 0 and 1.
    """
    good = isinstance(value, (numbers.Real, np.generic)) and not isinstance(value, (bool, np.bool_))
    if not good or not math.isfinite(value) or not least <= value <= most:
        raise ValueError(
            f"{type(owner).__name__}: {argument}={value!r} is not a number"
            + (f" between {least} and {most}." if most < math.inf else f" that is at least {least}.")
        )
    return value


def not_negative(owner, argument, value):
    """Return a number from 0 up."""
    return number(owner, argument, value, 0)


def fraction(owner, argument, value):
    """Return a number from 0 to 1."""
    return number(owner, argument, value, 0, 1)


def below_one(owner, argument, value):
    """Return a number from 0 to less than 1: how much of a mean is kept."""
    if fraction(owner, argument, value) == 1:
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r} would never learn; expected less than 1.")
    return value


def not_positive(owner, argument, value):
    """Return a number up to 0."""
    if number(owner, argument, value) > 0:
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r} is not a number that is at most 0.")
    return value


def share_or_none(owner, argument, value):
    """Return None or a number from 0 up."""
    return None if value is None else not_negative(owner, argument, value)


def limit(owner, argument, value):
    """Return None or a number above 0 that gradients are clipped by."""
    if value is not None and not_negative(owner, argument, value) == 0:
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r} would clip every gradient to nothing.")
    return value


def factor(owner, argument, value):
    """Return None or a number above 0."""
    if value is not None and not_negative(owner, argument, value) == 0:
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r} is not None or a number above 0.")
    return value


def count(least):
    """Return a check for None or whole numbers from `least` up."""

    def check(owner, argument, value):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least):
            raise ValueError(f"{type(owner).__name__}: {argument}={value!r} is not None or an int from {least} up.")
        return value

    return check


def flag(owner, argument, value):
    """Return True or False."""
    if not isinstance(value, (bool, np.bool_)) and value not in (0, 1):
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r} is not True or False.")
    return bool(value)


# What all optimizers share beside learning_rate and name, in the order of Keras's configs.
SHARED = {
    "weight_decay": share_or_none,
    "clipnorm": limit,
    "global_clipnorm": limit,
    "clipvalue": limit,
    "use_ema": flag,
    "ema_momentum": fraction,
    "ema_overwrite_frequency": count(1),
    "loss_scale_factor": factor,
    "gradient_accumulation_steps": count(2),
}
CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")


def take(owner, checks, given):
    """Check arguments and keep them as attributes of the same names.

    Parameters
    ----------
    owner : object
        Who gets the attributes.
    checks : dict
        The check of each argument.
    given : dict
        The arguments.

    Examples
    --------
    >>> class Owner: ...
    >>> take(Owner, {"momentum": fraction}, {"momentum": 0.5})
    >>> Owner.momentum
    0.5
    """
    for argument, value in given.items():
        setattr(owner, argument, checks[argument](owner, argument, value))


def refuse(owner, unknown):
    """Raise if there are arguments that the optimizer does not know, with the nearest that it does."""
    name = type(owner).__name__
    if "decay" in unknown:
        raise ValueError(f"{name}: decay={unknown['decay']!r} is not supported; use a schedule as learning_rate.")
    if unknown:
        first = next(iter(unknown))
        known = ["learning_rate", "name", *SHARED, *owner._own_arguments]
        hint = suggestion("learning_rate" if first == "lr" else first, known)
        raise ValueError(f"{name}: argument(s) not recognized: {unknown}.{hint}")


def _shared(
    weight_decay=None,
    clipnorm=None,
    clipvalue=None,
    global_clipnorm=None,
    use_ema=False,
    ema_momentum=0.99,
    ema_overwrite_frequency=None,
    loss_scale_factor=None,
    gradient_accumulation_steps=None,
    name=None,
    **kwargs,
):
    """Hold the shared arguments in the order in which constructors take them."""


def with_shared(init):
    """Let ``__init__(self, own arguments, **shared)`` take the shared ones by position, and show all in its signature.

    Parameters
    ----------
    init : function
        The constructor as it is written.

    Returns
    -------
    function
        The constructor as it is seen: by callers, by ``help`` and by `inspect.signature`.

    Examples
    --------
    >>> class Rule:
    ...     @with_shared
    ...     def __init__(self, learning_rate=0.1, **shared):
    ...         self.shared = shared
    >>> Rule(0.2, 0.01).shared
    {'weight_decay': 0.01}
    >>> list(inspect.signature(Rule).parameters)[:4]
    ['learning_rate', 'weight_decay', 'clipnorm', 'clipvalue']
    """
    own = [p for p in inspect.signature(init).parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = {p.name for p in own}
    shared = [p for p in inspect.signature(_shared).parameters.values() if p.name not in names]
    signature = inspect.Signature([*own, *shared])

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):  # noqa: N807
        given = signature.bind(self, *args, **kwargs).arguments
        unknown = given.pop("kwargs", {})
        init(**given, **unknown)

    __init__.__signature__ = signature
    return __init__
