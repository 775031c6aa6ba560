"""Convolutions and pools over any number of axes: sequences, images, volumes.

What `conv2d` and the pools say of images, said tap by tap for any rank, and transposed and adaptive besides.
"""

from itertools import product
from math import prod

import numpy as np

from fastconv.ops.geometry import output_size, pad_amounts, transposed_crop, transposed_size


def _taps(sizes, kernel, strides, dilation, padding):
    """Return (outputs an axis, padding an axis, a list of (tap, its cells in padded arrays))."""
    given = padding if isinstance(padding, (tuple, list)) else (padding,) * len(kernel)
    axes = list(zip(sizes, kernel, strides, dilation, given, strict=True))
    outs, pads = [output_size(*axis) for axis in axes], [pad_amounts(*axis) for axis in axes]
    if min(outs) < 1:
        raise ValueError(f"a window of {tuple(kernel)} fits nowhere into sizes of {tuple(sizes)}.")
    taps = []
    for tap in product(*map(range, kernel)):
        firsts = [t * d for t, d in zip(tap, dilation, strict=True)]
        cells = (
            slice(first, first + (out - 1) * s + 1, s) for first, out, s in zip(firsts, outs, strides, strict=True)
        )
        taps.append((tap, (slice(None), *cells)))
    return outs, pads, taps


def _pad(x, pads, value=0):
    return np.pad(x, ((0, 0), *((max(0, a), max(0, b)) for a, b in pads), (0, 0)), constant_values=value)


def _causal(padding, kernel, dilation):
    """Return an explicit padding for "causal", which a sequence may have."""
    return ((((kernel[0] - 1) * dilation[0]), 0),) if padding == "causal" else padding


def convolve(x, w, b=None, *, strides, padding="valid", dilation, groups=1):
    """Slide filters over inputs of any number of axes.

    Parameters
    ----------
    x : ndarray, shape (N, sizes ..., C)
    w : ndarray, shape (kernel ..., C / groups, O)
    b : ndarray, shape (O,), optional
    strides, dilation : tuple of int, one an axis
    padding : {"valid", "same", "causal"} or pairs
    groups : int

    Returns
    -------
    y : ndarray, shape (N, outputs ..., O)

    Examples
    --------
    >>> x = np.arange(1.0, 5).reshape(1, 4, 1)
    >>> convolve(x, np.ones((2, 1, 1)), strides=(1,), dilation=(1,), padding="causal").ravel().tolist()
    [1.0, 3.0, 5.0, 7.0]
    """
    kernel = w.shape[:-2]
    outs, pads, taps = _taps(x.shape[1:-1], kernel, strides, dilation, _causal(padding, kernel, dilation))
    padded, y = _pad(x, pads), np.zeros((len(x), *outs, w.shape[-1]), np.result_type(x, w))
    ins, outputs = w.shape[-2], w.shape[-1] // groups
    for (tap, cells), g in product(taps, range(groups)):
        part = slice(g * outputs, (g + 1) * outputs)
        y[..., part] += padded[cells][..., g * ins : (g + 1) * ins] @ w[tap][:, part]
    return y if b is None else y + b


def convolve_backward(x, w, dy, *, strides, padding="valid", dilation, groups=1):
    """Return the gradients of `convolve`: dx, dw, db.

    Examples
    --------
    >>> x, w = np.array([1.0, 2, 3]).reshape(1, 3, 1), np.array([10.0, 1]).reshape(2, 1, 1)
    >>> dx, dw, db = convolve_backward(x, w, np.ones((1, 2, 1)), strides=(1,), dilation=(1,))
    >>> dx.ravel().tolist(), dw.ravel().tolist(), db.tolist()
    ([10.0, 11.0, 1.0], [3.0, 5.0], [2.0])
    """
    kernel, over = w.shape[:-2], tuple(range(dy.ndim - 1))
    _, pads, taps = _taps(x.shape[1:-1], kernel, strides, dilation, _causal(padding, kernel, dilation))
    padded = _pad(x, pads)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    ins, outputs = w.shape[-2], w.shape[-1] // groups
    for (tap, cells), g in product(taps, range(groups)):
        part, of = slice(g * outputs, (g + 1) * outputs), slice(g * ins, (g + 1) * ins)
        dw[tap][:, part] = np.tensordot(padded[cells][..., of], dy[..., part], axes=(over, over))
        dpadded[cells][..., of] += dy[..., part] @ w[tap][:, part].T
    inside = (slice(a, a + n) for (a, _), n in zip(pads, x.shape[1:-1], strict=True))
    return np.ascontiguousarray(dpadded[(slice(None), *inside)]), dw, dy.sum(axis=over)


def _spread(x, w, strides, padding, output_padding, dilation):
    """Return (sizes that come out, the full reach's sizes, cells cut off before, a list of (tap, its cells))."""
    extras = output_padding or (None,) * len(strides)
    axes = list(zip(w.shape[:-2], strides, dilation, (padding,) * len(strides), extras, strict=True))
    outs = [transposed_size(n, *axis) for n, axis in zip(x.shape[1:-1], axes, strict=True)]
    crops = [transposed_crop(*axis) for axis in axes]
    full = [out + before + max(0, after) for out, (before, after) in zip(outs, crops, strict=True)]
    taps = []
    for tap in product(*map(range, w.shape[:-2])):
        cells = (
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, dilation, strides, x.shape[1:-1], strict=True)
        )
        taps.append((tap, (slice(None), *cells)))
    return outs, full, [before for before, _ in crops], taps


