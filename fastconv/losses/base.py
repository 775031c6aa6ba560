"""What all losses share: one value per sample, how the values become one number, and the way back."""

import numpy as np

from fastconv.layers.layer import unique_name
from fastconv.losses import traced
from fastconv.losses.reduction import REDUCTIONS, as_floats, reduce_values, slopes_of_reduction
from fastconv.names import Spelled, snake_case, suggestion
from fastconv.runtime import settings


class Loss(Spelled):
    """Base class: subclasses write ``call(y_true, y_pred)``, which returns one value per sample.

    Made of operators and functions of `fastconv.ops`, it can be trained with. What is computed with NumPy's own
    functions has no derivative: such a loss also writes ``gradient(y_true, y_pred)``.

    Parameters
    ----------
    name : str, optional
        By default the class name in snake case.
    reduction : str or None
        ``"sum_over_batch_size"`` (the same as ``"mean"``) divides the sum of the weighted values by their
        number, ``"mean_with_sample_weight"`` by the sum of the weights, ``"sum"`` by nothing; ``"none"`` or
        ``None`` leaves the values as they are.
    dtype : str, optional
        The type to compute in, ``"float32"`` or ``"float64"``; by default that of the predictions.

    Raises
    ------
    ValueError
        If the reduction or the type is unknown.

    Examples
    --------
    >>> from fastconv import ops
    >>> class FourthPower(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean((y_true - y_pred) ** 4, axis=-1)
    >>> print(FourthPower()([[0.0], [0.0]], [[1.0], [2.0]]))
    8.5
    """

    takes_labels = False  # True: y_true holds class numbers, without the axis of the classes

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.reduction = _reduction(type(self).__name__, reduction)
        self._dtype = _float_type(type(self).__name__, dtype)

    @property
    def dtype(self):
        """The type that was set, else the default float type."""
        return self._dtype or settings.floatx()

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the reduced loss.

        Parameters
        ----------
        y_true : array_like
            What should have come out.
        y_pred : array_like
            What came out.
        sample_weight : array_like, optional
            Weights of the samples, or of all values; their axes are the first axes of the values.

        Returns
        -------
        floating or ndarray
            One number, or all values with ``reduction="none"``.

        Raises
        ------
        ValueError
            If shapes or labels do not fit.

        Examples
        --------
        >>> from fastconv.losses import MeanSquaredError
        >>> print(MeanSquaredError()([[0.0], [0.0]], [[1.0], [1.0]], sample_weight=[0, 3]))
        1.5
        """
        y_true, y_pred = self._arrays(y_true, y_pred)
        values = np.asarray(self.call(y_true, y_pred))
        valid = self.valid(y_true, y_pred, values)
        return reduce_values(self.name, values, sample_weight, valid, self.reduction)

    def _arrays(self, y_true, y_pred):
        """Return labels and predictions as arrays: floats of one type, but for labels that are class numbers."""
        try:
            y_pred, y_true = as_floats(y_pred, self._dtype), np.asarray(y_true)
            return y_true if self.takes_labels else y_true.astype(y_pred.dtype, copy=False), y_pred
        except (TypeError, ValueError):
            raise ValueError(
                f"{self.name}: y_true or y_pred is ragged, or holds something else than numbers."
            ) from None

    def call(self, y_true, y_pred):
        """Return one value per sample: the part that subclasses write.

        Parameters
        ----------
        y_true : ndarray
            What should have come out.
        y_pred : ndarray
            What came out, as floats.

        Returns
        -------
        ndarray
            The values, without the axis of the classes.

        Examples
        --------
        >>> from fastconv.losses import MeanSquaredError
        >>> MeanSquaredError().call([[0.0, 0.0]], [[1.0, 2.0]])
        array([2.5], dtype=float32)
        """
        raise NotImplementedError(f"{type(self).__name__} does not define call(y_true, y_pred).")

    def gradient(self, y_true, y_pred):
        """Return the derivatives of the values with respect to the predictions: the part that makes a loss trainable.

        Parameters
        ----------
        y_true : ndarray
            What should have come out.
        y_pred : ndarray
            What came out, as floats.

        Returns
        -------
        ndarray
            In the shape of `y_pred`: the derivative of each sample's own value. A loss in which a prediction has a part
            in several values writes `backward` instead.

        Raises
        ------
        NotImplementedError
            If the class does not say.

        Examples
        --------
        >>> class Distance(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return abs(y_true - y_pred).sum(axis=-1)
        ...     def gradient(self, y_true, y_pred):
        ...         return np.sign(y_pred - y_true)
        >>> Distance(reduction="sum").value_and_gradient([[0.0, 1.0]], [[2.0, 0.0]], sample_weight=[3.0])
        (np.float32(9.0), array([[ 3., -3.]], dtype=float32))
        """
        raise NotImplementedError(f"{type(self).__name__} does not define gradient(y_true, y_pred).")

    def backward(self, y_true, y_pred, dvalues):
        """Return the gradient with respect to the predictions, from that with respect to the values.

        Parameters
        ----------
        y_true, y_pred : ndarray
            As for `call`.
        dvalues : ndarray
            In the shape of the values, whose axes are the first axes of the predictions.

        Returns
        -------
        ndarray
            In the shape of `y_pred`.

        Examples
        --------
        >>> from fastconv.losses import MeanSquaredError
        >>> MeanSquaredError().backward(np.zeros((1, 2)), np.ones((1, 2)), np.array([10.0]))
        array([[10., 10.]])
        """
        if type(self).gradient is Loss.gradient:
            return traced.backward(self, y_true, y_pred, dvalues)
        slopes = np.asarray(self.gradient(y_true, y_pred))
        if slopes.shape != y_pred.shape:
            raise ValueError(
                f"{self.name}: gradient() returned shape {slopes.shape}; expected that of y_pred, {y_pred.shape}."
            )
        return slopes * dvalues.reshape(dvalues.shape + (1,) * (slopes.ndim - dvalues.ndim))

    @property
    def has_gradient(self):
        """Whether the class says how its values come from the predictions, so that it can be trained with."""
        cls = type(self)
        return any(getattr(cls, name) is not getattr(Loss, name) for name in ("call", "gradient", "backward"))

    def value_and_gradient(self, y_true, y_pred, sample_weight=None):
        """Return the reduced loss and its gradient with respect to the predictions.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            As for a call of the loss.

        Returns
        -------
        loss : floating or ndarray
            With ``reduction="none"`` the values; the gradient is that of their sum.
        gradient : ndarray
            In the shape of `y_pred`.

        Raises
        ------
        ValueError
            If shapes or labels do not fit.
        NotImplementedError
            If the class defines no gradient.

        Examples
        --------
        >>> from fastconv.losses import MeanSquaredError
        >>> MeanSquaredError().value_and_gradient([[0.0], [0.0]], [[1.0], [3.0]])
        (np.float32(5.0), array([[1.],
               [3.]], dtype=float32))
        """
        y_true, y_pred = self._arrays(y_true, y_pred)
        values = np.asarray(self.call(y_true, y_pred))
        valid = self.valid(y_true, y_pred, values)
        loss = reduce_values(self.name, values, sample_weight, valid, self.reduction)
        dvalues = slopes_of_reduction(self.name, values, sample_weight, valid, self.reduction)
        return loss, np.asarray(self.backward(y_true, y_pred, dvalues), y_pred.dtype)

    def valid(self, y_true, y_pred, values):
        """Return which values count at all, or ``None`` if all do; values that do not are no part of a mean.

        Parameters
        ----------
        y_true, y_pred : ndarray
            As for `call`.
        values : ndarray
            What `call` returned.

        Returns
        -------
        ndarray of bool or None
            In the shape of the values.

        Examples
        --------
        >>> from fastconv.losses import SparseCategoricalCrossentropy
        >>> loss = SparseCategoricalCrossentropy(ignore_class=255)
        >>> loss.valid(np.array([1, 255]), np.ones((2, 3)), np.zeros(2))
        array([ True, False])
        """

    def get_config(self):
        """Return the arguments with which an equal loss is made.

        Returns
        -------
        dict
            The arguments by name.

        Examples
        --------
        >>> from fastconv.losses import MeanSquaredError
        >>> MeanSquaredError().get_config()
        {'name': 'mean_squared_error', 'reduction': 'sum_over_batch_size'}
        """
        config = {"name": self.name, "reduction": self.reduction}
        return config if self._dtype is None else {**config, "dtype": self._dtype}

    @classmethod
    def from_config(cls, config):
        """Make a loss from what `get_config` returned.

        Parameters
        ----------
        config : dict
            The arguments by name.

        Returns
        -------
        Loss
            The loss.

        Examples
        --------
        >>> from fastconv.losses import MeanSquaredError
        >>> MeanSquaredError.from_config({"reduction": "sum"})
        MeanSquaredError(name='mean_squared_error', reduction='sum')
        """
        return cls(**config)

    def __repr__(self):
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _reduction(name, reduction):
    if reduction is None:
        return "none"
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"{name}: reduction={reduction!r} is not one of {REDUCTIONS} or None.{suggestion(reduction, REDUCTIONS)}"
        )
    return reduction


def _float_type(name, dtype):
    if dtype is None:
        return None
    dtype = getattr(dtype, "name", dtype)
    if dtype not in ("float32", "float64"):
        raise ValueError(f"{name}: dtype={dtype!r} is not supported; expected 'float32' or 'float64'.")
    return dtype
