"""Gradients against finite differences."""

import numpy as np


def check_gradients(function, inputs, dy, grads, eps=1e-6, *, samples=12, seed=0, tolerance=1e-6):
    """Compare gradients with central differences on a few coordinates drawn from each input.

    Parameters
    ----------
    function : callable
        ``function(*inputs)`` returns the result whose product with `dy`, summed, is differentiated.
    inputs : sequence of ndarray or None
        float64, as differences in float32 say little; None is passed on and not differentiated.
    dy : ndarray
        Of the shape of the result.
    grads : sequence of ndarray or None
        One for every input; None is not checked.
    eps : float, default 1e-6
        Half the difference between two evaluations.
    samples : int, default 12
        How many coordinates of each input.
    seed : int, default 0
    tolerance : float, default 1e-6
        Largest error allowed, relative to the sizes of gradients and of the summed products.

    Raises
    ------
    AssertionError
        If a gradient has another shape than its input, or differs from the quotient.
    """
    rng = np.random.default_rng(seed)
    assert len(inputs) == len(grads), f"{len(inputs)} inputs but {len(grads)} gradients"
    scale = 1 + np.abs(function(*inputs) * dy).sum() * np.finfo(np.float64).eps / eps / tolerance
    for position, (array, grad) in enumerate(zip(inputs, grads, strict=True)):
        if array is None or grad is None:
            continue
        assert array.dtype == np.float64, f"input {position} is {array.dtype}; differences need float64"
        assert grad.shape == array.shape, f"gradient {position} has shape {grad.shape}, not {array.shape}"
        for flat in rng.choice(array.size, min(samples, array.size), replace=False):
            at = np.unravel_index(flat, array.shape)
            quotient = _quotient(function, inputs, position, at, dy, eps)
            error = abs(grad[at] - quotient)
            assert error <= tolerance * (scale + abs(quotient)), (
                f"gradient of input {position} at {tuple(map(int, at))} is {grad[at]:.9g}, "
                f"but the difference quotient is {quotient:.9g}"
            )


def _quotient(function, inputs, position, at, dy, eps):
    """Return the change of ``sum(function(*inputs) * dy)`` with one coordinate of one input."""
    values = []
    for step in (eps, -eps):
        moved = [None if array is None else array.copy() for array in inputs]
        moved[position][at] += step
        values.append((function(*moved) * dy).sum())
    return (values[0] - values[1]) / (2 * eps)
