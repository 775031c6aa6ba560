"""Gradients against finite differences."""

import copy
from typing import NamedTuple

import numpy as np

from fastconv import ops
from fastconv.dtype_policies import DTypePolicy
from fastconv.layers.layer import Layer
from fastconv.losses import Loss
from fastconv.names import spelled
from fastconv.ops.symbolic import Tape, Taped

SHOWN = 5  # lines of a report


class Case(NamedTuple):
    """A function of arrays that can be changed in place, and the gradients at where they are."""

    function: object  # returns a list of arrays
    arrays: dict  # name -> float64 array
    way_back: object  # from a list of gradients of the outputs to a gradient for each array


@spelled
def check_gradients(
    layer_or_op, inputs, *, training=False, eps=1e-6, tolerance=1e-6, samples=20, seed=0, arguments=None
):
    """Compare the gradients of a layer, a loss or a function of ops with central differences, in float64.

    A weighted sum of all outputs, with random weights, is differentiated with respect to the inputs and, for a layer,
    to its trainable weights. Where the function has an edge (relu at 0, ties of a maximum) differences say nothing:
    choose inputs away from it.

    Parameters
    ----------
    layer_or_op : Layer, Loss or function
        A layer is copied, and stays as it is; one that is not built is built for the inputs.
    inputs : array_like or list of array_like
        What it is called with: of a loss, ``[y_true, y_pred]``. Several inputs go in a list.
    training : bool
        How a layer runs.
    eps : float
        Half the difference between two evaluations.
    tolerance : float
        The largest error allowed, relative to the size of the gradients.
    samples : int
        How many values of each array are moved, drawn at random; all if there are not more.
    seed : int
    arguments : dict, optional
        More arguments of a function.

    Returns
    -------
    float
        The largest error that was found, relative to the size of the gradients.

    Raises
    ------
    AssertionError
        If a gradient is wrong; the message lists the worst values, with what the differences say.
    TypeError
        If it is nothing that has gradients.
    ValueError
        For a layer that draws random numbers in training.

    Examples
    --------
    >>> from fastconv import layers, ops
    >>> check_gradients(layers.Dense(3, activation="tanh"), np.ones((2, 4))) < 1e-6
    True
    >>> check_gradients(ops.matmul, [np.ones((2, 4)), np.ones((4, 3))]) < 1e-6
    True
    """
    parts = inputs if isinstance(inputs, (list, tuple)) and any(np.ndim(part) for part in inputs) else [inputs]
    if isinstance(inputs, (list, tuple)) and not any(isinstance(part, np.ndarray) for part in inputs):
        parts = inputs if isinstance(layer_or_op, Loss) else [inputs]
    try:
        arrays = [np.array(part, np.float64) for part in parts]
    except (TypeError, ValueError):
        raise ValueError(f"check_gradients: inputs={inputs!r} holds something else than arrays of numbers.") from None
    case = _case(layer_or_op, arrays, training, arguments or {})
    rng = np.random.default_rng(seed)
    weights = [rng.uniform(0.5, 1.5, np.shape(y)) * rng.choice([-1, 1], np.shape(y)) for y in case.function()]
    gradients = case.way_back(weights)
    found = []
    for name, array in case.arrays.items():
        gradient = np.asarray(gradients[name])
        if gradient.shape != array.shape:
            raise AssertionError(
                f"{_title(layer_or_op)}: the gradient of {name} has shape {gradient.shape}; expected {array.shape}."
            )
        scale = 1 + np.abs(gradient).max(initial=0)
        for flat in rng.permutation(array.size)[:samples]:
            at = np.unravel_index(flat, array.shape)
            quotient, noise = _quotient(case.function, array, at, weights, eps)
            error = max(0.0, abs(gradient[at] - quotient) - noise) / scale
            found.append((error if np.isfinite(error) else np.inf, name, tuple(map(int, at)), gradient[at], quotient))
    worst = sorted(found, key=lambda row: -row[0])
    wrong = [row for row in worst if row[0] > tolerance]
    if wrong:
        raise AssertionError(_report(layer_or_op, wrong, found))
    return float(worst[0][0]) if worst else 0.0


