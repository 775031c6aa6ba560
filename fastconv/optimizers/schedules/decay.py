"""Learning rates that fall with time: exponentially, inversely, along a power."""

import math

from fastconv.optimizers.schedules.base import NamedSchedule


class ExponentialDecay(NamedSchedule):
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
        If `decay_steps` is not above 0, or a rate is below 0.

    Examples
    --------
    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5, staircase=True)(25)
    0.025
    """

    _config = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate, 0)
        self.decay_steps = self._above_zero("decay_steps", decay_steps)
        self.decay_rate = self._number("decay_rate", decay_rate, 0)
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


class InverseTimeDecay(NamedSchedule):
    """A learning rate that is divided by one plus `decay_rate` for every `decay_steps` steps.

    Parameters
    ----------
    initial_learning_rate : float
        The learning rate at the beginning.
    decay_steps : int
        Over how many steps.
    decay_rate : float
        What is added to the divisor.
    staircase : bool
        Whether it stays the same in between.
    name : str
        A name.

    Raises
    ------
    ValueError
        If `decay_steps` is not above 0, or a rate is below 0.

    Examples
    --------
    >>> InverseTimeDecay(0.5, decay_steps=10, decay_rate=0.5)(20)
    0.25
    """

    _config = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate, 0)
        self.decay_steps = self._above_zero("decay_steps", decay_steps)
        self.decay_rate = self._number("decay_rate", decay_rate, 0)
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """Return the learning rate; see `LearningRateSchedule`.

        Examples
        --------
        >>> InverseTimeDecay(0.5, 10, 1.0, staircase=True)(15)
        0.25
        """
        times = int(step) // self.decay_steps if self.staircase else int(step) / self.decay_steps
        return float(self.initial_learning_rate / (1 + self.decay_rate * times))


class PolynomialDecay(NamedSchedule):
    """A learning rate that goes to `end_learning_rate` along a power of the time that is left.

    Parameters
    ----------
    initial_learning_rate : float
        The learning rate at the beginning.
    decay_steps : int
        Over how many steps.
    end_learning_rate : float
        The learning rate at the end, and afterwards.
    power : float
        The power; with 1 the way is straight.
    cycle : bool
        Whether `decay_steps` grows by itself whenever they are over, so that the learning rate rises and falls again.
    name : str
        A name.

    Raises
    ------
    ValueError
        If `decay_steps` is not above 0, or a rate or the power is below 0.

    Examples
    --------
    >>> [PolynomialDecay(1.0, 10, 0.0, power=2.0)(step) for step in (0, 5, 10, 20)]
    [1.0, 0.25, 0.0, 0.0]
    """

    _config = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate, 0)
        self.decay_steps = self._above_zero("decay_steps", decay_steps)
        self.end_learning_rate = self._number("end_learning_rate", end_learning_rate, 0)
        self.power = self._number("power", power, 0)
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        """Return the learning rate; see `LearningRateSchedule`.

        Examples
        --------
        >>> PolynomialDecay(1.0, 10, 0.0, cycle=True)(15)
        0.25
        """
        whole = self.decay_steps
        if self.cycle:
            whole *= max(1, math.ceil(int(step) / whole))
        left = 1 - min(int(step) / whole, 1)
        return float((self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate)
