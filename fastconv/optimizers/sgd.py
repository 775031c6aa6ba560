"""Gradient descent, with or without momentum."""

from fastconv.optimizers.base import Optimizer
from fastconv.optimizers.sweep import Sweep


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
    ...     optimizer.apply([Variable([1.0]).numpy()], [weight])
    >>> weight.numpy()
    array([0.71], dtype=float32)
    """

    _own_arguments = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
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
        self.momentum = self._fraction("momentum", momentum)
        self.nesterov = nesterov

    def _make_slots(self):
        self._sweep = Sweep("sgd_update", 3)
        self._momentums = self._add_slots("momentum")[0] if self.momentum else []

    def _update(self, positions, params, grads, rate):
        slots = [self._pick(self._momentums, positions)] if self.momentum else []
        self._sweep(params, grads, slots, rate, self.momentum, self.nesterov)

    def get_config(self):
        """Return the arguments; see `Optimizer`.

        Examples
        --------
        >>> SGD(momentum=0.5).get_config()["momentum"]
        0.5
        """
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
