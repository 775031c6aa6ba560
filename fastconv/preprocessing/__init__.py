"""Where Keras 2's programs look for what is in `fastconv.utils`: pictures, folders of them, time series."""

from fastconv import absent
from fastconv.preprocessing import image
from fastconv.utils.image_folders import image_dataset_from_directory
from fastconv.utils.time_series import timeseries_dataset_from_array

__all__ = ["image", "image_dataset_from_directory", "timeseries_dataset_from_array"]

__getattr__ = absent.of(__name__)
