"""Pictures of the guide's first pages."""

from functools import cache

import numpy as np
from matplotlib import rcParams
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import fastconv as keras
from fastconv.datasets import fashion_mnist_small

PATCH = np.array([[0, 64, 128], [48, 192, 144], [142, 226, 168]])
FILTER = np.array([[-1, 0, -2], [0.5, 4.5, -1.5], [1.5, 2, -3]])
VERTICAL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float32)
HORIZONTAL = VERTICAL.T.copy()
SIXTEEN = np.array([[0, 64, 128, 128], [48, 192, 144, 144], [142, 226, 168, 0], [255, 0, 0, 64]], dtype=np.float32)
BLUE, ORANGE = "#3b82c4", "#e08a2e"  # on white and on black alike


# -- grids of numbers --------------------------------------------------------------------------------------------
def _grid(axes, values, title, cmap="gray", vmin=0, vmax=255, text="{:g}", marked=()):
    """Draw a small array as coloured cells with their numbers."""
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)
    norm = TwoSlopeNorm(0, vmin, vmax) if vmin < 0 else None
    limits = {} if norm else {"vmin": vmin, "vmax": vmax}
    image = axes.imshow(values, cmap=cmap, norm=norm, **limits)
    for (row, column), value in np.ndenumerate(values):
        dark = np.dot(image.to_rgba(value)[:3], (0.3, 0.6, 0.1)) < 0.5
        axes.text(column, row, text.format(value), ha="center", va="center", color="white" if dark else "black")
    height, width = values.shape
    axes.add_patch(Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor="gray", clip_on=False))
    for (row, column), color in marked:
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=color, linewidth=3))


def _sign(axes, sign):
    axes.set_axis_off()
    axes.text(0.5, 0.5, sign, ha="center", va="center", fontsize=22, transform=axes.transAxes)


def _row(width, height, ratios):
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, len(ratios), width_ratios=ratios)


def by_hand():
    """Draw the pixel of 192, its neighbours, the filter and the nine products."""
    figure, axes = _row(7.2, 2.3, [3, 0.5, 3, 0.5, 3])
    _grid(axes[0], PATCH, "pixels", marked=[((1, 1), ORANGE)])
    _sign(axes[1], "×")
    _grid(axes[2], FILTER, "filter", "RdBu", -5, 5)
    _sign(axes[3], "=")
    _grid(axes[4], PATCH * FILTER + 0.0, "products", "RdBu", -900, 900, "{:.0f}")
    return figure


def sliding():
    """Draw how a filter of three fits four times into six."""
    figure, axes = _row(7.0, 2.6, [6, 1, 4])
    picture = np.tile(np.array([40, 40, 40, 210, 210, 210]), (6, 1))
    _grid(axes[0], picture, "6 × 6 pixels")
    for at, color in ((0, BLUE), (2, ORANGE)):
        axes[0].add_patch(Rectangle((at - 0.5, 0.5), 3, 3, fill=False, edgecolor=color, linewidth=3))
    _sign(axes[1], "→")
    sums = keras.ops.conv(picture[None, :, :, None].astype(np.float32), VERTICAL[:, :, None, None])[0, :, :, 0]
    _grid(axes[2], sums, "4 × 4 sums", "gray", 0, 700, marked=[((1, 0), BLUE), ((1, 2), ORANGE)])
    return figure


def pooling():
    """Draw sixteen pixels, cut into four windows, and the four that stay."""
    pooled = keras.ops.max_pool(SIXTEEN[None, :, :, None], 2)[0, :, :, 0]
    figure, axes = _row(6.4, 2.8, [4, 1, 2])
    winners = [((1, 1), ORANGE), ((2, 2), ORANGE), ((1, 2), ORANGE), ((3, 0), ORANGE)]
    _grid(axes[0], SIXTEEN, "16 pixels", marked=winners)
    axes[0].axhline(1.5, color=BLUE, linewidth=3)
    axes[0].axvline(1.5, color=BLUE, linewidth=3)
    _sign(axes[1], "→")
    _grid(axes[2], pooled, "the largest of each four")
    return figure


# -- pictures ----------------------------------------------------------------------------------------------------
@cache
def house():
    """Return a picture of a house, 96 x 96 grey values between 0 and 1: lines of every direction."""
    y, x = np.mgrid[:96, :96]
    picture = np.full((96, 96), 0.75, dtype=np.float32)
    picture[y > 80] = 0.45
    wall = (x >= 22) & (x < 74) & (y >= 42) & (y < 82)
    picture[wall] = 0.95
    picture[(y >= 16) & (y < 42) & (abs(x - 48) < (y - 16) * 1.3)] = 0.3
    for left, top, width, height in ((28, 50, 12, 12), (56, 50, 12, 12), (42, 60, 12, 22)):
        picture[top : top + height, left : left + width] = 0.15
    for left in range(4, 96, 8):  # a fence
        picture[70:84, left : left + 2] = 0.2
    picture[74:76] = np.minimum(picture[74:76], 0.2)
    return picture


def _filtered(picture, weights):
    return keras.ops.conv(picture[None, :, :, None], weights[:, :, None, None])[0, :, :, 0]


