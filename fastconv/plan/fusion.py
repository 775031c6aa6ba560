"""The one table of runs of steps that become one step.

A row: the classes of the ops in a row, the function that makes the fused op of them, a named predicate, and what
becomes of their variables (by default all stay, in order). Longer rows come first. A value inside a run must have no
other reader. Every row is tested against its own left side, values and gradients.
"""

from math import prod
from typing import NamedTuple

from fastconv.ops import loss
from fastconv.ops import primitives as P
from fastconv.ops.activated import Activated
from fastconv.ops.conv_pool import MOST_BITS
from fastconv.ops.pool import LARGEST_WINDOW
from fastconv.plan.folding import folded_transposed_weights, folded_weights

FEW_CELLS = 16  # of a small window


class Fusion(NamedTuple):
    """One row of the table; `wide` ones are of float32 alone, and leave steps whose products are of bfloat16."""

    pattern: tuple
    fuse: object
    when: object
    variables: object = None
    wide: bool = False


def always(*ops):
    """No condition."""
    return True


def plain_relu(first, relu):
    """Tell whether the relu has no slope, threshold or maximum, and the op before it none yet."""
    return relu.is_plain and not first.relu


def lie_apart(pool):
    """Tell whether the pool's windows do not overlap, so that each cell has one reader."""
    return all(stride >= size for stride, size in zip(pool.strides, pool.pool_size, strict=True))


def told_in_bytes(pool):
    """Tell whether a byte can number the cells of the pool's windows."""
    return prod(pool.pool_size) <= LARGEST_WINDOW


def tiles(conv, relu, pool):
    """Tell whether the pool's windows do not overlap and are not padded, so that each output has one reader."""
    return plain_relu(conv, relu) and bare_tiles(conv, pool)


def tiles_first(conv, pool, relu):
    """As `tiles`: relu and maximum may stand in either order."""
    return tiles(conv, relu, pool)


def bare_tiles(conv, pool):
    """As `tiles`, with no relu."""
    return not conv.relu and lie_apart(pool) and told_in_bytes(pool) and pool.padding == "valid"


def few_tiles(conv, pool):
    """As `bare_tiles`, where windows are small: behind larger ones a convolution had better go its own way."""
    return bare_tiles(conv, pool) and prod(pool.pool_size) <= FEW_CELLS


def means(conv, relu, pool):
    """As `tiles`, where a byte has a bit for each cell of a window."""
    return tiles(conv, relu, pool) and prod(pool.pool_size) <= MOST_BITS


def few_means(activation, pool):
    """Tell whether the activation is worked out once for each cell, and a row of windows has not too many of them."""
    return lie_apart(pool) and prod(pool.pool_size) <= FEW_CELLS and isinstance(pool.padding, str)


def winners_told(norm, pool):
    """Tell whether every window has a winner that a byte can number, and nothing but a relu stands before it."""
    return norm.behind in (None, ("relu",)) and told_in_bytes(pool) and isinstance(pool.padding, str)


def inverse(first, second):
    """Tell whether the second swap of axes undoes the first."""
    return first.to != second.to


def linear(first, norm):
    """Tell whether nothing stands between the sums of the first op and the normalization, nor behind it."""
    return not first.relu and not norm.behind


def bare(norm, activation):
    """Tell whether nothing stands behind the normalization yet, and kernels know the activation there."""
    return norm.behind is None and activation.behind is not None


def finishes(op, activation):
    """Tell whether nothing stands behind the op yet, and kernels know the activation there."""
    return not op.relu and activation.behind is not None


def no_relu(*ops):
    """Tell whether none of the ops has a relu yet."""
    return not any(op.relu for op in ops)


def plain_sum(merge, relu):
    """Tell whether it is a sum that the relu stands behind, and `plain_relu` holds."""
    return merge.rule == "add" and plain_relu(merge, relu)


def probabilities(softmax, entropy):
    """Tell whether the loss takes the probabilities that the softmax makes."""
    return not entropy.from_logits


