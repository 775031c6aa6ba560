"""Output sizes and padding: the arithmetic of sliding windows, without any array."""


def effective_kernel(kernel, dilation):
    """Return the extent of a kernel of `kernel` taps that lie `dilation` apart."""
    return (kernel - 1) * dilation + 1


def output_size(size, kernel, stride, dilation, padding):
    """Return the number of window positions along one axis, zero or less if the window does not fit.

    ``"valid"``: floor((size - extent) / stride) + 1; ``"same"``: ceil(size / stride); a pair ``(before, after)`` is an
    explicit padding.
    """
    if padding == "same":
        return -(-size // stride)
    before, after = (0, 0) if padding == "valid" else padding
    return (size + before + after - effective_kernel(kernel, dilation)) // stride + 1


def pad_amounts(size, kernel, stride, dilation, padding):
    """Return the padding ``(before, after)`` along one axis; of an odd total, the extra cell goes after (Keras)."""
    if padding == "same":
        out = output_size(size, kernel, stride, dilation, padding)
        total = max((out - 1) * stride + effective_kernel(kernel, dilation) - size, 0)
        return total // 2, total - total // 2
    return (0, 0) if padding == "valid" else tuple(padding)


def transposed_size(size, kernel, stride, dilation, padding, extra):
    """Return the number of cells along one axis that a transposed convolution makes of `size` cells.

    ``"valid"``: (size - 1) * stride + extent + `extra`, by default so much that the last stride is whole; ``"same"``:
    size * stride, or with `extra`, the output padding, (size - 1) * stride + extent % 2 + `extra` (Keras).
    """
    extent = effective_kernel(kernel, dilation)
    if padding == "valid":
        return (size - 1) * stride + (max(extent, stride) if extra is None else extent + extra)
    return size * stride if extra is None else (size - 1) * stride + extent % 2 + extra


def transposed_crop(kernel, stride, dilation, padding, extra):
    """Return the cells ``(before, after)`` that are cut off of the full reach of a transposed convolution's filters.

    The second is negative where cells are added that no filter reaches. Cut off, they are the padding of the
    convolution whose data gradient it is.
    """
    extent = effective_kernel(kernel, dilation)
    total = extent - (transposed_size(1, kernel, stride, dilation, padding, extra))
    if padding == "valid":
        return 0, total
    before = max(0, total // 2)  # of an odd total, the extra cell goes after
    return before, total - before
