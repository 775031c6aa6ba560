"""F scores: precision and recall in one number."""

import numpy as np

from fastconv.losses.reduction import fit_weights
from fastconv.losses.shapes import aligned
from fastconv.metrics.base import Metric
from fastconv.runtime import settings

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """The harmonic mean of precision and recall, recall being worth `beta` times as much.

    Parameters
    ----------
    average : {"micro", "macro", "weighted"} or None
        None gives a score for each class; "macro" their mean, "weighted" that by how often a class occurs, "micro" one
        score over all classes together.
    beta : float
        What recall is worth.
    threshold : float, optional
        What counts as yes lies above it; by default the largest prediction of each sample does.
    name, dtype
        See `Metric`.

    Raises
    ------
    ValueError
        If an argument is out of range, or, later, labels and predictions do not have two axes.

    Examples
    --------
    >>> FBetaScore(beta=2.0, threshold=0.5)([[1, 1, 1], [1, 0, 0], [1, 1, 0]],
    ...                                     [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).round(4)
    array([0.3846, 0.9091, 0.8333], dtype=float32)
    """

    _direction = "up"

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(dtype, name)
        owner = type(self).__name__
        if average not in AVERAGES:
            raise ValueError(f"{owner}: average={average!r} is not one of {AVERAGES}.")
        if not isinstance(beta, float) or not beta > 0:
            raise ValueError(f"{owner}: beta={beta!r} is not a float above 0.")
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ValueError(f"{owner}: threshold={threshold!r} is not a float above 0 and at most 1.")
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._sums = None

    def _build(self, classes):
        names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
        shape = () if self.average == "micro" else (classes,)
        self._sums = [self.add_variable(shape, "zeros", "float64", name=name) for name in names]

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch.

        Parameters
        ----------
        y_true, y_pred : array_like, shape (batch, classes)
            Labels of 0 and 1, and predictions.
        sample_weight : array_like, optional
            One weight a sample.

        Examples
        --------
        >>> FBetaScore().update_state([[1, 0]], [[0.9, 0.1]])
        """
        y_true, y_pred = aligned(self.name, y_true, y_pred)
        if y_pred.ndim != 2:
            raise ValueError(f"{self.name}: y_pred has shape {y_pred.shape}; expected two axes, (batch, classes).")
        if self._sums is None:
            self._build(y_pred.shape[1])
        if self.threshold is None:
            yes = (y_pred >= y_pred.max(axis=-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)
        else:
            yes = y_pred > self.threshold
        weights = 1.0 if sample_weight is None else fit_weights(self.name, sample_weight, y_pred)
        found = yes * y_true
        sums = (found, yes - found, y_true - found, y_true)
        axis = None if self.average == "micro" else 0
        for variable, values in zip(self._sums, sums, strict=True):
            variable.array[...] += np.sum(values * weights, axis=axis, dtype=np.float64)

    def result(self):
        """Return the score so far, or with ``average=None`` one for each class.

        Examples
        --------
        >>> print(FBetaScore(average="micro").result())
        0.0
        """
        if self._sums is None:
            return self._float(0.0)
        found, spurious, missed, weights = (variable.array for variable in self._sums)
        epsilon = settings.epsilon()
        precision, recall = found / (found + spurious + epsilon), found / (found + missed + epsilon)
        square = self.beta**2
        scores = precision * recall / (square * precision + recall + epsilon) * (1 + square)
        if self.average == "weighted":
            scores = np.sum(scores * (weights / (weights.sum() + epsilon)))
        elif self.average is not None:
            scores = scores.mean()
        return self._float(scores)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> FBetaScore(beta=0.5).get_config()["beta"]
        0.5
        """
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

    Parameters
    ----------
    average, threshold, name, dtype
        See `FBetaScore`.

    Examples
    --------
    >>> print(F1Score(average="macro", threshold=0.5)([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.8]]).round(4))
    0.6667
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> "beta" in F1Score().get_config()
        False
        """
        config = super().get_config()
        del config["beta"]
        return config
