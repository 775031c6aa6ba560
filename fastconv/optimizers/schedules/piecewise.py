"""Learning rates that stay the same for a while."""

import bisect
import numbers

import numpy as np

from fastconv.optimizers.schedules.base import NamedSchedule


class PiecewiseConstantDecay(NamedSchedule):
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

    _config = ("boundaries", "values", "name")

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        for argument, given in (("boundaries", boundaries), ("values", values)):
            if not np.iterable(given) or not all(isinstance(number, numbers.Real) for number in given):
                raise ValueError(f"PiecewiseConstantDecay: {argument}={given!r} is not a list of numbers.")
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
