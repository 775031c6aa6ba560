"""Libraries take turns, round after round; what comes out has a median, a spread, and ratios within the rounds."""

import time
from math import exp, log
from statistics import median
from typing import NamedTuple

from fastconv.benchmark.process import WorkerError
from fastconv.benchmark.sides import LIBRARIES
from fastconv.benchmark.works import FRESH, MOST_ROUNDS


class Pace(NamedTuple):
    """How long to measure: rounds, seconds of measuring in a turn, seconds of rest between turns.

    The rest is for the pools of threads of the one who was last, which spin before they sleep.
    """

    rounds: int
    budget: float
    rest: float


THOROUGH = Pace(5, 0.1, 0.05)
QUICK = Pace(3, 0.04, 0.02)


class Series:
    """What one library took for one work: seconds or bytes a call in each round, or why there is nothing.

    Attributes
    ----------
    costs : list of float
    failure : str or None
    """

    def __init__(self, costs=(), failure=None):
        self.costs, self.failure = list(costs), failure

    @property
    def cost(self):
        """The median."""
        return median(self.costs)

    @property
    def spread(self):
        """How far apart the rounds are: the largest less the smallest, as a part of the median.

        Examples
        --------
        >>> Series([4.0, 5.0, 4.0]).spread
        0.25
        """
        return (max(self.costs) - min(self.costs)) / self.cost

    def ratio(self, ours):
        """Return how many times as much as ours it took: the median of the rounds' ratios.

        Examples
        --------
        >>> Series([3.0, 8.0, 4.0]).ratio(Series([1.0, 2.0, 2.0]))
        3.0
        """
        return median(theirs / mine for theirs, mine in zip(self.costs, ours.costs, strict=True))


class Row(NamedTuple):
    """One work, measured: a `Series` for each library that does it."""

    work: object
    series: dict

    @property
    def ours(self):
        """The series of fastconv, or None."""
        ours = self.series.get("fastconv")
        return ours if ours and not ours.failure else None

    @property
    def ratios(self):
        """How many times as much as fastconv each of the others took."""
        if self.ours is None:
            return {}
        others = {name: series for name, series in self.series.items() if name != "fastconv" and not series.failure}
        return {name: series.ratio(self.ours) for name, series in others.items()}

    @property
    def ratio(self):
        """The least ratio among rivals: that to the best of them, None without."""
        return min((ratio for name, ratio in self.ratios.items() if LIBRARIES[name].rival), default=None)


def measure(work, team, pace):
    """Return the `Row` of a work, every library taking its turn in each round.

    Every second round is in the opposite order, so that a machine that gets slower is fair to all.
    """
    names = team.those_for(work)
    series = {name: Series() for name in names}
    for number in range(min(pace.rounds, MOST_ROUNDS.get(work.kind, pace.rounds))):
        for name in names if number % 2 == 0 else reversed(names):
            if series[name].failure:
                continue
            try:
                series[name].costs.append(team.measure(name, work, pace.budget, work.kind in FRESH))
            except WorkerError as failure:
                series[name] = Series(failure=str(failure))
            if len(names) > 1:
                time.sleep(pace.rest)
    return Row(work, series)


def geometric_mean(ratios):
    """Return the geometric mean, None of nothing.

    Examples
    --------
    >>> geometric_mean([1.0, 4.0])
    2.0
    """
    ratios = [ratio for ratio in ratios if ratio is not None]
    return exp(sum(map(log, ratios)) / len(ratios)) if ratios else None
