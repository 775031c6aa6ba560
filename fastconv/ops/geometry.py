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
