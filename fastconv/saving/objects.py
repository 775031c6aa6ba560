"""From objects to what Keras's configs say of them, and back.

A class is looked up in the tables of the library and among what the user registered; a module that a config names is
never imported, and no config holds code.
"""

from contextlib import contextmanager

import numpy as np

from fastconv import activations, constraints, initializers, layers, losses, metrics, names, optimizers, regularizers
from fastconv.layers.layer import Layer
from fastconv.names import Family, may_be_own
from fastconv.optimizers import schedules
from fastconv.saving.registration import CustomObjectScope, get_registered_object

# Models, with the module and the registered name that Keras writes.
_MODELS = {
    "Sequential": ("keras", None),
    "Functional": ("keras.src.models.functional", "Functional"),
    "Model": ("keras", None),
}
_PLAIN = (str, int, float, bool, type(None))

# By a word in the name of Keras's modules: who makes what lies there.
_MAKERS = {
    "layers": layers,
    "optimizers": optimizers,
    "schedules": schedules,
    "losses": losses,
    "metrics": metrics,
    "initializers": initializers,
    "regularizers": regularizers,
    "constraints": constraints,
    "activations": activations,
}
_BASES = {
    Layer: layers,
    optimizers.Optimizer: optimizers,
    schedules.LearningRateSchedule: schedules,
    losses.Loss: losses,
    metrics.Metric: metrics,
    initializers.Initializer: initializers,
    regularizers.Regularizer: regularizers,
    constraints.Constraint: constraints,
}


@contextmanager
def trusting(safe_mode):
    """Say whether what is read in the block is trusted (``safe_mode=False``).

    Examples
    --------
    >>> with trusting(safe_mode=True):
    ...     names.TRUSTED.get()
    False
    """
    token = names.TRUSTED.set(safe_mode is False)
    try:
        yield
    finally:
        names.TRUSTED.reset(token)


def serialize_keras_object(obj):
    """Return what a config says of an object.

    Parameters
    ----------
    obj : object
        Plain values, lists, tuples and dicts of them, arrays, layers, models, losses, ..., functions with a name.

    Returns
    -------
    object
        Plain values, lists and dicts, from which `deserialize_keras_object` makes an equal object.

    Raises
    ------
    ValueError
        If it cannot be described: a lambda, or an object without ``get_config``.

    Examples
    --------
    >>> import fastconv as keras
    >>> serialize_keras_object(keras.layers.Flatten(name="flat"))["class_name"]
    'Flatten'
    >>> serialize_keras_object([1, (2, None)])
    [1, (2, None)]
    """
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, (list, tuple)):
        return type(obj)(serialize_keras_object(value) for value in obj)
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    for base, maker in _BASES.items():
        if isinstance(obj, base) and not hasattr(obj, "layers"):
            build = obj.build_entry() if base is Layer else {}
            return {**maker.serialize(obj), **build}
    if hasattr(obj, "layers"):
        return _serialize_model(obj)
    return Family("object", "keras", object, {}).serialize(obj)


def _serialize_model(model):
    own = type(model).__module__.startswith("fastconv.")
    mine = None if type(model).__module__ == "__main__" else type(model).__module__
    registered = [name for name, thing in names.CUSTOM_OBJECTS.items() if thing is type(model)]
    name = type(model).__name__
    module, registered_name = _MODELS[name] if own else (mine, (registered or [name])[0])
    entry = {
        "module": module,
        "class_name": name,
        "config": model.get_config(),
        "registered_name": registered_name,
    }
    return {**entry, "build_config": {"input_shape": model.input_shape}} if model.built else entry


