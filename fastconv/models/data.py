"""From what a user passes to ``fit``, ``evaluate`` and ``predict`` to feeds of batches that fit the model."""

import numbers
from collections.abc import Mapping

import numpy as np

from fastconv import losses
from fastconv.models import feeding
from fastconv.models.compiling import Compiled
from fastconv.models.py_dataset import PyDataset, PyDatasetFeed
from fastconv.runtime import seeds


class Fed(Compiled):
    """What makes batches for a model: readers of arrays, feeds, the share set aside for validation."""

    def _owner(self, what):
        return f"Model {self.name!r}, {what}"

    def _build_for(self, x):
        """Build a model without an Input for the data that comes first."""
        if not self.built:
            self.build((None, *x.shape[1:]))
            self.require_built("its output")

    def _convert(self, x, y=None, sample_weight=None, class_weight=None, what="fit"):
        """Return a batch of all samples of arrays."""
        x_reader, y_reader, weights = self._readers(x, y, sample_weight, class_weight, what)
        return feeding.Batch(np.arange(len(x_reader), dtype=np.intp), x_reader, y_reader, weights)

    def _readers(self, x, y, sample_weight, class_weight, what):
        owner = self._owner(what)
        x = feeding.as_numbers("x", x, owner)
        self._build_for(x)
        x_reader = feeding.Reader("x", x, self.input_shape[1:], owner)
        if y is None:
            if what != "predict":
                raise ValueError(f"{owner}: y is missing; expected targets for {len(x)} samples.")
            return x_reader, None, None
        if isinstance(self._loss_object, str):
            self._loss_object = losses.resolve(self._loss_object, np.shape(y), self.output_shape)
            self._plans = {}
        op = self.plan.steps_of("test")[1].op
        feeding.check_lengths(owner, x=x, y=feeding.as_numbers("y", y, owner))
        y_reader = feeding.Targets(y, op, self.output_shape[1:], owner)
        self._metrics.build((None, *op.target_shape((1, *self.output_shape[1:]))[1:]), self.output_shape)
        weights = feeding.sample_weights(sample_weight, op, (len(x), *self.output_shape[1:]), owner)
        weights = feeding.class_weights(weights, class_weight, y_reader, owner)
        return x_reader, y_reader, None if weights is None else weights.astype(self.dtype)

    def _feed(self, x, y, sample_weight, batch_size, what, class_weight=None, shuffle=False, steps=None):
        """Return a feed for arrays or for an iterable of batches."""
        owner = self._owner(what)
        if _is_iterable_of_batches(x):
            if y is not None or sample_weight is not None:
                raise ValueError(f"{owner}: x gives batches with their own y; expected y=None and sample_weight=None.")
            if batch_size is not None:
                raise ValueError(f"{owner}: batch_size={batch_size} with x that gives batches; leave batch_size out.")

            def convert(x, y=None, weights=None):
                if what == "predict":
                    y = weights = None
                return self._convert(x, y, weights, class_weight, what)

            if isinstance(x, PyDataset):
                _check_end(x, steps, owner, what)
                return PyDatasetFeed(x, convert, steps, shuffle)
            return feeding.IterableFeed(x, convert, steps)
        x_reader, y_reader, weights = self._readers(x, y, sample_weight, class_weight, what)
        feed = feeding.ArrayFeed(x_reader, y_reader, weights, batch_size or 32, seeds.generator if shuffle else None)
        return feed if steps is None else feeding.LimitedFeed(feed, steps, goes_on=what == "fit")

    def _split(self, x, y, sample_weight, share):
        owner = self._owner("fit")
        if not isinstance(share, numbers.Real) or not 0 < share < 1:
            raise ValueError(f"{owner}: validation_split={share!r} is not between 0 and 1.")
        if _is_iterable_of_batches(x):
            raise ValueError(f"{owner}: validation_split needs arrays; x gives batches. Pass validation_data instead.")
        n = len(x)
        at = int(np.floor(n * (1 - share)))
        if at == 0 or at == n:
            raise ValueError(
                f"{owner}: validation_split={share} of {n} samples leaves no sample for one of the two parts."
            )
        parts = [None if a is None else np.asarray(a) for a in (x, y, sample_weight)]
        feeding.check_lengths(owner, x=parts[0], y=parts[1], sample_weight=parts[2])
        head = [None if a is None else a[:at] for a in parts]
        tail = tuple(a[at:] for a in parts if a is not None)
        return (*head, tail)

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
