"""How many samples inference takes through all steps at a time: what goes from step to step then stays in the caches.

A batch of large images whose values pass every cache is read from memory and written there by each step. In slices of
some images a step finds what the one before has just written. Results have the same bits: all that is sliced makes of a
sample what it makes of it in any batch.
"""

from math import prod

from fastconv.ops import primitives as P

NEAR_BYTES = 4 << 20  # of what a step reads and writes, for each thread (measured)

#: Ops that make of a sample what they make of it alone.
BY_SAMPLE = (
    *(P.Conv2D, P.ConvTranspose2D, P.DepthwiseConv2D, P.Normalize, P.Relu, P.Elementwise, P.PRelu, P.Softmax),
    *(P.LogSoftmax, P.MaxPool1D, P.MaxPool2D, P.MaxPool3D, P.AveragePool1D, P.AveragePool2D, P.AveragePool3D),
    *(P.ActivationAveragePool2D, P.AdaptiveMaxPool, P.AdaptiveAveragePool, P.GroupNorm, P.LayerNorm, P.UnitNorm),
    *(P.Merge, P.Concatenate, P.Reshape, P.SwapAxes, P.Permute, P.Crop, P.ZeroPad, P.Repeat, P.Resample),
    *(P.ResampleImages, P.Rescale, P.Standardize),
)


def samples_at_once(steps, shapes, itemsize, threads):
    """Return how many samples a slice has; None if the steps need all samples at once.

    Parameters
    ----------
    steps : list of Step
    shapes : list of tuple of int
        Of all values, for one sample.
    itemsize : int
        Bytes of a number.
    threads : int
        A slice has a multiple of as many samples.
    """
    if not steps or not all(map(_is_by_sample, steps)):
        return None
    sizes = [sum(prod(shapes[v][1:]) for v in (*step.reads, step.y)) * itemsize for step in steps]
    weights = {id(v): prod(v.shape) * itemsize for step in steps for v in step.weights}
    near = NEAR_BYTES * threads // max(1, *sizes)
    enough = sum(weights.values()) // max(
        1, sum(sizes)
    )  # each slice reads the weights anew: not more of them than values
    return max(1, near // threads, -(-enough // threads)) * threads


def even(n, most, threads):
    """Return the size of slices of n samples: as even as multiples of the threads allow, n if there would be but one.

    Examples
    --------
    >>> even(128, 48, 2), even(100, 8, 2), even(60, 48, 2)
    (44, 8, 60)
    """
    if n < 2 * most:
        return n
    share = -(-n // -(-n // most))
    return -(-share // threads) * threads


def _is_by_sample(step):
    op = step.op
    while not isinstance(op, BY_SAMPLE) and hasattr(op, "op"):  # with an activation behind it, or of bfloat16
        op = op.op
    return isinstance(op, BY_SAMPLE) and not (isinstance(op, P.Concatenate) and op.given["axis"] == 0)
