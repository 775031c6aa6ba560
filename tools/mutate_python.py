"""Plant small faults in Python modules, one at a time, and see whether the tests notice.

Comparisons, operators, constants, conditions and truth values are changed in the syntax tree, and calls whose value
nobody takes are left out. Run from the root of the tree::

    python tools/mutate_python.py fastconv/ops/geometry.py tests/ops [--sample 40] [--seed 0]
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SWAPS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def faults(tree):
    """Return what can be changed: pairs of a line and a function that changes it and returns what it did."""
    found = []
    silent = {id(node) for silence in ast.walk(tree) if _is_silent(silence) for node in ast.walk(silence)}
    for node in ast.walk(tree):
        if id(node) not in silent:
            found += [(node.lineno, change) for change in _changes(node)]
    return found


def _is_silent(node):
    """Tell whether nothing in a node is changed: the words of messages, and zip's own check."""
    return isinstance(node, ast.Raise) or (isinstance(node, ast.keyword) and node.arg == "strict")


def _changes(node):
    """Return the functions that change a node of the syntax tree."""
    if isinstance(node, ast.Compare):
        return [lambda k=k: _swap(node.ops, k) for k, op in enumerate(node.ops) if type(op) in SWAPS]
    if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
        return [lambda: _swap_op(node)]
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        return [lambda: _change_constant(node)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [lambda: _drop_not(node)]
    if isinstance(node, (ast.If, ast.IfExp)) and isinstance(node.test, (ast.Name, ast.Attribute, ast.Call)):
        return [lambda: _negate(node)]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return [lambda: _leave_out(node)]
    return []


def _swap(ops, place):
    before = type(ops[place])
    ops[place] = SWAPS[before]()
    return f"{before.__name__} -> {SWAPS[before].__name__}"


def _swap_op(node):
    before = type(node.op)
    node.op = SWAPS[before]()
    return f"{before.__name__} -> {SWAPS[before].__name__}"


def _change_constant(node):
    before, node.value = node.value, not node.value if isinstance(node.value, bool) else node.value + 1
    return f"{before} -> {node.value}"


def _drop_not(node):
    node.operand = ast.UnaryOp(ast.Not(), node.operand)
    return "not x -> x"


def _negate(node):
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return "x -> not x"


def _leave_out(node):
    node.value = ast.Constant(None)
    return "call -> none"


def main(module, tests, sample, seed):
    """Try a sample of the faults of a module; return how many survive."""
    source = Path(module).read_text()
    count = len(faults(ast.parse(source)))
    chosen = sorted(random.Random(seed).sample(range(count), min(sample, count)))
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        shutil.copytree(".", tree, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
        if noticed(tree, tests):
            raise SystemExit("the tests fail without any fault")
        for place in chosen:
            line, what = plant(tree, module, source, place)
            if not noticed(tree, tests):
                survivors += 1
                print(f"SURVIVES {module}:{line} {what}: {source.splitlines()[line - 1].strip()}", flush=True)
    print(f"{module}: {survivors} of {len(chosen)} faults survive ({count} are possible)", flush=True)
    return survivors


def plant(tree, module, source, place):
    """Write a module with one of its faults; return the line and what was done there."""
    parsed = ast.parse(source)
    line, change = faults(parsed)[place]
    what = change()
    (tree / module).write_text(ast.unparse(ast.fix_missing_locations(parsed)))
    return line, what


def noticed(tree, tests):
    """Tell whether one of the tests fails."""
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        code = subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=120).returncode
    except subprocess.TimeoutExpired:
        return True
    if code in (4, 5):  # no such file, or nothing in it
        raise SystemExit(f"pytest finds no tests in {tests}")
    return code != 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(bool(main(options.module, options.tests, options.sample, options.seed)))
