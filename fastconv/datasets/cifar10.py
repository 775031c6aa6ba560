"""CIFAR-10: 60 000 colour pictures, 32 x 32, in ten classes.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

import numpy as np

from fastconv.datasets import cache, cifar

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
# What Keras unpacks it as, by now and before, and the archive itself.
_NAMES = ["cifar-10-batches-py-target", "cifar-10-batches-py", "cifar-10-batches-py.tar.gz", "cifar-10-python.tar.gz"]
_TRAIN = [f"data_batch_{i}" for i in range(1, 6)]


def load_data():
    """Load the 50 000 pictures for training and the 10 000 for testing.

    The files, or the archive that holds them, are looked for in the folder named by the environment variable
    ``FASTCONV_DATA``, then in Keras's cache (``~/.keras/datasets``, or below ``KERAS_HOME``). Otherwise the archive is
    downloaded there (170 MB, checked by SHA-256), which needs ``pip install fastconv[data]``. The files are pickles;
    nothing in them is run.

    Returns
    -------
    tuple
        ``(x_train, y_train), (x_test, y_test)``: arrays of uint8 with the shapes (50000, 32, 32, 3), (50000, 1),
        (10000, 32, 32, 3) and (10000, 1).

    Raises
    ------
    FileNotFoundError
        If there is no file and none can be downloaded.
    ValueError
        If a file is damaged or is something else.

    Examples
    --------
    >>> from fastconv.datasets import cache, cifar10
    >>> if cache.find(["cifar-10-python.tar.gz"]) is not None:
    ...     (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    ...     assert x_train.shape == (50000, 32, 32, 3)
    """
    what = "cifar10.load_data"
    path = cache.fetch(what, _NAMES, URL, _SHA256)
    files = cifar.read_files(what, path, "cifar-10-batches-py", [*_TRAIN, "test_batch"])
    read = {name: cifar.read_batch(data, "labels", f"{what}: {path}, {name}") for name, data in files.items()}
    parts = [[read[name] for name in _TRAIN], [read["test_batch"]]]
    return tuple(
        (
            cifar.arrange(np.concatenate([pixels for pixels, _ in part])),
            np.concatenate([np.array(labels, "uint8") for _, labels in part])[:, None],
        )
        for part in parts
    )
