"""What Keras's programs ask of its backend: settings, types, names, and a clean start.

The functions on arrays that Keras 2 had here are those of `fastconv.ops`.
"""

from fastconv import absent
from fastconv.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from fastconv.layers.layer import uid
from fastconv.names import spelled
from fastconv.utils.session import clear_session, is_keras_tensor, standardize_dtype

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]

__getattr__ = absent.of(__name__)


@spelled
def get_uid(prefix=""):
    """Return how often it was asked for a prefix since the last `clear_session`, this time included.

    Parameters
    ----------
    prefix : str

    Returns
    -------
    int

    Examples
    --------
    >>> clear_session()
    >>> get_uid("dense"), get_uid("dense")
    (1, 2)
    """
    return uid(prefix)


@spelled
def is_float_dtype(dtype):
    """Tell whether a type is one of floating-point numbers.

    Parameters
    ----------
    dtype : str or dtype

    Returns
    -------
    bool

    Examples
    --------
    >>> is_float_dtype("float32"), is_float_dtype("int32")
    (True, False)
    """
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


@spelled
def is_int_dtype(dtype):
    """Tell whether a type is one of whole numbers.

    Parameters
    ----------
    dtype : str or dtype

    Returns
    -------
    bool

    Examples
    --------
    >>> is_int_dtype("uint8"), is_int_dtype("float32")
    (True, False)
    """
    return standardize_dtype(dtype).startswith(("int", "uint"))
