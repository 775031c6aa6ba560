"""Adagrad: steps that shrink with all gradients so far."""

from fastconv.initializers import Constant
from fastconv.optimizers.arguments import not_negative, with_shared
from fastconv.optimizers.base import Optimizer


class Adagrad(Optimizer):
    """Gradient descent with each gradient divided by the root of the sum of all its squares so far.

    ``a += g**2`` and ``w -= learning_rate * g / sqrt(a + epsilon)``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of the steps.
    initial_accumulator_value : float
        How the sum begins.
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
    >>> Adagrad(0.1, initial_accumulator_value=3.0).apply([np.ones(1, "float32")], [weight])
    >>> print(weight.numpy().round(4))
    [0.95]
    """

    _own_arguments = {"initial_accumulator_value": not_negative, "epsilon": not_negative}
    _kernel = "adagrad_update"
    _kernel_slots = ("accumulator",)

    @with_shared
    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, **shared):
        super().__init__(learning_rate, **shared)
        self._take(initial_accumulator_value=initial_accumulator_value, epsilon=epsilon)

    def _slot_groups(self):
        return [{"accumulator": Constant(self.initial_accumulator_value)}]

    def _settings(self, rate, step):
        return rate, self.epsilon
