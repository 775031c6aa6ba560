"""Model: weights, running, inspection; `fastconv.models.training` adds compile, fit, evaluate and predict."""

from collections.abc import Mapping

import numpy as np

from fastconv import saving
from fastconv.layers.layer import EagerTrace, Layer, assign_all, penalties
from fastconv.layers.surface import ModelSurface
from fastconv.models import profiling, summary
from fastconv.models.structure import ALONE
from fastconv.models.subclassed import OwnCall, OwnWeights
from fastconv.models.training import Trainer
from fastconv.names import spelled, suggestion
from fastconv.ops import primitives as P
from fastconv.ops import symbolic
from fastconv.ops.symbolic import KerasTensor, Node
from fastconv.plan import Plan
from fastconv.saving import architecture


@spelled
class Model(ModelSurface, Trainer, OwnCall, Layer):
    """What every model has, and the model between symbolic tensors.

    ``Model(inputs, outputs)`` computes outputs from inputs: tensors of `Input`, of layers called on tensors, or of the
    layers of a built model (``model.inputs``, ``layer.output``). It shares its layers, and so their weights, with
    whoever else has them. A model is a layer: it can be called on a tensor, or stand in another model.

    A subclass may define ``call(self, inputs)``, or ``call(self, inputs, training)``, over layers that it has as
    attributes and functions of ``ops``. It is traced on symbolic tensors, so it cannot ask for values.

    Parameters
    ----------
    inputs : KerasTensor, or list, tuple or dict of them
        Of several, a list or tuple of arrays in their order is what the model runs on, or a dict by their names.
    outputs : KerasTensor, or list, tuple or dict of them
        `predict` and calls return as many arrays, in the same way.
    trainable : bool
    name : str, optional

    Raises
    ------
    ValueError
        If an output does not come from the inputs.
    NotImplementedError
        For subclasses with a `train_step` or another method that handles a batch.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3), keras.layers.Flatten()])
    >>> maps = keras.Model(model.inputs, [layer.output for layer in model.layers])
    >>> [y.shape for y in maps.predict(np.zeros((2, 28, 28, 1)), verbose=0)]
    [(2, 26, 26, 8), (2, 5408)]
    """

    notes_its_shape = False

    def __new__(cls, *args, **kwargs):  # noqa: D102
        if cls is not Model:
            return super().__new__(cls, *args, **kwargs)
        from fastconv.models.functional import Functional  # it is a Model itself

        return Functional(*args, **kwargs)

    def __init__(self, *args, trainable=True, name=None, dtype=None, **kwargs):
        if args or "inputs" in kwargs or "outputs" in kwargs:  # a subclass whose __init__ says what comes of what
            _functional(type(self)).__init__(self, *args, trainable=trainable, name=name, **kwargs)
            return
        super().__init__()
        Layer.__init__(self, name=name, dtype=dtype, **kwargs)
        self.refuse_overridden()
        self.refuse(trainable=None if trainable else trainable)  # the layers are not there yet
        self.built = False
        self._plans = {}
        self._shapes = []

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model, without its weights, from what `get_config` returned.

        Parameters
        ----------
        config : dict
        custom_objects : dict, optional
            Classes and functions of one's own by name.
        """
        if "input_layers" in config:
            from fastconv.models.functional import Functional  # it is a Model itself

            return Functional.from_config.__func__(Functional if cls is Model else cls, config, custom_objects)
        with saving.CustomObjectScope(custom_objects):
            return cls(**config)

    def __getstate__(self):
        copied = {**self.__dict__, "_plans": {}, "_nodes": []}  # kernels are bound to memory: copies make their own
        return {**copied, "_input_tensors": (), "_output_tensors": (), "_order": ()} if self.is_traced else copied

    def __setstate__(self, state):
        vars(self).update(state)
        if self.is_traced and self.built:
            self._trace(self._built_for)

    def _forget(self):
        """Drop what was made from the layers, after a change of them."""
        self.built = False
        self._plans = {}

    @property
    def leaves(self):
        """All layers that are no models, those of nested models among them."""
        return _leaves(self)

    @property
    def plan(self):
        """The steps that run; ``print(model.plan)`` shows them."""
        plan = self._plans.get("plan")
        if plan is None:  # of two threads that come at once, both get the same
            self.require_built("plan")
            shapes = [shape[1:] for shape in self._input_shapes]
            made = Plan(self.leaves, shapes, self.dtype, self._losses.judgements(self._output_shapes), self)
            plan = self._plans.setdefault("plan", made)
        return plan

    def require_built(self, what):
        """Raise ValueError if the model does not know its inputs' shape yet."""
        if not self.built:
            hint = "add an Input or input_shape= to its first layer, call build(input_shape), or run it on data."
            if not self.layers:
                hint = "it has no layers to run; add one."
            raise ValueError(f"Model {self.name!r} is not built yet, so {what} is not there; {hint}")

    def _require_graph(self, what):
        """Raise AttributeError if the model does not know its inputs' shape yet, as for names that are not there."""
        try:
            self.require_built(what)
        except ValueError as error:
            raise AttributeError(str(error)) from None

    def __call__(self, x, *more, training=None, mask=None, **arguments):
        """Run the model on a batch, or note that it is applied to a symbolic tensor.

        Parameters
        ----------
        x : array_like or KerasTensor, or list, tuple or dict of them
            Batch first.
        *more, **arguments
            None.
        training : bool, optional
            Whether layers such as Dropout act; see `Layer`.
        mask : None
            Not supported.

        Returns
        -------
        ndarray or KerasTensor
            Several as the model was made: in a list, tuple or dict.
        """
        if more or mask is not None or arguments:
            self._refuse_arguments(more, mask, arguments)
        if symbolic.any_symbolic(x.values() if isinstance(x, Mapping) else (x,)):
            return self._apply(x, training)
        layers = self.plan.layers if self.built else self.leaves  # finding the leaves takes longer than a small model
        penalized = any(layer.activity_regularizer is not None for layer in layers)
        if training or penalized:  # `losses` tells then
            readers = self._input_readers(x, self._owner("call"))
            x = self._written(readers, np.arange(len(readers[0]), dtype=np.intp))
            y = self.lower_whole(EagerTrace(bool(training)), x if len(x) > 1 else x[0])
            return self._outs.pack(y if isinstance(y, list) else [y])
        return self.predict_on_batch(x)

    def _sole(self, x):
        """Return the one array of a list of one, as a model takes whose inputs are a list."""
        alone = isinstance(x, (list, tuple)) and len(x) == 1 and isinstance(x[0], np.ndarray)
        return x[0] if alone and len(self._input_names) == 1 and x[0].ndim == len(self.input_shape or ()) else x

    # -- inputs and outputs -------------------------------------------------------------------------------
    _ins = _outs = ALONE  # how they are held together

    @property
    def _input_names(self):
        """What a dict of inputs has as its keys."""
        if self._ins.keys is not None:
            return sorted(self._ins.keys)
        if self.built:
            return [x.name for x in self._input_tensors]
        return [f"x{i}" for i in range(self._ins.count)] if self._ins.count > 1 else ["x"]

    @property
    def output_names(self):
        """The names of the outputs: those of the layers that make them, or a dict's keys."""
        if self._outs.keys is not None:
            return sorted(self._outs.keys)
        if self.is_traced:
            return [None] * len(self._output_tensors)
        return [getattr(getattr(y.node, "operation", y), "name", None) for y in self._output_tensors]

    # -- in another model ---------------------------------------------------------------------------------
    def _apply(self, x, training=None):
        """Return the symbolic outputs of a call on symbolic tensors; see `Layer`."""
        self._learn_structure(x)
        x = x[0] if isinstance(x, (list, tuple)) and len(x) == 1 else x
        given = list(x) if isinstance(x, (list, tuple)) else self._ins.arrays(x, self._input_names, self.name, "x")
        tensors = [t if isinstance(t, KerasTensor) else symbolic.apply(P.ArrayOp("add"), t, 0) for t in given]
        shapes = [t.shape for t in tensors]
        self.build_once(shapes if len(shapes) > 1 else shapes[0])
        arguments = {} if training is None else {"training": bool(training)}
        node = Node(self, tensors, arguments, is_list=len(tensors) > 1)
        made = node.give([(shapes[0][0], *shape[1:]) for shape in self._output_shapes], self.dtype)
        if not symbolic.is_tracing():
            self._nodes.append(node)
        return self._outs.pack(made)

    def build_once(self, input_shape):
        """Build the model for inputs of a shape, or check that it takes them; of several it is a list."""
        shapes = input_shape if isinstance(input_shape[-1], tuple) else [input_shape]
        if not self.built:
            shapes = [(None, *shape[1:]) for shape in shapes]
            with symbolic.not_tracing():
                self.build(shapes if len(shapes) > 1 else shapes[0])
        if [tuple(shape[1:]) for shape in shapes] != [tuple(shape[1:]) for shape in self._input_shapes]:
            raise ValueError(
                f"Model {self.name!r} was built for inputs of shape {self.input_shape}; got inputs of shape "
                f"{input_shape}."
            )

    def build_entry(self):
        """Return what a saved config says of the inputs; see `Layer`."""
        return {"build_config": {"input_shape": self.input_shape}} if self.built else {}

    @property
    def sublayers(self):
        """The layers."""
        return self.layers

    @property
    def inputs(self):
        """The symbolic inputs, a list."""
        self._require_graph("inputs")
        return list(self._input_tensors)

    @property
    def outputs(self):
        """The symbolic outputs, a list."""
        self._require_graph("outputs")
        return list(self._output_tensors)

    @property
    def input(self):
        """The symbolic input, or several as the model was made."""
        return self._ins.pack(self.inputs)

    @property
    def output(self):
        """The symbolic output, or several as the model was made."""
        return self._outs.pack(self.outputs)

    # -- weights ------------------------------------------------------------------------------------------
    @property
    def weights(self):
        """All weights, layer by layer."""
        return _once([*self._own_weights(), *(v for layer in self.layers for v in layer.weights)])

    @property
    def variables(self):
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self):
        """The weights that training changes: of a model that is not trainable none, whatever its layers say."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def trainable_variables(self):
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self):
        """The weights that training leaves alone."""
        return [v for v in self.weights if not (self._trainable and v.trainable)]

    @property
    def non_trainable_variables(self):
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def trainable(self):
        """Whether training changes the model; setting it sets all layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        for variable in self._own_weights():
            variable.trainable = bool(value) and variable.is_parameter
        for layer in self.layers:
            layer.trainable = value

    def freeze_again(self):
        """Freeze layers that were set free in a model that is frozen: `compile` does so, since the model decides."""
        if not self._trainable:
            self.trainable = False

    @property
    def losses(self):
        """The penalties of all layers' regularizers; see `Layer.losses`."""
        return penalties(self.leaves)

    def get_weights(self):
        """Return copies of all weights as a list of arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Set all weights from a list of arrays as `get_weights` returns it.

        Raises
        ------
        ValueError
            If their number or a shape does not fit; nothing is changed then.
        """
        self.require_built("set_weights")
        assign_all(f"Model {self.name!r}", self.weights, weights)

    def count_params(self):
        """Return the number of values in all weights.

        Raises
        ------
        ValueError
            If the model is not built yet.
        """
        self.require_built("count_params")
        return sum(v.array.size for v in self.weights)

    def get_layer(self, name=None, index=None):
        """Return a layer by its name or its place.

        Raises
        ------
        ValueError
            If neither or both are given, or there is no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError(
                f"Model {self.name!r}: get_layer expects either name or index; got name={name!r}, index={index!r}."
            )
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"Model {self.name!r}: get_layer(index={index}), but it has {len(self.layers)} layers."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise ValueError(f"Model {self.name!r}: no layer is named {name!r}; they are {names}.{suggestion(name, names)}")

    # -- files --------------------------------------------------------------------------------------------
    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Write the model to a ``.keras`` file; see `fastconv.saving.save_model`."""
        saving.save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """Write the weights to a ``.weights.h5`` file; see `fastconv.saving.save_weights`."""
        saving.save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Read the weights from a file; see `fastconv.saving.load_weights`."""
        saving.load_weights(self, filepath, skip_mismatch, **kwargs)

    def to_json(self, **kwargs):
        """Return what the model is made of as JSON, for `fastconv.models.model_from_json`."""
        return architecture.to_json(self, **kwargs)

    def summary(
        self,
        line_length=None,
        positions=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
        show_flops=False,
    ):
        """Print the layers with their output shapes and numbers of weights.

        Parameters
        ----------
        line_length : int, optional
            Width of the table; by default that of the terminal less 4, at most 88.
        positions : list of float, optional
            Where the columns end, as shares of the width.
        print_fn : callable, optional
            Gets the whole text in one call instead of ``print``.
        expand_nested : bool
            Show the layers of nested models as well.
        show_trainable : bool
            Add a column that tells whether a layer is trainable.
        layer_range : pair of str, optional
            The first and the last layer to show: their names, or regular expressions that the names begin with.
        show_flops : bool
            Add a column with the additions and multiplications of one sample; not in Keras.
        """
        extras = {"show_trainable": show_trainable, "show_flops": show_flops}
        summary.show(self, print_fn, line_length, positions, layer_range, expand_nested, **extras)

    def profile(self, x, y=None, sample_weight=None, seconds=0.5):
        """Time every step that runs for a batch: forward, and with targets also backward; nothing is trained.

        Parameters
        ----------
        x : array_like, or list, tuple or dict of them
            One batch.
        y, sample_weight : array_like, or list, tuple or dict of them, optional
            Targets (for a compiled model) and weights; with them a training step is measured, without its optimizer.
        seconds : float
            How long to measure, about.

        Returns
        -------
        Profile
            ``print`` it, or read its ``steps``: times, operations, kernels.

        Raises
        ------
        ValueError
            If the arrays do not fit the model, the batch is empty, or `seconds` is not a positive number.

        Examples
        --------
        >>> import fastconv as keras
        >>> model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3, activation="relu")])
        >>> profile = model.profile(np.zeros((4, 28, 28, 1)), seconds=0.01)
        >>> [(step.name, step.output_shape, step.forward.flops) for step in profile.steps]
        [('conv2d_relu', (4, 26, 26, 8), 389376)]
        """
        return profiling.profile(self, x, y, sample_weight, seconds)


def _leaves(layer):
    """Return the layers in a layer that hold none themselves, or are no models; each once."""
    found = {}
    if isinstance(layer, Model) and layer._own_weights():
        found[id(layer)] = OwnWeights(layer)
    for part in layer.sublayers:
        if not isinstance(part, Model):
            found[id(part)] = part
        found.update({id(leaf): leaf for leaf in _leaves(part)})
    return list(found.values())


def _once(values):
    """Return values as a list, each object once."""
    return list({id(v): v for v in values}.values())


def _functional(cls):
    """Let `Functional` stand where `Model` stands among the bases of a class, as Keras does; return it."""
    from fastconv.models.functional import Functional  # it is a Model itself

    for base in cls.__bases__:
        if base is not Model and issubclass(base, Model) and not issubclass(base, Functional):
            _functional(base)
    if Model in cls.__bases__:
        cls.__bases__ = tuple(Functional if base is Model else base for base in cls.__bases__)
    return Functional
