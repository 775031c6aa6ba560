"""Layers that act in training only."""

import math

import numpy as np

from fastconv.layers.layer import Layer, count, number, sizes
from fastconv.names import Spelling
from fastconv.ops import primitives as P
from fastconv.regularizers import L1L2
from fastconv.runtime import seeds, settings


class ActivityRegularization(Layer):
    """Values as they are, while a penalty on them is added to the loss.

    Parameters
    ----------
    l1, l2 : float
        See `fastconv.regularizers.L1L2`; the penalty is divided by the batch.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import ActivityRegularization
    >>> layer = ActivityRegularization(l1=0.5)
    >>> layer([[1.0, -3.0]])
    array([[ 1., -3.]], dtype=float32)
    >>> float(layer.losses[0])
    2.0
    """

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def lower(self, trace, x):
        """Return the value as it is; see `Layer.lower`."""
        return x

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        config = super().get_config()
        config.pop("activity_regularizer")
        return {**config, "l1": self.l1, "l2": self.l2}


class _Noise(Layer):
    """What draws random numbers in training: a seed of its own, or the library's."""

    def _set_seed(self, seed):
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        self.seed = None if seed is None else count(owner, "seed", seed, 0)
        self._own = None if seed is None else np.random.default_rng(self.seed)

    def _draw(self):
        return seeds.next_seed() if self._own is None else int(self._own.integers(0, 2**63 - 1))

    def _share(self, argument, value, below=False):
        """Return a number from 0 to 1, 1 itself not included with `below`."""
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        if below and value == 1 and not isinstance(value, bool):
            raise ValueError(f"{owner}: {argument}={value!r} would leave nothing; expected less than 1.")
        return number(owner, argument, value, 1)

    def noise_op(self, shape):
        """Return the op for inputs of a shape, None where there is nothing to do."""
        raise NotImplementedError

    def lower(self, trace, x):
        """Add the op, in training; see `Layer.lower`."""
        op = self.noise_op(trace.shape(x)) if trace.training else None
        return x if op is None else trace.add(op, x)


class _Dropout(_Noise):
    op_class = P.Dropout

    def _noise_shape(self, value):
        """Return a checked noise_shape: None, or sizes above 0 and None."""
        if value is None:
            return None
        owner = f"Layer {self.name!r} ({type(self).__name__})"
        if isinstance(value, str):
            raise ValueError(f"{owner}: noise_shape={value!r} is not a tuple of sizes.")
        return sizes(owner, "noise_shape", value)

    def shared(self, shape):
        """Return the noise_shape for inputs of a shape."""
        return self.noise_shape

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        noise = self.noise_shape
        fits = noise is None or (
            len(noise) == len(input_shape)
            and all(m in (None, 1, n) for n, m in zip(input_shape[1:], noise[1:], strict=True))
        )
        if not fits:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}): noise_shape={noise} does not fit inputs of shape "
                f"{tuple(input_shape)}; expected for each axis None, 1 or its size."
            )
        return tuple(input_shape)

    def noise_op(self, shape):
        """Return the op; see `_Noise`."""
        return self.op_class(self.rate, self._draw, self.shared(shape)) if self.rate else None

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


class Dropout(_Dropout):
    """Zero a random share of the inputs while training, and scale the others up so that the expected sum stays.

    Parameters
    ----------
    rate : float
        The share, from 0 to 1.
    noise_shape : tuple, optional
        For each axis, the batch included, its size or None (each place has its own fate) or 1 (places share it).
    seed : int, optional
        Makes the layer's draws its own; by default they come from ``utils.set_random_seed``.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the rate is out of range, or the noise's shape does not fit the inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Dropout
    >>> Dropout(0.5)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = self._share("rate", rate)
        self.noise_shape = self._noise_shape(noise_shape)
        self._set_seed(seed)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance of what selu makes: dropped values go to where selu ends.

    Parameters
    ----------
    rate : float
        From 0 to below 1.
    noise_shape, seed
        See `Dropout`.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import AlphaDropout
    >>> AlphaDropout(0.5)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    op_class = P.AlphaDropout

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = self._share("rate", rate, below=True)
        self.noise_shape = self._noise_shape(noise_shape)
        self._set_seed(seed)


class _SpatialDropout(Spelling, _Dropout):
    rank = 1
    data_format = "channels_last"
    noise_shape = None

    def _set(self, rate, seed):
        self.rate = self._share("rate", rate)
        self._set_seed(seed)

    def shared(self, shape):
        """Return the noise_shape: one fate a channel."""
        ones = (1,) * self.rank
        return (None, None, *ones) if self.data_format == "channels_first" else (None, *ones, None)

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, self.rank + 2)
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        config = {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype_config}
        return config if self.rank == 1 else {**config, "data_format": self.data_format}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences.

    Parameters
    ----------
    rate, seed
        See `Dropout`.
    name, dtype : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import SpatialDropout1D
    >>> SpatialDropout1D(0.5)(np.ones((1, 2, 1))).ravel()
    array([1., 1.], dtype=float32)
    """

    def __init__(self, rate, seed=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._set(rate, seed)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Parameters
    ----------
    rate, seed
        See `Dropout`.
    data_format : {"channels_last", "channels_first"}, optional
    name, dtype : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import SpatialDropout2D
    >>> y = SpatialDropout2D(0.5)(np.ones((1, 4, 4, 8)), training=True)
    >>> bool((y == y[:, :1, :1]).all())
    True
    """

    rank = 2

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._set(rate, seed)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes; see `SpatialDropout2D`.

    Parameters
    ----------
    rate, seed
        See `Dropout`.
    data_format : {"channels_last", "channels_first"}, optional
    name, dtype : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import SpatialDropout3D
    >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 1))).sum()
    np.float32(8.0)
    """

    rank = 3

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._set(rate, seed)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")


class GaussianNoise(_Noise):
    """Normal noise added while training.

    Parameters
    ----------
    stddev : float
        From 0 to 1.
    seed : int, optional
        See `Dropout`.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GaussianNoise
    >>> GaussianNoise(0.5)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.stddev = self._share("stddev", stddev)
        self._set_seed(seed)

    def noise_op(self, shape):
        """Return the op; see `_Noise`."""
        return P.GaussianNoise(self.stddev, self._draw) if self.stddev else None

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(_Noise):
    """Values multiplied by normal noise around 1 while training, with the variance that `Dropout` of the rate has.

    Parameters
    ----------
    rate : float
        From 0 to below 1; the standard deviation is sqrt(rate / (1 - rate)).
    seed : int, optional
        See `Dropout`.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import GaussianDropout
    >>> GaussianDropout(0.5)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = self._share("rate", rate, below=True)
        self._set_seed(seed)

    def noise_op(self, shape):
        """Return the op; see `_Noise`."""
        return P.GaussianDropout(math.sqrt(self.rate / (1 - self.rate)), self._draw) if self.rate else None

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
