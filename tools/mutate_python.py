"""Plant small faults in Python modules, one at a time, and see whether the tests notice.

Comparisons, operators, constants and conditions are changed in the syntax tree. Run from the root of the tree::

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
    silent = {id(node) for raising in ast.walk(tree) if isinstance(raising, ast.Raise) for node in ast.walk(raising)}
    for node in ast.walk(tree):
        if id(node) in silent:  # the words of messages have tests of their own
            continue
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
            found.append((node.lineno, lambda node=node: _swap(node.ops, 0)))
        elif isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
            found.append((node.lineno, lambda node=node: _swap_op(node)))
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            found.append((node.lineno, lambda node=node: _change_constant(node)))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            found.append((node.lineno, lambda node=node: _drop_not(node)))
    return found


def _swap(ops, place):
    before = type(ops[place])
    ops[place] = SWAPS[before]()
    return f"{before.__name__} -> {SWAPS[before].__name__}"


def _swap_op(node):
    before = type(node.op)
    node.op = SWAPS[before]()
    return f"{before.__name__} -> {SWAPS[before].__name__}"


def _change_constant(node):
    before, node.value = node.value, node.value + 1
    return f"{before} -> {node.value}"


def _drop_not(node):
    node.operand = ast.UnaryOp(ast.Not(), node.operand)
    return "not x -> x"


def main(module, tests, sample, seed):
    """Try a sample of the faults of a module; return how many survive."""
    source = Path(module).read_text()
    count = len(faults(ast.parse(source)))
    chosen = sorted(random.Random(seed).sample(range(count), min(sample, count)))
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        shutil.copytree(".", tree, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
        for place in chosen:
            parsed = ast.parse(source)
            line, change = faults(parsed)[place]
            what = change()
            (tree / module).write_text(ast.unparse(ast.fix_missing_locations(parsed)))
            if not _noticed(tree, tests):
                survivors += 1
                print(f"SURVIVES {module}:{line} {what}: {source.splitlines()[line - 1].strip()}", flush=True)
    print(f"{module}: {survivors} of {len(chosen)} faults survive ({count} are possible)", flush=True)
    return survivors


def _noticed(tree, tests):
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        return subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=120).returncode != 0
    except subprocess.TimeoutExpired:
        return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(bool(main(options.module, options.tests, options.sample, options.seed)))
