"""How long idle threads spin: the user's word comes first, and nothing of ours is left behind."""

import pytest

from fastconv.runtime import spinning

SEEN = "import os, fastconv; print(os.environ.get('GOMP_SPINCOUNT'), os.environ.get('OMP_WAIT_POLICY'))"


def test_the_environment_is_as_before(run_python):
    assert run_python(SEEN) == "None None"


@pytest.mark.parametrize(("name", "value"), [("GOMP_SPINCOUNT", "7"), ("OMP_WAIT_POLICY", "active")])
def test_what_the_user_set_stays(run_python, name, value):
    assert value in run_python(SEEN, **{name: value}).split()


@pytest.mark.parametrize("variables", [{"OMP_WAIT_POLICY": "passive"}, {"OMP_WAIT_POLICY": "active"}, {}])
def test_openmp_is_not_touched_where_the_user_chose(monkeypatch, variables):
    seen = []
    for name in spinning.OPENMP_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(spinning.os, "environ", Noting(spinning.os.environ, seen))
    spinning.load()
    assert seen == ([] if variables or spinning.sys.platform != "linux" else [("GOMP_SPINCOUNT", "50000")])


class Noting(dict):
    """An environment that notes what is set in it."""

    def __init__(self, values, seen):
        super().__init__(values)
        self.seen = seen

    def __setitem__(self, name, value):
        self.seen.append((name, value))
        super().__setitem__(name, value)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, True),
        ({"OMP_WAIT_POLICY": "active"}, True),
        ({"OMP_WAIT_POLICY": " PASSIVE "}, False),
        ({"GOMP_SPINCOUNT": "0"}, False),
        ({"GOMP_SPINCOUNT": "300000"}, True),
        ({"GOMP_SPINCOUNT": "infinite"}, True),
    ],
)
def test_who_spins(monkeypatch, variables, expected):
    for name in spinning.OPENMP_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert spinning.spins() is expected
