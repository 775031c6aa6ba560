"""What a plan's steps are, in numbers: shapes, operations and bytes of one sample; the table that ``print`` shows."""

from math import prod
from typing import NamedTuple

from fastconv import kernels


class Facts(NamedTuple):
    """One step, for a batch of one.

    Attributes
    ----------
    name : str
        The op's.
    layers : tuple of str
        The layers that it comes from.
    input_shape, output_shape : tuple of int
        Without the batch.
    flops : int
        Additions and multiplications of the definition, forward.
    output_bytes, weight_bytes : int
        What it writes, 0 for a step that only sees the same memory under another shape; and the weights it reads.
    """

    name: str
    layers: tuple
    input_shape: tuple
    output_shape: tuple
    flops: int
    output_bytes: int
    weight_bytes: int


def facts(step, shapes, itemsize):
    """Return the `Facts` of a step, from the shapes of all values and the bytes of a number."""
    x, y = shapes[step.x], shapes[step.y]
    params = [None if v is None else shapes[v] if isinstance(v, int) else v.shape for v in step.variables]
    return Facts(
        step.op.name,
        step.layers,
        tuple(x[1:]),
        tuple(y[1:]),
        step.op.flops(x, *params),
        0 if step.op.alias else prod(y) * itemsize,
        sum(prod(v.shape) for v in step.weights) * itemsize,
    )


def flops_by_layer(plan):
    """Return the operations of each layer for one sample, by its name: those of its own ops, before any fusion."""
    unfused, found = plan.unfused, {}
    for step in unfused.steps:
        for name in step.layers:
            found[name] = found.get(name, 0) + facts(step, unfused.shapes, plan.dtype.itemsize).flops
    return found


def text(plan):
    """Return the table of a plan's steps."""
    count = len(plan.steps)
    title = f"plan of {count} step{'' if count == 1 else 's'}, {plan.dtype}, kernels {kernels.variant()}"
    rows = [("step", "input", "output", "kFLOP", "KB out", "KB weights", "layers")]
    known = plan.facts
    for i, step in enumerate(known):
        shapes = ["x".join(map(str, shape)) for shape in (step.input_shape, step.output_shape)]
        numbers = [f"{n / 1000:,.1f}" for n in (step.flops, step.output_bytes, step.weight_bytes)]
        rows.append((f"{i} {step.name}", *shapes, *numbers, ", ".join(step.layers)))
    if count > 1:
        sums = [sum(getattr(step, key) for step in known) for key in ("flops", "output_bytes", "weight_bytes")]
        rows.append(("together", "", "", *(f"{n / 1000:,.1f}" for n in sums), ""))
    return "\n".join([f"{title}; for one sample:", *aligned(rows, "<<<>>><")])


def aligned(rows, sides):
    """Return the lines of a table, its columns two spaces apart.

    Examples
    --------
    >>> aligned([("step", "ms"), ("relu", "12")], "<>")
    ['step  ms', 'relu  12']
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(sides))]
    return ["  ".join(f"{cell:{s}{w}}" for cell, s, w in zip(row, sides, widths, strict=True)).rstrip() for row in rows]
