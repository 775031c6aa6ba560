"""From what a user passes to ``fit`` to what a program reads: checks, conversion, batches.

A feed yields batches; a batch knows its number of samples and writes itself into a program's arrays, so that a data set
is never copied as a whole.
"""

import numbers
from collections.abc import Mapping
from itertools import islice

import numpy as np

from fastconv import kernels
from fastconv.ops.functions import numeric
from fastconv.runtime import caller, threads

GATHERED = tuple(np.dtype(t) for t in ("u1", "i1", "u2", "i2", "u4", "i4", "i8", "f4", "f8"))


class Reader:
    """An array of samples that can be written, row by row, into buffers of a model's type.

    Parameters
    ----------
    what : str
        Its name in messages: "x", "y".
    values : array_like
        Batch first.
    shape : tuple of int
        The shape of one sample as the model wants it; an axis of size 1 at the end may be missing or too much.
    owner : str
        Who complains: "model 'sequential'".
    """

    def __init__(self, what, values, shape, owner):
        values = as_numbers(what, values, owner)
        if values.shape[1:] != tuple(shape):
            values = _fit_last_axis(what, values, tuple(shape), owner)
        rows = values.reshape(len(values), -1) if values.size else values.reshape(len(values), int(np.prod(shape)))
        native = rows.dtype.newbyteorder("=") in GATHERED and rows.dtype.isnative
        self.direct = native and rows.flags.c_contiguous and rows.flags.aligned
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def write(self, index, out):
        """Write the samples of `index` (an array of integers) to the rows of `out`."""
        flat = out.reshape(len(index), -1) if out.size else out.reshape(len(index), self.rows.shape[1])
        if self.direct and out.dtype in (np.float32, np.float64):
            kernels.for_dtype(out.dtype).gather_rows(self.rows, index, flat, threads.get_num_threads())
        else:
            flat[...] = self.rows[index]


def as_numbers(what, values, owner):
    """Return an array of numbers that may be read from; booleans become bytes."""
    values = numeric(owner, what, values)
    if values.ndim == 0:
        raise ValueError(f"{owner}: {what} is a single number; expected an array with a batch axis.")
    return values.view(np.uint8) if values.dtype == bool else values


def _fit_last_axis(what, values, shape, owner):
    """Add or drop a last axis of size 1, as Keras does."""
    if (*values.shape[1:], 1) == shape:
        return values[..., None]
    if values.ndim > 1 and values.shape[-1] == 1 and values.shape[1:-1] == shape:
        return values[..., 0]
    raise ValueError(
        f"{owner}: {what} has shape {values.shape}, that is {values.shape[1:]} a sample; expected {shape} a sample."
    )


class Targets(Reader):
    """The labels or target values of samples."""

    def __init__(self, what, values, loss_op, y_shape, owner):
        shape = loss_op.target_shape((1, *y_shape))[1:]
        if loss_op.takes_labels:
            values = _labels(what, values, loss_op.classes((1, *y_shape)), loss_op.ignored, shape, owner)
        super().__init__(what, values, shape, owner)
        self.sample_shape, self.takes_labels = tuple(shape), loss_op.takes_labels


def _labels(what, values, classes, ignored, shape, owner):
    """Return class numbers as int32, checked."""
    values = as_numbers(what, values, owner)
    if classes is not None and values.shape[1:] == (*shape, classes) and classes > 1:
        raise ValueError(
            f"{owner}: {what} has shape {values.shape}, which looks one-hot; a sparse loss expects class numbers "
            f"of shape {('n', *shape)}. Use categorical_crossentropy for one-hot targets."
        )
    if values.dtype.kind == "f" and not np.array_equal(values, np.floor(values)):
        raise ValueError(
            f"{owner}: {what} holds fractions such as {values[values != np.floor(values)][0]}; expected class numbers."
        )
    if classes is not None:
        _check_range(what, values, classes, ignored, owner)
    return values.astype(np.intc, copy=False)


def _check_range(what, values, classes, ignored, owner):
    """Raise ValueError unless all labels are class numbers or the ignored one."""
    wrong = (values < 0) | (values >= classes)
    if ignored is not None:
        wrong &= values != ignored
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{owner}: {what} holds the label {values[at]} at index {at if len(at) > 1 else at[0]}; expected "
            f"class numbers from 0 to {classes - 1}, since the model has {classes} outputs."
        )


