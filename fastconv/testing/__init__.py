"""Floor 6: for tests of one's own layers, losses and functions: whether their gradients are right."""

from fastconv.testing.gradients import check_gradients

__all__ = ["check_gradients"]
