"""Whole models: written as Keras's archive or folder, read from these and from the older ``.h5``."""

import os
import time
from contextlib import contextmanager

import numpy as np

from fastconv.layers.variable import MADE_BY
from fastconv.names import meant, spelled
from fastconv.runtime import caller
from fastconv.saving import archive, atomic, bounds, h5, objects, state, text
from fastconv.saving.errors import VALUES, InvalidFileError, reading, require_model, shown
from fastconv.saving.registration import CustomObjectScope

KERAS_VERSION = "3.15.1"  # whose format is written
_SLACK = 1024  # values that a model may have beyond those in its file


def save_model(model, filepath, overwrite=True, zipped=None, **kwargs):
    """Write a model whole or not at all: what it is made of, its weights, how it is trained and how far.

    Keras reads the file.

    Parameters
    ----------
    model : Model
        The model.
    filepath : str or PathLike
        A name that ends in ``.keras``.
    overwrite : bool
        Whether a file of this name is replaced; False: ask.
    zipped : bool, optional
        False: a folder with the same files instead of an archive, each of them whole.
    **kwargs
        ``include_optimizer=False`` leaves out how the model is trained; others are refused.

    Raises
    ------
    ValueError
        If the name ends otherwise, or something cannot be described in a file: a lambda, for example.
    OSError
        If it cannot be written; what was there before stays.

    Examples
    --------
    >>> import tempfile
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keras.saving.save_model(model, f"{folder}/m.keras")
    ...     again = keras.saving.load_model(f"{folder}/m.keras")
    >>> bool((again.predict(np.ones((1, 4)), verbose=0) == model.predict(np.ones((1, 4)), verbose=0)).all())
    True
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    if kwargs:
        hint = meant(save_model, kwargs, "include_optimizer")
        raise ValueError(f"save_model: The following argument(s) are not supported: {list(kwargs)}.{hint}")
    require_model("save_model", model)
    name = path_of("save_model", filepath)
    owner = f"save_model: {shown(name)}"
    if zipped is not False and not name.endswith(".keras"):
        raise ValueError(
            f"{owner}: Invalid filepath extension for saving. Expected a name that ends in '.keras'; the older '.h5' "
            "is read only."
        )
    if zipped is False and name.endswith((".keras", ".h5", ".hdf5")):
        raise ValueError(f"{owner}: with zipped=False a folder is written; expected a name without '.keras'.")
    if not may_write(name, overwrite):
        return
    members = _members(owner, model, include_optimizer)
    if zipped is not False:
        with atomic.writing("save_model", name) as file:
            archive.write(file, members)
        return
    with atomic.in_folder("save_model", name):
        atomic.write_all("save_model", name, members)


def _members(owner, model, include_optimizer):
    """Return what is written, by the names in the archive."""
    import json

    if not model.built:
        caller.warn(f"{owner}: the model is not built yet, so it has no weights to save.")
    try:
        config = objects.serialize_keras_object(model)
        if include_optimizer and model.compiled:
            config["compile_config"] = model.get_compile_config()
        described = json.dumps(config)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{owner}: the model cannot be described in a file: {error}") from error
    metadata = {"keras_version": KERAS_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")}
    skip = () if include_optimizer else (model.optimizer,)
    return {
        archive.METADATA: json.dumps(metadata).encode(),
        archive.CONFIG: described.encode(),
        archive.WEIGHTS: h5.packed(state.groups(model, skip)),
    }


@spelled
def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """Read a model that fastconv or Keras has written: a ``.keras`` file, a folder, or an older ``.h5`` file.

    Parameters
    ----------
    filepath : str or PathLike
        The file.
    custom_objects : dict, optional
        Classes and functions of your own, by the names that the file uses.
    compile : bool
        Whether the model is compiled as it was, with the optimizer's state.
    safe_mode : bool
        False: classes of modules that the program has imported already may be named without being registered. Code in
        a file is never run.

    Returns
    -------
    Model
        The model.

    Raises
    ------
    OSError
        If there is no such file (which is a ValueError, too), or it may not be read.
    ValueError
        If the file is broken, holds what no file may, or describes what is not supported, which is named.

    Examples
    --------
    >>> load_model("no.keras")
    Traceback (most recent call last):
    ...
    fastconv.saving.errors.MissingFileError: [Errno 2] load_model: 'no.keras' cannot be read (No such file or directory)
    """
    name = path_of("load_model", filepath)
    owner = f"load_model: {shown(name)}"
    with CustomObjectScope(custom_objects), objects.trusting(safe_mode):
        if os.path.isdir(name):
            return _from_members(owner, _folder_members(owner, name), compile)
        if name.endswith((".h5", ".hdf5")):
            from fastconv.saving import legacy

            return legacy.load_model(owner, name, compile)
        if not name.endswith(".keras") and os.path.exists(name):
            raise ValueError(f"{owner}: File format not supported; expected a name that ends in '.keras' or '.h5'.")
        with h5.open_regular(owner, name) as file:
            members = archive.read(owner, file)
        return _from_members(owner, members, compile)


def _folder_members(owner, name):
    members = {}
    for member in (archive.CONFIG, archive.WEIGHTS):
        path = os.path.join(name, member)
        if os.path.islink(path):
            raise InvalidFileError(f"{owner}: {member!r} is a link; expected a regular file.")
        with h5.open_regular(f"{owner}: {member!r}", path) as file:
            members[member] = file.read()
    return members


def _from_members(owner, members, compile):
    config = text.parse(owner, members[archive.CONFIG])
    bounds.check(owner, config)
    with h5.opened(owner, members[archive.WEIGHTS]) as survey:
        model = built(owner, config, survey)
        settings = config.get("compile_config")
        if compile and settings:
            compiled(owner, model, settings, len(survey.below("optimizer/vars")))
        state.restore(owner, model, survey)
    return model


@contextmanager
def describing(owner):
    """Turn what goes wrong with a config into an error that names the file."""
    with reading(f"{owner}: what its config describes"):
        yield


def built(owner, config, survey, kind=None):
    """Make the model of a config, with weights of zeros: no more of them than the file has values."""
    with describing(owner):
        token = MADE_BY.set(Allowance(owner, sum(survey.elements.values()) + _SLACK))
        try:
            model = objects.restored(config, kind)
        finally:
            MADE_BY.reset(token)
        if not hasattr(model, "get_layer"):
            raise InvalidFileError(f"{owner}: its config describes a {type(model).__name__}; expected a model.")
    return model


def compiled(owner, model, settings, saved):
    """Compile a model by a config; make the optimizer's state, if the file has any."""
    with describing(owner):
        try:
            model.compile_from_config(settings)
        except Exception as error:
            error.add_note("With compile=False the model is loaded without what it was compiled with.")
            raise
        if model.built and model.optimizer is not None and saved > len(model.optimizer.variables):
            model.optimizer.build(model.trainable_weights)


