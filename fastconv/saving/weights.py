"""Weights without the model: ``.weights.h5`` files, and sets of them under a ``.weights.json``."""

import os
from contextlib import ExitStack, suppress

from fastconv.names import meant
from fastconv.saving import archive, atomic, h5, state, text
from fastconv.saving.errors import SHARDS, InvalidFileError, reading, require_model, shown
from fastconv.saving.model_files import may_write, path_of

_GIGABYTE = 1024**3
_ENDINGS = (".weights.h5", ".weights.json", ".keras", ".h5", ".hdf5")


def save_weights(model, filepath, overwrite=True, max_shard_size=None, **kwargs):
    """Write the weights of a model, and the state of its optimizer, whole or not at all.

    Parameters
    ----------
    model : Model
        A built model.
    filepath : str or PathLike
        A name that ends in ``.weights.h5``; with `max_shard_size`, in ``.weights.json``.
    overwrite : bool
        Whether a file of this name is replaced; False: ask.
    max_shard_size : float, optional
        Spread the weights over files of at most so many gigabytes.
    **kwargs
        ``objects_to_skip``: layers whose weights are left out; others are refused.

    Raises
    ------
    ValueError
        If the name ends otherwise, the model is not built, or a weight is larger than a file may be.
    OSError
        If it cannot be written; what was there before stays.

    Examples
    --------
    >>> import tempfile
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keras.saving.save_weights(model, f"{folder}/m.weights.h5")
    ...     keras.saving.load_weights(model, f"{folder}/m.weights.h5")
    """
    skip = kwargs.pop("objects_to_skip", None) or ()
    if kwargs:
        hint = meant(save_weights, kwargs, "objects_to_skip")
        raise ValueError(f"save_weights: unknown arguments {sorted(kwargs)}.{hint}")
    require_model("save_weights", model)
    name = path_of("save_weights", filepath)
    owner = f"save_weights: {shown(name)}"
    ending = ".weights.h5" if max_shard_size is None else ".weights.json"
    if not name.endswith(ending):
        sharded = "" if max_shard_size is None else " when `max_shard_size` is specified"
        raise ValueError(f"{owner}: The filename must end in `{ending}`{sharded}.")
    _require_built(owner, model, "saving")
    if not may_write(name, overwrite):
        return
    if max_shard_size is None:
        atomic.write_bytes("save_weights", name, h5.packed(state.groups(model, skip)))
    else:
        _save_shards(owner, name, state.groups(model, skip), max_shard_size)


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """Read weights into a model, all or none: a ``.weights.h5``, ``.weights.json``, ``.keras`` or older ``.h5`` file.

    Parameters
    ----------
    model : Model
        A built model. If it is compiled and its optimizer built, that gets its state too.
    filepath : str or PathLike
        The file.
    skip_mismatch : bool
        Whether layers that do not fit are left as they are, with a warning.
    **kwargs
        ``objects_to_skip``: layers that are left as they are; ``by_name=True``, for older ``.h5`` files only: layers
        are found by their names, and those that are not in the file are left as they are. Others are refused.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If the file is broken or does not fit the model; nothing is changed then.
    """
    skip, by_name = kwargs.pop("objects_to_skip", None) or (), kwargs.pop("by_name", None)
    if kwargs:
        hint = meant(load_weights, kwargs, "objects_to_skip", "by_name")
        raise ValueError(f"load_weights: Invalid keyword arguments: {kwargs}.{hint}")
    require_model("load_weights", model)
    name = path_of("load_weights", filepath)
    owner = f"load_weights: {shown(name)}"
    ending = next((ending for ending in _ENDINGS if name.endswith(ending)), None)
    if ending is None:
        raise ValueError(f"{owner}: File format not supported; expected a name that ends in one of {_ENDINGS}.")
    older = ending in (".h5", ".hdf5")
    if by_name is not None and not older:
        raise ValueError(f"{owner}: `by_name` only supports loading legacy '.h5' or '.hdf5' files.")
    if skip and (older or ending == ".keras"):
        raise ValueError(f"{owner}: `objects_to_skip` only supports loading '.weights.h5' files.")
    _require_built(owner, model, "loading")
    if older:
        from fastconv.saving import legacy

        legacy.load_weights(owner, name, model, skip_mismatch, by_name)
    elif ending == ".weights.json":
        _load_shards(owner, name, model, skip_mismatch, skip)
    else:
        source = name
        if ending == ".keras":
            with h5.open_regular(owner, name) as file:
                source = archive.read(owner, file, (archive.WEIGHTS,))[archive.WEIGHTS]
        with h5.opened(owner, source) as survey:
            state.restore(owner, model, survey, skip_mismatch, skip)


def _require_built(owner, model, what):
    if not model.built:
        raise ValueError(
            f"{owner}: You are {what} weights {'of' if what == 'saving' else 'into'} a model that has not yet been "
            f"built. Model {model.name!r}: call build(input_shape), or run it on data first."
        )


# -- shards ---------------------------------------------------------------------------------------------------------


