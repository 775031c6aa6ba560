"""The worker's half of the protocol: a question a line on standard input, an answer a line, in JSON.

====================  =============================================================================
the worker starts     ``{"ready": {"version": "...", "kinds": ["conv", ...]}}``
``measure NAME T``    ``{"cost": seconds of a call}``, the median of those in about T seconds, or
                      ``{"cost": bytes}`` for works of which the size is asked, or
                      ``{"error": "..."}``; the worker goes on after it
end of input          the worker ends
====================  =============================================================================
"""

import json
import os
import sys
import time

FEWEST_CALLS = 3
FIRST_CALLS = 3  # before the first measurement of a work: code is compiled, buffers are planned


def serve(make_side, questions, answers):
    """Answer questions until there are no more.

    Parameters
    ----------
    make_side : callable
        Returns the side and its version.
    questions : iterable of str
    answers : file
        Takes text.
    """

    def answer(**what):
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    side, version = make_side()
    answer(ready={"version": version, "kinds": [*side.makers, *side.values]})
    current = (None, None)  # the last work's name and call: rounds ask for the same again
    for question in questions:
        _, name, budget = question.split()
        kind, *rest = name.split("/")
        try:
            if kind in side.values:
                answer(cost=side.values[kind](*rest))
                continue
            if current[0] != name:
                current = (None, None)  # frees the last one's arrays before there are new ones
                current = name, side.makers[kind](*rest)
                for _ in range(FIRST_CALLS):
                    current[1]()
            answer(cost=seconds(current[1], float(budget)))
        except Exception as error:
            answer(error=" ".join(f"{type(error).__name__}: {error}".split())[:300])


def seconds(call, budget):
    """Return the median time of a call, of those in about `budget` seconds.

    Examples
    --------
    >>> 0 < seconds(lambda: sum(range(1000)), 0.001) < 1
    True
    """
    call()  # wakes threads that have gone to sleep
    times, start = [], time.perf_counter()
    now = start
    while len(times) < FEWEST_CALLS or now - start < budget:
        before = time.perf_counter()
        call()
        now = time.perf_counter()
        times.append(now - before)
    return sorted(times)[len(times) // 2]


def private_output():
    """Return standard output for this module alone; what libraries print goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers
