"""How a training went: one picture of curves."""

from fastconv.names import spelled
from fastconv.visualize.drawing import new_figure


@spelled
def history(history):
    """Draw the loss and the metrics over the epochs, training beside validation.

    Parameters
    ----------
    history : History or dict
        What ``fit`` returns, or its ``history``: lists of numbers by name, with ``val_`` before the names of
        the validation's.

    Returns
    -------
    matplotlib.figure.Figure
        One plot for each metric, the loss first.

    Raises
    ------
    ValueError
        If there is nothing to draw.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastconv import visualize
    >>> figure = visualize.history({"loss": [0.9, 0.5], "val_loss": [0.8, 0.6], "accuracy": [0.6, 0.8]})
    >>> [axes.get_title() for axes in figure.axes]
    ['loss', 'accuracy']
    """
    curves = getattr(history, "history", history)
    if not isinstance(curves, dict) or not any(len(values) for values in curves.values()):
        raise ValueError(
            f"visualize.history: history={history!r} holds no epoch; expected what fit returns, or a dict of lists."
        )
    names = _metric_names(curves)
    figure = new_figure("visualize.history", 4.5 * len(names), 3.6)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in curves:
                # Validation may run in every n-th epoch only: the two curves still end together.
                every = max(len(curves.get(name, ())) // max(len(curves[key]), 1), 1)
                epochs = [every * (i + 1) for i in range(len(curves[key]))]
                axes.plot(epochs, curves[key], marker="o", markersize=3, label=label)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def _metric_names(curves):
    """Return the names without ``val_``, the loss first."""
    names = dict.fromkeys(key.removeprefix("val_") for key in curves)
    return sorted(names, key=lambda name: name != "loss")
