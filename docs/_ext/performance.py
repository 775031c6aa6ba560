"""Tables of measured speed, made from files that are committed, so that new figures need no editing of pages.

``{performance} training`` shows a group of ``data/performance.json``, which ``python -m fastconv bench --json`` writes;
``{performance} about`` says on what, when and how it was measured; ``{performance} numpy`` compares with NumPy, by the
newest of asv's results, and ``{performance} published`` lists these.
"""

import json
import time
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "asv_bench" / "results"
FILE = ROOT / "docs" / "data" / "performance.json"
TITLES = {
    "torch": "PyTorch",
    "torch bf16": "PyTorch, bfloat16",
    "keras": "Keras on TensorFlow",
    "onnxruntime": "ONNX Runtime",
}
_MODULES = {
    "models": "The tutorial's network",
    "plan": "Networks, fused",
    "ops": "Layers of well-known networks",
    "axes": "Sequences, volumes and transposed convolutions",
    "layers": "Layers called on arrays",
    "saving": "Files",
}
_LAYERS = {
    "conv/forward": "Dense convolutions: forward",
    "conv/data": "Dense convolutions: gradient of the images",
    "conv/filters": "Dense convolutions: gradient of the filters",
    "depthwise/forward": "Depthwise convolutions: forward",
    "depthwise/data": "Depthwise convolutions: gradient of the images",
    "depthwise/filters": "Depthwise convolutions: gradient of the filters",
    "pool/forward": "Max pooling: forward",
    "pool/both": "Max pooling: forward and backward",
    "average/forward": "Average pooling: forward",
    "average/both": "Average pooling: forward and backward",
}


def load():
    """Return what ``python -m fastconv bench --json`` has written."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def figure(number):
    """Return a number with the digits that mean something.

    Examples
    --------
    >>> figure(23095.2), figure(17.43), figure(1.5)
    ('23,100', '17.4', '1.50')
    """
    if number >= 100:
        digits = max(len(str(int(number))) - 3, 0)
        return f"{round(number, -digits):,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def group_table(measured, name):
    """Return the lines of a group's table in Markdown."""
    rows = measured["groups"][name]
    libraries = [library for library in measured["libraries"] if any(library in row["results"] for row in rows)]
    units = dict.fromkeys(row["unit"] for row in rows)
    heads = [f"{', '.join(units)}"]
    heads += [TITLES.get(library, library) for library in libraries]
    heads[2:2] = ["±"]
    with_ratio = any(row["ratio"] for row in rows)
    lines = ["| " + " | ".join(heads + ["ratio"] * with_ratio) + " |"]
    lines.append("| --- |" + " ---: |" * (len(heads) - 1 + with_ratio))
    for row in rows:
        cells = [_cell(row["results"].get(library)) for library in libraries]
        spread = row["results"].get("fastconv", {}).get("spread")
        cells[1:1] = ["" if spread is None else f"{spread:.0%}"]
        cells += [f"**{row['ratio']:.2f}**" if row["ratio"] else ""] * with_ratio
        label = row["label"] if len(units) == 1 else f"{row['label']} ({row['unit']})"
        lines.append("| " + " | ".join([label, *cells]) + " |")
    mean = measured["geometric_means"].get(name)
    if mean and len(rows) > 1:
        lines.append("| *geometric mean* |" + " |" * (len(heads) - 1) + f" **{mean:.2f}** |")
    return lines


def _cell(result):
    if result is None:
        return ""
    return "failed" if "failure" in result else figure(result["figure"])


def about(measured):
    """Return the lines that say on what, when and how it was measured."""
    machine, pace = measured["machine"], measured["pace"]
    cpu = machine["cpu"]
    versions = ", ".join(measured["libraries"].values())
    lines = [
        f"- **machine**: {cpu['name']}, {measured['threads']} threads; kernels `{measured['variant']}`",
        f"- **date**: {measured['date'][:10]}",
        f"- **libraries**: {versions}",
        f"- **method**: {pace['rounds']} rounds, in turns, {pace['budget']:g} s a library and round; medians; float32",
    ]
    if measured["threads_over_one"]:
        lines.append(f"- **{measured['threads']} threads over one**, training: {measured['threads_over_one']:.2f}")
    count = sum(map(len, measured["groups"].values()))
    if measured["noisy"]:
        lines.append(f"- **noise**: in {len(measured['noisy'])} of {count} rows the rounds were more than 20 % apart")
    return lines + [f"- {note}" for note in measured["notes"]]


