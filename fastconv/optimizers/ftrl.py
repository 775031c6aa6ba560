"""Ftrl: follow the regularized leader."""

from fastconv.initializers import Constant
from fastconv.optimizers.arguments import not_negative, not_positive, with_shared
from fastconv.optimizers.base import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader: weights that are small stay exactly zero.

    With ``p = -learning_rate_power``, ``n = a + g**2``, ``s = (n**p - a**p) / learning_rate``,
    ``z += g + 2 * l2_shrinkage * w - s * w`` and ``a = n``,
    ``w = (clip(z, -l1, l1) - z) / (n**p / learning_rate + 2 * (l2 + beta / (2 * learning_rate)))``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    learning_rate_power : float
        How the learning rate falls with the sum of squared gradients, at most 0; 0 keeps it.
    initial_accumulator_value : float
        How the sum of squares begins.
    l1_regularization_strength, l2_regularization_strength : float
        How strongly weights are held at zero.
    l2_shrinkage_regularization_strength : float
        The same as an addition to the gradient.
    beta : float
        An addition to the roots of the sums of squares.
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
    >>> Ftrl(0.1, l1_regularization_strength=2.0).apply([np.ones(1, "float32")], [weight])
    >>> print(weight.numpy().round(4))
    [0.4124]
    """

    _own_arguments = {
        "learning_rate_power": not_positive,
        "initial_accumulator_value": not_negative,
        "l1_regularization_strength": not_negative,
        "l2_regularization_strength": not_negative,
        "l2_shrinkage_regularization_strength": not_negative,
        "beta": not_negative,
    }
    _kernel = "ftrl_update"
    _kernel_slots = ("accumulator", "linear")

    @with_shared
    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
        **shared,
    ):
        super().__init__(learning_rate, **shared)
        self._take(
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
        )

    def _slot_groups(self):
        return [{"accumulator": Constant(self.initial_accumulator_value), "linear": "zeros"}]

    def _settings(self, rate, step):
        if rate <= 0:
            raise ValueError(f"Ftrl: its learning rate is {rate!r} at step {step}; expected a number above 0.")
        inverse = 1 / rate
        return (
            inverse,
            -self.learning_rate_power,
            self.l1_regularization_strength,
            2 * self.l2_regularization_strength + self.beta * inverse,
            2 * self.l2_shrinkage_regularization_strength,
        )
