"""What was measured: tables for people, one dictionary for programs."""

import time
from itertools import groupby
from typing import NamedTuple

from fastconv._version import __version__
from fastconv.benchmark.rounds import geometric_mean
from fastconv.benchmark.sides import LIBRARIES
from fastconv.benchmark.works import WITH_PERCENT

FORMAT = 1  # of the JSON file
NOISY = 0.2  # a spread above this is told
WIDTH = 110  # of tables that go to a file

LEGEND = """\
%: of the multiply-adds that this machine can do; past 100 where fewer are done than the definition has.
±: how far apart fastconv's rounds were. ratio: fastconv against the best of the others in float32 (torch bf16 computes
with 8 bits of precision instead of 24, and does not count); above 1, fastconv is faster, or smaller."""


class Facts(NamedTuple):
    """What the results were got with.

    Attributes
    ----------
    machine : dict of dict
        As ``fastconv.runtime.config.info()`` tells it.
    threads : int
    pace : Pace
    versions : dict of str
        Of each library that was measured.
    notes : list of str
        What went wrong before the first measurement.
    """

    machine: dict
    threads: int
    pace: object
    versions: dict
    notes: list

    @property
    def variant(self):
        """The variant of the kernels."""
        return self.machine["kernels"]["variant"]


class Report:
    """Prints tables as they get ready, and remembers the rows.

    Parameters
    ----------
    facts : Facts
    """

    def __init__(self, facts):
        from rich.console import Console

        self.facts, self.rows, self.peak = facts, {}, None
        console = Console(highlight=False)
        self.console = console if console.is_terminal else Console(highlight=False, width=WIDTH)

    def begin(self):
        """Print what is measured, and on what."""
        facts, cpu = self.facts, self.facts.machine["cpu"]
        self._print(
            f"fastconv {__version__}, kernels {facts.variant}, {_count(facts.threads, 'thread')}; {cpu['name']}"
        )
        for name, version in facts.versions.items():
            if name != "fastconv":
                self._print(f"beside it: {version}" + ("" if LIBRARIES[name].rival else ", bfloat16 autocast"))
        for note in facts.notes:
            self._print(f"note: {note}")

    def add(self, group, rows):
        """Print the table of a group."""
        self.rows[group] = rows
        for row in rows:
            if row.work.name == f"peak/{self.facts.variant}/{self.facts.threads}" and row.ours:
                self.peak = row.work.figure(row.ours.cost)
        units = ", ".join({row.work.unit: None for row in rows})
        self.console.print(group.title if group.mixed else f"{group.title} ({units})", style="bold")
        self.console.print(self._table(group, rows))
        for row in rows:
            for name, series in row.series.items():
                if series.failure:
                    self._print(f"failed: {name}, {row.work.label}: {series.failure}")

    def end(self):
        """Print what holds for all tables: means, how to read them, how noisy the machine was."""
        self._print("")
        for family, means in groupby(self.means().items(), lambda item: item[0].partition("/")[0]):
            means = dict(means)
            if len(means) > 1:
                whole = geometric_mean([ratio for name in means for ratio in self._ratios(name)])
                self._print(f"{family}, geometric mean of all ratios: {whole:.2f}")
        speedup = self.speedup()
        if speedup:
            self._print(f"{_count(self.facts.threads, 'thread')} over one, training at batch 128: {speedup:.2f}")
        self._print(LEGEND)
        noisy, all_rows = self.noisy(), [row for rows in self.rows.values() for row in rows if row.ours]
        if noisy:
            self._print(
                f"Noisy: in {len(noisy)} of {len(all_rows)} rows fastconv's rounds were more than {NOISY:.0%} apart. "
                "Something else was running, or the clock changed; take those figures as rough."
            )

    # -- what follows from the rows -----------------------------------------------------------------------
    def noisy(self):
        """Return the names of the works of which the rounds were far apart."""
        rows = (row for rows in self.rows.values() for row in rows)
        return [row.work.name for row in rows if row.ours and row.ours.spread > NOISY]

    def failures(self):
        """Return the names of the works that fastconv itself failed to do."""
        rows = (row for rows in self.rows.values() for row in rows)
        return [row.work.name for row in rows if row.ours is None]

    def means(self):
        """Return the geometric mean of the ratios of each group that has any."""
        means = {group.name: geometric_mean(self._ratios(group.name)) for group in self.rows if not group.mixed}
        return {name: mean for name, mean in means.items() if mean is not None}

    def _ratios(self, name):
        return [row.ratio for group, rows in self.rows.items() if group.name == name for row in rows]

    def speedup(self):
        """Return how many times as fast all threads are as one, None where that was not measured."""
        rows = {row.work.name: row.ours for rows in self.rows.values() for row in rows}
        alone, together = rows.get("alone/128"), rows.get("train/128")
        return alone.cost / together.cost if alone and together else None

    def percent(self, row):
        """Return a row's part of the machine's peak in percent, None where that means nothing."""
        if self.peak and row.ours and row.work.name.startswith(WITH_PERCENT):
            return 100 * row.work.figure(row.ours.cost) / self.peak
        return None

    def as_dict(self):
        """Return everything, for JSON."""
        return {
            "format": FORMAT,
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": self.facts.machine,
            "threads": self.facts.threads,
            "variant": self.facts.variant,
            "pace": self.facts.pace._asdict(),
            "libraries": self.facts.versions,
            "notes": self.facts.notes,
            "groups": {group.name: [self._row_as_dict(row) for row in rows] for group, rows in self.rows.items()},
            "geometric_means": self.means(),
            "threads_over_one": self.speedup(),
            "noisy": self.noisy(),
        }

    def _row_as_dict(self, row):
        results = {}
        for name, series in row.series.items():
            if series.failure:
                results[name] = {"failure": series.failure}
            else:
                figure = row.work.figure(series.cost)
                results[name] = {"figure": figure, "costs": series.costs, "spread": series.spread}
        return {
            "name": row.work.name,
            "label": row.work.label,
            "unit": row.work.unit,
            "results": results,
            "percent_of_peak": self.percent(row),
            "ratios": row.ratios,
            "ratio": row.ratio,
        }

    # -- tables -------------------------------------------------------------------------------------------
    def _table(self, group, rows):
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        names = [name for name in self.facts.versions if any(name in row.series for row in rows)]
        shown = {"%": any(map(self.percent, rows)), "±": True, "ratio": any(row.ratio for row in rows)}
        table = Table(box=SIMPLE_HEAD)
        table.add_column("")
        for name in _with_ours_first(names, shown):
            table.add_column(name, justify="right")
        for row in rows:
            label = f"{row.work.label} ({row.work.unit})" if group.mixed else row.work.label
            table.add_row(Text(label), *(Text(cell) for cell in self._cells(row, names, shown)))
        mean = self.means().get(group.name)
        if mean is not None and len(rows) > 1:
            table.add_section()
            blanks = [""] * (len(table.columns) - 2)
            table.add_row("geometric mean", *blanks, f"{mean:.2f}")
        return table

    def _cells(self, row, names, shown):
        percent, ours, ratio = self.percent(row), row.ours, row.ratio
        spread = ours.spread if ours and len(ours.costs) > 1 else None
        beside = {
            "%": "" if percent is None else f"{percent:.0f}",
            "±": "" if spread is None else f"{spread:.0%}",
            "ratio": "" if ratio is None else f"{ratio:.2f}",
        }
        for column in _with_ours_first(names, shown):
            yield beside[column] if column in beside else _figure(row, column)

    def _print(self, text):
        self.console.print(text, markup=False, soft_wrap=True)


def _with_ours_first(names, shown):
    """Return the columns: fastconv, what is told of it, the others, the ratio."""
    beside = [column for column in ("%", "±") if shown[column]]
    return [*names[:1], *beside, *names[1:], *(["ratio"] if shown["ratio"] else [])]


def _figure(row, name):
    series = row.series.get(name)
    if series is None:
        return ""
    if series.failure:
        return "failed"
    figure = row.work.figure(series.cost)
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def _count(n, thing):
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
