"""Learning rates that fall along half a cosine, once or again and again."""

import math

from fastconv.optimizers.schedules.base import NamedSchedule


class CosineDecay(NamedSchedule):
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

    _config = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

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
            raise ValueError(f"{type(self).__name__}: warmup_steps={warmup_steps!r} needs a warmup_target.")
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate, 0)
        self.decay_steps = self._above_zero("decay_steps", decay_steps)
        self.alpha = self._number("alpha", alpha)
        self.name = name
        self.warmup_target = None if warmup_target is None else self._number("warmup_target", warmup_target, 0)
        self.warmup_steps = self._number("warmup_steps", warmup_steps, 0)

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


class CosineDecayRestarts(NamedSchedule):
    """A learning rate that falls along half a cosine again and again.

    Parameters
    ----------
    initial_learning_rate : float
        The learning rate at the beginning.
    first_decay_steps : int
        Over how many steps it falls for the first time.
    t_mul : float
        How many times as long each fall takes as the one before, at least 1.
    m_mul : float
        By what the height of each fall is multiplied.
    alpha : float
        The fraction of the first learning rate that is never left.
    name : str
        A name.

    Raises
    ------
    ValueError
        If `first_decay_steps` is not above 0, `t_mul` is below 1, or another number is not one.

    Examples
    --------
    >>> [round(CosineDecayRestarts(0.1, 10, m_mul=0.5)(step), 4) for step in (0, 5, 10, 20, 30)]
    [0.1, 0.05, 0.05, 0.025, 0.025]
    """

    _config = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate,
        first_decay_steps,
        t_mul=2.0,
        m_mul=1.0,
        alpha=0.0,
        name="SGDRDecay",
    ):
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate, 0)
        self.first_decay_steps = self._above_zero("first_decay_steps", first_decay_steps)
        self.t_mul = self._number("t_mul", t_mul, 1)
        self.m_mul = self._number("m_mul", m_mul, 0)
        self.alpha = self._number("alpha", alpha)
        self.name = name

    def __call__(self, step):
        """Return the learning rate; see `LearningRateSchedule`.

        Examples
        --------
        >>> CosineDecayRestarts(0.5, 10, t_mul=1.0)(20)
        0.5
        """
        restarts, done = self._fall(int(step))
        fallen = 0.5 * self.m_mul**restarts * (1 + math.cos(math.pi * done))
        return float(self.initial_learning_rate * ((1 - self.alpha) * fallen + self.alpha))

    def _fall(self, step):
        """Return how many falls are over, and which share of this one is."""
        if self.t_mul == 1:
            return step // self.first_decay_steps, step % self.first_decay_steps / self.first_decay_steps
        restarts, length = 0, self.first_decay_steps
        while step >= length:
            restarts, step, length = restarts + 1, step - length, length * self.t_mul
        return restarts, step / length
