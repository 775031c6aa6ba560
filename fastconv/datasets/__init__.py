"""Data sets under Keras's names: ``fashion_mnist`` and, shipped with the package, ``fashion_mnist_small``."""

from fastconv.datasets import fashion_mnist, fashion_mnist_small

__all__ = ["fashion_mnist", "fashion_mnist_small"]
