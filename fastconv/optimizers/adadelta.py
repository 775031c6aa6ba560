"""Adadelta: steps in units of how large steps were."""

from fastconv.optimizers.arguments import fraction, not_negative, with_shared
from fastconv.optimizers.base import Optimizer


class Adadelta(Optimizer):
    """Steps whose size follows that of the last steps, in proportion to gradients over their usual size.

    ``a = rho * a + (1 - rho) * g**2``, ``d = sqrt(s + epsilon) / sqrt(a + epsilon) * g``,
    ``s = rho * s + (1 - rho) * d**2`` and ``w -= learning_rate * d``. The paper's learning rate is 1.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    rho : float
        How much of the running means of squares is kept.
    epsilon : float
        What keeps the division from zero, and gets the first steps going.
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
    >>> Adadelta(1.0, epsilon=0.05).apply([np.ones(1, "float32")], [weight])
    >>> print(weight.numpy().round(4))
    [0.2929]
    """

    _own_arguments = {"rho": fraction, "epsilon": not_negative}
    _kernel = "adadelta_update"
    _kernel_slots = ("accumulated_grad", "accumulated_delta_var")

    @with_shared
    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, **shared):
        super().__init__(learning_rate, **shared)
        self._take(rho=rho, epsilon=epsilon)

    def _slot_groups(self):
        return [{"accumulated_grad": "zeros", "accumulated_delta_var": "zeros"}]

    def _settings(self, rate, step):
        return rate, self.rho, 1 - self.rho, self.epsilon
