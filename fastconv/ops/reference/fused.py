"""What fused steps mean: the composition of their parts."""

from fastconv.ops.reference.activation import relu, relu_backward
from fastconv.ops.reference.convolution import conv2d, conv2d_backward
from fastconv.ops.reference.pooling import max_pool2d, max_pool2d_backward


def conv_relu_max_pool(x, w, b=None, *, pool_size, pool_strides=None, pool_padding="valid", **conv_settings):
    """Return the max-pooled ReLU of a convolution.

    Parameters
    ----------
    x, w, b : ndarray
        As for `conv2d`.
    pool_size, pool_strides, pool_padding
        As `pool_size`, `strides` and `padding` of `max_pool2d`.
    **conv_settings
        `strides`, `padding`, `dilation`, `groups` of `conv2d`.

    Returns
    -------
    y : ndarray, shape (N, OH, OW, O)

    Raises
    ------
    ValueError
        As `conv2d` and `max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([-1.0, -2, 3, 4, -5]).reshape(1, 1, 5, 1)
    >>> conv_relu_max_pool(x, np.ones((1, 1, 1, 1)), pool_size=(1, 2)).ravel().tolist()
    [0.0, 4.0]
    """
    activations = relu(conv2d(x, w, b, **conv_settings))
    return max_pool2d(activations, pool_size=pool_size, strides=pool_strides, padding=pool_padding)[0]


def conv_relu_max_pool_backward(x, w, b, dy, *, pool_size, pool_strides=None, pool_padding="valid", **conv_settings):
    """Return the gradients of `conv_relu_max_pool` with respect to images, filters and bias.

    Parameters
    ----------
    x, w, b : ndarray
        What `conv_relu_max_pool` was given; `b` may be None.
    dy : ndarray, shape (N, OH, OW, O)
    pool_size, pool_strides, pool_padding, **conv_settings
        As given to `conv_relu_max_pool`.

    Returns
    -------
    dx, dw, db : ndarray

    Raises
    ------
    ValueError
        As `conv2d` and `max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([-1.0, -2, 3, 4, -5]).reshape(1, 1, 5, 1)
    >>> dx, dw, db = conv_relu_max_pool_backward(
    ...     x, np.ones((1, 1, 1, 1)), None, np.ones((1, 1, 2, 1)), pool_size=(1, 2)
    ... )
    >>> dx.ravel().tolist(), dw.item(), db.item()
    ([0.0, 0.0, 0.0, 1.0, 0.0], 4.0, 1.0)
    """
    pool = {"pool_size": pool_size, "strides": pool_strides, "padding": pool_padding}
    sums = conv2d(x, w, b, **conv_settings)
    _, which = max_pool2d(relu(sums), **pool)
    dsums = relu_backward(sums, max_pool2d_backward(dy, which, sums.shape, **pool))
    return conv2d_backward(x, w, dsums, **conv_settings)