def convolve_transpose(x, w, b=None, *, strides, padding="valid", output_padding=None, dilation):
    """Lay filters over inputs, each times a cell, and add them up.

    Parameters
    ----------
    x : ndarray, shape (N, sizes ..., C)
    w : ndarray, shape (kernel ..., O, C)
    b : ndarray, shape (O,), optional
    strides, dilation : tuple of int, one an axis
    padding : {"valid", "same"}
    output_padding : tuple of int, optional

    Returns
    -------
    y : ndarray, shape (N, outputs ..., O)

    Examples
    --------
    >>> x, w = np.array([1.0, 2, 3]).reshape(1, 3, 1), np.array([1.0, 10, 100]).reshape(3, 1, 1)
    >>> convolve_transpose(x, w, strides=(2,), padding="same", dilation=(1,)).ravel().tolist()
    [1.0, 10.0, 102.0, 20.0, 203.0, 30.0]
    """
    outs, full, befores, taps = _spread(x, w, strides, padding, output_padding, dilation)
    whole = np.zeros((len(x), *full, w.shape[-2]), np.result_type(x, w))
    for tap, cells in taps:
        whole[cells] += x @ w[tap].T
    y = whole[(slice(None), *(slice(a, a + n) for a, n in zip(befores, outs, strict=True)))]
    return y.copy() if b is None else y + b


def convolve_transpose_backward(x, w, dy, *, strides, padding="valid", output_padding=None, dilation):
    """Return the gradients of `convolve_transpose`: dx, dw, db.

    Examples
    --------
    >>> x, w = np.array([1.0, 2]).reshape(1, 2, 1), np.array([10.0, 1]).reshape(2, 1, 1)
    >>> dx, dw, db = convolve_transpose_backward(x, w, np.ones((1, 3, 1)), strides=(1,), dilation=(1,))
    >>> dx.ravel().tolist(), dw.ravel().tolist(), db.tolist()
    ([11.0, 11.0], [3.0, 3.0], [3.0])
    """
    outs, full, befores, taps = _spread(x, w, strides, padding, output_padding, dilation)
    over = tuple(range(dy.ndim - 1))
    whole = np.zeros((len(x), *full, w.shape[-2]), dy.dtype)
    whole[(slice(None), *(slice(a, a + n) for a, n in zip(befores, outs, strict=True)))] = dy
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for tap, cells in taps:
        dx += whole[cells] @ w[tap]
        dw[tap] = np.tensordot(whole[cells], x, axes=(over, over))
    return dx, dw, dy.sum(axis=over)


def _boxes(sizes, outputs, spans):
    """Yield (place, cells) of windows: `spans` gives (first, end) of window i along an axis."""
    for place in product(*map(range, outputs)):
        yield place, tuple(slice(*spans(axis, i)) for axis, i in enumerate(place))


def pool_windows(sizes, pool_size, strides=None, padding="valid"):
    """Return (outputs an axis, function from axis and place to (first, end) inside of the input) of a pool.

    Examples
    --------
    >>> outputs, spans = pool_windows((5,), (3,), (2,), "same")
    >>> outputs, [spans(0, i) for i in range(3)]
    ([3], [(0, 2), (1, 4), (3, 5)])
    """
    strides = pool_size if strides is None else strides
    axes = [(n, k, s, 1, padding) for n, k, s in zip(sizes, pool_size, strides, strict=True)]

    def spans(axis, i):
        n, k, s, *_ = axes[axis]
        first = i * s - pad_amounts(*axes[axis])[0]
        return max(0, first), min(n, first + k)

    return [output_size(*axis) for axis in axes], spans


def adaptive_windows(sizes, output_size):
    """Return what `pool_windows` does for the windows of an adaptive pool.

    Examples
    --------
    >>> outputs, spans = adaptive_windows((5,), (2,))
    >>> [spans(0, i) for i in range(2)]
    [(0, 3), (2, 5)]
    """
    return list(output_size), lambda axis, i: (
        i * sizes[axis] // output_size[axis],
        -(-(i + 1) * sizes[axis] // output_size[axis]),
    )


def pool(x, windows, largest):
    """Return the largest or the mean cell of each window; `windows` as from `pool_windows`.

    Examples
    --------
    >>> x = np.arange(5.0).reshape(1, 5, 1)
    >>> pool(x, adaptive_windows((5,), (2,)), largest=True).ravel().tolist()
    [2.0, 4.0]
    """
    outputs, spans = windows
    y, over = np.empty((len(x), *outputs, x.shape[-1]), x.dtype), tuple(range(1, x.ndim - 1))
    for place, cells in _boxes(x.shape[1:-1], outputs, spans):
        box = x[(slice(None), *cells)]
        y[(slice(None), *place)] = box.max(axis=over) if largest else box.mean(axis=over)
    return y


def pool_backward(x, dy, windows, largest):
    """Return the gradient of `pool`: to the first of the largest cells, or to all equally.

    Examples
    --------
    >>> x = np.arange(5.0).reshape(1, 5, 1)
    >>> pool_backward(x, np.ones((1, 2, 1)), adaptive_windows((5,), (2,)), largest=True).ravel().tolist()
    [0.0, 0.0, 1.0, 0.0, 1.0]
    """
    outputs, spans = windows
    dx = np.zeros_like(x)
    for place, cells in _boxes(x.shape[1:-1], outputs, spans):
        box, part = x[(slice(None), *cells)], dx[(slice(None), *cells)]
        g, flat = dy[(slice(None), *place)], box.reshape(len(x), prod(box.shape[1:-1]), x.shape[-1])
        if largest:
            won = np.arange(flat.shape[1])[None, :, None] == flat.argmax(axis=1)[:, None]
            part += (won * g[:, None]).reshape(box.shape)
        else:
            part += (g / flat.shape[1]).reshape(len(x), *(1,) * len(place), x.shape[-1])
    return dx
