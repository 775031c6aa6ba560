"""The same work by each library.

These modules import nothing but each other, NumPy and the standard library, so that ``worker.py`` can run them in an
interpreter that has never heard of fastconv: the library to be measured is handed to them.

====================  ==========================================================================
``workloads``         layers of well-known networks, by name; the tutorial's batches
``serve``             the protocol: a question a line, an answer a line; the clock
``nets``              other networks, as rows: each library builds them by a table of its own
``network``           the networks, by any library with Keras's names
``sizes``             bytes in memory and on disk
``fastconv_side``     fastconv
``torch_side``        PyTorch, float32, channels last
``torch_bf16_side``   PyTorch with bfloat16 autocast
``keras_side``        Keras on TensorFlow
``onnxruntime_side``  ONNX Runtime
====================  ==========================================================================

A side is made from its libraries and the number of threads. It has `makers`, from the kind of a work to a function that
takes the rest of the work's name and returns the call to be timed; and `values`, from a kind to a function that returns
a number of bytes.
"""

import importlib
import importlib.util
from typing import NamedTuple


class Library(NamedTuple):
    """What there is to know of a side before it is started.

    Attributes
    ----------
    module : str
        The side's module of this package.
    imports : tuple of str
        What a user imports: its time and its size count.
    helpers : tuple of str
        What the side needs beside it.
    rival : bool
        Whether it does the same arithmetic as fastconv, so that ratios may be taken.
    environment : dict
        Variables that must be set before it is imported.
    """

    module: str
    imports: tuple
    helpers: tuple = ()
    rival: bool = True
    environment: dict = {}


LIBRARIES = {
    "fastconv": Library("fastconv_side", ("fastconv",)),
    "torch": Library("torch_side", ("torch",)),
    "torch bf16": Library("torch_bf16_side", ("torch",), rival=False),
    "keras": Library("keras_side", ("keras", "tensorflow"), environment={"KERAS_BACKEND": "tensorflow"}),
    "onnxruntime": Library("onnxruntime_side", ("onnxruntime",), helpers=("onnx",)),
}


def installed():
    """Return the names of the libraries that this interpreter has.

    Examples
    --------
    >>> "fastconv" in installed()
    True
    """
    return [
        name
        for name, library in LIBRARIES.items()
        if all(importlib.util.find_spec(needed) for needed in library.imports + library.helpers)
    ]


def make(name, threads):
    """Import the library `name`; return its side and its version.

    Parameters
    ----------
    name : str
        A key of ``LIBRARIES``.
    threads : int
    """
    library = LIBRARIES[name]
    modules = [importlib.import_module(needed) for needed in library.imports + library.helpers]
    side = importlib.import_module(f"{__name__}.{library.module}").Side(*modules, threads=threads)
    return side, " on ".join(f"{module.__name__} {module.__version__}" for module in modules[: len(library.imports)])
