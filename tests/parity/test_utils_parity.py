"""to_categorical, normalize and the progress bar against Keras."""

import os
import re

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.parity

from fastconv import utils


@pytest.mark.parametrize(
    ("labels", "classes"),
    [([0, 2, 1], None), ([[0], [3]], 5), ([[0, 1], [2, 0]], None), (2, None), ([], 4), ([[[1]]], 2)],
)
def test_to_categorical(labels, classes):
    expected = keras.utils.to_categorical(np.array(labels, int), classes)
    answer = utils.to_categorical(labels, classes)
    assert answer.dtype == expected.dtype
    np.testing.assert_array_equal(answer, expected)


def test_to_categorical_refuses_with_the_same_error():
    for module in (keras.utils, utils):
        with pytest.raises(IndexError):
            module.to_categorical([3], num_classes=2)


@pytest.mark.parametrize("order", [1, 2, 3, np.inf, 0.5])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_normalize(shape, order, dtype):
    """Along the last axis; for others Keras divides by the norms of other vectors, or fails."""
    x = np.random.default_rng(0).integers(-3, 4, shape).astype(dtype)
    expected = keras.utils.normalize(x, -1, order)
    answer = utils.normalize(x, -1, order)
    assert answer.dtype == expected.dtype
    np.testing.assert_array_equal(answer, expected)


def lines(module, capsys, verbose, steps, target, **options):
    """Return the last line that a bar shows, without colours, padding and times."""
    bar = module.Progbar(target, verbose=verbose, **options)
    for step in steps:
        bar.update(step, [("accuracy", 0.1 * step), ("loss", 1e-4 * step)])
    bar.update(steps[-1], [("accuracy", 0.5), ("loss", 0.25), ("val_loss", 3.0)], finalize=True)
    text = re.sub(r"\x1b\[[0-9;]*m|\x08", "", capsys.readouterr().out)
    return re.sub(r"\d+(s|ms|us)", r"T", text.rstrip().splitlines()[-1].split("\r")[-1].strip())


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("options", [{}, {"unit_name": "image"}, {"width": 7}])
def test_the_last_line_of_the_progress_bar(capsys, verbose, options):
    for steps, target in (([1, 2, 3], 4), ([1, 125], 1875)):
        ours = lines(utils, capsys, verbose, steps, target, **options)
        theirs = lines(keras.utils, capsys, verbose, steps, target, **options)
        assert ours == theirs
        assert ours.endswith(" - accuracy: 0.5000 - loss: 0.2500 - val_loss: 3.0000")
