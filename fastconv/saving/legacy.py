"""The ``.h5`` files of Keras 2, which Keras 3 still writes: whole models, and weights alone. They are read only."""

from fastconv.runtime import caller
from fastconv.saving import bounds, h5, text
from fastconv.saving.errors import InvalidFileError
from fastconv.saving.model_files import built, compiled

# What older configs call otherwise: {class: {old name: new name}}; None: it has gone.
_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}, "InputLayer": {"batch_input_shape": "batch_shape"}}
_GONE = {"DepthwiseConv2D": ("groups",), "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer",
         "kernel_constraint")}  # fmt: skip
_TRAINING = ("loss", "metrics", "weighted_metrics", "loss_weights", "run_eagerly", "steps_per_execution", "jit_compile")


def load_model(owner, path, compile):
    """Return the model of a file.

    Parameters
    ----------
    owner : str
        Who reads what.
    path : str
        The file.
    compile : bool
        Whether it is compiled as it was.

    Returns
    -------
    Model
        The model.
    """
    with h5.opened(owner, path) as survey:
        described = survey.texts("", "model_config")
        if described is None:
            raise InvalidFileError(f"{owner}: it has no 'model_config': it holds weights only, or something else.")
        config = _modern(text.parse(owner, described[0]))
        bounds.check(owner, config)
        if "model_weights" not in survey.groups:
            raise InvalidFileError(f"{owner}: it has no group 'model_weights'.")
        model = built(owner, config, survey, "layers")
        if model.built:
            _fill(owner, survey, "model_weights", model, False)
        training = survey.texts("", "training_config") if compile else None
        if training is not None:
            training = text.parse(owner, training[0])
            bounds.check(owner, training)
            _compile(owner, survey, model, training)
    return model


def load_weights(owner, path, model, skip_mismatch, by_name):
    """Fill a model from a file of weights, or of a whole model; see `fastconv.saving.load_weights`."""
    with h5.opened(owner, path) as survey:
        whole = survey.texts("", "layer_names") is None and "model_weights" in survey.groups
        _fill(owner, survey, "model_weights" if whole else "", model, skip_mismatch, by_name)


def _modern(config):
    """Return a config in today's names, with no more nesting than it had."""
    if isinstance(config, list):
        return [_modern(value) for value in config]
    if not isinstance(config, dict):
        return config
    kind, settings = config.get("class_name"), config.get("config")
    if kind == "Sequential" and isinstance(settings, list):  # the oldest ones
        config = {**config, "config": {"name": "sequential", "layers": settings}}
    elif isinstance(kind, str) and isinstance(settings, dict):
        gone, renamed = _GONE.get(kind, ()), _RENAMED.get(kind, {})
        settings = {renamed.get(key, key): value for key, value in settings.items() if key not in gone}
        axis = settings.get("axis")
        if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
            settings["axis"] = axis[0]
        config = {**config, "config": settings}
    return {key: _modern(value) for key, value in config.items()}


def _weights_of(layer):
    """Return a layer's weights in the order of these files: those that are trained first."""
    weights = list(layer.weights)
    return [v for v in weights if v.is_parameter] + [v for v in weights if not v.is_parameter]


def _path(start, name):
    return f"{start}/{name}" if start else name


def _datasets(owner, survey, path):
    """Return the datasets of a layer's group, in their order."""
    names = survey.texts(path, "weight_names") or []
    found = [survey.datasets.get(_path(path, name)) for name in names]
    if None in found:
        raise InvalidFileError(f"{owner}: the group {path!r} has no weight {names[found.index(None)]!r}.")
    return found


def _fill(owner, survey, start, model, skip_mismatch, by_name=False):
    """Fill the layers of a model, all or none."""
    names = survey.texts(start, "layer_names")
    if names is None:
        raise InvalidFileError(f"{owner}: it has no 'layer_names': it holds no weights of Keras's older format.")
    for name in names:
        if _path(start, name) not in survey.groups:
            raise InvalidFileError(f"{owner}: it has no group for the layer {name!r}, which it lists.")
    saved = [(name, _datasets(owner, survey, _path(start, name))) for name in names]
    pairs = []
    for name, layer, datasets in _matches(owner, model, saved, by_name):
        pairs += _fitting(owner, name, layer, datasets, skip_mismatch)
    arrays = [survey.read(item, variable.shape) for variable, item in pairs]
    for (variable, _), array in zip(pairs, arrays, strict=True):
        variable.assign(array)


def _matches(owner, model, saved, by_name):
    """Return (name in the file, layer, datasets) for the layers that are filled: by their names, or one by one."""
    if by_name:
        layers = {layer.name: layer for layer in model.layers}
        return [(name, layers[name], datasets) for name, datasets in saved if name in layers]
    layers = [layer for layer in model.layers if layer.weights]
    saved = [(name, datasets) for name, datasets in saved if datasets]
    if len(saved) != len(layers):
        raise InvalidFileError(
            f"{owner}: Layer count mismatch when loading weights from file. Model expected {len(layers)} layers, found "
            f"{len(saved)} saved layers."
        )
    return [(name, layer, datasets) for layer, (name, datasets) in zip(layers, saved, strict=True)]


def _fitting(owner, name, layer, datasets, skip_mismatch):
    """Return pairs of variables and datasets; what does not fit is left out with a warning, or raises."""
    weights = _weights_of(layer)
    complaint = None
    if len(weights) != len(datasets):
        complaint = f"Layer expects {len(weights)} weight(s). Received {len(datasets)} saved weight(s)"
    pairs = []
    for variable, item in zip(weights, datasets, strict=False):
        if variable.shape == item.shape:
            pairs.append((variable, item))
        elif complaint is None:
            complaint = f"Weight {variable.path} expects shape {variable.shape}. Received shape {item.shape}"
    if complaint is None:
        return pairs
    message = f"{owner}: mismatch in layer {layer.name!r} (named {name!r} in the file). {complaint}."
    if not skip_mismatch:
        raise InvalidFileError(message)
    caller.warn(f"{message} Skipped.")
    return pairs if len(weights) == len(datasets) else []


def _compile(owner, survey, model, training):
    settings = {key: training[key] for key in _TRAINING if training.get(key) is not None}
    settings["optimizer"] = training.get("optimizer_config")
    group = "optimizer_weights"
    saved = _datasets(owner, survey, group) if group in survey.groups else []
    compiled(owner, model, settings, len(saved))
    variables = model.optimizer.variables
    if not saved:
        return
    if [item.shape for item in saved] != [variable.shape for variable in variables]:
        caller.warn(f"{owner}: the optimizer's state is of another kind, so it begins anew.")
        return
    for variable, item in zip(variables, saved, strict=True):
        variable.assign(survey.read(item, variable.shape))
