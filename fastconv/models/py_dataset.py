"""PyDataset: batches by number, in parallel if wanted; and the feed that reads ahead of the training."""

from itertools import count, islice

from fastconv.models import prefetching
from fastconv.models.feeding import Feed, warn_of_the_end
from fastconv.runtime import caller, seeds


class PyDataset:
    """Base class of data sets that make whole batches by number.

    A subclass writes ``__getitem__(index)``, which returns a batch ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``,
    and ``__len__``, the number of batches (or the property ``num_batches``, which may be None: without end).

    Parameters
    ----------
    workers : int
        With more than 1, ``fit``, ``evaluate`` and ``predict`` ask for batches ahead, in so many threads; the batches
        keep their order.
    use_multiprocessing : bool
        Processes instead of threads, if `workers` is at least 1. The data set is copied into each; where processes are
        not forked, it must be possible to pickle it.
    max_queue_size : int
        How many batches may be waiting.

    Examples
    --------
    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         x = np.arange(3.0) + 3 * index
    ...         return x, x ** 2
    >>> for x, y in Squares():
    ...     print(x, y)
    [0. 1. 2.] [0. 1. 4.]
    [3. 4. 5.] [ 9. 16. 25.]
    """

    reordered_by_fit = True  # whether ``fit(shuffle=True)`` asks for the batches in another order at each epoch

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    def __getitem__(self, index):
        """Return the batch of a number.

        Raises
        ------
        NotImplementedError
            If the subclass does not write it.
        """
        raise NotImplementedError(f"{type(self).__name__}: __getitem__(index) is missing; it returns a batch.")

    def __iter__(self):
        """Go through the batches in order, one by one, in this thread."""
        try:
            batches = self.num_batches
        except NotImplementedError:
            batches = None
        for index in count() if batches is None else range(batches):
            yield self[index]

    @property
    def num_batches(self):
        """The number of batches of an epoch; None: there is no end.

        Raises
        ------
        NotImplementedError
            If the subclass writes neither this nor ``__len__``.
        """
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__}: You need to implement the `num_batches` property:\n\n"
            "@property\ndef num_batches(self):\n  return ..."
        )

    def on_epoch_begin(self):
        """Act before each pass over the data."""

    def on_epoch_end(self):
        """Act after each pass over the data, when no worker is busy: the place to change the data set."""

    def _setting(self, name, default):
        if not hasattr(self, name):
            caller.warn(
                f"{type(self).__name__}: your `PyDataset` class should call `super().__init__(**kwargs)` in its "
                "constructor. `**kwargs` can include `workers`, `use_multiprocessing`, `max_queue_size`."
            )
            setattr(self, name, default)
        return getattr(self, name)


def _setting(name, default, what):
    def get(self):
        return self._setting(name, default)

    def put(self, value):
        setattr(self, name, value)

    return property(get, put, doc=what)


PyDataset.workers = _setting("_workers", 1, "How many threads or processes make batches.")
PyDataset.use_multiprocessing = _setting("_use_multiprocessing", False, "Whether they are processes.")
PyDataset.max_queue_size = _setting("_max_queue_size", 10, "How many batches may be waiting.")


class PyDatasetFeed(Feed):
    """Batches of a `PyDataset`.

    Parameters
    ----------
    dataset : PyDataset
    convert : callable
        Makes a `Batch` of x, y and weights.
    limit : int or None
        Batches of a pass; the next pass goes on where it stopped. None: all, from the beginning.
    shuffle : bool
        Whether the batches come in a new order each time.
    """

    def __init__(self, dataset, convert, limit=None, shuffle=False):
        self.dataset, self.convert, self.limit = dataset, convert, limit
        self.batches = dataset.num_batches
        self.steps = self.batches if limit is None else limit
        self.shuffle = shuffle and dataset.reordered_by_fit and self.batches is not None
        self.source = prefetching.source(dataset)
        self.rest, self.left, self.given = None, 0, 0

    @property
    def taken(self):
        """How many batches were given that the next pass goes on behind."""
        return self.given if self.limit is not None and self.left != 0 else 0

    def skip(self, batches):
        """Begin with the first batch of the data set, without making the first ones."""
        order = count(batches) if self.batches is None else range(batches, self.batches)
        if self.shuffle:
            order = seeds.generator().permutation(self.batches).tolist()[batches:]
        self.rest, self.given = self.source.items(order), batches
        self.left = None if self.batches is None else max(self.batches - batches, 0)

    def batches_of_a_pass(self):
        """Give the batches of a pass; tell the data set where it begins and ends."""
        self.dataset.on_epoch_begin()
        if self.rest is None or self.left == 0 or (self.limit is None and self.left is not None):
            self.skip(0)
        wanted = self.steps if self.left is None else min(self.steps, self.left)
        for item in islice(self.rest, wanted):
            if self.left is not None:
                self.left -= 1
            self.given += 1
            yield self.convert(item)
        if wanted < self.steps:
            warn_of_the_end()
        self.source.wait()
        self.dataset.on_epoch_end()

    def close(self):
        """End the workers."""
        super().close()
        self.rest = None
        self.source.close()
