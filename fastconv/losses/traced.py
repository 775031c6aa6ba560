"""The ways back of losses that users write with functions of `fastconv.ops`: their calls are traced, once a shape."""

from weakref import WeakKeyDictionary

import numpy as np

from fastconv.ops.arrays import contiguous
from fastconv.ops.symbolic import Graph, KerasTensor

_GRAPHS = WeakKeyDictionary()  # loss: {shapes and type: its graph}


def backward(loss, y_true, y_pred, dvalues):
    """Return the gradient of a loss with respect to the predictions, from that with respect to its values.

    Parameters
    ----------
    loss : Loss
    y_true, y_pred, dvalues : ndarray
        See `Loss.backward`.

    Returns
    -------
    ndarray

    Raises
    ------
    NotImplementedError
        If `call` cannot be traced.

    Examples
    --------
    >>> from fastconv import losses, ops
    >>> loss = losses.LossFunctionWrapper(lambda y_true, y_pred: ops.sum((y_true - y_pred) ** 2, axis=-1))
    >>> backward(loss, np.zeros((1, 2)), np.array([[1.0, 3.0]]), np.array([10.0]))
    array([[20., 60.]])
    """
    arrays = [contiguous(a, y_pred.dtype) for a in (y_true, y_pred)]
    key = (arrays[0].shape, arrays[1].shape, y_pred.dtype.name)
    graphs = _GRAPHS.setdefault(loss, {})
    if key not in graphs:
        graphs[key] = _trace(loss, *arrays)
    tape, (_, predictions), outputs = graphs[key].run(arrays)
    tape.backward(outputs, [np.broadcast_to(dvalues, outputs[0].shape)])
    return tape.gradient_of(predictions)


def _trace(loss, y_true, y_pred):
    tensors = [KerasTensor(a.shape, a.dtype.name) for a in (y_true, y_pred)]
    try:
        return Graph(loss.call, tensors, f"Loss {loss.name!r}")
    except Exception as error:
        raise NotImplementedError(
            f"Loss {loss.name!r} ({type(loss).__name__}) cannot be trained with: NumPy functions have no derivative of "
            "their own. Write it with functions of fastconv.ops, or as a subclass of Loss with call(y_true, y_pred) "
            f"and gradient(y_true, y_pred). ({type(error).__name__}: {error})"
        ) from error
