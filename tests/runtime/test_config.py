"""What show_config() and info() say."""

import json
import platform

import numpy as np
import pytest

from fastconv.runtime import _cpu, config


@pytest.fixture
def section():
    facts = {"kernels_in_use": "avx2", "built": ["scalar", "avx2"], "missing": None}
    config.register("guests", lambda: facts)
    yield
    config.unregister("guests")


def test_versions():
    versions = config.info()["versions"]
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == np.__version__


def test_threads_and_why():
    facts = config.info()["threads"]
    assert facts["threads"] >= 1
    assert facts["limits"]["processors"] >= 1


def test_info_goes_through_json(section):
    assert json.loads(json.dumps(config.info())) == config.info()


def test_a_registered_section_is_asked_each_time():
    answers = iter([{"n": 1}, {"n": 2}])
    config.register("counter", lambda: next(answers))
    assert [config.info()["counter"]["n"], config.info()["counter"]["n"]] == [1, 2]
    config.unregister("counter")
    assert "counter" not in config.info()


def test_a_section_must_be_callable():
    with pytest.raises(TypeError, match="section 'guests' is not callable"):
        config.register("guests", {"built": []})


def test_show_config_prints_every_section(section, capsys):
    config.show_config()
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == list(config.info())
    assert "  kernels in use avx2" in lines
    assert "  built        scalar avx2" in lines
    assert "  missing      -" in lines


def test_sizes_are_printed_for_people(capsys, monkeypatch):
    monkeypatch.setattr(_cpu, "cache_sizes", lambda: (49152, 2097152, 0))
    config.show_config()
    out = capsys.readouterr().out
    assert "cache l1d    48 KiB" in out
    assert "cache l3     unknown" in out


def test_the_environment_is_reported(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    monkeypatch.setenv("UNRELATED", "1")
    environment = config.info()["environment"]
    assert environment["OMP_WAIT_POLICY"] == "passive"
    assert "UNRELATED" not in environment


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "plan9"])
def test_without_openmp_it_says_what_to_do(monkeypatch, platform):
    monkeypatch.setattr(_cpu, "OPENMP", 0)
    monkeypatch.setattr(config.sys, "platform", platform)
    facts = config._openmp()
    assert facts["version"] is None
    assert "install" in facts["remedy"]


def test_a_new_openmp_is_shown_by_its_date(monkeypatch):
    monkeypatch.setattr(_cpu, "OPENMP", 209901)
    assert config._openmp()["version"] == "209901"
