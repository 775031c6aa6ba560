"""How far numbers are off: errors as metrics, and how much of the labels' variance is explained."""

import numpy as np

from fastconv import losses
from fastconv.losses.reduction import fit_weights
from fastconv.losses.shapes import aligned
from fastconv.metrics.base import Metric
from fastconv.metrics.reduction import Mean, MeanMetricWrapper
from fastconv.runtime import caller


class MeanSquaredError(MeanMetricWrapper):
    """The mean of the squared errors.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]]).round(4))
    2.0
    """

    _direction = "down"

    def __init__(self, name="mean_squared_error", dtype=None):
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of the absolute errors.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]]).round(4))
    1.0
    """

    _direction = "down"

    def __init__(self, name="mean_absolute_error", dtype=None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of the errors in hundredths of the labels.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(MeanAbsolutePercentageError()([[2.0, 1.0]], [[1.0, 1.0]]).round(4))
    25.0
    """

    _direction = "down"

    def __init__(self, name="mean_absolute_percentage_error", dtype=None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of the squared errors of the logarithms.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(MeanSquaredLogarithmicError()([[0.0, 1.0]], [[1.0, 1.0]]).round(4))
    0.2402
    """

    _direction = "down"

    def __init__(self, name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of the logarithms of the errors' hyperbolic cosines.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(LogCoshError()([[0.0, 0.0]], [[0.0, 2.0]]).round(4))
    0.6625
    """

    _direction = "down"

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(losses.log_cosh, name, dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean of the squared errors.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(RootMeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]]).round(4))
    1.4142
    """

    _direction = "down"

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch; see `MeanMetricWrapper`.

        Examples
        --------
        >>> RootMeanSquaredError().update_state([[1.0]], [[2.0]])
        """
        y_true, y_pred = aligned(self.name, y_true, y_pred)
        super().update_state((y_pred - y_true) ** 2, sample_weight)

    def result(self):
        """Return the root of the mean so far.

        Examples
        --------
        >>> print(RootMeanSquaredError().result())
        0.0
        """
        return self._float(np.sqrt(self._ratio()))


def _cosine(y_true, y_pred, axis):
    return -losses.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(MeanMetricWrapper):
    """The cosine of the angle between labels and predictions: 1 where they point the same way.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    axis : int
        The axis along which the vectors lie.

    Examples
    --------
    >>> print(CosineSimilarity()([[0.0, 2.0]], [[3.0, 4.0]]))
    0.8
    """

    _direction = "up"

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(_cosine, name, dtype, axis=axis)
        self.axis = axis

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> CosineSimilarity(axis=1).get_config()["axis"]
        1
        """
        return {**super().get_config(), "axis": self.axis}


class R2Score(Metric):
    """How much of the labels' variance the predictions explain: 1 if they are right, 0 if a constant would do as well.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average"} or None
        How the scores of several outputs become one; None leaves them.
    num_regressors : int
        Independent variables of the model, for the adjusted score.
    name, dtype
        See `Metric`.

    Raises
    ------
    ValueError
        If an argument is out of range, or, later, labels and predictions do not have two axes.

    Examples
    --------
    >>> print(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]).round(4))
    0.5714
    """

    _direction = "up"

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        super().__init__(dtype, name)
        ways = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in ways:
            raise ValueError(f"R2Score: class_aggregation={class_aggregation!r} is not one of {ways}.")
        if isinstance(num_regressors, bool) or not isinstance(num_regressors, (int, np.integer)) or num_regressors < 0:
            raise ValueError(f"R2Score: num_regressors={num_regressors!r} is not an int of at least 0.")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", "float64", name="num_samples")
        self._sums = None

    def _build(self, outputs):
        names = ("squared_sum", "sum", "residual", "count")
        self._sums = [self.add_variable((outputs,), "zeros", "float64", name=name) for name in names]

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch.

        Parameters
        ----------
        y_true, y_pred : array_like, shape (batch, outputs)
            The labels and the predictions.
        sample_weight : array_like, optional
            One weight a sample, or one a value.

        Examples
        --------
        >>> R2Score().update_state([[1.0]], [[2.0]])
        """
        y_true, y_pred = (a.astype(np.float64, copy=False) for a in aligned(self.name, y_true, y_pred))
        if y_pred.ndim != 2:
            raise ValueError(f"{self.name}: y_pred has shape {y_pred.shape}; expected two axes, (batch, outputs).")
        if self._sums is None:
            self._build(y_pred.shape[1])
        weights = 1.0 if sample_weight is None else fit_weights(self.name, sample_weight, y_true)
        weights = np.broadcast_to(weights, y_true.shape)
        sums = (y_true**2 * weights, y_true * weights, (y_true - y_pred) ** 2 * weights, weights)
        for variable, values in zip(self._sums, sums, strict=True):
            variable.array[...] += values.sum(axis=0)
        self.num_samples.array[...] += y_true.size

    def result(self):
        """Return the score so far, or with ``class_aggregation=None`` one for each output.

        Examples
        --------
        >>> metric = R2Score(class_aggregation=None)
        >>> metric([[1.0, 0.0], [2.0, 1.0]], [[1.0, 0.0], [2.0, 0.0]])
        array([ 1., -1.], dtype=float32)
        """
        if self._sums is None:
            return self._float(0.0)
        squares, total, residual, count = (variable.array for variable in self._sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = squares - total * (total / count)
            scores = 1 - residual / variance
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = scores.mean()
            elif self.class_aggregation == "variance_weighted_average":
                scores = (variance * scores).sum() / variance.sum()
        return self._float(self._adjusted(scores))

    def _adjusted(self, scores):
        n, p = float(self.num_samples), self.num_regressors
        if p == 0:
            return scores
        if p >= n - 1:
            caller.warn(
                f"{self.name}: {p} regressors are too many for {n:.0f} values; this is the score without adjustment."
            )
            return scores
        return 1 - (1 - scores) * (n - 1) / (n - p - 1)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> R2Score().get_config()["num_regressors"]
        0
        """
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
