"""Convolution of every channel with filters of its own, and its composition with one that mixes channels."""

from fastconv.ops.reference.convolution import conv2d, conv2d_backward


def _as_groups(x_shape, w):
    """Return filters (KH, KW, C, M) as those of a convolution with a group for every channel."""
    if w.shape[2] != x_shape[-1]:
        raise ValueError(
            f"depthwise_conv2d: filters of shape {tuple(w.shape)} with {x_shape[-1]} input channels; "
            "expected filters (KH, KW, input channels, M)."
        )
    return w.reshape(*w.shape[:2], 1, -1)


def depthwise_conv2d(x, w, b=None, *, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """Slide over every channel the filters that belong to it.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    w : ndarray, shape (KH, KW, C, M)
        M filters for each channel.
    b : ndarray, shape (C * M,), optional
    strides, padding, dilation
        As for `conv2d`.

    Returns
    -------
    y : ndarray, shape (N, OH, OW, C * M)
        Channel ``c * M + m`` is what filter m of channel c makes of it.

    Raises
    ------
    ValueError
        If the channels do not match, or the window fits nowhere.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 10], [2, 20]]).reshape(1, 1, 2, 2)
    >>> depthwise_conv2d(x, np.array([[1.0, -1], [1, 0]]).reshape(1, 1, 2, 2)).reshape(2, 4)
    array([[ 1., -1., 10.,  0.],
           [ 2., -2., 20.,  0.]])
    """
    groups = _as_groups(x.shape, w)
    return conv2d(x, groups, b, strides=strides, padding=padding, dilation=dilation, groups=x.shape[-1])


def depthwise_conv2d_backward(x, w, dy, *, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """Return the gradients of `depthwise_conv2d` with respect to images, filters and bias.

    Parameters
    ----------
    x, w : ndarray
        What `depthwise_conv2d` was given.
    dy : ndarray, shape (N, OH, OW, C * M)
    strides, padding, dilation
        As given to `depthwise_conv2d`.

    Returns
    -------
    dx, dw, db : ndarray

    Raises
    ------
    ValueError
        As `depthwise_conv2d`, and if `dy` does not have the shape of its result.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([1.0, 2]).reshape(1, 1, 1, 2), np.array([3.0, 4]).reshape(1, 1, 2, 1)
    >>> [d.ravel().tolist() for d in depthwise_conv2d_backward(x, w, np.array([1.0, 10]).reshape(1, 1, 1, 2))]
    [[3.0, 40.0], [1.0, 20.0], [1.0, 10.0]]
    """
    settings = {"strides": strides, "padding": padding, "dilation": dilation, "groups": x.shape[-1]}
    dx, dw, db = conv2d_backward(x, _as_groups(x.shape, w), dy, **settings)
    return dx, dw.reshape(w.shape), db


def separable_conv2d(x, depthwise, pointwise, b=None, *, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """Mix the channels of a `depthwise_conv2d`.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    depthwise : ndarray, shape (KH, KW, C, M)
    pointwise : ndarray, shape (1, 1, C * M, O)
    b : ndarray, shape (O,), optional
    strides, padding, dilation
        Of the first step, as for `conv2d`.

    Returns
    -------
    y : ndarray, shape (N, OH, OW, O)

    Raises
    ------
    ValueError
        As `depthwise_conv2d` and `conv2d`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 10]).reshape(1, 1, 1, 2)
    >>> separable_conv2d(x, np.full((1, 1, 2, 1), 2.0), np.array([1.0, -1]).reshape(1, 1, 2, 1)).item()
    -18.0
    """
    return conv2d(depthwise_conv2d(x, depthwise, strides=strides, padding=padding, dilation=dilation), pointwise, b)


def separable_conv2d_backward(x, depthwise, pointwise, dy, *, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """Return the gradients of `separable_conv2d` with respect to images, both kinds of filters, and bias.

    Parameters
    ----------
    x, depthwise, pointwise : ndarray
        What `separable_conv2d` was given.
    dy : ndarray, shape (N, OH, OW, O)
    strides, padding, dilation
        As given to `separable_conv2d`.

    Returns
    -------
    dx, ddepthwise, dpointwise, db : ndarray

    Raises
    ------
    ValueError
        As `separable_conv2d`, and if `dy` does not have the shape of its result.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((1, 1, 1, 1))
    >>> [d.item() for d in separable_conv2d_backward(2 * one, 3 * one, 5 * one, one)]
    [15.0, 10.0, 6.0, 1.0]
    """
    settings = {"strides": strides, "padding": padding, "dilation": dilation}
    between = depthwise_conv2d(x, depthwise, **settings)
    dbetween, dpointwise, db = conv2d_backward(between, pointwise, dy)
    dx, ddepthwise, _ = depthwise_conv2d_backward(x, depthwise, dbetween, **settings)
    return dx, ddepthwise, dpointwise, db
