"""The archive that a ``.keras`` file is: what may be in it, and reading it without trust."""

import io
import stat

from fastconv.saving.around import Around
from fastconv.saving.errors import (
    JSON_BYTES,
    MEMBERS,
    InvalidFileError,
    check_expansion,
    reading,
)

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_NAMES = (METADATA, CONFIG, WEIGHTS)
_DIRECTORY_BYTES = 1 << 20  # the list of members, for which zipfile believes any size
_DATE = (1980, 1, 1, 0, 0, 0)  # of all members, so that equal models are equal files
_ENCRYPTED = 0x1


class _Cautious(Around):
    """A file from which little is read at once until the list of its members is there."""

    def __init__(self, owner, file):
        super().__init__(file)
        self.owner, self.listed = owner, False

    def read(self, size=-1):
        """Read at most so many bytes."""
        if not self.listed and size is not None and size > _DIRECTORY_BYTES:
            raise InvalidFileError(
                f"{self.owner}: the list of its members says that it has {size} bytes; expected at most "
                f"{_DIRECTORY_BYTES}."
            )
        return self.file.read(size)


def read(owner, file, wanted=(CONFIG, WEIGHTS)):
    """Return members of an archive.

    Parameters
    ----------
    owner : str
        Who reads what.
    file : file
        Open for binary reading.
    wanted : iterable of str
        Which members.

    Returns
    -------
    dict
        What is in each.

    Raises
    ------
    InvalidFileError
        If it is no such archive, or has what it may not have.

    Examples
    --------
    >>> image = io.BytesIO()
    >>> write(image, {CONFIG: b"{}", WEIGHTS: b"..."})
    >>> read("load_model", image)[CONFIG]
    b'{}'
    """
    from zipfile import ZipFile

    with reading(owner):
        size = file.seek(0, io.SEEK_END)
        cautious = _Cautious(owner, file)
        with ZipFile(cautious) as archive:
            cautious.listed = True
            members = _checked(owner, archive.infolist(), size)
            missing = [name for name in wanted if name not in members]
            if missing:
                raise InvalidFileError(f"{owner}: it has no member {missing[0]!r}, only {sorted(members)}.")
            return {name: _content(owner, archive, members[name]) for name in wanted}


def _checked(owner, infos, size):
    """Return the members by name; raise if one is not what it should be."""
    if len(infos) > MEMBERS:
        raise InvalidFileError(f"{owner}: it has {len(infos)} members; expected at most {MEMBERS}.")
    members = {}
    for info in infos:
        what = f"{owner}: the member {info.filename!r}"
        if info.filename in members:
            raise InvalidFileError(f"{what} comes twice.")
        if info.filename not in _NAMES:
            raise InvalidFileError(f"{what} {_complaint(info.filename)}; expected {', '.join(_NAMES)}.")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise InvalidFileError(f"{what} is a link or another special file; expected a regular one.")
        if info.flag_bits & _ENCRYPTED:
            raise InvalidFileError(f"{what} is encrypted.")
        if info.compress_size > size:
            raise InvalidFileError(f"{what} takes {info.compress_size} bytes; the whole file has {size}.")
        check_expansion(owner, f"the member {info.filename!r}", info.file_size, info.compress_size)
        if info.filename != WEIGHTS and info.file_size > JSON_BYTES:
            raise InvalidFileError(f"{what} has {info.file_size} bytes; expected at most {JSON_BYTES}.")
        members[info.filename] = info
    return members


def _complaint(name):
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ":" in parts[0]:
        return "has an absolute path"
    if ".." in parts:
        return "has a path that leaves the archive"
    if name == "model.weights.npz":
        return "holds pickled objects, which are never read"
    if parts[0] == "assets":
        return "is an asset, which no layer here has"
    return "is none that a model has"


def _content(owner, archive, info):
    with archive.open(info) as member:
        data = member.read(info.file_size)
        if len(data) != info.file_size or member.read(1):
            raise InvalidFileError(f"{owner}: the member {info.filename!r} has not the size that it says it has.")
    return data


def write(file, members):
    """Write an archive.

    Parameters
    ----------
    file : file
        Open for binary writing.
    members : dict
        What is in each.
    """
    from zipfile import ZipFile, ZipInfo

    with ZipFile(file, "w") as archive:
        for name, data in members.items():
            info = ZipInfo(name, _DATE)
            info.external_attr = 0o600 << 16
            archive.writestr(info, data)
