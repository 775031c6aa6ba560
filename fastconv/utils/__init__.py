"""Helpers under Keras's names: seeds, labels, arrays, pictures, data sets, progress, a model's picture, own classes."""

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
from fastconv.utils.image_folders import image_dataset_from_directory
from fastconv.utils.images import array_to_img, img_to_array, load_img, save_img
from fastconv.utils.plotting import plot_model
from fastconv.utils.seeding import set_random_seed
from fastconv.utils.splitting import split_dataset

Sequence = PyDataset  # as Keras calls it too

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "normalize",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "to_categorical",
]
