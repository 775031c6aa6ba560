"""Where Keras has networks with trained weights: fastconv has none, and says so."""

from fastconv import absent

__all__ = []

__getattr__ = absent.of(__name__)
