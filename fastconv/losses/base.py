"""What all losses share: one value per sample, weights, and how the values become one number."""

import numpy as np

from fastconv.names import snake_case, suggestion
from fastconv.runtime import settings

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


class Loss:
    """Base class: subclasses write ``call(y_true, y_pred)``, which returns one value per sample.

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
    >>> class FourthPower(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ((y_true - y_pred) ** 4).mean(axis=-1)
    >>> print(FourthPower()([[0.0], [0.0]], [[1.0], [2.0]]))
    8.5
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or snake_case(type(self).__name__)
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
        y_pred = as_floats(y_pred, self._dtype)
        y_true = np.asarray(y_true)
        values = np.asarray(self.call(y_true, y_pred))
        valid = self.valid(y_true, y_pred)
        return reduce_values(self.name, values, sample_weight, valid, self.reduction)

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

    def valid(self, y_true, y_pred):
        """Return which values count at all, or ``None`` if all do; values that do not are no part of a mean.

        Parameters
        ----------
        y_true, y_pred : ndarray
            As for `call`.

        Returns
        -------
        ndarray of bool or None
            In the shape of the values.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv.losses import SparseCategoricalCrossentropy
        >>> SparseCategoricalCrossentropy(ignore_class=255).valid(np.array([1, 255]), np.ones((2, 3)))
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


class LossFunctionWrapper(Loss):
    """A loss made of a function of ``y_true`` and ``y_pred``.

    Parameters
    ----------
    fn : callable
        Returns one value per sample.
    reduction : str or None
        See `Loss`.
    name : str, optional
        By default that of the function.
    dtype : str, optional
        See `Loss`.
    **kwargs
        More arguments of the function.

    Examples
    --------
    >>> def largest_error(y_true, y_pred):
    ...     return abs(y_true - y_pred).max(axis=-1)
    >>> print(LossFunctionWrapper(largest_error)([[0.0, 0.0]], [[1.0, 2.0]]))
    2.0
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.fn_kwargs = kwargs

    def call(self, y_true, y_pred):
        """Return what the function returns; see `Loss`.

        Examples
        --------
        >>> LossFunctionWrapper(lambda t, p: abs(t - p)).call(1.0, 3.0)
        2.0
        """
        return self.fn(y_true, y_pred, **self.fn_kwargs)

    def get_config(self):
        """Return the arguments; see `Loss`.

        Examples
        --------
        >>> from fastconv.losses import mean_squared_error
        >>> LossFunctionWrapper(mean_squared_error).get_config()["fn"]["config"]
        'mean_squared_error'
        """
        from fastconv import losses  # the table of names is made of this file's classes

        return {**super().get_config(), "fn": losses.serialize(self.fn), **self.fn_kwargs}

    @classmethod
    def from_config(cls, config):
        """Make the loss; see `Loss`.

        Examples
        --------
        >>> from fastconv.losses import mean_squared_error
        >>> config = LossFunctionWrapper(mean_squared_error).get_config()
        >>> LossFunctionWrapper.from_config(config).fn.__name__
        'mean_squared_error'
        """
        from fastconv import losses

        return cls(**{**config, "fn": losses.get(config["fn"])})


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


def as_floats(values, dtype=None):
    """Return `values` as an array of float32 or float64: of `dtype`, else of their own type, else floatx().

    Parameters
    ----------
    values : array_like
        Numbers.
    dtype : str, optional
        The type.

    Returns
    -------
    ndarray
        The same array if nothing has to change.

    Examples
    --------
    >>> as_floats([1, 2])
    array([1., 2.], dtype=float32)
    """
    array = np.asarray(values)
    if dtype is None:
        keep = array.dtype in (np.float32, np.float64) and hasattr(values, "dtype")
        dtype = array.dtype if keep else settings.floatx()
    return array.astype(dtype, copy=False)


def reduce_values(name, values, sample_weight, valid, reduction):
    """Weigh loss values and reduce them to one number.

    Parameters
    ----------
    name : str
        The loss, for messages.
    values : ndarray
        The loss values.
    sample_weight : array_like or None
        Weights whose axes are the first axes of the values.
    valid : ndarray of bool or None
        Which values count at all.
    reduction : str
        One of `REDUCTIONS`.

    Returns
    -------
    floating or ndarray
        One number of the values' type, or all values with ``"none"``.

    Examples
    --------
    >>> print(reduce_values("mse", np.array([1.0, 3.0]), None, None, "sum"))
    4.0
    """
    weights = None if sample_weight is None else fit_weights(name, sample_weight, values)
    if weights is not None:
        values = values * weights
    if valid is not None:
        values = np.where(valid, values, values.dtype.type(0))
        weights = valid if weights is None else weights * valid
    if reduction == "none":
        return values
    total = np.sum(values, dtype=np.float64)
    if reduction == "sum":
        divisor = 1.0
    elif reduction == "mean_with_sample_weight" and weights is not None:
        divisor = np.sum(weights, dtype=np.float64)
    else:
        divisor = np.count_nonzero(valid) if valid is not None else values.size
    return values.dtype.type(total / divisor if divisor else 0.0)


def fit_weights(name, sample_weight, values):
    """Return weights with as many axes as the values, or say why they do not fit.

    Parameters
    ----------
    name : str
        The loss, for messages.
    sample_weight : array_like
        A number, or an array whose axes are the first axes of the values.
    values : ndarray
        The loss values.

    Returns
    -------
    ndarray
        Weights of the values' type that can be multiplied with them.

    Examples
    --------
    >>> fit_weights("mse", [1, 2], np.ones((2, 5))).shape
    (2, 1)
    """
    weights = np.asarray(sample_weight, values.dtype)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.shape in ((), (1,)):
        return weights.reshape(())
    if weights.ndim > values.ndim or any(w not in (1, v) for w, v in zip(weights.shape, values.shape, strict=False)):
        raise ValueError(
            f"{name}: sample_weight of shape {weights.shape} does not fit the loss values of shape "
            f"{values.shape}; its axes must be their first axes."
        )
    return weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
