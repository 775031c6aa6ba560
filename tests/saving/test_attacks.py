"""The known attacks on Keras's loader, and others of their kind: each is refused by name before memory is taken."""

import io
import json
import os
import re
import stat
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv.saving import errors, h5, text
from tests.saving.models import data, small

h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the members of a good archive."""
    path = tmp_path_factory.mktemp("good") / "m.keras"
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data(), verbose=0)
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def witness(tmp_path):
    """Return a file that an attack would make, and check that none has."""
    path = tmp_path / "witness"
    yield path
    assert not path.exists()


def packed(path, members, **settings):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            archive.writestr(info, content, **settings)
    return path


def refused(path, match, error=ValueError, **settings):
    """Assert that a file is refused, with a message that names the file and says why, and little memory taken."""
    import tracemalloc

    tracemalloc.start()
    try:
        with pytest.raises(error, match=match) as caught:
            keras.models.load_model(path, **settings)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert os.path.basename(path) in str(caught.value)


def with_config(good, change):
    """Return the members with a changed config."""
    config = json.loads(good["config.json"])
    config = change(config) or config
    return {**good, "config.json": json.dumps(config)}


def with_layer(good, layer):
    """Return the members with another layer at the end."""
    return with_config(good, lambda config: config["config"]["layers"].append(layer))


def test_the_good_one_is_loaded(good, tmp_path):
    keras.models.load_model(packed(tmp_path / "m.keras", good))
    keras.models.load_model(packed(tmp_path / "m.keras", good, compress_type=zipfile.ZIP_DEFLATED))


# -- configs: CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906, CVE-2025-12058,
# CVE-2025-49655, CVE-2026-1462, CVE-2026-12479


def bytecode():
    """Return what Keras writes of a lambda that writes a file: marshalled code."""
    import base64
    import marshal

    code = compile("lambda x: __import__('os').system('touch witness')", "x", "eval").co_consts[0]
    return {"class_name": "__lambda__", "config": {"code": base64.b64encode(marshal.dumps(code)).decode()}}


def lambda_layer(function):
    return {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"name": "l", "function": function},
        "registered_name": None,
    }


@pytest.mark.parametrize("safe_mode", [True, False])
def test_code_in_a_lambda(good, tmp_path, safe_mode):
    """CVE-2024-3660: never run, whatever is said."""
    path = packed(tmp_path / "m.keras", with_layer(good, lambda_layer(bytecode())))
    refused(path, "fastconv runs no code from files", safe_mode=safe_mode)
    with pytest.raises(ValueError, match="runs no code"):
        keras.saving.deserialize_keras_object(bytecode(), safe_mode=safe_mode)
    with pytest.raises(ValueError, match="__lambda__"):
        L.Lambda.from_config(lambda_layer(bytecode())["config"])


def entry(module, kind, **settings):
    return {"module": f"keras.{module}", "class_name": kind, "config": settings, "registered_name": None}


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


@pytest.mark.parametrize(
    "named",
    [
        function("os", "system"),
        function("builtins", "eval"),
        function("keras.utils", "get_file"),
        function("keras.config", "enable_unsafe_deserialization"),
        function("keras.saving", "load_model"),
        function("fastconv.saving", "load_model"),
        function("subprocess", "Popen"),
    ],
    ids=lambda named: named["config"],
)
def test_functions_that_a_config_names(good, tmp_path, named):
    """CVE-2025-1550, CVE-2025-8747, CVE-2025-9906: neither in a Lambda nor as an object of its own, nor anywhere."""
    refused(packed(tmp_path / "m.keras", with_layer(good, lambda_layer(named))), "not registered")
    refused(packed(tmp_path / "m.keras", with_layer(good, named)), f"layer.*{named['config']}|function")

    def activation(config):
        config["config"]["layers"][1]["config"]["activation"] = named

    refused(packed(tmp_path / "m.keras", with_config(good, activation)), f"{named['config']}")

    def metric(config):
        config["compile_config"]["metrics"] = [named]

    refused(packed(tmp_path / "m.keras", with_config(good, metric)), f"{named['config']}")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("subprocess", "Popen"),
        ("builtins", "exec"),
        ("keras.layers", "TFSMLayer"),
        ("keras.layers", "TorchModuleWrapper"),
        ("keras.src.layers.core", "Anything"),
        ("fastconv.saving.h5", "Survey"),
        ("this", "Layer"),
        (None, "Mine"),
        ("no.such.module", "Dense"),
    ],
)
def test_classes_that_a_config_names(good, tmp_path, module, name):
    """CVE-2025-1550, CVE-2025-49655 (TorchModuleWrapper), CVE-2026-1462: nothing is imported; a class is one of ours or
    registered.
    """
    entry = {"module": module, "class_name": name, "config": {"filepath": "x"}, "registered_name": name}
    before = set(sys.modules)
    refused(packed(tmp_path / "m.keras", with_layer(good, entry)), re.escape(name))
    refused(packed(tmp_path / "m.keras", {**good, "config.json": json.dumps(entry)}), re.escape(name))
    assert "this" not in set(sys.modules) - before
    if name not in ("TFSMLayer", "Anything"):
        refused(packed(tmp_path / "m.keras", with_layer(good, entry)), re.escape(name), safe_mode=False)


def test_the_older_format_is_as_careful(good, tmp_path):
    """CVE-2025-9905: safe_mode holds for .h5 too."""
    config = json.loads(good["config.json"])
    config["config"]["layers"].append(lambda_layer(bytecode()))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.create_group("model_weights").attrs["layer_names"] = ["conv"]
    for safe_mode in (True, False):
        refused(tmp_path / "m.h5", "fastconv runs no code from files", safe_mode=safe_mode)


def test_a_name_that_is_a_path(good, tmp_path, witness):
    """CVE-2026-12479, CVE-2025-12058: names are names, and no setting of a layer is a file."""

    def change(config):
        config["config"]["layers"][1]["config"]["name"] = "../../witness"

    refused(packed(tmp_path / "m.keras", with_config(good, change)), "is not a string without '/'")


@pytest.mark.parametrize("name", ["..", ".", "..\\x", "C:\\x", "a\0b", "\x1b[2J", "a\nb", "x" * 5000])
@pytest.mark.parametrize("place", ["layer", "model", "metric"])
def test_names_that_are_none(good, tmp_path, name, place):
    """No part of a path, on any system, and nothing that a terminal would obey."""

    def change(config):
        if place == "layer":
            config["config"]["layers"][1]["config"]["name"] = name
        elif place == "model":
            config["config"]["name"] = name
        else:
            config["compile_config"]["metrics"] = [entry("metrics", "Mean", name=name)]

    refused(packed(tmp_path / "m.keras", with_config(good, change)), "has the name|the name 'x.*letters")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("StringLookup", {"vocabulary": "/etc/passwd"}),
        ("IntegerLookup", {"vocabulary": "http://127.0.0.1/x"}),
        ("TextVectorization", {"vocabulary": "/etc/passwd"}),
        ("FileWriter", {"path": "witness"}),
    ],
)
def test_layers_that_would_read_files(good, tmp_path, witness, kind, settings):
    """CVE-2025-12058: none of ours does, and Keras's that do are refused by name."""
    refused(packed(tmp_path / "m.keras", with_layer(good, entry("layers", kind, name="x", **settings))), kind)


