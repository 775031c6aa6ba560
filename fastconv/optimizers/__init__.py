"""How weights change: optimizers as objects and by name.

Map: ``arguments`` (what may be given), ``state`` (what is kept: learning rate, slots), ``base`` (both together, and the
public calls), ``step`` (the order of what happens in a step), ``sweep`` (one compiled pass over all weights), one file
for each rule, ``schedules``; here the names.
"""

from fastconv import absent
from fastconv.names import Family, spelled
from fastconv.optimizers import schedules
from fastconv.optimizers.adadelta import Adadelta
from fastconv.optimizers.adagrad import Adagrad
from fastconv.optimizers.adam import Adam, AdamW
from fastconv.optimizers.adamax import Adamax
from fastconv.optimizers.base import Optimizer
from fastconv.optimizers.ftrl import Ftrl
from fastconv.optimizers.lion import Lion
from fastconv.optimizers.nadam import Nadam
from fastconv.optimizers.rmsprop import RMSprop
from fastconv.optimizers.sgd import SGD

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "SGD",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

__getattr__ = absent.of(__name__)

_RULES = (Adadelta, Adagrad, Adam, Adamax, AdamW, Ftrl, Lion, Nadam, RMSprop, SGD)
_family = Family(
    "optimizer",
    "keras.optimizers",
    Optimizer,
    {cls.__name__: cls for cls in _RULES} | {cls.__name__.lower(): cls for cls in _RULES},
    functions=False,
    ignore_case=True,
)


@spelled
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
    >>> get("adm")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret optimizer identifier: 'adm'. Did you mean 'adam'?
    """
    return _family.get(identifier)


@spelled
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


@spelled
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
