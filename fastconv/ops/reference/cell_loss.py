"""Losses cell by cell: each takes predictions and targets of one shape and returns the losses in that shape.

``<what>_backward`` takes the same and returns the slopes: the derivative of each cell's loss with respect to its
prediction. Where a prediction is cut off, at `epsilon` for one, the slope is 0.
"""

import numpy as np

from fastconv.ops.reference.activation import sigmoid, softplus


def absolute_error(predictions, targets):
    """Return ``abs(predictions - targets)``.

    Examples
    --------
    >>> absolute_error(np.array([1.0, -3.0]), np.array([0.0, 1.0])).tolist()
    [1.0, 4.0]
    """
    return np.abs(predictions - targets)


def absolute_error_backward(predictions, targets):
    """Return the slopes of `absolute_error`: signs.

    Examples
    --------
    >>> absolute_error_backward(np.array([1.0, -3.0]), np.array([0.0, 1.0])).tolist()
    [1.0, -1.0]
    """
    return np.sign(predictions - targets)


def absolute_percentage_error(predictions, targets, epsilon=1e-7):
    """Return the error in hundredths of the target, or of epsilon where the target is smaller.

    Examples
    --------
    >>> absolute_percentage_error(np.array([1.0, -3.0]), np.array([2.0, -2.0])).tolist()
    [50.0, 50.0]
    """
    return 100 * np.abs((predictions - targets) / np.maximum(np.abs(targets), targets.dtype.type(epsilon)))


def absolute_percentage_error_backward(predictions, targets, epsilon=1e-7):
    """Return the slopes of `absolute_percentage_error`.

    Examples
    --------
    >>> absolute_percentage_error_backward(np.array([1.0, -3.0]), np.array([2.0, -2.0])).tolist()
    [-50.0, -50.0]
    """
    return 100 * np.sign(predictions - targets) / np.maximum(np.abs(targets), targets.dtype.type(epsilon))


def squared_logarithmic_error(predictions, targets, epsilon=1e-7):
    """Return ``(log(1 + predictions) - log(1 + targets))**2``; what is below epsilon counts as epsilon.

    Examples
    --------
    >>> squared_logarithmic_error(np.array([np.e - 1, -5.0]), np.array([0.0, 0.0])).round(4).tolist()
    [1.0, 0.0]
    """
    logs = [np.log(np.maximum(a, a.dtype.type(epsilon)) + 1) for a in (predictions, targets)]
    return (logs[0] - logs[1]) ** 2


