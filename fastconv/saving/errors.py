"""What reading a file may come to, and the bounds that a file from anybody is held to."""

import os
from contextlib import contextmanager

# Bounds of what is read. They lie far above what models need, and far below what hurts.
JSON_BYTES = 16 << 20  # of a config
JSON_DEPTH = 100  # brackets within brackets
MEMBERS = 16  # files in an archive
OBJECTS = 200_000  # groups and datasets in an HDF5 file
GROUP_DEPTH = 64  # groups within groups
NAME_BYTES = 4096  # a name of a group or a weight
ATTRIBUTE_BYTES = 16 << 20  # a text beside a group
SHARDS = 10_000  # files that weights are spread over
STEPS = 5_000  # layers that a model calls
SIZES = {"num_thresholds": 1 << 20, "num_classes": 1 << 13}  # settings that metrics take memory for
VALUES = 1 << 30  # weights of a model that no file of weights stands behind
EXPANSION = 100  # how much more than what is stored may come out of it ...
EXPANSION_FLOOR = 16 << 20  # ... where it is more than this


class InvalidFileError(ValueError):
    """A file does not hold what it should hold, or holds what no file may.

    Examples
    --------
    >>> issubclass(InvalidFileError, ValueError)
    True
    """


class MissingFileError(FileNotFoundError, ValueError):
    """There is no such file: as for Python's own functions, and a ValueError as in Keras.

    Examples
    --------
    >>> issubclass(MissingFileError, ValueError)
    True
    """


def shown(path):
    """Return a file's name for a message, without the middle of a long one.

    Parameters
    ----------
    path : str or PathLike
        The name.

    Returns
    -------
    str
        The name in quotes.

    Examples
    --------
    >>> shown("m.keras"), len(shown("m" * 5000))
    ("'m.keras'", 205)
    """
    name = repr(os.fspath(path))
    return name if len(name) <= 205 else f"{name[:100]} ... {name[-100:]}"


# What Python's and HDF5's readers raise when a file is broken.
_SYMPTOMS = (
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    MemoryError,
    NotImplementedError,
)


@contextmanager
def reading(owner):
    """Turn whatever a broken file makes a reader raise into an `InvalidFileError`.

    Parameters
    ----------
    owner : str
        Who reads what: the beginning of the message.

    Raises
    ------
    InvalidFileError
        In place of other errors.

    Examples
    --------
    >>> with reading("load_model: 'm.keras'"):
    ...     {}["config.json"]
    Traceback (most recent call last):
    ...
    fastconv.saving.errors.InvalidFileError: load_model: 'm.keras' cannot be read: KeyError: 'config.json'
    """
    from zipfile import BadZipFile
    from zlib import error as zlib_error

    try:
        yield
    except InvalidFileError:
        raise
    except (*_SYMPTOMS, BadZipFile, zlib_error) as error:
        raise InvalidFileError(f"{owner} cannot be read: {type(error).__name__}: {error}") from error


def check_expansion(owner, what, declared, stored):
    """Raise if something says that it is far larger than what is stored of it.

    Parameters
    ----------
    owner, what : str
        Who reads, and what.
    declared, stored : int
        Bytes.

    Raises
    ------
    InvalidFileError
        If so.

    Examples
    --------
    >>> check_expansion("load_model: 'm.keras'", "the member 'config.json'", 2000, 1000)
    """
    if declared > EXPANSION_FLOOR and declared > EXPANSION * stored:
        raise InvalidFileError(
            f"{owner}: {what} says that it holds {declared} bytes, but {stored} are stored; expected at most "
            f"{EXPANSION} times as many. It is not read."
        )


def require_model(owner, model):
    """Raise TypeError, in the words of `owner`, unless something is a model."""
    if not hasattr(model, "get_layer"):
        raise TypeError(f"{owner}: model={model!r} is not a model.")
