"""Write fastconv/datasets/data/fashion_mnist_small.npz from the whole of Fashion-MNIST.

    python tools/make_fashion_mnist_small.py [FILE]

Takes the first 400 training and the first 80 test pictures of each class and keeps the order of the whole
set, so that the classes stay mixed as they are there. The file depends on nothing else (packing may differ by
a few bytes between versions of zlib; the arrays do not).
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from fastconv.datasets import fashion_mnist, fashion_mnist_small

TRAIN_PER_CLASS = 400
TEST_PER_CLASS = 80


def choose_first(labels, count):
    """Return the positions of the first `count` examples of each class, in rising order."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]))


def make_arrays():
    """Return the four arrays of the small set by name."""
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    train, test = choose_first(y_train, TRAIN_PER_CLASS), choose_first(y_test, TEST_PER_CLASS)
    return {
        "x_train": x_train[train],
        "y_train": y_train[train],
        "x_test": x_test[test],
        "y_test": y_test[test],
    }


def write_npz(path, arrays):
    """Write `arrays` as an .npz file, packed as tightly as it goes and without the time of day."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main(arguments):
    """Write the file and say what is in it."""
    path = Path(arguments[0]) if arguments else fashion_mnist_small._FILE
    arrays = make_arrays()
    write_npz(path, arrays)
    print(f"{path}: {path.stat().st_size} bytes, " + ", ".join(f"{k} {v.shape}" for k, v in arrays.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
