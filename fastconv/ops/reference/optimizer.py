"""One step of an optimizer on one array, in Keras's form."""

import math

import numpy as np


def sgd_update(params, grads, velocity, lr, momentum=0.0, nesterov=False):
    """Return parameters and velocity after one step of gradient descent.

    ``velocity = momentum * velocity - lr * grads``; the parameters move by the velocity or, with `nesterov`,
    by ``momentum * velocity - lr * grads`` of the new velocity.

    Parameters
    ----------
    params, grads, velocity : ndarray
    lr, momentum : float
    nesterov : bool

    Returns
    -------
    params, velocity : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> params, velocity = np.ones(1), np.zeros(1)
    >>> for g in (0.1, -0.2, 0.3):
    ...     params, velocity = sgd_update(params, np.array([g]), velocity, 0.01, 0.9)
    ...     print(params.round(6).item())
    0.999
    1.0001
    0.99809
    """
    velocity = momentum * velocity - lr * grads
    step = momentum * velocity - lr * grads if nesterov else velocity
    return params + step, velocity


def adam_update(params, grads, m, v, lr, beta_1, beta_2, epsilon, t):
    """Return parameters and both moments after one step of Adam.

    ``params -= lr * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)``: epsilon is added to
    the root of the raw second moment, not of the bias-corrected one.

    Parameters
    ----------
    params, grads : ndarray
    m, v : ndarray
        Running means of the gradients and of their squares; zeros before the first step.
    lr, beta_1, beta_2, epsilon : float
    t : int
        Number of this step, from 1.

    Returns
    -------
    params, m, v : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> params, m, v = np.ones(1), np.zeros(1), np.zeros(1)
    >>> for t, g in enumerate((0.1, -0.2, 0.3), start=1):
    ...     params, m, v = adam_update(params, np.array([g]), m, v, 0.001, 0.9, 0.999, 1e-7, t)
    ...     print(params.round(6).item())
    0.999
    0.999366
    0.999023
    """
    m = beta_1 * m + (1 - beta_1) * grads
    v = beta_2 * v + (1 - beta_2) * grads * grads
    rate = lr * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return params - rate * m / (v**0.5 + epsilon), m, v


def adamax_update(params, grads, m, u, lr, beta_1, beta_2, epsilon, t):
    """Return parameters, the mean and the fading maximum of gradients after one step of Adamax.

    Parameters
    ----------
    params, grads : ndarray
    m, u : ndarray
        Running mean of the gradients and fading maximum of their absolute values; zeros before the first step.
    lr, beta_1, beta_2, epsilon : float
    t : int
        Number of this step, from 1.

    Returns
    -------
    params, m, u : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> params, m, u = adamax_update(np.ones(1), np.full(1, 0.5), np.zeros(1), np.zeros(1), 0.1, 0.9, 0.9, 0, 1)
    >>> params.round(6).item(), u.item()
    (0.9, 0.5)
    """
    m = beta_1 * m + (1 - beta_1) * grads
    u = np.maximum(beta_2 * u, abs(grads))
    return params - lr / (1 - beta_1**t) * m / (u + epsilon), m, u


def nadam_update(params, grads, m, v, product, lr, beta_1, beta_2, epsilon, t):
    """Return parameters, both moments and the product of momentums after one step of Nadam.

    The momentum of step t is ``beta_1 * (1 - 0.5 * 0.96**t)``.

    Parameters
    ----------
    params, grads : ndarray
    m, v : ndarray
        Running means of the gradients and of their squares; zeros before the first step.
    product : float
        The product of the momentums of all steps before; 1 before the first.
    lr, beta_1, beta_2, epsilon : float
    t : int
        Number of this step, from 1.

    Returns
    -------
    params, m, v : ndarray
        New arrays.
    product : float
        With the momentum of this step.

    Examples
    --------
    >>> import numpy as np
    >>> params, m, v, product = nadam_update(np.ones(1), np.ones(1), np.zeros(1), np.zeros(1), 1, 0.1, 0.9, 0.9, 0, 1)
    >>> params.round(4).item(), round(product, 3)
    (0.8937, 0.468)
    """
    now, ahead = (beta_1 * (1 - 0.5 * 0.96**step) for step in (t, t + 1))
    product = product * now
    m = beta_1 * m + (1 - beta_1) * grads
    v = beta_2 * v + (1 - beta_2) * grads * grads
    step = ahead / (1 - product * ahead) * m + (1 - now) / (1 - product) * grads
    return params - lr * step / ((v / (1 - beta_2**t)) ** 0.5 + epsilon), m, v, product


