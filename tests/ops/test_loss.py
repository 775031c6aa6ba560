"""Losses: properties that the definitions must have beyond single numbers."""

import numpy as np
import pytest

from fastconv.ops import reference


@pytest.mark.parametrize("classes", [2, 3, 10, 17, 1000])
def test_uniform_logits_cost_the_logarithm_of_the_classes(classes):
    losses, probabilities = reference.sparse_softmax_cross_entropy(np.full((3, classes), 7.0), np.array([0, 1, 1]))
    np.testing.assert_allclose(losses, np.log(classes))
    np.testing.assert_allclose(probabilities, 1 / classes)


def test_a_constant_added_to_logits_changes_nothing(rng):
    logits, labels = rng.integers(-8, 9, (5, 7)).astype(float), rng.integers(0, 7, 5)
    losses, probabilities = reference.sparse_softmax_cross_entropy(logits, labels)
    moved = reference.sparse_softmax_cross_entropy(logits + 1024, labels)
    np.testing.assert_array_equal(losses, moved[0])
    np.testing.assert_array_equal(probabilities, moved[1])


def test_gradients_of_a_sample_add_up_to_zero(rng):
    logits, labels = rng.standard_normal((6, 9)), rng.integers(0, 9, 6)
    _, probabilities = reference.sparse_softmax_cross_entropy(logits, labels)
    dlogits = reference.sparse_softmax_cross_entropy_backward(probabilities, labels, rng.uniform(0, 3, 6))
    np.testing.assert_allclose(dlogits.sum(axis=-1), np.zeros(6), atol=1e-14)


def test_weights_multiply_losses_and_gradients(rng):
    logits, labels, weights = rng.standard_normal((4, 3)), rng.integers(0, 3, 4), np.array([0.0, 1, 2, 0.5])
    plain, probabilities = reference.sparse_softmax_cross_entropy(logits, labels)
    weighted, _ = reference.sparse_softmax_cross_entropy(logits, labels, weights)
    np.testing.assert_array_equal(weighted, plain * weights)
    dplain = reference.sparse_softmax_cross_entropy_backward(probabilities, labels)
    dweighted = reference.sparse_softmax_cross_entropy_backward(probabilities, labels, weights)
    np.testing.assert_array_equal(dweighted, dplain * weights[:, None])


def test_two_classes_are_a_binary_cross_entropy(rng):
    logits, labels = rng.standard_normal(8), rng.integers(0, 2, 8)
    two, _ = reference.sparse_softmax_cross_entropy(np.stack([np.zeros(8), logits], axis=1), labels)
    np.testing.assert_allclose(two, reference.binary_cross_entropy_from_logits(logits, labels))
    np.testing.assert_allclose(two, reference.binary_cross_entropy(reference.sigmoid(logits), labels))


def test_no_samples_no_losses():
    labels = np.zeros(0, int)
    losses, probabilities = reference.sparse_softmax_cross_entropy(np.zeros((0, 3)), labels)
    assert (losses.shape, probabilities.shape) == ((0,), (0, 3))
    assert reference.sparse_softmax_cross_entropy_backward(probabilities, labels).shape == (0, 3)
