"""What all pictures of images share: one image as a batch, maps as they are drawn, one of them beside the next."""

import math

import numpy as np

from fastconv.models import Model


def one_image(caller, model, image):
    """Return `image` as a batch of one that a built model takes, in its type.

    Raises
    ------
    ValueError
        If the model has several inputs, or it is not one image of the model's shape; an axis of size 1 at the end and
        the batch's may be missing.
    """
    require_one_input(caller, model)
    shape, batch = tuple(model.input_shape[1:]), np.asarray(image)
    if batch.dtype.kind not in "buif":
        raise ValueError(f"{caller}: image has dtype {batch.dtype}; expected numbers.")
    given = batch.shape
    options = [shape, (1, *shape), *([shape[:-1], (1, *shape[:-1])] if shape[-1] == 1 else [])]
    if given not in options:
        raise ValueError(f"{caller}: image has shape {given}; expected one image of shape {shape}.")
    return batch.astype(model.dtype).reshape(1, *shape)


def require_model(caller, model):
    """Raise TypeError unless something is a model."""
    if not isinstance(model, Model):
        raise TypeError(f"{caller}: model={model!r} is not a model.")


def require_one_input(caller, model):
    """Raise ValueError unless a model is built and takes one image."""
    require_model(caller, model)
    model.require_built(caller)
    if len(model.inputs) > 1:
        raise ValueError(f"{caller}: the model has {len(model.inputs)} inputs; expected one, that of images.")


def channels_last(layer, maps):
    """Return maps (..., height, width, channels) of those that a layer makes, whatever its data format."""
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return np.moveaxis(maps, -3, -1) if first else maps


def model_images(model, images):
    """Return images of a model's input with the channels last: its first layer that has a data format says how."""
    formats = [layer for layer in model.layers if getattr(layer, "data_format", None)]
    return channels_last(formats[0], images) if formats and images.ndim == 4 else images


def draw(axes, image, title=""):
    """Draw one image (height, width, channels): in colour if it has three, else its first in grey."""
    shown = np.clip(image, 0, 1) if image.shape[-1] == 3 else image[:, :, 0]
    axes.imshow(shown, cmap="gray", interpolation="nearest")
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_axis_off()


def tile(maps, columns):
    """Return maps (count, height, width, ...) side by side in rows of `columns`, NaN between them.

    Examples
    --------
    >>> tile(np.ones((3, 1, 1)), 2)
    array([[ 1., nan,  1.],
           [nan, nan, nan],
           [ 1., nan, nan]])
    """
    count, height, width, *rest = maps.shape
    columns = min(columns, count)
    gap = max(1, width // 14)
    size = math.ceil(count / columns) * (height + gap) - gap, columns * (width + gap) - gap
    out = np.full((*size, *rest), np.nan)
    for i, one in enumerate(maps):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        out[top : top + height, left : left + width] = one
    return out


def stretched(maps):
    """Return each of some maps scaled to the range from 0 to 1 by itself."""
    flat = maps.reshape(len(maps), -1)
    low, high = flat.min(axis=1), flat.max(axis=1)
    shape = (-1, *(1,) * (maps.ndim - 1))
    return (maps - low.reshape(shape)) / np.where(high > low, high - low, 1).reshape(shape)
