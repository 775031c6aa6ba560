"""A program: the steps of a plan bound to one batch size, as a list of kernel calls over one block of memory."""

from functools import partial
from itertools import groupby

import numpy as np

from fastconv import kernels
from fastconv.ops.loss import loss_buffers
from fastconv.ops.merge import layout
from fastconv.ops.op import run
from fastconv.ops.penalty import ActivityPenalty, penalty_calls
from fastconv.plan.arena import Buffer, arrange, place
from fastconv.plan.folding import Folded
from fastconv.plan.sharing import Sharing


class Program:
    """Kernel calls for a batch of n samples: forward, and with gradients also backward.

    Time runs 0 … L-1 over the steps, L is the loss, and step i's backward pass is at 2 L - i. Every buffer lives from
    the moment it is written to the last at which it is read; an input is there from -1 on.
    A parameter of an op may be a value; values and weights that several steps read gather their gradients.

    Parameters
    ----------
    plan : Plan
    n : int
        Samples.
    mode : {"predict", "test", "train"}
        Forward; forward and loss; forward, loss and backward.
    threads : int
    weights_shapes : tuple of (tuple of int or None)
        For each loss the shape of one sample's weights; None, and where nothing is said: there are no weights.

    Attributes
    ----------
    inputs, outputs : list of ndarray
        Once it is bound. ``outputs`` are those of predictions; with losses they are those without one.
    losses : list of Site
        Where each loss gets its ``targets``, ``weights`` and ``scale``, and leaves ``losses``, ``total``, ``y_pred``.
    learning, learned : list
        In training the weights that it changes, and the arrays of their gradients.
    """

    def __init__(self, plan, n, mode, threads, weights_shapes=()):
        self.n, self.mode, self.threads, self.plan = n, mode, threads, plan
        self.steps, self.loss_steps, self.shapes = plan.steps_of(mode)
        self._weights_shapes = [*weights_shapes, *[None] * (len(self.loss_steps) - len(weights_shapes))]
        self.end = 2 * len(self.steps) + 1
        self.training = mode == "train"
        self.differentiable = plan.differentiable if self.training else ()
        self.buffers, self.values, self.gradients = [], {}, {}
        self._shapes = {i: (n, *shape) for i, shape in enumerate(plan.input_shapes)}
        self._sites = [self._site(step) for step in self.steps]
        self._sinks = [[] for _ in self.steps]
        self._changed = [step.variables[place] for step in self.steps for place in step.op.state]
        self._plan_values()
        self._parts = [self._plan_parts(i) for i in range(len(self.steps))]
        self.size = arrange(self.buffers)

    # -- which buffers there are, and when they live ------------------------------------------------------
    def _shape(self, value):
        return self._shapes[value]

    def _site(self, step):
        params = [None if v is None else self._shapes[v] if isinstance(v, int) else v.shape for v in step.variables]
        wants_dx = self.training and step.x in self.differentiable
        site = step.op.site(self._shape(step.x), params, self.plan.dtype, self.training, wants_dx, self.threads)
        self._shapes[step.y] = site.y_shape
        return site

    def _new(self, shape, dtype, birth, death):
        buffer = Buffer(tuple(shape), np.dtype(dtype or self.plan.dtype), birth, death)
        self.buffers.append(buffer)
        return buffer

    def _plan_values(self):
        """Make the buffers of all values and of their gradients; aliases share their root's."""
        last = len(self.steps)
        for x in range(len(self.plan.input_shapes)):
            self.values[x] = self._new(self._shape(x), None, -1, 0)
        for i, (step, site) in enumerate(zip(self.steps, self._sites, strict=True)):
            for x in step.reads:
                self.values[x].until(i)
            for x in step.reads[1:]:
                self.values[x].until(2 * last - i if self.training and step.op.rereads else i)
            if self.training and "x" in step.op.reads:
                self.values[step.x].until(2 * last - i)
            if step.op.alias:
                self.values[step.y] = self.values[step.x]
            else:
                self.values[step.y] = self._new(site.y_shape, None, i, i)
                if self.training and "y" in step.op.reads:
                    self.values[step.y].until(2 * last - i)
        self._found = self.plan.outputs_of(self.mode)
        for value in self._found:
            self.values[value].until(self.end)
        self._judged = [self._plan_loss(step, last) for step in self.loss_steps]
        if self.training:
            self._plan_gradients(last)

    def _plan_loss(self, step, last):
        """Return the buffers of a loss: its predictions, and of the gradient what `_sink` says."""
        predictions = self.values[step.x]
        predictions.until(last if step.op.writes_predictions else self.end)
        if step.op.writes_predictions:
            predictions = self._new(self._shape(step.x), None, last, self.end)
        return predictions, self._sink(step.x, step, last, passed=False)

    def _plan_gradients(self, last):
        """Make the buffers of gradients: where two meet, the later one gets a place of its own and is added."""
        seen, sharing = set(), Sharing(self.steps)
        for i, step in reversed(list(enumerate(self.steps))):
            moment = 2 * last - i
            if step.y not in self.gradients:
                continue
            self.gradients[step.y].until(moment)
            places = [0] if step.op.alias else step.op.passes(self._sites[i])
            if places and not step.op.alias:
                places = sharing.passed(i, self.gradients, places, self.differentiable)
            for at, source in enumerate((step.x, *step.variables)):
                if isinstance(source, int):
                    if source in self.differentiable:
                        self._sinks[i].append((at, *self._sink(source, step, moment, at in places)))
                elif at and source is not None and source.trainable and at - 1 not in step.op.state:
                    part = self._new(source.shape, None, moment, moment) if id(source) in seen else None
                    self._sinks[i].append((at, part, source if part else None))
                    seen.add(id(source))

    def _sink(self, value, step, moment, passed):
        """Return where a step writes the gradient of a value, and to what that is added, None if to nothing.

        Where the step's own gradient is `passed` on, that is where it is written to already.
        """
        whole = self.gradients.get(value)
        part = self.gradients[step.y] if passed else self._new(self._shape(value), None, moment, moment)
        if whole is None:
            self.gradients[value] = part
            return part, None
        whole.until(moment)
        return part, whole

    def _plan_parts(self, i):
        """Make the buffers that step i needs beside its values."""
        step, site, back = self.steps[i], self._sites[i], 2 * len(self.steps) - i
        needs = step.op.needs(site)
        spans = ((needs.saved, i, back), (needs.forward, i, i), (needs.backward, back, back))
        parts = {
            name: self._new(shape, dtype, birth, death)
            for part, birth, death in spans
            for name, (shape, dtype) in part.items()
        }
        for name, (shape, dtype) in needs.prepared.items():
            own = _prepares_values(step)  # they change at each run
            parts[name] = (
                self._new(shape, dtype, i, back if self.training else i)
                if own
                else self.plan.prepared(step, name, shape, dtype)
            )
        return parts

    # -- binding ------------------------------------------------------------------------------------------
    def bind(self, memory):
        """Make all arrays, in `memory`, and all kernel calls; ``pieces`` has them as (phase, step, calls), in order."""
        place(self.buffers, memory)
        self.inputs = [self.values[x].array for x in range(len(self.plan.input_shapes))]
        self.outputs = [self.values[v].array.reshape(self._shape(v)) for v in self._found]
        prepare, forward, backward = [], [], []
        self.draws, self._penalties = [], []
        for i, (step, site, parts) in enumerate(zip(self.steps, self._sites, self._parts, strict=True)):
            self._bind_site(step, site, parts, self._sinks[i])
            prepare.append(("prepare", step, [v.fold for v in step.variables if isinstance(v, Folded)]))
            own = ("forward", forward) if _prepares_values(step) else ("prepare", prepare)  # these change at each run
            own[1].append((own[0], step, step.op.prepare(site)))
            forward.append(("forward", step, step.op.forward(site)))
            if self.training and step.y in self.gradients:
                backward.append(("backward", step, step.op.backward(site) + self._additions(self._sinks[i])))
        self.losses = [self._bind_loss(i) for i in range(len(self.loss_steps))]
        self.learning = self.plan.trainable if self.training else []
        self.learned = [self.plan.gradient(v) for v in self.learning]
        forward += [("forward", step, site.calls) for step, site in zip(self.loss_steps, self.losses, strict=True)]
        self.pieces = [*(prepare if self.training else []), *forward, *reversed(backward)]
        if self.losses:
            self.pieces.append(("penalties", None, self._bind_weight_penalties()))
        prepare, calls = ([call for *_, part in pieces for call in part] for pieces in (prepare, self.pieces))
        k = kernels.for_dtype(self.plan.dtype)
        self._prepare, self._run = one_call(prepare, k), one_call(calls, k)
        return self

    def _bind_weight_penalties(self):
        """Return the calls that penalize weights; they add to gradients, so they come behind the backward pass."""
        calls, k = [], kernels.for_dtype(self.plan.dtype)
        for v in self.plan.penalized:
            dx, total = self.plan.gradient(v) if self.training else None, np.zeros(1)
            calls += penalty_calls(k, v.regularizer, v.array, dx, total, threads=self.threads)
            self._penalties.append(total)
        return calls

    def _additions(self, sinks):
        """Return the calls that add up the gradients of what several steps read."""
        pairs = [(self._whole(whole), part.array) for _, part, whole in sinks if whole is not None]
        return [self._added(a.reshape(-1), b.reshape(-1)) for a, b in pairs]

    def _added(self, a, b):
        """Return the call that adds b to a."""
        k = kernels.for_dtype(self.plan.dtype)
        return k.merge(a, b, a, "add", *layout(a.shape, a.shape, b.shape), threads=self.threads)

    def _whole(self, whole):
        return whole.array if isinstance(whole, Buffer) else self.plan.gradient(whole)

    def _bind_site(self, step, site, parts, sinks):
        for name, part in parts.items():
            setattr(site, name, part.array if isinstance(part, Buffer) else part)
        shape = site.x_shape
        site.x, site.y = (
            self.values[step.x].array.reshape(shape),
            self.values[step.y].array.reshape(site.y_shape),
        )
        site.params = tuple(
            None if v is None else self.values[v].array.reshape(self._shape(v)) if isinstance(v, int) else v.array
            for v in step.variables
        )
        site.seed = np.zeros(1, np.uint64)
        if step.op.random:
            self.draws.append((site.seed, step.op.draw))
        if isinstance(step.op, ActivityPenalty):
            self._penalties.append(site.penalty)
        if self.training:
            dy = self.gradients.get(step.y)
            site.dy = None if dy is None else dy.array.reshape(site.y_shape)
            targets = [None] * (1 + len(step.variables))
            for at, part, _ in sinks:
                source = step.variables[at - 1] if at else step.x
                array = self.plan.gradient(source) if part is None else part.array
                targets[at] = array.reshape(self._shape(source)) if isinstance(source, int) else array
            site.dx = None if targets[0] is None else targets[0].reshape(shape)
            site.dparams = tuple(targets[1:])

    def _bind_loss(self, i):
        """Return the site of a loss; its calls also weigh the gradient, and add it to that of another loss."""
        step, (predictions, (part, whole)) = self.loss_steps[i], self._judged[i]
        shape, weight = self._shape(step.x), self.plan.loss_weights[i]
        site = step.op.site(shape, [], self.plan.dtype, thread_count=self.threads)
        site.__dict__.update(loss_buffers(step.op, shape, self.plan.dtype, self._weights_shapes[i]), op=step.op)
        site.x, site.dx = (array.reshape(shape) for array in (self.values[step.x].array, part.array))
        site.y_pred = predictions.array.reshape(shape)
        weigh = [partial(np.multiply, site.dx, self.plan.dtype.type(weight), site.dx)] if weight != 1 else []
        site.calls = [*step.op.forward(site), *weigh, *self._additions([(0, part, whole)])]
        return site

    # -- running ------------------------------------------------------------------------------------------
    def prepare(self):
        """Digest the weights: for programs that run many times between two changes of them."""
        self._prepare()

    @property
    def x(self):
        """The first input."""
        return self.inputs[0]

    @property
    def y(self):
        """The first output, or the predictions of the first loss."""
        return self.losses[0].y_pred if self.losses else self.outputs[0]

    @property
    def penalty(self):
        """The penalties of regularizers for the batch that was run."""
        return sum([float(penalty[0]) for penalty in self._penalties], 0.0)

    @property
    def loss(self):
        """The loss of the batch that was run: the weighted sum of the losses, and the penalties."""
        totals = zip(self.plan.loss_weights, self.losses, strict=True)
        return sum(weight * float(site.total[0]) for weight, site in totals) + self.penalty

    def run(self):
        """Make all calls."""
        for seed, draw in self.draws:
            seed[0] = draw()
        self._run()
        for variable in self._changed:
            variable.version += 1


def one_call(calls, k):
    """Return one function for many calls: runs of kernels of the module `k` go without a return to Python between."""
    runs = [
        k.Sequence(tuple(part)) if compiled else partial(run, tuple(part))
        for compiled, part in groupby(calls, lambda call: isinstance(call, k.Kernel))
    ]
    return runs[0] if len(runs) == 1 else partial(run, tuple(runs))


def _prepares_values(step):
    """Tell whether one of the parameters that a step digests is a value."""
    return any(isinstance(v, int) for place, v in enumerate(step.variables) if place not in step.op.late)