def _conv_pool(conv, pool, rectified=True):
    settings = {key: conv.settings[key] for key in ("strides", "padding", "dilation", "groups")}
    fused = POOLED[type(conv), type(pool)]
    return fused(pool.pool_size, pool.strides, **settings, rectified=rectified)


def _bare_conv_pool(conv, pool):
    return _conv_pool(conv, pool, rectified=False)


def _activation_pool(activation, pool):
    settings = {key: value for key, value in activation.settings.items() if key != "function"}
    return P.ActivationAveragePool2D(activation.function, **pool.settings, **settings)


def _norm_pool(norm, pool):
    return P.BatchNormMaxPool2D(pool.pool_size, pool.strides, pool.padding, **norm.settings)


def _with_relu(op, relu):
    return type(op)(**{**op.settings, "relu": True})


def _with_activation(norm, activation):
    return type(norm)(**{**norm.settings, "behind": activation.behind})


SEVERAL = 5040  # samples of a batch that shows which shapes change with it, though reshape divides it
# ops with weights and a bias; the weights' last axes are the outputs, or the last but one
SUMS = (P.Conv2D, P.DepthwiseConv2D, P.Dense, P.Conv1D, P.Conv3D, P.DepthwiseConv1D, P.DepthwiseConv3D)
TRANSPOSED_SUMS = (P.ConvTranspose1D, P.ConvTranspose2D, P.ConvTranspose3D)
# convolutions that a pool may stand behind, and the two as one
POOLED = {
    (P.Conv2D, P.MaxPool2D): P.Conv2DReluMaxPool2D,
    (P.Conv1D, P.MaxPool1D): P.Conv1DReluMaxPool1D,
    (P.Conv2D, P.AveragePool2D): P.Conv2DAveragePool2D,
    (P.Conv1D, P.AveragePool1D): P.Conv1DAveragePool1D,
}
NORMS, ACTIVATIONS = (P.BatchNorm, P.Normalize), (P.Relu, P.Elementwise)
MAX_POOLS = (P.MaxPool1D, P.MaxPool2D, P.MaxPool3D)
# rows that leave nothing; they come first, since longer runs may meet when they are done
CANCELLATIONS = [Fusion((P.SwapAxes, P.SwapAxes), lambda first, second: None, inverse)]
FUSIONS = [
    Fusion((P.Conv2D, P.Relu, P.MaxPool2D), lambda conv, relu, pool: _conv_pool(conv, pool), tiles),
    Fusion((P.Conv2D, P.MaxPool2D, P.Relu), lambda conv, pool, relu: _conv_pool(conv, pool), tiles_first),
    Fusion((P.Conv1D, P.Relu, P.MaxPool1D), lambda conv, relu, pool: _conv_pool(conv, pool), tiles),
    Fusion((P.Conv1D, P.MaxPool1D, P.Relu), lambda conv, pool, relu: _conv_pool(conv, pool), tiles_first),
    Fusion((P.Conv2D, P.Relu, P.AveragePool2D), lambda conv, relu, pool: _conv_pool(conv, pool), means, wide=True),
    Fusion((P.Conv1D, P.Relu, P.AveragePool1D), lambda conv, relu, pool: _conv_pool(conv, pool), means, wide=True),
    *CANCELLATIONS,
    *(Fusion(pair, _bare_conv_pool, few_tiles, wide=True) for pair in POOLED),
    Fusion((P.Elementwise, P.AveragePool2D), _activation_pool, few_means),
    Fusion((P.BatchNorm, P.MaxPool2D), _norm_pool, winners_told),
    Fusion((P.Conv2D, P.Relu), _with_relu, plain_relu),
    *(Fusion((op, P.Relu), _with_relu, plain_relu) for op in (*SUMS[1:], *TRANSPOSED_SUMS)),
    *(Fusion((norm, act), _with_activation, bare) for norm in NORMS for act in ACTIVATIONS),
    Fusion((P.Merge, P.Relu), _with_relu, plain_sum),
    Fusion((P.Sum, P.Relu), _with_relu, plain_relu),
    Fusion((P.Conv2D, P.Sum), lambda conv, other: P.Conv2DAdd(**conv.settings), no_relu),
    Fusion((P.Conv2DAdd, P.Relu), _with_relu, plain_relu),
    Fusion(
        (P.Softmax, loss.CrossEntropy),
        lambda softmax, entropy: loss.SoftmaxCrossEntropy(entropy.sparse, entropy.smoothing, entropy.ignored),
        probabilities,
    ),
]
# rows for inference only, when all else is fused: values get their activation before they leave the caches
FINISHES = [
    Fusion((op, act), lambda op, act: Activated(op, act.behind), finishes, wide=True)
    for op in (*SUMS, P.Conv2DAdd)
    for act in ACTIVATIONS
]
# rows for inference only: weights that do not learn here may be replaced by others, made when those have changed
FOLDINGS = [
    *(Fusion((op, P.Normalize), lambda op, norm: op, linear, folded_weights) for op in SUMS),
    *(Fusion((op, P.Normalize), lambda op, norm: op, linear, folded_transposed_weights) for op in TRANSPOSED_SUMS),
]


