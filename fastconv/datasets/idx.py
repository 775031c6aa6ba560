"""Reading IDX files, the format of the MNIST family: a magic number, the dimensions, then the bare numbers.

The magic number is two zero bytes, a byte for the type of the numbers and one for the count of dimensions;
each dimension is a big-endian 32-bit integer, and so are numbers of more than a byte.
"""

import math
import struct

import numpy as np

from fastconv.names import spelled

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PIECE = 1 << 20


@spelled
def read_idx(path, shape=None):
    r"""Read an IDX file, packed by gzip or not, into an array.

    Parameters
    ----------
    path : str or path-like
        The file; whether it is packed is seen from its first bytes, not from its name.
    shape : tuple of int, optional
        The dimensions the file must declare; nothing more is read of a file that declares others.

    Returns
    -------
    numpy.ndarray
        A new array in the machine's byte order.

    Raises
    ------
    ValueError
        If the file is not IDX, declares another shape, or is damaged: too short, too long, or broken by
        gzip's checksum.
    OSError
        If the file cannot be opened or read.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels")
    ...     with open(path, "wb") as file:
    ...         _ = file.write(b"\0\0\x08\x01" + b"\0\0\0\x03" + b"\x07\x01\x02")
    ...     read_idx(path, shape=(3,))
    array([7, 1, 2], dtype=uint8)
    """
    import gzip
    import zlib

    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            with gzip.GzipFile(fileobj=file) if packed else file as stream:
                return _read(stream, path, shape)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"read_idx: {path} is damaged: {error}") from error


def _read(stream, path, shape):
    dtype, dims = _read_header(stream, path)
    if shape is not None and dims != tuple(shape):
        raise ValueError(f"read_idx: {path} declares the shape {dims}; expected {tuple(shape)}.")
    wanted = dtype.itemsize * math.prod(dims)
    data = bytearray()
    # Piece by piece, so that a false header cannot ask for more memory than the file holds; one byte more
    # than is wanted, so that a file that is too long is noticed and gzip gets to its checksum.
    while len(data) <= wanted and (piece := stream.read(min(_PIECE, wanted + 1 - len(data)))):
        data += piece
    if len(data) != wanted:
        held = f"only {len(data)}" if len(data) < wanted else "more"
        raise ValueError(f"read_idx: {path} is damaged: shape {dims} takes {wanted} bytes; the file holds {held}.")
    return np.frombuffer(data, dtype).reshape(dims).astype(dtype.newbyteorder("="), copy=False)


def _read_header(stream, path):
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        raise ValueError(
            f"read_idx: {path} is not an IDX file: it begins with {magic.hex(' ') or 'nothing'}; expected "
            f"00 00, a type ({', '.join(f'{code:02x}' for code in _TYPES)}) and the count of dimensions."
        )
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError(f"read_idx: {path} is damaged: it ends within the {magic[3]} dimensions of its header.")
    return np.dtype(_TYPES[magic[2]]), struct.unpack(f">{magic[3]}I", sizes)
