"""Where the time of a plan goes: each step's calls timed by themselves, beside what the machine can do at most."""

from math import prod
from time import perf_counter
from typing import NamedTuple

import numpy as np

from fastconv import kernels
from fastconv.plan.arena import block
from fastconv.plan.describe import aligned, facts
from fastconv.plan.program import Program, one_call
from fastconv.runtime.threads import get_num_threads

FEWEST_ROUNDS = 3
PEAK_FLOPS = 100_000_000  # operations in registers: a millisecond or less
PEAK_ROUNDS = 20


class Pass(NamedTuple):
    """What a step does in one direction.

    Attributes
    ----------
    seconds : float
        The median of the rounds, for the whole batch.
    flops : int
        Additions and multiplications of the definition; Winograd's tiles make do with fewer. A gradient counts as many
        as the forward pass.
    kernels : tuple of str
        What is called, in order.
    """

    seconds: float
    flops: int
    kernels: tuple

    @property
    def gflops(self):
        """Billions of operations a second."""
        return self.flops / self.seconds / 1e9 if self.seconds else 0.0


class StepTime(NamedTuple):
    """A step's passes; ``backward`` is None where nothing goes back.

    Attributes
    ----------
    name : str
        The op's.
    layers : tuple of str
    input_shape, output_shape : tuple of int
        With the batch.
    bytes : int
        What the forward pass has to read and write: input, weights and output, each once.
    forward, backward : Pass or None
    reads : tuple of int
        The numbers of the steps whose outputs it reads; -1 is the model's input.
    """

    name: str
    layers: tuple
    input_shape: tuple
    output_shape: tuple
    bytes: int
    forward: Pass
    backward: Pass | None
    reads: tuple = ()


class Profile:
    """The times of all steps for one batch; ``print`` shows a table, ``rich.print`` one with lines and colours.

    Attributes
    ----------
    steps : list of StepTime
    seconds : float
        The median time of the whole, run in one go as in training or prediction (without the optimizer).
    batch : int
        Samples.
    mode : {"predict", "train"}
    variant : str
        Of the kernels.
    threads : int
    peak : float
        Operations a second that this machine was seen to do: multiply-adds in registers, on as many threads.
    rounds : int
        How often each step was timed.
    """

    def __init__(self, steps, seconds, program, peak, rounds):
        self.steps, self.seconds, self.peak, self.rounds = steps, seconds, peak, rounds
        self.batch, self.mode, self.threads, self.variant = program.n, program.mode, program.threads, kernels.variant()

    def percent(self, part):
        """Return the speed of a `Pass` in percent of the peak."""
        return 100e9 * part.gflops / self.peak

    def as_dicts(self):
        """Return the steps as dictionaries of plain values: for tables, data frames, JSON."""
        return [
            {**step._asdict(), **{key: self._pass(step, key) for key in ("forward", "backward")}} for step in self.steps
        ]

    def _pass(self, step, direction):
        part = getattr(step, direction)
        return None if part is None else {**part._asdict(), "gflops": part.gflops, "percent": self.percent(part)}

    # -- showing ------------------------------------------------------------------------------------------
    @property
    def title(self):
        """What was measured, in a line."""
        what = "forward and backward" if self.mode == "train" else "forward"
        return (
            f"{what} of {self.batch} sample{'s' * (self.batch != 1)} in {1000 * self.seconds:.3f} ms, "
            f"{self.threads} thread{'s' * (self.threads != 1)}, kernels {self.variant}, "
            f"peak {self.peak / 1e9:.0f} GFLOP/s"
        )

    def _columns(self):
        directions = ("forward", "backward") if self.mode == "train" else ("forward",)
        head = ["step", "output", "kernel"]
        for direction in directions:
            head += [f"{direction} ms", "GFLOP/s", "%"]
        rows = [
            [f"{i} {step.name}", "x".join(map(str, step.output_shape)), kernel_names(step.forward)]
            + [cell for direction in directions for cell in self._cells(getattr(step, direction))]
            for i, step in enumerate(self.steps)
        ]
        sums = []
        for direction in directions:
            parts = [part for step in self.steps if (part := getattr(step, direction)) is not None]
            sums += self._cells(Pass(sum(p.seconds for p in parts), sum(p.flops for p in parts), ()))
        return head, [*rows, ["together", "", "", *sums]], "<<<" + ">>>" * len(directions)

    def _cells(self, part):
        if part is None:
            return ["", "", ""]
        speed = [f"{part.gflops:.1f}", f"{self.percent(part):.0f}"] if part.flops and part.seconds else ["", ""]
        return [f"{1000 * part.seconds:.3f}", *speed]

    def __str__(self):
        head, rows, sides = self._columns()
        return "\n".join([self.title, *aligned([head, *rows], sides)])

    def __rich__(self):
        from rich.table import Table

        head, rows, sides = self._columns()
        table = Table(title=self.title, title_justify="left")
        for name, side in zip(head, sides, strict=True):
            table.add_column(name, justify="left" if side == "<" else "right")
        for row in rows[:-1]:
            table.add_row(*row)
        table.add_section()
        table.add_row(*rows[-1])
        return table


