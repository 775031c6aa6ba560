"""The bench command: from options to tables."""

import json
import sys

from fastconv import kernels
from fastconv.benchmark import rounds
from fastconv.benchmark.process import Team, WorkerError, find_pythons
from fastconv.benchmark.report import Facts, Report
from fastconv.benchmark.works import choose, groups, keep
from fastconv.runtime import config
from fastconv.runtime.threads import get_num_threads


def run(options):
    """Measure, and print tables; return the exit code.

    Parameters
    ----------
    options : namespace
        ``threads``, ``only``, ``quick``, ``peers``, ``peer_python`` and ``json``, as ``python -m fastconv bench``
        reads them.

    Returns
    -------
    int
        2 if `only` chooses nothing, 1 if fastconv itself failed at anything, else 0.

    Raises
    ------
    WorkerError
        If fastconv's own worker does not start.
    OSError
        If the JSON file cannot be written.
    """
    threads = options.threads or get_num_threads()
    everything, peak = groups(kernels.runnable(), threads), f"peak/{kernels.variant()}/{threads}"
    chosen = choose(everything, options.only, options.quick, peak)
    if not chosen:
        among = choose(everything, quick=options.quick)
        kinds = sorted({work.kind for group in among for work in group.works})
        words = f"--only {' '.join(options.only)} chooses nothing; names start with {', '.join(kinds)}"
        print(f"python -m fastconv bench: {words}", file=sys.stderr)
        return 2
    pace = rounds.QUICK if options.quick else rounds.THOROUGH
    pythons, notes = find_pythons(options.peer_python, own=options.peers and not options.quick)
    with Team(pythons, threads) as team:
        team.start()
        if "fastconv" in team.absent:
            raise WorkerError(f"fastconv does not start: it {team.absent['fastconv']}")
        notes += [f"{name} does not start: it {why}" for name, why in team.absent.items()]
        report = Report(Facts(config.info(), threads, pace, team.versions, notes))
        report.begin()
        possible = keep(chosen, lambda work: "fastconv" in team.those_for(work))
        _measure(possible, team, pace, report)
    report.end()
    if options.json:
        options.json.write_text(json.dumps(report.as_dict(), indent=1) + "\n", encoding="utf-8")
    return 1 if report.failures() else 0


def _measure(chosen, team, pace, report):
    """Measure group after group; say on a terminal which work is at hand."""
    from rich.console import Console

    total, done = sum(len(group.works) for group in chosen), 0
    with Console(stderr=True).status("") as status:
        for group in chosen:
            rows = []
            for work in group.works:
                done += 1
                status.update(f"{done}/{total} {work.name}")
                rows.append(rounds.measure(work, team, pace))
            report.add(group, rows)
