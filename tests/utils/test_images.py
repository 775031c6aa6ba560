"""Pictures to arrays and back, resizing, folders of pictures as a data set, and data sets in two parts."""

import builtins
import io
import struct
import zlib

import numpy as np
import pytest

PIL = pytest.importorskip("PIL")

from fastconv import Input, Sequential, config, layers, utils
from fastconv.utils.resizing import INTERPOLATIONS, resize


def grey(value, path, size=(4, 6)):
    utils.save_img(path, np.full((*size, 3), float(value)), scale=False)


@pytest.fixture
def folder(tmp_path):
    """Return a folder of eight pictures in three classes; each has its own brightness."""
    value = 0
    for kind, names in (
        ("b", ["2.png", "1.png", "10.PNG"]),
        ("a", ["x.png", "y.bmp"]),
        ("c", ["1.gif", "2.png", "3.png"]),
    ):
        (tmp_path / kind / "deep").mkdir(parents=True)
        for name in names:
            grey(value, tmp_path / kind / name) if not name.endswith("PNG") else grey(
                value, tmp_path / kind / "deep" / name
            )
            value += 10
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def dataset(folder, **settings):
    return utils.image_dataset_from_directory(folder, **{"image_size": (3, 5), "verbose": False, **settings})


def test_order_labels_and_values(folder, capsys):
    made = dataset(folder, shuffle=False, verbose=True)
    assert capsys.readouterr().out == "Found 8 files belonging to 3 classes.\n"
    assert made.class_names == ["a", "b", "c"]
    assert [path.removeprefix(f"{folder}/") for path in made.file_paths] == [
        "a/x.png", "a/y.bmp", "b/1.png", "b/2.png", "b/deep/10.PNG", "c/1.gif", "c/2.png", "c/3.png",
    ]  # fmt: skip
    ((x, y),) = made
    assert x.shape == (8, 3, 5, 3) and x.dtype == "float32" and y.dtype == "int32"
    assert x[:, 0, 0, 0].tolist() == [30, 40, 10, 0, 20, 50, 60, 70]
    assert y.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]


def test_modes_of_labels(folder):
    _, y = dataset(folder, shuffle=False, label_mode="categorical")[0]
    assert y.dtype == "float32" and y.argmax(1).tolist() == [0, 0, 1, 1, 1, 2, 2, 2] and y.sum() == 8
    _, y = dataset(folder, shuffle=False, label_mode="binary", class_names=["c", "b"])[0]
    assert y.dtype == "float32" and y.tolist() == [[0], [0], [0], [1], [1], [1]]
    for settings in ({"labels": None}, {"label_mode": None}):
        made = dataset(folder, shuffle=False, **settings)
        assert made[0].shape == (8, 3, 5, 3) and made.class_names is None
    made = dataset(folder, labels=[7, 5, 5, 5, 5, 5, 5, 7], shuffle=False)
    assert made[0][1].tolist() == [7, 5, 5, 5, 5, 5, 5, 7] and made.class_names == ["5", "7"]


def test_channels_sizes_and_batches(folder):
    assert dataset(folder, color_mode="grayscale")[0][0].shape == (8, 3, 5, 1)
    assert dataset(folder, color_mode="rgba", image_size=2)[0][0].shape == (8, 2, 2, 4)
    assert dataset(folder, data_format="channels_first")[0][0].shape == (8, 3, 3, 5)
    assert [len(y) for _, y in dataset(folder, batch_size=3)] == [3, 3, 2]
    assert [x.shape for x, _ in dataset(folder, batch_size=None)] == [(3, 5, 3)] * 8
    assert len(list(dataset(folder, batch_size=3).take(1))) == 1


