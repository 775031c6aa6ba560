"""What all optimizers are: arguments and state under Keras's names, and a step over the variables they were built for.

A rule is a subclass that names its slots and its kernel, and says what numbers the kernel reads at a step. An optimizer
of one's own overrides ``update_step`` instead.
"""

import re

import numpy as np

from fastconv import kernels
from fastconv.layers.layer import unique_name
from fastconv.layers.variable import Variable
from fastconv.names import snake_case
from fastconv.ops.arrays import contiguous
from fastconv.optimizers import arguments
from fastconv.optimizers.schedules import deserialize as deserialize_schedule
from fastconv.optimizers.schedules import serialize as serialize_schedule
from fastconv.optimizers.state import State
from fastconv.optimizers.step import Step
from fastconv.optimizers.sweep import EACH_NORM, JOINT_NORM, Sweep
from fastconv.runtime import caller, threads


class Optimizer(State):
    """Base class. An optimizer of one's own writes ``update_step(gradient, variable, learning_rate)``.

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
    loss_scale_factor : float, optional
        What `scale_loss` multiplies a loss by; `apply` divides gradients by it.
    gradient_accumulation_steps : int, optional
        Over how many batches gradients are averaged before weights change.
    name : str, optional
        By default the class name in snake case, numbered if it was given out before.
    **kwargs
        None are known; they are refused by name.

    Raises
    ------
    ValueError
        If an argument is out of range or unknown.

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

    # What a rule says of itself: its own arguments with their checks, in the order of its config; its kernel; the
    # kernel's slots in the kernel's order.
    _own_arguments = {}
    _kernel = None
    _kernel_slots = ()

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
        given = {key: value for key, value in locals().items() if key in arguments.SHARED}
        arguments.refuse(self, kwargs)
        arguments.take(self, arguments.SHARED, given)
        clips = {key: given[key] for key in arguments.CLIPS if given[key] is not None}
        if len(clips) > 1:
            raise ValueError(
                f"{type(self).__name__}: only one of {', '.join(arguments.CLIPS)} may be given; got {clips}."
            )
        super().__init__(name or unique_name(snake_case(type(self).__name__)), learning_rate)
        self._slots = {}  # by name: one a variable
        self._undecayed, self._undecayed_names = [], None
        self._step = self._step_key = None
        # Overriding update_step, even of a built-in optimizer, means that it decides.
        self._one_by_one = self._kernel is None or type(self).update_step is not Optimizer.update_step

    def _take(self, **own):
        """Check the arguments of a rule and keep them."""
        arguments.take(self, self._own_arguments, own)

    @property
    def iterations(self):
        """How many times weights were changed."""
        if self.gradient_accumulation_steps:
            return self._iteration.array // self.gradient_accumulation_steps
        return self._iteration

    # Variables

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
        variables = self._variables("build", "variables", variables)
        if self.built:
            self._positions(variables)
            return
        self.built = True
        self._trainable_variables = variables
        self._position = {id(variable): i for i, variable in enumerate(variables)}
        shared = {"average": self.use_ema, "gradient_accumulator": self.gradient_accumulation_steps}
        for group in (*({name: "zeros"} for name, wanted in shared.items() if wanted), *self._slot_groups()):
            lists = self.add_optimizer_variables(variables, list(group), list(group.values()))
            self._slots.update(zip(group, lists, strict=True))

    def _slot_groups(self):
        """Return the slots of the rule and how they begin: groups whose slots alternate from variable to variable."""
        return []

    def _slot_arrays(self, positions):
        """Return what the rule's kernel wants: for each of its slots a list of arrays, or None if it does without."""
        picked = (self._slots.get(name) for name in self._kernel_slots)
        return [None if slot is None else [slot[i].array for i in positions] for slot in picked]

    def __getstate__(self):
        return {**self.__dict__, "_step": None, "_step_key": None}  # a copy binds itself to its own arrays

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self.built:  # the variables of a copy have other identities
            self._position = {id(variable): i for i, variable in enumerate(self._trainable_variables)}

    def _get_variable_index(self, variable):
        """Return which of the variables of `build` this one is."""
        return self._positions([variable])[0]

    def _variables(self, method, argument, given):
        """Return a list of variables that a method was given."""
        variables = list(given) if np.iterable(given) else [given]
        wrong = next((thing for thing in variables if not isinstance(thing, Variable)), None)
        if wrong is not None or not np.iterable(given):
            raise TypeError(
                f"{type(self).__name__}: {method} got a {type(wrong).__name__} in {argument}; expected a list of "
                "variables."
            )
        return variables

    def _positions(self, variables):
        """Return which variables these are, in the order of `build`."""
        owner = type(self).__name__
        unknown = [v for v in variables if id(v) not in self._position]
        if unknown:
            raise ValueError(
                f"{owner}: unknown variable {unknown[0].path!r}. An optimizer works for the "
                "variables it was built with; make a new one for others."
            )
        positions = [self._position[id(variable)] for variable in variables]
        if len(set(positions)) < len(positions):
            raise ValueError(f"{owner}: got a variable more than once: {[v.path for v in variables]}.")
        return positions

    # A step

    def apply_gradients(self, grads_and_vars):
        """Do a step.

        Parameters
        ----------
        grads_and_vars : iterable of (ndarray, Variable)
            The gradients with their variables.

        Returns
        -------
        Variable
            The number of calls so far.

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
        pairs = [tuple(pair) for pair in grads_and_vars] if np.iterable(grads_and_vars) else [()]
        if any(len(pair) != 2 for pair in pairs):
            raise TypeError(f"{type(self).__name__}: apply_gradients expected pairs of gradients and variables.")
        if not pairs:
            raise ValueError(f"{type(self).__name__}: apply_gradients got no pairs of gradients and variables.")
        self.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])
        return self._iteration

    def apply(self, grads, trainable_variables=None):
        """Do a step.

        Parameters
        ----------
        grads : list of ndarray or None
            The gradients, of the loss as `scale_loss` scaled it; a variable whose gradient is ``None`` is left out.
            They are not changed.
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
        if trainable_variables is not None:
            trainable_variables = self._variables("apply", "trainable_variables", trainable_variables)
        self._do_step(grads, trainable_variables, 1.0 / (self.loss_scale_factor or 1.0))

    def step(self, gradients, variables):
        """Do a step with gradients of the loss itself, unscaled: what a model calls; else like `apply`.

        A step with the same arrays as the last one, which a model's plan hands out, binds nothing anew.

        Parameters
        ----------
        gradients : list of ndarray
            The gradients.
        variables : list of Variable
            Their variables.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> weight = Variable([1.0])
        >>> SGD(0.5, loss_scale_factor=1000.0).step([np.ones(1, "float32")], [weight])
        >>> weight.numpy()
        array([0.5], dtype=float32)
        """
        self._do_step(gradients, variables, 1.0)

    def scale_loss(self, loss):
        """Return the loss times `loss_scale_factor`, whose gradients `apply` takes.

        Parameters
        ----------
        loss : float or ndarray
            The loss.

        Returns
        -------
        float or ndarray
            The same without a factor.

        Examples
        --------
        >>> Optimizer(0.1, loss_scale_factor=8.0).scale_loss(0.5)
        4.0
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def _do_step(self, grads, variables, scale):
        grads = list(grads)
        if not grads:
            return
        self._bound(grads, variables)(scale)
        self._iteration.array.fill(int(self._iteration.array) + 1)
        for variable in self._trainable_variables:
            variable.version += 1

    def _bound(self, grads, variables):
        """Return the step over these arrays: the last one if they are the same."""
        variables = None if variables is None else list(variables)
        key = (kernels.variant(), threads.get_num_threads(), self._norms(), *map(id, grads), *map(id, variables or ()))
        if key == self._step_key:
            return self._step
        positions, arrays = self._match(grads, variables)
        step = Step(self, positions, arrays)
        same = len(arrays) == len(grads) and all(a is b for a, b in zip(arrays, grads, strict=True))
        # What had to be converted is converted again next time. Held by the step, the arrays keep their identities.
        self._step, self._step_key, step.arrays = (step, key, grads) if same else (None, None, arrays)
        return step

    def _norms(self):
        return EACH_NORM if self.clipnorm else JOINT_NORM if self.global_clipnorm else 0

    def _match(self, grads, variables):
        """Return the positions of the variables with a gradient, and the gradients as arrays."""
        if not self.built:
            if variables is None:
                raise ValueError(
                    f"{type(self).__name__}: apply without variables needs a built optimizer; call build()."
                )
            self.build(variables)
        variables = self._trainable_variables if variables is None else variables
        positions = self._positions(variables)
        if len(grads) != len(positions):
            raise ValueError(
                f"{type(self).__name__}: got {len(grads)} gradients for {len(positions)} variables; "
                "expected one for each."
            )
        missing = [v.path for v, grad in zip(variables, grads, strict=True) if grad is None]
        if len(missing) == len(grads):
            raise ValueError(f"{type(self).__name__}: no gradients provided for any variable.")
        if missing:
            caller.warn(f"{type(self).__name__}: there are no gradients for the variables {missing}.")
        kept = [(i, grad) for i, grad in zip(positions, grads, strict=True) if grad is not None]
        return [i for i, _ in kept], [self._fitting(i, grad) for i, grad in kept]

    def _fitting(self, position, grad):
        """Return a gradient as an array of its variable's type: the same array, as a rule."""
        grad, variable = np.asarray(grad), self._trainable_variables[position]
        if grad.shape != variable.shape:
            raise ValueError(
                f"{type(self).__name__}: the gradient of {variable.path!r} has "
                f"shape {grad.shape}; expected {variable.shape}."
            )
        return contiguous(grad, variable.dtype)

    # The rule

    def _begin(self, step):
        """Prepare the state for change number `step`, from 1; some rules have more than slots."""

    def _settings(self, rate, step):
        """Return the numbers that the rule's kernel reads at change number `step`, from 1."""
        return ()

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable: the part that an optimizer of one's own writes.

        Parameters
        ----------
        gradient : ndarray
            The gradient, already clipped.
        variable : Variable
            The variable, already decayed.
        learning_rate : float
            The learning rate.

        Raises
        ------
        NotImplementedError
            If the optimizer has no rule.

        Examples
        --------
        >>> from fastconv.optimizers import SGD
        >>> weight, optimizer = Variable([1.0]), SGD()
        >>> optimizer.build([weight])
        >>> optimizer.update_step(np.ones(1, "float32"), weight, 0.5)
        >>> weight.numpy()
        array([0.5], dtype=float32)
        """
        if self._kernel is None:
            raise NotImplementedError(f"{type(self).__name__} does not define update_step().")
        positions = self._positions([variable])
        gradient = self._fitting(positions[0], gradient)
        sweep = Sweep(self._kernel, [variable.array], [gradient], self._slot_arrays(positions))
        sweep(*self._settings(float(learning_rate), int(self.iterations) + 1))
        variable.version += 1

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

    # Averages and decay

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
        if self.use_ema and self.built:
            for i in self._positions(var_list):
                self._trainable_variables[i].assign(self._slots["average"][i].array)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Name the variables that do not decay, in place of those named before.

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
        if isinstance(var_names, str):
            raise TypeError(
                f"{type(self).__name__}: exclude_from_weight_decay got var_names={var_names!r}; expected a list of str."
            )
        self._undecayed = self._variables("exclude_from_weight_decay", "var_list", var_list or ())
        self._undecayed_names = re.compile("|".join(var_names)) if var_names else None
        self._step_key = None

    def _decays(self, variable):
        named = self._undecayed_names is not None and self._undecayed_names.search(variable.name)
        return not named and not any(variable is other for other in self._undecayed)

    # Configs

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
        return config | {key: getattr(self, key) for key in (*arguments.SHARED, *self._own_arguments)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make an optimizer from what `get_config` returned.

        Parameters
        ----------
        config : dict
            The arguments by name.
        custom_objects : dict, optional
            Schedules of the user by name.

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
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_schedule(config["learning_rate"], custom_objects)
        return cls(**config)

    def __repr__(self):
        rate = self._learning_rate
        shown = float(rate.array) if isinstance(rate, Variable) else rate
        return f"<{type(self).__name__} name={self.name} learning_rate={shown!r}>"
