"""Data sets under Keras's names; ``fashion_mnist_small`` is shipped with the package, the others are downloaded."""

from fastconv import absent
from fastconv.datasets import cifar10, cifar100, fashion_mnist, fashion_mnist_small, mnist

__all__ = ["cifar10", "cifar100", "fashion_mnist", "fashion_mnist_small", "mnist"]

__getattr__ = absent.of(__name__)