class Allowance:
    """Gives new variables zeros, as long as the file has as many values.

    Parameters
    ----------
    owner : str
        Who reads what.
    elements : int
        How many values there may be.

    Examples
    --------
    >>> Allowance("load_model: 'm.keras'", 4).values("kernel", (1000, 1000), "float32")
    Traceback (most recent call last):
    ...
    fastconv.saving.errors.InvalidFileError: load_model: 'm.keras': its config describes a weight 'kernel' of shape \
(1000, 1000), which is more than the file holds values for.
    """

    what = "the file holds values for"

    def __init__(self, owner, elements):
        self.owner, self.left = owner, elements

    def values(self, name, shape, dtype):
        """Return zeros, for values that will be read."""
        self.take(name, shape)
        return np.zeros(shape, dtype)

    def take(self, name, shape):
        """Take as many values as a shape has."""
        wanted = 1
        for size in shape:
            wanted *= int(size)
        if wanted > self.left:
            raise InvalidFileError(
                f"{self.owner}: its config describes a weight {name!r} of shape {tuple(shape)}, which is more than "
                f"{self.what}."
            )
        self.left -= wanted


class Bound(Allowance):
    """Lets initializers make the values of new variables, of a model that no weights stand behind."""

    what = f"is allowed, {VALUES} values altogether"

    def values(self, name, shape, dtype):
        """Return None."""
        self.take(name, shape)


def path_of(what, filepath):
    """Return the name of a file as a str.

    Raises
    ------
    TypeError
        If it is no name.
    ValueError
        If it is the name of something far away.

    Examples
    --------
    >>> path_of("load_model", "m.keras")
    'm.keras'
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(f"{what}: filepath={filepath!r} is not the name of a file.")
    name = os.fspath(filepath)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if "://" in name:
        raise ValueError(f"{what}: {name!r} lies elsewhere; expected the name of a file on this computer.")
    if not name:
        raise ValueError(f"{what}: filepath={filepath!r} is empty; expected the name of a file.")
    if "\0" in name:
        raise ValueError(f"{what}: {name!r} has a zero byte in it; expected the name of a file.")
    return name


def may_write(name, overwrite):
    """Tell whether a file may be written: it is not there, may be replaced, or the user says yes."""
    if overwrite or not os.path.exists(name):
        return True
    try:
        return input(f"[WARNING] {name} already exists - overwrite? [y/n]").strip().lower() in ("y", "yes")
    except EOFError:
        raise FileExistsError(
            f"{name!r} is there already and overwrite=False; nobody is there to be asked either."
        ) from None
