"""Files that are fetched once, checked and unpacked."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from fastconv.utils import get_file

DATA = b"some bytes"
SHA, MD5 = hashlib.sha256(DATA).hexdigest(), hashlib.md5(DATA).hexdigest()


@pytest.fixture
def origin(tmp_path):
    """Return the URL of a file."""
    path = tmp_path / "there" / "data file.txt"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path.as_uri()


def read(path):
    return Path(path).read_bytes()


def path_of(url):
    from urllib.request import url2pathname

    return url2pathname(url.removeprefix("file://"))


def test_it_is_fetched_once(tmp_path, origin, capsys):
    path = get_file(origin=origin, cache_dir=tmp_path)
    assert path == str(tmp_path / "datasets" / "data file.txt")
    assert read(path) == DATA
    Path(path_of(origin)).write_bytes(b"new")
    assert read(get_file(origin=origin, cache_dir=tmp_path)) == DATA
    assert capsys.readouterr().out.count("Downloading data from") == 1
    assert read(get_file(origin=origin, cache_dir=tmp_path, force_download=True)) == b"new"


def test_the_cache_is_keras_s(tmp_path, origin, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    assert get_file("a.txt", origin) == str(tmp_path / "home" / "datasets" / "a.txt")
    assert get_file("a.txt", origin, cache_subdir="models") == str(tmp_path / "home" / "models" / "a.txt")
    assert get_file("a.txt", origin, cache_subdir=str(tmp_path / "else")) == str(tmp_path / "else" / "a.txt")


@pytest.mark.parametrize("sums", [{"file_hash": SHA}, {"file_hash": MD5}, {"md5_hash": MD5},
                                  {"file_hash": SHA.upper(), "hash_algorithm": "sha256"}])  # fmt: skip
def test_sums(tmp_path, origin, sums):
    path = get_file(origin=origin, cache_dir=tmp_path, **sums)
    Path(path).write_bytes(b"damaged")
    assert read(get_file(origin=origin, cache_dir=tmp_path, **sums)) == DATA


def test_a_wrong_file_is_not_kept(tmp_path, origin):
    with pytest.raises(ValueError, match="has another sha256 sum than file_hash="):
        get_file(origin=origin, cache_dir=tmp_path, file_hash="0" * 64)
    assert list((tmp_path / "datasets").iterdir()) == []


def tar(path, **members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace("_", "/"))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_archives(tmp_path):
    tar(tmp_path / "pets.tar.gz", cats_a=b"1", dogs_b=b"22")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr("cats/a", b"1")
        archive.writestr("dogs/b", b"22")
    for name in ("pets.tar.gz", "pets.zip"):
        origin = (tmp_path / name).as_uri()
        for settings, folder in (
            ({"extract": True}, name),
            ({"extract": True, "fname": "pets"}, "pets"),
            ({"extract": True, "fname": name}, "pets_extracted"),
            ({"extract": True, "archive_format": ["zip", "tar"]}, name),
        ):
            cache = tmp_path / f"{name}-{folder}-{len(settings)}"
            path = get_file(origin=origin, cache_dir=cache, **settings)
            assert path == str(cache / "datasets" / folder)
            assert read(path + "/dogs/b") == b"22"
    assert get_file("u", (tmp_path / "pets.tar.gz").as_uri(), untar=True, cache_dir=tmp_path).endswith("datasets/u")


def test_archives_stay_in_their_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../../outside", b"x")
    tar(tmp_path / "bad.tar", **{".._.._outside": b"x"})
    with pytest.raises(ValueError, match="'../../outside' would lie outside"):
        get_file("z", (tmp_path / "bad.zip").as_uri(), extract=True, cache_dir=tmp_path / "c")
    with pytest.raises(tarfile.OutsideDestinationError):
        get_file("t", (tmp_path / "bad.tar").as_uri(), extract=True, cache_dir=tmp_path / "c")
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "origin=None; expected the URL"),
        ({"origin": "file:///"}, "does not end with the name of a file; pass fname"),
        ({"origin": "file:///a", "fname": "b/c"}, "fname='b/c' is not the name of a file alone"),
        ({"origin": "file:///a", "file_hash": "12"}, "file_hash='12' is not a sum of sha256 or md5"),
        ({"origin": "file:///a", "hash_algorithm": "sha1"}, "hash_algorithm='sha1'"),
        ({"origin": "file:///a", "archive_format": "rar"}, "archive_format='rar'"),
    ],
)
def test_what_is_refused(tmp_path, settings, words):
    with pytest.raises(ValueError, match=words):
        get_file(cache_dir=tmp_path, **settings)


def test_what_is_not_there_or_no_archive(tmp_path, origin):
    with pytest.raises(OSError, match="origin='file:///nowhere/at/all' cannot be downloaded"):
        get_file(origin="file:///nowhere/at/all", cache_dir=tmp_path)
    with pytest.raises(ValueError, match="is no archive of the kinds"):
        get_file(origin=origin, cache_dir=tmp_path, extract=True)
    assert get_file("x", origin, cache_dir=tmp_path, extract=True, archive_format=None).endswith("datasets/x")
