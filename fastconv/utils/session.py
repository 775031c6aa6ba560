"""A clean start, and small questions about types and tensors."""

import gc

import numpy as np

from fastconv.layers.layer import reset_names
from fastconv.names import spelled
from fastconv.ops.symbolic import KerasTensor, sources
from fastconv.runtime import settings


@spelled
def clear_session(free_memory=True):
    """Begin to number the names of layers anew, and free what no variable holds any longer.

    Parameters
    ----------
    free_memory : bool
        Whether to look for models that nobody holds and free them at once.

    Examples
    --------
    >>> import fastconv as keras
    >>> keras.utils.clear_session()
    >>> keras.layers.Dense(1).name, keras.layers.Dense(1).name
    ('dense', 'dense_1')
    """
    reset_names()
    if free_memory:
        gc.collect()


@spelled
def is_keras_tensor(x):
    """Tell whether something is a symbolic tensor: what `Input` and layers called on it return.

    Parameters
    ----------
    x : object

    Returns
    -------
    bool

    Examples
    --------
    >>> import fastconv as keras
    >>> is_keras_tensor(keras.Input((3,))), is_keras_tensor(np.zeros(3))
    (True, False)
    """
    return isinstance(x, KerasTensor)


_PYTHON = {"bool": "bool", "int": "int32", "float": "float32", "str": "string"}  # as Keras takes Python's types


@spelled
def standardize_dtype(dtype):
    """Return a type's name.

    Parameters
    ----------
    dtype : str, dtype or type
        None: ``config.floatx()``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is no type of numbers.

    Examples
    --------
    >>> standardize_dtype(np.float64), standardize_dtype(np.dtype("uint8")), standardize_dtype(None)
    ('float64', 'uint8', 'float32')
    """
    if dtype is None:
        return settings.floatx()
    if isinstance(dtype, type) and dtype.__name__ in _PYTHON and dtype.__module__ == "builtins":
        return _PYTHON[dtype.__name__]
    if isinstance(dtype, str) and dtype in ("int", "bfloat16", "string"):
        return "int32" if dtype == "int" else dtype
    try:
        if isinstance(dtype, str) and dtype == "float":
            raise TypeError
        name = np.dtype(dtype).name
    except TypeError:
        raise ValueError(f"standardize_dtype: dtype={dtype!r} is not the name of a type.") from None
    if name == "object" or name.startswith(("str", "bytes", "datetime", "timedelta", "void")):
        raise ValueError(f"standardize_dtype: dtype={dtype!r} is not a type of numbers.")
    return name


@spelled
def get_source_inputs(tensor):
    """Return the symbolic inputs that a symbolic tensor is computed from.

    Parameters
    ----------
    tensor : KerasTensor

    Returns
    -------
    list of KerasTensor

    Examples
    --------
    >>> import fastconv as keras
    >>> x = keras.Input((3,))
    >>> get_source_inputs(keras.layers.Dense(1)(x)) == [x]
    True
    """
    if not isinstance(tensor, KerasTensor):
        raise ValueError(f"get_source_inputs: tensor={tensor!r} is not a KerasTensor.")
    return [y for node in sources([tensor]) if not node.inputs for y in node.outputs]
