"""What training makes small: losses as objects, as functions, and by name.

Map: ``base`` (the class, weights, reductions), ``shapes`` (whether labels fit predictions), ``crossentropy``,
``regression``; here the names.
"""

from fastconv.losses.base import Loss, LossFunctionWrapper
from fastconv.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from fastconv.losses.regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    mean_absolute_error,
    mean_squared_error,
)
from fastconv.names import Family

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "resolve",
    "serialize",
    "sparse_categorical_crossentropy",
]

# Every named function and the class that says the same; names in snake case mean the function, as in Keras.
_PAIRS = {
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    mean_absolute_error: MeanAbsoluteError,
    mean_squared_error: MeanSquaredError,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
}
_ALIASES = {
    "bce": binary_crossentropy,
    "BCE": binary_crossentropy,
    "mae": mean_absolute_error,
    "MAE": mean_absolute_error,
    "mse": mean_squared_error,
    "MSE": mean_squared_error,
}
_family = Family(
    "loss",
    "keras.losses",
    Loss,
    {
        **{function.__name__: function for function in _PAIRS},
        **{cls.__name__: cls for cls in [*_PAIRS.values(), LossFunctionWrapper]},
        **_ALIASES,
    },
)


def get(identifier):
    """Return the loss that a name, config, class, function or object stands for.

    Parameters
    ----------
    identifier : None, str, dict, type, callable or Loss
        Names in snake case (``"mse"``, ``"binary_crossentropy"``) give functions, class names objects.

    Returns
    -------
    Loss, callable or None
        ``None`` for ``None``.

    Raises
    ------
    ValueError
        If it stands for no loss.

    Examples
    --------
    >>> get("mse").__name__
    'mean_squared_error'
    >>> get("binary_crosentropy")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret loss identifier: 'binary_crosentropy'. Did you mean 'binary_crossentropy'?
    """
    return _family.get(identifier)


def resolve(identifier, y_true_shape=None, y_pred_shape=None):
    """Return the loss object that training uses for what was given to ``compile``.

    Parameters
    ----------
    identifier : str, dict, type, callable or Loss
        What `get` understands, or ``"crossentropy"`` / ``"ce"``, which the shapes decide.
    y_true_shape, y_pred_shape : tuple, optional
        The shapes of labels and predictions, with ``None`` for unknown lengths.

    Returns
    -------
    Loss
        Functions of this module become objects of their class, other functions a `LossFunctionWrapper`.

    Raises
    ------
    ValueError
        If it stands for no loss, or the shapes are needed and missing.

    Examples
    --------
    >>> resolve("mse")
    MeanSquaredError(name='mean_squared_error', reduction='sum_over_batch_size')
    >>> type(resolve("crossentropy", (None,), (None, 10))).__name__
    'SparseCategoricalCrossentropy'
    """
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        if y_true_shape is None or y_pred_shape is None:
            raise ValueError(f"The loss {identifier!r} depends on the shapes of labels and predictions.")
        return _CROSSENTROPIES[kind_of_labels(y_true_shape, y_pred_shape)]()
    loss = get(identifier)
    if loss is None:
        raise ValueError("Expected a loss; got None.")
    if isinstance(loss, Loss):
        return loss
    return _PAIRS[loss]() if loss in _PAIRS else LossFunctionWrapper(loss)


_CROSSENTROPIES = {
    "binary": BinaryCrossentropy,
    "sparse": SparseCategoricalCrossentropy,
    "categorical": CategoricalCrossentropy,
}


def kind_of_labels(y_true_shape, y_pred_shape):
    """Tell from shapes whether labels are ``"binary"``, ``"sparse"`` or ``"categorical"``.

    Parameters
    ----------
    y_true_shape, y_pred_shape : tuple
        The shapes of labels and predictions.

    Returns
    -------
    str
        Binary if the last axis of the predictions is 1; sparse if that of the labels is missing or 1.

    Examples
    --------
    >>> kind_of_labels((32, 1), (32, 10)), kind_of_labels((32, 10), (32, 10)), kind_of_labels((32,), (32, 1))
    ('sparse', 'categorical', 'binary')
    """
    if not len(y_pred_shape) or not len(y_true_shape) or y_pred_shape[-1] == 1:
        return "binary"
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return "sparse"
    return "categorical"


def serialize(loss):
    """Return a config from which `deserialize` makes an equal loss.

    Parameters
    ----------
    loss : Loss or function
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(MeanSquaredError())["class_name"]
    'MeanSquaredError'
    """
    return _family.serialize(loss)


def deserialize(name, custom_objects=None):
    """Make a loss from its config.

    Parameters
    ----------
    name : dict or str
        What `serialize` returned, or a name.
    custom_objects : dict, optional
        Classes and functions of the user by name.

    Returns
    -------
    Loss or function
        The loss.

    Examples
    --------
    >>> deserialize({"class_name": "MeanSquaredError", "config": {"reduction": "sum"}}).reduction
    'sum'
    """
    return _family.deserialize(name, custom_objects)
