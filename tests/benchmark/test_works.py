"""The rows of the tables: names, amounts, choices."""

import numpy as np
import pytest

from fastconv.benchmark.sides import workloads
from fastconv.benchmark.works import QUICK, UNITS, Work, choose, groups
from fastconv.ops import primitives

ALL = groups(["avx512", "scalar"], 2)
WORKS = {work.name: work for group in ALL for work in group.works}


def test_names_are_unique_and_without_blanks():
    assert len(WORKS) == sum(len(group.works) for group in ALL)
    assert [name for name in WORKS if len(name.split()) != 1] == []


def test_one_thread_is_not_measured_twice():
    names = [work.name for group in groups(["scalar"], 1) for work in group.works]
    assert len(names) == len(set(names))
    assert "peak/scalar/1" in names
    assert "alone/128" not in names


@pytest.mark.parametrize("name", workloads.CONV)
def test_operations_and_shapes_are_the_op_s(name):
    layer = workloads.CONV[name]
    op = primitives.Conv2D((layer.stride,) * 2, ((layer.padding,) * 2,) * 2)
    assert layer.y == op.output_shape(layer.x, layer.w)
    assert layer.flops == op.flops(layer.x, layer.w)
    assert WORKS[f"conv/{name}/data"].amount == layer.flops


@pytest.mark.parametrize("name", workloads.DEPTHWISE)
def test_operations_of_depthwise_layers(name):
    layer = workloads.DEPTHWISE[name]
    op = primitives.Conv2D((layer.stride,) * 2, ((layer.padding,) * 2,) * 2, groups=layer.channels)
    grouped = (layer.kernel, layer.kernel, 1, layer.channels)
    assert layer.y == op.output_shape(layer.x, grouped)
    assert layer.flops == op.flops(layer.x, grouped)


@pytest.mark.parametrize("name", workloads.POOL)
def test_bytes_of_pooling_layers(name):
    layer = workloads.POOL[name]
    assert layer.y == primitives.MaxPool2D((layer.kernel,) * 2, (layer.stride,) * 2).output_shape(layer.x)
    assert WORKS[f"pool/{name}/both"].amount == np.zeros(layer.x, np.float32).nbytes


@pytest.mark.parametrize(
    ("unit", "amount", "cost", "figure"),
    [("GFLOP/s", 4e9, 2, 2), ("GB/s", 3e9, 2, 1.5), ("images/s", 32, 0.5, 64), ("MB", 1, 5e6, 5), ("ms", 1, 0.25, 250)],
)
def test_figures(unit, amount, cost, figure):
    assert Work("x", "x", unit, amount).figure(cost) == figure
    assert {work.unit for work in WORKS.values()} == set(UNITS)


def names_of(*arguments, **options):
    return [work.name for group in choose(ALL, *arguments, **options) for work in group.works]


def test_everything_is_chosen_by_default():
    assert names_of() == list(WORKS)


def test_a_peak_is_there_for_percentages():
    peak = "peak/avx512/2"
    assert names_of(["odd.channels/data"], peak=peak) == [peak, "conv/odd.channels/data"]
    assert names_of(["train/32", "train/128"], peak=peak) == ["train/32", "train/128"]


def test_quick_is_a_part():
    assert 0 < len(names_of(quick=True)) < len(WORKS) / 2
    assert [start for start in QUICK if not any(name.startswith(start) for name in WORKS)] == []


def test_nothing_may_be_chosen():
    assert choose(ALL, ["no such thing"]) == []
