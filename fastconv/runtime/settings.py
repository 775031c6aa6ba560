"""Library-wide settings under Keras's names (``fastconv.config``)."""

import numbers

from fastconv.names import spelled, suggestion

_FLOATS = ("float32", "float64")
_FORMATS = ("channels_last", "channels_first")
_TILES = (4, 2)
_state = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "fusion": True, "winograd": 4}


def floatx():
    """Return the default float type of new layers: ``"float32"`` or ``"float64"``."""
    return _state["floatx"]


@spelled
def set_floatx(value):
    """Set the default float type of new layers."""
    if value not in _FLOATS:
        raise ValueError(f"set_floatx: value={value!r} is not supported; expected one of {_FLOATS}.")
    _state["floatx"] = value


def epsilon():
    """Return the fuzz factor of the losses (1e-7)."""
    return _state["epsilon"]


@spelled
def set_epsilon(value):
    """Set the fuzz factor of the losses."""
    if not isinstance(value, numbers.Real) or not 0 < value < 1:
        raise ValueError(f"set_epsilon: value={value!r} is not a number between 0 and 1.")
    _state["epsilon"] = float(value)


def image_data_format():
    """Return the default layout of images: ``"channels_last"`` or ``"channels_first"``."""
    return _state["image_data_format"]


@spelled
def set_image_data_format(data_format):
    """Set the default layout of images."""
    _state["image_data_format"] = standardize_data_format(data_format, "set_image_data_format")


def standardize_data_format(data_format, owner=""):
    """Return `data_format`, or the default for ``None``; raise ``ValueError``, naming `owner`, for anything unknown."""
    if data_format is None:
        return _state["image_data_format"]
    if str(data_format).lower() not in _FORMATS:
        who = f"{owner}: " if owner else ""
        raise ValueError(
            f"{who}data_format={data_format!r} is not one of {_FORMATS}.{suggestion(data_format, _FORMATS)}"
        )
    return data_format.lower()


def enable_fusion():
    """Let plans built from now on fuse runs of steps (the default)."""
    _state["fusion"] = True


def disable_fusion():
    """Make plans built from now on run every step by itself: slower, for finding out where a number comes from."""
    _state["fusion"] = False


def is_fusion_enabled():
    """Tell whether plans built from now on fuse steps."""
    return _state["fusion"]


@spelled
def enable_winograd(tile=4):
    """Let plans built from now on compute 3x3 convolutions by Winograd's tiles where that is faster (the default).

    Parameters
    ----------
    tile : {4, 2}
        The most outputs along a side of a tile. Those of 2 x 2 round three times less (relative errors of some 3e-7
        instead of 1e-6 in float32) and keep sums of small whole numbers exact; those of 4 x 4 need fewer products.

    Raises
    ------
    ValueError
        If `tile` is neither.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.config.enable_winograd(tile=2)
    >>> fastconv.config.winograd_tile()
    2
    >>> fastconv.config.enable_winograd()
    """
    if isinstance(tile, bool) or tile not in _TILES:
        raise ValueError(f"enable_winograd: tile={tile!r} is not supported; expected one of {_TILES}.")
    _state["winograd"] = int(tile)


def disable_winograd():
    """Make plans built from now on compute every convolution directly.

    Winograd's sums are differently rounded (relative errors of some 1e-6 instead of some 1e-7 in float32), and a value
    that is not finite reaches all outputs of its tile.
    """
    _state["winograd"] = 0


def is_winograd_enabled():
    """Tell whether plans built from now on may use Winograd's tiles."""
    return _state["winograd"] > 0


def winograd_tile():
    """Return how many outputs a side of Winograd's tiles may have: 4, 2, or 0 where they are disabled."""
    return _state["winograd"]
