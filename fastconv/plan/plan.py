"""The plan of a model: its steps, lowered and fused once, and the programs that run them."""

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from fastconv import kernels
from fastconv.ops import primitives as P
from fastconv.ops.loss import LossOp
from fastconv.plan import arena, describe, slices
from fastconv.plan.fusion import finish, fold, fuse, settle_sums, sink_activations, sink_swaps, without
from fastconv.plan.lowering import Chain, Step, lower_network, narrow
from fastconv.plan.program import Program
from fastconv.runtime import settings, threads
from fastconv.runtime.memory import empty

PROGRAMS = 8  # batch sizes that a lane remembers


class Unfused(NamedTuple):
    """Steps before any fusion, the shapes of all values, the value that each layer makes by its name, the output's."""

    steps: list
    shapes: list
    made: dict
    output: int


class Judgement(NamedTuple):
    """The loss of an output: its op, and its weight in the sum of all losses."""

    op: LossOp
    weight: float = 1.0


class Plan:
    """The steps of built layers.

    Parameters
    ----------
    layers : list of Layer
        All that have weights or can be frozen; a chain, unless `network` says how they hang together.
    input_shapes : tuple of int, or list of them
        Without the batch.
    dtype : str
    losses : LossOp, or list of Judgement or None, optional
        Of each output; None where there is none.
    network : object with ``lower_whole(trace, x)``, optional
        Returns the value that comes out, or a list of them.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="relu")])
    >>> print(model.plan)  # doctest: +ELLIPSIS
    plan of 1 step, float32...
    """

    def __init__(self, layers, input_shapes, dtype="float32", losses=None, network=None):
        self.dtype = np.dtype(dtype)
        several = isinstance(input_shapes, list)
        self.input_shapes = [tuple(shape) for shape in (input_shapes if several else [input_shapes])]
        self.input_shape = self.input_shapes[0] if len(self.input_shapes) == 1 else None
        self.fused = settings.is_fusion_enabled()
        self.layers = list(layers)
        self.losses = losses if isinstance(losses, list) else [None if losses is None else Judgement(losses)]
        self._network = Chain(layers) if network is None else network
        self._inference, self._training = self._lower(False), {self.frozen: self._lower(True)}
        self.variables = list({id(v): v for layer in layers for v in layer.weights}.values())
        self._gradients = {}
        self._prepared = {}
        self._prepared_version = {}
        self._slices = {}
        self._lanes = []
        self._lock = threading.Lock()

    def _lower(self, training):
        trace, outputs = lower_network(self._network, self.input_shapes, training)
        steps, shapes = trace.steps, trace.shapes
        kept = set(outputs) if len(outputs) > 1 else ()
        if self.fused:
            steps, shapes = sink_swaps(settle_sums(steps, self.input_shapes), shapes, kept)
            steps, shapes = sink_activations(steps, shapes, kept)
            steps = steps if training else fold(steps, kept)  # once, for all modes: they share the folded weights
        plain, source = without(P.ActivityPenalty, steps)  # predictions cost nothing of what only a loss sees
        found = [source.get(value, value) for value in outputs]
        plain = self._fuse(plain, set(found), training)
        judged = [Step(j.op, x, len(shapes) + i, (), ("loss",)) for i, (j, x) in enumerate(self._judged(outputs))]
        unjudged = [x for x, j in zip(outputs, self._of_each(outputs), strict=True) if j is None]
        shapes = [*shapes, *(shapes[step.x] for step in judged)]
        steps = _each_behind_its_maker(steps, judged)
        steps = self._fuse(steps, set(unjudged), training)
        losses = sorted((step for step in steps if isinstance(step.op, LossOp)), key=lambda step: step.y)
        steps = [step for step in steps if not isinstance(step.op, LossOp)]
        return {
            "shapes": shapes, "plain": narrow(plain), "found": found, "steps": narrow(steps), "losses": losses,
            "unjudged": unjudged,
        }  # fmt: skip

    def _fuse(self, steps, kept, training):
        """Return the steps with all fusions of a mode, if there are to be any."""
        if not self.fused:
            return steps
        steps = fuse(steps, kept)
        return steps if training else finish(steps, kept)

    def _of_each(self, outputs):
        """Return what is said of the loss of each output."""
        return [*self.losses, *[None] * (len(outputs) - len(self.losses))]

    def _judged(self, outputs):
        """Return (Judgement, value) of the outputs that have a loss."""
        return [(j, x) for j, x in zip(self._of_each(outputs), outputs, strict=True) if j is not None]

    def _lowered(self, training):
        """Return steps and shapes; those of training for the layers that are frozen now."""
        if not training:
            return self._inference
        frozen = self.frozen
        found = self._training.get(frozen)
        return self._training.setdefault(frozen, self._lower(True)) if found is None else found

    @property
    def frozen(self):
        """Which layers do not learn: some lower themselves otherwise then."""
        return tuple([not layer.trainable for layer in self.layers])

    # -- what a program asks ------------------------------------------------------------------------------
    def steps_of(self, mode):
        """Return (steps, steps of the losses, shapes of the values) of a mode."""
        lowered = self._lowered(mode == "train")
        if mode == "predict":
            return lowered["plain"], [], lowered["shapes"]
        return lowered["steps"], lowered["losses"], lowered["shapes"]

    def outputs_of(self, mode):
        """Return the numbers of the values that a mode gives, the predictions of losses left out."""
        lowered = self._lowered(mode == "train")
        return lowered["found" if mode == "predict" else "unjudged"]

    @property
    def loss_weights(self):
        """The weights of the losses there are, in their order."""
        return [judgement.weight for judgement in self.losses if judgement is not None]

    @property
    def steps(self):
        """The steps of inference."""
        return self._inference["plain"]

    @property
    def differentiable(self):
        """The values of a training step whose gradient somebody needs: those behind a trainable weight."""
        found = set()
        for step in self._lowered(True)["steps"]:
            if step.learns(found):
                found.add(step.y)
        return found

    @property
    def trainable(self):
        """The weights that training changes, in the order of the layers."""
        return [v for v in self.variables if v.trainable]

    def gradient(self, variable):
        """Return the array that holds a weight's gradient after a training step, None if it is not trainable."""
        if not variable.trainable:
            return None
        found = self._gradients.get(id(variable))
        return self._gradients.setdefault(id(variable), np.zeros_like(variable.array)) if found is None else found

    @property
    def penalized(self):
        """The trainable weights that have a regularizer."""
        return [v for v in self.trainable if v.regularizer is not None]

    def prepared(self, step, name, shape, dtype):
        """Return the array that holds weights in the form that kernels want; all programs share it."""
        key = (*map(id, step.variables), name, tuple(shape), kernels.variant())
        return self._prepared.setdefault(key, empty(shape, dtype or self.dtype))

    # -- running ------------------------------------------------------------------------------------------
    def program(self, n, mode, weights_shapes=()):
        """Lend a program for a batch of `n`, as a context; as many at once as there are threads that ask.

        `weights_shapes` has for each loss the shape of one sample's weights, None if there are no weights.
        """
        try:
            lane = self._lanes.pop()  # one that nobody uses now
        except IndexError:
            lane = Lane(self)
        return lane.lend(n, mode, weights_shapes)

    def take_back(self, lane):
        """Let others use a lane that was lent."""
        self._lanes.append(lane)

    def at_once(self, n):
        """Return how many of n samples inference takes through the steps at a time; see `fastconv.plan.slices`."""
        count = threads.get_num_threads()
        if count not in self._slices:
            found = slices.samples_at_once(self.steps, self._inference["shapes"], self.dtype.itemsize, count)
            self._slices[count] = found
        most = self._slices[count]
        return n if most is None else slices.even(n, most, count)

    def predict(self, x):
        """Return the output for a batch as the model wants it, of its own type; several in a list."""
        with self.program(len(x), "predict") as program:
            self.refresh(program)
            program.x[...] = x
            program.run()
            return [y.copy() for y in program.outputs] if len(program.outputs) > 1 else program.y.copy()

    def refresh(self, program):
        """Digest the weights anew if one has changed since `program`'s form of them was made."""
        version, form = sum([v.version for v in self.variables]), (program.mode, kernels.variant())
        if self._prepared_version.get(form) == version:
            return
        with self._lock:
            if self._prepared_version.get(form) != version:
                program.prepare()
                self._prepared_version[form] = version

    # -- showing ------------------------------------------------------------------------------------------
    @property
    def unfused(self):
        """The steps of inference as the layers gave them, one op each: an `Unfused`."""
        trace, (output, *_) = lower_network(self._network, self.input_shapes, False)
        steps, source = without(P.ActivityPenalty, narrow(trace.steps))
        made = {name: source.get(value, value) for name, value in trace.made.items() if not isinstance(value, list)}
        return Unfused(steps, trace.shapes, made, source.get(output, output))

    @property
    def facts(self):
        """What the steps of inference are, in numbers: a `describe.Facts` each."""
        return [describe.facts(step, self._inference["shapes"], self.dtype.itemsize) for step in self.steps]

    def __str__(self):
        return describe.text(self)


