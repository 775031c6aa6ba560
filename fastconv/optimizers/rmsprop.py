"""RMSprop: steps in units of how large gradients were lately."""

from fastconv.optimizers.arguments import flag, fraction, not_negative, with_shared
from fastconv.optimizers.base import Optimizer


class RMSprop(Optimizer):
    """Gradient descent with each gradient divided by the root of a running mean of its squares.

    ``v = rho * v + (1 - rho) * g**2`` and ``w -= learning_rate * g / sqrt(v + epsilon)``; centered, the
    square of a running mean of the gradients is subtracted from ``v`` before the root. With momentum,
    ``m = momentum * m + step`` and ``w -= m``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    rho : float
        How much of the running means is kept.
    momentum : float
        How much of the last step is kept.
    epsilon : float
        What keeps the division from zero.
    centered : bool
        Whether to divide by a standard deviation.
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
    >>> RMSprop(0.1, rho=0.75).apply([np.ones(1, "float32")], [weight])
    >>> print(weight.numpy().round(4))
    [0.8]
    """

    _own_arguments = {"rho": fraction, "momentum": fraction, "epsilon": not_negative, "centered": flag}
    _kernel = "rmsprop_update"
    _kernel_slots = ("velocity", "momentum", "average_gradient")

    @with_shared
    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, **shared):
        super().__init__(learning_rate, **shared)
        self._take(rho=rho, momentum=momentum, epsilon=epsilon, centered=centered)

    def _slot_groups(self):
        wanted = {"velocity": True, "momentum": self.momentum, "average_gradient": self.centered}
        return [{name: "zeros"} for name in wanted if wanted[name]]

    def _settings(self, rate, step):
        return rate, self.rho, 1 - self.rho, self.momentum, self.epsilon
