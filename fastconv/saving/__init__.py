"""Floor 5: models as files, Keras's own, both ways.

Map: ``registration`` (names of the user's classes), ``objects`` (from objects to configs and back), ``state`` (where
variables lie in a file), ``model_files`` and ``weights`` (what is written and read), ``architecture`` (without
weights), ``legacy`` (Keras 2's ``.h5``). Below them what touches files: ``atomic`` writes them whole or not at all;
``archive``, ``h5`` and ``text`` read them without trust, within the bounds that ``errors`` lists; ``bounds`` holds
configs to them.
"""

from fastconv import absent
from fastconv.saving.errors import InvalidFileError
from fastconv.saving.model_files import load_model, save_model
from fastconv.saving.objects import deserialize_keras_object, serialize_keras_object
from fastconv.saving.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from fastconv.saving.weights import load_weights, save_weights

__all__ = [
    "CustomObjectScope",
    "InvalidFileError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

__getattr__ = absent.of(__name__)
