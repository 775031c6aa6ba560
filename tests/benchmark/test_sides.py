"""The same work by each library: fastconv's side does it all, and the others do what it does where they are there."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

import fastconv
from fastconv.benchmark import sides
from fastconv.benchmark.sides import fastconv_side, nets, network, sizes, workloads
from fastconv.benchmark.works import groups

FOLDER = Path(sides.__file__).parent
WORKS = [work for group in groups(["baseline"], 2) for work in group.works if work.kind != "import"]
SMALL = {
    "CONV": {"small": workloads.Conv(2, 9, 7, 3, 5, 3, 2, 1)},
    "DEPTHWISE": {"small": workloads.Depthwise(2, 9, 7, 5, 3, 1, 1)},
    "POOL": {"small": workloads.Pool(2, 9, 7, 5, 3, 2)},
}
LAYERS = [
    *(("conv", direction) for direction in ("forward", "data", "filters")),
    *(("depthwise", direction) for direction in ("forward", "data", "filters")),
    *((kind, direction) for kind in ("pool", "average") for direction in ("forward", "both")),
]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_sides_run_where_fastconv_is_not(path):
    """What is imported without being handed over: each other, NumPy, the standard library; fastconv by its own side."""
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"numpy"}
    assert foreign <= ({"fastconv"} if path.name == "fastconv_side.py" else set())


@pytest.fixture
def small(monkeypatch):
    """Make the layers small, the epochs short, and the peak low."""
    for name, table in SMALL.items():
        for side in sides.LIBRARIES.values():
            module = sys.modules.get(f"{sides.__name__}.{side.module}")
            if hasattr(module, name):
                monkeypatch.setattr(module, name, table)
    monkeypatch.setattr(fastconv_side, "COPIED", 1000)
    monkeypatch.setattr(fastconv_side, "PEAK_FLOPS", 100_000)
    monkeypatch.setattr(network, "EPOCH", 64)


@pytest.fixture
def ours(small):
    yield fastconv_side.Side(fastconv, threads=1)
    fastconv.config.set_num_threads(None)


def test_fastconv_does_all_works():
    side = fastconv_side.Side(fastconv, threads=1)
    missing = {work.kind for work in WORKS} - {*side.makers, *side.values}
    assert missing <= {"depthwise"}


@pytest.mark.parametrize(("kind", "direction"), LAYERS)
def test_layers_run(ours, kind, direction):
    if kind not in ours.makers:
        pytest.skip("this version has no such layer")
    ours.makers[kind]("small", direction)()


@pytest.mark.parametrize(
    "name",
    [
        *("peak/baseline/1", "peak/scalar/2", "copy/2", "alone/4", "train/4", "fit/32", "call/3", "predict/3"),
        *(f"{what}/{net}/{n}" for net in nets.NETS for what, n in (("step", 2), ("infer", 1), ("infer", 2))),
    ],
)
def test_calls_run(ours, name):
    kind, *rest = name.split("/")
    call = ours.makers[kind](*rest)
    call()
    call()


def test_the_machine_s_peak_is_that_of_the_variant_and_the_threads(ours, monkeypatch):
    made = {}
    module = fastconv.ops.op.kernels._load("baseline")

    class Kernels:
        VECTOR, ROW = module.VECTOR, module.ROW

        @staticmethod
        def multiply_adds(y, rounds, threads):
            made.update(size=y.size, operations=2 * rounds * module.ROW * module.VECTOR * threads, threads=threads)

    monkeypatch.setattr("fastconv.kernels._load", lambda name: {"baseline": Kernels}.get(name, module))
    ours.peak("baseline", "2")
    assert made["size"] == 2 * module.VECTOR
    assert made["operations"] == pytest.approx(100_000, rel=0.01)
    assert made["threads"] == 2


def test_training_alone_is_on_one_thread(ours, monkeypatch):
    counts = []
    ours.threads = 5
    monkeypatch.setattr(ours, "train", lambda n: lambda: counts.append(fastconv.config.get_num_threads()))
    ours.alone("4")()
    assert counts == [1]
    assert fastconv.config.get_num_threads() == 5


def test_results_of_the_network_are_probabilities(ours):
    for name in ("call", "predict"):
        y = ours.makers[name]("3")()
        assert y.shape == (3, 10)
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)


def test_sizes(ours):
    assert 20e6 < ours.values["memory"]("4") < 2e9
    assert sizes.compressed(fastconv) < ours.values["installed"]()
    assert ours.values["wheel"]() > 100_000


@pytest.mark.parametrize("name", [name for name in sides.LIBRARIES if name != "fastconv"])
def test_others_do_the_same_work(name, ours):
    """Where a library is installed here: it gives results of the same shapes."""
    if name not in sides.installed():
        pytest.skip(f"{name} is not installed")
    if name == "keras":
        pytest.skip("TensorFlow cannot be loaded beside PyTorch")
    side, version = sides.make(name, fastconv.config.get_num_threads())  # no other: PyTorch tells OpenMP
    assert version.split()[0] in ("torch", "keras", "onnxruntime")
    y = side.makers["call"]("3")()
    assert y.shape == (3, 10)
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-2)
    side.makers.get("train", side.makers["call"])("4")()
    for net in nets.NETS:
        y = side.makers["infer"](net, "2")()
        assert y.shape == (2, 10)
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-2)
        if "step" in side.makers:
            side.makers["step"](net, "2")()


@pytest.mark.parametrize(("name", "weights"), [("resnet20", 274_042), ("mobilenet", 719_034)])
def test_networks_are_those_of_the_papers(ours, name, weights):
    """As many weights as Keras's own MobileNetV2 and 0.27 million have; pictures shrink to 8x8 and 3x3 pixels."""
    model = ours.net(name)
    assert model.count_params() == weights
    shapes = [layer.output.shape for layer in model.layers]
    assert [shape[1] for shape in shapes if len(shape) == 4][-1] == {"resnet20": 8, "mobilenet": 3}[name]


def test_pytorch_s_layers_have_the_shapes_of_the_tables(small, monkeypatch):
    torch = pytest.importorskip("torch")
    from fastconv.benchmark.sides import torch_side

    for name, table in SMALL.items():
        monkeypatch.setattr(torch_side, name, table)
    side = torch_side.Side(torch, fastconv.config.get_num_threads())
    for kind, name in [("conv", "CONV"), ("depthwise", "DEPTHWISE"), ("pool", "POOL")]:
        layer = SMALL[name]["small"]
        n, height, width, channels = layer.y
        assert side.makers[kind]("small", "forward")().shape == (n, channels, height, width)
    n, height, width, channels = SMALL["CONV"]["small"].x
    dx, dw, _ = side.conv("small", "data")()
    assert dx.shape == (n, channels, height, width) and dw is None
    dx, dw, db = side.conv("small", "filters")()
    assert dx is None and dw.shape == (5, 3, 3, 3) and db.shape == (5,)
    side.pool("small", "both")()
    side.average("small", "both")()
    side.depthwise("small", "data")()
