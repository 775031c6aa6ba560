"""Names that are not here: who asks for one is told why."""

import importlib

import pytest

import fastconv
from fastconv import absent


def test_no_name_is_given_two_reasons_and_none_is_there():
    for module, table in absent.TABLES.items():
        names = [name for names in table.values() for name in names.split()]
        assert len(set(names)) == len(names), module
        assert [name for name in names if name in vars(importlib.import_module(module))] == []


@pytest.mark.parametrize("module", absent.TABLES)
def test_every_module_of_the_table_tells_its_reasons(module):
    owner = importlib.import_module(module)
    for name, reason in absent.reasons(module).items():
        assert not hasattr(owner, name)
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        assert str(caught.value) == f"module {module!r} has no {name!r}: {reason}."


def test_a_from_import_tells_the_reason_too():
    with pytest.raises(
        ImportError, match="cannot import name 'LSTM': module 'fastconv.layers' has no 'LSTM': recurrent"
    ):
        from fastconv.layers import LSTM  # noqa: F401
    with pytest.raises(ImportError, match="cannot import name 'VGG16': .* models.load_model reads"):
        from fastconv.applications import VGG16  # noqa: F401


def test_misspelt_names_get_a_suggestion():
    with pytest.raises(AttributeError, match=r"has no attribute 'Conv2d'\. Did you mean 'Conv2D'\?"):
        fastconv.layers.Conv2d  # noqa: B018 (looking is the test)
    with pytest.raises(ImportError, match=r"has no attribute 'lyers'\. Did you mean 'layers'\?"):
        from fastconv import lyers  # noqa: F401


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (lambda: fastconv.optimizers.get("Adafactor"), "optimizer identifier: 'Adafactor' is not supported: Adam"),
        (lambda: fastconv.optimizers.get("muon"), "optimizer identifier: 'muon' is not supported: Adam"),
        (lambda: fastconv.initializers.get("STFT"), "initializer identifier: 'STFT' is not supported: words"),
        (
            lambda: fastconv.layers.deserialize({"class_name": "LSTM", "config": {}}),
            "layer identifier: 'LSTM' is not supported: recurrent",
        ),
    ],
)
def test_what_is_looked_up_by_name_is_explained_too(look, words):
    with pytest.raises(ValueError, match=words):
        look()
