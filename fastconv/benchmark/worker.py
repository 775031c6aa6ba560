"""The program of the worker processes.

``python worker.py`` prints which libraries this interpreter has, as JSON; ``python worker.py LIBRARY THREADS`` answers
questions about one, as ``sides/serve.py`` says. It is run by its path, in any interpreter, and imports nothing of
fastconv but the folder ``sides`` beside it.
"""

import json
import sys
from importlib import import_module
from pathlib import Path


def main(arguments):
    """List the libraries, or serve one."""
    sides, serve = _import_sides()
    if not arguments:
        print(json.dumps(sides.installed()))
        return
    name, threads = arguments
    answers = serve.private_output()
    serve.serve(lambda: sides.make(name, int(threads)), sys.stdin, answers)


def _import_sides():
    """Import the folder beside this file as a package; nothing else from here gets into anyone's way."""
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [here, *(path for path in sys.path if path != here)]
    try:
        return import_module("sides"), import_module("sides.serve")
    finally:
        sys.path.remove(here)


if __name__ == "__main__":
    main(sys.argv[1:])
