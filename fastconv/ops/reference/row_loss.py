"""Losses in which the cells along some axes play together.

``<what>_backward`` takes what the loss took, after the gradient of the loss with respect to its values.
"""

import numpy as np

from fastconv.ops.reference.activation import sigmoid, softplus
from fastconv.ops.reference.softmax import log_softmax, softmax, softmax_backward


def cross_entropy(predictions, targets, axis=-1, from_logits=False, epsilon=1e-7):
    """Return ``-sum(targets * log(p))`` over an axis, for probabilities divided by their sum and clipped, or logits.

    Examples
    --------
    >>> cross_entropy(np.array([[0.2, 0.3, 0.1]]), np.array([[0.0, 1.0, 0.0]])).round(4).tolist()
    [0.6931]
    """
    if from_logits:
        return -(targets * log_softmax(predictions, axis)).sum(axis=axis)
    p = np.clip(predictions / predictions.sum(axis=axis, keepdims=True), epsilon, 1 - epsilon)
    return -(targets * np.log(p)).sum(axis=axis)


def cross_entropy_backward(dvalues, predictions, targets, axis=-1, from_logits=False, epsilon=1e-7):
    """Return the gradient of `cross_entropy` with respect to the predictions.

    Examples
    --------
    >>> p, t = np.array([[0.25, 0.75]]), np.array([[0.0, 1.0]])
    >>> cross_entropy_backward(np.ones(1), p, t).round(4).tolist()
    [[1.0, -0.3333]]
    """
    dvalues = np.expand_dims(dvalues, axis)
    if from_logits:
        return dvalues * (softmax(predictions, axis) * targets.sum(axis=axis, keepdims=True) - targets)
    total = predictions.sum(axis=axis, keepdims=True)
    q = predictions / total
    inside = (q > epsilon) & (q < 1 - epsilon)
    return _through_total(dvalues * np.where(inside, -targets / np.where(inside, q, 1), 0), q, total, axis)


def _through_total(dq, q, total, axis):
    """Return the gradient of what was divided by its sum to give q."""
    return (dq - (dq * q).sum(axis=axis, keepdims=True)) / total


def focal_cross_entropy(predictions, targets, alpha=0.25, gamma=2.0, axis=-1, from_logits=False, epsilon=1e-7):
    """Return the cross-entropy whose terms are multiplied by ``alpha * (1 - p)**gamma``.

    Examples
    --------
    >>> focal_cross_entropy(np.array([[0.5, 0.5]]), np.array([[0.0, 1.0]])).round(4).tolist()
    [0.0433]
    """
    p = softmax(predictions, axis) if from_logits else predictions
    p = np.clip(p / p.sum(axis=axis, keepdims=True), epsilon, 1 - epsilon)
    return (-targets * np.log(p) * (alpha * (1 - p) ** gamma)).sum(axis=axis)


def focal_cross_entropy_backward(
    dvalues, predictions, targets, alpha=0.25, gamma=2.0, axis=-1, from_logits=False, epsilon=1e-7
):
    """Return the gradient of `focal_cross_entropy` with respect to the predictions.

    Examples
    --------
    >>> p, t = np.array([[0.5, 0.5]]), np.array([[0.0, 1.0]])
    >>> focal_cross_entropy_backward(np.ones(1), p, t).round(4).tolist()
    [[0.1491, -0.1491]]
    """
    p = softmax(predictions, axis) if from_logits else predictions
    total = p.sum(axis=axis, keepdims=True)
    q = p / total
    c = np.clip(q, epsilon, 1 - epsilon)
    slope = alpha * targets * (gamma * (1 - c) ** (gamma - 1) * np.log(c) - (1 - c) ** gamma / c)
    dq = np.expand_dims(dvalues, axis) * np.where(c == q, slope, 0)
    dp = _through_total(dq, q, total, axis)
    return softmax_backward(p, dp, axis) if from_logits else dp


def generalized_cross_entropy(predictions, labels, q=0.5):
    """Return ``(1 - p**q) / q`` for the probability p at each label, over the last axis.

    Examples
    --------
    >>> generalized_cross_entropy(np.array([[0.25, 0.75]]), np.array([0])).tolist()
    [1.0]
    """
    p = np.take_along_axis(predictions, labels[..., None], axis=-1)[..., 0]
    return (1 - p**q) / q


