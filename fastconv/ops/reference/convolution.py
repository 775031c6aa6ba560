"""Convolution (that is, cross-correlation): one matrix product per tap of the filters."""

import numpy as np

from fastconv.ops.reference.windows import Windows


def _channel_groups(x_shape, w_shape, groups):
    """Return, for every group, the slices of its input and of its output channels."""
    inputs, per_group, outputs = x_shape[-1], w_shape[2], w_shape[3]
    if groups < 1 or inputs != per_group * groups or outputs % groups:
        raise ValueError(
            f"conv2d: groups={groups} with {inputs} input channels and filters of shape {tuple(w_shape)}; "
            "expected filters (KH, KW, input channels / groups, O) with O a multiple of groups."
        )
    step = outputs // groups
    return [(slice(g * per_group, (g + 1) * per_group), slice(g * step, (g + 1) * step)) for g in range(groups)]


def conv2d(x, w, b=None, *, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1):
    """Slide filters over images: each output cell is the sum of a window's cells times the filter's taps.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    w : ndarray, shape (KH, KW, C / groups, O)
    b : ndarray, shape (O,), optional
    strides : pair of ints, default (1, 1)
    padding : {"valid", "same"} or ((top, bottom), (left, right)), default "valid"
        Zeros around the image; "same" gives ``ceil(size / stride)`` outputs, and of an odd total the extra
        cell comes last.
    dilation : pair of ints, default (1, 1)
    groups : int, default 1
        Input and output channels are cut into this many runs; a run of outputs reads its run of inputs only.

    Returns
    -------
    y : ndarray, shape (N, OH, OW, O)

    Raises
    ------
    ValueError
        If the channels do not match the groups, or the window fits nowhere.

    Examples
    --------
    >>> x = np.arange(1.0, 7).reshape(1, 1, 6, 1)
    >>> conv2d(x, np.ones((1, 3, 1, 1)), strides=(1, 2), padding="same").ravel().tolist()
    [6.0, 12.0, 11.0]
    """
    windows = Windows("conv2d", x.shape, w.shape[:2], strides, padding, dilation)
    channel_groups = _channel_groups(x.shape, w.shape, groups)
    padded = windows.pad(x)
    y = np.zeros((x.shape[0], *windows.output_shape, w.shape[3]), np.result_type(x, w))
    for row, column, cells in windows.taps():
        for ins, outs in channel_groups:
            y[..., outs] += padded[cells][..., ins] @ w[row, column][:, outs]
    return y if b is None else y + b


def conv2d_backward(x, w, dy, *, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1):
    """Return the gradients of `conv2d` with respect to images, filters and bias.

    Parameters
    ----------
    x, w : ndarray
        What `conv2d` was given.
    dy : ndarray, shape (N, OH, OW, O)
        Gradient of the loss with respect to its result.
    strides, padding, dilation, groups
        As given to `conv2d`.

    Returns
    -------
    dx, dw, db : ndarray

    Raises
    ------
    ValueError
        As `conv2d`, and if `dy` does not have the shape of its result.

    Examples
    --------
    >>> x, w = np.array([1.0, 2, 3]).reshape(1, 1, 3, 1), np.array([10.0, 1]).reshape(1, 2, 1, 1)
    >>> [d.ravel().tolist() for d in conv2d_backward(x, w, np.ones((1, 1, 2, 1)))]
    [[10.0, 11.0, 1.0], [3.0, 5.0], [2.0]]
    """
    windows = Windows("conv2d_backward", x.shape, w.shape[:2], strides, padding, dilation)
    channel_groups = _channel_groups(x.shape, w.shape, groups)
    expected = (x.shape[0], *windows.output_shape, w.shape[3])
    if dy.shape != expected:
        raise ValueError(f"conv2d_backward: dy has shape {dy.shape}; expected {expected}.")
    padded = windows.pad(x)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for row, column, cells in windows.taps():
        for ins, outs in channel_groups:
            taps, errors = padded[cells][..., ins], dy[..., outs]
            dw[row, column][:, outs] = np.tensordot(taps, errors, axes=((0, 1, 2), (0, 1, 2)))
            dpadded[cells][..., ins] += errors @ w[row, column][:, outs].T
    return windows.crop(dpadded), dw, dy.sum(axis=(0, 1, 2))
