"""Imports only point down: each file's imports are read and compared with the floors."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastconv

PACKAGE = Path(fastconv.__file__).parent
FLOORS = """
_version absent names runtime
kernels
ops
dtype_policies layers activations initializers regularizers constraints losses metrics optimizers
plan
models callbacks saving
applications backend config datasets mixed_precision preprocessing random utils visualize testing benchmark
__main__
"""
FLOOR = {part: number for number, line in enumerate(FLOORS.strip().splitlines()) for part in line.split()}
ROOF = FLOOR["__main__"]  # the package itself sees every floor, so only its command may see it
ANYWHERE = set(sys.stdlib_module_names) | {"numpy", "fastconv"}
INSIDE_FUNCTIONS = ANYWHERE | {"rich", "h5py", "matplotlib", "PIL", "pooch"}

FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
CYTHON_FILES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*")
    if path.suffix in {".pyx", ".pxd", ".pxi", ".pyi", ".h"}
)


def part_of(file):
    """Return the part of the package that a file belongs to: its folder, or its own name."""
    return Path(file).parts[0].removesuffix(".py")


def module_of(file):
    return ["fastconv", *Path(file).with_suffix("").parts]


def imports(source, module=("fastconv", "__init__")):
    """Return ``(dotted name, is inside a function)`` of every import; ``from a import b`` is ``a.b``."""
    found = []

    def visit(node, inside):
        if isinstance(node, ast.Import):
            found.extend((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*module[: len(module) - node.level]] if node.level else []
            base += node.module.split(".") if node.module else []
            found.extend((".".join([*base, alias.name]), inside) for alias in node.names)
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(source), False)
    return found


def violations(file, source):
    """Return what a file must not import: a higher floor, or a guest that is not let in there."""
    part = part_of(file)
    if part not in FLOOR:
        return [f"{part} has no floor: give it one in this test's table"]
    bad = []
    for name, inside in imports(source, module_of(file)):
        first, *rest = name.split(".")
        if first == "fastconv":
            if FLOOR.get(rest[0] if rest else "", ROOF) > FLOOR[part]:
                bad.append(f"{name} is above {part}")
        elif first not in (INSIDE_FUNCTIONS if inside else ANYWHERE):
            bad.append(f"{name} is not let in {'anywhere' if inside else 'outside of functions'}")
    return bad


@pytest.mark.parametrize("file", [file for file in FILES if file != "__init__.py"])
def test_imports_point_down(file):
    assert violations(file, (PACKAGE / file).read_text()) == []


@pytest.mark.parametrize("file", CYTHON_FILES)
def test_cimports_point_down(file):
    lines = re.findall(r"^\s*(?:from|c?import)\s+fastconv\.(\w+)", (PACKAGE / file).read_text(), re.MULTILINE)
    assert [part for part in lines if FLOOR[part] > FLOOR[part_of(file)]] == []


def test_only_the_runtime_opens_openmp():
    assert [file for file in CYTHON_FILES if "omp.h" in (PACKAGE / file).read_text()] == ["runtime/_cpu.pyx"]


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("ops/conv.py", "from fastconv.layers import Conv2D", "fastconv.layers.Conv2D is above ops"),
        ("ops/conv.py", "def f():\n    import fastconv.layers", "fastconv.layers is above ops"),
        ("ops/conv.py", "from ..plan import step", "fastconv.plan.step is above ops"),
        ("ops/conv.py", "from fastconv import models", "fastconv.models is above ops"),
        ("ops/conv.py", "import fastconv", "fastconv is above ops"),
        ("models/fit.py", "import rich.table", "rich.table is not let in outside of functions"),
        ("models/fit.py", "if True:\n    import h5py", "h5py is not let in outside of functions"),
        ("models/fit.py", "def f():\n    import scipy", "scipy is not let in anywhere"),
        ("attic/old.py", "", "attic has no floor: give it one in this test's table"),
    ],
)
def test_the_reader_of_imports_sees(file, source, complaint):
    assert violations(file, source) == [complaint]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("ops/conv.py", "import math\nimport numpy\nfrom fastconv import kernels\nfrom . import geometry"),
        ("layers/dense.py", "from fastconv.initializers import get\nfrom ..ops.dense import dense"),
        ("models/fit.py", "def f():\n    from rich.table import Table"),
    ],
)
def test_the_reader_of_imports_lets_through(file, source):
    assert violations(file, source) == []


# What the import may bring of the standard library beyond numpy's own imports, on any supported Python. Each is cheap.
LIGHT = {"bisect", "_bisect", "importlib._abc", "importlib.util", "threading", "typing", "queue", "heapq", "_heapq"}


def imported(statement):
    """Return the modules that a statement brings into an interpreter that has numpy."""
    program = f"import sys, numpy; old = set(sys.modules); {statement}; print(*set(sys.modules) - old)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


IDLE = ("applications", "backend", "datasets", "preprocessing", "random", "testing", "utils", "visualize")


def test_import_is_light():
    """``import fastconv`` brings neither guests nor the slow corners of the standard library, and no idle floor."""
    found = imported("import fastconv")
    ours = {name for name in found if name.split(".")[0] == "fastconv"}
    compiled = {name for name in found if "cython" in name or "_cyutility" in name}  # Cython's own
    assert found - ours - compiled <= LIGHT
    assert not [name for name in ours if name.split(".")[1:2] and name.split(".")[1] in IDLE]


@pytest.mark.parametrize("name", IDLE)
def test_the_highest_floor_comes_when_it_is_used(name):
    assert name in dir(fastconv)
    assert f"fastconv.{name}" in imported(f"import fastconv; fastconv.{name}")
    assert f"fastconv.{name}" in imported(f"from fastconv import {name}")


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="module 'fastconv' has no attribute 'layer'"):
        fastconv.layer  # noqa: B018 (looking is the test)
