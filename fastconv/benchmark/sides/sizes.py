"""Bytes in memory and on disk."""

import sys
import zlib
from pathlib import Path


def peak_memory():
    """Return the most bytes of memory that this process has had at a time.

    Examples
    --------
    >>> peak_memory() > 10e6
    True
    """
    status = Path("/proc/self/status")  # getrusage() tells the parent's peak where that was higher
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def installed(*modules):
    """Return the bytes of packages on disk, compiled Python files not counted.

    Examples
    --------
    >>> import json
    >>> 10_000 < installed(json) < 1_000_000
    True
    """
    return sum(path.stat().st_size for module in modules for path in _files(module))


def compressed(module):
    """Return about how many bytes a package has in a wheel: its files, deflated one by one; no sources of kernels."""
    sources = {".pyx", ".pxd", ".pxi", ".h", ".c"}
    return sum(len(zlib.compress(path.read_bytes())) for path in _files(module) if path.suffix not in sources)


def _files(module):
    files = Path(module.__file__).parent.rglob("*")
    return [path for path in files if path.is_file() and "__pycache__" not in path.parts]
