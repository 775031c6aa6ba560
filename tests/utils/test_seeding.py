"""set_random_seed: every source of random numbers starts anew."""

import random

import numpy as np
import pytest

from fastconv.runtime import seeds
from fastconv.utils import set_random_seed


@pytest.fixture(autouse=True)
def keep_states(monkeypatch):
    """Leave the sources of random numbers as they were."""
    monkeypatch.setattr(seeds, "_generator", seeds._generator)
    states = random.getstate(), np.random.get_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])


def draw():
    return [random.random(), np.random.random(), seeds.generator().random(), seeds.next_seed()]


def test_the_same_seed_gives_the_same_numbers():
    set_random_seed(5)
    first = draw()
    second = draw()
    set_random_seed(np.int64(5))
    assert draw() == first
    assert all(a != b for a, b in zip(first, second, strict=True))
    set_random_seed(6)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "7", None])
def test_bad_seeds_are_refused_and_change_nothing(seed):
    set_random_seed(1)
    first = draw()
    set_random_seed(1)
    with pytest.raises(ValueError, match="set_random_seed: seed="):
        set_random_seed(seed)
    assert draw() == first


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_ends_of_the_range_are_allowed(seed):
    set_random_seed(seed)
    first = draw()
    set_random_seed(seed)
    assert draw() == first