def sink_swaps(steps, shapes, kept=()):
    """Move swaps of axes behind steps that do not mind the order of cells, so that two of them can meet and vanish.

    Parameters
    ----------
    steps : list of Step
    shapes : list of tuple
        The shapes of all values.
    kept : collection of int
        Values that are wanted for themselves.

    Returns
    -------
    steps, shapes
        New lists.
    """
    return _sink(steps, shapes, kept, lambda swap, other: isinstance(swap, P.SwapAxes) and other.elementwise)


def _sink(steps, shapes, kept, sinks):
    """Move a step behind the next one, its only reader, wherever ``sinks(op, next op)``, as far as it goes."""
    steps, shapes = list(steps), list(shapes)
    for i in range(len(steps) - 1):  # a step goes as far as it can on its way through this loop
        first, other = steps[i], steps[i + 1]
        alone = other.x == first.y and _readers(steps, first.y) == 1 and first.y not in kept
        if alone and sinks(first.op, other.op):
            steps[i] = other._replace(x=first.x, y=first.y)
            steps[i + 1] = first._replace(x=first.y, y=other.y)
            shapes[first.y] = tuple(other.op.output_shape(shapes[first.x]))
    return steps, shapes


def settle_sums(steps, input_shapes):
    """Return the steps with sums of two values of one shape as `Sum`, what was made right before them first.

    So a sum at the end of a residual block stands behind one of its branches, whichever that is, and may be fused with
    it. Behind products of bfloat16 it stays by itself: only products are rounded.

    Parameters
    ----------
    steps : list of Step
    input_shapes : list of tuple
        Without the batch.
    """
    found, shapes = [], {i: (SEVERAL, *shape) for i, shape in enumerate(input_shapes)}
    for step in steps:
        params = [None if v is None else shapes[v] if isinstance(v, int) else v.shape for v in step.variables]
        try:
            shapes[step.y] = tuple(step.op.output_shape(shapes[step.x], *params))
        except (ValueError, TypeError, IndexError):
            return steps  # it asks for a certain batch
        before = found[-1] if found else None
        if _is_plain_sum(step, shapes) and not (before and before.narrow):
            values = [step.x, *step.variables]
            x, other = values[::-1] if before and before.y == values[1] else values
            step = step._replace(op=P.Sum(), x=x, variables=(other,))
        found.append(step)
    return found


def _is_plain_sum(step, shapes):
    plain = type(step.op) is P.Merge and step.op.rule == "add" and not step.op.relu and len(step.reads) == 2
    return plain and shapes[step.reads[0]] == shapes[step.reads[1]]


# activations that rise with their argument, in all of their settings or in those that a predicate tells
RISING = {
    **dict.fromkeys(("sigmoid", "tanh", "selu", "softplus", "log_sigmoid", "softsign", "exponential"), always),
    **dict.fromkeys(
        ("hard_sigmoid", "hard_tanh", "sparse_sigmoid", "sparse_plus", "squareplus", "tanh_shrink"), always
    ),
    **dict.fromkeys(("elu", "celu"), lambda op: op.alpha > 0),
    **dict.fromkeys(("hard_shrink", "soft_shrink"), lambda op: op.threshold >= 0),
}


