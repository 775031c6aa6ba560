"""The progress bar of ``fit``: a live line on a terminal, plain lines anywhere else."""

import os
import sys
import time

import numpy as np

_VERBOSE = (0, 1, 2)
_clock = time.perf_counter

# Which parts of the live line are set off, by the names that rich gives to styles.
_STYLES = {"count": "bold", "done": "green", "left": "dim", "time": "bold"}


class Progbar:
    """Show how far a loop has come, how long it takes, and its metrics.

    On a terminal ``verbose=1`` redraws one line every `interval` seconds; anywhere else (a file, a pipe) it
    prints one line at the end, so that logs stay readable. An update that draws nothing costs about
    two microseconds.

    Parameters
    ----------
    target : int or None
        How many steps there will be; ``None`` if that is unknown.
    width : int
        The length of the bar in characters.
    verbose : {0, 1, 2}
        0 shows nothing, 1 the bar, 2 one line without a bar at the end.
    interval : float
        The least time between two drawings, in seconds.
    stateful_metrics : iterable of str, optional
        Metrics shown as they are given; all others are averaged over the steps.
    stateless_metrics : iterable of str, optional
        The other way round: metrics that are averaged; all others are shown as they are given.
    unit_name : str
        What a step is called.

    Raises
    ------
    ValueError
        If an argument is out of range, or both kinds of metrics are given.

    Examples
    --------
    >>> from fastconv.utils import Progbar
    >>> bar = Progbar(2, verbose=2)
    >>> bar.update(1, [("loss", 0.5)])
    >>> bar.update(2, [("loss", 0.25)])  # doctest: +ELLIPSIS
    2/2 - 0s - ...s/step - loss: 0.2500
    """

    def __init__(
        self,
        target,
        width=20,
        verbose=1,
        interval=0.05,
        stateful_metrics=None,
        stateless_metrics=None,
        unit_name="step",
    ):
        _check(target, width, verbose, interval, stateful_metrics, stateless_metrics)
        self.target = target
        self.width = width
        self.verbose = int(verbose)
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._values = {}  # name: [sum of what was given, over so many steps]
        self._seen = 0
        self._start = _clock()
        self._first = None  # when the first step was done, and which it was: it holds the work done once
        self._drawn = float("-inf")
        self._stream = sys.stdout
        self._line = _LiveLine(sys.stdout) if self.verbose == 1 and _is_terminal(sys.stdout) else None

    def update(self, current, values=None, finalize=None):
        """Note that `current` steps are done, and draw if it is time.

        Parameters
        ----------
        current : int
            The number of steps done so far.
        values : iterable of (str, float), optional
            Metrics and their values in the last step.
        finalize : bool, optional
            Whether this is the end: the line is drawn in any case and closed, and metrics are shown as they
            are given here, not averaged. By default, whether `current` has reached the target.

        Examples
        --------
        >>> from fastconv.utils import Progbar
        >>> Progbar(None, verbose=2).update(3, finalize=True)  # doctest: +ELLIPSIS
        3/Unknown - 0s - ...s/step
        """
        if not self.verbose:
            self._seen = current
            return
        now = _clock()
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if values:
            self._collect(current, values, finalize)
        self._seen = current
        if finalize:
            self._finish(now)
        elif self._line is not None and now - self._drawn >= self.interval:
            self._drawn = now
            self._line.draw(self._parts(now, finalize=False))
        if self._first is None:
            self._first = (now, current)

    def add(self, n, values=None):
        """Note that `n` more steps are done; otherwise like `update`.

        Parameters
        ----------
        n : int
            The number of steps.
        values : iterable of (str, float), optional
            Metrics and their values in the last step.

        Examples
        --------
        >>> from fastconv.utils import Progbar
        >>> bar = Progbar(4, verbose=2)
        >>> bar.add(3)
        >>> bar.add(1)  # doctest: +ELLIPSIS
        4/4 - 0s - ...s/step
        """
        self.update(self._seen + n, values)

    def due(self):
        """Tell whether an update now would draw, for callers whose metrics take time to work out.

        Skipping the other updates changes nothing if no metric is averaged; the last update must not be
        skipped.

        Returns
        -------
        bool
            Always false where nothing is drawn before the end, but for the first step, whose time counts
            apart.

        Examples
        --------
        >>> from fastconv.utils import Progbar
        >>> Progbar(10, verbose=0).due()
        False
        """
        if not self.verbose:
            return False
        return self._first is None or (self._line is not None and _clock() - self._drawn >= self.interval)

    def _collect(self, current, values, finalize):
        steps = max(current - self._seen, 1)
        for name, value in values:
            value = np.mean(value) if np.ndim(value) else value
            if finalize or not self._is_averaged(name):
                self._values[name] = [value, 1]
                continue
            total = self._values.setdefault(name, [0, 0])
            total[0] += value * steps
            total[1] += steps

    def _is_averaged(self, name):
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return name not in self.stateful_metrics

    def _finish(self, now):
        parts = self._parts(now, finalize=True)
        if self.verbose == 2:
            plain = [parts["count"].strip(), parts["time"], *parts["rest"]]
            print(" - ".join(plain), file=self._stream, flush=True)
        elif self._line is None:
            print(_join(_encodable(parts, self._stream)), file=self._stream, flush=True)
        else:
            self._line.draw(parts, end="\n")

    def _parts(self, now, finalize):
        """Return the pieces of the line: count, done and left of the bar, time, and the list of the rest."""
        count, target = self._seen, self.target
        full = self.width if not target else min(self.width * count // target, self.width)
        step = self._seconds_per_step(now)
        ahead = None if finalize or target is None else step * (target - count)
        metrics = [f"{name}: {_format_metric(total / steps)}" for name, (total, steps) in self._values.items()]
        return {
            "count": f"{count:7d}/Unknown" if target is None else f"{count:{len(str(target))}d}/{target}",
            "done": "━" * full if target is not None else "",
            "left": "━" * (self.width - full) if target is not None else "",
            "time": f"{now - self._start:.0f}s" if ahead is None else _format_ahead(ahead),
            "rest": [f"{_format_step(step)}/{self.unit_name}", *metrics],
        }

    def _seconds_per_step(self, now):
        start, done = self._first or (self._start, 0)
        if self._seen <= done:  # only the first update has come
            start, done = self._start, 0
        return (now - start) / (self._seen - done) if self._seen > done else 0.0


class _LiveLine:
    """One line of a terminal that is drawn over and over.

    Rich is asked once what the terminal can do; the drawing itself is one short write, for rich's own takes
    0.3 ms. Nothing is left switched on between two drawings, so an interrupted loop leaves the terminal as it
    was.
    """

    def __init__(self, stream):
        from rich.console import Console

        self._stream = stream
        self._console = Console(file=stream, highlight=False)
        self._inks = {part: self._ink(style) for part, style in _STYLES.items()}
        self._length = 0

    def _ink(self, style):
        """Return a function that gives a piece of text the look of `style` on this terminal."""
        if self._console.legacy_windows:
            return str
        with self._console.capture() as capture:
            self._console.print("|", style=style, end="")
        before, _, after = capture.get().partition("|")
        return lambda text: before + text + after if text else ""

    def draw(self, parts, end=""):
        """Draw the line in place of the last one.

        What the terminal has no room for is cut off, for a wrapped line cannot be drawn over; the last one,
        with its `end`, may wrap.
        """
        parts = _encodable(parts, self._stream)
        plain = _join(parts)
        room = len(plain) if end else max(self._console.width - 1, 0)
        cut = max(len(plain) - room, 0)
        rest = " - ".join(parts["rest"])
        if cut <= len(rest):  # the usual case: only metrics fall off
            inked = {part: ink(parts[part]) for part, ink in self._inks.items()}
            line = _join({**inked, "rest": [rest[: len(rest) - cut]]})
        else:
            line = plain[:room]
        length = len(plain) - cut
        self._stream.write("\r" + line + " " * (self._length - length) + end)
        self._stream.flush()
        self._length = length


def _join(parts):
    bar = parts["done"] + parts["left"]
    return " ".join(filter(None, [parts["count"], bar, parts["time"], " - ".join(parts["rest"])]))


def _encodable(parts, stream):
    """Return `parts` with a bar that `stream` can write: not every code page has the thin one."""
    try:
        "━".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return {**parts, "done": "=" * len(parts["done"]), "left": "." * len(parts["left"])}
    return parts


def _is_terminal(stream):
    """Tell whether a line can be drawn over on `stream`; without rich it is treated like a file."""
    try:
        if not stream.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
            return False
        import rich  # noqa: F401
    except (AttributeError, ValueError, ImportError):
        return False
    return True


def _check(target, width, verbose, interval, stateful_metrics, stateless_metrics):
    if target is not None and target < 0:
        raise ValueError(f"Progbar: target={target!r}; expected a count of steps or None.")
    if width < 1:
        raise ValueError(f"Progbar: width={width!r}; expected at least 1.")
    if verbose not in _VERBOSE:
        raise ValueError(f"Progbar: verbose={verbose!r}; expected one of {_VERBOSE}.")
    if not interval >= 0:
        raise ValueError(f"Progbar: interval={interval!r}; expected seconds, 0 or more.")
    if stateful_metrics is not None and stateless_metrics is not None:
        raise ValueError(
            f"Progbar: stateful_metrics={stateful_metrics!r} and stateless_metrics={stateless_metrics!r}; "
            "expected at most one of them."
        )


def _format_metric(value):
    value = float(value)
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def _format_step(seconds):
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _format_ahead(seconds):
    seconds = int(seconds)
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds >= 60 else f"{seconds}s"
