"""Fashion-MNIST: 70 000 pictures of clothing from Zalando's shop, 28 x 28 grey values, in ten classes.

The data set is Copyright (c) 2017 Zalando SE and under the MIT licence; it is described in H. Xiao, K. Rasul
and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms"
(arXiv:1708.07747).
"""

import os
from pathlib import Path

from fastconv.datasets import cache
from fastconv.datasets.idx import read_idx

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

# What each array's file is called, the shape it must have, and the SHA-256 of the file as it is published.
# (Debian packs the same contents anew, so its files have other sums.)
_FILES = {
    "x_train": (
        "train-images-idx3-ubyte.gz",
        (60000, 28, 28),
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    "y_train": (
        "train-labels-idx1-ubyte.gz",
        (60000,),
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    "x_test": (
        "t10k-images-idx3-ubyte.gz",
        (10000, 28, 28),
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    "y_test": (
        "t10k-labels-idx1-ubyte.gz",
        (10000,),
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
}

_DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def load_data():
    """Load the 60 000 pictures for training and the 10 000 for testing.

    The files are taken from the first of these folders that has all four, packed or not: the one named by the
    environment variable ``FASTCONV_DATA`` or its subfolder ``fashion-mnist``; Keras's cache
    (``~/.keras/datasets/fashion-mnist``, or below ``KERAS_HOME``); the one of Debian's package
    ``dataset-fashion-mnist``. Otherwise they are downloaded into Keras's cache (30 MB, checked by SHA-256),
    which needs ``pip install fastconv[data]``.

    Returns
    -------
    tuple
        ``(x_train, y_train), (x_test, y_test)``: arrays of uint8 with the shapes (60000, 28, 28), (60000,),
        (10000, 28, 28) and (10000,).

    Raises
    ------
    FileNotFoundError
        If no folder has the files and they cannot be downloaded; the message lists every place and what to
        do.
    ValueError
        If a file is damaged or is not the file its name says.

    See Also
    --------
    find : the folder without reading it.
    fastconv.datasets.fashion_mnist_small.load_data : a few thousand of the pictures, always there.

    Examples
    --------
    >>> from fastconv.datasets import fashion_mnist
    >>> if fashion_mnist.find() is not None:
    ...     (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    ...     assert x_train.shape == (60000, 28, 28) and fashion_mnist.CLASS_NAMES[y_train[0]] == "Ankle boot"
    """
    folder = find()
    if folder is None:
        folder = _download(_cache_folder())
    arrays = {part: _load(folder, part) for part in _FILES}
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def find():
    """Return the folder that ``load_data`` reads, without reading or downloading anything.

    Returns
    -------
    pathlib.Path or None
        The first place that has all four files; ``None`` if ``load_data`` would have to download them.

    Examples
    --------
    >>> from fastconv.datasets import fashion_mnist
    >>> folder = fashion_mnist.find()
    >>> folder is None or folder.is_dir()
    True
    """
    return next((folder for _, folder in _places() if not _missing(folder)), None)


def _places():
    """Return every place to look at, in order, as pairs of a description and a folder."""
    named = os.environ.get("FASTCONV_DATA")
    places = []
    if named:
        named = Path(named).expanduser()
        places = [("FASTCONV_DATA", named), ("FASTCONV_DATA's subfolder", named / "fashion-mnist")]
    return [*places, ("Keras's cache", _cache_folder()), ("Debian's package", _DEBIAN)]


def _cache_folder():
    return cache.home() / "fashion-mnist"


def _path(folder, name):
    """Return the path of the file `name` (ending in .gz), packed or unpacked, or None."""
    paths = (folder / name, folder / name.removesuffix(".gz"))
    return next((path for path in paths if path.is_file()), None)


def _missing(folder):
    return [name for name, _, _ in _FILES.values() if _path(folder, name) is None]


def _load(folder, part):
    name, shape, _ = _FILES[part]
    path = _path(folder, name)
    try:
        array = read_idx(path, shape)
        if array.dtype != "uint8":
            raise ValueError(f"{path} holds numbers of type {array.dtype}; expected uint8.")
        if array.ndim == 1 and array.max() >= len(CLASS_NAMES):
            raise ValueError(f"{path} holds the label {array.max()}; expected 0 to {len(CLASS_NAMES) - 1}.")
    except ValueError as error:
        raise ValueError(
            f"fashion_mnist.load_data: {error} Delete the file, or put the published {name} in its place."
        ) from error
    return array


def _download(folder):
    try:
        import pooch
    except ImportError as error:
        raise FileNotFoundError(_explain("pooch, which downloads it, is not installed")) from error
    try:
        for name, _, sha256 in _FILES.values():
            pooch.retrieve(URL + name, known_hash=f"sha256:{sha256}", fname=name, path=folder)
    except (OSError, ValueError) as error:  # no network, no room, a folder without rights; a wrong sum
        raise FileNotFoundError(_explain(f"downloading it from {URL} into {folder} failed: {error}")) from error
    return folder


def _explain(reason):
    lines = [f"fashion_mnist.load_data: Fashion-MNIST is not on this computer, and {reason}.", "Looked at:"]
    for what, folder in _places():
        state = f"lacks {', '.join(_missing(folder))}" if folder.is_dir() else "no such folder"
        lines.append(f"  {folder} ({what}): {state}")
    return "\n".join(
        [
            *lines,
            "Any one of these helps:",
            "  pip install fastconv[data]              and a network: downloads it once",
            "  apt install dataset-fashion-mnist       on Debian and Ubuntu",
            "  FASTCONV_DATA=/folder                   that holds the four files, packed or not",
            "  fastconv.datasets.fashion_mnist_small   a part of it that comes with fastconv",
        ]
    )
