"""What a convolution looks for: its filters."""

import numpy as np

from fastconv.names import spelled
from fastconv.visualize.drawing import new_figure
from fastconv.visualize.images import stretched, tile

_WIDTH = 8.0  # inches
_COLUMNS = 16


@spelled
def filters(layer):
    """Draw the filters of a convolution layer.

    Filters over one channel stand side by side, white for 0, red above and blue below it, all to one scale; those
    over three channels in colour, each stretched to its own range; those over more have a column for each filter and
    a row for each channel. Those of a depthwise convolution stand channel by channel.

    Parameters
    ----------
    layer : Layer
        A built one with a kernel of three or four axes.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the layer has no such kernel, or none yet.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3, name="lines")])
    >>> figure = keras.visualize.filters(model.get_layer("lines"))
    >>> figure.axes[0].get_title()
    'lines (Conv2D): 8 filters of 3 x 3 over 1 channel'
    """
    kernel = _kernel(layer)
    height, width, channels, count = kernel.shape
    if channels == 3:
        shown, limits = tile(stretched(kernel.transpose(3, 0, 1, 2)), _COLUMNS), {}
        shown = np.nan_to_num(shown, nan=1.0)
    else:
        columns = _COLUMNS if channels == 1 else count
        shown = tile(kernel.transpose(2, 3, 0, 1).reshape(-1, height, width), columns)
        most = float(np.abs(kernel).max()) or 1.0
        limits = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    figure = new_figure("visualize.filters", _WIDTH, max(1.0, _WIDTH * shown.shape[0] / shown.shape[1]) + 0.6)
    axes = figure.subplots()
    drawn = axes.imshow(shown, interpolation="nearest", **limits)
    words = f"{count} filters of {height} x {width} over {channels} channel{'s' * (channels != 1)}"
    axes.set_title(f"{layer.name} ({type(layer).__name__}): {words}", fontsize=9)
    axes.set_axis_off()
    if limits:
        figure.colorbar(drawn, ax=axes, shrink=0.8)
    return figure


def _kernel(layer):
    """Return a layer's filters as (height, width, channels, filters)."""
    weights = [v for v in getattr(layer, "weights", ()) if v.name.endswith("kernel") and v.ndim in (3, 4)]
    if not weights:
        name = getattr(layer, "name", layer)
        raise ValueError(
            f"visualize.filters: layer {name!r} has no filters; expected a convolution layer that is built."
        )
    kernel = weights[0].numpy()
    kernel = kernel[np.newaxis] if kernel.ndim == 3 else kernel
    if hasattr(layer, "depth_multiplier"):  # every filter has one channel
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    return kernel