def rises(op):
    """Tell whether an op goes value by value and never falls, so that the maximum may as well be taken before it."""
    if isinstance(op, P.Relu):
        return not op.is_plain and op.negative_slope >= 0 and op.threshold >= 0
    return isinstance(op, P.Elementwise) and RISING.get(op.function, lambda op: False)(op)


def sink_activations(steps, shapes, kept=()):
    """Move activations that rise behind the max pools they stand in front of, where fewer values are left.

    Of equal values behind the activation another one may win than of those before it: where it does not rise, and its
    slope is zero but for rounding. A plain relu stays: convolutions and normalizations have it for nothing.
    See `sink_swaps` for the arguments.
    """
    return _sink(steps, shapes, kept, lambda first, second: rises(first) and isinstance(second, MAX_POOLS))


def fold(steps, kept=()):
    """Return the steps of inference with all that can be folded into the weights of others; see `fuse`.

    It goes before `fuse`, so that what stands behind a normalization meets the op before it.
    """
    return _apply(FOLDINGS, _apply(CANCELLATIONS, list(steps), kept), kept)


def fuse(steps, kept=()):
    """Return the steps with the table applied, left to right, longest match first, until no row applies.

    Parameters
    ----------
    steps : list of Step
    kept : collection of int
        Values that are wanted for themselves: no fusion may swallow them.
    """
    return _apply(FUSIONS, _apply(CANCELLATIONS, list(steps), kept), kept)


def finish(steps, kept=()):
    """Return the fused steps of inference with activations as the last thing that other ops do; see `fuse`."""
    return _apply(FINISHES, list(steps), kept)


def without(op_class, steps):
    """Return the steps without those of a class of ops, whose readers read what these would have read.

    Behind them, a dict tells what stands for the values that are gone.
    """
    left, source = [], {}
    for step in steps:
        step = _reading(step, source)
        if isinstance(step.op, op_class):
            source[step.y] = step.x
        else:
            left.append(step)
    return left, source


def _apply(rows, steps, kept):
    longest = max(len(row.pattern) for row in rows)
    at = 0
    while at < len(steps):
        for row in rows:
            run = steps[at : at + len(row.pattern)]
            if _matches(row, run, steps, kept):
                fused = _fused(row, run)
                steps[at : at + len(run)] = fused
                if not fused:
                    steps = _redirect(steps, run[-1].y, run[0].x)
                at = max(0, at - longest) - 1  # what stands before may now be part of a longer run
                break
        at += 1
    return steps


def _matches(row, run, steps, kept):
    if [type(step.op) for step in run] != list(row.pattern):
        return False
    inner = [step.y for step in run[:-1]]
    chained = all(after.x == value for value, after in zip(inner, run[1:], strict=True))
    single = all(_readers(steps, value) == 1 and value not in kept for value in inner)
    if row.wide and any(step.narrow for step in run):
        return False
    vanishes = row in CANCELLATIONS and run[-1].y in kept
    if row in FOLDINGS and any(isinstance(v, int) for step in run for v in step.variables):
        return False  # made of values, so not the same at each call
    return chained and single and not vanishes and row.when(*(step.op for step in run))


def _readers(steps, value):
    return sum(step.reads.count(value) for step in steps)


def _fused(row, run):
    op = row.fuse(*(step.op for step in run))
    if op is None:
        return []
    variables = (row.variables or _all_variables)(run)
    layers = tuple(dict.fromkeys(name for step in run for name in step.layers))
    return [run[0]._replace(op=op, y=run[-1].y, variables=variables, layers=layers)]


def _all_variables(run):
    return tuple(v for step in run for v in step.variables)


def _redirect(steps, old, new):
    """Let readers of the value `old` read `new`."""
    return [_reading(step, {old: new}) for step in steps]


def _reading(step, source):
    """Return a step that reads other values: those that `source` has for the ones it read."""
    if not any(x in source for x in step.reads):
        return step
    variables = tuple(source.get(v, v) if isinstance(v, int) else v for v in step.variables)
    return step._replace(x=source.get(step.x, step.x), variables=variables)
