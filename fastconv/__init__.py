"""fastconv: convolutional networks on multi-core CPUs behind a Keras-compatible API.

``import fastconv as keras`` runs a Keras CNN tutorial. The floors of the house, each importing only from those below
it::

    F6  datasets  utils  visualize  testing  benchmark  __main__
                                                   what a person holds in the hand
    F5  models  callbacks  saving                  Sequential, the loops over batches, files
    F4  plan                                       from layers to the steps that run: lowering, fusion, one arena
    F3  layers  activations  initializers          Keras's names: state, settings, shapes
        regularizers  constraints  losses  metrics  optimizers
    F2  ops                                        arrays in, arrays out, and the way back; reference: in plain NumPy
    F1  kernels                                    loops over floats: Cython, OpenMP, several instruction sets
    F0  runtime                                    what this computer and this build can do

The highest floor is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fastconv import (
    activations,
    callbacks,
    config,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    regularizers,
    saving,
)
from fastconv._version import __version__
from fastconv.layers import Input, Layer
from fastconv.layers.variable import Variable
from fastconv.models import Model, Sequential
from fastconv.ops.symbolic import KerasTensor
from fastconv.runtime.config import show_config

if TYPE_CHECKING:
    from fastconv import datasets, testing, utils, visualize

__all__ = [
    "Input",
    "KerasTensor",
    "Layer",
    "Model",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "regularizers",
    "saving",
    "show_config",
    "testing",
    "utils",
    "visualize",
]

_ON_FIRST_USE = ("datasets", "testing", "utils", "visualize")  # a network needs none of them


def __getattr__(name):
    if name in _ON_FIRST_USE:
        return import_module(f"fastconv.{name}")
    raise AttributeError(f"module 'fastconv' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_ON_FIRST_USE})
