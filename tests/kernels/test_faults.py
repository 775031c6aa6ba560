"""The faults that `tools/mutate_kernels.py` plants: each still has its place in the sources, and its tests."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "mutate_kernels.py"


@pytest.fixture(scope="module")
def tool():
    if not TOOL.exists():
        pytest.skip("tools are not part of what is installed")
    spec = importlib.util.spec_from_file_location("mutate_kernels", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_fault_has_its_place(tool):
    sources = {file: (ROOT / tool.KERNELS / file).read_text() for file, *_ in tool.MUTANTS}
    planted = tool.planted(sources)
    assert len(tool.MUTANTS) > 200
    for k, (file, *_) in enumerate(tool.MUTANTS, 1):
        switch = f"fc_mutant == {k} " if file.endswith(".h") else f"MUTANT == {k} "
        assert planted[file].count(switch) == 1


def test_each_fault_has_tests(tool):
    assert all(tests and all((ROOT / test).exists() for test in tests) for *_, tests in tool.MUTANTS)
