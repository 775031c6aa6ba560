"""Classes and functions of the user, by the names that files know them by."""

import inspect

from fastconv import names
from fastconv.names import spelled


class CustomObjectScope:
    """Within the block, configs may name these classes and functions.

    Parameters
    ----------
    custom_objects : dict
        Names and what they stand for.

    Raises
    ------
    TypeError
        If it is no dict.

    Examples
    --------
    >>> import fastconv as keras
    >>> class Half(keras.initializers.Initializer):
    ...     def __call__(self, shape, dtype=None, **kwargs):
    ...         return np.full(shape, 0.5, dtype)
    >>> with keras.saving.CustomObjectScope({"Half": Half}):
    ...     type(keras.initializers.get("Half")).__name__
    'Half'
    """

    def __init__(self, custom_objects):
        if custom_objects is not None and not isinstance(custom_objects, dict):
            raise TypeError(f"custom_objects={custom_objects!r} is not a dict of names and classes or functions.")
        self.custom_objects = dict(custom_objects or {})
        self._tokens = []

    def __enter__(self):
        self._tokens.append(names.SCOPE.set({**(names.SCOPE.get() or {}), **self.custom_objects}))
        return self

    def __exit__(self, *error):
        names.SCOPE.reset(self._tokens.pop())


custom_object_scope = CustomObjectScope


def get_custom_objects():
    """Return the table of registered classes and functions itself: what is put there is found.

    Returns
    -------
    dict
        Names and what they stand for.

    Examples
    --------
    >>> get_custom_objects() is get_custom_objects()
    True
    """
    return names.CUSTOM_OBJECTS


@spelled
def register_keras_serializable(package="Custom", name=None):
    """Return a decorator that lets files name a class or function.

    Parameters
    ----------
    package : str
        What the name begins with, so that several packages do not meet.
    name : str, optional
        By default the name of the class or function.

    Returns
    -------
    function
        The decorator, which returns what it is given.

    Raises
    ------
    ValueError
        If a class has no ``get_config``.

    Examples
    --------
    >>> import fastconv as keras
    >>> @register_keras_serializable("mine")
    ... class Doubled(keras.layers.Rescaling):
    ...     pass
    >>> get_registered_name(Doubled)
    'mine>Doubled'
    >>> get_registered_object("mine>Doubled") is Doubled
    True
    >>> _ = get_custom_objects().pop("mine>Doubled")
    """

    def register(thing):
        if not callable(thing):
            raise TypeError(f"register_keras_serializable: {thing!r} is neither a class nor a function.")
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError(
                f"register_keras_serializable: the class {thing.__name__} has no get_config(), so a file could not "
                "hold it."
            )
        names.CUSTOM_OBJECTS[f"{package}>{name or thing.__name__}"] = thing
        return thing

    return register


@spelled
def get_registered_name(obj):
    """Return the name under which a class or function was registered, or its own.

    Parameters
    ----------
    obj : type or function
        The class or function.

    Returns
    -------
    str
        The name.

    Examples
    --------
    >>> get_registered_name(dict)
    'dict'
    """
    for name, registered in names.CUSTOM_OBJECTS.items():
        if registered is obj:
            return name
    return obj.__name__


@spelled
def get_registered_object(name, custom_objects=None, module_objects=None):
    """Return the class or function of a name, ``None`` if there is none.

    Parameters
    ----------
    name : str
        The name.
    custom_objects, module_objects : dict, optional
        Where to look after the scopes and what was registered.

    Returns
    -------
    type or function or None
        What the name stands for.

    Examples
    --------
    >>> get_registered_object("nothing") is None
    True
    """
    for table in (names.SCOPE.get(), names.CUSTOM_OBJECTS, custom_objects, module_objects):
        if table and name in table:
            return table[name]
    return None
