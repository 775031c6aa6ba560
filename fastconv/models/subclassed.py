"""Models that define `call` themselves: it is traced once, as that of a layer, and what it does becomes a plan."""

from collections.abc import Mapping
from functools import wraps

from fastconv.layers.layer import Layer, _parameters, name_scope
from fastconv.models.graph import layer_sources
from fastconv.models.structure import ALONE, Structure
from fastconv.names import spelled
from fastconv.ops.symbolic import Graph, KerasTensor, sources


class OwnWeights:
    """Stands among a model's layers for the weights that are the model's own."""

    activity_regularizer = None
    _activity_losses = ()

    def __init__(self, model):
        self.name, self.weights, self.trainable = model.name, model._own_weights(), True

    @property
    def trainable_weights(self):
        """Those that training changes."""
        return [v for v in self.weights if v.trainable]


@spelled
class OwnCall:
    """What a model has whose class defines `call`; other models say all of it themselves."""

    _input_tensors = _output_tensors = _order = ()
    _built_for = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.call is not Layer.call and "build" in cls.__dict__:
            cls.build = _and_trace(cls.__dict__["build"])

    @property
    def layers(self):
        """The layers that are attributes, or in lists, tuples and dicts that are."""
        return Layer.sublayers.fget(self)

    def build(self, input_shape=None):
        """Find out what `call` does to inputs of a shape, batch first; a list of shapes is for several."""
        if input_shape is None:
            raise ValueError(f"Model {self.name!r}, build: input_shape is missing; expected a shape, batch first.")
        self._trace(input_shape)

    def _trace(self, input_shape):
        shapes = input_shape if isinstance(input_shape[-1], (list, tuple)) else [input_shape]
        if self._ins is ALONE and len(shapes) > 1:
            self._ins = Structure(list(shapes))
        names = sorted(self._ins.keys or []) or ["x"] * len(shapes)
        if len(shapes) > 1 and self._ins.keys is None:
            names = [f"{name}{i}" for i, name in enumerate(names)]
        self._input_tensors = [
            KerasTensor((None, *shape[1:]), self.dtype, name=name) for name, shape in zip(names, shapes, strict=True)
        ]
        graph = self._traced(self._input_tensors, len(shapes) > 1)
        self._output_tensors = graph.outputs
        self._order = sources(graph.outputs, self._input_tensors, graph.effects)
        self.built, self._built_for = True, input_shape

    def _traced(self, tensors, is_list, training=False):
        """Return the graph of what `call` does; note how it holds its results together."""
        given = {"training": training} if "training" in _parameters(type(self).call) else {}
        owner = f"Model {self.name!r} ({type(self).__name__}), call"

        def function(*xs):
            found = self.call(self._ins.wrap(xs), **given)
            self._outs = Structure(found, owner, "what it returns")
            return self._outs.flat(found)

        with name_scope(self.name):
            return Graph(function, tensors, owner)

    def _learn_structure(self, x):
        """Take from the first inputs how they are held together."""
        if self.built or not self.is_traced:
            return
        several = isinstance(x, (list, tuple)) and len(x) > 1 and all(getattr(part, "ndim", 0) for part in x)
        if several or isinstance(x, Mapping):
            self._ins = Structure(x, f"Model {self.name!r}", "x")

    # -- shapes -------------------------------------------------------------------------------------------
    @property
    def _input_shapes(self):
        return [x.shape for x in self._input_tensors]

    @property
    def _output_shapes(self):
        return [y.shape for y in self._output_tensors]

    @property
    def input_shape(self):
        """The shape of the inputs, batch first; a list of them if there are several; None before it is known."""
        return _alone(self._input_shapes)

    @property
    def output_shape(self):
        """The shape of the outputs, batch first; a list of them if there are several; None before it is known."""
        return _alone(self._output_shapes)

    def layer_output_shape(self, layer):
        """Return the shape of a layer's outputs at its first call, None if there was none yet."""
        node = self._node_of(layer)
        return None if node is None else _alone([y.shape for y in node.outputs])

    def layer_input_shape(self, layer):
        """Return the shape of what a layer reads at its first call, a list of them if there are several."""
        node = self._node_of(layer)
        return None if node is None else _alone([x.shape for x in node.tensors])

    def _node_of(self, layer):
        return next((node for node in self._order if node.operation is layer), None)

    def layer_sources(self):
        """Return the layers that each layer reads, by its id; ops between them are passed over."""
        return layer_sources(self._order, {})

    def compute_output_shape(self, input_shape):
        """Return the outputs' shape for an inputs' shape."""
        self.build_once(input_shape)
        batch = (input_shape[0] if isinstance(input_shape[-1], tuple) else input_shape)[0]
        return self._outs.pack([(batch, *shape[1:]) for shape in self._output_shapes])

    def cloned(self, operation, input_tensors=None):
        """Raise: only the class knows how such a model is made."""
        raise ValueError(
            f"clone_model: model {self.name!r} ({type(self).__name__}) defines call itself; expected a Sequential or a "
            "functional model. Make another one by its class."
        )


def _alone(shapes):
    """Return the only shape, a list of several, or None."""
    return shapes if len(shapes) > 1 else shapes[0] if shapes else None


def _and_trace(build):
    """Return a `build` that, when the weights are there, finds out what `call` does; done once."""

    @wraps(build)
    def build_and_trace(self, input_shape=None):
        if not self._input_tensors:
            build(self, input_shape)
        if not self._input_tensors:
            self._trace(input_shape)

    return build_and_trace
