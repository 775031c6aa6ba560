"""Pictures in folders as a data set: which files, which labels, which part; and the batches of them."""

import numbers
import os
from itertools import islice

import numpy as np

from fastconv.models.py_dataset import PyDataset
from fastconv.names import spelled
from fastconv.runtime import seeds, settings
from fastconv.utils.pillow import as_color_mode, open_image
from fastconv.utils.resizing import INTERPOLATIONS, resize

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
WHAT = "image_dataset_from_directory"


class ImageDataset(PyDataset):
    """The pictures of files and their labels, in batches; what `image_dataset_from_directory` returns.

    Attributes
    ----------
    file_paths : list of str
        The files, in the order of an epoch without shuffling.
    class_names : list of str or None
        The classes, in the order of their numbers.
    """

    reordered_by_fit = False  # its own shuffling is of samples

    def __init__(self, file_paths, labels, class_names, load, batch_size, seed):
        super().__init__(workers=min(4, os.cpu_count() or 1), max_queue_size=4)
        self.file_paths, self.labels, self.class_names = file_paths, labels, class_names
        self.batch_size, self.seed = batch_size, seed
        self._load, self._passes = load, 0
        self._order = np.arange(len(file_paths))
        self._shuffle()

    def _shuffle(self):
        """Put the samples in the order of the next pass; ``seed=None``: there is one order."""
        if self.seed is not None:
            self._order = np.random.default_rng((self.seed, self._passes)).permutation(len(self.file_paths))
            self._passes += 1

    def on_epoch_begin(self):
        """Shuffle anew, if it was asked for."""
        self._shuffle()

    def __len__(self):
        return -(-len(self.file_paths) // (self.batch_size or 1))

    def __getitem__(self, index):
        """Return a batch: pictures as float32, and labels if there are any."""
        if not 0 <= index < len(self):
            raise IndexError(f"{WHAT}: there is no batch {index}; there are {len(self)}.")
        if self.batch_size is None:
            one = self._order[index]
            x = self._load(self.file_paths[one])
            return x if self.labels is None else (x, self.labels[one])
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        x = np.stack([self._load(self.file_paths[i]) for i in rows])
        return x if self.labels is None else (x, self.labels[rows])

    def __iter__(self):
        self._shuffle()
        yield from super().__iter__()

    def take(self, count):
        """Give the first `count` batches."""
        return islice(self, count)


@spelled
def image_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    color_mode="rgb",
    batch_size=32,
    image_size=(256, 256),
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    interpolation="bilinear",
    follow_links=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    data_format=None,
    format="tf",
    verbose=True,
):
    """Make a data set of the pictures in a folder, whose subfolders are the classes.

    Files end with .bmp, .gif, .jpeg, .jpg or .png. Their order, and which of them are in which subset, is Keras's for
    the same seed; the order in which each epoch visits them is not.

    Parameters
    ----------
    directory : str or path-like
        The folder.
    labels : "inferred", None or list of int
        From the subfolders; none; or one for each file in the order of their paths.
    label_mode : {"int", "categorical", "binary", None}
        Labels as int32 numbers, as float32 rows with a one, as a float32 column of 0 and 1, or not at all.
    class_names : list of str, optional
        The subfolders in the order of their numbers; by default sorted.
    color_mode : {"rgb", "rgba", "grayscale"}
        What pictures are converted to.
    batch_size : int or None
        None: single pictures.
    image_size : int or tuple of int
        (height, width) to resize to.
    shuffle : bool
        Whether each pass has another order; otherwise it is that of the names.
    seed : int, optional
        Decides all orders.
    validation_split : float, optional
        The share of the files for validation.
    subset : {"training", "validation", "both"}, optional
        Which part to return; "both" returns two data sets in a list.
    interpolation : str
        "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or "mitchellcubic".
    follow_links : bool
        Whether links to folders are followed.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Keep the proportions, by cutting the picture or by zeros around it.
    data_format : {"channels_last", "channels_first"}, optional
        The order of the axes; by default ``config.image_data_format()``.
    format : "tf"
        Keras has "grain" too; whatever is returned here is neither, but an `ImageDataset`, a `PyDataset`.
    verbose : bool
        Whether the number of files is printed.

    Returns
    -------
    ImageDataset or list of ImageDataset
        With the attributes ``class_names`` and ``file_paths``.

    Raises
    ------
    ImportError
        When a picture is read, if Pillow is not installed.
    ValueError
        If an argument is unknown, arguments do not go together or there is no picture; when it is read, if a file is
        damaged or too large.
    NotImplementedError
        For ``format="grain"``.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastconv.utils import image_dataset_from_directory, save_img
    >>> folder = tempfile.mkdtemp()
    >>> for kind, grey in (("day", 250.0), ("night", 5.0)):
    ...     os.mkdir(os.path.join(folder, kind))
    ...     save_img(os.path.join(folder, kind, "1.png"), np.full((8, 8, 3), grey), scale=False)
    >>> pictures = image_dataset_from_directory(folder, image_size=(4, 4), shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> pictures.class_names
    ['day', 'night']
    >>> x, y = pictures[0]
    >>> x.shape, x[:, 0, 0, 0], y
    ((2, 4, 4, 3), array([250.,   5.], dtype=float32), array([0, 1], dtype=int32))
    """
    label_mode = _check(labels, label_mode, class_names, color_mode, format)
    image_size = _size(image_size)
    interpolation = _interpolation(interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
    _check_split(validation_split, subset, shuffle, seed)
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, numbers.Integral)):
        raise TypeError(f"{WHAT}: seed={seed!r} is not a whole number.")
    if not isinstance(directory, (str, os.PathLike)):
        raise TypeError(f"{WHAT}: directory={directory!r} is not the name of a folder.")
    if batch_size is not None and (isinstance(batch_size, bool) or int(batch_size) != batch_size or batch_size < 1):
        raise ValueError(f"{WHAT}: batch_size={batch_size!r} is neither a whole number above 0 nor None.")
    if seed is None:
        seed = int(seeds.generator().integers(1_000_000))
    labels = None if label_mode is None else labels
    paths, labels, class_names = index(
        os.fspath(directory), labels, class_names, seed if shuffle else None, follow_links, verbose
    )
    if label_mode == "binary" and len(class_names) != 2:
        raise ValueError(
            f'{WHAT}: When passing `label_mode="binary"`, there must be exactly 2 class_names. Received: '
            f"class_names={class_names}"
        )
    first = settings.standardize_data_format(data_format, WHAT) == "channels_first"

    def load(path):
        image = as_color_mode(WHAT, open_image(WHAT, path), color_mode)
        x = np.asarray(image, np.float32).reshape(image.height, image.width, CHANNELS[color_mode])
        x = resize(x, image_size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
        return np.ascontiguousarray(x.transpose(2, 0, 1)) if first else x

    def make(part, order_seed):
        chosen = paths[part]
        if not chosen:
            raise ValueError(f"{WHAT}: No images found in directory {directory}. Allowed formats: {FORMATS}")
        made = None if labels is None else _as_mode(labels[part], label_mode, len(class_names))
        return ImageDataset(chosen, made, class_names, load, batch_size, order_seed)

    at = len(paths) - int((validation_split or 0) * len(paths))
    parts = {"training": (slice(0, at), seed if shuffle else None), "validation": (slice(at, None), None)}
    if subset is None:
        return make(slice(None), seed if shuffle else None)
    for part in parts if subset == "both" else [subset]:
        count = at if part == "training" else len(paths) - at
        print(f"Using {count} files for {part}.")
    if subset == "both":
        return [make(*part) for part in parts.values()]
    return make(parts[subset][0], seed if shuffle else None)


def _check(labels, label_mode, class_names, color_mode, format):
    """Check what concerns labels and formats; return the mode of the labels, None if there are none."""
    if labels is not None and not (isinstance(labels, str) and labels == "inferred"):
        if not isinstance(labels, (list, tuple)):
            raise ValueError(
                f"{WHAT}: `labels` argument should be a list/tuple of integer labels, of the same size as the number "
                'of image files in the target directory, or "inferred" from the subdirectories, or None. Received: '
                f"labels={labels}"
            )
        if class_names:
            raise ValueError(
                f'{WHAT}: You can only pass `class_names` if `labels="inferred"`. Received: labels={labels}, and '
                f"class_names={class_names}"
            )
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(
            f'{WHAT}: `label_mode` argument must be one of "int", "categorical", "binary", or None. Received: '
            f"label_mode={label_mode}"
        )
    if color_mode not in CHANNELS:
        raise ValueError(
            f'{WHAT}: `color_mode` must be one of {{"rgb", "rgba", "grayscale"}}. Received: color_mode={color_mode}'
        )
    if format not in ("tf", "grain"):
        raise ValueError(f'{WHAT}: `format` should be either "tf" or "grain". Received: format={format}')
    if format == "grain":
        raise NotImplementedError(f'{WHAT}: format="grain" is not supported; leave it out.')
    return None if labels is None else label_mode


def _size(image_size):
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, (list, tuple)) or len(size) != 2 or any(not isinstance(n, int) or n < 1 for n in size):
        raise ValueError(
            f"{WHAT}: Invalid `image_size` value. Expected a tuple of 2 integers. Received: image_size={image_size}"
        )
    return tuple(size)


