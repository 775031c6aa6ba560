"""The door to Pillow, which is imported when a picture is first opened or made."""

import io
import os

# Keras's names of Pillow's filters.
FILTERS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def image_module(what):
    """Return Pillow's module ``Image``.

    Parameters
    ----------
    what : str
        The function that needs it, for the message.

    Raises
    ------
    ImportError
        If Pillow is not installed; the message says how to install it.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"{what} needs Pillow, which is not installed: pip install fastconv[plot]") from error
    return Image


def open_image(what, path):
    """Open a picture whose size is known to be reasonable.

    Parameters
    ----------
    what : str
        The function that needs it, for messages.
    path : str, bytes, path-like or io.BytesIO

    Raises
    ------
    PIL.UnidentifiedImageError
        If it is no picture of a known format.
    ValueError
        If it is damaged, or says that it has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``: Pillow
        only warns of those, which may fill the memory.
    TypeError
        If `path` is something else.
    """
    Image = image_module(what)
    if isinstance(path, (str, bytes, os.PathLike)):
        with open(path, "rb") as file:
            source = io.BytesIO(file.read())
    elif isinstance(path, io.BytesIO):
        source = path
    else:
        raise TypeError(f"{what}: path should be path-like or io.BytesIO, not {type(path)}")
    named = f"{what}: {os.fspath(path)!r}" if source is not path else f"{what}: the picture"
    try:
        image = Image.open(source)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{named} is too large: {error}") from error
    except Image.UnidentifiedImageError as error:
        raise Image.UnidentifiedImageError(f"{named} is not a picture of a known format.") from error
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and image.width * image.height > most:
        raise ValueError(
            f"{named} is too large: it says that it has {image.width} x {image.height} pixels, more than the "
            f"{most} that PIL.Image.MAX_IMAGE_PIXELS allows; it may be made to fill the memory."
        )
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's decoders raise for damaged files
        raise ValueError(f"{named} is damaged: {error}") from error
    return image


def as_color_mode(what, image, color_mode):
    """Return a picture in Keras's "grayscale", "rgb" or "rgba"; grey values of 16 and 32 bits stay as they are."""
    modes = {"grayscale": ("L", "I;16", "I"), "rgba": ("RGBA",), "rgb": ("RGB",)}
    if color_mode not in modes:
        raise ValueError(f'{what}: color_mode={color_mode!r}; color_mode must be "grayscale", "rgb", or "rgba"')
    wanted = modes[color_mode]
    return image if image.mode in wanted else image.convert(wanted[0])
