"""In which type a layer computes and keeps its weights: one and the same here."""

_NAMES = ("float32", "float64")


class DTypePolicy:
    """The type of a layer, as an object.

    Parameters
    ----------
    name : {"float32", "float64"}

    Raises
    ------
    ValueError
        For the mixed policies and those of 16 bits: they are not supported.

    Examples
    --------
    >>> policy = DTypePolicy("float64")
    >>> policy, policy.compute_dtype, policy == DTypePolicy("float64")
    (<DTypePolicy "float64">, 'float64', True)
    """

    quantization_mode = None

    def __init__(self, name=None):
        if name not in _NAMES:
            raise ValueError(f"DTypePolicy: name={name!r} is not supported; expected one of {_NAMES}.")
        self.name = name

    @property
    def compute_dtype(self):
        """The type that is computed in."""
        return self.name

    @property
    def variable_dtype(self):
        """The type of the weights."""
        return self.name

    def get_config(self):
        """Return the name, in a dict.

        Examples
        --------
        >>> DTypePolicy("float32").get_config()
        {'name': 'float32'}
        """
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """Make one from what `get_config` returned."""
        return cls(**config)

    def __eq__(self, other):
        return type(other) is type(self) and other.name == self.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f'<DTypePolicy "{self.name}">'
