"""The documentation keeps up with the source: quoted messages, the API's pages, the tables' files."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import fastconv

DOCS = Path(__file__).parents[1] / "docs"
PACKAGE = Path(fastconv.__file__).parent


def extension(name):
    """Import one of the extensions that make the pages; those asked for here need no Sphinx."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


api, messages, performance = extension("api"), extension("messages"), extension("performance")
MESSAGES = messages.read(PACKAGE)
QUOTED = messages.quoted(DOCS / "guide" / "troubleshooting.md")


# -- troubleshooting ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("quotation", QUOTED)
def test_a_quoted_message_is_in_the_source(quotation):
    assert messages.occurs(quotation, MESSAGES)


def test_messages_are_found():
    assert len(QUOTED) > 20
    assert len(MESSAGES) > 250
    assert not messages.occurs("Model ... has no such message", MESSAGES)
    texts = [message.text for message in MESSAGES]
    assert "There are no kernels for dtype {...}; expected float32 or float64." in texts  # an f-string
    assert "Expected a loss; got None." in texts  # a plain one


def test_the_parts_of_a_quotation_come_in_order():
    one = [messages.Message("m", "ValueError", "Model {self.name}: layer {x} is lost")]
    assert messages.occurs("Model ...: layer ... is lost", one)
    assert not messages.occurs("layer ... Model", one)


def test_the_list_of_messages_has_every_module_and_no_raw_braces_of_markdown():
    text = messages.as_text(PACKAGE)
    for module in ("fastconv.models.sequential", "fastconv.layers.layer", "fastconv.names"):
        assert "```{rubric} " + module + "\n" in text
    assert all(line.count("`") == 2 for line in text.splitlines() if line.startswith("- *"))


# -- the API -----------------------------------------------------------------------------------------------------
PUBLIC_MODULES = [f"fastconv.{name}" for name in fastconv.__all__ if inspect.ismodule(getattr(fastconv, name))]


def test_every_public_module_has_a_page():
    assert set(PUBLIC_MODULES) - set(api.modules(DOCS)) == set()


@pytest.mark.parametrize("name", api.modules(DOCS))
def test_every_public_name_is_described_or_said_to_be_another_one_s(name):
    module = importlib.import_module(name)
    own, second = api.contents(name)
    things = {n: getattr(module, n) for n in getattr(module, "__all__", own)}
    things = {n for n, thing in things.items() if inspect.isclass(thing) or inspect.isroutine(thing)}
    assert {*own, *second} == things
    for home in second.values():
        where, _, member = home.rpartition(".")
        assert member in api.contents(where)[0]


def test_second_names():
    own, second = api.contents("fastconv.layers")
    assert second["MaxPool2D"] == "fastconv.layers.MaxPooling2D"
    assert "MaxPooling2D" in own
    assert api.contents("fastconv")[1]["Sequential"] == "fastconv.models.Sequential"


def test_every_page_of_the_api_is_listed():
    listed = re.findall(r"^(\w+)$", (DOCS / "api" / "index.md").read_text(), re.MULTILINE)
    assert {page.stem for page in (DOCS / "api").glob("*.md")} - {"index"} == set(listed)


# -- performance -------------------------------------------------------------------------------------------------
def test_the_tables_of_performance():
    measured = performance.load()
    assert measured["format"] == 1
    for name, rows in measured["groups"].items():
        lines = performance.group_table(measured, name)
        assert len(lines) == 2 + len(rows) + (name in measured["geometric_means"] and len(rows) > 1)
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1, name
        assert all(row["results"]["fastconv"]["figure"] > 0 for row in rows)
    assert any("PyTorch" in line for line in performance.about(measured))


def test_what_bench_writes_makes_tables():
    """The file comes from ``python -m fastconv bench --json``."""
    from fastconv.benchmark import rounds
    from fastconv.benchmark.report import Facts, Report
    from fastconv.benchmark.works import Group, Work
    from fastconv.runtime import config

    work = Work("train/32", "step, batch 32", "images/s", 32)
    series = {"fastconv": rounds.Series([0.002, 0.0022]), "torch": rounds.Series([0.008, 0.0088])}
    group = Group("training", "training", (work,))
    report = Report(Facts(config.info(), 2, rounds.QUICK, {"fastconv": "fastconv 0", "torch": "torch 1"}, []))
    report.rows[group] = [rounds.Row(work, series)]
    lines = performance.group_table(report.as_dict(), "training")
    assert lines[0] == "| images/s | fastconv | ± | PyTorch | ratio |"
    assert lines[2] == "| step, batch 32 | 15,200 | 10% | 3,810 | **4.00** |"
    assert any("2 threads" in line for line in performance.about(report.as_dict()))


@pytest.mark.parametrize(("number", "text"), [(23095.2, "23,100"), (375, "375"), (17.43, "17.4"), (1.5, "1.50")])
def test_figures_have_three_digits(number, text):
    assert performance.figure(number) == text


ASV = """{"commit_hash": "0123456789", "date": 1000, "result_columns": ["result", "params"], "results": {
"benchmarks.models.Train.time_step": [[0.001, 0.1, NaN], [["32"], ["'fastconv'", "'numpy'", "'none'"]]]}}"""


def test_asv_s_results_become_a_table(monkeypatch, tmp_path):
    monkeypatch.setattr(performance, "RESULTS", tmp_path)
    assert performance.numpy_table() == ["No results of asv are committed yet."]
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "machine.json").write_text('{"machine": "here", "cpu": "a fast one", "num_cpu": "2"}')
    (tmp_path / "here" / "01234567-env.json").write_text(ASV)
    assert "| train: step 32 | 1 | 100 | **100.0** |" in performance.numpy_table()
    assert performance.published()[2] == "| `01234567` | 1970-01-01 | here: a fast one | 2 |"


# -- pictures ----------------------------------------------------------------------------------------------------
def test_every_picture_that_a_page_asks_for_can_be_drawn_and_says_what_it_shows():
    pytest.importorskip("matplotlib")
    drawn = {}
    for page in DOCS.rglob("*.md"):
        for name, options in re.findall(r"^```\{picture\} (\S+)\n((?:.*\n)*?)```", page.read_text(), re.MULTILINE):
            assert ":alt: " in options, page
            drawn[name] = page
    assert "tutorial.by_hand" in drawn
    for name in drawn:
        module, function = name.split(".")
        assert f"\ndef {function}():" in (DOCS / "pictures" / f"{module}.py").read_text(), name
