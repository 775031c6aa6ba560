"""What a schedule is, and what the built-in ones share."""

import math
import numbers

from fastconv.layers.variable import Variable


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
        >>> from fastconv.optimizers.schedules import ExponentialDecay
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
        >>> from fastconv.optimizers.schedules import PiecewiseConstantDecay
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
        >>> from fastconv.optimizers.schedules import PiecewiseConstantDecay
        >>> PiecewiseConstantDecay.from_config({"boundaries": [5], "values": [0.1, 0.01]})(6)
        0.01
        """
        return cls(**config)


class NamedSchedule(LearningRateSchedule):
    """A schedule whose config is a list of its attributes.

    Examples
    --------
    >>> class Constant(NamedSchedule):
    ...     _config = ("rate",)
    ...     rate = 0.5
    >>> Constant().get_config()
    {'rate': 0.5}
    """

    _config = ()

    def get_config(self):
        """Return the arguments; see `LearningRateSchedule`.

        Examples
        --------
        >>> from fastconv.optimizers.schedules import CosineDecay
        >>> CosineDecay(0.1, 10).get_config()["alpha"]
        0.0
        """
        return {argument: getattr(self, argument) for argument in self._config}

    def __repr__(self):
        given = ", ".join(f"{argument}={getattr(self, argument)!r}" for argument in self._config if argument != "name")
        return f"{type(self).__name__}({given})"

    def _number(self, argument, value, least=-math.inf):
        """Return a finite number from `least` up, or say what is wrong with it."""
        value = float(value) if isinstance(value, Variable) and value.shape == () else value
        good = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not good or not math.isfinite(value) or value < least:
            asked = "a number" if least == -math.inf else f"a number that is at least {least}"
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not {asked}.")
        return value

    def _above_zero(self, argument, value):
        if self._number(argument, value) <= 0:
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not above 0.")
        return value
