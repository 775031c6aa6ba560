"""Adam, and AdamW, which is Adam with weight decay by default."""

import math

from fastconv.optimizers.arguments import below_one, flag, not_negative, with_shared
from fastconv.optimizers.base import Optimizer


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
    >>> Adam(0.1).apply([np.ones(1, "float32")], [weight])
    >>> print(weight.numpy().round(4))
    [0.9]
    """

    _own_arguments = {"beta_1": below_one, "beta_2": below_one, "epsilon": not_negative, "amsgrad": flag}
    _kernel = "adam_update"
    _kernel_slots = ("momentum", "velocity", "velocity_hat")

    @with_shared
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, **shared):
        super().__init__(learning_rate, **shared)
        self._take(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, amsgrad=amsgrad)

    def _slot_groups(self):
        largest = [{"velocity_hat": "zeros"}] if self.amsgrad else []
        return [{"momentum": "zeros", "velocity": "zeros"}, *largest]

    def _settings(self, rate, step):
        alpha = rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        return alpha, 1 - self.beta_1, 1 - self.beta_2, self.epsilon


class AdamW(Adam):
    """Adam with decoupled weight decay of 0.004 by default.

    Parameters
    ----------
    learning_rate, weight_decay, beta_1, beta_2, epsilon, amsgrad, clipnorm, clipvalue, global_clipnorm, \
use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs
        See `Adam`.

    Raises
    ------
    ValueError
        If an argument is out of range or unknown, or `weight_decay` is None.

    Examples
    --------
    >>> AdamW().weight_decay
    0.004
    """

    @with_shared
    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        **shared,
    ):
        if weight_decay is None:
            raise ValueError(f"{type(self).__name__}: weight_decay=None is not a number; use Adam to do without.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, **shared)