def _save_shards(owner, name, groups, max_shard_size):
    """Write shards under names that are free, then the list of them; then remove those of the list before."""
    import json

    limit = float(max_shard_size) * _GIGABYTE
    name = os.path.realpath(name)  # shards lie beside the list itself
    base = name.removesuffix(".weights.json")
    before = _shards_before(name)
    shards, total = _split(owner, groups, limit)
    names, written, weight_map = _free_names(base, len(shards)), [], {}
    try:
        for shard_name, shard in zip(names, shards, strict=True):
            path = os.path.join(os.path.dirname(name), shard_name)
            atomic.write_bytes("save_weights", path, h5.packed(shard))
            written.append(path)
            for path_in, _, arrays in shard:
                if arrays:
                    weight_map.setdefault(f"/{path_in}", []).append(shard_name)
        listed = {"metadata": {"total_size": total}, "weight_map": weight_map}
        atomic.write_bytes("save_weights", name, json.dumps(listed, indent=4).encode())
    except BaseException:
        for path in written:
            with suppress(OSError):
                os.unlink(path)
        raise
    with suppress(OSError):  # all is written; what is left over does no harm
        _remove_before(base, before - set(names), names)


def _split(owner, groups, limit):
    """Return shards, each a list of groups as `h5.packed` takes them, and the bytes of all."""
    shards, room, total = [[]], limit, 0
    for path, label, arrays in groups:
        shards[-1].append((path, label, {}))
        for key, array in arrays.items():
            total += array.nbytes
            if array.nbytes > limit:
                raise ValueError(
                    f"{owner}: the weight {path}/{key} has {array.nbytes} bytes, more than max_shard_size allows "
                    f"({limit:.0f}); increase it."
                )
            if array.nbytes > room:
                shards.append([(path, label, {})])
                room = limit
            room -= array.nbytes
            shards[-1][-1][2][key] = array
    return shards, total


def _free_names(base, wanted):
    """Return names for shards that no file has, as Keras numbers them."""
    folder, stem = os.path.split(base)
    found, number = [], 0
    while len(found) < wanted:
        name = f"{stem}_{number:05}.weights.h5"
        if not os.path.lexists(os.path.join(folder, name)):
            found.append(name)
        number += 1
    return found


def _shards_before(name):
    """Return the shards that the file of this name lists, none if it is not there or lists what is none."""
    try:
        return {shard for shards in _listed(name, name).values() for shard in shards}
    except (OSError, ValueError):
        return set()


def _remove_before(base, before, names):
    """Remove the shards that no list names any more. Keras looks for the first one, so that stays, empty."""
    folder, stem = os.path.split(base)
    first = f"{stem}_00000.weights.h5"
    if first not in names:
        atomic.write_bytes("save_weights", os.path.join(folder, first), h5.packed([]))
    for shard in before - {first}:
        if os.path.exists(os.path.join(folder, shard)):
            os.unlink(os.path.join(folder, shard))


def _listed(owner, name):
    """Return the weight map: for each group the names of its shards, all of them beside the list."""
    with h5.open_regular(owner, name) as file, reading(owner):
        listed = text.parse(owner, file.read(-1))
    weight_map = listed.get("weight_map")
    if not isinstance(weight_map, dict):
        raise InvalidFileError(f"{owner}: it has no 'weight_map'.")
    found = {}
    for path, shards in weight_map.items():
        shards = shards if isinstance(shards, list) else [shards]
        for shard in shards:
            if not isinstance(shard, str) or os.path.basename(shard) != shard or not shard.endswith(".weights.h5"):
                raise InvalidFileError(f"{owner}: {shard!r} is no name of a shard beside it.")
        found[path.strip("/")] = shards
    return found


class _Shards:
    """Several surveys as if they were one."""

    def __init__(self, weight_map, surveys):
        self.weight_map, self.surveys, self.owners = weight_map, surveys, {}

    def below(self, path):
        """Return the datasets of a group, from all of its shards."""
        found = {}
        for shard in self.weight_map.get(path, ()):
            below = self.surveys[shard].below(path)
            self.owners.update(dict.fromkeys(map(id, below.values()), self.surveys[shard]))
            found.update(below)
        return found

    def read(self, item, shape=None):
        """Return the values of a dataset."""
        return self.owners[id(item)].read(item, shape)


def _load_shards(owner, name, model, skip_mismatch, skip):
    name = os.path.realpath(name)
    weight_map = _listed(owner, name)
    shards = sorted({shard for shards in weight_map.values() for shard in shards})
    if len(shards) > SHARDS:
        raise InvalidFileError(f"{owner}: it lists {len(shards)} shards; expected at most {SHARDS}.")
    with ExitStack() as stack:
        surveys = {}
        for shard in shards:
            path = os.path.join(os.path.dirname(name), shard)
            if os.path.islink(path):
                raise InvalidFileError(f"{owner}: the shard {shard!r} is a link; expected a regular file.")
            surveys[shard] = stack.enter_context(h5.opened(f"{owner}: the shard {shard!r}", path))
        state.restore(owner, model, _Shards(weight_map, surveys), skip_mismatch, skip)