def adagrad_update(params, grads, accumulator, lr, epsilon):
    """Return parameters and the sum of squared gradients after one step of Adagrad.

    Parameters
    ----------
    params, grads, accumulator : ndarray
    lr, epsilon : float

    Returns
    -------
    params, accumulator : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> params, accumulator = adagrad_update(np.ones(1), np.full(1, 3.0), np.full(1, 16.0), 0.5, 0)
    >>> params.item(), accumulator.item()
    (0.7, 25.0)
    """
    accumulator = accumulator + grads * grads
    return params - lr * grads / (accumulator + epsilon) ** 0.5, accumulator


def adadelta_update(params, grads, squares, steps, lr, rho, epsilon):
    """Return parameters and the running means of squared gradients and squared steps after one step of Adadelta.

    Parameters
    ----------
    params, grads : ndarray
    squares, steps : ndarray
        Running means of the squares of gradients and of steps; zeros before the first step.
    lr, rho, epsilon : float

    Returns
    -------
    params, squares, steps : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> params, squares, steps = adadelta_update(np.ones(1), np.ones(1), np.zeros(1), np.zeros(1), 1, 0.75, 0.25)
    >>> params.round(4).item(), squares.item(), steps.round(4).item()
    (0.2929, 0.25, 0.125)
    """
    squares = rho * squares + (1 - rho) * grads * grads
    step = (steps + epsilon) ** 0.5 / (squares + epsilon) ** 0.5 * grads
    return params - lr * step, squares, rho * steps + (1 - rho) * step * step


def rmsprop_update(params, grads, velocity, mean, momentum, lr, rho, beta, epsilon, centered=False):
    """Return parameters and what RMSprop remembers after one step of it.

    Parameters
    ----------
    params, grads : ndarray
    velocity, mean, momentum : ndarray
        Running means of the squares of gradients and of gradients, and the sum of fading steps; zeros before the first.
    lr, rho, beta, epsilon : float
        `rho` is of the means, `beta` of the momentum.
    centered : bool
        Whether the square of the mean is subtracted from the velocity.

    Returns
    -------
    params, velocity, mean, momentum : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> rmsprop_update(np.ones(1), np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1), 0.1, 0.75, 0, 0)[0].item()
    0.8
    """
    velocity = rho * velocity + (1 - rho) * grads * grads
    mean = rho * mean + (1 - rho) * grads
    variance = np.maximum(velocity - mean * mean, 0) if centered else velocity
    momentum = beta * momentum + lr * grads / (variance + epsilon) ** 0.5
    return params - momentum, velocity, mean, momentum


def lion_update(params, grads, momentum, lr, beta_1, beta_2):
    """Return parameters and momentum after one step of Lion.

    Parameters
    ----------
    params, grads, momentum : ndarray
    lr, beta_1, beta_2 : float

    Returns
    -------
    params, momentum : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> lion_update(np.ones(3), np.array([5.0, 0.0, -0.1]), np.zeros(3), 0.5, 0.9, 0.99)[0].tolist()
    [0.5, 1.0, 1.5]
    """
    step = lr * np.sign(beta_1 * momentum + (1 - beta_1) * grads)
    return params - step, beta_2 * momentum + (1 - beta_2) * grads


def ftrl_update(params, grads, accumulator, linear, lr, power, l1, l2, shrinkage, beta):
    """Return parameters and what Ftrl remembers after one step of it.

    Parameters
    ----------
    params, grads : ndarray
    accumulator : ndarray
        Sum of the squares of gradients.
    linear : ndarray
        Zeros before the first step.
    lr, power, l1, l2, shrinkage, beta : float
        `power` is how the learning rate depends on the accumulator, at most 0.

    Returns
    -------
    params, accumulator, linear : ndarray
        New arrays.

    Examples
    --------
    >>> import numpy as np
    >>> ftrl_update(np.ones(1), np.ones(1), np.zeros(1), np.zeros(1), 0.1, -0.5, 4.0, 0, 0, 0)[0].item()
    0.5
    """
    before, accumulator = accumulator ** (-power), accumulator + grads * grads
    now = accumulator ** (-power)
    linear = linear + grads + 2 * shrinkage * params - (now - before) / lr * params
    weight = now / lr + 2 * (l2 + beta / (2 * lr))
    return (np.clip(linear, -l1, l1) - linear) / weight, accumulator, linear