def _quotient(function, array, at, weights, eps):
    """Return the change of the weighted sum of the outputs with one value, and how far rounding may have moved it."""
    value, sums, size = array[at], [], 0.0
    for step in (eps, -eps):
        array[at] = value + step
        products = [np.asarray(y) * w for y, w in zip(function(), weights, strict=True)]
        sums.append(sum(float(p.sum()) for p in products))
        size += sum(float(np.abs(p).sum()) for p in products)
    array[at] = value
    return (sums[0] - sums[1]) / (2 * eps), size * np.finfo(np.float64).eps / eps


def _report(what, wrong, found):
    names = {row[1] for row in wrong}
    right = [name for name in dict.fromkeys(row[1] for row in found) if name not in names]
    lines = [
        f"  {name}[{', '.join(map(str, at))}]: the gradient is {gradient:.9g}, differences say {quotient:.9g}"
        for _, name, at, gradient, quotient in wrong[:SHOWN]
    ]
    rest = [f"  and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    good = [f"  The gradients of {', '.join(right)} are right."] if right else []
    head = f"{_title(what)}: {len(wrong)} of {len(found)} gradient values are wrong:"
    return "\n".join([head, *lines, *rest, *good])


def _title(what):
    if isinstance(what, Layer):
        return f"Layer {what.name!r} ({type(what).__name__})"
    return f"{type(what).__name__} {what.name!r}" if isinstance(what, Loss) else getattr(what, "__name__", repr(what))


# -- what can be checked ----------------------------------------------------------------------------------
def _case(what, arrays, training, arguments):
    if isinstance(what, Layer):
        return _of_layer(what, arrays, training)
    if isinstance(what, Loss):
        return _of_loss(what, arrays)
    if callable(what):
        return _of_function(what, arrays, arguments)
    raise TypeError(f"check_gradients: {what!r} is not a layer, a loss or a function of ops.")


def _of_function(function, arrays, arguments):
    names = [f"input {i}" for i in range(len(arrays))]

    def run():
        value, _ = ops.vjp(function, *arrays, **arguments)
        return list(value) if isinstance(value, tuple) else [value]

    def way_back(weights):
        value, back = ops.vjp(function, *arrays, **arguments)
        found = back(tuple(weights) if isinstance(value, tuple) else weights[0])
        return dict(zip(names, found, strict=True))

    return Case(run, dict(zip(names, arrays, strict=True)), way_back)


def _of_loss(loss, arrays):
    y_true, y_pred = arrays
    labels = y_true.astype(np.intp) if loss.takes_labels else y_true

    def way_back(weights):
        return {"y_pred": loss.backward(labels, y_pred, np.asarray(weights[0]))}

    return Case(lambda: [np.asarray(loss.call(labels, y_pred))], {"y_pred": y_pred}, way_back)


def _of_layer(layer, arrays, training):
    twin = copy.deepcopy(layer)
    if not twin.built or not twin.weights:
        twin(arrays if len(arrays) > 1 else arrays[0])  # it is built for them
    for part in _all_layers(twin):
        part._set_policy(DTypePolicy("float64"))
    for variable in twin.weights:
        variable.array = variable.array.astype(np.float64)
    learned = {v.path: v for v in twin.trainable_weights}
    names = ["input"] if len(arrays) == 1 else [f"input {i}" for i in range(len(arrays))]

    def run(tape):
        values = [Taped(a) for a in arrays]
        found = twin.lower_whole(tape, values if len(values) > 1 else values[0])
        return values, found if isinstance(found, list) else [found]

    def way_back(weights):
        tape = _Steady(training)
        values, outputs = run(tape)
        tape.backward(outputs, weights)
        return {name: tape.gradient_of(v) for name, v in [*zip(names, values, strict=True), *learned.items()]}

    everything = {**dict(zip(names, arrays, strict=True)), **{path: v.array for path, v in learned.items()}}
    return Case(lambda: [y.array for y in run(_Steady(training))[1]], everything, way_back)


def _all_layers(layer):
    return [layer, *(part for sub in layer.sublayers for part in _all_layers(sub))]


class _Steady(Tape):
    """A tape that refuses what would be different at each run."""

    def add(self, op, value, *params):
        """Run an op; return its output."""
        if op.random:
            raise ValueError(
                f"check_gradients: {op.name!r} draws random numbers with training=True, so differences say nothing."
            )
        return super().add(op, value, *params)
