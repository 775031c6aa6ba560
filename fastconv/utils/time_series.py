"""Windows that slide over a series, as batches to train on."""

import numbers

import numpy as np

from fastconv.models.py_dataset import PyDataset
from fastconv.names import spelled
from fastconv.runtime import seeds


@spelled
def timeseries_dataset_from_array(
    data,
    targets,
    sequence_length,
    sequence_stride=1,
    sampling_rate=1,
    batch_size=128,
    shuffle=False,
    seed=None,
    start_index=None,
    end_index=None,
    format="tf",
):
    """Return the windows of a series, in batches, each with the target of its first step.

    Parameters
    ----------
    data : array_like
        One row for each point in time.
    targets : array_like or None
        ``targets[i]`` belongs to the window that begins at ``data[i]``; None: the batches hold windows only.
    sequence_length : int
        How many points a window has.
    sequence_stride : int
        How far a window begins behind the one before it.
    sampling_rate : int
        How far a point of a window lies behind the one before it.
    batch_size : int or None
        Windows in a batch; None: they come one by one, without a batch axis.
    shuffle : bool
        Whether windows come in another order at each epoch.
    seed : int, optional
        Makes that order repeatable.
    start_index, end_index : int, optional
        Only the points from the one on, and before the other, are used.
    format : {"tf", "grain"}
        Accepted for Keras's sake: the answer is a `PyDataset` in either case.

    Returns
    -------
    PyDataset

    Raises
    ------
    ValueError
        If a number does not fit the series.

    Examples
    --------
    >>> windows = timeseries_dataset_from_array([0.0, 1.0, 2.0, 3.0], [10, 20, 30, 40], sequence_length=2, batch_size=2)
    >>> for x, y in windows:
    ...     print(x.tolist(), y.tolist())
    [[0.0, 1.0], [1.0, 2.0]] [10, 20]
    [[2.0, 3.0]] [30]
    """
    if format not in ("tf", "grain"):
        raise ValueError(f"{_OWNER}: format={format!r} is not 'tf' or 'grain'; both give a PyDataset here.")
    data = np.asarray(data)
    if data.ndim == 0:
        raise TypeError(f"{_OWNER}: data is a {data.dtype} without axes; expected an array, its points first.")
    targets = None if targets is None else np.asarray(targets)
    start, end = _range(len(data), start_index, end_index)
    length = _count("sequence_length", sequence_length, end - start)
    stride = _count("sequence_stride", sequence_stride, end - start - 1)
    rate = _count("sampling_rate", sampling_rate, end - start - 1)
    if batch_size is not None:
        batch_size = _count("batch_size", batch_size)
    windows = end - start - (length - 1) * rate
    if targets is not None:
        windows = min(windows, len(targets))
    if windows < 1:
        raise ValueError(
            f"{_OWNER}: no window of sequence_length={length}, sampling_rate={rate} fits into the {end - start} points."
        )
    offsets = np.arange(length) * rate
    starts = np.arange(0, windows, stride)
    return Windows(
        data[start:end], None if targets is None else targets[start:end], starts, offsets, batch_size, shuffle, seed
    )


class Windows(PyDataset):
    """The windows of a series, in batches.

    Parameters
    ----------
    data, targets : ndarray
        Points in time, and what belongs to the windows that begin there, or None.
    starts, offsets : ndarray of int
        Where windows begin, and how far their points lie behind that.
    batch_size : int or None
    shuffle : bool
    seed : int or None
    """

    reordered_by_fit = False  # it does that itself

    def __init__(self, data, targets, starts, offsets, batch_size, shuffle, seed):
        super().__init__()
        self.data, self.targets, self.starts, self.offsets = data, targets, starts, offsets
        self.batch_size = batch_size
        self._generator = np.random.default_rng(seeds.next_seed() if seed is None else seed) if shuffle else None
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.starts) // (self.batch_size or 1))

    def __getitem__(self, index):
        """Return a batch: the windows, or the windows and their targets."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        size = self.batch_size
        starts = self.starts[index * size : (index + 1) * size] if size else self.starts[index]
        windows = self.data[starts[..., None] + self.offsets]
        return windows if self.targets is None else (windows, self.targets[starts])

    def on_epoch_end(self):
        """Draw a new order, if that is wanted."""
        if self._generator is not None:
            self.starts = self._generator.permutation(self.starts)


_OWNER = "timeseries_dataset_from_array"


def _count(argument, value, maximum=None):
    """Return a whole number above 0 and not above `maximum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{_OWNER}: {argument}={value!r} is not an integer above 0.")
    if maximum is not None and value > maximum:
        raise ValueError(f"{_OWNER}: {argument}={value} is too large for the series; expected at most {maximum}.")
    return int(value)


def _range(length, start, end):
    """Return where the used part of a series begins and ends."""
    for argument, value, first in (("start_index", start, 0), ("end_index", end, 1)):
        if value is not None and not (isinstance(value, numbers.Integral) and first <= value <= length):
            raise ValueError(f"{_OWNER}: {argument}={value!r} is not from {first} to {length}, the length of data.")
    start, end = (0 if start is None else int(start)), (length if end is None else int(end))
    if start >= end:
        raise ValueError(f"{_OWNER}: start_index={start} is not below end_index={end}.")
    return start, end
