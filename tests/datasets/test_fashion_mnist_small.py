"""The small set against the description of it, and against the whole set where that is at hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from fastconv.datasets import fashion_mnist, fashion_mnist_small

TOOL = Path(__file__).parents[2] / "tools" / "make_fashion_mnist_small.py"


def test_shapes_types_and_balance():
    (x_train, y_train), (x_test, y_test) = fashion_mnist_small.load_data()
    assert x_train.shape == (4000, 28, 28) and x_test.shape == (800, 28, 28)
    assert {array.dtype.str for array in (x_train, y_train, x_test, y_test)} == {"|u1"}
    np.testing.assert_array_equal(np.bincount(y_train), [400] * 10)
    np.testing.assert_array_equal(np.bincount(y_test), [80] * 10)
    assert x_train.max() == 255 and x_train.min() == 0
    assert fashion_mnist_small.CLASS_NAMES is fashion_mnist.CLASS_NAMES


def test_classes_are_mixed_as_in_the_whole_set():
    (_, y_train), _ = fashion_mnist_small.load_data()
    assert y_train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]


@pytest.mark.skipif(not TOOL.exists(), reason="the tool is not part of the installed package")
@pytest.mark.skipif(fashion_mnist.find() is None, reason="the whole set is not on this computer")
def test_the_file_is_what_the_tool_makes(tmp_path):
    spec = importlib.util.spec_from_file_location("make_fashion_mnist_small", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    arrays = tool.make_arrays()
    (x_train, y_train), (x_test, y_test) = fashion_mnist_small.load_data()
    shipped = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    assert arrays.keys() == shipped.keys()
    for part, array in shipped.items():
        np.testing.assert_array_equal(array, arrays[part])
    for path in (tmp_path / "a.npz", tmp_path / "b.npz"):
        tool.write_npz(path, {"labels": arrays["y_test"]})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
