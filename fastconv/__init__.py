"""fastconv: convolutional networks on multi-core CPUs behind a Keras-compatible API.

``import fastconv as keras`` runs a Keras CNN tutorial. The floors of the house, each importing only from those below
it::

    F6  datasets  utils  preprocessing  random         what a person holds in the hand
        backend  visualize  testing  benchmark  __main__
    F5  models  callbacks  saving                  Sequential, the loops over batches, files
    F4  plan                                       from layers to the steps that run: lowering, fusion, one arena
    F3  layers  activations  initializers          Keras's names: state, settings, shapes
        regularizers  constraints  losses  metrics  optimizers  dtype_policies
    F2  ops                                        arrays in, arrays out, and the way back; reference: in plain NumPy
    F1  kernels                                    loops over floats: Cython, OpenMP, several instruction sets
    F0  runtime                                    what this computer and this build can do

The highest floor is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fastconv import (
    absent,
    activations,
    callbacks,
    config,
    constraints,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    regularizers,
    saving,
)
from fastconv._version import __version__
from fastconv.dtype_policies import DTypePolicy, FloatDTypePolicy
from fastconv.initializers import Initializer
from fastconv.layers import Input, InputSpec, Layer
from fastconv.layers.variable import Variable
from fastconv.losses import Loss
from fastconv.metrics import Metric
from fastconv.models import Model, Sequential
from fastconv.ops.symbolic import KerasTensor
from fastconv.optimizers import Optimizer
from fastconv.regularizers import Regularizer
from fastconv.runtime.config import show_config

if TYPE_CHECKING:
    from fastconv import backend, datasets, preprocessing, random, testing, utils, visualize

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "show_config",
    "testing",
    "utils",
    "version",
    "visualize",
]

# No network needs these.
_ON_FIRST_USE = (
    "applications",
    "backend",
    "datasets",
    "preprocessing",
    "random",
    "testing",
    "utils",
    "visualize",
)

__getattr__ = absent.of(__name__, lambda name: import_module(f"fastconv.{name}") if name in _ON_FIRST_USE else None)


def version():
    """Return the version of fastconv.

    Examples
    --------
    >>> version() == __version__
    True
    """
    return __version__


def __dir__():
    return sorted({*globals(), *_ON_FIRST_USE})
