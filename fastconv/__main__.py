"""``python -m fastconv``: what this computer can do, the tutorial network at work, and how fast it is.

The exit code is 0 if all went well, 2 for an option that makes no sense, 1 for anything else (the data are
missing, the picture cannot be written), 130 after Ctrl+C.
"""

import argparse
import contextlib
import shutil
import sys
import time
from pathlib import Path

import numpy as np

_BATCHES_TO_WARM_UP = 4


def main(arguments=None):
    """Run a command of ``python -m fastconv``.

    Parameters
    ----------
    arguments : list of str, optional
        The command and its options; by default those of the process.

    Returns
    -------
    int
        The exit code: 0, or 130 after Ctrl+C; 1 or 2 from ``bench`` (see there).

    Raises
    ------
    SystemExit
        With the code 2 for bad options, 0 for ``--help``, or a message (code 1) if the data are missing or
        the picture cannot be written.

    Examples
    --------
    >>> from fastconv.__main__ import main
    >>> main(["info"])  # doctest: +ELLIPSIS
    versions
    ...
    0
    """
    options = _make_parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def _make_parser():
    parser = argparse.ArgumentParser(prog="python -m fastconv", description="fastconv from the command line")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{demo,info,bench}")
    info = commands.add_parser("info", help="print what this computer and this build can do")
    info.set_defaults(run=run_info)
    demo = commands.add_parser("demo", help="train a small network on Fashion-MNIST", description=run_demo.__doc__)
    demo.set_defaults(run=run_demo)
    add = demo.add_argument
    add(
        "--epochs",
        type=_at_least(1),
        default=5,
        metavar="N",
        help="passes over the training pictures (default: 5)",
    )
    add("--batch-size", type=_at_least(1), default=32, metavar="N", help="pictures in a step (default: 32)")
    add(
        "--data",
        choices=("full", "small"),
        help="which set (default: the full one if it is on this computer)",
    )
    add("--seed", type=_at_least(0, 2**32 - 1), metavar="N", help="makes the run repeatable")
    add(
        "--threads",
        type=_at_least(1),
        metavar="N",
        help="how many threads (default: what the machine grants)",
    )
    add(
        "--picture",
        type=_picture_path,
        default="fastconv-demo.png",
        metavar="FILE",
        help="where to save one picture's way through the network (default: %(default)s); needs matplotlib",
    )
    _add_bench(commands)
    return parser


def _add_bench(commands):
    words = "measure this machine, fastconv on it, and other libraries beside it"
    bench = commands.add_parser("bench", help=words, description=run_bench.__doc__)
    bench.set_defaults(run=run_bench)
    add = bench.add_argument
    add("--quick", action="store_true", help="a part of the works, in a minute; others only as --peer-python says")
    add("--only", nargs="+", default=[], metavar="NAME", help="works whose names contain this, as in the JSON file")
    add("--threads", type=_at_least(1), metavar="N", help="how many threads (default: what the machine grants)")
    add("--json", type=_file_path, metavar="FILE", help="save everything that was measured")
    peers = bench.add_mutually_exclusive_group()
    peers.add_argument("--no-peers", dest="peers", action="store_false", help="measure fastconv alone")
    peers.add_argument(
        "--peer-python",
        type=_program,
        action="append",
        default=[],
        metavar="PATH",
        help="another Python to look for other libraries in; may be given several times",
    )


def _at_least(low, high=None):
    """Return a reader of whole numbers from `low` to `high` for argparse."""
    bounds = f"that is at least {low}" if high is None else f"from {low} to {high}"

    def read(text):
        with contextlib.suppress(ValueError):
            number = int(text)
            if low <= number and (high is None or number <= high):
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")

    return read


def _program(text):
    """Return `text` as the path of a program that is there."""
    path = shutil.which(text)
    if path is None:
        raise argparse.ArgumentTypeError(f"there is no program {text!r}")
    return path


def _file_path(text):
    """Return `text` as a path to save a file under, so that a mistake shows before the work."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: there is no folder {str(path.parent)!r}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; expected a file")
    return path


def _picture_path(text):
    """Return `text` as a path to save a picture under."""
    path = _file_path(text)
    if _has_matplotlib():
        from matplotlib.backend_bases import FigureCanvasBase

        kinds = FigureCanvasBase.get_supported_filetypes()
        if path.suffix[1:].lower() not in kinds:
            raise argparse.ArgumentTypeError(f"{text!r} ends in none of {', '.join(f'.{kind}' for kind in kinds)}")
    return path


def _has_matplotlib():
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def run_info(options):
    """Print what this computer and this build can do."""
    from fastconv.runtime.config import show_config

    show_config()


def run_demo(options):
    """Train the tutorial's convolutional network on Fashion-MNIST, test it, and draw what it sees."""
    prepare(options.seed, options.threads)
    (x_train, y_train), test = load(options.data)
    model = build()
    model.summary()
    trained = train(model, (x_train, y_train), test, options.epochs, options.batch_size)
    accuracy, inferred = evaluate(model, test, options.batch_size)
    print(f"trained:  {trained:,.0f} images a second")
    print(f"inferred: {inferred:,.0f} images a second")
    draw(model, test[0][0], options.picture)
    print(f"test accuracy: {accuracy:.4f}")


