"""Which classes a model takes for which."""

import numpy as np

from fastconv.names import spelled
from fastconv.visualize.drawing import new_figure

_NUMBERS_UP_TO = 30  # classes


@spelled
def confusion(y_true, y_pred, labels=None):
    """Draw how often each class was taken for each other one.

    Parameters
    ----------
    y_true, y_pred : array_like
        Class numbers (n,); or one number per class (n, classes), one-hot or probabilities, of which the largest counts.
    labels : sequence of str, optional
        The classes' names, by default their numbers.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each true class with the counts of what it was taken for, coloured by their share of the row.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the labels, or hold anything but class numbers.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastconv import visualize
    >>> figure = visualize.confusion([0, 0, 1], [0, 1, 1], labels=["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '1', '0', '1']
    """
    true, predicted = _classes("y_true", y_true), _classes("y_pred", y_pred)
    if len(true) != len(predicted) or not len(true):
        raise ValueError(
            f"visualize.confusion: y_true has {len(true)} samples, y_pred {len(predicted)}; expected as many, and some."
        )
    found = 1 + int(max(true.max(), predicted.max()))
    count = found if labels is None else len(labels)
    if count < found:
        raise ValueError(f"visualize.confusion: labels has {count} names, but there is a class {found - 1}.")
    counts = np.zeros((count, count), int)
    np.add.at(counts, (true, predicted), 1)
    return _picture(counts, [str(i) for i in range(count)] if labels is None else list(labels))


def _classes(name, values):
    values = np.asarray(values)
    if values.dtype.kind not in "buif" or values.ndim not in (1, 2):
        raise ValueError(
            f"visualize.confusion: {name} has shape {values.shape} and dtype {values.dtype}; expected numbers, (n,) or "
            "(n, classes)."
        )
    if values.ndim == 2:
        values = values.argmax(axis=1) if values.shape[1] > 1 else values[:, 0]
    if (values < 0).any() or (values != np.floor(values)).any():
        raise ValueError(f"visualize.confusion: {name} holds something else than class numbers from 0.")
    return values.astype(int)


def _picture(counts, labels):
    side = 2.0 + 0.42 * len(labels)
    figure = new_figure("visualize.confusion", side + 1, side)
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(labels) <= _NUMBERS_UP_TO:
        for (i, j), n in np.ndenumerate(counts):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, f"{n}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    correct = counts.trace()
    axes.set_title(f"{correct} of {counts.sum()} correct ({correct / counts.sum():.1%})", fontsize=10)
    figure.colorbar(drawn, ax=axes, shrink=0.8, label="share of the true class")
    return figure
