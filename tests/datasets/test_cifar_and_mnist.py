"""MNIST and CIFAR from small made files: places, both kinds of CIFAR's files, and files that mean harm."""

import builtins
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from fastconv import config
from fastconv.datasets import cache, cifar, cifar10, cifar100, mnist

RNG = np.random.default_rng(5)


def python2_pickle(pixels, labels):
    """Return what Python 2's pickle writes for a batch: protocol 2, strings as bytes."""
    array = pickle.dumps(pixels, protocol=2)
    array = array[2:-1].replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")
    entries = b""
    for key, values in labels.items():
        numbers = b"".join(b"K" + bytes([v]) for v in values)
        entries += b"U" + bytes([len(key)]) + key.encode() + b"](" + numbers + b"e"
    return b"\x80\x02}(" + entries + b"U\x04data" + array + b"u."


def batch(n, **labels):
    """Return pixels (n, 3072) and the file that holds them with their labels."""
    pixels = RNG.integers(0, 256, (n, 3072), np.uint8)
    return pixels, python2_pickle(pixels, labels)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Look below `tmp_path` only, and find no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("FASTCONV_DATA", raising=False)
    for module in (mnist, cifar10, cifar100):
        monkeypatch.setattr(module, "URL", "http://127.0.0.1:9/nobody-listens/file")
    return tmp_path / "datasets"