GADGETS = ["get_file", "load_model", "load_weights", "enable_unsafe_deserialization", "save_model", "deserialize"]


@pytest.mark.parametrize("gadget", GADGETS)
@pytest.mark.parametrize("place", ["loss", "metrics", "optimizer", "kernel_initializer", "kernel_regularizer"])
def test_gadgets_in_every_place(good, tmp_path, gadget, place):
    """CVE-2025-8747, CVE-2025-9906, CVE-2026-1462 and kin: a function of the library is no loss, metric or setting."""
    for named in (
        gadget,
        function("keras.utils", gadget),
        {"module": "keras.saving", "class_name": gadget, "config": {}},
    ):

        def change(config, named=named):
            if place.startswith("kernel"):
                config["config"]["layers"][1]["config"][place] = named
            else:
                config["compile_config"][place] = [named] if place == "metrics" else named

        refused(packed(tmp_path / "m.keras", with_config(good, change)), gadget)


@pytest.mark.parametrize(
    "key", ["build_config", "compile_config", "__class__", "__init__", "from_config", "get_config"]
)
def test_settings_that_are_attributes(good, tmp_path, key):
    """A config sets arguments of constructors, never attributes."""

    def change(config):
        config["config"]["layers"][1]["config"][key] = {
            "class_name": "function",
            "config": "eval",
            "module": "builtins",
        }

    refused(packed(tmp_path / "m.keras", with_config(good, change)), key)


