"""HDF5 files that nobody vouches for, and those that are written.

A file is surveyed before anything is read from it: every group and dataset is looked at, part by part, and what a
weights file has no use for (links, data elsewhere, filters that load code, sizes that nothing stands behind) is refused
by name.
"""

import io
import math
import os
import stat
import struct
from contextlib import contextmanager

import numpy as np

from fastconv.saving.around import Around
from fastconv.saving.errors import (
    ATTRIBUTE_BYTES,
    GROUP_DEPTH,
    NAME_BYTES,
    OBJECTS,
    InvalidFileError,
    MissingFileError,
    check_expansion,
    reading,
)

_FILTERS = (1, 2, 3)  # deflate, shuffle, checksum: built into HDF5; others are libraries that it would go and load
_KINDS = "fiub"  # floats, integers, booleans


def load_h5py():
    """Return the module h5py, or say how to get it.

    Raises
    ------
    ImportError
        If it is not there.

    Examples
    --------
    >>> load_h5py().__name__
    'h5py'
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("Keras's file formats need h5py; install it with: pip install h5py") from error
    return h5py


class Survey:
    """What an HDF5 file holds, all of it looked at and none of it read.

    Parameters
    ----------
    owner : str
        Who reads what, for messages.
    file : h5py.File
        The open file.
    size : int
        Its bytes.

    Attributes
    ----------
    groups : dict
        All groups by their paths, the root as ``""``.
    datasets : dict
        All datasets by their paths.
    elements : dict
        How many values each dataset holds that no other name holds too.

    Raises
    ------
    InvalidFileError
        If the file holds what it may not.
    """

    def __init__(self, owner, file, size):
        self.owner, self.size = owner, size
        self.groups, self.datasets, self.elements, self._below = {}, {}, {}, {}
        self._h5py, self._seen = load_h5py(), set()
        with reading(owner):
            self._visit("", file, 0)
            self._check_total()

    def _visit(self, path, group, depth):
        if depth > GROUP_DEPTH:
            raise InvalidFileError(f"{self.owner}: the group {path!r} lies deeper than {GROUP_DEPTH} groups.")
        if not self._is_new(group):
            raise InvalidFileError(f"{self.owner}: the group {path!r} has a second name; expected one.")
        self.groups[path] = group
        if len(self.groups) + len(self.datasets) + len(group) > OBJECTS:
            raise InvalidFileError(f"{self.owner}: it holds more than {OBJECTS} groups and datasets.")
        for name in group:
            where = f"{path}/{name}" if path else name
            if len(where) > NAME_BYTES:
                raise InvalidFileError(f"{self.owner}: the name {where[:40]!r}... has more than {NAME_BYTES} letters.")
            item = self._item(where, group, name)
            if isinstance(item, self._h5py.Group):
                self._visit(where, item, depth + 1)
            else:
                self._check_dataset(where, item)
                self.datasets[where] = self._below.setdefault(path, {})[name] = item
                self.elements[where] = math.prod(item.shape) if self._is_new(item) else 0

    def _item(self, where, group, name):
        """Return what a name stands for, if it is a thing in this file."""
        link = group.get(name, getlink=True)
        if not isinstance(link, self._h5py.HardLink):
            raise InvalidFileError(
                f"{self.owner}: {where!r} is a {type(link).__name__} to something elsewhere; expected a group or data."
            )
        item = group[name]
        if not isinstance(item, (self._h5py.Group, self._h5py.Dataset)):
            raise InvalidFileError(f"{self.owner}: {where!r} is a {type(item).__name__}; expected a group or data.")
        return item

    def _is_new(self, item):
        place = self._h5py.h5o.get_info(item.id).addr
        if place in self._seen:
            return False
        self._seen.add(place)
        return True

    def _check_dataset(self, where, item):
        owner, made = f"{self.owner}: the data {where!r}", item.id.get_create_plist()
        if made.get_layout() == self._h5py.h5d.VIRTUAL:
            raise InvalidFileError(f"{owner} are virtual, put together from other files; expected them to be here.")
        if made.get_external_count():
            raise InvalidFileError(f"{owner} lie in an external file; expected them to be here.")
        if item.shape is None or item.dtype.kind not in _KINDS:
            raise InvalidFileError(f"{owner} are of type {item.dtype}, shape {item.shape}; expected numbers.")
        filters = [made.get_filter(i)[0] for i in range(made.get_nfilters())]
        if any(code not in _FILTERS for code in filters):
            raise InvalidFileError(f"{owner} went through the filters {filters}; expected none but {_FILTERS}.")
        declared, stored = math.prod(item.shape) * item.dtype.itemsize, item.id.get_storage_size()
        if stored > self.size:
            raise InvalidFileError(f"{owner} take {stored} bytes; the whole file has {self.size}.")
        check_expansion(self.owner, f"the data {where!r}", declared, stored)
        if item.chunks is not None:
            check_expansion(
                self.owner, f"a chunk of the data {where!r}", math.prod(item.chunks) * item.dtype.itemsize, stored
            )

    def _check_total(self):
        total = sum(count * self.datasets[where].dtype.itemsize for where, count in self.elements.items())
        check_expansion(self.owner, "all data together", total, self.size)

    def below(self, path):
        """Return the datasets that lie directly in a group: their names and themselves."""
        return self._below.get(path, {})

    def read(self, item, shape=None):
        """Return the values of a dataset as an array.

        Raises
        ------
        InvalidFileError
            If they have another shape than expected, or cannot be read.
        """
        if shape is not None and item.shape != tuple(shape):
            raise InvalidFileError(f"{self.owner}: {item.name!r} has shape {item.shape}; expected {tuple(shape)}.")
        with reading(f"{self.owner}: {item.name!r}"):
            return np.asarray(item[()])

    def texts(self, path, name):
        """Return the texts in an attribute of a group, or in its parts ``name0``, ``name1``...; None without any."""
        group = self.groups[path]
        with reading(f"{self.owner}: the attribute {name!r} of {path or '/'!r}"):
            if name in group.attrs:
                return self._attribute(group, name)
            parts = []
            while f"{name}{len(parts)}" in group.attrs:
                parts.append(self._attribute(group, f"{name}{len(parts)}"))
            return [text for part in parts for text in part] if parts else None

    def _attribute(self, group, name):
        held = group.attrs.get_id(name)
        size = math.prod(held.shape) * held.get_type().get_size()
        if size > ATTRIBUTE_BYTES:
            raise InvalidFileError(
                f"{self.owner}: the attribute {name!r} of {group.name!r} says that it has {size} bytes; expected at "
                f"most {ATTRIBUTE_BYTES}."
            )
        if size == 0:
            return []
        value = group.attrs[name]
        values = [value] if isinstance(value, (str, bytes)) else list(np.asarray(value).ravel())
        return [str(v, "utf-8") if isinstance(v, bytes) else str(v) for v in values]


@contextmanager
def opened(owner, source):
    """Open an HDF5 file and survey it.

    Parameters
    ----------
    owner : str
        Who reads what.
    source : str, PathLike or bytes
        The file's name, or what is in it.

    Yields
    ------
    Survey
        What it holds.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    InvalidFileError
        If it is no HDF5 file, or holds what it may not.
    """
    h5py = load_h5py()
    with open_regular(owner, source) as raw:
        size = raw.seek(0, io.SEEK_END)
        with reading(owner):
            file = h5py.File(_Whole(raw), "r")
        try:
            yield Survey(owner, file, size)
        finally:
            with reading(owner):
                file.close()


class _Whole(Around):
    """A file whose reads give all that is asked for: HDF5 would take less for what it asked for."""

    def readinto(self, buffer):
        """Fill a buffer, or raise."""
        count = self.file.readinto(buffer)
        if count != len(memoryview(buffer).cast("B")):
            raise EOFError(f"the file ends {len(buffer) - count} bytes early")
        if bytes(memoryview(buffer).cast("B")[:5]) == b"GCOL\x01":
            check_heap(memoryview(buffer).cast("B"))
        return count


def check_heap(data):
    """Raise if HDF5 would never come to the end of a collection of texts: one that leads no further, or back.

    Parameters
    ----------
    data : memoryview
        The collection, or its beginning, as "HDF5 File Format Specification", III.E, describes it.

    Raises
    ------
    ValueError
        If an object in it has such a size.

    Examples
    --------
    >>> check_heap(memoryview(b"GCOL" + bytes(28)))
    Traceback (most recent call last):
        ...
    ValueError: a text in the file says that it is 0 bytes long, its header included
    """
    at = 16
    while at + 16 <= len(data):
        index, size = struct.unpack_from("<H6xQ", data, at)
        step = (16 + -(-size // 8) * 8 if index else size) % (1 << 64)
        if step == 0 or step >= 1 << 63:
            raise ValueError(f"a text in the file says that it is {size} bytes long, its header included")
        at += step


def open_regular(owner, source):
    """Open a file for reading, or bytes as if they were one; nothing but a regular file.

    Examples
    --------
    >>> open_regular("load", b"bytes").read()
    b'bytes'
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    try:
        file = open(source, "rb", opener=_without_waiting)  # noqa: SIM115 (the caller closes it)
    except OSError as error:
        kind = MissingFileError if isinstance(error, FileNotFoundError) else OSError
        raise kind(error.errno, f"{owner} cannot be read ({error.strerror or error})") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InvalidFileError(f"{owner} is no regular file.")
    return file


def _without_waiting(path, flags):
    """Open a file; a pipe would wait for somebody who writes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def packed(groups):
    """Return an HDF5 file of groups of arrays as bytes.

    Parameters
    ----------
    groups : iterable of (str, str or None, dict)
        The path of each group, the name noted beside it, and its arrays by name.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> data = packed([("layers/dense/vars", "head", {"0": np.zeros((2, 3), "float32")})])
    >>> with opened("load", data) as survey:
    ...     survey.below("layers/dense/vars")["0"].shape
    (2, 3)
    """
    h5py = load_h5py()
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        for path, name, arrays in groups:
            group = file.require_group(path)
            if name is not None:
                group.attrs["name"] = name
            for key, array in arrays.items():
                group.create_dataset(key, data=np.asarray(array))
    return image.getvalue()
