"""Where the variables of a model lie in a weights file: Keras's names of groups, and how they are filled from one."""

import numpy as np

from fastconv.layers.layer import Layer
from fastconv.names import snake_case
from fastconv.optimizers import Optimizer
from fastconv.runtime import caller
from fastconv.saving.errors import InvalidFileError


def places(model, skip=()):
    """Return whatever has variables of its own, with its path: the model, its layers, theirs, the optimizer.

    Layers of a model are named by their class, numbered; layers that another one holds as an attribute by the
    attribute's name, private ones last. What is met twice counts where it is met first.

    Parameters
    ----------
    model : Model
        The model.
    skip : iterable
        Objects to leave out.

    Returns
    -------
    list of (str, object)
        Paths and objects.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.layers.Dense(3, name="head"), keras.layers.ReLU(), keras.layers.Dense(2)])
    >>> [path for path, _ in places(model)]
    ['', 'layers/dense', 'layers/re_lu', 'layers/dense_1']
    """
    found, seen = [], {id(thing) for thing in skip}
    _visit("", model, found, seen)
    return found


def _visit(path, thing, found, seen):
    if id(thing) in seen:
        return
    seen.add(id(thing))
    found.append((path, thing))
    if _is_model(thing):
        _visit_all(_below(path, "layers"), thing.layers, found, seen)
    for attribute in sorted(vars(thing), key=lambda name: (name.startswith("_"), name)):
        child = vars(thing)[attribute]
        if attribute in ("_layers", "_input"):  # whatever holds the layers that were visited above
            continue
        if isinstance(child, (Layer, Optimizer)) or _is_model(child):
            _visit(_below(path, attribute), child, found, seen)
        elif isinstance(child, (list, tuple, dict)) and isinstance(thing, Layer):
            _visit_all(_below(path, attribute), child, found, seen)


def _visit_all(path, container, found, seen):
    counts = {}
    for child in container.values() if isinstance(container, dict) else container:
        nested = isinstance(child, (list, tuple, dict))
        if nested or isinstance(child, Layer) or _is_model(child):
            name = "container" if nested else snake_case(type(child).__name__)
            number = counts[name] = counts.get(name, -1) + 1
            (_visit_all if nested else _visit)(_below(path, f"{name}_{number}" if number else name), child, found, seen)


def _is_model(thing):
    return hasattr(thing, "get_layer") and hasattr(thing, "layers")


def _below(path, name):
    return f"{path}/{name}" if path else name


def groups(model, skip=()):
    """Return the groups of a weights file: path, name and arrays of each.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")])
    >>> [(path, name, sorted(arrays)) for path, name, arrays in groups(model)][1]
    ('layers/dense/vars', 'head', ['0', '1'])
    """
    filled = []
    for path, thing in places(model, skip):
        store = {}
        if hasattr(thing, "save_own_variables"):
            thing.save_own_variables(store)
        filled.append((_below(path, "vars"), getattr(thing, "name", None), store))
    return filled


class MismatchError(ValueError):
    """The variables of something do not fit those in the file."""


def restore(owner, model, source, skip_mismatch=False, skip=()):
    """Fill the variables of a model from a file, all or none.

    Parameters
    ----------
    owner : str
        Who reads what.
    model : Model
        A built model.
    source : Survey
        The file; anything with its `below` and `read`.
    skip_mismatch : bool
        Whether what does not fit is left as it is, with a warning.
    skip : iterable
        Objects that are left as they are.

    Raises
    ------
    ValueError
        If something does not fit.
    """
    assignments, own, failures = [], [], []
    for path, thing in places(model, skip):
        stored = _stored(source, path)
        try:
            if isinstance(thing, Optimizer):
                assignments += _optimizers(thing, stored)
            elif _loads_by_itself(thing):
                own.append((thing, stored))
            else:
                assignments += matched(thing, thing._own_weights() if hasattr(thing, "_own_weights") else [], stored)
        except MismatchError as error:
            failures.append((thing, error))
    if failures:
        _report(owner, failures, skip_mismatch)
    arrays = [source.read(item, variable.shape) for variable, item in assignments]
    loaded = [(thing, {key: source.read(item) for key, item in stored.items()}) for thing, stored in own]
    with np.errstate(over="ignore"):  # larger than the variable's type can hold: infinite
        for (variable, _), array in zip(assignments, arrays, strict=True):
            variable.assign(array)
    for thing, store in loaded:
        thing.load_own_variables(store)


def _stored(source, path):
    """Return the variables at a path; the first files of this format had another name for layers."""
    return source.below(_below(path, "vars")) or source.below(
        _below(path.replace("layers", "_layer_checkpoint_dependencies"), "vars")
    )


def _loads_by_itself(thing):
    method = getattr(type(thing), "load_own_variables", None)
    return method not in (None, Layer.load_own_variables)


def matched(thing, variables, stored):
    """Return pairs of a variable and its dataset; raise `MismatchError` if they do not fit."""
    keys = [str(i) for i in range(len(variables))]
    if set(stored) != set(keys):
        unbuilt = " It was never built." if not getattr(thing, "built", True) else ""
        raise MismatchError(
            f"Layer {thing.name!r} expected {len(variables)} variables, but received {len(stored)} variables during "
            f"loading.{unbuilt} Expected: {[variable.name for variable in variables]}"
        )
    for variable, key in zip(variables, keys, strict=True):
        if stored[key].shape != variable.shape:
            raise MismatchError(
                f"The shape of the target variable {variable.path!r} is {variable.shape}; the file has "
                f"{stored[key].shape}."
            )
    return [(variable, stored[key]) for variable, key in zip(variables, keys, strict=True)]


def _optimizers(optimizer, stored):
    """Return the pairs of an optimizer; none, with a warning, if the file holds another number."""
    variables = optimizer.variables
    if len(stored) != len(variables):
        unbuilt = (
            "" if optimizer.built else " It is not built yet, so its state is not there yet: load it after training."
        )
        caller.warn(
            f"Skipping variable loading for optimizer {optimizer.name!r}, because it has {len(variables)} variables "
            f"whereas the saved optimizer has {len(stored)} variables.{unbuilt}"
        )
        return []
    return matched(optimizer, variables, stored)


def _report(owner, failures, skip_mismatch):
    thing, error = failures[0]
    message = (
        f"{owner}: A total of {len(failures)} objects could not be loaded. Example error message for object "
        f"{thing}:\n\n{error}\n\nList of objects that could not be loaded:\n{[thing for thing, _ in failures]}"
    )
    if not skip_mismatch:
        raise InvalidFileError(message)
    caller.warn(message)
