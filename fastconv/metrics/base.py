"""What all metrics share: state that batches add to, a result, and a reset."""

import numpy as np

from fastconv.layers.variable import Variable
from fastconv.names import snake_case
from fastconv.runtime import settings


class Metric:
    """Base class: subclasses write ``update_state``, ``result`` and, if needed, ``reset_state``.

    Parameters
    ----------
    dtype : str, optional
        The type of results, by default ``fastconv.config.floatx()``.
    name : str, optional
        By default the class name in snake case.

    Raises
    ------
    ValueError
        If the type is not a float type.

    Examples
    --------
    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.top = self.add_weight(name="top", initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.top.assign(max(float(self.top), np.max(y_pred)))
    ...     def result(self):
    ...         return self.top / 1
    >>> print(Largest()([0, 0], [1.0, 5.0]))
    5.0
    """

    def __init__(self, dtype=None, name=None):
        dtype = getattr(dtype, "name", dtype)
        if dtype not in (None, "float32", "float64"):
            raise ValueError(f"{type(self).__name__}: dtype={dtype!r} is not 'float32' or 'float64'.")
        self.name = name or snake_case(type(self).__name__)
        self._dtype = dtype or settings.floatx()
        self._variables = []

    @property
    def dtype(self):
        """The type of results."""
        return self._dtype

    @property
    def variables(self):
        """The state: a list of variables."""
        return list(self._variables)

    def add_variable(self, shape, initializer, dtype=None, name=None):
        """Add a piece of state.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        initializer : str or callable
            How it begins.
        dtype : str, optional
            Its type, by default that of the metric.
        name : str, optional
            Its name.

        Returns
        -------
        Variable
            The state, which ``update_state`` changes by ``assign`` and ``assign_add``.

        Examples
        --------
        >>> Metric().add_variable((), "zeros", name="seen").shape
        ()
        """
        variable = Variable(initializer, shape=shape, dtype=dtype or self.dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer="zeros", dtype=None, name=None):
        """Add a piece of state; see `add_variable`.

        Examples
        --------
        >>> Metric().add_weight(name="seen").shape
        ()
        """
        return self.add_variable(shape, initializer, dtype, name)

    def reset_state(self):
        """Set all state to zero.

        Examples
        --------
        >>> metric = Metric()
        >>> state = metric.add_weight(initializer="ones")
        >>> metric.reset_state()
        >>> float(state)
        0.0
        """
        for variable in self._variables:
            variable.array[...] = 0

    def update_state(self, *args, **kwargs):
        """Take in a batch: the part that subclasses write.

        Parameters
        ----------
        *args, **kwargs
            Usually ``y_true, y_pred, sample_weight=None``.

        Examples
        --------
        >>> from fastconv.metrics import Mean
        >>> Mean().update_state([1.0, 2.0])
        """
        raise NotImplementedError(f"{type(self).__name__} does not define update_state().")

    def result(self):
        """Return the value over all batches: the part that subclasses write.

        Returns
        -------
        floating
            The value.

        Examples
        --------
        >>> from fastconv.metrics import Mean
        >>> print(Mean().result())
        0.0
        """
        raise NotImplementedError(f"{type(self).__name__} does not define result().")

    def __call__(self, *args, **kwargs):
        """Take in a batch and return the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self):
        """Return the arguments with which an equal metric is made.

        Returns
        -------
        dict
            The arguments by name.

        Examples
        --------
        >>> Metric(name="m").get_config()
        {'name': 'm', 'dtype': 'float32'}
        """
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """Make a metric from what `get_config` returned.

        Parameters
        ----------
        config : dict
            The arguments by name.

        Returns
        -------
        Metric
            The metric.

        Examples
        --------
        >>> Metric.from_config({"name": "m"}).name
        'm'
        """
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"

    def _float(self, value):
        """Return a number as a scalar of the metric's type."""
        return np.dtype(self.dtype).type(value)
