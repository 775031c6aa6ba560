"""The metrics that compile was given: found by name when shapes are known, updated together, reported by name."""

from collections.abc import Mapping

import numpy as np

from fastconv import metrics

BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")  # names whose meaning the shapes of labels and predictions decide


class CompiledMetrics:
    """Plain metrics, which see all samples alike, and weighted ones; it is iterated over once it is built.

    Parameters
    ----------
    plain, weighted : None, str, function, Metric, or list, tuple or dict of them
        As in Keras, the keys of a dict name outputs; a model of one output has all its metrics there.
    """

    def __init__(self, plain=None, weighted=None):
        self.specs = [[_resolved(spec) for spec in _flat(specs)] for specs in (plain, weighted)]
        self.plain, self.weighted = [], []
        self.built = False

    def __bool__(self):
        return any(self.specs)

    def build(self, y_true_shape, y_pred_shape):
        """Make the metric objects, once."""
        if not self.built:
            self.plain, self.weighted = (
                [metrics.resolve(spec, y_true_shape, y_pred_shape) for spec in specs] for specs in self.specs
            )
            self.built = True

    def __iter__(self):
        return iter([*self.plain, *self.weighted])

    def update(self, y_true, y_pred, weights):
        """Take in a batch."""
        for metric in self.plain:
            metric.update_state(y_true, y_pred)
        for metric in self.weighted:
            metric.update_state(y_true, y_pred, sample_weight=weights)

    def results(self):
        """Return the values so far by name; of metrics with one name the later ones are marked, as in Keras."""
        values, seen = {}, {}
        for name, metric in self._named(seen):
            result = metric.result()
            values.update(result if isinstance(result, Mapping) else {name: result})
        return {name: _number(value) for name, value in values.items()}

    def _named(self, seen):
        for metric in self.plain:
            yield _mark(metric.name, seen), metric
        for metric in self.weighted:
            yield (_mark(f"weighted_{metric.name}" if metric.name in seen else metric.name, seen)), metric


def _resolved(spec):
    """Return a metric, or a name that shapes will decide; a misspelt one is found now, not at the first batch."""
    if isinstance(spec, str) and spec.lower() in BY_SHAPE:
        return spec
    return metrics.resolve(spec, (None, 1), (None, 1))


def _mark(name, seen):
    """Return a name with a number behind it if it was seen before."""
    times = seen[name] = seen.get(name, 0) + 1
    return name if times == 1 else f"{name}_{times - 1}"


def _flat(specs):
    """Return what is in lists, tuples and dicts of any depth as a list."""
    if specs is None:
        return []
    if isinstance(specs, Mapping) and "class_name" not in specs:
        specs = [specs[key] for key in sorted(specs)]
    if not isinstance(specs, (list, tuple)):
        return [specs]
    return [leaf for spec in specs for leaf in ([None] if spec is None else _flat(spec))]


def _number(value):
    """Return a float, or an array of them where a metric gives several."""
    array = np.asarray(value)
    return float(array) if array.size == 1 else np.array(array)
