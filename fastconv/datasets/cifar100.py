"""CIFAR-100: 60 000 colour pictures, 32 x 32, in a hundred classes of twenty kinds.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

import numpy as np

from fastconv.datasets import cache, cifar
from fastconv.names import spelled

URL = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
_NAMES = ["cifar-100-python-target", "cifar-100-python", "cifar-100-python.tar.gz"]


@spelled
def load_data(label_mode="fine"):
    """Load the 50 000 pictures for training and the 10 000 for testing.

    Looked for, downloaded and read as `fastconv.datasets.cifar10.load_data` does.

    Parameters
    ----------
    label_mode : {"fine", "coarse"}
        The hundred classes, or the twenty kinds.

    Returns
    -------
    tuple
        ``(x_train, y_train), (x_test, y_test)``: pictures of uint8 with the shapes (50000, 32, 32, 3) and
        (10000, 32, 32, 3), labels of int64 (as Keras gives them) with the shapes (50000, 1) and (10000, 1).

    Raises
    ------
    FileNotFoundError
        If there is no file and none can be downloaded.
    ValueError
        If `label_mode` is unknown, or a file is damaged or is something else.

    Examples
    --------
    >>> from fastconv.datasets import cifar100
    >>> cifar100.load_data("rough")
    Traceback (most recent call last):
    ...
    ValueError: cifar100.load_data: `label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode=rough.
    """
    what = "cifar100.load_data"
    if label_mode not in ("fine", "coarse"):
        raise ValueError(
            f'{what}: `label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.'
        )
    path = cache.fetch(what, _NAMES, URL, _SHA256)
    files = cifar.read_files(what, path, "cifar-100-python", ["train", "test"])
    read = (cifar.read_batch(files[name], f"{label_mode}_labels", f"{what}: {path}, {name}") for name in files)
    train, test = ((cifar.arrange(pixels), np.array(labels, "int64")[:, None]) for pixels, labels in read)
    return train, test
