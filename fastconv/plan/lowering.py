"""From layers to steps: a trace records the ops that layers lower themselves to."""

from typing import NamedTuple

from fastconv.ops.op import Op


class Step(NamedTuple):
    """One op in its place: the value it reads, the value it writes, the weights it uses.

    Attributes
    ----------
    op : Op
    x, y : int
        Numbers of values; value 0 is the model's input. A fused step has the x of its first and the y of its last part.
    variables : tuple of Variable or None
    layers : tuple of str
        The names of the layers it comes from.
    """

    op: Op
    x: int
    y: int
    variables: tuple
    layers: tuple


class Trace:
    """What a layer's ``lower`` is given: it records steps and knows the shape of every value, with a batch of 1.

    Parameters
    ----------
    input_shape : tuple of int
        Without the batch.
    training : bool
        Whether the steps are meant for training.
    """

    def __init__(self, input_shape, training):
        self.training = training
        self.steps = []
        self.shapes = [(1, *input_shape)]
        self.layer = "?"

    def shape(self, value):
        """Return a value's shape, batch first."""
        return self.shapes[value]

    def add(self, op, value, *variables):
        """Record a step; return the value that it writes."""
        params = [None if v is None else v.shape for v in variables]
        self.shapes.append(tuple(op.output_shape(self.shapes[value], *params)))
        out = len(self.shapes) - 1
        self.steps.append(Step(op, value, out, tuple(variables), (self.layer,)))
        return out


def lower(layers, input_shape, training):
    """Return (steps, shapes of all values, value of the output) of a chain of built layers."""
    trace = Trace(input_shape, training)
    value = 0
    for layer in layers:
        trace.layer = layer.name
        value = layer.lower_whole(trace, value)
    return trace.steps, trace.shapes, value
