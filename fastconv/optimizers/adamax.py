"""Adamax: Adam with the largest gradient in place of a mean square."""

from fastconv.optimizers.arguments import below_one, not_negative, with_shared
from fastconv.optimizers.base import Optimizer


class Adamax(Optimizer):
    """Adam with respect to the largest gradients: steps in units of a fading maximum.

    ``m += (1 - beta_1) * (g - m)``, ``u = max(beta_2 * u, |g|)``, and
    ``w -= learning_rate / (1 - beta_1**t) * m / (u + epsilon)`` at step t.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    beta_1, beta_2 : float
        How much of the mean and of the maximum is kept, in [0, 1).
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
    >>> Adamax(0.1).apply([np.ones(1, "float32")], [weight])
    >>> print(weight.numpy().round(4))
    [0.9]
    """

    _own_arguments = {"beta_1": below_one, "beta_2": below_one, "epsilon": not_negative}
    _kernel = "adamax_update"
    _kernel_slots = ("momentum", "norm")

    @with_shared
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **shared):
        super().__init__(learning_rate, **shared)
        self._take(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)

    def _slot_groups(self):
        return [{"momentum": "zeros", "norm": "zeros"}]

    def _settings(self, rate, step):
        return rate / (1 - self.beta_1**step), 1 - self.beta_1, self.beta_2, self.epsilon
