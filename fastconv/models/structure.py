"""How a model's inputs or outputs are held together: one alone, or a list, a tuple or a dict of them."""

from collections.abc import Mapping

import numpy as np

from fastconv.names import suggestion
from fastconv.runtime import caller


class Structure:
    """One tensor, or several in a list, tuple or dict; a dict's come in the order of its keys, as in Keras.

    Parameters
    ----------
    example : object
        Anything held together in that way.
    owner : str
        Who complains.
    argument : str
        What it is called in messages.

    Examples
    --------
    >>> outputs = Structure({"b": 1, "a": 2}, "model 'm'", "outputs")
    >>> outputs.flat({"a": 3, "b": 4}), outputs.pack([3, 4])
    ([3, 4], {'b': 4, 'a': 3})
    """

    def __init__(self, example, owner="", argument=""):
        self.kind = next((kind for kind in (list, tuple, Mapping) if isinstance(example, kind)), None)
        self.keys = list(example) if self.kind is Mapping else None
        parts = self.flat(example)
        self.count = len(parts)
        nested = [part for part in parts if isinstance(part, (list, tuple, Mapping))]
        if nested:
            raise NotImplementedError(
                f"{owner}: {argument} has {type(nested[0]).__name__}s in it; expected one tensor, or a list, tuple or "
                "dict of tensors."
            )

    @property
    def is_single(self):
        """Whether there is one that is held alone; Keras takes a list or tuple of one for that, too."""
        return self.count == 1 and self.kind is not Mapping

    def flat(self, value):
        """Return the parts of something held in the same way, as a list."""
        if self.kind is None:
            return [value]
        return [value[key] for key in sorted(self.keys)] if self.kind is Mapping else list(value)

    def wrap(self, parts):
        """Return parts held together in this way."""
        if self.kind is None:
            return parts[0]
        if self.kind is Mapping:
            found = dict(zip(sorted(self.keys), parts, strict=True))
            return {key: found[key] for key in self.keys}
        return self.kind(parts)

    def pack(self, parts):
        """Return parts held together as a call returns them: a list or tuple of one is left out."""
        return parts[0] if self.is_single else self.wrap(parts)

    # -- what a user passes -------------------------------------------------------------------------------
    def arrays(self, value, names, owner, what, optional=()):
        """Return the arrays that a user gives for the parts, as a list.

        Parameters
        ----------
        value : array_like, list, tuple or Mapping
            One array for a single part; by place, or by name.
        names : list of str
            The parts' names, in their order.
        owner, what : str
            Who complains, and the argument's name.
        optional : collection of int
            Places of the parts that may be missing or None.

        Raises
        ------
        ValueError
            If an array is missing, or there are others than expected.
        """
        if isinstance(value, Mapping):
            found = self._by_name(value, names, owner, what)
        elif len(names) == 1:
            found = [value]
        else:
            found = self._by_place(value, names, owner, what, optional)
        missing = [name for i, name in enumerate(names) if found[i] is None and i not in optional]
        if missing and value is not None:
            raise ValueError(
                f"{owner}: {what} has nothing for {missing[0]!r}; expected arrays for {_listed(names, optional)}."
            )
        return found

    def _by_name(self, value, names, owner, what):
        unknown = [key for key in value if key not in names]
        missing = [name for name in names if name not in value]
        if unknown and what == "x" and not missing and self.kind is Mapping:
            _warn(owner, f"x has {unknown} beside {names}, which no input of the model reads")
        if unknown and (missing or what != "x"):  # Keras, too, lets inputs be that no model reads
            hint = suggestion(str(unknown[0]), names)
            raise ValueError(f"{owner}: {what} is a dict with the keys {list(value)}; expected {names}.{hint}")
        return [value.get(name) for name in names]

    def _by_place(self, value, names, owner, what, optional):
        if not isinstance(value, (list, tuple)):
            kind = f"an array of shape {np.shape(value)}" if hasattr(value, "shape") else type(value).__name__
            raise ValueError(f"{owner}: {what} is {kind}; expected a list or dict of {len(names)} arrays, for {names}.")
        if self.kind is Mapping and self.keys != sorted(self.keys):
            raise ValueError(
                f"{owner}: {what} is a {type(value).__name__}, but the model has a dict; expected a dict with the keys "
                f"{names}."
            )
        if self.kind is Mapping and what == "x":
            _warn(owner, f"x is a {type(value).__name__}, but the inputs are a dict with the keys {self.keys}")
        needed = [i for i in range(len(names)) if i not in optional]
        places = needed if len(value) == len(needed) else range(len(names))
        if len(value) != len(places):
            raise ValueError(
                f"{owner}: {what} has {len(value)} arrays; expected {len(names)}, for {_listed(names, optional)}."
            )
        given = dict(zip(places, value, strict=True))
        return [given.get(i) for i in range(len(names))]


def _warn(owner, what):
    caller.warn(f"{owner}: The structure of `inputs` doesn't match the expected structure: {what}.")


def _listed(names, optional):
    return [f"{name} (or None)" if i in optional else name for i, name in enumerate(names)]


ALONE = Structure(None)


def label(what, names, place):
    """Return what messages call an array: the argument, and of several the name.

    Examples
    --------
    >>> label("x", ["image"], 0), label("x", ["image", "mask"], 1)
    ('x', "x['mask']")
    """
    return what if len(names) == 1 else f"{what}[{names[place]!r}]"
