"""Take the interpreter's path out of asv's new results: python tools/asv_results.py asv_bench/results/MACHINE.

``asv run --python=same`` names environment and file after the path of Python. That tells nothing to others, so it
becomes ``existing-py3.11``; results of a commit that has some already are added to them, newer ones instead of older
ones.
"""

import json
import sys
from pathlib import Path


def clean(folder):
    """Rename the new results in a folder; return the names of the files that have them now."""
    names = []
    for file in sorted(folder.glob("*-existing-py_*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        version = file.stem.rpartition("python")[2] or "3"
        target = folder / f"{file.name.split('-')[0]}-existing-py{version}.json"
        if target.exists():
            before = json.loads(target.read_text(encoding="utf-8"))
            content["results"] = {**before["results"], **content["results"]}
        content |= {
            "env_name": f"existing-py{version}",
            "python": version,
            "params": {**content["params"], "python": version},
        }
        target.write_text(json.dumps(content), encoding="utf-8")
        file.unlink()
        names.append(target.name)
    return names


if __name__ == "__main__":
    print(*clean(Path(sys.argv[1])), sep="\n")
