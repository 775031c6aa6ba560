"""Worker processes: one for each library, in an interpreter that has it.

A worker that dies, hangs or writes nonsense is told about in one sentence, and started again when it is asked next; one
that keeps failing is left alone.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from fastconv.benchmark.sides import LIBRARIES

PROGRAM = Path(__file__).with_name("worker.py")
TIMEOUT = 300  # seconds; compiling a network at its first call may take some
MOST_DEATHS = 3
_IMPORT = "import time, numpy; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"

# The allocator keeps its pages, as training PyTorch and TensorFlow at their best needs; not while memory is measured.
_KEEP_PAGES = {"MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_MMAP_THRESHOLD_": "4000000000"}


class WorkerError(OSError):
    """A worker gave no answer; the message says why, in a sentence."""


def environment(name, threads, keep_pages=True):
    """Return the environment of the library `name` on a number of threads."""
    variables = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "MKL_NUM_THREADS"), str(threads))
    if name == "fastconv":
        path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        variables |= {"FASTCONV_NUM_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(filter(None, path))}
    elif keep_pages:
        variables |= _KEEP_PAGES
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **variables, **LIBRARIES[name].environment}


def find_libraries(python):
    """Return the names of the libraries that an interpreter has; raise WorkerError if it cannot tell."""
    answer = _run([python, str(PROGRAM)], os.environ)
    try:
        return [name for name in json.loads(answer) if name in LIBRARIES]
    except (ValueError, TypeError):
        raise WorkerError(f"{python} is no Python interpreter: it answered {answer[:60]!r}") from None


def seconds_to_import(python, name, threads):
    """Return how long a fresh interpreter takes to import a library, once it has NumPy."""
    return float(_run([python, "-c", _IMPORT.format(LIBRARIES[name].imports[0])], environment(name, threads)))


def _run(command, environment):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, env=environment, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise WorkerError(f"{command[0]} does not run: {error}") from None
    if done.returncode:
        raise WorkerError(f"{command[0]} {_end_of(done.returncode, done.stderr)}")
    return done.stdout.strip().rpartition("\n")[2]


class Worker:
    """One process, from its start to its end; a context manager.

    Parameters
    ----------
    name : str
        A key of ``LIBRARIES``.
    python : str
        The interpreter.
    threads : int
    keep_pages : bool
        Whether the allocator is told to keep its pages.

    Attributes
    ----------
    version : str
    kinds : list of str
        What can be asked.
    alive : bool
        False after a question that it did not answer.

    Raises
    ------
    WorkerError
        If it does not start.
    """

    def __init__(self, name, python, threads, keep_pages=True):
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  close() does
        try:
            self._process = subprocess.Popen(
                [python, str(PROGRAM), name, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                encoding="utf-8",
                env=environment(name, threads, keep_pages),
                start_new_session=True,  # Ctrl+C is for us alone: we end the workers
            )
        except OSError as error:
            self._log.close()
            raise WorkerError(f"{python} does not run: {error}") from None
        self.alive = True
        self._answers = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            ready = self._answer("ready")
            self.version, self.kinds = ready["version"], ready["kinds"]
        except BaseException:
            self.close()
            raise

    def _listen(self):
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def _answer(self, key):
        """Return what the next answer has under `key`."""
        try:
            line = self._answers.get(timeout=TIMEOUT)
        except queue.Empty:
            raise WorkerError(f"gave no answer for {TIMEOUT} s") from None
        if line is None:
            self._process.wait()
            self._log.seek(0)
            raise WorkerError(_end_of(self._process.returncode, self._log.read()))
        try:
            answer = json.loads(line)
            self.alive = True
            return answer[key]
        except KeyError:
            raise WorkerError(answer.get("error", f"answered {answer}")) from None
        except (ValueError, TypeError):
            self.alive = False
            raise WorkerError(f"answered {line.strip()[:60]!r}") from None

    def measure(self, name, budget):
        """Return the cost of a call of the work `name`: seconds, or bytes.

        Raises
        ------
        WorkerError
            If there is no answer, or the answer says that it does not work; `alive` tells these apart.
        """
        with contextlib.suppress(OSError):  # where it has ended, the answer says how
            self._process.stdin.write(f"measure {name} {budget}\n")
            self._process.stdin.flush()
        self.alive = False  # until it has answered
        return float(self._answer("cost"))

    def close(self):
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _end_of(code, log):
    """Return how a process ended, with the last line of what it said."""
    how = f"ended with code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            how = f"ended by {signal.Signals(-code).name}"
    lines = log.strip().splitlines()
    return f"{how}: {lines[-1][:200]}" if lines else how


class Team:
    """All workers of a run, by library; a context manager that ends them all.

    Parameters
    ----------
    pythons : dict of str
        For each library the interpreter to run it in.
    threads : int

    Attributes
    ----------
    versions, kinds : dict
        Of the libraries that started: their versions, and what they can be asked.
    absent : dict of str
        Why the others did not start.
    """

    def __init__(self, pythons, threads):
        self.pythons, self.threads = pythons, threads
        self.versions, self.kinds, self.absent = {}, {}, {}
        self._workers, self._deaths = {}, dict.fromkeys(pythons, 0)

    def start(self):
        """Start a worker for each library; `absent` says why for those that do not start."""
        for name in self.pythons:
            try:
                worker = self._worker(name)
            except WorkerError as failure:
                self.absent[name] = str(failure)
            else:
                self.versions[name] = worker.version
                self.kinds[name] = {*worker.kinds, *(["import"] if LIBRARIES[name].rival else [])}

    def those_for(self, work):
        """Return the names of the libraries that do a work."""
        return [name for name, kinds in self.kinds.items() if work.kind in kinds]

    def measure(self, name, work, budget, fresh=False):
        """Return the cost of a call of `work` by the library `name`; raise WorkerError if there is none.

        Parameters
        ----------
        name : str
        work : Work
        budget : float
            Seconds to measure.
        fresh : bool
            Whether to ask a worker that has done nothing before.
        """
        if work.kind == "import":
            return seconds_to_import(self.pythons[name], name, self.threads)
        if fresh:
            with Worker(name, self.pythons[name], self.threads, keep_pages=False) as worker:
                return worker.measure(work.name, budget)
        if self._deaths[name] >= MOST_DEATHS:
            raise WorkerError(f"has died {MOST_DEATHS} times; it is not asked again")
        try:
            return self._worker(name).measure(work.name, budget)
        finally:
            worker = self._workers.get(name)
            if worker is None:
                self._deaths[name] += 1  # it did not even start
            elif not worker.alive:
                self._deaths[name] += 1
                self._workers.pop(name).close()

    def _worker(self, name):
        if name not in self._workers:
            self._workers[name] = Worker(name, self.pythons[name], self.threads)
        return self._workers[name]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in self._workers.values():
            worker.close()


def find_pythons(peer_pythons, own=True):
    """Return where each library is to run, and what is to be said about interpreters that have none.

    Parameters
    ----------
    peer_pythons : list of str
        Interpreters to look into; the first that has a library runs it.
    own : bool
        Whether to look for others in our own first.

    Returns
    -------
    pythons : dict of str
        Our own, for fastconv, comes first.
    notes : list of str
    """
    found, notes = {"fastconv": sys.executable}, []
    for python in [sys.executable] * own + peer_pythons:
        try:
            names = [name for name in find_libraries(python) if name != "fastconv"]
        except WorkerError as failure:
            notes.append(str(failure))
            continue
        if not names and python in peer_pythons:
            notes.append(f"{python} has none of {', '.join(list(LIBRARIES)[1:])}")
        for name in names:
            found.setdefault(name, python)
    return {name: found[name] for name in LIBRARIES if name in found}, notes
