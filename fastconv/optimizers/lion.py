"""Lion: steps of one size in the direction of a momentum."""

from fastconv.optimizers.arguments import fraction, with_shared
from fastconv.optimizers.base import Optimizer


class Lion(Optimizer):
    """Steps of the same size for every weight: only the sign of a momentum counts.

    ``w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)``, and then
    ``m = beta_2 * m + (1 - beta_2) * g``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    beta_1 : float
        The share of momentum in the direction, above 0 and up to 1.
    beta_2 : float
        How much of the momentum is kept.
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
    >>> weight = Variable([1.0, 1.0])
    >>> Lion(0.5).apply([np.array([3.0, -0.1], "float32")], [weight])
    >>> weight.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    _own_arguments = {"beta_1": fraction, "beta_2": fraction}
    _kernel = "lion_update"
    _kernel_slots = ("momentum",)

    @with_shared
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **shared):
        super().__init__(learning_rate, **shared)
        self._take(beta_1=beta_1, beta_2=beta_2)

        if beta_1 == 0:
            raise ValueError(f"{type(self).__name__}: beta_1={beta_1!r} is not above 0: only signs would count.")

    def _slot_groups(self):
        return [{"momentum": "zeros"}]

    def _settings(self, rate, step):
        return rate, self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2
