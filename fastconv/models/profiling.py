"""model.profile(): from a user's arrays to the plan's measurement."""

import numbers

import numpy as np

from fastconv.models import feeding
from fastconv.plan.profile import measure


def profile(model, x, y, sample_weight, seconds):
    """Return the `Profile` of a model's steps for one batch; see `Model.profile`."""
    owner = f"Model {model.name!r}, profile"
    if not isinstance(seconds, numbers.Real) or isinstance(seconds, bool) or not seconds > 0:
        raise ValueError(f"{owner}: seconds={seconds!r} is not a number above 0.")
    if y is None and sample_weight is not None:
        raise ValueError(f"{owner}: sample_weight is given without y; expected both or neither.")
    batch = _forward_batch(model, x, owner) if y is None else _training_batch(model, x, y, sample_weight)
    if len(batch) == 0:
        raise ValueError(f"{owner}: x holds no sample; expected at least one.")

    def fill(program):
        batch.write(program)
        if y is not None:
            model._losses.set_scales(program)

    mode = "predict" if y is None else "train"
    return measure(model.plan, len(batch), fill, mode, batch.weights_shapes, seconds)


def _training_batch(model, x, y, sample_weight):
    model._require_compiled("profile")
    return model._convert(x, y, sample_weight, what="profile")


def _forward_batch(model, x, owner):
    readers = model._input_readers(x, owner)
    return feeding.Batch(np.arange(len(readers[0]), dtype=np.intp), readers)
