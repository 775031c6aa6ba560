"""Learning rates that depend on the step.

A schedule is called with the number of steps done and returns the learning rate of the next one.
"""

import bisect
import math

from fastconv.names import Family, by_name

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule:
    """Base class: subclasses write ``__call__(step)`` and, to be saved, ``get_config()``.

    Examples
    --------
    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 / 2**step
    >>> Halving()(1)
    0.05
    """

    def __call__(self, step):
        """Return the learning rate.

        Parameters
        ----------
        step : int
            How many steps were done.

        Returns
        -------
        float
            The learning rate.

        Examples
        --------
        >>> ExponentialDecay(0.5, 10, 0.5)(10)
        0.25
        """
        raise NotImplementedError(f"{type(self).__name__} does not define __call__(step).")

    def get_config(self):
        """Return the arguments with which an equal schedule is made.

        Returns
        -------
        dict
            The arguments by name.

        Examples
        --------
        >>> PiecewiseConstantDecay([5], [0.1, 0.01]).get_config()["values"]
        [0.1, 0.01]
        """
        raise NotImplementedError(f"{type(self).__name__} does not define get_config(), so it cannot be saved.")

    @classmethod
    def from_config(cls, config):
        """Make a schedule from what `get_config` returned.

        Parameters
        ----------
        config : dict
            The arguments by name.

        Returns
        -------
        LearningRateSchedule
            The schedule.

        Examples
        --------
        >>> PiecewiseConstantDecay.from_config({"boundaries": [5], "values": [0.1, 0.01]})(6)
        0.01
        """
        return cls(**config)


def _above_zero(name, argument, value):
    if not value > 0:
        raise ValueError(f"{name}: {argument}={value!r} is not above 0.")
    return value


class ExponentialDecay(LearningRateSchedule):
    """A learning rate that is multiplied by `decay_rate` every `decay_steps` steps.

    Parameters
    ----------
    initial_learning_rate : float
        The learning rate at the beginning.
    decay_steps : int
        Over how many steps.
    decay_rate : float
        By what it is multiplied.
    staircase : bool
        Whether it stays the same in between.
    name : str
        A name.

    Raises
    ------
    ValueError
        If `decay_steps` is not above 0.

    Examples
    --------
    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5, staircase=True)(25)
    0.025
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _above_zero("ExponentialDecay", "decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """Return the learning rate; see `LearningRateSchedule`.

        Examples
        --------
        >>> ExponentialDecay(0.5, 10, 0.5)(0)
        0.5
        """
        times = int(step) // self.decay_steps if self.staircase else int(step) / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate**times)

    def get_config(self):
        """Return the arguments; see `LearningRateSchedule`.

        Examples
        --------
        >>> ExponentialDecay(0.5, 10, 0.5).get_config()["decay_steps"]
        10
        """
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """A learning rate that changes at given steps.

    Parameters
    ----------
    boundaries : list of int
        Steps in rising order; a value still holds at its boundary.
    values : list of float
        The learning rates before, between and after them: one more than boundaries.
    name : str
        A name.

    Raises
    ------
    ValueError
        If the lengths do not fit, or the boundaries do not rise.

    Examples
    --------
    >>> schedule = PiecewiseConstantDecay([3, 6], [1.0, 0.5, 0.1])
    >>> schedule(3), schedule(4), schedule(7)
    (1.0, 0.5, 0.1)
    """

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        boundaries, values = list(boundaries), list(values)
        if len(boundaries) + 1 != len(values):
            raise ValueError(
                f"PiecewiseConstantDecay: {len(values)} values for {len(boundaries)} boundaries; expected "
                f"{len(boundaries) + 1}."
            )
        if boundaries != sorted(boundaries):
            raise ValueError(f"PiecewiseConstantDecay: boundaries={boundaries!r} do not rise.")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        """Return the learning rate; see `LearningRateSchedule`.

        Examples
        --------
        >>> PiecewiseConstantDecay([3], [1.0, 0.5])(0)
        1.0
        """
        return float(self.values[bisect.bisect_left(self.boundaries, int(step))])

    def get_config(self):
        """Return the arguments; see `LearningRateSchedule`.

        Examples
        --------
        >>> PiecewiseConstantDecay([3], [1.0, 0.5]).get_config()["boundaries"]
        [3]
        """
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


class CosineDecay(LearningRateSchedule):
    """A learning rate that falls along half a cosine, after an optional linear warm-up.

    Parameters
    ----------
    initial_learning_rate : float
        The learning rate at the beginning.
    decay_steps : int
        Over how many steps it falls, not counting the warm-up.
    alpha : float
        The fraction of the largest learning rate at the end.
    name : str
        A name.
    warmup_target : float, optional
        The learning rate at the end of the warm-up.
    warmup_steps : int
        How long the warm-up takes.

    Raises
    ------
    ValueError
        If `decay_steps` is not above 0, or there are warm-up steps without a target.

    Examples
    --------
    >>> [round(CosineDecay(0.1, 10)(step), 4) for step in (0, 5, 10, 20)]
    [0.1, 0.05, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        if warmup_steps and warmup_target is None:
            raise ValueError(f"CosineDecay: warmup_steps={warmup_steps!r} needs a warmup_target.")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _above_zero("CosineDecay", "decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """Return the learning rate; see `LearningRateSchedule`.

        Examples
        --------
        >>> CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4)(1)
        0.25
        """
        step, top = int(step), self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return float(top + (self.warmup_target - top) * step / self.warmup_steps)
            step, top = step - self.warmup_steps, self.warmup_target
        fallen = 0.5 * (1 + math.cos(math.pi * min(step / self.decay_steps, 1.0)))
        return float(top * ((1 - self.alpha) * fallen + self.alpha))

    def get_config(self):
        """Return the arguments; see `LearningRateSchedule`.

        Examples
        --------
        >>> CosineDecay(0.1, 10).get_config()["alpha"]
        0.0
        """
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


_family = Family(
    "learning rate schedule",
    "keras.optimizers.schedules",
    LearningRateSchedule,
    by_name((CosineDecay, ExponentialDecay, PiecewiseConstantDecay)),
)


def serialize(learning_rate_schedule):
    """Return a config from which `deserialize` makes an equal schedule.

    Parameters
    ----------
    learning_rate_schedule : LearningRateSchedule
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(CosineDecay(0.1, 10))["class_name"]
    'CosineDecay'
    """
    return _family.serialize(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """Make a schedule from its config.

    Parameters
    ----------
    config : dict
        What `serialize` returned.
    custom_objects : dict, optional
        Classes of the user by name.

    Returns
    -------
    LearningRateSchedule
        The schedule.

    Examples
    --------
    >>> deserialize(serialize(CosineDecay(0.1, 10)))(0)
    0.1
    """
    return _family.deserialize(config, custom_objects)