def test_each_pass_has_another_order_of_the_same_pictures(folder):
    made, again = dataset(folder, seed=3), dataset(folder, seed=3)
    passes = [next(iter(made))[0][:, 0, 0, 0].tolist() for made in (made, again)]
    assert passes[0] == passes[1]
    orders = [next(iter(made))[0][:, 0, 0, 0].tolist() for _ in range(4)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    for x, y in made:
        kinds = {0: 1, 10: 1, 20: 1, 30: 0, 40: 0, 50: 2, 60: 2, 70: 2}
        assert [kinds[int(v)] for v in x[:, 0, 0, 0]] == y.tolist()


def test_splits(folder, capsys):
    settings = {"validation_split": 0.3, "seed": 1}
    train, held = dataset(folder, subset="both", **settings)
    assert capsys.readouterr().out == "Using 6 files for training.\nUsing 2 files for validation.\n"
    assert train.file_paths == dataset(folder, subset="training", **settings).file_paths
    assert held.file_paths == dataset(folder, subset="validation", **settings).file_paths
    assert sorted(train.file_paths + held.file_paths) == sorted(dataset(folder).file_paths)
    model = Sequential([Input((3, 5, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, validation_data=held, epochs=2, verbose=0)
    assert len(history.history["val_accuracy"]) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": "guess"}, "`labels` argument"),
        ({"labels": [1, 2]}, "len\\(labels\\) is 2 while we found 8 files"),
        ({"labels": [1], "class_names": ["a"]}, "only pass `class_names`"),
        ({"class_names": ["a", "z"]}, "did not match"),
        ({"label_mode": "one"}, "`label_mode` argument"),
        ({"label_mode": "binary"}, "exactly 2 class_names"),
        ({"color_mode": "cmyk"}, "`color_mode`"),
        ({"image_size": (2, 3, 4)}, "Invalid `image_size`"),
        ({"image_size": 0}, "Invalid `image_size`"),
        ({"interpolation": "best"}, "`interpolation`"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of"),
        ({"validation_split": 2, "subset": "training"}, "between 0 and 1"),
        ({"validation_split": 0.5}, "and inversely"),
        ({"subset": "training"}, "and inversely"),
        ({"validation_split": 0.5, "subset": "test", "seed": 1}, "`subset` must be"),
        ({"validation_split": 0.5, "subset": "both"}, "provide a `seed`"),
        ({"validation_split": 0.01, "subset": "validation", "seed": 1}, "No images found"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"data_format": "nhwc"}, "data_format='nhwc'"),
        ({"format": "arrow"}, "`format`"),
    ],
    ids=str,
)
def test_wrong_arguments(folder, settings, message):
    with pytest.raises(ValueError, match=message):
        dataset(folder, **settings)


def test_what_is_not_there(folder, tmp_path):
    with pytest.raises(NotImplementedError, match='format="grain"'):
        dataset(folder, format="grain")
    with pytest.raises(FileNotFoundError):
        dataset(tmp_path / "nowhere")


# ---- single pictures


def huge_png():
    """Return a small file that says it is a picture of 100000 x 100000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)) + chunk(b"IEND", b"")
    )


SIDE = 10_000  # where Pillow warns, and does not raise by itself


@pytest.mark.filterwarnings("ignore:Image size:Warning")
def test_pictures_that_are_made_to_fill_the_memory(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "bomb.png").write_bytes(huge_png())
    for call in (lambda: utils.load_img(tmp_path / "a" / "bomb.png"), lambda: dataset(tmp_path)[0]):
        with pytest.raises(ValueError, match=r"bomb.png' is too large: .*10000 x 10000"):
            call()


def test_files_that_are_no_pictures(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"something else")
    with pytest.raises(PIL.UnidentifiedImageError, match="is not a picture of a known format"):
        utils.load_img(path)
    grey(3, path, (50, 50))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match="a.png' is damaged"):
        utils.load_img(path)
    with pytest.raises(TypeError, match="path should be path-like"):
        utils.load_img(3)


def test_without_pillow(monkeypatch, folder):
    def no_pillow(name, *args, **kwargs):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    made, real = dataset(folder), builtins.__import__
    monkeypatch.setattr(builtins, "__import__", no_pillow)
    for call in (lambda: utils.load_img("x.png"), lambda: utils.array_to_img(np.zeros((2, 2, 1))), lambda: made[0]):
        with pytest.raises(ImportError, match=r"needs Pillow.*pip install fastconv\[plot\]"):
            call()


def test_there_and_back(tmp_path, rng):
    for channels, mode in ((1, "grayscale"), (3, "rgb"), (4, "rgba")):
        x = rng.integers(0, 256, (5, 7, channels)).astype("float32")
        for path in (tmp_path / "p.png", io.BytesIO()):
            utils.save_img(path, x, file_format="png", scale=False)
            np.testing.assert_array_equal(utils.img_to_array(utils.load_img(path, mode)), x)
    with pytest.warns(UserWarning, match="JPEG format does not support RGBA"):
        utils.save_img(tmp_path / "p.jpg", x)
    assert utils.load_img(tmp_path / "p.jpg").mode == "RGB"
    config.set_image_data_format("channels_first")
    try:
        utils.save_img(tmp_path / "p.png", x.transpose(2, 0, 1), scale=False)
        assert utils.img_to_array(utils.load_img(tmp_path / "p.png", "rgba")).shape == (4, 5, 7)
    finally:
        config.set_image_data_format("channels_last")


def test_wrong_pictures():
    for call, message in (
        (lambda: utils.array_to_img(np.zeros((2, 2))), "rank 3"),
        (lambda: utils.array_to_img(np.zeros((2, 2, 2))), "channel number: 2"),
        (lambda: utils.img_to_array(np.zeros(3)), "Unsupported image shape"),
        (lambda: utils.img_to_array(np.zeros((3, 3)), "nchw"), "data_format='nchw'"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_arguments_of_load_img(tmp_path):
    path = tmp_path / "p.png"
    grey(9, path, (8, 12))
    assert utils.load_img(path, target_size=(3, 4), keep_aspect_ratio=True, interpolation="box").size == (4, 3)
    for settings in ({"color_mode": "bw"}, {"target_size": (2, 2), "interpolation": "area"}):
        with pytest.raises(ValueError, match="load_img: "):
            utils.load_img(path, **settings)


# ---- resizing: numbers printed by tf.image.resize

ROW = np.array([[0.0, 1, 4, 9, 16]], "float32")[..., None]


@pytest.mark.parametrize(
    ("interpolation", "three"),
    [("bilinear", [1 / 3, 4, 41 / 3]), ("nearest", [0, 4, 16]), ("area", [0.4, 4.4, 13.2])],
)
def test_rows_by_hand(interpolation, three):
    np.testing.assert_allclose(resize(ROW, (1, 3), interpolation)[0, :, 0], three, rtol=1e-6)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(1, 1), (3, 9), (5, 7), (11, 2)], ids=str)
def test_even_pictures_stay_even_and_edges_are_mirrored(interpolation, size, rng):
    np.testing.assert_allclose(resize(np.full((5, 7, 2), 3.0, "f4"), size, interpolation), 3.0, rtol=1e-6)
    x = rng.random((5, 7, 2), np.float32)
    if interpolation != "nearest":  # which rounds down
        np.testing.assert_allclose(
            resize(x[::-1, ::-1], size, interpolation), resize(x, size, interpolation)[::-1, ::-1], atol=1e-5
        )


def test_proportions():
    x = np.ones((4, 8, 1), "float32")
    x[:, :2] = x[:, 6:] = 9
    np.testing.assert_array_equal(resize(x, (4, 4), "bilinear", crop=True), np.ones((4, 4, 1)))
    padded = resize(np.ones((4, 8, 1), "float32"), (8, 8), "bilinear", pad=True)
    assert padded[:, 0, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


# ---- two parts


def test_parts_of_arrays_and_data_sets():
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    for source in ((x, y), [x, y]):
        left, right = utils.split_dataset(source, left_size=0.7)
        assert (len(left), len(right)) == (7, 3)
        assert [int(label) for _, label in right] == [7, 8, 9]
        assert [part.tolist() for part in left.batch(4)[1]] == [x[4:7].tolist(), [4, 5, 6]]
    left, right = utils.split_dataset(x, right_size=4, shuffle=True, seed=1)
    assert sorted(int(row[0]) // 2 for part in (left, right) for row in part) == list(range(10))
    left, right = utils.split_dataset(x, 2, 3)
    assert [row.tolist() for row in left] == x[:2].tolist() and [row.tolist() for row in right] == x[7:].tolist()

    class Own:
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return i, i + 1

    assert list(utils.split_dataset(Own(), 3)[1]) == [(3, 4)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, ValueError), ({"left_size": 0}, ValueError), ({"left_size": 1.0}, ValueError),
        ({"left_size": 10}, ValueError), ({"left_size": "a"}, TypeError), ({"right_size": True}, TypeError),
        ({"left_size": 0.7, "right_size": 0.7}, ValueError),
        ({"left_size": 7, "right_size": 7}, ValueError), ({"left_size": 0.01}, ValueError),
        ({"left_size": 3, "preferred_backend": "torch"}, NotImplementedError),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_sizes(arguments, error):
    with pytest.raises(error, match="split_dataset: "):
        utils.split_dataset(np.zeros(10), **arguments)


@pytest.mark.parametrize(
    ("data", "error"), [([], ValueError), (np.zeros(0), ValueError), ([1, 2], ValueError), (3, TypeError),
                        ([np.zeros(2), np.zeros(3)], ValueError), (iter([]), TypeError)], ids=str
)  # fmt: skip
def test_wrong_data(data, error):
    with pytest.raises(error, match="split_dataset: "):
        utils.split_dataset(data, 0.5)
