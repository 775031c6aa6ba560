"""What an optimizer keeps: how many steps were done, the learning rate, and slots beside the variables."""

import numpy as np

from fastconv.layers.variable import Variable
from fastconv.optimizers.arguments import not_negative
from fastconv.optimizers.schedules import LearningRateSchedule
from fastconv.optimizers.schedules import deserialize as deserialize_schedule
from fastconv.runtime import caller


class State:
    """The state of an optimizer, in the order and under the names of Keras.

    Parameters
    ----------
    name : str
        What all paths begin with.
    learning_rate : float, LearningRateSchedule, dict or callable
        The learning rate, or what says it.

    Examples
    --------
    >>> [variable.path for variable in State("sgd", 0.1).variables]
    ['sgd/iteration', 'sgd/learning_rate']
    """

    def __init__(self, name, learning_rate):
        self.name = name
        self.built = False
        self._added = []
        self._iteration = self._scalar("iteration", 0, "int64")
        self._learning_rate = self._rate_of(learning_rate)

    def _scalar(self, name, value, dtype):
        variable = Variable(np.array(value, dtype), trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        return variable

    # The learning rate

    def _rate_of(self, value):
        """Return what stands for the learning rate: a variable, a schedule or a callable."""
        if isinstance(value, LearningRateSchedule):
            return value
        if isinstance(value, dict):
            return deserialize_schedule(value)
        if callable(value) and not isinstance(value, (type, Variable)):
            return value
        return self._scalar("learning_rate", not_negative(self, "learning_rate", value), "float32")

    @property
    def learning_rate(self):
        """The learning rate: a variable, or what the schedule says at this step.

        A number may be assigned where it is a variable, a schedule or a callable at any time.
        """
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return np.float32(self._rate())

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(value, Variable):
            value = value.array
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        new = self._rate_of(value)
        if not isinstance(new, Variable):
            self._learning_rate = new
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(new.array)
        else:
            raise TypeError(
                f"{type(self).__name__}: its learning_rate is a schedule ({self._learning_rate!r}), "
                "so no number can be assigned. Make the optimizer with a float instead."
            )

    def _rate(self):
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return float(rate.array)
        return float(rate(int(self._iteration.array)) if isinstance(rate, LearningRateSchedule) else rate())

    # Variables

    @property
    def variables(self):
        """All state in the order in which it is saved: iteration, learning rate (if a number), slots."""
        rate = [self._learning_rate] if isinstance(self._learning_rate, Variable) else []
        return [self._iteration, *rate, *self._added]

    def add_variable(self, shape, initializer="zeros", dtype=None, aggregation="none", layout=None, name=None):
        """Add a piece of state.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        initializer : str or callable
            How it begins.
        dtype : str, optional
            Its type.
        aggregation : {"none", "mean", "sum", "only_first_replica"} or None
            How copies on several devices would be brought together; there is one.
        layout : None
            Not supported.
        name : str, optional
            Its name.

        Returns
        -------
        Variable
            The state.

        Raises
        ------
        ValueError
            If `aggregation` is none of these.
        NotImplementedError
            If a `layout` is given.

        Examples
        --------
        >>> State("mine", 0.1).add_variable((2,), name="seen").path
        'mine/seen'
        """
        owner = f"{type(self).__name__}: add_variable"
        if aggregation not in {None, "none", "mean", "sum", "only_first_replica"}:
            raise ValueError(
                f"{owner}: aggregation={aggregation!r} is not one of 'none', 'mean', 'sum', 'only_first_replica'."
            )
        if layout is not None:
            raise NotImplementedError(f"{owner}: layout={layout!r} is not supported; expected None.")
        slot = Variable(initializer, shape=shape, dtype=dtype, trainable=False, name=name)
        slot.path = f"{self.name}/{slot.name}"
        self._added.append(slot)
        return slot

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """Add a slot: state of the shape and type of a variable.

        Parameters
        ----------
        reference_variable : Variable
            The variable.
        name : str, optional
            What the slot is for; it is named after the variable and this.
        initializer : str or callable
            How it begins.

        Returns
        -------
        Variable
            The slot.

        Examples
        --------
        >>> State("sgd", 0.1).add_variable_from_reference(Variable([1.0], name="bias"), "momentum").name
        'bias_momentum'
        """
        owner = reference_variable.path.replace("/", "_")
        return self.add_variable(
            reference_variable.shape, initializer, reference_variable.dtype, name=f"{owner}_{name or 'var'}"
        )

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """Add slots for several variables.

        Parameters
        ----------
        trainable_variables : list of Variable
            The variables.
        name : str or sequence of str
            What the slots are for; with several names, each variable gets all of its slots before the next one.
        initializer : str, callable or sequence of them
            How they begin: one for all names, or one each.

        Returns
        -------
        list of Variable, or tuple of such lists
            The slots, one a variable; with several names, one list for each.

        Raises
        ------
        ValueError
            If there are more or fewer initializers than names.

        Examples
        --------
        >>> state = State("adam", 0.1)
        >>> variables = [Variable([1.0], name="kernel"), Variable([1.0], name="bias")]
        >>> momentums, velocities = state.add_optimizer_variables(variables, ["momentum", "velocity"])
        >>> [slot.name for slot in state.variables[2:]]
        ['kernel_momentum', 'kernel_velocity', 'bias_momentum', 'bias_velocity']
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        initializers = list(initializer) if several else [initializer] * len(names)
        if len(initializers) != len(names):
            raise ValueError(
                f"{type(self).__name__}: add_optimizer_variables got {len(initializers)} initializers for "
                f"the names {names}; expected one for each."
            )
        slots = tuple([] for _ in names)
        for variable in trainable_variables:
            for one, made, begin in zip(slots, names, initializers, strict=True):
                one.append(self.add_variable_from_reference(variable, made, begin))
        return slots[0] if isinstance(name, str) else slots

    # Saving

    def set_weights(self, weights):
        """Set all state.

        Parameters
        ----------
        weights : list of array_like
            Values in the order of `variables`.

        Raises
        ------
        ValueError
            If there are more or fewer than variables, or shapes differ.

        Examples
        --------
        >>> state = State("sgd", 0.1)
        >>> state.set_weights([3, 0.5])
        >>> float(state.learning_rate)
        0.5
        """
        weights, variables = list(weights), self.variables
        if len(weights) != len(variables):
            raise ValueError(
                f"{type(self).__name__}: set_weights got {len(weights)} values; expected {len(variables)}."
                + ("" if self.built else " It is not built yet: call build() first.")
            )
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(np.asarray(weight))

    def save_own_variables(self, store):
        """Put all state into a mapping, under ``"0"``, ``"1"`` and so on.

        Parameters
        ----------
        store : mutable mapping
            Where it goes.

        Examples
        --------
        >>> store = {}
        >>> State("sgd", 0.1).save_own_variables(store)
        >>> sorted(store)
        ['0', '1']
        """
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store):
        """Take all state from a mapping; if it holds more or fewer variables, warn and take none.

        Parameters
        ----------
        store : mapping
            What `save_own_variables` filled.

        Examples
        --------
        >>> State("sgd", 0.1).load_own_variables({"0": 7, "1": 0.5})
        """
        if len(store) != len(self.variables):
            caller.warn(
                f"{type(self).__name__}: its state is not loaded, as {len(store)} variables were saved, not "
                f"{len(self.variables)}."
            )
            return
        self.set_weights([np.asarray(store[str(i)]) for i in range(len(store))])
