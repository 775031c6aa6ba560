"""Nadam: Adam that looks ahead."""

import math

from fastconv.layers.variable import Variable
from fastconv.optimizers.arguments import below_one, not_negative, with_shared
from fastconv.optimizers.base import Optimizer


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, whose strength grows over the first steps.

    Momentum and velocity are Adam's. With ``u(t) = beta_1 * (1 - 0.5 * 0.96**t)`` and U(t) the product of all u up
    to t, ``n = u(t + 1) * m / (1 - U(t + 1)) + (1 - u(t)) * g / (1 - U(t))`` and
    ``w -= learning_rate * n / (sqrt(v / (1 - beta_2**t)) + epsilon)``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    beta_1, beta_2 : float
        How much of the means of gradients and of their squares is kept, in [0, 1).
    epsilon : float
        What keeps the division from zero.
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
    >>> Nadam(0.1).apply([np.ones(1, "float32")], [weight])
    >>> print(weight.numpy().round(4))
    [0.8937]
    """

    _own_arguments = {"beta_1": below_one, "beta_2": below_one, "epsilon": not_negative}
    _kernel = "nadam_update"
    _kernel_slots = ("momentum", "velocity")

    @with_shared
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **shared):
        super().__init__(learning_rate, **shared)
        self._take(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)

    def _slot_groups(self):
        return [{"momentum": "zeros", "velocity": "zeros"}]

    def build(self, variables):
        """Make the slots, and the product of momentums so far; see `Optimizer`.

        Examples
        --------
        >>> optimizer = Nadam()
        >>> optimizer.build([])
        >>> optimizer.variables[-1].numpy()
        array(1., dtype=float32)
        """
        new = not self.built
        super().build(variables)
        if new:
            dtype = variables[0].dtype if variables else None
            self._u_product = Variable("ones", shape=(), dtype=dtype, trainable=False)
            self._added.append(self._u_product)

    def _momentum(self, step):
        """Return the strength of momentum at a step."""
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def _begin(self, step):
        self._u_product.assign(self._u_product.array * self._momentum(step))

    def _settings(self, rate, step):
        product, now, ahead = float(self._u_product.array), self._momentum(step), self._momentum(step + 1)
        return (
            rate,
            1 - self.beta_1,
            1 - self.beta_2,
            self.epsilon,
            ahead / (1 - product * ahead),
            (1 - now) / (1 - product),
            1 / math.sqrt(1 - self.beta_2**step),
        )
