"""From layers to steps: a trace records the ops that layers lower themselves to."""

from typing import NamedTuple

from fastconv.ops.bfloat16 import narrowed
from fastconv.ops.op import Op


class Step(NamedTuple):
    """One op in its place: the value it reads, the value it writes, the weights it uses.

    Attributes
    ----------
    op : Op
    x, y : int
        Numbers of values; the first ones are the model's inputs. A fused step has the x of its first and the y of its
        last part.
    variables : tuple of Variable, int or None
        The op's parameters: weights, or numbers of values that it reads beside x.
    layers : tuple of str
        The names of the layers it comes from.
    narrow : bool
        Whether its products are of bfloat16.
    """

    op: Op
    x: int
    y: int
    variables: tuple
    layers: tuple
    narrow: bool = False

    @property
    def reads(self):
        """The numbers of all values that it reads."""
        return (self.x, *(v for v in self.variables if isinstance(v, int)))

    @property
    def weights(self):
        """Those of the parameters that are variables, or stand for some."""
        return [v for v in self.variables if v is not None and not isinstance(v, int)]

    def learns(self, differentiable):
        """Tell whether somebody needs the gradient of its result, given the values of which somebody does."""
        if not self.op.differentiable:
            return False
        return any(x in differentiable for x in self.reads) or any(v.trainable for v in self.weights)


class Trace:
    """What a layer's ``lower`` is given: it records steps and knows the shape of every value, with a batch of 1.

    Parameters
    ----------
    *input_shapes : tuple of int
        Those of the first values, the inputs, without the batch.
    training : bool
        Whether the steps are meant for training.
    """

    def __init__(self, *input_shapes, training):
        self.training = training
        self.steps = []
        self.shapes = [(1, *shape) for shape in input_shapes]
        self.inputs = list(range(len(input_shapes)))
        self.layer, self.narrow = "?", False
        self.made = {}

    def leave(self, layer, value):
        """Remember what a layer, or a model in a model, has made."""
        self.made[layer.name] = value

    def shape(self, value):
        """Return a value's shape, batch first."""
        return self.shapes[value]

    def add(self, op, value, *variables):
        """Record a step; return the value that it writes. A parameter may be a value as well."""
        params = [None if v is None else self.shapes[v] if isinstance(v, int) else v.shape for v in variables]
        self.shapes.append(tuple(op.output_shape(self.shapes[value], *params)))
        out = len(self.shapes) - 1
        self.steps.append(Step(op, value, out, tuple(variables), (self.layer,), self.narrow))
        return out


def lower(layers, input_shape, training):
    """Return (steps, shapes of all values, value of the output) of a chain of built layers."""
    trace, (out,) = lower_network(Chain(layers), [input_shape], training)
    return trace.steps, trace.shapes, out


def lower_network(network, input_shapes, training):
    """Return the trace and the values of the outputs of something with ``lower_whole(trace, x)``.

    Of several inputs x is a list.
    """
    trace = Trace(*input_shapes, training=training)
    found = network.lower_whole(trace, trace.inputs if len(trace.inputs) > 1 else 0)
    return trace, found if isinstance(found, list) else [found]


def narrow(steps):
    """Return the steps with their ops narrowed, where that is asked for: when nothing is to be fused any more."""
    return [step._replace(op=narrowed(step.op)) if step.narrow else step for step in steps]


class Chain:
    """Layers one behind the other."""

    def __init__(self, layers):
        self.layers = list(layers)

    def lower_whole(self, trace, x):
        """Lower all layers; see `Layer.lower_whole`."""
        for layer in self.layers:
            trace.layer = layer.name
            x = layer.lower_whole(trace, x)
        return x
