"""Say which lines of the Cython sources no test runs.

A build with counters, the tests, and this, from the root of the tree::

    FASTCONV_BUILD_COVERAGE=1 FASTCONV_BUILD_ISA=baseline python setup.py build_ext --inplace
    python -m pytest -q tests
    python tools/kernel_coverage.py

The C compiler counts, by the ``#line`` marks that Cython leaves, so that loops without the GIL are counted too, and all
copies of a template together: gcc's gcov adds them up. A line counts as run if it ran in any variant or data type.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

CYTHON = {".pyx", ".pxi"}


def counts(build="build"):
    """Return how often each line of each Cython source ran: {file: {line: count}}."""
    found = defaultdict(lambda: defaultdict(int))
    for notes in Path(build).rglob("*.gcno"):
        told = subprocess.run(
            ["gcov", "--json-format", "--stdout", str(notes)], capture_output=True, text=True, check=True
        ).stdout
        for text in told.splitlines():
            for file in json.loads(text)["files"]:
                source = Path(file["file"])
                if source.suffix not in CYTHON or not source.is_file():
                    continue
                end = len(source.read_text().splitlines())
                for line in file["lines"]:
                    if line["line_number"] <= end:  # behind it stands what Cython puts at the end of its C file
                        found[file["file"]][line["line_number"]] += line["count"]
    return found


def main():
    """Print the lines that never ran and a sum; return whether there is a line at all."""
    found = counts()
    total = missed = 0
    for file in sorted(found):
        never = sorted(line for line, count in found[file].items() if not count)
        source = Path(file).read_text().splitlines()
        total, missed = total + len(found[file]), missed + len(never)
        print(f"{file}: {len(found[file]) - len(never)} of {len(found[file])} lines run")
        for line in never:
            print(f"  {line:4d}  {source[line - 1].strip()}")
    print(f"{total - missed} of {total} lines run" if total else "No counts: build with FASTCONV_BUILD_COVERAGE=1.")
    return bool(total)


if __name__ == "__main__":
    sys.exit(not main())
