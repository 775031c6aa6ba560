"""One step of an optimizer on one array, in Keras's form."""

import math


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
