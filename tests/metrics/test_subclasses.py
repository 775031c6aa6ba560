"""Metrics that users write: state, parts, and the ways of going wrong."""

import pickle

import numpy as np
import pytest

from fastconv import metrics


class Range(metrics.Metric):
    """The mean of the largest and of the smallest predictions: a metric made of metrics, with two results."""

    def __init__(self, name="range", **kwargs):
        super().__init__(name=name, **kwargs)
        self.low, self.high = metrics.Mean(name="low"), metrics.Mean(name="high")
        self.batches = self.add_weight(name="batches")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.low.update_state(np.min(y_pred))
        self.high.update_state(np.max(y_pred))
        self.batches.assign_add(1)

    def result(self):
        return {"low": self.low.result(), "high": self.high.result()}


def test_the_state_of_parts_belongs_to_the_whole():
    metric = Range()
    assert metric(None, [1.0, 3.0]) == {"low": 1, "high": 3}
    assert [float(v) for v in metric.variables] == [1, 1, 1, 3, 1]
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [0] * 5


def test_stateless_calls_leave_the_state_alone():
    metric = metrics.Mean()
    metric.update_state([7.0])
    state = metric.stateless_update_state(metric.stateless_reset_state(), [1.0, 3.0])
    assert metric.stateless_result(state) == 2 and metric.result() == 7
    with pytest.raises(ValueError, match="mean: metric_variables has 1 values; expected 2"):
        metric.stateless_result([1.0])


def test_state_begins_as_its_initializer_says():
    metric = metrics.Metric()
    assert metric.add_weight((2,)).numpy().tolist() == [0, 0]
    assert metric.add_variable((2,), "ones", name="n").numpy().tolist() == [1, 1]


def test_a_forgotten_super_init_is_named():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = self.add_weight()

    with pytest.raises(RuntimeError, match=r"Forgetful: __init__\(\) did not call super\(\).__init__\(\)"):
        Forgetful()


def test_parts_in_lists_and_dicts_belong_to_the_whole():
    whole, loose = metrics.Mean(), metrics.Mean().total
    whole.parts = [metrics.Mean(), (metrics.Sum(), {"deep": metrics.Sum()})]
    whole.by_name = {"again": whole.parts[0], "loose": loose, "counted": whole.count}
    assert len(whole.variables) == 2 + 2 + 1 + 1 + 1
    assert any(variable is loose for variable in whole.variables[:3])  # variables come before those of metrics
    whole.parts[0].update_state([3.0])
    whole.reset_state()
    assert whole.parts[0].result() == 0
    alone = metrics.Mean()
    alone.loose, alone.numbers = loose, np.zeros(3)
    assert [id(variable) for variable in alone.variables] == [id(alone.total), id(alone.count), id(loose)]


@pytest.mark.parametrize("name", ["mse", "Precision", "AUC", "MeanIoU"])
def test_metrics_travel(name):
    metric = metrics.MeanIoU(2) if name == "MeanIoU" else metrics.get(name)
    metric.update_state(np.array([0, 1, 1]), np.array([1, 1, 0]))
    again = pickle.loads(pickle.dumps(metric))
    assert type(again) is type(metric) and again.result() == metric.result()