def _each_behind_its_maker(steps, losses):
    """Return the steps with each loss right behind the step whose result it judges, where it may be fused with it."""
    found = []
    made = {step.y for step in steps}
    found += [loss for loss in losses if loss.x not in made]  # of an input
    for step in steps:
        found += [step, *(loss for loss in losses if loss.x == step.y)]
    return found


class Lane:
    """Memory for one program at a time, and the programs that were bound to it."""

    def __init__(self, plan):
        self.plan = plan
        self.memory = arena.block(0)
        self.programs = OrderedDict()
        self.wanted = None

    def lend(self, n, mode, weights_shapes):
        """Say which program the context is for; at its end the lane is free again."""
        self.wanted = (n, mode, threads.get_num_threads(), weights_shapes)
        return self

    def __enter__(self):
        return self.program(*self.wanted)

    def __exit__(self, *error):
        self.plan.take_back(self)

    def program(self, n, mode, thread_count, weights_shapes=()):
        """Return the program for a batch size, mode, number of threads and shapes of a sample's weights."""
        key = (n, mode, thread_count, weights_shapes, kernels.variant())
        if mode != "predict":
            key += (*self.plan.frozen, *[v.trainable for v in self.plan.variables])
        found = self.programs.get(key)
        if found is not None:
            self.programs.move_to_end(key)
            return found
        program = Program(self.plan, n, mode, thread_count, weights_shapes)
        if program.size > self.memory.size:
            self.programs.clear()  # they hold on to the smaller block
            self.memory = arena.block(program.size)
        while len(self.programs) >= PROGRAMS:
            self.programs.popitem(last=False)
        self.programs[key] = program.bind(self.memory)
        return program
