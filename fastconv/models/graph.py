"""A graph of layers as a flat list of calls, which can be pickled however deep it is, and made anew of other layers."""

from typing import NamedTuple

from fastconv.layers.layer import Layer
from fastconv.ops import symbolic
from fastconv.ops.symbolic import KerasTensor


class Value(NamedTuple):
    """Stands for a tensor: those of the inputs are numbered first, then what the calls make, in order."""

    number: int


class Call(NamedTuple):
    """An op or a layer, applied once: what it is given (`Value` for tensors), and how."""

    operation: object
    inputs: list
    arguments: dict
    is_list: bool

    def make(self, operation, tensors):
        """Apply an operation in the same way to other tensors; return what comes out, a list."""
        given = [tensors[x.number] if isinstance(x, Value) else x for x in self.inputs]
        if not isinstance(operation, Layer):
            return [symbolic.apply(operation, *given)]
        made = operation(given if self.is_list else given[0], **self.arguments)
        return made if isinstance(made, list) else [made]


class Calls(NamedTuple):
    """A graph: its calls, each behind those it reads, and which values come out."""

    calls: list
    outputs: list

    def replay(self, inputs, operation=lambda same: same):
        """Make all calls on tensors; return the outputs.

        Parameters
        ----------
        inputs : list of KerasTensor
        operation : callable, optional
            Returns what is applied in the place of an op or a layer.
        """
        tensors = list(inputs)
        for call in self.calls:
            tensors += call.make(operation(call.operation), tensors)
        return [tensors[value.number] for value in self.outputs]


def calls_of(inputs, nodes, outputs):
    """Return the `Calls` of a graph.

    Parameters
    ----------
    inputs, outputs : list of KerasTensor
    nodes : list of Node
        All between them, each behind those it reads.
    """
    numbers = {id(x): Value(i) for i, x in enumerate(inputs)}
    calls = []
    for node in nodes:
        given = [numbers[id(x)] if isinstance(x, KerasTensor) else x for x in node.inputs]
        calls.append(Call(node.operation, given, node.arguments, node.is_list))
        numbers.update({id(y): Value(len(numbers) + place) for place, y in enumerate(node.outputs)})
    return Calls(calls, [numbers[id(y)] for y in outputs])
