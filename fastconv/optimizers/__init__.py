"""How weights change: optimizers as objects and by name.

Map: ``base`` (variables, the learning rate, the order of a step), ``inplace`` (clipping, decay, averages),
one file for each rule, ``schedules``; here the names.
"""

from fastconv.names import Family, by_name
from fastconv.optimizers import schedules
from fastconv.optimizers.adam import Adam, AdamW
from fastconv.optimizers.base import Optimizer
from fastconv.optimizers.rmsprop import RMSprop
from fastconv.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "deserialize", "get", "schedules", "serialize"]

_family = Family(
    "optimizer",
    "keras.optimizers",
    Optimizer,
    by_name((Adam, AdamW, RMSprop, SGD)) | {"adamw": AdamW, "rmsprop": RMSprop},
    functions=False,
    ignore_case=True,
)


def get(identifier):
    """Return the optimizer that a name, config, class or object stands for.

    Parameters
    ----------
    identifier : None, str, dict, type or Optimizer
        For example ``"adam"``, in upper or lower case.

    Returns
    -------
    Optimizer or None
        ``None`` for ``None``.

    Raises
    ------
    ValueError
        If it stands for no optimizer.

    Examples
    --------
    >>> get("sgd")
    <SGD name=sgd learning_rate=0.009999999776482582>
    >>> get("adma")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret optimizer identifier: 'adma'. Did you mean 'adam'?
    """
    return _family.get(identifier)


def serialize(optimizer):
    """Return a config from which `deserialize` makes an equal optimizer.

    Parameters
    ----------
    optimizer : Optimizer
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(SGD(0.5))["config"]["learning_rate"]
    0.5
    """
    return _family.serialize(optimizer)


def deserialize(config, custom_objects=None):
    """Make an optimizer from its config.

    Parameters
    ----------
    config : dict or str
        What `serialize` returned, or a name.
    custom_objects : dict, optional
        Classes of the user by name.

    Returns
    -------
    Optimizer
        The optimizer.

    Examples
    --------
    >>> deserialize({"class_name": "Adam", "config": {"learning_rate": 0.5}})
    <Adam name=adam learning_rate=0.5>
    """
    return _family.deserialize(config, custom_objects)
