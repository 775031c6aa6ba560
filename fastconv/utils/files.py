"""Files from the network, kept in a cache, checked, and unpacked."""

import os
import re
from pathlib import Path

from fastconv.names import spelled

_HEX = re.compile(r"[0-9a-fA-F]+")
_LENGTHS = {"sha256": 64, "md5": 32}
_OWNER = "get_file"


@spelled
def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
):
    """Return the path of a file that is downloaded if it is not in the cache yet.

    Parameters
    ----------
    fname : str, optional
        What it is called in the cache; by default as in `origin`. Of an archive that is unpacked, with no dot in it,
        the folder.
    origin : str
        Where it comes from: a URL, ``https:`` or ``file:``.
    untar : bool
        As `extract`, for tar archives only; deprecated by Keras.
    md5_hash : str, optional
        As `file_hash`, with ``hash_algorithm="md5"``; deprecated by Keras.
    file_hash : str, optional
        What its sum must be. A file in the cache with another one is downloaded again.
    cache_subdir : str
        The folder in the cache; an absolute one stands for itself.
    hash_algorithm : {"auto", "sha256", "md5"}
        "auto" tells by the length of the sum.
    extract : bool
        Unpack it; what is returned is the folder then. Members that would lie outside of it are refused.
    archive_format : {"auto", "tar", "zip", None} or list
        Which kinds of archives are looked for, in order; "auto" is both.
    cache_dir : str, optional
        The cache; by default ``KERAS_HOME``, or ``~/.keras``.
    force_download : bool
        Download it even if it is there.

    Returns
    -------
    str
        The path of the file, or of the folder.

    Raises
    ------
    ValueError
        If an argument is wrong, the sum is another one, or what should be unpacked is no archive.
    OSError
        If it cannot be downloaded.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "there.txt").write_text("hello")
    ...     path = get_file(origin=pathlib.Path(folder, "there.txt").as_uri(), cache_dir=folder)
    ...     pathlib.Path(path).read_text(), path.endswith("datasets/there.txt")  # doctest: +ELLIPSIS
    Downloading data from file:...there.txt
    ('hello', True)
    """
    if origin is None:
        raise ValueError(f"{_OWNER}: origin=None; expected the URL of the file.")
    if fname is not None and not isinstance(fname, (str, os.PathLike)):
        raise TypeError(f"{_OWNER}: fname={fname!r} is not the name of a file.")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(hash_algorithm, file_hash)
    kinds = _kinds("tar" if untar else archive_format)
    folder = _folder(cache_dir, cache_subdir)
    unpack = bool(extract or untar)
    path, unpacked = _names(folder, fname, origin, unpack)
    if force_download or not path.exists() or not _has_sum(path, file_hash, algorithm):
        _download(origin, path, file_hash, algorithm)
    if not unpack:
        return str(path)
    if kinds:
        _unpack(path, unpacked, kinds)
    return str(unpacked)


def _algorithm(name, file_hash):
    """Return the name of the sum: "sha256" or "md5"."""
    if name not in ("auto", *_LENGTHS):
        raise ValueError(f"{_OWNER}: hash_algorithm={name!r} is not 'auto', 'sha256' or 'md5'.")
    if file_hash is None:
        return None
    text = str(file_hash)
    if name == "auto":
        name = next((kind for kind, length in _LENGTHS.items() if length == len(text)), None)
    if name is None or len(text) != _LENGTHS[name] or not _HEX.fullmatch(text):
        raise ValueError(f"{_OWNER}: file_hash={file_hash!r} is not a sum of {name or 'sha256 or md5'} in hexadecimal.")
    return name


def _kinds(formats):
    """Return which kinds of archives are looked for, in order."""
    kinds = {None: [], "auto": ["tar", "zip"]}.get(formats) if formats is None or isinstance(formats, str) else formats
    kinds = [formats] if kinds is None else list(kinds)
    wrong = [kind for kind in kinds if kind not in ("tar", "zip")]
    if wrong:
        raise ValueError(f"{_OWNER}: archive_format={formats!r} is not 'auto', 'tar', 'zip', None or a list of them.")
    return kinds


def _folder(cache_dir, cache_subdir):
    """Return the folder of the cache, made if it was not there."""
    home = Path(cache_dir or os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    folder = home / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _names(folder, fname, origin, unpack):
    """Return the path of the file, and of the folder that it is unpacked to, as Keras names them."""
    from urllib.parse import unquote, urlsplit

    name = os.fspath(fname) if fname else os.path.basename(unquote(urlsplit(str(origin)).path))
    if not name:
        raise ValueError(f"{_OWNER}: origin={origin!r} does not end with the name of a file; pass fname.")
    if os.sep in name or "/" in name or name in (".", ".."):
        raise ValueError(f"{_OWNER}: fname={name!r} is not the name of a file alone; cache_dir says the folder.")
    if not unpack:
        return folder / name, None
    if fname and "." in name:
        return folder / name, folder / f"{name[: name.find('.')]}_extracted"
    return folder / f"{name}_archive", folder / name


def _has_sum(path, file_hash, algorithm):
    """Tell whether a file is what it should be, as far as that is known."""
    import hashlib

    if file_hash is None:
        return True
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == str(file_hash).lower()


def _download(origin, path, file_hash, algorithm):
    """Fetch a file; it appears under its name when it is whole and right."""
    import shutil
    import tempfile
    from urllib.error import URLError
    from urllib.request import urlopen

    print(f"Downloading data from {origin}")
    try:
        with urlopen(str(origin)) as source, tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            part = Path(file.name)
            shutil.copyfileobj(source, file, 1 << 20)
    except URLError as error:
        raise OSError(f"{_OWNER}: origin={origin!r} cannot be downloaded: {error}.") from error
    try:
        if not _has_sum(part, file_hash, algorithm):
            raise ValueError(
                f"{_OWNER}: what came from {origin!r} has another {algorithm} sum than file_hash={file_hash!r}; it is "
                "incomplete, or not the file that was meant."
            )
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _unpack(path, folder, kinds):
    """Unpack an archive into a folder."""
    import tarfile
    import zipfile

    for kind in kinds:
        if kind == "tar" and tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")  # members that would lie outside are refused
            return
        if kind == "zip" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _refuse_outside(archive, folder)
                archive.extractall(folder)
            return
    raise ValueError(f"{_OWNER}: {str(path)!r} is no archive of the kinds that archive_format names: {kinds}.")


def _refuse_outside(archive, folder):
    """Raise if a member of an archive would lie outside of a folder."""
    home = os.path.realpath(folder)
    for name in archive.namelist():
        if not os.path.realpath(os.path.join(home, name)).startswith(home + os.sep):
            raise ValueError(f"{_OWNER}: the archive's member {name!r} would lie outside of {str(folder)!r}.")
