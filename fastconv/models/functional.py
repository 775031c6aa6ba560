"""Functional: a model between symbolic tensors."""

from fastconv.layers.input import InputLayer
from fastconv.layers.layer import Layer, unique_name
from fastconv.models.graph import calls_of, in_keras_order, layer_sources
from fastconv.models.model import Model
from fastconv.models.structure import Structure
from fastconv.names import spelled
from fastconv.ops.symbolic import KerasTensor, lower_graph, sources
from fastconv.saving import CustomObjectScope, serialize_keras_object
from fastconv.saving.objects import restored

ENDS = ("input_layers", "output_layers")  # of a config


@spelled
class Functional(Model):
    """A graph of layers from inputs to outputs; see `Model` for the arguments."""

    def __init__(self, inputs, outputs, trainable=True, name=None):
        super().__init__(name=name or unique_name("functional"))
        self._ins, self._input_tensors = self._tensors_of("inputs", inputs)
        self._outs, self._output_tensors = self._tensors_of("outputs", outputs)
        self._input_layers = [self._input_layer(x) for x in self._input_tensors]
        self._order = self._find_nodes()
        self._layers = in_keras_order(self._input_tensors, self._input_layers, self._order, self._output_tensors)
        self._check_layers()
        self.built, self.dtype = True, self._input_tensors[0].dtype
        if not trainable:
            self.trainable = False

    def _tensors_of(self, argument, value):
        """Return how the tensors of an argument are held together, and a list of them."""
        structure = Structure(value, f"Model {self.name!r}", argument)
        tensors = structure.flat(value)
        if not tensors:
            raise ValueError(f"Model {self.name!r}: {argument}={value!r} is empty; expected symbolic tensors.")
        for tensor in tensors:
            if not isinstance(tensor, KerasTensor):
                raise ValueError(
                    f"Model {self.name!r}: {argument} has {tensor!r}, of type {type(tensor).__name__}; expected "
                    "symbolic tensors, as Input returns them, as layers return when called on one, or as "
                    "model.inputs and layer.output are."
                )
        return structure, tensors

    def _find_nodes(self):
        """Return the nodes between inputs and outputs, each behind those it reads."""
        nodes = sources(self._output_tensors, self._input_tensors)
        known = set(map(id, self._input_tensors))
        if len(known) < len(self._input_tensors):
            raise ValueError(f"Model {self.name!r}: an input is there twice; expected different tensors.")
        for node in nodes:
            lost = [x for x in node.tensors if id(x) not in known]
            if isinstance(node.operation, InputLayer) or lost:
                name = getattr(node.operation, "name", "?")
                raise ValueError(
                    f"Model {self.name!r}: an output is not connected to the inputs: it needs {name!r}, which does not "
                    f"come from {', '.join(map(repr, self._input_tensors))}. Graph disconnected."
                )
            known.update(id(y) for y in node.outputs)
        return nodes

    def _input_layer(self, tensor):
        return tensor.source or InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype)

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
        for made_of_tensors in ("_input_tensors", "_output_tensors", "_order", "_given"):
            del state[made_of_tensors]
        return {**state, "_calls": self._calls()}

    def _calls(self):
        return calls_of(self._input_tensors, self._order, self._output_tensors)

    def __setstate__(self, state):
        calls = state.pop("_calls")
        vars(self).update(state, _given=((), {}))
        self._input_tensors = [layer.tensor for layer in self._input_layers]
        self._output_tensors = calls.replay(self._input_tensors)
        self._order = sources(self._output_tensors, self._input_tensors)

    def cloned(self, operation, input_tensors=None):
        """Return a model of the same graph.

        Parameters
        ----------
        operation : callable
            Returns the layer that stands in the place of a layer; each is asked for once. Ops stay.
        input_tensors : KerasTensor, or list, tuple or dict of them, optional
            What it begins with; new inputs by default.
        """
        made = {id(layer): operation(layer) for layer in self._layers if not isinstance(layer, InputLayer)}
        if input_tensors is None:
            inputs = [InputLayer.from_config(layer.get_config()).tensor for layer in self._input_layers]
        else:
            inputs = self._ins.arrays(input_tensors, self._input_names, f"clone_model: model {self.name!r}", "x")
            inputs = self._tensors_of("input_tensors", inputs)[1]
        outputs = self._calls().replay(inputs, lambda same: made.get(id(same), same))
        return Functional(self._ins.wrap(inputs), self._outs.wrap(outputs), name=self.name)

    def lower(self, trace, x):
        """Lower all layers; see `Layer.lower`."""
        trace.layer = self.name
        found = lower_graph(trace, x if isinstance(x, list) else [x], self._input_tensors, self._output_tensors)
        return found if len(found) > 1 else found[0]

    def build(self, input_shape=None):
        """Check a shape: the model is built by its tensors.

        Raises
        ------
        ValueError
            If it is not that of the inputs.
        """
        if input_shape is None:
            return
        given = input_shape if isinstance(input_shape, list) else [input_shape]
        if [tuple(shape[1:]) for shape in given] != [x.shape[1:] for x in self._input_tensors]:
            raise ValueError(
                f"Model {self.name!r}: build got input_shape={input_shape}; its input has {self.input_shape}."
            )

    @property
    def layers(self):
        """The layers, the Input first."""
        return list(self._layers)

    def layer_output_shape(self, layer):
        """Return the shape of a layer's outputs."""
        if self._node_of(layer) is None:
            return self._input_tensors[self._input_layers.index(layer)].shape
        return super().layer_output_shape(layer)

    def layer_input_shape(self, layer):
        """Return the shape of what a layer reads at its first call, a list of them if there are several."""
        return self.layer_output_shape(layer) if self._node_of(layer) is None else super().layer_input_shape(layer)

    def layer_sources(self):
        """Return the layers that each layer reads, by its id; ops between them are passed over."""
        inputs = zip(self._input_tensors, self._input_layers, strict=True)
        return layer_sources(self._order, {id(x): [layer] for x, layer in inputs})

    def layer_inputs(self, layer):
        """Return what a layer reads at all its calls, as ``name[node][tensor]``."""
        found = [self._history(x) for node in self._order if node.operation is layer for x in node.tensors]
        return [f"{name}[{call}][{place}]" for name, call, place in found]

    @property
    def is_chain(self):
        """Whether each layer reads the one before it and nothing else."""
        before = self._input_tensors[0]
        for node in self._order:
            if len(node.tensors) != 1 or node.tensors[0] is not before or len(node.outputs) != 1:
                return False
            before = node.outputs[0]
        return len(self._input_tensors) == 1

    def compute_output_shape(self, input_shape):
        """Return the outputs' shape for an inputs' shape; of several as the model was made."""
        self.build(input_shape)
        batch = (input_shape[0] if isinstance(input_shape, list) else input_shape)[0]
        return self._outs.pack([(batch, *shape[1:]) for shape in self._output_shapes])

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
            "input_layers": self._ins.wrap([self._history(x) for x in self._input_tensors]),
            "output_layers": self._outs.wrap([self._history(y) for y in self._output_tensors]),
        }

    def _history(self, tensor):
        """Return what makes a tensor: the name of a layer, which of its calls, and the place among the results."""
        for x, layer in zip(self._input_tensors, self._input_layers, strict=True):
            if tensor is x:
                return [layer.name, 0, 0]
        calls = [node for node in self._order if node.operation is tensor.node.operation]
        return [getattr(tensor.node.operation, "name", "?"), calls.index(tensor.node), tensor.place]

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
        missing = [key for key in ("layers", "input_layers", "output_layers") if key not in config]
        if missing:
            raise ValueError(f"Functional.from_config: config has no {missing}; expected what get_config returned.")
        with CustomObjectScope(custom_objects):
            made = {entry["name"]: restored(entry, "layers") for entry in config["layers"]}
        tensors = {(name, 0, 0): layer.tensor for name, layer in made.items() if isinstance(layer, InputLayer)}
        for (name, i), call in _in_order(config["layers"], tensors):
            (x,) = [_with_tensors(argument, tensors) for argument in call["args"]]
            y = made[name](x, **{key: value for key, value in call["kwargs"].items() if value is not None})
            for place, tensor in enumerate(Structure(y).flat(y)):
                tensors[name, i, place] = tensor
        ends = [_histories(config[key], tensors) for key in ENDS]
        of_the_class = () if cls is Functional else set(config) - {"name", "trainable", "layers", *ENDS}
        model = cls(*ends, name=config["name"], **{key: config[key] for key in of_the_class})
        if not config.get("trainable", True):
            model.trainable = False
        return model


