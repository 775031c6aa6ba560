"""A part of Fashion-MNIST that comes with the package, for where the whole set is not at hand.

It is the first 400 training and the first 80 test pictures of each of the ten classes, in the order of the
whole set; ``tools/make_fashion_mnist_small.py`` wrote the file. Accuracies reached on it say little about the
whole set.

The pictures are Copyright (c) 2017 Zalando SE and under the MIT licence, of which
``data/LICENSE-fashion-mnist`` is a copy.
"""

from pathlib import Path

import numpy as np

from fastconv.datasets.fashion_mnist import CLASS_NAMES

__all__ = ["CLASS_NAMES", "load_data"]

_FILE = Path(__file__).with_name("data") / "fashion_mnist_small.npz"


def load_data():
    """Load the 4 000 pictures for training and the 800 for testing.

    Returns
    -------
    tuple
        ``(x_train, y_train), (x_test, y_test)``: arrays of uint8 with the shapes (4000, 28, 28), (4000,),
        (800, 28, 28) and (800,).

    See Also
    --------
    fastconv.datasets.fashion_mnist.load_data : the whole set.

    Examples
    --------
    >>> from fastconv.datasets import fashion_mnist_small
    >>> (x_train, y_train), (x_test, y_test) = fashion_mnist_small.load_data()
    >>> x_train.shape, x_test.shape
    ((4000, 28, 28), (800, 28, 28))
    >>> fashion_mnist_small.CLASS_NAMES[y_train[0]]
    'Ankle boot'
    """
    with np.load(_FILE, allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
