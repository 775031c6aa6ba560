"""Adam, and AdamW, which is Adam with weight decay by default."""

import math

from fastconv.optimizers.base import Optimizer
from fastconv.optimizers.sweep import Sweep


class Adam(Optimizer):
    """Adaptive moments: steps in units of how large gradients usually are.

    ``m += (1 - beta_1) * (g - m)``, ``v += (1 - beta_2) * (g**2 - v)``, and
    ``w -= alpha * m / (sqrt(v) + epsilon)``, where
    ``alpha = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)`` at step t.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    beta_1, beta_2 : float
        How much of the means of gradients and of their squares is kept, in [0, 1).
    epsilon : float
        What keeps the division from zero; not corrected for bias, as in Keras.
    amsgrad : bool
        Whether the largest `v` so far is used.
    weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, \
loss_scale_factor, gradient_accumulation_steps, name, **kwargs
        See `Optimizer`.

    Raises
    ------
    ValueError
        If an argument is out of range or unknown.

    Examples
    --------
    >>> from fastconv.layers.variable import Variable
    >>> weight = Variable([1.0])
    >>> Adam(0.1).apply([weight.numpy()], [weight])
    >>> print(weight.numpy().round(4))
    [0.9]
    """

    _own_arguments = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
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
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.beta_1 = self._beta("beta_1", beta_1)
        self.beta_2 = self._beta("beta_2", beta_2)
        self.epsilon = self._number("epsilon", epsilon, 0)
        self.amsgrad = amsgrad

    def _beta(self, argument, value):
        if self._fraction(argument, value) == 1:
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} would never learn; expected less than 1.")
        return value

    def _make_slots(self):
        self._momentums, self._velocities = self._add_slots("momentum", "velocity")
        self._sweep = Sweep("adam_update", 4)
        self._largest = self._add_slots("velocity_hat")[0] if self.amsgrad else []

    def _update(self, positions, params, grads, rate):
        t = int(self.iterations) + 1
        alpha = rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        slots = [self._momentums, self._velocities, *([self._largest] if self.amsgrad else [])]
        picked = [self._pick(slot, positions) for slot in slots]
        self._sweep(params, grads, picked, alpha, 1 - self.beta_1, 1 - self.beta_2, self.epsilon)

    def get_config(self):
        """Return the arguments; see `Optimizer`.

        Examples
        --------
        >>> Adam().get_config()["beta_2"]
        0.999
        """
        own = {key: getattr(self, key) for key in self._own_arguments}
        return {**super().get_config(), **own}


class AdamW(Adam):
    """Adam with decoupled weight decay of 0.004 by default.

    Parameters
    ----------
    learning_rate, weight_decay, beta_1, beta_2, epsilon, amsgrad, clipnorm, clipvalue, global_clipnorm, \
use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs
        See `Adam`.

    Examples
    --------
    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
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
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
