"""The one table of runs of steps that become one step.

A row: the classes of the ops in a row, the function that makes the fused op of them, and a named predicate. Longer rows
come first. A value inside a run must have no other reader. Every row is tested against its own left side, values and
gradients.
"""

from dataclasses import replace
from typing import NamedTuple

from fastconv.ops import loss
from fastconv.ops import primitives as P

LARGEST_WINDOW = 254  # a winner's place is one byte, 255 says none


class Fusion(NamedTuple):
    """One row of the table."""

    pattern: tuple
    fuse: object
    when: object


def always(*ops):
    """No condition."""
    return True


def plain_relu(first, relu):
    """Tell whether the relu has no slope, threshold or maximum, and the op before it none yet."""
    return relu.is_plain and not first.relu


def tiles(conv, relu, pool):
    """Tell whether the pool's windows do not overlap and are not padded, so that each output has one reader."""
    apart = all(stride >= size for stride, size in zip(pool.strides, pool.pool_size, strict=True))
    small = pool.pool_size[0] * pool.pool_size[1] <= LARGEST_WINDOW
    return plain_relu(conv, relu) and apart and small and pool.padding == "valid"


def tiles_first(conv, pool, relu):
    """As `tiles`: relu and maximum may stand in either order."""
    return tiles(conv, relu, pool)


def inverse(first, second):
    """Tell whether the second swap of axes undoes the first."""
    return first.to != second.to


def probabilities(softmax, entropy):
    """Tell whether the loss takes the probabilities that the softmax makes."""
    return not entropy.from_logits


def _conv_pool(conv, pool):
    settings = {key: conv.settings[key] for key in ("strides", "padding", "dilation", "groups")}
    return P.Conv2DReluMaxPool2D(pool.pool_size, pool.strides, **settings)


def _with_relu(op, relu):
    return type(op)(**{**op.settings, "relu": True})


FUSIONS = [
    Fusion((P.Conv2D, P.Relu, P.MaxPool2D), lambda conv, relu, pool: _conv_pool(conv, pool), tiles),
    Fusion((P.Conv2D, P.MaxPool2D, P.Relu), lambda conv, pool, relu: _conv_pool(conv, pool), tiles_first),
    Fusion((P.Conv2D, P.Relu), _with_relu, plain_relu),
    Fusion((P.Dense, P.Relu), _with_relu, plain_relu),
    Fusion((P.SwapAxes, P.SwapAxes), lambda first, second: None, inverse),
    Fusion(
        (P.Softmax, loss.CrossEntropy),
        lambda softmax, entropy: loss.SoftmaxCrossEntropy(entropy.sparse, entropy.smoothing, entropy.ignored),
        probabilities,
    ),
]


def fuse(steps, kept=()):
    """Return the steps with every row of `FUSIONS` applied, left to right, longest match first, until none applies.

    Parameters
    ----------
    steps : list of Step
    kept : collection of int
        Values that are wanted for themselves: no fusion may swallow them.
    """
    steps = list(steps)
    at = 0
    while at < len(steps):
        for row in FUSIONS:
            run = steps[at : at + len(row.pattern)]
            if _matches(row, run, steps, kept):
                steps[at : at + len(row.pattern)] = _fused(row, run)
                if row.fuse(*(step.op for step in run)) is None:
                    steps = _redirect(steps, run[-1].y, run[0].x)
                at = max(-1, at - 3)  # what stands before may now be part of a longer run
                break
        at += 1
    return steps


def _matches(row, run, steps, kept):
    if [type(step.op) for step in run] != list(row.pattern):
        return False
    inner = [step.y for step in run[:-1]]
    chained = all(after.x == value for value, after in zip(inner, run[1:], strict=True))
    single = all(sum(step.x == value for step in steps) == 1 and value not in kept for value in inner)
    return chained and single and row.when(*(step.op for step in run))


def _fused(row, run):
    op = row.fuse(*(step.op for step in run))
    if op is None:
        return []
    variables = tuple(v for step in run for v in step.variables)
    layers = tuple(dict.fromkeys(name for step in run for name in step.layers))
    return [replace(run[0], op=op, y=run[-1].y, variables=variables, layers=layers)]


def _redirect(steps, old, new):
    """Let readers of the value `old` read `new`."""
    return [replace(step, x=new) if step.x == old else step for step in steps]