def kernel_names(part):
    """Return the names of what a pass calls, each once.

    Examples
    --------
    >>> kernel_names(Pass(0.1, 0, ("pack_filters", "conv2d_forward", "conv2d_forward")))
    'pack_filters, conv2d_forward'
    """
    return ", ".join(dict.fromkeys(part.kernels)) or "-"


def measure(plan, n, fill, mode="predict", weights_shapes=(), seconds=0.5):
    """Time the steps of a plan for a batch, in memory of their own; nothing of the model is changed.

    Parameters
    ----------
    plan : Plan
    n : int
        Samples.
    fill : callable
        Writes the batch into a program's arrays.
    mode : {"predict", "train"}
    weights_shapes : tuple of (tuple of int or None)
        For each loss the shape of one sample's weights, None if there are none.
    seconds : float
        How long to measure, about.

    Returns
    -------
    Profile
    """
    program, other = (Program(plan, n, mode, get_num_threads(), weights_shapes) for _ in range(2))
    memory = block(program.size)
    for bound in (program, other):
        bound.bind(memory)
    state = [step.variables[place] for step in program.steps for place in step.op.state]
    kept = [variable.array.copy() for variable in state]
    try:
        if mode != "train":
            plan.refresh(program)
        times, whole = _rounds(program, other, fill, seconds)
    finally:
        for variable, values in zip(state, kept, strict=True):
            variable.assign(values)
    best = peak(plan.dtype.name, kernels.variant(), program.threads)
    return Profile(_steps(program, times), float(np.median(whole)), program, best, len(whole))


def _rounds(program, other, fill, seconds):
    """Return the times of each piece of a program, and of all of the other's in one go, round by round.

    There are two programs since a sequence settles the threads of its kernels, and these may differ. Buffers share
    memory, so the batch is written anew for each pass. The first round only warms up.
    """
    k = kernels.for_dtype(program.plan.dtype)
    pieces = [one_call(calls, k) for *_, calls in program.pieces]
    in_one_go = one_call([call for *_, calls in other.pieces for call in calls], k)
    times, whole = [[] for _ in pieces], []
    end = perf_counter() + seconds
    while len(whole) <= FEWEST_ROUNDS or perf_counter() < end:
        fill(other)
        whole.append(_time(in_one_go))
        fill(program)
        for piece, found in zip(pieces, times, strict=True):
            found.append(_time(piece))
    return [found[1:] for found in times], whole[1:]


def _time(call):
    start = perf_counter()
    call()
    return perf_counter() - start


def _steps(program, times):
    """Return the `StepTime` of every step, in order."""
    found = {}
    for (phase, step, calls), seconds in zip(program.pieces, times, strict=True):
        if step is not None:
            direction = "backward" if phase == "backward" else "forward"
            entry = found.setdefault(id(step), {"step": step, "forward": (0.0, ()), "backward": None})
            before, names = entry[direction] or (0.0, ())
            entry[direction] = before + float(np.median(seconds)), (*names, *map(_name, calls))
    numbers = {entry["step"].y: i for i, entry in enumerate(found.values())}
    return [_step_time(program, numbers, **entry) for entry in found.values()]


def _step_time(program, numbers, step, forward, backward):
    known, n = facts(step, program.shapes, program.plan.dtype.itemsize), program.n
    learns = any(v.trainable for v in step.weights)
    gradients = learns + any(x in program.differentiable for x in step.reads)
    size = 0 if step.op.alias else n * (prod(known.input_shape) * program.plan.dtype.itemsize + known.output_bytes)
    return StepTime(
        known.name,
        known.layers,
        (n, *known.input_shape),
        (n, *known.output_shape),
        size + known.weight_bytes,
        Pass(forward[0], n * known.flops, forward[1]),
        None if backward is None else Pass(backward[0], gradients * n * known.flops, backward[1]),
        tuple(dict.fromkeys(numbers.get(x, -1) for x in step.reads)),
    )


def _name(call):
    """Return the name of a kernel, or of the NumPy function that stands for one."""
    function = getattr(call, "func", call)
    return getattr(function, "__name__", type(function).__name__).lstrip("_")


def peak(dtype, variant, threads):
    """Return the multiplications and additions a second that this machine was seen to do in registers, now or before.

    Parameters
    ----------
    dtype : str
    variant : str
        The kernels' variant in use.
    threads : int
    """
    k = kernels.for_dtype(dtype)
    rounds = PEAK_FLOPS // (2 * k.ROW * k.VECTOR * threads)
    call = k.multiply_adds(np.zeros(k.VECTOR * threads, dtype), rounds, threads=threads)
    speed = 2 * k.ROW * k.VECTOR * rounds * threads / min(_time(call) for _ in range(PEAK_ROUNDS))
    key = dtype, variant, threads
    _seen[key] = max(speed, _seen.get(key, 0.0))  # another process may have been in the way of one of them
    return _seen[key]


_seen = {}
