"""Files are written whole or not at all.

A file is written under another name in the same folder, brought to the disk, and then renamed: at any moment the
old file is there or the new one. When writing fails, the other name is removed.
"""

import os
import stat
from contextlib import contextmanager, suppress

SUFFIX = ".part"  # of files that are being written; only a killed process leaves one


@contextmanager
def writing(owner, path):
    """Open a file that takes the place of `path` when the block ends well.

    Parameters
    ----------
    owner : str
        Who writes, for messages.
    path : str or PathLike
        The file's name.

    Yields
    ------
    file
        Open for binary writing and reading.

    Raises
    ------
    OSError
        If it cannot be written; what was there before stays.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with writing("save", f"{folder}/a.txt") as file:
    ...         _ = file.write(b"whole")
    ...     pathlib.Path(folder, "a.txt").read_text()
    'whole'
    """
    target = os.path.realpath(os.fspath(path))  # a link stays one: what it points to is replaced
    if os.path.isdir(target):
        raise IsADirectoryError(f"{owner}: {os.fspath(path)!r} is a folder; expected the name of a file.")
    temporary = _temporary_name(target)
    try:
        with _explained(owner, path):
            file = open(temporary, "xb+")  # noqa: SIM115 (closed below, before it is renamed)
        try:
            with _explained(owner, path):
                _like_before(file, target)
                yield file
                file.flush()
                os.fsync(file.fileno())
        finally:
            with suppress(OSError):  # what it would complain of was flushed above, or it is thrown away
                file.close()
        with _explained(owner, path):
            os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(os.path.dirname(target))


def write_bytes(owner, path, data):
    """Write a file whole or not at all; see `writing`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes("save", f"{folder}/a.txt", b"whole")
    ...     pathlib.Path(folder, "a.txt").read_text()
    'whole'
    """
    with writing(owner, path) as file:
        file.write(data)


def _temporary_name(target):
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:80]}.{os.urandom(8).hex()}{SUFFIX}")


def _like_before(file, target):
    """Give a new file the permissions of the one whose place it takes."""
    with suppress(OSError):
        before = os.stat(target)
        if hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))


@contextmanager
def _explained(owner, path):
    try:
        yield
    except OSError as error:
        name = os.fspath(path)
        reason = error.strerror or error
        raise OSError(
            error.errno, f"{owner}: {name!r} could not be written ({reason}); what was there before stays"
        ) from error


def _sync_folder(folder):
    """Bring the new name to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
