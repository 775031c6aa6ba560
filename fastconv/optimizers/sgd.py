"""Gradient descent, with or without momentum."""

from fastconv.optimizers.arguments import flag, fraction, with_shared
from fastconv.optimizers.base import Optimizer


class SGD(Optimizer):
    """Gradient descent: ``w -= learning_rate * g``.

    With momentum, ``v = momentum * v - learning_rate * g`` and ``w += v``; with Nesterov's,
    ``w += momentum * v - learning_rate * g``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    momentum : float
        How much of the last step is kept, from 0 to 1.
    nesterov : bool
        Whether to look ahead by a step of momentum.
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
    >>> weight, optimizer = Variable([1.0]), SGD(0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.apply([np.ones(1, "float32")], [weight])
    >>> weight.numpy()
    array([0.71], dtype=float32)
    """

    _own_arguments = {"momentum": fraction, "nesterov": flag}
    _kernel = "sgd_update"
    _kernel_slots = ("momentum",)

    @with_shared
    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **shared):
        super().__init__(learning_rate, **shared)
        self._take(momentum=momentum, nesterov=nesterov)

    def _slot_groups(self):
        return [{"momentum": "zeros"}] if self.momentum else []

    def _settings(self, rate, step):
        return rate, self.momentum, self.nesterov
