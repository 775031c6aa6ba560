"""Pictures as files and arrays: the functions of `fastconv.utils`."""

from fastconv import absent
from fastconv.utils.images import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img"]

__getattr__ = absent.of(__name__)