def _interpolation(interpolation, crop, pad):
    if str(interpolation).lower() not in INTERPOLATIONS:
        raise ValueError(
            f"{WHAT}: Argument `interpolation` should be one of {INTERPOLATIONS}. Received: "
            f"interpolation={interpolation}"
        )
    if crop and pad:
        raise ValueError(f"{WHAT}: Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`.")
    return interpolation.lower()


def _check_split(validation_split, subset, shuffle, seed):
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(f"{WHAT}: `validation_split` must be between 0 and 1, received: {validation_split}")
    if bool(validation_split) != bool(subset):
        raise ValueError(f"{WHAT}: If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f'{WHAT}: `subset` must be either "training", "validation" or "both", received: {subset}')
    if validation_split and shuffle and seed is None:
        raise ValueError(
            f"{WHAT}: If using `validation_split` and shuffling the data, you must provide a `seed` argument, to make "
            "sure that there is no overlap between the training and validation subset."
        )


def index(directory, labels, class_names, seed, follow_links, verbose):
    """Return the files of a folder, their labels (None: without) and the names of the classes."""
    if labels == "inferred":
        folders = [
            name
            for name in sorted(os.listdir(directory))
            if os.path.isdir(os.path.join(directory, name)) and not name.startswith(".")
        ]
        if class_names is not None:
            if not set(class_names) <= set(folders):
                raise ValueError(
                    f"{WHAT}: The `class_names` passed did not match the names of the subdirectories of the target "
                    f"directory. Expected: {folders} (or a subset of it), but received: class_names={class_names}"
                )
            folders = list(class_names)
        found = [_files(directory, folder, follow_links) for folder in folders]
        paths = [path for part in found for path in part]
        labels, names = np.repeat(np.arange(len(folders), dtype="int32"), [len(part) for part in found]), folders
    else:
        if class_names is not None:
            raise ValueError(
                f"{WHAT}: argument `class_names` cannot be specified with labels={labels!r}; only with "
                '`labels="inferred"`.'
            )
        paths, names = _files(directory, "", follow_links), None
        if labels is not None:
            if len(labels) != len(paths):
                raise ValueError(
                    f"{WHAT}: Expected the lengths of `labels` to match the number of files in the target directory. "
                    f"len(labels) is {len(labels)} while we found {len(paths)} files in directory {directory}."
                )
            names, labels = [str(label) for label in sorted(set(labels))], np.array(labels, "int32")
    if verbose:
        print(f"Found {len(paths)} files" + ("." if names is None else f" belonging to {len(names)} classes."))
    if seed is not None:  # the same draws as Keras's: file by file, then label by label
        np.random.RandomState(seed).shuffle(paths)
        if labels is not None:
            np.random.RandomState(seed).shuffle(labels)
    return paths, labels, names


def _files(directory, folder, follow_links):
    """Return the paths of the pictures in a folder and below it, folder by folder, in the order of their names."""
    walk = os.walk(os.path.join(directory, folder), followlinks=follow_links)
    return [
        os.path.join(root, name)
        for root, _, names in sorted(walk, key=lambda entry: entry[0])
        for name in sorted(names)
        if name.lower().endswith(FORMATS)
    ]


def _as_mode(labels, label_mode, classes):
    if label_mode == "binary":
        return labels.astype("float32")[:, None]
    if label_mode == "categorical":
        return (labels[:, None] == np.arange(classes)).astype("float32")
    return labels
