"""The order of what happens in a step, bound to the arrays that it happens to.

A step is: accumulate gradients; when there are enough, clip them, decay weights and apply the rule (one sweep over all
weights); average; constrain.
"""

import math

import numpy as np

from fastconv.optimizers.sweep import Sweep


class Step:
    """What `Optimizer.apply` runs, for some of its variables and the arrays of their gradients.

    Parameters
    ----------
    optimizer : Optimizer
        A built optimizer; its settings are read at each call.
    positions : list of int
        Which of its variables have gradients.
    gradients : list of ndarray
        Their gradients: arrays of the variables' types, contiguous. They are read at each call, and not changed.

    Examples
    --------
    >>> from fastconv.layers.variable import Variable
    >>> from fastconv.optimizers import SGD
    >>> weight, optimizer = Variable([1.0]), SGD(0.5)
    >>> optimizer.build([weight])
    >>> Step(optimizer, [0], [np.ones(1, "float32")])(1.0)
    >>> weight.numpy()
    array([0.5], dtype=float32)
    """

    def __init__(self, optimizer, positions, gradients):
        everything = optimizer._trainable_variables
        self.optimizer = optimizer
        self.variables = [everything[i] for i in positions]
        self.accumulate = self.average = None
        if optimizer.gradient_accumulation_steps:
            self.accumulators = [slot.array for slot in optimizer._slots["gradient_accumulator"]]
            sums = [self.accumulators[i] for i in positions]
            self.accumulate = Sweep("blend_update", sums, gradients)
            gradients = sums
        self.prepared = [np.empty_like(v.array) for v in self.variables] if optimizer._one_by_one else None
        self.sweep = Sweep(
            "prepared_update" if optimizer._one_by_one else optimizer._kernel,
            [v.array for v in self.variables],
            gradients,
            [self.prepared] if optimizer._one_by_one else optimizer._slot_arrays(positions),
            [optimizer._decays(v) for v in self.variables],
            optimizer._norms(),
        )
        if optimizer.use_ema:
            averages = [slot.array for slot in optimizer._slots["average"]]
            self.average = Sweep("blend_update", averages, [v.array for v in everything])

    def __call__(self, scale):
        """Do a step with gradients that are multiplied by `scale`."""
        optimizer = self.optimizer
        done = int(optimizer._iteration.array)
        if self.accumulate is None:
            self.update(done, scale)
        else:
            self.gather(done, scale, optimizer.gradient_accumulation_steps)
        if self.average is not None:
            self.keep_averages(done // (optimizer.gradient_accumulation_steps or 1))
        for variable in self.variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.array))

    def gather(self, done, scale, steps):
        """Add gradients up, and change weights by their mean when there are enough."""
        self.accumulate(scale=scale)
        if (done + 1) % steps == 0:
            self.update(done // steps, 1 / steps)
            for accumulator in self.accumulators:
                accumulator.fill(0)

    def update(self, done, scale):
        """Change weights after `done` changes."""
        optimizer = self.optimizer
        rate = optimizer._rate()
        optimizer._begin(done + 1)
        self.sweep(
            *(() if self.prepared else optimizer._settings(rate, done + 1)),
            scale=scale,
            most=optimizer.clipvalue or math.inf,
            norm=optimizer.clipnorm or optimizer.global_clipnorm or math.inf,
            decay=(optimizer.weight_decay or 0) * rate,
        )
        if self.prepared:
            for gradient, variable in zip(self.prepared, self.variables, strict=True):
                optimizer.update_step(gradient, variable, rate)

    def keep_averages(self, done):
        """Move the running averages towards the weights; the first time, they are set."""
        optimizer = self.optimizer
        new = 1 - optimizer.ema_momentum if done else 1
        self.average(scale=new, decay=new)
        if optimizer.ema_overwrite_frequency and (done + 1) % optimizer.ema_overwrite_frequency == 0:
            optimizer.finalize_variable_values(optimizer._trainable_variables)
