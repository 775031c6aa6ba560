"""MNIST: 70 000 pictures of handwritten digits, 28 x 28 grey values.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition", Proceedings of
the IEEE 86 (1998).
"""

import os
import zipfile
import zlib

import numpy as np

from fastconv.datasets import cache
from fastconv.names import spelled

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_SHAPES = {"x_train": (60000, 28, 28), "y_train": (60000,), "x_test": (10000, 28, 28), "y_test": (10000,)}


@spelled
def load_data(path="mnist.npz"):
    """Load the 60 000 pictures for training and the 10 000 for testing.

    The file is looked for in the folder named by the environment variable ``FASTCONV_DATA``, then in Keras's cache
    (``~/.keras/datasets``, or below ``KERAS_HOME``). Otherwise it is downloaded there (11 MB, checked by SHA-256),
    which needs ``pip install fastconv[data]``.

    Parameters
    ----------
    path : str
        The name of the file in those folders, or a path of its own.

    Returns
    -------
    tuple
        ``(x_train, y_train), (x_test, y_test)``: arrays of uint8 with the shapes (60000, 28, 28), (60000,),
        (10000, 28, 28) and (10000,).

    Raises
    ------
    FileNotFoundError
        If the file is nowhere and cannot be downloaded.
    ValueError
        If it is damaged or is something else.

    Examples
    --------
    >>> from fastconv.datasets import cache, mnist
    >>> if cache.find(["mnist.npz"]) is not None:
    ...     (x_train, y_train), (x_test, y_test) = mnist.load_data()
    ...     assert x_train.shape == (60000, 28, 28)
    """
    file = cache.fetch("mnist.load_data", [os.fspath(path)], URL, _SHA256)
    try:
        with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {part: archive[part] for part in _SHAPES}
    except (KeyError, ValueError, EOFError, OSError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"mnist.load_data: {file} is damaged or is not MNIST: {error} Delete it.") from error
    for part, array in arrays.items():
        if array.shape != _SHAPES[part] or array.dtype != "uint8":
            raise ValueError(
                f"mnist.load_data: {file} has {part} of shape {array.shape} and type {array.dtype}; expected "
                f"{_SHAPES[part]} and uint8. Delete it."
            )
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
