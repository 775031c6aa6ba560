"""Weights made of other weights: a normalization in inference, folded into the op before it.

(x * w + b - mean) / sqrt(variance + epsilon) * gamma + beta is x * w' + b', with w' = w * scale for every output
channel and b' = (b - mean) * scale + beta. A program makes them when it digests the weights, so a call costs nothing,
and they are made again when any of the variables has changed.
"""

import numpy as np


class Folded:
    """Stands in a step for a variable: an array that `fold` makes of variables.

    Parameters
    ----------
    make : function
        Writes the values, into the array that it is given first, from those of the `sources`.
    shape : tuple of int
    sources : tuple of Variable or None
    """

    trainable = False

    def __init__(self, make, shape, sources):
        self.make, self.sources = make, sources
        self.array = np.empty(shape, sources[0].dtype)

    @property
    def shape(self):
        """The shape of the array."""
        return self.array.shape

    def fold(self):
        """Make the values anew."""
        self.make(self.array, *(None if v is None else v.array for v in self.sources))


def folded_transposed_weights(run):
    """As `folded_weights`, where the op's outputs are the last axis of its weights but one."""
    return folded_weights(run, inner=run[0].variables[0].shape[-1])


def folded_weights(run, inner=1):
    """Return weights and bias of a run: an op with weights and bias, and a normalization behind it.

    The weights' last axes are the op's outputs: as many of them as make up the normalization's channels. Behind them
    are `inner` values each.
    """
    (weights, bias), (gamma, beta, mean, variance) = (step.variables for step in run)
    epsilon = run[1].op.epsilon

    def scale(gamma, variance):
        return (1 if gamma is None else gamma) / np.sqrt(variance + np.float64(epsilon))

    def make_weights(out, weights, gamma, variance):
        shape = (-1, variance.size, inner)
        factors = scale(gamma, variance).astype(out.dtype)[:, None]
        np.multiply(weights.reshape(shape), factors, out=out.reshape(shape))

    def make_bias(out, mean, variance, bias, gamma, beta):
        centred = (0.0 if bias is None else bias.astype(np.float64)) - mean
        out[...] = centred * scale(gamma, variance) + (0 if beta is None else beta)

    return (
        Folded(make_weights, weights.shape, (weights, gamma, variance)),
        Folded(make_bias, mean.shape, (mean, variance, bias, gamma, beta)),
    )
