"""Damage good files at random and load them: run as a program, in a process whose memory is limited.

``python fuzz.py KIND FIRST COUNT FOLDER``: the good files lie in FOLDER/good; prints outcomes and how often they came.
Whatever is neither a loaded model nor a documented error ends the program with a traceback; so does code that wants to
run, or a file elsewhere that wants to be opened.
"""

import io
import json
import os
import random
import shutil
import signal
import sys
import traceback
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

import fastconv as keras

SECONDS = 30  # for one file
MEMORY = 1 << 30  # beyond what the process has when it begins
FORBIDDEN = (
    "exec", "compile", "marshal.loads", "pickle.find_class", "os.system", "os.exec", "os.posix_spawn",
    "subprocess.Popen", "socket.connect", "ctypes.dlopen", "shutil.rmtree", "os.remove", "os.rename", "os.symlink",
    "os.link", "os.mkdir",
)  # fmt: skip
IMPORTING = ("exec", "compile", "marshal.loads")  # what importing does; what may be imported is OURS
OURS = {*sys.stdlib_module_names, "fastconv", "numpy", "h5py"}
EXTREMES = [0, 1, -1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1]
VALUES = [
    None, True, False, 0, -1, 1, 2, 1 << 40, 1 << 70, -(1 << 40), 1e308, float("nan"), "", "x", "../x", "relu", [], {},
    [None], [1 << 40, 1 << 40], [[]], {"class_name": "__lambda__", "config": {}}, {"class_name": "Dense", "config": {}},
    {"class_name": "function", "config": "eval", "module": "builtins"},
]  # fmt: skip


# -- damage