# -- asv's results -----------------------------------------------------------------------------------------------
def asv_results():
    """Return asv's committed results, oldest first: dicts with ``commit``, ``date``, ``machine`` and ``values``.

    ``values`` is a table from ``(benchmark, *parameters)`` to seconds or bytes.
    """
    found = []
    for file in RESULTS.glob("*/*.json"):
        if file.name != "machine.json":
            found.append(_asv_file(json.loads(file.read_text(encoding="utf-8")), file.parent))
    return sorted(found, key=lambda result: result["date"])


def _asv_file(content, folder):
    machine = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
    columns, values = content["result_columns"], {}
    for name, row in content["results"].items():
        row = dict(zip(columns, row, strict=False))
        for parameters, value in zip(_combinations(row.get("params") or []), row["result"] or [], strict=False):
            if value is not None and value == value:
                values[(name.removeprefix("benchmarks."), *parameters)] = value
    return {"commit": content["commit_hash"], "date": content["date"], "machine": machine, "values": values}


def _combinations(params):
    return product(*([text.strip("'") for text in one] for one in params))


def numpy_table():
    """Return the lines of a table: fastconv and NumPy on the same work, by the newest of asv's results."""
    results = asv_results()
    if not results:
        return ["No results of asv are committed yet."]
    newest = results[-1]
    machine = newest["machine"]
    lines = [f"On {machine.get('cpu') or machine['machine']}, {machine.get('num_cpu', '?')} processors, at commit"]
    lines += [f"`{newest['commit'][:8]}`, one thread each; milliseconds, less is better.", ""]
    groups = {}
    for key, ours in newest["values"].items():
        theirs = newest["values"].get((*key[:-1], "numpy"))
        if key[-1] == "fastconv" and theirs and ".time_" in key[0]:
            module, label = _work(*key[:-1])
            row = f"| {label} | {ours * 1e3:.3g} | {theirs * 1e3:.3g} | **{theirs / ours:.1f}** |"
            groups.setdefault(_MODULES.get(module, module), []).append(row)
    for title, rows in groups.items():
        lines += ["```{rubric} " + title, "```", ""]
        lines += ["| work | fastconv | NumPy | ratio |", "| --- | ---: | ---: | ---: |", *rows, ""]
    return lines


def _work(name, *parameters):
    """Return the module of a benchmark, and a label: its class and method, as far as they tell anything, and its case.

    Examples
    --------
    >>> _work("ops.MaxPool.time_layer", "vgg.pool1", "both"), _work("saving.Saving.time_load_weights")
    (('ops', 'max pool: vgg.pool1, both'), ('saving', 'load weights'))
    """
    module, kind, method = name.split(".")
    kind = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind).strip()
    method = method.removeprefix("time_").replace("_", " ")
    words = [] if kind in ("call", module) else [kind]
    words += [] if method == "layer" or kind == "call" else [method]
    return module, ": ".join(filter(None, [", ".join(dict.fromkeys(words)), ", ".join(parameters)]))


def published():
    """Return the lines of a table: which results of asv are committed."""
    results = asv_results()
    if not results:
        return ["No results are committed yet."]
    machines = {result["machine"]["machine"]: result["machine"] for result in results}
    lines = [f"- `{name}`: {m.get('cpu') or m.get('arch', '')}, {m.get('os', '')}" for name, m in machines.items()]
    lines += ["", "| commit | date | machine | figures |", "| --- | --- | --- | ---: |"]
    for result in results:
        day, machine = time.strftime("%Y-%m-%d", time.gmtime(result["date"] / 1000)), result["machine"]
        lines.append(f"| `{result['commit'][:8]}` | {day} | `{machine['machine']}` | {len(result['values'])} |")
    return lines


def layers_tables():
    """Return the lines of the tables of all layers, each with its title."""
    measured, lines = load(), []
    for name in measured["groups"]:
        if "/" in name:
            lines += ["```{rubric} " + _LAYERS.get(name, name), "```", "", *group_table(measured, name), ""]
    return lines


def lines_of(what):
    """Return the lines of one of the parts, in Markdown."""
    parts = {
        "about": lambda: about(load()),
        "layers": layers_tables,
        "numpy": numpy_table,
        "published": published,
    }
    return parts[what]() if what in parts else group_table(load(), what)
