"""The progress bar, read from what it writes, with a clock that the tests turn."""

import io
import re
import sys
import types

import numpy as np
import pytest

from fastconv.callbacks import progbar
from fastconv.utils import Progbar

BAR = "━" * 20


class Screen(io.StringIO):
    """A stream that says it is a terminal, or is not."""

    def __init__(self, is_terminal, encoding="utf-8"):
        super().__init__()
        self.is_terminal = is_terminal
        self.code = encoding

    encoding = property(lambda self: self.code)

    def isatty(self):
        return self.is_terminal

    def frames(self):
        """Return what was drawn, without colours, one entry for each return to the start of the line."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue()).split("\r")[1:]


def put_on(monkeypatch, stream):
    """Let the progress bar write to `stream` (pytest itself moves ``sys.stdout`` between its phases)."""
    monkeypatch.setattr(progbar, "sys", types.SimpleNamespace(stdout=stream))


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until its ``now`` is changed."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(progbar, "_clock", lambda: Clock.now)
    return Clock


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen(is_terminal=True)
    put_on(monkeypatch, screen)
    return screen


@pytest.fixture
def log(monkeypatch):
    screen = Screen(is_terminal=False)
    put_on(monkeypatch, screen)
    return screen


def run(bar, clock, steps, seconds, values=lambda step: ()):
    for step in range(1, steps + 1):
        clock.now += seconds
        bar.update(step, values(step))


def test_the_live_line_is_redrawn_when_it_is_due(terminal, clock):
    run(Progbar(20), clock, 20, 0.03)
    frames = terminal.frames()
    assert [frame.split("/")[0].strip() for frame in frames] == [*map(str, range(1, 20, 2)), "20"]
    assert frames[0] == f" 1/20 {BAR} 0s 30ms/step"
    assert frames[-1] == f"20/20 {BAR} 1s 30ms/step\n"
    assert terminal.getvalue().count("\n") == 1


def test_the_live_line_shows_how_much_is_done_by_colour(terminal, clock):
    bar = Progbar(4, width=8)
    bar.update(1)
    assert "\x1b[32m━━\x1b[0m\x1b[2m━━━━━━\x1b[0m" in terminal.getvalue()
    bar.update(4)
    assert terminal.getvalue().endswith("\x1b[32m━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m 0s/step\n")


def test_without_colour_nothing_but_text_is_written(terminal, clock, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "vt100")
    Progbar(2).update(1)
    assert "\x1b[32m" not in terminal.getvalue()
    assert terminal.frames() == [f"1/2 {BAR} 0s 0s/step"]


def test_the_rest_of_a_longer_line_is_wiped(terminal, clock):
    bar = Progbar(2, interval=0, stateful_metrics=["a"])
    bar.update(0, [("a", 12345678.0)])
    bar.update(1, [("a", 1.0)])
    first, second = terminal.frames()
    assert len(second) == len(first)
    assert second == f"1/2 {BAR} 0s 0s/step - a: 1.0000       "


def test_the_live_line_fits_the_terminal_but_the_last_one_is_whole(terminal, clock, monkeypatch):
    values = [("accuracy", 0.5), ("loss", 0.25), ("val_accuracy", 0.5), ("val_loss", 0.25)]
    for columns, kept in (("60", f"1/2 {BAR} 0s 0s/step - accuracy: 0.5000 -"), ("11", "1/2 ━━━━━━")):
        monkeypatch.setenv("COLUMNS", columns)
        bar = Progbar(2)
        bar.update(1, values)
        bar.update(2, values)
        cut, whole = terminal.frames()[-2:]
        assert cut.startswith(kept)
        assert len(cut) == int(columns) - 1
        assert whole.endswith("val_loss: 0.2500\n")


@pytest.mark.parametrize(
    ("seconds", "ahead", "step"),
    [
        (1e-5, "0s", "10us"),
        (0.0061, "0s", "6ms"),
        (1, "1:39", "1s"),
        (0.5, "49s", "500ms"),
        (30, "49:30", "30s"),
        (90, "2:28:30", "90s"),
        (4000, "110:00:00", "4000s"),
    ],
)
def test_how_times_are_written(terminal, clock, seconds, ahead, step):
    run(Progbar(100), clock, 1, seconds)
    assert terminal.frames() == [f"  1/100 {BAR} {ahead} {step}/step"]


def test_an_unknown_target_has_no_bar(terminal, clock):
    bar = Progbar(None, unit_name="image")
    clock.now += 2
    bar.add(1, [("loss", 1.0)])
    clock.now += 2
    bar.add(1, [("loss", 2.0)])
    bar.update(2, finalize=True)
    assert terminal.frames() == [
        "      1/Unknown 2s 2s/image - loss: 1.0000",
        "      2/Unknown 4s 2s/image - loss: 1.5000",
        "      2/Unknown 4s 2s/image - loss: 1.5000\n",
    ]


def test_the_first_step_does_not_count_for_the_speed(log, clock):
    bar = Progbar(11, verbose=2)
    clock.now += 5
    bar.update(1)
    clock.now += 1
    bar.update(11)
    assert log.getvalue() == "11/11 - 6s - 100ms/step\n"


@pytest.mark.parametrize(
    ("verbose", "line"),
    [
        (0, ""),
        (1, f"3/3 {BAR} 3s 1s/step - accuracy: 0.5000 - loss: 1.0000e-03\n"),
        (2, "3/3 - 3s - 1s/step - accuracy: 0.5000 - loss: 1.0000e-03\n"),
    ],
)
def test_elsewhere_there_is_one_line_at_the_end(log, clock, verbose, line):
    bar = Progbar(3, verbose=verbose, interval=0)
    run(bar, clock, 3, 1, lambda step: [("accuracy", 0.5), ("loss", 1e-3)])
    assert log.getvalue() == line


def test_a_validation_after_the_last_step_still_gives_one_line(log, clock):
    bar = Progbar(2, verbose=1)
    for step in (1, 2):
        bar.update(step, [("loss", 1.0 / step)], finalize=False)
    bar.update(2, [("loss", 0.5), ("val_loss", 2.0)], finalize=True)
    assert log.getvalue() == f"2/2 {BAR} 0s 0s/step - loss: 0.5000 - val_loss: 2.0000\n"


@pytest.mark.parametrize(
    ("options", "last"),
    [
        ({}, "a: 2.0000 - b: 3.5000"),
        ({"stateful_metrics": ["b"]}, "a: 2.0000 - b: 5.0000"),
        ({"stateless_metrics": ["b"]}, "a: 5.0000 - b: 3.5000"),
        ({"stateless_metrics": []}, "a: 5.0000 - b: 5.0000"),
    ],
)
def test_metrics_are_averaged_over_steps_or_shown_as_they_are(terminal, clock, options, last):
    bar = Progbar(9, interval=0, **options)
    bar.update(3, [("a", 1.0), ("b", 3.0)])
    bar.update(4, [("a", 5.0), ("b", 5.0)])
    assert terminal.frames()[-1].endswith(last)
    bar.update(9, [("a", 7.0)])
    assert " - a: 7.0000 - b: " in terminal.frames()[-1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0011, "0.0011"),
        (-0.5, "-0.5000"),
        (0.001, "1.0000e-03"),
        (0, "0.0000e+00"),
        (-1e-9, "-1.0000e-09"),
        (float("nan"), "nan"),
        (np.array([1.0, 2.0]), "1.5000"),
        ([1.0, 2.0, 4.5], "2.5000"),
    ],
)
def test_how_metrics_are_written(log, clock, value, text):
    Progbar(1, verbose=2).update(1, [("m", value)])
    assert log.getvalue() == f"1/1 - 0s - 0s/step - m: {text}\n"


def test_a_stream_without_the_thin_bar_gets_another(monkeypatch, clock):
    screen = Screen(is_terminal=False, encoding="cp1252")
    put_on(monkeypatch, screen)
    Progbar(4, width=8).update(3, finalize=True)
    assert screen.getvalue() == "3/4 ======.. 0s 0s/step\n"


@pytest.mark.parametrize("spoil", ["dumb", "no rich", "no stream"])
def test_where_no_line_can_be_drawn_over_it_is_written_once(terminal, clock, monkeypatch, spoil):
    if spoil == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    elif spoil == "no rich":
        monkeypatch.setitem(sys.modules, "rich", None)
    else:
        put_on(monkeypatch, None)
    run(Progbar(3, interval=0), clock, 3, 1)
    assert terminal.getvalue() == ("" if spoil == "no stream" else f"3/3 {BAR} 3s 1s/step\n")


def test_due_tells_when_an_update_draws(terminal, clock):
    bar = Progbar(100, interval=0.05)
    assert bar.due()
    bar.update(1)
    assert not bar.due()
    clock.now += 0.06
    assert bar.due()
    assert not Progbar(100, verbose=0).due()


def test_due_away_from_a_terminal_is_the_first_step_alone(log, clock):
    bar = Progbar(100, interval=0)
    assert bar.due()
    bar.update(1)
    clock.now += 1000
    assert not bar.due()


def test_an_update_that_is_not_due_only_looks_at_the_clock(terminal, clock, monkeypatch):
    bar = Progbar(100)
    bar.update(1, [("loss", 1.0)])
    monkeypatch.setattr(bar, "_parts", None)  # drawing would call it
    written = terminal.getvalue()
    bar.update(2, [("loss", 1.0)])
    assert terminal.getvalue() == written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": -1}, "target=-1"),
        ({"width": 0}, "width=0"),
        ({"verbose": "auto"}, "verbose='auto'"),
        ({"verbose": 3}, "verbose=3"),
        ({"interval": -1}, "interval=-1"),
        ({"stateful_metrics": ["a"], "stateless_metrics": ["b"]}, "at most one of them"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=f"Progbar: .*{message}"):
        Progbar(**{"target": 1, **options})