class Batch:
    """Some samples of readers: one for each input, and one of targets with its weights, or None, for each loss."""

    __slots__ = ("index", "weights", "x", "y")

    def __init__(self, index, x, y=(), weights=()):
        self.index, self.x, self.y, self.weights = index, x, y, weights

    def __len__(self):
        return len(self.index)

    @property
    def weights_shapes(self):
        """For each loss the shape of one sample's weights, None if there are none."""
        return tuple([None if weights is None else weights.shape[1:] for weights in self.weights])

    def write(self, program):
        """Write the samples into a program's arrays."""
        self.write_inputs(program)
        for y, weights, site in zip(self.y, self.weights, program.losses, strict=True):
            y.write(self.index, site.targets)
            if weights is not None:
                np.take(weights, self.index, axis=0, out=site.weights)

    def write_inputs(self, program):
        """Write the inputs alone."""
        for x, out in zip(self.x, program.inputs, strict=True):
            x.write(self.index, out)


class Feed:
    """Gives batches, pass after pass; ``steps`` says how many a pass has, None if nobody knows.

    Whoever takes batches calls `close` at last, however the taking ended: then no thread and no file of a pass is left.
    """

    steps = None
    taken = 0  # how many batches were given that the next pass goes on behind; 0: it begins anew
    _pass = iter(())

    def __iter__(self):
        self._pass = self.batches_of_a_pass()
        return self._pass

    def batches_of_a_pass(self):
        """Give the batches of a pass: a generator."""
        raise NotImplementedError

    def skip(self, batches):
        """Begin anew, and have the next pass go on behind so many batches, as `taken` told."""

    def close(self):
        """End the pass that is going on."""
        getattr(self._pass, "close", bool)()


class ArrayFeed(Feed):
    """Batches of arrays, in order or shuffled anew at each pass, by index.

    Parameters
    ----------
    x, y : list of Reader
        Of the inputs, and of the losses' targets.
    weights : list of (ndarray or None)
        Of each loss.
    batch_size : int
    draw : callable, optional
        Returns the generator that shuffles; None: in order.
    """

    def __init__(self, x, y, weights, batch_size, draw=None):
        self.x, self.y, self.weights, self.batch_size, self.draw = x, y, weights, batch_size, draw
        self.count = len(x[0])
        self.order = np.arange(self.count, dtype=np.intp)
        self.steps = -(-self.count // batch_size)

    def batches_of_a_pass(self):
        """Give the batches of a pass."""
        if self.draw is not None:  # the order hangs on the generator alone, so that a pass can be repeated
            self.order = np.arange(self.count, dtype=np.intp)
            self.draw().shuffle(self.order)
        for start in range(0, len(self.order), self.batch_size):
            yield Batch(self.order[start : start + self.batch_size], self.x, self.y, self.weights)


class LimitedFeed(Feed):
    """The first batches of a feed at each pass; with `goes_on`, a pass begins where the one before it stopped.

    No pass goes beyond the feed's end; the pass after one that came there begins anew.
    """

    def __init__(self, feed, steps, goes_on):
        self.feed, self.steps, self.goes_on = feed, steps, goes_on
        self.rest, self.left = iter(()), 0

    @property
    def taken(self):
        """How many batches were given that the next pass goes on behind."""
        return self.feed.steps - self.left if self.goes_on and self.left else 0

    def skip(self, batches):
        """Begin anew, and have the next pass go on behind so many batches."""
        self.rest, self.left = iter(self.feed), self.feed.steps
        for _ in islice(self.rest, batches):
            self.left -= 1

    def batches_of_a_pass(self):
        """Give the batches of a pass."""
        if not self.goes_on or self.left == 0:
            self.skip(0)
        wanted = min(self.steps, self.left)
        for batch in islice(self.rest, wanted):
            self.left -= 1
            yield batch
        if wanted < self.steps:
            warn_of_the_end()


class IterableFeed(Feed):
    """Batches that an iterable (a generator, a data loader) gives: x, (x, y) or (x, y, weights).

    An iterator goes on where the last pass stopped; anything else is begun anew.

    Parameters
    ----------
    source : iterable
    convert : callable
        Makes a `Batch` of x, y and weights.
    steps : int or None
        Batches of a pass; None: until the source ends.
    """

    def __init__(self, source, convert, steps=None):
        self.source, self.convert, self.limit = source, convert, steps
        try:
            self.steps = steps if steps is not None else len(source)
        except TypeError:
            self.steps = None
        self.iterator = source if hasattr(source, "__next__") else None

    def _begin(self):
        if hasattr(self.source, "__iter__") or self.steps is None:
            return iter(self.source)
        return (self.source[i] for i in range(self.steps))

    def batches_of_a_pass(self):
        """Give the batches of a pass."""
        iterator = self.iterator if self.iterator is not None else self._begin()
        done = 0
        while self.limit is None or done < self.limit:
            try:
                item = next(iterator)
            except StopIteration:
                if self.limit is not None:
                    warn_of_the_end()
                return
            done += 1
            yield self.convert(item)


def parts_of(item, owner):
    """Return the parts of a batch: x, y and weights, None for those that it has not."""
    parts = item if isinstance(item, (tuple, list)) else (item,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(f"{owner}: a batch has {len(parts)} parts; expected x, (x, y) or (x, y, sample_weight).")
    return [*map(_plain, parts), None, None][:3]


def _plain(part):
    """Return a part of a batch with arrays in the place of tensors of other libraries."""
    if isinstance(part, Mapping):
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)) and any(hasattr(value, "numpy") for value in part):
        return [_plain(value) for value in part]
    return part.numpy() if hasattr(part, "numpy") else part


