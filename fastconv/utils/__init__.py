"""Helpers under Keras's names: seeds, labels, arrays, pictures, data sets, progress, a model's picture, own classes."""

from fastconv import absent
from fastconv.callbacks.progbar import Progbar
from fastconv.models.py_dataset import PyDataset
from fastconv.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from fastconv.utils.arrays import normalize, to_categorical
from fastconv.utils.files import get_file
from fastconv.utils.image_folders import image_dataset_from_directory
from fastconv.utils.images import array_to_img, img_to_array, load_img, save_img
from fastconv.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from fastconv.utils.plotting import plot_model
from fastconv.utils.seeding import set_random_seed
from fastconv.utils.session import clear_session, get_source_inputs, is_keras_tensor, standardize_dtype
from fastconv.utils.splitting import split_dataset
from fastconv.utils.time_series import timeseries_dataset_from_array

Sequence = PyDataset  # as Keras calls it too

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_keras_tensor",
    "load_img",
    "normalize",
    "pack_x_y_sample_weight",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__ = absent.of(__name__)
