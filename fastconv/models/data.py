"""From what a user passes to ``fit``, ``evaluate`` and ``predict`` to feeds of batches that fit the model."""

import numbers
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fastconv.models import feeding
from fastconv.models.compiling import Compiled
from fastconv.models.py_dataset import PyDataset, PyDatasetFeed
from fastconv.models.structure import label
from fastconv.ops.loss import LossOp
from fastconv.runtime import seeds


class Judged(NamedTuple):
    """An output that has a loss: its place, what messages call its arrays, its loss and the shape of a sample."""

    place: int
    y: str
    weights: str
    op: LossOp
    shape: tuple


class Fed(Compiled):
    """What makes batches for a model: readers of arrays, feeds, the share set aside for validation."""

    # -- what all batches have in common -------------------------------------------------------------------
    def _kept(self, what, make):
        """Return what `make` makes, once for as long as the layers and what `compile` was told stay the same."""
        found = self._plans.get(what)
        return self._plans.setdefault(what, make()) if found is None else found

    def _name_inputs(self):
        """Return the inputs' names, what messages call their arrays, and of a built model a sample's shape of each."""
        names = self._input_names
        whats = [label("x", names, i) for i in range(len(names))]
        return names, whats, [tuple(shape[1:]) for shape in self._input_shapes] if self.built else []

    @property
    def _named_inputs(self):
        return self._kept("inputs", self._name_inputs) if self.built else self._name_inputs()

    @property
    def _named_outputs(self):
        """The names of the outputs, by which dicts of targets have them."""
        return self._kept("outputs", lambda: [name or str(i) for i, name in enumerate(self.output_names)])

    @property
    def _judged(self):
        """The outputs that have a loss; it must be settled what that is."""
        return self._kept("judged", self._judge)

    def _judge(self):
        names, shapes = self.output_names, self._output_shapes
        places = [i for i, one in enumerate(self._losses.of_outputs) if one is not None]
        steps = self.plan.steps_of("test")[1]
        return [
            Judged(i, label("y", names, i), label("sample_weight", names, i), step.op, tuple(shapes[i][1:]))
            for i, step in zip(places, steps, strict=True)
        ]

    def _owner(self, what):
        return f"Model {self.name!r}, {what}"

    def _build_for(self, x):
        """Build a model without an Input for the data that comes first: an array, or a list of them."""
        if not self.built:
            shapes = [(None, *array.shape[1:]) for array in x]
            self.build(shapes[0] if len(shapes) == 1 else shapes)
            self.require_built("its output")

    # -- arrays -------------------------------------------------------------------------------------------
    def _input_readers(self, x, owner):
        """Return a reader for each input, after the model was built for them if it was not."""
        arrays = self._inputs_of(x, owner)
        self._build_for(arrays)
        _, whats, shapes = self._named_inputs
        readers = [
            feeding.Reader(what, array, shape, owner) for what, array, shape in zip(whats, arrays, shapes, strict=True)
        ]
        feeding.check_lengths(owner, whats, readers)
        return readers

    def _inputs_of(self, x, owner):
        """Return the arrays of the inputs, as a list."""
        self._learn_structure(x)
        names, whats, _ = self._named_inputs
        arrays = self._ins.arrays(self._sole(x), names, owner, "x")
        return [feeding.as_numbers(what, array, owner) for what, array in zip(whats, arrays, strict=True)]

    def _targets_of(self, y, owner):
        """Return what is given for each output, None for those without a loss."""
        return self._outs.arrays(self._sole_target(y), self._named_outputs, owner, "y", self._losses.unjudged)

    def _sole_target(self, y):
        """Return the one array of a list of one, which stands for the only output, unless it is one sample."""
        alone = isinstance(y, (list, tuple)) and len(y) == 1 and isinstance(y[0], np.ndarray)
        return y[0] if alone and self._outs.count == 1 and y[0].ndim and len(y[0]) > 1 else y

    def _weights_of(self, sample_weight, owner):
        """Return what weighs the samples for each output, None for nothing: one array weighs them for all."""
        n = self._outs.count
        several = isinstance(sample_weight, (list, tuple)) and any(w is None or np.ndim(w) for w in sample_weight)
        if sample_weight is None or (n > 1 and not several and not isinstance(sample_weight, Mapping)):
            return [sample_weight] * n
        names = self._named_outputs
        missing = [
            i for i, name in enumerate(names) if isinstance(sample_weight, Mapping) and name not in sample_weight
        ]
        given = [i for i, one in enumerate(self._losses.of_outputs) if i not in missing or one is None]
        return self._outs.arrays(self._sole_target(sample_weight), names, owner, "sample_weight", given)

    def _convert(self, x, y=None, sample_weight=None, class_weight=None, what="fit"):
        """Return a batch of all samples of arrays."""
        x, y, weights = self._readers(x, y, sample_weight, class_weight, what)
        return feeding.Batch(np.arange(len(x[0]), dtype=np.intp), x, y, weights)

    def _readers(self, x, y, sample_weight, class_weight, what):
        """Return readers of all inputs, and of the targets of all losses with their weights."""
        owner = self._owner(what)
        readers = self._input_readers(x, owner)
        if what == "predict":
            return readers, (), ()
        if y is None:
            raise ValueError(f"{owner}: y is missing; expected targets for {len(readers[0])} samples.")
        self._assign_outputs()
        if class_weight is not None and self._outs.count > 1:
            raise ValueError(f"{owner}: `class_weight` is only supported for models with a single output.")
        ys, ws = self._targets_of(y, owner), self._weights_of(sample_weight, owner)
        if self._losses.settle(ys, self._output_shapes):
            self._plans = {}
        targets, weights, n = [], [], len(readers[0])
        for one in self._judged:
            values = feeding.as_numbers(one.y, ys[one.place], owner)
            feeding.check_lengths(owner, ("x", one.y), (readers[0], values))
            targets.append(feeding.Targets(one.y, values, one.op, one.shape, owner))
            weight = feeding.sample_weights(ws[one.place], one.op, (n, *one.shape), owner, one.weights)
            weight = feeding.class_weights(weight, class_weight, targets[-1], owner)
            weights.append(None if weight is None else weight.astype(self.dtype))
        if not self._metrics.built:
            self._build_metrics()
        return readers, targets, weights

    def _build_metrics(self):
        """Make the metric objects, which want to know shapes of targets and of predictions."""
        seen = dict.fromkeys(range(self._outs.count))
        for place, _, _, op, shape in self._judged:
            seen[place] = (None, *op.target_shape((1, *shape))[1:]), self._output_shapes[place]
        self._metrics.build(seen)

    def _feed(self, x, y, sample_weight, batch_size, what, class_weight=None, shuffle=False, steps=None):
        """Return a feed for arrays or for an iterable of batches."""
        owner = self._owner(what)
        if isinstance(x, type):
            raise TypeError(f"{owner}: x is the class {x.__name__}; expected an object of it.")
        if _is_iterable_of_batches(x):
            if y is not None or sample_weight is not None:
                raise ValueError(f"{owner}: x gives batches with their own y; expected y=None and sample_weight=None.")
            if batch_size is not None:
                raise ValueError(f"{owner}: batch_size={batch_size} with x that gives batches; leave batch_size out.")

            def convert(item):
                x, y, weights = feeding.parts_of(item, owner)
                if what == "predict":
                    y = weights = None
                return self._convert(x, y, weights, class_weight, what)

            if isinstance(x, PyDataset):
                _check_end(x, steps, owner, what)
                return PyDatasetFeed(x, convert, steps, shuffle)
            if steps is None and not hasattr(x, "__iter__") and not hasattr(x, "__len__"):
                raise ValueError(
                    f"{owner}: the {type(x).__name__} gives batches by number and has no __len__; expected one, a "
                    f"PyDataset, or {_STEPS.get(what, 'steps')}, the number of batches to take."
                )
            return feeding.IterableFeed(x, convert, steps)
        readers = self._readers(x, y, sample_weight, class_weight, what)
        feed = feeding.ArrayFeed(*readers, batch_size or 32, seeds.generator if shuffle else None)
        return feed if steps is None else feeding.LimitedFeed(feed, steps, goes_on=what == "fit")

    def _split(self, x, y, sample_weight, share):
        owner = self._owner("fit")
        if not isinstance(share, numbers.Real) or not 0 < share < 1:
            raise ValueError(f"{owner}: validation_split={share!r} is not between 0 and 1.")
        if _is_iterable_of_batches(x):
            raise ValueError(f"{owner}: validation_split needs arrays; x gives batches. Pass validation_data instead.")
        arrays = {"x": self._inputs_of(x, owner)}
        self._build_for(arrays["x"])
        self._assign_outputs()
        arrays["y"] = [None] if y is None else self._targets_of(y, owner)
        arrays["sample_weight"] = self._weights_of(sample_weight, owner)
        parts = {key: [None if a is None else np.asarray(a) for a in some] for key, some in arrays.items()}
        n = len(parts["x"][0])
        at = int(np.floor(n * (1 - share)))
        if at == 0 or at == n:
            raise ValueError(
                f"{owner}: validation_split={share} of {n} samples leaves no sample for one of the two parts."
            )
        named = {f"{key}[{i}]" if len(some) > 1 else key: a for key, some in parts.items() for i, a in enumerate(some)}
        feeding.check_lengths(owner, named, named.values())
        held = {"x": self._ins, "y": self._outs, "sample_weight": self._outs}
        head, tail = (
            [_rows(some, rows, held[key]) for key, some in parts.items()] for rows in (slice(at), slice(at, None))
        )
        return (*head, tuple(tail))

    def _validation_feed(self, data, batch_size, steps):
        if data is None:
            return None
        if isinstance(data, (tuple, list)) and len(data) in (2, 3) and not _is_iterable_of_batches(data[0]):
            x, y, weights = (*data, None)[:3]
            return self._feed(x, y, weights, batch_size, "fit (validation_data)", steps=steps)
        if not _is_iterable_of_batches(data):
            raise ValueError(
                f"{self._owner('fit')}: validation_data={type(data).__name__} is not (x, y), (x, y, sample_weight) or "
                "an iterable of such batches."
            )
        return self._feed(data, None, None, None, "fit (validation_data)", steps=steps)


def _rows(arrays, rows, structure):
    """Return some rows of arrays, held together as a model takes them; None if there is nothing."""
    if all(a is None for a in arrays):
        return None
    return structure.pack([None if a is None else a[rows] for a in arrays])


_STEPS = {"fit": "steps_per_epoch", "fit (validation_data)": "validation_steps"}


def _check_end(dataset, steps, owner, what):
    """Raise ValueError for a data set without batches, and for one without end if nobody says how many to take."""
    batches = dataset.num_batches
    if batches == 0:
        raise ValueError(f"{owner}: x gave no batch, no sample: the {type(dataset).__name__} has length 0.")
    if batches is None and steps is None:
        raise ValueError(
            f"{owner}: the {type(dataset).__name__} has no end (num_batches is None); expected "
            f"{_STEPS.get(what, 'steps')}, the number of batches to take."
        )


def _is_iterable_of_batches(x):
    if isinstance(x, PyDataset):
        return True
    if isinstance(x, (np.ndarray, list, tuple, Mapping)) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__getitem__")
