"""Settings under Keras's names, the number of threads, and fusion on or off."""

from fastconv import absent
from fastconv.dtype_policies import dtype_policy, set_dtype_policy
from fastconv.runtime.settings import (
    disable_fusion,
    disable_winograd,
    enable_fusion,
    enable_winograd,
    epsilon,
    floatx,
    image_data_format,
    is_fusion_enabled,
    is_winograd_enabled,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    winograd_tile,
)
from fastconv.runtime.threads import get_num_threads, set_num_threads

__all__ = [
    "backend",
    "disable_fusion",
    "disable_winograd",
    "dtype_policy",
    "enable_fusion",
    "enable_winograd",
    "epsilon",
    "floatx",
    "get_num_threads",
    "image_data_format",
    "is_fusion_enabled",
    "is_winograd_enabled",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_num_threads",
    "winograd_tile",
]

__getattr__ = absent.of(__name__)


def backend():
    """Return the name of what computes: always ``"fastconv"``.

    Examples
    --------
    >>> backend()
    'fastconv'
    """
    return "fastconv"
