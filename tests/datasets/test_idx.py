"""IDX files: every type, packed or not, and every way to be broken."""

import gzip
import struct

import numpy as np
import pytest

from fastconv.datasets.idx import read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def as_idx(array):
    """Return the bytes of `array` as an IDX file."""
    code = CODES[array.dtype.str[1:]]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "file.idx"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
@pytest.mark.parametrize("kind", CODES)
def test_reads_every_type_packed_or_not(write, kind, pack):
    array = np.arange(-12, 12).reshape(2, 3, 4).astype(kind)
    read = read_idx(write(pack(as_idx(array))), shape=(2, 3, 4))
    assert read.dtype == array.dtype and read.dtype.isnative
    np.testing.assert_array_equal(read, array)


def test_more_than_one_piece_is_read_whole_and_can_be_written_to(write):
    array = np.random.default_rng(0).integers(0, 256, (3, 1 << 20), np.uint8)
    read = read_idx(write(gzip.compress(as_idx(array), 1)))
    np.testing.assert_array_equal(read, array)
    read[0, 0] ^= 1
    assert read[0, 0] != array[0, 0]


def test_no_dimension_and_empty_dimensions(write):
    assert read_idx(write(as_idx(np.array(7, np.uint8)))) == 7
    assert read_idx(write(as_idx(np.zeros((0, 5), np.float32)))).shape == (0, 5)


GOOD = as_idx(np.arange(6, dtype=np.uint8).reshape(2, 3))
BROKEN = {
    "empty": (b"", "not an IDX file"),
    "short magic": (GOOD[:3], "not an IDX file"),
    "other magic": (b"PNG!" + GOOD[4:], "not an IDX file: it begins with 50 4e 47 21"),
    "unknown type": (b"\0\0\x0a\x02" + GOOD[4:], "not an IDX file"),
    "cut header": (GOOD[:9], "ends within the 2 dimensions"),
    "cut numbers": (GOOD[:-1], "takes 6 bytes; the file holds only 5"),
    "too long": (GOOD + b"\0", "takes 6 bytes; the file holds more"),
    "huge claim": (b"\0\0\x08\x02" + b"\xff" * 8 + b"\1\2\3", "holds only 3"),
    "cut pack": (gzip.compress(GOOD)[:-9], "damaged"),
    "wrong checksum": (gzip.compress(GOOD)[:-8] + b"\0" * 8, "damaged"),
    "broken pack": (gzip.compress(GOOD)[:10] + b"\xff" * 20, "damaged"),
    "short pack": (gzip.compress(GOOD[:-2]), "holds only 4"),
}


@pytest.mark.parametrize("content, message", BROKEN.values(), ids=BROKEN)
def test_broken_files_are_told_apart(write, content, message):
    path = write(content)
    with pytest.raises(ValueError, match="read_idx") as caught:
        read_idx(path)
    assert message in str(caught.value) and str(path) in str(caught.value)


def test_another_shape_is_refused_before_anything_is_read(write):
    path = write(GOOD[:12])
    with pytest.raises(ValueError, match=r"declares the shape \(2, 3\); expected \(3, 2\)"):
        read_idx(path, shape=(3, 2))


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
