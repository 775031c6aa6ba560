"""The same work in NumPy, as a good NumPy programmer would write it: patches and matrix products.

Images are NHWC, filters HWIO. This is what a layer costs without fastconv; ``fastconv.ops.reference``, which
says what the operations mean, is many times slower still.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def padding_of(size, kernel, stride, padding):
    """Return the padding before and after one axis."""
    if padding == "valid":
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def paddings(x, kernel, stride, padding):
    """Return the padding of images for ``numpy.pad``."""
    vertical, horizontal = (padding_of(size, kernel, stride, padding) for size in x.shape[1:3])
    return (0, 0), vertical, horizontal, (0, 0)


def patches(x, kernel, stride, padding):
    """Return every window as a row: (n, out height, out width, kernel * kernel * channels)."""
    x = np.pad(x, paddings(x, kernel, stride, padding))
    views = sliding_window_view(x, (kernel, kernel), (1, 2))[:, ::stride, ::stride]
    return views.transpose(0, 1, 2, 4, 5, 3).reshape(*views.shape[:3], -1)


def conv_forward(x, w, stride=1, padding="valid"):
    """Return the convolution of images with filters."""
    return patches(x, w.shape[0], stride, padding) @ w.reshape(-1, w.shape[3])


def conv_backward_filters(x, w, dy, stride=1, padding="valid"):
    """Return the gradient of the filters."""
    rows = patches(x, w.shape[0], stride, padding)
    return (rows.reshape(-1, rows.shape[3]).T @ dy.reshape(-1, dy.shape[3])).reshape(w.shape)


def conv_backward_input(x, w, dy, stride=1, padding="valid"):
    """Return the gradient of the images."""
    kernel, (_, height, width, channels) = w.shape[0], x.shape
    (top, bottom), (left, right) = paddings(x, kernel, stride, padding)[1:3]
    rows = (dy @ w.reshape(-1, w.shape[3]).T).reshape(*dy.shape[:3], kernel, kernel, channels)
    dx = np.zeros((len(x), top + height + bottom, left + width + right, channels), x.dtype)
    for i, j in np.ndindex(kernel, kernel):
        taps = dx[:, i : i + stride * dy.shape[1] : stride, j : j + stride * dy.shape[2] : stride]
        taps += rows[:, :, :, i, j]
    return dx[:, top : top + height, left : left + width]


def taps(x, w, stride, padding):
    """Return padded images and, for every tap of depthwise filters, the slices of the cells under it."""
    padded = np.pad(x, paddings(x, w.shape[0], stride, padding))
    rows, columns = ((extent - w.shape[0]) // stride + 1 for extent in padded.shape[1:3])
    cells = {
        (i, j): (slice(None), slice(i, i + stride * rows, stride), slice(j, j + stride * columns, stride))
        for i, j in np.ndindex(w.shape[:2])
    }
    return padded, cells


def depthwise_forward(x, w, stride=1, padding="valid"):
    """Return the convolution of every channel with its filter."""
    padded, cells = taps(x, w, stride, padding)
    return sum(padded[cell] * w[i, j, :, 0] for (i, j), cell in cells.items())


def depthwise_backward_filters(x, w, dy, stride=1, padding="valid"):
    """Return the gradient of the filters."""
    padded, cells = taps(x, w, stride, padding)
    dw = np.empty_like(w)
    for (i, j), cell in cells.items():
        np.einsum("nijc,nijc->c", padded[cell], dy, out=dw[i, j, :, 0])
    return dw


def depthwise_backward_input(x, w, dy, stride=1, padding="valid"):
    """Return the gradient of the images."""
    padded, cells = taps(x, w, stride, padding)
    dx = np.zeros_like(padded)
    for (i, j), cell in cells.items():
        dx[cell] += dy * w[i, j, :, 0]
    (top, _), (left, _) = paddings(x, w.shape[0], stride, padding)[1:3]
    return dx[:, top : top + x.shape[1], left : left + x.shape[2]]


def pool_windows(x, size, stride):
    """Return a view of each of the window's cells: one array of all windows for each place in the window."""
    rows, columns = ((extent - size) // stride + 1 for extent in x.shape[1:3])
    return [x[:, i : i + stride * rows : stride, j : j + stride * columns : stride] for i, j in np.ndindex(size, size)]


def max_pool_forward(x, size, stride):
    """Return the maximum of each window."""
    cells = pool_windows(x, size, stride)
    y = cells[0].copy()
    for cell in cells[1:]:
        np.maximum(y, cell, out=y)
    return y


def max_pool_backward(x, y, dy, size, stride):
    """Return the gradient of the images; the first maximum of a window gets it all."""
    dx = np.zeros_like(x)
    open_windows = np.ones(y.shape, bool)
    for cell, gradient in zip(pool_windows(x, size, stride), pool_windows(dx, size, stride), strict=True):
        winners = open_windows & (cell == y)
        gradient += dy * winners
        open_windows &= ~winners
    return dx


def average_pool_forward(x, size, stride):
    """Return the mean of each window."""
    cells = pool_windows(x, size, stride)
    y = cells[0].copy()
    for cell in cells[1:]:
        y += cell
    return y * np.float32(1 / size**2)


def average_pool_backward(x, y, dy, size, stride):
    """Return the gradient of the images: an equal share for each cell of a window."""
    dx, share = np.zeros_like(x), dy * np.float32(1 / size**2)
    for gradient in pool_windows(dx, size, stride):
        gradient += share
    return dx


class TutorialNetwork:
    """The tutorial's network by hand: forward, backward, and plain gradient descent."""

    def __init__(self):
        normal = np.random.default_rng(0).normal
        shapes = [(3, 3, 1, 64), (3, 3, 64, 64), (1600, 128), (128, 10)]
        self.w1, self.w2, self.w3, self.w4 = (
            normal(0, np.prod(shape[:-1]) ** -0.5, shape).astype(np.float32) for shape in shapes
        )

    def forward(self, x):
        """Return what every layer makes of the images."""
        a1 = np.maximum(conv_forward(x, self.w1), 0)
        p1 = max_pool_forward(a1, 2, 2)
        a2 = np.maximum(conv_forward(p1, self.w2), 0)
        p2 = max_pool_forward(a2, 2, 2)
        flat = p2.reshape(len(x), -1)
        hidden = np.maximum(flat @ self.w3, 0)
        logits = hidden @ self.w4
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return a1, p1, a2, p2, flat, hidden, powers / powers.sum(axis=1, keepdims=True)

    def predict(self, x):
        """Return the classes' probabilities."""
        return self.forward(x)[-1]

    def train_step(self, x, labels, rate=0.01):
        """Take one step of gradient descent on the cross-entropy."""
        a1, p1, a2, p2, flat, hidden, probabilities = self.forward(x)
        dlogits = probabilities
        dlogits[np.arange(len(x)), labels] -= 1
        dlogits /= len(x)
        dhidden = (dlogits @ self.w4.T) * (hidden > 0)
        dp2 = (dhidden @ self.w3.T).reshape(p2.shape)
        da2 = max_pool_backward(a2, p2, dp2, 2, 2) * (a2 > 0)
        dp1 = conv_backward_input(p1, self.w2, da2)
        da1 = max_pool_backward(a1, p1, dp1, 2, 2) * (a1 > 0)
        self.w4 -= rate * (hidden.T @ dlogits)
        self.w3 -= rate * (flat.T @ dhidden)
        self.w2 -= rate * conv_backward_filters(p1, self.w2, da2)
        self.w1 -= rate * conv_backward_filters(x, self.w1, da1)
