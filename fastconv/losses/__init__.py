"""What training makes small: losses as objects, as functions, and by name.

Map: ``base`` (the class), ``wrapper`` (losses made of functions, and their ways back), ``reduction`` (weights and
means), ``shapes`` and ``labels`` (whether labels fit predictions), ``lowering`` (which op trains a loss); the losses
themselves in ``crossentropy``, ``focal``, ``regression``, ``probabilistic``, ``margin``, ``similarity`` and
``overlap``; here the names.

A loss of one's own is a function of ``y_true`` and ``y_pred``, or a subclass of `Loss` with ``call``, made of functions
of `fastconv.ops`; see there. ``traced`` finds its way back.
"""

from fastconv import absent
from fastconv.losses.base import Loss
from fastconv.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from fastconv.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from fastconv.losses.margin import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from fastconv.losses.overlap import (
    Dice,
    Tversky,
    dice,
    tversky,
)
from fastconv.losses.probabilistic import (
    KLDivergence,
    Poisson,
    kl_divergence,
    poisson,
)
from fastconv.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from fastconv.losses.similarity import (
    Circle,
    CosineSimilarity,
    circle,
    cosine_similarity,
)
from fastconv.losses.wrapper import _WAYS_BACK, LossFunctionWrapper, symbolic_or, way_back_of
from fastconv.names import Family, spelled

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "resolve",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

__getattr__ = absent.of(__name__)

# Every named function and the class that says the same; names in snake case mean the function, as in Keras.
_PAIRS = {
    binary_crossentropy: BinaryCrossentropy,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    categorical_generalized_cross_entropy: CategoricalGeneralizedCrossEntropy,
    categorical_hinge: CategoricalHinge,
    circle: Circle,
    cosine_similarity: CosineSimilarity,
    dice: Dice,
    hinge: Hinge,
    huber: Huber,
    kl_divergence: KLDivergence,
    log_cosh: LogCosh,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_error: MeanSquaredError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    poisson: Poisson,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    squared_hinge: SquaredHinge,
    tversky: Tversky,
}
# What is public also takes symbolic tensors, as a part of losses of one's own; the classes hold the plain functions.
_PUBLIC = {function.__name__: symbolic_or(function) for function in _PAIRS}
for _function in _PUBLIC.values():
    way_back_of(_function)(_WAYS_BACK[_function.__wrapped__])
    _function.__module__ = __name__  # where pickle finds it
_PAIRS = {**_PAIRS, **{function: _PAIRS[function.__wrapped__] for function in _PUBLIC.values()}}
globals().update(_PUBLIC)
_ALIASES = {
    "bce": _PUBLIC["binary_crossentropy"],
    "kld": _PUBLIC["kl_divergence"],
    "mae": _PUBLIC["mean_absolute_error"],
    "mape": _PUBLIC["mean_absolute_percentage_error"],
    "mse": _PUBLIC["mean_squared_error"],
    "msle": _PUBLIC["mean_squared_logarithmic_error"],
}
_family = Family(
    "loss",
    "keras.losses",
    Loss,
    {
        **_PUBLIC,
        **{cls.__name__: cls for cls in [*_PAIRS.values(), LossFunctionWrapper]},
        **_ALIASES,
        **{name.upper(): function for name, function in _ALIASES.items()},
    },
)
_NOT_HERE = dict.fromkeys(("CTC", "ctc"), "alignments of sequences are not fastconv's field")


def _refuse_what_is_not_here(name):
    if isinstance(name, str) and name in _NOT_HERE:
        raise NotImplementedError(f"The loss {name!r} is not supported: {_NOT_HERE[name]}.")


@spelled
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
    NotImplementedError
        For Keras's CTC.

    Examples
    --------
    >>> get("mse").__name__
    'mean_squared_error'
    >>> get("binary_crosentropy")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret loss identifier: 'binary_crosentropy'. Did you mean 'binary_crossentropy'?
    """
    _refuse_what_is_not_here(identifier)
    return deserialize(identifier) if isinstance(identifier, dict) else _family.get(identifier)


@spelled
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
    if type(loss) is LossFunctionWrapper and loss.fn in _PAIRS:
        given = {"reduction": loss.reduction, "name": loss.name, "dtype": loss._dtype, **loss.fn_kwargs}
        return _PAIRS[loss.fn](**given)
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


@spelled
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


@spelled
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
    _refuse_what_is_not_here(name.get("class_name") if isinstance(name, dict) else name)
    return _family.deserialize(name, custom_objects)
