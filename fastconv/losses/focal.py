"""Cross-entropies that care less about what is easy (focal) or hopeless (generalized)."""

import numpy as np

from fastconv.losses.labels import answers, check_range, check_smoothing, distributions, sparse_labels
from fastconv.losses.reduction import as_floats
from fastconv.losses.shapes import check_number
from fastconv.losses.wrapper import NamedLoss, mean_backward, way_back_of
from fastconv.ops.reference import cell_loss, row_loss
from fastconv.runtime import settings


def class_balance(apply_class_balancing, alpha):
    """Return scale and shift that make a cell's weight of its label: alpha for 1, 1 - alpha for 0.

    Parameters
    ----------
    apply_class_balancing : bool
        Whether there are weights at all.
    alpha : float
        The weight of the label 1.

    Returns
    -------
    tuple of float
        Scale and shift.

    Examples
    --------
    >>> class_balance(True, 0.25), class_balance(False, 0.25)
    ((-0.5, 0.75), (0.0, 1.0))
    """
    return (2 * alpha - 1, 1 - alpha) if apply_class_balancing else (0.0, 1.0)


def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """Return the cross-entropy of yes-or-no labels times ``(1 - p)**gamma``, p the probability of what is true.

    Parameters
    ----------
    y_true : array_like
        Labels between 0 and 1.
    y_pred : array_like
        Probabilities or logits of 1.
    apply_class_balancing : bool
        Whether labels of 1 weigh `alpha`, those of 0 ``1 - alpha``.
    alpha : float
        See there.
    gamma : float
        How little an easy sample counts.
    from_logits : bool
        Whether `y_pred` are logits.
    label_smoothing : float
        How far labels are moved towards 1/2.
    axis : int
        The axis over which the mean is taken.

    Returns
    -------
    ndarray
        One value per sample.

    Raises
    ------
    ValueError
        If the shapes differ, labels are not between 0 and 1, or `label_smoothing` is out of range.

    Examples
    --------
    >>> binary_focal_crossentropy([[1], [0]], [[0.5], [0.1]]).round(4)
    array([0.1733, 0.0011], dtype=float32)
    """
    y_true, y_pred, axis = answers("binary_focal_crossentropy", y_true, y_pred, label_smoothing, axis)
    balance = class_balance(apply_class_balancing, alpha)
    cells = cell_loss.binary_focal_cross_entropy(y_pred, y_true, gamma, balance, from_logits, settings.epsilon())
    return np.mean(cells, axis=axis)


