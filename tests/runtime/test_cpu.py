"""The processor's features and the door to OpenMP."""

import re
from pathlib import Path

import pytest

from fastconv.runtime import _cpu

# the kernel's names where they differ from ours
LINUX_NAMES = {"bmi": "bmi1", "lzcnt": "abm"}
KNOWN = _cpu.LEVELS["avx512"] | {"avx512_bf16"}


@pytest.fixture
def kernel_says():
    """Return what Linux says about the first processor, by name."""
    file = Path("/proc/cpuinfo")
    text = file.read_text().split("\n\n")[0] if file.exists() else ""
    facts = dict(re.findall(r"^(.*?)\s*:\s*(.*?)\s*$", text, re.MULTILINE))
    return facts if "flags" in facts else pytest.skip("needs Linux on x86")


def test_features_agree_with_the_operating_system(kernel_says):
    flags = kernel_says["flags"].split()
    assert _cpu.features() == {name for name in KNOWN if LINUX_NAMES.get(name, name) in flags}


def test_brand_agrees_with_the_operating_system(kernel_says):
    assert _cpu.brand() == kernel_says["model name"]


def test_levels_contain_one_another():
    assert {"avx2", "fma"} < _cpu.LEVELS["avx2"] < _cpu.LEVELS["avx512"]


@pytest.mark.parametrize("level", ["avx2", "avx512"])
def test_a_level_needs_every_one_of_its_features(level):
    assert _cpu.supports(level) == all(name in _cpu.features() for name in _cpu.LEVELS[level])


def test_an_unknown_level_is_an_error():
    with pytest.raises(KeyError, match="sse9"):
        _cpu.supports("sse9")


def test_cache_sizes_grow_or_are_unknown():
    known = [size for size in _cpu.cache_sizes() if size]
    assert len(_cpu.cache_sizes()) == 3
    assert known == sorted(known)


@pytest.mark.skipif(not _cpu.OPENMP, reason="built without OpenMP")
def test_a_team_is_as_large_as_asked_for():
    assert [_cpu.team_size(n) for n in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.skipif(bool(_cpu.OPENMP), reason="built with OpenMP")
def test_a_build_without_openmp_says_one_thread():
    assert _cpu.team_size(3) == _cpu.max_threads() == _cpu.thread_limit() == 1


def test_a_team_of_none_is_an_error():
    with pytest.raises(ValueError, match="wanted=0"):
        _cpu.team_size(0)


def test_the_compiler_has_a_name():
    assert re.match(r"(gcc|clang|MSVC) \d", _cpu.COMPILER)


@pytest.mark.parametrize("name", ["features", "supports", "brand", "cache_sizes", "team_size", "pause"])
def test_the_stub_file_knows_the_function(name):
    stub = Path(_cpu.__file__).with_name("_cpu.pyi").read_text()
    assert f"def {name}(" in stub
    assert callable(getattr(_cpu, name))
