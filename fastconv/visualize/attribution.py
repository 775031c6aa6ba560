"""Where in an image a network finds what it says: occlusion, saliency and Grad-CAM."""

import numbers

import numpy as np

from fastconv.names import spelled
from fastconv.plan.playback import Playback
from fastconv.visualize.drawing import new_figure
from fastconv.visualize.images import channels_last, draw, model_images, one_image

_BATCH = 256


@spelled
def occlusion(model, image, class_index=None, size=None, stride=None, value=None):
    """Draw how much less likely a class becomes when a part of the image is covered.

    Parameters
    ----------
    model : Model
        A built one over images, with one number per class.
    image : array_like
        One image, scaled as for training.
    class_index : int, optional
        The class; by default the most likely one.
    size, stride : int, optional
        The side of the covering square, by default a quarter of the image, and its steps, by default half of `size`.
    value : float, optional
        What it is covered with, by default the image's mean.

    Returns
    -------
    matplotlib.figure.Figure
        The image, and over it the loss of the class's output for each place, as the mean over the squares there.

    Raises
    ------
    ValueError
        If the image, the class or a size does not fit the model.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    >>> figure = keras.visualize.occlusion(model, np.eye(8), class_index=1)
    >>> [axes.get_title(loc="left") for axes in figure.axes][:2]
    ['image', 'class 1, occlusion by 2 x 2']
    """
    caller = "visualize.occlusion"
    x = one_image(caller, model, image)
    outputs = model.predict_on_batch(x)
    chosen = _class(caller, outputs, class_index)
    view = _images(caller, model, x)
    size = _side(caller, "size", size, max(1, min(view.shape[1:3]) // 4), min(view.shape[1:3]))
    stride = _side(caller, "stride", stride, max(1, size // 2), size)
    places = [
        (slice(i, i + size), slice(j, j + size)) for i in _starts(view.shape[1], size, stride)
        for j in _starts(view.shape[2], size, stride)
    ]  # fmt: skip
    covered = np.repeat(x, len(places), axis=0)
    for one, place in zip(_images(caller, model, covered), places, strict=True):
        one[place] = x.mean() if value is None else value
    parts = [model.predict_on_batch(covered[i : i + _BATCH]) for i in range(0, len(covered), _BATCH)]
    lost = outputs[0, chosen] - np.concatenate(parts)[:, chosen]
    total, count = np.zeros((2, *view.shape[1:3]))
    for place, drop in zip(places, lost, strict=True):
        total[place] += drop
        count[place] += 1
    return _picture(caller, view[0], total / count, f"class {chosen}, occlusion by {size} x {size}", signed=True)


@spelled
def saliency(model, image, class_index=None):
    """Draw how strongly each pixel moves the score of a class: the size of the gradient there.

    The score is what a softmax at the end makes probabilities of; without one, the output.

    Parameters
    ----------
    model : Model
        A built one over images, with one number per class.
    image : array_like
        One image, scaled as for training.
    class_index : int, optional
        The class; by default the most likely one.

    Returns
    -------
    matplotlib.figure.Figure
        The image, and over it the largest of its channels' gradients for each pixel, without signs.

    Raises
    ------
    ValueError
        If the image or the class does not fit the model.
    NotImplementedError
        If a layer knows no gradient.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    >>> figure = keras.visualize.saliency(model, np.eye(8), class_index=0)
    >>> figure.axes[1].get_title(loc="left")
    'class 0, saliency'
    """
    caller = "visualize.saliency"
    x = one_image(caller, model, image)
    played = Playback(model.plan, x)
    chosen = _class(caller, played.values[played.output], class_index)
    gradient = played.gradient(played.scores, _one_hot(played, chosen))
    heat = np.abs(_images(caller, model, gradient)[0]).max(axis=-1)
    return _picture(caller, _images(caller, model, x)[0], heat, f"class {chosen}, saliency")


@spelled
def grad_cam(model, image, layer=None, class_index=None):
    """Draw which parts of a layer's maps speak for a class: Grad-CAM (Selvaraju et al., 2017).

    Each map is weighted with the mean of the score's gradient over it; the sum, where it is positive, lies over the
    image. The score is what a softmax at the end makes probabilities of; without one, the output.

    Parameters
    ----------
    model : Model
        A built one over images, with one number per class.
    image : array_like
        One image, scaled as for training.
    layer : str or int, optional
        Name or position of a layer that makes maps; by default the last convolution, or else the last that makes any.
    class_index : int, optional
        The class; by default the most likely one.

    Returns
    -------
    matplotlib.figure.Figure
        The image, and over it the weighted sum of the maps.

    Raises
    ------
    ValueError
        If the image, the layer or the class does not fit the model.
    NotImplementedError
        If a layer behind the maps knows no gradient.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastconv as keras
    >>> layers = [keras.layers.Conv2D(4, 3, name="maps"), keras.layers.Flatten(), keras.layers.Dense(2)]
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    >>> figure = keras.visualize.grad_cam(model, np.eye(8), class_index=1)
    >>> figure.axes[1].get_title(loc="left")
    'class 1, Grad-CAM at maps'
    """
    caller = "visualize.grad_cam"
    x = one_image(caller, model, image)
    played = Playback(model.plan, x)
    chosen = _class(caller, played.values[played.output], class_index)
    layer = _layer_with_maps(caller, model, played, layer)
    at = played.made[layer.name]
    maps = channels_last(layer, played.values[at])[0]
    gradient = channels_last(layer, played.gradient(played.scores, _one_hot(played, chosen), at))[0]
    heat = np.maximum(maps @ gradient.mean(axis=(0, 1)), 0)
    return _picture(caller, _images(caller, model, x)[0], heat, f"class {chosen}, Grad-CAM at {layer.name}")


def _images(caller, model, x):
    """Return a batch of a model's inputs with the channels last, as a view."""
    if x.ndim != 4:
        raise ValueError(f"{caller}: the model takes inputs of shape {x.shape[1:]}; expected images with channels.")
    return model_images(model, x)


def _class(caller, outputs, class_index):
    if outputs.ndim != 2:
        raise ValueError(f"{caller}: the model's output has shape {outputs.shape}; expected one number per class.")
    if class_index is None:
        return int(outputs[0].argmax())
    whole = isinstance(class_index, numbers.Integral) and not isinstance(class_index, bool)
    if not whole or not 0 <= class_index < outputs.shape[1]:
        raise ValueError(
            f"{caller}: class_index={class_index!r} is no class; expected a whole number from 0 to "
            f"{outputs.shape[1] - 1}."
        )
    return int(class_index)


def _side(caller, name, value, default, most):
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not 1 <= value <= most:
        raise ValueError(f"{caller}: {name}={value!r} does not fit; expected a whole number from 1 to {most}.")
    return int(value)


def _starts(extent, size, stride):
    """Return where squares begin, so that they cover everything."""
    return sorted({*range(0, extent - size, stride), extent - size})


def _one_hot(played, chosen):
    dy = np.zeros_like(played.values[played.scores])
    dy[:, chosen] = 1
    return dy


def _layer_with_maps(caller, model, played, wanted):
    layers = {
        layer.name: layer
        for layer in model.layers
        if layer.name in played.made and played.values[played.made[layer.name]].ndim == 4
    }
    if not layers:
        raise ValueError(f"{caller}: no layer of model {model.name!r} makes maps of shape (height, width, channels).")
    if wanted is None:
        convolutions = [layer for layer in layers.values() if "Conv" in type(layer).__name__]
        return (convolutions or list(layers.values()))[-1]
    if isinstance(wanted, numbers.Integral) and -len(model.layers) <= wanted < len(model.layers):
        wanted = model.layers[wanted].name
    if wanted not in layers:
        raise ValueError(f"{caller}: layer={wanted!r} makes no maps; expected one of {list(layers)} or its position.")
    return layers[wanted]


def _picture(caller, image, heat, title, signed=False):
    """Return the image, and the image under the heat map, which is stretched over all of it."""
    figure = new_figure(caller, 7.0, 3.4)
    left, right = figure.subplots(1, 2)
    draw(left, image, "image")
    draw(right, image, title)
    most = float(np.abs(heat).max()) or 1.0
    colours = {"cmap": "RdBu_r", "vmin": -most} if signed else {"cmap": "inferno", "vmin": 0.0}
    extent = (-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5)
    over = right.imshow(heat, vmax=most, alpha=0.6, extent=extent, interpolation="nearest", **colours)
    figure.colorbar(over, ax=right, shrink=0.8)
    return figure
