"""A graph of layers as a flat list of calls, which can be pickled however deep it is, and made anew of other layers."""

from typing import NamedTuple

from fastconv.layers.layer import Layer
from fastconv.models.structure import Structure
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
        return Structure(made).flat(made)


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


def in_keras_order(inputs, input_layers, nodes, outputs):
    """Return the layers by their distance from the outputs, the most distant first, as Keras counts it.

    Of those that are equally distant, the one comes first that is met first on a walk from the outputs.
    """
    maker = {id(y): node for node in nodes for y in node.outputs}
    maker.update({id(x): layer for x, layer in zip(inputs, input_layers, strict=True)})
    distance = {}
    for node in reversed(nodes):
        own = distance.setdefault(id(node), 0)
        for x in node.tensors:
            key = id(maker[id(x)])
            distance[key] = max(distance.get(key, 0), own + 1)
    ordered, met = {}, list(_walk(maker, outputs))
    unread = [layer for layer in input_layers if all(layer is not node for node in met)]
    for node in (*unread, *met):
        layer = getattr(node, "operation", node)
        if isinstance(layer, Layer):
            ordered.setdefault(id(layer), [0, layer])
    for node in (*nodes, *input_layers):
        found = ordered.get(id(getattr(node, "operation", node)), [0])
        found[0] = max(found[0], distance.get(id(node), 0))
    return [layer for _, layer in sorted(ordered.values(), key=lambda pair: -pair[0])]


def _walk(maker, outputs):
    """Yield what makes values, as it is met on a walk from the outputs."""
    seen, stack = set(), [maker[id(y)] for y in reversed(outputs)]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            stack += [maker[id(x)] for x in reversed(getattr(node, "tensors", ()))]


def layer_sources(nodes, makers):
    """Return the layers that each layer reads, by its id; ops between them are passed over.

    Parameters
    ----------
    nodes : list of Node
        Each behind those it reads.
    makers : dict
        The layers that inputs come from, in lists, by the inputs' ids.
    """
    found, makers = {}, dict(makers)
    for node in nodes:
        read = list({id(layer): layer for x in node.tensors for layer in makers.get(id(x), ())}.values())
        if isinstance(node.operation, Layer):
            known = found.setdefault(id(node.operation), [])
            known += [layer for layer in read if all(layer is not other for other in known)]
            read = [node.operation]
        makers.update({id(y): read for y in node.outputs})
    return found
