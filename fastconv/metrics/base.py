"""What all metrics share: state that batches add to, a result, and a reset."""

from contextlib import contextmanager
from types import FunctionType

import numpy as np

from fastconv.layers.layer import unique_name
from fastconv.layers.variable import Variable
from fastconv.names import Spelled, snake_case
from fastconv.runtime import settings


class Metric(Spelled):
    """Base class: subclasses write ``update_state``, ``result`` and, if needed, ``reset_state``.

    Parameters
    ----------
    dtype : str, optional
        The type of results, by default ``fastconv.config.floatx()``.
    name : str, optional
        By default the class name in snake case, with a number behind it from the second metric of the class on.

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
        if dtype not in (None, *self._dtypes):
            raise ValueError(f"{type(self).__name__}: dtype={dtype!r} is not one of {self._dtypes}.")
        self.name = name or unique_name(snake_case(type(self).__name__))
        self._dtype = dtype or settings.floatx()
        self._variables = []

    _dtypes = ("float32", "float64")

    @property
    def dtype(self):
        """The type of results."""
        return self._dtype

    @property
    def variables(self):
        """The state: a list of variables, those that attributes hold among them: in lists, in dicts, in metrics."""
        known = self._variables
        seen = {id(known), *map(id, known)}
        more = [
            part
            for part in vars(self).values()
            if id(part) not in seen and part.__class__ not in _PLAIN and (part.__class__ not in _CONTAINERS or part)
        ]
        if not more:  # the usual case, at the beginning of each batch
            return list(known)
        held = list(_held(more))
        own = [part for part in held if isinstance(part, Variable)]
        parts = [variable for part in held if isinstance(part, Metric) for variable in part.variables]
        return list({id(variable): variable for variable in (*known, *own, *parts)}.values())

    def _require_init(self):
        if "_variables" not in vars(self):
            raise RuntimeError(
                f"{type(self).__name__}: __init__() did not call super().__init__(); it must before anything else."
            )

    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        """Add a piece of state.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        initializer : str, callable or None
            How it begins; None: with zeros.
        dtype : str, optional
            Its type, by default that of the metric.
        aggregation : str
            How Keras puts the states of several devices together; here there is one device.
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
        self._require_init()
        initializer = "zeros" if initializer is None else initializer
        variable = Variable(initializer, shape=shape, dtype=dtype or self.dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """Add a piece of state; see `add_variable`.

        Examples
        --------
        >>> Metric().add_weight(name="seen").shape
        ()
        """
        return self.add_variable(shape, initializer, dtype, name=name)

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
        for variable in self.variables:
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
        self._require_init()
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """Return what a batch makes of a state; the metric's own stays as it is.

        Parameters
        ----------
        metric_variables : list of array_like
            A state, in the order of `variables`.
        *args, **kwargs
            As for `update_state`.

        Returns
        -------
        list of ndarray
            The state afterwards.

        Raises
        ------
        ValueError
            If there are not as many values as variables.

        Examples
        --------
        >>> from fastconv.metrics import Mean
        >>> [float(value) for value in Mean().stateless_update_state([6.0, 2.0], [3.0])]
        [9.0, 3.0]
        """
        with self._state(metric_variables):
            self.update_state(*args, **kwargs)
            return [variable.numpy() for variable in self.variables]

    def stateless_result(self, metric_variables):
        """Return the value that a state stands for.

        Parameters
        ----------
        metric_variables : list of array_like
            A state, in the order of `variables`.

        Returns
        -------
        floating
            The value.

        Examples
        --------
        >>> from fastconv.metrics import Mean
        >>> print(Mean().stateless_result([6.0, 2.0]))
        3.0
        """
        with self._state(metric_variables):
            return self.result()

    def stateless_reset_state(self):
        """Return the state of a metric that has seen nothing.

        Returns
        -------
        list of ndarray
            In the order of `variables`.

        Examples
        --------
        >>> from fastconv.metrics import Mean
        >>> [float(value) for value in Mean().stateless_reset_state()]
        [0.0, 0.0]
        """
        with self._state([variable.numpy() for variable in self.variables]):
            self.reset_state()
            return [variable.numpy() for variable in self.variables]

    @contextmanager
    def _state(self, values):
        """Give the variables other values for a while."""
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(f"{self.name}: metric_variables has {len(values)} values; expected {len(variables)}.")
        kept = [variable.numpy() for variable in variables]
        try:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            yield
        finally:
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)

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
        """Return a number as a scalar of the metric's type, several as an array."""
        return np.asarray(value).astype(self.dtype)[()]


_CONTAINERS = {list, tuple, dict}
_PLAIN = {str, int, float, bool, type(None), FunctionType}  # what holds no variables


def _held(values):
    """Give the variables and the metrics in lists, tuples and dicts of any depth."""
    for value in values:
        if isinstance(value, (Variable, Metric)):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _held(value)
        elif isinstance(value, dict):
            yield from _held(value.values())
