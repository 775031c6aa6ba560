"""The package's papers agree with one another."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

import fastconv
from fastconv._version import __version__

ROOT = Path(__file__).parents[1]
PACKAGE = Path(fastconv.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()


def test_the_version_is_the_same_everywhere():
    assert importlib.metadata.version("fastconv") == fastconv.__version__ == __version__


def test_the_newest_changes_are_this_version_s():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGES.md").read_text(), re.MULTILINE)
    assert newest[1] == __version__


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()


def test_every_public_name_exists_once():
    names = fastconv.__all__
    assert [name for name in names if not hasattr(fastconv, name)] == []
    assert len(names) == len(set(names))


def blocks(language):
    """Return the README's code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("word", ["-m pytest", "-m fastconv demo"])
def test_the_readme_prints_each_command_once(word):
    """``.ci/run`` takes the commands from the README by these words."""
    assert len([line for line in "".join(blocks("bash")).splitlines() if word in line]) == 1


def test_the_readme_asks_only_for_extras_that_exist():
    asked = {name for group in re.findall(r'"\.\[([\w,]+)\]"', README) for name in group.split(",")}
    assert asked
    assert asked <= set(PROJECT["project"]["optional-dependencies"])


def test_the_readme_s_links_lead_somewhere():
    links = re.findall(r"\]\((?!http|#)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_s_program_learns(tmp_path, monkeypatch, capsys):
    """All blocks run as printed, but for less time and on the small set that comes with the package."""
    program, *further = blocks("python")
    for printed, quicker in [("fashion_mnist.load", "fashion_mnist_small.load"), ("epochs=5", "epochs=3")]:
        assert printed in program
        program = program.replace(printed, quicker)
    fastconv.utils.set_random_seed(0)
    names = {}
    exec(program, names)
    assert names["model"].count_params() == 640 + 36928 + (5 * 5 * 64 + 1) * 128 + 129 * 10
    assert names["model"].evaluate(names["x_test"], names["y_test"], verbose=0)[1] > 0.75
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for block in further:
        exec(block, names)
    assert capsys.readouterr().out.endswith("True\n")
    files = {"journey.png", "where.png", "mistakes.png", "curves.png", "clothes.keras"}
    assert {path.name for path in tmp_path.iterdir()} == files


def test_numpy_is_the_only_heavy_requirement():
    required = {re.match(r"[\w-]+", text)[0] for text in PROJECT["project"]["dependencies"]}
    assert required <= {"numpy", "rich", "h5py"}


def test_every_source_is_shipped():
    """What ``setup.py`` compiles must be in the source distribution: MANIFEST.in names each kind of file."""
    manifest = (ROOT / "MANIFEST.in").read_text()
    kinds = {path.suffix for path in (ROOT / "fastconv").rglob("*.*")} & {".pyx", ".pxd", ".pxi", ".h"}
    assert ".pyx" in kinds
    assert [kind for kind in kinds if f"*{kind}" not in manifest] == []
