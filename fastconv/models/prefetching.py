"""Items by number, made when they are wanted or ahead of that by workers, always in the order that was asked for."""

import numbers
from collections import deque
from itertools import islice


def source(dataset):
    """Return what makes a data set's items, as its ``workers`` and ``use_multiprocessing`` say."""
    workers, processes = _count(dataset, "workers"), dataset.use_multiprocessing
    if workers > 1 or (workers > 0 and processes):
        return Prefetch(dataset, workers, processes, _count(dataset, "max_queue_size"))
    return Direct(dataset)


def _count(dataset, argument):
    value = getattr(dataset, argument)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
        raise ValueError(f"{type(dataset).__name__}: {argument}={value!r}; expected a whole number, 0 or more.")
    return value


class Direct:
    """Makes each item when it is asked for."""

    def __init__(self, dataset):
        self.dataset = dataset

    def items(self, order):
        """Give the items whose numbers `order` gives."""
        return (self.dataset[index] for index in order)

    def wait(self):
        """Return when nothing is being made: at once."""

    def close(self):
        """Leave nothing behind."""


class Prefetch:
    """Makes items ahead in threads or processes, which live until `close`.

    The thread that takes the items is the one that orders new ones, so there is no thread beside the workers, and an
    interrupt has nothing to unlock.

    Parameters
    ----------
    dataset : object
        Has ``__getitem__``.
    workers : int
    processes : bool
    ahead : int
        How many items may be waiting, at least one a worker.
    """

    def __init__(self, dataset, workers, processes, ahead):
        self.dataset, self.workers, self.processes = dataset, workers, processes
        self.ahead = max(ahead, workers)
        self.executor, self.waiting = None, deque()

    def _open(self):
        from concurrent import futures  # imported when needed: it takes a while

        if self.processes:
            self.executor = futures.ProcessPoolExecutor(self.workers, initializer=_adopt, initargs=(self.dataset,))
        else:
            self.executor = futures.ThreadPoolExecutor(self.workers, thread_name_prefix="fastconv-data")

    def items(self, order):
        """Give the items whose numbers `order` gives; what was ordered before is dropped."""
        self._drop()
        if self.executor is None:
            self._open()
        order = iter(order)
        get = _get if self.processes else self.dataset.__getitem__
        waiting = self.waiting = deque()
        while True:
            waiting.extend(self._submit(get, index) for index in islice(order, self.ahead - len(waiting)))
            if not waiting:
                return
            yield self._result(waiting.popleft())

    def _submit(self, get, index):
        try:
            return self.executor.submit(get, index)
        except Exception as error:  # beginning a process pickles the data set, which may fail in any way
            if not self.processes:
                raise
            raise self._ended() from error

    def _result(self, future):
        from concurrent.futures import BrokenExecutor  # it is there by now

        try:
            return future.result()
        except BrokenExecutor as error:
            raise self._ended() from error

    def _ended(self):
        """Return the error that tells why there may be no workers."""
        kind = type(self.dataset).__name__
        why = "where processes are not forked, it must be possible to pickle it, and a new process must be able to "
        why += "import its class; or a process was ended, as for want of memory"
        return RuntimeError(
            f"{kind}: a worker could not begin or has ended: {why}. Expected workers that go on; with "
            "use_multiprocessing=False threads of this process make the batches."
        )

    def _drop(self):
        for future in self.waiting:
            future.cancel()
        self.wait()

    def wait(self):
        """Return when no worker is busy."""
        for future in self.waiting:
            if not future.cancelled():
                future.exception()

    def close(self):
        """End the workers; those that are making an item finish it first."""
        executor, self.executor = self.executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)
        self.waiting = deque()


_adopted = None  # in a worker process: its copy of the data set


def _adopt(dataset):
    import signal  # imported when needed: it takes a while

    global _adopted
    _adopted = dataset
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes; the first one ends the others


def _get(index):
    return _adopted[index]