def test_a_registered_name_does_not_fall_back_to_ours(good, tmp_path):
    def change(config):
        config["config"]["layers"][1]["registered_name"] = "Theirs>Conv2D"

    refused(packed(tmp_path / "m.keras", with_config(good, change)), "Theirs>Conv2D")


# -- archives: CVE-2024-55459, CVE-2025-12060, CVE-2025-12638 and zip bombs


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("../witness", "has a path that leaves the archive"),
        ("assets/../../witness", "has a path that leaves the archive"),
        ("..\\witness", "has a path that leaves the archive"),
        ("/witness", "has an absolute path"),
        ("C:/witness", "has an absolute path"),
        ("assets/vocabulary.txt", "is an asset"),
        ("model.weights.npz", "pickled"),
        ("code.py", "is none that a model has"),
        ("Config.json", "is none that a model has"),
    ],
)
def test_members_with_other_names(good, tmp_path, witness, name, match):
    refused(packed(tmp_path / "m.keras", {**good, name: b"x"}), match)


def test_members_that_are_links(good, tmp_path):
    info = zipfile.ZipInfo("config.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    members = {info: b"/etc/passwd", **{k: v for k, v in good.items() if k != "config.json"}}
    refused(packed(tmp_path / "m.keras", members), "is a link")


def test_members_that_come_twice(good, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        packed(tmp_path / "m.keras", {**good, zipfile.ZipInfo("config.json"): b"{}"})
    refused(tmp_path / "m.keras", "'config.json' comes twice")


def test_members_that_are_encrypted(good, tmp_path):
    data = bytearray(packed(tmp_path / "m.keras", good).read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    (tmp_path / "m.keras").write_bytes(data)
    refused(tmp_path / "m.keras", "is encrypted")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_bomb(good, tmp_path, name):
    """A member of a few kilobytes that would unpack to more than it may."""
    path = packed(tmp_path / "m.keras", {**good, name: b"0" * (20 << 20)}, compress_type=zipfile.ZIP_DEFLATED)
    refused(path, f"'{name}' says that it holds 20971520 bytes")


@pytest.mark.parametrize("declared", [1 << 40, (1 << 40) + 7])
def test_a_member_that_says_that_it_is_larger(good, tmp_path, declared):
    path = packed(tmp_path / "m.keras", good)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<II", data, at + 20, 0xFFFFFF00, declared & 0xFFFFFFFF)
    path.write_bytes(data)
    refused(path, r"the whole file has|has not the size|cannot be read")


def test_too_many_members(tmp_path):
    refused(packed(tmp_path / "m.keras", {f"{i}": b"" for i in range(17)}), "it has 17 members")
    refused(packed(tmp_path / "m.keras", {f"{i}": b"" for i in range(30_000)}), "the list of its members says")


def test_members_that_are_missing(good, tmp_path):
    for name in ("config.json", "model.weights.h5"):
        members = {key: value for key, value in good.items() if key != name}
        refused(packed(tmp_path / "m.keras", members), f"it has no member '{name}'")


def test_a_folder_of_links(good, tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    for name, content in good.items():
        (tmp_path / name).write_bytes(content)
        (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(ValueError, match="'config.json' is a link"):
        keras.models.load_model(folder)


# -- JSON


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ("[" * 100_000, "nests deeper than 100 brackets"),
        ('{"a":' * 101 + "1" + "}" * 101, "nests deeper than 100 brackets"),
        ('{"class_name": "Sequential", "class_name": "Functional"}', "the name 'class_name' twice"),
        ("[1]", "is a list; expected an object"),
        ("\xff", "cannot be read: UnicodeDecodeError"),
        ("{", "cannot be read: JSONDecodeError"),
        ('{"a": ' + "9" * 10_000 + "}", "cannot be read: ValueError"),
        ("{}", "expected a model"),
    ],
    ids=["lists", "objects", "twice", "list", "utf-8", "end", "digits", "empty"],
)
def test_json(good, tmp_path, config, match):
    path = packed(tmp_path / "m.keras", {**good, "config.json": config.encode("latin-1")})
    refused(path, match)


def test_long_json():
    with pytest.raises(ValueError, match="has 16777217 bytes"):
        text.parse("model_from_json", b" " * (errors.JSON_BYTES + 1))
    assert text.parse("model_from_json", '{"a": "[[[\\"]]"}') == {"a": '[[["]]'}


# -- HDF5: CVE-2026-0897, CVE-2026-1669


def with_weights(good, change):
    """Return the members with changed weights."""
    image = io.BytesIO(good["model.weights.h5"])
    with h5py.File(image, "r+") as file:
        change(file)
    return {**good, "model.weights.h5": image.getvalue()}


KERNEL = "layers/dense/vars/0"


def external_link(file):
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("/etc/passwd", "/x")


def external_group(file):
    del file["layers"]
    file["layers"] = h5py.ExternalLink("other.h5", "/layers")


def soft_link(file):
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/layers/dense/vars/1")


def external_data(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (48, 3), "f4", external=[("/etc/passwd", 0, 576)])


def virtual_data(file):
    layout = h5py.VirtualLayout((48, 3), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (48, 3), "f4")
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def shape_bomb(file):
    """Stores nothing, says that it has 4 TB."""
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 20, 1 << 20), "f4", chunks=(1024, 1024), compression="gzip")


def chunk_bomb(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (48, 3), "f4", chunks=(1 << 14, 1 << 13), maxshape=(None, None))


def deflated_bomb(file):
    """Stores a little, unpacks to a lot."""
    del file[KERNEL]
    file.create_dataset(KERNEL, data=np.zeros((6 << 20,), "f4"), chunks=(6 << 20,), compression="gzip")


def other_filter(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, data=np.zeros((48, 3), "f4"), compression="lzf", chunks=(48, 3))


def texts(file):
    del file[KERNEL]
    file[KERNEL] = np.array(["a", "b"], dtype=h5py.string_dtype())


def references(file):
    del file[KERNEL]
    file[KERNEL] = np.array([file.ref] * 3, dtype=h5py.ref_dtype)


def compound(file):
    del file[KERNEL]
    file[KERNEL] = np.zeros(3, dtype=[("a", "f4"), ("b", "i4")])


def null(file):
    del file[KERNEL]
    file[KERNEL] = h5py.Empty("f4")


def circle(file):
    file["layers/dense/again"] = file["layers"]


def deep(file):
    file.create_group("/".join("a" * 70))


def named_type(file):
    file["layers/dense/type"] = np.dtype("f4")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (external_link, "is a ExternalLink"),
        (external_group, "'layers' is a ExternalLink"),
        (soft_link, "is a SoftLink"),
        (external_data, "lie in an external file"),
        (virtual_data, "are virtual"),
        (shape_bomb, "says that it holds 4398046511104 bytes, but 0 are stored"),
        (chunk_bomb, "a chunk of the data"),
        (deflated_bomb, "says that it holds 25165824 bytes"),
        (other_filter, "went through the filters"),
        (texts, "expected numbers"),
        (references, "expected numbers"),
        (compound, "expected numbers"),
        (null, "expected numbers"),
        (circle, "has a second name"),
        (deep, "lies deeper than 64 groups"),
        (named_type, "is a Datatype"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_hdf5(good, tmp_path, change, match):
    members = with_weights(good, change)
    refused(packed(tmp_path / "m.keras", members), match)
    model = small()
    before = model.get_weights()
    (tmp_path / "m.weights.h5").write_bytes(members["model.weights.h5"])
    with pytest.raises(ValueError, match=match):
        model.load_weights(tmp_path / "m.weights.h5")
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("place", ["model_weights/head/small/head/kernel", "model_weights/head", "model_weights"])
def test_links_in_the_older_format(tmp_path, place):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(json.loads(small().to_json()))
        file[place] = h5py.ExternalLink("/etc/passwd", "/x")
    refused(tmp_path / "m.h5", "is a ExternalLink")


def test_an_attribute_that_says_that_it_is_large(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w", libver="latest") as file:
        file.attrs["model_config"] = json.dumps(json.loads(small().to_json()))
        group = file.create_group("model_weights")
        group.attrs.create("layer_names", np.zeros(errors.ATTRIBUTE_BYTES + 1, "S1"))
    refused(tmp_path / "m.h5", "the attribute 'layer_names' of .* says that it has 16777217 bytes")


def test_texts_that_never_end(tmp_path):
    """In a collection of texts one of 0 bytes, its header included, leads no further: HDF5 looks at it for ever."""
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
    data = bytearray(path.read_bytes())
    at = data.index(b"GCOL") + 16
    data[at : at + 16] = bytes(16)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="0 bytes long"):
        keras.models.load_model(path)


def test_more_weights_than_the_file_holds(good, tmp_path):
    """A config that describes a layer of terabytes is refused before the layer is made."""

    def change(config):
        config["config"]["layers"][-1]["config"]["units"] = 1 << 40

    refused(packed(tmp_path / "m.keras", with_config(good, change)), "which is more than the file holds values for")


def test_one_dataset_under_many_names(good, tmp_path):
    """Data that many names share counts once, so it does not stand for many weights."""

    def share(file):
        for i in range(1, 50):
            for key in "01":
                file[f"layers/dense_{i}/vars/{key}"] = file["layers/dense/vars/" + key]

    def change(config):
        head = config["config"]["layers"][-1]
        for i in range(1, 50):
            more = json.loads(json.dumps(head))
            more["config"].update(name=f"head{i}", units=48)
            config["config"]["layers"].append(more)

    members = with_config(with_weights(good, share), change)
    refused(packed(tmp_path / "m.keras", members), "which is more than the file holds values for")


# -- bombs in a config: much of what costs nothing to say

CONV, HEAD = 1, -1
LARGE = [1 << 20, 1 << 31, 1 << 40, 1 << 62, 1 << 70, 1e300, float("nan"), float("inf"), -1, "9" * 100]
SETTINGS = [
    (HEAD, "units", lambda n: n),
    (CONV, "filters", lambda n: n),
    (CONV, "kernel_size", lambda n: [n, n]),
    (CONV, "kernel_size", lambda n: [n] * 1000),
    (CONV, "dilation_rate", lambda n: n),
    (0, "batch_shape", lambda n: [None, n, n, 2]),
    (0, "batch_shape", lambda n: [None, *[n] * 1000]),
]


@pytest.mark.parametrize("size", LARGE, ids=str)
@pytest.mark.parametrize(("layer", "key", "value"), SETTINGS, ids=lambda value: value if isinstance(value, str) else "")
def test_settings_that_are_large(good, tmp_path, layer, key, value, size):
    def change(config):
        config["config"]["layers"][layer]["config"][key] = value(size)

    members = with_config(good, change)
    refused(packed(tmp_path / "m.keras", members), "its config|fits|expected")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = members["config.json"]
        file.create_group("model_weights").attrs["layer_names"] = ["conv"]
    refused(tmp_path / "m.h5", "its config")


@pytest.mark.parametrize(
    "layer",
    [
        entry("layers", "ZeroPadding2D", padding=1 << 40),
        entry("layers", "UpSampling2D", size=[1 << 20, 1 << 20]),
        entry("layers", "Resizing", height=1 << 30, width=1 << 30),
        entry("layers", "CenterCrop", height=1 << 30, width=1 << 30),
        entry("layers", "Conv2DTranspose", filters=2, kernel_size=3, strides=1 << 40),
        entry("layers", "AdaptiveAveragePooling2D", output_size=1 << 24),
        entry("layers", "GroupNormalization", groups=1 << 60),
        entry("layers", "Reshape", target_shape=[-1] * 1000),
        entry("layers", "Reshape", target_shape=[1] * 10_000 + [72]),
        entry("layers", "Permute", dims=list(range(1, 10_000))),
    ],
    ids=lambda layer: layer["class_name"],
)
def test_layers_that_make_much_of_little(good, tmp_path, layer):
    """The layers behind them have weights for each value."""
    config = with_config(good, lambda config: config["config"]["layers"].insert(1, layer))
    refused(packed(tmp_path / "m.keras", config), "its config")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("AUC", {"num_thresholds": 1 << 40}),
        ("AUC", {"num_thresholds": float("inf")}),
        ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 1 << 21}),
        ("MeanIoU", {"num_classes": 1 << 30}),
        ("OneHotMeanIoU", {"num_classes": 100_000}),
    ],
)
def test_metrics_that_are_large(good, tmp_path, kind, settings):
    for metrics in ([entry("metrics", kind, **settings)], [[entry("metrics", "AUC", num_thresholds=1 << 19)] * 3]):

        def change(config, metrics=metrics):
            config["compile_config"]["metrics"] = metrics

        refused(packed(tmp_path / "m.keras", with_config(good, change)), "num_.*altogether")


