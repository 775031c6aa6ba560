"""A data set in two parts."""

import numbers

import numpy as np

from fastconv.models.py_dataset import PyDataset
from fastconv.names import spelled
from fastconv.runtime import seeds


class Samples:
    """Some samples of arrays or of a data set: ``len``, ``[i]``, iteration; `batch` makes a `PyDataset` of them.

    Parameters
    ----------
    get : callable
        Returns a sample by its number.
    numbers : sequence of int
        Which samples.
    """

    def __init__(self, get, numbers):
        self._get, self._numbers = get, numbers

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, i):
        return self._get(self._numbers[i])

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def batch(self, batch_size):
        """Return a `PyDataset` of batches, for ``fit``.

        Examples
        --------
        >>> left, right = split_dataset(np.arange(5), left_size=3)
        >>> list(left.batch(2))
        [array([0, 1]), array([2])]
        """
        return _Batches(self, batch_size)


class _Batches(PyDataset):
    def __init__(self, samples, batch_size):
        super().__init__()
        self.samples, self.batch_size = samples, batch_size

    def __len__(self):
        return -(-len(self.samples) // self.batch_size)

    def __getitem__(self, index):
        start = index * self.batch_size
        rows = [self.samples[i] for i in range(start, min(start + self.batch_size, len(self.samples)))]
        return tuple(map(np.stack, zip(*rows, strict=True))) if isinstance(rows[0], (tuple, list)) else np.stack(rows)


@spelled
def split_dataset(dataset, left_size=None, right_size=None, shuffle=False, seed=None, preferred_backend=None):
    """Split a data set into a left and a right part.

    Parameters
    ----------
    dataset : ndarray, tuple or list of ndarray, or data set of samples
        Arrays of the same length, or what has ``len()`` and gives a sample by number, as a PyTorch ``Dataset`` does.
    left_size, right_size : float or int, optional
        A share, or a number of samples; one of them may be left out.
    shuffle : bool
        Whether samples are shuffled first.
    seed : int, optional
        Decides how.
    preferred_backend : None
        Keras returns data sets of another framework; there is none here.

    Returns
    -------
    tuple of Samples
        Two data sets of samples; ``.batch(32)`` makes a `PyDataset` of one.

    Raises
    ------
    TypeError
        If `dataset` or a size is of another type.
    ValueError
        If sizes do not fit, or arrays differ in length.
    NotImplementedError
        If a backend is asked for.

    Examples
    --------
    >>> from fastconv.utils import split_dataset
    >>> x, y = np.arange(20).reshape(10, 2), np.arange(10)
    >>> left, right = split_dataset((x, y), left_size=0.8)
    >>> len(left), len(right), [int(label) for _, label in right]
    (8, 2, [8, 9])
    """
    if preferred_backend is not None:
        raise NotImplementedError(
            f"split_dataset: preferred_backend={preferred_backend!r} is not supported; leave it out."
        )
    if seed is not None and not isinstance(seed, numbers.Integral):
        raise TypeError(f"split_dataset: seed={seed!r} is not a whole number.")
    get, total = _reader(dataset)
    if left_size is None and right_size is None:
        raise ValueError(
            "split_dataset: At least one of the `left_size` or `right_size` must be specified. Received: "
            "left_size=None and right_size=None"
        )
    left, right = _sizes(left_size, right_size, total)
    order = np.arange(total)
    if shuffle:
        (seeds.generator() if seed is None else np.random.default_rng(seed)).shuffle(order)
    order = order.tolist()
    return Samples(get, order[:left]), Samples(get, order[total - right :])


def _reader(dataset):
    """Return the function from a number to a sample, and how many there are."""
    if isinstance(dataset, np.ndarray):
        get, total = dataset.__getitem__, len(dataset)
    elif isinstance(dataset, (tuple, list)):
        for i, array in enumerate(dataset):
            if not isinstance(array, np.ndarray):
                raise ValueError(
                    f"split_dataset: Expected a {type(dataset).__name__} of `numpy.ndarray` objects, Received: "
                    f"{type(array)} at index {i}."
                )
            if len(array) != len(dataset[0]):
                raise ValueError(
                    f"split_dataset: Received arrays with different lengths: {len(array)} at index {i}, expected "
                    f"{len(dataset[0])}."
                )
        total = len(dataset[0]) if dataset else 0

        def get(i):
            return tuple(array[i] for array in dataset)

    elif hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__") and not isinstance(dataset, (str, PyDataset)):
        get, total = dataset.__getitem__, len(dataset)
    else:
        raise TypeError(
            f"split_dataset: dataset is a {type(dataset).__name__}; expected an array, a list or tuple of arrays, or a "
            "data set that gives samples by number."
        )
    if not total:
        raise ValueError("split_dataset: Received an empty dataset; expected at least two samples.")
    return get, total


def _sizes(left, right, total):
    """Return the numbers of samples of both parts."""
    counts = []
    for side, size in (("left_size", left), ("right_size", right)):
        if size is not None and type(size) not in (int, float):
            raise TypeError(f"split_dataset: Invalid `{side}` Type. Expected: int or float or None, Received: {size!r}")
        if size is not None and not 0 < size < (total if type(size) is int else 1):
            raise ValueError(
                f"split_dataset: `{side}` should be either a positive integer smaller than {total}, or a float within "
                f"the range `[0, 1]`. Received: {side}={size}"
            )
        counts.append(round(size * total) if type(size) is float else size)
    if type(left) is type(right) is float and left + right > 1:
        raise ValueError(f"split_dataset: The sum of `left_size` and `right_size` is greater than 1: {left} + {right}.")
    left, right = counts
    left, right = total - right if left is None else left, total - left if right is None else right
    if left + right > total:
        raise ValueError(
            f"split_dataset: The sum of `left_size` and `right_size` should be smaller than the {total}. Received: "
            f"left_size={left} and right_size={right}"
        )
    if not left or not right:
        raise ValueError(
            f"split_dataset: With `dataset` of length={total}, the sizes {left} and {right} leave one part empty."
        )
    return left, right
