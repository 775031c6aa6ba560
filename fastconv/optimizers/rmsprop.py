"""RMSprop: steps in units of how large gradients were lately."""

import numpy as np

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

    _own_arguments = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
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
        self.rho = self._fraction("rho", rho)
        self.momentum = self._fraction("momentum", momentum)
        self.epsilon = self._number("epsilon", epsilon, 0)
        self.centered = centered

    def _make_slots(self):
        self._velocities = self._add_slots("velocity")[0]
        self._momentums = self._add_slots("momentum")[0] if self.momentum else []
        self._means = self._add_slots("average_gradient")[0] if self.centered else []

    def _update(self, positions, params, grads, rate):
        self._sweep(
            params,
            grads,
            self._pick(self._velocities, positions),
            self._pick(self._momentums, positions) if self.momentum else None,
            self._pick(self._means, positions) if self.centered else None,
            self._pick(self._scratch, positions),
            rate,
            float(self.rho),
            float(self.momentum),
            float(self.epsilon),
        )

    def _sweep(self, params, grads, velocities, momentums, means, scratch, rate, rho, momentum, epsilon):
        """Change all weights: lists of arrays that run in parallel, and the scalars of this step."""
        for i, (w, g, v, s) in enumerate(zip(params, grads, velocities, scratch, strict=True)):
            np.multiply(np.multiply(g, g, out=s), 1 - rho, out=s)
            np.add(np.multiply(v, rho, out=v), s, out=v)
            if means is None:
                np.add(v, epsilon, out=s)
            else:
                mean = means[i]
                np.add(np.multiply(mean, rho, out=mean), np.multiply(g, 1 - rho, out=s), out=mean)
                np.add(np.subtract(v, np.multiply(mean, mean, out=s), out=s), epsilon, out=s)
            np.divide(g, np.sqrt(s, out=s), out=s)
            np.multiply(s, rate, out=s)
            if momentums is not None:
                m = momentums[i]
                s = np.add(np.multiply(m, momentum, out=m), s, out=m)
            np.subtract(w, s, out=w)

    def get_config(self):
        """Return the arguments; see `Optimizer`.

        Examples
        --------
        >>> RMSprop().get_config()["rho"]
        0.9
        """
        return {**super().get_config(), **{key: getattr(self, key) for key in self._own_arguments}}