def generalized_cross_entropy_backward(dvalues, predictions, labels, q=0.5):
    """Return the gradient of `generalized_cross_entropy` with respect to the predictions.

    Examples
    --------
    >>> generalized_cross_entropy_backward(np.ones(1), np.array([[0.25, 0.75]]), np.array([0])).tolist()
    [[-2.0, 0.0]]
    """
    p = np.take_along_axis(predictions, labels[..., None], axis=-1)
    dpredictions = np.zeros_like(predictions)
    np.put_along_axis(dpredictions, labels[..., None], -dvalues[..., None] * p ** (q - 1), axis=-1)
    return dpredictions


def cosine_similarity(predictions, targets, axis=-1, epsilon=1e-7):
    """Return the cosine of the angle between vectors along an axis; shorter ones than epsilon count as shorter still.

    Examples
    --------
    >>> cosine_similarity(np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]])).tolist()
    [0.8]
    """
    return (predictions * _inverse(predictions, axis, epsilon) * targets * _inverse(targets, axis, epsilon)).sum(axis)


def cosine_similarity_backward(dvalues, predictions, targets, axis=-1, epsilon=1e-7):
    """Return the gradient of `cosine_similarity` with respect to the predictions.

    Examples
    --------
    >>> p, t = np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]])
    >>> cosine_similarity_backward(np.ones(1), p, t).round(3).tolist()
    [[-0.096, 0.072]]
    """
    inverse = _inverse(predictions, axis, epsilon)
    unit, toward = predictions * inverse, targets * _inverse(targets, axis, epsilon)
    along = np.where(inverse < 1 / epsilon, unit * (unit * toward).sum(axis=axis, keepdims=True), 0)
    return np.expand_dims(dvalues, axis) * (toward - along) * inverse


def _inverse(x, axis, epsilon):
    """Return 1 / length along an axis, at most 1 / epsilon."""
    with np.errstate(divide="ignore"):
        return np.minimum(1 / np.sqrt((x * x).sum(axis=axis, keepdims=True)), x.dtype.type(1 / epsilon))


def categorical_hinge(predictions, targets):
    """Return by how much the best wrong class comes within 1 of the right one, over the last axis.

    Examples
    --------
    >>> categorical_hinge(np.array([[0.5, 0.75]]), np.array([[1.0, 0.0]])).tolist()
    [1.25]
    """
    right, wrong = (targets * predictions).sum(axis=-1), ((1 - targets) * predictions).max(axis=-1)
    return np.maximum(wrong - right + 1, 0)


def categorical_hinge_backward(dvalues, predictions, targets):
    """Return the gradient of `categorical_hinge` with respect to the predictions.

    Examples
    --------
    >>> categorical_hinge_backward(np.ones(1), np.array([[0.5, 0.75]]), np.array([[1.0, 0.0]])).tolist()
    [[-1.0, 1.0]]
    """
    wrong = ((1 - targets) * predictions).argmax(axis=-1)[..., None]
    slope = -targets
    np.put_along_axis(slope, wrong, np.take_along_axis(1 - 2 * targets, wrong, axis=-1), axis=-1)
    return np.where(categorical_hinge(predictions, targets) > 0, dvalues, 0)[..., None] * slope


def tversky(predictions, targets, alpha=0.5, beta=0.5, axis=None, epsilon=1e-7):
    """Return 1 minus the Tversky index over some axes; `alpha` weighs what is missed, `beta` what is too much.

    Examples
    --------
    >>> tversky(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0])).round(4).tolist()
    0.5
    """
    common, union = _overlap(predictions, targets, alpha, beta, axis, epsilon, keepdims=False)
    return 1 - common / union


def tversky_backward(dvalues, predictions, targets, alpha=0.5, beta=0.5, axis=None, epsilon=1e-7):
    """Return the gradient of `tversky` with respect to the predictions.

    Examples
    --------
    >>> tversky_backward(np.ones(()), np.array([1.0, 0.0]), np.array([0.0, 1.0])).round(4).tolist()
    [-0.0, -1.0]
    """
    common, union = _overlap(predictions, targets, alpha, beta, axis, epsilon, keepdims=True)
    dunion = targets * (1 - alpha) + beta * (1 - targets)
    if axis is not None:
        dvalues = np.expand_dims(dvalues, axis)
    return -dvalues * (targets * union - common * dunion) / union**2


def _overlap(predictions, targets, alpha, beta, axis, epsilon, keepdims):
    """Return what predictions and targets have in common, and what all of them cover, in Tversky's way."""
    add = {"axis": axis, "keepdims": keepdims}
    common = (targets * predictions).sum(**add)
    missed, spurious = ((1 - predictions) * targets).sum(**add), (predictions * (1 - targets)).sum(**add)
    return common, common + missed * alpha + spurious * beta + predictions.dtype.type(epsilon)


