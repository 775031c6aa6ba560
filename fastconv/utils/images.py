"""Pictures: from files to arrays and back."""

import os

import numpy as np

from fastconv.names import spelled
from fastconv.runtime import caller, settings
from fastconv.utils.pillow import FILTERS, as_color_mode, image_module, open_image


@spelled
def load_img(path, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False):
    """Load a picture.

    Parameters
    ----------
    path : str, path-like or io.BytesIO
        The file.
    color_mode : {"rgb", "grayscale", "rgba"}
        What it is converted to.
    target_size : tuple of int, optional
        (height, width) to resize to.
    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}
        How.
    keep_aspect_ratio : bool
        Whether the picture is first cut, around its middle, to the shape of `target_size`.

    Returns
    -------
    PIL.Image.Image
        The picture.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If an argument is unknown, or the file is no picture, is damaged or too large.

    Examples
    --------
    >>> import io
    >>> from fastconv.utils import img_to_array, load_img, save_img
    >>> file = io.BytesIO()
    >>> save_img(file, np.arange(12.0).reshape(2, 2, 3), file_format="png", scale=False)
    >>> img_to_array(load_img(file, "grayscale"))[..., 0]
    array([[ 1.,  4.],
           [ 7., 10.]], dtype=float32)
    """
    image = as_color_mode("load_img", open_image("load_img", path), color_mode)
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    if interpolation not in FILTERS:
        raise ValueError(
            f"load_img: Invalid interpolation method {interpolation} specified. Supported methods are "
            f"{', '.join(FILTERS)}"
        )
    height, width = target_size
    resample = getattr(image_module("load_img").Resampling, interpolation.upper())
    box = _middle(image.size, width, height) if keep_aspect_ratio else None
    return image.resize((width, height), resample, box=box)


def _middle(size, width, height):
    """Return the largest box in the middle of a picture that has the shape of the target."""
    crop = min(size[0], size[1] * width // height), min(size[1], size[0] * height // width)
    left, top = (size[0] - crop[0]) // 2, (size[1] - crop[1]) // 2
    return (left, top, left + crop[0], top + crop[1])


@spelled
def img_to_array(img, data_format=None, dtype=None):
    """Return a picture as an array.

    Parameters
    ----------
    img : PIL.Image.Image or array_like
        The picture; a matrix is grey.
    data_format : {"channels_last", "channels_first"}, optional
        The order of the axes; by default ``config.image_data_format()``.
    dtype : str, optional
        By default ``config.floatx()``.

    Returns
    -------
    numpy.ndarray
        Three axes, values as in the picture.

    Raises
    ------
    ValueError
        If it has neither two nor three axes.

    Examples
    --------
    >>> from fastconv.utils import img_to_array
    >>> img_to_array(np.zeros((4, 5))).shape
    (4, 5, 1)
    """
    first = settings.standardize_data_format(data_format, "img_to_array") == "channels_first"
    x = _numbers("img_to_array", "img", img, dtype)
    if x.ndim not in (2, 3):
        raise ValueError(f"img_to_array: Unsupported image shape: {x.shape}; expected two or three axes.")
    x = x[..., None] if x.ndim == 2 else x
    return x.transpose(2, 0, 1) if first else x


def _numbers(owner, argument, x, dtype):
    """Return a picture as an array."""
    try:
        return np.asarray(x, dtype=dtype or settings.floatx())
    except (TypeError, ValueError):
        raise TypeError(
            f"{owner}: {argument} is a {type(x).__name__}; expected a picture, or an array of it."
        ) from None


@spelled
def array_to_img(x, data_format=None, scale=True, dtype=None):
    """Return an array as a picture.

    Parameters
    ----------
    x : array_like
        Three axes; 1, 3 or 4 channels.
    data_format : {"channels_last", "channels_first"}, optional
        The order of the axes; by default ``config.image_data_format()``.
    scale : bool
        Whether values are shifted and stretched to the range 0 to 255.
    dtype : str, optional
        The type to compute with, by default ``config.floatx()``.

    Returns
    -------
    PIL.Image.Image
        Of mode "L", "RGB" or "RGBA"; "I" for grey values above 255.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If the shape is not that of a picture.

    Examples
    --------
    >>> from fastconv.utils import array_to_img
    >>> array_to_img(np.arange(12.0).reshape(2, 2, 3)).getpixel((1, 1))
    (208, 231, 255)
    """
    first = settings.standardize_data_format(data_format, "array_to_img") == "channels_first"
    Image = image_module("array_to_img")
    x = _numbers("array_to_img", "x", x, dtype)
    if x.ndim != 3:
        raise ValueError(
            f"array_to_img: Expected image array to have rank 3 (single image). Got array with shape: {x.shape}"
        )
    x = x.transpose(1, 2, 0) if first else x
    if scale:
        x = x - np.min(x)
        largest = np.max(x)
        x = (x / largest if largest != 0 else x) * 255
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f"array_to_img: Unsupported channel number: {x.shape[2]}; expected 1, 3 or 4.")
    if x.shape[2] == 1:
        x = x[:, :, 0]
        return Image.fromarray(x.astype("int32" if np.max(x) > 255 else "uint8"))
    return Image.fromarray(x.astype("uint8"))


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array as a picture.

    Parameters
    ----------
    path : str, path-like or file
        Where to.
    x : array_like
        See `array_to_img`.
    data_format : {"channels_last", "channels_first"}, optional
        See `array_to_img`.
    file_format : str, optional
        By default what the name of the file ends with; needed for an open file.
    scale : bool
        See `array_to_img`.
    **kwargs
        For ``PIL.Image.Image.save``.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If `x` is no picture, or Pillow does not know the format.

    Examples
    --------
    >>> import io
    >>> from fastconv.utils import save_img
    >>> file = io.BytesIO()
    >>> save_img(file, np.zeros((2, 2, 1)), file_format="png")
    >>> file.getvalue()[1:4]
    b'PNG'
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(os.fspath(path))[1][1:].lower()
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        caller.warn("The JPEG format does not support RGBA images, converting to RGB.")
        image = image.convert("RGB")
    try:
        image.save(path, format=file_format or None, **kwargs)
    except (KeyError, ValueError) as error:  # Pillow's words for a format that it does not know
        raise ValueError(
            f"save_img: path={path!r} with file_format={file_format!r} cannot be written; expected a format of "
            f"Pillow's, such as 'png'. ({type(error).__name__}: {error})"
        ) from error