def damaged(data, rng):
    """Return bytes with a few random changes."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if data:
            rng.choice((_flip, _set, _number, _number, _cut, _repeat, _truncate, _move))(data, rng)
    return bytes(data)


def _flip(data, rng):
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(data, rng):
    data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(data, rng):
    size = rng.choice((2, 4, 8))
    if len(data) > size:
        at = rng.randrange(len(data) - size)
        value = rng.choice(EXTREMES) & ((1 << 8 * size) - 1)
        data[at : at + size] = value.to_bytes(size, "little")


def _cut(data, rng):
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 2, 8, 64, 1024))]


def _repeat(data, rng):
    at, size = rng.randrange(len(data)), rng.choice((1, 8, 64, 1024))
    data[at:at] = data[at : at + size]


def _truncate(data, rng):
    if rng.random() < 0.3:
        del data[rng.randrange(len(data)) :]


def _move(data, rng):
    size = rng.choice((8, 64, 512))
    here, there = rng.randrange(len(data)), rng.randrange(len(data))
    data[here : here + size] = data[there : there + size]


def damaged_json(text, rng):
    """Return a JSON text with a few other values in it; it stays JSON."""
    tree = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 4))):
        _graft(tree, rng)
    return json.dumps(tree).encode()


def _graft(tree, rng):
    places = []

    def visit(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                visit(node[key])

    visit(tree)
    if not places:
        return
    node, key = rng.choice(places)
    kind = rng.randrange(5)
    if kind == 0:
        del node[key]
    elif kind == 1 and isinstance(node, dict):
        node[rng.choice(("x", "name", "class_name", "config", "module"))] = node[key]
    elif kind == 2:
        other, name = rng.choice(places)
        node[key] = json.loads(json.dumps(other[name])) if _has(other, name) else None
    else:
        node[key] = json.loads(json.dumps(rng.choice(VALUES)))


def _has(node, key):
    return key in node if isinstance(node, dict) else key < len(node)


# -- kinds of files: what is damaged, and how it is loaded


def _archive(members, **settings):
    image = io.BytesIO()
    with zipfile.ZipFile(image, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, **settings)
    return image.getvalue()


def _members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def keras_bytes(good, folder, rng):
    (folder / "m.keras").write_bytes(damaged((good / "m.keras").read_bytes(), rng))
    return lambda model: keras.models.load_model(folder / "m.keras")


def keras_deflated(good, folder, rng):
    data = _archive(_members(good / "m.keras"), compress_type=zipfile.ZIP_DEFLATED)
    (folder / "m.keras").write_bytes(damaged(data, rng))
    return lambda model: keras.models.load_model(folder / "m.keras")


def keras_config(good, folder, rng):
    members = _members(good / "m.keras")
    members["config.json"] = damaged_json(members["config.json"], rng)
    (folder / "m.keras").write_bytes(_archive(members))
    safe = rng.random() < 0.5
    return lambda model: keras.models.load_model(folder / "m.keras", safe_mode=safe)


def graph_config(good, folder, rng):
    members = _members(good / "g.keras")
    members["config.json"] = damaged_json(members["config.json"], rng)
    (folder / "g.keras").write_bytes(_archive(members))
    return lambda model: keras.models.load_model(folder / "g.keras")


def keras_weights(good, folder, rng):
    members = _members(good / "m.keras")
    members["model.weights.h5"] = damaged(members["model.weights.h5"], rng)
    (folder / "m.keras").write_bytes(_archive(members))
    return lambda model: keras.models.load_model(folder / "m.keras")


def weights(good, folder, rng):
    (folder / "m.weights.h5").write_bytes(damaged((good / "m.weights.h5").read_bytes(), rng))
    return lambda model: model.load_weights(folder / "m.weights.h5", skip_mismatch=rng.random() < 0.5)


def shards(good, folder, rng):
    names = sorted(path.name for path in good.glob("s*"))
    hit = rng.choice(names)
    for name in names:
        data = (good / name).read_bytes()
        change = damaged_json if name.endswith(".json") and rng.random() < 0.5 else damaged
        (folder / name).write_bytes(change(data, rng) if name == hit else data)
    return lambda model: model.load_weights(folder / "s.weights.json")


def older(good, folder, rng):
    (folder / "m.h5").write_bytes(damaged((good / "m.h5").read_bytes(), rng))
    if rng.random() < 0.5:
        return lambda model: keras.models.load_model(folder / "m.h5")
    by_name = rng.random() < 0.5
    return lambda model: model.load_weights(folder / "m.h5", by_name=by_name)


def json_text(good, folder, rng):
    text = (good / "m.json").read_bytes()
    text = damaged(text, rng) if rng.random() < 0.3 else damaged_json(text, rng)
    return lambda model: keras.models.model_from_json(text.decode("utf-8", "replace"))


def backup(good, folder, rng):
    (folder / "latest.weights.h5").write_bytes(damaged((good / "latest.weights.h5").read_bytes(), rng))
    callback = keras.callbacks.BackupAndRestore(folder)

    def load(model):
        callback.set_model(model)
        callback.on_train_begin()

    return load


KINDS = {
    function.__name__: function
    for function in (
        keras_bytes, keras_deflated, keras_config, graph_config, keras_weights, weights, shards, older, json_text,
        backup,
    )
}  # fmt: skip


# -- the program


class Watch:
    """Lets files be read in a folder and where Python lies, and nothing else happen."""

    def __init__(self, folder):
        self.allowed = [str(folder), *{str(Path(path).resolve()) for path in (sys.prefix, sys.base_prefix)}]
        self.allowed += [str(Path(keras.__file__).resolve().parent)]
        self.on = False
        sys.addaudithook(self)

    def __call__(self, event, args):
        if not self.on:
            return
        stranger = event == "import" and args[0].split(".")[0] not in OURS
        if stranger or (event in FORBIDDEN and not (event in IMPORTING and _is_from_python_itself())):
            self.on = False
            os.write(2, f"forbidden: {event} {args}\n"[:1000].encode())
            traceback.print_stack()
            os._exit(3)
        if event == "open" and isinstance(args[0], (str, bytes)):
            name = os.path.realpath(os.fsdecode(args[0]))
            if not any(name.startswith(place) for place in self.allowed):
                os.write(2, f"opened elsewhere: {name} {args[1:]}\n".encode())
                os._exit(3)


def _is_from_python_itself():
    """Tell whether a module is being imported, or Python's own library does it."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith(("<frozen", os.__file__.removesuffix("os.py"))):
            return True
        frame = frame.f_back
    return False


def limit_memory():
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)


def run(kind, first, count, folder):
    good, work = folder / "good", folder / "work"
    watch, outcomes = Watch(folder.resolve()), Counter()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    model = keras.models.load_model(good / "m.keras")
    state = [v.numpy() for v in [*model.weights, *model.optimizer.variables]]
    for seed in range(first, first + count):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (folder / "seed").write_text(f"{kind} {seed}")
        load = KINDS[kind](good, work, random.Random(f"{kind} {seed}"))
        signal.alarm(SECONDS)
        watch.on = True
        try:
            load(model)
            outcome = "loaded"
        except (ValueError, OSError) as error:
            outcome = type(error).__name__
        finally:
            watch.on = False
        outcomes[outcome] += 1
        if outcome == "loaded":
            for variable, value in zip([*model.weights, *model.optimizer.variables], state, strict=True):
                variable.assign(value)
    signal.alarm(0)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    KIND, FIRST, COUNT, FOLDER = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    keras.models.load_model(FOLDER / "good" / "m.keras")  # whatever is imported on first use is there now
    keras.models.load_model(FOLDER / "good" / "m.h5")
    limit_memory()
    run(KIND, FIRST, COUNT, FOLDER)
