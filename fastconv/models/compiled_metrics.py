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
        Of several outputs a list with an entry for each, or a dict by their names; a model of one output has all its
        metrics there.
    owner : str
        Who complains.
    """

    def __init__(self, plain=None, weighted=None, owner=""):
        self.owner = owner
        for argument, given in {"metrics": plain, "weighted_metrics": weighted}.items():
            if given is not None and not isinstance(given, (list, tuple, Mapping)):
                raise ValueError(f"{owner}: {argument}={given!r} is not a list, tuple or dict; write [{given!r}].")
        self.specs = {"metrics": _map(plain), "weighted_metrics": _map(weighted)}
        self.names, self.of_outputs = [], {}  # for each argument the specs of each output, once they are assigned
        self.plain, self.weighted = [], []  # pairs of an output's place and a metric
        self.built = False

    def __bool__(self):
        return any(map(_flat, self.specs.values()))

    def assign(self, names):
        """Say which metrics belong to which of the outputs of these names; None for one that has no name."""
        self.names = names
        self.of_outputs = {argument: self._of_each(argument, given) for argument, given in self.specs.items()}

    def _of_each(self, argument, given):
        n = len(self.names)
        if n == 1 or not _flat(given):
            return [_flat(given), *[[] for _ in range(n - 1)]]
        if isinstance(given, list) and len(given) == n:
            return [_flat(specs) for specs in given]
        if isinstance(given, dict) and set(given) <= set(self.names):
            return [_flat(given.get(name)) for name in self.names]
        raise ValueError(
            f"{self.owner}: {argument} should be a list with an entry for each of the {n} outputs, or a dict with keys "
            f"out of {self.names}; got {given!r}."
        )

    def needs(self, place):
        """Tell whether an output has metrics."""
        return any(specs[place] for specs in self.of_outputs.values())

    def build(self, shapes):
        """Make the metric objects, once, from the shapes of targets and predictions of each output."""
        if not self.built:
            self.plain, self.weighted = (
                [
                    (place, metrics.resolve(spec, *shapes[place]))
                    for place, specs in enumerate(of_outputs)
                    for spec in specs
                ]
                for of_outputs in self.of_outputs.values()
            )
            self.built = True

    def __iter__(self):
        return (metric for _, metric in (*self.plain, *self.weighted))

    @property
    def look(self):
        """Whether there is anything to update."""
        return bool(self.plain or self.weighted)

    def update(self, seen):
        """Take in a batch: targets, predictions and weights of each output."""
        for place, metric in self.plain:
            metric.update_state(*seen[place][:2])
        for place, metric in self.weighted:
            y_true, y_pred, weights = seen[place]
            metric.update_state(y_true, y_pred, sample_weight=weights)

    def results(self):
        """Return the values so far by name; of metrics with one name the later ones are marked, as in Keras."""
        values, seen = {}, {}
        for name, metric in self._named(seen):
            result = metric.result()
            values.update(result if isinstance(result, Mapping) else {name: result})
        return {name: _number(value) for name, value in values.items()}

    def _named(self, seen):
        several = len(self.names) > 1
        for metrics_, again in ((self.plain, ""), (self.weighted, "weighted_")):
            for place, metric in metrics_:
                prefix = f"{self.names[place]}_" if several and self.names[place] is not None else ""
                name = prefix + metric.name
                yield _mark(f"{prefix}{again}{metric.name}" if name in seen else name, seen), metric


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
    """Return what is in lists and dicts of any depth as a list, without what is None."""
    if isinstance(specs, dict) and "class_name" not in specs:
        specs = [specs[key] for key in sorted(specs)]
    return (
        [leaf for spec in specs for leaf in _flat(spec)] if isinstance(specs, list) else [specs] * (specs is not None)
    )


def _map(specs):
    """Return specs with what is in their lists, tuples and dicts resolved."""
    if isinstance(specs, Mapping) and "class_name" not in specs:
        return {key: _map(part) for key, part in specs.items()}
    if isinstance(specs, (list, tuple)):
        return [_map(part) for part in specs]
    return None if specs is None else _resolved(specs)


def _number(value):
    """Return a float, or an array of them where a metric gives several."""
    array = np.asarray(value)
    return array.item() if array.size == 1 else np.array(array)
