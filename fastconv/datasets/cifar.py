"""Reading CIFAR's files: pickled dicts of bytes, in a folder or in the archive as it is published.

A pickle can run any program, so nothing of it is run: where it asks for NumPy's constructors it gets stand-ins that
only note down what they are given, and anything else is refused. The arrays are made from the bytes afterwards.
"""

import io
import pickle
import tarfile
import zlib

import numpy as np

from fastconv.runtime import settings

PIXELS = 3 * 32 * 32


class _Type:
    """Stands in for ``numpy.dtype``: what a file says of the type of an array."""

    def __init__(self, code, *rest):
        self.code = code

    def __setstate__(self, state):
        """Byte order and the like: the only type that is accepted has none."""


class _Array:
    """Stands in for ``numpy.ndarray``: the state that a file gives an array."""

    state = None

    def __setstate__(self, state):
        self.state = state


def _new_array(*args):
    return _Array()


_STAND_INS = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("_codecs", "encode"): lambda text, encoding="latin1": text.encode("latin1"),
}


class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no such file needs")
        return _STAND_INS[module, name]

    def persistent_load(self, pid):
        raise pickle.UnpicklingError(f"it asks for the object {pid!r} from elsewhere")


def read_batch(data, label_key, what):
    """Return pictures (n, 32, 32, 3) and labels of a file's bytes.

    Parameters
    ----------
    data : bytes
        The content of the file.
    label_key : str
        Which labels: "labels", "fine_labels", "coarse_labels".
    what : str
        The file, for messages.

    Returns
    -------
    tuple
        An array of uint8, of shape (n, 3, 32, 32), and a list of int.

    Raises
    ------
    ValueError
        If the file is damaged, is something else, or asks for anything but arrays of bytes.
    """
    try:
        content = _Reader(io.BytesIO(data), encoding="bytes").load()
        content = {key.decode() if isinstance(key, bytes) else key: value for key, value in content.items()}
        labels = content[label_key]
        pixels = _pixels(content["data"])
    except (
        pickle.UnpicklingError, KeyError, ValueError, TypeError, AttributeError, EOFError, IndexError, OverflowError,
        MemoryError, RecursionError,
    ) as error:  # fmt: skip
        raise ValueError(f"{what} is damaged or is not a CIFAR file: {error}. Delete it.") from error
    if not isinstance(labels, list) or len(labels) != len(pixels) or not all(type(label) is int for label in labels):
        raise ValueError(f"{what} is not a CIFAR file: it has no list of {len(pixels)} {label_key}. Delete it.")
    return pixels, labels


def _pixels(array):
    """Return the array that a stand-in describes, as pictures."""
    _, shape, dtype, fortran, raw = array.state
    if dtype.code not in ("u1", b"u1") or not isinstance(raw, bytes):
        raise ValueError(f"its pictures are of type {dtype.code!r}, expected bytes")
    if len(shape) != 2 or shape[1] != PIXELS or shape[0] * PIXELS != len(raw):
        raise ValueError(f"its pictures have the shape {shape} in {len(raw)} bytes, expected (n, {PIXELS})")
    pixels = np.frombuffer(raw, np.uint8).reshape(shape, order="F" if fortran else "C")
    return pixels.reshape(-1, 3, 32, 32)


def read_files(what, path, folder, names):
    """Return the contents of the files `names` of `folder`, which is below the path or in the archive there.

    Raises
    ------
    ValueError
        If the archive is damaged or a file is missing.
    """
    if path.is_dir():
        inside = path / folder if (path / folder).is_dir() else path
        missing = [name for name in names if not (inside / name).is_file()]
        if missing:
            raise ValueError(f"{what}: {inside} lacks {', '.join(missing)}. Delete it.")
        return {name: (inside / name).read_bytes() for name in names}
    wanted, found = {f"{folder}/{name}": name for name in names}, {}
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:  # read in passing: nothing is written anywhere
                name = wanted.get(member.name.removeprefix("./"))
                if name is not None and member.isfile():
                    found[name] = archive.extractfile(member).read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise ValueError(f"{what}: {path} is damaged: {error}. Delete it.") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{what}: {path} lacks {', '.join(missing)}. Delete it.")
    return found


def arrange(pixels):
    """Return pictures with their axes as ``config.image_data_format()`` says."""
    return pixels.transpose(0, 2, 3, 1) if settings.image_data_format() == "channels_last" else pixels
