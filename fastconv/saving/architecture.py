"""Models without their weights: as JSON, and copied."""

from fastconv.layers.variable import MADE_BY
from fastconv.names import meant, spelled
from fastconv.saving import bounds, objects, text
from fastconv.saving.errors import VALUES, InvalidFileError, reading
from fastconv.saving.model_files import Bound
from fastconv.saving.registration import CustomObjectScope


def to_json(model, **kwargs):
    """Return what a model is made of as JSON; see `fastconv.models.model_from_json`.

    Parameters
    ----------
    model : Model
        The model.
    **kwargs
        For ``json.dumps``.

    Returns
    -------
    str
        The text. It holds neither weights nor how the model was compiled.

    Examples
    --------
    >>> import fastconv as keras
    >>> to_json(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]))[:46]
    '{"module": "keras", "class_name": "Sequential"'
    """
    import json

    return json.dumps(objects.serialize_keras_object(model), **kwargs)


@spelled
def model_from_json(json_string, custom_objects=None):
    """Make a model, with new weights and not compiled, from what ``model.to_json()`` returned.

    Parameters
    ----------
    json_string : str
        The text, by fastconv or by Keras.
    custom_objects : dict, optional
        Classes and functions of your own, by the names that the text uses.

    Returns
    -------
    Model
        The model.

    Raises
    ------
    ValueError
        If the text is broken, or describes what is not supported.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> keras.models.model_from_json(model.to_json()).output_shape
    (None, 3)
    """
    if not isinstance(json_string, (str, bytes)):
        raise TypeError(f"model_from_json: json_string={json_string!r} is not a text.")
    config = text.parse("model_from_json", json_string)
    bounds.check("model_from_json", config)
    token = MADE_BY.set(Bound("model_from_json", VALUES))
    try:
        with (
            CustomObjectScope(custom_objects),
            objects.trusting(safe_mode=True),
            reading("model_from_json: what the text describes"),
        ):
            model = objects.restored(config, "layers")
    finally:
        MADE_BY.reset(token)
    if not hasattr(model, "get_layer"):
        raise InvalidFileError(f"model_from_json: the text describes a {type(model).__name__}; expected a model.")
    return model


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False, **kwargs):
    """Return a model of new layers of the same settings, with new weights.

    Parameters
    ----------
    model : Model
        The model.
    input_tensors : KerasTensor, or list, tuple or dict of them, optional
        What a functional model is made between; new inputs by default.
    call_function : None
        Not supported.
    clone_function : callable, optional
        Makes a layer from a layer; by default by its config.
    recursive : bool
        Whether `clone_function` sees the layers of models within the model, in place of those models.
    **kwargs
        None are known.

    Returns
    -------
    Model
        The copy, compiled as the model is, with an optimizer and metrics of its own that begin anew.

    Raises
    ------
    NotImplementedError
        If what is not supported is given.
    ValueError
        If the model is none.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> copy = keras.models.clone_model(model)
    >>> copy.output_shape, copy.layers[0] is model.layers[0]
    ((None, 3), False)
    """
    if kwargs:
        raise ValueError(f"clone_model: unknown arguments {sorted(kwargs)}.{meant(clone_model, kwargs)}")
    if call_function is not None:
        raise NotImplementedError(f"clone_model: call_function={call_function!r} is not supported; leave it out.")
    if not hasattr(model, "get_layer") or not hasattr(model, "from_config"):
        raise ValueError(f"clone_model: model={model!r} is not a model that can be cloned.")
    if clone_function is not None and not callable(clone_function):
        raise ValueError(f"clone_model: clone_function={clone_function!r} is not a function.")
    copy = _copied(model, input_tensors, clone_function, recursive)
    if model.compiled:
        copy.compile(**{key: _fresh(value) for key, value in model.compile_arguments.items()})
    return copy


def _copied(model, input_tensors, clone_function, recursive):
    """Return the copy, not compiled."""
    is_chain = hasattr(model, "add")
    if is_chain and input_tensors is not None:
        raise NotImplementedError(
            f"clone_model: input_tensors={input_tensors!r} for a Sequential is not supported; "
            "clone it without and call the copy on the tensor."
        )
    if clone_function is None and is_chain:
        return type(model).from_config(model.get_config())

    def clone(layer):
        if hasattr(layer, "get_layer") and (recursive or clone_function is None):
            return clone_model(layer, clone_function=clone_function, recursive=recursive)
        return type(layer).from_config(layer.get_config()) if clone_function is None else clone_function(layer)

    if not is_chain:
        return model.cloned(clone, input_tensors)
    copy = type(model)(name=model.name)
    if model._input is not None:
        copy.add(type(model._input).from_config(model._input.get_config()))
    for layer in model.layers:
        copy.add(clone(layer))
    return copy


def _fresh(value):
    """Return what compile was given, with new optimizers, losses and metrics of the same settings."""
    if isinstance(value, dict):
        return {key: _fresh(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_fresh(part) for part in value)
    is_object = hasattr(value, "get_config") and not isinstance(value, type)
    return type(value).from_config(value.get_config()) if is_object else value
