"""What this computer and this build can do: ``info()`` returns it, ``show_config()`` prints it.

Higher floors add their own section with ``register``; this module imports none of them.
"""

import os
import platform
import sys

import numpy as np

from fastconv._version import __version__
from fastconv.runtime import _cpu, threads

_OPENMP_VERSIONS = {201107: "3.1", 201307: "4.0", 201511: "4.5", 201811: "5.0", 202011: "5.1", 202111: "5.2"}
_HOW_TO_GET_OPENMP = {
    "linux": "build with gcc, or install libomp-dev for clang",
    "darwin": "brew install libomp (LIBOMP_PREFIX=... if it lives elsewhere)",
    "win32": "install the C++ build tools of Visual Studio",
}
_VARIABLES = ("FASTCONV_", "OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_")
_sections = {}


def register(name, facts):
    """Add a section to ``info()``.

    Parameters
    ----------
    name : str
        The section's name; a section registered before under this name is replaced.
    facts : callable
        Called without arguments by each ``info()``; returns a dict.

    Examples
    --------
    >>> from fastconv.runtime import config
    >>> config.register("example", lambda: {"answer": 42})
    >>> config.info()["example"]
    {'answer': 42}
    >>> config.unregister("example")
    """
    if not callable(facts):
        raise TypeError(f"register: facts={facts!r} of section {name!r} is not callable.")
    _sections[name] = facts


def unregister(name):
    """Remove the section `name` from ``info()``.

    Parameters
    ----------
    name : str

    Raises
    ------
    KeyError
        If there is no such section.
    """
    del _sections[name]


def _openmp():
    if not _cpu.OPENMP:
        remedy = _HOW_TO_GET_OPENMP.get(sys.platform, "install a compiler with OpenMP")
        return {"version": None, "remedy": remedy + ", then install fastconv again"}
    return {"version": _OPENMP_VERSIONS.get(_cpu.OPENMP, str(_cpu.OPENMP)), "date": _cpu.OPENMP}


def _cpu_facts():
    l1d, l2, l3 = _cpu.cache_sizes()
    return {
        "name": _cpu.brand() or platform.processor() or platform.machine(),
        "features": sorted(_cpu.features()),
        "levels": [level for level in _cpu.LEVELS if _cpu.supports(level)],
        "cache_l1d": l1d,
        "cache_l2": l2,
        "cache_l3": l3,
    }


def _versions():
    return {
        "fastconv": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "compiler": _cpu.COMPILER,
        "platform": platform.platform(),
    }


def info():
    """Return what this computer and this build can do.

    Returns
    -------
    dict of dict
        Sections ``versions``, ``cpu``, ``openmp``, ``threads`` and ``environment`` (variables with a say in
        the number of threads or the choice of kernels, where set), and those registered by higher floors,
        such as ``kernels``. Unknown sizes are 0.

    Examples
    --------
    >>> from fastconv.runtime import config
    >>> config.info()["threads"]["threads"] >= 1
    True
    """
    return {
        "versions": _versions(),
        "cpu": _cpu_facts(),
        **{name: facts() for name, facts in _sections.items()},
        "openmp": _openmp(),
        "threads": threads.explain(),
        "environment": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(_VARIABLES)},
    }


def _phrase(key, value):
    """Return a value as a person would write it."""
    if key.startswith("cache_"):
        return f"{value // 1024} KiB" if value else "unknown"
    if isinstance(value, dict):
        value = [f"{name} {_phrase(name, item)}" for name, item in value.items() if item is not None]
        return ", ".join(value) or "-"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def show_config():
    """Print what this computer and this build can do; the first thing to put into a bug report.

    See Also
    --------
    info : The same as a dict.

    Examples
    --------
    >>> from fastconv.runtime import config
    >>> config.show_config()  # doctest: +ELLIPSIS
    versions
      fastconv ...
    """
    for section, facts in info().items():
        print(section)
        for key, value in facts.items():
            print(f"  {key.replace('_', ' '):<12} {_phrase(key, value)}")
        if not facts:
            print("  -")