def _in_order(entries, known):
    """Give the calls of a config's layers, each when the tensors that it reads are there.

    Parameters
    ----------
    entries : list of dict
    known : collection of tuple
        The tensors that are there, as a name, a call and a place; whoever takes a call adds what it gives.
    """
    calls = {(entry["name"], i): call for entry in entries for i, call in enumerate(entry["inbound_nodes"])}
    needs = {key: {read[:2] for read in _keys(call) if read not in known} for key, call in calls.items()}
    readers = {}
    for key, needed in needs.items():
        for read in needed:
            readers.setdefault(read, []).append(key)
    ready = [key for key, needed in needs.items() if not needed]
    for key in ready:  # it grows
        yield key, calls[key]
        for reader in readers.pop(key, ()):
            needs[reader].discard(key)
            if not needs[reader]:
                ready.append(reader)
    missing = sorted({name for name, i in readers if (name, i) not in calls})
    if missing:
        raise ValueError(
            f"Functional.from_config: missing node: {missing[0]}; it is read, so it must be among the layers."
        )
    if readers:
        waiting = [key for key, needed in needs.items() if needed]
        raise ValueError(f"Functional.from_config: a loop: the calls {waiting} wait for each other.")


def _keys(arguments):
    """Give the tensors that are read: the name of a layer, which of its calls, the place among the results."""
    if isinstance(arguments, dict) and "args" in arguments:
        arguments = arguments["args"]
    for argument in arguments:
        if isinstance(argument, list):
            yield from _keys(argument)
        elif not isinstance(argument, dict):
            raise ValueError(
                f"Functional.from_config: {argument!r} describes no tensor; expected a config as Keras 3 writes it."
            )
        elif "keras_history" not in argument.get("config", {}):
            yield from _keys(argument.values())
        else:
            yield tuple(argument["config"]["keras_history"])


def _with_tensors(argument, tensors):
    if isinstance(argument, list):
        return [_with_tensors(part, tensors) for part in argument]
    if "keras_history" not in argument.get("config", {}):
        return {key: _with_tensors(part, tensors) for key, part in argument.items()}
    return tensors[tuple(argument["config"]["keras_history"])]


def _histories(value, tensors):
    """Return the tensors that histories stand for, held together in the same way."""
    if isinstance(value, dict):
        return {key: _histories(part, tensors) for key, part in value.items()}
    if isinstance(value[0], (list, tuple)):
        return type(value)(_histories(part, tensors) for part in value)
    return tensors[tuple(value)]
