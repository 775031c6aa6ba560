"""Whatever is wrong with the disk or the name, everything that writes leaves what was there, and nothing beside it."""

import errno
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

import fastconv as keras
from fastconv.callbacks import BackupAndRestore, ModelCheckpoint
from fastconv.saving import h5
from tests.saving.models import data, small

# -- everything that writes: the name in the folder, and how


def saves(model, path):
    model.save(path)


def saves_a_folder(model, path):
    model.save(path, zipped=False)


def saves_weights(model, path):
    model.save_weights(path)


def saves_shards(model, path):
    model.save_weights(path, max_shard_size=2e-6)


def called(callback, model):
    """Have a callback do what it does at the end of an epoch."""
    callback.set_model(model)
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0, {})


def checkpoints(model, path):
    called(ModelCheckpoint(path), model)


def checkpoints_weights(model, path):
    called(ModelCheckpoint(path, save_weights_only=True), model)


def backs_up(model, path):
    called(BackupAndRestore(path), model)


def backs_up_twice(model, path):
    called(BackupAndRestore(path, double_checkpoint=True), model)


WRITERS = {
    saves: "m.keras",
    saves_a_folder: "m",
    saves_weights: "m.weights.h5",
    saves_shards: "m.weights.json",
    checkpoints: "deep/down/m.keras",
    checkpoints_weights: "deep/m.weights.h5",
    backs_up: "deep/backup",
    backs_up_twice: "backup",
}
EACH = pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)


@pytest.fixture(scope="module")
def model():
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data(), verbose=0)
    return model


def content(folder):
    """Return all there is in a folder: what is in each file, where each link leads, None for a folder."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


def assert_fails(write, model, folder, error=OSError, match="could not be written", name=None):
    """Assert that writing fails in a documented way and changes nothing; return the error."""
    before = content(folder)
    with pytest.raises(error, match=match) as caught:
        write(model, folder / (WRITERS[write] if name is None else name))
    assert content(folder) == before
    return caught.value


# -- no room


@contextmanager
def files_of_at_most(size):
    """Let no file grow beyond a size, as a quota does."""
    resource, signal = pytest.importorskip("resource"), pytest.importorskip("signal")
    kept, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, handler)


@EACH
@pytest.mark.parametrize("size", [0, 10, 1000, 3000])
def test_no_file_may_grow(write, size, model, tmp_path):
    with files_of_at_most(size):
        assert assert_fails(write, model, tmp_path).errno == errno.EFBIG
    write(model, tmp_path / WRITERS[write])
    with files_of_at_most(size):
        assert_fails(write, model, tmp_path)


@pytest.fixture
def little_disk(tmp_path):
    """Return a folder that is a disk of 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be made here")
    yield folder
    subprocess.run([shutil.which("umount"), str(folder)], check=True)


@EACH
@pytest.mark.parametrize("left", [0, 4, 12])
def test_a_full_disk(write, left, model, little_disk):
    write(model, little_disk / WRITERS[write])
    free = shutil.disk_usage(little_disk).free - left * 1024
    (little_disk / "others").write_bytes(bytes(free))
    assert assert_fails(write, model, little_disk).errno == errno.ENOSPC
    (little_disk / "others").unlink()
    write(model, little_disk / WRITERS[write])


# -- nothing may be written


