"""Optimizers are named as if none had been made before."""

import pytest

from fastconv.layers.layer import reset_names


@pytest.fixture(autouse=True)
def fresh_names():
    """Begin to number names anew."""
    reset_names()
