"""Files are written whole or not at all.

A file is written under another name in the same folder, brought to the disk, and then renamed: at any moment the
old file is there or the new one. When writing fails, the other name is removed.
"""

import os
import stat
from contextlib import ExitStack, contextmanager, suppress

from fastconv.saving.errors import shown

SUFFIX = ".part"  # of files that are being written; only a killed process leaves one


@contextmanager
def writing(owner, path, keep=None):
    """Open a file that takes the place of `path` when the block ends well.

    Parameters
    ----------
    owner : str
        Who writes, for messages.
    path : str or PathLike
        The file's name. If it is a link, what that leads to is replaced.
    keep : str or PathLike, optional
        A name for the file that was there before.

    Yields
    ------
    file
        Open for binary writing and reading.

    Raises
    ------
    OSError
        If it cannot be written, may not be, or is a folder, a device or the like; what was there before stays.

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
    with _explained(owner, path):
        _check_target(target)
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
            if keep is not None and os.path.exists(target):
                os.replace(target, keep)
            os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(os.path.dirname(target))


def write_bytes(owner, path, data, keep=None):
    """Write a file whole or not at all; see `writing`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes("save", f"{folder}/a.txt", b"whole")
    ...     pathlib.Path(folder, "a.txt").read_text()
    'whole'
    """
    with writing(owner, path, keep) as file:
        file.write(data)


def write_all(owner, folder, contents):
    """Write files of a folder: none takes its place before all are on the disk.

    Parameters
    ----------
    owner : str
        Who writes, for messages.
    folder : str
        Where.
    contents : dict
        What is in each.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_all("save", folder, {"a": b"1", "b": b"2"})
    ...     sorted(os.listdir(folder))
    ['a', 'b']
    """
    with ExitStack() as stack:
        for name, data in contents.items():
            file = stack.enter_context(writing(owner, os.path.join(folder, name)))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def in_folder(owner, path):
    """Make a folder, and those that it lies in; when the block fails, remove those that were made again.

    Parameters
    ----------
    owner : str
        Who writes, for messages.
    path : str
        The folder; an empty name is the one that the program is in.

    Raises
    ------
    OSError
        If it cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with in_folder("save", f"{folder}/a/b"):
    ...         pass
    ...     os.path.isdir(f"{folder}/a/b")
    True
    """
    made = []
    try:
        with _explained(owner, path):
            _make_folders(path, made)
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):  # somebody else has put something into it
                os.rmdir(folder)
        raise


def _make_folders(path, made):
    """Make the folders of a path that are not there; note them in a list."""
    with suppress(FileNotFoundError):
        os.stat(path or ".")  # raises at once if it cannot be the name of a folder
    wanted, left = [], path
    while left and not os.path.isdir(left):
        wanted.append(left)
        left, name = os.path.split(left)
        if not name:  # a name that ends in a slash
            wanted.pop()
            if not left.strip(os.sep):
                break
    for folder in reversed(wanted):
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):  # else somebody else has made it in the meantime
                raise
        else:
            made.append(folder)


def _check_target(target):
    """Raise unless there is no such file yet, or one that may be written."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return
    import errno  # when needed

    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder; expected the name of a file")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a device or the like; expected the name of a regular file")
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


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
        if "could not be written" in str(error):  # said already, of another file of several
            raise
        reason = error.strerror or error
        raise OSError(
            error.errno, f"{owner}: {shown(path)} could not be written ({reason}); what was there before stays"
        ) from error


def _sync_folder(folder):
    """Bring the new name to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
