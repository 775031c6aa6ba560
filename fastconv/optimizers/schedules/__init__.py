"""Learning rates that depend on the step.

A schedule is called with the number of steps done and returns the learning rate of the next one. Map: ``base``, and one
file for each kind: ``decay``, ``piecewise``, ``cosine``.
"""

from fastconv.names import Family, by_name, spelled
from fastconv.optimizers.schedules.base import LearningRateSchedule
from fastconv.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from fastconv.optimizers.schedules.decay import ExponentialDecay, InverseTimeDecay, PolynomialDecay
from fastconv.optimizers.schedules.piecewise import PiecewiseConstantDecay

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

_family = Family(
    "learning rate schedule",
    "keras.optimizers.schedules",
    LearningRateSchedule,
    by_name(
        (
            CosineDecay,
            CosineDecayRestarts,
            ExponentialDecay,
            InverseTimeDecay,
            PiecewiseConstantDecay,
            PolynomialDecay,
        )
    ),
)


@spelled
def serialize(learning_rate_schedule):
    """Return a config from which `deserialize` makes an equal schedule.

    Parameters
    ----------
    learning_rate_schedule : LearningRateSchedule
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(CosineDecay(0.1, 10))["class_name"]
    'CosineDecay'
    """
    return _family.serialize(learning_rate_schedule)


@spelled
def deserialize(config, custom_objects=None):
    """Make a schedule from its config.

    Parameters
    ----------
    config : dict
        What `serialize` returned.
    custom_objects : dict, optional
        Classes of the user by name.

    Returns
    -------
    LearningRateSchedule
        The schedule.

    Examples
    --------
    >>> deserialize(serialize(CosineDecay(0.1, 10)))(0)
    0.1
    """
    return _family.deserialize(config, custom_objects)
