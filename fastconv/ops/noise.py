"""Random ops: dropout and noise. The site's seed decides, so the way back meets the same dice."""

import numpy as np

from fastconv.ops.op import Op
from fastconv.runtime import seeds

_DROPPED = -1.0507009873554805 * 1.6732632423543772  # where selu ends on the left


class _Random(Op):
    reads = ""
    elementwise = True
    random = True

    def __init__(self, draw, **settings):
        super().__init__(**settings)
        self.draw = draw

    def _call(self, site, x, y, way_back):
        raise NotImplementedError

    def forward(self, site):
        return [self._call(site, site.x.reshape(-1), site.y.reshape(-1), False)]

    def backward(self, site):
        if site.dx is None:
            return []
        return [self._call(site, site.dy.reshape(-1), site.dx.reshape(-1), True)]


class Dropout(_Random):
    """Zero a share `rate` of the values and scale the others by 1 / (1 - rate).

    With a `noise_shape` (of a batch; None: as the input) values along its axes of size 1 share their fate.
    """

    name = "dropout"

    def __init__(self, rate, draw=seeds.next_seed, noise_shape=None):
        super().__init__(draw, rate=rate, noise_shape=noise_shape)

    @property
    def elementwise(self):
        """Whether each value has a fate of its own."""
        return self.noise_shape is None

    def _numbers(self):
        """Return scale and shift of what is kept, and what stands for the rest."""
        return (1 / (1 - self.rate) if self.rate < 1 else 0.0), 0.0, 0.0

    def _places(self, shape):
        """Return the place of each value of a sample, and the number of places a sample has."""
        if self.noise_shape is None:
            return {}
        noise = [n if m is None else m for n, m in zip(shape, self.noise_shape, strict=True)]
        if any(m not in (1, n) for n, m in zip(shape, noise, strict=True)):
            raise ValueError(f"dropout: noise_shape={self.noise_shape} does not fit inputs of shape {shape}.")
        size = int(np.prod(noise[1:], dtype=int))
        places = np.broadcast_to(np.arange(size).reshape(noise[1:]), shape[1:])
        stride = 0 if noise[0] == 1 < shape[0] else size
        return {"places": np.ascontiguousarray(places, np.intp).reshape(-1), "stride": stride}

    def _call(self, site, x, y, way_back):
        scale, shift, fill = self._numbers()
        ends = (scale, 0.0, 0.0) if way_back else (scale, shift, fill)
        places = self._places(tuple(site.x_shape))
        return site.k.dropout(x, y, site.seed, self.rate, *ends, **places, threads=site.threads)


class AlphaDropout(Dropout):
    """Dropout to where selu ends, and the two numbers that keep mean and variance (Klambauer and others 2017)."""

    name = "alpha_dropout"

    def _numbers(self):
        scale = ((1 - self.rate) * (1 + self.rate * _DROPPED**2)) ** -0.5
        shift = -scale * _DROPPED * self.rate
        return scale, shift, scale * _DROPPED + shift


class GaussianNoise(_Random):
    """x + stddev * z, with z from the normal distribution."""

    name = "gaussian_noise"
    multiplies = False

    def __init__(self, stddev, draw=seeds.next_seed):
        super().__init__(draw, stddev=stddev)

    def _call(self, site, x, y, way_back):
        stddev = 0.0 if way_back and not self.multiplies else self.stddev
        return site.k.gaussian(x, y, site.seed, stddev, self.multiplies, threads=site.threads)


class GaussianDropout(GaussianNoise):
    """x * (1 + stddev * z)."""

    name = "gaussian_dropout"
    multiplies = True