@way_back_of(binary_focal_crossentropy)
def _binary_backward(
    dvalues,
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    y_true, y_pred, axis = answers("binary_focal_crossentropy", y_true, y_pred, label_smoothing, axis)
    balance = class_balance(apply_class_balancing, alpha)
    arguments = (y_pred, y_true, gamma, balance, from_logits, settings.epsilon())
    return mean_backward(dvalues, cell_loss.binary_focal_cross_entropy_backward(*arguments), axis)


def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """Return the cross-entropy between distributions, each term times ``alpha * (1 - p)**gamma``.

    Parameters
    ----------
    y_true : array_like
        One-hot or soft labels in the shape of `y_pred`.
    y_pred : array_like
        Probabilities or logits.
    alpha : float or sequence of float
        The weight of the classes, or of each class where they are the last axis.
    gamma : float
        How little an easy sample counts.
    from_logits : bool
        Whether `y_pred` are logits.
    label_smoothing : float
        How much of each label is spread evenly over the classes.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        One value per distribution.

    Raises
    ------
    ValueError
        If the shapes differ or `label_smoothing` is out of range.

    Examples
    --------
    >>> categorical_focal_crossentropy([[0, 1]], [[0.5, 0.5]]).round(4)
    array([0.0433], dtype=float32)
    """
    y_true, y_pred, axis = distributions("categorical_focal_crossentropy", y_true, y_pred, label_smoothing, axis)
    alpha = np.asarray(alpha, y_pred.dtype)
    return row_loss.focal_cross_entropy(y_pred, y_true, alpha, gamma, axis, from_logits, settings.epsilon())


@way_back_of(categorical_focal_crossentropy)
def _categorical_backward(
    dvalues, y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    y_true, y_pred, axis = distributions("categorical_focal_crossentropy", y_true, y_pred, label_smoothing, axis)
    arguments = (np.asarray(alpha, y_pred.dtype), gamma, axis, from_logits, settings.epsilon())
    return row_loss.focal_cross_entropy_backward(dvalues, y_pred, y_true, *arguments)


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """Return ``(1 - p**q) / q``, p the probability given to the true class: robust against wrong labels.

    Parameters
    ----------
    y_true : array_like of int
        Class indices, in the shape of `y_pred` without the last axis.
    y_pred : array_like
        Probabilities; the classes are the last axis.
    q : float
        Between 0 (cross-entropy) and 1 (mean absolute error).

    Returns
    -------
    ndarray
        One value per label.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a label is no class.

    Examples
    --------
    >>> categorical_generalized_cross_entropy([0], [[0.25, 0.75]], q=0.5)
    array([1.], dtype=float32)
    """
    y_pred, labels = _classes(y_true, y_pred)
    return row_loss.generalized_cross_entropy(y_pred, labels, q)


@way_back_of(categorical_generalized_cross_entropy)
def _generalized_backward(dvalues, y_true, y_pred, q):
    y_pred, labels = _classes(y_true, y_pred)
    return row_loss.generalized_cross_entropy_backward(dvalues, y_pred, labels, q)


def _classes(y_true, y_pred):
    """Return predictions and their labels, checked."""
    name = "categorical_generalized_cross_entropy"
    y_pred = as_floats(y_pred)
    labels = sparse_labels(name, y_true, y_pred)
    check_range(name, labels, y_pred.shape[-1], -1)
    return y_pred, labels


class BinaryFocalCrossentropy(NamedLoss):
    """Cross-entropy with yes-or-no labels that counts easy samples little.

    Parameters
    ----------
    apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis
        See `binary_focal_crossentropy`.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(BinaryFocalCrossentropy()([[1], [1]], [[0.5], [0.5]]).round(4))
    0.1733
    """

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        check_number("BinaryFocalCrossentropy", "alpha", alpha)
        check_number("BinaryFocalCrossentropy", "gamma", gamma, least=0)
        check_smoothing("BinaryFocalCrossentropy", label_smoothing)
        settings = {
            "apply_class_balancing": apply_class_balancing,
            "alpha": alpha,
            "gamma": gamma,
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, **settings)


class CategoricalFocalCrossentropy(NamedLoss):
    """Cross-entropy with one-hot or soft labels that counts easy samples little.

    Parameters
    ----------
    alpha, gamma, from_logits, label_smoothing, axis
        See `categorical_focal_crossentropy`.
    reduction, name, dtype
        See `Loss`.

    Examples
    --------
    >>> print(CategoricalFocalCrossentropy()([[0, 1]], [[0.5, 0.5]]).round(4))
    0.0433
    """

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        for number in np.ravel(alpha).tolist():
            check_number("CategoricalFocalCrossentropy", "alpha", number)
        check_number("CategoricalFocalCrossentropy", "gamma", gamma, least=0)
        check_smoothing("CategoricalFocalCrossentropy", label_smoothing)
        settings = {
            "alpha": alpha,
            "gamma": gamma,
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, **settings)


class CategoricalGeneralizedCrossEntropy(NamedLoss):
    """A cross-entropy that forgives labels which are wrong.

    Parameters
    ----------
    q : float
        Between 0 (cross-entropy) and 1 (mean absolute error), both left out.
    reduction, name, dtype
        See `Loss`.

    Raises
    ------
    ValueError
        If q is not between 0 and 1.

    Examples
    --------
    >>> print(CategoricalGeneralizedCrossEntropy()([0], [[0.25, 0.75]]))
    1.0
    """

    takes_labels = True

    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        check_number("CategoricalGeneralizedCrossEntropy", "q", q)
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: q={q!r} is not between 0 and 1.")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