def dice(predictions, targets, axis=None, epsilon=1e-7):
    """Return 1 minus the Dice coefficient over some axes.

    Examples
    --------
    >>> dice(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0])).round(4).tolist()
    0.5
    """
    total = targets.sum(axis=axis) + predictions.sum(axis=axis) + predictions.dtype.type(epsilon)
    return 1 - 2 * (targets * predictions).sum(axis=axis) / total


def dice_backward(dvalues, predictions, targets, axis=None, epsilon=1e-7):
    """Return the gradient of `dice` with respect to the predictions.

    Examples
    --------
    >>> dice_backward(np.ones(()), np.array([1.0, 0.0]), np.array([0.0, 1.0])).round(4).tolist()
    [-0.0, -1.0]
    """
    add = {"axis": axis, "keepdims": True}
    total = targets.sum(**add) + predictions.sum(**add) + predictions.dtype.type(epsilon)
    if axis is not None:
        dvalues = np.expand_dims(dvalues, axis)
    return -2 * dvalues * (targets * total - (targets * predictions).sum(**add)) / total**2


def circle(embeddings, labels, others=None, other_labels=None, gamma=80.0, margin=0.4, remove_diagonal=True):
    """Return the circle loss of each row of embeddings against `others`, by default against one another.

    Examples
    --------
    >>> circle(np.eye(2)[[0, 0, 1]], np.array([0, 0, 1]), gamma=1.0).round(4).tolist()
    [0.5459, 0.5459, 0.0]
    """
    positive, negative, _ = _circle_terms(embeddings, labels, others, other_labels, gamma, margin, remove_diagonal)
    return softplus(_log_sum(positive) + _log_sum(negative))


def circle_backward(dvalues, embeddings, labels, gamma=80.0, margin=0.4, remove_diagonal=True):
    """Return the gradient of `circle` with respect to the embeddings, when they are compared with one another.

    Examples
    --------
    >>> rows = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> circle_backward(np.ones(3), rows, np.array([0, 0, 1]), gamma=1.0).round(2).tolist()
    [[-0.3, -0.23], [-0.38, 0.62], [0.5, 0.37]]
    """
    positive, negative, distances = _circle_terms(embeddings, labels, None, None, gamma, margin, remove_diagonal)
    near, far = margin + distances, 1 + margin - distances
    dpositive = gamma * (np.maximum(near, 0) - np.where(near > 0, margin - distances, 0))
    dnegative = -gamma * (np.maximum(far, 0) + np.where(far > 0, 1 - margin - distances, 0))
    with np.errstate(invalid="ignore"):
        share = sigmoid(_log_sum(positive) + _log_sum(negative)) * dvalues
    ddistances = share[:, None] * (_shares(positive) * dpositive + _shares(negative) * dnegative)
    dproducts = np.where(distances > 0, -ddistances, 0)
    return dproducts @ embeddings + dproducts.T @ embeddings


def _circle_terms(embeddings, labels, others, other_labels, gamma, margin, remove_diagonal):
    """Return the exponents of pairs of one class and of two (-inf elsewhere), and all distances."""
    others = embeddings if others is None else others
    other_labels = labels if other_labels is None else other_labels
    distances = np.maximum(1 - embeddings @ others.T, 0)
    same = labels.reshape(-1, 1) == other_labels.reshape(1, -1)
    differ = ~same
    if remove_diagonal:
        same = same & ~np.eye(*same.shape, dtype=bool)
    positive = -gamma * np.maximum(margin + distances, 0) * (margin - distances)
    negative = gamma * np.maximum(1 + margin - distances, 0) * (1 - margin - distances)
    return np.where(same, positive, -np.inf), np.where(differ, negative, -np.inf), distances


def _log_sum(exponents):
    """Return ``log(sum(exp(exponents)))`` of each row, -inf of a row of -inf."""
    top = np.maximum(exponents.max(axis=1, initial=-np.inf), np.finfo(exponents.dtype).min)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(exponents - top[:, None]).sum(axis=1)) + top


def _shares(exponents):
    """Return the softmax of each row, zeros of a row of -inf."""
    top = np.maximum(exponents.max(axis=1, keepdims=True, initial=-np.inf), np.finfo(exponents.dtype).min)
    powers = np.exp(exponents - top)
    return powers / np.maximum(powers.sum(axis=1, keepdims=True), np.finfo(exponents.dtype).tiny)
