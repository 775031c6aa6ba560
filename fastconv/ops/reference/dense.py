"""The fully connected product."""


def dense(x, w, b=None):
    """Return ``x @ w + b``.

    Parameters
    ----------
    x : ndarray, shape (N, I)
    w : ndarray, shape (I, O)
    b : ndarray, shape (O,), optional

    Returns
    -------
    y : ndarray, shape (N, O)

    Examples
    --------
    >>> import numpy as np
    >>> dense(np.array([[1.0, 2.0]]), np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([0.0, 5.0])).tolist()
    [[5.0, 55.0]]
    """
    y = x @ w
    return y if b is None else y + b


def dense_backward(x, w, dy):
    """Return the gradients of `dense` with respect to inputs, weights and bias.

    Parameters
    ----------
    x, w : ndarray
        What `dense` was given.
    dy : ndarray, shape (N, O)

    Returns
    -------
    dx, dw, db : ndarray

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0, 10.0], [2.0, 20.0]])
    >>> [d.tolist() for d in dense_backward(x, w, np.array([[1.0, 1.0]]))]
    [[[11.0, 22.0]], [[1.0, 1.0], [2.0, 2.0]], [1.0, 1.0]]
    """
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
