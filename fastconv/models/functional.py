"""Functional: a model between symbolic tensors."""

from fastconv.layers.input import InputLayer
from fastconv.layers.layer import Layer, unique_name
from fastconv.models.graph import calls_of
from fastconv.models.model import Model
from fastconv.names import spelled
from fastconv.ops.symbolic import KerasTensor, lower_graph, sources
from fastconv.saving import CustomObjectScope, serialize_keras_object
from fastconv.saving.objects import restored


@spelled
class Functional(Model):
    """A graph of layers from one input to one output or several; see `Model` for the arguments."""

    def __init__(self, inputs, outputs, trainable=True, name=None):
        super().__init__(name or unique_name("functional"))
        inputs, self._inputs_are_list = self._tensors_of("inputs", inputs)
        if len(inputs) != 1:
            raise NotImplementedError(
                f"Model {self.name!r}: inputs has {len(inputs)} tensors; models with several inputs are not supported."
            )
        (self._input_tensor,) = inputs
        self._output_tensors, _ = self._tensors_of("outputs", outputs)
        if not self._output_tensors:
            raise ValueError(f"Model {self.name!r}: outputs=[] is empty; expected symbolic tensors.")
        self.is_single = len(self._output_tensors) == 1  # as in Keras, a list of one is as good as none
        self._order = self._find_nodes()
        self._layers = self._in_keras_order()
        self._check_layers()
        self.built, self.dtype = True, self._input_tensor.dtype
        if not trainable:
            self.trainable = False

    def _tensors_of(self, argument, value):
        """Return the tensors of an argument as a list, and whether it was one."""
        is_list = isinstance(value, (list, tuple))
        tensors = list(value) if is_list else [value]
        for tensor in tensors:
            if not isinstance(tensor, KerasTensor):
                raise ValueError(
                    f"Model {self.name!r}: {argument} has {tensor!r}, of type {type(tensor).__name__}; expected "
                    "symbolic tensors, as Input returns them, as layers return when called on one, or as "
                    "model.inputs and layer.output are."
                )
        return tensors, is_list

    def _find_nodes(self):
        """Return the nodes between input and outputs, each behind those it reads."""
        nodes = sources(self._output_tensors, [self._input_tensor])
        known = {id(self._input_tensor)}
        for node in nodes:
            lost = [x for x in node.tensors if id(x) not in known]
            if isinstance(node.operation, InputLayer) or lost:
                name = getattr(node.operation, "name", "?")
                raise ValueError(
                    f"Model {self.name!r}: an output is not connected to the inputs: it needs {name!r}, which does not "
                    f"come from {self._input_tensor!r}. Graph disconnected."
                )
            known.update(id(y) for y in node.outputs)
        return nodes

    def _in_keras_order(self):
        """Return the layers: by their distance from the outputs, the most distant first, as Keras counts it."""
        depth, first = {}, {}
        for node in reversed(self._order):
            own = depth.setdefault(id(node), 0)
            for x in node.tensors:
                if x is not self._input_tensor:
                    depth[id(x.node)] = max(depth.get(id(x.node), 0), own + 1)
        for node in self._from_outputs():
            first.setdefault(id(node.operation), len(first))
        layers = {}
        for node in self._order:
            if isinstance(node.operation, Layer):
                key = id(node.operation)
                deepest = max(depth[id(node)], layers[key][0] if key in layers else 0)
                layers[key] = (deepest, node.operation)
        ordered = sorted(layers.values(), key=lambda pair: (-pair[0], first[id(pair[1])]))
        return [self._input_layer(), *(layer for _, layer in ordered)]

    def _from_outputs(self):
        """Yield the nodes as they are met on a walk from the outputs."""
        seen, stack = set(), [y.node for y in reversed(self._output_tensors)]
        mine = set(map(id, self._order))
        while stack:
            node = stack.pop()
            if id(node) in mine and id(node) not in seen:
                seen.add(id(node))
                yield node
                stack += [x.node for x in reversed(node.tensors)]

    def _input_layer(self):
        source = self._input_tensor.source
        return (
            InputLayer(batch_shape=self._input_tensor.shape, dtype=self._input_tensor.dtype)
            if source is None
            else source
        )

    def _check_layers(self):
        names = [layer.name for layer in self._layers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"Model {self.name!r}: all layers must have unique names; there are several {twice}.")
        kinds = {layer.dtype for layer in self._layers}
        if len(kinds) > 1:
            raise ValueError(f"Model {self.name!r}: its layers have the dtypes {sorted(kinds)}; expected one dtype.")

    def __getstate__(self):
        state = super().__getstate__()
        for made_of_tensors in ("_input_tensor", "_output_tensors", "_order", "_given"):
            del state[made_of_tensors]
        return {**state, "_calls": calls_of([self._input_tensor], self._order, self._output_tensors)}

    def __setstate__(self, state):
        calls = state.pop("_calls")
        vars(self).update(state, _given=((), {}))
        self._input_tensor = self._layers[0].tensor
        self._output_tensors = calls.replay([self._input_tensor])
        self._order = sources(self._output_tensors, [self._input_tensor])

    def cloned(self, operation):
        """Return a model of the same graph.

        Parameters
        ----------
        operation : callable
            Returns the layer that stands in the place of a layer; each is asked for once. Ops stay.
        """
        made = {id(layer): operation(layer) for layer in self._layers[1:]}
        inputs = type(self._layers[0]).from_config(self._layers[0].get_config()).tensor
        calls = calls_of([self._input_tensor], self._order, self._output_tensors)
        outputs = calls.replay([inputs], lambda same: made.get(id(same), same))
        return type(self)([inputs] if self._inputs_are_list else inputs, self._structured(outputs), name=self.name)

    def lower(self, trace, x):
        """Lower all layers; see `Layer.lower`."""
        x = x[0] if isinstance(x, list) else x
        trace.layer = self.name
        found = lower_graph(trace, [x], [self._input_tensor], self._output_tensors)
        return found[0] if self.is_single else found

    def build(self, input_shape=None):
        """Check a shape: the model is built by its tensors.

        Raises
        ------
        ValueError
            If it is not that of the inputs.
        """
        if input_shape is not None and tuple(input_shape[1:]) != tuple(self.input_shape[1:]):
            raise ValueError(
                f"Model {self.name!r}: build got input_shape={tuple(input_shape)}; its input has {self.input_shape}."
            )

    @property
    def layers(self):
        """The layers, the Input first."""
        return list(self._layers)

    @property
    def input_shape(self):
        """The shape of the inputs, batch first."""
        return self._input_tensor.shape

    @property
    def output_shape(self):
        """The shape of the outputs, batch first; a list of them if the model has a list of outputs."""
        return self._structured([y.shape for y in self._output_tensors])

    def layer_output_shape(self, layer):
        """Return the shape of a layer's outputs."""
        node = self._node_of(layer)
        if node is None:
            return self._input_tensor.shape
        shapes = [y.shape for y in node.outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    def _node_of(self, layer):
        return next((node for node in self._order if node.operation is layer), None)

    def layer_inputs(self, layer):
        """Return what a layer reads, as ``name[node][tensor]``."""
        node = self._node_of(layer)
        return [] if node is None else [self._origin(x) for x in node.tensors]

    def _origin(self, tensor):
        if tensor is self._input_tensor:
            return f"{self._layers[0].name}[0][0]"
        name = getattr(tensor.node.operation, "name", "?")
        calls = [node for node in self._order if node.operation is tensor.node.operation]
        return f"{name}[{calls.index(tensor.node)}][{tensor.place}]"

    @property
    def is_chain(self):
        """Whether each layer reads the one before it and nothing else."""
        before = self._input_tensor
        for node in self._order:
            if len(node.tensors) != 1 or node.tensors[0] is not before or len(node.outputs) != 1:
                return False
            before = node.outputs[0]
        return True

    def compute_output_shape(self, input_shape):
        """Return the outputs' shape for an inputs' shape."""
        self.build(input_shape)
        shapes = [(input_shape[0], *y.shape[1:]) for y in self._output_tensors]
        return self._structured(shapes)

    def get_config(self):
        """Return the graph as Keras writes it.

        Raises
        ------
        NotImplementedError
            If ops were applied outside of layers.
        """
        loose = [node.operation for node in self._order if not isinstance(node.operation, Layer)]
        if loose:
            raise NotImplementedError(
                f"Model {self.name!r}: a config holds layers, but {loose[0].name!r} was applied to a tensor by itself; "
                "put it into a layer's call."
            )
        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [self._entry(layer) for layer in self._layers],
            "input_layers": self._history(self._input_tensor, self._inputs_are_list),
            "output_layers": (
                self._history(self._output_tensors[0])
                if self.is_single
                else [self._history(y) for y in self._output_tensors]
            ),
        }

    def _history(self, tensor, in_list=False):
        if tensor is self._input_tensor:
            found = [self._layers[0].name, 0, 0]
        else:
            calls = [node for node in self._order if node.operation is tensor.node.operation]
            found = [tensor.node.operation.name, calls.index(tensor.node), tensor.place]
        return [found] if in_list else found

    def _entry(self, layer):
        calls = [node for node in self._order if node.operation is layer]
        return {
            **serialize_keras_object(layer),
            "name": layer.name,
            "inbound_nodes": [{"args": self._arguments(node), "kwargs": dict(node.arguments)} for node in calls],
        }

    def _arguments(self, node):
        described = [
            {
                "class_name": "__keras_tensor__",
                "config": {"shape": x.shape, "dtype": x.dtype, "keras_history": self._history(x)},
            }
            for x in node.tensors
        ]
        return [described] if node.is_list else described

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model, without its weights, from what `get_config` returned."""
        with CustomObjectScope(custom_objects):
            made = {entry["name"]: restored(entry, "layers") for entry in config["layers"]}
        tensors = {}
        for entry in config["layers"]:
            layer = made[entry["name"]]
            if isinstance(layer, InputLayer):
                tensors[entry["name"], 0, 0] = layer.tensor
        waiting = [
            ((entry["name"], i), call) for entry in config["layers"] for i, call in enumerate(entry["inbound_nodes"])
        ]
        while waiting:
            ready = [pair for pair in waiting if all(key in tensors for key in _keys(pair[1]["args"]))]
            if not ready:
                raise ValueError(
                    f"Functional.from_config: the calls {[key for key, _ in waiting]} wait for each other."
                )
            for (name, i), call in ready:
                (x,) = [_with_tensors(argument, tensors) for argument in call["args"]]
                y = made[name](x, **{key: value for key, value in call["kwargs"].items() if value is not None})
                for place, tensor in enumerate(y if isinstance(y, list) else [y]):
                    tensors[name, i, place] = tensor
            waiting = [pair for pair in waiting if pair not in ready]
        ends = [_histories(config[key], tensors) for key in ("input_layers", "output_layers")]
        return cls(*ends, name=config["name"])


def _keys(arguments):
    for argument in arguments:
        if isinstance(argument, list):
            yield from _keys(argument)
        else:
            yield tuple(argument["config"]["keras_history"])


def _with_tensors(argument, tensors):
    if isinstance(argument, list):
        return [_with_tensors(part, tensors) for part in argument]
    return tensors[tuple(argument["config"]["keras_history"])]


def _histories(value, tensors):
    return (
        [_histories(part, tensors) for part in value] if isinstance(value[0], (list, tuple)) else tensors[tuple(value)]
    )
