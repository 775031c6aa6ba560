"""Every public name of Keras's is there, or asking for it says why not; and there are no two tables of what is not."""

import importlib
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import pytest

import fastconv
from fastconv import absent

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.parity

MODULES = [
    "activations",
    "applications",
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
    "ops.image",
    "optimizers",
    "optimizers.schedules",
    "preprocessing",
    "preprocessing.image",
    "random",
    "regularizers",
    "saving",
    "utils",
]


def of_keras(module):
    owner = importlib.import_module(f"keras.{module}" if module else "keras")
    return {name for name in dir(owner) if not name.startswith("_")}


@pytest.mark.parametrize("module", ["", *MODULES], ids=lambda name: name or "keras")
def test_a_name_is_there_or_explained(module):
    name = f"fastconv.{module}" if module else "fastconv"
    ours = importlib.import_module(name)
    missing = {name for name in of_keras(module) if not hasattr(ours, name)}
    assert missing - set(absent.reasons(name)) == set()


# Not of Keras 3, but what older programs ask for; and other spellings of names that are looked up.
OLDER = {"ImageDataGenerator", "adafactor", "lamb", "muon", "schedulefreeadamw"}


@pytest.mark.parametrize("module", absent.TABLES)
def test_what_is_explained_is_a_name_of_keras_s(module):
    assert set(absent.reasons(module)) - of_keras(module.removeprefix("fastconv").removeprefix(".")) <= OLDER


# Of these Keras has only the class, or nothing of the kind.
OURS = {
    "config": "disable_fusion disable_winograd enable_fusion enable_winograd get_num_threads is_fusion_enabled "
    "is_winograd_enabled set_num_threads winograd_tile",
    "datasets": "fashion_mnist_small",
    "losses": "LossFunctionWrapper resolve",
    "metrics": "accuracy resolve",
    "models": "Functional Input",
    "ops": "vjp",
    "saving": "InvalidFileError",
    "": "show_config testing visualize",
}


@pytest.mark.parametrize("module", ["", *MODULES], ids=lambda name: name or "keras")
def test_names_of_our_own_are_few(module):
    ours = importlib.import_module(f"fastconv.{module}" if module else "fastconv")
    own = set(getattr(ours, "__all__", ())) - of_keras(module) - {"__version__"}
    assert own == set(OURS.get(module, "").split())


def test_modules_that_keras_has_are_checked_here():
    modules = {name for name in of_keras("") if importlib.util.find_spec(f"keras.{name}")}
    assert {name for name in modules if hasattr(fastconv, name)} == {name for name in MODULES if "." not in name}
