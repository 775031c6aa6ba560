"""One image's way through a network."""

import difflib
import math
import numbers

import numpy as np

from fastconv.names import spelled
from fastconv.plan.playback import Playback
from fastconv.visualize.drawing import new_figure
from fastconv.visualize.images import channels_last, model_images, one_image

# A layer is drawn unasked if its class name holds one of these.
_SHOWN = ("Conv", "Pool", "Dense")
_WIDTH = 10.0  # inches
_IMAGE_HEIGHT = 2.0
_BARS_HEIGHT = 1.8
_TITLE_HEIGHT = 0.3
_COLUMNS = 16
_TICKS_UP_TO = 20


@spelled
def feature_maps(model, image, layers=None, class_names=None):
    """Draw what the layers of a model make of one image, row by row down to the bars of the output.

    All maps of a layer share one grey scale, so a map that stays dark is a filter that found nothing. Of a layer that
    is used several times, the last use is drawn.

    Parameters
    ----------
    model : Model
        A built one with one input, or anything with ``layers`` that are called one after another.
    image : array_like
        One image, scaled as for training: (height, width), (height, width, channels) or the same behind a
        batch axis of length 1.
    layers : sequence of str or int, optional
        Names or positions of the layers to draw; by default all convolution, pooling and dense ones.
    class_names : sequence of str, optional
        What to write below the bars of the last layer.

    Returns
    -------
    matplotlib.figure.Figure
        The image, then a row of maps for each layer with maps and bars for each with one number per unit.

    Raises
    ------
    ValueError
        If `image` is not one image, `layers` names no layer of the model, an output has neither one nor three
        axes (besides the batch), or `class_names` does not fit the last layer.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import visualize
    >>> class Halve:
    ...     name = "halve"
    ...     def __call__(self, x):
    ...         return x[:, ::2, ::2]
    >>> class Model:
    ...     layers = [Halve()]
    >>> figure = visualize.feature_maps(Model, np.eye(8), layers=["halve"])
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['image: 8 x 8', 'halve (Halve): 4 x 4 x 1']
    """
    if not hasattr(model, "layers"):
        raise TypeError(f"visualize.feature_maps: model={model!r} is not a model.")
    image = one_image("visualize.feature_maps", model, image) if hasattr(model, "plan") else _as_batch(image)
    outputs = _run(model, image, _choose(model.layers, layers))
    if class_names is not None:
        _check_class_names(class_names, outputs)
    tiles = [_tile(output) if output.ndim == 3 else None for _, output in outputs]
    heights = [_IMAGE_HEIGHT, *map(_row_height, tiles)]
    figure = new_figure("visualize.feature_maps", _WIDTH, sum(heights))
    rows = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_image(rows[0], model_images(model, image)[0])
    for axes, (title, output), tile in zip(rows[1:], outputs, tiles, strict=True):
        axes.set_title(title, loc="left", fontsize=9)
        _draw_bars(axes, output) if tile is None else _draw_tile(axes, tile, output)
    if class_names is not None:
        rows[-1].set_xticks(range(len(class_names)), class_names, fontsize=8)
    return figure


def _as_batch(image):
    """Return `image` with the axes (1, height, width, channels)."""
    batch = np.asarray(image, dtype=np.float32)
    if batch.ndim in (2, 3) and not (batch.ndim == 3 and batch.shape[0] == 1):
        batch = batch[np.newaxis]
    if batch.ndim == 3:
        batch = batch[..., np.newaxis]
    if batch.ndim != 4 or batch.shape[0] != 1:
        raise ValueError(
            f"feature_maps: image has shape {np.shape(image)}; expected one image: (height, width) or "
            "(height, width, channels)."
        )
    return batch


def _check_class_names(class_names, outputs):
    shape = outputs[-1][1].shape if outputs else None
    if shape != (len(class_names),):
        raise ValueError(
            f"feature_maps: class_names has {len(class_names)} names, but the last output drawn has shape {shape}."
        )


def _choose(all_layers, wanted):
    """Return the layers to draw."""
    if wanted is None:
        return [layer for layer in all_layers if any(part in type(layer).__name__ for part in _SHOWN)]
    by_name = {layer.name: layer for layer in all_layers}
    return [_pick(all_layers, by_name, key) for key in wanted]


def _pick(all_layers, by_name, key):
    if key in by_name:
        return by_name[key]
    if isinstance(key, numbers.Integral) and -len(all_layers) <= key < len(all_layers):
        return all_layers[key]
    close = difflib.get_close_matches(str(key), by_name, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"expected one of {list(by_name)} or a position."
    raise ValueError(f"feature_maps: layers holds {key!r}; {hint}")


def _run(model, x, shown):
    """Return titles and outputs (for the first of `x`) of the layers `shown`."""
    outputs = []
    for layer, y in _outputs(model, x):
        if layer in shown:
            output = np.asarray(y)[0]
            output = channels_last(layer, output) if output.ndim == 3 else output
            outputs.append((_title(layer, output), output))
    return outputs


def _outputs(model, x):
    """Yield the layers and what they make of `x`, in their order."""
    if hasattr(model, "plan"):
        played = Playback(model.plan, x)
        yield from (
            (layer, played.values[played.made[layer.name]]) for layer in model.layers if layer.name in played.made
        )
        return
    for layer in model.layers:
        x = layer(x)
        yield layer, x


def _title(layer, output):
    if output.ndim not in (1, 3):
        raise ValueError(
            f"feature_maps: the output of layer {layer.name!r} has shape {output.shape}; expected (height, "
            "width, channels) or (units,)."
        )
    return f"{layer.name} ({type(layer).__name__}): {' x '.join(str(size) for size in output.shape)}"


def _row_height(tile):
    return _BARS_HEIGHT if tile is None else _WIDTH * tile.shape[0] / tile.shape[1] + _TITLE_HEIGHT


def _tile(output):
    """Return the maps of (height, width, channels) side by side in one array, NaN between them."""
    height, width, channels = output.shape
    columns = min(channels, _COLUMNS)
    rows = math.ceil(channels / columns)
    gap = max(1, width // 14)
    tile = np.full((rows * (height + gap) - gap, _COLUMNS * (width + gap) - gap), np.nan, np.float32)
    for channel in range(channels):
        top, left = channel // columns * (height + gap), channel % columns * (width + gap)
        tile[top : top + height, left : left + width] = output[:, :, channel]
    return tile


def _draw_image(axes, image):
    height, width, channels = image.shape
    shown = np.clip(image, 0, 1) if channels == 3 else image[:, :, 0]
    axes.imshow(shown, cmap="gray", interpolation="nearest")
    axes.set_title(f"image: {height} x {width}", loc="left", fontsize=9)
    axes.set_axis_off()


def _draw_tile(axes, tile, output):
    # A few very bright spots must not darken all the rest.
    bright = np.percentile(output, 99.5)
    axes.imshow(tile, cmap="gray", interpolation="nearest", vmin=output.min(), vmax=bright)
    axes.set_axis_off()


def _draw_bars(axes, output):
    axes.bar(range(len(output)), output, width=0.8)
    axes.set_xlim(-0.6, len(output) - 0.4)
    if len(output) <= _TICKS_UP_TO:
        axes.set_xticks(range(len(output)))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