def write(files, path, folder, packed):
    """Write files as Keras's cache has them: a folder, or the published archive."""
    if not packed:
        (path / folder).mkdir(parents=True)
        for name, data in files.items():
            (path / folder / name).write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, data in {"readme.html": b"<p>", **files}.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("name", cifar10._NAMES)
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_cifar10(places, name, layout):
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    labels = {n: RNG.integers(0, 10, 4).tolist() for n in names}
    made = {n: batch(4, labels=labels[n]) for n in names}
    write({n: data for n, (_, data) in made.items()}, places / name, "cifar-10-batches-py", name.endswith("gz"))
    config.set_image_data_format(layout)
    try:
        (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    finally:
        config.set_image_data_format("channels_last")
    assert (x_train.dtype, y_train.dtype, x_test.dtype, y_test.dtype) == ("uint8",) * 4
    assert y_train.shape == (20, 1) and y_test.shape == (4, 1)
    assert y_train.ravel().tolist() == [label for n in names[:-1] for label in labels[n]]
    whole = np.concatenate([made[n][0] for n in names[:-1]]).reshape(20, 3, 32, 32)
    np.testing.assert_array_equal(x_train, whole if layout == "channels_first" else whole.transpose(0, 2, 3, 1))
    assert x_test.shape == ((4, 3, 32, 32) if layout == "channels_first" else (4, 32, 32, 3))


@pytest.mark.parametrize("label_mode", ["fine", "coarse"])
@pytest.mark.parametrize("name", cifar100._NAMES)
def test_cifar100(places, name, label_mode):
    pixels, train = batch(5, fine_labels=[1, 99, 3, 4, 5], coarse_labels=[1, 19, 3, 4, 0])
    files = {"train": train, "test": batch(2, fine_labels=[0, 1], coarse_labels=[2, 3])[1]}
    write(files, places / name, "cifar-100-python", name.endswith("gz"))
    (x_train, y_train), (x_test, y_test) = cifar100.load_data(label_mode)
    np.testing.assert_array_equal(x_train, pixels.reshape(5, 3, 32, 32).transpose(0, 2, 3, 1))
    assert y_train.tolist() == [[n] for n in ([1, 99, 3, 4, 5] if label_mode == "fine" else [1, 19, 3, 4, 0])]
    assert x_test.shape == (2, 32, 32, 3) and y_test.shape == (2, 1) and y_test.dtype == "int64"


def test_pickles_of_today_are_read_too():
    pixels = RNG.integers(0, 256, (3, 3072), np.uint8)
    for protocol in range(2, 5):
        data = pickle.dumps({"data": pixels, "labels": [1, 2, 3]}, protocol=protocol)
        x, y = cifar.read_batch(data, "labels", "file")
        np.testing.assert_array_equal(x, pixels.reshape(3, 3, 32, 32))
        assert y == [1, 2, 3]


class Harm:
    """Runs something when it is unpickled the usual way."""

    def __init__(self, function, *args):
        self.made = function, args

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize(
    "harm",
    [
        Harm(os.system, "touch harm"),
        Harm(eval, "open('harm', 'w')"),
        Harm(getattr, "", "join"),
        Harm(np.load, "harm"),
        Harm(builtins.bytearray, 1 << 40),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_in_a_file_is_run(harm, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="file is damaged or is not a CIFAR file: it asks for"):
        cifar.read_batch(pickle.dumps({"data": harm, "labels": [1]}, protocol=protocol), "labels", "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        {},
        [1],
        {"data": 3, "labels": [1]},
        {"data": np.zeros((2, 3072), "f4"), "labels": [1, 2]},
        {"data": np.zeros((2, 3071), "u1"), "labels": [1, 2]},
        {"data": np.array([None]), "labels": [1]},
        {"data": np.zeros((2, 3072), "u1"), "labels": [1]},
        {"data": np.zeros((2, 3072), "u1"), "labels": [1, "2"]},
        {"data": np.zeros((2, 3072), "u1"), "fine_labels": [1, 2]},
    ],
    ids=str,
)
def test_other_contents_are_refused(content):
    with pytest.raises(ValueError, match=r"file .*is not a CIFAR file.*Delete it"):
        cifar.read_batch(pickle.dumps(content), "labels", "file")


def test_damaged_files_are_refused(places):
    _, data = batch(3, labels=[1, 2, 3])
    for end in (0, 1, 2, 50, len(data) // 2, len(data) - 1):
        with pytest.raises(ValueError, match="damaged"):
            cifar.read_batch(data[:end], "labels", "file")
    rng = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(data[:200])
        broken[rng.integers(200)] = rng.integers(256)
        with pytest.raises(ValueError, match="file"):
            cifar.read_batch(bytes(broken), "labels", "file")
    places.mkdir(parents=True)
    (places / "cifar-100-python.tar.gz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"cifar100.load_data: .*tar.gz is damaged"):
        cifar100.load_data()


def test_missing_files_are_named(places):
    write({"train": b""}, places / "cifar-100-python.tar.gz", "cifar-100-python", True)
    with pytest.raises(ValueError, match="lacks test"):
        cifar100.load_data()
    write({"train": b""}, places / "cifar-100-python-target", "cifar-100-python", False)
    with pytest.raises(ValueError, match="lacks test"):
        cifar100.load_data()


@pytest.mark.parametrize(("module", "name"), [(mnist, "mnist.npz"), (cifar10, "cifar-10"), (cifar100, "cifar-100")])
def test_what_is_said_when_there_is_nothing(module, name, places, monkeypatch):
    with pytest.raises(FileNotFoundError, match="not on this computer") as caught:
        module.load_data()
    text = str(caught.value)
    assert all(part in text for part in (name, str(places), "pip install fastconv[data]", "FASTCONV_DATA"))

    def no_pooch(name, *args, **kwargs):
        if name == "pooch":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", no_pooch)
    with pytest.raises(FileNotFoundError, match="pooch, which downloads it, is not installed"):
        module.load_data()


SHAPES = {"x_train": (6, 28, 28), "y_train": (6,), "x_test": (3, 28, 28), "y_test": (3,)}


@pytest.mark.parametrize("where", ["cache", "named", "path"])
def test_mnist(places, tmp_path, monkeypatch, where):
    monkeypatch.setattr(mnist, "_SHAPES", SHAPES)
    arrays = {part: RNG.integers(0, 256, shape, np.uint8) for part, shape in SHAPES.items()}
    folder = places if where == "cache" else tmp_path / "mine"
    folder.mkdir(parents=True)
    np.savez(folder / "mnist.npz", **arrays)
    if where == "named":
        monkeypatch.setenv("FASTCONV_DATA", str(folder))
    loaded = mnist.load_data(str(folder / "mnist.npz")) if where == "path" else mnist.load_data()
    for pair, part in zip(loaded, ("train", "test"), strict=True):
        np.testing.assert_array_equal(pair[0], arrays[f"x_{part}"])
        np.testing.assert_array_equal(pair[1], arrays[f"y_{part}"])
    assert cache.find(["mnist.npz"]) == (None if where == "path" else folder / "mnist.npz")


def test_other_files_are_no_mnist(places, monkeypatch):
    monkeypatch.setattr(mnist, "_SHAPES", SHAPES)
    places.mkdir(parents=True)
    path = places / "mnist.npz"
    good = {part: np.zeros(shape, "u1") for part, shape in SHAPES.items()}
    for wrong in ({**good, "y_test": np.zeros(4, "u1")}, {**good, "x_test": np.zeros((3, 28, 28))},
                  {"x_train": good["x_train"]}, {**good, "y_train": np.array([None] * 6)}):  # fmt: skip
        np.savez(path, **wrong)
        with pytest.raises(ValueError, match="mnist.load_data: .*mnist.npz"):
            mnist.load_data()
    for content in (b"", b"PK\x03\x04", pickle.dumps(3), path.read_bytes()[:300]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="mnist.load_data: .*mnist.npz"):
            mnist.load_data()