@contextmanager
def nobody(folder):
    """Be a user without rights, if this one has all."""
    if not hasattr(os, "geteuid"):
        pytest.skip("no such rights here")
    if os.geteuid():
        yield
        return
    os.chown(folder, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """Return a folder that others come to as well."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@EACH
def test_a_folder_that_is_read_only(write, model, open_folder):
    with nobody(open_folder):
        open_folder.chmod(0o500)
        assert_fails(write, model, open_folder, PermissionError, "Permission denied")
        open_folder.chmod(0o700)
        write(model, open_folder / WRITERS[write])
        folders = [path for path in open_folder.rglob("*") if path.is_dir()]
        for folder in (*folders, open_folder):
            folder.chmod(0o500)
        assert_fails(write, model, open_folder, PermissionError, "Permission denied")
        for folder in (open_folder, *folders):
            folder.chmod(0o700)


@pytest.mark.parametrize("write", [saves, saves_weights, saves_shards], ids=lambda write: write.__name__)
def test_a_file_that_is_read_only(write, model, open_folder):
    with nobody(open_folder):
        write(model, open_folder / WRITERS[write])
        (open_folder / WRITERS[write]).chmod(0o400)
        assert_fails(write, model, open_folder, PermissionError, "Permission denied")


# -- names that are none


NAMES = {
    "a name of 5,000 characters": lambda name: "x" * 5000 + name,
    "a path of 5,000 characters": lambda name: "/".join(["y" * 99] * 50) + name,
    "a thousand folders": lambda name: "z/" * 2500 + name,
}


@EACH
@pytest.mark.parametrize("long", NAMES)
def test_long_names(write, long, model, tmp_path):
    error = assert_fails(write, model, tmp_path, match="File name too long", name=NAMES[long](WRITERS[write]))
    assert len(str(error)) < 400


@EACH
def test_names_with_a_zero_byte(write, model, tmp_path):
    assert_fails(write, model, tmp_path, ValueError, "zero byte", name=f"a\0{WRITERS[write]}")


def test_names_that_are_empty(model):
    for call in (lambda: model.save("", zipped=False), lambda: keras.models.load_model("")):
        with pytest.raises(ValueError, match="is empty"):
            call()


@EACH
def test_something_else_in_its_place(write, model, tmp_path):
    path = tmp_path / WRITERS[write]
    if write in (saves_a_folder, backs_up, backs_up_twice):
        path.parent.mkdir(exist_ok=True)
        path.write_text("a file")
        assert_fails(write, model, tmp_path, FileExistsError)
    else:
        path.mkdir(parents=True)
        assert_fails(write, model, tmp_path, IsADirectoryError, "it is a folder")
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    if path.parent != tmp_path:
        (tmp_path / "deep").write_text("a file where a folder has to be")
        assert_fails(write, model, tmp_path, (FileExistsError, NotADirectoryError))


FILES = pytest.mark.parametrize(
    "write", [saves, saves_weights, saves_shards, checkpoints], ids=lambda write: write.__name__
)


@FILES
def test_links(write, model, tmp_path):
    """What a link leads to is written, be it there or not; a link that leads to itself is an error."""
    path = tmp_path / WRITERS[write]
    path.parent.mkdir(parents=True, exist_ok=True)
    target = tmp_path / "there" / path.name
    target.parent.mkdir()
    path.symlink_to(target)
    for _ in range(2):  # first there is no such file yet
        write(model, path)
        assert path.is_symlink() and target.is_file()
    assert {p.parent for p in tmp_path.rglob("*") if p.is_file() and not p.is_symlink()} == {target.parent}
    if not path.name.endswith(".keras"):
        small().load_weights(path)
        small().load_weights(target)
    path.unlink()
    path.symlink_to(path)
    assert_fails(write, model, tmp_path, match="Too many levels of symbolic links")


@FILES
def test_devices_and_pipes(write, model, tmp_path):
    """They are not replaced by a file, which would be the end of /dev/null; and nobody waits for them."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no such files here")
    path = tmp_path / WRITERS[write]
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / "pipe")
    path.symlink_to(tmp_path / "pipe")
    assert_fails(write, model, tmp_path, match="it is a device or the like")
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(ValueError, match="is no regular file"):
        keras.models.load_model(path) if path.suffix == ".keras" else small().load_weights(path)


def test_a_shard_s_name_that_is_taken(model, tmp_path):
    """Names that links or folders have are not free."""
    (tmp_path / "m_00000.weights.h5").mkdir()
    (tmp_path / "m_00001.weights.h5").symlink_to(tmp_path / "elsewhere")
    saves_shards(model, tmp_path / "m.weights.json")
    assert not (tmp_path / "elsewhere").exists()
    small().load_weights(tmp_path / "m.weights.json")


# -- files that vanish or shrink while they are read


READERS = {
    saves: lambda path: keras.models.load_model(path).get_weights(),
    saves_a_folder: lambda path: keras.models.load_model(path).get_weights(),
    saves_weights: lambda path: _loaded(path),
    saves_shards: lambda path: _loaded(path),
}


def _loaded(path):
    model = small()
    before = model.get_weights()
    try:
        model.load_weights(path)
    except BaseException:
        assert all((a == b).all() for a, b in zip(model.get_weights(), before, strict=True))
        raise
    return model.get_weights()


def outcome_of(read, path, model, spoil, moment, before, monkeypatch):
    """Spoil a file when it is opened as so many were before it; return "read" or the documented error's class."""
    opened, count = h5.open_regular, 0

    def opening(owner, source):
        nonlocal count
        count += 1
        hit = isinstance(source, (str, Path)) and count - 1 == moment
        if hit and before:
            spoil(source)
        file = opened(owner, source)
        if hit and not before:
            spoil(source)
        return file

    with monkeypatch.context() as patched:
        patched.setattr(h5, "open_regular", opening)
        try:
            weights = READERS[read](path)
        except (ValueError, OSError) as error:
            return type(error).__name__ if "cannot be read" in str(error) and path.name in str(error) else str(error)
    same = all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))
    return "read" if same else "read wrongly"


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize(
    ("spoil", "error"), [(os.unlink, "MissingFileError"), (cut, "InvalidFileError")], ids=["vanishes", "shrinks"]
)
def test_files_that_change_while_they_are_read(read, spoil, error, model, tmp_path, monkeypatch):
    """Once open, a file that vanishes is read to its end; else a documented error says which one it was."""
    outcomes = set()
    for moment in range(8):
        for before in (False, True):
            shutil.rmtree(tmp_path)
            tmp_path.mkdir()
            path = tmp_path / WRITERS[read]
            read(model, path)
            outcomes.add(outcome_of(read, path, model, spoil, moment, before, monkeypatch))
    assert outcomes == {"read", error}
