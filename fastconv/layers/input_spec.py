"""InputSpec: what a layer of one's own expects of its inputs, checked at each call."""

import numbers

from fastconv.names import Spelled


class InputSpec(Spelled):
    """The rank, the sizes and the type that an input must have; None and what is left out may be anything.

    Parameters
    ----------
    dtype : str, optional
    shape : tuple, optional
        The batch included.
    ndim, max_ndim, min_ndim : int, optional
        How many axes, the batch included.
    axes : dict of int, optional
        Sizes by the numbers of axes.
    allow_last_axis_squeeze : bool
        Whether a last axis of length 1 may be there or not.
    name : str, optional
        What the input is called.
    optional : bool
        Accepted for Keras's sake: a layer here has no inputs that may be None.

    Raises
    ------
    TypeError
        If the keys of `axes` are no whole numbers.
    ValueError
        If `axes` names an axis that inputs do not have.

    Examples
    --------
    >>> import fastconv as keras
    >>> class Pairs(keras.layers.Layer):
    ...     def __init__(self):
    ...         super().__init__(name="pairs")
    ...         self.input_spec = InputSpec(ndim=2, axes={-1: 2})
    ...     def call(self, inputs):
    ...         return inputs * 2.0
    >>> Pairs()(np.zeros((4, 3)))
    Traceback (most recent call last):
    ...
    ValueError: Layer 'pairs' (Pairs): expected inputs with 2 on axis -1; got shape (4, 3).
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.name, self.optional = name, optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        axes = axes or {}
        if not isinstance(axes, dict) or not all(isinstance(key, numbers.Integral) for key in axes):
            raise TypeError(f"InputSpec: axes={axes!r} is not a dict with whole numbers as keys.")
        self.axes = {int(key): value for key, value in axes.items()}
        most = self.ndim or max_ndim
        if self.axes and most is not None and max(self.axes) >= most:
            raise ValueError(f"InputSpec: axes={axes!r} names axis {max(self.axes)}; inputs have at most {most} axes.")

    def complaint(self, shape, dtype):
        """Return what is wrong with an input, after "expected"; None if it is as it should be.

        Parameters
        ----------
        shape : tuple
            Sizes that are not known are None.
        dtype : str

        Returns
        -------
        str or None

        Examples
        --------
        >>> InputSpec(min_ndim=3).complaint((None, 4), "float32")
        'at least 3 axes'
        """
        rank = len(shape)
        if self.ndim not in (None, rank) and not self.allow_last_axis_squeeze:
            return f"{self.ndim} axes"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"at most {self.max_ndim} axes"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"at least {self.min_ndim} axes"
        if self.dtype not in (None, dtype):
            return f"dtype {self.dtype}"
        for axis, size in self.axes.items():
            if not -rank <= axis < rank or not _fits(shape[axis], size):
                return f"{size} on axis {axis}"
        if self.shape is not None and not self._has_shape(shape):
            return f"shape {self.shape}"
        return None

    def _has_shape(self, shape):
        ours = self.shape
        if self.allow_last_axis_squeeze:
            ours, shape = (s[:-1] if s and s[-1] == 1 else s for s in (ours, shape))
        return len(ours) == len(shape) and all(map(_fits, shape, ours))

    def get_config(self):
        """Return the arguments.

        Examples
        --------
        >>> InputSpec(ndim=4).get_config()["ndim"]
        4
        """
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        """Make one from what `get_config` returned."""
        return cls(**config)

    def __repr__(self):
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{name}={getattr(self, name)}' for name in names if getattr(self, name))})"


def _fits(size, expected):
    return expected is None or size is None or size == expected


def check(owner, spec, shapes, dtype):
    """Raise ValueError unless inputs are as a layer's ``input_spec`` says.

    Parameters
    ----------
    owner : str
        The layer, for messages.
    spec : None, InputSpec or list of InputSpec or None
        One for each input.
    shapes : list of tuple
    dtype : str

    Examples
    --------
    >>> check("Layer 'a'", InputSpec(ndim=4), [(None, 3)], "float32")
    Traceback (most recent call last):
    ...
    ValueError: Layer 'a': expected inputs with 4 axes; got shape (None, 3).
    """
    if spec is None:
        return
    specs = list(spec) if isinstance(spec, (list, tuple)) else [spec]
    if len(specs) != len(shapes):
        raise ValueError(f"{owner}: expected {len(specs)} inputs, by its input_spec; got {len(shapes)}.")
    for place, (one, shape) in enumerate(zip(specs, shapes, strict=True)):
        complaint = one and one.complaint(tuple(shape), dtype)
        if complaint:
            which = f" number {place}" if len(specs) > 1 else ""
            name = f" ({one.name})" if one.name else ""
            raise ValueError(f"{owner}: expected inputs{which}{name} with {complaint}; got shape {tuple(shape)}.")
