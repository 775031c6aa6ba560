"""The losses that compile was given: one for each output, with its weight, and what is reported of each."""

import numbers
from collections.abc import Mapping

import numpy as np

from fastconv import losses, metrics
from fastconv.losses.lowering import check, is_trainable, lower, mean_loss, scale
from fastconv.plan.plan import Judgement

BY_SHAPE = ("crossentropy", "ce")  # names whose meaning the shapes of labels and predictions decide


class OutputLoss:
    """The loss of one output.

    Attributes
    ----------
    loss : Loss or str
        A name that shapes will decide, until the labels are seen.
    weight : float
        In the sum of all losses.
    tracker : Mean or None
        Of its values without the weight, where there are several losses.
    """

    def __init__(self, loss, weight):
        self.loss, self.weight, self.tracker = loss, weight, None

    def settle(self, y_true_shape, y_pred_shape):
        """Find out what a name means, once shapes are known; tell whether that was to be done."""
        waits = isinstance(self.loss, str)
        if waits:
            self.loss = losses.resolve(self.loss, y_true_shape, y_pred_shape)
        return waits


class CompiledLosses:
    """Losses by output, once `assign` has told which outputs there are.

    Parameters
    ----------
    spec : None, str, function, Loss, or list, tuple or dict of them
    weights : None, float, or list, tuple or dict of them
    owner : str
        Who complains.
    """

    def __init__(self, spec=None, weights=None, owner=""):
        self.owner, self.spec, self.weights = owner, _map(_resolved, spec), weights
        _map(self._number, weights)
        self.of_outputs = None  # an OutputLoss or None for each
        self._there = []  # those that are not None
        self.unjudged = []  # the places of the others
        self._waiting = True  # whether the meaning of a name is not known yet
        self.trackers = []

    def _number(self, weight):
        if weight is not None and (isinstance(weight, bool) or not isinstance(weight, numbers.Real)):
            raise ValueError(f"{self.owner}: loss_weights has {weight!r}; expected numbers.")

    def assign(self, names, structure):
        """Say which loss belongs to which output.

        Parameters
        ----------
        names : list of str or None
            Of the outputs; None for one that has no name.
        structure : Structure
            Of the outputs.
        """
        specs = self._of_each("loss", self.spec, names, structure)
        self._refuse_several("loss", specs)
        weights = self._of_each("loss_weights", self.weights, names, structure, [s is not None for s in specs])
        self._refuse_several("loss_weights", weights)
        self.of_outputs = [
            None if loss is None else OutputLoss(loss, 1.0 if weight is None else float(weight))
            for loss, weight in zip(specs, weights, strict=True)
        ]
        self._there = [one for one in self.of_outputs if one is not None]
        self.unjudged = [place for place, one in enumerate(self.of_outputs) if one is None]
        judged = [(name, one) for name, one in zip(names, self.of_outputs, strict=True) if one is not None]
        if structure.keys is not None and isinstance(self.spec, Mapping):
            judged.sort(key=lambda pair: list(self.spec).index(pair[0]))  # as Keras reports them
        if len(judged) > 1:
            for name, one in judged:
                one.tracker = metrics.Mean(name=f"{name or one.loss.name}_loss")
        self.trackers = [one.tracker for _, one in judged if one.tracker is not None]

    def _refuse_several(self, argument, entries):
        for entry in entries:
            if isinstance(entry, (list, tuple, Mapping)):
                raise ValueError(f"{self.owner}: {argument} has {entry!r} for one output; expected one an output.")

    def _of_each(self, argument, given, names, structure, wanted=None):
        """Return what is given for each output; `wanted` tells where something is needed."""
        n = len(names)
        if isinstance(given, Mapping):
            unknown, lacking = set(given) - set(names), [name for name in names if name not in given]
            whole = wanted is None and structure.keys is None  # then Keras wants all names
            needed = [name for name in lacking if whole or (wanted and wanted[names.index(name)])]
            if unknown or needed:
                raise ValueError(f"{self.owner}: expected keys {names} in {argument}; got {list(given)}.")
            return [_alone(given.get(name)) for name in names]
        if isinstance(given, (list, tuple)):
            places = [i for i in range(n) if wanted is None or wanted[i]]
            places = places if len(given) == len(places) else range(n)
            if len(given) != len(places):
                raise ValueError(f"{self.owner}: {argument} has {len(given)} entries; expected {n}, one an output.")
            found = dict(zip(places, map(_alone, given), strict=True))
            return [found.get(i) for i in range(n)]
        if wanted is not None and given is not None and n > 1 and isinstance(self.spec, (list, tuple, Mapping)):
            raise ValueError(
                f"{self.owner}: {argument}={given!r} for {n} outputs; expected a list or a dict with a number for "
                "each, as loss has."
            )
        return [given] * n

    def settle(self, targets, output_shapes):
        """Find out what names mean, by the shapes of targets and predictions of each output.

        Returns
        -------
        bool
            Whether that was to be done.
        """
        if not self._waiting:
            return False
        judged = [three for three in zip(self.of_outputs, targets, output_shapes, strict=True) if three[0] is not None]
        settled = [one.settle(np.shape(y_true), y_pred) for one, y_true, y_pred in judged]
        self._waiting = False
        return any(settled)

    # -- training -----------------------------------------------------------------------------------------
    def __iter__(self):
        """Give the `OutputLoss` of each output that has one."""
        return iter(self._there)

    def judgements(self, output_shapes):
        """Return what a plan wants to know: a `Judgement` of each output, None where there is no loss."""
        pairs = zip(self.of_outputs or [None] * len(output_shapes), output_shapes, strict=True)
        return [
            Judgement(lower(one.loss, len(shape)), one.weight) if one and is_trainable(one.loss) else None
            for one, shape in pairs
        ]

    def set_scales(self, program):
        """Give each loss of a program the number that makes a weighted sum of its values the reduced loss."""
        for one, site in zip(self, program.losses, strict=True):
            site.scale[0] = scale(one.loss, site)

    def total(self, program):
        """Return the loss of the batch that was run, as it is reported, and the values of the single losses."""
        total, values = program.penalty, []
        for one, site in zip(self._there, program.losses, strict=True):
            values.append(mean_loss(one.loss, site))
            total += one.weight * values[-1]
        return total, values

    def by_output(self, seen):
        """Return what each loss has seen by the places of the outputs."""
        if len(seen) == len(self.of_outputs):
            return seen
        places = (place for place in range(len(self.of_outputs)) if place not in self.unjudged)
        return dict(zip(places, seen, strict=True))

    def note(self, values, count):
        """Note the values of the single losses, of `count` samples, where they are reported."""
        if self.trackers:
            for one, value in zip(self._there, values, strict=True):
                one.tracker.add(value, count)


def _resolved(spec):
    """Return a loss, or a name that shapes will decide; a misspelt one is found now, not at the first batch."""
    if isinstance(spec, str) and spec.lower() in BY_SHAPE:
        return spec.lower()
    loss = losses.resolve(spec)
    if loss is not None:
        check(loss)
    return loss


def _alone(spec):
    """Return what is in a list of one."""
    return spec[0] if isinstance(spec, list) and len(spec) == 1 else spec


def _map(function, value):
    """Apply a function to what is in lists, tuples and dicts."""
    if isinstance(value, Mapping) and "class_name" not in value:
        return {key: _map(function, part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_map(function, part) for part in value]
    return None if value is None else function(value)
