"""What a unit of a network would most like to see."""

import numbers

import numpy as np

from fastconv.layers.input import InputLayer
from fastconv.names import spelled
from fastconv.plan.playback import Playback
from fastconv.visualize.drawing import new_figure
from fastconv.visualize.images import channels_last, model_images, require_one_input, stretched, tile

_COLUMNS = 8
_MOST_UNITS = 16


@spelled
def activation_maximization(model, layer=None, units=None, steps=40, rate=0.1, seed=0):
    """Draw images that excite units of a layer most: found from grey noise, step by step uphill.

    A step goes along the gradient of the unit's mean activation, scaled to the length `rate` times the square root of
    the number of pixels; the images stay between 0 and 1. Where the layer is the last and ends in a softmax, the
    activation is what the softmax reads.

    Parameters
    ----------
    model : Model
        A built one over images.
    layer : str or int, optional
        Name or position, by default the last.
    units : sequence of int, optional
        Channels of maps, or units of a dense layer; by default the first 16.
    steps : int
    rate : float
    seed : int
        Of the noise.

    Returns
    -------
    matplotlib.figure.Figure
        One image a unit in rows of 8, each stretched to its own range.

    Raises
    ------
    ValueError
        If there is no such layer or unit, or a number does not fit.
    NotImplementedError
        If a layer knows no gradient.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3, name="maps")])
    >>> figure = keras.visualize.activation_maximization(model, "maps", steps=2)
    >>> figure.axes[0].get_title(loc="left")
    'maps (Conv2D): what units 0, 1, 2 look for'
    """
    caller = "visualize.activation_maximization"
    require_one_input(caller, model)
    if len(model.input_shape) != 4:
        raise ValueError(f"{caller}: the model takes inputs of shape {model.input_shape[1:]}; expected images.")
    _check(caller, steps=steps, rate=rate)
    layer = _layer(caller, model, layer)
    units = _units(caller, model, layer, units)
    shape = (len(units), *model.input_shape[1:])
    x = np.random.default_rng(seed).uniform(0.4, 0.6, shape).astype(model.dtype)
    for _ in range(steps):
        x = np.clip(x + _uphill(model, layer, units, x, rate), 0, 1)
    return _picture(caller, layer, units, stretched(model_images(model, x)))


def _uphill(model, layer, units, x, rate):
    """Return the step of each image that excites its own unit more."""
    played = Playback(model.plan, x)
    at = played.scores if played.made[layer.name] == played.output else played.made[layer.name]
    dy = np.zeros_like(played.values[at])
    own = channels_last(layer, dy) if dy.ndim == 4 else dy  # a view
    for one, unit in zip(own, units, strict=True):
        one[..., unit] = 1 / max(1, one[..., unit].size)
    gradient = played.gradient(at, dy)
    length = np.sqrt((gradient**2).mean(axis=(1, 2, 3), keepdims=True))
    return rate * gradient / np.where(length > 0, length, 1)


def _check(caller, steps, rate):
    if isinstance(steps, bool) or not isinstance(steps, numbers.Integral) or steps < 1:
        raise ValueError(f"{caller}: steps={steps!r} is not a whole number of at least 1.")
    if isinstance(rate, bool) or not isinstance(rate, numbers.Real) or not rate > 0:
        raise ValueError(f"{caller}: rate={rate!r} is not a number above 0.")


def _layer(caller, model, wanted):
    layers = {layer.name: layer for layer in model.layers if not isinstance(layer, InputLayer)}
    names = list(layers)
    if wanted is None:
        return model.layers[-1]
    if isinstance(wanted, numbers.Integral) and -len(model.layers) <= wanted < len(model.layers):
        wanted = model.layers[wanted].name
    if wanted in names:
        return layers[wanted]
    raise ValueError(f"{caller}: layer={wanted!r} is not in the model; expected one of {names} or a position.")


def _units(caller, model, layer, units):
    shape = model.layer_output_shape(layer)
    first = len(shape) == 4 and getattr(layer, "data_format", None) == "channels_first"
    count = shape[1] if first else shape[-1]
    units = list(range(min(count, _MOST_UNITS))) if units is None else list(units)
    wrong = [u for u in units if not isinstance(u, numbers.Integral) or not 0 <= u < count]
    if wrong or not units:
        raise ValueError(f"{caller}: units={units} does not fit layer {layer.name!r}; expected 0 to {count - 1}.")
    return [int(u) for u in units]


def _picture(caller, layer, units, images):
    shown = np.nan_to_num(tile(images, _COLUMNS), nan=1.0)
    width = min(len(units), _COLUMNS)
    figure = new_figure(caller, max(3.0, 1.1 * width), 1.1 * -(-len(units) // width) + 0.5)
    axes = figure.subplots()
    axes.imshow(shown if shown.shape[-1] == 3 else shown[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    words = f"what unit{'s' * (len(units) != 1)} {', '.join(map(str, units))} look{'s' * (len(units) == 1)} for"
    axes.set_title(f"{layer.name} ({type(layer).__name__}): {words}", loc="left", fontsize=9)
    axes.set_axis_off()
    return figure