def run_bench(options):
    """Measure what this machine can do, fastconv, and the other libraries that are installed, in turns."""
    from fastconv.benchmark import command

    with _failures_told("bench"):
        return command.run(options)


@contextlib.contextmanager
def _failures_told(command="demo"):
    """Turn failures that come from the computer, not from a mistake in the program, into one message."""
    try:
        yield
    except (OSError, ValueError) as error:
        sys.exit(f"python -m fastconv {command}: {error}")


def prepare(seed, threads):
    """Set the seed and the number of threads, where they are given."""
    from fastconv.runtime.threads import set_num_threads
    from fastconv.utils import set_random_seed

    if seed is not None:
        set_random_seed(seed)
    if threads is not None:
        set_num_threads(threads)


def load(which=None):
    """Load the "full" or the "small" Fashion-MNIST, scaled to [0, 1], and say which.

    Parameters
    ----------
    which : {"full", "small"}, optional
        By default the full set if it is on this computer, else the small one.

    Returns
    -------
    tuple
        ``(x_train, y_train), (x_test, y_test)`` with x of shape (n, 28, 28, 1) and type float32.

    Examples
    --------
    >>> from fastconv.__main__ import load
    >>> (x_train, y_train), (x_test, y_test) = load("small")
    data: Fashion-MNIST, the small part that comes with fastconv: 4,000 training and 800 test images
    >>> x_test.shape
    (800, 28, 28, 1)
    """
    from fastconv.datasets import fashion_mnist, fashion_mnist_small

    if which is None:
        which = "small" if fashion_mnist.find() is None else "full"
    if which == "full":
        with _failures_told():
            (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
        origin = f"the full set from {fashion_mnist.find()}"
    else:
        (x_train, y_train), (x_test, y_test) = fashion_mnist_small.load_data()
        origin = "the small part that comes with fastconv"
    print(f"data: Fashion-MNIST, {origin}: {len(x_train):,} training and {len(x_test):,} test images")
    return (_scale(x_train), y_train), (_scale(x_test), y_test)


def _scale(images):
    return np.divide(images, 255.0, dtype=np.float32)[..., np.newaxis]


def build():
    """Return the tutorial's network, compiled."""
    import fastconv as keras

    model = keras.models.Sequential(
        [
            keras.layers.Conv2D(64, (3, 3), activation="relu", input_shape=(28, 28, 1)),
            keras.layers.MaxPooling2D(2, 2),
            keras.layers.Conv2D(64, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D(2, 2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(model, data, test, epochs, batch_size):
    """Train `model` with the progress bar; return how many images a second, validation not counted."""
    x, y = data
    watch = _make_stopwatch()
    model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_data=test, callbacks=[watch])
    return len(x) * epochs / watch.seconds


def _make_stopwatch():
    import fastconv as keras

    class Stopwatch(keras.callbacks.Callback):
        """Adds up the time of the epochs, but not that of the validation at their ends."""

        seconds = 0.0
        _start = None

        def on_epoch_begin(self, epoch, logs=None):
            self._start = time.perf_counter()

        def on_test_begin(self, logs=None):
            self._stop()

        def on_epoch_end(self, epoch, logs=None):
            self._stop()

        def _stop(self):
            if self._start is not None:
                self.seconds += time.perf_counter() - self._start
                self._start = None

    return Stopwatch()


def evaluate(model, test, batch_size):
    """Return the accuracy on `test`, and how many images a second `model` infers."""
    x, y = test
    accuracy = model.evaluate(x, y, batch_size=batch_size, verbose=0, return_dict=True)["accuracy"]
    model.predict(x[: _BATCHES_TO_WARM_UP * batch_size], batch_size=batch_size, verbose=0)
    start = time.perf_counter()
    model.predict(x, batch_size=batch_size, verbose=0)
    return float(accuracy), len(x) / (time.perf_counter() - start)


def draw(model, image, path):
    """Save one image's way through `model` under `path`, or say what is missing for it."""
    from fastconv import visualize
    from fastconv.datasets.fashion_mnist import CLASS_NAMES

    try:
        figure = visualize.feature_maps(model, image, class_names=CLASS_NAMES)
    except ImportError as error:
        print(f"picture: none; {error}")
        return
    with _failures_told():
        figure.savefig(path)
    print(f"picture: {path}")


if __name__ == "__main__":
    sys.exit(main())
