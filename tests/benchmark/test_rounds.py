"""Turns, medians, spreads, ratios."""

import pytest

from fastconv.benchmark import rounds
from fastconv.benchmark.process import WorkerError
from fastconv.benchmark.rounds import Pace, Row, Series, geometric_mean, measure
from fastconv.benchmark.works import Work

CALL = Work("call/1", "one", "images/s", 1)


class Team:
    """Stands in for the workers: answers from lists, and notes who was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def those_for(self, work):
        return list(self.answers)

    def measure(self, name, work, budget, fresh):
        self.asked.append((name, fresh))
        answer = self.answers[name].pop(0)
        if isinstance(answer, str):
            raise WorkerError(answer)
        return answer


@pytest.fixture(autouse=True)
def rests(monkeypatch):
    rests = []
    monkeypatch.setattr(rounds.time, "sleep", rests.append)
    return rests


def test_libraries_take_turns_in_both_orders(rests):
    team = Team(fastconv=[1.0, 2.0, 3.0], torch=[4.0, 4.0, 3.0])
    row = measure(CALL, team, Pace(3, 0.1, 0.05))
    asked = [name for name, _ in team.asked]
    assert asked == ["fastconv", "torch", "torch", "fastconv", "fastconv", "torch"]
    assert rests == [0.05] * 6
    assert row.series["fastconv"].cost == 2
    assert row.series["fastconv"].spread == 1
    assert row.ratios == {"torch": 2.0}  # the median of 4, 2 and 1


def test_alone_nobody_rests(rests):
    measure(CALL, Team(fastconv=[1.0]), Pace(1, 0.1, 0.05))
    assert rests == []


def test_one_that_fails_is_not_asked_again_for_this_work():
    team = Team(fastconv=[1.0, 1.0, 1.0], torch=[4.0, "it broke"], keras=[9.0, 9.0, 9.0])
    row = measure(CALL, team, Pace(3, 0.1, 0))
    assert row.series["torch"].failure == "it broke"
    assert row.ratios == {"keras": 9.0}


def test_without_ours_there_are_no_ratios():
    row = measure(CALL, Team(fastconv=["it broke"], torch=[1.0]), Pace(1, 0.1, 0))
    assert row.ours is None
    assert (row.ratios, row.ratio) == ({}, None)


def test_the_ratio_is_to_the_best_rival():
    row = Row(CALL, {"fastconv": Series([1]), "torch": Series([4]), "keras": Series([3]), "torch bf16": Series([2])})
    assert row.ratios["torch bf16"] == 2
    assert row.ratio == 3


@pytest.mark.parametrize(
    ("kind", "asked", "fresh"), [("memory", 1, True), ("installed", 1, False), ("import", 3, True)]
)
def test_costs_take_few_rounds(kind, asked, fresh):
    team = Team(fastconv=[1.0] * 5)
    measure(Work(kind, kind, "MB"), team, Pace(5, 0.1, 0))
    assert team.asked == [("fastconv", fresh)] * asked


def test_geometric_mean():
    assert geometric_mean([2, None, 8]) == pytest.approx(4)
    assert geometric_mean([None]) is None
