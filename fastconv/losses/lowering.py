"""Which op computes a loss and its gradient in training."""

from fastconv.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from fastconv.losses.regression import MeanAbsoluteError, MeanSquaredError
from fastconv.ops import loss as ops

LOWERING = {
    SparseCategoricalCrossentropy: lambda o: ops.CrossEntropy(True, o.from_logits, 0.0, o.ignore_class),
    CategoricalCrossentropy: lambda o: ops.CrossEntropy(False, o.from_logits, o.label_smoothing),
    BinaryCrossentropy: lambda o: ops.BinaryCrossEntropy(o.from_logits, o.label_smoothing),
    MeanSquaredError: lambda o: ops.SquaredError(),
    MeanAbsoluteError: lambda o: ops.AbsoluteError(),
}
REDUCTIONS = ("sum_over_batch_size", "mean", "sum")


def is_trainable(loss):
    """Tell whether there is an op for a loss object and its reduction."""
    return type(loss) in LOWERING and loss.reduction in REDUCTIONS


def check(loss):
    """Raise NotImplementedError unless there is an op for a loss object and its reduction."""
    if type(loss) not in LOWERING:
        known = ", ".join(cls.__name__ for cls in LOWERING)
        raise NotImplementedError(
            f"compile: loss {loss.name!r} ({type(loss).__name__}) cannot be trained with yet; expected one of {known}."
        )
    if loss.reduction not in REDUCTIONS:
        raise NotImplementedError(
            f"compile: loss {loss.name!r} has reduction={loss.reduction!r}; training supports {', '.join(REDUCTIONS)}."
        )


def lower(loss, rank):
    """Return the op of a loss object over predictions with `rank` axes.

    Raises
    ------
    NotImplementedError
        If the loss, its reduction or its axis has no op yet.
    """
    check(loss)
    if getattr(loss, "axis", -1) not in (-1, rank - 1):
        raise NotImplementedError(
            f"compile: loss {loss.name!r} has axis={loss.axis}; training supports the last axis, -1."
        )
    return LOWERING[type(loss)](loss)
