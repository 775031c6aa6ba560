"""Tables for people, a dictionary for programs."""

import json

import pytest

from fastconv.benchmark.report import Facts, Report
from fastconv.benchmark.rounds import Pace, Row, Series
from fastconv.benchmark.works import Group, Work
from fastconv.runtime import config

PEAK = Work("peak/{}/2", "multiply-adds", "GFLOP/s", 4e9)


@pytest.fixture
def report():
    versions = {"fastconv": "fastconv 0", "torch": "torch 2", "torch bf16": "torch 2", "keras": "keras 3"}
    return Report(Facts(config.info(), 2, Pace(2, 0.1, 0), versions, ["a note"]))


def conv(name, **series):
    series = {name.replace("_", " "): value for name, value in series.items()}
    return Row(Work(f"conv/{name}/data", name, "GFLOP/s", 3e9), series)


def add_all(report):
    peak = PEAK._replace(name=PEAK.name.format(report.facts.variant))
    report.add(Group("machine", "The machine", (), mixed=True), [Row(peak, {"fastconv": Series([0.01, 0.01])})])
    rows = [
        conv("one", fastconv=Series([0.010, 0.010]), torch=Series([0.02, 0.02]), torch_bf16=Series([0.001, 0.001])),
        conv("two", fastconv=Series([0.010, 0.014]), torch=Series(failure="it ended"), keras=Series([0.08, 0.112])),
    ]
    report.add(Group("conv/data", "Convolutions", ()), rows)


def rows_of(text):
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


def test_a_table_has_figures_percentages_spreads_and_ratios(report, capsys):
    add_all(report)
    lines = capsys.readouterr().out
    rows = rows_of(lines)
    assert rows["multiply-adds"] == ["(GFLOP/s)", "400", "0%"]
    assert "Convolutions (GFLOP/s)" in lines
    assert rows["fastconv"] == ["%", "±", "torch", "torch", "bf16", "keras", "ratio"]
    assert rows["one"] == ["300", "75", "0%", "150", "3,000", "2.00"]
    assert rows["two"] == ["250", "62", "33%", "failed", "31.2", "8.00"]
    assert rows["geometric"] == ["mean", "4.00"]
    assert "failed: torch, two: it ended" in lines


def test_the_beginning_says_what_is_measured(report, capsys):
    report.begin()
    lines = capsys.readouterr().out
    assert f"kernels {report.facts.variant}, 2 threads" in lines
    assert "beside it: torch 2, bfloat16 autocast" in lines
    assert "note: a note" in lines


def test_the_end_tells_noise(report, capsys):
    add_all(report)
    report.end()
    assert report.noisy() == ["conv/two/data"]
    assert "Noisy: in 1 of 3 rows" in capsys.readouterr().out


def test_a_quiet_machine_is_not_called_noisy(report, capsys):
    report.add(Group("conv/data", "Convolutions", ()), [conv("one", fastconv=Series([0.010, 0.011]))])
    report.end()
    assert "Noisy" not in capsys.readouterr().out


def test_threads_over_one(report, capsys):
    assert report.speedup() is None
    works = [Work(f"{kind}/128", kind, "images/s", 128) for kind in ("train", "alone")]
    rows = [Row(work, {"fastconv": Series([cost])}) for work, cost in zip(works, (0.01, 0.019), strict=True)]
    report.add(Group("training", "Training", ()), rows)
    report.end()
    assert report.speedup() == pytest.approx(1.9)
    assert "2 threads over one, training at batch 128: 1.90" in capsys.readouterr().out


def test_means_of_all_directions(report, capsys):
    add_all(report)
    other = Work("conv/one/forward", "one", "GFLOP/s", 3e9)
    row = Row(other, {"fastconv": Series([1.0]), "torch": Series([0.5])})
    report.add(Group("conv/forward", "Convolutions", ()), [row])
    report.end()
    assert report.means() == pytest.approx({"conv/data": 4, "conv/forward": 0.5})
    assert "conv, geometric mean of all ratios: 2.00" in capsys.readouterr().out


def test_failures_of_ours_are_told(report, capsys):
    report.add(Group("conv/data", "Convolutions", ()), [conv("one", fastconv=Series(failure="MemoryError"))])
    report.end()
    assert report.failures() == ["conv/one/data"]
    assert rows_of(capsys.readouterr().out)["one"] == ["failed"]


def test_the_dictionary_has_everything(report):
    add_all(report)
    saved = json.loads(json.dumps(report.as_dict()))
    assert saved["format"] == 1
    assert saved["machine"]["kernels"]["variant"] == saved["variant"]
    assert (saved["threads"], saved["pace"]) == (2, {"rounds": 2, "budget": 0.1, "rest": 0})
    one, two = saved["groups"]["conv/data"]
    assert one["results"]["fastconv"] == {"figure": pytest.approx(300), "costs": [0.01, 0.01], "spread": 0}
    assert one["percent_of_peak"] == pytest.approx(75)
    assert one["ratios"] == {"torch": 2, "torch bf16": pytest.approx(0.1)}
    assert (one["ratio"], two["ratio"]) == (2, pytest.approx(8))
    assert two["results"]["torch"] == {"failure": "it ended"}
    assert saved["geometric_means"] == {"conv/data": pytest.approx(4)}
    assert saved["noisy"] == ["conv/two/data"]
