"""Where Fashion-MNIST is looked for, how it is checked, and what is said when it is not there."""

import builtins
import functools
import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest

from fastconv.datasets import fashion_mnist

SHAPES = {"x_train": (6, 28, 28), "y_train": (6,), "x_test": (3, 28, 28), "y_test": (3,)}
NAMES = {part: entry[0] for part, entry in fashion_mnist._FILES.items()}


def make_files():
    """Return a tiny Fashion-MNIST: the packed content of each file by name, and the arrays by part."""
    rng = np.random.default_rng(3)
    arrays = {part: rng.integers(0, 10, shape, np.uint8) for part, shape in SHAPES.items()}
    contents = {}
    for part, array in arrays.items():
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        contents[NAMES[part]] = gzip.compress(header + array.tobytes(), mtime=0)
    return contents, arrays


CONTENTS, ARRAYS = make_files()


def fill(folder, packed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENTS.items():
        path = folder / name if packed else folder / name.removesuffix(".gz")
        path.write_bytes(content if packed else gzip.decompress(content))
    return folder


@pytest.fixture(autouse=True)
def tiny(tmp_path, monkeypatch):
    """Expect the tiny set everywhere, in places that are all below `tmp_path` and empty."""
    files = {part: (name, SHAPES[part], hashlib.sha256(CONTENTS[name]).hexdigest()) for part, name in NAMES.items()}
    monkeypatch.setattr(fashion_mnist, "_FILES", files)
    monkeypatch.setattr(fashion_mnist, "_DEBIAN", tmp_path / "debian")
    monkeypatch.setattr(fashion_mnist, "URL", "http://127.0.0.1:9/nobody-listens/")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("FASTCONV_DATA", raising=False)


def check_loaded():
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    for part, array in {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}.items():
        assert array.dtype == np.uint8
        np.testing.assert_array_equal(array, ARRAYS[part])


def test_the_first_place_wins_and_incomplete_ones_are_passed_over(tmp_path, monkeypatch):
    assert fashion_mnist.find() is None
    places = [tmp_path / "debian", tmp_path / "keras" / "datasets" / "fashion-mnist"]
    monkeypatch.setenv("FASTCONV_DATA", str(tmp_path / "mine"))
    places += [tmp_path / "mine" / "fashion-mnist", tmp_path / "mine"]
    for place in places:  # from the last to the first
        fill(place)
        assert fashion_mnist.find() == place
    (tmp_path / "mine" / NAMES["y_test"]).unlink()
    assert fashion_mnist.find() == tmp_path / "mine" / "fashion-mnist"
    check_loaded()


def test_unpacked_files_are_read_too(tmp_path):
    fill(tmp_path / "debian", packed=False)
    check_loaded()


def test_the_cache_is_keras_cache_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folder = fill(tmp_path / ".keras" / "datasets" / "fashion-mnist")
    assert fashion_mnist.find() == folder
    monkeypatch.setenv("FASTCONV_DATA", "~/.keras/datasets")
    assert fashion_mnist._places()[1][1] == folder


def with_wrong_label():
    labels = np.array([0, 1, 2, 3, 4, 10], np.uint8)
    return gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 6) + labels.tobytes())


DAMAGES = {
    "cut off": ("x_train", lambda content: content[: len(content) // 2], "damaged"),
    "other shape": (
        "x_test",
        lambda content: CONTENTS[NAMES["x_train"]],
        r"declares the shape \(6, 28, 28\)",
    ),
    "no IDX": ("y_test", lambda content: b"<html>not found</html>", "not an IDX file"),
    "signed": (
        "y_test",
        lambda content: b"\0\0\x09" + gzip.decompress(content)[3:],
        "numbers of type int8; expected uint8",
    ),
    "wrong label": ("y_train", lambda content: with_wrong_label(), "holds the label 10; expected 0 to 9"),
}


@pytest.mark.parametrize("part, damage, message", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named_with_the_way_out(tmp_path, part, damage, message):
    path = fill(tmp_path / "debian") / NAMES[part]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        fashion_mnist.load_data()
    assert str(path) in str(caught.value) and "Delete the file" in str(caught.value)


def check_help(message, tmp_path):
    for text in ("FASTCONV_DATA", "pip install fastconv[data]", "apt install dataset-fashion-mnist"):
        assert text in message
    assert f"{tmp_path / 'debian'} (Debian's package): no such folder" in message
    assert f"{tmp_path / 'mine'} (FASTCONV_DATA): lacks train-labels-idx1-ubyte.gz" in message


def lack_one(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTCONV_DATA", str(tmp_path / "mine"))
    (fill(tmp_path / "mine") / NAMES["y_train"]).unlink()


def test_without_pooch_the_message_lists_all_places_and_remedies(tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "pooch":
            raise ImportError(name)
        return real(name, *arguments, **options)

    lack_one(tmp_path, monkeypatch)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(FileNotFoundError, match="pooch, which downloads it, is not installed") as caught:
        fashion_mnist.load_data()
    check_help(str(caught.value), tmp_path)


def test_without_network_the_message_lists_all_places_and_remedies(tmp_path, monkeypatch):
    pytest.importorskip("pooch")
    lack_one(tmp_path, monkeypatch)
    with pytest.raises(FileNotFoundError, match="downloading it from http://127.0.0.1:9/") as caught:
        fashion_mnist.load_data()
    check_help(str(caught.value), tmp_path)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve a folder on this computer as the place to download from; return the folder."""
    pytest.importorskip("pooch")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    folder = fill(tmp_path / "served")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(fashion_mnist, "URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_download_goes_into_the_cache_once(served, tmp_path):
    check_loaded()
    assert fashion_mnist.find() == tmp_path / "keras" / "datasets" / "fashion-mnist"
    for path in served.iterdir():
        path.unlink()
    check_loaded()


def test_a_download_with_a_wrong_sum_is_refused(served):
    (served / NAMES["x_test"]).write_bytes(CONTENTS[NAMES["y_test"]])
    with pytest.raises(FileNotFoundError, match="hash"):
        fashion_mnist.load_data()
    assert fashion_mnist.find() is None


def test_the_names_of_the_classes():
    assert len(fashion_mnist.CLASS_NAMES) == 10
    assert fashion_mnist.CLASS_NAMES[9] == "Ankle boot"