def test_layers_without_number(good, tmp_path):
    many = [entry("layers", "ReLU", name=f"r{i}") for i in range(errors.STEPS)]
    refused(
        packed(tmp_path / "m.keras", with_config(good, lambda config: config["config"]["layers"].extend(many))),
        r"describes 5006 calls of layers",
    )


def tensor(*history):
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 2], "dtype": "float32", "keras_history": history},
    }


def graph(*layers, output="b"):
    """Return the config of a functional model; each layer is its entry and what its calls read."""
    first = {**entry("layers", "InputLayer", batch_shape=[None, 2], name="a"), "name": "a", "inbound_nodes": []}
    listed = [first]
    for i, (made, *reads) in enumerate(layers):
        name = "bcdefgh"[i]
        made = {**made, "config": {**made["config"], "name": name}, "name": name}
        listed.append({**made, "inbound_nodes": [{"args": [tensor(*read)], "kwargs": {}} for read in reads]})
    config = {"name": "m", "layers": listed, "input_layers": ["a", 0, 0], "output_layers": [output, 0, 0]}
    return {"module": "keras", "class_name": "Functional", "config": config, "registered_name": "Functional"}


RELU = entry("layers", "ReLU")


def within(model, times):
    """Return a model that calls another one so many times, one after the other."""
    return graph((model, ("a", 0, 0), *(("b", i, 0) for i in range(times - 1))))


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (graph((RELU, ("b", 0, 0))), "wait for each other"),
        (graph((RELU, ("c", 0, 0)), (RELU, ("b", 0, 0))), "wait for each other"),
        (graph((RELU, ("nobody", 0, 0))), "missing node: nobody"),
        (graph((RELU, ("a", 1 << 70, 0))), "missing node: a"),
        (graph((RELU, ("a",))), "cannot be read"),
        (graph((RELU, ({}, [], None))), "cannot be read"),
        (graph((RELU, ("a", 0, 0)), output="nobody"), "nobody"),
        (graph((RELU, *[("a", 0, 0)] * (errors.STEPS + 1))), "calls of layers"),
        (within(within(within(within(within(graph((RELU, ("a", 0, 0))), 9), 9), 9), 9), 9), "describes .* calls"),
    ],
    ids=["itself", "circle", "nobody", "number", "short", "types", "output", "many", "models in models"],
)
def test_graphs_that_are_none(good, tmp_path, config, match):
    refused(packed(tmp_path / "m.keras", {**good, "config.json": json.dumps(config)}), match)
    with pytest.raises(ValueError, match=match):
        keras.models.model_from_json(json.dumps(config))


