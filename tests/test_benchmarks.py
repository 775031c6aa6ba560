"""The yardstick is straight: the benchmarks' NumPy baseline computes what the operations mean."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastconv
from fastconv.benchmark.sides import workloads
from fastconv.ops import primitives, reference

FOLDER = Path(__file__).parents[1] / "asv_bench" / "benchmarks"


@pytest.fixture(scope="module")
def benchmarks():
    """Import the folder as asv does: as a package of its own."""
    spec = importlib.util.spec_from_file_location("asv_benchmarks", FOLDER / "__init__.py")
    before = set(sys.modules)
    sys.modules["asv_benchmarks"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["asv_benchmarks"])
    yield lambda name: importlib.import_module(f"asv_benchmarks.{name}")
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("asv_benchmarks", "sides"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def baseline(benchmarks):
    return benchmarks("baseline")


LAYERS = [((7, 8), 3, 1, 0), ((7, 8), 3, 2, 1), ((9, 8), 1, 2, 0), ((15, 9), 5, 2, 2)]  # size, kernel, stride, padding


def settings_of(stride, padding):
    return {"strides": (stride, stride), "padding": ((padding, padding), (padding, padding))}


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), LAYERS)
def test_convolution(baseline, size, kernel, stride, padding):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, *size, 3)), rng.standard_normal((kernel, kernel, 3, 4))
    settings = settings_of(stride, padding)
    y = baseline.conv_forward(x, w, stride, padding)
    assert_allclose(y, reference.conv2d(x, w, **settings))
    dy = rng.standard_normal(y.shape)
    dx, dw = reference.conv2d_backward(x, w, dy, **settings)[:2]
    assert_allclose(baseline.conv_backward_input(x, w, dy, stride, padding), dx)
    assert_allclose(baseline.conv_backward_filters(x, w, dy, stride, padding), dw)


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), LAYERS)
def test_depthwise_convolution(baseline, size, kernel, stride, padding):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, *size, 3)), rng.standard_normal((kernel, kernel, 3, 1))
    settings = settings_of(stride, padding)
    y = baseline.depthwise_forward(x, w, stride, padding)
    assert_allclose(y, reference.depthwise_conv2d(x, w, **settings))
    dy = rng.standard_normal(y.shape)
    dx, dw = reference.depthwise_conv2d_backward(x, w, dy, **settings)[:2]
    assert_allclose(baseline.depthwise_backward_input(x, w, dy, stride, padding), dx)
    assert_allclose(baseline.depthwise_backward_filters(x, w, dy, stride, padding), dw)


AXES = [
    ("Conv1D", (2, 9, 3), (4, 3, 5), (2,)),
    ("Conv3D", (2, 4, 5, 6, 3), (3, 2, 3, 3, 4), (1, 2, 2)),
    ("ConvTranspose2D", (2, 4, 5, 3), (4, 3, 2, 3), (2, 2)),
    ("ConvTranspose3D", (1, 2, 3, 4, 3), (2, 3, 3, 2, 3), (2, 1, 2)),
    ("DepthwiseConv1D", (2, 9, 3), (4, 3, 1), (1,)),
    ("DepthwiseConv3D", (2, 3, 4, 5, 3), (2, 3, 2, 3, 1), (1, 2, 1)),
    ("Conv2D", (2, 7, 5, 6), (3, 3, 2, 9), (2, 1)),
]


@pytest.mark.parametrize(("name", "x", "w", "strides"), AXES, ids=[row[0] for row in AXES])
def test_other_numbers_of_axes(benchmarks, name, x, w, strides):
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-4, 5, shape).astype(np.float32) for shape in (x, w))
    axes = benchmarks("axes")
    forward, backward = axes.NUMPY[name](x, w, strides)
    y, backprop = axes.make_op(name, x, w, strides)(x, w, None)
    assert_array_equal(forward(), y)
    dy = rng.integers(-4, 5, y.shape).astype(np.float32)
    for actual, right in zip(backward(dy), backprop(dy), strict=False):
        assert_array_equal(actual, right)


@pytest.mark.parametrize("name", ["MaxPool3D", "AveragePool3D"])
@pytest.mark.parametrize(("size", "strides"), [((2, 2, 2), (2, 2, 2)), ((3, 2, 3), (2, 1, 2))])
def test_pools_of_volumes(benchmarks, name, size, strides):
    x = np.random.default_rng(0).integers(-4, 5, (2, 5, 4, 7, 3)).astype(np.float32)
    y, _ = getattr(primitives, name)(size, strides)(x)
    assert_allclose(benchmarks("axes").pooled(name, x, size, strides), y, rtol=1e-6, atol=1e-6)


def test_all_these_have_a_baseline(benchmarks):
    axes = benchmarks("axes")
    assert {op for op, *_ in axes.LAYERS.values()} == set(axes.NUMPY) == {name for name, *_ in AXES}


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2)])
def test_max_pooling(baseline, size, stride):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (2, 11, 9, 3)).astype(float)  # with ties
    settings = {"pool_size": (size, size), "strides": (stride, stride)}
    y = baseline.max_pool_forward(x, size, stride)
    expected, which = reference.max_pool2d(x, **settings)
    assert_allclose(y, expected)
    dy = rng.standard_normal(y.shape)
    dx = reference.max_pool2d_backward(dy, which, x.shape, **settings)
    assert_allclose(baseline.max_pool_backward(x, y, dy, size, stride), dx)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2)])
def test_average_pooling(baseline, size, stride):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 11, 9, 3))
    settings = {"pool_size": (size, size), "strides": (stride, stride)}
    y = baseline.average_pool_forward(x, size, stride)
    assert_allclose(y, reference.average_pool2d(x, **settings), rtol=1e-6)
    dy = rng.standard_normal(y.shape)
    dx = reference.average_pool2d_backward(dy, x.shape, **settings)
    assert_allclose(baseline.average_pool_backward(x, y, dy, size, stride), dx, rtol=1e-6)


def test_batch_normalization(baseline):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 5, 4, 3, 6))
    gamma, beta = rng.standard_normal((2, 6))
    y, z, inverse = baseline.batch_norm_forward(x, gamma, beta)
    assert_allclose(y, reference.normalize_over(x, (0, 1, 2), gamma, beta))
    dx, dgamma, dbeta = reference.normalize_over_backward(x, (0, 1, 2), gamma, dy)
    sums = (dx, dgamma.sum(axis=(0, 1, 2)), dbeta.sum(axis=(0, 1, 2)))
    for actual, right in zip(baseline.batch_norm_backward(z, inverse, gamma, dy), sums, strict=True):
        assert_allclose(actual, right, atol=1e-14)


def test_the_network_learns(baseline):
    rng = np.random.default_rng(0)
    x, labels = rng.random((8, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 8)
    network = baseline.TutorialNetwork()
    loss = lambda: -np.log(network.predict(x)[np.arange(8), labels]).mean()  # noqa: E731
    before = loss()
    for _ in range(60):
        network.train_step(x, labels, 0.2)
    assert loss() < before / 2


def test_there_is_one_list_of_workloads(benchmarks):
    assert benchmarks("bench").workloads.CONV == workloads.CONV
    assert benchmarks("ops").Conv.params[0] == list(workloads.CONV)


@pytest.mark.parametrize("library", ["fastconv", "numpy"])
@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("Conv", ("odd.channels", "forward")),
        ("Conv", ("odd.channels", "data")),
        ("Conv", ("odd.channels", "filters")),
        ("Depthwise", ("mobilenet.dw7", "data")),
        ("MaxPool", ("tutorial.pool2", "both")),
        ("AveragePool", ("resnet50.global", "both")),
    ],
)
def test_a_layer_s_benchmark_runs(benchmarks, name, case, library):
    benchmark = getattr(benchmarks("ops"), name)()
    try:
        benchmark.setup(*case, library)
    except NotImplementedError:
        pytest.skip("this version has no such layer")
    benchmark.time_layer(*case, library)


def test_each_layer_s_numpy_twin_computes_the_same(benchmarks):
    layers = benchmarks("layers")
    for name, (make, shape, numpy) in layers.LAYERS.items():
        x, layer = np.random.default_rng(0).random((1, *shape[1:]), dtype=np.float32), make()
        y = layer(x)
        assert_allclose(y, numpy(x, *layer.get_weights()), rtol=1e-3, atol=1e-4, err_msg=name)


def test_every_convolution_and_pool_is_measured(benchmarks):
    measured = {name.split(",")[0] for name in benchmarks("layers").LAYERS}
    layers = {
        value.__name__
        for value in vars(fastconv.layers).values()
        if isinstance(value, type) and ("Conv" in value.__name__ or "Pooling" in value.__name__)
    }
    assert layers <= measured


def test_variants_that_cannot_run_here_are_left_out(benchmarks):
    benchmark = benchmarks("kernels").Variant()
    with pytest.raises(NotImplementedError):
        benchmark.setup("conv/cifar.conv64", "data", "sse9", 1)
    benchmark.setup("conv/cifar.conv64", "data", "baseline", 1)
    benchmark.time_layer("conv/cifar.conv64", "data", "baseline", 1)


def test_bfloat16_is_measured_beside_float32(benchmarks):
    module = benchmarks("bfloat16")
    for policy in module.POLICIES:
        layer, train, predict = module.Conv(), module.Train(), module.Predict()
        layer.setup("odd.channels", "filters", policy)
        layer.time_layer("odd.channels", "filters", policy)
        train.setup(2, policy)
        train.time_step(2, policy)
        predict.setup(1, policy)
        predict.time_predict(1, policy)
    assert fastconv.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("name", ["kernels", "ops", "layers", "bfloat16", "plan", "models", "saving", "package"])
def test_each_module_has_benchmarks_and_says_what_it_measures(benchmarks, name):
    module = benchmarks(name)
    classes = [
        thing for thing in vars(module).values() if isinstance(thing, type) and thing.__module__ == module.__name__
    ]
    prefixes = ("time_", "timeraw_", "peakmem_", "track_")
    own = [cls for cls in classes if any(method.startswith(prefixes) for method in dir(cls))]
    assert own and all(cls.__doc__ for cls in own) and module.__doc__


def test_layers_in_numpy_compute_the_same(benchmarks):
    for make, shape, in_numpy in benchmarks("layers").LAYERS.values():
        x, layer = np.random.default_rng(0).random((2, *shape[1:]), dtype=np.float32), make()
        y = layer(x)
        assert_allclose(in_numpy(x, *layer.get_weights()), y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("network", ["tutorial", "cifar"])
def test_fused_and_unfused_networks(benchmarks, network):
    module = benchmarks("plan")
    make, _ = module.NETWORKS[network]
    one, other = make(), module.unfused(make)
    assert len(one.plan.steps) < len(other.plan.steps)
    for library in ("fused", "unfused"):
        benchmark = module.Fusion()
        benchmark.setup(network, library)
        benchmark.time_predict(network, library)
        benchmark.time_train(network, library)


@pytest.mark.parametrize("library", ["fastconv", "numpy"])
def test_saving(benchmarks, library):
    benchmark = benchmarks("saving").Saving()
    try:
        benchmark.setup(library)
        benchmark.time_save_weights(library)
        benchmark.time_load_weights(library)
    except NotImplementedError:
        pytest.skip("this version saves nothing")
    finally:
        benchmark.teardown(library)


def test_the_network_in_numpy_learns_clothes(benchmarks):
    benchmark = benchmarks("models").Learning()
    benchmark.setup("numpy")
    benchmark.x, benchmark.y = benchmark.x[::4], benchmark.y[::4]
    benchmark.x_test, benchmark.y_test = benchmark.x_test[::4], benchmark.y_test[::4]
    assert benchmark.track_accuracy("numpy") > 30


def test_sizes_are_megabytes(benchmarks):
    size = benchmarks("package").Size()
    assert 0.1 < size.track_wheel() < size.track_installed() < 100


def test_committed_results_lose_the_interpreter_s_path(tmp_path):
    spec = importlib.util.spec_from_file_location("asv_results", FOLDER.parents[1] / "tools" / "asv_results.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    name = "0123abcd-existing-py_somewhere_bin_python3.11"
    for results in ({"one": [1], "two": [2]}, {"two": [3]}):
        content = {"env_name": "x", "python": "/somewhere/bin/python3.11", "params": {"cpu": "c"}, "results": results}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        assert tool.clean(tmp_path) == ["0123abcd-existing-py3.11.json"]
    (file,) = tmp_path.iterdir()
    content = json.loads(file.read_text())
    assert content["results"] == {"one": [1], "two": [3]} and "somewhere" not in file.read_text()
    assert content["params"] == {"cpu": "c", "python": "3.11"} and content["env_name"] == "existing-py3.11"
