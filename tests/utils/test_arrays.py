"""to_categorical and normalize: what they answer, and what they refuse."""

import numpy as np
import pytest

from fastconv.utils import normalize, to_categorical


@pytest.mark.parametrize(
    ("labels", "classes", "shape"),
    [
        ([0, 1, 2], None, (3, 3)),
        ([0, 1, 2], 5, (3, 5)),
        ([[0], [2]], None, (2, 3)),
        ([[0, 1], [2, 1]], None, (2, 2, 3)),
        ([[[0]]], None, (1, 1, 1)),
        (3, None, (4,)),
        ([], 3, (0, 3)),
        ([1.0, 0.0], None, (2, 2)),
        ([True, False], None, (2, 2)),
        (np.array([9, 200], np.uint8), None, (2, 201)),
        (np.array([[1]], np.int8), np.int64(2), (1, 2)),
    ],
)
def test_to_categorical_puts_the_one_at_the_class(labels, classes, shape):
    rows = to_categorical(labels, classes)
    assert rows.shape == shape
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows.sum(-1), np.ones(shape[:-1]))
    np.testing.assert_array_equal(rows.argmax(-1).ravel(), np.ravel(labels))


@pytest.mark.parametrize(
    ("labels", "classes", "error", "message"),
    [
        ([0, 3], 3, IndexError, "the class 3; expected 0 to 2"),
        ([0, -1], 3, IndexError, "the class -1; expected 0 to 2"),
        ([-1], None, IndexError, "the class -1; expected 0 to 0"),
        ([0.5], None, ValueError, "x holds 0.5; expected whole numbers"),
        ([float("nan")], None, ValueError, "x holds nan"),
        (["a"], None, ValueError, "<U1 values; expected whole numbers"),
        ([], None, ValueError, "x is empty; num_classes is needed"),
        ([0], 0, ValueError, "num_classes=0"),
        ([0], 2.5, ValueError, "num_classes=2.5"),
    ],
)
def test_to_categorical_refuses(labels, classes, error, message):
    with pytest.raises(error, match=f"to_categorical: .*{message}"):
        to_categorical(labels, classes)


@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_normalize_gives_vectors_of_length_one(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    kept = x.copy()
    lengths = np.linalg.norm(normalize(x, axis, order), order, axis)
    np.testing.assert_allclose(lengths, np.ones_like(lengths), rtol=1e-12)
    np.testing.assert_array_equal(x, kept)


def test_normalize_keeps_zeros_types_and_makes_a_row_of_one_vector():
    np.testing.assert_array_equal(normalize(np.zeros((2, 3))), np.zeros((2, 3)))
    assert normalize(np.array([[3, 4]], np.float32)).dtype == np.float32
    assert normalize(np.array([[3, 4]])).tolist() == [[0.6, 0.8]]
    assert normalize(np.array([3.0, 4.0])).shape == (1, 2)
    alone = normalize([3.0, 4.0])  # no array: as it came
    assert alone.shape == (2,)
    assert alone.dtype == np.float32


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"axis": None}, TypeError, "normalize: axis=None"),
        ({"axis": (0, 1)}, TypeError, r"normalize: axis=\(0, 1\)"),
        ({"axis": 2}, ValueError, "normalize: axis=2 is not an axis of x"),
        ({"order": "fro"}, TypeError, "normalize: order='fro'"),
    ],
)
def test_normalize_refuses(options, error, message):
    with pytest.raises(error, match=message):
        normalize(np.ones((2, 2)), **options)