def squared_logarithmic_error_backward(predictions, targets, epsilon=1e-7):
    """Return the slopes of `squared_logarithmic_error`.

    Examples
    --------
    >>> squared_logarithmic_error_backward(np.array([1.0, -5.0]), np.array([0.0, 0.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    p, t = (np.maximum(a, a.dtype.type(epsilon)) + 1 for a in (predictions, targets))
    return np.where(predictions < epsilon, 0, 2 * (np.log(p) - np.log(t)) / p)


def huber(predictions, targets, delta=1.0):
    """Return half of the squared error up to an error of `delta`, from there on straight lines.

    Examples
    --------
    >>> huber(np.array([0.5, 3.0]), np.array([0.0, 0.0])).tolist()
    [0.125, 2.5]
    """
    error = predictions - targets
    size = np.abs(error)
    return np.where(size <= delta, 0.5 * error**2, delta * size - 0.5 * delta**2)


def huber_backward(predictions, targets, delta=1.0):
    """Return the slopes of `huber`.

    Examples
    --------
    >>> huber_backward(np.array([0.5, 3.0]), np.array([0.0, 0.0])).tolist()
    [0.5, 1.0]
    """
    return np.clip(predictions - targets, -delta, delta)


def log_cosh(predictions, targets):
    """Return ``log(cosh(predictions - targets))``.

    Examples
    --------
    >>> log_cosh(np.array([0.0, 1000.0]), np.array([0.0, 0.0])).round(4).tolist()
    [0.0, 999.3069]
    """
    error = predictions - targets
    return error + softplus(-2 * error) - error.dtype.type(np.log(2))


def log_cosh_backward(predictions, targets):
    """Return the slopes of `log_cosh`.

    Examples
    --------
    >>> log_cosh_backward(np.array([0.0, 1000.0]), np.array([0.0, 0.0])).tolist()
    [0.0, 1.0]
    """
    return np.tanh(predictions - targets)


def poisson(predictions, targets, epsilon=1e-7):
    """Return ``predictions - targets * log(predictions + epsilon)``.

    Examples
    --------
    >>> poisson(np.array([1.0, 2.0]), np.array([3.0, 0.0])).round(4).tolist()
    [1.0, 2.0]
    """
    return predictions - targets * np.log(predictions + predictions.dtype.type(epsilon))


def poisson_backward(predictions, targets, epsilon=1e-7):
    """Return the slopes of `poisson`.

    Examples
    --------
    >>> poisson_backward(np.array([1.0, 2.0]), np.array([3.0, 0.0])).round(4).tolist()
    [-2.0, 1.0]
    """
    return 1 - targets / (predictions + predictions.dtype.type(epsilon))


def hinge(predictions, targets):
    """Return how far ``targets * predictions`` stays below 1, for targets of -1 and 1.

    Examples
    --------
    >>> hinge(np.array([0.5, 0.5, 2.0]), np.array([1.0, -1.0, 1.0])).tolist()
    [0.5, 1.5, 0.0]
    """
    return np.maximum(1 - targets * predictions, 0)


def hinge_backward(predictions, targets):
    """Return the slopes of `hinge`.

    Examples
    --------
    >>> hinge_backward(np.array([0.5, 0.5, 2.0]), np.array([1.0, -1.0, 1.0])).tolist()
    [-1.0, 1.0, 0.0]
    """
    return np.where(targets * predictions < 1, -targets, 0)


def squared_hinge(predictions, targets):
    """Return `hinge` squared.

    Examples
    --------
    >>> squared_hinge(np.array([0.5, 0.5, 2.0]), np.array([1.0, -1.0, 1.0])).tolist()
    [0.25, 2.25, 0.0]
    """
    return hinge(predictions, targets) ** 2


def squared_hinge_backward(predictions, targets):
    """Return the slopes of `squared_hinge`.

    Examples
    --------
    >>> squared_hinge_backward(np.array([0.5, 0.5, 2.0]), np.array([1.0, -1.0, 1.0])).tolist()
    [-1.0, 3.0, -0.0]
    """
    return -2 * targets * hinge(predictions, targets)


def relative_entropy(predictions, targets, epsilon=1e-7):
    """Return ``targets * log(targets / predictions)``, both clipped to [epsilon, 1].

    Examples
    --------
    >>> relative_entropy(np.array([0.5, 2.0]), np.array([1.0, 1.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    p, t = (np.clip(a, epsilon, 1) for a in (predictions, targets))
    return t * np.log(t / p)


def relative_entropy_backward(predictions, targets, epsilon=1e-7):
    """Return the slopes of `relative_entropy`.

    Examples
    --------
    >>> relative_entropy_backward(np.array([0.5, 2.0]), np.array([1.0, 1.0])).tolist()
    [-2.0, 0.0]
    """
    p, t = (np.clip(a, epsilon, 1) for a in (predictions, targets))
    return np.where(p == predictions, -t / p, 0)


def binary_focal_cross_entropy(predictions, targets, gamma=2.0, balance=(0.0, 1.0), from_logits=False, epsilon=1e-7):
    """Return the binary cross-entropy times ``miss**gamma``, where ``miss`` is the probability of the wrong answer.

    `balance` holds scale and shift that make a cell's weight of its target.

    Examples
    --------
    >>> binary_focal_cross_entropy(np.array([0.5, 1.0]), np.array([1.0, 1.0])).round(4).tolist()
    [0.1733, 0.0]
    """
    factor, entropy, *_ = _focal(predictions, targets, gamma, from_logits, epsilon)
    return (balance[0] * targets + balance[1]) * factor * entropy


def binary_focal_cross_entropy_backward(
    predictions, targets, gamma=2.0, balance=(0.0, 1.0), from_logits=False, epsilon=1e-7
):
    """Return the slopes of `binary_focal_cross_entropy`.

    Examples
    --------
    >>> binary_focal_cross_entropy_backward(np.array([0.5]), np.array([1.0])).round(4).tolist()
    [-1.1931]
    """
    factor, entropy, p, q, miss = _focal(predictions, targets, gamma, from_logits, epsilon)
    rise = np.zeros_like(p) if gamma == 0 else gamma * (1 - 2 * targets) * _power(miss, gamma - 1)
    descent = np.where(p == q, (1 - targets) / (1 - q) - targets / q, 0)
    slope = (balance[0] * targets + balance[1]) * (rise * entropy + factor * descent)
    return slope * p * (1 - p) if from_logits else slope


def _focal(predictions, targets, gamma, from_logits, epsilon):
    """Return the focal factor, the cross-entropy, the probability as it is and clipped, and that of a miss."""
    p = sigmoid(predictions) if from_logits else predictions
    q = np.clip(p, epsilon, 1 - epsilon)
    miss = targets * (1 - p) + (1 - targets) * p
    return miss**gamma, -targets * np.log(q) - (1 - targets) * np.log(1 - q), p, q, miss


def _power(base, exponent):
    """Return ``base**exponent``, 0 where the base is 0: what would be infinite there is multiplied by nearly 0."""
    return np.where(base > 0, np.where(base > 0, base, 1) ** exponent, 0)