def warn_of_the_end():
    """Warn that there were fewer batches than asked for."""
    caller.warn(
        "Your input ran out of data; interrupting training. Make sure that your dataset or generator can generate at "
        "least `steps_per_epoch * epochs` batches."
    )


def sample_weights(weights, loss_op, y_shape, owner, what="sample_weight"):
    """Return weights as floats: one a sample, or for some of the axes of the loss values that follow.

    Parameters
    ----------
    weights : array_like or None
    loss_op : LossOp
    y_shape : tuple of int
        The shape of all predictions.
    owner, what : str
        Who complains, and about what.
    """
    if weights is None:
        return None
    weights = as_numbers(what, weights, owner)
    n, shape = y_shape[0], loss_op.values_shape(y_shape)
    if len(weights) != n:
        raise ValueError(f"{owner}: {what} has {len(weights)} values for {n} samples.")
    given = weights.shape
    while weights.ndim > 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if shape is not None:
        shape = shape[: weights.ndim]
        if len(shape) < weights.ndim or any(w not in (1, s) for w, s in zip(weights.shape, shape, strict=True)):
            raise ValueError(
                f"{owner}: {what} has shape {given}; expected one weight a sample, shape ({n},), or axes that "
                f"are the first axes of the loss values, {loss_op.values_shape(y_shape)}."
            )
        weights = np.broadcast_to(weights, shape)
    return np.ascontiguousarray(weights, float)


def check_class_weight(class_weight, owner):
    """Raise ValueError unless `class_weight` is None or a dict of class numbers and their weights."""
    if class_weight is None:
        return
    if not isinstance(class_weight, Mapping):
        raise ValueError(f"{owner}: class_weight={class_weight!r} is not a dict of class numbers and their weights.")
    for label, weight in class_weight.items():
        whole = isinstance(label, numbers.Real) and label >= 0 and label % 1 == 0
        if not whole or not isinstance(weight, numbers.Real):
            raise ValueError(
                f"{owner}: class_weight has the entry {label!r}: {weight!r}; expected class numbers from 0, each with "
                "a number as its weight."
            )


def class_weights(weights, class_weight, targets, owner):
    """Return sample weights multiplied by their classes' weights; a class that is not listed weighs 1.

    The class of a sample is its label or, where it has several values, the place of the largest.
    """
    if class_weight is None:
        return weights
    labels = targets.rows
    if labels.shape[1] != 1 and (targets.takes_labels or len(targets.sample_shape) > 1):
        raise ValueError(
            f"{owner}: class_weight needs one label a sample; y has {labels.shape[1]} values a sample, of shape "
            f"{targets.sample_shape}. Weigh each of them by sample_weight instead."
        )
    labels = np.rint(labels[:, 0]) if labels.shape[1] == 1 else labels.argmax(1)
    seen, places = np.unique(labels, return_inverse=True)
    factor = np.array([class_weight.get(label, 1) for label in seen.tolist()], float)[places]
    return factor if weights is None else weights * factor.reshape(-1, *(1,) * (weights.ndim - 1))


def check_lengths(owner, names, arrays):
    """Raise unless all arrays that are there have the same number of samples."""
    lengths = [None if a is None else len(a) for a in arrays]
    if len(set(lengths) - {None}) > 1:
        sizes = ", ".join(f"{name}: {n}" for name, n in zip(names, lengths, strict=True) if n is not None)
        raise ValueError(
            f"{owner}: Data cardinality is ambiguous. All arrays must have the same number of samples; got {sizes}."
        )
