"""What compile was given, as Keras's configs say it."""

from fastconv import losses, metrics, optimizers

_KINDS = {"loss": losses, "metrics": metrics, "weighted_metrics": metrics}
# What Keras writes beside them: not all of it has a meaning here.
_OTHERS = {"loss_weights": None, "run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}
_KNOWN = {"optimizer", *_KINDS, *_OTHERS, "auto_scale_loss"}


def description(optimizer, **arguments):
    """Return the config of an optimizer, a loss and metrics.

    Examples
    --------
    >>> description(optimizers.SGD(), loss="mse", metrics=["accuracy"])["metrics"]
    ['accuracy']
    """
    described = {key: _described(_KINDS[key], value) for key, value in arguments.items()}
    return {"optimizer": optimizers.serialize(optimizer), **_OTHERS, **described}


def _described(kind, value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return [_described(kind, one) for one in value]
    if isinstance(value, dict):
        return value if "class_name" in value else {key: _described(kind, one) for key, one in value.items()}
    if isinstance(value, type):
        value = value()
    if callable(value) and value is kind.__dict__.get(getattr(value, "__name__", None)):
        return value.__name__  # a function of ours, which goes by its name
    return kind.serialize(value)


def arguments(config):
    """Return the arguments of compile from a config.

    Examples
    --------
    >>> arguments({"optimizer": "sgd", "loss": "mse", "metrics": None})
    {'optimizer': 'sgd', 'loss': 'mse', 'metrics': None}

    Raises
    ------
    ValueError
        If the config is none, or names something unknown.
    """
    if not isinstance(config, dict) or not set(config) <= _KNOWN:
        raise ValueError(f"The config of compile is {config!r}; expected a dict with some of {sorted(_KNOWN)}.")
    found = {key: value for key, value in config.items() if key not in ("optimizer", "jit_compile", *_KINDS)}
    if "optimizer" in config:
        optimizer = config["optimizer"]
        found["optimizer"] = optimizers.deserialize(optimizer) if isinstance(optimizer, dict) else optimizer
    return {**found, **{key: _made(_KINDS[key], config[key]) for key in _KINDS if key in config}}


def _made(kind, value):
    if isinstance(value, (list, tuple)):
        return [_made(kind, one) for one in value]
    if isinstance(value, dict):
        return kind.deserialize(value) if "class_name" in value else {k: _made(kind, v) for k, v in value.items()}
    return value
