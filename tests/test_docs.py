"""The documentation keeps up with the source: quoted messages, the API's pages, the tables' files."""

import ast
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


def test_messages_that_stand_elsewhere_in_a_module_are_found():
    """They are what a function returns or a name was given, another argument than the first, or of an inner module."""
    found = {(message.module, message.error) for message in MESSAGES}
    assert {("fastconv.datasets.cache", "FileNotFoundError"), ("fastconv.saving.atomic", "OSError")} <= found
    assert messages.occurs("A total of ... objects could not be loaded", MESSAGES)
    assert messages.occurs("the data set is not on this computer, and ...pip install fastconv[data]", MESSAGES)


def test_hardly_a_message_is_without_an_explanation():
    """A row of FORMS explains a new one."""
    shown = [message for message in MESSAGES if not message.module.startswith(messages._INSIDE)]
    without = [f"{message.error}: {message.text}" for message in shown if message.meaning == messages._OTHER]
    assert len(without) <= len(shown) // 50, without


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("fit: y has shape {...}; expected {...}.", "Sizes do not fit"),
        ("Layer {...} does not define call().", "Your subclass lacks this method"),
        ("Adam: only one of clipnorm, clipvalue may be given; got {...}.", "Arguments exclude each other"),
        ("np.{...} does not work on a symbolic tensor.", "Only functions of fastconv.ops"),
    ],
)
def test_the_wording_tells_what_a_message_means(message, meaning):
    assert messages.Message("m", "ValueError", message).meaning.startswith(meaning)


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
    (tmp_path / "here" / "machine.json").write_text(
        '{"machine": "here", "cpu": "a fast one", "num_cpu": "2", "os": "Linux"}'
    )
    (tmp_path / "here" / "01234567-env.json").write_text(ASV)
    assert "| train, step: 32 | 1 | 100 | **100.0** |" in performance.numpy_table()
    assert performance.published()[0] == "- `here`: a fast one, Linux"
    assert performance.published()[-1] == "| `01234567` | 1970-01-01 | `here` | 2 |"


def test_what_asv_s_benchmarks_are_called():
    assert performance._work("ops.MaxPool.time_layer", "vgg.pool1", "both") == ("ops", "max pool: vgg.pool1, both")
    assert performance._work("layers.Call.time_call", "Dense, tutorial") == ("layers", "Dense, tutorial")
    assert performance._work("saving.Saving.time_load_weights") == ("saving", "load weights")


def test_the_committed_results_of_asv():
    """Several commits of one machine, whose pictures and table have figures, and which tell no one's folders."""
    results = performance.asv_results()
    assert len(results) >= 3 and len({result["machine"]["machine"] for result in results}) == 1
    for key in benchmarks_of_pictures():
        for library in ("fastconv", "numpy"):
            assert all(result["values"][(*key, library)] > 0 for result in results), key
    assert len(performance.numpy_table()) > 100
    for file in performance.RESULTS.rglob("*.json"):
        assert not re.search(r"/(tmp|home|root|usr|Users)/", file.read_text()), file


def benchmarks_of_pictures():
    """Return the benchmarks that the picture of speed over time shows."""
    tree = ast.parse((DOCS / "pictures" / "benchmarks.py").read_text())
    (shown,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "SHOWN"]
    return list(ast.literal_eval(shown))


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