def test_a_model_from_json_has_bounds_too():
    """There is no file of weights to hold it to, so a number does."""
    for units in (1 << 31, 1 << 62, 1 << 70):
        model = json.loads(small().to_json())
        model["config"]["layers"][HEAD]["config"]["units"] = units
        with pytest.raises(ValueError, match=r"model_from_json: .*more than is allowed, 1073741824 values altogether"):
            keras.models.model_from_json(json.dumps(model))


# -- what is no file, and sets of files


def test_what_is_no_regular_file(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no such files here")
    (tmp_path / "m.keras").symlink_to("/dev/zero")
    refused(tmp_path / "m.keras", "is no regular file")


@pytest.mark.parametrize("shard", ["../m_00000.weights.h5", "/etc/passwd", "m.txt", 5, "a/b.weights.h5"])
def test_shards_that_lie_elsewhere(tmp_path, shard):
    path = tmp_path / "m.weights.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"/layers/dense/vars": [shard]}}))
    with pytest.raises(ValueError, match="is no name of a shard beside it"):
        small().load_weights(path)


def test_a_shard_that_is_a_link(tmp_path):
    small().save_weights(tmp_path / "m.weights.json", max_shard_size=1)
    (tmp_path / "m_00000.weights.h5").rename(tmp_path / "elsewhere")
    (tmp_path / "m_00000.weights.h5").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is a link"):
        small().load_weights(tmp_path / "m.weights.json")


# -- what is allowed


@keras.saving.register_keras_serializable("tests")
def doubled(x):
    return 2 * x


class Tripled(L.Rescaling):
    """A class that is not registered."""


def test_functions_and_classes_of_one_s_own(tmp_path):
    model = keras.Sequential([keras.Input((3,)), L.Lambda(doubled, name="l"), Tripled(3.0), L.Dense(2)])
    path = tmp_path / "m.keras"
    model.save(path)
    x = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match="'Tripled' is no layer of the library and is not registered"):
        keras.models.load_model(path)
    loaded = [keras.models.load_model(path, custom_objects={"Tripled": Tripled})]
    with keras.saving.custom_object_scope({"Tripled": Tripled}):
        loaded.append(keras.models.load_model(path))
    loaded.append(keras.models.load_model(path, safe_mode=False))  # of a module that is imported already
    for again in loaded:
        assert type(again.layers[1]) is Tripled
        assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_registered_names():
    saving = keras.saving

    @saving.register_keras_serializable("tests", name="Other")
    class Registered(L.Rescaling):
        pass

    try:
        entry = saving.serialize_keras_object(Registered(2.0, name="r"))
        assert entry["registered_name"] == "tests>Other" and saving.get_registered_name(Registered) == "tests>Other"
        assert saving.get_registered_object("tests>Other") is Registered
        assert type(saving.deserialize_keras_object(entry)) is Registered
    finally:
        del saving.get_custom_objects()["tests>Other"]
    with pytest.raises(ValueError, match="tests>Other"):
        saving.deserialize_keras_object(entry)
    with pytest.raises(ValueError, match=r"has no get_config\(\)"):
        saving.register_keras_serializable()(int)
    with pytest.raises(TypeError, match="custom_objects"):
        saving.custom_object_scope([])


def test_plain_values_and_arrays_there_and_back():
    values = {"a": [1, 2.5, None, True, "x", (3,)], "b": {"c": np.arange(3, dtype="int16")}, "d": b"bytes"}
    back = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(values))
    assert back["a"] == values["a"] and back["d"] == b"bytes"
    assert back["b"]["c"].dtype == np.int16 and (back["b"]["c"] == values["b"]["c"]).all()
    with pytest.raises(ValueError, match="expected numbers"):
        keras.saving.deserialize_keras_object({"class_name": "__numpy__", "config": {"value": ["a"]}})


def test_nothing_there_reads_pickles_or_runs_code():
    source = "".join(path.read_text() for path in sorted(Path(h5.__file__).parent.glob("*.py")))
    assert not re.search(
        r"\b(pickle|marshal|eval|exec|import_module|__import__|np\.load|extractall|extract)\b\(", source
    )
