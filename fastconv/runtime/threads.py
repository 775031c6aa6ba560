"""How many threads a parallel loop gets, and why.

The default is the least of what the machine grants: processors, the container's quota and OpenMP's own
variables. Every kernel is told the number at each call, because OpenMP's setting belongs to one thread at a
time and knows nothing of quotas.
"""

import math
import operator
import os
import sys

from fastconv.names import spelled
from fastconv.runtime import _cpu, caller

if sys.version_info >= (3, 13):
    _processors = os.process_cpu_count
elif hasattr(os, "sched_getaffinity"):

    def _processors():
        return len(os.sched_getaffinity(0))

else:
    _processors = os.cpu_count


def _count_from_environment(name):
    """Return the whole number in the variable `name`, or None if it is unset; raise for anything else."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ValueError(f"The environment variable {name} is {text!r}; expected a whole number above 0.")
    return int(text)


def _omp_num_threads():
    """Return the first number of OMP_NUM_THREADS ("4" or "4,2"); like OpenMP, take no notice of a bad one."""
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and int(text) >= 1 else None


def _read_quota(folder, version):
    """Return the CPUs that one control group's folder allows (infinity where it sets no limit)."""
    try:
        if version == 2:
            with open(f"{folder}/cpu.max") as file:
                quota, period = file.read().split()
        else:
            with open(f"{folder}/cpu.cfs_quota_us") as file:
                quota = file.read().strip()
            with open(f"{folder}/cpu.cfs_period_us") as file:
                period = file.read()
        return math.inf if quota in ("max", "-1") else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf


def _cgroup_quota(membership="/proc/self/cgroup", root="/sys/fs/cgroup"):
    """Return the CPUs that the control groups of this process allow (a float), or None without a limit."""
    try:
        with open(membership) as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    quota = math.inf
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        folder, version = (f"{root}/{controllers}", 1) if controllers else (root, 2)
        while True:  # a group is bound by its parents' limits too
            quota = min(quota, _read_quota(f"{folder}{path.rstrip('/')}", version))
            if path in ("/", ""):
                break
            path = os.path.dirname(path)
    return None if quota == math.inf else quota


def _find_limits():
    quota = _cgroup_quota()
    return {
        "processors": _processors() or 1,
        "cgroup quota": None if quota is None else max(1, math.ceil(quota)),
        "OMP_NUM_THREADS": _omp_num_threads(),
        "OMP_THREAD_LIMIT": _cpu.thread_limit() if os.environ.get("OMP_THREAD_LIMIT") else None,
        "FASTCONV_NUM_THREADS": _count_from_environment("FASTCONV_NUM_THREADS"),
    }


def _default_of(limits):
    """Return the default number of threads and the name of the limit that decides it."""
    if not _cpu.OPENMP:
        return 1, "built without OpenMP"
    if limits["FASTCONV_NUM_THREADS"] is not None:
        return limits["FASTCONV_NUM_THREADS"], "FASTCONV_NUM_THREADS"
    return min((value, name) for name, value in limits.items() if value is not None)


def processors():
    """Return how many processors this process may use."""
    return _limits["processors"]


_limits = _find_limits()
_limit, _why = _default_of(_limits)

# What OpenMP says while nobody holds it down; less than this is somebody's limit on the calling thread.
_ceiling = max(_cpu.max_threads(), _limits["OMP_NUM_THREADS"] or _limits["processors"]) if _cpu.OPENMP else 1
_max_threads = _cpu.max_threads
_has_warned = False


def get_num_threads():
    """Return how many threads the next parallel loop of the calling thread gets.

    Returns
    -------
    int
        The number set last, or the default; lowered by ``threadpoolctl.threadpool_limits`` while active.

    See Also
    --------
    set_num_threads, explain

    Examples
    --------
    >>> from fastconv.runtime.threads import get_num_threads
    >>> get_num_threads() >= 1
    True
    """
    now = _max_threads()
    return _limit if now >= _ceiling or now > _limit else now


@spelled
def set_num_threads(n):
    """Set the number of threads of all parallel loops from now on, in the whole process.

    Results do not depend on it: they have the same bits with any number of threads.

    Parameters
    ----------
    n : int or None
        At least 1; ``None`` returns to the default. More threads than processors are allowed, and slow.

    Raises
    ------
    ValueError
        If `n` is less than 1.
    TypeError
        If `n` is not a whole number.

    Warns
    -----
    RuntimeWarning
        Once, if `n` is more than 1 and this build has no OpenMP; one thread is used then.

    Examples
    --------
    >>> from fastconv.runtime.threads import get_num_threads, set_num_threads
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(None)
    """
    global _limit, _why, _has_warned
    if n is None:
        _limit, _why = _default_of(_limits)
        return
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"set_num_threads: n={n!r} is not a whole number or None.") from None
    if n < 1:
        raise ValueError(f"set_num_threads: n={n} is not at least 1.")
    if _cpu.OPENMP:
        _limit, _why = n, "set_num_threads"
    elif n > 1 and not _has_warned:
        _has_warned = True
        caller.warn(
            f"set_num_threads: n={n}, but fastconv was built without OpenMP and runs on one thread; "
            "fastconv.show_config() says what to do.",
            RuntimeWarning,
        )


def explain():
    """Tell how many threads are used, and why.

    Returns
    -------
    dict
        ``threads``: as ``get_num_threads`` returns it; ``why``: the name of what decides it; ``limits``: all
        that was looked at when fastconv was imported, ``None`` where it is not set; ``openmp``: what OpenMP
        would give the calling thread now.

    Examples
    --------
    >>> from fastconv.runtime.threads import explain
    >>> sorted(explain())
    ['limits', 'openmp', 'threads', 'why']
    """
    threads = get_num_threads()
    why = _why if threads == _limit else "a limit on OpenMP in the calling thread (threadpoolctl)"
    return {"threads": threads, "why": why, "limits": dict(_limits), "openmp": _max_threads()}


# A forked child that enters a parallel loop would wait for ever for threads that fork() did not copy.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_cpu.pause)