def deserialize_keras_object(config, custom_objects=None, safe_mode=True, **kwargs):
    """Make an object from its config.

    Parameters
    ----------
    config : object
        What `serialize_keras_object` returned.
    custom_objects : dict, optional
        Classes and functions of the user, by the names that the config uses.
    safe_mode : bool
        False: classes of modules that the program has imported already may be named without being registered.
    **kwargs
        None are known.

    Returns
    -------
    object
        The object.

    Raises
    ------
    ValueError
        If the config names something unknown, or holds code.
    TypeError
        If a class does not accept its settings.

    Examples
    --------
    >>> import fastconv as keras
    >>> deserialize_keras_object(serialize_keras_object(keras.layers.Flatten(name="flat"))).name
    'flat'
    """
    if kwargs:
        raise ValueError(f"deserialize_keras_object: unknown arguments {sorted(kwargs)}.")
    with CustomObjectScope(custom_objects), trusting(safe_mode):
        return restored(config)


def restored(config, kind=None):
    """Make an object from its config, within a scope; `kind` is the word for its module if it names none."""
    if isinstance(config, (list, tuple)):
        return type(config)(restored(value) for value in config)
    if not isinstance(config, dict):
        return config
    name = config.get("class_name")
    if name is None:
        return {key: restored(value) for key, value in config.items()}
    if isinstance(name, str) and name in _SPECIAL:
        return _SPECIAL[name](config.get("config"))
    if name in _MODELS and may_be_own(config):
        return _model(name, config.get("config"))
    maker = _maker(config.get("module"), kind)
    if maker is layers and name == "Lambda":
        _check_lambda(config)
    if maker is not None:
        return maker.deserialize(config)
    return _users(config)


def _maker(module, kind):
    words = module.split(".") if isinstance(module, str) else []
    found = [_MAKERS[word] for word in words if word in _MAKERS] if words and words[0] in names._OWN_MODULES else []
    return found[-1] if found else _MAKERS.get(kind)


def _model(name, config):
    from fastconv import models

    cls = getattr(models, name, None)
    if not hasattr(cls, "from_config"):
        raise ValueError(f"The config describes a model of the kind {name!r}, which is not supported.")
    if not isinstance(config, dict):
        raise ValueError(f"The config of the {name} is {config!r}; expected a dict.")
    return cls.from_config(config)


def _users(config):
    """Make an object of a class of the user, or find a function."""
    name, registered = config["class_name"], config.get("registered_name")
    if name == "function":
        return _function(config)
    found = None
    for key in (registered, name):
        if found is None and isinstance(key, str):
            found = get_registered_object(key)
    if found is None and isinstance(name, str) and not may_be_own(config):
        found = names.imported(config.get("module"), name)
    if not isinstance(found, type) or not hasattr(found, "from_config"):
        raise ValueError(
            f"The config names the class {registered or name!r}, which is not registered. If it is yours, register it "
            f"with register_keras_serializable, or pass custom_objects={{{name!r}: ...}}."
        )
    settings = config.get("config")
    return found.from_config(dict(settings) if isinstance(settings, dict) else {})


def _function(config):
    """Return a function by its name: registered, an activation, a loss or a metric."""
    for maker in (activations, losses, metrics):
        try:
            return maker.deserialize(config)
        except ValueError as error:
            last = error
    raise last


def _check_lambda(config):
    """Raise unless a Lambda names a function that the user has registered or passed."""
    settings = config.get("config")
    function = settings.get("function") if isinstance(settings, dict) else None
    what = function.get("class_name") if isinstance(function, dict) else None
    if what == "function" and any(
        isinstance(key, str) and get_registered_object(key) is not None
        for key in (function.get("registered_name"), function.get("config"))
    ):
        return
    _refuse_code(function if what == "__lambda__" else None)


def _refuse_code(config):
    raise ValueError(
        f"The config has a Lambda whose function is "
        f"{'Python code in the file' if config is not None else 'not registered'}. fastconv runs no code from files, "
        "with safe_mode=False neither: write the function by name, and pass custom_objects={name: function} to the one "
        "who loads."
    )


def _array(config):
    array = np.asarray(config["value"])
    if array.dtype.kind not in "fiub":
        raise ValueError(f"The config has an array of {array.dtype}; expected numbers.")
    return array.astype(config.get("dtype") or array.dtype)


# Class names that stand for plain values.
_SPECIAL = {
    "__numpy__": _array,
    "__tensor__": _array,
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__lambda__": _refuse_code,
    "DTypePolicy": lambda config: config["name"],
}
