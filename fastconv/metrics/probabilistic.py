"""Cross-entropies and divergences as metrics: the mean over all samples, without regularization."""

import numpy as np

from fastconv import losses
from fastconv.losses.labels import check_smoothing, sparse_labels
from fastconv.losses.reduction import fit_weights
from fastconv.metrics.reduction import MeanMetricWrapper


class BinaryCrossentropy(MeanMetricWrapper):
    """The cross-entropy of yes-or-no labels.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    from_logits, label_smoothing
        See `fastconv.losses.binary_crossentropy`.

    Examples
    --------
    >>> print(BinaryCrossentropy()([[1], [0]], [[0.5], [0.5]]))
    0.6931472
    """

    _direction = "down"

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        self.from_logits = from_logits
        self.label_smoothing = check_smoothing("BinaryCrossentropy", label_smoothing)
        settings = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **settings)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> BinaryCrossentropy().get_config()["from_logits"]
        False
        """
        return {**super().get_config(), **self._fn_kwargs}


class CategoricalCrossentropy(MeanMetricWrapper):
    """The cross-entropy with one-hot labels.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    from_logits, label_smoothing, axis
        See `fastconv.losses.categorical_crossentropy`.

    Examples
    --------
    >>> print(CategoricalCrossentropy()([[1, 0]], [[0.5, 0.5]]))
    0.6931472
    """

    _direction = "down"

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        self.from_logits = from_logits
        self.label_smoothing = check_smoothing("CategoricalCrossentropy", label_smoothing)
        self.axis = axis
        settings = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **settings)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> CategoricalCrossentropy().get_config()["axis"]
        -1
        """
        return {**super().get_config(), **self._fn_kwargs}


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The cross-entropy with integer labels.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    from_logits, ignore_class, axis
        See `fastconv.losses.sparse_categorical_crossentropy`; samples of the ignored class are no part of the
        mean (in Keras they are, as zeros, unless there are weights).

    Examples
    --------
    >>> print(SparseCategoricalCrossentropy()([0], [[0.5, 0.5]]))
    0.6931472
    """

    _direction = "down"

    def __init__(
        self,
        name="sparse_categorical_crossentropy",
        dtype=None,
        from_logits=False,
        ignore_class=None,
        axis=-1,
    ):
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis
        settings = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **settings)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch; see `MeanMetricWrapper`.

        Examples
        --------
        >>> SparseCategoricalCrossentropy().update_state([0], [[0.5, 0.5]])
        """
        if self.ignore_class is not None:
            y_pred = np.asarray(y_pred)
            valid = sparse_labels(self.name, y_true, y_pred, self.axis) != self.ignore_class
            weights = 1.0 if sample_weight is None else fit_weights(self.name, sample_weight, np.float64(valid))
            sample_weight = valid * weights
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self):
        """Return the arguments; see `Metric`.

        Examples
        --------
        >>> SparseCategoricalCrossentropy().get_config()["ignore_class"] is None
        True
        """
        return {**super().get_config(), **self._fn_kwargs}


class KLDivergence(MeanMetricWrapper):
    """The divergence of predicted distributions from the true ones.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]]).round(4))
    0.6931
    """

    _direction = "down"

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The loss of counts whose rates are predicted.

    Parameters
    ----------
    name, dtype
        See `Metric`.

    Examples
    --------
    >>> print(Poisson()([[3.0], [0.0]], [[1.0], [2.0]]).round(4))
    1.5
    """

    _direction = "down"

    def __init__(self, name="poisson", dtype=None):
        super().__init__(losses.poisson, name, dtype)