def _show(axes, picture, title, **settings):
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)
    axes.imshow(picture, cmap="gray", interpolation="nearest", **settings)


def lines():
    """Draw a picture, and what filters of vertical and of horizontal lines make of it."""
    figure, axes = _row(7.4, 2.7, [1, 1, 1])
    _show(axes[0], house(), "the picture")
    _show(axes[1], abs(_filtered(house(), VERTICAL)), "vertical lines")
    _show(axes[2], abs(_filtered(house(), HORIZONTAL)), "horizontal lines")
    return figure


def pooled_lines():
    """Draw a filtered picture before and after pooling, each at its own size."""
    found = abs(_filtered(house(), VERTICAL))
    pooled = keras.ops.max_pool(found[None, :, :, None], 2)[0, :, :, 0]
    figure, axes = _row(6.4, 3.0, [94, 47])
    _show(axes[0], found, "94 × 94")
    _show(axes[1], pooled, "47 × 47")
    return figure


# -- the network -------------------------------------------------------------------------------------------------
SIZES = [
    ("image", 28, 1),
    ("conv", 26, 64),
    ("pool", 13, 64),
    ("conv", 11, 64),
    ("pool", 5, 64),
    ("flatten", 0, 1600),
    ("dense", 0, 128),
    ("dense", 0, 10),
]


def sizes():
    """Draw the sizes of what flows through the network: stacks of maps, then bars of units."""
    figure = Figure(figsize=(7.4, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal")
    at = 0.0
    for name, size, channels in SIZES:
        if size:
            for depth in reversed(range(1 if channels == 1 else 4)):
                corner = (at + 1.4 * depth, -size / 2 + 1.4 * depth)
                axes.add_patch(
                    Rectangle(corner, size, size, facecolor=BLUE, edgecolor=rcParams["text.color"], alpha=0.85)
                )
            label, width = f"{size}×{size}\n×{channels}", size + 5
        else:
            height = 4 + 11 * np.log10(channels)
            axes.add_patch(Rectangle((at, -height / 2), 3, height, facecolor=ORANGE))
            label, width = f"{channels}", 4
        axes.text(at + width / 2 - 1, -21, f"{name}\n{label}", ha="center", va="top", fontsize=8)
        at += width + 5.5
    axes.set_xlim(-1, at)
    axes.set_ylim(-34, 21)
    return figure


@cache
def data():
    """Return the small set as the guide prepares it."""
    (x_train, y_train), (x_test, y_test) = fashion_mnist_small.load_data()
    return (x_train[..., None] / 255.0, y_train), (x_test[..., None] / 255.0, y_test)


@cache
def trained():
    """Return the guide's network after three epochs on the small set, and the history."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Conv2D(64, (3, 3), activation="relu", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(2, 2),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D(2, 2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), test = data()
    history = model.fit(x, y, epochs=5, validation_data=test, verbose=0)
    return model, history


def clothes():
    """Draw the first pictures of each class."""
    (x, y), _ = data()
    figure = Figure(figsize=(7.0, 3.4), layout="constrained")
    for axes, label in zip(figure.subplots(2, 5).flat, range(10), strict=True):
        _show(axes, x[y == label][0, :, :, 0], fashion_mnist_small.CLASS_NAMES[label])
    return figure


def curves():
    """Draw the loss and the accuracy over the epochs."""
    return keras.visualize.history(trained()[1])


def guesses():
    """Draw test pictures with what the network takes them for."""
    model, _ = trained()
    _, (x, y) = data()
    chosen = np.arange(0, 80, 10)
    probabilities = model.predict(x[chosen], verbose=0)
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    for axes, i, row in zip(figure.subplots(2, 4).flat, chosen, probabilities, strict=True):
        guess = row.argmax()
        names = fashion_mnist_small.CLASS_NAMES
        _show(axes, x[i, :, :, 0], f"{names[guess]}\n{row[guess]:.0%}")
        if guess != y[i]:
            axes.set_title(f"{names[guess]}, {row[guess]:.0%}\n(is: {names[y[i]]})", fontsize=10, color=ORANGE)
    return figure


def journey():
    """Draw one image after each layer."""
    model, _ = trained()
    _, (x, _) = data()
    return keras.visualize.feature_maps(
        model, x[0], class_names=[n.split("/")[0] for n in fashion_mnist_small.CLASS_NAMES]
    )


def same_filter():
    """Draw what one filter of the first layer makes of several shoes."""
    model, _ = trained()
    _, (x, y) = data()
    shoes = x[np.isin(y, (7, 9))][:4].astype(np.float32)
    maps = np.asarray(model.layers[0](shoes))
    best = maps.mean(axis=(0, 1, 2)).argmax()
    figure = Figure(figsize=(6.6, 3.4), layout="constrained")
    above, below = figure.subplots(2, 4)
    for i in range(4):
        _show(above[i], shoes[i, :, :, 0], "")
        _show(below[i], maps[i, :, :, best], "")
    above[0].set_title("four shoes", loc="left", fontsize=10)
    below[0].set_title("what one filter finds on them", loc="left", fontsize=10)
    return figure
