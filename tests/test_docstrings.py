"""The examples in docstrings run, and every public name has a docstring."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import fastconv
from fastconv.layers.layer import reset_names

MODULES = ["fastconv"] + sorted(
    module.name
    for module in pkgutil.walk_packages(fastconv.__path__, "fastconv.")
    if not module.name.startswith("fastconv.kernels._") and module.name != "fastconv._cyutility"
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    fastconv.utils.set_random_seed(0)
    reset_names()
    report = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    for test in doctest.DocTestFinder().find(module, extraglobs={"np": np}):
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_docstrings(name):
    module = importlib.import_module(name)
    public = [getattr(module, member) for member in getattr(module, "__all__", [])]
    described = [thing for thing in public if inspect.isfunction(thing) or inspect.isclass(thing)]
    assert [thing.__name__ for thing in described if not (thing.__doc__ or "").strip()] == []
