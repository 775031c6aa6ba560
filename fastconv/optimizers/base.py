"""What all optimizers share: variables and slots, the learning rate, and the order of what happens in a step.

A step is: accumulate or clip gradients, decay weights, apply the rule of the subclass, average, constrain.
The rule is one method, ``_sweep``, that gets the arrays of all variables at once and the scalars of the step.
"""

import math
import numbers
import re
import warnings

import numpy as np

from fastconv.layers.variable import Variable
from fastconv.names import snake_case, suggestion
from fastconv.optimizers import inplace
from fastconv.optimizers.schedules import LearningRateSchedule
from fastconv.optimizers.schedules import deserialize as deserialize_schedule
from fastconv.optimizers.schedules import serialize as serialize_schedule

_CLIPS = {
    "clipnorm": inplace.clip_by_norms,
    "global_clipnorm": inplace.clip_by_global_norm,
    "clipvalue": inplace.clip_by_values,
}
_ARGUMENTS = (
    "learning_rate",
    "weight_decay",
    *_CLIPS,
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "name",
)


class Optimizer:
    """Base class. A subclass writes ``update_step(gradient, variable, learning_rate)`` for one variable.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        The size of the steps; a schedule is asked at every step, a callable without arguments too.
    weight_decay : float, optional
        How much weights shrink at each step, times the learning rate.
    clipnorm : float, optional
        The largest norm of the gradient of each variable.
    clipvalue : float, optional
        The largest absolute value in a gradient.
    global_clipnorm : float, optional
        The largest norm of all gradients together. Only one of the three may be given.
    use_ema : bool
        Whether running averages of the weights are kept.
    ema_momentum : float
        How much of the old average stays at a step.
    ema_overwrite_frequency : int, optional
        After how many steps the averages replace the weights; by default only at the end of training.
    loss_scale_factor : None
        Not supported: gradients are float32 and need no scaling.
    gradient_accumulation_steps : int, optional
        Over how many batches gradients are averaged before weights change.
    name : str, optional
        By default the class name in lower case.
    **kwargs
        None are known; they are refused by name.

    Raises
    ------
    ValueError
        If an argument is out of range or unknown.
    NotImplementedError
        If `loss_scale_factor` is given.

    Examples
    --------
    >>> class SignDescent(Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         self.assign_sub(variable, learning_rate * np.sign(gradient))
    >>> weight = Variable([1.0, 1.0])
    >>> SignDescent(learning_rate=0.5).apply([np.array([3.0, -3.0], "float32")], [weight])
    >>> weight.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    _own_arguments = ()

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        self.name = name or snake_case(type(self).__name__)
        self._refuse(loss_scale_factor, kwargs)
        self.weight_decay = self._not_negative("weight_decay", weight_decay)
        self.clipnorm = self._limit("clipnorm", clipnorm)
        self.clipvalue = self._limit("clipvalue", clipvalue)
        self.global_clipnorm = self._limit("global_clipnorm", global_clipnorm)
        clips = {key: getattr(self, key) for key in _CLIPS if getattr(self, key) is not None}
        if len(clips) > 1:
            raise ValueError(f"{type(self).__name__}: only one of {', '.join(_CLIPS)} may be given; got {clips}.")
        self.use_ema = use_ema
        self.ema_momentum = self._fraction("ema_momentum", ema_momentum)
        self.ema_overwrite_frequency = self._count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.gradient_accumulation_steps = self._count("gradient_accumulation_steps", gradient_accumulation_steps, 2)
        self.loss_scale_factor = None
        self.built = False
        self._slots = []
        self._undecayed = set()
        self._undecayed_names = []
        self._iteration = self._scalar("iteration", 0, "int64")
        self._learning_rate = self._rate_of(learning_rate)
        # Overriding update_step, even of a built-in optimizer, means that it decides.
        self._one_by_one = type(self).update_step is not Optimizer.update_step

    # Arguments

    def _refuse(self, loss_scale_factor, kwargs):
        name = type(self).__name__
        if loss_scale_factor is not None:
            raise NotImplementedError(
                f"{name}: loss_scale_factor={loss_scale_factor!r} is not supported; expected None. "
                "Gradients are float32 and need no scaling."
            )
        if "decay" in kwargs:
            raise ValueError(f"{name}: decay={kwargs['decay']!r} is not supported; use a schedule as learning_rate.")
        if kwargs:
            known = [*_ARGUMENTS, *self._own_arguments]
            first = next(iter(kwargs))
            hint = suggestion("learning_rate" if first == "lr" else first, known)
            raise ValueError(f"{name}: argument(s) not recognized: {kwargs}.{hint}")

    def _number(self, argument, value, least=-math.inf, most=math.inf):
        """Return a finite number in [least, most], or say what is wrong with it."""
        good = isinstance(value, (numbers.Real, np.generic)) and not isinstance(value, bool)
        if not good or not math.isfinite(value) or not least <= value <= most:
            raise ValueError(
                f"{type(self).__name__}: {argument}={value!r} is not a number"
                + (f" between {least} and {most}." if most < math.inf else f" that is at least {least}.")
            )
        return value

    def _not_negative(self, argument, value):
        return None if value is None else self._number(argument, value, 0)

    def _fraction(self, argument, value):
        return self._number(argument, value, 0, 1)

    def _limit(self, argument, value):
        if value is not None and self._number(argument, value, 0) == 0:
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} would clip every gradient to nothing.")
        return value

    def _count(self, argument, value, least):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least):
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not None or an int from {least} up.")
        return value

    # State

    def _scalar(self, name, value, dtype):
        variable = Variable(np.array(value, dtype), trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        return variable

    def _rate_of(self, value):
        """Return what stands for the learning rate: a variable, a schedule or a callable."""
        if isinstance(value, LearningRateSchedule):
            return value
        if isinstance(value, dict):
            return deserialize_schedule(value)
        if callable(value) and not isinstance(value, type):
            return value
        return self._scalar("learning_rate", self._number("learning_rate", value, 0), "float32")

    @property
    def learning_rate(self):
        """The learning rate: a variable, or what the schedule says at this step. A float may be assigned."""
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
        if isinstance(new, Variable):
            if not isinstance(self._learning_rate, Variable):
                raise TypeError(
                    f"{type(self).__name__}: its learning_rate is a schedule ({self._learning_rate!r}), "
                    "so no number can be assigned. Make the optimizer with a float instead."
                )
            self._learning_rate.assign(new.array)
        else:
            self._learning_rate = new

    def _rate(self):
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return float(rate.array)
        return float(rate(int(self._iteration.array)) if isinstance(rate, LearningRateSchedule) else rate())

    @property
    def iterations(self):
        """How many times weights were changed."""
        if self.gradient_accumulation_steps:
            return self._iteration.array // self.gradient_accumulation_steps
        return self._iteration

    @property
    def variables(self):
        """All state in the order in which it is saved: iteration, learning rate (if a number), slots."""
        rate = [self._learning_rate] if isinstance(self._learning_rate, Variable) else []
        return [self._iteration, *rate, *self._slots]

    def add_variable(self, shape, initializer="zeros", dtype=None, name=None):
        """Add a piece of state.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        initializer : str or callable
            How it begins.
        dtype : str, optional
            Its type.
        name : str, optional
            Its name.

        Returns
        -------
        Variable
            The state.

        Examples
        --------
        >>> Optimizer(0.1).add_variable((2,), name="seen").path
        'optimizer/seen'
        """
        slot = Variable(initializer, shape=shape, dtype=dtype, trainable=False, name=name)
        slot.path = f"{self.name}/{slot.name}"
        self._slots.append(slot)
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
        >>> Optimizer(0.1).add_variable_from_reference(Variable([1.0], name="bias"), "momentum").name
        'bias_momentum'
        """
        owner = reference_variable.path.replace("/", "_")
        return self.add_variable(
            reference_variable.shape, initializer, reference_variable.dtype, f"{owner}_{name or 'slot'}"
        )

    def _add_slots(self, *names):
        """Add slots of all variables, interleaved, and return their arrays as one list for each name."""
        lists = [[] for _ in names]
        for variable in self._trainable_variables:
            for name, arrays in zip(names, lists, strict=True):
                arrays.append(self.add_variable_from_reference(variable, name).array)
        return lists

    def build(self, variables):
        """Make the slots for the variables that will be optimized.

        Parameters
        ----------
        variables : list of Variable
            The variables; once built, an optimizer accepts these (or some of them) only.

        Raises
        ------
        ValueError
            If it is built already and a variable is unknown.

        Examples
        --------
        >>> from fastconv.optimizers import Adam
        >>> optimizer = Adam()
        >>> optimizer.build([Variable([1.0], name="bias")])
        >>> [v.name for v in optimizer.variables]
        ['iteration', 'learning_rate', 'bias_momentum', 'bias_velocity']
        """
        variables = list(variables)
        if self.built:
            self._positions(variables)
            return
        self.built = True
        self._trainable_variables = variables
        self._position = {id(variable): i for i, variable in enumerate(variables)}
        self._everything = range(len(variables))
        self._params = [variable.array for variable in variables]
        self._constrained = [v for v in variables if getattr(v, "constraint", None) is not None]
        self._scratch = shared_scratch(self._params)
        self._clipped = None
        if self.use_ema:
            (self._averages,) = self._add_slots("average")
        if self.gradient_accumulation_steps:
            (self._accumulators,) = self._add_slots("gradient_accumulator")
        self._make_slots()

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self.built:  # the variables of a copy have other identities
            self._position = {id(variable): i for i, variable in enumerate(self._trainable_variables)}

    def _make_slots(self):
        """Add the slots of the rule; overridden by subclasses."""

    def _positions(self, variables):
        """Return which variables these are, in the order of `build`."""
        try:
            return [self._position[id(variable)] for variable in variables]
        except KeyError:
            unknown = next(v for v in variables if id(v) not in self._position)
            raise ValueError(
                f"{type(self).__name__}: unknown variable {unknown.path!r}. An optimizer works for the "
                "variables it was built with; make a new one for others."
            ) from None

    # A step

    def apply_gradients(self, grads_and_vars):
        """Do a step.

        Parameters
        ----------
        grads_and_vars : iterable of (ndarray, Variable)
            The gradients with their variables.

        Returns
        -------
        Variable or int
            The number of steps done.

        Raises
        ------
        ValueError
            If there are no pairs, or a gradient does not fit.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> weight = Variable([1.0])
        >>> int(SGD(0.5).apply_gradients([(np.ones(1, "float32"), weight)]))
        1
        """
        pairs = [tuple(pair) for pair in grads_and_vars]
        if not pairs:
            raise ValueError(f"{type(self).__name__}: apply_gradients got no pairs of gradients and variables.")
        self.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])
        return self.iterations

    def apply(self, grads, trainable_variables=None):
        """Do a step.

        Parameters
        ----------
        grads : list of ndarray or None
            The gradients; a variable whose gradient is ``None`` is left out. They are not changed.
        trainable_variables : list of Variable, optional
            Their variables; by default those given to `build`.

        Raises
        ------
        ValueError
            If the gradients do not fit the variables, or all are ``None``.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> weight = Variable([1.0])
        >>> SGD(0.5).apply([np.ones(1, "float32")], [weight])
        >>> weight.numpy()
        array([0.5], dtype=float32)
        """
        grads = list(grads)
        if not grads:
            return
        positions, grads = self._match(grads, trainable_variables)
        if not self.gradient_accumulation_steps:
            self._step(positions, grads, None)
        else:
            self._accumulate(positions, grads)
        if self.use_ema:
            self._average()
        for variable in self._constrained:
            variable.assign(variable.constraint(variable.array))
        np.add(self._iteration.array, 1, out=self._iteration.array)
        for variable in self._trainable_variables:
            variable.version += 1

    def _match(self, grads, variables):
        """Return the positions of the variables with a gradient, and the gradients as arrays."""
        if variables is None:
            if not self.built:
                raise ValueError(
                    f"{type(self).__name__}: apply without variables needs a built optimizer; call build()."
                )
            variables, positions = self._trainable_variables, self._everything
        else:
            variables = list(variables)
            if not self.built:
                self.build(variables)
            positions = self._positions(variables)
            positions = self._everything if positions == list(self._everything) else positions
        if len(grads) != len(positions):
            raise ValueError(
                f"{type(self).__name__}: got {len(grads)} gradients for {len(positions)} variables; "
                "expected one for each."
            )
        missing = [v.path for v, grad in zip(variables, grads, strict=True) if grad is None]
        if missing:
            positions, grads = self._without(missing, positions, grads)
        return positions, [self._fitting(i, grad) for i, grad in zip(positions, grads, strict=True)]

    def _without(self, missing, positions, grads):
        if len(missing) == len(grads):
            raise ValueError(f"{type(self).__name__}: no gradients provided for any variable.")
        warnings.warn(f"{type(self).__name__}: there are no gradients for the variables {missing}.", stacklevel=4)
        kept = [(i, grad) for i, grad in zip(positions, grads, strict=True) if grad is not None]
        return [i for i, _ in kept], [grad for _, grad in kept]

    def _fitting(self, position, grad):
        grad, param = np.asarray(grad), self._params[position]
        if grad.shape != param.shape:
            raise ValueError(
                f"{type(self).__name__}: the gradient of {self._trainable_variables[position].path!r} has "
                f"shape {grad.shape}; expected {param.shape}."
            )
        return np.asarray(grad, param.dtype, order="C")  # the same array, as a rule

    def _pick(self, arrays, positions):
        """Return those entries of a list that runs in parallel to the variables."""
        return arrays if positions is self._everything else [arrays[i] for i in positions]

    def _step(self, positions, grads, own):
        """Change the weights; `own` are arrays that clipped gradients may go to."""
        grads = self._clip(positions, grads, own)
        rate = self._rate()
        if self.weight_decay:
            inplace.decay(self._pick(self._params, self._decayed(positions)), self.weight_decay * rate)
        if self._one_by_one:
            for i, grad in zip(positions, grads, strict=True):
                self.update_step(grad, self._trainable_variables[i], rate)
        else:
            self._update(positions, self._pick(self._params, positions), grads, rate)

    def _clip(self, positions, grads, own):
        for argument, clip in _CLIPS.items():
            limit = getattr(self, argument)
            if limit is not None:
                if own is None:
                    if self._clipped is None:
                        self._clipped = [np.empty_like(param) for param in self._params]
                    own = self._pick(self._clipped, positions)
                clip(grads, float(limit), own, self._pick(self._scratch, positions))
                return own
        return grads

    def _accumulate(self, positions, grads):
        """Add gradients up, and do a step with their mean when there are enough."""
        accumulators = self._pick(self._accumulators, positions)
        inplace.add(accumulators, grads)
        if (int(self._iteration.array) + 1) % self.gradient_accumulation_steps:
            return
        for accumulator in accumulators:
            np.multiply(accumulator, 1.0 / self.gradient_accumulation_steps, out=accumulator)
        self._step(positions, accumulators, accumulators)
        for accumulator in self._accumulators:
            accumulator[...] = 0

    def _average(self):
        """Keep the running averages; the first step sets them."""
        done = int(self.iterations)
        inplace.average(self._averages, self._params, self.ema_momentum if done else 0.0, self._scratch)
        if self.ema_overwrite_frequency and (done + 1) % self.ema_overwrite_frequency == 0:
            self.finalize_variable_values(self._trainable_variables)

    def finalize_variable_values(self, var_list):
        """Replace weights by their running averages, if there are any (at the end of training).

        Parameters
        ----------
        var_list : list of Variable
            The variables.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> weight, optimizer = Variable([1.0]), SGD(1.0, use_ema=True, ema_momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([np.ones(1, "float32")], [weight])
        >>> optimizer.finalize_variable_values([weight])
        >>> weight.numpy()
        array([-0.5], dtype=float32)
        """
        if not self.use_ema or not self.built:
            return
        for i in self._positions(var_list):
            self._trainable_variables[i].assign(self._averages[i])

    def _decayed(self, positions):
        """Return the positions of those variables that weight decay applies to."""
        if not self._undecayed and not self._undecayed_names:
            return positions
        return [i for i in positions if self._decays(self._trainable_variables[i])]

    def _decays(self, variable):
        if id(variable) in self._undecayed:
            return False
        return not any(re.search(pattern, variable.name) for pattern in self._undecayed_names)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Name variables that do not decay.

        Parameters
        ----------
        var_list : list of Variable, optional
            The variables themselves.
        var_names : list of str, optional
            Patterns that are searched for in the names of variables, such as ``"bias"``.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> bias, optimizer = Variable([1.0], name="bias"), SGD(0.5, weight_decay=0.5)
        >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
        >>> optimizer.apply([np.zeros(1, "float32")], [bias])
        >>> bias.numpy()
        array([1.], dtype=float32)
        """
        self._undecayed.update(id(variable) for variable in var_list or ())
        self._undecayed_names.extend(var_names or ())

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable: the part that a custom optimizer writes.

        Parameters
        ----------
        gradient : ndarray
            The gradient.
        variable : Variable
            The variable.
        learning_rate : float
            The learning rate.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> weight, optimizer = Variable([1.0]), SGD()
        >>> optimizer.build([weight])
        >>> optimizer.update_step(np.ones(1, "float32"), weight, 0.5)
        >>> weight.numpy()
        array([0.5], dtype=float32)
        """
        positions = self._positions([variable])
        self._update(positions, [variable.array], [self._fitting(positions[0], gradient)], float(learning_rate))
        variable.version += 1

    def _update(self, positions, params, grads, rate):
        """Work out the scalars of a step and sweep over all variables; built-in optimizers write this."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_step().")

    def assign(self, variable, value):
        """Set a variable, for use in `update_step`.

        Parameters
        ----------
        variable : Variable
            The variable.
        value : array_like
            Its new values.

        Examples
        --------
        >>> weight = Variable([1.0])
        >>> Optimizer(0.1).assign(weight, [2.0])
        """
        variable.assign(value)

    def assign_add(self, variable, value):
        """Add to a variable; see `assign`.

        Examples
        --------
        >>> weight = Variable([1.0])
        >>> Optimizer(0.1).assign_add(weight, [2.0])
        """
        variable.assign_add(value)

    def assign_sub(self, variable, value):
        """Subtract from a variable; see `assign`.

        Examples
        --------
        >>> weight = Variable([1.0])
        >>> Optimizer(0.1).assign_sub(weight, [2.0])
        """
        variable.assign_sub(value)

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
        >>> optimizer = Optimizer(0.1)
        >>> optimizer.set_weights([3, 0.5])
        >>> int(optimizer.iterations)
        3
        """
        weights, variables = list(weights), self.variables
        if len(weights) != len(variables):
            raise ValueError(
                f"{type(self).__name__}: set_weights got {len(weights)} values; expected {len(variables)}."
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
        >>> Optimizer(0.1).save_own_variables(store)
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
        >>> Optimizer(0.1).load_own_variables({"0": 7, "1": 0.5})
        """
        if len(store) != len(self.variables):
            warnings.warn(
                f"{type(self).__name__}: its state is not loaded, as {len(store)} variables were saved, not "
                f"{len(self.variables)}.",
                stacklevel=2,
            )
            return
        self.set_weights([np.asarray(store[str(i)]) for i in range(len(store))])

    def get_config(self):
        """Return the arguments with which an equal optimizer is made.

        Returns
        -------
        dict
            The arguments by name.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> SGD(0.5, momentum=0.9).get_config()["learning_rate"]
        0.5
        """
        rate = self._learning_rate
        described = float(rate.array) if isinstance(rate, Variable) else serialize_schedule(rate)
        config = {"name": self.name, "learning_rate": described}
        return {**config, **{key: getattr(self, key) for key in _CONFIG}}

    @classmethod
    def from_config(cls, config):
        """Make an optimizer from what `get_config` returned.

        Parameters
        ----------
        config : dict
            The arguments by name.

        Returns
        -------
        Optimizer
            The optimizer.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> float(SGD.from_config({"learning_rate": 0.5}).learning_rate)
        0.5
        """
        return cls(**config)

    def __repr__(self):
        rate = self._learning_rate
        shown = float(rate.array) if isinstance(rate, Variable) else rate
        return f"<{type(self).__name__} name={self.name} learning_rate={shown!r}>"


_CONFIG = (
    "weight_decay",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)


def shared_scratch(params):
    """Return space in the shape of each array, all in the same memory.

    Parameters
    ----------
    params : list of ndarray
        The arrays.

    Returns
    -------
    list of ndarray
        Views into one buffer for each type, to be used one after the other.

    Examples
    --------
    >>> a, b = shared_scratch([np.ones(3), np.ones((2, 1))])
    >>> a.shape, b.shape, np.shares_memory(a, b)
    ((3,), (2, 1), True)
    """
    sizes = {}
    for param in params:
        sizes[param.dtype] = max(sizes.get(param.dtype, 0), param.size)
    buffers = {dtype: np.empty(size, dtype) for dtype, size in sizes.items()}
    return [buffers[param.dtype][: param.size].reshape(param.shape) for param in params]
