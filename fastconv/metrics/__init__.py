"""What training reports: metrics as objects, as functions, and by name.

Map: ``base`` (state, result, reset), ``reduction`` (sums and means), ``accuracy``, ``probabilistic``, ``regression``,
``margin`` and ``correlation`` (means of functions), ``outcomes`` (counting yes and no at thresholds), ``confusion`` and
``curves`` (made of these counts), ``fscore``, ``iou``; here the names.
"""

from fastconv import losses
from fastconv.losses import (
    Loss,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kind_of_labels,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from fastconv.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from fastconv.metrics.base import (
    Metric,
)
from fastconv.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from fastconv.metrics.correlation import (
    ConcordanceCorrelation,
    PearsonCorrelation,
    concordance_correlation,
    pearson_correlation,
)
from fastconv.metrics.curves import (
    AUC,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from fastconv.metrics.fscore import (
    F1Score,
    FBetaScore,
)
from fastconv.metrics.iou import (
    BinaryIoU,
    IoU,
    MeanIoU,
    OneHotIoU,
    OneHotMeanIoU,
)
from fastconv.metrics.margin import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
)
from fastconv.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
)
from fastconv.metrics.reduction import (
    Mean,
    MeanMetricWrapper,
    Sum,
)
from fastconv.metrics.regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    R2Score,
    RootMeanSquaredError,
)
from fastconv.names import Family, by_name, spelled

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "accuracy",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "resolve",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

_CLASSES = (
    AUC,
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    BinaryIoU,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    F1Score,
    FBetaScore,
    FalseNegatives,
    FalsePositives,
    Hinge,
    IoU,
    KLDivergence,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanIoU,
    MeanMetricWrapper,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    OneHotIoU,
    OneHotMeanIoU,
    PearsonCorrelation,
    Poisson,
    Precision,
    PrecisionAtRecall,
    R2Score,
    Recall,
    RecallAtPrecision,
    RootMeanSquaredError,
    SensitivityAtSpecificity,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SpecificityAtSensitivity,
    SquaredHinge,
    Sum,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
)
_ALIASES = {
    "bce": BinaryCrossentropy,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}
_family = Family(
    "metric",
    "keras.metrics",
    Metric,
    {**by_name(_CLASSES), **_ALIASES, **{name.upper(): cls for name, cls in _ALIASES.items()}},
)

# Names that mean another metric for each kind of labels.
_ACCURACIES = {
    "binary": BinaryAccuracy,
    "categorical": CategoricalAccuracy,
    "sparse": SparseCategoricalAccuracy,
}
_CROSSENTROPIES = {
    "binary": BinaryCrossentropy,
    "categorical": CategoricalCrossentropy,
    "sparse": SparseCategoricalCrossentropy,
}
_BY_SHAPE = {
    "accuracy": _ACCURACIES,
    "acc": _ACCURACIES,
    "crossentropy": _CROSSENTROPIES,
    "ce": _CROSSENTROPIES,
}


@spelled
def get(identifier):
    """Return the metric that a name, config, class, function or object stands for.

    Parameters
    ----------
    identifier : None, str, dict, type, callable or Metric
        For example ``"mse"`` or ``"SparseCategoricalAccuracy"``; names always give objects.

    Returns
    -------
    Metric, callable or None
        ``None`` for ``None``.

    Raises
    ------
    ValueError
        If it stands for no metric.

    Examples
    --------
    >>> get("mse")
    <MeanSquaredError name=mean_squared_error>
    >>> get("accurcy")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret metric identifier: 'accurcy'. Did you mean 'accuracy'?
    """
    return deserialize(identifier) if isinstance(identifier, dict) else _family.get(identifier)


@spelled
def resolve(identifier, y_true_shape, y_pred_shape):
    """Return the metric that training uses for what was given to ``compile``.

    Parameters
    ----------
    identifier : str, dict, type, callable or Metric
        What `get` understands; what ``"accuracy"``, ``"acc"``, ``"crossentropy"`` and ``"ce"`` mean, the
        shapes decide.
    y_true_shape, y_pred_shape : tuple
        The shapes of labels and predictions, with ``None`` for unknown lengths.

    Returns
    -------
    Metric
        Named like the string that was given, if it was one, or like the function.

    Raises
    ------
    ValueError
        If it stands for no metric.

    Examples
    --------
    >>> resolve("acc", (None,), (None, 10))
    <SparseCategoricalAccuracy name=acc>
    >>> resolve("accuracy", (None, 1), (None, 1))
    <BinaryAccuracy name=accuracy>
    """
    if identifier is None:
        raise ValueError("Expected a metric; got None.")
    if isinstance(identifier, str):
        by_shape = _BY_SHAPE.get(identifier.lower())
        found = by_shape[kind_of_labels(y_true_shape, y_pred_shape)]() if by_shape else get(identifier)
    else:
        found = get(identifier)
    if not isinstance(found, Metric):
        name = found.name if isinstance(found, Loss) else getattr(found, "__name__", type(found).__name__)
        found = MeanMetricWrapper(found, name=name)
    if isinstance(identifier, str):
        found.name = identifier
    return found


@spelled
def serialize(metric):
    """Return a config from which `deserialize` makes an equal metric.

    Parameters
    ----------
    metric : Metric or function
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(Mean())["config"]
    {'name': 'mean', 'dtype': 'float32'}
    """
    return _family.serialize(metric)


# The functions that configs may name: names in snake case mean objects elsewhere.
_FUNCTIONS = Family(
    "metric",
    "keras.metrics",
    Metric,
    {name: losses.get(name) for name in ("bce", "kld", "mae", "mape", "mse", "msle")}
    | {
        function.__name__: function
        for function in (
            accuracy,
            binary_accuracy,
            binary_crossentropy,
            binary_focal_crossentropy,
            categorical_accuracy,
            categorical_crossentropy,
            categorical_focal_crossentropy,
            categorical_hinge,
            concordance_correlation,
            hinge,
            huber,
            kl_divergence,
            log_cosh,
            mean_absolute_error,
            mean_absolute_percentage_error,
            mean_squared_error,
            mean_squared_logarithmic_error,
            pearson_correlation,
            poisson,
            sparse_categorical_accuracy,
            sparse_categorical_crossentropy,
            sparse_top_k_categorical_accuracy,
            squared_hinge,
            top_k_categorical_accuracy,
        )
    },
)


@spelled
def deserialize(config, custom_objects=None):
    """Make a metric from its config.

    Parameters
    ----------
    config : dict or str
        What `serialize` returned, or a name.
    custom_objects : dict, optional
        Classes and functions of the user by name.

    Returns
    -------
    Metric or function
        The metric.

    Examples
    --------
    >>> deserialize({"class_name": "Mean", "config": {"name": "m"}})
    <Mean name=m>
    """
    if isinstance(config, dict) and config.get("class_name") == "function":
        return _FUNCTIONS.deserialize(config, custom_objects)
    return _family.deserialize(config, custom_objects)
