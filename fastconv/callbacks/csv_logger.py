"""The metrics of every epoch, in a file of comma-separated values."""

import os
from collections.abc import Iterable

import numpy as np

from fastconv.callbacks.callback import Callback


class CSVLogger(Callback):
    """Writes a line with the metrics of each epoch.

    Columns are those of the first epoch, and ``val_`` ones beside them if it has none; what an epoch lacks is
    ``NA``.

    Parameters
    ----------
    filename : str or path
        The file.
    separator : str
        What stands between the values.
    append : bool
        Whether lines are added to a file that exists.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "log.csv")
    >>> logger = CSVLogger(path)
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    >>> logger.on_train_end()
    >>> with open(path) as file:
    ...     print(file.read().split())
    ['epoch,loss,val_loss', '0,0.5,0.75']
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        if not isinstance(filename, (str, os.PathLike)):
            raise TypeError(f"CSVLogger: filename={filename!r} is not the name of a file.")
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"CSVLogger: separator={separator!r} is not one character.")
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self.keys = None
        self._file = None
        self._writer = None

    def on_train_begin(self, logs=None):
        """Open the file; see `Callback`.

        Examples
        --------
        >>> CSVLogger("no/such/folder/log.csv").on_train_begin()
        Traceback (most recent call last):
        ...
        FileNotFoundError: [Errno 2] No such file or directory: 'no/such/folder/log.csv'
        """
        filled = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115
        self._needs_header = not filled
        self._writer = None

    def on_epoch_end(self, epoch, logs=None):
        """Write a line; see `Callback`.

        Examples
        --------
        >>> CSVLogger("log.csv").on_epoch_end(0, {"loss": 0.5})
        Traceback (most recent call last):
        ...
        RuntimeError: CSVLogger: on_train_begin was not called, so 'log.csv' is not open.
        """
        if self._file is None:
            raise RuntimeError(f"CSVLogger: on_train_begin was not called, so {self.filename!r} is not open.")
        logs = logs or {}
        if self._writer is None:
            self._begin(logs)
        row = {"epoch": epoch, **{key: _text(logs[key]) if key in logs else "NA" for key in self.keys}}
        self._writer.writerow(row)
        self._file.flush()

    def _begin(self, logs):
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in logs):
                self.keys += [f"val_{key}" for key in self.keys if key != "learning_rate"]
        import csv  # imported when needed: it takes a while

        self._writer = csv.DictWriter(self._file, ["epoch", *self.keys], delimiter=self.separator)
        if self._needs_header:
            self._writer.writeheader()

    def on_train_end(self, logs=None):
        """Close the file; see `Callback`.

        Examples
        --------
        >>> CSVLogger("log.csv").on_train_end()
        """
        if self._file is not None:
            self._file.close()
        self._file = self._writer = None


def _text(value):
    """Return a number as it is written by Python, and several as a quoted list."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f'"[{", ".join(map(str, value))}]"'
    return value
