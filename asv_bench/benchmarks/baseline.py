"""The same work in NumPy, as a good NumPy programmer would write it: patches and matrix products.

Images are NHWC, filters HWIO; padding is the same on every side. This is what a layer costs without fastconv;
``fastconv.ops.reference``, which says what the operations mean, is many times slower still.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .bench import workloads


# ---- convolution ------------------------------------------------------------------------------------------
def padded(x, padding):
    """Return images with zeros around them."""
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def patches(x, kernel, stride, padding):
    """Return every window as a row: (n, out height, out width, kernel * kernel * channels)."""
    views = sliding_window_view(padded(x, padding), (kernel, kernel), (1, 2))[:, ::stride, ::stride]
    return views.transpose(0, 1, 2, 4, 5, 3).reshape(*views.shape[:3], -1)


def conv_forward(x, w, stride=1, padding=0):
    """Return the convolution of images with filters."""
    return patches(x, w.shape[0], stride, padding) @ w.reshape(-1, w.shape[3])


def conv_backward_filters(x, w, dy, stride=1, padding=0):
    """Return the gradient of the filters."""
    rows = patches(x, w.shape[0], stride, padding)
    return (rows.reshape(-1, rows.shape[3]).T @ dy.reshape(-1, dy.shape[3])).reshape(w.shape)


def conv_backward_input(x, w, dy, stride=1, padding=0):
    """Return the gradient of the images."""
    rows = (dy @ w.reshape(-1, w.shape[3]).T).reshape(*dy.shape[:3], *w.shape[:3])
    dx = np.zeros_like(padded(x, padding))
    for i, j in np.ndindex(*w.shape[:2]):
        tap(dx, i, j, dy.shape, stride)[...] += rows[:, :, :, i, j]
    return inside(dx, padding)


def tap(x, i, j, shape, stride):
    """Return a view of what cell (i, j) of every window of a result of `shape` sees."""
    return x[:, i : i + stride * shape[1] : stride, j : j + stride * shape[2] : stride]


def inside(x, padding):
    """Return images without what is around them."""
    return x[:, padding : x.shape[1] - padding, padding : x.shape[2] - padding]


# ---- any number of axes, padding "same": images (n, sizes ..., channels), filters (sizes ..., in, out) ----------
def ends(x_shape, w_shape, strides):
    """Return how many zeros go before and behind each axis of images."""
    pads = []
    for size, kernel, stride in zip(x_shape[1:-1], w_shape[:-2], strides, strict=True):
        lacking = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads.append((lacking // 2, lacking - lacking // 2))
    return pads


def windows(x, w_shape, strides):
    """Return a view of every window: (n, out sizes ..., channels, kernel sizes ...)."""
    x = np.pad(x, [(0, 0), *ends(x.shape, w_shape, strides), (0, 0)])
    steps = tuple(slice(None, None, stride) for stride in strides)
    return sliding_window_view(x, w_shape[:-2], tuple(range(1, x.ndim - 1)))[:, *steps]


def same_forward(x, w, strides):
    """Return the convolution of images with filters."""
    return np.tensordot(windows(x, w.shape, strides), np.moveaxis(w, -2, 0), x.ndim - 1)


def same_backward_filters(x, w_shape, dy, strides):
    """Return the gradient of the filters."""
    places = list(range(dy.ndim - 1))
    return np.moveaxis(np.tensordot(windows(x, w_shape, strides), dy, (places, places)), 0, -2)


def same_backward_input(x_shape, w, dy, strides):
    """Return the gradient of the images, which is also what a transposed convolution of `dy` is."""
    pads = ends(x_shape, w.shape, strides)
    sizes = [before + size + behind for size, (before, behind) in zip(x_shape[1:-1], pads, strict=True)]
    dx = np.zeros((x_shape[0], *sizes, x_shape[-1]), dy.dtype)
    for place in np.ndindex(*w.shape[:-2]):
        seen = [slice(i, i + s * n, s) for i, s, n in zip(place, strides, dy.shape[1:-1], strict=True)]
        dx[:, *seen] += dy @ w[place].T
    return dx[:, *(slice(before, before + size) for size, (before, _) in zip(x_shape[1:-1], pads, strict=True))]


# ---- depthwise convolution: filters (height, width, channels, 1) ------------------------------------------
def depthwise_forward(x, w, stride, padding):
    """Return the convolution of each channel with its filter."""
    x = padded(x, padding)
    height, width = ((size - n) // stride + 1 for size, n in zip(x.shape[1:3], w.shape[:2], strict=True))
    y = np.zeros((len(x), height, width, x.shape[3]), x.dtype)
    for i, j in np.ndindex(*w.shape[:2]):
        y += tap(x, i, j, y.shape, stride) * w[i, j, :, 0]
    return y


def depthwise_backward_filters(x, w, dy, stride, padding):
    """Return the gradient of the filters."""
    x, dw = padded(x, padding), np.empty_like(w)
    for i, j in np.ndindex(*w.shape[:2]):
        dw[i, j, :, 0] = np.einsum("nhwc,nhwc->c", tap(x, i, j, dy.shape, stride), dy)
    return dw


def depthwise_backward_input(x, w, dy, stride, padding):
    """Return the gradient of the images."""
    dx = np.zeros_like(padded(x, padding))
    for i, j in np.ndindex(*w.shape[:2]):
        tap(dx, i, j, dy.shape, stride)[...] += dy * w[i, j, :, 0]
    return inside(dx, padding)


# ---- pooling ----------------------------------------------------------------------------------------------
def pool_windows(x, size, stride):
    """Return a view of each of the window's cells: one array of all windows for each place in the window."""
    rows, columns = ((extent - size) // stride + 1 for extent in x.shape[1:3])
    return [tap(x, i, j, (len(x), rows, columns), stride) for i, j in np.ndindex(size, size)]


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


def batch_norm_forward(x, gamma, beta, epsilon=1e-3):
    """Return the normalized images, and what the way back needs."""
    rows = x.reshape(-1, x.shape[-1])
    mean = rows.mean(axis=0)
    z = rows - mean
    inverse = 1 / np.sqrt(np.einsum("ij,ij->j", z, z) / len(rows) + epsilon)
    z *= inverse
    return (z * gamma + beta).reshape(x.shape), z, inverse


def batch_norm_backward(z, inverse, gamma, dy):
    """Return the gradients of images, gamma and beta."""
    rows = dy.reshape(z.shape)
    dgamma, dbeta = np.einsum("ij,ij->j", rows, z), rows.sum(axis=0)
    dx = (rows - (dbeta / len(z)).astype(z.dtype) - z * (dgamma / len(z)).astype(z.dtype)) * (gamma * inverse)
    return dx.reshape(dy.shape), dgamma, dbeta


# ---- any number of axes: sequences, images and volumes, with the padding "same" of Keras ------------------
def same(x, kernel, strides):
    """Return an input with the cells around it that windows of the padding "same" read."""
    axes = zip(x.shape[1:-1], kernel, strides, strict=True)
    totals = [max((-(-size // s) - 1) * s + k - size, 0) for size, k, s in axes]
    return np.pad(x, ((0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)))


def cells(x, kernel, strides):
    """Return (tap, view) for each cell of a window: what all windows without padding see there."""
    sizes = [(size - k) // s + 1 for size, k, s in zip(x.shape[1:-1], kernel, strides, strict=True)]
    for tap in np.ndindex(*kernel):
        axes = zip(tap, sizes, strides, strict=True)
        yield tap, x[(slice(None), *(slice(t, t + s * n, s) for t, n, s in axes))]


def convolve(x, w, b, strides):
    """Return a convolution of inputs padded to the same size."""
    kernel = w.shape[:-2]
    axes = tuple(range(1, x.ndim - 1))
    views = sliding_window_view(same(x, kernel, strides), kernel, axes)
    views = views[(slice(None), *(slice(None, None, s) for s in strides))]
    rows = np.moveaxis(views, len(axes) + 1, -1)
    return rows.reshape(*rows.shape[: len(axes) + 1], -1) @ w.reshape(-1, w.shape[-1]) + b


def spread(x, w, b, strides):
    """Return a transposed convolution whose result is `strides` times as large as its input."""
    kernel, filters = w.shape[:-2], w.shape[-2]
    rows = (x @ w.reshape(-1, w.shape[-1]).T).reshape(*x.shape[:-1], *kernel, filters)
    whole = [(size - 1) * s + max(k, s) for size, k, s in zip(x.shape[1:-1], kernel, strides, strict=True)]
    y = np.zeros((len(x), *whole, filters), x.dtype)
    for tap in np.ndindex(*kernel):
        axes = zip(tap, x.shape[1:-1], strides, strict=True)
        view = y[(slice(None), *(slice(t, t + s * (n - 1) + 1, s) for t, n, s in axes))]
        view += rows[(..., *tap, slice(None))]
    first = [max(0, k - s) // 2 for k, s in zip(kernel, strides, strict=True)]
    axes = zip(first, x.shape[1:-1], strides, strict=True)
    return y[(slice(None), *(slice(f, f + n * s) for f, n, s in axes))] + b


def channelwise(x, w, strides):
    """Return the convolution of each channel with its filter, w (..., channels, 1), padded to the same size."""
    total = 0
    for tap, view in cells(same(x, w.shape[:-2], strides), w.shape[:-2], strides):
        total = total + view * w[(*tap, slice(None), 0)]
    return total


def separable(x, depthwise, pointwise, b, strides):
    """Return a convolution in two steps: each channel by itself, then pixels by themselves."""
    return channelwise(x, depthwise, strides) @ pointwise.reshape(pointwise.shape[-2:]) + b


def max_of(x, size):
    """Return the maximum of windows that lie side by side."""
    (_, y), *others = cells(x, size, size)
    for _, view in others:
        y = np.maximum(y, view)
    return y


def mean_of(x, size):
    """Return the mean of windows that lie side by side."""
    return sum(view for _, view in cells(x, size, size)) * x.dtype.type(1 / np.prod(size))


def adaptive(x, output_size, function):
    """Return a `function` of windows whose sizes make the wanted number of them."""
    y = np.empty((len(x), *output_size, x.shape[-1]), x.dtype)
    for at in np.ndindex(*output_size):
        axes = zip(at, output_size, x.shape[1:-1], strict=True)
        box = x[(slice(None), *(slice(i * size // n, -(-(i + 1) * size // n)) for i, n, size in axes))]
        y[(slice(None), *at)] = function(box, tuple(range(1, x.ndim - 1)))
    return y


# ---- named layers: the call to be timed -------------------------------------------------------------------
def conv(name, direction):
    """Return a convolution layer's forward pass, or one of its gradients."""
    functions = {"forward": conv_forward, "data": conv_backward_input, "filters": conv_backward_filters}
    return _layer(workloads.CONV[name], functions[direction], direction)


def depthwise(name, direction):
    """Return a depthwise layer's forward pass, or one of its gradients."""
    functions = {
        "forward": depthwise_forward,
        "data": depthwise_backward_input,
        "filters": depthwise_backward_filters,
    }
    return _layer(workloads.DEPTHWISE[name], functions[direction], direction)


def _layer(layer, function, direction):
    x, w = workloads.random(*layer.x), workloads.random(*layer.w)
    arrays = (x, w) if direction == "forward" else (x, w, workloads.random(*layer.y))
    return lambda: function(*arrays, layer.stride, layer.padding)


def max_pool(name, direction):
    """Return a max-pooling layer's forward pass, or that and the gradient ("both")."""
    return _pool(name, direction, max_pool_forward, max_pool_backward)


def average_pool(name, direction):
    """Return an average-pooling layer's forward pass, or that and the gradient ("both")."""
    return _pool(name, direction, average_pool_forward, average_pool_backward)


def _pool(name, direction, forward, backward):
    layer = workloads.POOL[name]
    x, dy, window = workloads.random(*layer.x), workloads.random(*layer.y), (layer.kernel, layer.stride)
    if direction == "forward":
        return lambda: forward(x, *window)
    return lambda: backward(x, forward(x, *window), dy, *window)


# ---- the tutorial's network -------------------------------------------------------------------------------
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
