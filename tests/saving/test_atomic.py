"""Whole or not at all: what a full disk, a read-only folder and an error in the middle leave behind."""

import errno
import os

import pytest

import fastconv as keras
from fastconv.saving import atomic
from tests.saving.models import small


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "m.weights.json"])
def test_a_full_disk(name, tmp_path, monkeypatch):
    """Whatever call it is that fails, the old file stays and nothing is left behind."""
    model = small()
    save = {
        "m.keras": model.save,
        "m.weights.h5": model.save_weights,
        "m.weights.json": lambda path: model.save_weights(path, max_shard_size=1e-6),
    }[name]
    save(tmp_path / name)
    before = content(tmp_path)
    for call in ("fsync", "replace"):
        with monkeypatch.context() as patched:

            def full(*args, **kwargs):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            patched.setattr(os, call, full)
            with pytest.raises(OSError, match=r"could not be written \(No space left on device\)") as caught:
                save(tmp_path / name)
        assert caught.value.errno == errno.ENOSPC and name.split(".")[0] in str(caught.value)
        assert content(tmp_path) == before


def test_a_folder_that_nothing_may_be_made_in(tmp_path, monkeypatch):
    def forbidden(*args):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(atomic, "open", forbidden, raising=False)
    with pytest.raises(PermissionError, match=r"could not be written \(Permission denied\)"):
        small().save(tmp_path / "m.keras")
    assert content(tmp_path) == {}


def test_no_such_folder_and_a_folder_in_the_way(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"could not be written \(No such file or directory\)"):
        small().save(tmp_path / "no" / "m.keras")
    (tmp_path / "m.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        small().save(tmp_path / "m.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_an_error_in_the_block_leaves_nothing(tmp_path):
    def interrupted():
        with atomic.writing("save", tmp_path / "a") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert content(tmp_path) == {}


def test_what_cannot_be_described_is_refused_before_anything_is_written(tmp_path):
    model = small()
    model.compile("sgd", "mse", metrics=[lambda y, p: 0.0])
    with pytest.raises(ValueError, match="cannot be described in a file"):
        model.save(tmp_path / "m.keras")
    assert content(tmp_path) == {}


def test_permissions_and_links_stay(tmp_path):
    target = tmp_path / "target.weights.h5"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (tmp_path / "link.weights.h5").symlink_to(target)
    small().save_weights(tmp_path / "link.weights.h5")
    assert (tmp_path / "link.weights.h5").is_symlink() and target.stat().st_mode & 0o777 == 0o640
    small().load_weights(target)


def test_a_file_that_vanishes(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.keras"):
        keras.models.load_model(tmp_path / "no.keras")
    with pytest.raises(FileNotFoundError, match=r"no\.weights\.h5"):
        small().load_weights(tmp_path / "no.weights.h5")


def test_a_file_that_shrinks_while_it_is_read(tmp_path, monkeypatch):
    from fastconv.saving import h5

    model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(500)])
    model.save_weights(tmp_path / "m.weights.h5")
    read = h5.Survey.read

    def shrinking(self, item, shape=None):
        os.truncate(tmp_path / "m.weights.h5", 3000)
        return read(self, item, shape)

    monkeypatch.setattr(h5.Survey, "read", shrinking)
    model.layers[0].kernel.assign(model.layers[0].kernel + 1)
    changed = model.get_weights()
    with pytest.raises(ValueError, match="cannot be read"):
        model.load_weights(tmp_path / "m.weights.h5")
    assert all((a == b).all() for a, b in zip(model.get_weights(), changed, strict=True))


def test_names_that_are_almost_too_long(tmp_path):
    name = "n" * (255 - len(".weights.h5")) + ".weights.h5"
    small().save_weights(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
