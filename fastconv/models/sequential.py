"""Sequential: a chain of layers."""

from itertools import pairwise

import numpy as np

from fastconv.layers.input import InputLayer
from fastconv.layers.layer import Layer, name_scope, sizes, unique_name
from fastconv.models.model import Model
from fastconv.names import spelled
from fastconv.ops.symbolic import KerasTensor
from fastconv.saving import CustomObjectScope, serialize_keras_object
from fastconv.saving.objects import restored


@spelled
class Sequential(Model):
    """A chain of layers, each reading what the one before it writes.

    Parameters
    ----------
    layers : list of Layer, optional
    trainable : bool
    name : str, optional

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3), keras.layers.Flatten()])
    >>> model.output_shape
    (None, 5408)
    """

    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(name=name or unique_name("sequential"))
        self._layers = []
        self._input = None  # an InputLayer
        self._tensors = []  # the symbolic input, and what comes out of each layer
        layers = [] if layers is None else layers
        if not np.iterable(layers):
            raise TypeError(f"Model {self.name!r}: layers={layers!r} is not a list of layers.")
        for layer in layers:
            self.add(layer, rebuild=False)
        self._build_if_known()
        if not trainable:
            self.trainable = False

    def add(self, layer, rebuild=True):
        """Append a layer.

        Parameters
        ----------
        layer : Layer
        rebuild : bool
            Build the model at once if the shape of its inputs is known.

        Raises
        ------
        ValueError
            If it is not a layer, its name is taken, or it does not fit behind the others.
        """
        if not isinstance(layer, (Layer, KerasTensor)):
            raise ValueError(
                f"Model {self.name!r}: only layers can be added; got {layer!r} ({type(layer).__name__}), expected a "
                "fastconv.layers.Layer."
            )
        if isinstance(layer, KerasTensor):
            layer = self._input_of(layer)
        if isinstance(layer, InputLayer):
            if self._layers or self._input is not None:
                raise ValueError(f"Model {self.name!r}: an Input must be the first layer; {layer.name!r} comes later.")
            self._input = layer
            return
        if any(layer is other for other in self._layers):
            raise ValueError(f"Model {self.name!r}: layer {layer.name!r} is in it already; expected a new layer.")
        if layer.name in {other.name for other in self._layers}:
            raise ValueError(
                f"Model {self.name!r}: all layers must have unique names; {layer.name!r} is there already."
            )
        before = (self._input, self._shapes, self.built, self._plans)
        if not self._layers and self._input is None and layer.input_shape_hint is not None:
            self._input = InputLayer(layer.input_shape_hint, dtype=layer.dtype)
        if not self._layers and self._input is None and isinstance(layer, Model) and layer.built:
            self._input = InputLayer(batch_shape=layer.input_shape, dtype=layer.dtype)
        self._layers.append(layer)
        self._forget()
        if rebuild:
            try:
                self._build_if_known()
            except Exception:  # the model stays as it was
                self._layers.pop()
                self._input, self._shapes, self.built, self._plans = before
                raise

    def _input_of(self, tensor):
        """Return the InputLayer whose tensor `Input` returned."""
        if tensor.source is None:
            raise ValueError(f"Model {self.name!r}: only layers can be added; got {tensor!r}, which no Input made.")
        return tensor.source

    def pop(self, rebuild=True):
        """Remove the last layer and return it.

        Raises
        ------
        IndexError
            If there is none.
        """
        if not self._layers:
            raise IndexError(f"Model {self.name!r}: there is no layer to pop.")
        layer = self._layers.pop()
        self._forget()
        if rebuild:
            self._build_if_known()
        return layer

    def build(self, input_shape=None):
        """Build all layers for inputs of a shape, batch first.

        Parameters
        ----------
        input_shape : tuple of int, optional
            Not needed with an Input or ``input_shape=`` in the first layer.

        Raises
        ------
        ValueError
            If no shape is known, or a layer does not fit.
        """
        if not self._layers:
            raise ValueError(f"Model {self.name!r} cannot be built: it has no layers; call add(layer) first.")
        if input_shape is not None:
            shape = sizes(f"Model {self.name!r}, build", "input_shape", input_shape)
            if self._input is not None and self._input.batch_shape[1:] != shape[1:]:
                raise ValueError(
                    f"Model {self.name!r}: build got input_shape={shape}; its Input says {self._input.batch_shape}."
                )
            if self._input is None:
                self._input = InputLayer(batch_shape=(None, *shape[1:]), dtype=self.dtype)
        if self._input is None:
            raise ValueError(
                f"Model {self.name!r} does not know the shape of its inputs; expected an Input or input_shape= in the "
                f"first "
                "layer, or build(input_shape)."
            )
        self._build_if_known()

    def _build_if_known(self):
        """Build the layers that are not built yet, once the inputs' shape is known."""
        if self._input is None or not self._layers:
            return
        shape = (None, *self._input.batch_shape[1:])
        shapes, self._tensors = [shape], [self._input.tensor]
        for layer in self._layers:
            if layer.dtype != self.dtype:
                raise ValueError(
                    f"Model {self.name!r}: layer {layer.name!r} has dtype {layer.dtype!r}; the first one has "
                    f"{self.dtype!r}. "
                    "All layers of a model must have one dtype."
                )
            with name_scope(self.name):  # weights that are made now have paths that begin with it
                layer.build_once(shape)
                self._connect(layer)
            shape = layer.compute_output_shape(shape)
            shapes.append(shape)
        batch = self._input.batch_shape[0]
        self._shapes, self.built = [(batch, *shape[1:]) for shape in shapes], True

    def _connect(self, layer):
        """Note that a layer reads what the one before it writes."""
        x = self._tensors[-1]
        known = [node.outputs[0] for node in layer._nodes if node.inputs[0] is x and not node.is_list]
        y = known[0] if known else layer._apply(x)
        if isinstance(y, list):
            raise ValueError(f"Model {self.name!r}: layer {layer.name!r} has several outputs; expected a chain.")
        self._tensors.append(y)

    def __setstate__(self, state):
        vars(self).update(state)
        if self.built:
            self._build_if_known()

    def __getstate__(self):
        return {**super().__getstate__(), "_tensors": []}

    def lower(self, trace, x):
        """Lower all layers; see `Layer.lower`."""
        for layer in self._layers:
            trace.layer = layer.name
            x = layer.lower_whole(trace, x)
        return x

    @property
    def _input_tensors(self):
        return self._tensors[:1]

    @property
    def _output_tensors(self):
        return self._tensors[-1:]

    @property
    def _input_shapes(self):
        return [self.input_shape]

    @property
    def _output_shapes(self):
        return [self.output_shape]

    @property
    def dtype(self):
        """The type of the layers."""
        return self._layers[0].dtype if self._layers else np.dtype("float32").name

    @dtype.setter
    def dtype(self, value):
        """Do nothing: a layer's dtype is set when it is made, a model's is that of its layers."""

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    @property
    def layers(self):
        """The layers, without the Input."""
        return list(self._layers)

    @property
    def input_shape(self):
        """The shape of the inputs, batch first; None before it is known."""
        return self._shapes[0] if self.built else (None if self._input is None else self._input.batch_shape)

    @property
    def output_shape(self):
        """The shape of the outputs, batch first; None before it is known."""
        return self._shapes[-1] if self.built else None

    def layer_output_shape(self, layer):
        """Return the shape of a layer's outputs, None before the model is built."""
        if not self.built:
            return None
        return next(shape for shape, other in zip(self._shapes[1:], self._layers, strict=True) if other is layer)

    def layer_input_shape(self, layer):
        """Return the shape of what a layer reads, None before the model is built."""
        if not self.built:
            return None
        return next(shape for shape, other in zip(self._shapes, self._layers, strict=False) if other is layer)

    def layer_sources(self):
        """Return the layer that each layer reads, in a list, by its id."""
        return {id(layer): [before] for before, layer in pairwise(self._layers)}

    def compute_output_shape(self, input_shape):
        """Return the outputs' shape for an inputs' shape."""
        for layer in self._layers:
            input_shape = layer.compute_output_shape(input_shape)
        return tuple(input_shape)

    def get_config(self):
        """Return the layers' configs, as Keras writes them."""
        layers = ([self._input] if self._input is not None else []) + self._layers
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_config,
            "layers": [serialize_keras_object(layer) for layer in layers],
        }
        return {**config, "build_input_shape": self.input_shape} if self.built else config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model, without its weights, from what `get_config` returned."""
        with CustomObjectScope(custom_objects):
            made = [restored(entry, "layers") for entry in _entries(config)]
        model = cls(made, name=config["name"])
        if not model.built and config.get("build_input_shape"):
            model.build(config["build_input_shape"])
        return model


def _entries(config):
    """Return the layers' configs; raise if there are none."""
    if not isinstance(config.get("layers"), (list, tuple)) or "name" not in config:
        raise ValueError(
            "A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys; got "
            f"{sorted(map(str, config))}."
        )
    return config["layers"]
