"""How long idle threads spin for work before they sleep; imported before anything that loads OpenMP.

A thread that spins joins the next parallel loop in half a microsecond; one that sleeps takes fifty to wake, but leaves
its processor to others. gcc's OpenMP spins for several milliseconds by default, at the cost of whatever else the
program does then (a product by a threaded BLAS took 20 times as long). Here it is about one: enough to
stay awake between the steps of training, or between predictions in a row.

OpenMP reads its environment when it is loaded, and never again. So the variable is there only while ``_cpu`` brings it
in, and not at all if the user has set one that has a say. Libraries with an OpenMP of their own, as wheels have, see
nothing of it, and neither do child processes.
"""

import os
import sys

SPIN_COUNT = 50_000  # turns of libgomp's loop: 0.9 ms on a processor of 2024, 2 ms where a pause takes longer
FEW_TURNS = 10_000  # less, and threads are asleep before the next loop comes
OPENMP_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def load():
    """Import ``_cpu``, and with it OpenMP, under a bounded spin count unless the user chose a policy."""
    if sys.platform != "linux" or any(name in os.environ for name in OPENMP_VARIABLES):
        from fastconv.runtime import _cpu

        return _cpu
    os.environ["GOMP_SPINCOUNT"] = str(SPIN_COUNT)
    try:
        from fastconv.runtime import _cpu
    finally:
        del os.environ["GOMP_SPINCOUNT"]
    return _cpu


def spins():
    """Tell whether idle threads spin for at least a while, as far as the user's variables say.

    Returns
    -------
    bool

    Examples
    --------
    >>> from fastconv.runtime.spinning import spins
    >>> spins() in (True, False)
    True
    """
    turns = os.environ.get("GOMP_SPINCOUNT", "").strip()
    if turns.isascii() and turns.isdigit():
        return int(turns) >= FEW_TURNS
    return os.environ.get("OMP_WAIT_POLICY", "").strip().lower() != "passive"


load()
