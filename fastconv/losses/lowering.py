"""Which op computes a loss and its gradient in training: a kernel where there is one, else NumPy."""

from fastconv import losses
from fastconv.losses.focal import class_balance
from fastconv.losses.reduction import divisor_of
from fastconv.ops import loss as ops


def _focal(o):
    numbers = (o.gamma, *class_balance(o.apply_class_balancing, o.alpha), float(o.from_logits))
    return ops.ElementwiseLoss("binary_focal_cross_entropy", *numbers, target=ops.smoothed(o.label_smoothing))


# Losses whose kernels work along the last axis.
KERNELS = {
    losses.SparseCategoricalCrossentropy: lambda o: ops.CrossEntropy(True, o.from_logits, 0.0, o.ignore_class),
    losses.CategoricalCrossentropy: lambda o: ops.CrossEntropy(False, o.from_logits, o.label_smoothing),
    losses.BinaryCrossentropy: lambda o: ops.BinaryCrossEntropy(o.from_logits, o.label_smoothing),
    losses.BinaryFocalCrossentropy: _focal,
    losses.MeanSquaredError: lambda o: ops.SquaredError(),
    losses.MeanAbsoluteError: lambda o: ops.AbsoluteError(),
    losses.MeanAbsolutePercentageError: lambda o: ops.ElementwiseLoss("absolute_percentage_error"),
    losses.MeanSquaredLogarithmicError: lambda o: ops.ElementwiseLoss("squared_logarithmic_error"),
    losses.Huber: lambda o: ops.ElementwiseLoss("huber", o.delta),
    losses.LogCosh: lambda o: ops.ElementwiseLoss("log_cosh"),
    losses.Poisson: lambda o: ops.ElementwiseLoss("poisson"),
    losses.KLDivergence: lambda o: ops.ElementwiseLoss("relative_entropy", mean=False),
    losses.Hinge: lambda o: ops.ElementwiseLoss("hinge", signs=True),
    losses.SquaredHinge: lambda o: ops.ElementwiseLoss("squared_hinge", signs=True),
}


def is_trainable(loss):
    """Tell whether there is an op for a loss object."""
    return isinstance(loss, losses.Loss) and loss.has_gradient


def check(loss):
    """Raise NotImplementedError unless there is an op for a loss object."""
    if not loss.has_gradient:
        known = ", ".join(cls.__name__ for cls in KERNELS)
        raise NotImplementedError(
            f"compile: loss {loss.name!r} ({type(loss).__name__}) cannot be trained with: it does not define "
            f"call(y_true, y_pred). Write it, or use one of those that are there, such as {known}."
        )


def lower(loss, rank):
    """Return the op of a loss object over predictions with `rank` axes.

    Raises
    ------
    NotImplementedError
        If the loss has no gradient.
    """
    check(loss)
    axis = getattr(loss, "axis", -1)
    if type(loss) in KERNELS and axis in (-1, rank - 1):
        return KERNELS[type(loss)](loss)
    labels = {
        "axis": axis if loss.takes_labels else -1,
        "ignored": getattr(loss, "ignore_class", None),
        "any_label": getattr(loss, "any_label", False),
    }
    return ops.ArrayLoss(loss.value_and_gradient, loss.takes_labels, **labels)


def scale(loss, site):
    """Return the number that makes the weighted sum of loss values the reduced loss.

    Parameters
    ----------
    loss : Loss
    site : Site
        Of the op that `lower` made of it, with targets and weights in place.
    """
    if site.op.reduces or loss.reduction == "none":
        return 1.0
    weights = site.weights if site.weighted else None
    valid = None if site.op.ignored is None else site.targets != site.op.ignored
    if valid is not None and weights is not None and loss.reduction == "mean_with_sample_weight":
        weights = valid * weights.reshape(weights.shape + (1,) * (valid.ndim - weights.ndim))
    divisor = divisor_of(loss.reduction, weights, valid, site.losses.size)
    return 1.0 / divisor if divisor else 0.0


def mean_loss(loss, site):
    """Return the loss of the batch that was run at a site, as it is reported.

    With ``reduction="none"`` the gradient is that of the sum of the loss values, and their mean is reported.
    """
    total = float(site.total[0])
    return total if loss.reduction != "none" or site.op.reduces else total / max(site.losses.size, 1)
