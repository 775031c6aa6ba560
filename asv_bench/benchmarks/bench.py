"""The tables and fastconv's side of the bench command, from this source tree and not from the version measured."""

import importlib
import sys
from pathlib import Path

import fastconv
from fastconv.runtime.threads import get_num_threads

_FOLDER = str(Path(__file__).parents[2] / "fastconv" / "benchmark")

sys.path.insert(0, _FOLDER)
try:
    workloads = importlib.import_module("sides.workloads")
    nets = importlib.import_module("sides.nets")
    sizes = importlib.import_module("sides.sizes")
    _fastconv_side = importlib.import_module("sides.fastconv_side")
finally:
    sys.path.remove(_FOLDER)


def side(threads=None):
    """Return fastconv's side, on a number of threads, by default as many as the environment says."""
    return _fastconv_side.Side(fastconv, threads=threads or get_num_threads())
